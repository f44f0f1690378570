/* SPDX-License-Identifier: MIT */
/*
 * dgram, and socket with udp= and mcast=: a cable to another machine, a frame in each datagram.
 * What the host's socket has no room for waits with the card; what the network loses is lost.
 */
#include <errno.h>
#include <glib-unix.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/machine.h"
#include "net/netdev.h"
#include "net/offload.h"
#include "net/socket.h"
#include "util/error.h"
#include "util/keyval.h"

struct dgram {
    struct net_client client;
    int fd;
    struct net_address to; /* len 0: the socket is connected */
    char *path;            /* ours to remove */
    char *text;
    GSource *reading, *writing;
    uint8_t in[NET_FRAME_MAX];
    size_t in_len;         /* a frame that the card has no room for */
};

static void stop(GSource **source)
{
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
        *source = NULL;
    }
}

static GSource *watch(struct dgram *d, GIOCondition cond, GUnixFDSourceFunc fn)
{
    GSource *source = g_unix_fd_source_new(d->fd, cond);

    g_source_set_callback(source, (GSourceFunc)(void (*)(void))fn, d, NULL);
    g_source_attach(source, d->client.machine->context);
    return source;
}

/* ---- To the card -------------------------------------------------------------------------- */

static bool deliver(struct dgram *d)
{
    struct iovec iov = {d->in, d->in_len};
    struct net_frame f = {.iov = &iov, .niov = 1, .len = d->in_len};

    if (d->in_len && !net_send(&d->client, &f))
        return false;
    d->in_len = 0;
    return true;
}

static gboolean read_cb(gint fd, GIOCondition cond, gpointer arg)
{
    enum { TURN = 64 };
    struct dgram *d = arg;

    machine_lock(d->client.machine);
    for (unsigned i = 0; d->reading && i < TURN; i++) {
        ssize_t n = recv(d->fd, d->in, sizeof(d->in), MSG_DONTWAIT);
        if (n < 0)
            break; /* nothing more, or an old datagram met nobody */
        d->in_len = (size_t)n;
        if (!deliver(d))
            stop(&d->reading);
    }
    machine_unlock(d->client.machine);
    return G_SOURCE_CONTINUE;
}

static void dgram_writable(struct net_client *c)
{
    struct dgram *d = (struct dgram *)c;

    if (deliver(d) && !d->reading)
        d->reading = watch(d, G_IO_IN, read_cb);
}

/* ---- From the card ------------------------------------------------------------------------ */

static gboolean write_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct dgram *d = arg;

    machine_lock(d->client.machine);
    stop(&d->writing);
    net_accept(&d->client);
    machine_unlock(d->client.machine);
    return G_SOURCE_CONTINUE;
}

static bool dgram_receive(struct net_client *c, const struct net_frame *f)
{
    struct dgram *d = (struct dgram *)c;
    struct msghdr msg = {.msg_name = d->to.len ? &d->to.addr : NULL, .msg_namelen = d->to.len,
                         .msg_iov = (struct iovec *)f->iov, .msg_iovlen = f->niov};

    if (sendmsg(d->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
        (errno != EAGAIN && errno != ENOBUFS))
        return true;
    if (!d->writing)
        d->writing = watch(d, G_IO_OUT, write_cb);
    return false;
}

/* ---- Addresses ---------------------------------------------------------------------------- */

bool net_address_inet(struct net_address *a, const char *host, const char *port, GError **err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = host && *host ? 0 : AI_PASSIVE},
                    *list = NULL;
    int r = getaddrinfo(host && *host ? host : NULL, port ? port : "0", &hints, &list);

    if (r)
        return error_set(err, "%s:%s: %s", host ? host : "", port ? port : "", gai_strerror(r));
    memcpy(&a->addr, list->ai_addr, list->ai_addrlen);
    a->len = list->ai_addrlen;
    freeaddrinfo(list);
    return true;
}

static bool address_unix(struct net_address *a, const char *path, GError **err)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&a->addr;

    if (!path || !*path || strlen(path) >= sizeof(un->sun_path))
        return error_set(err, "path=: a path of 1 to %zu bytes", sizeof(un->sun_path) - 1);
    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(un->sun_path, path);
    a->len = sizeof(*un);
    return true;
}

static bool parse(struct net_address *a, int *fd, const struct keyvals *kv, const char *prefix,
                  GError **err)
{
    struct keyvals *own = net_address_keys(kv, prefix, err);
    uint64_t n = UINT64_MAX;
    bool ok = own != NULL;

    if (!ok)
        return false;
    if (keyvals_get(own, "fd")) {
        ok = keyvals_uint(own, "fd", 0, INT32_MAX, &n, err);
        *fd = (int)n;
    } else if (keyvals_get(own, "path")) {
        ok = address_unix(a, keyvals_get(own, "path"), err);
    } else if (!keyvals_get(own, "port")) {
        ok = error_set(err, "%s.port= is missing", prefix);
    } else {
        ok = net_address_inet(a, keyvals_get(own, "host"), keyvals_get(own, "port"), err);
    }
    keyvals_free(own);
    return ok || error_prefix(err, "%s", prefix);
}

/* ---- Making one --------------------------------------------------------------------------- */

static void dgram_describe(struct net_client *c, GString *out)
{
    g_string_append(out, ((struct dgram *)c)->text);
}

static void dgram_free(struct net_client *c)
{
    struct dgram *d = (struct dgram *)c;

    stop(&d->reading);
    stop(&d->writing);
    close(d->fd);
    if (d->path)
        unlink(d->path);
    g_free(d->path);
    g_free(d->text);
}

static const struct net_client_ops dgram_ops = {
    .kind = "dgram",
    .receive = dgram_receive,
    .writable = dgram_writable,
    .describe = dgram_describe,
    .free = dgram_free,
};

struct net_client *net_dgram_start(struct machine *m, const char *id, int fd,
                                   const struct net_address *to, const char *text)
{
    struct dgram *d = net_client_new(m, &dgram_ops, sizeof(*d), id);

    d->fd = fd;
    d->to = *to;
    d->text = g_strdup(text);
    g_unix_set_fd_nonblocking(fd, TRUE, NULL);
    d->reading = watch(d, G_IO_IN, read_cb);
    return &d->client;
}

int net_bind(const struct net_address *a, GError **err)
{
    int family = a->addr.ss_family, on = 1;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&a->addr, a->len) == 0)
        return fd;
    error_set(err, "cannot listen there: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Every member of the group hears what one says, also on this host. */
int net_join(const struct net_address *group, const struct in_addr *from, GError **err)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&group->addr;
    struct ip_mreq req = {.imr_multiaddr = in->sin_addr};
    int fd = net_bind(group, err), on = 1;

    if (from)
        req.imr_interface = *from;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &req, sizeof(req)) == 0 &&
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof(on)) == 0 &&
        (!from || setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, from, sizeof(*from)) == 0))
        return fd;
    error_set(err, "cannot join the group: %s", strerror(errno));
    close(fd);
    return -1;
}

bool net_is_group(const struct net_address *a)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&a->addr;

    return a->addr.ss_family == AF_INET && IN_MULTICAST(ntohl(in->sin_addr.s_addr));
}

/* A group, with the interface's address in `local`; or two addresses of one family. */
static int open_pair(const struct net_address *local, const struct net_address *remote,
                     GError **err)
{
    if (net_is_group(remote)) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&local->addr;
        return net_join(remote, local->len ? &in->sin_addr : NULL, err);
    }
    if (local->len && remote->len && local->addr.ss_family == remote->addr.ss_family) {
        if (local->addr.ss_family == AF_UNIX)
            unlink(((const struct sockaddr_un *)&local->addr)->sun_path);
        return net_bind(local, err);
    }
    error_set(err, "local.* and remote.* of one type are wanted, a group in remote.*, or a "
                   "descriptor in local.str");
    return -1;
}

struct net_client *net_dgram_new(struct machine *m, const char *id, const struct keyvals *kv,
                                 GError **err)
{
    struct net_address local = {.len = 0}, remote = {.len = 0};
    int fd = -1, none = -1;

    if ((keyvals_get(kv, "local.type") && !parse(&local, &fd, kv, "local", err)) ||
        (keyvals_get(kv, "remote.type") && !parse(&remote, &none, kv, "remote", err)))
        return NULL;
    bool passed = fd >= 0;
    if (!passed)
        fd = open_pair(&local, &remote, err);
    if (fd < 0)
        return NULL;
    struct net_client *c = net_dgram_start(m, id, fd, &remote, passed ? "fd" : "dgram");
    if (local.len && local.addr.ss_family == AF_UNIX)
        ((struct dgram *)c)->path = g_strdup(((struct sockaddr_un *)&local.addr)->sun_path);
    return c;
}

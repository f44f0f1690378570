/* SPDX-License-Identifier: MIT */
/*
 * stream, and socket with TCP: a cable to another machine over a byte stream. Each frame follows
 * its length in four bytes, big-endian, as QEMU sends it. A server serves one peer at a time. While
 * nobody is there, frames are lost and the link is down.
 *
 * Sources run on the main loop and take the machine lock.
 */
#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/machine.h"
#include "net/netdev.h"
#include "net/offload.h"
#include "util/error.h"
#include "util/iov.h"
#include "util/keyval.h"
#include "net/socket.h"

enum { PREFIX = 4, OUT_MAX = 256 * 1024, MAX_RECONNECT = 86400 };

struct stream {
    struct net_client client;
    struct sock_where where;
    bool server, own_path;
    uint64_t reconnect; /* seconds; 0: never */
    int listener, fd;   /* -1: none */
    GSource *accepting, *reading, *writing, *retry;
    bool held_up;       /* the card has no room: nothing is read */
    uint8_t in[PREFIX + NET_FRAME_MAX];
    size_t in_len;
    GByteArray *out;    /* what the socket did not take */
    size_t out_pos;
};

static void start_accepting(struct stream *s);
static void start_retry(struct stream *s);
static void start_reading(struct stream *s);

static void stop(GSource **source)
{
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
        *source = NULL;
    }
}

static GSource *watch(struct stream *s, int fd, GIOCondition cond, GUnixFDSourceFunc fn)
{
    GSource *source = g_unix_fd_source_new(fd, cond);

    g_source_set_callback(source, (GSourceFunc)(void (*)(void))fn, s, NULL);
    g_source_attach(source, s->client.machine->context);
    return source;
}

/* ---- Coming and going -------------------------------------------------------------------- */

static void set_link(struct stream *s, bool up)
{
    struct net_client *c = &s->client;

    if (c->link_down == !up)
        return;
    c->link_down = !up;
    if (c->peer && c->peer->ops->link_changed)
        c->peer->ops->link_changed(c->peer);
}

static void disconnect(struct stream *s)
{
    stop(&s->reading);
    stop(&s->writing);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->in_len = 0;
    s->out_pos = 0;
    s->held_up = false;
    g_byte_array_set_size(s->out, 0);
    set_link(s, false);
    net_accept(&s->client); /* what waited for it is lost */
    if (s->listener >= 0)
        start_accepting(s);
    else if (s->reconnect)
        start_retry(s);
}

static void connected(struct stream *s, int fd)
{
    g_unix_set_fd_nonblocking(fd, TRUE, NULL);
    sock_tune(fd, true);
    s->fd = fd;
    set_link(s, true);
    start_reading(s);
}

static gboolean accept_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct stream *s = arg;

    machine_lock(s->client.machine);
    int peer = s->accepting ? accept4(s->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    if (peer >= 0) {
        stop(&s->accepting);
        connected(s, peer);
    }
    machine_unlock(s->client.machine);
    return G_SOURCE_CONTINUE;
}

static void start_accepting(struct stream *s)
{
    if (!s->accepting)
        s->accepting = watch(s, s->listener, G_IO_IN, accept_cb);
}

static gboolean retry_cb(gpointer arg)
{
    struct stream *s = arg;

    machine_lock(s->client.machine);
    stop(&s->retry);
    int fd = sock_connect(&s->where, NULL);
    if (fd >= 0)
        connected(s, fd);
    else
        start_retry(s);
    machine_unlock(s->client.machine);
    return G_SOURCE_REMOVE;
}

static void start_retry(struct stream *s)
{
    s->retry = g_timeout_source_new_seconds((guint)s->reconnect);
    g_source_set_callback(s->retry, retry_cb, s, NULL);
    g_source_attach(s->retry, s->client.machine->context);
}

/* ---- To the card -------------------------------------------------------------------------- */

static uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* All whole frames that are there. False: the peer sends nonsense. */
static bool deliver(struct stream *s)
{
    size_t at = 0;

    while (!s->held_up && s->in_len - at >= PREFIX) {
        uint32_t len = get_be32(s->in + at);
        if (len > NET_FRAME_MAX)
            return false;
        if (s->in_len - at < PREFIX + len)
            break;
        struct iovec iov = {s->in + at + PREFIX, len};
        struct net_frame f = {.iov = &iov, .niov = 1, .len = len};
        if (!net_send(&s->client, &f))
            s->held_up = true;
        else
            at += PREFIX + len;
    }
    memmove(s->in, s->in + at, s->in_len - at);
    s->in_len -= at;
    return true;
}

static void read_some(struct stream *s)
{
    ssize_t n = recv(s->fd, s->in + s->in_len, sizeof(s->in) - s->in_len, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        s->in_len += (size_t)n;
    if (n <= 0 || !deliver(s))
        disconnect(s);
    else if (s->held_up)
        stop(&s->reading);
}

static gboolean read_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct stream *s = arg;

    machine_lock(s->client.machine);
    if (s->reading)
        read_some(s);
    machine_unlock(s->client.machine);
    return G_SOURCE_CONTINUE;
}

static void start_reading(struct stream *s)
{
    if (!s->reading && s->fd >= 0)
        s->reading = watch(s, s->fd, G_IO_IN, read_cb);
}

static void stream_writable(struct net_client *c)
{
    struct stream *s = (struct stream *)c;

    s->held_up = false;
    if (s->fd < 0)
        return;
    if (!deliver(s))
        disconnect(s);
    else if (!s->held_up)
        start_reading(s);
}

/* ---- From the card ------------------------------------------------------------------------ */

static gboolean write_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct stream *s = arg;

    machine_lock(s->client.machine);
    if (s->writing) {
        ssize_t n = send(s->fd, s->out->data + s->out_pos, s->out->len - s->out_pos, MSG_NOSIGNAL);
        if (n > 0)
            s->out_pos += (size_t)n;
        if (s->out_pos == s->out->len) {
            g_byte_array_set_size(s->out, 0);
            s->out_pos = 0;
            stop(&s->writing);
            net_accept(&s->client);
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
            disconnect(s);
        }
    }
    machine_unlock(s->client.machine);
    return G_SOURCE_CONTINUE;
}

/* What is left of a frame that went in part. */
static void keep(struct stream *s, const struct iovec *iov, unsigned n, size_t sent)
{
    guint at = s->out->len, len = (guint)(iov_size(iov, n) - sent);

    g_byte_array_set_size(s->out, at + len);
    iov_read(iov, n, sent, s->out->data + at, len);
    if (!s->writing)
        s->writing = watch(s, s->fd, G_IO_OUT, write_cb);
}

static bool stream_receive(struct net_client *c, const struct net_frame *f)
{
    struct stream *s = (struct stream *)c;
    uint8_t prefix[PREFIX] = {(uint8_t)(f->len >> 24), (uint8_t)(f->len >> 16),
                              (uint8_t)(f->len >> 8), (uint8_t)f->len};
    struct iovec iov[NET_IOV_MAX + 1] = {{prefix, sizeof(prefix)}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = f->niov + 1};
    ssize_t n = 0;

    if (s->fd < 0 || f->niov >= NET_IOV_MAX)
        return true;
    if (s->out->len - s->out_pos > OUT_MAX)
        return false;
    memcpy(iov + 1, f->iov, f->niov * sizeof(*iov));
    if (!s->writing)
        n = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return true; /* the reader will see the end */
    if (n < (ssize_t)(PREFIX + f->len))
        keep(s, iov, f->niov + 1, (size_t)MAX(n, 0));
    return true;
}

/* ---- Making one --------------------------------------------------------------------------- */

static void stream_describe(struct net_client *c, GString *out)
{
    struct stream *s = (struct stream *)c;
    g_autofree char *text = sock_text(&s->where);

    g_string_append_printf(out, "%s%s%s", text, s->server ? ",server=on" : "",
                           s->fd < 0 ? ",disconnected" : "");
}

static void stream_free(struct net_client *c)
{
    struct stream *s = (struct stream *)c;

    stop(&s->accepting);
    stop(&s->reading);
    stop(&s->writing);
    stop(&s->retry);
    if (s->fd >= 0)
        close(s->fd);
    if (s->listener >= 0)
        close(s->listener);
    if (s->own_path)
        unlink(s->where.path);
    sock_where_clear(&s->where);
    g_byte_array_unref(s->out);
}

static const struct net_client_ops stream_ops = {
    .kind = "stream",
    .receive = stream_receive,
    .writable = stream_writable,
    .describe = stream_describe,
    .free = stream_free,
};

static bool listens(int fd)
{
    int on = 0;
    socklen_t len = sizeof(on);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

static bool stream_start(struct stream *s, GError **err)
{
    s->client.link_down = true;
    if (s->server) {
        s->listener = s->where.passed ? s->where.fd : sock_listen(&s->where, err);
        if (s->listener < 0)
            return false;
        s->own_path = s->where.path && !s->where.passed;
        g_unix_set_fd_nonblocking(s->listener, TRUE, NULL);
        start_accepting(s);
        return true;
    }
    int fd = s->where.passed ? s->where.fd : sock_connect(&s->where, s->reconnect ? NULL : err);
    if (fd >= 0)
        connected(s, fd);
    else if (s->reconnect)
        start_retry(s);
    return fd >= 0 || s->reconnect;
}

struct net_client *net_stream_start(struct machine *m, const char *id, struct sock_where *where,
                                    bool server, uint64_t reconnect, GError **err)
{
    struct stream *s = net_client_new(m, &stream_ops, sizeof(*s), id);

    s->where = *where;
    s->server = where->passed ? server || listens(where->fd) : server;
    s->reconnect = reconnect;
    s->listener = s->fd = -1;
    s->out = g_byte_array_new();
    if (stream_start(s, err))
        return &s->client;
    net_client_free(&s->client);
    return NULL;
}

/* addr.type=inet|unix|fd and what belongs to it, as util/sockaddr.h has it. */
struct keyvals *net_address_keys(const struct keyvals *kv, const char *prefix, GError **err)
{
    static const char *const kinds[] = {"inet", "unix", "fd", NULL};
    g_autofree char *key = g_strconcat(prefix, ".type", NULL);
    const char *type = keyvals_get(kv, key);
    struct keyvals *out;

    if (!type || !g_strv_contains(kinds, type)) {
        error_set(err, "%s=%s: inet, unix or fd", key, type ? type : "(missing)");
        return NULL;
    }
    out = keyvals_new();
    for (unsigned i = 0; i < keyvals_count(kv); i++) {
        const struct keyval *k = keyvals_at(kv, i);
        size_t n = strlen(prefix);
        if (strncmp(k->key, prefix, n) || k->key[n] != '.' || !strcmp(k->key + n, ".type"))
            continue;
        keyvals_add(out, !strcmp(k->key + n, ".str") ? "fd" : k->key + n + 1, k->value);
    }
    return out;
}

struct net_client *net_stream_new(struct machine *m, const char *id, const struct keyvals *kv,
                                  GError **err)
{
    struct sock_where where = {.fd = -1};
    bool server = false;
    uint64_t reconnect = 0;
    struct keyvals *addr = net_address_keys(kv, "addr", err);
    bool ok = addr && sock_where_parse(&where, addr, err) &&
              keyvals_bool(kv, "server", &server, err) &&
              keyvals_uint(kv, "reconnect", 0, MAX_RECONNECT, &reconnect, err);

    if (addr)
        keyvals_free(addr);
    if (ok && server && reconnect)
        ok = error_set(err, "reconnect= is for clients, not with server=on");
    if (ok)
        return net_stream_start(m, id, &where, server, reconnect, err);
    sock_where_clear(&where);
    return NULL;
}

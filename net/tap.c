/* SPDX-License-Identifier: MIT */
/*
 * tap: a network interface of the host (Linux, Documentation/networking/tuntap.rst), made by name
 * or passed open. With vnet_hdr every frame has struct virtio_net_hdr before it, in the host's
 * byte order: checksums and large segments go through unfinished, both ways, as far as the card
 * takes them.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/machine.h"
#include "net/netdev.h"
#include "net/offload.h"
#include "util/error.h"
#include "util/keyval.h"
#include "util/parse.h"

enum { MAX_QUEUES = 32, TURN = 64 };
#define DEFAULT_SCRIPT "/etc/qemu-ifup"

struct tap_queue {
    struct tap *tap;
    int fd;
    unsigned index;
    GSource *reading, *writing;
    uint8_t in[sizeof(struct virtio_net_hdr_v1) + NET_FRAME_MAX];
    size_t in_len; /* a frame that the card has no room for */
};

struct tap {
    struct net_client client;
    struct tap_queue *queue[MAX_QUEUES];
    unsigned n;
    bool vnet_hdr;
    char name[IFNAMSIZ];
    char *down_script;
};

static void stop(GSource **source)
{
    if (*source) {
        g_source_destroy(*source);
        g_source_unref(*source);
        *source = NULL;
    }
}

static GSource *watch(struct tap_queue *q, GIOCondition cond, GUnixFDSourceFunc fn)
{
    GSource *source = g_unix_fd_source_new(q->fd, cond);

    g_source_set_callback(source, (GSourceFunc)(void (*)(void))fn, q, NULL);
    g_source_attach(source, q->tap->client.machine->context);
    return source;
}

/* ---- To the card -------------------------------------------------------------------------- */

static bool take_header(const struct virtio_net_hdr *h, struct net_offload *off)
{
    uint8_t type = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;

    *off = (struct net_offload){.checked = h->flags & VIRTIO_NET_HDR_F_DATA_VALID};
    if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        off->todo = NET_CSUM;
        off->csum_start = h->csum_start;
        off->csum_offset = h->csum_offset;
    }
    if (type == VIRTIO_NET_HDR_GSO_NONE)
        return true;
    off->todo |= type == VIRTIO_NET_HDR_GSO_TCPV4 ? NET_TSO4 : NET_TSO6;
    if (h->gso_type & VIRTIO_NET_HDR_GSO_ECN)
        off->todo |= NET_ECN;
    off->hdr_len = h->hdr_len;
    off->gso_size = h->gso_size;
    return type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6;
}

static bool deliver(struct tap_queue *q)
{
    size_t skip = q->tap->vnet_hdr ? sizeof(struct virtio_net_hdr) : 0;
    struct virtio_net_hdr h = {0};
    struct iovec iov = {q->in + skip, q->in_len - skip};
    struct net_frame f = {.iov = &iov, .niov = 1, .len = iov.iov_len, .queue = q->index};

    memcpy(&h, q->in, skip);
    if (take_header(&h, &f.off) && !net_send(&q->tap->client, &f))
        return false;
    q->in_len = 0;
    return true;
}

static gboolean read_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct tap_queue *q = arg;
    size_t skip = q->tap->vnet_hdr ? sizeof(struct virtio_net_hdr) : 0;

    machine_lock(q->tap->client.machine);
    for (unsigned i = 0; q->reading && i < TURN; i++) {
        ssize_t n = read(q->fd, q->in, sizeof(q->in));
        if (n <= (ssize_t)skip)
            break;
        q->in_len = (size_t)n;
        if (!deliver(q))
            stop(&q->reading);
    }
    machine_unlock(q->tap->client.machine);
    return G_SOURCE_CONTINUE;
}

static void tap_writable(struct net_client *c)
{
    struct tap *t = (struct tap *)c;

    for (unsigned i = 0; i < t->n; i++) {
        struct tap_queue *q = t->queue[i];
        if (!q->reading && (!q->in_len || deliver(q)))
            q->reading = watch(q, G_IO_IN, read_cb);
    }
}

/* ---- From the card ------------------------------------------------------------------------ */

static gboolean write_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct tap_queue *q = arg;

    machine_lock(q->tap->client.machine);
    stop(&q->writing);
    net_accept(&q->tap->client);
    machine_unlock(q->tap->client.machine);
    return G_SOURCE_CONTINUE;
}

static void make_header(const struct net_offload *off, struct virtio_net_hdr *h)
{
    *h = (struct virtio_net_hdr){.gso_type = VIRTIO_NET_HDR_GSO_NONE};
    if (off->todo & NET_CSUM) {
        h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h->csum_start = off->csum_start;
        h->csum_offset = off->csum_offset;
    }
    if (!(off->todo & (NET_TSO4 | NET_TSO6)))
        return;
    h->gso_type = off->todo & NET_TSO4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    if (off->todo & NET_ECN)
        h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    h->hdr_len = off->hdr_len;
    h->gso_size = off->gso_size;
}

static bool tap_receive(struct net_client *c, const struct net_frame *f)
{
    struct tap *t = (struct tap *)c;
    struct tap_queue *q = t->queue[f->queue % t->n];
    struct iovec iov[NET_IOV_MAX + 1];
    struct virtio_net_hdr h;
    unsigned n = 0;

    if (f->niov >= NET_IOV_MAX)
        return true;
    make_header(&f->off, &h);
    if (t->vnet_hdr)
        iov[n++] = (struct iovec){&h, sizeof(h)};
    memcpy(iov + n, f->iov, f->niov * sizeof(*iov));
    if (writev(q->fd, iov, (int)(n + f->niov)) >= 0 || (errno != EAGAIN && errno != ENOBUFS))
        return true;
    if (!q->writing)
        q->writing = watch(q, G_IO_OUT, write_cb);
    return false;
}

/* The host leaves undone what the card takes so. */
static void tap_link_changed(struct net_client *c)
{
    struct tap *t = (struct tap *)c;
    uint8_t takes = c->peer ? c->peer->takes : 0;
    unsigned flags = 0;

    if (takes & NET_CSUM)
        flags = TUN_F_CSUM | (takes & NET_TSO4 ? TUN_F_TSO4 : 0) |
                (takes & NET_TSO6 ? TUN_F_TSO6 : 0) | (takes & NET_ECN ? TUN_F_TSO_ECN : 0);
    for (unsigned i = 0; t->vnet_hdr && i < t->n; i++)
        ioctl(t->queue[i]->fd, TUNSETOFFLOAD, flags);
}

/* ---- Scripts ------------------------------------------------------------------------------ */

static bool run_script(const char *script, const char *name, GError **err)
{
    char *argv[] = {(char *)script, (char *)name, NULL};
    g_autoptr(GError) why = NULL;
    int status = 0;

    if (g_spawn_sync(NULL, argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL,
                     &status, &why) &&
        g_spawn_check_wait_status(status, &why))
        return true;
    return error_set(err, "script %s: %s (script=no: none is run)", script, why->message);
}

/* ---- Making one --------------------------------------------------------------------------- */

static void tap_describe(struct net_client *c, GString *out)
{
    struct tap *t = (struct tap *)c;

    g_string_append_printf(out, "ifname=%s,queues=%u,vnet_hdr=%s", t->name, t->n,
                           t->vnet_hdr ? "on" : "off");
}

static void tap_free(struct net_client *c)
{
    struct tap *t = (struct tap *)c;

    if (t->down_script)
        run_script(t->down_script, t->name, NULL);
    g_free(t->down_script);
    for (unsigned i = 0; i < t->n; i++) {
        stop(&t->queue[i]->reading);
        stop(&t->queue[i]->writing);
        close(t->queue[i]->fd);
        g_free(t->queue[i]);
    }
}

static const struct net_client_ops tap_ops = {
    .kind = "tap",
    .receive = tap_receive,
    .writable = tap_writable,
    .link_changed = tap_link_changed,
    .describe = tap_describe,
    .free = tap_free,
};

static void add_queue(struct tap *t, int fd)
{
    struct tap_queue *q = g_new0(struct tap_queue, 1);

    *q = (struct tap_queue){.tap = t, .fd = fd, .index = t->n};
    t->queue[t->n++] = q;
    g_unix_set_fd_nonblocking(fd, TRUE, NULL);
    q->reading = watch(q, G_IO_IN, read_cb);
}

static bool open_queue(struct tap *t, const char *name, bool several, GError **err)
{
    struct ifreq ifr = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI |
                                             (t->vnet_hdr ? IFF_VNET_HDR : 0) |
                                             (several ? IFF_MULTI_QUEUE : 0))};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    g_strlcpy(ifr.ifr_name, name, sizeof(ifr.ifr_name));
    if (fd < 0)
        return error_set(err, "/dev/net/tun: %s; a tap needs permission: pass it open as fd=, or "
                              "use -netdev user", strerror(errno));
    if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
        error_set(err, "ifname=%s: %s", name, strerror(errno));
        close(fd);
        return false;
    }
    g_strlcpy(t->name, ifr.ifr_name, sizeof(t->name));
    add_queue(t, fd);
    return true;
}

static bool open_named(struct tap *t, const struct keyvals *kv, GError **err)
{
    const char *name = keyvals_get(kv, "ifname"), *up = keyvals_get(kv, "script");
    const char *down = keyvals_get(kv, "downscript");
    uint64_t queues = 1;

    if (!keyvals_uint(kv, "queues", 1, MAX_QUEUES, &queues, err))
        return false;
    if (name && strlen(name) >= IFNAMSIZ)
        return error_set(err, "ifname=%s: a name has at most %d letters", name, IFNAMSIZ - 1);
    for (uint64_t i = 0; i < queues; i++)
        if (!open_queue(t, i ? t->name : name ? name : "tap%d", queues > 1, err))
            return false;
    if (!up && g_file_test(DEFAULT_SCRIPT, G_FILE_TEST_IS_EXECUTABLE))
        up = DEFAULT_SCRIPT;
    if (up && strcmp(up, "no") && !run_script(up, t->name, err))
        return false;
    if (down && strcmp(down, "no"))
        t->down_script = g_strdup(down);
    return true;
}

/* What a passed descriptor is decides about headers. */
static bool take_passed(struct tap *t, const char *list, GError **err)
{
    g_auto(GStrv) part = g_strsplit(list, ":", MAX_QUEUES + 1);
    struct ifreq ifr;
    int size = sizeof(struct virtio_net_hdr);
    uint64_t fd;

    for (unsigned i = 0; part[i]; i++) {
        if (i == MAX_QUEUES || !parse_uint(part[i], 0, INT32_MAX, &fd, err))
            return error_prefix(err, "fds");
        if (ioctl((int)fd, TUNGETIFF, &ifr) < 0)
            return error_set(err, "fd=%s is not an open tap", part[i]);
        t->vnet_hdr = ifr.ifr_flags & IFF_VNET_HDR;
        g_strlcpy(t->name, ifr.ifr_name, sizeof(t->name));
        if (t->vnet_hdr)
            ioctl((int)fd, TUNSETVNETHDRSZ, &size);
        add_queue(t, (int)fd);
    }
    return t->n > 0 || error_set(err, "fds= is empty");
}

static bool check_keys(const struct keyvals *kv, bool passed, GError **err)
{
    static const char *const unused[] = {"ifname", "script", "downscript", "queues", NULL};
    static const char *const absent[] = {"br", "helper", "vhostfd", "vhostfds", "poll-us", "sndbuf",
                                         NULL};
    bool vhost = false, force = false;

    for (unsigned i = 0; absent[i]; i++)
        if (keyvals_get(kv, absent[i]))
            return error_set(err, "%s= is not offered; make the tap beforehand and name it with "
                                  "ifname= or fd=", absent[i]);
    for (unsigned i = 0; passed && unused[i]; i++)
        if (keyvals_get(kv, unused[i]))
            return error_set(err, "%s= is not for a tap that is passed open", unused[i]);
    if (!keyvals_bool(kv, "vhost", &vhost, err) || !keyvals_bool(kv, "vhostforce", &force, err))
        return false;
    return !(vhost || force) || error_set(err, "vhost=on is not offered; leave it off");
}

struct net_client *net_tap_new(struct machine *m, const char *id, const struct keyvals *kv,
                               GError **err)
{
    const char *one = keyvals_get(kv, "fd"), *several = keyvals_get(kv, "fds");
    bool vnet_hdr = true;

    if (!check_keys(kv, one || several, err) || !keyvals_bool(kv, "vnet_hdr", &vnet_hdr, err))
        return NULL;
    struct tap *t = net_client_new(m, &tap_ops, sizeof(*t), id);
    t->vnet_hdr = vnet_hdr;
    if (one || several ? take_passed(t, one ? one : several, err) : open_named(t, kv, err)) {
        t->client.queues = t->n;
        t->client.takes = t->vnet_hdr ? NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN : 0;
        tap_link_changed(&t->client);
        return &t->client;
    }
    net_client_free(&t->client);
    return NULL;
}

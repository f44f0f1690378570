/* SPDX-License-Identifier: MIT */
/*
 * The nbd node: a disk on a network block device server, through libnbd.
 *
 * Names: nbd:HOST:PORT[:exportname=NAME], nbd:unix:PATH[:exportname=NAME], nbd://HOST[:PORT]/NAME,
 * nbd+unix:///NAME?socket=PATH. Options: filename, or server.type=inet|unix with server.host and
 * server.port or server.path, and export; open-timeout (seconds, 30). Not here: TLS, and
 * connecting again after the connection has broken, when every request fails with ENOTCONN.
 *
 * libnbd's handle is driven by its socket: an epoll set with it, and with a timer while the
 * connection is made, is the fd that the engine watches. All under the machine lock.
 */
#include <errno.h>
#include <libnbd.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "block/engine.h"
#include "block/node.h"
#include "block/opts.h"
#include "util/error.h"
#include "util/parse.h"

enum { PIECE_MAX = 32 << 20, /* what every server takes in one request */
       SECTOR = 512,
       DEFAULT_TIMEOUT_S = 30 };

struct nbd {
    struct aio aio; /* what the engine watches */
    struct nbd_handle *h;
    int epoll;
    int fd;           /* the socket in it, or -1 */
    uint32_t events;  /* it waits for */
    int timer;        /* -1 once connected */
    bool timed_out;
    struct co *opener; /* waits for the connection */
};

/* Requests of one read, write ... of the node. */
struct command {
    struct nbd *nbd;
    unsigned left; /* pieces under way, and one while more are made */
    int error;
    struct co *waiting;
};

/* ---- The socket --------------------------------------------------------------------------- */

static bool settled(const struct nbd *b)
{
    return nbd_aio_is_ready(b->h) || nbd_aio_is_processing(b->h) || nbd_aio_is_dead(b->h) ||
           nbd_aio_is_closed(b->h);
}

/* Wait for what libnbd wants next; the socket changes while addresses are tried. */
static void watch(struct nbd *b)
{
    bool over = nbd_aio_is_dead(b->h) || nbd_aio_is_closed(b->h);
    int fd = over ? -1 : nbd_aio_get_fd(b->h);
    unsigned dir = over ? 0 : nbd_aio_get_direction(b->h);
    struct epoll_event ev = {
        .events = (dir & LIBNBD_AIO_DIRECTION_READ ? EPOLLIN : 0) |
                  (dir & LIBNBD_AIO_DIRECTION_WRITE ? EPOLLOUT : 0),
        .data.fd = fd,
    };

    if (fd == b->fd && ev.events == b->events)
        return;
    if (b->fd >= 0 && b->fd != fd)
        epoll_ctl(b->epoll, EPOLL_CTL_DEL, b->fd, NULL); /* closed by now, most often */
    if (fd >= 0 && epoll_ctl(b->epoll, EPOLL_CTL_MOD, fd, &ev) < 0)
        epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &ev);
    b->fd = fd;
    b->events = ev.events;
}

static void handle(struct nbd *b, const struct epoll_event *ev)
{
    if (ev->data.fd == b->timer) {
        b->timed_out = true;
        return;
    }
    if (ev->events & (EPOLLIN | EPOLLHUP | EPOLLERR) &&
        nbd_aio_get_direction(b->h) & LIBNBD_AIO_DIRECTION_READ)
        nbd_aio_notify_read(b->h);
    else
        nbd_aio_notify_write(b->h);
}

static bool nbd_reap(struct aio *a)
{
    struct nbd *b = (struct nbd *)a;
    struct epoll_event ev[2];
    int n = epoll_wait(b->epoll, ev, 2, 0);

    for (int i = 0; i < n; i++)
        handle(b, &ev[i]);
    watch(b);
    if (b->opener && (b->timed_out || settled(b))) {
        co_ready(a->sched, b->opener);
        b->opener = NULL;
    }
    return n > 0;
}

static void nbd_flush_aio(struct aio *a)
{
}

static int nbd_fd(struct aio *a)
{
    return ((struct nbd *)a)->epoll;
}

static const struct aio_ops nbd_aio = {
    .name = "nbd", .flush = nbd_flush_aio, .reap = nbd_reap, .fd = nbd_fd};

/* ---- Opening ------------------------------------------------------------------------------ */

struct address {
    char *host, *port, *path, *export;
};

static void address_free(struct address *a)
{
    g_free(a->host);
    g_free(a->port);
    g_free(a->path);
    g_free(a->export);
}

static bool nbd_claims(const char *name)
{
    return g_str_has_prefix(name, "nbd:") || g_str_has_prefix(name, "nbd+unix:") ||
           g_str_has_prefix(name, "nbds:") || g_str_has_prefix(name, "nbds+unix:");
}

/* nbd:HOST:PORT[:exportname=NAME], nbd:unix:PATH[...] */
static bool parse_plain(const char *text, struct address *a, GError **err)
{
    const char *mark = strstr(text, ":exportname=");
    g_autofree char *where = mark ? g_strndup(text, (size_t)(mark - text)) : g_strdup(text);

    a->export = g_strdup(mark ? mark + strlen(":exportname=") : "");
    if (g_str_has_prefix(where, "unix:")) {
        a->path = g_strdup(where + 5);
        return true;
    }
    char *colon = strrchr(where, ':');
    if (!colon || colon == where || !colon[1])
        return error_set(err, "'nbd:%s': nbd:HOST:PORT or nbd:unix:PATH is wanted", text);
    *colon = '\0';
    size_t len = strlen(where);
    bool brackets = where[0] == '[' && where[len - 1] == ']';
    a->host = brackets ? g_strndup(where + 1, len - 2) : g_strdup(where);
    a->port = g_strdup(colon + 1);
    return true;
}

static bool parse_uri(const char *text, struct address *a, GError **err)
{
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, err);
    bool local = g_str_has_prefix(text, "nbd+unix:");

    if (!uri)
        return error_prefix(err, "'%s'", text);
    const char *path = g_uri_get_path(uri), *query = g_uri_get_query(uri);
    a->export = g_strdup(*path == '/' ? path + 1 : path);
    if (local) {
        if (!query || !g_str_has_prefix(query, "socket="))
            return error_set(err, "'%s': nbd+unix:///NAME?socket=PATH is wanted", text);
        a->path = g_strdup(query + strlen("socket="));
        return true;
    }
    const char *host = g_uri_get_host(uri);
    if (!host || !*host)
        return error_set(err, "'%s' names no host", text);
    a->host = g_strdup(host);
    a->port = g_strdup_printf("%d", g_uri_get_port(uri) < 0 ? 10809 : g_uri_get_port(uri));
    return true;
}

static bool parse_name(const char *name, struct address *a, GError **err)
{
    if (g_str_has_prefix(name, "nbds"))
        return error_set(err, "'%s': there is no TLS here; use nbd: on a trusted host or through "
                              "a tunnel", name);
    if (g_str_has_prefix(name, "nbd:") && !g_str_has_prefix(name, "nbd://"))
        return parse_plain(name + 4, a, err);
    return parse_uri(name, a, err);
}

static bool parse_server(struct blkopts *o, struct address *a, GError **err)
{
    const char *type = blkopts_get(o, "server.type");
    const char *host = blkopts_get(o, "server.host"), *port = blkopts_get(o, "server.port");
    const char *path = blkopts_get(o, "server.path"), *export = blkopts_get(o, "export");

    a->export = g_strdup(export ? export : "");
    a->host = g_strdup(host);
    a->port = g_strdup(port);
    a->path = g_strdup(path);
    if (type && strcmp(type, "unix") && strcmp(type, "inet"))
        return error_set(err, "server.type=%s: unix or inet is wanted", type);
    if (path ? host || port : !host || !port)
        return error_set(err, "nbd wants filename=nbd:..., or server.host and server.port, or "
                              "server.path");
    return true;
}

static void set_filename(struct node *n, const struct address *a)
{
    if (a->path)
        n->filename = g_strdup_printf("nbd+unix:///%s?socket=%s", a->export, a->path);
    else
        n->filename = g_strdup_printf("nbd://%s:%s/%s", a->host, a->port, a->export);
}

/* The socket, and how long to wait for it. */
static bool make_waiting(struct nbd *b, uint64_t seconds, GError **err)
{
    struct itimerspec when = {.it_value.tv_sec = (time_t)seconds};
    struct epoll_event ev = {.events = EPOLLIN};

    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    b->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    ev.data.fd = b->timer;
    if (b->epoll < 0 || b->timer < 0 || timerfd_settime(b->timer, 0, &when, NULL) < 0 ||
        epoll_ctl(b->epoll, EPOLL_CTL_ADD, b->timer, &ev) < 0)
        return error_set(err, "nbd: %s", g_strerror(errno));
    return true;
}

static bool start_connecting(struct nbd *b, const struct address *a)
{
    if (nbd_set_export_name(b->h, a->export) < 0)
        return false;
    return (a->path ? nbd_aio_connect_unix(b->h, a->path)
                    : nbd_aio_connect_tcp(b->h, a->host, a->port)) == 0;
}

static bool connect_to(struct node *n, struct nbd *b, const struct address *a, uint64_t seconds,
                       GError **err)
{
    b->h = nbd_create();
    if (!b->h || !start_connecting(b, a))
        return error_set(err, "'%s': %s", n->filename, nbd_get_error());
    watch(b);
    while (!b->timed_out && !settled(b)) {
        b->opener = co_self(b->aio.sched);
        b->aio.in_flight++;
        co_yield(b->aio.sched);
        b->aio.in_flight--;
    }
    if (nbd_aio_is_ready(b->h))
        return true;
    return error_set(err, "'%s': %s", n->filename,
                     b->timed_out ? "the server does not answer (open-timeout=SECONDS)"
                                  : "no connection; is there a server with that export?");
}

static bool look_at_export(struct node *n, struct nbd *b, GError **err)
{
    int64_t size = nbd_get_size(b->h), least = nbd_get_block_size(b->h, LIBNBD_SIZE_MINIMUM);

    if (size < 0)
        return error_set(err, "'%s': %s", n->filename, nbd_get_error());
    if (least > SECTOR)
        return error_set(err, "'%s': the server wants requests of %d bytes at least; 512 is the "
                              "most that works here", n->filename, (int)least);
    n->size = (uint64_t)size;
    if (nbd_is_read_only(b->h) <= 0 || n->flags.read_only)
        return true;
    if (!n->flags.auto_read_only)
        return error_set(err, "'%s': the export is read-only (readonly=on)", n->filename);
    n->flags.read_only = true;
    return true;
}

static bool nbd_open_at(struct node *n, struct blkopts *o, struct address *a, GError **err)
{
    struct nbd *b = n->opaque;
    const char *name = blkopts_get(o, "filename"), *limit = blkopts_get(o, "open-timeout");
    uint64_t seconds = DEFAULT_TIMEOUT_S;

    if (limit && !parse_uint(limit, 1, 3600, &seconds, err))
        return error_prefix(err, "open-timeout");
    if (!(name ? parse_name(name, a, err) : parse_server(o, a, err)))
        return false;
    set_filename(n, a);
    if (!make_waiting(b, seconds, err) || !block_add_aio(n->block, &b->aio, err) ||
        !connect_to(n, b, a, seconds, err))
        return false;
    close(b->timer);
    b->timer = -1;
    return look_at_export(n, b, err);
}

static bool nbd_node_open(struct node *n, struct blkopts *o, GError **err)
{
    struct nbd *b = n->opaque;
    struct address a = {0};

    *b = (struct nbd){.aio = {.ops = &nbd_aio, .sched = node_sched(n)},
                      .epoll = -1, .fd = -1, .timer = -1};
    bool ok = nbd_open_at(n, o, &a, err);
    address_free(&a);
    return ok;
}

static void nbd_node_close(struct node *n)
{
    struct nbd *b = n->opaque;

    if (b->h && nbd_aio_is_ready(b->h))
        nbd_aio_disconnect(b->h, 0);
    block_remove_aio(n->block, &b->aio);
    nbd_close(b->h);
    if (b->timer >= 0)
        close(b->timer);
    if (b->epoll >= 0)
        close(b->epoll);
}

/* ---- Requests ----------------------------------------------------------------------------- */

static void command_begin(struct command *c, struct node *n)
{
    *c = (struct command){.nbd = n->opaque, .left = 1};
}

/* Called by libnbd, also from within the call that makes the request. */
static int piece_done(void *arg, int *error)
{
    struct command *c = arg;

    if (*error && !c->error)
        c->error = -*error;
    if (--c->left == 0 && c->waiting)
        co_ready(c->nbd->aio.sched, c->waiting);
    return 1; /* libnbd forgets the request */
}

static nbd_completion_callback piece(struct command *c)
{
    c->left++;
    return (nbd_completion_callback){.callback = piece_done, .user_data = c};
}

/* A request that could not even be made calls nobody. */
static void made(struct command *c, int64_t cookie)
{
    if (cookie >= 0)
        return;
    c->left--;
    if (!c->error)
        c->error = nbd_get_errno() ? -nbd_get_errno() : -EIO;
}

static int command_end(struct command *c)
{
    struct nbd *b = c->nbd;

    watch(b);
    if (--c->left) {
        c->waiting = co_self(b->aio.sched);
        b->aio.in_flight++;
        co_yield(b->aio.sched);
        b->aio.in_flight--;
    }
    return c->error;
}

static int transfer(struct node *n, uint64_t off, const struct iovec *iov, unsigned niov,
                    bool write)
{
    struct nbd *b = n->opaque;
    struct command c;

    command_begin(&c, n);
    for (unsigned i = 0; i < niov && !c.error; i++) {
        uint8_t *p = iov[i].iov_base;
        for (size_t left = iov[i].iov_len, len; left && !c.error; left -= len, p += len) {
            len = MIN(left, PIECE_MAX);
            made(&c, write ? nbd_aio_pwrite(b->h, p, len, off, piece(&c), 0)
                           : nbd_aio_pread(b->h, p, len, off, piece(&c), 0));
            off += len;
        }
    }
    return command_end(&c);
}

static int nbd_node_read(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov,
                         unsigned niov)
{
    g_autofree struct iovec *cut = g_new(struct iovec, niov);
    uint64_t left = off < n->size ? MIN(len, n->size - off) : 0;
    unsigned used = 0;

    for (unsigned i = 0; i < niov; i++) {
        size_t there = MIN(left, iov[i].iov_len);
        memset((uint8_t *)iov[i].iov_base + there, 0, iov[i].iov_len - there);
        if (there)
            cut[used++] = (struct iovec){iov[i].iov_base, there};
        left -= there;
    }
    return transfer(n, off, cut, used, false);
}

static int nbd_node_write(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov,
                          unsigned niov)
{
    return off > n->size || len > n->size - off ? -ENOSPC : transfer(n, off, iov, niov, true);
}

static int nbd_node_flush(struct node *n)
{
    struct nbd *b = n->opaque;
    struct command c;

    if (n->flags.no_flush || n->flags.read_only || nbd_can_flush(b->h) == 0)
        return 0;
    command_begin(&c, n);
    made(&c, nbd_aio_flush(b->h, piece(&c), 0));
    return command_end(&c);
}

static int nbd_node_discard(struct node *n, uint64_t off, uint64_t len)
{
    struct nbd *b = n->opaque;
    struct command c;

    if (nbd_can_trim(b->h) <= 0 || off >= n->size)
        return 0;
    command_begin(&c, n);
    for (uint64_t left = MIN(len, n->size - off), step; left && !c.error; left -= step) {
        step = MIN(left, PIECE_MAX);
        made(&c, nbd_aio_trim(b->h, step, off, piece(&c), 0));
        off += step;
    }
    return command_end(&c);
}

static int nbd_node_zero(struct node *n, uint64_t off, uint64_t len, unsigned flags)
{
    struct nbd *b = n->opaque;
    uint32_t how = flags & BLK_MAY_UNMAP ? 0 : LIBNBD_CMD_FLAG_NO_HOLE;
    struct command c;

    if (nbd_can_zero(b->h) <= 0)
        return -ENOTSUP;
    if (off > n->size || len > n->size - off)
        return -ENOSPC;
    command_begin(&c, n);
    for (uint64_t left = len, step; left && !c.error; left -= step) {
        step = MIN(left, PIECE_MAX);
        made(&c, nbd_aio_zero(b->h, step, off, piece(&c), how));
        off += step;
    }
    return command_end(&c);
}

const struct node_driver nbd_driver = {
    .name = "nbd",
    .protocol = true,
    .claims = nbd_claims,
    .size = sizeof(struct nbd),
    .open = nbd_node_open,
    .close = nbd_node_close,
    .read = nbd_node_read,
    .write = nbd_node_write,
    .flush = nbd_node_flush,
    .discard = nbd_node_discard,
    .zero = nbd_node_zero,
};

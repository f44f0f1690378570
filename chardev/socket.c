/* SPDX-License-Identifier: MIT */
/*
 * socket: unix or TCP, server or client, or a descriptor that was passed (fd=N).
 *
 * A server serves one client at a time; the next waits in the backlog, or is told that somebody
 * is there and sent away (chr_set_busy()). What the guest writes
 * while nobody is connected is lost. A client whose connection ends tries again every
 * reconnect=N seconds, if that was asked for.
 */
#define _GNU_SOURCE
#include "chardev/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/sockaddr.h"
#include "core/machine.h"
#include "util/error.h"

#define AWAY_MS 3000

struct socket_chr {
    struct chardev chr;
    struct chr_stream s;
    struct sock_where where;
    bool server, nodelay;
    uint64_t reconnect; /* seconds; 0: never */
    int listener;       /* -1: none */
    GSource *accepting, *retry;
    int away;           /* a client that is being sent away, or -1 */
    bool away_told;
    GSource *away_reading, *away_timer;
    GBytes *busy;       /* for whoever comes while somebody is there; NULL: they wait */
};

static void start_accepting(struct socket_chr *c);
static void start_retry(struct socket_chr *c);

static void disconnected(struct chr_stream *s)
{
    struct socket_chr *c = (struct socket_chr *)s->chr;
    bool refused = s->refused;
    stream_close(s);
    chr_set_open(&c->chr, false);
    if (refused)
        chr_tell_writable(&c->chr);
    if (c->listener >= 0 && c->away < 0)
        start_accepting(c);
    else if (c->listener < 0 && c->reconnect)
        start_retry(c);
}

static void connected(struct socket_chr *c, int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    sock_tune(fd, c->nodelay);
    stream_open(&c->s, &c->chr, fd, fd, disconnected);
    chr_set_open(&c->chr, true);
    if (stream_is_open(&c->s))
        stream_accept_input(&c->s);
}

/* ---- Server ---------------------------------------------------------------------------------- */

/* One more client, who is told that there is one. It hears that once it has said something, and the
 * connection stays until it hangs up: closed with bytes unread, our answer might never arrive. */
static void away_end(struct socket_chr *c)
{
    if (c->away < 0)
        return;
    chr_unwatch(&c->away_reading);
    chr_unwatch(&c->away_timer);
    close(c->away);
    c->away = -1;
    start_accepting(c);
}

static gboolean away_late(gpointer arg)
{
    struct socket_chr *c = arg;
    machine_lock(c->chr.machine);
    away_end(c);
    machine_unlock(c->chr.machine);
    return G_SOURCE_REMOVE;
}

static gboolean away_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct socket_chr *c = arg;
    char unread[4096];
    machine_lock(c->chr.machine);
    if (c->away == fd) {
        ssize_t n = recv(fd, unread, sizeof(unread), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            away_end(c);
        } else if (n > 0 && !c->away_told) {
            gsize len;
            const void *text = g_bytes_get_data(c->busy, &len);
            send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
            shutdown(fd, SHUT_WR);
            c->away_told = true;
        }
    }
    machine_unlock(c->chr.machine);
    return G_SOURCE_CONTINUE;
}

static void send_away(struct socket_chr *c, int client)
{
    chr_unwatch(&c->accepting); /* one at a time */
    c->away = client;
    c->away_told = false;
    c->away_reading = chr_watch_fd(c->chr.machine, client, G_IO_IN | G_IO_HUP | G_IO_ERR, away_cb,
                                   c);
    c->away_timer = g_timeout_source_new(AWAY_MS);
    g_source_set_callback(c->away_timer, away_late, c, NULL);
    g_source_attach(c->away_timer, c->chr.machine->context);
}

static gboolean accept_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct socket_chr *c = arg;
    machine_lock(c->chr.machine);
    int client = c->accepting ? accept4(c->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    if (client >= 0 && c->chr.open) {
        send_away(c, client);
    } else if (client >= 0 && c->busy) {
        connected(c, client);
    } else if (client >= 0) {
        chr_unwatch(&c->accepting);
        connected(c, client);
    }
    machine_unlock(c->chr.machine);
    return G_SOURCE_CONTINUE;
}

static void start_accepting(struct socket_chr *c)
{
    if (!c->accepting)
        c->accepting = chr_watch_fd(c->chr.machine, c->listener, G_IO_IN, accept_cb, c);
}

/* wait=on: the machine does not start before somebody is there. */
static bool wait_for_client(struct socket_chr *c, GError **err)
{
    g_autofree char *text = sock_text(&c->where);
    fprintf(stderr, "hostel: waiting for a connection on %s\n", text);
    struct pollfd p = {.fd = c->listener, .events = POLLIN};
    int fd;
    do {
        while (poll(&p, 1, -1) < 0 && errno == EINTR)
            ;
        fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
    } while (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED));
    if (fd < 0)
        return error_set(err, "%s: cannot accept a connection: %s", text, strerror(errno));
    connected(c, fd);
    return true;
}

/* ---- Client ---------------------------------------------------------------------------------- */

static gboolean retry_cb(gpointer arg)
{
    struct socket_chr *c = arg;
    machine_lock(c->chr.machine);
    chr_unwatch(&c->retry);
    g_autoptr(GError) err = NULL;
    int fd = sock_connect(&c->where, &err);
    if (fd >= 0)
        connected(c, fd);
    else
        start_retry(c);
    machine_unlock(c->chr.machine);
    return G_SOURCE_REMOVE;
}

static void start_retry(struct socket_chr *c)
{
    c->retry = g_timeout_source_new((guint)MIN(c->reconnect * 1000, G_MAXINT));
    g_source_set_callback(c->retry, retry_cb, c, NULL);
    g_source_attach(c->retry, c->chr.machine->context);
}

/* ---- The chardev ----------------------------------------------------------------------------- */

static size_t socket_write(struct chardev *chr, const void *buf, size_t len)
{
    struct socket_chr *c = (struct socket_chr *)chr;
    return stream_is_open(&c->s) ? stream_write(&c->s, buf, len) : len;
}

static void socket_accept_input(struct chardev *chr)
{
    stream_accept_input(&((struct socket_chr *)chr)->s);
}

static void socket_free(struct chardev *chr)
{
    struct socket_chr *c = (struct socket_chr *)chr;
    away_end(c);
    chr_unwatch(&c->accepting);
    chr_unwatch(&c->retry);
    stream_close(&c->s);
    if (c->listener >= 0) {
        close(c->listener);
        if (c->where.path && !c->where.passed)
            unlink(c->where.path);
    }
    sock_where_clear(&c->where);
    g_clear_pointer(&c->busy, g_bytes_unref);
}

static void socket_set_busy(struct chardev *chr, const void *text, size_t len)
{
    struct socket_chr *c = (struct socket_chr *)chr;
    g_clear_pointer(&c->busy, g_bytes_unref);
    c->busy = g_bytes_new(text, len);
    if (c->listener >= 0)
        start_accepting(c);
}

static void socket_describe(struct chardev *chr, GString *out)
{
    struct socket_chr *c = (struct socket_chr *)chr;
    g_autofree char *text = sock_text(&c->where);
    g_string_append_printf(out, "%s%s%s", chr->open ? "" : "disconnected:", text,
                           c->server ? ",server=on" : "");
}

/* Reading finds the end of it, also when it waits for the other end to read. */
static void socket_yank(struct chardev *chr)
{
    struct socket_chr *c = (struct socket_chr *)chr;
    if (stream_is_open(&c->s))
        shutdown(c->s.rfd, SHUT_RDWR);
}

static bool socket_add_client(struct chardev *chr, int fd)
{
    struct socket_chr *c = (struct socket_chr *)chr;
    if (stream_is_open(&c->s))
        return false;
    chr_unwatch(&c->accepting);
    chr_unwatch(&c->retry);
    connected(c, fd);
    return true;
}

static int socket_take_fd(struct chardev *chr)
{
    struct socket_chr *c = (struct socket_chr *)chr;
    return stream_is_open(&c->s) ? stream_take_fd(&c->s) : -1;
}

static const struct chardev_ops socket_ops = {.name = "socket",
                                              .write = socket_write,
                                              .accept_input = socket_accept_input,
                                              .free = socket_free,
                                              .describe = socket_describe,
                                              .yank = socket_yank,
                                              .add_client = socket_add_client,
                                              .take_fd = socket_take_fd,
                                              .set_busy = socket_set_busy};

static bool start_server(struct socket_chr *c, bool wait, GError **err)
{
    c->listener = c->where.passed ? c->where.fd : sock_listen(&c->where, err);
    if (c->listener < 0)
        return false;
    fcntl(c->listener, F_SETFL, fcntl(c->listener, F_GETFL) | O_NONBLOCK);
    if (wait)
        return wait_for_client(c, err);
    start_accepting(c);
    return true;
}

static bool start_client(struct socket_chr *c, GError **err)
{
    if (c->where.passed) {
        connected(c, c->where.fd);
        return true;
    }
    int fd = sock_connect(&c->where, c->reconnect ? NULL : err);
    if (fd >= 0)
        connected(c, fd);
    else if (c->reconnect)
        start_retry(c);
    return fd >= 0 || c->reconnect;
}

static bool is_listening(int fd)
{
    int on = 0;
    socklen_t len = sizeof(on);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

struct chardev *chardev_make_socket(struct machine *m, const char *id, const struct keyvals *kv,
                                    GError **err)
{
    bool server = false, wait = true, nowait = false, nodelay = true;
    uint64_t reconnect = 0;
    struct sock_where where = {.fd = -1};
    if (!keyvals_bool(kv, "server", &server, err) || !keyvals_bool(kv, "wait", &wait, err) ||
        !keyvals_bool(kv, "nowait", &nowait, err) || !keyvals_bool(kv, "nodelay", &nodelay, err) ||
        !keyvals_uint(kv, "reconnect", 0, 86400, &reconnect, err) ||
        !sock_where_parse(&where, kv, err))
        return NULL;
    struct socket_chr *c = chardev_alloc(m, &socket_ops, sizeof(*c), id);
    c->where = where;
    c->listener = c->away = -1;
    c->server = where.passed ? server || is_listening(where.fd) : server;
    c->nodelay = nodelay;
    c->reconnect = reconnect;
    bool explicit_wait = keyvals_get(kv, "wait") != NULL;
    if (c->server && reconnect)
        error_set(err, "reconnect= is for clients, not with server=on");
    else if (!c->server && explicit_wait && wait)
        error_set(err, "wait=on is for servers (server=on)");
    else if (c->server ? start_server(c, wait && !nowait, err) : start_client(c, err))
        return &c->chr;
    chardev_free(&c->chr);
    return NULL;
}

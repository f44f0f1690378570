/* SPDX-License-Identifier: MIT */
/*
 * guestfwd to a TCP port. libslirp can connect to a unix socket for each connection of the guest:
 * this is that socket, in a directory of its own that only this user can enter, and what carries
 * its bytes to the port and back. Main thread.
 */
#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/machine.h"
#include "net/user.h"
#include "util/error.h"
#include "util/sockaddr.h"

enum { BUFFER = 32768 };

struct relay {
    GMainContext *context;
    struct sock_where target, here;
    char *dir;
    int listener;
    GSource *accepting;
    GPtrArray *pairs; /* struct pair * */
};

struct way { /* from fd n to the other */
    uint8_t buf[BUFFER];
    size_t pos, len;
    bool ended;  /* nothing more comes from n */
};

struct pair {
    struct relay *relay;
    int fd[2];
    gpointer tag[2];
    GSource *source;
    struct way way[2];
};

/* ---- One connection --------------------------------------------------------------------- */

static void pair_free(void *arg)
{
    struct pair *p = arg;

    g_source_destroy(p->source);
    g_source_unref(p->source);
    close(p->fd[0]);
    close(p->fd[1]);
    g_free(p);
}

static bool would_wait(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool pump_out(struct way *w, int to)
{
    while (w->pos < w->len) {
        ssize_t n = send(to, w->buf + w->pos, w->len - w->pos, MSG_NOSIGNAL);
        if (n < 0)
            return would_wait(n);
        w->pos += (size_t)n;
    }
    return true;
}

/* False: the connection is broken. */
static bool pump(struct pair *p, int n)
{
    struct way *w = &p->way[n];

    if (!pump_out(w, p->fd[!n]))
        return false;
    if (w->pos < w->len || w->ended)
        return true;
    ssize_t got = recv(p->fd[n], w->buf, sizeof(w->buf), 0);
    if (got < 0)
        return would_wait(got);
    w->pos = 0;
    w->len = (size_t)got;
    if (!got) {
        w->ended = true;
        shutdown(p->fd[!n], SHUT_WR);
    }
    return pump_out(w, p->fd[!n]);
}

static bool waits_to_write(const struct pair *p, int n)
{
    const struct way *in = &p->way[!n];

    return in->pos < in->len;
}

static void watch(struct pair *p)
{
    for (int n = 0; n < 2; n++) {
        const struct way *w = &p->way[n];
        GIOCondition c = 0;

        if (!w->ended && w->pos == w->len)
            c |= G_IO_IN;
        if (waits_to_write(p, n))
            c |= G_IO_OUT;
        g_source_modify_unix_fd(p->source, p->tag[n], c);
    }
}

static bool is_over(const struct pair *p)
{
    return p->way[0].ended && p->way[1].ended && p->way[0].pos == p->way[0].len &&
           p->way[1].pos == p->way[1].len;
}

static gboolean pair_dispatch(GSource *source, GSourceFunc fn, gpointer arg)
{
    struct pair *p = arg;

    if (!pump(p, 0) || !pump(p, 1) || is_over(p))
        g_ptr_array_remove(p->relay->pairs, p);
    else
        watch(p);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs pair_funcs = {.dispatch = pair_dispatch};

static gboolean never_called(gpointer arg)
{
    return G_SOURCE_CONTINUE;
}

static void pair_new(struct relay *r, int guest, int host)
{
    struct pair *p = g_new0(struct pair, 1);

    p->relay = r;
    p->fd[0] = guest;
    p->fd[1] = host;
    p->source = g_source_new(&pair_funcs, sizeof(GSource));
    g_source_set_callback(p->source, never_called, p, NULL);
    for (int n = 0; n < 2; n++) {
        g_unix_set_fd_nonblocking(p->fd[n], TRUE, NULL);
        p->tag[n] = g_source_add_unix_fd(p->source, p->fd[n], G_IO_IN);
    }
    g_source_attach(p->source, r->context);
    g_ptr_array_add(r->pairs, p);
}

/* ---- The socket ------------------------------------------------------------------------- */

static gboolean accepted(gint fd, GIOCondition cond, gpointer arg)
{
    struct relay *r = arg;
    int guest = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
    int host = guest >= 0 ? sock_connect(&r->target, NULL) : -1;

    if (host >= 0)
        pair_new(r, guest, host);
    else if (guest >= 0)
        close(guest); /* the guest sees its connection end */
    return G_SOURCE_CONTINUE;
}

const char *relay_path(const struct relay *r)
{
    return r->here.path;
}

void relay_free(struct relay *r)
{
    if (r->accepting) {
        g_source_destroy(r->accepting);
        g_source_unref(r->accepting);
    }
    g_ptr_array_free(r->pairs, TRUE);
    if (r->listener >= 0) {
        close(r->listener);
        unlink(r->here.path);
    }
    if (r->dir)
        rmdir(r->dir);
    g_free(r->dir);
    sock_where_clear(&r->here);
    sock_where_clear(&r->target);
    g_free(r);
}

struct relay *relay_new(struct machine *m, const char *host, const char *port, GError **err)
{
    struct relay *r = g_new0(struct relay, 1);

    r->context = m->context;
    r->pairs = g_ptr_array_new_with_free_func(pair_free);
    r->target = (struct sock_where){.host = g_strdup(host), .port = g_strdup(port), .fd = -1};
    r->listener = -1;
    r->dir = g_dir_make_tmp("hostel-XXXXXX", err);
    if (r->dir) {
        r->here = (struct sock_where){.path = g_build_filename(r->dir, "s", NULL), .fd = -1};
        r->listener = sock_listen(&r->here, err);
    }
    if (r->listener < 0) {
        relay_free(r);
        return NULL;
    }
    r->accepting = g_unix_fd_source_new(r->listener, G_IO_IN);
    g_source_set_callback(r->accepting, (GSourceFunc)(void (*)(void))accepted, r, NULL);
    g_source_attach(r->accepting, m->context);
    return r;
}

/* SPDX-License-Identifier: MIT */
/*
 * user: a network of the guest's own, by libslirp: DHCP, DNS, TFTP, TCP and UDP of the guest
 * become sockets of this process.
 *
 * libslirp is asked which descriptors it waits for; they are in one epoll set, so that the main
 * loop has one descriptor to look at, however many connections there are. Its time is the
 * machine's virtual clock. When nothing is connected it wants nothing and costs nothing.
 */
#include "net/user.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/inspect.h"
#include "core/machine.h"
#include "util/error.h"
#include "util/iov.h"
#include "util/keyval.h"

enum {
    BACKLOG = 256 * 1024, /* bytes the guest is behind before sockets are no longer read */
    IDLE_MS = 1000,       /* what libslirp says when it waits for nothing but descriptors */
    SLOW_MS = 400,        /* less than what it wants for the slow timers of TCP */
    EVENTS = 64,          /* descriptors served in one turn */
};

/* After this long without a frame every timer of a connection that has ended has fired. */
#define QUIET_NS (600 * NSEC_PER_SEC)

struct user_fd {
    int fd;
    uint32_t events;   /* in the epoll set with these; 0: not in it */
    uint32_t revents;
    uint32_t wanted;
    unsigned round;
};

/* ---- Descriptors ------------------------------------------------------------------------ */

static struct user_fd *fd_entry(struct user *u, int fd)
{
    struct user_fd *e = g_hash_table_lookup(u->fds, GINT_TO_POINTER(fd));

    if (!e) {
        e = g_new0(struct user_fd, 1);
        e->fd = fd;
        g_hash_table_insert(u->fds, GINT_TO_POINTER(fd), e);
    }
    return e;
}

static void fd_set_events(struct user *u, struct user_fd *e, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = e};

    if (e->events == events)
        return;
    if (!events)
        epoll_ctl(u->epoll, EPOLL_CTL_DEL, e->fd, NULL);
    else if (epoll_ctl(u->epoll, e->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, e->fd, &ev) < 0)
        epoll_ctl(u->epoll, e->events ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, e->fd, &ev);
    e->events = events;
}

static uint32_t to_epoll(int slirp)
{
    return (slirp & SLIRP_POLL_IN ? EPOLLIN : 0u) | (slirp & SLIRP_POLL_OUT ? EPOLLOUT : 0u) |
           (slirp & SLIRP_POLL_PRI ? EPOLLPRI : 0u) | (slirp & SLIRP_POLL_ERR ? EPOLLERR : 0u) |
           (slirp & SLIRP_POLL_HUP ? EPOLLHUP : 0u);
}

static int to_slirp(uint32_t epoll)
{
    return (epoll & EPOLLIN ? SLIRP_POLL_IN : 0) | (epoll & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
           (epoll & EPOLLPRI ? SLIRP_POLL_PRI : 0) | (epoll & EPOLLERR ? SLIRP_POLL_ERR : 0) |
           (epoll & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

static int add_poll(int fd, int events, void *arg)
{
    struct user *u = arg;
    struct user_fd *e = fd_entry(u, fd);

    e->round = u->round;
    e->wanted = to_epoll(u->throttled ? events & ~SLIRP_POLL_IN : events);
    g_ptr_array_add(u->asked, e);
    return (int)u->asked->len - 1;
}

static int get_revents(int idx, void *arg)
{
    struct user *u = arg;

    if (idx < 0 || (unsigned)idx >= u->asked->len)
        return 0;
    return to_slirp(((struct user_fd *)u->asked->pdata[idx])->revents);
}

/* A descriptor's number is in use for something else now; closing it took it off the set. */
static void fd_changed(int fd, void *arg)
{
    struct user *u = arg;
    struct user_fd *e = g_hash_table_lookup(u->fds, GINT_TO_POINTER(fd));

    if (e) {
        fd_set_events(u, e, 0);
        e->revents = 0;
    }
    u->stale = true;
}

static gboolean settle(gpointer key, gpointer value, gpointer arg)
{
    struct user *u = arg;
    struct user_fd *e = value;
    bool asked = e->round == u->round;

    fd_set_events(u, e, asked ? e->wanted : 0);
    return !asked;
}

/* The slow timers also run for sockets that only listen, for which they do nothing. */
static bool only_listens(const struct user *u, uint32_t ms)
{
    return ms >= SLOW_MS && u->asked->len <= u->forwards &&
           clock_now(u->poll.clock) - u->active > QUIET_NS;
}

/* Ask libslirp anew what it waits for. */
static void refill(struct user *u)
{
    uint32_t ms = UINT32_MAX;

    u->stale = false;
    u->round++;
    g_ptr_array_set_size(u->asked, 0);
    u->throttled = net_backlog(&u->client) > BACKLOG;
    slirp_pollfds_fill(u->slirp, &ms, add_poll, u);
    g_hash_table_foreach_remove(u->fds, settle, u);
    if (ms < IDLE_MS && !only_listens(u, ms))
        timer_set(&u->poll, clock_now(u->poll.clock) + (int64_t)ms * 1000000);
    else
        timer_del(&u->poll);
}

/* ---- Turns ------------------------------------------------------------------------------ */

static void main_loop_should_look(struct user *u)
{
    GMainContext *ctx = u->client.machine->context;

    if (!g_main_context_is_owner(ctx))
        g_main_context_wakeup(ctx);
}

static void serve(struct user *u)
{
    struct epoll_event ev[EVENTS];

    if (u->stale)
        refill(u);
    for (unsigned i = 0; i < u->asked->len; i++)
        ((struct user_fd *)u->asked->pdata[i])->revents = 0;
    int n = epoll_wait(u->epoll, ev, EVENTS, 0);
    for (int i = 0; i < n; i++)
        ((struct user_fd *)ev[i].data.ptr)->revents = ev[i].events;
    slirp_pollfds_poll(u->slirp, n < 0, get_revents, u);
    u->stale = true;
}

static void poll_due(void *arg)
{
    struct user *u = arg;

    serve(u);
    main_loop_should_look(u);
}

struct user_source {
    GSource source;
    struct user *user;
    GPollFD pfd;
};

static gboolean source_prepare(GSource *source, gint *timeout)
{
    struct user *u = ((struct user_source *)source)->user;

    machine_lock(u->client.machine);
    if (u->stale)
        refill(u);
    machine_unlock(u->client.machine);
    *timeout = -1;
    return FALSE;
}

static gboolean source_check(GSource *source)
{
    return ((struct user_source *)source)->pfd.revents != 0;
}

static gboolean source_dispatch(GSource *source, GSourceFunc fn, gpointer arg)
{
    struct user *u = ((struct user_source *)source)->user;

    machine_lock(u->client.machine);
    serve(u);
    machine_unlock(u->client.machine);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {source_prepare, source_check, source_dispatch, NULL, NULL,
                                    NULL};

static void source_start(struct user *u)
{
    struct user_source *s;

    u->source = g_source_new(&source_funcs, sizeof(*s));
    s = (struct user_source *)u->source;
    s->user = u;
    s->pfd = (GPollFD){.fd = u->epoll, .events = G_IO_IN};
    g_source_add_poll(u->source, &s->pfd);
    g_source_attach(u->source, u->client.machine->context);
}

/* ---- What libslirp calls ---------------------------------------------------------------- */

static ssize_t send_packet(const void *buf, size_t len, void *arg)
{
    struct user *u = arg;

    u->active = clock_now(u->poll.clock);
    net_post_buffer(&u->client, buf, len, true);
    return (ssize_t)len;
}

static void guest_error(const char *msg, void *arg)
{
    struct user *u = arg;

    guest_warn(&u->client.machine->log, u->client.id, "%s", msg);
}

static int64_t clock_get_ns(void *arg)
{
    return clock_now(&((struct user *)arg)->client.machine->vclock);
}

struct user_timer {
    struct timer timer;
    struct user *user;
    SlirpTimerId id;
    void *arg;
};

static void timer_fired(void *arg)
{
    struct user_timer *t = arg;

    slirp_handle_timer(t->user->slirp, t->id, t->arg);
}

static void *slirp_timer_new(SlirpTimerId id, void *cb_arg, void *arg)
{
    struct user *u = arg;
    struct user_timer *t = g_new0(struct user_timer, 1);

    *t = (struct user_timer){.user = u, .id = id, .arg = cb_arg};
    timer_init(&t->timer, &u->client.machine->vclock, "slirp", timer_fired, t);
    return t;
}

static void slirp_timer_free(void *timer, void *arg)
{
    struct user_timer *t = timer;

    timer_del(&t->timer);
    g_free(t);
}

static void slirp_timer_mod(void *timer, int64_t ms, void *arg)
{
    timer_set(&((struct user_timer *)timer)->timer, ms * 1000000);
}

static void notify(void *arg)
{
    struct user *u = arg;

    u->stale = true;
    main_loop_should_look(u);
}

static const SlirpCb callbacks = {
    .send_packet = send_packet,
    .guest_error = guest_error,
    .clock_get_ns = clock_get_ns,
    .timer_new_opaque = slirp_timer_new,
    .timer_free = slirp_timer_free,
    .timer_mod = slirp_timer_mod,
    .register_poll_fd = fd_changed,
    .unregister_poll_fd = fd_changed,
    .notify = notify,
};

/* ---- The client ------------------------------------------------------------------------- */

/* libslirp copies the frame. What it has to say it says at once, or when it has had a turn. */
static bool user_receive(struct net_client *c, const struct net_frame *f)
{
    struct user *u = (struct user *)c;

    if (f->niov == 1) {
        slirp_input(u->slirp, f->iov[0].iov_base, (int)f->len);
    } else {
        g_autofree uint8_t *buf = g_malloc(f->len);
        iov_read(f->iov, f->niov, 0, buf, f->len);
        slirp_input(u->slirp, buf, (int)f->len);
    }
    u->stale = true;
    u->active = clock_now(u->poll.clock);
    timer_set(&u->poll, u->active);
    return true;
}

static void user_writable(struct net_client *c)
{
    struct user *u = (struct user *)c;

    if (u->throttled)
        notify(u);
}

static void user_describe(struct net_client *c, GString *out)
{
    struct user *u = (struct user *)c;
    char net[INET6_ADDRSTRLEN] = "none";

    if (u->config.in_enabled)
        inet_ntop(AF_INET, &u->config.vnetwork, net, sizeof(net));
    g_string_append_printf(out, "net=%s,restrict=%s", net, u->restricted ? "on" : "off");
}

static void user_free(struct net_client *c)
{
    struct user *u = (struct user *)c;

    if (u->source) {
        g_source_destroy(u->source);
        g_source_unref(u->source);
    }
    timer_del(&u->poll);
    if (u->slirp)
        slirp_cleanup(u->slirp);
    g_ptr_array_free(u->relays, TRUE);
    if (u->epoll >= 0)
        close(u->epoll);
    g_hash_table_destroy(u->fds);
    g_ptr_array_free(u->asked, TRUE);
    g_ptr_array_free(u->search, TRUE);
    g_ptr_array_free(u->texts, TRUE);
}

static const struct net_client_ops user_ops = {
    .kind = "user",
    .receive = user_receive,
    .writable = user_writable,
    .describe = user_describe,
    .free = user_free,
};

struct user *user_of(struct net_client *c)
{
    return c->ops == &user_ops ? (struct user *)c : NULL;
}

/* ---- Making one ------------------------------------------------------------------------- */

static void print_usernet(void *arg, GString *out)
{
    struct machine *m = arg;

    for (unsigned i = 0; m->net && i < m->net->clients->len; i++) {
        struct user *u = user_of(m->net->clients->pdata[i]);

        if (!u)
            continue;
        g_autofree char *text = slirp_connection_info(u->slirp);
        g_string_append_printf(out, "%s:\n%s", u->client.id, text);
    }
}

static bool has_info(struct machine *m)
{
    for (unsigned i = 0; i < m->info->len; i++)
        if (!strcmp(((struct machine_info *)m->info->pdata[i])->name, "usernet"))
            return true;
    return false;
}

static bool forward(struct user *u, const struct keyvals *kv, GError **err)
{
    for (unsigned i = 0; i < keyvals_count(kv); i++) {
        const struct keyval *k = keyvals_at(kv, i);

        if (!strcmp(k->key, "hostfwd") && !user_add_hostfwd(u, k->value, err))
            return error_prefix(err, "hostfwd=%s", k->value);
        if (!strcmp(k->key, "guestfwd") && !user_add_guestfwd(u, k->value, err))
            return error_prefix(err, "guestfwd=%s", k->value);
    }
    return true;
}

static struct user *user_new(struct machine *m, const char *id)
{
    struct user *u = net_client_new(m, &user_ops, sizeof(*u), id);

    u->texts = g_ptr_array_new_with_free_func(g_free);
    u->search = g_ptr_array_new();
    u->relays = g_ptr_array_new_with_free_func((GDestroyNotify)relay_free);
    u->fds = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    u->asked = g_ptr_array_new();
    u->epoll = epoll_create1(EPOLL_CLOEXEC);
    u->stale = true;
    timer_init(&u->poll, &m->vclock, "slirp-poll", poll_due, u);
    /* Large segments need not be cut: TCP ends here. */
    u->client.takes = NET_TSO4 | NET_TSO6 | NET_ECN;
    return u;
}

struct net_client *net_user_new(struct machine *m, const char *id, const struct keyvals *kv,
                                GError **err)
{
    struct user *u = user_new(m, id);

    if (u->epoll < 0) {
        error_set(err, "no descriptor is left for epoll");
    } else if (user_configure(u, kv, err)) {
        u->slirp = slirp_new(&u->config, &callbacks, u);
        if (!u->slirp)
            error_set(err, "libslirp %s refused this configuration", slirp_version_string());
        else if (forward(u, kv, err)) {
            source_start(u);
            if (!has_info(m))
                machine_add_info(m, "usernet", "connections of user networks", print_usernet, m);
            return &u->client;
        }
    }
    net_client_free(&u->client);
    return NULL;
}

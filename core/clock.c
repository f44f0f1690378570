/* SPDX-License-Identifier: MIT */
/*
 * Clocks: a heap of timers each, and the source that wakes the main loop for the earliest.
 *
 * The source is a timerfd with an absolute deadline, so a guest's timers have the kernel's
 * precision, nothing polls, and any thread that holds the machine lock may set a timer: the
 * main thread, asleep in poll(), need not be told. A deadline that moves to a later time
 * leaves the timerfd alone; it fires once in vain and is then set right.
 */
#include "core/clock.h"

#include <assert.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/machine.h"

struct clock_source {
    GSource source;
    struct clock *clock;
    int fd;
    int64_t armed; /* host ns the timerfd is set to; INT64_MAX: not set */
};

static int64_t host_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static int64_t monotonic(struct clock *c)
{
    return c->read ? c->read(c->read_arg) : host_ns(CLOCK_MONOTONIC);
}

static int64_t virtual_now(struct clock *c)
{
    for (;;) {
        uint32_t seq = __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE);
        bool running = __atomic_load_n(&c->running, __ATOMIC_RELAXED);
        int64_t origin = __atomic_load_n(&c->origin, __ATOMIC_RELAXED);
        int64_t now = running ? monotonic(c) - origin : origin;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (!(seq & 1) && __atomic_load_n(&c->seq, __ATOMIC_RELAXED) == seq)
            return now;
    }
}

int64_t clock_now(struct clock *c)
{
    switch (c->kind) {
    case CLOCK_VIRTUAL:
        return virtual_now(c);
    case CLOCK_HOST:
        return host_ns(CLOCK_REALTIME);
    default:
        return __atomic_load_n(&c->origin, __ATOMIC_RELAXED);
    }
}

int64_t clock_next_deadline(struct clock *c)
{
    return __atomic_load_n(&c->next, __ATOMIC_ACQUIRE);
}

/* ---- The heap: parent of i is (i - 1) / 2 ------------------------------------------------- */

static inline struct timer *heap_at(struct clock *c, unsigned i)
{
    return c->heap->pdata[i];
}

static inline void heap_put(struct clock *c, unsigned i, struct timer *t)
{
    c->heap->pdata[i] = t;
    t->pos = (int)i;
}

static void heap_up(struct clock *c, unsigned i)
{
    struct timer *t = heap_at(c, i);
    while (i > 0 && heap_at(c, (i - 1) / 2)->deadline > t->deadline) {
        heap_put(c, i, heap_at(c, (i - 1) / 2));
        i = (i - 1) / 2;
    }
    heap_put(c, i, t);
}

static void heap_down(struct clock *c, unsigned i)
{
    struct timer *t = heap_at(c, i);
    for (;;) {
        unsigned child = 2 * i + 1;
        if (child >= c->heap->len)
            break;
        if (child + 1 < c->heap->len &&
            heap_at(c, child + 1)->deadline < heap_at(c, child)->deadline)
            child++;
        if (heap_at(c, child)->deadline >= t->deadline)
            break;
        heap_put(c, i, heap_at(c, child));
        i = child;
    }
    heap_put(c, i, t);
}

static void heap_remove(struct clock *c, struct timer *t)
{
    unsigned i = (unsigned)t->pos;
    unsigned last = c->heap->len - 1;
    struct timer *moved = heap_at(c, last);
    g_ptr_array_set_size(c->heap, (int)last);
    t->pos = -1;
    if (moved == t)
        return;
    heap_put(c, i, moved);
    heap_up(c, i);
    heap_down(c, (unsigned)moved->pos);
}

/* ---- Telling whoever waits for the deadline ------------------------------------------------ */

static void source_arm(struct clock_source *s, int64_t host_deadline)
{
    if (host_deadline == s->armed)
        return;
    s->armed = host_deadline;
    struct itimerspec its = {{0, 0}, {0, 0}};
    if (host_deadline != INT64_MAX) {
        int64_t ns = MAX(host_deadline, 1); /* all zero would disarm */
        its.it_value.tv_sec = ns / NSEC_PER_SEC;
        its.it_value.tv_nsec = ns % NSEC_PER_SEC;
    }
    int r = timerfd_settime(s->fd, TFD_TIMER_ABSTIME, &its, NULL);
    assert(r == 0);
    (void)r;
}

/* The host time of the earliest deadline. */
static int64_t host_deadline(struct clock *c)
{
    int64_t next = clock_next_deadline(c);
    if (next == INT64_MAX || c->kind == CLOCK_HOST)
        return next;
    if (!c->running)
        return INT64_MAX;
    return next > INT64_MAX - MAX(c->origin, 0) ? INT64_MAX : next + c->origin;
}

static void clock_rearm(struct clock *c)
{
    struct clock_source *s = (struct clock_source *)c->source;
    if (s) {
        int64_t at = host_deadline(c);
        if (at < s->armed)
            source_arm(s, at);
    }
}

static void heap_changed(struct clock *c)
{
    int64_t next = c->heap->len ? heap_at(c, 0)->deadline : INT64_MAX;
    int64_t before = c->next;
    __atomic_store_n(&c->next, next, __ATOMIC_RELEASE);
    if (next >= before)
        return;
    clock_rearm(c);
    if (c->rearm)
        c->rearm(c->rearm_arg);
}

static gboolean source_dispatch(GSource *source, GSourceFunc fn, gpointer arg)
{
    struct clock_source *s = (struct clock_source *)source;
    struct clock *c = s->clock;
    uint64_t expirations;
    if (c->machine)
        machine_lock(c->machine);
    ssize_t n = read(s->fd, &expirations, sizeof(expirations));
    if (n > 0)
        s->armed = INT64_MAX;
    clock_run(c);
    source_arm(s, host_deadline(c));
    if (c->machine)
        machine_unlock(c->machine);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = source_dispatch};

void clock_attach(struct clock *c, GMainContext *ctx)
{
    GSource *source = g_source_new(&source_funcs, sizeof(struct clock_source));
    struct clock_source *s = (struct clock_source *)source;
    s->clock = c;
    s->armed = INT64_MAX;
    s->fd = timerfd_create(c->kind == CLOCK_HOST ? CLOCK_REALTIME : CLOCK_MONOTONIC,
                           TFD_CLOEXEC | TFD_NONBLOCK);
    assert(s->fd >= 0);
    g_source_set_name(source, "clock");
    g_source_set_priority(source, G_PRIORITY_HIGH);
    g_source_add_unix_fd(source, s->fd, G_IO_IN);
    g_source_attach(source, ctx);
    c->source = source;
    clock_rearm(c);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void clock_init(struct clock *c, enum clock_kind kind, struct machine *machine)
{
    memset(c, 0, sizeof(*c));
    c->kind = kind;
    c->machine = machine;
    c->next = INT64_MAX;
    c->heap = g_ptr_array_new();
}

void clock_fini(struct clock *c)
{
    if (c->source) {
        close(((struct clock_source *)c->source)->fd);
        g_source_destroy(c->source);
        g_source_unref(c->source);
        c->source = NULL;
    }
    for (unsigned i = 0; i < c->heap->len; i++)
        heap_at(c, i)->pos = -1;
    g_ptr_array_free(c->heap, TRUE);
    c->heap = NULL;
}

static void set_running(struct clock *c, bool running)
{
    if (c->running == running)
        return;
    int64_t origin = monotonic(c) - c->origin; /* the same formula both ways */
    __atomic_fetch_add(&c->seq, 1, __ATOMIC_ACQ_REL);
    __atomic_store_n(&c->origin, origin, __ATOMIC_RELAXED);
    __atomic_store_n(&c->running, running, __ATOMIC_RELAXED);
    __atomic_fetch_add(&c->seq, 1, __ATOMIC_RELEASE);
}

void clock_start(struct clock *c)
{
    if (c->kind != CLOCK_VIRTUAL)
        return;
    set_running(c, true);
    if (c->source)
        source_arm((struct clock_source *)c->source, host_deadline(c));
}

void clock_stop(struct clock *c)
{
    if (c->kind != CLOCK_VIRTUAL)
        return;
    set_running(c, false);
    if (c->source)
        source_arm((struct clock_source *)c->source, INT64_MAX);
}

void clock_set(struct clock *c, int64_t now)
{
    if (c->kind == CLOCK_HOST)
        return;
    assert(!c->running);
    __atomic_store_n(&c->origin, now, __ATOMIC_RELAXED);
}

static void fire_first(struct clock *c)
{
    struct timer *t = heap_at(c, 0);
    heap_remove(c, t);
    t->deadline = INT64_MAX;
    heap_changed(c);
    t->fire(t->arg);
}

void clock_run(struct clock *c)
{
    int64_t now = clock_now(c);
    for (unsigned budget = c->heap->len * 4 + 64; budget && c->next <= now; budget--)
        fire_first(c);
}

void clock_step(struct clock *c, int64_t ns)
{
    assert(c->kind == CLOCK_TEST && ns >= 0);
    int64_t end = c->origin + ns;
    while (c->next <= end) {
        c->origin = MAX(c->origin, c->next);
        fire_first(c);
    }
    c->origin = end;
}

/* ---- Timers ---------------------------------------------------------------------------------- */

void timer_init(struct timer *t, struct clock *c, const char *name, void (*fire)(void *), void *arg)
{
    *t = (struct timer){.name = name, .clock = c, .deadline = INT64_MAX, .fire = fire, .arg = arg,
                        .pos = -1};
}

void timer_set(struct timer *t, int64_t deadline)
{
    struct clock *c = t->clock;
    if (deadline < 0)
        deadline = 0;
    t->deadline = deadline;
    if (t->pos < 0) {
        g_ptr_array_add(c->heap, t);
        heap_put(c, c->heap->len - 1, t);
    }
    heap_up(c, (unsigned)t->pos);
    heap_down(c, (unsigned)t->pos);
    heap_changed(c);
}

void timer_del(struct timer *t)
{
    if (t->pos < 0)
        return;
    heap_remove(t->clock, t);
    t->deadline = INT64_MAX;
    heap_changed(t->clock);
}

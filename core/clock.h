/* SPDX-License-Identifier: MIT */
/*
 * Clocks and timers. Nanoseconds everywhere.
 *
 *   CLOCK_VIRTUAL  guest time: stops with the machine; counted in instructions under -icount
 *   CLOCK_HOST     wall time since 1970 (the RTC's date)
 *   CLOCK_TEST     moved by hand with clock_step(): unit tests of devices
 *
 * A timer fires once at or after its deadline, under the machine lock, on the main thread (or
 * under -icount on the vCPU thread, exactly at its instruction). Timers of one clock fire in
 * deadline order. Everything here needs the machine lock, except clock_now() and
 * clock_next_deadline(), which any thread may call.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define NSEC_PER_SEC 1000000000ll

struct machine;

enum clock_kind { CLOCK_VIRTUAL, CLOCK_HOST, CLOCK_TEST };

struct timer;

struct clock {
    enum clock_kind kind;
    struct machine *machine; /* NULL for a clock in a unit test */
    /* Virtual: now = running ? host_monotonic - origin : origin. Test: now = origin. */
    int64_t origin;
    bool running;
    uint32_t seq; /* odd while origin and running change: readers try again */
    /* Replaces the host's monotonic clock when set (-icount). Any thread. */
    int64_t (*read)(void *arg);
    void *read_arg;
    GPtrArray *heap;      /* struct timer *, by deadline */
    int64_t next;         /* atomic: earliest deadline, INT64_MAX if none */
    GSource *source;      /* arms the main loop; NULL in tests and under -icount */
    void (*rearm)(void *arg); /* told when `next` moved to an earlier time; may be NULL */
    void *rearm_arg;
};

struct timer {
    const char *name;
    struct clock *clock;
    int64_t deadline; /* ns on the clock; INT64_MAX when not pending */
    void (*fire)(void *arg);
    void *arg;
    int pos; /* in the heap, -1 when not pending */
};

void clock_init(struct clock *c, enum clock_kind kind, struct machine *machine);
void clock_fini(struct clock *c);
/* Attach a GSource with nanosecond deadlines (timerfd) to ctx. */
void clock_attach(struct clock *c, GMainContext *ctx);
int64_t clock_now(struct clock *c);
int64_t clock_next_deadline(struct clock *c); /* INT64_MAX: none */
void clock_start(struct clock *c);            /* virtual: time goes on from where it stopped */
void clock_stop(struct clock *c);
/* Put a stopped virtual clock, or a test clock, to a time (restoring a snapshot). */
void clock_set(struct clock *c, int64_t now);
/* Fire all timers whose deadline has come, in order. A timer that keeps setting itself into the
 * past gets its next turn only after the other threads and sources had theirs. */
void clock_run(struct clock *c);
/* Test clock: go forward by ns, firing timers at their deadlines on the way. */
void clock_step(struct clock *c, int64_t ns);

void timer_init(struct timer *t, struct clock *c, const char *name, void (*fire)(void *),
                void *arg);
void timer_set(struct timer *t, int64_t deadline); /* also moves a pending one */
void timer_del(struct timer *t);
static inline bool timer_pending(const struct timer *t)
{
    return t->pos >= 0;
}

/* a * b / c without overflow of the product: conversions between ticks and ns. */
static inline uint64_t muldiv64(uint64_t a, uint64_t b, uint64_t c)
{
    return (uint64_t)((unsigned __int128)a * b / c);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * -icount: all vCPUs take turns on one thread, and guest time is counted in instructions.
 *
 *     virtual clock = (instructions of all vCPUs << shift) + warp
 *
 * A turn is at most SLICE instructions and is cut at the next timer's deadline, so timers fire
 * on this thread exactly at their instruction. When all vCPUs are halted, `warp` takes the
 * clock to the next deadline (having slept that long, unless sleep=off). Kicks interrupt a
 * turn but neither end it nor count, so what the host does has no influence: the same guest
 * gives the same run, until input comes from outside.
 *
 * The host clock (the date) is the virtual clock here too, beginning at DATE: a guest prints
 * the date, and two runs must not differ in it.
 */
#include "accel/icount.h"

#include <inttypes.h>

#include "accel/history.h"
#include "core/inspect.h"
#include "core/machine.h"

#define SLICE 20000
#define DATE (946684800ll * NSEC_PER_SEC) /* 2000-01-01T00:00:00Z */

struct icount {
    struct machine *machine;
    unsigned shift;
    int64_t done;       /* atomic: instructions of finished runs */
    int64_t warp;       /* atomic: ns */
    bool in_run;        /* run_budget() is on */
    unsigned turn;      /* index of the vCPU whose turn it is */
    int64_t slice_left;
};

static bool on_vcpu_thread(struct machine *m)
{
    return m->vcpus->len && ((struct vcpu *)m->vcpus->pdata[0])->thread == g_thread_self();
}

/* Exact on the vCPU thread; other threads see the end of the last run. */
static int64_t executed(struct icount *ic)
{
    struct machine *m = ic->machine;
    int64_t n = __atomic_load_n(&ic->done, __ATOMIC_ACQUIRE);
    if (on_vcpu_thread(m) && ic->in_run)
        n += m->accel->executed(m->running);
    return n;
}

static int64_t icount_now(void *arg)
{
    struct icount *ic = arg;
    return (executed(ic) << ic->shift) + __atomic_load_n(&ic->warp, __ATOMIC_ACQUIRE);
}

int64_t accel_icount(struct machine *m)
{
    return m->icount ? executed(m->icount) : 0;
}

/* A timer was set that comes before all others: the present budget may be too large. */
static void icount_rearm(void *arg)
{
    struct icount *ic = arg;
    struct vcpu *v = ic->machine->running;
    if (v)
        vcpu_kick(v);
}

static void hang_clock(struct icount *ic, struct clock *c, int64_t origin)
{
    c->kind = CLOCK_VIRTUAL;
    c->origin = origin;
    c->read = icount_now;
    c->read_arg = ic;
    c->rearm = icount_rearm;
    c->rearm_arg = ic;
}

static void info(void *arg, GString *out)
{
    struct icount *ic = arg;
    g_string_append_printf(out, "instructions: %" PRId64 "\nns per instruction: %lld\n", ic->done,
                           1ll << ic->shift);
}

void icount_init(struct machine *m)
{
    struct icount *ic = g_new0(struct icount, 1);
    ic->machine = m;
    ic->shift = m->config->icount_shift;
    ic->slice_left = SLICE;
    m->icount = ic;
    hang_clock(ic, &m->vclock, 0);
    hang_clock(ic, &m->hclock, DATE);
    history_add_info(m);
    machine_add_info(m, "icount", "instructions executed so far (-icount)", info, ic);
}

void icount_fini(struct machine *m)
{
    if (!m->icount)
        return;
    history_end(m);
    LOG(&m->log, LOG_STRACE, "icount: %" PRId64 " instructions\n", m->icount->done);
    struct clock *clocks[] = {&m->vclock, &m->hclock};
    for (unsigned i = 0; i < 2; i++) {
        clock_stop(clocks[i]);
        clocks[i]->read = NULL;
        clocks[i]->rearm = NULL;
    }
    g_free(m->icount);
    m->icount = NULL;
}

void icount_get(struct machine *m, struct icount_position *p)
{
    const struct icount *ic = m->icount;
    *p = (struct icount_position){ic->done, ic->warp, ic->slice_left, ic->turn};
}

void icount_set(struct machine *m, const struct icount_position *p)
{
    struct icount *ic = m->icount;
    __atomic_store_n(&ic->done, p->done, __ATOMIC_RELEASE);
    __atomic_store_n(&ic->warp, p->warp, __ATOMIC_RELEASE);
    ic->slice_left = p->slice_left;
    ic->turn = p->turn;
}

/* Guest ns until some timer is due: 0 or less if one is, INT64_MAX if there is none. */
static int64_t until_deadline(struct machine *m)
{
    int64_t least = INT64_MAX;
    struct clock *clocks[] = {&m->vclock, &m->hclock};
    for (unsigned i = 0; i < 2; i++) {
        int64_t next = clock_next_deadline(clocks[i]);
        if (next != INT64_MAX)
            least = MIN(least, next - clock_now(clocks[i]));
    }
    return least;
}

static void fire_timers(struct machine *m)
{
    machine_lock(m);
    clock_run(&m->vclock);
    clock_run(&m->hclock);
    machine_unlock(m);
}

/* The next vCPU that can run, beginning with the one whose turn it is; NULL if all sleep. */
static struct vcpu *pick(struct icount *ic)
{
    struct machine *m = ic->machine;
    for (unsigned n = 0; n <= m->vcpus->len; n++) {
        struct vcpu *v = m->vcpus->pdata[ic->turn];
        if (vcpu_pins(v) & v->wake_mask)
            v->halted = false;
        if (!v->halted && !v->debug.held && ic->slice_left > 0)
            return v;
        if (!v->halted && ic->slice_left > 0)
            history_skipped(m);
        ic->turn = (ic->turn + 1) % m->vcpus->len;
        ic->slice_left = SLICE;
    }
    return NULL;
}

/* Instructions until the slice or the next timer ends this turn. */
static int64_t budget(struct icount *ic)
{
    int64_t ns = until_deadline(ic->machine);
    int64_t most = MIN(ic->slice_left, history_budget(ic->machine));
    if (ns == INT64_MAX)
        return most;
    int64_t insns = (ns + (1ll << ic->shift) - 1) >> ic->shift;
    return CLAMP(insns, 1, most);
}

static void run_turn(struct icount *ic, struct vcpu *v)
{
    struct machine *m = ic->machine;
    int64_t done = 0;
    m->running = v;
    ic->in_run = true;
    enum vcpu_exit why = m->accel->run_budget(v, budget(ic), &done);
    ic->in_run = false;
    __atomic_store_n(&ic->done, ic->done + done, __ATOMIC_RELEASE);
    ic->slice_left -= done;
    if (why == VCPU_HALTED)
        v->halted = true;
    else if (why != VCPU_DEBUG || !history_debug(m, v))
        accel_decide(v, why);
}

/* All vCPUs are halted: time goes to the next deadline. */
static void idle(struct icount *ic)
{
    struct machine *m = ic->machine;
    int64_t ns = until_deadline(m);
    bool timed_out = true;
    int64_t begin = g_get_monotonic_time();
    if (ns == INT64_MAX || (m->config->icount_sleep && ns > 0 && !m->replaying))
        timed_out = !vcpu_sleep_all(m, ns);
    if (!timed_out)
        ns = MIN(MAX(ns, 0), (g_get_monotonic_time() - begin) * 1000);
    if (ns > 0)
        __atomic_store_n(&ic->warp, ic->warp + ns, __ATOMIC_RELEASE);
}

void icount_loop(struct machine *m)
{
    struct icount *ic = m->icount;
    while (vcpu_attend_all(m)) {
        if (until_deadline(m) <= 0)
            fire_timers(m);
        if (history_turn(m))
            continue;
        struct vcpu *v = pick(ic);
        if (v)
            run_turn(ic, v);
        else
            idle(ic);
    }
}

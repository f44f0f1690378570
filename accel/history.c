/* SPDX-License-Identifier: MIT */
/* Going back: accel/history.h tells how. */
#include "accel/history.h"

#include <inttypes.h>
#include <string.h>

#include "core/inspect.h"
#include "core/machine.h"

#define SPACING_NS      100000000  /* host time between checkpoints, at least */
#define SPACING_COST    10         /* ... and so many times what one costs, */
#define SPACING_MAX     2000000000 /* but not more than this */
#define MAX_CHECKPOINTS 200
#define MAX_BYTES       (512ull << 20) /* of pages */

struct checkpoint {
    struct icount_position at;
    int64_t clocks[2]; /* virtual, host */
    int64_t pvclock_anchor;
    unsigned running; /* whose turn it was */
    GByteArray *state;
    struct vcpu_rest {
        bool halted;
        uint32_t wake_mask, pins;
        uint64_t rng;
    } *rest;          /* per vCPU, what machine_save() lacks */
    GPtrArray *pages; /* that differ at the next checkpoint, as they are at this one */
    bool repeatable;  /* a run from the one before arrives at just this state */
    bool gap;         /* a run from the one before is not what happened */
    int64_t verified; /* runs from here were the same up to this instruction */
};

enum mode { RECORDING, WANTED, SEARCHING, ARRIVING };

struct history {
    struct machine *machine;
    struct history_ram *ram;
    GPtrArray *points;  /* struct checkpoint * */
    unsigned shadow_at; /* which one the shadow is of */
    uint64_t bytes;
    int64_t taken, cost; /* host ns: the last one, how long it took */
    const char *fresh;   /* something came from outside: a checkpoint is due; static */
    const char *lost;    /* ... after which nothing before can be returned to; static */
    bool gap;            /* what runs now cannot be run again as it is */
    int64_t visited;     /* instructions executed when history_turn() was called last */
    const char *begins;  /* why the history does not reach back further; static or NULL */

    enum mode mode;
    bool step;
    unsigned from;   /* the checkpoint that the present run began at */
    int64_t present; /* where going back began */
    bool found;
    int64_t target; /* instructions executed there */
    bool at_hit;    /* ... and a breakpoint is met there */
    struct debug_point hit;
};

static struct checkpoint *point(const struct history *h, unsigned i)
{
    return h->points->pdata[i];
}

static unsigned last(const struct history *h)
{
    return h->points->len - 1;
}

static int64_t host_ns(void)
{
    return g_get_monotonic_time() * 1000;
}

static int64_t done(struct machine *m)
{
    struct icount_position p;

    icount_get(m, &p);
    return p.done;
}

/* ---- Checkpoints ------------------------------------------------------------------------------
 */

static void point_free(void *arg)
{
    struct checkpoint *c = arg;

    g_byte_array_unref(c->state);
    g_ptr_array_unref(c->pages);
    g_free(c->rest);
    g_free(c);
}

static bool all_halted(struct machine *m)
{
    for (unsigned i = 0; i < m->vcpus->len; i++)
        if (!((struct vcpu *)m->vcpus->pdata[i])->halted)
            return false;
    return true;
}

static void save_rest(struct machine *m, struct checkpoint *c)
{
    c->rest = g_new0(struct vcpu_rest, m->vcpus->len);
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        struct vcpu_rest *r = &c->rest[i];

        *r = (struct vcpu_rest){v->halted, v->wake_mask, vcpu_pins(v), 0};
        if (v->accel->random_place)
            r->rng = *v->accel->random_place(v);
        if (m->running == v)
            c->running = i;
    }
}

static void load_rest(struct machine *m, const struct checkpoint *c)
{
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = m->vcpus->pdata[i];
        const struct vcpu_rest *r = &c->rest[i];

        v->halted = r->halted;
        v->wake_mask = r->wake_mask;
        vcpu_pin(v, ~r->pins, 0);
        vcpu_pin(v, VCPU_INTR & r->pins, (VCPU_INTR & r->pins) != 0);
        if (v->accel->random_place)
            *v->accel->random_place(v) = r->rng;
    }
    m->running = m->vcpus->pdata[c->running];
}

static void forget_after(struct history *h, unsigned i)
{
    while (h->points->len > i + 1) {
        h->bytes -= point(h, last(h))->pages->len * HISTORY_PAGE_COST;
        g_ptr_array_remove_index(h->points, last(h));
    }
    if (h->points->len) {
        h->bytes -= point(h, last(h))->pages->len * HISTORY_PAGE_COST;
        g_ptr_array_set_size(point(h, last(h))->pages, 0);
    }
}

static void forget_first(struct history *h, const char *why)
{
    h->bytes -= point(h, 0)->pages->len * HISTORY_PAGE_COST;
    g_ptr_array_remove_index(h->points, 0);
    h->shadow_at--;
    h->begins = why;
}

static void forget_all(struct history *h, const char *why)
{
    g_ptr_array_set_size(h->points, 0);
    h->bytes = 0;
    h->begins = why;
}

/* The state of now, without RAM. Lock held. */
static struct checkpoint *state_now(struct machine *m)
{
    struct checkpoint *c = g_new0(struct checkpoint, 1);

    icount_get(m, &c->at);
    c->clocks[0] = clock_now(&m->vclock);
    c->clocks[1] = clock_now(&m->hclock);
    c->pvclock_anchor = m->pvclock_anchor;
    c->state = g_byte_array_new();
    machine_save(m, c->state);
    save_rest(m, c);
    c->pages = g_ptr_array_new_with_free_func(g_free);
    return c;
}

static void take_point(struct history *h)
{
    struct machine *m = h->machine;
    int64_t begin = host_ns();
    bool first = !h->ram;
    bool repeatable = !h->fresh && !h->gap && h->visited != done(m);

    if (h->lost)
        forget_all(h, h->lost);

    if (h->ram && !history_ram_fits(h->ram)) {
        forget_all(h, "memory was added or removed");
        g_clear_pointer(&h->ram, history_ram_free);
    }
    struct checkpoint *c = state_now(m);
    if (!h->ram)
        h->ram = history_ram_new(m);
    else
        history_ram_keep(h->ram, h->points->len ? point(h, last(h))->pages : NULL);
    if (h->points->len)
        h->bytes += point(h, last(h))->pages->len * HISTORY_PAGE_COST;
    /* While all CPUs sleep, time goes by without an instruction. */
    c->repeatable = repeatable && !all_halted(m);
    c->gap = h->gap;
    c->verified = c->at.done;
    h->fresh = h->lost = NULL;
    h->gap = false;
    g_ptr_array_add(h->points, c);
    h->shadow_at = last(h);
    while (h->points->len > 1 && (h->points->len > MAX_CHECKPOINTS || h->bytes > MAX_BYTES))
        forget_first(h, "the history has reached its greatest length");
    h->taken = host_ns();
    h->cost = first ? 0 : h->taken - begin; /* the first one copies all of RAM */
}

/* All but RAM. Lock held. */
static void load_state(struct machine *m, const struct checkpoint *c)
{
    g_autoptr(GError) err = NULL;

    clock_stop(&m->vclock);
    clock_stop(&m->hclock);
    icount_set(m, &c->at);
    if (!machine_load(m, c->state->data, c->state->len, &err))
        log_write(&m->log, "hostel: going back: %s\n", err->message);
    clock_set(&m->vclock, c->clocks[0]);
    clock_set(&m->hclock, c->clocks[1]);
    m->pvclock_moved = false;
    m->pvclock_anchor = c->pvclock_anchor;
    load_rest(m, c);
    clock_start(&m->vclock);
    clock_start(&m->hclock);
}

/* Put the machine to checkpoint i. Lock held. */
static void return_to(struct history *h, unsigned i)
{
    history_ram_revert(h->ram);
    while (h->shadow_at > i)
        history_ram_swap(h->ram, point(h, --h->shadow_at)->pages);
    while (h->shadow_at < i)
        history_ram_swap(h->ram, point(h, h->shadow_at++)->pages);
    load_state(h->machine, point(h, i));
    h->from = i;
}

/* ---- Going back -------------------------------------------------------------------------------
 */

/* The machine is where it is to be: that is the present now. */
static void arrive(struct history *h, enum debug_why why)
{
    struct vcpu *v = h->machine->running;

    if (!v)
        v = h->machine->vcpus->pdata[0];
    forget_after(h, h->from);
    h->mode = RECORDING;
    h->machine->replaying = false;
    h->taken = host_ns();
    v->debug.why = why;
    v->debug.hit = h->hit;
}

static bool equal(const struct checkpoint *a, const struct checkpoint *b)
{
    return a->state->len == b->state->len &&
           memcmp(a->state->data, b->state->data, b->state->len) == 0;
}

/* What a device computes when it is looked at it also computes when it is loaded. */
static struct checkpoint *loaded_and_saved(struct machine *m, const struct checkpoint *c)
{
    load_state(m, c);
    return state_now(m);
}

/* Is the machine, but for RAM, at c? It may be another way to say the same state; it is put to one
 * that is, and has to be returned to a checkpoint. */
static bool is_the_same(struct history *h, const struct checkpoint *c)
{
    struct checkpoint *now = state_now(h->machine);
    bool same = equal(now, c);

    if (!same) {
        struct checkpoint *a = loaded_and_saved(h->machine, c);
        struct checkpoint *b = loaded_and_saved(h->machine, now);

        same = equal(a, b);
        point_free(a);
        point_free(b);
    }
    point_free(now);
    return same;
}

/* Search the stretch that ends at checkpoint `end`. False: there is none. */
static bool search_before(struct history *h, unsigned end)
{
    unsigned i = end;

    while (i > 0 && (point(h, i - 1)->at.done >= h->present || (!h->step && point(h, i)->gap)))
        i--;
    if (i == 0)
        return false;
    i--;
    h->found = h->step; /* the instruction before is in it */
    h->target = h->present - 1;
    h->at_hit = false;
    h->hit = (struct debug_point){0};
    return_to(h, i);
    if (h->step && (point(h, i)->verified >= h->target || point(h, i + 1)->gap))
        h->mode = ARRIVING;
    else
        h->mode = SEARCHING;
    return true;
}

static void begin_search(struct history *h)
{
    struct machine *m = h->machine;

    take_point(h);
    h->present = point(h, last(h))->at.done;
    m->replaying = true;
    h->from = last(h);
    if (!search_before(h, last(h)))
        arrive(h, DEBUG_HISTORY);
}

/* A stretch was run through. */
static void end_of_stretch(struct history *h)
{
    struct checkpoint *end = point(h, h->from + 1);
    bool believed =
        point(h, h->from)->verified >= end->at.done || !end->repeatable || is_the_same(h, end);

    if (!believed) {
        return_to(h, h->from + 1);
        while (h->from > 0) {
            forget_first(h, "the run cannot be repeated: something came in unseen");
            h->from--;
        }
        arrive(h, DEBUG_HISTORY);
        return;
    }
    point(h, h->from)->verified = end->at.done;
    if (h->found) {
        return_to(h, h->from);
        h->mode = ARRIVING;
    } else if (!search_before(h, h->from)) {
        return_to(h, 0);
        arrive(h, DEBUG_HISTORY);
    }
}

/* True: it has arrived. */
static bool replay_turn(struct history *h)
{
    int64_t n = done(h->machine);
    bool watch = h->hit.len && !h->at_hit;

    if (h->mode == WANTED)
        begin_search(h);
    else if (h->mode == SEARCHING && n >= point(h, h->from + 1)->at.done)
        end_of_stretch(h);
    else if (h->mode == ARRIVING && n >= h->target + h->at_hit)
        arrive(h, watch ? DEBUG_WATCHPOINT : DEBUG_STEPPED);
    return h->mode == RECORDING;
}

/* Does a vCPU step over an interrupt that a run would take here? */
static bool holds_back(struct machine *m)
{
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        const struct vcpu *v = m->vcpus->pdata[i];

        if (v->debug.step && !v->debug.step_irq && vcpu_pins(v))
            return true;
    }
    return false;
}

static bool due(const struct history *h)
{
    bool soon = host_ns() - h->taken <= CLAMP(SPACING_COST * h->cost, SPACING_NS, SPACING_MAX);

    return (h->fresh && !h->lost) || h->gap || !soon;
}

static void record_turn(struct history *h)
{
    bool holds = holds_back(h->machine);

    if (!due(h) && !holds)
        return;
    machine_lock(h->machine);
    take_point(h);
    h->gap = holds;
    machine_unlock(h->machine);
}

bool history_turn(struct machine *m)
{
    struct history *h = m->history;
    bool arrived = false;

    if (!h)
        return false;
    if (h->mode == RECORDING) {
        record_turn(h);
    } else {
        machine_lock(m);
        arrived = replay_turn(h);
        if (arrived)
            machine_request_pause(m);
        machine_unlock(m);
    }
    h->visited = done(m);
    return arrived;
}

int64_t history_budget(struct machine *m)
{
    struct history *h = m->history;

    if (!h || h->mode == RECORDING || h->mode == WANTED)
        return INT64_MAX;
    if (h->mode == SEARCHING)
        return point(h, h->from + 1)->at.done - done(m);
    return h->target + h->at_hit - done(m);
}

bool history_debug(struct machine *m, struct vcpu *v)
{
    struct history *h = m->history;

    if (!h || h->mode == RECORDING || h->mode == WANTED)
        return false;
    bool watch = v->debug.why == DEBUG_WATCHPOINT; /* going back it is met before its instruction */
    int64_t at = done(m) - watch;
    bool here = h->mode == ARRIVING && h->at_hit && !watch && at == h->target;

    if (h->mode == SEARCHING && !h->step && at < h->present && at >= point(h, h->from)->at.done) {
        h->found = true;
        h->target = at;
        h->at_hit = !watch;
        h->hit = v->debug.hit;
    }
    v->debug.why = DEBUG_NO;
    if (here) {
        machine_lock(m);
        arrive(h, DEBUG_BREAKPOINT);
        machine_unlock(m);
    }
    return !here;
}

void history_skipped(struct machine *m)
{
    if (m->history)
        m->history->lost = "the debugger held a CPU back";
}

/* ---- Around it ---------------------------------------------------------------------------------
 */

/* Somebody outside is about to change what the guest sees. Main thread, or a vCPU's. */
static void outside(struct machine *m, const char *what, bool lasting)
{
    struct history *h = m->history;

    if (h->mode == SEARCHING || h->mode == ARRIVING) { /* it meets a machine of the past */
        arrive(h, DEBUG_HISTORY);
        machine_request_pause(m);
    }
    h->fresh = what;
    h->gap |= vcpu_current(m) != NULL; /* in the middle of a turn: nobody knows just where */
    if (lasting)
        h->lost = what;
}

/* The machine was started: not to finish an earlier search, unless it is only going on with it. */
static void state_changed(void *arg)
{
    struct history *h = arg;

    if (h->machine->state == RUN_RESTORE_VM)
        h->lost = "a saved machine was loaded";
    if (machine_running(h->machine) && (h->mode == SEARCHING || h->mode == ARRIVING)) {
        arrive(h, DEBUG_NO);
        h->fresh = "the search was given up";
    }
}

static void info(void *arg, GString *out)
{
    struct machine *m = arg;
    struct history *h = m->history;

    if (!h) {
        g_string_append(out, "no history is kept: it begins when gdb connects\n");
        return;
    }
    if (h->points->len)
        g_string_append_printf(out, "instructions %" PRId64 " to %" PRId64 "\n",
                               point(h, 0)->at.done, accel_icount(m));
    g_string_append_printf(out, "checkpoints: %u, %" PRIu64 " KiB of pages\n", h->points->len,
                           h->bytes >> 10);
    if (history_limit_text(m))
        g_string_append_printf(out, "it begins there because %s\n", history_limit_text(m));
}

bool history_begin(struct machine *m)
{
    if (!m->icount || m->accel != &accel_tcg_interp)
        return false;
    if (m->history)
        return true;
    struct history *h = g_new0(struct history, 1);
    h->machine = m;
    h->points = g_ptr_array_new_with_free_func(point_free);
    h->fresh = h->begins = "gdb was not connected before";
    m->history = h;
    m->outside = outside;
    machine_add_hook(m->on_state_change, state_changed, h);
    return true;
}

void history_end(struct machine *m)
{
    struct history *h = m->history;

    if (!h)
        return;
    machine_del_hook(m->on_state_change, state_changed, h);
    m->outside = NULL;
    m->history = NULL;
    m->replaying = false;
    g_ptr_array_unref(h->points);
    history_ram_free(h->ram);
    g_free(h);
}

bool history_back(struct machine *m, bool step)
{
    struct history *h = m->history;

    if (!h)
        return false;
    h->step = step;
    h->mode = WANTED;
    return true;
}

const char *history_limit_text(struct machine *m)
{
    return m->history ? m->history->begins : NULL;
}

void history_add_info(struct machine *m)
{
    machine_add_info(m, "history", "how far back a debugger can go (-icount)", info, m);
}

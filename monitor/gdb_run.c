/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints, going on, stopping. GDB manual, appendix E.2 (vCont, Z, z), E.3 (stop replies).
 *
 * All stop: whoever meets a breakpoint, the whole machine pauses, and gdb hears of one vCPU. If
 * another one met a breakpoint at the same time, that is told as soon as gdb goes on, instead of
 * going on; else it would be lost, as a vCPU passes the breakpoint that it has stopped for.
 */
#include <errno.h>
#include <string.h>

#include "core/inspect.h"
#include "monitor/gdb_int.h"

#define MAX_POINTS    1024
#define MAX_WATCH_LEN 65536

/* ---- Points ------------------------------------------------------------------------------- */

static bool parse_point(const char *args, struct gdb_point *p)
{
    static const enum debug_kind kinds[] = {DEBUG_EXEC, DEBUG_EXEC, DEBUG_WRITE, DEBUG_READ,
                                            DEBUG_ACCESS};
    uint64_t type;

    if (!gdb_number(&args, &type) || *args++ != ',' || !gdb_number(&args, &p->point.addr) ||
        *args++ != ',' || !gdb_number(&args, &p->point.len))
        return false;
    if (type >= G_N_ELEMENTS(kinds))
        return false;
    p->type = type;
    p->point.kind = kinds[type];
    if (p->point.kind == DEBUG_EXEC) /* the length is a kind of instruction on other machines */
        p->point.len = 1;
    return p->point.len >= 1 && p->point.len <= MAX_WATCH_LEN;
}

static int find_point(const struct gdb *g, const struct gdb_point *p)
{
    for (unsigned i = 0; i < g->points->len; i++) {
        const struct gdb_point *q = &g_array_index(g->points, struct gdb_point, i);

        if (q->type == p->type && q->point.addr == p->point.addr && q->point.len == p->point.len)
            return (int)i;
    }
    return -1;
}

void gdb_insert(struct gdb *g, const char *args)
{
    unsigned max = MIN(g->machine->inspect->debug_points(g->machine), MAX_POINTS);
    struct gdb_point p;

    if (!parse_point(args, &p)) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    if (find_point(g, &p) < 0 && g->points->len >= max) {
        g_autofree char *why = g_strdup_printf("there can be %u breakpoints and watchpoints", max);

        gdb_reply_failure(g, why);
        return;
    }
    if (find_point(g, &p) < 0)
        g_array_append_val(g->points, p);
    gdb_reply(g, "OK");
}

void gdb_remove(struct gdb *g, const char *args)
{
    struct gdb_point p;
    int i = parse_point(args, &p) ? find_point(g, &p) : -1;

    if (i < 0) {
        gdb_reply_error(g, EINVAL);
        return;
    }
    g_array_remove_index(g->points, (guint)i);
    gdb_reply(g, "OK");
}

/* The vCPUs' points become ours. They are parked. */
static void apply(struct gdb *g)
{
    g_autofree struct debug_point *all = g_new(struct debug_point, g->points->len);

    for (unsigned i = 0; i < g->points->len; i++)
        all[i] = g_array_index(g->points, struct gdb_point, i).point;
    machine_debug_points(g->machine, all, g->points->len);
    machine_debug_apply(g->machine);
}

void gdb_forget_points(struct gdb *g)
{
    g_array_set_size(g->points, 0);
}

void gdb_release(struct gdb *g)
{
    for (unsigned i = 0; i < g->machine->vcpus->len; i++) {
        struct vcpu *v = gdb_cpu(g, i);

        v->debug.held = v->debug.step = false;
    }
    apply(g);
}

/* ---- Stop replies ------------------------------------------------------------------------- */

static unsigned point_type(const struct gdb *g, const struct debug_point *hit)
{
    for (unsigned i = 0; i < g->points->len; i++) {
        const struct gdb_point *p = &g_array_index(g->points, struct gdb_point, i);

        if (p->point.kind == hit->kind && p->point.addr == hit->addr && p->point.len == hit->len)
            return p->type;
    }
    return UINT_MAX;
}

/* Why v stopped, in gdb's words. */
static void append_reason(struct gdb *g, const struct vcpu *v, GString *out)
{
    static const char *const words[] = {"swbreak", "hwbreak", "watch", "rwatch", "awatch"};
    unsigned type = point_type(g, &v->debug.hit);

    if (v->debug.why == DEBUG_HISTORY)
        g_string_append(out, "replaylog:begin;");
    if (v->debug.why == DEBUG_STEPPED || v->debug.why == DEBUG_HISTORY ||
        type >= G_N_ELEMENTS(words))
        return;
    if (type >= 2)
        g_string_append_printf(out, "%s:%" G_GINT64_MODIFIER "x;", words[type], v->debug.hit.addr);
    else if (type == 0 ? g->says_swbreak : g->says_hwbreak)
        g_string_append_printf(out, "%s:;", words[type]);
}

/* The vCPU to tell of, NULL if none has a reason: the one being stepped, or the first. */
static struct vcpu *stopped_cpu(struct gdb *g)
{
    struct vcpu *found = NULL;

    for (unsigned i = 0; i < g->machine->vcpus->len; i++) {
        struct vcpu *v = gdb_cpu(g, i);

        if (v->debug.why != DEBUG_NO && (!found || (v->debug.step && !found->debug.step)))
            found = v;
    }
    return found;
}

static unsigned signal_of(enum run_state state)
{
    switch (state) {
    case RUN_SHUTDOWN:
        return 3; /* SIGQUIT */
    case RUN_FATAL:
        return 6; /* SIGABRT */
    default:
        return 2; /* SIGINT */
    }
}

/* Where the history begins gdb says only that it does. */
static void say_why(struct gdb *g)
{
    const char *why = g->machine->inspect->history_limit_text(g->machine);
    g_autofree char *text = g_strdup_printf("The history does not go back further: %s.\n",
                                            why ? why : "the run began here");
    g_autoptr(GString) out = g_string_new("O");

    gdb_hex(out, text, strlen(text));
    gdb_reply_bytes(g, out->str, out->len);
}

void gdb_tell_stop(struct gdb *g)
{
    struct vcpu *v = stopped_cpu(g);
    g_autoptr(GString) text = g_string_new(NULL);

    if (v)
        g->g_cpu = g->c_cpu = v->index;
    g_string_printf(text, "T%02xthread:%02x;", v ? 5 : signal_of(g->machine->state), g->c_cpu + 1);
    if (v && v->debug.why == DEBUG_HISTORY)
        say_why(g);
    if (v)
        append_reason(g, v, text);
    if (v)
        v->debug.why = DEBUG_NO;
    gdb_reply(g, text->str);
}

/* ---- Going on ------------------------------------------------------------------------------ */

enum go { ACT_NONE, ACT_CONTINUE, ACT_STEP };

struct plan {
    enum go action;
    uint64_t from, to; /* of a range step */
};

static bool still_there(struct gdb *g, const struct vcpu *v)
{
    return v->debug.why != DEBUG_NO && v->debug.why != DEBUG_STEPPED &&
           point_type(g, &v->debug.hit) != UINT_MAX;
}

/* A stop that gdb has not heard of, of a vCPU that it wants to go on. */
static bool tell_waiting_stop(struct gdb *g, const struct plan *plan)
{
    bool any = false;

    for (unsigned i = 0; i < g->machine->vcpus->len; i++) {
        struct vcpu *v = gdb_cpu(g, i);

        if (!still_there(g, v))
            v->debug.why = DEBUG_NO;
        any |= v->debug.why != DEBUG_NO && plan[i].action != ACT_NONE;
    }
    if (any)
        gdb_tell_stop(g);
    return any;
}

static void go(struct gdb *g, const struct plan *plan)
{
    struct machine *m = g->machine;
    bool steps = false;

    for (unsigned i = 0; i < m->vcpus->len; i++)
        steps |= plan[i].action == ACT_STEP;
    if (steps && !m->inspect->debug_points(m)) {
        gdb_reply_failure(g, "this accelerator cannot step");
        return;
    }
    if (tell_waiting_stop(g, plan))
        return;
    machine_pause(m);
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct vcpu *v = gdb_cpu(g, i);

        v->debug.held = plan[i].action == ACT_NONE;
        v->debug.step = plan[i].action == ACT_STEP && (g->sstep & SSTEP_ENABLE);
        v->debug.step_irq = !(g->sstep & SSTEP_NOIRQ);
        v->debug.step_from = plan[i].from;
        v->debug.step_to = plan[i].to;
    }
    apply(g);
    if (m->state == RUN_SHUTDOWN || m->state == RUN_FATAL) {
        gdb_tell_stop(g);
        return;
    }
    g->waiting = g->resuming = true;
    g->stopped_it = false;
    machine_start(m);
    g->resuming = false;
}

/* All go on; the vCPU of c and s packets steps, if anybody is to. */
static void go_all(struct gdb *g, bool step)
{
    g_autofree struct plan *plan = g_new0(struct plan, g->machine->vcpus->len);

    for (unsigned i = 0; i < g->machine->vcpus->len; i++)
        plan[i].action = step && i == g->c_cpu ? ACT_STEP : ACT_CONTINUE;
    go(g, plan);
}

/* "c ADDR": gdb has given up writing PC this way long ago. */
static void go_from(struct gdb *g, const char *args, bool step)
{
    if (*args)
        gdb_reply_failure(g, "to go on elsewhere, set $pc first");
    else
        go_all(g, step);
}

void gdb_continue(struct gdb *g, const char *args)
{
    go_from(g, args, false);
}

void gdb_step(struct gdb *g, const char *args)
{
    go_from(g, args, true);
}

/* A machine has no signals. */
static void go_signal(struct gdb *g, const char *args, bool step)
{
    uint64_t signal;

    if (gdb_number(&args, &signal))
        go_from(g, args, step);
    else
        gdb_reply_error(g, EINVAL);
}

void gdb_continue_signal(struct gdb *g, const char *args)
{
    go_signal(g, args, false);
}

void gdb_step_signal(struct gdb *g, const char *args)
{
    go_signal(g, args, true);
}

/* ---- vCont --------------------------------------------------------------------------------- */

/* c  s  Csig  Ssig  rFROM,TO */
static bool parse_action(const char **p, struct plan *a)
{
    char letter = *(*p)++;
    uint64_t signal;

    *a = (struct plan){.action = letter == 'c' || letter == 'C' ? ACT_CONTINUE : ACT_STEP};
    switch (letter) {
    case 'c':
    case 's':
        return true;
    case 'C':
    case 'S':
        return gdb_number(p, &signal);
    case 'r':
        return gdb_number(p, &a->from) && *(*p)++ == ',' && gdb_number(p, &a->to);
    default:
        return false;
    }
}

/* The leftmost action that names a thread, or all, is its action. */
static void assign(struct gdb *g, struct plan *plan, const struct plan *a, int cpu)
{
    for (unsigned i = 0; i < g->machine->vcpus->len; i++)
        if ((cpu < 0 || (unsigned)cpu == i) && plan[i].action == ACT_NONE)
            plan[i] = *a;
}

void gdb_vcont(struct gdb *g, const char *args)
{
    g_autofree struct plan *plan = g_new0(struct plan, g->machine->vcpus->len);
    bool any = false;

    if (*args == '?') {
        /* A history has one instruction at a time: accel/history.h, `gap`. */
        gdb_reply(g, g->machine->history ? "vCont;c;C;s;S" : "vCont;c;C;s;S;r");
        return;
    }
    while (*args == ';') {
        struct plan a;
        int cpu = -1;

        args++;
        if (!parse_action(&args, &a) || (*args == ':' && (args++, !gdb_thread(g, &args, &cpu))))
            break;
        assign(g, plan, &a, cpu);
        any = true;
    }
    if (any && !*args)
        go(g, plan);
    else
        gdb_reply_error(g, EINVAL);
}

void gdb_back(struct gdb *g, bool step)
{
    struct machine *m = g->machine;

    machine_pause(m);
    if (!m->history || m->state == RUN_SHUTDOWN || m->state == RUN_FATAL) {
        gdb_reply_failure(g, "only a machine with -icount can go back");
        return;
    }
    gdb_release(g); /* all go, nobody steps: the points are set */
    m->inspect->history_back(m, step);
    g->waiting = g->resuming = true;
    g->stopped_it = false;
    machine_start(m);
    g->resuming = false;
}

void gdb_detach(struct gdb *g)
{
    machine_pause(g->machine);
    gdb_forget_points(g);
    gdb_release(g);
    g->machine->inspect->history_end(g->machine);
    g->waiting = g->stopped_it = false;
    if (g->machine->state == RUN_PAUSED || g->machine->state == RUN_PRELAUNCH)
        machine_start(g->machine);
    gdb_reply(g, "OK");
}

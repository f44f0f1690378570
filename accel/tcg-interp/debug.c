/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints, watchpoints and steps of a debugger (core/debug.h). None of it costs anything
 * while it is not used:
 *
 *   breakpoint   Instructions of its page are blocks of one, which nobody links to, so each is
 *                looked up, and the lookup compares addresses. A change of the points renews all
 *                tickets: old links into the page lead to a lookup, too.
 *   watchpoint   No access to its page is fast (TI_WATCH): it comes to mem.c, as with the guest's
 *                own debug registers. The instruction ends, then the loop stops.
 *   step         The loop runs one-instruction blocks anyway where something asks for it.
 *
 * The guest's DR0-7 and TF are no part of this and go on as they are.
 */
#include <string.h>

#include "accel/tcg-interp/engine.h"

static uint64_t next_la(const struct x86_cpu *c)
{
    return c->mode == X86_MODE_64 ? c->rip : (uint32_t)(c->seg_base[S_CS] + c->rip);
}

/* ---- What is asked for -------------------------------------------------------------------- */

static bool same_points(const struct tcg_debug *d, const struct machine_debug *m)
{
    return d->n == m->n && (!d->n || !memcmp(d->point, m->points, d->n * sizeof(*d->point)));
}

static void take_points(struct tcg_cpu *t)
{
    const struct machine_debug *m = &t->machine->debug;
    struct tcg_debug *d = &t->debug;

    if (same_points(d, m))
        return;
    g_free(d->point);
    d->point = m->n ? g_memdup2(m->points, m->n * sizeof(*m->points)) : NULL;
    d->n = m->n;
    d->exec = d->data = false;
    for (unsigned i = 0; i < d->n; i++)
        *(d->point[i].kind == DEBUG_EXEC ? &d->exec : &d->data) = true;
    tlb_flush_all(t);
}

void tcg_debug(struct vcpu *v)
{
    struct tcg_cpu *t = v->accel_data[ACCEL_TCG];
    struct tcg_debug *d = &t->debug;

    take_points(t);
    d->step = v->debug.step;
    d->step_irq = v->debug.step_irq;
    d->step_from = v->debug.step_from;
    d->step_to = v->debug.step_to;
    d->on = d->step || d->n;
    if (!d->exec)
        d->pass = false;
}

void tcg_debug_fini(struct tcg_cpu *t)
{
    g_free(t->debug.point);
}

/* ---- While the guest runs ----------------------------------------------------------------- */

void tcg_debug_begin(struct tcg_cpu *t)
{
    struct tcg_debug *d = &t->debug;

    d->ran = false;
    d->hit = DEBUG_NO;
}

static bool in_step_range(const struct tcg_cpu *t)
{
    uint64_t la = next_la(&t->x);

    return la >= t->debug.step_from && la < t->debug.step_to;
}

bool tcg_debug_stop(struct tcg_cpu *t)
{
    struct tcg_debug *d = &t->debug;

    if (d->ran || d->pass_la != next_la(&t->x))
        d->pass = false; /* it went on, maybe elsewhere */
    if (d->hit == DEBUG_NO && d->step && d->ran && !in_step_range(t))
        d->hit = DEBUG_STEPPED;
    if (d->hit == DEBUG_NO)
        return false;
    if (d->hit == DEBUG_BREAKPOINT) {
        d->pass = true;
        d->pass_la = next_la(&t->x);
    }
    t->vcpu->debug.why = d->hit;
    t->vcpu->debug.hit = d->hit_point;
    return true;
}

static uint64_t page_distance(uint64_t la, const struct debug_point *p)
{
    return (la & PAGE_MASK) - (p->addr & PAGE_MASK);
}

bool tcg_debug_fetch(struct tcg_cpu *t, uint64_t la, uint32_t *mode)
{
    struct tcg_debug *d = &t->debug;
    bool pass = d->pass && d->pass_la == la;

    d->pass = false;
    for (unsigned i = 0; i < d->n; i++) {
        const struct debug_point *p = &d->point[i];

        if (p->kind != DEBUG_EXEC || page_distance(la, p))
            continue;
        *mode |= M_ONE;
        if (p->addr != la || pass)
            continue;
        d->hit = DEBUG_BREAKPOINT;
        d->hit_point = *p;
        t->leave = true;
        return true;
    }
    return false;
}

bool tcg_debug_watches(const struct tcg_cpu *t, uint64_t la)
{
    const struct tcg_debug *d = &t->debug;

    for (unsigned i = 0; i < d->n; i++) {
        const struct debug_point *p = &d->point[i];
        uint64_t pages = (p->addr & ~PAGE_MASK) + p->len;

        if (p->kind != DEBUG_EXEC && page_distance(la, p) < pages)
            return true;
    }
    return false;
}

void tcg_debug_access(struct tcg_cpu *t, uint64_t la, unsigned len, bool write)
{
    struct tcg_debug *d = &t->debug;

    for (unsigned i = 0; i < d->n && d->hit == DEBUG_NO; i++) {
        const struct debug_point *p = &d->point[i];

        if (p->kind == DEBUG_EXEC || p->kind == (write ? DEBUG_READ : DEBUG_WRITE))
            continue;
        if (la - p->addr < p->len || p->addr - la < len) {
            d->hit = DEBUG_WATCHPOINT;
            d->hit_point = *p;
            t->leave = true;
        }
    }
}

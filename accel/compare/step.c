/* SPDX-License-Identifier: MIT */
/*
 * A step of both sides, and what happens between two: time goes on, devices' writes are copied,
 * interrupts are delivered.
 *
 * An interrupt is taken from the machine's chips once, when side a's state accepts it (b's is the
 * same), and delivered to both by interpretation. Single-stepping hardware by RFLAGS.TF would
 * otherwise show TF in the frame that it pushes.
 */
#include "accel/compare/compare.h"

#include <string.h>

static const char *const exit_names[] = {
    [VCPU_KICKED] = "goes on",       [VCPU_HALTED] = "is halted", [VCPU_RESET] = "asks for a reset",
    [VCPU_SHUTDOWN] = "shuts down",  [VCPU_DEBUG] = "meets a breakpoint",
    [VCPU_FATAL] = "cannot go on",
};

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool ends_equal(struct compare *c, GString *out)
{
    const struct side *a = &c->side[SIDE_A], *b = &c->side[SIDE_B];

    iolog_check_end(c);
    if (c->io_diff)
        g_string_append(out, c->io_diff->str);
    if (a->why != b->why)
        g_string_append_printf(out, "  processor        %c %s\n                   %c %s\n",
                               a->letter, exit_names[a->why], b->letter, exit_names[b->why]);
    if (a->done != b->done)
        g_string_append_printf(out, "  instructions run %c %" G_GINT64_FORMAT "\n"
                                    "                   %c %" G_GINT64_FORMAT "\n",
                               a->letter, a->done, b->letter, b->done);
    return out->len == 0;
}

/* The flags that the instruction leaves undefined, if it was a single one. */
static uint32_t undefined_flags(const struct compare *c, const struct ahead *a)
{
    return a && c->single && a->decoded ? x86_rows[a->insn.row].fl_undef : 0;
}

/* After a step: `a` is the instruction it began with, NULL for an interrupt. */
static void compare(struct compare *c, const struct ahead *a, const struct x86_state *before)
{
    GString *out = g_string_new(NULL);
    uint32_t undefined = undefined_flags(c, a);
    bool ends = ends_equal(c, out);

    if (!fields_equal(c, undefined))
        fields_describe(c, undefined, out);
    if (ends && out->len == 0 && c->single) {
        static const struct ahead none;
        memory_touched_equal(c, a ? a : &none, before, out);
    }
    if (out->len == 0)
        memory_check(c, out);
    if (out->len)
        report_difference(c, out->str);
    g_string_free(out, TRUE);
}

/* ---- One step -------------------------------------------------------------------------------- */

static void run_both(struct compare *c, void (*run)(struct side *s, int64_t n), int64_t n)
{
    struct side *a = &c->side[SIDE_A], *b = &c->side[SIDE_B];

    a->vcpu.kicked = 0;
    c->phase = PHASE_A;
    run(a, n);
    side_save(a);
    c->phase = PHASE_B;
    run(b, a->why == VCPU_KICKED ? a->done : n);
    side_save(b);
    c->phase = PHASE_NONE;
}

/* A repeated string instruction that a device's answer interrupted is run to its end, since b
 * could not stop in the middle of it. */
static void run_a(struct side *s, int64_t n)
{
    int64_t done = 0;

    for (;;) {
        struct ahead at;

        side_run(s, n - done);
        done += s->done;
        if (s->index == SIDE_B || s->why != VCPU_KICKED || done == n)
            break;
        side_save(s);
        insn_fetch(s, &s->st, &at);
        if (!insn_is_repeated(&s->st, &at))
            break;
        s->vcpu.kicked = 0;
    }
    s->done = done;
}

static void between_steps(struct compare *c)
{
    int64_t now = clock_now(&c->machine->vclock);

    for (unsigned i = 0; i < SIDES; i++) {
        side_set_time(&c->side[i], now);
        as_reclaim(&c->side[i].machine->mem);
    }
    if (!c->whole)
        map_copy_all(c);
    map_copy_dma(c);
}

enum vcpu_exit step_run(struct compare *c, int64_t n)
{
    struct side *a = &c->side[SIDE_A];
    struct x86_state before = a->st;
    struct ahead at = {0};

    between_steps(c);
    insn_fetch(a, &a->st, &at);
    report_note(c, &at, -1);
    c->single = n == 1;
    run_both(c, run_a, n);
    c->count += (uint64_t)a->done;
    c->run_done += a->done;
    compare(c, &at, &before);
    iolog_clear(c);
    if (a->why == VCPU_FATAL && !c->over) {
        c->over = true;
        return VCPU_FATAL;
    }
    return a->why;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static uint32_t take_pin(struct compare *c, uint32_t pins)
{
    return __atomic_fetch_and(&c->vcpu->pins, ~pins, __ATOMIC_ACQ_REL) & pins;
}

/* Have both sides take what is at this pin. */
static void deliver(struct compare *c, enum vcpu_pin pin, int vector)
{
    struct ahead at = {.rip = c->side[SIDE_A].st.rip, .cs = c->side[SIDE_A].st.seg[S_CS].sel};
    struct x86_state before = c->side[SIDE_A].st;

    between_steps(c);
    report_note(c, &at, vector);
    c->single = true;
    for (unsigned i = 0; i < SIDES; i++) {
        c->side[i].vector = vector;
        c->side[i].vcpu.sipi_vector = c->vcpu->sipi_vector;
        vcpu_pin(&c->side[i].vcpu, pin, 1);
    }
    run_both(c, side_interpret, 0);
    c->events++;
    compare(c, NULL, &before);
    iolog_clear(c);
}

static int acknowledge(struct compare *c)
{
    const struct vcpu_apic *l = &c->vcpu->lapic;
    int vector;

    if (!l->ack)
        return -1;
    c->machine->current = c->vcpu;
    vector = l->ack(l->apic);
    c->machine->current = NULL;
    return vector;
}

static void take_nmi(struct compare *c)
{
    if (!take_pin(c, VCPU_NMI_SECOND))
        take_pin(c, VCPU_NMI);
    deliver(c, VCPU_NMI, 2);
}

void step_events(struct compare *c)
{
    const struct x86_state *st = &c->side[SIDE_A].st;
    uint32_t pins = vcpu_pins(c->vcpu);
    bool shadow = st->inhibit_irq || st->inhibit_movss, halted = st->mp_state == MP_HALTED;
    int vector;

    take_pin(c, pins & VCPU_SMI); /* there is no system management mode */
    if (pins & VCPU_INIT) {
        take_pin(c, VCPU_INIT | VCPU_NMI | VCPU_NMI_SECOND);
        deliver(c, VCPU_INIT, 0);
    } else if (pins & VCPU_SIPI) {
        take_pin(c, VCPU_SIPI);
        deliver(c, VCPU_SIPI, 0);
    } else if (st->nmi_masked && (pins & VCPU_NMI_SECOND)) {
        take_pin(c, VCPU_NMI_SECOND);
    } else if ((st->mp_state != MP_RUNNABLE && !halted) || shadow) {
        return;
    } else if ((pins & VCPU_NMI) && !st->nmi_masked) {
        take_nmi(c);
    } else if ((pins & VCPU_INTR) && (st->rflags & FL_IF) && (vector = acknowledge(c)) >= 0) {
        deliver(c, VCPU_INTR, vector);
    }
}

uint32_t step_wake_mask(const struct compare *c)
{
    const struct x86_state *st = &c->side[SIDE_A].st;

    if (st->mp_state == MP_WAIT_SIPI)
        return VCPU_INIT | VCPU_SIPI;
    if (st->mp_state == MP_WAIT_INIT)
        return VCPU_INIT;
    return VCPU_INIT | (st->nmi_masked ? 0 : VCPU_NMI) |
           (st->rflags & FL_IF ? VCPU_INTR : 0);
}

/* SPDX-License-Identifier: MIT */
/*
 * High-precision event timers. IA-PC HPET specification 1.0a.
 *
 * Modelled: a 64-bit counter at 100 MHz, three comparators that can all be periodic and 32 or
 * 64 bits wide, edge and level, routes to the I/O APIC, legacy replacement. FSB (MSI) delivery
 * is not offered. An edge-triggered output stays high until just before its next rise, so that
 * an 8259A behind it keeps the request. Matches of a timer whose interrupt is disabled set no
 * status.
 */
#include "hw/timer/hpet.h"
#include "hw/timer/hpet_regs.h"
#include "core/machine.h"

/* Periodic timers that are faster lose interrupts, not the host. */
#define MIN_INTERVAL_NS 10000
/* Matches further away than decades are not waited for. */
#define MAX_TICKS (1ull << 57)

static int64_t now_ns(const struct hpet *s)
{
    return clock_now(&s->dev.machine->vclock);
}

/* Ticks counted since `counter` was the counter's value. */
static uint64_t ticks_since(const struct hpet *s)
{
    return s->config & HPET_ENABLE ? (now_ns(s) - s->start_ns) / HPET_NS_PER_TICK : 0;
}

static uint64_t counter_now(const struct hpet *s)
{
    return s->counter + ticks_since(s);
}

static uint64_t width_mask(const struct hpet_timer *t)
{
    return t->config & HPET_TN_32BIT ? UINT32_MAX : UINT64_MAX;
}

/* Periodic: the comparator of the next match. */
static void advance(struct hpet_timer *t, uint64_t counter)
{
    uint64_t mask = width_mask(t);
    uint64_t period = t->period & mask;
    if (!(t->config & HPET_TN_PERIODIC) || !period)
        return;
    uint64_t behind = (counter - t->comparator) & mask;
    if (behind <= mask / 2) /* the comparator lies in the past */
        t->comparator = (t->comparator + (behind / period + 1) * period) & mask;
}

/* ---- Outputs --------------------------------------------------------------------------------- */

static bool timer_level(const struct hpet *s, unsigned n)
{
    const struct hpet_timer *t = &s->t[n];
    if (!(t->config & HPET_TN_ENABLE) || !(s->config & HPET_ENABLE))
        return false;
    return t->config & HPET_TN_LEVEL ? s->status >> n & 1 : t->out;
}

/* The lines as a function of the registers. */
static void drive(struct hpet *s)
{
    bool legacy = s->config & HPET_LEGACY;
    uint32_t high = 0;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        unsigned route = (s->t[n].config & HPET_TN_ROUTE) >> HPET_TN_ROUTE_SHIFT;
        if (timer_level(s, n) && !(legacy && n < 2) && (HPET_ROUTE_CAP >> route & 1))
            high |= 1u << route;
    }
    for (unsigned r = 0; r < G_N_ELEMENTS(s->route); r++)
        if ((high ^ s->driven) >> r & 1)
            irq_set(s->route[r], high >> r & 1);
    s->driven = high;
    for (unsigned n = 0; n < 2; n++)
        irq_set(s->legacy_out[n], legacy ? timer_level(s, n) : s->legacy_in >> n & 1);
}

static void arm(struct hpet *s, unsigned n, int64_t not_before)
{
    struct hpet_timer *t = &s->t[n];
    /* A match comes when the counter moves on to the comparator: in 1 to 2^width ticks. */
    uint64_t ticks = (t->comparator - counter_now(s) - 1) & width_mask(t);
    if ((s->config & HPET_ENABLE) && (t->config & HPET_TN_ENABLE) && ticks <= MAX_TICKS) {
        int64_t deadline =
            s->start_ns + (int64_t)(ticks_since(s) + ticks + 1) * HPET_NS_PER_TICK;
        timer_set(&t->timer, deadline > not_before ? deadline : not_before);
    } else {
        timer_del(&t->timer);
    }
}

/* Every path but a match ends here. */
static void hpet_update(struct hpet *s)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        arm(s, n, 0);
    drive(s);
}

static void match(void *opaque)
{
    struct hpet_timer *t = opaque;
    struct hpet *s = t->hpet;
    t->out = false;
    drive(s);
    if (t->config & HPET_TN_LEVEL)
        s->status |= 1u << t->n;
    else
        t->out = true;
    drive(s);
    advance(t, counter_now(s));
    arm(s, t->n, now_ns(s) + MIN_INTERVAL_NS);
}

/* Matches whose time has come happen before the guest's next access has its effect. */
static void catch_up(struct hpet *s)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        if (timer_pending(&s->t[n].timer) && s->t[n].timer.deadline <= now_ns(s))
            match(&s->t[n]);
}

void hpet_legacy_in(void *opaque, int n, int level)
{
    struct hpet *s = opaque;
    s->legacy_in = level ? s->legacy_in | 1u << n : s->legacy_in & ~(1u << n);
    if (!(s->config & HPET_LEGACY))
        irq_set(s->legacy_out[n], level);
}

/* ---- Registers ------------------------------------------------------------------------------- */

static uint64_t reg_read(struct hpet *s, uint64_t off)
{
    unsigned n = (off - HPET_T0) / HPET_T_STRIDE;
    if (off >= HPET_T0 && n < HPET_TIMERS) {
        struct hpet_timer *t = &s->t[n];
        switch ((off - HPET_T0) % HPET_T_STRIDE) {
        case HPET_T_CONFIG:
            return t->config | HPET_TN_PERIODIC_CAP | HPET_TN_SIZE_CAP |
                   (uint64_t)HPET_ROUTE_CAP << 32;
        case HPET_T_COMPARATOR:
            if (s->config & HPET_ENABLE)
                advance(t, counter_now(s) - 1);
            return t->comparator;
        }
        return 0;
    }
    switch (off) {
    case HPET_CAP:
        return (uint64_t)HPET_PERIOD_FS << 32 | HPET_CAP_LOW;
    case HPET_CONFIG:
        return s->config;
    case HPET_STATUS:
        return s->status;
    case HPET_COUNTER:
        return counter_now(s);
    }
    return 0;
}

static uint64_t hpet_read(void *dev, uint64_t off, unsigned size)
{
    catch_up(dev);
    return reg_read(dev, off & ~7ull) >> (off & 7) * 8;
}

static uint64_t merge(uint64_t old, uint64_t val, uint64_t mask)
{
    return (old & ~mask) | (val & mask);
}

static void write_comparator(struct hpet_timer *t, uint64_t val, uint64_t mask)
{
    bool periodic = t->config & HPET_TN_PERIODIC;
    if (!periodic || (t->config & HPET_TN_SETVAL))
        t->comparator = merge(t->comparator, val, mask) & width_mask(t);
    if (periodic)
        t->period = merge(t->period, val, mask) & width_mask(t);
    t->config &= ~(uint64_t)HPET_TN_SETVAL;
}

static void timer_write(struct hpet *s, unsigned n, uint64_t reg, uint64_t val, uint64_t mask)
{
    struct hpet_timer *t = &s->t[n];
    if (s->config & HPET_ENABLE)
        advance(t, counter_now(s) - 1);
    if (reg == HPET_T_COMPARATOR) {
        write_comparator(t, val, mask);
    } else if (reg == HPET_T_CONFIG) {
        uint64_t old = t->config;
        t->config = merge(old, val, mask) & HPET_TN_WRITABLE;
        if (t->config & HPET_TN_32BIT) {
            t->comparator &= UINT32_MAX;
            t->period &= UINT32_MAX;
        }
        if ((old ^ t->config) & (HPET_TN_LEVEL | HPET_TN_ENABLE))
            t->out = false;
        if (!(t->config & HPET_TN_LEVEL))
            s->status &= ~(1u << n);
    }
}

static void write_config(struct hpet *s, uint64_t v)
{
    uint64_t was = s->config;
    uint64_t counter = counter_now(s);
    s->config = v & (HPET_ENABLE | HPET_LEGACY);
    if ((was ^ s->config) & HPET_ENABLE) {
        s->counter = counter;
        s->start_ns = now_ns(s);
    }
}

static void write_counter(struct hpet *s, uint64_t v)
{
    s->counter = v;
    s->start_ns = now_ns(s);
}

static void hpet_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct hpet *s = dev;
    uint64_t mask = size == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX << (off & 4) * 8;
    uint64_t reg = off & ~7ull;
    unsigned n = (reg - HPET_T0) / HPET_T_STRIDE;
    catch_up(s);
    if (size != 8)
        val <<= (off & 4) * 8;
    if (reg >= HPET_T0) {
        if (n < HPET_TIMERS)
            timer_write(s, n, (reg - HPET_T0) % HPET_T_STRIDE, val, mask);
    } else if (reg == HPET_CONFIG) {
        write_config(s, merge(s->config, val, mask));
    } else if (reg == HPET_STATUS) {
        s->status &= ~(uint32_t)(val & mask);
    } else if (reg == HPET_COUNTER) {
        write_counter(s, merge(counter_now(s), val, mask));
    }
    hpet_update(s);
}

static const struct region_ops hpet_ops = {
    .read = hpet_read, .write = hpet_write, .min = 4, .max = 8};

/* ---- Device ---------------------------------------------------------------------------------- */

static void hpet_reset(struct device *dev)
{
    struct hpet *s = (struct hpet *)dev;
    s->config = s->counter = 0;
    s->status = 0;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        struct hpet_timer *t = &s->t[n];
        t->config = 0;
        t->comparator = UINT64_MAX;
        t->period = 0;
        t->out = false;
    }
    hpet_update(s);
}

static void hpet_loaded(struct device *dev)
{
    struct hpet *s = (struct hpet *)dev;
    s->config &= HPET_ENABLE | HPET_LEGACY;
    s->start_ns = CLAMP(s->start_ns, 0, now_ns(s));
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        s->t[n].config &= HPET_TN_WRITABLE;
    hpet_update(s);
}

static bool hpet_realize(struct device *dev, GError **err)
{
    struct hpet *s = (struct hpet *)dev;
    region_init_io(&s->mmio, "hpet", &hpet_ops, s, 0x400);
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        s->t[n].hpet = s;
        s->t[n].n = n;
        timer_init(&s->t[n].timer, &dev->machine->vclock, "hpet", match, &s->t[n]);
    }
    hpet_reset(dev);
    return true;
}

static void hpet_unrealize(struct device *dev)
{
    struct hpet *s = (struct hpet *)dev;
    for (unsigned n = 0; n < HPET_TIMERS; n++)
        timer_del(&s->t[n].timer);
    region_fini(&s->mmio);
}

#define TIMER(n)                                                                                   \
    STATE_FIELD(struct hpet, t[n].config), STATE_FIELD(struct hpet, t[n].comparator),              \
    STATE_FIELD(struct hpet, t[n].period), STATE_FIELD(struct hpet, t[n].out)
static const struct state_field hpet_state[] = {
    STATE_FIELD(struct hpet, config), STATE_FIELD(struct hpet, status),
    STATE_FIELD(struct hpet, counter), STATE_FIELD(struct hpet, start_ns),
    STATE_FIELD(struct hpet, legacy_in), TIMER(0), TIMER(1), TIMER(2), STATE_END,
};

const struct device_type hpet_type = {
    .name = "hpet",
    .help = "high-precision event timers",
    .bus = "System",
    .size = sizeof(struct hpet),
    .state = hpet_state,
    .state_version = 1,
    .internal = true,
    .realize = hpet_realize,
    .reset = hpet_reset,
    .loaded = hpet_loaded,
    .unrealize = hpet_unrealize,
};

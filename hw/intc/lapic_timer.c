/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline. Intel SDM vol. 3 section 10.5.4.
 *
 * The count registers run at 1 GHz divided by the divide configuration; the current count is
 * computed when somebody looks. A host timer exists only while an interrupt can come: a
 * masked timer counts, and costs nothing.
 */
#include "hw/intc/lapic_int.h"

/* The shortest period served; faster periodic timers lose interrupts, not the host. */
#define MIN_PERIOD_NS 10000

unsigned lapic_timer_mode(const struct lapic *a)
{
    return a->lvt[LVT_TIMER] >> LVT_TIMER_MODE_SHIFT & 3;
}

/* ns per tick: the register's bits 3, 1, 0 are log2(divisor) - 1, 111b divides by 1. */
static int64_t tick_ns(const struct lapic *a)
{
    unsigned code = (a->divide & 3) | (a->divide >> 1 & 4);
    return 1ll << ((code + 1) & 7);
}

static int64_t now(const struct lapic *a)
{
    return clock_now(&a->dev.machine->vclock);
}

/* First virtual time at which the TSC is at or past the deadline. */
static int64_t deadline_ns(const struct lapic *a)
{
    uint64_t hz = a->dev.machine->tsc_hz;
    int64_t tsc = a->tsc_deadline - a->vcpu->tsc_offset;
    if (tsc <= 0 || !hz)
        return 0;
    unsigned __int128 ns = ((unsigned __int128)tsc * NSEC_PER_SEC + hz - 1) / hz;
    return ns < INT64_MAX ? (int64_t)ns : INT64_MAX - 1;
}

/* Bring count/count_start, or the deadline, to the present. */
void lapic_timer_catch_up(struct lapic *a)
{
    if (lapic_timer_mode(a) == TIMER_TSC_DEADLINE) {
        if (a->tsc_deadline && deadline_ns(a) <= now(a))
            a->tsc_deadline = 0;
        return;
    }
    if (!a->count)
        return;
    uint64_t ticks = (now(a) - a->count_start) / tick_ns(a);
    a->count_start += ticks * tick_ns(a);
    if (ticks < a->count)
        a->count -= ticks;
    else if (lapic_timer_mode(a) == TIMER_PERIODIC && a->initial_count)
        a->count = a->initial_count - (ticks - a->count) % a->initial_count;
    else
        a->count = 0;
}

uint32_t lapic_timer_current(struct lapic *a)
{
    lapic_timer_sync(a); /* who sees zero has the interrupt */
    if (lapic_timer_mode(a) == TIMER_TSC_DEADLINE)
        return 0;
    lapic_timer_catch_up(a);
    return a->count;
}

void lapic_timer_arm(struct lapic *a)
{
    if (!(a->lvt[LVT_TIMER] & LVT_MASKED) && lapic_enabled(a) && !lapic_in_kernel(a)) {
        if (lapic_timer_mode(a) == TIMER_TSC_DEADLINE && a->tsc_deadline) {
            timer_set(&a->timer, deadline_ns(a));
            return;
        }
        if (lapic_timer_mode(a) != TIMER_TSC_DEADLINE && a->count) {
            timer_set(&a->timer, a->count_start + a->count * tick_ns(a));
            return;
        }
    }
    timer_del(&a->timer);
}

/* Expired. A count that reached zero reloads (periodic) or stops in catch_up(). */
void lapic_timer_fire(void *opaque)
{
    struct lapic *a = opaque;
    lapic_timer_catch_up(a);
    lapic_lvt_fire(a, LVT_TIMER);
    lapic_timer_arm(a);
    int64_t soonest = now(a) + MIN_PERIOD_NS;
    if (timer_pending(&a->timer) && a->timer.deadline < soonest)
        timer_set(&a->timer, soonest);
}

void lapic_timer_sync(struct lapic *a)
{
    if (timer_pending(&a->timer) && a->timer.deadline <= now(a))
        lapic_timer_fire(a);
}

void lapic_timer_start(struct lapic *a, uint32_t initial_count)
{
    lapic_timer_sync(a);
    if (lapic_timer_mode(a) == TIMER_TSC_DEADLINE)
        return;
    a->initial_count = a->count = initial_count;
    a->count_start = now(a);
    lapic_timer_arm(a);
}

/* Of a timer in the host kernel the accelerator reads and writes the register as it is. */
void lapic_timer_set_deadline(struct lapic *a, uint64_t tsc)
{
    if (lapic_in_kernel(a)) {
        a->tsc_deadline = tsc;
        return;
    }
    lapic_timer_sync(a);
    if (lapic_timer_mode(a) != TIMER_TSC_DEADLINE)
        return;
    a->tsc_deadline = tsc;
    if (tsc && deadline_ns(a) <= now(a))
        lapic_timer_fire(a);
    else
        lapic_timer_arm(a);
}

uint64_t lapic_timer_get_deadline(struct lapic *a)
{
    if (lapic_in_kernel(a))
        return a->tsc_deadline;
    lapic_timer_sync(a);
    if (lapic_timer_mode(a) != TIMER_TSC_DEADLINE)
        return 0;
    lapic_timer_catch_up(a);
    return a->tsc_deadline;
}

/* SPDX-License-Identifier: MIT */
/*
 * All registers of a local APIC at once, in the form of KVM_GET_LAPIC: the first KiB of the
 * register page, Intel SDM vol. 3 table 10-1, with the whole 32-bit ID in x2APIC mode
 * (KVM_X2APIC_API_USE_32BIT_IDS) and the x2APIC's ICR as two registers.
 *
 * Two things are not as in a real page:
 *
 * KVM takes a one-shot timer whose current count is 0 for one that expires now, so one that has
 * expired is given with an initial count of 0.
 *
 * The other way, KVM does not tell whether the interrupt of an expired one-shot timer is in the
 * IRR already or will be in a moment. Unless the vector is seen in IRR or ISR the timer expires
 * here once more: one interrupt too many does no harm, one too few is a guest that hangs.
 */
#include "hw/intc/lapic_int.h"

static uint32_t *reg(uint8_t page[VCPU_APIC_PAGE], unsigned n)
{
    return (uint32_t *)(void *)(page + n * 16);
}

static uint32_t get(const uint8_t page[VCPU_APIC_PAGE], unsigned n)
{
    return *(const uint32_t *)(const void *)(page + n * 16);
}

void lapic_get_regs(void *opaque, uint8_t page[VCPU_APIC_PAGE])
{
    struct lapic *a = opaque;
    uint32_t count = lapic_timer_current(a), v;

    lapic_pv_settle(a);
    memset(page, 0, VCPU_APIC_PAGE);
    for (unsigned n = 0; n < APIC_NREGS; n++)
        if (lapic_reg_read(a, n, &v))
            *reg(page, n) = v;
    *reg(page, APIC_TIMER_CURRENT) = count;
    if (lapic_timer_mode(a) == TIMER_ONE_SHOT && !count)
        *reg(page, APIC_TIMER_INITIAL) = 0;
}

static bool seen(const struct lapic *a, uint8_t vector)
{
    return (a->irr[vector >> 5] | a->isr[vector >> 5]) >> (vector & 31) & 1;
}

static void set_timer(struct lapic *a, const uint8_t page[VCPU_APIC_PAGE], uint64_t tsc_deadline)
{
    unsigned mode = lapic_timer_mode(a);

    a->divide = get(page, APIC_TIMER_DIVIDE) & 0xb;
    a->initial_count = get(page, APIC_TIMER_INITIAL);
    a->count = get(page, APIC_TIMER_CURRENT);
    a->count_start = clock_now(&a->dev.machine->vclock);
    a->tsc_deadline = mode == TIMER_TSC_DEADLINE ? tsc_deadline : 0;
    if (mode == TIMER_TSC_DEADLINE)
        a->count = a->initial_count = 0;
    else if (!a->count && a->initial_count && mode == TIMER_PERIODIC)
        a->count = a->initial_count;
    else if (!a->count && a->initial_count && !seen(a, a->lvt[LVT_TIMER]))
        a->count = 1;
    lapic_timer_arm(a);
}

void lapic_set_regs(void *opaque, uint64_t base, const uint8_t page[VCPU_APIC_PAGE],
                    uint64_t tsc_deadline)
{
    struct lapic *a = opaque;

    lapic_put_base(a, base);
    a->tpr = get(page, APIC_TPR) & 0xff;
    a->ldr = lapic_x2(a) ? 0 : get(page, APIC_LDR) & 0xff000000;
    a->dfr = get(page, APIC_DFR) | 0x0fffffff;
    a->svr = get(page, APIC_SVR) & 0x3ff;
    for (unsigned n = 0; n < 8; n++) {
        a->isr[n] = get(page, APIC_ISR + n);
        a->tmr[n] = get(page, APIC_TMR + n);
        a->irr[n] = get(page, APIC_IRR + n);
    }
    a->esr = get(page, APIC_ESR);
    a->esr_pending = 0;
    a->extint = a->pv_eoi_set = false;
    a->icr_low = get(page, APIC_ICR) & 0xcefff;
    a->icr_high = get(page, APIC_ICR2);
    for (unsigned n = 0; n < LVT_COUNT; n++)
        a->lvt[n] = get(page, APIC_LVT_TIMER + n) & 0x7f7ff;
    set_timer(a, page, tsc_deadline);
    lapic_update(a);
}

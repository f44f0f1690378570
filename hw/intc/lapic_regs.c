/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's registers as its page and its x2APIC MSRs show them.
 * Intel SDM vol. 3 sections 10.4-10.8 and 10.12 (tables 10-1, 10-6).
 */
#include "hw/intc/lapic_int.h"

enum { R = 1, W = 2, XAPIC = 4, X2APIC = 8, BOTH = XAPIC | X2APIC };
enum { XW = 16 }; /* writable, but not in x2APIC mode */

struct lapic_reg {
    uint8_t flags;
    uint32_t writable; /* other bits: ignored in xAPIC mode, #GP in x2APIC mode */
    uint32_t status;   /* but these are ignored there too: they are not reserved */
};
enum { SENDING = 1 << 12, REMOTE_IRR = 1 << 14 };
static const struct lapic_reg regs[APIC_NREGS] = {
    [APIC_ID] = {R | BOTH, 0, 0},
    [APIC_VERSION] = {R | BOTH, 0, 0},
    [APIC_TPR] = {R | W | BOTH, 0xff, 0},
    [APIC_APR] = {R | XAPIC, 0, 0},
    [APIC_PPR] = {R | BOTH, 0, 0},
    [APIC_EOI] = {W | BOTH, 0, 0},
    [APIC_RRD] = {R | XAPIC, 0, 0},
    [APIC_LDR] = {R | W | XW | BOTH, 0xff000000, 0},
    [APIC_DFR] = {R | W | XAPIC, 0xf0000000, 0},
    [APIC_SVR] = {R | W | BOTH, 0x3ff, 0},
    [APIC_ISR ... APIC_IRR + 7] = {R | BOTH, 0, 0},
    [APIC_ESR] = {R | W | BOTH, 0, 0},
    [APIC_ICR] = {R | W | BOTH, 0xcdfff, 0},
    [APIC_ICR2] = {R | W | XAPIC, 0xff000000, 0},
    [APIC_LVT_TIMER] = {R | W | BOTH, 0x700ff, SENDING},
    [APIC_LVT_TIMER + LVT_THERMAL ... APIC_LVT_TIMER + LVT_PERF] = {R | W | BOTH, 0x107ff,
                                                                    SENDING},
    [APIC_LVT_TIMER + LVT_LINT0 ... APIC_LVT_TIMER + LVT_LINT1] = {R | W | BOTH, 0x1a7ff,
                                                                   SENDING | REMOTE_IRR},
    [APIC_LVT_ERROR] = {R | W | BOTH, 0x100ff, SENDING},
    [APIC_TIMER_INITIAL] = {R | W | BOTH, 0xffffffff, 0},
    [APIC_TIMER_CURRENT] = {R | BOTH, 0, 0},
    [APIC_TIMER_DIVIDE] = {R | W | BOTH, 0x0b, 0},
    [APIC_SELF_IPI] = {W | X2APIC, 0xff, 0},
};

static uint32_t get_ldr(const struct lapic *a)
{
    return lapic_x2(a) ? (a->id >> 4) << 16 | 1u << (a->id & 15) : a->ldr;
}

/* What depends on the interrupts in service shows them as they are. */
static void settle(struct lapic *a, unsigned reg)
{
    bool in_service = reg == APIC_PPR || (reg >= APIC_ISR && reg < APIC_ISR + 8);
    if (in_service && a->dev.machine->current == a->vcpu)
        lapic_pv_settle(a);
}

static uint32_t reg_get(struct lapic *a, unsigned reg)
{
    settle(a, reg);
    switch (reg) {
    case APIC_ID:
        return lapic_x2(a) ? a->id : a->id << 24;
    case APIC_VERSION:
        return APIC_VERSION_VALUE;
    case APIC_TPR:
        return a->tpr;
    case APIC_PPR:
        return lapic_ppr(a);
    case APIC_LDR:
        return get_ldr(a);
    case APIC_DFR:
        return a->dfr;
    case APIC_SVR:
        return a->svr;
    case APIC_ISR ... APIC_ISR + 7:
        return a->isr[reg - APIC_ISR];
    case APIC_TMR ... APIC_TMR + 7:
        return a->tmr[reg - APIC_TMR];
    case APIC_IRR ... APIC_IRR + 7:
        return a->irr[reg - APIC_IRR];
    case APIC_ESR:
        return a->esr;
    case APIC_ICR:
        return a->icr_low;
    case APIC_ICR2:
        return a->icr_high;
    case APIC_LVT_TIMER ... APIC_LVT_ERROR:
        return a->lvt[reg - APIC_LVT_TIMER];
    case APIC_TIMER_INITIAL:
        return a->initial_count;
    case APIC_TIMER_CURRENT:
        return lapic_timer_current(a);
    case APIC_TIMER_DIVIDE:
        return a->divide;
    }
    return 0;
}

static void write_svr(struct lapic *a, uint32_t v)
{
    a->svr = v;
    if (lapic_software_enabled(a))
        return;
    lapic_timer_sync(a);
    lapic_timer_catch_up(a);
    for (unsigned i = 0; i < LVT_COUNT; i++)
        a->lvt[i] |= LVT_MASKED;
    lapic_timer_arm(a);
}

static void write_lvt(struct lapic *a, enum apic_lvt which, uint32_t v)
{
    if (!lapic_software_enabled(a))
        v |= LVT_MASKED;
    if (which == LVT_TIMER) {
        unsigned old_mode = lapic_timer_mode(a);
        lapic_timer_sync(a);
        lapic_timer_catch_up(a);
        a->lvt[LVT_TIMER] = v;
        if ((old_mode == TIMER_TSC_DEADLINE) != (lapic_timer_mode(a) == TIMER_TSC_DEADLINE)) {
            a->count = a->initial_count = 0;
            a->tsc_deadline = 0;
        }
        lapic_timer_arm(a);
        return;
    }
    if ((v & LVT_LEVEL) && (v >> LVT_MODE_SHIFT & 7) == APIC_FIXED)
        v |= a->lvt[which] & LVT_REMOTE_IRR;
    a->lvt[which] = v;
    if (which == LVT_LINT0 || which == LVT_LINT1)
        lapic_lint(a, which - LVT_LINT0, a->lint[which - LVT_LINT0]);
}

static void reg_set(struct lapic *a, unsigned reg, uint32_t v)
{
    switch (reg) {
    case APIC_TPR:
        a->tpr = v;
        break;
    case APIC_EOI:
        lapic_pv_settle(a);
        lapic_eoi(a);
        break;
    case APIC_LDR:
        a->ldr = v;
        break;
    case APIC_DFR:
        a->dfr = v | 0x0fffffff;
        break;
    case APIC_SVR:
        write_svr(a, v);
        break;
    case APIC_ESR:
        a->esr = a->esr_pending;
        a->esr_pending = 0;
        break;
    case APIC_ICR:
        a->icr_low = v & ~(1u << 12); /* delivery status: always idle */
        lapic_send_ipi(a);
        break;
    case APIC_ICR2:
        a->icr_high = v;
        break;
    case APIC_LVT_TIMER ... APIC_LVT_ERROR:
        write_lvt(a, reg - APIC_LVT_TIMER, v);
        break;
    case APIC_TIMER_INITIAL:
        lapic_timer_start(a, v);
        break;
    case APIC_TIMER_DIVIDE:
        lapic_timer_sync(a);
        lapic_timer_catch_up(a);
        a->divide = v;
        lapic_timer_arm(a);
        break;
    case APIC_SELF_IPI:
        lapic_accept(a, APIC_FIXED, v, false);
        break;
    }
    lapic_update(a);
}

static bool have(unsigned reg, unsigned need)
{
    return reg < APIC_NREGS && (regs[reg].flags & need) == need;
}

bool lapic_reg_read(struct lapic *a, unsigned reg, uint32_t *value)
{
    if (!have(reg, R | XAPIC))
        return false;
    *value = reg_get(a, reg);
    return true;
}

bool lapic_reg_write(struct lapic *a, unsigned reg, uint32_t value)
{
    /* Read-only registers take a write without an error. */
    if (!have(reg, XAPIC))
        return false;
    if (regs[reg].flags & W)
        reg_set(a, reg, value & regs[reg].writable);
    return true;
}

bool lapic_x2_read(struct lapic *a, unsigned reg, uint64_t *value)
{
    if (!have(reg, R | X2APIC))
        return false;
    *value = reg_get(a, reg);
    if (reg == APIC_ICR)
        *value |= (uint64_t)a->icr_high << 32;
    return true;
}

bool lapic_x2_write(struct lapic *a, unsigned reg, uint64_t value)
{
    if (!have(reg, W | X2APIC) || (regs[reg].flags & XW))
        return false;
    if (reg == APIC_ICR) {
        if ((uint32_t)value & ~regs[reg].writable)
            return false;
        a->icr_high = value >> 32;
    } else if (value & ~(uint64_t)(regs[reg].writable | regs[reg].status)) {
        return false;
    }
    reg_set(a, reg, value & regs[reg].writable);
    return true;
}

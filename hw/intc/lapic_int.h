/* SPDX-License-Identifier: MIT */
/* What lapic.c, lapic_regs.c, lapic_page.c, lapic_timer.c and apic_bus.c share. */
#ifndef HW_INTC_LAPIC_INT_H
#define HW_INTC_LAPIC_INT_H

#include "core/machine.h"
#include "hw/intc/lapic.h"
#include "hw/intc/lapic_regs.h"

static inline bool lapic_enabled(const struct lapic *a)
{
    return a->base & APIC_BASE_EN;
}
static inline bool lapic_x2(const struct lapic *a)
{
    return (a->base & (APIC_BASE_EN | APIC_BASE_EXTD)) == (APIC_BASE_EN | APIC_BASE_EXTD);
}
/* The registers are the host kernel's: see core/irqchip.h. */
static inline bool lapic_in_kernel(const struct lapic *a)
{
    return a->dev.machine->irqchip != NULL;
}
static inline bool lapic_software_enabled(const struct lapic *a)
{
    return a->svr & SVR_ENABLE;
}

/* lapic.c */
void lapic_update(struct lapic *a);   /* recompute the INTR pin */
uint8_t lapic_ppr(const struct lapic *a);
bool lapic_accept(struct lapic *a, enum apic_delivery mode, uint8_t vector, bool level_triggered);
void lapic_error(struct lapic *a, uint32_t esr_bit);
void lapic_lvt_fire(struct lapic *a, enum apic_lvt which);
void lapic_eoi(struct lapic *a);
void lapic_send_ipi(struct lapic *a);
void lapic_lint(struct lapic *a, int n, bool level);
void lapic_put_base(struct lapic *a, uint64_t base); /* without the rules of set_base */

/* lapic_page.c: struct vcpu_apic's get_regs and set_regs */
void lapic_get_regs(void *lapic, uint8_t page[VCPU_APIC_PAGE]);
void lapic_set_regs(void *lapic, uint64_t base, const uint8_t page[VCPU_APIC_PAGE],
                    uint64_t tsc_deadline);
void lapic_moved(struct lapic *a); /* into the host kernel, or back */
bool lapic_extint_pending(const struct lapic *a); /* the PIC, or a message for it */

/* lapic_pv.c */
void lapic_pv_offer(struct lapic *a);  /* an interrupt was acknowledged: may EOI be a flag? */
void lapic_pv_settle_slow(struct lapic *a);
/* Before the vCPU's own look at its interrupts: was the flag used? In the vCPU's thread or
 * while it is parked. */
static inline void lapic_pv_settle(struct lapic *a)
{
    if (a->pv_eoi_set)
        lapic_pv_settle_slow(a);
}
void lapic_pv_set_eoi(void *lapic, uint64_t value);
unsigned lapic_pv_send_set(void *lapic, const uint64_t set[2], unsigned per_word, uint32_t first,
                           uint32_t icr);

/* lapic_regs.c: 0-3Fh; false for a register that is not there or refuses the value. */
bool lapic_reg_read(struct lapic *a, unsigned reg, uint32_t *value);
bool lapic_reg_write(struct lapic *a, unsigned reg, uint32_t value);
bool lapic_x2_read(struct lapic *a, unsigned reg, uint64_t *value);
bool lapic_x2_write(struct lapic *a, unsigned reg, uint64_t value);

/* lapic_timer.c */
uint32_t lapic_timer_current(struct lapic *a);
void lapic_timer_sync(struct lapic *a); /* fire now if the time has come: before any change */
void lapic_timer_catch_up(struct lapic *a); /* before a change of LVT or divider */
void lapic_timer_arm(struct lapic *a);      /* after it, and after loading */
void lapic_timer_start(struct lapic *a, uint32_t initial_count);
void lapic_timer_set_deadline(struct lapic *a, uint64_t tsc);
uint64_t lapic_timer_get_deadline(struct lapic *a);
void lapic_timer_fire(void *lapic);
unsigned lapic_timer_mode(const struct lapic *a);

#endif

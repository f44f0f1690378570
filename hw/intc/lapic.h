/* SPDX-License-Identifier: MIT */
/*
 * Local APICs, one per vCPU, and what connects them: interrupt messages from the other local
 * APICs, the I/O APIC and devices (MSI), and the LINT pins. Intel SDM vol. 3 ch. 10.
 *
 *   PIC INT --> apic_bus_set_lint(bus, 0, level) --\
 *   NMI     --> apic_bus_set_lint(bus, 1, level) ---+--> LVT of each local APIC --> vCPU pin
 *   IOAPIC, ICR, MSI --> apic_deliver() --> IRR ----/
 *
 * The register page is per CPU: an access reaches the local APIC of machine.current.
 * All calls need the machine lock.
 */
#ifndef HW_INTC_LAPIC_H
#define HW_INTC_LAPIC_H

#include "core/clock.h"
#include "core/device.h"
#include "core/irqchip.h"
#include "core/region.h"
#include "core/vcpu.h"

#define APIC_DEFAULT_BASE 0xfee00000ull
#define APIC_DEST_ALL 0xffffffffu /* physical broadcast, from any sender */

enum apic_delivery { /* ICR, LVT and redirection entry bits 10:8 */
    APIC_FIXED, APIC_LOWEST, APIC_SMI, APIC_REMOTE_READ, APIC_NMI, APIC_INIT, APIC_SIPI, APIC_EXTINT
};

enum apic_lvt { /* index into lapic.lvt, in the order of the register page */
    LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT
};

/* Part of the board; machine.apic_bus points to it. */
struct apic_bus {
    struct machine *machine;
    struct region msi;       /* 1 MiB for fee00000h, below the register pages */
    bool lint[2];            /* level of LINT0 (PIC) and LINT1 (NMI), common to all CPUs */
    unsigned next_lowest;    /* where the lowest-priority search starts: round robin */
    /* The board's: INTA cycle of the PIC; EOI broadcast to the I/O APIC. */
    int (*extint_ack)(void *arg);
    void *extint_arg;
    void (*eoi)(void *arg, uint8_t vector);
    void *eoi_arg;
};

struct lapic {
    struct device dev;
    struct vcpu *vcpu;
    struct apic_bus *bus;
    struct region mmio; /* the register page, at `base` */

    uint64_t base;      /* IA32_APIC_BASE */
    uint32_t id;        /* initial (x2APIC) id */
    uint32_t ldr, dfr, svr, tpr;
    uint32_t irr[8], isr[8], tmr[8];
    uint32_t esr, esr_pending;
    uint32_t icr_low, icr_high;
    uint32_t lvt[LVT_COUNT];
    uint32_t divide, initial_count;
    uint32_t count;         /* the current-count register as of count_start; 0: stopped */
    int64_t count_start;    /* virtual ns */
    uint64_t tsc_deadline;  /* IA32_TSC_DEADLINE */
    struct timer timer;
    bool lint[2];           /* pin levels as last seen, for edges */
    uint64_t pv_eoi;        /* KVM's register 4b564d04h: lapic_pv.c */
    bool pv_eoi_set;        /* the flag it points to was set, and may have been cleared */
    bool extint;            /* an ExtINT message waits for its acknowledge */
};

extern const struct device_type lapic_type;

void apic_bus_init(struct apic_bus *bus, struct machine *m); /* maps bus->msi, sets m->apic_bus */
void apic_bus_fini(struct apic_bus *bus);
/* irq_line sink, n = 0: LINT0, 1: LINT1 of every CPU. */
void apic_bus_set_lint(void *bus, int n, int level);
/* A machine's IOAPIC, MSI and IPI messages. dest: 32-bit destination, APIC_DEST_ALL for the
 * broadcast; logical: bit 11 of the message. Returns false if no CPU took it. */
bool apic_deliver(struct machine *m, uint32_t dest, bool logical, enum apic_delivery mode,
                  uint8_t vector, bool level_triggered, bool assert_level);
/* What apic_deliver() sends, as a message. */
struct msi_message apic_message(uint32_t dest, bool logical, enum apic_delivery mode,
                                uint8_t vector, bool level_triggered);
/* The message of an MSI write (address within fee00000h's 1 MiB, 32 bits of data). */
void apic_msi(struct machine *m, uint32_t addr, uint32_t data);

/* Create, realize and connect the local APIC of a vCPU; fills v->lapic. */
struct lapic *lapic_create(struct vcpu *v, struct apic_bus *bus, GError **err);
void lapic_describe(const struct lapic *a, GString *out);

#endif

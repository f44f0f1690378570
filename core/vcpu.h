/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU as the machine sees it: a thread, pins, and an accelerator behind it.
 *
 * Pins: chips raise and lower them under the machine lock; the accelerator reads them at
 * block boundaries without a lock (atomic bits). INIT and SIPI are events: vcpu_init(),
 * vcpu_sipi(). The local APIC of the vCPU is reached through struct vcpu_apic, filled by
 * hw/intc/lapic.c; its callbacks need the machine lock.
 */
#ifndef CORE_VCPU_H
#define CORE_VCPU_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct accel;
struct x86_state;

enum vcpu_pin { /* bits of vcpu.pins */
    VCPU_INTR = 1, /* level: an interrupt is waiting at the LAPIC or PIC */
    VCPU_NMI = 2,  /* latched until taken */
    VCPU_SMI = 4,  /* latched */
    VCPU_INIT = 8, /* latched */
    VCPU_SIPI = 16 /* latched; vector in sipi_vector */
};

enum vcpu_exit { /* why accel->run returned */
    VCPU_KICKED,   /* vcpu_kick(): look at requests and go on */
    VCPU_HALTED,   /* HLT/MWAIT/wait-for-SIPI: sleep until a pin or kick */
    VCPU_RESET,    /* the guest asked the CPU for a machine reset (unused by plain triple fault) */
    VCPU_SHUTDOWN, /* triple fault */
    VCPU_DEBUG,    /* breakpoint or single step */
    VCPU_FATAL,    /* the accelerator cannot go on; it logged why */
};

struct vcpu_apic {
    void *apic;
    /* Accept the highest-priority interrupt: vector, or -1 if none any more (spurious). Asks
     * the LAPIC first, then the PIC through LINT0/ExtINT. Lowers VCPU_INTR if none is left. */
    int (*ack)(void *apic);
    uint64_t (*get_base)(void *apic);             /* IA32_APIC_BASE */
    bool (*set_base)(void *apic, uint64_t value); /* false: #GP */
    uint8_t (*get_tpr)(void *apic);               /* CR8 = TPR[7:4] */
    void (*set_tpr)(void *apic, uint8_t cr8);
    bool (*msr_read)(void *apic, uint32_t msr, uint64_t *value); /* x2APIC 0x800-0x8ff, TSC deadline; */
    bool (*msr_write)(void *apic, uint32_t msr, uint64_t value); /* false: #GP */
    void (*tsc_changed)(void *apic); /* after a change of tsc_offset: the TSC deadline moves */
    void (*init)(void *apic); /* INIT: reset registers except the APIC ID */
};

/*
 * Where the boot processor starts when the board plays firmware (direct kernel boot), instead
 * of at the reset vector. Flat segments, interrupts off, registers not named here are zero.
 * The GDT at gdt_base is in guest memory and holds descriptors that match the selectors.
 */
enum vcpu_boot_mode {
    VCPU_BOOT_FLAT32, /* protected mode, paging off; TR is a busy 32-bit TSS, limit 67h */
    VCPU_BOOT_LONG64, /* long mode, paging on with cr3 */
};
struct vcpu_boot {
    enum vcpu_boot_mode mode;
    uint64_t rip, rsp, rax, rbx, rsi;
    uint64_t cr3;
    uint64_t gdt_base;
    uint16_t gdt_limit;
    uint16_t cs, ds; /* selectors; ds for all data segments */
};

struct vcpu {
    struct machine *machine;
    unsigned index;
    uint32_t apic_id;
    const struct accel *accel;
    void *accel_data; /* the accelerator's own */
    GThread *thread;

    uint32_t pins;       /* atomic: enum vcpu_pin */
    uint8_t sipi_vector; /* valid while VCPU_SIPI is set */
    uint32_t kicked;     /* atomic: leave run() as soon as possible */
    uint32_t halted;     /* atomic: sleeping in the guest loop or about to */
    uint32_t stopped;    /* atomic: parked because the machine is paused */

    GMutex wait_lock;    /* with wait_cond: where a halted or stopped vCPU sleeps */
    GCond wait_cond;

    uint64_t tsc_offset; /* guest TSC - TSC of the virtual clock; see machine_tsc_at() */

    struct vcpu_apic lapic;

    /* Set by the board before a reset ends; applied after the vCPU went to its reset state.
     * NULL: start at the reset vector. */
    const struct vcpu_boot *boot;
};

/* Any thread, signal-safe for the accelerator part: make run() return or wake the sleeper. */
void vcpu_kick(struct vcpu *v);
/* Raise or lower a pin (enum vcpu_pin); wakes or kicks when raised. Any thread. */
void vcpu_pin(struct vcpu *v, enum vcpu_pin pin, int level);
void vcpu_init_signal(struct vcpu *v);
void vcpu_sipi(struct vcpu *v, uint8_t vector);

/* Run fn(vcpu, arg) in the vCPU's own thread while it is out of guest mode, and wait for it.
 * The caller holds the machine lock (released while waiting) or runs on that thread. */
void vcpu_run_on(struct vcpu *v, void (*fn)(struct vcpu *v, void *arg), void *arg);

/* Architectural state; the vCPU is stopped or the caller is its thread. */
void vcpu_save(struct vcpu *v, struct x86_state *st);
void vcpu_load(struct vcpu *v, const struct x86_state *st);

#endif

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
#include <stddef.h>
#include <stdint.h>

#include "core/debug.h"

struct machine;
struct accel;
struct x86_state;

enum vcpu_pin { /* bits of vcpu.pins */
    VCPU_INTR = 1, /* level: an interrupt is waiting at the LAPIC or PIC */
    VCPU_NMI = 2,  /* latched until taken */
    VCPU_SMI = 4,  /* latched */
    VCPU_INIT = 8, /* latched */
    VCPU_SIPI = 16, /* latched; vector in sipi_vector */
    /* Set beside VCPU_NMI by one more NMI. A CPU that is not in an NMI handler takes two: one
     * now, one that waits for IRET; the accelerator moves this bit to VCPU_NMI when it takes
     * the first, and drops it while NMIs are blocked. */
    VCPU_NMI_SECOND = 32,
    VCPU_UNHALT = 64, /* latched: ends the present halt, or else the next (KVM_HC_KICK_CPU) */
};

/* Each accelerator keeps what it needs of a machine and of a vCPU in its own slot of accel_data,
 * so that several can be alive on one machine. */
enum accel_slot { ACCEL_TCG, ACCEL_KVM, ACCEL_COMPARE, ACCEL_SLOTS };

enum vcpu_exit { /* why accel->run returned */
    VCPU_KICKED,   /* vcpu_kick(): look at requests and go on */
    VCPU_HALTED,   /* HLT/MWAIT/wait-for-SIPI: sleep until a pin or kick */
    VCPU_RESET,    /* the guest asked the CPU for a machine reset (unused by plain triple fault) */
    VCPU_SHUTDOWN, /* triple fault */
    VCPU_DEBUG,    /* breakpoint or single step */
    VCPU_FATAL,    /* the accelerator cannot go on; it logged why */
};

#define VCPU_APIC_PAGE 1024 /* bytes of struct kvm_lapic_state */

struct vcpu_apic {
    void *apic;
    /* Accept the highest-priority interrupt: vector, or -1 if none any more (spurious). Asks
     * the LAPIC first, then the PIC through LINT0/ExtINT. Lowers VCPU_INTR if none is left.
     * With the local APIC in the host kernel (machine.irqchip) it is the PIC alone. */
    int (*ack)(void *apic);
    uint64_t (*get_base)(void *apic);             /* IA32_APIC_BASE */
    bool (*set_base)(void *apic, uint64_t value); /* false: #GP */
    uint8_t (*get_tpr)(void *apic);               /* CR8 = TPR[7:4] */
    void (*set_tpr)(void *apic, uint8_t cr8);
    /* x2APIC 0x800-0x8ff, TSC deadline: */
    bool (*msr_read)(void *apic, uint32_t msr, uint64_t *value);
    bool (*msr_write)(void *apic, uint32_t msr, uint64_t value); /* false: #GP */
    void (*tsc_changed)(void *apic); /* after a change of tsc_offset: the TSC deadline moves */
    void (*init)(void *apic); /* INIT: reset registers except the APIC ID */
    /*
     * All registers, as KVM_GET_LAPIC gives and KVM_SET_LAPIC takes them (with 32-bit IDs), for
     * an exchange with a local APIC in the host kernel. IA32_APIC_BASE and IA32_TSC_DEADLINE are
     * apart: get_base() and msr_read() have them, set_regs() takes them; the latter after
     * tsc_offset is right. See hw/intc/lapic_page.c for what an expired timer looks like.
     */
    void (*get_regs)(void *apic, uint8_t page[VCPU_APIC_PAGE]);
    void (*set_regs)(void *apic, uint64_t base, const uint8_t page[VCPU_APIC_PAGE],
                     uint64_t tsc_deadline);
    /* A local APIC in the host kernel has ended a level-triggered interrupt. */
    void (*eoi)(void *apic, uint8_t vector);
    /* KVM's paravirtual EOI register (MSR 4b564d04h) has this value now; in the vCPU's thread,
     * or while it is parked. */
    void (*set_pv_eoi)(void *apic, uint64_t value);
    /* One message (vector and mode of ICR's low word) to the APIC IDs first + n of the bits n
     * of set, per_word (32 or 64) in each. Returns how many accepted it. */
    unsigned (*send_set)(void *apic, const uint64_t set[2], unsigned per_word, uint32_t first,
                         uint32_t icr);
};

/*
 * Where the boot processor starts when the board plays firmware (direct kernel boot), instead
 * of at the reset vector. Flat segments, interrupts off, registers not named here are zero.
 * The GDT at gdt_base is in guest memory and holds descriptors that match the selectors.
 */
enum vcpu_boot_mode {
    VCPU_BOOT_WAIT,   /* application processor: only the memory types; it waits for SIPI */
    VCPU_BOOT_FLAT32, /* protected mode, paging off; TR is a busy 32-bit TSS, limit 67h */
    VCPU_BOOT_LONG64, /* long mode, paging on with cr3 */
};
struct vcpu_boot {
    enum vcpu_boot_mode mode;
    uint64_t rip, rsp, rax, rbx, rsi;
    uint64_t cr3;
    /* MTRRs as firmware leaves them: everything write-back, but uncacheable A0000h-BFFFFh and
     * [uc_base, 4 GiB), whose size is a power of two. 0: MTRRs stay off. */
    uint64_t uc_base;
    uint64_t gdt_base;
    uint16_t gdt_limit;
    uint16_t cs, ds; /* selectors; ds for all data segments */
};

struct vcpu {
    struct machine *machine;
    unsigned index;
    uint32_t apic_id;
    const struct accel *accel; /* the one that runs it now */
    void *accel_data[ACCEL_SLOTS];
    GThread *thread;  /* under -icount all vCPUs share one */
    int tid;          /* the host's number of it; 0 before it is ready */

    uint32_t pins;       /* atomic: enum vcpu_pin */
    uint8_t sipi_vector; /* valid while VCPU_SIPI is set */
    uint64_t faults;     /* exceptions delivered by interpretation; its thread's */
    uint32_t kicked;     /* atomic: leave run() as soon as possible; the loop clears it */
    uint32_t sleeping;   /* atomic: enum vcpu_sleep; a futex */
    /* Pins that end the present halt (set by the accelerator before it returns VCPU_HALTED):
     * without INTR when interrupts are disabled, only INIT and SIPI in wait-for-SIPI. */
    uint32_t wake_mask;
    bool no_spin; /* the guest polls itself before it halts: sleep at once; its thread's */
    bool halted; /* -icount: not to be run before a pin of wake_mask; its thread's */
    struct vcpu *sleeper; /* the vCPU whose `sleeping` this thread waits on: itself, or the first */

    /* Under the machine lock: */
    bool stop;     /* park as soon as possible and stay parked */
    bool stopped;  /* parked, or not started yet */
    bool exit;     /* the thread is to end */
    bool ready;    /* initialisation is over */
    GError *error; /* ... and failed */
    GQueue work;   /* struct vcpu_work *: vcpu_run_on() */

    struct vcpu_debug debug; /* core/debug.h */

    uint64_t tsc_offset; /* guest TSC - TSC of the virtual clock; see machine_tsc_at() */

    struct vcpu_apic lapic;

    /* Set by the board before a reset ends; applied after the vCPU went to its reset state.
     * NULL: start at the reset vector. */
    const struct vcpu_boot *boot;
};

enum vcpu_sleep { VCPU_AWAKE, VCPU_SPINNING, VCPU_ASLEEP };

/* Any thread, no lock: make run() return, or wake the sleeper. */
void vcpu_kick(struct vcpu *v);
/* Raise or lower a pin (enum vcpu_pin); wakes or kicks when raised. Any thread. */
void vcpu_pin(struct vcpu *v, enum vcpu_pin pin, int level);
void vcpu_init_signal(struct vcpu *v);
void vcpu_sipi(struct vcpu *v, uint8_t vector);
static inline uint32_t vcpu_pins(const struct vcpu *v)
{
    return __atomic_load_n(&v->pins, __ATOMIC_ACQUIRE);
}

/* Run fn(vcpu, arg) in the vCPU's own thread while it is out of guest mode, and wait for it.
 * The caller holds the machine lock (released while waiting, held while fn runs) or runs on
 * that thread. */
void vcpu_run_on(struct vcpu *v, void (*fn)(struct vcpu *v, void *arg), void *arg);

/* Architectural state; the vCPU is stopped or the caller is its thread. Lock held. */
void vcpu_save(struct vcpu *v, struct x86_state *st);
void vcpu_load(struct vcpu *v, const struct x86_state *st);
void vcpu_reset(struct vcpu *v); /* as after RESET */

/* The vCPU whose thread this is, or NULL. Under -icount: the one that runs. */
struct vcpu *vcpu_current(struct machine *m);

/* ---- For the thread's loop (accel/loop.c) ------------------------------------------------ */

/* Initialisation is over, well or not (err is taken). Waits, parked, for the start. Without
 * the lock. */
void vcpu_ready(struct vcpu *v, GError *err);
/* Somebody waits for the vCPU to attend: work, parking, the end. Its thread, without the lock. */
bool vcpu_wanted(struct vcpu *v);
/* Between two runs: does the work others asked for, parks while the machine is stopped.
 * False: the thread is to end. Without the lock. Cheap when not kicked. */
bool vcpu_attend(struct vcpu *v);
bool vcpu_attend_all(struct machine *m); /* the same for all, on their one thread (-icount) */
/* Is there a reason not to sleep: a pin of wake_mask, or a kick? */
static inline bool vcpu_has_reason(const struct vcpu *v)
{
    return (__atomic_load_n(&v->pins, __ATOMIC_SEQ_CST) & v->wake_mask) ||
           __atomic_load_n(&v->kicked, __ATOMIC_SEQ_CST);
}
/* Sleep until vcpu_has_reason(), or for timeout_ns (INT64_MAX: no limit), after having spun
 * for at most spin_ns. False: the time was up. Without the lock. */
bool vcpu_sleep(struct vcpu *v, int64_t spin_ns, int64_t timeout_ns);
/* The same for all on their one thread (-icount); a reason for any of them ends it. */
bool vcpu_sleep_all(struct machine *m, int64_t timeout_ns);

#endif

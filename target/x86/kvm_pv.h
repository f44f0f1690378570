/* SPDX-License-Identifier: MIT */
/*
 * What KVM offers a guest that knows it runs on it, the same under every accelerator: CPUID
 * leaves, registers, hypercalls. Linux, Documentation/virt/kvm/x86/{cpuid,msr,hypercalls}.rst.
 *
 *   time      The guest names a page (MSR 4b564d01h); in it stand a TSC value, the nanoseconds of
 *             guest time that belong to it, and the rate: the guest computes time from RDTSC
 *             alone. One pair for all vCPUs, so that all compute the same.
 *   EOI       A bit in guest memory that says: instead of writing EOI, clear this. hw/intc.
 *   VMCALL    kick a halted processor, send one interrupt to many, yield, pair the clocks
 *
 * Here is what the numbers mean; who answers stands behind struct kvm_pv_host.
 */
#ifndef TARGET_X86_KVM_PV_H
#define TARGET_X86_KVM_PV_H

#include <stdbool.h>
#include <stdint.h>

struct address_space;
struct cpu_model;
struct x86_cpu;

enum { KVM_CPUID = 0x40000000, KVM_CPUID_FEATURES, KVM_CPUID_RATES = 0x40000010 };
enum {
    MSR_KVM_OLD_WALL_CLOCK = 0x11, MSR_KVM_OLD_SYSTEM_TIME = 0x12,
    MSR_KVM_WALL_CLOCK = 0x4b564d00, MSR_KVM_SYSTEM_TIME = 0x4b564d01,
    MSR_KVM_PV_EOI = 0x4b564d04, MSR_KVM_POLL_CONTROL = 0x4b564d05,
};
enum {
    KVM_HC_VAPIC_POLL_IRQ = 1, KVM_HC_KICK_CPU = 5, KVM_HC_CLOCK_PAIRING = 9,
    KVM_HC_SEND_IPI = 10, KVM_HC_SCHED_YIELD = 11,
};
enum { KVM_EPERM = 1, KVM_EFAULT = 14, KVM_EINVAL = 22, KVM_EOPNOTSUPP = 95, KVM_ENOSYS = 1000 };
enum { KVM_PV_ENABLED = 1 }; /* bit 0 of the system time and EOI registers */

/* The clocks at one moment: nanoseconds since 1970, of guest time, and this vCPU's TSC. */
struct kvm_pv_now {
    int64_t wall, system;
    uint64_t tsc;
};

/* What it takes from around the processor, on the vCPU's thread: lock() and unlock() stand around
 * all the others but yield(), and around stores to guest memory. */
struct kvm_pv_host {
    void (*lock)(struct x86_cpu *c);
    void (*unlock)(struct x86_cpu *c);
    void (*now)(struct x86_cpu *c, struct kvm_pv_now *now);
    /* These registers were written; the new value is in c->msr. */
    void (*system_time)(struct x86_cpu *c);
    void (*eoi)(struct x86_cpu *c);
    /* End the halt of the processor with this APIC ID, the present one or its next. */
    void (*kick)(struct x86_cpu *c, uint32_t apic_id);
    /* An interrupt (vector and delivery mode as in ICR's low word) to the processors in set,
     * whose bit n (of 64 or 32 per word) is APIC ID first + n. Returns how many took it. */
    unsigned (*send_ipi)(struct x86_cpu *c, const uint64_t set[2], unsigned per_word,
                         uint32_t first, uint32_t icr);
    void (*yield)(struct x86_cpu *c);
};

/* Leaves 400000xxh; the feature bits of features.def are in out already. */
void kvm_pv_cpuid(const struct cpu_model *m, uint32_t leaf, uint32_t out[4]);

/* The row of msr.def that serves this MSR: two have an old number beside the new one. */
static inline uint32_t kvm_pv_msr(uint32_t index)
{
    return index == MSR_KVM_OLD_WALL_CLOCK || index == MSR_KVM_OLD_SYSTEM_TIME
               ? MSR_KVM_WALL_CLOCK + index - MSR_KVM_OLD_WALL_CLOCK
               : index;
}
/* WRMSR of a row that has effects. False: #GP. */
bool kvm_pv_wrmsr(struct x86_cpu *c, uint32_t index, uint64_t v);

/* VMCALL or VMMCALL: number in RAX, arguments in RBX, RCX, RDX, RSI, result to RAX. */
void kvm_pv_hypercall(struct x86_cpu *c);

/* TSC ticks to ns: ((ticks << shift, or >> -shift) * mul) >> 32, never more than the truth. */
struct kvm_pv_rate {
    uint32_t mul;
    int8_t shift;
};
struct kvm_pv_rate kvm_pv_rate(uint64_t tsc_hz);

/* What the page of a processor says: at `tsc` guest time was `system` ns. */
struct kvm_pv_time {
    uint64_t tsc, system;
    struct kvm_pv_rate rate;
    bool stable; /* all processors' TSCs are one */
};
/* Fill the page that the register's value names; nothing if it is disabled or names no RAM.
 * Others may read meanwhile; one writer at a time. */
void kvm_pv_write_time(struct address_space *as, uint64_t system_time,
                       const struct kvm_pv_time *t);

#endif

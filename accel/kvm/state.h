/* SPDX-License-Identifier: MIT */
/*
 * Inside of the conversion between struct x86_state and KVM's structures: state.c (registers,
 * what goes when), events.c, xsave.c, msrs.c, tsc.c.
 *
 * An ioctl of a vCPU costs microseconds, a rescue saves and loads the state of one around a
 * handful of instructions. So `known` remembers what the kernel has: load() writes the groups of
 * fields that differ from it. It is right from a save() or load() until the next KVM_RUN. What
 * the kernel has no place for (see docs/switching.md) lives in `known` for as long as the guest
 * runs on KVM.
 *
 * All on the vCPU's thread, or while it is parked.
 */
#ifndef ACCEL_KVM_STATE_H
#define ACCEL_KVM_STATE_H

#include "accel/kvm/kvm.h"

struct kvm_msr_row {
    uint32_t index;
    uint16_t offset; /* in struct x86_state */
    const char *name;
    bool refused;    /* the kernel did not take a value: said once, not tried again */
};

struct kvm_state {
    struct x86_state known;
    bool complete; /* `known` is what the kernel has in every group */
    uint64_t apic_base;

    bool sync;     /* registers travel in struct kvm_run: KVM_CAP_SYNC_REGS */
    bool sregs2;   /* PAE's page directory pointers can be read and written */
    bool xcrs;     /* CPUID offers XSAVE: XCR0 may change */

    struct kvm_xsave *xsave;
    unsigned long xsave_get; /* KVM_GET_XSAVE2 where there is one */
    uint64_t xcomps;        /* XSAVE components that the kernel takes, of those we hold */
    uint16_t xoffset[10];   /* where they are in its image */

    struct kvm_msr_row *msr; /* what the kernel has of msr.def */
    unsigned msrs;
    struct kvm_msrs *msr_buf;

    bool tsc_attr;          /* the offset can be read and written as such */
    bool tsc_fixed;         /* this KVM gives the guest the host's counter as it is */
    uint64_t tsc_offset;    /* guest TSC - host TSC, as of the last look */
    int64_t tsc_vtime;      /* virtual time of the last save() of a running machine, and the */
    uint64_t tsc_base;      /* guest TSC - TSC of the virtual clock that it found then */
};

/* Report that the kernel refused something; the guest goes on without it. */
void kvm_state_refused(struct kvm_cpu *k, const char *what, int error);

/* events.c */
void kvm_events_from(struct x86_state *st, const struct kvm_vcpu_events *e);
/* `known`: what the kernel has, or NULL if that is not known. */
void kvm_events_to(struct kvm_vcpu_events *e, const struct x86_state *st,
                   const struct x86_state *known);
bool kvm_events_differ(const struct x86_state *a, const struct x86_state *b);

/* xsave.c: x87, SSE, what lies beyond, XCR0 */
void kvm_xsave_init(struct kvm_cpu *k);
void kvm_xsave_get(struct kvm_cpu *k, struct x86_state *st);
void kvm_xsave_put(struct kvm_cpu *k, const struct x86_state *st);

/* msrs.c: rows of msr.def but EFER, which is one of the special registers */
void kvm_msrs_init(struct kvm_cpu *k);
void kvm_msrs_get(struct kvm_cpu *k, struct x86_state *st);
void kvm_msrs_put(struct kvm_cpu *k, const struct x86_state *st);
bool kvm_msr_write(struct kvm_cpu *k, uint32_t index, uint64_t value);
bool kvm_msr_read(struct kvm_cpu *k, uint32_t index, uint64_t *value);

/* tsc.c: get and put come after those of the MSRs. */
void kvm_tsc_init(struct kvm_cpu *k);
void kvm_tsc_get(struct kvm_cpu *k, struct x86_state *st);
void kvm_tsc_put(struct kvm_cpu *k, const struct x86_state *st);

#endif

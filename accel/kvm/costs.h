/* SPDX-License-Identifier: MIT */
/*
 * For which registers of which devices a vCPU left guest mode, how often, and how long their
 * answers took: a table of fixed size that keeps the frequent ones. Written by the vCPU's thread,
 * read by others at any time; what they see may be an access old.
 */
#ifndef ACCEL_KVM_COSTS_H
#define ACCEL_KVM_COSTS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct machine;

enum kvm_cost_kind { COST_MMIO, COST_PORT, COST_MSR };

enum { COST_SETS = 128, COST_WAYS = 4 };

struct kvm_cost {
    uint64_t where; /* address, port or MSR */
    uint64_t count; /* 0: free */
    uint64_t ticks; /* of the host's time-stamp counter, spent outside the kernel */
    uint8_t kind;
    bool write;
    bool inexact;   /* took the place of a rarer one, and its count */
};

struct kvm_costs {
    struct kvm_cost set[COST_SETS][COST_WAYS];
};

void kvm_costs_add(struct kvm_costs *c, enum kvm_cost_kind kind, bool write, uint64_t where,
                   uint64_t ticks);
void kvm_costs_merge(struct kvm_costs *into, const struct kvm_costs *from);
/* The most expensive ones, with the names of their regions. The machine lock is held. */
void kvm_costs_describe(const struct kvm_costs *c, struct machine *m, GString *out);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * How core/ starts and reaches vCPUs without knowing accelerators: main.c (or a test) hands
 * the machine this table before machine_create_vcpus().
 */
#ifndef CORE_VCPU_OPS_H
#define CORE_VCPU_OPS_H

#include "core/vcpu.h"

struct vcpu_ops {
    bool (*vm_init)(struct machine *m, GError **err);
    void (*vm_exit)(struct machine *m);
    /* Thread body: initialise, signal readiness with vcpu_ready(), loop until the machine
     * ends. */
    void *(*thread)(void *vcpu);
    void (*kick)(struct vcpu *v); /* any thread, signal-safe */
    void (*reset)(struct vcpu *v);  /* to the architectural reset state; vCPU parked */
    void (*save)(struct vcpu *v, struct x86_state *st);
    void (*load)(struct vcpu *v, const struct x86_state *st);
    size_t state_size; /* sizeof(struct x86_state) */
    void (*state_fields)(const struct state_field **fields); /* NULL, or declared fields */
};

#endif

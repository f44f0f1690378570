/* SPDX-License-Identifier: MIT */
/*
 * How core/ starts and reaches vCPUs without knowing accelerators: accel/ fills this table
 * and main.c (or a test) puts it into the machine before machine_create_vcpus().
 */
#ifndef CORE_VCPU_OPS_H
#define CORE_VCPU_OPS_H

#include <jansson.h>

#include "core/device.h"
#include "core/vcpu.h"

struct vcpu_ops {
    bool (*vm_init)(struct machine *m, GError **err);
    void (*vm_exit)(struct machine *m);
    /* Thread body (arg: struct vcpu *): initialise, vcpu_ready(), loop until vcpu_attend() is
     * false. */
    void *(*thread)(void *vcpu);
    /* When set: one thread for all (arg: struct machine *), used under -icount. */
    void *(*thread_all)(void *machine);
    void (*kick)(struct vcpu *v);  /* any thread, no lock */
    /* Main thread, lock held, vCPUs parked: clocks are about to go, have just stopped. NULL ok. */
    void (*clocks_start)(struct machine *m);
    void (*clocks_stopped)(struct machine *m);
    /* The APIC ID of a CPU to be made, from the machine's topology. NULL: its index. */
    uint32_t (*apic_id)(const struct machine *m, unsigned index);
    /* In the vCPU's thread: */
    void (*reset)(struct vcpu *v); /* to the architectural reset state */
    void (*save)(struct vcpu *v, struct x86_state *st);
    void (*load)(struct vcpu *v, const struct x86_state *st);
    /* machine.debug and v->debug have changed; parked. NULL ok. */
    void (*debug)(struct vcpu *v);
    /* Is a state that was read from outside a possible one? Any thread. */
    bool (*check)(const struct x86_state *st, GError **err);
    /* What CPUID tells, for comparing two machines: a JSON object. NULL: nothing. */
    json_t *(*describe_cpu)(const struct machine *m);
    size_t state_size;             /* sizeof(struct x86_state) */
    const struct state_field *state_fields; /* of struct x86_state, ends with name == NULL */
};

#endif

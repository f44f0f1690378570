/* SPDX-License-Identifier: MIT */
/*
 * A machine with one vCPU and its local APIC, not started, and one accelerator or both on it:
 * state tests call accelerators directly, on their own thread.
 */
#ifndef TESTS_UNIT_STATE_BED_H
#define TESTS_UNIT_STATE_BED_H

#include <check.h>

#include "accel/accel.h"
#include "core/machine_test.h"
#include "hw/intc/lapic.h"
#include "target/x86/cpuid.h"

struct bed {
    struct machine_config config;
    struct machine *m;
    struct vcpu v;
    struct apic_bus bus;
    struct lapic *lapic;
    struct cpu_model *model;
    const struct accel *accel[3]; /* NULL at the end; the first is the machine's */
};

static inline struct cpu_model *bed_model(struct bed *b)
{
    GError *err = NULL;
    struct cpu_model *model = cpu_model_new("max", 1, 1, 1, &err);

    ck_assert_msg(model, "%s", err ? err->message : "");
    for (unsigned n = 0; b->accel[n]; n++)
        ck_assert(!b->accel[n]->fit_model || b->accel[n]->fit_model(b->m, model, &err));
    return model;
}

/* The machine, with a model that may be changed before bed_begin(). irqchip: what -machine
 * kernel-irqchip= says; second: NULL or another accelerator. */
static inline struct bed *bed_prepare(const struct accel *first, const struct accel *second,
                                      const char *irqchip)
{
    struct bed *b = g_new0(struct bed, 1);

    b->accel[0] = first;
    b->accel[1] = second;
    b->m = machine_new_test();
    b->config = *b->m->config;
    b->config.machine_opts = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_insert(b->config.machine_opts, (char *)"kernel-irqchip", (char *)irqchip);
    b->m->config = &b->config;
    b->m->tsc_hz = 2000000000;
    b->model = bed_model(b);
    b->m->cpu_model = b->model;
    return b;
}

static inline void bed_begin(struct bed *b)
{
    GError *err = NULL;

    b->v.accel = b->m->accel = b->accel[0];
    b->m->vcpu_ops = &accel_vcpu_ops;
    b->v.machine = b->m;
    b->v.sleeper = &b->v;
    for (unsigned n = 0; b->accel[n]; n++) {
        ck_assert_msg(b->accel[n]->vm_init(b->m, &err), "%s", err ? err->message : "");
        ck_assert_msg(b->accel[n]->vcpu_init(&b->v, &err), "%s", err ? err->message : "");
    }
    machine_lock(b->m);
    apic_bus_init(&b->bus, b->m);
    b->lapic = lapic_create(&b->v, &b->bus, &err);
    machine_unlock(b->m);
    ck_assert_ptr_nonnull(b->lapic);
}

static inline struct bed *bed_new(const struct accel *first, const struct accel *second,
                                  const char *irqchip)
{
    struct bed *b = bed_prepare(first, second, irqchip);

    bed_begin(b);
    return b;
}

static inline void bed_free(struct bed *b)
{
    machine_lock(b->m);
    device_free(&b->lapic->dev);
    apic_bus_fini(&b->bus);
    machine_unlock(b->m);
    for (unsigned n = 0; b->accel[n]; n++) {
        b->accel[n]->vcpu_exit(&b->v);
        b->accel[n]->vm_exit(b->m);
    }
    cpu_model_free(b->model);
    machine_free(b->m);
    g_hash_table_destroy(b->config.machine_opts);
    g_free(b);
}

static inline bool bed_have_kvm(void)
{
    GError *err = NULL;

    if (accel_kvm.probe(&err))
        return true;
    printf("# SKIP: %s\n", err->message);
    g_error_free(err);
    return false;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Accelerators beside the one that runs the machine: for a rescue, and to switch to. */
#include "accel/accel.h"
#include "core/machine.h"

bool accel_attach(struct vcpu *v, const struct accel *a, GError **err)
{
    struct machine *m = v->machine;

    machine_lock(m);
    bool ok = m->accel_data[a->slot] || a->vm_init(m, err);
    machine_unlock(m);
    return ok && (v->accel_data[a->slot] || a->vcpu_init(v, err));
}

void accel_detach_vcpu(struct vcpu *v)
{
    v->accel->vcpu_exit(v);
    for (unsigned i = 0; accel_table[i]; i++)
        if (accel_table[i] != v->accel && v->accel_data[accel_table[i]->slot])
            accel_table[i]->vcpu_exit(v);
}

void accel_detach_vm(struct machine *m)
{
    if (m->accel->vm_exit)
        m->accel->vm_exit(m);
    for (unsigned i = 0; accel_table[i]; i++)
        if (accel_table[i] != m->accel && m->accel_data[accel_table[i]->slot])
            accel_table[i]->vm_exit(m);
}

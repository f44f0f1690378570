/* SPDX-License-Identifier: MIT */
/*
 * The time-stamp counter in saved state. It follows the virtual clock with an offset per vCPU
 * (machine_tsc_at()); a saved state has a pair (TSC, virtual time) on that line, so it does not
 * matter how long the state was on its way, nor at which rate another machine's counter runs.
 */
#include "accel/accel.h"
#include "core/machine.h"

void accel_save_tsc(struct vcpu *v, struct x86_state *st)
{
    st->tsc_vtime = clock_now(&v->machine->vclock);
    st->tsc = machine_tsc_at(v->machine, v, st->tsc_vtime);
}

uint64_t accel_tsc_offset(const struct machine *m, const struct x86_state *st)
{
    return st->tsc - muldiv64((uint64_t)st->tsc_vtime, m->tsc_hz, NSEC_PER_SEC);
}

void accel_set_tsc_offset(struct vcpu *v, uint64_t offset)
{
    if (offset == v->tsc_offset)
        return;
    v->tsc_offset = offset;
    if (v->lapic.tsc_changed)
        v->lapic.tsc_changed(v->lapic.apic);
}

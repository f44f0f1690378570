/* SPDX-License-Identifier: MIT */
/*
 * The clock that guests read from their pages (target/x86/kvm_pv.h), while KVM writes them. API
 * document sections 4.29 (KVM_GET_CLOCK), 4.30 (KVM_SET_CLOCK).
 *
 * KVM's clock runs from the host's raw clock, the machine's virtual clock from its disciplined
 * one: they drift apart while the machine runs. When it stops, the offset between the two is
 * measured and kept in the machine; when it goes on, whoever runs it, its guests' clock goes on
 * from there.
 */
#include "accel/kvm/kvm.h"

void kvm_clocks_start(struct machine *m)
{
    struct kvm_vm *vm = m->accel_data[ACCEL_KVM];
    struct kvm_clock_data clock = {.clock = machine_pvclock_at(m, clock_now(&m->vclock))};

    kvm_call(vm->fd, KVM_SET_CLOCK, &clock);
}

void kvm_clocks_stopped(struct machine *m)
{
    struct kvm_vm *vm = m->accel_data[ACCEL_KVM];
    struct kvm_clock_data clock;

    if (kvm_call(vm->fd, KVM_GET_CLOCK, &clock) < 0)
        return;
    m->pvclock_offset += (int64_t)clock.clock - machine_pvclock_at(m, clock_now(&m->vclock));
    m->pvclock_moved = true; /* pages that another accelerator writes begin here */
}

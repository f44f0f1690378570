/* SPDX-License-Identifier: MIT */
/*
 * The time-stamp counter. API document, Documentation/virt/kvm/devices/vcpu.rst section 4
 * (KVM_VCPU_TSC_CTRL).
 *
 * In KVM a guest's TSC is the host's plus an offset; to the rest of the machine it follows the
 * virtual clock plus an offset (machine_tsc_at()). Both rates are the same to a few millionths,
 * no more, so the two lines are matched anew by looking at both clocks whenever a state passes
 * from one side to the other:
 *
 *   stopped   The virtual clock stands still, so the TSC does. When the machine stops, each
 *             vCPU's counter becomes an offset to the virtual clock; when it starts, that
 *             becomes an offset to the host's counter, with one pair for all vCPUs, so that
 *             those that agreed still do.
 *   running   A rescue takes one vCPU out for a moment. save() looks at both clocks; load() gives
 *             the offset back as it was, to the bit, unless the guest wrote the TSC meanwhile.
 *
 * The host's counter is read before the virtual clock, so on its way from KVM the guest's counter
 * is late by the time between the two, and never goes backwards in either direction.
 */
#include "accel/kvm/state.h"

#include <stdlib.h>
#include <x86intrin.h>

#include "core/machine.h"

enum { MSR_TSC = 0x10 };
#define STALE_NS 100000000 /* the clocks drift apart by no more than microseconds until then */

static uint64_t at(const struct machine *m, int64_t vtime)
{
    return muldiv64((uint64_t)vtime, m->tsc_hz, NSEC_PER_SEC);
}

static struct kvm_tsc_pair look(struct machine *m)
{
    struct kvm_tsc_pair p = {.host = __rdtsc()};

    p.vtime = clock_now(&m->vclock);
    return p;
}

/* The same for all vCPUs that are loaded in one go, and as exact as it can be had: the best of a
 * few looks. Lock held. */
static struct kvm_tsc_pair common_pair(struct kvm_vm *vm)
{
    uint64_t best = UINT64_MAX;

    if (look(vm->machine).vtime - vm->tsc_pair.vtime < STALE_NS && vm->tsc_pair.host)
        return vm->tsc_pair;
    for (unsigned n = 0; n < 5; n++) {
        struct kvm_tsc_pair p = look(vm->machine);
        uint64_t took = __rdtsc() - p.host;

        if (took < best) {
            best = took;
            vm->tsc_pair = p;
        }
    }
    return vm->tsc_pair;
}

static struct kvm_device_attr offset_attr(uint64_t *offset)
{
    return (struct kvm_device_attr){.group = KVM_VCPU_TSC_CTRL,
                                    .attr = KVM_VCPU_TSC_OFFSET,
                                    .addr = (uint64_t)(uintptr_t)offset};
}

/* Before Linux 5.16 only the counter itself can be read and written. */
static uint64_t read_offset(struct kvm_cpu *k)
{
    uint64_t v = 0, before = __rdtsc();
    struct kvm_device_attr attr = offset_attr(&v);

    if (k->state->tsc_fixed)
        return 0;
    if (k->state->tsc_attr && kvm_call(k->fd, KVM_GET_DEVICE_ATTR, &attr) == 0)
        return v;
    return kvm_msr_read(k, MSR_TSC, &v) ? v - before : k->state->tsc_offset;
}

static void write_offset(struct kvm_cpu *k, uint64_t offset)
{
    struct kvm_device_attr attr = offset_attr(&offset);

    if (k->state->tsc_fixed)
        return;
    k->state->tsc_offset = offset;
    if (!k->state->tsc_attr || kvm_call(k->fd, KVM_SET_DEVICE_ATTR, &attr) < 0)
        kvm_msr_write(k, MSR_TSC, __rdtsc() + offset);
}

/* Does the guest's counter follow an offset? In a KVM without VMX or SVM under it the guest's user
 * code may read the host's, and then nothing else is consistent. */
static bool follows(struct kvm_cpu *k, uint64_t offset)
{
    uint64_t v = 0;

    write_offset(k, offset);
    if (!kvm_msr_read(k, MSR_TSC, &v))
        return true;
    int64_t off_by = v - (__rdtsc() + offset);
    return llabs(off_by) < (int64_t)1 << 38; /* some seconds to two minutes */
}

void kvm_tsc_init(struct kvm_cpu *k)
{
    struct kvm_state *s = k->state;
    uint64_t unused;
    struct kvm_device_attr attr = offset_attr(&unused);

    s->tsc_attr = kvm_call(k->fd, KVM_HAS_DEVICE_ATTR, &attr) == 0;
    uint64_t offset = read_offset(k);
    s->tsc_fixed = !follows(k, offset + ((uint64_t)1 << 40));
    if (s->tsc_fixed)
        s->tsc_offset = 0;
    else
        write_offset(k, offset);
}

/*
 * The vCPU's counter is to be at `virt` for the virtual clock of p, by an offset in KVM. Where
 * that cannot be had, the guest gets the host's counter: a jump forward, or a short wait so that
 * it is none backwards. Lock held.
 */
static void go_on_from(struct kvm_cpu *k, struct kvm_tsc_pair p, uint64_t virt)
{
    struct machine *m = k->vm->machine;

    write_offset(k, virt - p.host);
    if (!k->state->tsc_fixed)
        return;
    uint64_t most = p.host + m->tsc_hz / 10;
    while (__rdtsc() < virt && __rdtsc() < most)
        g_usleep(100);
    if (__rdtsc() < virt)
        log_write(&m->log, "hostel: CPU %u: this KVM does not shift the time-stamp counter, which "
                  "goes backwards\n", k->vcpu->index);
    p = look(m);
    accel_set_tsc_offset(k->vcpu, p.host - at(m, p.vtime));
}

/* Whatever the guest does to its TSC shows in IA32_TSC_ADJUST. */
static void refresh_offset(struct kvm_cpu *k, const struct x86_state *st)
{
    if (!k->state->complete || st->msr.tsc_adjust != k->state->known.msr.tsc_adjust)
        k->state->tsc_offset = read_offset(k);
}

void kvm_tsc_get(struct kvm_cpu *k, struct x86_state *st)
{
    struct kvm_state *s = k->state;
    struct machine *m = k->vm->machine;

    if (!machine_running(m)) {
        accel_save_tsc(k->vcpu, st);
        return;
    }
    refresh_offset(k, st);
    struct kvm_tsc_pair p = look(m);
    st->tsc = p.host + s->tsc_offset;
    st->tsc_vtime = s->tsc_vtime = p.vtime;
    s->tsc_base = st->tsc - at(m, p.vtime);
}

void kvm_tsc_put(struct kvm_cpu *k, const struct x86_state *st)
{
    struct kvm_state *s = k->state;
    struct machine *m = k->vm->machine;
    uint64_t base = accel_tsc_offset(m, st), offset = s->tsc_offset + (base - s->tsc_base);
    bool stale;

    machine_lock(m);
    accel_set_tsc_offset(k->vcpu, base);
    stale = !s->tsc_vtime || look(m).vtime - s->tsc_vtime > STALE_NS;
    if (machine_running(m) && stale) { /* if it does not, kvm_tsc_machine_changed() will come */
        struct kvm_tsc_pair p = common_pair(k->vm);

        go_on_from(k, p, at(m, p.vtime) + base);
        s->tsc_vtime = p.vtime;
    } else if (machine_running(m) && offset != s->tsc_offset) {
        write_offset(k, offset);
    }
    s->tsc_base = base;
    machine_unlock(m);
}

void kvm_tsc_resync(struct kvm_cpu *k)
{
    struct machine *m = k->vm->machine;
    struct kvm_tsc_pair p = look(m);

    accel_set_tsc_offset(k->vcpu, p.host + read_offset(k) - at(m, p.vtime));
}

void kvm_tsc_machine_changed(void *machine)
{
    struct machine *m = machine;
    struct kvm_vm *vm = m->accel_data[ACCEL_KVM];

    if (!vm)
        return;
    vm->tsc_pair.host = 0;
    struct kvm_tsc_pair p = common_pair(vm);
    for (unsigned i = 0; i < vm->cpus->len; i++) {
        struct kvm_cpu *k = vm->cpus->pdata[i];

        if (!k || !k->state || k->vcpu->accel != &accel_kvm)
            continue;
        if (machine_running(m))
            go_on_from(k, p, at(m, p.vtime) + k->vcpu->tsc_offset);
        else
            accel_set_tsc_offset(k->vcpu, p.host + read_offset(k) - at(m, p.vtime));
        k->state->tsc_vtime = 0;
    }
}

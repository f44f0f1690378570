/* SPDX-License-Identifier: MIT */
/*
 * What stands behind target/x86/kvm_pv.h on this accelerator: clocks, the local APIC, the other
 * vCPUs. The guest's time pages are written when it names them, when a TSC is changed, and when
 * the machine starts with another clock than it had; nothing is periodic. All of it happens
 * under the machine lock.
 */
#include <sched.h>

#include "accel/accel.h"
#include "accel/tcg-interp/engine.h"
#include "target/x86/cpuid.h"
#include "target/x86/kvm_pv.h"

static void pv_lock(struct x86_cpu *c)
{
    tcg_lock(tcg_of(c));
}

static void pv_unlock(struct x86_cpu *c)
{
    tcg_unlock(tcg_of(c));
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void pv_now(struct x86_cpu *c, struct kvm_pv_now *now)
{
    struct tcg_cpu *t = tcg_of(c);
    int64_t ns = clock_now(&t->machine->vclock);

    now->system = machine_pvclock_at(t->machine, ns);
    now->tsc = machine_tsc_at(t->machine, t->vcpu, ns);
    now->wall = clock_now(&t->machine->hclock);
}

/* Do all vCPUs have one TSC? */
static bool tsc_stable(const struct machine *m)
{
    const struct vcpu *first = m->vcpus->pdata[0];

    for (unsigned n = 1; n < m->vcpus->len; n++)
        if (((struct vcpu *)m->vcpus->pdata[n])->tsc_offset != first->tsc_offset)
            return false;
    return true;
}

static void write_page(struct tcg_cpu *t, bool stable)
{
    const struct machine *m = t->machine;
    struct kvm_pv_time page = {
        .tsc = machine_tsc_at(m, t->vcpu, m->pvclock_anchor),
        .system = machine_pvclock_at(m, m->pvclock_anchor),
        .rate = kvm_pv_rate(m->tsc_hz),
        .stable = stable && t->x.model->feature[X86_F_KVM_CLOCK_STABLE],
    };

    kvm_pv_write_time(t->x.as, t->x.msr.kvm_system_time, &page);
}

/* While another accelerator runs this vCPU the page is that one's; while the machine stands
 * still, RAM may be what is being loaded or saved. */
static bool page_is_ours(const struct tcg_cpu *t)
{
    return machine_running(t->machine) && t->vcpu->accel == &accel_tcg_interp;
}

static void pv_system_time(struct x86_cpu *c)
{
    struct tcg_cpu *t = tcg_of(c);

    if (page_is_ours(t))
        write_page(t, tsc_stable(t->machine));
}

static void write_pages(struct machine *m)
{
    bool stable = tsc_stable(m);

    for (unsigned n = 0; n < m->vcpus->len; n++) {
        struct vcpu *v = m->vcpus->pdata[n];

        if (v->accel_data[ACCEL_TCG])
            write_page(v->accel_data[ACCEL_TCG], stable);
    }
}

void tcg_pv_tsc_changed(struct tcg_cpu *t)
{
    if (page_is_ours(t))
        write_pages(t->machine);
}

void tcg_pv_clocks_start(struct machine *m)
{
    if (!m->pvclock_moved)
        return;
    m->pvclock_moved = false;
    m->pvclock_anchor = clock_now(&m->vclock);
    write_pages(m);
}

/* ---- The local APIC and the other vCPUs ------------------------------------------------------ */

static void pv_eoi(struct x86_cpu *c)
{
    struct vcpu_apic *a = &tcg_of(c)->vcpu->lapic;

    if (a->set_pv_eoi)
        a->set_pv_eoi(a->apic, c->msr.kvm_pv_eoi);
}

static unsigned pv_send_ipi(struct x86_cpu *c, const uint64_t set[2], unsigned per_word,
                            uint32_t first, uint32_t icr)
{
    struct vcpu_apic *a = &tcg_of(c)->vcpu->lapic;

    return a->send_set ? a->send_set(a->apic, set, per_word, first, icr) : 0;
}

static void pv_kick(struct x86_cpu *c, uint32_t apic_id)
{
    const struct machine *m = tcg_of(c)->machine;

    for (unsigned n = 0; n < m->vcpus->len; n++) {
        struct vcpu *v = m->vcpus->pdata[n];

        if (v->apic_id == apic_id)
            vcpu_pin(v, VCPU_UNHALT, 1);
    }
}

/* Under -icount the others have their turns by count. */
static void pv_yield(struct x86_cpu *c)
{
    if (!tcg_of(c)->machine->icount)
        sched_yield();
}

const struct kvm_pv_host tcg_pv_host = {
    .lock = pv_lock,
    .unlock = pv_unlock,
    .now = pv_now,
    .system_time = pv_system_time,
    .eoi = pv_eoi,
    .kick = pv_kick,
    .send_ipi = pv_send_ipi,
    .yield = pv_yield,
};

/* ---- State ----------------------------------------------------------------------------------- */

void tcg_pv_save(struct tcg_cpu *t, struct x86_state *st)
{
    st->pv_unhalt = (vcpu_pins(t->vcpu) & VCPU_UNHALT) != 0;
}

void tcg_pv_load(struct tcg_cpu *t, const struct x86_state *st)
{
    vcpu_pin(t->vcpu, VCPU_UNHALT, st->pv_unhalt);
    pv_eoi(&t->x);
}

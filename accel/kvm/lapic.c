/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's local APIC in the kernel <-> hw/intc/lapic.c, and what else of its state only such a
 * vCPU keeps in the kernel. API document sections 4.57 (KVM_GET_LAPIC), 4.58 (KVM_SET_LAPIC),
 * 4.38 (KVM_GET_MP_STATE), 4.39 (KVM_SET_MP_STATE); Intel SDM vol. 3 table 10-1.
 *
 * All of it does nothing when the local APICs are ours.
 */
#include "accel/kvm/kvm.h"

#include "target/x86/cpuid.h"

#define IA32_APIC_BASE 0x1b
#define IA32_TSC_DEADLINE 0x6e0
#define APIC_ENABLED 0x800
#define LVT_LINT1 0x360
#define LVT_MASKED 0x10000
#define LVT_MODE 0x700
#define MODE_REMOTE_READ 3 /* KVM's own use of it: the kick of KVM_HC_KICK_CPU */
#define MODE_NMI 4
#define MODE_INIT 5
#define MODE_SIPI 6

_Static_assert(sizeof(struct kvm_lapic_state) == VCPU_APIC_PAGE, "one page of registers");

/* One MSR in the form of KVM_GET_MSRS: struct kvm_msrs with its only entry. */
struct one_msr {
    uint32_t nmsrs, pad;
    struct kvm_msr_entry entry;
};
_Static_assert(offsetof(struct one_msr, entry) == offsetof(struct kvm_msrs, entries), "its entry");

static uint64_t get_msr(struct kvm_cpu *k, uint32_t index)
{
    struct one_msr msr = {.nmsrs = 1, .entry.index = index};

    return kvm_call(k->fd, KVM_GET_MSRS, &msr) == 1 ? msr.entry.data : 0;
}

static void set_msr(struct kvm_cpu *k, uint32_t index, uint64_t value)
{
    struct one_msr msr = {.nmsrs = 1, .entry = {.index = index, .data = value}};

    kvm_call(k->fd, KVM_SET_MSRS, &msr);
}

static bool in_kernel(const struct kvm_cpu *k)
{
    return k->vm->irqchip != KVM_IRQCHIP_OFF && k->vcpu->lapic.apic;
}

void kvm_lapic_save(struct kvm_cpu *k)
{
    const struct vcpu_apic *a = &k->vcpu->lapic;
    struct kvm_lapic_state page;

    if (in_kernel(k) && kvm_call(k->fd, KVM_GET_LAPIC, &page) == 0)
        a->set_regs(a->apic, get_msr(k, IA32_APIC_BASE), (const uint8_t *)page.regs,
                    get_msr(k, IA32_TSC_DEADLINE));
}

void kvm_lapic_load(struct kvm_cpu *k)
{
    const struct vcpu_apic *a = &k->vcpu->lapic;
    struct kvm_lapic_state page;
    uint64_t deadline = 0;

    if (!in_kernel(k))
        return;
    a->get_regs(a->apic, (uint8_t *)page.regs);
    a->msr_read(a->apic, IA32_TSC_DEADLINE, &deadline);
    kvm_call(k->fd, KVM_SET_LAPIC, &page);
    set_msr(k, IA32_TSC_DEADLINE, deadline); /* means nothing in other modes of the timer */
}

bool kvm_lapic_takes_nmi(struct kvm_cpu *k)
{
    struct kvm_lapic_state page;
    uint32_t lvt;

    if (!in_kernel(k) || kvm_call(k->fd, KVM_GET_LAPIC, &page) < 0)
        return false;
    memcpy(&lvt, page.regs + LVT_LINT1, sizeof(lvt));
    return !(get_msr(k, IA32_APIC_BASE) & APIC_ENABLED) ||
           (lvt & (LVT_MASKED | LVT_MODE)) == MODE_NMI << 8;
}

/* ---- Halted, waiting for INIT or SIPI -------------------------------------------------------- */

static const uint32_t mp_states[] = {
    [MP_RUNNABLE] = KVM_MP_STATE_RUNNABLE,
    [MP_HALTED] = KVM_MP_STATE_HALTED,
    [MP_WAIT_INIT] = KVM_MP_STATE_UNINITIALIZED,
    [MP_WAIT_SIPI] = KVM_MP_STATE_INIT_RECEIVED,
};

static bool has_kicks(const struct kvm_cpu *k)
{
    const struct cpu_model *model = k->vm->machine->cpu_model;

    return model && model->feature[X86_F_KVM_PV_UNHALT];
}

void kvm_mp_state_save(struct kvm_cpu *k, struct x86_state *st)
{
    struct kvm_mp_state mp;

    if (!in_kernel(k) || kvm_call(k->fd, KVM_GET_MP_STATE, &mp) < 0)
        return;
    for (unsigned i = 0; i < G_N_ELEMENTS(mp_states); i++)
        if (mp_states[i] == mp.mp_state)
            st->mp_state = i;
    /* KVM does not say whether a kick waits for the next halt. A guest that kicks looks again
     * whenever it wakes: one wake-up too many does no harm. */
    st->pv_unhalt = st->mp_state == MP_RUNNABLE && has_kicks(k);
}

void kvm_mp_state_load(struct kvm_cpu *k, const struct x86_state *st)
{
    struct kvm_mp_state mp = {.mp_state = mp_states[st->mp_state & 3]};

    if (!in_kernel(k))
        return;
    kvm_call(k->fd, KVM_SET_MP_STATE, &mp);
    if (st->pv_unhalt && has_kicks(k))
        kvm_irqchip_send(k, MODE_REMOTE_READ, 0);
    if (st->init_pending)
        kvm_irqchip_send(k, MODE_INIT, 0);
    if (st->sipi_pending)
        kvm_irqchip_send(k, MODE_SIPI, st->sipi_vector);
}

/* SPDX-License-Identifier: MIT */
/*
 * What KVM's guests do at a local APIC without touching its registers. Linux,
 * Documentation/virt/kvm/x86/msr.rst (MSR_KVM_EOI_EN) and hypercalls.rst (KVM_HC_SEND_IPI).
 *
 * Paravirtual EOI: with an interrupt that is alone (nothing else in service, nothing requested,
 * no EOI message to send for it) a bit in guest memory is set. The guest may clear the bit
 * instead of writing EOI, and nobody is told. Until somebody looks, the bit in ISR may stand for
 * an interrupt that is over. So the next request raises INTR even if ISR seems to forbid it; the
 * vCPU comes and settles it: bit cleared, the EOI happened; bit still set, it is taken back and
 * the guest will write EOI. Only the vCPU itself touches the bit, as the interface demands.
 */
#include "hw/intc/lapic_int.h"

enum { PV_EOI_ENABLED = 1, PV_EOI_FLAG = 1 };

/* The byte with the flag, or NULL if the guest named no RAM. */
static uint8_t *flag_of(struct lapic *a)
{
    return as_ptr(&a->dev.machine->mem, a->pv_eoi & ~3ull, 1, true);
}

/* The vector of the only bit that is set, 0 if there are more or none. */
static unsigned only_bit(const uint32_t *set)
{
    unsigned found = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (!set[i])
            continue;
        if (found || (set[i] & (set[i] - 1)))
            return 0;
        found = i * 32 + __builtin_ctz(set[i]);
    }
    return found;
}

static bool nothing_requested(const struct lapic *a)
{
    uint32_t any = 0;
    for (unsigned i = 0; i < 8; i++)
        any |= a->irr[i];
    return !any && !lapic_extint_pending(a);
}

void lapic_pv_offer(struct lapic *a)
{
    if (!(a->pv_eoi & PV_EOI_ENABLED) || !nothing_requested(a))
        return;
    unsigned vector = only_bit(a->isr);
    if (!vector || (a->tmr[vector >> 5] >> (vector & 31) & 1))
        return;
    uint8_t *flag = flag_of(a);
    if (!flag)
        return;
    *flag |= PV_EOI_FLAG;
    a->pv_eoi_set = true;
}

void lapic_pv_settle_slow(struct lapic *a)
{
    uint8_t *flag = flag_of(a);
    a->pv_eoi_set = false;
    if (flag && !(*flag & PV_EOI_FLAG)) {
        lapic_eoi(a);
        return;
    }
    if (flag)
        *flag &= ~PV_EOI_FLAG;
    lapic_update(a);
}

/* The register is loaded after the flag's state: the same value changes nothing. */
void lapic_pv_set_eoi(void *opaque, uint64_t value)
{
    struct lapic *a = opaque;
    if (value == a->pv_eoi)
        return;
    lapic_pv_settle(a);
    a->pv_eoi = value;
}

unsigned lapic_pv_send_set(void *opaque, const uint64_t set[2], unsigned per_word, uint32_t first,
                           uint32_t icr)
{
    GPtrArray *cpus = ((struct lapic *)opaque)->dev.machine->vcpus;
    unsigned taken = 0;
    for (unsigned i = 0; i < cpus->len; i++) {
        struct vcpu *v = cpus->pdata[i];
        uint32_t bit = v->apic_id - first;
        if (v->apic_id < first || bit >= 2 * per_word || !v->lapic.apic)
            continue;
        if (set[bit / per_word] >> bit % per_word & 1)
            taken += lapic_accept(v->lapic.apic, icr >> 8 & 7, icr, false);
    }
    return taken;
}

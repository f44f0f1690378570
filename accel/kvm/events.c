/* SPDX-License-Identifier: MIT */
/*
 * What is on its way to the vCPU: pending and injected events, interrupt shadows, NMIs. API
 * document sections 4.31, 4.32 (KVM_GET/SET_VCPU_EVENTS).
 *
 * "Injected" is what KVM was about to deliver, or was delivering, when the guest left: it has been
 * acknowledged and nobody else knows of it. Software interrupts and exceptions among them are
 * left out: RIP is still at their instruction. KVM can hold an interrupt and behind it an
 * exception that is pending; the exception is that of the instruction at RIP and comes again
 * when the interrupt's handler returns.
 */
#include "accel/kvm/state.h"

static const uint8_t shadow_sti = KVM_X86_SHADOW_INT_STI, shadow_mov_ss = KVM_X86_SHADOW_INT_MOV_SS;

static void event(struct x86_state *st, enum x86_event kind, uint8_t vector)
{
    st->event = kind;
    st->event_vector = vector;
}

void kvm_events_from(struct x86_state *st, const struct kvm_vcpu_events *e)
{
    bool interrupt = e->interrupt.injected && !e->interrupt.soft;

    st->inhibit_irq = (e->interrupt.shadow & shadow_sti) != 0;
    st->inhibit_movss = (e->interrupt.shadow & shadow_mov_ss) != 0;
    st->nmi_masked = e->nmi.masked != 0;
    st->nmi_pending = MIN(e->nmi.pending, 2);
    if (e->exception.injected && !(e->exception.pending && (interrupt || e->nmi.injected))) {
        event(st, EVENT_EXC, e->exception.nr);
        st->event_has_error = e->exception.has_error_code != 0;
        st->event_error = st->event_has_error ? e->exception.error_code : 0;
    } else if (e->nmi.injected) {
        event(st, EVENT_NMI, 2);
    } else if (interrupt) {
        event(st, EVENT_INTR, e->interrupt.nr);
    }
}

/* A #DB that MOV SS holds back has no place in KVM: it comes one instruction early. */
static bool early_debug(const struct x86_state *st)
{
    return st->db_pending && st->event == EVENT_NONE;
}

void kvm_events_to(struct kvm_vcpu_events *e, const struct x86_state *st,
                   const struct x86_state *known)
{
    *e = (struct kvm_vcpu_events){
        .exception.injected = st->event == EVENT_EXC || early_debug(st),
        .exception.nr = early_debug(st) ? 1 : st->event_vector,
        .exception.has_error_code = st->event == EVENT_EXC && st->event_has_error,
        .exception.error_code = st->event_error,
        .interrupt.injected = st->event == EVENT_INTR,
        .interrupt.nr = st->event_vector,
        .interrupt.shadow = (st->inhibit_irq ? shadow_sti : 0) |
                            (st->inhibit_movss ? shadow_mov_ss : 0),
        .nmi.injected = st->event == EVENT_NMI,
        .nmi.masked = st->nmi_masked,
        .nmi.pending = st->nmi_pending,
        .flags = KVM_VCPUEVENT_VALID_SHADOW,
    };
    /* Without this flag an NMI that a local APIC in the kernel sends meanwhile is not lost. */
    if (!known || known->nmi_pending != st->nmi_pending)
        e->flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
}

bool kvm_events_differ(const struct x86_state *a, const struct x86_state *b)
{
    return a->inhibit_irq != b->inhibit_irq || a->inhibit_movss != b->inhibit_movss ||
           a->nmi_masked != b->nmi_masked || a->nmi_pending != b->nmi_pending ||
           a->event != b->event || a->event_vector != b->event_vector ||
           a->event_has_error != b->event_has_error || a->event_error != b->event_error ||
           a->db_pending != b->db_pending;
}

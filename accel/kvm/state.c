/* SPDX-License-Identifier: MIT */
/*
 * struct x86_state <-> KVM's structures: general registers and segments. API document sections
 * 4.11 to 4.14 (KVM_GET_REGS and the like).
 */
#include "accel/kvm/kvm.h"

#include <string.h>

static void get_regs(struct kvm_cpu *k, struct x86_state *st)
{
    struct kvm_regs r;

    kvm_call(k->fd, KVM_GET_REGS, &r);
    const uint64_t gpr[16] = {r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi,
                              r.r8,  r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15};
    memcpy(st->gpr, gpr, sizeof(gpr));
    st->rip = r.rip;
    st->rflags = r.rflags;
}

static void set_regs(struct kvm_cpu *k, const struct x86_state *st)
{
    const uint64_t *g = st->gpr;
    struct kvm_regs r = {
        .rax = g[0], .rcx = g[1], .rdx = g[2], .rbx = g[3], .rsp = g[4], .rbp = g[5],
        .rsi = g[6], .rdi = g[7], .r8 = g[8], .r9 = g[9], .r10 = g[10], .r11 = g[11],
        .r12 = g[12], .r13 = g[13], .r14 = g[14], .r15 = g[15], .rip = st->rip,
        .rflags = st->rflags,
    };

    kvm_call(k->fd, KVM_SET_REGS, &r);
}

static struct x86_seg from_seg(const struct kvm_segment *s)
{
    return (struct x86_seg){
        .sel = s->selector,
        .base = s->base,
        .limit = s->limit,
        .attr = s->type | s->s << 4 | s->dpl << 5 | s->present << 7 | s->avl << 12 | s->l << 13 |
                s->db << 14 | s->g << 15 | (s->unusable ? SEG_UNUSABLE : 0),
    };
}

static struct kvm_segment to_seg(const struct x86_seg *s)
{
    return (struct kvm_segment){
        .selector = s->sel,
        .base = s->base,
        .limit = s->limit,
        .type = s->attr & 15,
        .s = s->attr >> 4 & 1,
        .dpl = s->attr >> 5 & 3,
        .present = s->attr >> 7 & 1,
        .avl = s->attr >> 12 & 1,
        .l = s->attr >> 13 & 1,
        .db = s->attr >> 14 & 1,
        .g = s->attr >> 15 & 1,
        .unusable = (s->attr & SEG_UNUSABLE) != 0,
    };
}

static void get_sregs(struct kvm_cpu *k, struct x86_state *st)
{
    struct kvm_sregs s;

    kvm_call(k->fd, KVM_GET_SREGS, &s);
    const struct kvm_segment *seg[] = {&s.es, &s.cs, &s.ss, &s.ds, &s.fs, &s.gs, &s.ldt, &s.tr};
    for (unsigned i = 0; i < 8; i++)
        st->seg[i] = from_seg(seg[i]);
    st->gdtr = (struct x86_dtable){s.gdt.base, s.gdt.limit};
    st->idtr = (struct x86_dtable){s.idt.base, s.idt.limit};
    st->cr0 = s.cr0;
    st->cr2 = s.cr2;
    st->cr3 = s.cr3;
    st->cr4 = s.cr4;
    st->cr8 = s.cr8;
    st->msr.efer = s.efer;
}

static void set_sregs(struct kvm_cpu *k, const struct x86_state *st)
{
    struct kvm_sregs s = {
        .es = to_seg(&st->seg[S_ES]), .cs = to_seg(&st->seg[S_CS]), .ss = to_seg(&st->seg[S_SS]),
        .ds = to_seg(&st->seg[S_DS]), .fs = to_seg(&st->seg[S_FS]), .gs = to_seg(&st->seg[S_GS]),
        .ldt = to_seg(&st->seg[S_LDTR]), .tr = to_seg(&st->seg[S_TR]),
        .gdt = {.base = st->gdtr.base, .limit = st->gdtr.limit},
        .idt = {.base = st->idtr.base, .limit = st->idtr.limit},
        .cr0 = st->cr0, .cr2 = st->cr2, .cr3 = st->cr3, .cr4 = st->cr4, .cr8 = st->cr8,
        .efer = st->msr.efer,
    };
    const struct vcpu_apic *a = &k->vcpu->lapic;

    if (a->get_base)
        s.apic_base = a->get_base(a->apic);
    kvm_call(k->fd, KVM_SET_SREGS, &s);
}

void kvm_save(struct vcpu *v, struct x86_state *st)
{
    struct kvm_cpu *k = kvm_cpu_of(v);
    enum vcpu_exit why;

    memset(st, 0, sizeof(*st));
    kvm_finish(k, &why);
    get_regs(k, st);
    get_sregs(k, st);
    st->mp_state = k->mp_state;
    kvm_lapic_save(k);
    kvm_mp_state_save(k, st);
}

void kvm_load(struct vcpu *v, const struct x86_state *st)
{
    struct kvm_cpu *k = kvm_cpu_of(v);
    enum vcpu_exit why;

    kvm_finish(k, &why);
    set_sregs(k, st);
    set_regs(k, st);
    kvm_lapic_load(k);
    kvm_cpu_loaded(k, st);
    kvm_mp_state_load(k, st);
}

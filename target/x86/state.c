/* SPDX-License-Identifier: MIT */
/*
 * The state after RESET and INIT, and struct x86_cpu <-> struct x86_state. Intel SDM vol. 3
 * table 10-1 ("processor states following power-up, reset, or INIT"), section 8.4 (SIPI).
 */
#include <string.h>

#include "target/x86/cpuid.h"
#include "target/x86/fpu.h"
#include "target/x86/segment.h"

enum { FTW_RESET = 0x5555 };

/* What RESET and INIT have in common. */
static void common_reset(struct x86_state *st, uint32_t signature)
{
    static const struct x86_seg data = { .attr = SEG_P | SEG_S | SEG_RW | SEG_ACCESSED,
                                         .limit = 0xffff };

    memset(st->gpr, 0, sizeof(st->gpr));
    st->gpr[R_RDX] = signature;
    st->rip = 0xfff0;
    st->rflags = FL_1;
    for (unsigned k = S_ES; k <= S_GS; k++)
        st->seg[k] = data;
    st->seg[S_CS].sel = 0xf000;
    st->seg[S_CS].base = 0xffff0000u;
    st->seg[S_LDTR] = (struct x86_seg){ .attr = SEG_P | SYS_LDT, .limit = 0xffff };
    st->seg[S_TR] = (struct x86_seg){ .attr = SEG_P | SYS_TSS32_BUSY, .limit = 0xffff };
    st->gdtr = st->idtr = (struct x86_dtable){ .limit = 0xffff };
    st->cr2 = st->cr3 = st->cr4 = st->cr8 = 0;
    memset(st->pdpte, 0, sizeof(st->pdpte));
    memset(st->dr, 0, sizeof(st->dr));
    st->dr[6] = DR6_FIXED;
    st->dr[7] = DR7_FIXED;
    st->msr.efer = 0;
    st->inhibit_irq = st->inhibit_movss = st->nmi_masked = st->nmi_pending = 0;
    st->event = EVENT_NONE;
    st->db_pending = 0;
    st->msr.kvm_system_time = st->msr.kvm_pv_eoi = 0;
    st->pv_unhalt = 0;
}

void x86_state_reset(struct x86_state *st, bool bsp, uint32_t cpuid_signature)
{
    memset(st, 0, sizeof(*st));
    common_reset(st, cpuid_signature);
    st->cr0 = CR0_CD | CR0_NW | CR0_ET;
    st->xcr0 = 1;
    st->fcw = FCW_RESET;
    st->ftw = FTW_RESET;
    st->mxcsr = MXCSR_INIT;
#define MSR(index, name, reset, ...) st->msr.name = reset;
#include "target/x86/msr.def"
#undef MSR
    st->mp_state = bsp ? MP_RUNNABLE : MP_WAIT_SIPI;
}

void x86_state_init(struct x86_state *st, bool bsp, uint32_t cpuid_signature)
{
    common_reset(st, cpuid_signature);
    st->cr0 = (st->cr0 & (CR0_CD | CR0_NW)) | CR0_ET;
    st->mp_state = bsp ? MP_RUNNABLE : MP_WAIT_SIPI;
}

/* ---- Conversion ---------------------------------------------------------------------------- */

void x86_cpu_save(struct x86_cpu *c, struct x86_state *st)
{
    memset(st, 0, sizeof(*st));
    memcpy(st->gpr, c->r, sizeof(st->gpr));
    st->rip = c->rip;
    st->rflags = x86_rflags(c);
    for (unsigned k = 0; k < 8; k++) {
        st->seg[k] = c->seg[k];
        st->seg[k].base = x86_seg_base(c, k);
    }
    st->gdtr = c->gdtr;
    st->idtr = c->idtr;
    st->cr0 = c->cr0;
    st->cr2 = c->cr2;
    st->cr3 = c->cr3;
    st->cr4 = c->cr4;
    memcpy(st->pdpte, c->pdpte, sizeof(st->pdpte));
    memcpy(st->dr, c->dr, sizeof(st->dr));
    st->xcr0 = c->xcr0;
    memcpy(st->fpr, c->fpr, sizeof(st->fpr));
    st->fcw = c->fcw;
    st->fsw = c->fsw;
    st->ftw = x86_ftw_full(c->fpr, c->fptag);
    st->fop = c->fop;
    st->fcs = c->fcs;
    st->fds = c->fds;
    st->fip = c->fip;
    st->fdp = c->fdp;
    st->mxcsr = c->mxcsr;
    memcpy(st->xmm, c->xmm, sizeof(st->xmm));
    memcpy(&st->msr, &c->msr, sizeof(st->msr));
    st->ext = c->ext;
    st->mp_state = c->mp_state;
    st->inhibit_irq = c->inhibit_irq;
    st->inhibit_movss = c->inhibit_movss;
    st->nmi_masked = c->nmi_masked;
    st->event = c->event;
    st->event_vector = c->event_vector;
    st->event_has_error = c->event_has_error;
    st->event_error = c->event_error;
    st->db_pending = c->db_pending;
}

void x86_cpu_load(struct x86_cpu *c, const struct x86_state *st)
{
    memset(c->slot, 0, sizeof(c->slot));
    memcpy(c->r, st->gpr, sizeof(st->gpr));
    c->rip = c->next_rip = st->rip;
    for (unsigned k = 0; k < 8; k++) {
        c->seg[k] = st->seg[k];
        if (k < 6)
            c->seg_base[k] = st->seg[k].base;
    }
    c->gdtr = st->gdtr;
    c->idtr = st->idtr;
    c->cr0 = st->cr0;
    c->cr2 = st->cr2;
    c->cr3 = st->cr3;
    c->cr4 = st->cr4;
    memcpy(c->pdpte, st->pdpte, sizeof(c->pdpte));
    memcpy(c->dr, st->dr, sizeof(c->dr));
    c->xcr0 = st->xcr0;
    memcpy(c->fpr, st->fpr, sizeof(c->fpr));
    c->fcw = st->fcw;
    c->fsw = st->fsw;
    c->fptag = x86_ftw_abridge(st->ftw);
    c->fop = st->fop;
    c->fcs = st->fcs;
    c->fds = st->fds;
    c->fip = st->fip;
    c->fdp = st->fdp;
    c->mxcsr = st->mxcsr;
    memcpy(c->xmm, st->xmm, sizeof(c->xmm));
    memcpy(&c->msr, &st->msr, sizeof(c->msr));
    c->mp_state = st->mp_state;
    c->inhibit_irq = st->inhibit_irq;
    c->inhibit_movss = st->inhibit_movss;
    c->nmi_masked = st->nmi_masked;
    c->event = st->event;
    c->event_vector = st->event_vector;
    c->event_has_error = st->event_has_error;
    c->event_error = st->event_error;
    c->db_pending = st->db_pending;
    c->ext = st->ext;

    if (!(c->cr0 & CR0_PE))
        c->cpl = 0;
    else if (!(c->msr.efer & EFER_LMA) && (st->rflags & FL_VM))
        c->cpl = 3;
    else
        c->cpl = (c->seg[S_SS].attr & SEG_DPL) >> 5;
    x86_set_rflags(c, st->rflags);
    x86_update_mode(c);
    c->host->flush_all(c);
}

void x86_cpu_init(struct x86_cpu *c, bool bsp)
{
    struct x86_state st;

    x86_cpu_save(c, &st);
    x86_state_init(&st, bsp, c->model->signature);
    x86_cpu_load(c, &st);
}

void x86_cpu_sipi(struct x86_cpu *c, uint8_t vector)
{
    c->seg[S_CS].sel = vector << 8;
    c->seg_base[S_CS] = (uint32_t)vector << 12;
    c->rip = c->next_rip = 0;
    c->mp_state = MP_RUNNABLE;
    x86_update_mode(c);
}

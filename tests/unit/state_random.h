/* SPDX-License-Identifier: MIT */
/*
 * Random states that a processor can be in: every field varied, in every mode, within the rules
 * of the manual (reserved bits, canonical addresses, what EFER, CR0 and CR4 allow together).
 */
#ifndef TESTS_UNIT_STATE_RANDOM_H
#define TESTS_UNIT_STATE_RANDOM_H

#include <string.h>

#include "target/x86/cpuid.h"
#include "target/x86/fpu.h"
#include "target/x86/state.h"

enum rnd_mode {
    RND_REAL, RND_PROT16, RND_PROT32, RND_PAE, RND_VM86, RND_COMPAT, RND_LONG, RND_MODES
};

struct rnd {
    uint64_t x;
    uint64_t cr4;      /* bits of CR4 that may be set */
    uint64_t efer;
    uint64_t xcr0;
    unsigned phys_bits;
};

static uint64_t rnd(struct rnd *r)
{
    r->x ^= r->x << 13;
    r->x ^= r->x >> 7;
    r->x ^= r->x << 17;
    return r->x * 0x2545f4914f6cdd1dull;
}

/* What a processor of this model lets its software set. */
static struct rnd rnd_new(const struct cpu_model *m)
{
    static const struct {
        uint16_t feature;
        uint32_t bits;
    } cr4[] = {
        {X86_F_VME, CR4_VME | CR4_PVI}, {X86_F_TSC, CR4_TSD}, {X86_F_DE, CR4_DE},
        {X86_F_PSE, CR4_PSE}, {X86_F_MCE, CR4_MCE}, {X86_F_PGE, CR4_PGE}, {X86_F_FXSR, CR4_OSFXSR},
        {X86_F_SSE, CR4_OSXMMEXCPT}, {X86_F_FSGSBASE, CR4_FSGSBASE}, {X86_F_PCID, CR4_PCIDE},
        {X86_F_XSAVE, CR4_OSXSAVE}, {X86_F_SMEP, CR4_SMEP}, {X86_F_SMAP, CR4_SMAP},
        {X86_F_UMIP, CR4_UMIP}, {X86_F_PKU, CR4_PKE},
    };
    struct rnd r = {.x = 0x9e3779b97f4a7c15ull, .cr4 = CR4_PCE, .phys_bits = m->phys_bits};

    for (unsigned k = 0; k < G_N_ELEMENTS(cr4); k++)
        r.cr4 |= m->feature[cr4[k].feature] ? cr4[k].bits : 0;
    r.efer = (m->feature[X86_F_SYSCALL] ? EFER_SCE : 0) | (m->feature[X86_F_NX] ? EFER_NXE : 0);
    r.xcr0 = m->feature[X86_F_XSAVE] ? XSTATE_SSE : 0;
    return r;
}

static uint64_t rnd_canonical(struct rnd *r)
{
    return (uint64_t)((int64_t)(rnd(r) << 16) >> 16);
}

static uint64_t rnd_base(struct rnd *r, bool wide)
{
    return wide ? rnd_canonical(r) : (uint32_t)rnd(r);
}

static void rnd_bytes(struct rnd *r, void *to, size_t n)
{
    for (size_t k = 0; k < n; k++)
        ((uint8_t *)to)[k] = rnd(r) >> 20;
}

static uint64_t rnd_types(struct rnd *r, const uint8_t *types, unsigned n)
{
    uint64_t v = 0;

    for (unsigned k = 0; k < 8; k++)
        v = v << 8 | types[rnd(r) % n];
    return v;
}

/* ---- Segments ------------------------------------------------------------------------------- */

static struct x86_seg rnd_data_seg(struct rnd *r, unsigned dpl, bool wide)
{
    uint32_t limit = rnd(r);
    bool g = rnd(r) & 1;

    return (struct x86_seg){
        .sel = rnd(r),
        .limit = g ? limit | 0xfff : limit & 0xfffff,
        .base = rnd_base(r, wide),
        .attr = SEG_P | SEG_S | SEG_RW | SEG_ACCESSED | dpl << 5 | (g ? SEG_G : 0) |
                (rnd(r) & (SEG_DB | SEG_AVL)),
    };
}

static void rnd_null(struct rnd *r, struct x86_seg *s)
{
    s->sel = rnd(r) & 3;
    s->attr = SEG_UNUSABLE;
}

static void rnd_code_seg(struct rnd *r, struct x86_seg *s, enum rnd_mode mode, unsigned cpl)
{
    *s = rnd_data_seg(r, cpl, false);
    s->sel = (s->sel & ~7u) | 8 | cpl;
    s->attr |= SEG_CODE;
    s->attr &= ~(SEG_L | SEG_DB);
    if (mode == RND_LONG)
        s->attr |= SEG_L;
    else if (mode == RND_PROT32 || mode == RND_PAE)
        s->attr |= SEG_DB;
}

static void rnd_protected(struct rnd *r, struct x86_state *st, enum rnd_mode mode)
{
    unsigned cpl = rnd(r) & 1 ? 3 : 0;

    for (unsigned k = S_ES; k <= S_GS; k++) {
        bool wide = mode == RND_LONG && (k == S_FS || k == S_GS);

        st->seg[k] = rnd_data_seg(r, k == S_SS ? cpl : rnd(r) & 3, wide);
        if (k != S_SS && rnd(r) % 4 == 0)
            rnd_null(r, &st->seg[k]);
    }
    st->seg[S_SS].sel = (st->seg[S_SS].sel & ~3u) | cpl;
    rnd_code_seg(r, &st->seg[S_CS], mode, cpl);
}

/* Real and virtual-8086 mode: the base follows from the selector. */
static void rnd_real(struct rnd *r, struct x86_state *st, bool vm86)
{
    for (unsigned k = S_ES; k <= S_GS; k++) {
        uint16_t sel = rnd(r);

        st->seg[k] = (struct x86_seg){
            .sel = sel, .base = (uint32_t)sel << 4, .limit = 0xffff,
            .attr = SEG_P | SEG_S | SEG_RW | SEG_ACCESSED | (vm86 ? SEG_DPL : 0)};
    }
}

static void rnd_segments(struct rnd *r, struct x86_state *st, enum rnd_mode mode)
{
    bool wide = mode >= RND_COMPAT;

    if (mode == RND_REAL || mode == RND_VM86)
        rnd_real(r, st, mode == RND_VM86);
    else
        rnd_protected(r, st, mode);
    st->seg[S_TR] = (struct x86_seg){.sel = rnd(r) & ~7u, .attr = SEG_P | 3,
                                     .limit = rnd(r) & 0xffff,
                                     .base = rnd_base(r, wide)};
    st->seg[S_LDTR] = (struct x86_seg){.sel = rnd(r) & ~7u, .attr = SEG_P | 2,
                                       .limit = rnd(r) & 0xffff,
                                       .base = rnd_base(r, wide)};
    if (wide || rnd(r) & 1)
        st->seg[S_TR].attr = SEG_P | 11;
    if (rnd(r) & 1)
        rnd_null(r, &st->seg[S_LDTR]);
    st->gdtr = (struct x86_dtable){.base = rnd_base(r, wide), .limit = rnd(r)};
    st->idtr = (struct x86_dtable){.base = rnd_base(r, wide), .limit = rnd(r)};
}

/* ---- Control, debug ------------------------------------------------------------------------- */

static void rnd_control(struct rnd *r, struct x86_state *st, enum rnd_mode mode)
{
    uint64_t phys = (1ull << r->phys_bits) - 1;

    st->cr0 = CR0_ET | (rnd(r) & (CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM));
    st->cr0 |= (uint64_t[]){0, CR0_CD, CR0_CD | CR0_NW}[rnd(r) % 3];
    if (mode != RND_REAL)
        st->cr0 |= CR0_PE;
    if (mode >= RND_COMPAT || mode == RND_PAE)
        st->cr0 |= CR0_PG;
    st->cr2 = mode >= RND_COMPAT ? rnd(r) : (uint32_t)rnd(r);
    st->cr4 = rnd(r) & r->cr4 & ~(uint64_t)(CR4_PCIDE | CR4_LA57 | CR4_PAE);
    if (mode >= RND_COMPAT || mode == RND_PAE || rnd(r) % 4 == 0)
        st->cr4 |= CR4_PAE;
    if (mode >= RND_COMPAT && rnd(r) % 4 == 0)
        st->cr4 |= r->cr4 & CR4_PCIDE;
    st->cr3 = mode >= RND_COMPAT ? rnd(r) & phys & ~0xfe7ull : rnd(r) & 0xffffffe0u;
    if (st->cr4 & CR4_PCIDE)
        st->cr3 |= rnd(r) & 0xfff;
    st->cr8 = rnd(r) & 15;
    st->msr.efer = rnd(r) & r->efer & (EFER_SCE | EFER_NXE);
    if (mode >= RND_COMPAT)
        st->msr.efer |= EFER_LME | EFER_LMA;
    for (unsigned k = 0; mode == RND_PAE && k < 4; k++)
        st->pdpte[k] = (rnd(r) & phys & ~0xfffull) | (rnd(r) & 0x19);
    for (unsigned k = 0; k < 4; k++)
        st->dr[k] = mode >= RND_COMPAT ? rnd_canonical(r) : (uint32_t)rnd(r);
    st->dr[6] = DR6_FIXED | (rnd(r) & 0xe00f);
    st->dr[7] = DR7_FIXED | (rnd(r) & 0xffff23ff);
    st->xcr0 = 1 | (rnd(r) & r->xcr0);
}

/* ---- x87, SSE and beyond -------------------------------------------------------------------- */

static void rnd_x87(struct rnd *r, struct x86_state *st)
{
    for (unsigned k = 0; k < 8; k++) {
        unsigned tag = rnd(r) & 3; /* 0 valid, 1 zero, 2 special, 3 empty: of the contents */

        st->fpr[k].mant = tag == 1 ? 0 : rnd(r) | (tag == 0 ? 1ull << 63 : 1);
        st->fpr[k].se = tag == 1 ? rnd(r) & 0x8000 : tag == 2 ? 0x7fff : 1 + rnd(r) % 0x7ffe;
        st->ftw |= tag << (2 * k);
    }
    st->fcw = (rnd(r) & FCW_WRITE) | FCW_FIXED;
    st->fsw = rnd(r) & ~(FSW_ES | FSW_B);
    if (st->fsw & ~st->fcw & FP_EXC)
        st->fsw |= FSW_ES | FSW_B;
    st->fop = rnd(r) & 0x7ff;
    st->fcs = rnd(r);
    st->fds = rnd(r);
    st->fip = rnd_canonical(r);
    st->fdp = rnd_canonical(r);
}

static void rnd_vectors(struct rnd *r, struct x86_state *st)
{
    st->mxcsr = rnd(r) & MXCSR_VALID;
    rnd_bytes(r, st->xmm, sizeof(st->xmm));
    if (rnd(r) & 1)
        rnd_bytes(r, st->ext.ymmh, sizeof(st->ext.ymmh));
    if (rnd(r) & 1)
        rnd_bytes(r, st->ext.opmask, sizeof(st->ext.opmask));
    if (rnd(r) & 1)
        rnd_bytes(r, st->ext.zmmh, sizeof(st->ext.zmmh));
    if (rnd(r) & 1)
        rnd_bytes(r, st->ext.zmm16, sizeof(st->ext.zmm16));
    st->ext.pkru = rnd(r);
}

/* ---- MSRs ----------------------------------------------------------------------------------- */

/* A value that WRMSR would take, by the row's mask and check. */
static uint64_t rnd_msr(struct rnd *r, uint32_t index, uint64_t reset, uint64_t mask,
                        const char *check)
{
    static const uint8_t mtrr[] = {0, 1, 4, 5, 6}, pat[] = {0, 1, 4, 5, 6, 7};
    uint64_t phys = (1ull << r->phys_bits) - 1, v = rnd(r);

    if (!mask || !strcmp(check, "IGNORED"))
        return reset;
    if (index >> 8 == 0x4b564d && mask != 1) /* KVM's: an address in memory, and an enable bit */
        return (v & 0xfffc0) | (index & 0xff ? v >> 63 : 0);
    if (!strcmp(check, "CANONICAL"))
        return rnd_canonical(r);
    if (!strcmp(check, "PAT"))
        return rnd_types(r, pat, G_N_ELEMENTS(pat));
    if (!strcmp(check, "FIXED"))
        return rnd_types(r, mtrr, G_N_ELEMENTS(mtrr));
    if (!strcmp(check, "MTRR"))
        return index == 0x2ff ? (v & 0xc00) | 6 : (v & phys & ~0xfffull) | mtrr[v % 5];
    if (!strcmp(check, "ALL_OR_NONE"))
        return v & 1 ? ~0ull : 0;
    return v & mask & (index >= 0x200 && index < 0x300 ? phys : ~0ull);
}

static void rnd_msrs(struct rnd *r, struct x86_state *st)
{
    uint64_t efer = st->msr.efer;

#define MSR(index, name, reset, mask, feature, check)                                              \
    st->msr.name = rnd_msr(r, index, reset, mask, #check);
#include "target/x86/msr.def"
#undef MSR
    st->msr.efer = efer;
}

/* ---- Events --------------------------------------------------------------------------------- */

static void rnd_events(struct rnd *r, struct x86_state *st)
{
    static const uint8_t faults[] = {0, 6, 10, 11, 12, 13, 14, 16, 17, 19};

    st->mp_state = rnd(r) % 4;
    st->inhibit_irq = rnd(r) & 1;
    st->inhibit_movss = !st->inhibit_irq && rnd(r) % 4 == 0;
    st->nmi_masked = rnd(r) & 1;
    st->nmi_pending = rnd(r) % 3;
    st->pv_unhalt = rnd(r) & 1;
    st->event = rnd(r) % 4;
    if (st->event == EVENT_INTR)
        st->event_vector = 16 + rnd(r) % 240;
    if (st->event == EVENT_NMI)
        st->event_vector = 2;
    if (st->event == EVENT_EXC) {
        st->event_vector = faults[rnd(r) % G_N_ELEMENTS(faults)];
        st->event_has_error = rnd(r) & 1;
        st->event_error = st->event_has_error ? rnd(r) & 0xffff : 0;
    }
    if ((st->nmi_masked || st->event == EVENT_NMI) && st->nmi_pending > 1)
        st->nmi_pending = 1; /* a third is dropped: SDM vol. 3 section 6.7.1 */
    if (st->inhibit_movss)
        st->db_pending = rnd(r) & 0x400f;
}

static void rnd_state(struct rnd *r, struct x86_state *st, enum rnd_mode mode)
{
    memset(st, 0, sizeof(*st));
    rnd_bytes(r, st->gpr, sizeof(st->gpr));
    st->rip = mode == RND_LONG ? rnd_canonical(r) : (uint32_t)rnd(r);
    st->rflags = FL_1 | (rnd(r) & 0x3d7fd5 & ~(uint64_t)(FL_VIF | FL_VIP));
    if (mode == RND_VM86)
        st->rflags |= FL_VM;
    rnd_control(r, st, mode);
    rnd_segments(r, st, mode);
    rnd_x87(r, st);
    rnd_vectors(r, st);
    rnd_msrs(r, st);
    rnd_events(r, st);
    st->tsc = rnd(r) >> 2;
    st->tsc_vtime = 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Is a struct x86_state one that a processor can be in? Saved states come from files. What is
 * checked is what others rely upon: reserved bits, and what CR0, CR4, EFER and RFLAGS allow
 * together. Intel SDM vol. 3 sections 2.2 to 2.5, 4.1.1, 17.2; vol. 1 sections 8.1.5, 10.2.3.
 */
#include <stddef.h>
#include <string.h>

#include "target/x86/fpu.h"
#include "util/error.h"

enum {
    RFLAGS_ALL = FL_ARITH | FL_1 | FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF | FL_VM | FL_AC |
                 FL_VIF | FL_VIP | FL_ID,
    CR4_ALL = CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE |
              CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_UMIP | CR4_FSGSBASE | CR4_PCIDE |
              CR4_OSXSAVE | CR4_SMEP | CR4_SMAP | CR4_PKE,
    EFER_ALL = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE,
    XCR0_ALL = 0x2e7, /* x87, SSE, AVX, AVX-512, PKRU */
};
#define CR0_ALL                                                                                    \
    ((uint64_t)(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW |   \
                CR0_CD) | CR0_PG)

/* Fields and the greatest set of bits that they may have. */
static const struct {
    const char *name;
    uint16_t offset;
    uint8_t size;
    uint64_t bits;
} limits[] = {
#define F(f, bits)                                                                                 \
    {#f, offsetof(struct x86_state, f), sizeof(((struct x86_state *)0)->f), bits}
    F(rflags, RFLAGS_ALL), F(cr0, CR0_ALL), F(cr4, CR4_ALL), F(cr8, 15), F(msr.efer, EFER_ALL),
    F(dr[6], UINT32_MAX), F(dr[7], UINT32_MAX), F(xcr0, XCR0_ALL), F(mxcsr, MXCSR_VALID),
    F(fcw, FCW_WRITE | FCW_FIXED), F(fop, 0x7ff), F(tsc_vtime, INT64_MAX),
    F(mp_state, 3), F(inhibit_irq, 1), F(inhibit_movss, 1), F(nmi_masked, 1), F(nmi_pending, 3),
    F(init_pending, 1), F(sipi_pending, 1), F(pv_unhalt, 1), F(event, 3), F(event_has_error, 1),
    F(db_pending, 0xe00f),
#undef F
};

static bool check_limits(const struct x86_state *st, GError **err)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(limits); n++) {
        uint64_t v = 0;

        memcpy(&v, (const char *)st + limits[n].offset, limits[n].size);
        if (v & ~limits[n].bits)
            return error_set(err, "%s has reserved bits set", limits[n].name);
    }
    for (unsigned n = 0; n < G_N_ELEMENTS(st->seg); n++)
        if (st->seg[n].attr & ~0xf1ff)
            return error_set(err, "seg[%u].attr has reserved bits set", n);
    return true;
}

bool x86_state_check(const struct x86_state *st, GError **err)
{
    bool pg = st->cr0 & CR0_PG, pe = st->cr0 & CR0_PE, lma = st->msr.efer & EFER_LMA;
    const struct {
        bool wrong;
        const char *why;
    } rules[] = {
        {pg && !pe, "paging without protected mode"},
        {(st->cr0 & CR0_NW) && !(st->cr0 & CR0_CD), "CR0.NW without CR0.CD"},
        {lma != (pg && (st->msr.efer & EFER_LME)), "EFER.LMA does not agree with LME and paging"},
        {lma && !(st->cr4 & CR4_PAE), "long mode without CR4.PAE"},
        {!lma && (st->cr4 & CR4_PCIDE), "CR4.PCIDE outside of long mode"},
        {(st->rflags & FL_VM) && (!pe || lma), "virtual-8086 mode in a mode without it"},
        {!(st->rflags & FL_1), "bit 1 of RFLAGS is clear"},
        {!(st->xcr0 & XSTATE_X87), "XCR0 without x87"},
        {st->event == EVENT_EXC && (st->event_vector > 31 || st->event_vector == EXC_NMI),
         "an exception with the vector of something else"},
        {st->nmi_pending > 2, "more NMIs than can wait"},
    };

    for (unsigned n = 0; n < G_N_ELEMENTS(rules); n++)
        if (rules[n].wrong)
            return error_set(err, "%s", rules[n].why);
    return check_limits(st, err);
}

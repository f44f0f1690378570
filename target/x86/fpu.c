/* SPDX-License-Identifier: MIT */
/*
 * x87, MMX and SSE state, see fpu.h; and the checks before every such instruction.
 * Intel SDM vol. 1 ch. 8 and 13; vol. 3 sections 2.5 (CR0.EM, MP, TS), 13.1.
 *
 * CR0.NE = 0 asks for the external reporting of x87 errors (FERR# to interrupt 13). The
 * processor here behaves as with IGNNE# asserted: the error is noted in the log and ignored.
 */
#include "target/x86/fpu.h"
#include "util/log.h"

void x86_fpu_init(struct x86_cpu *c)
{
    c->fcw = FCW_INIT;
    c->fsw = 0;
    c->fptag = 0;
    c->fop = c->fcs = c->fds = 0;
    c->fip = c->fdp = 0;
}

static unsigned tag_of(const struct x86_f80 *r)
{
    unsigned exp = r->se & 0x7fff;

    if (exp == 0 && r->mant == 0)
        return 1;
    if (exp == 0 || exp == 0x7fff || !(r->mant >> 63))
        return 2;
    return 0;
}

uint16_t x86_ftw_full(const struct x86_f80 fpr[8], uint8_t fptag)
{
    uint16_t ftw = 0;

    for (unsigned n = 0; n < 8; n++)
        ftw |= (fptag >> n & 1 ? tag_of(&fpr[n]) : 3) << (2 * n);
    return ftw;
}

uint8_t x86_ftw_abridge(uint16_t ftw)
{
    uint8_t tag = 0;

    for (unsigned n = 0; n < 8; n++)
        tag |= ((ftw >> (2 * n) & 3) != 3) << n;
    return tag;
}

void x86_fpu_check_error(struct x86_cpu *c)
{
    if (!(c->fsw & FSW_ES))
        return;
    if (c->cr0 & CR0_NE)
        x86_raise(c, EXC_MF);
    if (c->log)
        guest_warn(c->log, "cpu", "x87 error ignored: CR0.NE is clear and nothing reports it\n");
}

void x86_fpu_guard(struct x86_cpu *c, uint32_t row_attr)
{
    if (row_attr & ROW_SSE) {
        if ((c->cr0 & CR0_EM) || !(c->cr4 & CR4_OSFXSR))
            x86_ud(c);
        if (c->cr0 & CR0_TS)
            x86_raise(c, EXC_NM);
    }
    if (row_attr & ROW_MMX) {
        if (c->cr0 & CR0_EM)
            x86_ud(c);
        if (c->cr0 & CR0_TS)
            x86_raise(c, EXC_NM);
        x86_fpu_check_error(c);
    }
    if (row_attr & ROW_FPU) {
        if (c->cr0 & (CR0_EM | CR0_TS))
            x86_raise(c, EXC_NM);
        if (!(row_attr & ROW_FNOWAIT))
            x86_fpu_check_error(c);
    }
}

/* ---- XSAVE ---------------------------------------------------------------------------- */

const struct x86_xcomp x86_xcomps[X86_XCOMP_COUNT] = {
    [2] = {XSAVE_EXTENDED, 256, false}, /* upper halves of YMM0..15 */
};

uint32_t x86_xsave_offset(uint64_t components, unsigned n, bool compacted)
{
    uint32_t off = XSAVE_EXTENDED;

    if (!compacted)
        return x86_xcomps[n].offset;
    for (unsigned k = 2; k <= n; k++) {
        if (!(components >> k & 1))
            continue;
        if (x86_xcomps[k].align64)
            off = (off + 63) & ~63u;
        if (k < n)
            off += x86_xcomps[k].size;
    }
    return off;
}

uint32_t x86_xsave_size(uint64_t components, bool compacted)
{
    uint32_t size = XSAVE_EXTENDED;

    for (unsigned n = 2; n < X86_XCOMP_COUNT; n++) {
        if (components >> n & 1) {
            uint32_t end = x86_xsave_offset(components, n, compacted) + x86_xcomps[n].size;

            size = end > size ? end : size;
        }
    }
    return size;
}

static bool x87_in_use(const struct x86_cpu *c)
{
    uint64_t bits = 0;

    if (c->fcw != FCW_INIT || c->fsw || c->fptag || c->fop || c->fcs || c->fds || c->fip || c->fdp)
        return true;
    for (unsigned n = 0; n < 8; n++)
        bits |= c->fpr[n].mant | c->fpr[n].se;
    return bits != 0;
}

uint64_t x86_xinuse(const struct x86_cpu *c)
{
    uint64_t bits = 0;

    for (unsigned n = 0; n < 16; n++)
        bits |= c->xmm[n].q[0] | c->xmm[n].q[1];
    return (x87_in_use(c) ? XSTATE_X87 : 0) | (bits ? XSTATE_SSE : 0);
}

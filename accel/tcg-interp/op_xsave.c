/* SPDX-License-Identifier: MIT */
/*
 * FXSAVE, XSAVE and their family; MXCSR. Intel SDM vol. 1 section 10.5 and ch. 13.
 *
 * The legacy area:
 *     0 FCW  2 FSW  4 FTW (abridged)  6 FOP  8 FIP  16 FDP  24 MXCSR  28 MXCSR_MASK
 *    32 ST(0)..ST(7), 16 bytes each   160 XMM0..15 (0..7 outside of 64-bit mode)
 *   512 XSTATE_BV  520 XCOMP_BV  528..575 reserved, zero
 * With REX.W, FIP and FDP have 64 bits; else 32, with FCS at 12 and FDS at 20.
 *
 * XSAVEOPT uses the init optimisation only: what was not modified since the last XRSTOR is
 * written all the same.
 */
#include <string.h>

#include "accel/tcg-interp/host_fp.h"
#include "accel/tcg-interp/ops.h"

enum {
    AREA_ST = 32, AREA_MXCSR = 24, AREA_XMM = 160, AREA_X87_CTL = 24, AREA_BV = 512,
    AREA_COMP = 520, AREA_END = 576,
};
#define COMPACTED (1ull << 63)

struct fx_image {
    uint16_t fcw, fsw;
    uint8_t ftw, zero;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    struct x86_f80 st[8];
    union x86_xmm xmm[16];
    uint8_t reserved[96];
    uint64_t xstate_bv, xcomp_bv;
    uint8_t header[48];
};
_Static_assert(sizeof(struct fx_image) == AREA_END, "XSAVE area");
_Static_assert(offsetof(struct fx_image, xmm) == AREA_XMM, "XSAVE area");

static unsigned xmm_bytes(const struct x86_insn *i)
{
    return i->mode == X86_MODE_64 ? 256 : 128;
}

/* ---- The legacy area from and to the state ------------------------------------------------- */

static void image_put(struct x86_cpu *c, const struct x86_insn *i, struct fx_image *im)
{
    memset(im, 0, sizeof(*im));
    im->fcw = c->fcw;
    im->fsw = c->fsw;
    im->ftw = c->fptag;
    im->fop = c->fop & 0x7ff;
    if (i->rex & 8) {
        im->fip = c->fip;
        im->fdp = c->fdp;
    } else {
        im->fip = (uint32_t)c->fip | (uint64_t)c->fcs << 32;
        im->fdp = (uint32_t)c->fdp | (uint64_t)c->fds << 32;
    }
    x86_mxcsr_sync(c);
    im->mxcsr = c->mxcsr;
    im->mxcsr_mask = MXCSR_VALID;
    for (unsigned n = 0; n < 8; n++) {
        im->st[n].mant = c->fpr[x86_st(c, n)].mant;
        im->st[n].se = c->fpr[x86_st(c, n)].se;
    }
    memcpy(im->xmm, c->xmm, sizeof(im->xmm));
}

static void x87_get(struct x86_cpu *c, const struct x86_insn *i, const struct fx_image *im)
{
    x86_fpu_set_fcw(c, im->fcw);
    x86_fpu_set_fsw(c, im->fsw);
    c->fptag = im->ftw;
    c->fop = im->fop & 0x7ff;
    if (i->rex & 8) {
        c->fip = im->fip;
        c->fdp = im->fdp;
        c->fcs = c->fds = 0;
    } else {
        c->fip = (uint32_t)im->fip;
        c->fdp = (uint32_t)im->fdp;
        c->fcs = im->fip >> 32;
        c->fds = im->fdp >> 32;
    }
    for (unsigned n = 0; n < 8; n++) {
        c->fpr[x86_st(c, n)].mant = im->st[n].mant;
        c->fpr[x86_st(c, n)].se = im->st[n].se;
    }
    host_load_guest_x87(c);
}

static void x87_clear(struct x86_cpu *c)
{
    x86_fpu_init(c);
    memset(c->fpr, 0, sizeof(c->fpr));
    host_load_guest_x87(c);
}

/* Whether all exceptions are masked selects handlers. */
static void mxcsr_set(struct x86_cpu *c, uint32_t v)
{
    bool unmasked = x86_mxcsr_unmasked(c);

    c->mxcsr = v;
    host_load_guest_mxcsr(c);
    if (x86_mxcsr_unmasked(c) != unmasked && c->host)
        c->host->mode_changed(c);
}

static uint64_t area(struct x86_cpu *c, const struct x86_insn *i, unsigned len, unsigned align,
                     enum x86_access acc)
{
    uint64_t la = x86_seg_lin(c, i->seg, x86_ea(c, i), len, acc, 1);

    if (la & (align - 1))
        x86_gp(c, 0);
    return la;
}

/* ---- FXSAVE, FXRSTOR ----------------------------------------------------------------------- */

OP(fxsave)
{
    uint64_t la;
    struct fx_image im;

    x86_fpu_guard(c, ROW_FPU | ROW_FNOWAIT);
    la = area(c, i, 512, 16, ACC_WRITE);
    image_put(c, i, &im);
    x86_lin_write_bytes(c, la, &im, AREA_XMM + xmm_bytes(i));
}

OP(fxrstor)
{
    uint64_t la;
    struct fx_image im;

    x86_fpu_guard(c, ROW_FPU | ROW_FNOWAIT);
    la = area(c, i, 512, 16, ACC_READ);
    x86_lin_read_bytes(c, la, &im, 512);
    if (im.mxcsr & ~MXCSR_VALID)
        x86_gp(c, 0);
    x87_get(c, i, &im);
    mxcsr_set(c, im.mxcsr);
    memcpy(c->xmm, im.xmm, xmm_bytes(i));
}

/* ---- XSAVE, XSAVEOPT, XSAVEC --------------------------------------------------------------- */

/* The checks all share; returns the requested-feature bitmap. */
static uint64_t xsave_begin(struct x86_cpu *c)
{
    if (!(c->cr4 & CR4_OSXSAVE))
        x86_ud(c);
    if (c->cr0 & CR0_TS)
        x86_raise(c, EXC_NM);
    return (c->r[R_RDX] << 32 | (uint32_t)c->r[R_RAX]) & c->xcr0;
}

static void write_part(struct x86_cpu *c, uint64_t la, const struct fx_image *im, unsigned off,
                       unsigned len)
{
    x86_lin_write_bytes(c, la + off, (const uint8_t *)im + off, len);
}

/* Write the components `which`; MXCSR with its mask if asked. */
static void write_components(struct x86_cpu *c, const struct x86_insn *i, uint64_t la,
                             const struct fx_image *im, uint64_t which, bool mxcsr)
{
    if (which & XSTATE_X87) {
        write_part(c, la, im, 0, AREA_X87_CTL);
        write_part(c, la, im, AREA_ST, AREA_XMM - AREA_ST);
    }
    if (mxcsr)
        write_part(c, la, im, AREA_MXCSR, 8);
    if (which & XSTATE_SSE)
        write_part(c, la, im, AREA_XMM, xmm_bytes(i));
}

static void xsave_standard(struct x86_cpu *c, const struct x86_insn *i, bool init_optimised)
{
    uint64_t rfbm = xsave_begin(c), inuse = x86_xinuse(c);
    unsigned len = x86_xsave_size(rfbm, false);
    uint64_t la = area(c, i, len, 64, ACC_WRITE);
    struct fx_image im;

    x86_lin_probe(c, la, len, ACC_WRITE);
    image_put(c, i, &im);
    im.xstate_bv = (x86_lin_read(c, la + AREA_BV, 8) & ~rfbm) | (inuse & rfbm);
    write_components(c, i, la, &im, init_optimised ? rfbm & inuse : rfbm,
                     rfbm & (XSTATE_SSE | XSTATE_AVX));
    write_part(c, la, &im, AREA_BV, 8);
}

OP(xsave)
{
    xsave_standard(c, i, false);
}
OP(xsaveopt)
{
    xsave_standard(c, i, true);
}

/* MXCSR belongs to the SSE component here, and counts for its being in use. */
OP(xsavec)
{
    uint64_t rfbm = xsave_begin(c), inuse = x86_xinuse(c);
    unsigned len = x86_xsave_size(rfbm, true);
    uint64_t la = area(c, i, len, 64, ACC_WRITE);
    struct fx_image im;

    x86_lin_probe(c, la, len, ACC_WRITE);
    image_put(c, i, &im);
    if (im.mxcsr != MXCSR_INIT)
        inuse |= XSTATE_SSE;
    im.xstate_bv = rfbm & inuse;
    im.xcomp_bv = rfbm | COMPACTED;
    write_components(c, i, la, &im, im.xstate_bv, im.xstate_bv & XSTATE_SSE);
    write_part(c, la, &im, AREA_BV, 16);
}

/* ---- XRSTOR -------------------------------------------------------------------------------- */

/* SDM vol. 1 sections 13.8.1 and 13.8.2. */
static bool header_ok(const struct x86_cpu *c, const struct fx_image *im)
{
    static const uint8_t zero[sizeof(im->header)];

    if (memcmp(im->header, zero, sizeof(zero)) != 0)
        return false;
    if (!(im->xcomp_bv & COMPACTED))
        return im->xcomp_bv == 0 && !(im->xstate_bv & ~c->xcr0);
    return !(im->xcomp_bv & ~COMPACTED & ~c->xcr0) && !(im->xstate_bv & ~im->xcomp_bv);
}

OP(xrstor)
{
    uint64_t rfbm = xsave_begin(c), la = area(c, i, AREA_END, 64, ACC_READ);
    struct fx_image im;
    bool load_mxcsr;

    x86_lin_read_bytes(c, la, &im, AREA_END);
    if (!header_ok(c, &im))
        x86_gp(c, 0);
    load_mxcsr = im.xcomp_bv & COMPACTED ? rfbm & im.xstate_bv & XSTATE_SSE
                                         : rfbm & (XSTATE_SSE | XSTATE_AVX);
    if (load_mxcsr && (im.mxcsr & ~MXCSR_VALID))
        x86_gp(c, 0);
    if (rfbm & XSTATE_X87) {
        if (im.xstate_bv & XSTATE_X87)
            x87_get(c, i, &im);
        else
            x87_clear(c);
    }
    if (rfbm & XSTATE_SSE) {
        if (im.xstate_bv & XSTATE_SSE)
            memcpy(c->xmm, im.xmm, xmm_bytes(i));
        else
            memset(c->xmm, 0, xmm_bytes(i));
    }
    if (load_mxcsr)
        mxcsr_set(c, im.mxcsr);
    else if ((im.xcomp_bv & COMPACTED) && (rfbm & XSTATE_SSE))
        mxcsr_set(c, MXCSR_INIT);
}

/* ---- MXCSR --------------------------------------------------------------------------------- */

OP(ldmxcsr)
{
    uint32_t v = x86_lin_read(c, x86_opnd_lin(c, i, 4, ACC_READ), 4);

    if (v & ~MXCSR_VALID)
        x86_gp(c, 0);
    mxcsr_set(c, v);
}
OP(stmxcsr)
{
    x86_mxcsr_sync(c);
    x86_lin_write(c, x86_opnd_lin(c, i, 4, ACC_WRITE), 4, c->mxcsr);
}

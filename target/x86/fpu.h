/* SPDX-License-Identifier: MIT */
/*
 * x87, MMX and SSE state: the control and status registers, the tag word in its two forms, and
 * the XSAVE layout. Intel SDM vol. 1 ch. 8 (x87), 10.2 (MXCSR), 13 (XSAVE).
 *
 * FCW   15..13 | 12 X | 11..10 RC | 9..8 PC | 7..6  | 5 PM  UM  OM  ZM  DM  0 IM
 * FSW   15 B | 14 C3 | 13..11 TOP | 10 C2 C1 8 C0 | 7 ES | 6 SF | 5 PE  UE  OE  ZE  DE  0 IE
 * MXCSR 15 FZ | 14..13 RC | 12 PM UM OM ZM DM 7 IM | 6 DAZ | 5 PE UE OE ZE DE 0 IE
 */
#ifndef TARGET_X86_FPU_H
#define TARGET_X86_FPU_H

#include "target/x86/cpu.h"

enum {
    FP_IE = 1, FP_DE = 2, FP_ZE = 4, FP_OE = 8, FP_UE = 0x10, FP_PE = 0x20,
    FP_EXC = 0x3f, /* exception flags, and mask bits of FCW */

    FSW_SF = 0x40, FSW_ES = 0x80, FSW_C0 = 0x100, FSW_C1 = 0x200, FSW_C2 = 0x400,
    FSW_TOP = 0x3800, FSW_C3 = 0x4000, FSW_B = 0x8000,
    FSW_CC = FSW_C0 | FSW_C1 | FSW_C2 | FSW_C3,

    FCW_RESET = 0x40, FCW_INIT = 0x37f, FCW_FIXED = 0x40 /* reads as 1 */, FCW_WRITE = 0x1f3f,

    MXCSR_DAZ = 0x40, MXCSR_MASKS = 0x1f80, MXCSR_RC = 0x6000, MXCSR_FTZ = 0x8000,
    MXCSR_INIT = 0x1f80,
    MXCSR_VALID = 0xffff, /* MXCSR_MASK of FXSAVE; other bits set: #GP(0) */
};

static inline unsigned x86_fpu_top(const struct x86_cpu *c)
{
    return c->fsw >> 11 & 7;
}
/* Physical register of ST(n), and whether it holds something. */
static inline unsigned x86_st(const struct x86_cpu *c, unsigned n)
{
    return (x86_fpu_top(c) + n) & 7;
}
static inline bool x86_st_full(const struct x86_cpu *c, unsigned n)
{
    return c->fptag >> x86_st(c, n) & 1;
}
static inline void x86_fpu_set_top(struct x86_cpu *c, unsigned top)
{
    c->fsw = (c->fsw & ~FSW_TOP) | (top & 7) << 11;
}

/* ES and B follow from the flags and the masks: call after either changed. */
static inline void x86_fpu_update_es(struct x86_cpu *c)
{
    c->fsw &= ~(FSW_ES | FSW_B);
    if (c->fsw & ~c->fcw & FP_EXC)
        c->fsw |= FSW_ES | FSW_B;
}
/* Load registers whole, with the fixed bits of the hardware. */
static inline void x86_fpu_set_fcw(struct x86_cpu *c, uint16_t v)
{
    c->fcw = (v & FCW_WRITE) | FCW_FIXED;
    x86_fpu_update_es(c);
}
static inline void x86_fpu_set_fsw(struct x86_cpu *c, uint16_t v)
{
    c->fsw = v;
    x86_fpu_update_es(c);
}

/* FNINIT: control words and tags; the registers keep their contents. */
void x86_fpu_init(struct x86_cpu *c);

/*
 * The tag word of FSTENV, two bits for each physical register (0 valid, 1 zero, 2 special,
 * 3 empty), from the abridged form and the contents; and back.
 */
uint16_t x86_ftw_full(const struct x86_f80 fpr[8], uint8_t fptag);
uint8_t x86_ftw_abridge(uint16_t ftw);

/* An MMX instruction was executed: TOP = 0, every register valid (SDM vol. 1 section 9.5.1). */
static inline void x86_mmx_touch(struct x86_cpu *c)
{
    c->fsw &= ~FSW_TOP;
    c->fptag = 0xff;
}

/* Any SSE exception unmasked: floating-point operations must look before they commit. */
static inline bool x86_mxcsr_unmasked(const struct x86_cpu *c)
{
    return (c->mxcsr & MXCSR_MASKS) != MXCSR_MASKS;
}

/* An unmasked x87 exception is pending: #MF, at every waiting instruction. */
void x86_fpu_check_error(struct x86_cpu *c);

/* ---- XSAVE ---------------------------------------------------------------------------- */

enum { XSTATE_X87 = 1, XSTATE_SSE = 2, XSTATE_AVX = 4 };
enum { XSAVE_HEADER = 512, XSAVE_EXTENDED = 576 };

/* Extended components by number; size 0 = not offered. 0 and 1 are the legacy area. */
struct x86_xcomp {
    uint16_t offset; /* in the standard form */
    uint16_t size;
    bool align64;    /* in the compacted form */
};
enum { X86_XCOMP_COUNT = 3 };
extern const struct x86_xcomp x86_xcomps[X86_XCOMP_COUNT];

/* What XCR0 may hold. */
#define X86_XCR0_SUPPORTED ((uint64_t)(XSTATE_X87 | XSTATE_SSE))

/* Bytes of the area for these components. */
uint32_t x86_xsave_size(uint64_t components, bool compacted);
/* Where extended component n stands in an area holding these components. */
uint32_t x86_xsave_offset(uint64_t components, unsigned n, bool compacted);
/* XINUSE: components not in their initial configuration (XGETBV with ECX = 1, ANDed with XCR0).
 * MXCSR is not part of it. */
uint64_t x86_xinuse(const struct x86_cpu *c);

#endif

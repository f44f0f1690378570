/* SPDX-License-Identifier: MIT */
/*
 * SSE floating-point arithmetic and comparison. The host executes the very instruction, on its
 * own MXCSR (host_fp.h). Inline assembly, not intrinsics: the compiler must neither swap
 * operands (which NaN is returned depends on it) nor move an operation over a flag reading.
 * Intel SDM vol. 2; vol. 1 section 11.5.
 */
#include "accel/tcg-interp/vec.h"

#define FP2(name)                                                                                  \
    static vec run_##name(vec d, vec s, const uint8_t *stub)                                       \
    {                                                                                              \
        __asm__ volatile(#name " %1, %0" : "+x"(d) : "x"(s));                                      \
        return d;                                                                                  \
    }                                                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        vec_put(c, i, 0, vec_fp(c, run_##name, d, s, NULL));                                       \
    }

#define FP2_ALL(stem) FP2(stem##ps) FP2(stem##pd) FP2(stem##ss) FP2(stem##sd)
FP2_ALL(add)
FP2_ALL(sub)
FP2_ALL(mul)
FP2_ALL(div)
FP2_ALL(min)
FP2_ALL(max)
FP2_ALL(sqrt)
/* SSE3 */
FP2(addsubps)
FP2(addsubpd)
FP2(haddps)
FP2(haddpd)
FP2(hsubps)
FP2(hsubpd)

/* Approximations raise nothing and set nothing. Their low bits are the host's. */
#define APPROX(name)                                                                               \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        __asm__ volatile(#name " %1, %0" : "+x"(d) : "x"(s));                                      \
        vec_put(c, i, 0, d);                                                                       \
    }
APPROX(rcpps)
APPROX(rcpss)
APPROX(rsqrtps)
APPROX(rsqrtss)

/* ---- With an immediate: comparison predicates, rounding, dot products -------------------- */

VEC_STUBS(cmpps, "0x0f, 0xc2, 0xc1");
VEC_STUBS(cmppd, "0x66, 0x0f, 0xc2, 0xc1");
VEC_STUBS(cmpss, "0xf3, 0x0f, 0xc2, 0xc1");
VEC_STUBS(cmpsd, "0xf2, 0x0f, 0xc2, 0xc1");
VEC_STUBS(roundps, "0x66, 0x0f, 0x3a, 0x08, 0xc1");
VEC_STUBS(roundpd, "0x66, 0x0f, 0x3a, 0x09, 0xc1");
VEC_STUBS(roundss, "0x66, 0x0f, 0x3a, 0x0a, 0xc1");
VEC_STUBS(roundsd, "0x66, 0x0f, 0x3a, 0x0b, 0xc1");
VEC_STUBS(dpps, "0x66, 0x0f, 0x3a, 0x40, 0xc1");
VEC_STUBS(dppd, "0x66, 0x0f, 0x3a, 0x41, 0xc1");

#define FP_IMM(name)                                                                               \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        d = vec_fp(c, vec_stub, d, s, stub_##name + (i->imm & 0xff) * STUB_SIZE);                  \
        vec_put(c, i, 0, d);                                                                       \
    }
FP_IMM(cmpps)
FP_IMM(cmppd)
FP_IMM(cmpss)
FP_IMM(cmpsd)
FP_IMM(roundps)
FP_IMM(roundpd)
FP_IMM(roundss)
FP_IMM(roundsd)
FP_IMM(dpps)
FP_IMM(dppd)

/* ---- Scalar comparison into RFLAGS -------------------------------------------------------- */

/* ZF, PF, CF by the comparison; OF, SF, AF cleared. */
#define FP_COMPARE(name)                                                                           \
    static vec run_##name(vec d, vec s, const uint8_t *stub)                                       \
    {                                                                                              \
        bool z, p, cf;                                                                             \
                                                                                                   \
        __asm__ volatile(#name " %4, %3"                                                           \
                         : "=@ccz"(z), "=@ccp"(p), "=@ccc"(cf)                                     \
                         : "x"(d), "x"(s));                                                        \
        return vec_of((z ? FL_ZF : 0) | (p ? FL_PF : 0) | (cf ? FL_CF : 0), 0);                    \
    }                                                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        x86_set_arith(c, vec_fp(c, run_##name, d, s, NULL)[0]);                                    \
    }
FP_COMPARE(comiss)
FP_COMPARE(comisd)
FP_COMPARE(ucomiss)
FP_COMPARE(ucomisd)

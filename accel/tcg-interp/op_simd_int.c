/* SPDX-License-Identifier: MIT */
/*
 * Packed integer arithmetic, logic, comparison and shifts, MMX to SSE4.2: one line each, the
 * host executes the very instruction. Intel SDM vol. 2. The MMX forms run in the low half of an
 * XMM register; those whose halves interact differently are in op_simd_shuf.c.
 */
#include "accel/tcg-interp/vec.h"

/* op[0] = op[0] INSN op[1] */
#define VEC2(name)                                                                                 \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        __asm__(#name " %1, %0" : "+x"(d) : "x"(s));                                               \
        vec_put(c, i, 0, d);                                                                       \
    }
/* op[0] = INSN op[1] */
#define VEC1(name)                                                                                 \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d;                                                               \
                                                                                                   \
        __asm__(#name " %1, %0" : "=x"(d) : "x"(s));                                               \
        vec_put(c, i, 0, d);                                                                       \
    }

VEC2(paddb)
VEC2(paddw)
VEC2(paddd)
VEC2(paddq)
VEC2(paddsb)
VEC2(paddsw)
VEC2(paddusb)
VEC2(paddusw)
VEC2(psubb)
VEC2(psubw)
VEC2(psubd)
VEC2(psubq)
VEC2(psubsb)
VEC2(psubsw)
VEC2(psubusb)
VEC2(psubusw)
VEC2(pmullw)
VEC2(pmulhw)
VEC2(pmulhuw)
VEC2(pmuludq)
VEC2(pmaddwd)
VEC2(pavgb)
VEC2(pavgw)
VEC2(psadbw)
VEC2(pminub)
VEC2(pminsw)
VEC2(pmaxub)
VEC2(pmaxsw)
VEC2(pcmpeqb)
VEC2(pcmpeqw)
VEC2(pcmpeqd)
VEC2(pcmpgtb)
VEC2(pcmpgtw)
VEC2(pcmpgtd)
VEC2(pand)
VEC2(pandn)
VEC2(por)
VEC2(pxor)
/* SSSE3 */
VEC1(pabsb)
VEC1(pabsw)
VEC1(pabsd)
VEC2(psignb)
VEC2(psignw)
VEC2(psignd)
VEC2(pmulhrsw)
VEC2(pmaddubsw)
/* SSE4 */
VEC2(pmulld)
VEC2(pmuldq)
VEC2(pminsb)
VEC2(pminuw)
VEC2(pminsd)
VEC2(pminud)
VEC2(pmaxsb)
VEC2(pmaxuw)
VEC2(pmaxsd)
VEC2(pmaxud)
VEC2(pcmpeqq)
VEC2(pcmpgtq)
VEC1(phminposuw)
VEC1(pmovsxbw)
VEC1(pmovsxbd)
VEC1(pmovsxbq)
VEC1(pmovsxwd)
VEC1(pmovsxwq)
VEC1(pmovsxdq)
VEC1(pmovzxbw)
VEC1(pmovzxbd)
VEC1(pmovzxbq)
VEC1(pmovzxwd)
VEC1(pmovzxwq)
VEC1(pmovzxdq)
/* The logic of floating-point registers raises nothing. */
VEC2(andps)
VEC2(andpd)
VEC2(andnps)
VEC2(andnpd)
VEC2(orps)
VEC2(orpd)
VEC2(xorps)
VEC2(xorpd)

/* The count is the low 64 bits of the source, or the immediate. */
VEC2(psllw)
VEC2(pslld)
VEC2(psllq)
VEC2(psrlw)
VEC2(psrld)
VEC2(psrlq)
VEC2(psraw)
VEC2(psrad)

static vec bytes_right(vec x, unsigned n)
{
    unsigned __int128 v = (unsigned __int128)(uint64_t)x[1] << 64 | (uint64_t)x[0];

    v = n > 15 ? 0 : v >> (8 * n);
    return vec_of((uint64_t)v, (uint64_t)(v >> 64));
}

OP(psrldq)
{
    vec_put(c, i, 0, bytes_right(vec_get(c, i, 0), i->imm & 0xff));
}

OP(pslldq)
{
    vec x = vec_get(c, i, 0);
    unsigned __int128 v = (unsigned __int128)(uint64_t)x[1] << 64 | (uint64_t)x[0];
    unsigned n = i->imm & 0xff;

    v = n > 15 ? 0 : v << (8 * n);
    vec_put(c, i, 0, vec_of((uint64_t)v, (uint64_t)(v >> 64)));
}

/* ZF: op[1] AND op[0] is zero; CF: op[1] AND NOT op[0] is zero; the others are cleared. */
OP(ptest)
{
    vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);
    bool z, nc;

    __asm__("ptest %3, %2" : "=@ccz"(z), "=@ccc"(nc) : "x"(d), "x"(s));
    x86_set_arith(c, (z ? FL_ZF : 0) | (nc ? FL_CF : 0));
}

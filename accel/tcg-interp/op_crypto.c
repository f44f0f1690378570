/* SPDX-License-Identifier: MIT */
/*
 * AES-NI and PCLMULQDQ: the host executes the very instruction. Intel SDM vol. 2.
 */
#include "accel/tcg-interp/vec.h"

#define VEC2(name)                                                                                 \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        __asm__(#name " %1, %0" : "+x"(d) : "x"(s));                                               \
        vec_put(c, i, 0, d);                                                                       \
    }
VEC2(aesenc)
VEC2(aesenclast)
VEC2(aesdec)
VEC2(aesdeclast)
VEC2(aesimc)

VEC_STUBS(aeskeygenassist, "0x66, 0x0f, 0x3a, 0xdf, 0xc1");
VEC_STUBS(pclmulqdq, "0x66, 0x0f, 0x3a, 0x44, 0xc1");

#define VEC_IMM(name)                                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        vec_put(c, i, 0, vec_stub(d, s, stub_##name + (i->imm & 0xff) * STUB_SIZE));               \
    }
VEC_IMM(aeskeygenassist)
VEC_IMM(pclmulqdq)

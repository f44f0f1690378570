/* SPDX-License-Identifier: MIT */
/*
 * Shuffles, packs, interleaves, blends, inserts and extracts, MMX to SSE4.1. Intel SDM vol. 2.
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

/* Both operands feed the two halves of the result: the MMX form is done on their pair. */
#define VEC_PAIR(name)                                                                             \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        if (i->op[0].kind == OPND_MM)                                                              \
            d = s = vec_of(d[0], s[0]);                                                            \
        __asm__(#name " %1, %0" : "+x"(d) : "x"(s));                                               \
        vec_put(c, i, 0, d);                                                                       \
    }

VEC_PAIR(packsswb)
VEC_PAIR(packssdw)
VEC_PAIR(packuswb)
VEC2(packusdw)
VEC_PAIR(phaddw)
VEC_PAIR(phaddd)
VEC_PAIR(phaddsw)
VEC_PAIR(phsubw)
VEC_PAIR(phsubd)
VEC_PAIR(phsubsw)

VEC2(punpcklbw)
VEC2(punpcklwd)
VEC2(punpckldq)
VEC2(punpcklqdq)
VEC2(punpckhqdq)
VEC2(unpcklps)
VEC2(unpcklpd)
VEC2(unpckhps)
VEC2(unpckhpd)

/* The high halves: of an MMX register they are the upper half of the low interleave. */
#define VEC_HIGH(name, low)                                                                        \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        if (i->op[0].kind == OPND_MM) {                                                            \
            __asm__(#low " %1, %0" : "+x"(d) : "x"(s));                                            \
            d = vec_of(d[1], 0);                                                                   \
        } else {                                                                                   \
            __asm__(#name " %1, %0" : "+x"(d) : "x"(s));                                           \
        }                                                                                          \
        vec_put(c, i, 0, d);                                                                       \
    }
VEC_HIGH(punpckhbw, punpcklbw)
VEC_HIGH(punpckhwd, punpcklwd)
VEC_HIGH(punpckhdq, punpckldq)

OP(pshufb)
{
    vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);

    if (i->op[0].kind == OPND_MM) /* three index bits count, not four */
        s = s & vec_of(0x8787878787878787, 0);
    __asm__("pshufb %1, %0" : "+x"(d) : "x"(s));
    vec_put(c, i, 0, d);
}

/* ---- With an immediate ------------------------------------------------------------------ */

VEC_STUBS(pshufd, "0x66, 0x0f, 0x70, 0xc1");
VEC_STUBS(pshuflw, "0xf2, 0x0f, 0x70, 0xc1");
VEC_STUBS(pshufhw, "0xf3, 0x0f, 0x70, 0xc1");
VEC_STUBS(shufps, "0x0f, 0xc6, 0xc1");
VEC_STUBS(shufpd, "0x66, 0x0f, 0xc6, 0xc1");
VEC_STUBS(blendps, "0x66, 0x0f, 0x3a, 0x0c, 0xc1");
VEC_STUBS(blendpd, "0x66, 0x0f, 0x3a, 0x0d, 0xc1");
VEC_STUBS(pblendw, "0x66, 0x0f, 0x3a, 0x0e, 0xc1");
VEC_STUBS(palignr, "0x66, 0x0f, 0x3a, 0x0f, 0xc1");
VEC_STUBS(insertps, "0x66, 0x0f, 0x3a, 0x21, 0xc1");
VEC_STUBS(mpsadbw, "0x66, 0x0f, 0x3a, 0x42, 0xc1");

#define VEC_IMM(name)                                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        vec_put(c, i, 0, vec_stub(d, s, stub_##name + (i->imm & 0xff) * STUB_SIZE));               \
    }
VEC_IMM(pshufd)
VEC_IMM(pshuflw)
VEC_IMM(pshufhw)
VEC_IMM(shufps)
VEC_IMM(shufpd)
VEC_IMM(blendps)
VEC_IMM(blendpd)
VEC_IMM(pblendw)
VEC_IMM(mpsadbw)

OP(pshufw)
{
    vec s = vec_get(c, i, 1);

    vec_put(c, i, 0, vec_stub(s, s, stub_pshuflw + (i->imm & 0xff) * STUB_SIZE));
}

OP(palignr)
{
    vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);
    unsigned n = i->imm & 0xff;

    if (i->op[0].kind == OPND_MM) { /* 16 bytes, shifted right, of which 8 remain */
        s = vec_of(s[0], d[0]);
        d = vec_of(0, 0);
    }
    vec_put(c, i, 0, vec_stub(d, s, stub_palignr + n * STUB_SIZE));
}

/* A memory source is one element, whatever the immediate's source field says. */
OP(insertps)
{
    vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);
    unsigned imm = i->imm & 0xff;

    if (i->op[1].kind == OPND_MEM)
        imm &= 0x3f;
    vec_put(c, i, 0, vec_stub(d, s, stub_insertps + imm * STUB_SIZE));
}

/* ---- Blends by the sign bits of XMM0 ----------------------------------------------------- */

#define VEC_BLENDV(name)                                                                           \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
        register vec mask __asm__("xmm0") = *vec_xmm(c, 0);                                        \
                                                                                                   \
        __asm__(#name " %%xmm0, %1, %0" : "+x"(d) : "x"(s), "x"(mask));                            \
        vec_put(c, i, 0, d);                                                                       \
    }
VEC_BLENDV(pblendvb)
VEC_BLENDV(blendvps)
VEC_BLENDV(blendvpd)

/* ---- Single elements --------------------------------------------------------------------- */

static inline unsigned elements(const struct x86_opnd *o, unsigned size)
{
    return (o->kind == OPND_MM ? 8 : 16) / size;
}

#define VEC_INSERT(name, size, field)                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        union x86_xmm v;                                                                           \
        uint64_t x = x86_get(c, i, 1);                                                             \
        vec d = vec_get(c, i, 0);                                                                  \
                                                                                                   \
        __builtin_memcpy(&v, &d, 16);                                                              \
        v.field[i->imm & (elements(&i->op[0], size) - 1)] = x;                                     \
        vec_put(c, i, 0, vec_of(v.q[0], v.q[1]));                                                  \
    }
VEC_INSERT(pinsrb, 1, b)
VEC_INSERT(pinsrw, 2, w)
VEC_INSERT(pinsrd, 4, d)
VEC_INSERT(pinsrq, 8, q)

#define VEC_EXTRACT(name, size, field)                                                             \
    OP(name)                                                                                       \
    {                                                                                              \
        union x86_xmm v;                                                                           \
        vec s = vec_get(c, i, 1);                                                                  \
                                                                                                   \
        __builtin_memcpy(&v, &s, 16);                                                              \
        vec_put_gpr(c, i, 0, v.field[i->imm & (elements(&i->op[1], size) - 1)]);                   \
        vec_touch(c, i, 1);                                                                        \
    }
VEC_EXTRACT(pextrb, 1, b)
VEC_EXTRACT(pextrw, 2, w)
VEC_EXTRACT(pextrd, 4, d)
VEC_EXTRACT(pextrq, 8, q)
VEC_EXTRACT(extractps, 4, d)

#define VEC_MASK(name)                                                                             \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1);                                                                  \
        unsigned mask;                                                                             \
                                                                                                   \
        __asm__(#name " %1, %0" : "=r"(mask) : "x"(s));                                            \
        vec_put_gpr(c, i, 0, mask);                                                                \
        vec_touch(c, i, 1);                                                                        \
    }
VEC_MASK(pmovmskb) /* of an MMX register: its upper half is zero here */
VEC_MASK(movmskps)
VEC_MASK(movmskpd)

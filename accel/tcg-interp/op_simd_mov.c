/* SPDX-License-Identifier: MIT */
/*
 * Moves between XMM and MMX registers, general registers and memory. Intel SDM vol. 2.
 * Non-temporal hints have no effect: memory is write-back and ordered as on the host.
 */
#include "accel/tcg-interp/vec.h"

/* The whole operand. */
static void mov_whole(struct x86_cpu *c, const struct x86_insn *i)
{
    vec_put(c, i, 0, vec_get(c, i, 1));
    vec_touch(c, i, 1);
}
/* Into a register the operand is zero-extended to 128 bits. */
static void mov_zx(struct x86_cpu *c, const struct x86_insn *i)
{
    vec x = vec_get(c, i, 1);

    if (i->op[0].kind == OPND_REG)
        vec_put_gpr(c, i, 0, (uint64_t)x[0] & x86_mask(i->op[0].size));
    else
        vec_put(c, i, 0, vec_of((uint64_t)x[0], 0));
    vec_touch(c, i, 1);
}

#define MOV_WHOLE(name)                                                                            \
    OP(name)                                                                                       \
    {                                                                                              \
        mov_whole(c, i);                                                                           \
    }
MOV_WHOLE(movaps)
MOV_WHOLE(movapd)
MOV_WHOLE(movups)
MOV_WHOLE(movupd)
MOV_WHOLE(movdqa)
MOV_WHOLE(movdqu)
MOV_WHOLE(lddqu)
MOV_WHOLE(movntps)
MOV_WHOLE(movntpd)
MOV_WHOLE(movntdq)
MOV_WHOLE(movntdqa)
MOV_WHOLE(movntq)

OP(movd)
{
    mov_zx(c, i);
}
OP(movq)
{
    mov_zx(c, i);
}

OP(movq2dq)
{
    vec_put(c, i, 0, vec_of(c->fpr[i->op[1].reg & 7].mant, 0));
    x86_mmx_touch(c);
}
OP(movdq2q)
{
    vec_put_mm(c, i->op[0].reg, (*vec_xmm(c, i->op[1].reg))[0]);
}

/* Between registers the rest of the destination stays; from memory it is cleared. */
OP(movss)
{
    vec s = vec_get(c, i, 1);

    if (i->op[0].kind == OPND_XMM && i->op[1].kind == OPND_XMM) {
        vec d = vec_get(c, i, 0);

        d[0] = (d[0] & ~0xffffffffll) | (s[0] & 0xffffffffll);
        s = d;
    }
    vec_put(c, i, 0, s);
}
OP(movsd)
{
    vec s = vec_get(c, i, 1);

    if (i->op[0].kind == OPND_XMM && i->op[1].kind == OPND_XMM)
        s = vec_of(s[0], vec_get(c, i, 0)[1]);
    vec_put(c, i, 0, s);
}

/* ---- Halves ------------------------------------------------------------------------------ */

static void mov_low(struct x86_cpu *c, const struct x86_insn *i)
{
    vec s = vec_get(c, i, 1);

    if (i->op[0].kind == OPND_XMM)
        s = vec_of(s[0], vec_get(c, i, 0)[1]);
    vec_put(c, i, 0, s);
}
static void mov_high(struct x86_cpu *c, const struct x86_insn *i)
{
    vec s = vec_get(c, i, 1);

    if (i->op[0].kind == OPND_XMM) /* from memory, or MOVLHPS */
        s = vec_of(vec_get(c, i, 0)[0], s[0]);
    else
        s = vec_of(s[1], 0);
    vec_put(c, i, 0, s);
}

OP(movhlps)
{
    vec_put(c, i, 0, vec_of(vec_get(c, i, 1)[1], vec_get(c, i, 0)[1]));
}
OP(movlps)
{
    if (i->op[0].kind == OPND_XMM && i->op[1].kind == OPND_XMM)
        op_movhlps(c, i);
    else
        mov_low(c, i);
}
OP(movlpd)
{
    mov_low(c, i);
}
OP(movhps)
{
    mov_high(c, i);
}
OP(movhpd)
{
    mov_high(c, i);
}
OP(movlhps)
{
    mov_high(c, i);
}

OP(movddup)
{
    vec s = vec_get(c, i, 1);

    vec_put(c, i, 0, vec_of(s[0], s[0]));
}
OP(movshdup)
{
    vec s = vec_get(c, i, 1), d;

    __asm__("movshdup %1, %0" : "=x"(d) : "x"(s));
    vec_put(c, i, 0, d);
}
OP(movsldup)
{
    vec s = vec_get(c, i, 1), d;

    __asm__("movsldup %1, %0" : "=x"(d) : "x"(s));
    vec_put(c, i, 0, d);
}

/* ---- Bytes selected by a mask, to [rDI] --------------------------------------------------- */

/* Only selected bytes are written. Every byte is checked first, so nothing is half done. */
static void mask_move(struct x86_cpu *c, const struct x86_insn *i, unsigned len)
{
    vec s = vec_get(c, i, 0), m = vec_get(c, i, 1);
    union x86_xmm data, mask;
    uint64_t off = c->r[R_RDI] & x86_mask(i->addrsize);
    uint64_t la = x86_seg_lin(c, i->seg, off, len, ACC_WRITE, 1);
    bool any = false;

    __builtin_memcpy(&data, &s, 16);
    __builtin_memcpy(&mask, &m, 16);
    for (unsigned n = 0; n < len; n++)
        any |= mask.b[n] >> 7;
    if (any)
        x86_lin_probe(c, la, len, ACC_WRITE);
    for (unsigned n = 0; n < len; n++)
        if (mask.b[n] >> 7)
            x86_lin_write(c, la + n, 1, data.b[n]);
}

OP(maskmovdqu)
{
    mask_move(c, i, 16);
}
OP(maskmovq)
{
    mask_move(c, i, 8);
    x86_mmx_touch(c);
}

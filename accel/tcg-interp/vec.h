/* SPDX-License-Identifier: MIT */
/*
 * Shared by the MMX and SSE operations: operands as 16-byte vectors.
 *
 * An MMX register is the low half of a vector: most packed instructions do to the low half of
 * an XMM register what their MMX form does, so one host instruction serves both forms and the
 * host's own MMX state is never touched.
 */
#ifndef ACCEL_TCG_INTERP_VEC_H
#define ACCEL_TCG_INTERP_VEC_H

#include "accel/tcg-interp/host_fp.h"
#include "accel/tcg-interp/ops.h"

typedef long long vec __attribute__((vector_size(16), may_alias));

static inline vec vec_of(uint64_t lo, uint64_t hi)
{
    return (vec){(long long)lo, (long long)hi};
}
static inline vec *vec_xmm(struct x86_cpu *c, unsigned n)
{
    return (vec *)&c->xmm[n];
}

/* Linear address of a 16-byte operand; rows with ROW_ALIGN16 insist on alignment. */
static inline uint64_t vec_lin16(struct x86_cpu *c, const struct x86_insn *i, enum x86_access acc)
{
    uint64_t la = x86_seg_lin(c, i->seg, x86_ea(c, i), 16, acc, 1);

    if ((la & 15) && (x86_rows[i->row].attr & ROW_ALIGN16))
        x86_gp(c, 0);
    return la;
}
static inline vec vec_load16(struct x86_cpu *c, const struct x86_insn *i)
{
    union x86_xmm v;
    uint64_t la = vec_lin16(c, i, ACC_READ);

    if ((la & 0xfff) > 0xff0) {
        x86_lin_read_bytes(c, la, v.b, 16);
    } else {
        v.q[0] = x86_lin_read(c, la, 8);
        v.q[1] = x86_lin_read(c, la + 8, 8);
    }
    return vec_of(v.q[0], v.q[1]);
}
static inline void vec_store16(struct x86_cpu *c, const struct x86_insn *i, vec x)
{
    uint64_t la = vec_lin16(c, i, ACC_WRITE);

    if ((la & 0xfff) > 0xff0) {
        x86_lin_write_bytes(c, la, &x, 16);
    } else {
        x86_lin_write(c, la, 8, x[0]);
        x86_lin_write(c, la + 8, 8, x[1]);
    }
}

/* Operand n; what is narrower than 16 bytes and not an XMM register is zero-extended. */
static inline vec vec_get(struct x86_cpu *c, const struct x86_insn *i, unsigned n)
{
    const struct x86_opnd *o = &i->op[n];

    switch (o->kind) {
    case OPND_XMM:
        return *vec_xmm(c, o->reg);
    case OPND_MM:
        return vec_of(c->fpr[o->reg & 7].mant, 0);
    case OPND_MEM:
        if (o->size == 16)
            return vec_load16(c, i);
        return vec_of(x86_lin_read(c, x86_opnd_lin(c, i, o->size, ACC_READ), o->size), 0);
    case OPND_IMM:
        return vec_of(i->imm & 0xff, 0);
    default:
        return vec_of(x86_get(c, i, n), 0);
    }
}
static inline void vec_put_mm(struct x86_cpu *c, unsigned n, uint64_t v)
{
    c->fpr[n & 7].mant = v;
    c->fpr[n & 7].se = 0xffff;
    x86_mmx_touch(c);
}
/* Store to operand n: all of an XMM register, the low half to MMX, `size` bytes to memory. */
static inline void vec_put(struct x86_cpu *c, const struct x86_insn *i, unsigned n, vec x)
{
    const struct x86_opnd *o = &i->op[n];

    switch (o->kind) {
    case OPND_XMM:
        *vec_xmm(c, o->reg) = x;
        break;
    case OPND_MM:
        vec_put_mm(c, o->reg, x[0]);
        break;
    case OPND_MEM:
        if (o->size == 16)
            vec_store16(c, i, x);
        else
            x86_lin_write(c, x86_opnd_lin(c, i, o->size, ACC_WRITE), o->size,
                          x[0] & x86_mask(o->size));
        break;
    default:
        x86_put(c, i, n, x[0]);
    }
}
/* Zero-extend into a general register (of whatever width the operand names), or memory. */
static inline void vec_put_gpr(struct x86_cpu *c, const struct x86_insn *i, unsigned n, uint64_t v)
{
    if (i->op[n].kind == OPND_REG)
        c->r[i->op[n].reg] = v;
    else
        x86_put(c, i, n, v);
}
/* An MMX instruction whose destination is not an MMX register ends with this. */
static inline void vec_touch(struct x86_cpu *c, const struct x86_insn *i, unsigned n)
{
    if (i->op[n].kind == OPND_MM)
        x86_mmx_touch(c);
}

/*
 * Stub tables: `insn imm8; ret`, one of STUB_SIZE bytes for each immediate, so that the host
 * executes the very instruction, its reserved immediate bits included, without code being
 * generated at run time. Operands are pinned: xmm0 (destination) and xmm1.
 *
 *   VEC_STUBS(name, "bytes before the immediate")
 */
#define STUB_SIZE 8
#define VEC_STUBS(name, bytes)                                                                     \
    extern const uint8_t stub_##name[256 * STUB_SIZE] __attribute__((visibility("hidden")));       \
    __asm__(".pushsection .text\n"                                                                 \
            ".balign 64\n"                                                                         \
            ".globl stub_" #name "\n"                                                              \
            ".hidden stub_" #name "\n"                                                             \
            "stub_" #name ":\n"                                                                    \
            ".set .Limm_" #name ", 0\n"                                                            \
            ".rept 256\n"                                                                          \
            ".byte " bytes ", .Limm_" #name ", 0xc3\n"                                             \
            ".balign 8, 0x90\n"                                                                    \
            ".set .Limm_" #name ", .Limm_" #name " + 1\n"                                          \
            ".endr\n"                                                                              \
            ".popsection\n")

/* The calls step over the red zone. */
static inline vec vec_stub(vec d, vec s, const uint8_t *stub)
{
    register vec x0 __asm__("xmm0") = d;
    register vec x1 __asm__("xmm1") = s;

    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "call *%[stub]\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "+x"(x0)
                     : "x"(x1), [stub] "r"(stub)
                     : "memory", "cc");
    return x0;
}

/* ---- Floating point -------------------------------------------------------------------- */

typedef vec vec_fp_fn(vec d, vec s, const uint8_t *stub);

/* The same with some exception unmasked: raises #XM before anything is committed. */
vec vec_fp_checked(struct x86_cpu *c, vec_fp_fn *fn, vec d, vec s, const uint8_t *stub);

static inline __attribute__((always_inline)) vec vec_fp(struct x86_cpu *c, vec_fp_fn *fn, vec d,
                                                        vec s, const uint8_t *stub)
{
    if (__builtin_expect(x86_mxcsr_unmasked(c), 0))
        return vec_fp_checked(c, fn, d, s, stub);
    return fn(d, s, stub);
}

#endif

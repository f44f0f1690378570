/* SPDX-License-Identifier: MIT */
/*
 * Fast handlers: PUSH POP LEAVE, near CALL RET JMP. Only for 64-bit code, and for 32-bit code
 * with flat segments and a 32-bit stack.
 */
#include "accel/tcg-interp/fast.h"

/* ---- Stack ------------------------------------------------------------------------------ */

#define SP c->r[R_RSP]
/* The stack address n bytes from SP on. */
#define SP_AT_64(n) (SP + (n))
#define SP_AT_32(n) ((uint64_t)(uint32_t)(SP + (n)))
#define SP_SET_64(v) (SP = (v))
#define SP_SET_32(v) (SP = (uint32_t)(v))

#define PUSH(bits, V)                                                                              \
    uint64_t la = SP_AT_##bits(-(bits / 8));                                                       \
    HOST_W(p, la, bits / 8);                                                                       \
    ST(bits, p, V);                                                                                \
    SP_SET_##bits(la)

#define STACK_BITS(bits)                                                                           \
    static HANDLER(h_push_r_##bits)                                                                \
    {                                                                                              \
        PUSH(bits, SLOT(o->d));                                                                    \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_push_i_##bits)                                                                \
    {                                                                                              \
        PUSH(bits, (int64_t)o->imm);                                                               \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_push_bd_##bits)                                                               \
    {                                                                                              \
        uint64_t from = ADDR_BD;                                                                   \
        HOST_R(q, from, bits / 8);                                                                 \
        uint##bits##_t v = LD(bits, q);                                                            \
        PUSH(bits, v);                                                                             \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_pop_r_##bits)                                                                 \
    {                                                                                              \
        uint64_t la = SP_AT_##bits(0);                                                             \
        HOST_R(p, la, bits / 8);                                                                   \
        uint##bits##_t v = LD(bits, p);                                                            \
        SP_SET_##bits(la + bits / 8);                                                              \
        SLOT(o->d) = v;                                                                            \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_leave_##bits)                                                                 \
    {                                                                                              \
        uint64_t la = (uint##bits##_t)c->r[R_RBP];                                                 \
        HOST_R(p, la, bits / 8);                                                                   \
        uint##bits##_t v = LD(bits, p);                                                            \
        SP_SET_##bits(la + bits / 8);                                                              \
        c->r[R_RBP] = v;                                                                           \
        NEXT(1);                                                                                   \
    }
STACK_BITS(32)
STACK_BITS(64)

/* 64 or 32 if stack and code are of the kind the handlers are for, else 0. */
static unsigned flat_bits(const struct emit *e)
{
    if ((e->mode & M_MODE) == X86_MODE_64)
        return 64;
    if ((e->mode & (M_MODE | M_FLAT_CS | M_FLAT_DS | M_SS32)) ==
        (X86_MODE_32 | M_FLAT_CS | M_FLAT_DS | M_SS32))
        return 32;
    return 0;
}

static unsigned stack_bits(const struct emit *e, unsigned size)
{
    unsigned bits = flat_bits(e);

    return bits == size * 8 ? bits : 0;
}

bool fast_push(struct emit *e, const struct x86_insn *i)
{
    unsigned bits = stack_bits(e, i->opsize);
    struct fast_addr a;
    struct x86_op *o;

    if (!bits)
        return false;
    if (is_reg(i, 0)) {
        emit_op(e, bits == 64 ? h_push_r_64 : h_push_r_32)->d = i->op[0].reg;
        return true;
    }
    if (is_imm(i, 0)) {
        emit_op(e, bits == 64 ? h_push_i_64 : h_push_i_32)->imm = i->imm;
        return true;
    }
    if (!is_mem(i, 0) || !emit_addr(e, i, &a) || a.indexed)
        return false;
    o = emit_op(e, bits == 64 ? h_push_bd_64 : h_push_bd_32);
    op_addr(o, &a);
    return true;
}

bool fast_pop(struct emit *e, const struct x86_insn *i)
{
    unsigned bits = stack_bits(e, i->opsize);

    if (!bits || !is_reg(i, 0))
        return false;
    emit_op(e, bits == 64 ? h_pop_r_64 : h_pop_r_32)->d = i->op[0].reg;
    return true;
}

bool fast_leave(struct emit *e, const struct x86_insn *i)
{
    unsigned bits = stack_bits(e, i->opsize);

    if (!bits)
        return false;
    emit_op(e, bits == 64 ? h_leave_64 : h_leave_32);
    return true;
}

/* ---- Direct transfers --------------------------------------------------------------------- */

static HANDLER(h_jmp)
{
    TAKE(o);
}

/* The return address is in a slot between op and edge: op, jmp, edge. */
static HANDLER(h_call_64)
{
    PUSH(64, c->page_rip + (int64_t)o->imm);
    TAKE(o + 1);
}

static HANDLER(h_call_32)
{
    PUSH(32, (uint32_t)(c->page_rip + (int64_t)o->imm));
    TAKE(o + 1);
}

/* ---- Indirect transfers ------------------------------------------------------------------- */

static HANDLER(h_ret_64)
{
    uint64_t la = SP;
    HOST_R(p, la, 8);
    uint64_t to = LD(64, p);
    INDIRECT(to, SP = la + 8 + (uint32_t)o->imm);
}

static HANDLER(h_ret_32)
{
    uint64_t la = (uint32_t)SP;
    HOST_R(p, la, 4);
    uint32_t to = LD(32, p);
    INDIRECT(to, SP = (uint32_t)(la + 4 + (uint32_t)o->imm));
}

static HANDLER(h_jmp_r)
{
    INDIRECT(SLOT(o->d), );
}

static HANDLER(h_jmp_bd)
{
    uint64_t la = ADDR_BD;
    HOST_R(p, la, 8);
    INDIRECT(LD(64, p), );
}

static HANDLER(h_jmp_bx)
{
    uint64_t la = ADDR_BX;
    HOST_R(p, la, 8);
    INDIRECT(LD(64, p), );
}

/* Push the return address (imm), then go. The push may fail, the target may not be canonical:
 * both are known before anything is changed. */
#define CALL_TO(T)                                                                                 \
    uint64_t to = (T);                                                                             \
    uint64_t sp = SP - 8;                                                                          \
    HOST_W(w, sp, 8);                                                                              \
    INDIRECT(to, ST(64, w, c->page_rip + (int64_t)o->imm); SP = sp)

static HANDLER(h_call_r)
{
    CALL_TO(SLOT(o->d));
}

static HANDLER(h_call_bd)
{
    uint64_t la = ADDR_BD;
    HOST_R(p, la, 8);
    CALL_TO(LD(64, p));
}

static HANDLER(h_call_bx)
{
    uint64_t la = ADDR_BX;
    HOST_R(p, la, 8);
    CALL_TO(LD(64, p));
}

/* Page offset of a direct target; false if 16 bits cut it. */
static bool direct_target(const struct emit *e, const struct x86_insn *i, int64_t *target)
{
    unsigned bits = flat_bits(e);

    if (!bits || (bits == 32 && i->opsize != 4))
        return false;
    *target = (int64_t)e->pgoff + i->len + i->imm;
    return *target == (int32_t)*target;
}

static bool indirect(struct emit *e, const struct x86_insn *i, x86_handler *r, x86_handler *bd,
                     x86_handler *bx)
{
    struct fast_addr a = {0};
    struct x86_op *o;

    if (flat_bits(e) != 64 || i->op[0].size != 8)
        return false;
    if (is_mem(i, 0) && !emit_addr(e, i, &a))
        return false;
    if (!is_mem(i, 0) && !is_reg(i, 0))
        return false;
    o = emit_op(e, is_reg(i, 0) ? r : a.indexed ? bx : bd);
    op_addr(o, &a);
    if (is_reg(i, 0))
        o->d = i->op[0].reg;
    o->imm = e->pgoff + i->len;
    e->ends = true;
    return true;
}

bool fast_jmp(struct emit *e, const struct x86_insn *i)
{
    int64_t target;

    if (i->op[0].kind != OPND_REL)
        return indirect(e, i, h_jmp_r, h_jmp_bd, h_jmp_bx);
    if (!direct_target(e, i, &target))
        return false;
    emit_edge(e, i, h_jmp, target);
    e->ends = true;
    return true;
}

bool fast_call(struct emit *e, const struct x86_insn *i)
{
    int64_t target;
    struct x86_op *o;

    if (i->op[0].kind != OPND_REL)
        return indirect(e, i, h_call_r, h_call_bd, h_call_bx);
    if (!direct_target(e, i, &target))
        return false;
    o = emit_op(e, flat_bits(e) == 64 ? h_call_64 : h_call_32);
    o->imm = e->pgoff + i->len;
    emit_edge(e, i, h_jmp, target);
    e->ends = true;
    return true;
}

bool fast_ret(struct emit *e, const struct x86_insn *i)
{
    unsigned bits = flat_bits(e);
    struct x86_op *o;

    if (!bits || i->opsize * 8u != bits)
        return false;
    o = emit_op(e, bits == 64 ? h_ret_64 : h_ret_32);
    o->imm = i->nopnd ? i->imm & 0xffff : 0;
    e->ends = true;
    return true;
}

void emit_next(struct emit *e)
{
    struct x86_insn none = {.len = 0};
    struct x86_op *o;

    if (flat_bits(e) && !e->generic) {
        emit_edge(e, &none, h_jmp, e->pgoff);
        return;
    }
    o = emit_op(e, h_cold_next);
    o->disp = e->pgoff;
}

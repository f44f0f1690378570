/* SPDX-License-Identifier: MIT */
/*
 * Fast handlers: ADD OR ADC SBB AND SUB XOR CMP TEST in all their register, immediate and
 * memory forms, INC DEC NOT NEG. What precedes a Jcc is fused with it in fast_jcc.c.
 */
#include "accel/tcg-interp/fast.h"

/* One operation: a, b -> r and flags. STORES: the result goes to the destination. */
#define OP_ADD(bits)                                                                               \
    r = a + b;                                                                                     \
    FLAGS(bits, r, b, CC_ADD)
#define OP_SUB(bits)                                                                               \
    r = a - b;                                                                                     \
    FLAGS(bits, r, b, CC_SUB)
#define OP_ADC(bits)                                                                               \
    bool carry = CARRY();                                                                          \
    r = a + b + carry;                                                                             \
    FLAGS(bits, r, b, carry ? CC_ADC : CC_ADD)
#define OP_SBB(bits)                                                                               \
    bool carry = CARRY();                                                                          \
    r = a - b - carry;                                                                             \
    FLAGS(bits, r, b, carry ? CC_SBB : CC_SUB)
#define OP_AND(bits)                                                                               \
    r = a & b;                                                                                     \
    FLAGS_LOGIC(bits, r)
#define OP_OR(bits)                                                                                \
    r = a | b;                                                                                     \
    FLAGS_LOGIC(bits, r)
#define OP_XOR(bits)                                                                               \
    r = a ^ b;                                                                                     \
    FLAGS_LOGIC(bits, r)

#define ALU_REG(name, OP, bits, form, PRE, A, B)                                                   \
    static HANDLER(h_##name##_##form##_##bits)                                                     \
    {                                                                                              \
        PRE;                                                                                       \
        uint##bits##_t a = A, b = B, r;                                                            \
        OP(bits);                                                                                  \
        REG_PUT_##bits(o->d, r);                                                                   \
        NEXT(1);                                                                                   \
    }
#define ALU_MEM(name, OP, bits, form, ADDR, B)                                                     \
    static HANDLER(h_##name##_##form##_##bits)                                                     \
    {                                                                                              \
        uint64_t la = ADDR;                                                                        \
        HOST_W(p, la, bits / 8);                                                                   \
        uint##bits##_t a = LD(bits, p), b = B, r;                                                  \
        OP(bits);                                                                                  \
        ST(bits, p, r);                                                                            \
        NEXT(1);                                                                                   \
    }
#define LOAD_BD(bits)                                                                              \
    uint64_t la = ADDR_BD;                                                                         \
    HOST_R(p, la, bits / 8)
#define LOAD_BX(bits)                                                                              \
    uint64_t la = ADDR_BX;                                                                         \
    HOST_R(p, la, bits / 8)

#define ALU_BITS(name, OP, bits)                                                                   \
    ALU_REG(name, OP, bits, rr, , REG(bits, o->d), REG(bits, o->s))                                \
    ALU_REG(name, OP, bits, ri, , REG(bits, o->d), IMM(bits))                                      \
    ALU_REG(name, OP, bits, rbd, LOAD_BD(bits), REG(bits, o->d), LD(bits, p))                      \
    ALU_REG(name, OP, bits, rbx, LOAD_BX(bits), REG(bits, o->d), LD(bits, p))                      \
    ALU_MEM(name, OP, bits, bdr, ADDR_BD, REG(bits, o->s))                                         \
    ALU_MEM(name, OP, bits, bxr, ADDR_BX, REG(bits, o->s))                                         \
    ALU_MEM(name, OP, bits, bdi, ADDR_BD, IMM(bits))                                               \
    ALU_MEM(name, OP, bits, bxi, ADDR_BX, IMM(bits))
#define ALU(name, OP)                                                                              \
    ALU_BITS(name, OP, 8) ALU_BITS(name, OP, 16) ALU_BITS(name, OP, 32) ALU_BITS(name, OP, 64)

ALU(add, OP_ADD)
ALU(or, OP_OR)
ALU(adc, OP_ADC)
ALU(sbb, OP_SBB)
ALU(and, OP_AND)
ALU(sub, OP_SUB)
ALU(xor, OP_XOR)

/* CMP and TEST: no result; all memory forms only read. */
#define CMP_FORM(name, OP, bits, form, PRE, A, B)                                                  \
    static HANDLER(h_##name##_##form##_##bits)                                                     \
    {                                                                                              \
        PRE;                                                                                       \
        uint##bits##_t a = A, b = B, r;                                                            \
        OP(bits);                                                                                  \
        NEXT(1);                                                                                   \
    }
#define CMP_BITS(name, OP, bits)                                                                   \
    CMP_FORM(name, OP, bits, rr, , REG(bits, o->d), REG(bits, o->s))                               \
    CMP_FORM(name, OP, bits, ri, , REG(bits, o->d), IMM(bits))                                     \
    CMP_FORM(name, OP, bits, rbd, LOAD_BD(bits), REG(bits, o->d), LD(bits, p))                     \
    CMP_FORM(name, OP, bits, rbx, LOAD_BX(bits), REG(bits, o->d), LD(bits, p))                     \
    CMP_FORM(name, OP, bits, bdr, LOAD_BD(bits), LD(bits, p), REG(bits, o->s))                     \
    CMP_FORM(name, OP, bits, bxr, LOAD_BX(bits), LD(bits, p), REG(bits, o->s))                     \
    CMP_FORM(name, OP, bits, bdi, LOAD_BD(bits), LD(bits, p), IMM(bits))                           \
    CMP_FORM(name, OP, bits, bxi, LOAD_BX(bits), LD(bits, p), IMM(bits))
#define CMP(name, OP)                                                                              \
    CMP_BITS(name, OP, 8) CMP_BITS(name, OP, 16) CMP_BITS(name, OP, 32) CMP_BITS(name, OP, 64)

CMP(cmp, OP_SUB)
CMP(test, OP_AND)

/* A register with itself: XOR and SUB make zero, TEST and AND look at it. */
static HANDLER(h_zero_32)
{
    SLOT(o->d) = 0;
    FLAGS_LOGIC(32, 0);
    NEXT(1);
}

#define FORMS_BITS(name, bits)                                                                     \
    {                                                                                              \
        h_##name##_rr_##bits, h_##name##_ri_##bits, h_##name##_rbd_##bits, h_##name##_rbx_##bits,  \
            h_##name##_bdr_##bits, h_##name##_bxr_##bits, h_##name##_bdi_##bits,                   \
            h_##name##_bxi_##bits                                                                  \
    }
#define FORMS(name)                                                                                \
    {                                                                                              \
        FORMS_BITS(name, 8), FORMS_BITS(name, 16), FORMS_BITS(name, 32), FORMS_BITS(name, 64)      \
    }
static x86_handler *const alu_table[FUSE_KINDS][4][FUSE_FORMS] = {
    FORMS(add), FORMS(or), FORMS(adc), FORMS(sbb), FORMS(and),
    FORMS(sub), FORMS(xor), FORMS(cmp), FORMS(test),
};

static int alu_kind(const struct x86_insn *i)
{
    static x86_exec_fn *const ops[FUSE_KINDS] = {op_add, op_or,  op_adc, op_sbb, op_and,
                                              op_sub, op_xor, op_cmp, op_test};
    unsigned n = 0;

    while (exec_table[i->row] != ops[n])
        n++;
    return n;
}

bool fast_alu(struct emit *e, const struct x86_insn *i)
{
    unsigned size = i->op[0].size, kind = alu_kind(i), form;
    struct fast_addr a = {0};
    struct x86_op *o;

    if (is_mem(i, 0) || is_mem(i, 1)) {
        if ((i->prefix & PFX_LOCK) ||
            !(is_mem(i, 0) ? is_reg(i, 1) || is_imm(i, 1) : is_reg(i, 0)) ||
            !emit_addr(e, i, &a))
            return false;
        form = is_mem(i, 1) ? FUSE_RBD : is_reg(i, 1) ? FUSE_BDR : FUSE_BDI;
        form += a.indexed;
    } else {
        if (!is_reg(i, 0) || !(is_reg(i, 1) || is_imm(i, 1)))
            return false;
        form = is_reg(i, 1) ? FUSE_RR : FUSE_RI;
    }
    if (form == FUSE_RR && size >= 4 && (kind == FUSE_XOR || kind == FUSE_SUB) &&
        i->op[0].reg == i->op[1].reg) {
        o = emit_op(e, h_zero_32);
        o->d = i->op[0].reg;
        return true;
    }
    o = emit_op(e, alu_table[kind][size_lg(size)][form]);
    op_addr(o, &a);
    if (is_reg(i, 0))
        o->d = i->op[0].reg;
    if (is_reg(i, 1))
        o->s = i->op[1].reg;
    else if (is_imm(i, 1))
        o->imm = i->imm;
    e->fuse = (struct fuse){.op = o, .kind = kind, .form = form, .lg = size_lg(size)};
    return true;
}

/* ---- INC, DEC, NOT, NEG ------------------------------------------------------------------- */

#define UN_INC(bits)                                                                               \
    bool carry = CARRY();                                                                          \
    r = a + 1;                                                                                     \
    FLAGS(bits, r, carry, CC_INC)
#define UN_DEC(bits)                                                                               \
    bool carry = CARRY();                                                                          \
    r = a - 1;                                                                                     \
    FLAGS(bits, r, carry, CC_DEC)
#define UN_NOT(bits) r = ~a
#define UN_NEG(bits)                                                                               \
    r = -a;                                                                                        \
    FLAGS(bits, r, a, CC_SUB)
#define UN_BITS(name, OP, bits)                                                                    \
    static HANDLER(h_##name##_r_##bits)                                                            \
    {                                                                                              \
        uint##bits##_t a = REG(bits, o->d), r;                                                     \
        OP(bits);                                                                                  \
        REG_PUT_##bits(o->d, r);                                                                   \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_##name##_bd_##bits)                                                           \
    {                                                                                              \
        uint64_t la = ADDR_BD;                                                                     \
        HOST_W(p, la, bits / 8);                                                                   \
        uint##bits##_t a = LD(bits, p), r;                                                         \
        OP(bits);                                                                                  \
        ST(bits, p, r);                                                                            \
        NEXT(1);                                                                                   \
    }
#define UN(name, OP)                                                                               \
    UN_BITS(name, OP, 8) UN_BITS(name, OP, 16) UN_BITS(name, OP, 32) UN_BITS(name, OP, 64)
UN(inc, UN_INC)
UN(dec, UN_DEC)
UN(not, UN_NOT)
UN(neg, UN_NEG)

#define UN_ROW(name) {ROW4(h_##name##_r_), ROW4(h_##name##_bd_)}
static x86_handler *const un_table[4][2][4] = {UN_ROW(inc), UN_ROW(dec), UN_ROW(not), UN_ROW(neg)};

static bool unary(struct emit *e, const struct x86_insn *i, unsigned which)
{
    unsigned lg = size_lg(i->op[0].size);
    struct fast_addr a = {0};
    struct x86_op *o;

    if (i->prefix & PFX_LOCK)
        return false;
    if (is_reg(i, 0)) {
        o = emit_op(e, un_table[which][0][lg]);
        o->d = i->op[0].reg;
        return true;
    }
    if (!is_mem(i, 0) || !emit_addr(e, i, &a) || a.indexed)
        return false;
    o = emit_op(e, un_table[which][1][lg]);
    op_addr(o, &a);
    return true;
}

bool fast_incdec(struct emit *e, const struct x86_insn *i)
{
    return unary(e, i, exec_table[i->row] == op_dec);
}

bool fast_notneg(struct emit *e, const struct x86_insn *i)
{
    return unary(e, i, exec_table[i->row] == op_neg ? 3 : 2);
}

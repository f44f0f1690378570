/* SPDX-License-Identifier: MIT */
/*
 * Fast handlers: Jcc, SETcc, CMOVcc, and the pairs of a flag setter with the Jcc behind it.
 *
 * A pair is one handler in the place of the setter's. It reads the setter's op and the Jcc's
 * op and edge behind it, which stay complete: a fault in the setter's access, or a branch
 * between the two, finds everything in place.
 *
 *     | cmp | jcc | edge |          the Jcc: s = condition, disp = page offset of the target
 */
#include "accel/tcg-interp/fast.h"

/* ---- Alone ------------------------------------------------------------------------------ */

#define CONDS(X)                                                                                   \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

#define JCC(n)                                                                                     \
    static HANDLER(h_jcc_##n)                                                                      \
    {                                                                                              \
        if (x86_cond_from(n, RES, SRC, (uint32_t)CC))                                              \
            TAKE(o);                                                                               \
        NEXT(2);                                                                                   \
    }
CONDS(JCC)

#define SETCC(n)                                                                                   \
    static HANDLER(h_setcc_r_##n)                                                                  \
    {                                                                                              \
        REG_PUT_8(o->d, x86_cond_from(n, RES, SRC, (uint32_t)CC));                                 \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_setcc_bd_##n)                                                                 \
    {                                                                                              \
        uint64_t la = ADDR_BD;                                                                     \
        HOST_W(p, la, 1);                                                                          \
        ST(8, p, x86_cond_from(n, RES, SRC, (uint32_t)CC));                                        \
        NEXT(1);                                                                                   \
    }
CONDS(SETCC)

/* The 32-bit form clears the upper half even if the condition is false. */
#define CMOV(n)                                                                                    \
    static HANDLER(h_cmov_rr32_##n)                                                                \
    {                                                                                              \
        uint64_t v = x86_cond_from(n, RES, SRC, (uint32_t)CC) ? SLOT(o->s) : SLOT(o->d);           \
        SLOT(o->d) = (uint32_t)v;                                                                  \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_cmov_rr64_##n)                                                                \
    {                                                                                              \
        if (x86_cond_from(n, RES, SRC, (uint32_t)CC))                                              \
            SLOT(o->d) = SLOT(o->s);                                                               \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_cmov_rm32_##n)                                                                \
    {                                                                                              \
        uint64_t la = ADDR_BX;                                                                     \
        HOST_R(p, la, 4);                                                                          \
        uint32_t v = LD(32, p);                                                                    \
        SLOT(o->d) = x86_cond_from(n, RES, SRC, (uint32_t)CC) ? v : (uint32_t)SLOT(o->d);          \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_cmov_rm64_##n)                                                                \
    {                                                                                              \
        uint64_t la = ADDR_BX;                                                                     \
        HOST_R(p, la, 8);                                                                          \
        uint64_t v = LD(64, p);                                                                    \
        if (x86_cond_from(n, RES, SRC, (uint32_t)CC))                                              \
            SLOT(o->d) = v;                                                                        \
        NEXT(1);                                                                                   \
    }
CONDS(CMOV)

#define JCC_ENT(n) h_jcc_##n,
static x86_handler *const jcc_table[16] = {CONDS(JCC_ENT)};
#define SETCC_ENT(n) {h_setcc_r_##n, h_setcc_bd_##n},
static x86_handler *const setcc_table[16][2] = {CONDS(SETCC_ENT)};
#define CMOV_ENT(n) {h_cmov_rr32_##n, h_cmov_rr64_##n, h_cmov_rm32_##n, h_cmov_rm64_##n},
static x86_handler *const cmov_table[16][4] = {CONDS(CMOV_ENT)};

bool fast_setcc(struct emit *e, const struct x86_insn *i)
{
    struct fast_addr a = {0};
    struct x86_op *o;

    if (is_mem(i, 0) ? !emit_addr(e, i, &a) || a.indexed : !is_reg(i, 0))
        return false;
    o = emit_op(e, setcc_table[i->opcode & 15][is_mem(i, 0)]);
    op_addr(o, &a);
    if (is_reg(i, 0))
        o->d = i->op[0].reg;
    return true;
}

bool fast_cmov(struct emit *e, const struct x86_insn *i)
{
    struct fast_addr a = {0};
    struct x86_op *o;

    if (i->op[0].size < 4 || (is_mem(i, 1) && !emit_addr(e, i, &a)))
        return false;
    if (is_mem(i, 1) && !a.indexed)
        a.x = SLOT_ZERO;
    o = emit_op(e, cmov_table[i->opcode & 15][2 * is_mem(i, 1) + (i->op[0].size == 8)]);
    op_addr(o, &a);
    o->d = i->op[0].reg;
    if (!is_mem(i, 1))
        o->s = i->op[1].reg;
    return true;
}

/* ---- Pairs ------------------------------------------------------------------------------ */

/* Conditions after a - b, on the values: B AE E NE BE A S NS L GE LE G. */
#define CMP_IF_2(bits) a < b
#define CMP_IF_3(bits) a >= b
#define CMP_IF_4(bits) a == b
#define CMP_IF_5(bits) a != b
#define CMP_IF_6(bits) a <= b
#define CMP_IF_7(bits) a > b
#define CMP_IF_8(bits) (int##bits##_t)(a - b) < 0
#define CMP_IF_9(bits) (int##bits##_t)(a - b) >= 0
#define CMP_IF_12(bits) (int##bits##_t)a < (int##bits##_t)b
#define CMP_IF_13(bits) (int##bits##_t)a >= (int##bits##_t)b
#define CMP_IF_14(bits) (int##bits##_t)a <= (int##bits##_t)b
#define CMP_IF_15(bits) (int##bits##_t)a > (int##bits##_t)b
#define CMP_CONDS(X, ...)                                                                          \
    X(2, __VA_ARGS__) X(3, __VA_ARGS__) X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(6, __VA_ARGS__)      \
    X(7, __VA_ARGS__) X(8, __VA_ARGS__) X(9, __VA_ARGS__) X(12, __VA_ARGS__)                       \
    X(13, __VA_ARGS__) X(14, __VA_ARGS__) X(15, __VA_ARGS__)

/* Conditions on a result r whose CF and OF are 0: E NE S NS L GE LE G. */
#define RES_IF_4(bits) r == 0
#define RES_IF_5(bits) r != 0
#define RES_IF_8(bits) (int##bits##_t)r < 0
#define RES_IF_9(bits) (int##bits##_t)r >= 0
#define RES_IF_12(bits) (int##bits##_t)r < 0
#define RES_IF_13(bits) (int##bits##_t)r >= 0
#define RES_IF_14(bits) (int##bits##_t)r <= 0
#define RES_IF_15(bits) (int##bits##_t)r > 0
#define RES_CONDS(X, ...)                                                                          \
    X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(8, __VA_ARGS__) X(9, __VA_ARGS__) X(12, __VA_ARGS__)     \
    X(13, __VA_ARGS__) X(14, __VA_ARGS__) X(15, __VA_ARGS__)
/* Whatever CF and OF are: E NE S NS. */
#define ZS_CONDS(X, ...)                                                                           \
    X(4, __VA_ARGS__) X(5, __VA_ARGS__) X(8, __VA_ARGS__) X(9, __VA_ARGS__)

#define PAIR(n, name, form, bits, PRE, A, B, OP, IF, POST)                                         \
    static HANDLER(h_##name##_##form##_##bits##_j##n)                                              \
    {                                                                                              \
        PRE;                                                                                       \
        const uint##bits##_t a = A, b = B;                                                         \
        uint##bits##_t r;                                                                          \
        OP(bits);                                                                                  \
        POST(bits);                                                                                \
        if (IF##n(bits))                                                                           \
            TAKE(o + 1);                                                                           \
        NEXT(3);                                                                                   \
    }
#define LOAD_BD(bits)                                                                              \
    uint64_t la = ADDR_BD;                                                                         \
    HOST_R(p, la, bits / 8)
#define DO_SUB(bits)                                                                               \
    r = a - b;                                                                                     \
    FLAGS(bits, r, b, CC_SUB)
#define DO_ADD(bits)                                                                               \
    r = a + b;                                                                                     \
    FLAGS(bits, r, b, CC_ADD)
#define DO_AND(bits)                                                                               \
    r = a & b;                                                                                     \
    FLAGS_LOGIC(bits, r)
#define NO_POST(bits) (void)r
#define PUT_POST(bits) REG_PUT_##bits(o->d, r)

#define CMP_PAIRS(bits)                                                                            \
    CMP_CONDS(PAIR, cmp, rr, bits, , REG(bits, o->d), REG(bits, o->s), DO_SUB, CMP_IF_, NO_POST)   \
    CMP_CONDS(PAIR, cmp, ri, bits, , REG(bits, o->d), IMM(bits), DO_SUB, CMP_IF_, NO_POST)         \
    CMP_CONDS(PAIR, cmp, rbd, bits, LOAD_BD(bits), REG(bits, o->d), LD(bits, p), DO_SUB, CMP_IF_,  \
              NO_POST)                                                                             \
    CMP_CONDS(PAIR, cmp, bdr, bits, LOAD_BD(bits), LD(bits, p), REG(bits, o->s), DO_SUB, CMP_IF_,  \
              NO_POST)                                                                             \
    CMP_CONDS(PAIR, cmp, bdi, bits, LOAD_BD(bits), LD(bits, p), IMM(bits), DO_SUB, CMP_IF_, NO_POST)
CMP_PAIRS(8)
CMP_PAIRS(16)
CMP_PAIRS(32)
CMP_PAIRS(64)

#define TEST_PAIRS(bits)                                                                           \
    RES_CONDS(PAIR, test, rr, bits, , REG(bits, o->d), REG(bits, o->s), DO_AND, RES_IF_, NO_POST)  \
    RES_CONDS(PAIR, test, ri, bits, , REG(bits, o->d), IMM(bits), DO_AND, RES_IF_, NO_POST)        \
    RES_CONDS(PAIR, test, bdi, bits, LOAD_BD(bits), LD(bits, p), IMM(bits), DO_AND, RES_IF_,       \
              NO_POST)
TEST_PAIRS(8)
TEST_PAIRS(16)
TEST_PAIRS(32)
TEST_PAIRS(64)

#define ALU_PAIRS(bits)                                                                            \
    ZS_CONDS(PAIR, sub, rr, bits, , REG(bits, o->d), REG(bits, o->s), DO_SUB, RES_IF_, PUT_POST)   \
    ZS_CONDS(PAIR, sub, ri, bits, , REG(bits, o->d), IMM(bits), DO_SUB, RES_IF_, PUT_POST)         \
    ZS_CONDS(PAIR, add, rr, bits, , REG(bits, o->d), REG(bits, o->s), DO_ADD, RES_IF_, PUT_POST)   \
    ZS_CONDS(PAIR, add, ri, bits, , REG(bits, o->d), IMM(bits), DO_ADD, RES_IF_, PUT_POST)         \
    ZS_CONDS(PAIR, and, rr, bits, , REG(bits, o->d), REG(bits, o->s), DO_AND, RES_IF_, PUT_POST)   \
    ZS_CONDS(PAIR, and, ri, bits, , REG(bits, o->d), IMM(bits), DO_AND, RES_IF_, PUT_POST)
ALU_PAIRS(32)
ALU_PAIRS(64)

#define ENT(n, name, form, bits) [n] = h_##name##_##form##_##bits##_j##n,
#define CMP_ROW(form, bits) {CMP_CONDS(ENT, cmp, form, bits)}
#define CMP_ROWS(form) {CMP_ROW(form, 8), CMP_ROW(form, 16), CMP_ROW(form, 32), CMP_ROW(form, 64)}
static x86_handler *const cmp_pairs[FUSE_FORMS][4][16] = {
    [FUSE_RR] = CMP_ROWS(rr),   [FUSE_RI] = CMP_ROWS(ri),   [FUSE_RBD] = CMP_ROWS(rbd),
    [FUSE_BDR] = CMP_ROWS(bdr), [FUSE_BDI] = CMP_ROWS(bdi),
};
#define TEST_ROW(form, bits) {RES_CONDS(ENT, test, form, bits)}
#define TEST_ROWS(form)                                                                            \
    {TEST_ROW(form, 8), TEST_ROW(form, 16), TEST_ROW(form, 32), TEST_ROW(form, 64)}
static x86_handler *const test_pairs[FUSE_FORMS][4][16] = {
    [FUSE_RR] = TEST_ROWS(rr), [FUSE_RI] = TEST_ROWS(ri), [FUSE_BDI] = TEST_ROWS(bdi),
};
#define ALU_ROWS(name, form)                                                                       \
    {[2] = {ZS_CONDS(ENT, name, form, 32)}, [3] = {ZS_CONDS(ENT, name, form, 64)}}
#define ALU_FORMS(name) {[FUSE_RR] = ALU_ROWS(name, rr), [FUSE_RI] = ALU_ROWS(name, ri)}
static x86_handler *const sub_pairs[FUSE_FORMS][4][16] = ALU_FORMS(sub);
static x86_handler *const add_pairs[FUSE_FORMS][4][16] = ALU_FORMS(add);
static x86_handler *const and_pairs[FUSE_FORMS][4][16] = ALU_FORMS(and);

static x86_handler *pair_of(const struct fuse *f, unsigned cond)
{
    switch (f->kind) {
    case FUSE_CMP:
        return cmp_pairs[f->form][f->lg][cond];
    case FUSE_TEST:
        return test_pairs[f->form][f->lg][cond];
    case FUSE_SUB:
        return sub_pairs[f->form][f->lg][cond];
    case FUSE_ADD:
        return add_pairs[f->form][f->lg][cond];
    case FUSE_AND:
        return and_pairs[f->form][f->lg][cond];
    default:
        return NULL;
    }
}

bool fast_jcc(struct emit *e, const struct x86_insn *i)
{
    unsigned cond = i->opcode & 15;
    int64_t target = (int64_t)e->pgoff + i->len + i->imm;
    bool m64 = (e->mode & M_MODE) == X86_MODE_64;
    x86_handler *pair;

    if (target != (int32_t)target || !(e->mode & M_FLAT_CS) || (!m64 && i->opsize != 4) ||
        (e->mode & M_MODE) == X86_MODE_16)
        return false;
    emit_edge(e, i, jcc_table[cond], target)->s = cond;
    if (e->last.op && (pair = pair_of(&e->last, cond)))
        e->last.op->fn = handler_offset(pair);
    if (++e->jccs == MAX_JCC)
        e->cut = true;
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * Fast handlers: shifts and rotates of registers, IMUL MUL DIV IDIV, BT BTS BTR BTC with a bit
 * number, BSF BSR.
 */
#include "accel/tcg-interp/fast.h"

/* ---- Shifts: by 1 to bits - 1 (CC_RES: src = CF, OF, AF) ------------------------------------ */

/* n is not 0. OF is defined for n = 1 only; the formulas hold for 1. */
#define SHL(bits)                                                                                  \
    uint##bits##_t r = a << n;                                                                     \
    uint64_t cf = a >> (bits - n) & 1, of = (r >> (bits - 1) & 1) ^ cf
#define SHR(bits)                                                                                  \
    uint##bits##_t r = a >> n;                                                                     \
    uint64_t cf = a >> (n - 1) & 1, of = a >> (bits - 1)
#define SAR(bits)                                                                                  \
    uint##bits##_t r = (int##bits##_t)a >> n;                                                      \
    uint64_t cf = (int##bits##_t)a >> (n - 1) & 1, of = 0
#define SHIFT_DONE(bits)                                                                           \
    RES = (int64_t)(int##bits##_t)r;                                                               \
    SRC = cf | of << 11;                                                                           \
    CC = CC_RES | LG_##bits;                                                                       \
    REG_PUT_##bits(o->d, r)
#define SHIFT(name, OP, bits)                                                                      \
    static HANDLER(h_##name##_ri_##bits)                                                           \
    {                                                                                              \
        unsigned n = o->imm;                                                                       \
        uint##bits##_t a = SLOT(o->d);                                                             \
        OP(bits);                                                                                  \
        SHIFT_DONE(bits);                                                                          \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_##name##_rcl_##bits)                                                          \
    {                                                                                              \
        unsigned n = c->r[R_RCX] & (bits - 1);                                                     \
        uint##bits##_t a = SLOT(o->d);                                                             \
        if (n) {                                                                                   \
            OP(bits);                                                                              \
            SHIFT_DONE(bits);                                                                      \
        } else {                                                                                   \
            REG_PUT_##bits(o->d, a);                                                               \
        }                                                                                          \
        NEXT(1);                                                                                   \
    }
SHIFT(shl, SHL, 32)
SHIFT(shl, SHL, 64)
SHIFT(shr, SHR, 32)
SHIFT(shr, SHR, 64)
SHIFT(sar, SAR, 32)
SHIFT(sar, SAR, 64)

/* Rotates change CF and OF only: the rest stays in the lazy result where it is there. */
#define AF_LAZY()                                                                                  \
    (((uint32_t)CC & ~3u) == CC_LOGIC ? 0 : x86_adjust(RES, SRC, (uint32_t)CC) ? FL_AF : 0)
#define SET_CF_OF(cf, of)                                                                          \
    do {                                                                                           \
        uint32_t new_ = (cf) | (uint32_t)(of) << 11;                                               \
        if (((uint32_t)CC & ~3u) == CC_FLAGS) {                                                    \
            SRC = (SRC & ~(uint64_t)(FL_CF | FL_OF)) | new_;                                       \
        } else {                                                                                   \
            SRC = AF_LAZY() | new_;                                                                \
            CC = CC_RES | (CC & 3);                                                                \
        }                                                                                          \
    } while (0)
#define ROTATE(name, bits, R, CF, OF)                                                              \
    static HANDLER(h_##name##_ri_##bits)                                                           \
    {                                                                                              \
        unsigned n = o->imm;                                                                       \
        uint##bits##_t a = SLOT(o->d), r = R;                                                      \
        bool cf = CF, of = OF;                                                                     \
        SET_CF_OF(cf, of);                                                                         \
        REG_PUT_##bits(o->d, r);                                                                   \
        NEXT(1);                                                                                   \
    }
#define ROL(bits) (a << n | a >> (bits - n))
#define ROR(bits) (a >> n | a << (bits - n))
ROTATE(rol, 32, ROL(32), r & 1, (r >> 31) ^ (r & 1))
ROTATE(rol, 64, ROL(64), r & 1, (r >> 63) ^ (r & 1))
ROTATE(ror, 32, ROR(32), r >> 31, (r >> 31 ^ r >> 30) & 1)
ROTATE(ror, 64, ROR(64), r >> 63, (r >> 63 ^ r >> 62) & 1)

bool fast_shift(struct emit *e, const struct x86_insn *i)
{
    static x86_exec_fn *const ops[5] = {op_shl, op_shr, op_sar, op_rol, op_ror};
    static x86_handler *const table[5][2][2] = {
        {{h_shl_ri_32, h_shl_ri_64}, {h_shl_rcl_32, h_shl_rcl_64}},
        {{h_shr_ri_32, h_shr_ri_64}, {h_shr_rcl_32, h_shr_rcl_64}},
        {{h_sar_ri_32, h_sar_ri_64}, {h_sar_rcl_32, h_sar_rcl_64}},
        {{h_rol_ri_32, h_rol_ri_64}, {NULL, NULL}},
        {{h_ror_ri_32, h_ror_ri_64}, {NULL, NULL}},
    };
    unsigned which = 0, size = i->op[0].size, n;
    bool cl = i->op[1].kind == OPND_REG;
    struct x86_op *o;

    while (exec_table[i->row] != ops[which])
        which++;
    if (!is_reg(i, 0) || size < 4 || !table[which][cl][0])
        return false;
    n = i->op[1].kind == OPND_ONE ? 1 : i->imm & (size * 8 - 1);
    if (!cl && !n)
        return false;
    o = emit_op(e, table[which][cl][size == 8]);
    o->d = i->op[0].reg;
    o->imm = n;
    return true;
}

/* ---- Multiplication and division ------------------------------------------------------------ */

#define IMUL_FLAGS(bits, full, r)                                                                  \
    RES = (int64_t)(int##bits##_t)(r);                                                             \
    SRC = (full) != (int##bits##_t)(r) ? FL_CF | FL_OF : 0;                                        \
    CC = CC_RES | LG_##bits
typedef __int128 int128_t;
#define IMUL(bits, wide)                                                                           \
    static HANDLER(h_imul_rr_##bits)                                                               \
    {                                                                                              \
        wide full = (wide)(int##bits##_t)SLOT(o->d) * (int##bits##_t)SLOT(o->s);                   \
        IMUL_FLAGS(bits, full, full);                                                              \
        REG_PUT_##bits(o->d, full);                                                                \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_imul_rm_##bits)                                                               \
    {                                                                                              \
        uint64_t la = ADDR_BX;                                                                     \
        HOST_R(p, la, bits / 8);                                                                   \
        wide full = (wide)(int##bits##_t)SLOT(o->d) * (int##bits##_t)LD(bits, p);                  \
        IMUL_FLAGS(bits, full, full);                                                              \
        REG_PUT_##bits(o->d, full);                                                                \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_imul_rri_##bits)                                                              \
    {                                                                                              \
        wide full = (wide)(int##bits##_t)SLOT(o->s) * o->imm;                                      \
        IMUL_FLAGS(bits, full, full);                                                              \
        REG_PUT_##bits(o->d, full);                                                                \
        NEXT(1);                                                                                   \
    }
IMUL(32, int64_t)
IMUL(64, int128_t)

bool fast_imul(struct emit *e, const struct x86_insn *i)
{
    bool q = i->op[0].size == 8;
    struct fast_addr a = {0};
    struct x86_op *o;

    if (i->nopnd < 2 || i->op[0].size < 4 || !is_reg(i, 0))
        return false;
    if (i->nopnd == 2 && i->op[1].kind != OPND_IMM) {
        if (is_mem(i, 1) && !emit_addr(e, i, &a))
            return false;
        if (is_mem(i, 1) && !a.indexed)
            a.x = SLOT_ZERO;
        o = emit_op(e, is_mem(i, 1) ? (q ? h_imul_rm_64 : h_imul_rm_32)
                                    : (q ? h_imul_rr_64 : h_imul_rr_32));
        op_addr(o, &a);
        if (!is_mem(i, 1))
            o->s = i->op[1].reg;
    } else {
        if (!is_reg(i, 1) || i->nopnd != 3 || !is_imm(i, 2))
            return false;
        o = emit_op(e, q ? h_imul_rri_64 : h_imul_rri_32);
        o->s = i->op[1].reg;
        o->imm = i->imm;
    }
    o->d = i->op[0].reg;
    return true;
}

static HANDLER(h_mul_32)
{
    uint64_t full = (uint64_t)(uint32_t)c->r[R_RAX] * (uint32_t)SLOT(o->d);

    c->r[R_RAX] = (uint32_t)full;
    c->r[R_RDX] = full >> 32;
    RES = (int64_t)(int32_t)full;
    SRC = full >> 32 ? FL_CF | FL_OF : 0;
    CC = CC_RES | LG_32;
    NEXT(1);
}

static HANDLER(h_mul_64)
{
    unsigned __int128 full = (unsigned __int128)c->r[R_RAX] * SLOT(o->d);

    c->r[R_RAX] = (uint64_t)full;
    c->r[R_RDX] = full >> 64;
    RES = (uint64_t)full;
    SRC = c->r[R_RDX] ? FL_CF | FL_OF : 0;
    CC = CC_RES | LG_64;
    NEXT(1);
}

/* Quotients that do not fit, and 128-bit dividends, are the generic operation's. Flags are
 * undefined after a division: they stay. */
static HANDLER(h_div_32)
{
    uint64_t a = (uint32_t)c->r[R_RAX] | c->r[R_RDX] << 32;
    uint32_t d = SLOT(o->d);

    if (unlikely((uint32_t)c->r[R_RDX] >= d))
        TAIL(h_cold_insn);
    c->r[R_RAX] = (uint32_t)(a / d);
    c->r[R_RDX] = (uint32_t)(a % d);
    NEXT(1);
}

static HANDLER(h_div_64)
{
    uint64_t a = c->r[R_RAX], d = SLOT(o->d);

    if (unlikely(c->r[R_RDX] || !d))
        TAIL(h_cold_insn);
    c->r[R_RAX] = a / d;
    c->r[R_RDX] = a % d;
    NEXT(1);
}

static HANDLER(h_idiv_32)
{
    int64_t a = (uint32_t)c->r[R_RAX] | c->r[R_RDX] << 32, q;
    int32_t d = SLOT(o->d);

    if (unlikely(!d || a == INT64_MIN))
        TAIL(h_cold_insn);
    q = a / d;
    if (unlikely(q != (int32_t)q))
        TAIL(h_cold_insn);
    c->r[R_RAX] = (uint32_t)q;
    c->r[R_RDX] = (uint32_t)(a % d);
    NEXT(1);
}

static HANDLER(h_idiv_64)
{
    int64_t a = c->r[R_RAX], d = SLOT(o->d);

    if (unlikely(!d || c->r[R_RDX] != (uint64_t)(a >> 63) || d == -1))
        TAIL(h_cold_insn);
    c->r[R_RAX] = a / d;
    c->r[R_RDX] = a % d;
    NEXT(1);
}

bool fast_muldiv(struct emit *e, const struct x86_insn *i)
{
    static x86_exec_fn *const ops[3] = {op_mul, op_div, op_idiv};
    static x86_handler *const table[3][2] = {
        {h_mul_32, h_mul_64}, {h_div_32, h_div_64}, {h_idiv_32, h_idiv_64}};
    const struct x86_opnd *src = &i->op[i->nopnd - 1];
    unsigned which = 0;

    while (which < 3 && exec_table[i->row] != ops[which])
        which++;
    if (which == 3 || src->kind != OPND_REG || src->size < 4)
        return false;
    emit_op(e, table[which][src->size == 8])->d = src->reg;
    return true;
}

/* ---- Bits --------------------------------------------------------------------------------- */

/* CF = the bit; the other flags stay as they are. */
#define SET_CF(v)                                                                                  \
    do {                                                                                           \
        bool cf_ = (v);                                                                            \
        bool of_ = ((uint32_t)CC & ~3u) != CC_LOGIC && x86_overflow(RES, SRC, (uint32_t)CC);       \
        SET_CF_OF(cf_, of_);                                                                       \
    } while (0)
#define BIT(name, bits, NEW)                                                                       \
    static HANDLER(h_##name##_rr_##bits)                                                           \
    {                                                                                              \
        unsigned n = SLOT(o->s) & (bits - 1);                                                      \
        uint##bits##_t a = SLOT(o->d), bit = (uint##bits##_t)1 << n;                               \
        SET_CF(a >> n & 1);                                                                        \
        NEW;                                                                                       \
        (void)bit;                                                                                 \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_##name##_ri_##bits)                                                           \
    {                                                                                              \
        unsigned n = o->imm;                                                                       \
        uint##bits##_t a = SLOT(o->d), bit = (uint##bits##_t)1 << n;                               \
        SET_CF(a >> n & 1);                                                                        \
        NEW;                                                                                       \
        (void)bit;                                                                                 \
        NEXT(1);                                                                                   \
    }
#define BITS(name, NEW) BIT(name, 32, NEW) BIT(name, 64, NEW)
BITS(bt, )
BITS(bts, SLOT(o->d) = a | bit)
BITS(btr, SLOT(o->d) = a & ~bit)
BITS(btc, SLOT(o->d) = a ^ bit)
#define BIT_ROW(name) {{h_##name##_rr_32, h_##name##_rr_64}, {h_##name##_ri_32, h_##name##_ri_64}}

bool fast_bit(struct emit *e, const struct x86_insn *i)
{
    static x86_exec_fn *const ops[4] = {op_bt, op_bts, op_btr, op_btc};
    static x86_handler *const table[4][2][2] = {BIT_ROW(bt), BIT_ROW(bts), BIT_ROW(btr),
                                                BIT_ROW(btc)};
    bool imm = i->op[1].kind == OPND_IMM;
    unsigned which = 0;
    struct x86_op *o;

    while (exec_table[i->row] != ops[which])
        which++;
    if (!is_reg(i, 0) || i->op[0].size < 4)
        return false;
    o = emit_op(e, table[which][imm][i->op[0].size == 8]);
    o->d = i->op[0].reg;
    if (imm)
        o->imm = i->imm & (i->op[0].size * 8 - 1);
    else
        o->s = i->op[1].reg;
    return true;
}

/* ZF = the source is 0, then the destination stays; the other flags are undefined. */
#define BSCAN(name, bits, R)                                                                       \
    static HANDLER(h_##name##_##bits)                                                              \
    {                                                                                              \
        uint##bits##_t a = SLOT(o->s);                                                             \
        if (unlikely(!a))                                                                          \
            TAIL(h_cold_insn);                                                                     \
        SLOT(o->d) = R;                                                                            \
        FLAGS_LOGIC(bits, a);                                                                      \
        NEXT(1);                                                                                   \
    }
BSCAN(bsf, 32, (unsigned)__builtin_ctz(a))
BSCAN(bsf, 64, (unsigned)__builtin_ctzll(a))
BSCAN(bsr, 32, 31u - (unsigned)__builtin_clz(a))
BSCAN(bsr, 64, 63u - (unsigned)__builtin_clzll(a))

bool fast_bscan(struct emit *e, const struct x86_insn *i)
{
    bool r = exec_table[i->row] == op_bsr, q = i->op[0].size == 8;
    struct x86_op *o;

    if (!is_reg(i, 1) || i->op[0].size < 4)
        return false;
    o = emit_op(e, r ? (q ? h_bsr_64 : h_bsr_32) : (q ? h_bsf_64 : h_bsf_32));
    o->d = i->op[0].reg;
    o->s = i->op[1].reg;
    return true;
}

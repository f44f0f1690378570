/* SPDX-License-Identifier: MIT */
/*
 * Fast handlers: MOV MOVZX MOVSX MOVSXD LEA XCHG BSWAP CBW/CWDE/CDQE CWD/CDQ/CQO, NOP, and the
 * ops that compute an address the other handlers have no form for.
 */
#include "accel/tcg-interp/fast.h"

/* ---- Addresses -------------------------------------------------------------------------- */

/* SLOT_EA = address (64 bits); s is the segment base's slot, SLOT_ZERO if none. */
static HANDLER(h_ea_64)
{
    c->ea = ADDR_BX + SLOT(o->s);
    NEXT(1);
}

/* The offset is cut to 32 bits, and so is the sum, outside of 64-bit mode (imm). */
static HANDLER(h_ea_32)
{
    c->ea = (uint32_t)ADDR_BX + SLOT(o->s);
    NEXT(1);
}

static HANDLER(h_ea_32_32)
{
    c->ea = (uint32_t)(ADDR_BX + SLOT(o->s));
    NEXT(1);
}

static bool segment_flat(const struct emit *e, unsigned seg)
{
    switch (seg) {
    case S_FS:
        return e->mode & M_FLAT_FS;
    case S_GS:
        return e->mode & M_FLAT_GS;
    case S_CS:
        return false;
    default:
        return e->mode & M_FLAT_DS;
    }
}

bool emit_addr(struct emit *e, const struct x86_insn *i, struct fast_addr *a)
{
    bool m64 = (e->mode & M_MODE) == X86_MODE_64, seg = i->seg == S_FS || i->seg == S_GS;
    uint8_t base = i->base, x = i->index | i->scale << 6;
    int64_t disp = i->disp;
    struct x86_op *o;

    if (!segment_flat(e, i->seg) || i->addrsize == 2)
        return false;
    if (base == SLOT_RIP) {
        disp += e->pgoff + i->len;
        if (disp != (int32_t)disp || i->addrsize != 8)
            return false;
    }
    *a = (struct fast_addr){.indexed = i->index != SLOT_ZERO, .b = base, .x = x, .disp = disp};
    if (m64 && i->addrsize == 8 && !seg)
        return true;
    if (m64 && i->addrsize == 8 && !a->indexed) { /* the segment base stands in for an index */
        a->indexed = true;
        a->x = SLOT_SEG + i->seg;
        return true;
    }
    o = emit_op(e, !m64 ? h_ea_32_32 : i->addrsize == 8 ? h_ea_64 : h_ea_32);
    op_addr(o, a);
    o->s = seg ? SLOT_SEG + i->seg : SLOT_ZERO;
    *a = (struct fast_addr){.b = SLOT_EA};
    return true;
}

/* ---- MOV -------------------------------------------------------------------------------- */

#define MOV_BITS(bits)                                                                             \
    static HANDLER(h_mov_rr_##bits)                                                                \
    {                                                                                              \
        REG_PUT_##bits(o->d, SLOT(o->s));                                                          \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_mov_ri_##bits)                                                                \
    {                                                                                              \
        REG_PUT_##bits(o->d, (int64_t)o->imm);                                                     \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_mov_rbd_##bits)                                                               \
    {                                                                                              \
        uint64_t la = ADDR_BD;                                                                     \
        HOST_R(p, la, bits / 8);                                                                   \
        REG_PUT_##bits(o->d, LD(bits, p));                                                         \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_mov_rbx_##bits)                                                               \
    {                                                                                              \
        uint64_t la = ADDR_BX;                                                                     \
        HOST_R(p, la, bits / 8);                                                                   \
        REG_PUT_##bits(o->d, LD(bits, p));                                                         \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_mov_bdr_##bits)                                                               \
    {                                                                                              \
        uint64_t la = ADDR_BD;                                                                     \
        HOST_W(p, la, bits / 8);                                                                   \
        ST(bits, p, SLOT(o->s));                                                                   \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_mov_bxr_##bits)                                                               \
    {                                                                                              \
        uint64_t la = ADDR_BX;                                                                     \
        HOST_W(p, la, bits / 8);                                                                   \
        ST(bits, p, SLOT(o->s));                                                                   \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_mov_bdi_##bits)                                                               \
    {                                                                                              \
        uint64_t la = ADDR_BD;                                                                     \
        HOST_W(p, la, bits / 8);                                                                   \
        ST(bits, p, (int64_t)o->imm);                                                              \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_mov_bxi_##bits)                                                               \
    {                                                                                              \
        uint64_t la = ADDR_BX;                                                                     \
        HOST_W(p, la, bits / 8);                                                                   \
        ST(bits, p, (int64_t)o->imm);                                                              \
        NEXT(1);                                                                                   \
    }
MOV_BITS(8)
MOV_BITS(16)
MOV_BITS(32)
MOV_BITS(64)

static HANDLER(h_mov_ri_imm64)
{
    SLOT(o->d) = *(const uint64_t *)(o + 1);
    NEXT(2);
}

enum { F_RR, F_RI, F_RBD, F_RBX, F_BDR, F_BXR, F_BDI, F_BXI, F_COUNT };
static x86_handler *const mov_table[F_COUNT][4] = {
    ROW4(h_mov_rr_), ROW4(h_mov_ri_), ROW4(h_mov_rbd_), ROW4(h_mov_rbx_),
    ROW4(h_mov_bdr_), ROW4(h_mov_bxr_), ROW4(h_mov_bdi_), ROW4(h_mov_bxi_),
};

bool fast_mov(struct emit *e, const struct x86_insn *i)
{
    unsigned lg = size_lg(i->op[0].size), form;
    struct fast_addr a = {0};
    struct x86_op *o;

    if (is_mem(i, 0) || is_mem(i, 1)) {
        if ((i->opcode & 0xfc) == 0xa0) /* moffs: the address is in imm */
            return false;
        if (!(is_mem(i, 0) ? is_reg(i, 1) || is_imm(i, 1) : is_reg(i, 0)) || !emit_addr(e, i, &a))
            return false;
        form = (is_mem(i, 1) ? F_RBD : is_reg(i, 1) ? F_BDR : F_BDI) + a.indexed;
    } else if (is_reg(i, 0) && is_reg(i, 1)) {
        form = F_RR;
    } else if (is_reg(i, 0) && i->op[1].kind == OPND_IMM) {
        form = F_RI;
    } else {
        return false;
    }
    if (form == F_RI && lg == 3 && i->imm != (int32_t)i->imm) {
        o = emit_op(e, h_mov_ri_imm64);
        o->d = i->op[0].reg;
        *(uint64_t *)e->op++ = i->imm;
        return true;
    }
    o = emit_op(e, mov_table[form][lg]);
    op_addr(o, &a);
    if (is_reg(i, 0))
        o->d = i->op[0].reg;
    if (is_reg(i, 1))
        o->s = i->op[1].reg;
    else if (i->op[1].kind == OPND_IMM)
        o->imm = (int32_t)i->imm;
    return true;
}

/* ---- MOVZX, MOVSX, MOVSXD: to 32 bits (zero above) or 64 ----------------------------------- */

#define MOVX(name, from, T, to)                                                                    \
    static HANDLER(h_##name##_rr_##from##_##to)                                                    \
    {                                                                                              \
        SLOT(o->d) = (uint##to##_t)(T)SLOT(o->s);                                                  \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_##name##_rbd_##from##_##to)                                                   \
    {                                                                                              \
        uint64_t la = ADDR_BD;                                                                     \
        HOST_R(p, la, from / 8);                                                                   \
        SLOT(o->d) = (uint##to##_t)(T)LD(from, p);                                                 \
        NEXT(1);                                                                                   \
    }                                                                                              \
    static HANDLER(h_##name##_rbx_##from##_##to)                                                   \
    {                                                                                              \
        uint64_t la = ADDR_BX;                                                                     \
        HOST_R(p, la, from / 8);                                                                   \
        SLOT(o->d) = (uint##to##_t)(T)LD(from, p);                                                 \
        NEXT(1);                                                                                   \
    }
MOVX(movzx, 8, uint8_t, 32)
MOVX(movzx, 16, uint16_t, 32)
MOVX(movsx, 8, int8_t, 32)
MOVX(movsx, 8, int8_t, 64)
MOVX(movsx, 16, int16_t, 32)
MOVX(movsx, 16, int16_t, 64)
MOVX(movsx, 32, int32_t, 64)

static HANDLER(h_movzx_hr_32) /* from AH, CH, DH, BH */
{
    SLOT(o->d) = (uint8_t)(SLOT(o->s) >> 8);
    NEXT(1);
}

#define MOVX_ROW(name, from, to)                                                                   \
    {h_##name##_rr_##from##_##to, h_##name##_rbd_##from##_##to, h_##name##_rbx_##from##_##to}

bool fast_movx(struct emit *e, const struct x86_insn *i)
{
    static x86_handler *const zx[2][3] = {MOVX_ROW(movzx, 8, 32), MOVX_ROW(movzx, 16, 32)};
    static x86_handler *const sx[3][2][3] = {
        {MOVX_ROW(movsx, 8, 32), MOVX_ROW(movsx, 8, 64)},
        {MOVX_ROW(movsx, 16, 32), MOVX_ROW(movsx, 16, 64)},
        {{NULL, NULL, NULL}, MOVX_ROW(movsx, 32, 64)},
    };
    unsigned from = size_lg(i->op[1].size), form = 0;
    bool zero = exec_table[i->row] == op_movzx;
    struct fast_addr a = {0};
    x86_handler *const *row;
    struct x86_op *o;

    if (i->op[0].size < 4 || from > 2)
        return false;
    row = zero ? zx[from & 1] : sx[from][i->op[0].size == 8];
    if (!row[0] || (zero && from > 1))
        return false;
    if (zero && from == 0 && i->op[1].kind == OPND_REGH) {
        o = emit_op(e, h_movzx_hr_32);
        o->d = i->op[0].reg;
        o->s = i->op[1].reg;
        return true;
    }
    if (is_mem(i, 1)) {
        if (!emit_addr(e, i, &a))
            return false;
        form = 1 + a.indexed;
    } else if (!is_reg(i, 1)) {
        return false;
    }
    o = emit_op(e, row[form]);
    op_addr(o, &a);
    o->d = i->op[0].reg;
    if (!form)
        o->s = i->op[1].reg;
    return true;
}

/* ---- LEA -------------------------------------------------------------------------------- */

static HANDLER(h_lea_bd_64)
{
    SLOT(o->d) = ADDR_BD;
    NEXT(1);
}

static HANDLER(h_lea_bx_64)
{
    SLOT(o->d) = ADDR_BX;
    NEXT(1);
}

static HANDLER(h_lea_32) /* either size is 32 bits */
{
    SLOT(o->d) = (uint32_t)ADDR_BX;
    NEXT(1);
}

bool fast_lea(struct emit *e, const struct x86_insn *i)
{
    int64_t disp = i->disp;
    struct x86_op *o;

    if (i->addrsize == 2 || i->op[0].size == 2)
        return false;
    if (i->base == SLOT_RIP) {
        disp += e->pgoff + i->len;
        if (disp != (int32_t)disp || i->addrsize != 8)
            return false;
    }
    o = emit_op(e, i->op[0].size == 4 || i->addrsize == 4 ? h_lea_32
                   : i->index == SLOT_ZERO                ? h_lea_bd_64
                                                          : h_lea_bx_64);
    o->d = i->op[0].reg;
    o->b = i->base;
    o->x = i->index | i->scale << 6;
    o->disp = disp;
    return true;
}

/* ---- Registers only ----------------------------------------------------------------------- */

static HANDLER(h_xchg_rr_32)
{
    uint32_t v = SLOT(o->d);

    SLOT(o->d) = (uint32_t)SLOT(o->s);
    SLOT(o->s) = v;
    NEXT(1);
}

static HANDLER(h_xchg_rr_64)
{
    uint64_t v = SLOT(o->d);

    SLOT(o->d) = SLOT(o->s);
    SLOT(o->s) = v;
    NEXT(1);
}

bool fast_xchg(struct emit *e, const struct x86_insn *i)
{
    struct x86_op *o;

    if (!is_reg(i, 0) || !is_reg(i, 1) || i->op[0].size < 4)
        return false;
    o = emit_op(e, i->op[0].size == 4 ? h_xchg_rr_32 : h_xchg_rr_64);
    o->d = i->op[0].reg;
    o->s = i->op[1].reg;
    return true;
}

static HANDLER(h_bswap_32)
{
    SLOT(o->d) = __builtin_bswap32(SLOT(o->d));
    NEXT(1);
}

static HANDLER(h_bswap_64)
{
    SLOT(o->d) = __builtin_bswap64(SLOT(o->d));
    NEXT(1);
}

bool fast_bswap(struct emit *e, const struct x86_insn *i)
{
    if (i->op[0].size < 4)
        return false;
    emit_op(e, i->op[0].size == 4 ? h_bswap_32 : h_bswap_64)->d = i->op[0].reg;
    return true;
}

static HANDLER(h_cwde)
{
    c->r[R_RAX] = (uint32_t)(int16_t)c->r[R_RAX];
    NEXT(1);
}

static HANDLER(h_cdqe)
{
    c->r[R_RAX] = (int64_t)(int32_t)c->r[R_RAX];
    NEXT(1);
}

static HANDLER(h_cdq)
{
    c->r[R_RDX] = (uint32_t)((int32_t)c->r[R_RAX] >> 31);
    NEXT(1);
}

static HANDLER(h_cqo)
{
    c->r[R_RDX] = (int64_t)c->r[R_RAX] >> 63;
    NEXT(1);
}

bool fast_cbw(struct emit *e, const struct x86_insn *i)
{
    if (i->opsize == 2)
        return false;
    emit_op(e, i->opsize == 4 ? h_cwde : h_cdqe);
    return true;
}

bool fast_cwd(struct emit *e, const struct x86_insn *i)
{
    if (i->opsize == 2)
        return false;
    emit_op(e, i->opsize == 4 ? h_cdq : h_cqo);
    return true;
}

static HANDLER(h_nop)
{
    NEXT(1);
}

bool fast_nop(struct emit *e, const struct x86_insn *i)
{
    emit_op(e, h_nop);
    return true;
}

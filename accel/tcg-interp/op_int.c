/* SPDX-License-Identifier: MIT */
/*
 * Integer arithmetic, logic and data movement, in all sizes and forms.
 * Intel SDM vol. 2; undefined flags as noted at each operation.
 */
#include "accel/tcg-interp/ops.h"

/* ---- ADD ... CMP ---------------------------------------------------------------------- */

static struct op_result rmw_add(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    uint64_t r = a + b;

    return (struct op_result){r, x86_sext(r, size), x86_sext(b, size), x86_cc(CC_ADD, size)};
}

static struct op_result rmw_adc(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    unsigned carry = x86_carry(c->f_res, c->f_src, c->f_cc);
    uint64_t r = a + b + carry;

    return (struct op_result){r, x86_sext(r, size), x86_sext(b, size),
                              x86_cc(carry ? CC_ADC : CC_ADD, size)};
}

static struct op_result rmw_sub(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    uint64_t r = a - b;

    return (struct op_result){r, x86_sext(r, size), x86_sext(b, size), x86_cc(CC_SUB, size)};
}

static struct op_result rmw_sbb(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    unsigned carry = x86_carry(c->f_res, c->f_src, c->f_cc);
    uint64_t r = a - b - carry;

    return (struct op_result){r, x86_sext(r, size), x86_sext(b, size),
                              x86_cc(carry ? CC_SBB : CC_SUB, size)};
}

static struct op_result logic(uint64_t r, unsigned size)
{
    return (struct op_result){r, x86_sext(r, size), 0, x86_cc(CC_LOGIC, size)};
}

static struct op_result rmw_and(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    return logic(a & b, size);
}

static struct op_result rmw_or(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    return logic(a | b, size);
}

static struct op_result rmw_xor(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    return logic(a ^ b, size);
}

#define OP_BINARY(name)                                                                            \
    OP(name)                                                                                       \
    {                                                                                              \
        op_rmw(c, i, x86_get(c, i, 1), rmw_##name);                                                \
    }
OP_BINARY(add)
OP_BINARY(adc)
OP_BINARY(sub)
OP_BINARY(sbb)
OP_BINARY(and)
OP_BINARY(or)
OP_BINARY(xor)

OP(cmp)
{
    uint64_t a = x86_get(c, i, 0);
    struct op_result r = rmw_sub(c, a, x86_get(c, i, 1), i->op[0].size);

    x86_flags_set(c, r.res, r.src, r.cc);
}

OP(test)
{
    uint64_t a = x86_get(c, i, 0);
    struct op_result r = logic(a & x86_get(c, i, 1), i->op[0].size);

    x86_flags_set(c, r.res, r.src, r.cc);
}

/* ---- INC, DEC, NEG, NOT ---------------------------------------------------------------- */

static struct op_result rmw_inc(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    return (struct op_result){a + 1, x86_sext(a + 1, size),
                              x86_carry(c->f_res, c->f_src, c->f_cc), x86_cc(CC_INC, size)};
}

static struct op_result rmw_dec(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    return (struct op_result){a - 1, x86_sext(a - 1, size),
                              x86_carry(c->f_res, c->f_src, c->f_cc), x86_cc(CC_DEC, size)};
}

static struct op_result rmw_neg(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    return rmw_sub(c, 0, a, size);
}

static struct op_result rmw_not(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    return (struct op_result){~a, c->f_res, c->f_src, c->f_cc}; /* no flags */
}

#define OP_UNARY(name)                                                                             \
    OP(name)                                                                                       \
    {                                                                                              \
        op_rmw(c, i, 0, rmw_##name);                                                               \
    }
OP_UNARY(inc)
OP_UNARY(dec)
OP_UNARY(neg)
OP_UNARY(not)

/* ---- MUL, DIV -------------------------------------------------------------------------- */

static uint64_t acc_get(const struct x86_cpu *c, unsigned reg, unsigned size)
{
    return c->r[reg] & x86_mask(size);
}

static void acc_put(struct x86_cpu *c, unsigned reg, unsigned size, uint64_t v)
{
    if (size >= 4)
        c->r[reg] = v & x86_mask(size);
    else
        c->r[reg] = (c->r[reg] & ~x86_mask(size)) | (v & x86_mask(size));
}

/* Low and high half to xDX:xAX, or to AX for bytes. */
static void wide_put(struct x86_cpu *c, unsigned size, uint64_t lo, uint64_t hi)
{
    if (size == 1) {
        acc_put(c, R_RAX, 2, (lo & 0xff) | hi << 8);
    } else {
        acc_put(c, R_RAX, size, lo);
        acc_put(c, R_RDX, size, hi);
    }
}

/* CF = OF = the product does not fit; SF from the low half; ZF, AF, PF are undefined. */
static void mul_flags(struct x86_cpu *c, uint64_t lo, unsigned size, bool overflow)
{
    x86_flags_set(c, x86_sext(lo, size), overflow ? FL_CF | FL_OF : 0, x86_cc(CC_RES, size));
}

OP(mul)
{
    unsigned n = i->nopnd - 1, size = i->op[n].size;
    unsigned __int128 p = (unsigned __int128)acc_get(c, R_RAX, size) * x86_get(c, i, n);
    uint64_t hi = (uint64_t)(p >> (size * 8)) & x86_mask(size);

    wide_put(c, size, p, hi);
    mul_flags(c, p, size, hi != 0);
}

static __int128 signed_product(uint64_t a, uint64_t b, unsigned size, bool *overflow)
{
    __int128 p = (__int128)x86_sext(a, size) * x86_sext(b, size);

    *overflow = p != (__int128)x86_sext((uint64_t)p, size);
    return p;
}

OP(imul)
{
    unsigned size = i->op[0].size;
    bool overflow;
    __int128 p;

    if (i->nopnd >= 2) {
        unsigned last = i->nopnd - 1;

        p = signed_product(x86_get(c, i, last - 1), x86_get(c, i, last), size, &overflow);
        x86_put(c, i, 0, p);
    } else {
        p = signed_product(acc_get(c, R_RAX, size), x86_get(c, i, 0), size, &overflow);
        wide_put(c, size, p, (uint64_t)(p >> (size * 8)) & x86_mask(size));
    }
    mul_flags(c, p, size, overflow);
}

static unsigned __int128 wide_get(const struct x86_cpu *c, unsigned size)
{
    if (size == 1)
        return c->r[R_RAX] & 0xffff;
    return (unsigned __int128)acc_get(c, R_RDX, size) << (size * 8) | acc_get(c, R_RAX, size);
}

OP(div)
{
    unsigned n = i->nopnd - 1, size = i->op[n].size;
    uint64_t d = x86_get(c, i, n);
    unsigned __int128 a = wide_get(c, size), q;

    if (!d)
        x86_raise(c, EXC_DE);
    q = a / d;
    if (q > x86_mask(size))
        x86_raise(c, EXC_DE);
    wide_put(c, size, q, (uint64_t)(a % d) & x86_mask(size));
}

OP(idiv)
{
    unsigned n = i->nopnd - 1, size = i->op[n].size, sh = 128 - size * 16;
    int64_t d = x86_sext(x86_get(c, i, n), size);
    __int128 a = (__int128)(wide_get(c, size) << sh) >> sh, q;

    if (!d)
        x86_raise(c, EXC_DE);
    if (d == -1) { /* the host's division of the most negative number would overflow */
        if ((unsigned __int128)a == (unsigned __int128)1 << 127)
            x86_raise(c, EXC_DE);
        q = -a;
    } else {
        q = a / d;
    }
    if (q != (__int128)x86_sext((uint64_t)q, size))
        x86_raise(c, EXC_DE);
    wide_put(c, size, q, (uint64_t)(a - q * d) & x86_mask(size));
}

/* ---- Moves ----------------------------------------------------------------------------- */

OP(mov)
{
    unsigned size = i->op[0].size;
    uint64_t la;

    if (i->opcode >= 0xa0 && i->opcode <= 0xa3) { /* moffs: the offset is in imm */
        bool load = i->opcode < 0xa2;

        la = x86_seg_lin(c, i->seg, (uint64_t)i->imm & x86_mask(i->addrsize), size,
                         load ? ACC_READ : ACC_WRITE, size);
        if (load)
            acc_put(c, R_RAX, size, x86_lin_read(c, la, size));
        else
            x86_lin_write(c, la, size, acc_get(c, R_RAX, size));
    } else {
        x86_put(c, i, 0, x86_get(c, i, 1));
    }
}

OP(movbe)
{
    x86_put(c, i, 0, __builtin_bswap64(x86_get(c, i, 1)) >> (64 - i->op[0].size * 8));
}

OP(movzx)
{
    x86_put(c, i, 0, x86_get(c, i, 1));
}

OP(movsx)
{
    x86_put(c, i, 0, x86_sext(x86_get(c, i, 1), i->op[1].size));
}

OP(movsxd)
{
    op_movsx(c, i);
}

OP(lea)
{
    x86_put(c, i, 0, x86_ea(c, i));
}

OP(xchg)
{
    unsigned m = i->op[1].kind == OPND_MEM, r = !m;
    uint64_t v = x86_get(c, i, r), old;

    if (i->op[m].kind == OPND_MEM) { /* always locked */
        unsigned size = i->op[m].size;
        uint64_t la = x86_opnd_lin(c, i, size, ACC_WRITE);

        x86_lin_probe(c, la, size, ACC_WRITE);
        old = x86_lin_read(c, la, size);
        while (!x86_lin_cmpxchg(c, la, size, &old, v))
            ;
    } else {
        old = x86_get(c, i, m);
        x86_put(c, i, m, v);
    }
    x86_put(c, i, r, old);
}

OP(xadd)
{
    uint64_t b = x86_get(c, i, 1), old;

    if (i->op[0].kind != OPND_MEM) { /* the sum is written last: XADD r, r */
        struct op_result r;

        old = x86_get(c, i, 0);
        r = rmw_add(c, old, b, i->op[0].size);
        x86_put(c, i, 1, old);
        x86_put(c, i, 0, r.value);
        x86_flags_set(c, r.res, r.src, r.cc);
    } else {
        old = op_rmw(c, i, b, rmw_add);
        x86_put(c, i, 1, old);
    }
}

OP(cmpxchg)
{
    unsigned size = i->op[0].size;
    uint64_t want = acc_get(c, R_RAX, size), v = x86_get(c, i, 1), old;
    struct op_result r;

    if (i->op[0].kind == OPND_MEM && (i->prefix & PFX_LOCK)) {
        uint64_t la = x86_opnd_lin(c, i, size, ACC_WRITE);

        x86_lin_probe(c, la, size, ACC_WRITE);
        old = want;
        x86_lin_cmpxchg(c, la, size, &old, v);
    } else {
        old = x86_get_rw(c, i, 0);
        if (old == want)
            x86_put(c, i, 0, v);
        else if (i->op[0].kind == OPND_MEM)
            x86_put(c, i, 0, old); /* the write cycle happens either way */
    }
    r = rmw_sub(c, want, old, size);
    if (old != want)
        acc_put(c, R_RAX, size, old);
    x86_flags_set(c, r.res, r.src, r.cc);
}

/* CMPXCHG8B and, with REX.W, CMPXCHG16B. Only ZF changes. */
OP(cmpxchg8b)
{
    unsigned half = i->rex & 8 ? 8 : 4;
    uint64_t la = x86_seg_lin(c, i->seg, x86_ea(c, i), half * 2, ACC_WRITE, 0);
    uint32_t flags = x86_flags_arith(c) & ~FL_ZF;
    uint64_t was[2] = {acc_get(c, R_RAX, half), acc_get(c, R_RDX, half)};
    bool same;

    if (half == 8) {
        uint64_t now[2] = {c->r[R_RBX], c->r[R_RCX]};

        if (la & 15)
            x86_gp(c, 0);
        x86_lin_probe(c, la, 16, ACC_WRITE);
        same = x86_lin_cmpxchg16(c, la, was, now);
    } else {
        uint64_t old = was[0] | was[1] << 32;

        x86_lin_probe(c, la, 8, ACC_WRITE);
        same = x86_lin_cmpxchg(c, la, 8, &old, acc_get(c, R_RBX, 4) | acc_get(c, R_RCX, 4) << 32);
        was[0] = old & 0xffffffff;
        was[1] = old >> 32;
    }
    if (!same) {
        acc_put(c, R_RAX, half, was[0]);
        acc_put(c, R_RDX, half, was[1]);
    }
    x86_set_arith(c, flags | (same ? FL_ZF : 0));
}

OP(cmpxchg16b)
{
    op_cmpxchg8b(c, i);
}

OP(bswap)
{
    unsigned size = i->op[0].size;

    /* 16-bit BSWAP is undefined; processors clear the low word. */
    x86_put(c, i, 0, size == 2 ? 0 : __builtin_bswap64(x86_get(c, i, 0)) >> (64 - size * 8));
}

OP(cbw)
{
    acc_put(c, R_RAX, i->opsize, x86_sext(c->r[R_RAX], i->opsize / 2));
}

OP(cwd)
{
    acc_put(c, R_RDX, i->opsize, x86_sext(c->r[R_RAX], i->opsize) < 0 ? ~0ull : 0);
}

OP(cmovcc)
{
    uint64_t v = x86_get(c, i, 1); /* read, and faulted on, whatever the condition */

    x86_put(c, i, 0, x86_cond(c, i->opcode & 15) ? v : x86_get(c, i, 0));
}

OP(setcc)
{
    x86_put(c, i, 0, x86_cond(c, i->opcode & 15));
}

OP(xlat)
{
    uint64_t off = (c->r[R_RBX] + (c->r[R_RAX] & 0xff)) & x86_mask(i->addrsize);

    acc_put(c, R_RAX, 1, x86_lin_read(c, x86_seg_lin(c, i->seg, off, 1, ACC_READ, 1), 1));
}

OP(nop)
{
}

OP(ud)
{
    x86_ud(c);
}

/* ---- Flags ----------------------------------------------------------------------------- */

OP(clc)
{
    x86_set_arith(c, x86_flags_arith(c) & ~FL_CF);
}

OP(stc)
{
    x86_set_arith(c, x86_flags_arith(c) | FL_CF);
}

OP(cmc)
{
    x86_set_arith(c, x86_flags_arith(c) ^ FL_CF);
}

OP(cld)
{
    c->eflags &= ~FL_DF;
}

OP(std)
{
    c->eflags |= FL_DF;
}

OP(lahf)
{
    c->r[R_RAX] = (c->r[R_RAX] & ~0xff00ull) | (x86_rflags(c) & 0xff) << 8;
}

OP(sahf)
{
    uint32_t low = FL_SF | FL_ZF | FL_AF | FL_PF | FL_CF;

    x86_set_arith(c, (x86_flags_arith(c) & FL_OF) | (c->r[R_RAX] >> 8 & low));
}

OP(salc)
{
    acc_put(c, R_RAX, 1, x86_carry(c->f_res, c->f_src, c->f_cc) ? 0xff : 0);
}

/* ---- Decimal adjustment (SDM vol. 2, each instruction's Operation) ----------------------- */

static void bcd_adjust(struct x86_cpu *c, bool subtract)
{
    uint32_t fl = x86_flags_arith(c);
    uint8_t old = c->r[R_RAX], al = old;
    bool old_cf = fl & FL_CF, cf = false, af = false;

    if ((old & 15) > 9 || (fl & FL_AF)) {
        cf = old_cf || (subtract ? old < 6 : old > 0xf9);
        al = subtract ? al - 6 : al + 6;
        af = true;
    }
    if (old > 0x99 || old_cf) {
        al = subtract ? al - 0x60 : al + 0x60;
        cf = true;
    }
    acc_put(c, R_RAX, 1, al);
    x86_set_arith(c, x86_szp((int8_t)al) | (cf ? FL_CF : 0) | (af ? FL_AF : 0));
}

OP(daa)
{
    bcd_adjust(c, false);
}

OP(das)
{
    bcd_adjust(c, true);
}

static void ascii_adjust(struct x86_cpu *c, int delta)
{
    uint16_t ax = c->r[R_RAX];
    bool adjust = (ax & 15) > 9 || (x86_flags_arith(c) & FL_AF);

    if (adjust)
        ax += delta;
    ax &= 0xff0f;
    acc_put(c, R_RAX, 2, ax);
    x86_set_arith(c, x86_szp((int8_t)ax) | (adjust ? FL_CF | FL_AF : 0));
}

OP(aaa)
{
    ascii_adjust(c, 0x106);
}

OP(aas)
{
    ascii_adjust(c, -0x106);
}

OP(aam)
{
    uint8_t base = i->imm, al = c->r[R_RAX];

    if (!base)
        x86_raise(c, EXC_DE);
    acc_put(c, R_RAX, 2, (al / base) << 8 | al % base);
    x86_flags_set(c, (int8_t)(al % base), 0, x86_cc(CC_LOGIC, 1));
}

OP(aad)
{
    uint8_t al = (uint8_t)c->r[R_RAX] + (uint8_t)(c->r[R_RAX] >> 8) * (uint8_t)i->imm;

    acc_put(c, R_RAX, 2, al);
    x86_flags_set(c, (int8_t)al, 0, x86_cc(CC_LOGIC, 1));
}

/* ---- BOUND, ARPL ------------------------------------------------------------------------ */

OP(bound)
{
    unsigned size = i->opsize;
    uint64_t la = x86_seg_lin(c, i->seg, x86_ea(c, i), size * 2, ACC_READ, size);
    int64_t v = x86_sext(x86_get(c, i, 0), size);
    int64_t lower = x86_sext(x86_lin_read(c, la, size), size);
    int64_t upper = x86_sext(x86_lin_read(c, la + size, size), size);

    if (v < lower || v > upper)
        x86_raise(c, EXC_BR);
}

OP(arpl)
{
    uint32_t flags;
    uint64_t dst, src;

    if (!c->pe || c->vm86)
        x86_ud(c);
    flags = x86_flags_arith(c) & ~FL_ZF;
    dst = x86_get_rw(c, i, 0);
    src = x86_get(c, i, 1);
    if ((dst & 3) < (src & 3)) {
        x86_put(c, i, 0, (dst & ~3ull) | (src & 3));
        flags |= FL_ZF;
    }
    x86_set_arith(c, flags);
}

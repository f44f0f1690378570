/* SPDX-License-Identifier: MIT */
/*
 * Shifts and rotates. Intel SDM vol. 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD.
 *
 * Counts are masked to 5 bits (6 with 64-bit operands); a masked count of 0 changes no flag.
 * OF is defined for a count of 1 only; for others the same formula is used, as processors do.
 * AF is undefined (0 here) after shifts.
 */
#include "accel/tcg-interp/ops.h"

static unsigned count_masked(uint64_t b, unsigned size)
{
    return b & (size == 8 ? 63 : 31);
}

static struct op_result unchanged(const struct x86_cpu *c, uint64_t a)
{
    return (struct op_result){a, c->f_res, c->f_src, c->f_cc};
}

static struct op_result shifted(uint64_t r, unsigned size, bool cf, bool of)
{
    return (struct op_result){r, x86_sext(r, size), (cf ? FL_CF : 0) | (of ? FL_OF : 0),
                              x86_cc(CC_RES, size)};
}

/* Rotates leave SF, ZF, AF and PF alone. */
static struct op_result rotated(const struct x86_cpu *c, uint64_t r, bool cf, bool of)
{
    uint32_t rest = x86_flags_arith(c) & ~(FL_CF | FL_OF);

    return (struct op_result){r, 0, rest | (cf ? FL_CF : 0) | (of ? FL_OF : 0), CC_FLAGS};
}

static bool msb(uint64_t v, unsigned size)
{
    return v >> (size * 8 - 1) & 1;
}

static struct op_result rmw_shl(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    unsigned n = count_masked(b, size);
    bool cf;

    if (!n)
        return unchanged(c, a);
    cf = size == 8 ? a >> (64 - n) & 1 : a << n >> (size * 8) & 1;
    return shifted(a << n, size, cf, msb(a << n, size) != cf);
}

static struct op_result rmw_shr(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    unsigned n = count_masked(b, size);

    if (!n)
        return unchanged(c, a);
    return shifted(a >> n, size, a >> (n - 1) & 1, n == 1 && msb(a, size));
}

static struct op_result rmw_sar(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    unsigned n = count_masked(b, size);
    int64_t v = x86_sext(a, size);

    if (!n)
        return unchanged(c, a);
    return shifted(v >> n, size, v >> (n - 1) & 1, false);
}

static struct op_result rmw_rol(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    unsigned bits = size * 8, m = count_masked(b, size), n = m & (bits - 1);
    uint64_t r = n ? (a << n | a >> (bits - n)) & x86_mask(size) : a;

    if (!m)
        return unchanged(c, a);
    return rotated(c, r, r & 1, msb(r, size) != (r & 1));
}

static struct op_result rmw_ror(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    unsigned bits = size * 8, m = count_masked(b, size), n = m & (bits - 1);
    uint64_t r = n ? (a >> n | a << (bits - n)) & x86_mask(size) : a;

    if (!m)
        return unchanged(c, a);
    return rotated(c, r, msb(r, size), msb(r, size) != msb(r << 1 & x86_mask(size), size));
}

/* Rotation of the size * 8 + 1 bits CF:a to the left by n (less than that). */
static uint64_t rotate_carry(uint64_t a, bool *carry, unsigned bits, unsigned n)
{
    unsigned __int128 v = (unsigned __int128)*carry << bits | a;
    unsigned __int128 mask = ((unsigned __int128)1 << (bits + 1)) - 1;

    if (n)
        v = (v << n | v >> (bits + 1 - n)) & mask;
    *carry = v >> bits & 1;
    return (uint64_t)(v & (mask >> 1));
}

static struct op_result rmw_rcl(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    unsigned bits = size * 8, n = count_masked(b, size) % (bits + 1);
    bool cf = x86_carry(c->f_res, c->f_src, c->f_cc);
    uint64_t r;

    if (!n)
        return unchanged(c, a);
    r = rotate_carry(a, &cf, bits, n);
    return rotated(c, r, cf, msb(r, size) != cf);
}

static struct op_result rmw_rcr(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size)
{
    unsigned bits = size * 8, n = count_masked(b, size) % (bits + 1);
    bool cf = x86_carry(c->f_res, c->f_src, c->f_cc);
    uint64_t r;

    if (!n)
        return unchanged(c, a);
    r = rotate_carry(a, &cf, bits, bits + 1 - n);
    return rotated(c, r, cf, msb(r, size) != msb(r << 1 & x86_mask(size), size));
}

#define OP_SHIFT(name)                                                                             \
    OP(name)                                                                                       \
    {                                                                                              \
        op_rmw(c, i, x86_get(c, i, 1), rmw_##name);                                                \
    }
OP_SHIFT(shl)
OP_SHIFT(shr)
OP_SHIFT(sar)
OP_SHIFT(rol)
OP_SHIFT(ror)
OP_SHIFT(rcl)
OP_SHIFT(rcr)

/* ---- SHLD, SHRD ------------------------------------------------------------------------ */

static void shift_double(struct x86_cpu *c, const struct x86_insn *i, bool left)
{
    unsigned size = i->op[0].size, bits = size * 8;
    unsigned n = count_masked(x86_get(c, i, 2), size);
    uint64_t fill = x86_get(c, i, 1), a = x86_get_rw(c, i, 0), r;
    unsigned __int128 v;
    bool cf;

    if (!n) {
        x86_put(c, i, 0, a);
        return;
    }
    if (left) {
        /* a : fill (: a, for 16-bit operands and counts over 16) from the top of 128 bits */
        v = (unsigned __int128)a << (128 - bits) | (unsigned __int128)fill << (128 - 2 * bits);
        if (size == 2)
            v |= (unsigned __int128)a << (128 - 3 * bits);
        cf = v >> (128 - n) & 1;
        r = (uint64_t)(v << n >> (128 - bits));
    } else {
        v = (unsigned __int128)fill << bits | a;
        if (size == 2)
            v |= (unsigned __int128)a << (2 * bits);
        cf = v >> (n - 1) & 1;
        r = (uint64_t)(v >> n) & x86_mask(size);
    }
    x86_put(c, i, 0, r);
    x86_flags_set(c, x86_sext(r, size),
                  (cf ? FL_CF : 0) | (msb(a, size) != msb(r, size) ? FL_OF : 0),
                  x86_cc(CC_RES, size));
}

OP(shld)
{
    shift_double(c, i, true);
}

OP(shrd)
{
    shift_double(c, i, false);
}

/* SPDX-License-Identifier: MIT */
/*
 * Bit instructions: BT and family, scans, POPCNT, CRC32. Intel SDM vol. 2.
 */
#include "accel/tcg-interp/ops.h"

/* ---- BT, BTS, BTR, BTC: CF is the bit; ZF unchanged; the rest are undefined (unchanged) -- */

enum bit_op { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

static uint64_t bit_apply(enum bit_op op, uint64_t v, uint64_t mask)
{
    switch (op) {
    case BIT_SET:
        return v | mask;
    case BIT_RESET:
        return v & ~mask;
    case BIT_COMPLEMENT:
        return v ^ mask;
    default:
        return v;
    }
}

static void bit_carry(struct x86_cpu *c, bool bit)
{
    x86_set_arith(c, (x86_flags_arith(c) & ~FL_CF) | (bit ? FL_CF : 0));
}

static void bit_memory(struct x86_cpu *c, const struct x86_insn *i, enum bit_op op, int64_t bit)
{
    unsigned size = i->op[0].size, bits = size * 8;
    enum x86_access acc = op == BIT_TEST ? ACC_READ : ACC_WRITE;
    uint64_t ea = x86_ea(c, i), la, old, mask;

    if (i->op[1].kind == OPND_REG) /* the register's whole range of bits is reachable */
        ea = (ea + (bit >> __builtin_ctz(bits)) * size) & x86_mask(i->addrsize);
    mask = 1ull << (bit & (bits - 1));
    la = x86_seg_lin(c, i->seg, ea, size, acc, size);
    if (op == BIT_TEST) {
        bit_carry(c, x86_lin_read(c, la, size) & mask);
        return;
    }
    x86_lin_probe(c, la, size, ACC_WRITE);
    old = x86_lin_read(c, la, size);
    if (i->prefix & PFX_LOCK) {
        while (!x86_lin_cmpxchg(c, la, size, &old, bit_apply(op, old, mask)))
            ;
    } else {
        x86_lin_write(c, la, size, bit_apply(op, old, mask));
    }
    bit_carry(c, old & mask);
}

static void bit_test(struct x86_cpu *c, const struct x86_insn *i, enum bit_op op)
{
    int64_t bit = x86_sext(x86_get(c, i, 1), i->op[1].size);

    if (i->op[0].kind == OPND_MEM) {
        bit_memory(c, i, op, bit);
    } else {
        uint64_t v = x86_get(c, i, 0), mask = 1ull << (bit & (i->op[0].size * 8 - 1));

        if (op != BIT_TEST)
            x86_put(c, i, 0, bit_apply(op, v, mask));
        bit_carry(c, v & mask);
    }
}

OP(bt)
{
    bit_test(c, i, BIT_TEST);
}

OP(bts)
{
    bit_test(c, i, BIT_SET);
}

OP(btr)
{
    bit_test(c, i, BIT_RESET);
}

OP(btc)
{
    bit_test(c, i, BIT_COMPLEMENT);
}

/* ---- Scans: ZF = source is zero; then the destination is unchanged (as processors do) ---- */

OP(bsf)
{
    uint64_t v = x86_get(c, i, 1);

    if (v)
        x86_put(c, i, 0, __builtin_ctzll(v));
    x86_flags_set(c, x86_sext(v, i->op[1].size), 0, x86_cc(CC_LOGIC, i->op[1].size));
}

OP(bsr)
{
    uint64_t v = x86_get(c, i, 1);

    if (v)
        x86_put(c, i, 0, 63 - __builtin_clzll(v));
    x86_flags_set(c, x86_sext(v, i->op[1].size), 0, x86_cc(CC_LOGIC, i->op[1].size));
}

OP(popcnt)
{
    uint64_t v = x86_get(c, i, 1);

    x86_put(c, i, 0, __builtin_popcountll(v));
    x86_set_arith(c, v ? 0 : FL_ZF);
}

/* CRC-32C, reflected polynomial 0x82f63b78 (SDM vol. 2, CRC32). */
OP(crc32)
{
    uint64_t v = x86_get(c, i, 1);
    uint32_t crc = c->r[i->op[0].reg];

    for (unsigned n = 0; n < i->op[1].size; n++) {
        crc ^= v >> (n * 8) & 0xff;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    c->r[i->op[0].reg] = crc;
}

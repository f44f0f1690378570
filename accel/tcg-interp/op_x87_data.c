/* SPDX-License-Identifier: MIT */
/*
 * x87 data transfer: loads, stores, exchange, constants, sign. Quick where nothing special is in
 * sight, exact otherwise (x87.h). Intel SDM vol. 1 section 8.3.3, vol. 2.
 */
#include <string.h>

#include "accel/tcg-interp/x87.h"

/* ---- Loads ----------------------------------------------------------------------------------- */

/* Convert the memory operand as the host loads it; returns the host's status word. */
#define LOAD(name, insn, type)                                                                     \
    static uint16_t name(struct x86_f80 *d, const void *m)                                         \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile(insn " %[s]\n\t"                                                          \
                              "fnstsw %[sw]\n\t"                                                   \
                              "fstpt %[d]"                                                         \
                         : [d] "=m"(*d), [sw] "=&a"(sw)                                            \
                         : [s] "m"(*(const type *)m));                                             \
        return sw;                                                                                 \
    }
LOAD(load_single, "flds", float)
LOAD(load_double, "fldl", double)
LOAD(load_i16, "filds", int16_t)
LOAD(load_i32, "fildl", int32_t)
LOAD(load_i64, "fildll", int64_t)

static uint16_t load_f80(struct x86_f80 *d, const void *m)
{
    memcpy(&d->mant, m, 8);
    memcpy(&d->se, (const char *)m + 8, 2);
    return 0;
}

static void push_mem(struct x86_cpu *c, const struct x86_insn *i,
                     uint16_t (*load)(struct x86_f80 *, const void *))
{
    struct x87_mem m;
    struct x86_f80 v = {0};
    uint16_t sw;

    if (!x87_quick(c) || !x87_has_room(c)) {
        x87_exec(c, i);
        return;
    }
    x87_mem_read(c, i, &m);
    sw = load(&v, m.b);
    x87_flags(c, sw & ~FSW_C1);
    x87_push(c, v);
    x87_note(c, i);
    x87_note_mem(c, i, &m);
}

static void push_value(struct x86_cpu *c, const struct x86_insn *i, struct x86_f80 v)
{
    if (!x87_quick(c) || !x87_has_room(c)) {
        x87_exec(c, i);
        return;
    }
    x87_clear_c1(c);
    x87_push(c, v);
    x87_note(c, i);
}

OP(fld)
{
    if (!x87_is_mem(i)) {
        unsigned n = i->modrm & 7;

        if (x86_st_full(c, n))
            push_value(c, i, *x87_st(c, n));
        else
            x87_exec(c, i);
    } else if (i->opcode == 0xd9) {
        push_mem(c, i, load_single);
    } else if (i->opcode == 0xdd) {
        push_mem(c, i, load_double);
    } else {
        push_mem(c, i, load_f80);
    }
}

OP(fild)
{
    if (i->opcode == 0xdb)
        push_mem(c, i, load_i32);
    else
        push_mem(c, i, (i->modrm >> 3 & 7) == 0 ? load_i16 : load_i64);
}

OP(fld1)
{
    push_value(c, i, (struct x86_f80){.mant = 1ull << 63, .se = 0x3fff});
}
OP(fldz)
{
    push_value(c, i, (struct x86_f80){.mant = 0});
}

/* ---- Stores -------------------------------------------------------------------------------- */

#define STORE(name, insn, type)                                                                    \
    static uint16_t name(const struct x86_f80 *s, void *m)                                         \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[s]\n\t" insn " %[d]\n\t"                                          \
                         "fnstsw %[sw]"                                                            \
                         : [d] "=m"(*(type *)m), [sw] "=&a"(sw)                                    \
                         : [s] "m"(*s));                                                           \
        return sw;                                                                                 \
    }
STORE(store_single, "fstps", float)
STORE(store_double, "fstpl", double)
STORE(store_i16, "fistps", int16_t)
STORE(store_i32, "fistpl", int32_t)
STORE(store_i64, "fistpll", int64_t)
STORE(trunc_i16, "fisttps", int16_t)
STORE(trunc_i32, "fisttpl", int32_t)
STORE(trunc_i64, "fisttpll", int64_t)

static uint16_t store_f80(const struct x86_f80 *s, void *m)
{
    memcpy(m, &s->mant, 8);
    memcpy((char *)m + 8, &s->se, 2);
    return 0;
}

static void store_mem(struct x86_cpu *c, const struct x86_insn *i,
                      uint16_t (*store)(const struct x86_f80 *, void *), bool pop)
{
    struct x87_mem m;
    uint16_t sw;

    if (!x87_quick(c) || !x86_st_full(c, 0)) {
        x87_exec_store(c, i);
        return;
    }
    sw = store(x87_st(c, 0), m.b);
    x87_store(c, i, &m, sw);
    if (pop)
        x87_pop(c);
}

static void store_st(struct x86_cpu *c, const struct x86_insn *i, bool pop)
{
    unsigned n = i->modrm & 7;

    if (!x86_st_full(c, 0)) {
        x87_exec(c, i);
        return;
    }
    *x87_st(c, n) = *x87_st(c, 0);
    c->fptag |= 1u << x86_st(c, n);
    x87_clear_c1(c);
    x87_note(c, i);
    if (pop)
        x87_pop(c);
}

static void store(struct x86_cpu *c, const struct x86_insn *i, bool pop)
{
    if (!x87_is_mem(i))
        store_st(c, i, pop);
    else if (i->opcode == 0xd9)
        store_mem(c, i, store_single, pop);
    else if (i->opcode == 0xdd)
        store_mem(c, i, store_double, pop);
    else
        store_mem(c, i, store_f80, pop);
}

OP(fst)
{
    store(c, i, false);
}
OP(fstp)
{
    store(c, i, true);
}

OP(fist)
{
    store_mem(c, i, i->opcode == 0xdb ? store_i32 : store_i16, false);
}
OP(fistp)
{
    if (i->opcode == 0xdb)
        store_mem(c, i, store_i32, true);
    else
        store_mem(c, i, (i->modrm >> 3 & 7) == 7 ? store_i64 : store_i16, true);
}
OP(fisttp)
{
    if (i->opcode == 0xdd)
        store_mem(c, i, trunc_i64, true);
    else
        store_mem(c, i, i->opcode == 0xdb ? trunc_i32 : trunc_i16, true);
}

OP(fbld)
{
    x87_exec(c, i);
}
OP(fbstp)
{
    x87_exec_store(c, i);
}

/* ---- Within the stack ---------------------------------------------------------------------- */

OP(fxch)
{
    unsigned n = i->modrm & 7;

    if (!x86_st_full(c, 0) || !x86_st_full(c, n)) {
        x87_exec(c, i);
    } else {
        struct x86_f80 t = *x87_st(c, 0);

        *x87_st(c, 0) = *x87_st(c, n);
        *x87_st(c, n) = t;
        x87_clear_c1(c);
        x87_note(c, i);
    }
}

OP(fchs)
{
    if (!x86_st_full(c, 0)) {
        x87_exec(c, i);
    } else {
        x87_st(c, 0)->se ^= 0x8000;
        x87_clear_c1(c);
        x87_note(c, i);
    }
}
OP(fabs)
{
    if (!x86_st_full(c, 0)) {
        x87_exec(c, i);
    } else {
        x87_st(c, 0)->se &= 0x7fff;
        x87_clear_c1(c);
        x87_note(c, i);
    }
}

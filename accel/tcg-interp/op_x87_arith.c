/* SPDX-License-Identifier: MIT */
/*
 * x87 arithmetic and comparison: quick where nothing special is in sight, exact otherwise
 * (x87.h). Mnemonics are Intel's: FSUB is destination minus source, FSUBR source minus
 * destination, whichever register is the destination. Intel SDM vol. 1 section 8.3, vol. 2.
 */
#include "accel/tcg-interp/x87.h"

typedef uint16_t x87_rr_fn(struct x86_f80 *d, const struct x86_f80 *s);
typedef uint16_t x87_rm_fn(struct x86_f80 *d, const void *m);
/* By opcode: D8 single, DA 32-bit integer, DC double, DE 16-bit integer. */
struct x87_binary {
    x87_rr_fn *rr;
    x87_rm_fn *rm[4];
};

#define RR(stem)                                                                                   \
    static uint16_t stem##_rr(struct x86_f80 *d, const struct x86_f80 *s)                          \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[s]\n\t"                                                           \
                         "fldt %[d]\n\t"                                                           \
                         "f" #stem " %%st(1), %%st\n\t"                                            \
                         "fnstsw %[sw]\n\t"                                                        \
                         "fstpt %[d]\n\t"                                                          \
                         "fstp %%st(0)"                                                            \
                         : [d] "+m"(*d), [sw] "=&a"(sw)                                            \
                         : [s] "m"(*s));                                                           \
        return sw;                                                                                 \
    }
#define RM(stem, suffix, insn, type)                                                               \
    static uint16_t stem##_##suffix(struct x86_f80 *d, const void *m)                              \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[d]\n\t" insn " %[s]\n\t"                                          \
                         "fnstsw %[sw]\n\t"                                                        \
                         "fstpt %[d]"                                                              \
                         : [d] "+m"(*d), [sw] "=&a"(sw)                                            \
                         : [s] "m"(*(const type *)m));                                             \
        return sw;                                                                                 \
    }

static void arith_st(struct x86_cpu *c, const struct x86_insn *i, const struct x87_binary *f)
{
    unsigned n = i->modrm & 7;
    bool to_st0 = i->opcode == 0xd8;

    if (!x87_quick(c) || !x86_st_full(c, 0) || !x86_st_full(c, n)) {
        x87_exec(c, i);
        return;
    }
    x87_flags(c, f->rr(x87_st(c, to_st0 ? 0 : n), x87_st(c, to_st0 ? n : 0)));
    x87_note(c, i);
    if (i->opcode == 0xde)
        x87_pop(c);
}

static void arith_mem(struct x86_cpu *c, const struct x86_insn *i, const struct x87_binary *f)
{
    struct x87_mem m;

    if (!x87_quick(c) || !x86_st_full(c, 0)) {
        x87_exec(c, i);
        return;
    }
    x87_mem_read(c, i, &m);
    x87_flags(c, f->rm[i->opcode >> 1 & 3](x87_st(c, 0), m.b));
    x87_note(c, i);
    x87_note_mem(c, i, &m);
}

/* FOP, FOPP and FIOP */
#define BINARY(stem)                                                                               \
    RR(stem)                                                                                       \
    RM(stem, single, "f" #stem "s", float)                                                         \
    RM(stem, i32, "fi" #stem "l", int32_t)                                                         \
    RM(stem, double, "f" #stem "l", double)                                                        \
    RM(stem, i16, "fi" #stem "s", int16_t)                                                         \
    static const struct x87_binary binary_##stem = {                                               \
        stem##_rr, {stem##_single, stem##_i32, stem##_double, stem##_i16}};                        \
    OP(f##stem)                                                                                    \
    {                                                                                              \
        if (x87_is_mem(i))                                                                         \
            arith_mem(c, i, &binary_##stem);                                                       \
        else                                                                                       \
            arith_st(c, i, &binary_##stem);                                                        \
    }                                                                                              \
    OP(f##stem##p)                                                                                 \
    {                                                                                              \
        arith_st(c, i, &binary_##stem);                                                            \
    }                                                                                              \
    OP(fi##stem)                                                                                   \
    {                                                                                              \
        arith_mem(c, i, &binary_##stem);                                                           \
    }
BINARY(add)
BINARY(mul)
BINARY(sub)
BINARY(subr)
BINARY(div)
BINARY(divr)

/* ---- Comparison into C3, C2, C0 ------------------------------------------------------------ */

#define COMPARE(name)                                                                              \
    static uint16_t name##_rr(struct x86_f80 *d, const struct x86_f80 *s)                          \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[s]\n\t"                                                           \
                         "fldt %[d]\n\t" #name " %%st(1)\n\t"                                      \
                         "fnstsw %[sw]\n\t"                                                        \
                         "fstp %%st(0)\n\t"                                                        \
                         "fstp %%st(0)"                                                            \
                         : [sw] "=&a"(sw)                                                          \
                         : [d] "m"(*d), [s] "m"(*s));                                              \
        return sw;                                                                                 \
    }
COMPARE(fcom)
COMPARE(fucom)
RM(com, single, "fcoms", float)
RM(com, i32, "ficoml", int32_t)
RM(com, double, "fcoml", double)
RM(com, i16, "ficoms", int16_t)
static x87_rm_fn *const com_rm[4] = {com_single, com_i32, com_double, com_i16};

static void set_cc(struct x86_cpu *c, uint16_t sw)
{
    c->fsw = (c->fsw & ~FSW_CC) | (sw & (FSW_CC | FP_EXC));
}

static void compare_st(struct x86_cpu *c, const struct x86_insn *i, x87_rr_fn *fn, unsigned pops)
{
    unsigned n = i->modrm & 7;

    if (!x87_quick(c) || !x86_st_full(c, 0) || !x86_st_full(c, n)) {
        x87_exec(c, i);
        return;
    }
    set_cc(c, fn(x87_st(c, 0), x87_st(c, n)));
    x87_note(c, i);
    while (pops--)
        x87_pop(c);
}

static void compare_mem(struct x86_cpu *c, const struct x86_insn *i, unsigned pops)
{
    struct x87_mem m;
    struct x86_f80 copy;

    if (!x87_quick(c) || !x86_st_full(c, 0)) {
        x87_exec(c, i);
        return;
    }
    x87_mem_read(c, i, &m);
    copy = *x87_st(c, 0);
    set_cc(c, com_rm[i->opcode >> 1 & 3](&copy, m.b));
    x87_note(c, i);
    x87_note_mem(c, i, &m);
    while (pops--)
        x87_pop(c);
}

static void compare(struct x86_cpu *c, const struct x86_insn *i, unsigned pops)
{
    if (x87_is_mem(i))
        compare_mem(c, i, pops);
    else
        compare_st(c, i, fcom_rr, pops);
}

OP(fcom)
{
    compare(c, i, 0);
}
OP(fcomp)
{
    compare(c, i, 1);
}
OP(fcompp)
{
    compare(c, i, 2);
}
OP(ficom)
{
    compare_mem(c, i, 0);
}
OP(ficomp)
{
    compare_mem(c, i, 1);
}
OP(fucom)
{
    compare_st(c, i, fucom_rr, 0);
}
OP(fucomp)
{
    compare_st(c, i, fucom_rr, 1);
}
OP(fucompp)
{
    compare_st(c, i, fucom_rr, 2);
}

/* ---- Comparison into RFLAGS: ZF, PF, CF; OF, SF, AF cleared ---------------------------------- */

typedef uint16_t x87_flags_fn(const struct x86_f80 *d, const struct x86_f80 *s, uint32_t *fl);

#define COMPARE_FLAGS(name)                                                                        \
    static uint16_t name##_rr(const struct x86_f80 *d, const struct x86_f80 *s, uint32_t *fl)      \
    {                                                                                              \
        bool z, p, cf;                                                                             \
        uint16_t sw;                                                                               \
                                                                                                   \
        __asm__ volatile("fldt %[s]\n\t"                                                           \
                         "fldt %[d]\n\t" #name " %%st(1), %%st\n\t"                                \
                         "fnstsw %[sw]\n\t"                                                        \
                         "fstp %%st(0)\n\t"                                                        \
                         "fstp %%st(0)"                                                            \
                         : [sw] "=&a"(sw), "=@ccz"(z), "=@ccp"(p), "=@ccc"(cf)                     \
                         : [d] "m"(*d), [s] "m"(*s));                                              \
        *fl = (z ? FL_ZF : 0) | (p ? FL_PF : 0) | (cf ? FL_CF : 0);                                \
        return sw;                                                                                 \
    }
COMPARE_FLAGS(fcomi)
COMPARE_FLAGS(fucomi)

/* An unmasked invalid operation leaves RFLAGS alone, and C1 is always cleared: the manual's rules,
 * which not every host follows. */
static void compare_flags_exact(struct x86_cpu *c, const struct x86_insn *i)
{
    struct x87_outcome out;

    x87_host(c, i, &(struct x87_mem){.size = 0}, &out);
    x87_note(c, i);
    x87_commit(c, &out);
    x87_clear_c1(c);
    if (!(out.fsw & ~c->fcw & FP_IE))
        x86_set_arith(c, out.eflags & (FL_ZF | FL_PF | FL_CF));
}

static void compare_flags(struct x86_cpu *c, const struct x86_insn *i, x87_flags_fn *fn,
                          unsigned pops)
{
    unsigned n = i->modrm & 7;
    uint32_t fl;

    if (!x87_quick(c) || !x86_st_full(c, 0) || !x86_st_full(c, n)) {
        compare_flags_exact(c, i);
        return;
    }
    x87_flags(c, fn(x87_st(c, 0), x87_st(c, n), &fl));
    x86_set_arith(c, fl);
    x87_note(c, i);
    while (pops--)
        x87_pop(c);
}

OP(fcomi)
{
    compare_flags(c, i, fcomi_rr, 0);
}
OP(fcomip)
{
    compare_flags(c, i, fcomi_rr, 1);
}
OP(fucomi)
{
    compare_flags(c, i, fucomi_rr, 0);
}
OP(fucomip)
{
    compare_flags(c, i, fucomi_rr, 1);
}

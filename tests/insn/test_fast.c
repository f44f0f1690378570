/* SPDX-License-Identifier: MIT */
/*
 * Fast handlers against generic operations: random instructions, each run once alone (a budget
 * of one instruction makes the engine use the generic operation) and once in a block. All
 * registers, defined flags and the data page must agree.
 */
#include <stdlib.h>

#include "target/x86/cpu.h"
#include "tests/insn/engine.h"

#define ROUNDS 150000
enum { FROM = DATA - 0x1000, SPAN = 0x3000 }; /* memory that instructions reach */

static struct bench B;
static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* One random SSE instruction. */
static bool make_sse(uint8_t *code, struct x86_insn *i)
{
    static const uint8_t prefix[] = {0, 0x66, 0xf3, 0xf2}, map[] = {0, 0, 0, 0x38, 0x3a};
    uint8_t p = prefix[rnd() % 4], m = map[rnd() % 5];
    unsigned n = 0;

    if (p)
        code[n++] = p;
    if (rnd() % 2)
        code[n++] = 0x40 | (rnd() & 15);
    code[n++] = 0x0f;
    if (m)
        code[n++] = m;
    for (; n < 15; n++)
        code[n] = rnd();
    if (x86_decode(code, 15, X86_MODE_64, i) != DECODE_OK)
        return false;
    if (i->base == SLOT_RIP && (uint32_t)(i->disp + 16) < 32)
        return false;
    return x86_rows[i->row].group == GROUP_SSE && !(x86_rows[i->row].attr & ROW_MMX) &&
           x86_has((struct x86_cpu *)B.v.accel_data[ACCEL_TCG], x86_rows[i->row].feature);
}

/* One random instruction of the groups that have fast handlers; false: try again. */
static bool make(uint8_t *code, struct x86_insn *i)
{
    unsigned n = 0;

    if (rnd() % 6 == 0)
        code[n++] = 0x66;
    if (rnd() % 24 == 0)
        code[n++] = 0xf0;
    if (rnd() % 2 == 0)
        code[n++] = 0x40 | (rnd() & 15);
    if (rnd() % 3 == 0)
        code[n++] = 0x0f;
    code[n++] = rnd();
    code[n] = rnd();
    code[n + 1] = rnd();
    for (n += 2; n < 15; n++)
        code[n] = rnd() % 2 ? rnd() & 63 : 0;
    if (x86_decode(code, 15, X86_MODE_64, i) != DECODE_OK)
        return false;
    if (x86_rows[i->row].attr &
        (ROW_END | ROW_IO | ROW_BRANCH | ROW_REP | ROW_SSE | ROW_FPU | ROW_MMX))
        return false;
    if (i->base == SLOT_RIP && (uint32_t)(i->disp + 16) < 32)
        return false; /* it may store into itself or into the HLT */
    return x86_rows[i->row].group == GROUP_INT &&
           (!x86_rows[i->row].feature ||
            x86_has((struct x86_cpu *)B.v.accel_data[ACCEL_TCG], x86_rows[i->row].feature));
}

static void random_state(struct x86_state *st)
{
    bench_state(st);
    for (unsigned r = 0; r < 16; r++)
        switch (rnd() % 4) {
        case 0:
            st->gpr[r] = rnd();
            break;
        case 1:
            st->gpr[r] = rnd() & 0xff;
            break;
        case 2:
            st->gpr[r] = (uint64_t)((int64_t)rnd() >> (rnd() & 63));
            break;
        default:
            st->gpr[r] = DATA + (rnd() & 0x7ff);
            break;
        }
    if (rnd() % 4)
        st->gpr[R_RSP] = DATA + 0x400;
    st->rflags = 2 | (rnd() & FL_ARITH);
    for (unsigned r = 0; r < 16; r++)
        for (unsigned q = 0; q < 16; q += 8) {
            uint64_t v = rnd() % 3 ? rnd() : (uint64_t)(rnd() & 0x80f0000080000001);

            if (rnd() % 2) /* a double, a single of ordinary size */
                v = (v & ~0x7ff000007f800000) | 0x3f80000000000000 | (rnd() & 0x70000000000000) |
                    0x3f800000;
            memcpy(st->xmm[r] + q, &v, 8);
        }
    st->mxcsr = (rnd() & 0xe040) | 0x1f80;
    if (rnd() % 8 == 0)
        st->mxcsr &= ~(rnd() & 0x1f80);
}

static void run(struct x86_state *st, const struct x86_state *in, bool alone, enum vcpu_exit *why,
                uint8_t *data)
{
    int64_t done;

    for (unsigned n = 0; n < SPAN; n++)
        bench_ram(&B, FROM)[n] = n * 7 + (n >> 8);
    accel_tcg_interp.load(&B.v, in);
    *why = alone ? accel_tcg_interp.run_budget(&B.v, 1, &done) : accel_tcg_interp.run(&B.v);
    accel_tcg_interp.save(&B.v, st);
    memcpy(data, bench_ram(&B, FROM), SPAN);
}

static void report(const struct x86_insn *i, const uint8_t *code, const struct x86_state *in,
                   const struct x86_state *a, const struct x86_state *f)
{
    char text[128];

    x86_disasm(i, CODE, text, sizeof(text));
    fprintf(stderr, "%s (%s, row %u):", text, x86_rows[i->row].name, i->row);
    for (unsigned n = 0; n < i->len; n++)
        fprintf(stderr, " %02x", code[n]);
    fprintf(stderr, "\n");
    for (unsigned r = 0; r < 16; r++)
        if (a->gpr[r] != f->gpr[r])
            fprintf(stderr, "  r%u: before %#lx alone %#lx block %#lx\n", r, in->gpr[r], a->gpr[r],
                    f->gpr[r]);
    for (unsigned r = 0; r < 16; r++)
        if (memcmp(a->xmm[r], f->xmm[r], 16))
            fprintf(stderr, "  xmm%u differs\n", r);
    fprintf(stderr, "  mxcsr %x: alone %x block %x\n", in->mxcsr, a->mxcsr, f->mxcsr);
    fprintf(stderr, "  flags before %#lx alone %#lx block %#lx; rip %#lx %#lx\n", in->rflags,
            a->rflags, f->rflags, a->rip, f->rip);
}

START_TEST(against_generic)
{
    static uint8_t data[2][SPAN];
    struct x86_state in, alone, block;
    struct x86_insn i;
    enum vcpu_exit why[2];
    unsigned bad = 0, ran = 0;

    bench_init(&B);
    for (unsigned page = 0; page < 256; page++) /* only the code and what is compared */
        if (page != CODE >> 12 && (page < FROM >> 12 || page >= (FROM + SPAN) >> 12))
            bench_put64(&B, PT + page * 8, 0);
    for (unsigned n = 0; n < ROUNDS && bad < 10; n++) {
        static uint8_t code[4096];
        uint64_t undef;

        if (!(_i ? make_sse : make)(code, &i))
            continue;
        code[i.len] = 0xf4;
        random_state(&in);
        bench_put(&B, CODE, code, sizeof(code));
        run(&alone, &in, true, &why[0], data[0]);
        bench_put(&B, CODE, code, sizeof(code)); /* RIP-relative stores go there */
        run(&block, &in, false, &why[1], data[1]);
        if (why[0] == VCPU_SHUTDOWN || why[1] == VCPU_SHUTDOWN) {
            bad += why[0] != why[1];
            if (why[0] != why[1])
                report(&i, code, &in, &alone, &block);
            continue;
        }
        ran++;
        undef = x86_rows[i.row].fl_undef;
        if (memcmp(alone.gpr, block.gpr, sizeof(alone.gpr)) || memcmp(data[0], data[1], SPAN) ||
            alone.rip + 1 != block.rip || ((alone.rflags ^ block.rflags) & ~undef) ||
            alone.mxcsr != block.mxcsr || memcmp(alone.xmm, block.xmm, sizeof(alone.xmm))) {
            report(&i, code, &in, &alone, &block);
            bad++;
        }
    }
    bench_fini(&B);
    ck_assert_uint_eq(bad, 0);
    ck_assert_uint_gt(ran, ROUNDS / 40);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fast");
    TCase *t = tcase_create("fast");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, against_generic, 0, 2);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

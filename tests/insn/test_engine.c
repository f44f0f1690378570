/* SPDX-License-Identifier: MIT */
/* The engine: blocks, edges, self-modifying code, page crossings, budgets. */
#include "tests/insn/engine.h"

static struct bench B;

static void setup(void)
{
    bench_init(&B);
}

static void teardown(void)
{
    bench_fini(&B);
}

/* Sum 1..100 with a loop, a call and a return. */
START_TEST(loop_and_call)
{
    static const uint8_t code[] = {
        0x31, 0xc0,                   /* xor eax, eax */
        0xb9, 100, 0, 0, 0,           /* mov ecx, 100 */
        0xe8, 5, 0, 0, 0,             /* l: call f */
        0xff, 0xc9,                   /* dec ecx */
        0x75, 0xf7,                   /* jnz l */
        0xf4,                         /* hlt */
        0x48, 0x01, 0xc8,             /* f: add rax, rcx */
        0xc3,                         /* ret */
    };

    bench_put(&B, CODE, code, sizeof(code));
    ck_assert_int_eq(bench_run(&B), VCPU_HALTED);
    ck_assert_uint_eq(B.st.gpr[R_RAX], 5050);
    ck_assert_uint_eq(B.st.gpr[R_RSP], STACK);
    ck_assert_uint_eq(B.st.rip, CODE + 17);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("engine");
    TCase *t = tcase_create("engine");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, loop_and_call);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

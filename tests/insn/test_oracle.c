/* SPDX-License-Identifier: MIT */
/* timeout: 240 */
/*
 * Every user-level instruction against the host processor: see oracle.h. Each row of opcodes.def
 * is tried COUNT times in 64-bit and in 32-bit mode, with a fixed seed.
 *
 *   HOSTEL_TEST_SCALE=n          n times as many cases
 *   HOSTEL_TEST_SEED=n           other cases
 *   HOSTEL_TEST_KEEP_GOING=1     print the first failure of every row instead of stopping
 *   HOSTEL_ORACLE_CASE=r:m:s     only this case, as a failure prints it
 */
#include <check.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/insn/oracle.h"
#include "tests/unit/tap_skip.h"

#define COUNT 300

static struct oracle_case one;

static uint64_t env(const char *name, uint64_t otherwise)
{
    const char *v = getenv(name);

    return v ? strtoull(v, NULL, 0) : otherwise;
}

/* A failing case as text, or NULL. */
static char *run_case(unsigned row, unsigned mode, uint64_t seed)
{
    char *text, *all;

    if (!oracle_gen(&one, row, mode, seed))
        return NULL;
    text = oracle_check(&one, oracle_cpu);
    if (!text)
        return NULL;
    all = g_strdup_printf("%s %s\n%s  again: HOSTEL_ORACLE_CASE=%u:%u:%" PRIu64, x86_rows[row].name,
                          x86_rows[row].operands, text, row, mode, seed);
    g_free(text);
    return all;
}

static void run_row(unsigned row, unsigned mode)
{
    uint64_t count = COUNT * env("HOSTEL_TEST_SCALE", 1);
    uint64_t seed = env("HOSTEL_TEST_SEED", 1) << 32;
    bool keep_going = env("HOSTEL_TEST_KEEP_GOING", 0);

    for (uint64_t n = 0; n < count; n++) {
        char *text = run_case(row, mode, seed + n);

        if (!text)
            continue;
        if (!keep_going)
            ck_abort_msg("%s", text);
        puts(text);
        g_free(text);
        return;
    }
}

static void run_group(enum x86_group group)
{
    static const enum x86_mode modes[] = {X86_MODE_64, X86_MODE_32};
    const char *only = getenv("HOSTEL_ORACLE_CASE");
    unsigned row, mode;
    uint64_t seed;

    for (unsigned m = 0; m < (oracle_native_has_32() ? 2 : 1); m++)
        for (row = 0; row < x86_row_count; row++)
            if (!only && x86_rows[row].group == group && oracle_row_usable(row, modes[m]))
                run_row(row, modes[m]);
    if (only && sscanf(only, "%u:%u:%" SCNu64, &row, &mode, &seed) == 3 && row < x86_row_count &&
        x86_rows[row].group == group) {
        char *text = run_case(row, mode, seed);

        if (text)
            ck_abort_msg("%s", text);
    }
}

static void setup(void)
{
    oracle_native_setup();
    oracle_cpu_setup();
}

START_TEST(integer) { run_group(GROUP_INT); } END_TEST
START_TEST(control) { run_group(GROUP_CTL); } END_TEST
START_TEST(string) { run_group(GROUP_STR); } END_TEST
START_TEST(system_level) { run_group(GROUP_SYS); } END_TEST
START_TEST(x87) { run_group(GROUP_X87); } END_TEST
START_TEST(mmx) { run_group(GROUP_MMX); } END_TEST
START_TEST(sse) { run_group(GROUP_SSE); } END_TEST

int main(void)
{
    Suite *s = suite_create("oracle");
    TCase *tc = tcase_create("all");
    const TTest *tests[] = {integer, control, string, system_level, x87, mmx, sse};

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    for (size_t n = 0; n < G_N_ELEMENTS(tests); n++)
        tcase_add_test(tc, tests[n]);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    if (!oracle_native_has_32())
        tap_skip("32-bit mode", "this host's kernel does not run 32-bit code");
    return failed != 0;
}

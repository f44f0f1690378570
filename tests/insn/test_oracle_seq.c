/* SPDX-License-Identifier: MIT */
/* timeout: 240 */
/*
 * Random sequences of user code (branches, calls, loops) on the whole interpreter and on the
 * host: what blocks, links, lazy flags and fast handlers make of them together. See oracle.h.
 *
 *   HOSTEL_TEST_SCALE=n, HOSTEL_TEST_SEED=n    as for test_oracle.c
 *   HOSTEL_ORACLE_CASE=m:s                     only this case
 */
#include <check.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/insn/oracle.h"
#include "tests/unit/tap_skip.h"

#define COUNT 20000

static struct oracle_case one;

static uint64_t env(const char *name, uint64_t otherwise)
{
    const char *v = getenv(name);

    return v ? strtoull(v, NULL, 0) : otherwise;
}

static void run_case(unsigned mode, uint64_t seed)
{
    char *text;

    oracle_gen_seq(&one, mode, seed);
    text = oracle_check(&one, oracle_engine);
    if (text)
        ck_abort_msg("\n%s  again: HOSTEL_ORACLE_CASE=%u:%" PRIu64, text, mode, seed);
}

static void run_mode(enum x86_mode mode)
{
    uint64_t count = COUNT * env("HOSTEL_TEST_SCALE", 1);
    uint64_t seed = env("HOSTEL_TEST_SEED", 1) << 32;
    const char *only = getenv("HOSTEL_ORACLE_CASE");
    unsigned m;

    if (!only)
        for (uint64_t n = 0; n < count; n++)
            run_case(mode, seed + n);
    else if (sscanf(only, "%u:%" SCNu64, &m, &seed) == 2 && m == mode)
        run_case(mode, seed);
}

static void setup(void)
{
    oracle_native_setup();
    oracle_engine_setup();
}

START_TEST(sequences_64) { run_mode(X86_MODE_64); } END_TEST
START_TEST(sequences_32) { run_mode(X86_MODE_32); } END_TEST

int main(void)
{
    Suite *s = suite_create("oracle_seq");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, oracle_engine_finish);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, sequences_64);
    if (oracle_native_has_32())
        tcase_add_test(tc, sequences_32);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    if (!oracle_native_has_32())
        tap_skip("sequences_32", "this host's kernel does not run 32-bit code");
    return failed != 0;
}

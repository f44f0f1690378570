/* SPDX-License-Identifier: MIT */
/* core/clock.h: order of timers, the test clock, the main loop's source, starting and stopping. */
#include <check.h>
#include <stdlib.h>

#include "core/clock.h"

static struct clock clk;
static GArray *fired; /* int64_t: the clock when each timer fired */

static void note(void *arg)
{
    int64_t now = clock_now(&clk);
    g_array_append_val(fired, now);
}

static void setup(void)
{
    clock_init(&clk, CLOCK_TEST, NULL);
    fired = g_array_new(FALSE, FALSE, sizeof(int64_t));
}

static void teardown(void)
{
    clock_fini(&clk);
    g_array_free(fired, TRUE);
}

START_TEST(fires_at_its_deadline)
{
    struct timer t;
    timer_init(&t, &clk, "t", note, NULL);
    ck_assert(!timer_pending(&t));
    ck_assert_int_eq(clock_next_deadline(&clk), INT64_MAX);
    timer_set(&t, 1000);
    ck_assert(timer_pending(&t));
    ck_assert_int_eq(clock_next_deadline(&clk), 1000);
    clock_step(&clk, 999);
    ck_assert_uint_eq(fired->len, 0);
    clock_step(&clk, 1);
    ck_assert_uint_eq(fired->len, 1);
    ck_assert(!timer_pending(&t));
    timer_set(&t, 500); /* in the past: at once, at the present time */
    clock_step(&clk, 0);
    ck_assert_uint_eq(fired->len, 2);
    ck_assert_int_eq(g_array_index(fired, int64_t, 1), 1000);
    timer_set(&t, 5000);
    timer_del(&t);
    timer_del(&t);
    clock_step(&clk, 10000);
    ck_assert_uint_eq(fired->len, 2);
}
END_TEST

START_TEST(a_thousand_timers_in_order)
{
    enum { N = 1000 };
    struct timer *t = g_new(struct timer, N);
    GRand *rnd = g_rand_new_with_seed(3);
    unsigned expect = 0;
    for (int i = 0; i < N; i++) {
        timer_init(&t[i], &clk, "t", note, NULL);
        timer_set(&t[i], g_rand_int_range(rnd, 0, 100000));
    }
    for (int i = 0; i < N; i++) {
        switch (g_rand_int_range(rnd, 0, 3)) {
        case 0:
            timer_del(&t[i]);
            break;
        case 1:
            timer_set(&t[i], g_rand_int_range(rnd, 0, 100000));
        }
        expect += timer_pending(&t[i]);
    }
    clock_step(&clk, 100000);
    ck_assert_uint_eq(fired->len, expect);
    for (unsigned i = 1; i < fired->len; i++)
        ck_assert_int_le(g_array_index(fired, int64_t, i - 1), g_array_index(fired, int64_t, i));
    g_rand_free(rnd);
    g_free(t);
}
END_TEST

struct periodic {
    struct timer t;
    unsigned n;
};

static void again(void *arg)
{
    struct periodic *p = arg;
    p->n++;
    timer_set(&p->t, clock_now(&clk) + 10);
}

START_TEST(periodic_on_the_way)
{
    struct periodic p = {.n = 0};
    timer_init(&p.t, &clk, "p", again, &p);
    timer_set(&p.t, 10);
    clock_step(&clk, 1000);
    ck_assert_uint_eq(p.n, 100);
    ck_assert_int_eq(clock_now(&clk), 1000);
    timer_del(&p.t);
}
END_TEST

static void always(void *arg)
{
    struct periodic *p = arg;
    p->n++;
    timer_set(&p->t, 0);
}

START_TEST(a_timer_in_the_past_does_not_hold_the_loop)
{
    struct periodic p = {.n = 0};
    timer_init(&p.t, &clk, "p", always, &p);
    timer_set(&p.t, 0);
    clock_run(&clk);
    ck_assert_uint_gt(p.n, 0);
    ck_assert_uint_lt(p.n, 1000);
    ck_assert(timer_pending(&p.t));
    timer_del(&p.t);
}
END_TEST

static void quit_loop(void *arg)
{
    *(bool *)arg = true;
}

START_TEST(the_source_wakes_the_loop)
{
    struct clock v;
    struct timer t, late;
    bool done = false;
    GMainContext *ctx = g_main_context_new();
    clock_init(&v, CLOCK_VIRTUAL, NULL);
    clock_attach(&v, ctx);
    timer_init(&t, &v, "t", quit_loop, &done);
    timer_init(&late, &v, "late", quit_loop, NULL);
    timer_set(&late, 3600 * NSEC_PER_SEC);
    timer_set(&t, 3000000);
    ck_assert(!g_main_context_iteration(ctx, FALSE)); /* stopped: nothing happens */
    ck_assert_int_eq(clock_now(&v), 0);
    clock_start(&v);
    int64_t begin = g_get_monotonic_time();
    while (!done)
        g_main_context_iteration(ctx, TRUE);
    int64_t took = g_get_monotonic_time() - begin;
    ck_assert_int_ge(took, 2900);
    ck_assert_int_lt(took, 500000);
    ck_assert_int_ge(clock_now(&v), 3000000);

    clock_stop(&v);
    int64_t at = clock_now(&v);
    g_usleep(2000);
    ck_assert_int_eq(clock_now(&v), at);
    clock_start(&v);
    ck_assert_int_lt(clock_now(&v) - at, 1000000000);
    clock_stop(&v);
    clock_set(&v, 42);
    ck_assert_int_eq(clock_now(&v), 42);
    clock_fini(&v);
    ck_assert(!timer_pending(&late));
    g_main_context_unref(ctx);
}
END_TEST

START_TEST(conversions)
{
    ck_assert_uint_eq(muldiv64(UINT64_MAX, 1000, 1000), UINT64_MAX);
    ck_assert_uint_eq(muldiv64(NSEC_PER_SEC, 1193182, NSEC_PER_SEC), 1193182);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("clock");
    TCase *t = tcase_create("clock");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, fires_at_its_deadline);
    tcase_add_test(t, a_thousand_timers_in_order);
    tcase_add_test(t, periodic_on_the_way);
    tcase_add_test(t, a_timer_in_the_past_does_not_hold_the_loop);
    tcase_add_test(t, the_source_wakes_the_loop);
    tcase_add_test(t, conversions);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

/* SPDX-License-Identifier: MIT */
/* The HPET through its registers and output lines. IA-PC HPET specification 1.0a. */
#include "tests/device/bench.h"
#include "hw/timer/hpet.h"
#include "hw/timer/hpet_regs.h"

#define BASE 0xfed00000

static struct machine *m;
static struct hpet *hpet;
static struct pin route[24], legacy[2];

static void setup(void)
{
    m = bench_new();
    memset(route, 0, sizeof(route));
    memset(legacy, 0, sizeof(legacy));
    hpet = (struct hpet *)device_new(m, &hpet_type);
    for (int i = 0; i < 24; i++)
        hpet->route[i] = pin_line(&route[i]);
    for (int i = 0; i < 2; i++)
        hpet->legacy_out[i] = pin_line(&legacy[i]);
    bench_realize(hpet);
    region_add(&m->mem_root, BASE, &hpet->mmio, 1);
    step_ns(m, 12345);
}

static void teardown(void)
{
    bench_free(m);
}

static void wr(unsigned reg, uint64_t v)
{
    as_st64(&m->mem, BASE + reg, v);
}

static void wr32(unsigned reg, uint32_t v)
{
    as_st32(&m->mem, BASE + reg, v);
}

static uint64_t rd(unsigned reg)
{
    return as_ld64(&m->mem, BASE + reg);
}

static unsigned tn(unsigned n, unsigned reg)
{
    return HPET_T0 + n * HPET_T_STRIDE + reg;
}

static uint64_t on_route(unsigned r, uint64_t bits)
{
    return r << HPET_TN_ROUTE_SHIFT | HPET_TN_ENABLE | bits;
}

START_TEST(identity_and_counter)
{
    ck_assert_uint_eq(rd(HPET_CAP), (uint64_t)HPET_PERIOD_FS << 32 | HPET_CAP_LOW);
    ck_assert_uint_eq(as_ld32(&m->mem, BASE + 4), HPET_PERIOD_FS);
    step_ns(m, 1000);
    ck_assert_uint_eq(rd(HPET_COUNTER), 0);
    wr(HPET_CONFIG, HPET_ENABLE);
    step_ns(m, 1000);
    ck_assert_uint_eq(rd(HPET_COUNTER), 100);
    wr(HPET_CONFIG, 0);
    step_ns(m, 1000);
    ck_assert_uint_eq(rd(HPET_COUNTER), 100);
    wr(HPET_COUNTER, 0xfffffffff0);
    wr(HPET_CONFIG, HPET_ENABLE);
    step_ns(m, 320);
    ck_assert_uint_eq(rd(HPET_COUNTER), 0x10000000010);
    ck_assert_uint_eq(as_ld32(&m->mem, BASE + HPET_COUNTER + 4), 0x100);
}
END_TEST

START_TEST(one_shot_edge)
{
    wr(tn(2, HPET_T_CONFIG), on_route(20, 0));
    ck_assert_uint_eq(rd(tn(2, HPET_T_CONFIG)),
                      on_route(20, HPET_TN_PERIODIC_CAP | HPET_TN_SIZE_CAP) |
                          (uint64_t)HPET_ROUTE_CAP << 32);
    wr(tn(2, HPET_T_COMPARATOR), 500);
    wr(HPET_CONFIG, HPET_ENABLE);
    step_ns(m, 4999);
    ck_assert_int_eq(route[20].rises, 0);
    step_ns(m, 1);
    ck_assert_int_eq(route[20].rises, 1);
    ck_assert_uint_eq(rd(HPET_STATUS), 0);
    wr(HPET_STATUS, 4); /* touching registers fires nothing again */
    step_ns(m, NSEC_PER_SEC);
    ck_assert_int_eq(route[20].rises, 1);
    ck_assert_int_eq(clock_next_deadline(&m->vclock), INT64_MAX);
}
END_TEST

START_TEST(level)
{
    wr(tn(0, HPET_T_CONFIG), on_route(16, HPET_TN_LEVEL));
    wr(tn(0, HPET_T_COMPARATOR), 10);
    wr(HPET_CONFIG, HPET_ENABLE);
    step_ns(m, 1000);
    ck_assert_int_eq(route[16].level, 1);
    ck_assert_uint_eq(rd(HPET_STATUS), 1);
    wr(HPET_STATUS, 2);
    ck_assert_int_eq(route[16].level, 1);
    wr(HPET_STATUS, 1);
    ck_assert_int_eq(route[16].level, 0);
}
END_TEST

/* As Linux sets a periodic timer: first write the comparator, second the period. */
START_TEST(periodic)
{
    wr32(tn(0, HPET_T_CONFIG), on_route(2, HPET_TN_PERIODIC | HPET_TN_SETVAL | HPET_TN_32BIT));
    wr(HPET_CONFIG, HPET_ENABLE);
    wr32(tn(0, HPET_T_COMPARATOR), 5000);
    wr32(tn(0, HPET_T_COMPARATOR), 100000);
    step_ns(m, 50000);
    ck_assert_int_eq(route[2].rises, 1);
    ck_assert_uint_eq(rd(tn(0, HPET_T_COMPARATOR)), 105000);
    step_ns(m, 1000000 - 1);
    ck_assert_int_eq(route[2].rises, 1);
    step_ns(m, 1);
    ck_assert_int_eq(route[2].rises, 2);
    step_ns(m, 100 * 1000000);
    ck_assert_int_eq(route[2].rises, 102);
}
END_TEST

START_TEST(thirty_two_bits_wrap)
{
    wr(HPET_COUNTER, 0xffffff00);
    wr(tn(1, HPET_T_CONFIG), on_route(8, HPET_TN_32BIT));
    wr(tn(1, HPET_T_COMPARATOR), 0x10);
    wr(HPET_CONFIG, HPET_ENABLE);
    step_ns(m, 0x110 * 10 - 1);
    ck_assert_int_eq(route[8].rises, 0);
    step_ns(m, 1);
    ck_assert_int_eq(route[8].rises, 1);
    step_ns(m, 10ll << 32);
    ck_assert_int_eq(route[8].rises, 2);
}
END_TEST

START_TEST(legacy_replacement)
{
    hpet_legacy_in(hpet, 0, 1);
    ck_assert_int_eq(legacy[0].level, 1); /* the PIT passes through */
    wr(HPET_CONFIG, HPET_LEGACY);
    ck_assert_int_eq(legacy[0].level, 0);
    hpet_legacy_in(hpet, 1, 1);
    ck_assert_int_eq(legacy[1].level, 0);
    wr(tn(0, HPET_T_CONFIG), on_route(20, 0));
    wr(tn(0, HPET_T_COMPARATOR), 100);
    wr(HPET_CONFIG, HPET_LEGACY | HPET_ENABLE);
    step_ns(m, 1000);
    ck_assert_int_eq(legacy[0].level, 1);
    ck_assert_int_eq(route[20].rises, 0); /* not where the route says */
    wr(tn(0, HPET_T_COMPARATOR), 200);
    step_ns(m, 1000);
    ck_assert_int_eq(legacy[0].rises, 3);
    wr(HPET_CONFIG, 0);
    ck_assert_int_eq(legacy[0].level, 1); /* the PIT's level again */
    ck_assert_int_eq(legacy[1].level, 1);
}
END_TEST

START_TEST(saved)
{
    wr(tn(0, HPET_T_CONFIG), on_route(20, 0));
    wr(tn(0, HPET_T_COMPARATOR), 1000);
    wr(HPET_CONFIG, HPET_ENABLE);
    step_ns(m, 500);
    check_save_load(&hpet->dev);
    step_ns(m, 9500);
    ck_assert_int_eq(route[20].rises, 1);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, identity_and_counter);
    tcase_add_test(t, one_shot_edge);
    tcase_add_test(t, level);
    tcase_add_test(t, periodic);
    tcase_add_test(t, thirty_two_bits_wrap);
    tcase_add_test(t, legacy_replacement);
    tcase_add_test(t, saved);
}

int main(void)
{
    return bench_run("hpet", add);
}

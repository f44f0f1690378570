/* SPDX-License-Identifier: MIT */
/* The real-time clock through ports 70h and 71h and its interrupt. */
#include "tests/device/bench.h"
#include "hw/timer/mc146818.h"
#include "hw/timer/mc146818_regs.h"

static struct machine *m;
static struct mc146818 *rtc;
static struct pin irq;

static void setup(void)
{
    m = bench_new();
    irq = (struct pin){0};
    rtc = (struct mc146818 *)device_new(m, &mc146818_type);
    rtc->irq = pin_line(&irq);
    bench_realize(rtc);
    region_add(&m->io_root, 0x70, &rtc->io, 0);
}

static void teardown(void)
{
    bench_free(m);
}

static uint8_t rd(uint8_t reg)
{
    outb(m, 0x70, reg);
    return inb(m, 0x71);
}

static void wr(uint8_t reg, uint8_t v)
{
    outb(m, 0x70, reg);
    outb(m, 0x71, v);
}

/* As hwclock does: the divider held in reset, so that the next second comes in half a one. */
static void set_time(unsigned year, unsigned month, unsigned day, unsigned h, unsigned min,
                     unsigned s)
{
    uint8_t b = rd(RTC_B);
    wr(RTC_B, b | RTC_B_SET);
    wr(RTC_A, RTC_A_DV_RESET | 0x10);
    wr(RTC_CENTURY, year >> 8);
    wr(RTC_YEAR, year & 0xff);
    wr(RTC_MONTH, month);
    wr(RTC_DAY, day);
    wr(RTC_HOURS, h);
    wr(RTC_MINUTES, min);
    wr(RTC_SECONDS, s);
    wr(RTC_B, b);
    wr(RTC_A, RTC_A_DV_32K);
}

static void check_time(unsigned year, unsigned month, unsigned day, unsigned h, unsigned min,
                       unsigned s)
{
    ck_assert_uint_eq(rd(RTC_CENTURY) << 8 | rd(RTC_YEAR), year);
    ck_assert_uint_eq(rd(RTC_MONTH), month);
    ck_assert_uint_eq(rd(RTC_DAY), day);
    ck_assert_uint_eq(rd(RTC_HOURS), h);
    ck_assert_uint_eq(rd(RTC_MINUTES), min);
    ck_assert_uint_eq(rd(RTC_SECONDS), s);
}

START_TEST(roll_over)
{
    static const struct {
        unsigned before[6], after[6], weekday; /* BCD; 1 is Sunday */
    } rows[] = {
        {{0x2023, 0x12, 0x31, 0x23, 0x59, 0x59}, {0x2024, 1, 1, 0, 0, 0}, 2},
        {{0x2024, 0x02, 0x28, 0x23, 0x59, 0x59}, {0x2024, 2, 0x29, 0, 0, 0}, 5},
        {{0x2023, 0x02, 0x28, 0x23, 0x59, 0x59}, {0x2023, 3, 1, 0, 0, 0}, 4},
        {{0x2000, 0x02, 0x28, 0x23, 0x59, 0x59}, {0x2000, 2, 0x29, 0, 0, 0}, 3},
        {{0x1999, 0x12, 0x31, 0x23, 0x59, 0x59}, {0x2000, 1, 1, 0, 0, 0}, 7},
        {{0x2099, 0x12, 0x31, 0x23, 0x59, 0x59}, {0x2100, 1, 1, 0, 0, 0}, 6},
        {{0x2022, 0x04, 0x30, 0x12, 0x59, 0x59}, {0x2022, 4, 0x30, 0x13, 0, 0}, 7},
    };
    const unsigned *b = rows[_i].before, *a = rows[_i].after;
    set_time(b[0], b[1], b[2], b[3], b[4], b[5]);
    check_time(b[0], b[1], b[2], b[3], b[4], b[5]);
    step_ns(m, NSEC_PER_SEC / 2 - 1);
    check_time(b[0], b[1], b[2], b[3], b[4], b[5]);
    step_ns(m, 1);
    check_time(a[0], a[1], a[2], a[3], a[4], a[5]);
    ck_assert_uint_eq(rd(RTC_WEEKDAY), rows[_i].weekday);
}
END_TEST

START_TEST(binary_and_12_hours)
{
    set_time(0x2024, 0x05, 0x17, 0x23, 0x45, 0x10);
    wr(RTC_B, RTC_B_BINARY | RTC_B_24H);
    ck_assert_uint_eq(rd(RTC_HOURS), 23);
    ck_assert_uint_eq(rd(RTC_DAY), 17);
    wr(RTC_B, 0);
    ck_assert_uint_eq(rd(RTC_HOURS), RTC_PM | 0x11);
    wr(RTC_HOURS, 0x12); /* 12 AM is midnight */
    wr(RTC_B, RTC_B_24H);
    ck_assert_uint_eq(rd(RTC_HOURS), 0);
    wr(RTC_B, RTC_B_BINARY);
    wr(RTC_HOURS, RTC_PM | 12);
    wr(RTC_B, RTC_B_24H);
    ck_assert_uint_eq(rd(RTC_HOURS), 0x12);
}
END_TEST

START_TEST(update_in_progress)
{
    set_time(0x2024, 1, 1, 0, 0, 0);
    ck_assert_uint_eq(rd(RTC_A) & RTC_A_UIP, 0);
    step_ns(m, NSEC_PER_SEC / 2 - RTC_UIP_NS - 1);
    ck_assert_uint_eq(rd(RTC_A) & RTC_A_UIP, 0);
    step_ns(m, 1);
    ck_assert_uint_eq(rd(RTC_A) & RTC_A_UIP, RTC_A_UIP);
    ck_assert_uint_eq(rd(RTC_SECONDS), 0);
    step_ns(m, RTC_UIP_NS);
    ck_assert_uint_eq(rd(RTC_A) & RTC_A_UIP, 0);
    ck_assert_uint_eq(rd(RTC_SECONDS), 1);
}
END_TEST

START_TEST(update_interrupt)
{
    set_time(0x2024, 1, 1, 0, 0, 0);
    rd(RTC_C);
    wr(RTC_B, RTC_B_24H | RTC_B_UIE);
    step_ns(m, NSEC_PER_SEC / 2);
    ck_assert_int_eq(irq.level, 1);
    step_ns(m, 5 * NSEC_PER_SEC); /* not acknowledged: no more edges, no wake-ups */
    ck_assert_int_eq(irq.rises, 1);
    ck_assert_uint_eq(rd(RTC_C), RTC_C_IRQF | RTC_C_UF);
    ck_assert_int_eq(irq.level, 0);
    ck_assert_uint_eq(rd(RTC_C), 0);
    step_ns(m, NSEC_PER_SEC);
    ck_assert_int_eq(irq.rises, 2);
    wr(RTC_B, RTC_B_24H | RTC_B_UIE | RTC_B_SET);
    ck_assert_uint_eq(rd(RTC_B) & RTC_B_UIE, 0); /* SET clears UIE */
}
END_TEST

START_TEST(alarm_interrupt)
{
    set_time(0x2024, 1, 1, 0x22, 0, 0);
    rd(RTC_C);
    wr(RTC_HOURS_ALARM, 0x06);
    wr(RTC_MINUTES_ALARM, 0x30);
    wr(RTC_SECONDS_ALARM, 0x15);
    wr(RTC_B, RTC_B_24H | RTC_B_AIE);
    int64_t wait = (8 * 3600 + 30 * 60 + 15) * NSEC_PER_SEC - NSEC_PER_SEC / 2;
    step_ns(m, wait - 1);
    ck_assert_int_eq(irq.level, 0);
    step_ns(m, 1);
    ck_assert_int_eq(irq.level, 1);
    ck_assert_uint_eq(rd(RTC_C), RTC_C_IRQF | RTC_C_AF | RTC_C_UF);
    check_time(0x2024, 1, 2, 6, 0x30, 0x15);
    wr(RTC_HOURS_ALARM, 0xff);
    wr(RTC_MINUTES_ALARM, 0xc0);
    step_ns(m, 60 * NSEC_PER_SEC);
    ck_assert_uint_eq(rd(RTC_C) & RTC_C_AF, RTC_C_AF);
    step_ns(m, 60 * NSEC_PER_SEC);
    ck_assert_int_eq(irq.rises, 3);
}
END_TEST

START_TEST(flags_without_interrupts)
{
    set_time(0x2024, 1, 1, 0, 0, 0);
    rd(RTC_C);
    ck_assert_int_eq(clock_next_deadline(&m->vclock), INT64_MAX);
    ck_assert_int_eq(clock_next_deadline(&m->hclock), INT64_MAX);
    step_ns(m, NSEC_PER_SEC);
    ck_assert_uint_eq(rd(RTC_C), RTC_C_UF);
    ck_assert_int_eq(irq.rises, 0);
}
END_TEST

START_TEST(periodic_interrupt)
{
    static const unsigned hz[16] = {0,   256, 128, 8192, 4096, 2048, 1024, 512,
                                    256, 128, 64,  32,   16,   8,    4,    2};
    wr(RTC_A, RTC_A_DV_32K | _i);
    rd(RTC_C);
    wr(RTC_B, RTC_B_24H | RTC_B_PIE);
    step_ns(m, NSEC_PER_SEC);
    unsigned n = 0;
    for (int64_t end = clock_now(&m->vclock) + NSEC_PER_SEC; clock_now(&m->vclock) < end;) {
        step_ns(m, NSEC_PER_SEC / 65536 + 1);
        if (irq.level)
            n += !!(rd(RTC_C) & RTC_C_PF);
    }
    ck_assert_uint_ge(n + 1, hz[_i]);
    ck_assert_uint_le(n, hz[_i] + 1);
}
END_TEST

START_TEST(ram_and_reset)
{
    for (unsigned i = RTC_D + 1; i < 128; i++)
        wr(i, i);
    wr(RTC_B, RTC_B_24H | RTC_B_PIE);
    device_reset(&rtc->dev);
    ck_assert_uint_eq(rd(RTC_B), RTC_B_24H);
    for (unsigned i = RTC_D + 1; i < 128; i++)
        if (i != RTC_CENTURY)
            ck_assert_uint_eq(rd(i), i);
    ck_assert_uint_eq(rd(RTC_D), RTC_D_VRT);
    mc146818_set_cmos(rtc, 0x34, 0x77);
    ck_assert_uint_eq(rd(0x34 | 0x80), 0x77); /* bit 7 is the NMI mask */
    ck_assert(rtc->nmi_masked);
}
END_TEST

START_TEST(set_holds)
{
    set_time(0x2024, 1, 1, 0, 0, 0);
    wr(RTC_B, RTC_B_24H | RTC_B_SET);
    step_ns(m, 10 * NSEC_PER_SEC);
    ck_assert_uint_eq(rd(RTC_SECONDS), 0);
    wr(RTC_SECONDS, 0x30);
    wr(RTC_B, RTC_B_24H);
    ck_assert_uint_eq(rd(RTC_SECONDS), 0x30);
    step_ns(m, NSEC_PER_SEC);
    ck_assert_uint_eq(rd(RTC_SECONDS), 0x31);
}
END_TEST

START_TEST(saved)
{
    wr(RTC_B, RTC_B_24H | RTC_B_UIE);
    step_ns(m, 3 * NSEC_PER_SEC);
    check_save_load(&rtc->dev);
    ck_assert_int_eq(irq.level, 1);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, roll_over, 0, 7);
    tcase_add_test(t, binary_and_12_hours);
    tcase_add_test(t, update_in_progress);
    tcase_add_test(t, update_interrupt);
    tcase_add_test(t, alarm_interrupt);
    tcase_add_test(t, flags_without_interrupts);
    tcase_add_loop_test(t, periodic_interrupt, 0, 16);
    tcase_add_test(t, ram_and_reset);
    tcase_add_test(t, set_holds);
    tcase_add_test(t, saved);
}

int main(void)
{
    return bench_run("mc146818", add);
}

/* SPDX-License-Identifier: MIT */
/*
 * The 8254 through its ports, gates and OUT pins. The waveforms are those of the data sheet's
 * timing diagrams (231164, figures 15-20), told as the level of OUT in each clock after the
 * count was written; the first character is the clock in which the count is loaded.
 */
#include "tests/device/bench.h"
#include "hw/misc/port61.h"
#include "hw/timer/i8254.h"
#include "hw/timer/i8254_regs.h"

static struct machine *m;
static struct i8254 *pit;
static struct pin out[3];

static void setup(void)
{
    m = bench_new();
    memset(out, 0, sizeof(out));
    pit = (struct i8254 *)device_new(m, &i8254_type);
    for (int i = 0; i < 3; i++)
        pit->irq[i] = (struct irq_line){pin_set, &out[i], 0};
    bench_realize(pit);
    region_add(&m->io_root, 0x40, &pit->io, 0);
    struct port61 *p = (struct port61 *)device_new(m, &port61_type);
    p->pit = pit;
    bench_realize(p);
    region_add(&m->io_root, 0x61, &p->io, 0);
    step_ns(m, 1000);
}

static void teardown(void)
{
    bench_free(m);
}

static int64_t first_ns(int64_t tick)
{
    return ((__int128)tick * NSEC_PER_SEC + PIT_HZ - 1) / PIT_HZ;
}

/* Go forward by whole clocks, to the beginning of one. */
static void clocks(int64_t n)
{
    int64_t now = clock_now(&m->vclock), tick = muldiv64(now, PIT_HZ, NSEC_PER_SEC);
    step_ns(m, first_ns(tick + n) - now);
}

static void control(unsigned counter, unsigned rw, unsigned mode, unsigned bcd)
{
    outb(m, 0x43, counter << PIT_SELECT_SHIFT | rw << PIT_RW_SHIFT | mode << PIT_MODE_SHIFT | bcd);
}

static void count16(unsigned counter, uint16_t v)
{
    outb(m, 0x40 + counter, v & 0xff);
    outb(m, 0x40 + counter, v >> 8);
}

static uint16_t latched(unsigned counter)
{
    outb(m, 0x43, counter << PIT_SELECT_SHIFT);
    uint16_t low = inb(m, 0x40 + counter);
    return low | inb(m, 0x40 + counter) << 8;
}

static uint8_t status(unsigned counter)
{
    outb(m, 0x43, 0xc0 | PIT_READBACK_NO_COUNT | 2u << counter);
    return inb(m, 0x40 + counter);
}

static void check_wave(unsigned counter, const char *want)
{
    for (unsigned i = 0; want[i]; i++) {
        ck_assert_msg(i8254_get_out(pit, counter) == (want[i] == '-'), "clock %u of %s", i, want);
        clocks(1);
    }
}

/* '-' high, '_' low. Gate high all the time (modes 0, 2, 3, 4) or raised before (1, 5). */
static const struct {
    unsigned mode, count;
    const char *wave;
} waves[] = {
    {0, 4, "_____-----"},
    {2, 3, "---_--_--_--"},
    {2, 5, "-----_----_----_"},
    {3, 4, "---__--__--__"},
    {3, 5, "----__---__---__"},
    {4, 3, "----_------"},
};

START_TEST(waveforms)
{
    clocks(1);
    control(0, PIT_RW_LOW, waves[_i].mode, 0);
    outb(m, 0x40, waves[_i].count);
    check_wave(0, waves[_i].wave);
}
END_TEST

START_TEST(mode1_one_shot)
{
    control(2, PIT_RW_LOW, 1, 0);
    outb(m, 0x42, 3);
    clocks(10);
    ck_assert(i8254_get_out(pit, 2)); /* waits for the gate */
    ck_assert(status(2) & PIT_STATUS_NULL);
    outb(m, 0x61, 1);
    check_wave(2, "-___----");
    outb(m, 0x61, 0);
    outb(m, 0x61, 1);
    clocks(2);
    outb(m, 0x61, 0);
    outb(m, 0x61, 1); /* retrigger while low: stays low */
    check_wave(2, "____----");
}
END_TEST

START_TEST(mode5_strobe)
{
    control(2, PIT_RW_LOW, 5, 0);
    outb(m, 0x42, 3);
    clocks(5);
    outb(m, 0x61, 1);
    check_wave(2, "----_---");
}
END_TEST

START_TEST(gate_stops_mode0)
{
    outb(m, 0x61, 1);
    control(2, PIT_RW_LOW, 0, 0);
    outb(m, 0x42, 5);
    clocks(3); /* 1 to load, 2 counted */
    ck_assert_uint_eq(inb(m, 0x42), 3);
    outb(m, 0x61, 0);
    clocks(100);
    ck_assert_uint_eq(inb(m, 0x42), 3);
    outb(m, 0x61, 1);
    clocks(2);
    ck_assert_uint_eq(inb(m, 0x61) & 0x20, 0);
    clocks(1);
    ck_assert_uint_eq(inb(m, 0x61) & 0x20, 0x20);
}
END_TEST

START_TEST(gate_restarts_mode2)
{
    outb(m, 0x61, 1);
    control(2, PIT_RW_LOW, 2, 0);
    outb(m, 0x42, 4);
    clocks(4);
    ck_assert(!i8254_get_out(pit, 2));
    outb(m, 0x61, 0);
    ck_assert(i8254_get_out(pit, 2)); /* high at once */
    clocks(7);
    ck_assert(i8254_get_out(pit, 2));
    outb(m, 0x61, 1);
    check_wave(2, "----_---_");
}
END_TEST

START_TEST(new_count_at_end_of_cycle)
{
    control(0, PIT_RW_LOW, 2, 0);
    outb(m, 0x40, 4);
    clocks(2);
    outb(m, 0x40, 6);
    ck_assert(status(0) & PIT_STATUS_NULL);
    check_wave(0, "--_-----_-----_");
    ck_assert(!(status(0) & PIT_STATUS_NULL));
}
END_TEST

START_TEST(new_count_at_half_cycle)
{
    control(0, PIT_RW_LOW, 3, 0);
    outb(m, 0x40, 8);
    clocks(2);
    outb(m, 0x40, 4); /* the high half of 8 ends, then halves of 2 */
    check_wave(0, "---__--__--");
}
END_TEST

START_TEST(counting_values)
{
    control(0, PIT_RW_BOTH, 2, 0);
    count16(0, 1000);
    clocks(1);
    ck_assert_uint_eq(latched(0), 1000);
    clocks(999);
    ck_assert_uint_eq(latched(0), 1);
    clocks(1);
    ck_assert_uint_eq(latched(0), 1000);

    control(0, PIT_RW_BOTH, 3, 0); /* by twos */
    count16(0, 8);
    clocks(1);
    static const uint16_t even[] = {8, 6, 4, 2, 8, 6, 4, 2, 8};
    for (unsigned i = 0; i < G_N_ELEMENTS(even); i++, clocks(1))
        ck_assert_uint_eq(latched(0), even[i]);
    control(0, PIT_RW_BOTH, 3, 0);
    count16(0, 5);
    clocks(1);
    static const uint16_t odd[] = {4, 2, 0, 4, 2, 4, 2, 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++, clocks(1))
        ck_assert_uint_eq(latched(0), odd[i]);

    control(0, PIT_RW_BOTH, 0, 0); /* wraps after the terminal count */
    count16(0, 2);
    clocks(4);
    ck_assert_uint_eq(latched(0), 0xffff);
}
END_TEST

START_TEST(bcd)
{
    control(0, PIT_RW_BOTH, 0, 1);
    count16(0, 0x1000);
    clocks(2);
    ck_assert_uint_eq(latched(0), 0x0999);
    clocks(1000);
    ck_assert_uint_eq(latched(0), 0x9999);
    control(0, PIT_RW_BOTH, 2, 1);
    count16(0, 0); /* 10000 */
    clocks(1 + 9999);
    ck_assert_uint_eq(latched(0), 1);
}
END_TEST

START_TEST(latches)
{
    control(0, PIT_RW_BOTH, 2, 0);
    count16(0, 0x1234);
    clocks(1);
    outb(m, 0x43, 0); /* latch */
    clocks(100);
    outb(m, 0x43, 0); /* ignored: not read yet */
    ck_assert_uint_eq(inb(m, 0x40), 0x34);
    ck_assert_uint_eq(inb(m, 0x40), 0x12);
    ck_assert_uint_ne(inb(m, 0x40) | inb(m, 0x40) << 8, 0x1234);
    /* read-back of both: the status comes first */
    outb(m, 0x43, 0xc0 | 2);
    uint8_t st = inb(m, 0x40);
    ck_assert_uint_eq(st & 0x7f, PIT_RW_BOTH << PIT_RW_SHIFT | 2 << PIT_MODE_SHIFT);
    uint16_t v = inb(m, 0x40);
    v |= inb(m, 0x40) << 8;
    ck_assert_uint_eq(v, 0x1234 - 100);
    /* of several counters at once */
    control(1, PIT_RW_LOW, 2, 0);
    outb(m, 0x41, 50);
    clocks(1);
    outb(m, 0x43, 0xc0 | PIT_READBACK_NO_STATUS | 2 | 4);
    clocks(20);
    ck_assert_uint_eq(inb(m, 0x41), 50);
    ck_assert_uint_eq(inb(m, 0x41), 30);
}
END_TEST

START_TEST(exact_interrupt_rate)
{
    control(0, PIT_RW_BOTH, 2, 0);
    count16(0, 11932); /* 100 Hz */
    out[0].rises = 0;
    step_ns(m, 10 * NSEC_PER_SEC);
    ck_assert_int_eq(out[0].rises, 10ll * PIT_HZ / 11932);
}
END_TEST

START_TEST(late_reader_loses_no_level)
{
    control(0, PIT_RW_LOW, 0, 0);
    outb(m, 0x40, 100);
    out[0].rises = 0;
    clocks(100);
    ck_assert_int_eq(out[0].level, 0);
    clocks(1);
    ck_assert_int_eq(out[0].level, 1);
    clocks(1000000);
    ck_assert_int_eq(out[0].rises, 1);
}
END_TEST

START_TEST(an_idle_pit_needs_no_timer)
{
    ck_assert_int_eq(clock_next_deadline(&m->vclock), INT64_MAX);
    control(0, PIT_RW_BOTH, 0, 0);
    count16(0, 0);
    clocks(65537);
    ck_assert_int_eq(out[0].level, 1);
    ck_assert_int_eq(clock_next_deadline(&m->vclock), INT64_MAX);
    pit->irq[2].set = NULL;
    outb(m, 0x61, 1);
    control(2, PIT_RW_BOTH, 2, 0);
    count16(2, 100);
    ck_assert_int_eq(clock_next_deadline(&m->vclock), INT64_MAX);
}
END_TEST

START_TEST(saved)
{
    control(0, PIT_RW_BOTH, 2, 0);
    count16(0, 1000);
    clocks(10);
    check_save_load(&pit->dev);
    ck_assert_uint_eq(latched(0), 991);
    ck_assert_int_ne(clock_next_deadline(&m->vclock), INT64_MAX);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, waveforms, 0, G_N_ELEMENTS(waves));
    tcase_add_test(t, mode1_one_shot);
    tcase_add_test(t, mode5_strobe);
    tcase_add_test(t, gate_stops_mode0);
    tcase_add_test(t, gate_restarts_mode2);
    tcase_add_test(t, new_count_at_end_of_cycle);
    tcase_add_test(t, new_count_at_half_cycle);
    tcase_add_test(t, counting_values);
    tcase_add_test(t, bcd);
    tcase_add_test(t, latches);
    tcase_add_test(t, exact_interrupt_rate);
    tcase_add_test(t, late_reader_loses_no_level);
    tcase_add_test(t, an_idle_pit_needs_no_timer);
    tcase_add_test(t, saved);
}

int main(void)
{
    return bench_run("i8254", add);
}

/* SPDX-License-Identifier: MIT */
/* Port 61h, isa-debug-exit and pc-testdev. */
#include "tests/device/bench.h"
#include "hw/misc/debugexit.h"
#include "hw/misc/pc_testdev.h"
#include "hw/misc/port61.h"
#include "hw/timer/i8254.h"

static struct machine *m;
static struct pin isa[16], gsi[24];

static void setup(void)
{
    m = bench_new();
    memset(isa, 0, sizeof(isa));
    memset(gsi, 0, sizeof(gsi));
    for (int i = 0; i < 16; i++)
        m->isa_irq[i] = pin_line(&isa[i]);
    for (int i = 0; i < 24; i++)
        m->gsi[i] = pin_line(&gsi[i]);
}

static void teardown(void)
{
    bench_free(m);
}

START_TEST(port61)
{
    struct i8254 *pit = (struct i8254 *)device_new(m, &i8254_type);
    bench_realize(pit);
    struct port61 *p = (struct port61 *)device_new(m, &port61_type);
    p->pit = pit;
    bench_realize(p);
    region_add(&m->io_root, 0x61, &p->io, 0);
    outb(m, 0x61, 0xff);
    ck_assert_uint_eq(inb(m, 0x61) & 0xcf, 0x0f); /* no NMI pending */
    ck_assert(i8254_get_gate(pit, 2));
    outb(m, 0x61, 2);
    ck_assert(!i8254_get_gate(pit, 2));
    uint8_t before = inb(m, 0x61) & 0x10; /* the refresh bit toggles about every 15 us */
    unsigned toggles = 0;
    for (int i = 0; i < 1000; i++) {
        step_ns(m, 1000);
        uint8_t now = inb(m, 0x61) & 0x10;
        toggles += now != before;
        before = now;
    }
    ck_assert_uint_ge(toggles, 65);
    ck_assert_uint_le(toggles, 67);
    device_reset(&p->dev);
    ck_assert_uint_eq(inb(m, 0x61) & 0x0f, 0);
}
END_TEST

START_TEST(debug_exit)
{
    struct device *d = device_new(m, &debugexit_type);
    ck_assert(device_set(d, "iobase", "0xf4", NULL));
    ck_assert(device_set(d, "iosize", "4", NULL));
    bench_realize(d);
    ck_assert_uint_eq(inb(m, 0xf4), 0);
    as_io_write(&m->io, 0xf4, 0x10, 4);
    ck_assert_int_eq(m->exit_status, 0x21);
    struct device *bad = device_new(m, &debugexit_type);
    ck_assert(device_set(bad, "iobase", "0xffff", NULL));
    ck_assert(!device_realize(bad, NULL));
    device_free(bad);
}
END_TEST

START_TEST(testdev)
{
    struct device *d = device_new(m, &pc_testdev_type);
    bench_realize(d);
    as_io_write(&m->io, 0xe0, 0x12345678, 4);
    ck_assert_uint_eq(as_io_read(&m->io, 0xe0, 4), 0x12345678);
    ck_assert_uint_eq(as_io_read(&m->io, 0xe1, 1), 0x56);
    as_io_write(&m->io, 0xe2, 0xaabb, 2);
    ck_assert_uint_eq(as_io_read(&m->io, 0xe8, 4), 0xaabb5678);
    outb(m, 0x200e, 1);
    ck_assert_int_eq(isa[14].level, 1);
    outb(m, 0x200e, 0);
    ck_assert_int_eq(isa[14].level, 0);
    outb(m, 0x2017, 1);
    ck_assert_int_eq(gsi[23].level, 1);
    as_st64(&m->mem, 0xff000010, 0x1122334455667788);
    ck_assert_uint_eq(as_ld16(&m->mem, 0xff000013), 0x4455);
    as_st32(&m->mem, 0xff00fffc, 1);
    ck_assert_uint_eq(as_ld32(&m->mem, 0xff00fffc), 1);
    check_save_load(d);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, port61);
    tcase_add_test(t, debug_exit);
    tcase_add_test(t, testdev);
}

int main(void)
{
    return bench_run("misc", add);
}

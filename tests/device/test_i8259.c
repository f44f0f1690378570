/* SPDX-License-Identifier: MIT */
/* The 8259A pair through its ports and pins. Section names are the data sheet's (231468). */
#include "tests/device/bench.h"
#include "hw/intc/i8259.h"
#include "hw/intc/i8259_regs.h"

static struct machine *m;
static struct i8259 *pic;
static struct pin intr;

static void init_chips(uint8_t icw4)
{
    outb(m, 0x20, ICW1_SELECT | ICW1_IC4);
    outb(m, 0x21, 0x30);
    outb(m, 0x21, 1 << CASCADE_INPUT);
    outb(m, 0x21, icw4);
    outb(m, 0xa0, ICW1_SELECT | ICW1_IC4);
    outb(m, 0xa1, 0x38);
    outb(m, 0xa1, CASCADE_INPUT);
    outb(m, 0xa1, ICW4_UPM);
}

static void setup(void)
{
    m = bench_new();
    intr = (struct pin){0};
    pic = (struct i8259 *)device_new(m, &i8259_type);
    pic->intr = pin_line(&intr);
    bench_realize(pic);
    region_add(&m->io_root, 0x20, &pic->io[0], 0);
    region_add(&m->io_root, 0xa0, &pic->io[1], 0);
    region_add(&m->io_root, 0x4d0, &pic->elcr, 0);
    init_chips(ICW4_UPM);
}

static void teardown(void)
{
    bench_free(m);
}

static void up(int n)
{
    i8259_set_irq(pic, n, 1);
}

static void down(int n)
{
    i8259_set_irq(pic, n, 0);
}

static uint8_t read_isr(unsigned port)
{
    outb(m, port, OCW3_SELECT | OCW3_RR | OCW3_RIS);
    return inb(m, port);
}

static uint8_t read_irr(unsigned port)
{
    outb(m, port, OCW3_SELECT | OCW3_RR);
    return inb(m, port);
}

START_TEST(edge_and_vector)
{
    up(1);
    ck_assert_int_eq(intr.level, 1);
    ck_assert_uint_eq(read_irr(0x20), 0x02);
    ck_assert_int_eq(i8259_ack(pic), 0x31);
    ck_assert_int_eq(intr.level, 0);
    ck_assert_uint_eq(read_irr(0x20), 0);
    ck_assert_uint_eq(read_isr(0x20), 0x02);
    outb(m, 0x20, OCW2_EOI);
    ck_assert_int_eq(intr.level, 0); /* still high: no new edge */
    down(1);
    up(1);
    ck_assert_int_eq(i8259_ack(pic), 0x31);
}
END_TEST

START_TEST(level_mode)
{
    outb(m, 0x4d0, 0xff);
    outb(m, 0x4d1, 0xff);
    ck_assert_uint_eq(inb(m, 0x4d0), ELCR_MASK_MASTER);
    ck_assert_uint_eq(inb(m, 0x4d1), ELCR_MASK_SLAVE);
    up(5);
    ck_assert_int_eq(i8259_ack(pic), 0x35);
    outb(m, 0x20, OCW2_EOI);
    ck_assert_int_eq(intr.level, 1); /* the line is still active */
    down(5);
    ck_assert_int_eq(intr.level, 0);
}
END_TEST

START_TEST(fully_nested)
{
    up(4);
    ck_assert_int_eq(i8259_ack(pic), 0x34);
    up(6);
    ck_assert_int_eq(intr.level, 0); /* lower priority waits */
    up(0);
    ck_assert_int_eq(intr.level, 1);
    ck_assert_int_eq(i8259_ack(pic), 0x30);
    outb(m, 0x20, OCW2_EOI); /* the highest in service: 0 */
    ck_assert_uint_eq(read_isr(0x20), 0x10);
    outb(m, 0x20, OCW2_SPECIFIC_EOI | 4);
    ck_assert_int_eq(i8259_ack(pic), 0x36);
}
END_TEST

START_TEST(slave)
{
    up(8);
    ck_assert_int_eq(i8259_ack(pic), 0x38);
    ck_assert_uint_eq(read_isr(0x20), 0x04);
    ck_assert_uint_eq(read_isr(0xa0), 0x01);
    up(12);
    ck_assert_int_eq(intr.level, 0);
    outb(m, 0xa0, OCW2_EOI);
    ck_assert_int_eq(intr.level, 0); /* the master's input 2 is still in service */
    outb(m, 0x20, OCW2_EOI);
    ck_assert_int_eq(i8259_ack(pic), 0x3c);
}
END_TEST

START_TEST(masks)
{
    outb(m, 0x21, 0xff);
    up(3);
    ck_assert_int_eq(intr.level, 0);
    ck_assert_uint_eq(inb(m, 0x21), 0xff);
    outb(m, 0x21, 0xf7);
    ck_assert_int_eq(intr.level, 1); /* the edge was kept */
    ck_assert_int_eq(i8259_ack(pic), 0x33);
}
END_TEST

START_TEST(spurious)
{
    up(3);
    down(3);
    ck_assert_int_eq(intr.level, 0);
    ck_assert_int_eq(i8259_ack(pic), 0x37);
    ck_assert_uint_eq(read_isr(0x20), 0); /* IR7 is not in service */
    /* the slave's request goes away between INT and INTA, but the master's ISR bit is set */
    up(9);
    outb(m, 0x21, 0);
    pic->chip[1].irr = 0;
    ck_assert_int_eq(i8259_ack(pic), 0x3f);
    ck_assert_uint_eq(read_isr(0xa0), 0);
    ck_assert_uint_eq(read_isr(0x20), 0x04);
}
END_TEST

START_TEST(rotation)
{
    /* Rotate on non-specific EOI: the served one becomes the lowest. */
    up(0);
    ck_assert_int_eq(i8259_ack(pic), 0x30);
    outb(m, 0x20, OCW2_ROTATE_EOI);
    down(0);
    up(0);
    up(1);
    ck_assert_int_eq(i8259_ack(pic), 0x31);
    outb(m, 0x20, OCW2_ROTATE_SPECIFIC | 1);
    ck_assert_int_eq(i8259_ack(pic), 0x30);
    outb(m, 0x20, OCW2_EOI);
    /* Set priority: input 5 lowest, so 6 is first. */
    outb(m, 0x20, OCW2_SET_PRIORITY | 5);
    up(7);
    up(6);
    down(0);
    up(0);
    ck_assert_int_eq(i8259_ack(pic), 0x36);
    outb(m, 0x20, OCW2_EOI);
    ck_assert_int_eq(i8259_ack(pic), 0x37);
    outb(m, 0x20, OCW2_EOI);
    ck_assert_int_eq(i8259_ack(pic), 0x30);
}
END_TEST

START_TEST(auto_eoi)
{
    init_chips(ICW4_UPM | ICW4_AEOI);
    up(2 + 1);
    ck_assert_int_eq(i8259_ack(pic), 0x33);
    ck_assert_uint_eq(read_isr(0x20), 0);
    outb(m, 0x20, OCW2_SET_ROTATE_AEOI);
    up(4);
    ck_assert_int_eq(i8259_ack(pic), 0x34);
    up(5);
    down(3);
    up(3);
    ck_assert_int_eq(i8259_ack(pic), 0x35); /* 4 is the lowest, 5 first */
    outb(m, 0x20, OCW2_CLEAR_ROTATE_AEOI);
    ck_assert_int_eq(i8259_ack(pic), 0x33);
}
END_TEST

START_TEST(special_mask)
{
    up(2 - 1);
    ck_assert_int_eq(i8259_ack(pic), 0x31);
    up(6);
    ck_assert_int_eq(intr.level, 0);
    outb(m, 0x20, OCW3_SELECT | OCW3_ESMM | OCW3_SMM);
    outb(m, 0x21, 0x02); /* masks itself: the lower levels come through */
    ck_assert_int_eq(intr.level, 1);
    ck_assert_int_eq(i8259_ack(pic), 0x36);
    outb(m, 0x20, OCW2_EOI); /* does not end the masked level 1 */
    ck_assert_uint_eq(read_isr(0x20), 0x02);
    outb(m, 0x20, OCW3_SELECT | OCW3_ESMM);
    outb(m, 0x20, OCW2_EOI);
    ck_assert_uint_eq(read_isr(0x20), 0);
}
END_TEST

START_TEST(special_fully_nested)
{
    init_chips(ICW4_UPM | ICW4_SFNM);
    up(12);
    ck_assert_int_eq(i8259_ack(pic), 0x3c);
    up(9); /* higher, of the same slave */
    ck_assert_int_eq(intr.level, 1);
    ck_assert_int_eq(i8259_ack(pic), 0x39);
    outb(m, 0xa0, OCW2_EOI);
    ck_assert_uint_eq(read_isr(0xa0), 0x10);
}
END_TEST

START_TEST(poll)
{
    up(4);
    outb(m, 0x20, OCW3_SELECT | OCW3_POLL);
    ck_assert_uint_eq(inb(m, 0x20), POLL_INT | 4);
    ck_assert_uint_eq(read_isr(0x20), 0x10);
    ck_assert_int_eq(intr.level, 0);
    outb(m, 0x20, OCW3_SELECT | OCW3_POLL);
    ck_assert_uint_eq(inb(m, 0x20) & POLL_INT, 0);
}
END_TEST

START_TEST(init_sequence)
{
    up(4);
    outb(m, 0x21, 0x55);
    outb(m, 0x20, ICW1_SELECT | ICW1_SNGL); /* no ICW3, no ICW4 */
    ck_assert_int_eq(intr.level, 0);        /* the edge is forgotten */
    ck_assert_uint_eq(inb(m, 0x21), 0);
    outb(m, 0x21, 0x47);
    outb(m, 0x21, 0xf0); /* already OCW1 */
    ck_assert_uint_eq(inb(m, 0x21), 0xf0);
    down(4);
    up(3);
    ck_assert_int_eq(i8259_ack(pic), 0x43);
}
END_TEST

START_TEST(saved)
{
    up(4);
    up(10);
    i8259_ack(pic);
    check_save_load(&pic->dev);
    down(10);
    ck_assert_uint_eq(read_isr(0x20), 0x04);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, edge_and_vector);
    tcase_add_test(t, level_mode);
    tcase_add_test(t, fully_nested);
    tcase_add_test(t, slave);
    tcase_add_test(t, masks);
    tcase_add_test(t, spurious);
    tcase_add_test(t, rotation);
    tcase_add_test(t, auto_eoi);
    tcase_add_test(t, special_mask);
    tcase_add_test(t, special_fully_nested);
    tcase_add_test(t, poll);
    tcase_add_test(t, init_sequence);
    tcase_add_test(t, saved);
}

int main(void)
{
    return bench_run("i8259", add);
}

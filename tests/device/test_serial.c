/* SPDX-License-Identifier: MIT */
/* The 16550A at COM1 through its ports, its interrupt and a stream in memory. */
#include "tests/device/bench.h"
#include "chardev/chardev.h"
#include "hw/char/debugcon.h"
#include "hw/char/isa_serial.h"
#include "hw/char/serial_regs.h"

#include <string.h>

#define BASE 0x3f8

static struct machine *m;
static struct isa_serial *com;
static struct chardev *chr;
static struct pin irq[16];

static void setup(void)
{
    m = bench_new();
    memset(irq, 0, sizeof(irq));
    for (int i = 0; i < 16; i++)
        m->isa_irq[i] = (struct irq_line){pin_set, &irq[i], 0};
    chr = chardev_memory_new(m, "mem");
    com = (struct isa_serial *)device_new(m, &isa_serial_type);
    ck_assert(device_set_chardev(&com->dev, "chardev", chr, NULL));
    bench_realize(com);
}

static void teardown(void)
{
    bench_free(m);
}

static void wr(unsigned reg, uint8_t v)
{
    outb(m, BASE + reg, v);
}

static uint8_t rd(unsigned reg)
{
    return inb(m, BASE + reg);
}

static void check_sent(const char *want)
{
    g_autoptr(GByteArray) got = chardev_memory_take(chr);
    ck_assert_uint_eq(got->len, strlen(want));
    ck_assert(!got->len || memcmp(got->data, want, got->len) == 0);
}

static void send(const char *text)
{
    chardev_memory_send(chr, text, strlen(text));
}

START_TEST(transmit)
{
    ck_assert_uint_eq(rd(UART_LSR), LSR_THRE | LSR_TEMT);
    wr(UART_DATA, 'h');
    wr(UART_DATA, 'i');
    check_sent("hi");
    ck_assert_uint_eq(rd(UART_LSR), LSR_THRE | LSR_TEMT);
}
END_TEST

START_TEST(divisor_latch)
{
    wr(UART_LCR, LCR_DLAB | 3);
    wr(UART_DATA, 0x34);
    wr(UART_IER, 0x12);
    ck_assert_uint_eq(rd(UART_DATA), 0x34);
    ck_assert_uint_eq(rd(UART_IER), 0x12);
    wr(UART_LCR, 3);
    ck_assert_uint_eq(rd(UART_IER), 0);
    wr(UART_IER, 0xff);
    ck_assert_uint_eq(rd(UART_IER), 0x0f);
    check_sent("");
}
END_TEST

/* What Linux's 8250 driver does to find a 16550A, and no better chip. */
START_TEST(linux_probe)
{
    wr(UART_IER, 0);
    wr(UART_IER, 0x0f);
    ck_assert_uint_eq(rd(UART_IER), 0x0f);
    wr(UART_IER, 0);
    wr(UART_MCR, MCR_LOOP | MCR_OUT2 | MCR_RTS);
    ck_assert_uint_eq(rd(UART_MSR) & 0xf0, MSR_DCD | MSR_CTS);
    wr(UART_MCR, 0);
    wr(UART_LCR, 0xbf);
    wr(UART_FCR, 0);
    wr(UART_LCR, 0);
    wr(UART_FCR, FCR_ENABLE);
    ck_assert_uint_eq(rd(UART_IIR) & 0xc0, 0xc0);
    wr(UART_LCR, LCR_DLAB);
    ck_assert_uint_ne(rd(UART_IIR), 0); /* else: an EFR at 2 */
    wr(UART_FCR, FCR_ENABLE | 0x20);
    ck_assert_uint_eq(rd(UART_IIR) & 0x20, 0); /* else: a 16750 */
    wr(UART_LCR, 0);
    wr(UART_FCR, FCR_ENABLE | FCR_CLEAR_RX | FCR_CLEAR_TX);
    /* the THRE test: enabling the interrupt twice asks twice */
    wr(UART_IER, IER_THRE);
    ck_assert_uint_eq(rd(UART_IIR), IIR_FIFOS | IIR_THRE);
    ck_assert_uint_eq(rd(UART_IIR), IIR_FIFOS | IIR_NONE);
    wr(UART_IER, 0);
    wr(UART_IER, IER_THRE);
    ck_assert_uint_eq(rd(UART_IIR), IIR_FIFOS | IIR_THRE);
}
END_TEST

START_TEST(thre_interrupt)
{
    wr(UART_IER, IER_THRE);
    ck_assert_int_eq(irq[4].level, 1);
    rd(UART_IIR);
    ck_assert_int_eq(irq[4].level, 0);
    wr(UART_DATA, 'x');
    ck_assert_int_eq(irq[4].level, 1);
    wr(UART_IER, 0);
    ck_assert_int_eq(irq[4].level, 0);
}
END_TEST

START_TEST(backpressure_loses_nothing)
{
    wr(UART_FCR, FCR_ENABLE);
    wr(UART_IER, IER_THRE);
    rd(UART_IIR);
    chardev_memory_set_room(chr, 3);
    for (int i = 0; i < 10; i++)
        wr(UART_DATA, '0' + i);
    ck_assert_uint_eq(rd(UART_LSR) & (LSR_THRE | LSR_TEMT), 0);
    ck_assert_int_eq(irq[4].level, 0);
    check_sent("012");
    chardev_memory_set_room(chr, 100);
    ck_assert_uint_eq(rd(UART_LSR) & (LSR_THRE | LSR_TEMT), LSR_THRE | LSR_TEMT);
    ck_assert_int_eq(irq[4].level, 1);
    check_sent("3456789");
}
END_TEST

START_TEST(receive_without_fifo)
{
    wr(UART_IER, IER_RX);
    send("ab");
    ck_assert_int_eq(irq[4].level, 1);
    ck_assert_uint_eq(rd(UART_IIR), IIR_RX);
    ck_assert_uint_eq(rd(UART_LSR) & LSR_DR, LSR_DR);
    ck_assert_uint_eq(rd(UART_DATA), 'a');
    ck_assert_uint_eq(rd(UART_DATA), 'b'); /* waited in the stream */
    ck_assert_uint_eq(rd(UART_LSR) & (LSR_DR | LSR_OE), 0);
    ck_assert_int_eq(irq[4].level, 0);
}
END_TEST

START_TEST(trigger_and_timeout)
{
    wr(UART_FCR, FCR_ENABLE | 2 << FCR_TRIGGER_SHIFT); /* 8 bytes */
    wr(UART_IER, IER_RX);
    send("1234567");
    ck_assert_int_eq(irq[4].level, 0);
    step_ns(m, 40ll * 12 * NSEC_PER_SEC / 115200 - 1);
    ck_assert_int_eq(irq[4].level, 0);
    step_ns(m, 2);
    ck_assert_uint_eq(rd(UART_IIR), IIR_FIFOS | IIR_TIMEOUT);
    ck_assert_uint_eq(rd(UART_DATA), '1'); /* a read ends the timeout */
    ck_assert_int_eq(irq[4].level, 0);
    send("89");
    ck_assert_uint_eq(rd(UART_IIR), IIR_FIFOS | IIR_RX);
    ck_assert_uint_eq(rd(UART_DATA), '2');
    ck_assert_int_eq(irq[4].level, 0);
}
END_TEST

START_TEST(a_full_fifo_stops_the_stream)
{
    char got[41] = "";
    wr(UART_FCR, FCR_ENABLE);
    send("abcdefghijklmnopqrstuvwxyz0123456789ABCD");
    ck_assert_uint_eq(com->uart.rx_count, SERIAL_FIFO);
    for (int i = 0; i < 40; i++)
        got[i] = rd(UART_DATA);
    ck_assert_str_eq(got, "abcdefghijklmnopqrstuvwxyz0123456789ABCD");
    ck_assert_uint_eq(rd(UART_LSR), LSR_THRE | LSR_TEMT);
}
END_TEST

START_TEST(loopback)
{
    wr(UART_FCR, FCR_ENABLE);
    wr(UART_MCR, MCR_LOOP);
    send("z"); /* not heard */
    for (int i = 0; i < 17; i++)
        wr(UART_DATA, i);
    ck_assert_uint_eq(rd(UART_LSR) & (LSR_DR | LSR_OE), LSR_DR | LSR_OE);
    for (int i = 0; i < 16; i++)
        ck_assert_uint_eq(rd(UART_DATA), i);
    check_sent("");
    rd(UART_MSR);
    wr(UART_MCR, MCR_LOOP | MCR_DTR | MCR_OUT1);
    ck_assert_uint_eq(rd(UART_MSR), MSR_DSR | MSR_RI | MSR_DDSR);
    wr(UART_MCR, MCR_LOOP | MCR_DTR);
    ck_assert_uint_eq(rd(UART_MSR), MSR_DSR | MSR_TERI);
    wr(UART_MCR, 0);
    ck_assert_uint_eq(rd(UART_DATA), 'z');
}
END_TEST

START_TEST(interrupt_priorities)
{
    wr(UART_IER, IER_RX | IER_THRE | IER_LINE | IER_MODEM);
    wr(UART_MCR, MCR_LOOP | MCR_DTR);
    wr(UART_DATA, 'a');
    wr(UART_DATA, 'b'); /* overrun */
    ck_assert_uint_eq(rd(UART_IIR), IIR_LINE);
    rd(UART_LSR);
    ck_assert_uint_eq(rd(UART_IIR), IIR_RX);
    rd(UART_DATA);
    ck_assert_uint_eq(rd(UART_IIR), IIR_THRE);
    ck_assert_uint_eq(rd(UART_IIR), IIR_MODEM);
    rd(UART_MSR);
    ck_assert_uint_eq(rd(UART_IIR), IIR_NONE);
}
END_TEST

START_TEST(ports_by_index)
{
    struct device *second = device_new(m, &isa_serial_type);
    bench_realize(second);
    ck_assert_uint_eq(inb(m, 0x2f8 + UART_LSR), LSR_THRE | LSR_TEMT);
    struct device *again = device_new(m, &isa_serial_type);
    g_autoptr(GError) err = NULL;
    ck_assert(device_set(again, "index", "1", NULL));
    ck_assert(!device_realize(again, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "index 1"));
    device_free(again);
}
END_TEST

START_TEST(saved)
{
    wr(UART_FCR, FCR_ENABLE);
    wr(UART_IER, IER_RX);
    send("abc");
    check_save_load(&com->dev);
    ck_assert_int_eq(irq[4].level, 1);
    ck_assert_uint_eq(rd(UART_DATA), 'a');
}
END_TEST

START_TEST(debug_console)
{
    struct chardev *log = chardev_memory_new(m, "log");
    struct device *d = device_new(m, &debugcon_type);
    device_set_chardev(d, "chardev", log, NULL);
    bench_realize(d);
    ck_assert_uint_eq(inb(m, 0xe9), 0xe9);
    outb(m, 0xe9, '!');
    g_autoptr(GByteArray) got = chardev_memory_take(log);
    ck_assert_uint_eq(got->len, 1);
    ck_assert_uint_eq(got->data[0], '!');
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, transmit);
    tcase_add_test(t, divisor_latch);
    tcase_add_test(t, linux_probe);
    tcase_add_test(t, thre_interrupt);
    tcase_add_test(t, backpressure_loses_nothing);
    tcase_add_test(t, receive_without_fifo);
    tcase_add_test(t, trigger_and_timeout);
    tcase_add_test(t, a_full_fifo_stops_the_stream);
    tcase_add_test(t, loopback);
    tcase_add_test(t, interrupt_priorities);
    tcase_add_test(t, ports_by_index);
    tcase_add_test(t, saved);
    tcase_add_test(t, debug_console);
}

int main(void)
{
    return bench_run("serial", add);
}

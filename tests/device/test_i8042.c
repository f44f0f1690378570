/* SPDX-License-Identifier: MIT */
/* The keyboard controller with its keyboard and mouse, as BIOSes and Linux drive them. */
#include "tests/device/bench.h"
#include "hw/input/i8042.h"
#include "hw/input/i8042_regs.h"
#include "hw/input/ps2_regs.h"
#include "hw/input/scancodes.h"
#include "hw/misc/port92.h"

static struct machine *m;
static struct i8042 *kbc;
static struct pin irq1, irq12;
static int a20_changes;

static void a20_changed(void *arg)
{
    a20_changes++;
}

static void setup(void)
{
    m = bench_new();
    irq1 = irq12 = (struct pin){0};
    a20_changes = 0;
    machine_add_hook(m->on_a20, a20_changed, NULL);
    kbc = (struct i8042 *)device_new(m, &i8042_type);
    kbc->irq_kbd = pin_line(&irq1);
    kbc->irq_aux = pin_line(&irq12);
    bench_realize(kbc);
    region_add(&m->io_root, 0x60, &kbc->io_data, 0);
    region_add(&m->io_root, 0x64, &kbc->io_cmd, 0);
    struct port92 *p = (struct port92 *)device_new(m, &port92_type);
    bench_realize(p);
    region_add(&m->io_root, 0x92, &p->io, 0);
    outb(m, 0x64, KBC_WRITE_RAM); /* no translation */
    outb(m, 0x60, CB_KBD_INT | CB_AUX_INT);
}

static void teardown(void)
{
    bench_free(m);
}

static bool ready(void)
{
    return inb(m, 0x64) & KBC_OBF;
}

static uint8_t take(void)
{
    ck_assert(ready());
    return inb(m, 0x60);
}

static void cmd(uint8_t c)
{
    outb(m, 0x64, c);
}

static void data(uint8_t v)
{
    outb(m, 0x60, v);
}

static void aux(uint8_t v)
{
    cmd(KBC_WRITE_AUX);
    data(v);
}

static void command_byte(uint8_t v)
{
    cmd(KBC_WRITE_RAM);
    data(v);
}

static void expect(const char *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ck_assert_uint_eq(take(), (uint8_t)bytes[i]);
    ck_assert(!ready());
}
#define EXPECT(text) expect(text, sizeof(text) - 1)

START_TEST(self_tests)
{
    ck_assert_uint_eq(inb(m, 0x64) & KBC_SYS, 0);
    cmd(KBC_SELF_TEST);
    EXPECT("\x55");
    ck_assert_uint_eq(inb(m, 0x64) & (KBC_SYS | KBC_CMD), KBC_SYS | KBC_CMD);
    cmd(KBC_KBD_TEST);
    EXPECT("\x00");
    cmd(KBC_AUX_TEST);
    EXPECT("\x00");
    cmd(KBC_READ_RAM);
    EXPECT("\x07");
    device_reset(&kbc->dev);
    cmd(KBC_READ_RAM);
    EXPECT("\x43"); /* as firmware leaves it: translation on */
}
END_TEST

/* i8042_check_aux() and i8042_check_mux() of Linux: loop-back is an AUX byte, the three-byte
 * knock of a multiplexing controller is answered as sent. */
START_TEST(linux_aux_probe)
{
    command_byte(CB_KBD_OFF | CB_AUX_OFF);
    cmd(KBC_WRITE_AUX_OBF);
    data(0x5a);
    ck_assert_uint_eq(inb(m, 0x64) & (KBC_OBF | KBC_AUX_OBF), KBC_OBF | KBC_AUX_OBF);
    EXPECT("\x5a");
    cmd(KBC_WRITE_AUX_OBF);
    data(0xa4);
    EXPECT("\xa4");
    cmd(KBC_AUX_DISABLE);
    cmd(KBC_READ_RAM);
    ck_assert_uint_eq(take() & CB_AUX_OFF, CB_AUX_OFF);
    cmd(KBC_AUX_ENABLE);
    cmd(KBC_READ_RAM);
    ck_assert_uint_eq(take() & CB_AUX_OFF, 0);
    command_byte(CB_AUX_INT | CB_KBD_OFF);
    cmd(KBC_WRITE_AUX_OBF);
    data(0xa5);
    ck_assert_int_eq(irq12.level, 1);
    EXPECT("\xa5");
    ck_assert_int_eq(irq12.level, 0);
}
END_TEST

START_TEST(keyboard_commands)
{
    data(KBD_RESET);
    EXPECT("\xfa\xaa");
    data(KBD_IDENTIFY);
    EXPECT("\xfa\xab\x83");
    data(KBD_ECHO);
    EXPECT("\xee");
    data(KBD_SET_LEDS);
    EXPECT("\xfa");
    data(5);
    EXPECT("\xfa");
    ck_assert_uint_eq(kbc->kbd.leds, 5);
    data(KBD_TYPEMATIC);
    data(0x20);
    EXPECT("\xfa\xfa");
    ck_assert_uint_eq(kbc->kbd.typematic, 0x20);
    data(KBD_SCAN_SET);
    EXPECT("\xfa");
    data(0);
    EXPECT("\xfa\x02");
    data(0x01);
    EXPECT("\xfe"); /* no such command */
    data(KBD_RESEND);
    EXPECT("\xfe");
}
END_TEST

START_TEST(keys)
{
    ps2_kbd_key(&kbc->kbd, 0x1e, true); /* A, set 2 as the controller does not translate */
    ps2_kbd_key(&kbc->kbd, 0x1e, false);
    ck_assert_int_eq(irq1.level, 1);
    EXPECT("\x1c\xf0\x1c");
    ck_assert_int_eq(irq1.rises, 3);
    command_byte(CB_TRANSLATE | CB_KBD_INT);
    ps2_kbd_key(&kbc->kbd, 0xe048, true); /* up */
    ps2_kbd_key(&kbc->kbd, 0xe048, false);
    ps2_kbd_key(&kbc->kbd, 0x41, true); /* F7, the odd one */
    ps2_kbd_key(&kbc->kbd, 0xe11d, true);
    EXPECT("\xe0\x48\xe0\xc8\x41\xe1\x1d\x45\xe1\x9d\xc5");
    command_byte(0);
    data(KBD_SCAN_SET);
    EXPECT("\xfa");
    data(1);
    EXPECT("\xfa");
    ps2_kbd_key(&kbc->kbd, 0x1e, false);
    EXPECT("\x9e");
}
END_TEST

START_TEST(translation_is_invertible)
{
    for (unsigned code = 1; code < 0x59; code++)
        if (code != 0x55)
            ck_assert_uint_eq(scancode_set2_to_set1(scancode_set1_to_set2(code)), code);
    ck_assert_uint_eq(scancode_set2_to_set1(0x76), 0x01); /* Esc */
    ck_assert_uint_eq(scancode_set2_to_set1(0x5a), 0x1c); /* Enter */
    ck_assert_uint_eq(scancode_set2_to_set1(0x14), 0x1d); /* Ctrl */
    ck_assert_uint_eq(scancode_set2_to_set1(0xfa), 0xfa);
}
END_TEST

START_TEST(disabled_port_holds)
{
    cmd(KBC_KBD_DISABLE);
    ps2_kbd_key(&kbc->kbd, 0x1e, true);
    ck_assert(!ready());
    cmd(KBC_KBD_ENABLE);
    EXPECT("\x1c");
    for (int i = 0; i < 100; i++) /* a full buffer drops whole keys */
        ps2_kbd_key(&kbc->kbd, 0x1e, i & 1);
    while (ready())
        take();
    data(KBD_DISABLE);
    EXPECT("\xfa");
    ps2_kbd_key(&kbc->kbd, 0x1e, true);
    ck_assert(!ready());
}
END_TEST

START_TEST(mouse)
{
    command_byte(CB_AUX_INT);
    aux(AUX_RESET);
    ck_assert_int_eq(irq12.level, 1);
    ck_assert_uint_eq(inb(m, 0x64) & KBC_AUX_OBF, KBC_AUX_OBF);
    EXPECT("\xfa\xaa\x00");
    aux(AUX_IDENTIFY);
    EXPECT("\xfa\x00");
    aux(AUX_STATUS);
    EXPECT("\xfa\x00\x02\x64");
    static const uint8_t knock[] = {200, 100, 80};
    for (unsigned i = 0; i < 3; i++) {
        aux(AUX_RATE);
        EXPECT("\xfa");
        aux(knock[i]);
        EXPECT("\xfa");
    }
    aux(AUX_IDENTIFY);
    EXPECT("\xfa\x03");
    ps2_mouse_move(&kbc->mouse, 5, 5, 0, 0); /* not enabled: nothing */
    ck_assert(!ready());
    aux(AUX_ENABLE);
    EXPECT("\xfa");
    ps2_mouse_move(&kbc->mouse, 5, -3, 1, 1);
    EXPECT("\x29\x05\xfd\x01");
    ps2_mouse_move(&kbc->mouse, 300, 0, 0, 0);
    EXPECT("\x08\xff\x00\x00\x08\x2d\x00\x00");
}
END_TEST

START_TEST(a20)
{
    ck_assert(m->a20);
    cmd(KBC_A20_OFF);
    ck_assert(!m->a20);
    ck_assert_int_eq(a20_changes, 1);
    cmd(KBC_READ_OUTPUT);
    ck_assert_uint_eq(take() & OUT_A20, 0);
    cmd(KBC_WRITE_OUTPUT);
    data(OUT_NO_RESET | OUT_A20);
    ck_assert(m->a20);
    outb(m, 0x92, 0);
    ck_assert(!m->a20);
    outb(m, 0x92, 2);
    ck_assert_uint_eq(inb(m, 0x92) & 2, 2);
    ck_assert_int_eq(a20_changes, 4);
}
END_TEST

START_TEST(reset_pulse)
{
    cmd(0xff); /* pulse nothing */
    ck_assert_uint_eq(m->requests, 0);
    cmd(0xfe);
    ck_assert_uint_ne(m->requests, 0);
}
END_TEST

START_TEST(saved)
{
    ps2_kbd_key(&kbc->kbd, 0x1e, true);
    ps2_kbd_key(&kbc->kbd, 0x1e, false);
    check_save_load(&kbc->dev);
    EXPECT("\x1c\xf0\x1c");
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, self_tests);
    tcase_add_test(t, linux_aux_probe);
    tcase_add_test(t, keyboard_commands);
    tcase_add_test(t, keys);
    tcase_add_test(t, translation_is_invertible);
    tcase_add_test(t, disabled_port_holds);
    tcase_add_test(t, mouse);
    tcase_add_test(t, a20);
    tcase_add_test(t, reset_pulse);
    tcase_add_test(t, saved);
}

int main(void)
{
    return bench_run("i8042", add);
}

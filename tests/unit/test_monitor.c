/* SPDX-License-Identifier: MIT */
/* Monitor commands on a test machine, and the monitor on a character stream in memory. */
#include <check.h>
#include <string.h>

#include "chardev/chardev.h"
#include "core/inspect.h"
#include "core/machine.h"
#include "core/machine_test.h"
#include "monitor/command.h"
#include "monitor/monitor.h"

static struct machine *m;
static struct command_context ctx;
static GString *out;
static GError *err;

static void setup(void)
{
    m = machine_new_test();
    ctx = (struct command_context){.machine = m};
    out = g_string_new(NULL);
    machine_lock(m);
}

static void teardown(void)
{
    machine_unlock(m);
    machine_free(m);
    g_string_free(out, TRUE);
    g_clear_error(&err);
}

static void says(const char *line, const char *expect)
{
    g_string_truncate(out, 0);
    ck_assert_msg(command_run(&ctx, line, out, &err), "%s: %s", line, err ? err->message : "");
    ck_assert_str_eq(out->str, expect);
}

static void fails(const char *line, const char *expect)
{
    g_string_truncate(out, 0);
    ck_assert_msg(!command_run(&ctx, line, out, &err), "%s: was accepted", line);
    ck_assert_msg(strstr(err->message, expect), "%s: '%s'", line, err->message);
    g_clear_error(&err);
}

START_TEST(memory)
{
    static const uint8_t bytes[16] = {0x78, 0x56, 0x34, 0x12, 0xff, 0xff, 0xff, 0xff,
                                      'A',  '\'', '\n', 0x80, 0,    0,    0,    0};
    ck_assert(as_write(&m->mem, 0x1000, bytes, sizeof(bytes)));
    says("xp 0x1000", "0000000000001000: 0x12345678\n");
    says("xp/2xw 0x1000", "0000000000001000: 0x12345678 0xffffffff\n");
    says("xp/2dw 4096", "0000000000001000: 305419896 -1\n");
    says("xp/1ug 0x1000+4", "0000000000001004: 9226229951043207167\n");
    says("xp/2ob 0x1000", "0000000000001000: 0170 0126\n");
    says("xp/4c 0x1008", "0000000000001008: 'A' '\\'' '\\n' '\\x80'\n");
    says("xp/9xb 0x1000", "0000000000001000: 0x78 0x56 0x34 0x12 0xff 0xff 0xff 0xff\n"
                          "0000000000001008: 0x41\n");
    fails("xp 0x100000000", "cannot access memory");
    fails("xp/70000xb 0", "at most 65536 bytes");
    fails("xp/zz 0", "neither a format");
    fails("xp", "'address' is missing");
    fails("xp 1 2", "too much");
    fails("x 0", "cannot access memory"); /* there is no CPU to translate for */
    fails("x/i 0", "no CPU");
}
END_TEST

START_TEST(values)
{
    says("print 0x10*2", "0x20\n");
    says("p/d -1", "-1\n");
    says("p/u -1", "18446744073709551615\n");
    says("p/o 8", "010\n");
    says("p/c 65", "'A'\n");
    fails("p/i 1", "not an instruction");
    fails("p $rip", "no register");
    fails("p", "'expression' is missing");
}
END_TEST

static void print_test(void *arg, GString *text)
{
    g_string_append_printf(text, "<%s>", (const char *)arg);
}

START_TEST(infos)
{
    says("info status", "VM status: paused (prelaunch)\n");
    says("info uuid", "00000000-0000-0000-0000-000000000000\n");
    says("info cpus", "");
    says("info registers", "there is no CPU\n");
    machine_add_info(m, "pic", "a chip", print_test, "one");
    machine_add_info(m, "pic", "a chip", print_test, "two");
    says("info pic", "<one><two>");
    fails("info stauts", "did you mean 'status'?");
    fails("info pix", "did you mean 'pic'?");
    g_string_truncate(out, 0);
    ck_assert(command_run(&ctx, "info", out, &err));
    ck_assert_ptr_nonnull(strstr(out->str, "info mtree -- "));
    ck_assert_ptr_nonnull(strstr(out->str, "info pic -- a chip\n"));
}
END_TEST

START_TEST(lines)
{
    says("", "");
    says("   ", "");
    says("# a comment", "");
    fails("quti", "did you mean 'quit'?");
    fails("cpu 0", "there is no CPU 0");
    fails("help nothing", "no command 'nothing'");
    fails("info \"status", "closing '\"'");
    says("info \"status\"", "VM status: paused (prelaunch)\n");
    says("help quit", "quit|q -- end the machine\n");
}
END_TEST

START_TEST(completion)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

    command_complete(&ctx, "", "system_", words);
    ck_assert_uint_eq(words->len, 3); /* powerdown, reset, wakeup */
    command_complete(&ctx, "info ", "stat", words);
    ck_assert_uint_eq(words->len, 4);
    ck_assert_str_eq(words->pdata[3], "status");
    command_complete(&ctx, "print ", "", words);
    ck_assert_uint_eq(words->len, 4);
}
END_TEST

static char *said(struct chardev *chr)
{
    g_autoptr(GByteArray) bytes = chardev_memory_take(chr);

    return bytes->len ? g_strndup((const char *)bytes->data, bytes->len) : g_strdup("");
}

START_TEST(on_a_stream)
{
    struct chardev *chr = chardev_memory_new(m, "mon");

    ck_assert(monitor_new(m, chr, &err));
    while (g_main_context_iteration(m->context, FALSE)) /* the greeting */
        ;
    g_autofree char *hello = said(chr);
    ck_assert_ptr_nonnull(strstr(hello, "QEMU"));
    ck_assert_ptr_nonnull(strstr(hello, "(qemu) "));

    chardev_memory_send(chr, "info uuid\nbad\n", 14);
    g_autofree char *answer = said(chr);
    ck_assert_ptr_nonnull(strstr(answer, "00000000-0000"));
    ck_assert_ptr_nonnull(strstr(answer, "Error: unknown command: 'bad'"));
    ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\033[K(qemu) "));

    /* A reader that takes a few bytes at a time gets everything in the end. */
    g_autoptr(GString) all = g_string_new(NULL);
    chardev_memory_set_room(chr, 5);
    chardev_memory_send(chr, "help\n", 5);
    for (int i = 0; i < 2000; i++) {
        g_autofree char *part = said(chr);
        g_string_append(all, part);
        chardev_memory_set_room(chr, 5);
    }
    ck_assert_ptr_nonnull(strstr(all->str, "system_powerdown -- "));
    ck_assert_ptr_nonnull(strstr(all->str, "xp["));
    ck_assert(g_str_has_suffix(all->str, "(qemu) "));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor");
    TCase *tc = tcase_create("all");
    const TTest *tests[] = {memory, values, infos, lines, completion, on_a_stream};

    tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

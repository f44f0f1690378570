/* SPDX-License-Identifier: MIT */
/* The gdb server without gdb: framing, and the table of registers. */
#include <check.h>
#include <string.h>

#include "monitor/gdb_packet.h"
#include "target/x86/gdbregs.h"

/* ---- Framing -------------------------------------------------------------------------------- */

static struct gdb_parser parser;

static void setup(void)
{
    gdb_parser_init(&parser);
}

static void teardown(void)
{
    gdb_parser_fini(&parser);
}

/* What the last byte of text gives. */
static enum gdb_event feed(const char *text, size_t len)
{
    enum gdb_event e = GDB_NOTHING;

    for (size_t i = 0; i < len; i++)
        e = gdb_parser_feed(&parser, (uint8_t)text[i]);
    return e;
}
#define FEED(text) feed(text, sizeof(text) - 1)

START_TEST(packets)
{
    ck_assert_int_eq(FEED("+"), GDB_ACK);
    ck_assert_int_eq(FEED("-"), GDB_NACK);
    ck_assert_int_eq(FEED("\3"), GDB_INTERRUPT);
    ck_assert_int_eq(FEED("noise"), GDB_NOTHING);
    ck_assert_int_eq(FEED("$g#67"), GDB_PACKET);
    ck_assert_str_eq((char *)parser.data->data, "g");
    ck_assert_uint_eq(parser.data->len, 1);
    ck_assert_int_eq(FEED("$#00"), GDB_PACKET);
    ck_assert_uint_eq(parser.data->len, 0);
    ck_assert_int_eq(FEED("$g#68"), GDB_BAD);
    ck_assert_int_eq(FEED("$g#x"), GDB_BAD);
    ck_assert_int_eq(FEED("$ab$g#67"), GDB_PACKET);
    ck_assert_uint_eq(parser.data->len, 1);
    ck_assert_int_eq(FEED("$\3#03"), GDB_PACKET); /* inside a packet it is data */
}
END_TEST

START_TEST(escapes)
{
    static const char bytes[] = "a#b$c}d*e\0f";
    g_autoptr(GString) framed = g_string_new(NULL);

    gdb_frame(framed, bytes, sizeof(bytes));
    ck_assert_int_eq(feed(framed->str, framed->len), GDB_PACKET);
    ck_assert_uint_eq(parser.data->len, sizeof(bytes));
    ck_assert_mem_eq(parser.data->data, bytes, sizeof(bytes));
    ck_assert_ptr_null(memchr(framed->str + 1, '*', framed->len - 1));
    ck_assert_int_eq(FEED("$}#7d"), GDB_BAD); /* escapes nothing */
}
END_TEST

START_TEST(too_long)
{
    g_autofree char *text = g_malloc(GDB_PACKET_MAX + 2);

    memset(text, 'a', GDB_PACKET_MAX + 2);
    text[0] = '$';
    feed(text, GDB_PACKET_MAX + 2);
    ck_assert_uint_le(parser.data->len, GDB_PACKET_MAX);
    char end[4];
    g_snprintf(end, sizeof(end), "#%02x", (unsigned)('a' * (GDB_PACKET_MAX + 1)) & 0xff);
    ck_assert_int_eq(feed(end, 3), GDB_LONG);
    ck_assert_int_eq(FEED("$g#67"), GDB_PACKET);
}
END_TEST

START_TEST(numbers)
{
    const char *p = "ffffffffffffffff,";
    uint64_t v;
    uint8_t b[2];

    ck_assert(gdb_number(&p, &v));
    ck_assert_uint_eq(v, UINT64_MAX);
    ck_assert_int_eq(*p, ',');
    ck_assert(!gdb_number(&p, &v));
    p = "10000000000000000";
    ck_assert(!gdb_number(&p, &v));
    ck_assert(gdb_unhex("12aB", 4, b, 2) && b[0] == 0x12 && b[1] == 0xab);
    ck_assert(!gdb_unhex("12a", 3, b, 2) && !gdb_unhex("12ag", 4, b, 2));
}
END_TEST

/* ---- Registers ------------------------------------------------------------------------------ */

static unsigned number_of(const char *name)
{
    g_autofree char *xml = x86_gdb_description();
    g_autofree char *want = g_strdup_printf("<reg name=\"%s\" ", name);
    const char *at = strstr(xml, want);

    ck_assert_msg(at, "%s is described", name);
    return (unsigned)strtoul(strstr(at, "regnum=\"") + 8, NULL, 10);
}

static uint64_t get(const struct x86_state *st, const char *name)
{
    uint8_t buf[X86_GDB_REG_MAX];
    uint64_t v;

    x86_gdb_get(st, number_of(name), buf);
    memcpy(&v, buf, 8);
    return v;
}

static void set(struct x86_state *st, const char *name, uint64_t v)
{
    uint8_t buf[X86_GDB_REG_MAX] = {0};

    memcpy(buf, &v, 8);
    x86_gdb_set(st, number_of(name), buf);
}

START_TEST(both_names)
{
    struct x86_state st;

    x86_state_reset(&st, true, 0);
    st.gpr[R_RBX] = 0x1122334455667788;
    ck_assert_uint_eq(get(&st, "rbx"), 0x1122334455667788);
    ck_assert_uint_eq(get(&st, "ebx"), 0x55667788);
    set(&st, "ebx", 0x99);
    ck_assert_uint_eq(st.gpr[R_RBX], 0x1122334400000099);
}
END_TEST

START_TEST(linear_pc)
{
    struct x86_state st;

    x86_state_reset(&st, true, 0);
    ck_assert_uint_eq(get(&st, "rip"), 0xfffffff0);
    ck_assert_uint_eq(get(&st, "eip"), 0xfffffff0);
    set(&st, "cs", 0x1234); /* real mode: the base follows */
    ck_assert_uint_eq(get(&st, "cs_base"), 0x12340);
    set(&st, "eip", 0x12345);
    ck_assert_uint_eq(st.rip, 5);
    st.msr.efer = EFER_LMA | EFER_LME;
    st.cr0 |= CR0_PE | CR0_PG;
    st.seg[S_CS].attr |= SEG_L;
    set(&st, "rip", 0xffffffff81000000);
    ck_assert_uint_eq(st.rip, 0xffffffff81000000);
    set(&st, "cs", 0x10);
    ck_assert_uint_eq(st.seg[S_CS].base, 0x12340); /* what is hidden stays */
}
END_TEST

START_TEST(x87_by_top)
{
    struct x86_state st;

    x86_state_reset(&st, true, 0);
    st.fsw = 6 << 11;
    st.fpr[0] = (struct x86_f80){.mant = 0x8000000000000000, .se = 0x3fff};
    ck_assert_uint_eq(get(&st, "st2"), 0x8000000000000000);
    set(&st, "st1", 0x123);
    ck_assert_uint_eq(st.fpr[7].mant, 0x123);
}
END_TEST

/* Every register can be written, and read back as it was written. */
START_TEST(all_round_trip)
{
    struct x86_state st;

    x86_state_reset(&st, true, 0);
    for (unsigned n = 0; n < x86_gdb_count(); n++) {
        uint8_t in[X86_GDB_REG_MAX] = {0}, out[X86_GDB_REG_MAX];

        in[0] = 0x55 + n;
        in[1] = 0x01;
        x86_gdb_set(&st, n, in);
        x86_gdb_get(&st, n, out);
        ck_assert_msg(!memcmp(in, out, sizeof(in)), "register %u", n);
        ck_assert_uint_le(x86_gdb_size(n), X86_GDB_REG_MAX);
    }
    ck_assert_uint_eq(x86_gdb_size(x86_gdb_count()), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gdb");
    TCase *tc = tcase_create("framing");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, packets);
    tcase_add_test(tc, escapes);
    tcase_add_test(tc, too_long);
    tcase_add_test(tc, numbers);
    suite_add_tcase(s, tc);
    tc = tcase_create("registers");
    tcase_add_test(tc, both_names);
    tcase_add_test(tc, linear_pc);
    tcase_add_test(tc, x87_by_top);
    tcase_add_test(tc, all_round_trip);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

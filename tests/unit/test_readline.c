/* SPDX-License-Identifier: MIT */
/* The line editor, by keys and by what lines come out; expressions. */
#include <check.h>
#include <string.h>

#include "monitor/expr.h"
#include "monitor/readline.h"

static struct readline r;
static GString *shown, *lines;

static void on_write(void *arg, const char *text, size_t len)
{
    g_string_append_len(shown, text, len);
}

static void on_line(void *arg, const char *line)
{
    g_string_append_printf(lines, "<%s>", line);
}

static void on_complete(void *arg, const char *start, const char *word, GPtrArray *out)
{
    static const char *const words[] = {"system_reset", "system_powerdown", "stop"};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_str_has_prefix(words[i], word))
            g_ptr_array_add(out, g_strdup(words[i]));
}

static void setup(void)
{
    shown = g_string_new(NULL);
    lines = g_string_new(NULL);
    r = (struct readline){.prompt = "> ", .write = on_write, .line = on_line};
    readline_init(&r);
}

static void teardown(void)
{
    readline_fini(&r);
    g_string_free(shown, TRUE);
    g_string_free(lines, TRUE);
}

/* Type keys; these lines must have come out since the last time. */
static void type(const char *keys, const char *expect)
{
    readline_input(&r, (const uint8_t *)keys, strlen(keys));
    ck_assert_str_eq(lines->str, expect);
    g_string_truncate(lines, 0);
}

START_TEST(editing)
{
    type("abc\r", "<abc>");
    type("abc\x7f\x7fx\r", "<ax>");
    type("\x7f\r", "<>");
    type("bc\x01" "a\x05" "d\r", "<abcd>");
    type("abc\033[D\033[DX\033[CY\r", "<aXbYc>");
    type("abc\033[H\033[3~\r", "<bc>");
    type("abc\001\004\004\r", "<c>");
    type("abc\002\013\r", "<ab>");
    type("one two\025three\r", "<three>");
    type("one two  \027\r", "<one >");
    type("x\033[1~a\033[4~b\033OHc\033OFd\r", "<caxbd>");
    type("drop this\003keep\r", "<keep>");
    type("\033[99999999999999999999~q\033[?25hz\r", "<qz>");
    type("\001\002\006\006\006\010\004\r", "<>");
}
END_TEST

START_TEST(echo)
{
    type("ab", "");
    ck_assert_str_eq(shown->str, "ab");
    type("\033[D!", "");
    ck_assert_ptr_nonnull(strstr(shown->str, "\r\033[K> a!b\033[1D"));
}
END_TEST

START_TEST(history)
{
    type("one\rtwo\rtwo\r", "<one><two><two>");
    type("\033[A\r", "<two>");
    type("\033[A\033[A\r", "<one>");
    type("new\020\016\r", "<new>"); /* up and down again: what was typed is back */
    type("\033[A\033[A\033[A\033[A\033[A\033[A\r", "<one>");
    type("\033[B\033[B\r", "<>");
    for (int i = 0; i < 3 * READLINE_HISTORY; i++) {
        char line[16];
        g_snprintf(line, sizeof(line), "l%d\r", i);
        readline_input(&r, (const uint8_t *)line, strlen(line));
    }
    ck_assert_uint_eq(r.history->len, READLINE_HISTORY);
}
END_TEST

START_TEST(completion)
{
    type("sto\t\r", "<sto>"); /* none without a completer */
    r.complete = on_complete;
    type("st\t\r", "<stop >");
    type("sys\t\r", "<system_>");
    type("system_r\tx\r", "<system_reset x>");
    type("zzz\t\r", "<zzz>");
    g_string_truncate(shown, 0);
    type("system_\t\r", "<system_>");
    ck_assert_ptr_nonnull(strstr(shown->str, "system_reset\nsystem_powerdown\n"));
}
END_TEST

START_TEST(too_long)
{
    for (int i = 0; i < 3 * READLINE_MAX; i++)
        readline_input(&r, (const uint8_t *)"a", 1);
    ck_assert_uint_eq(r.buf->len, READLINE_MAX);
}
END_TEST

/* ---- Expressions --------------------------------------------------------------------- */

static bool registers(void *arg, const char *name, uint64_t *value)
{
    *value = 0x1000;
    return strcmp(name, "rip") == 0;
}

START_TEST(expressions)
{
    static const struct {
        const char *text;
        int64_t value;
        const char *rest;
    } cases[] = {
        {"1+2*3", 7, ""},
        {"(1+2)*3", 9, ""},
        {"0x10 20", 16, " 20"},
        {"$rip+0x10", 0x1010, ""},
        {"-1", -1, ""},
        {"~0&0xff", 255, ""},
        {"1<<4|3", 19, ""},
        {"10-2-3", 5, ""},
        {"7%4", 3, ""},
        {"'A'", 65, ""},
        {"( 1 + 2 )", 3, ""},
        {"0xffffffffffffffff", -1, ""},
        {"1<<64", 0, ""},
        {"-9223372036854775808/-1", INT64_MIN, ""},
        {"-9223372036854775808%-1", 0, ""},
        {"5^1", 4, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *p = cases[i].text;
        int64_t v = 0;
        GError *err = NULL;
        ck_assert_msg(expr_parse(&p, registers, NULL, &v, &err), "%s: %s", cases[i].text,
                      err ? err->message : "");
        ck_assert_msg(v == cases[i].value, "%s is %" G_GINT64_FORMAT, cases[i].text, v);
        ck_assert_str_eq(p, cases[i].rest);
    }
}
END_TEST

START_TEST(bad_expressions)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "number is expected"},
        {"1+", "number is expected"},
        {"(1", "')' is expected"},
        {"1/0", "division by zero"},
        {"1%0", "division by zero"},
        {"$nix", "no register '$nix'"},
        {"1x", "operator is expected"},
        {"99999999999999999999", "64 bits"},
        {"((((((((((((((((((((((((((((((((((((((((1", "too deep"},
        {"----------------------------------------1", "too deep"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *p = cases[i].text;
        int64_t v;
        GError *err = NULL;
        ck_assert_msg(!expr_parse(&p, registers, NULL, &v, &err), "%s", cases[i].text);
        ck_assert_msg(strstr(err->message, cases[i].says), "%s: %s", cases[i].text, err->message);
        g_clear_error(&err);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("readline");
    TCase *tc = tcase_create("all");
    const TTest *tests[] = {editing,  echo,        history,        completion,
                            too_long, expressions, bad_expressions};

    tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}

/* SPDX-License-Identifier: MIT */
/* Key=value lists, typed values and the nearest word. */
#include <check.h>
#include <string.h>

#include "util/error.h"
#include "util/keyval.h"
#include "util/parse.h"
#include "util/suggest.h"

/* "a=1,b=2" as it is understood: "a=1;b=2;" or "!message". */
static char *show(const char *text, const char *implied)
{
    GError *err = NULL;
    struct keyvals *kv = keyvals_parse(text, implied, &err);
    GString *s = g_string_new(NULL);

    if (!kv) {
        g_string_printf(s, "!%s", err->message);
        g_error_free(err);
    }
    for (unsigned i = 0; kv && i < keyvals_count(kv); i++)
        g_string_append_printf(s, "%s=%s;", keyvals_at(kv, i)->key, keyvals_at(kv, i)->value);
    keyvals_free(kv);
    return g_string_free(s, FALSE);
}

START_TEST(lists)
{
    static const struct {
        const char *text, *implied, *expect;
    } cases[] = {
        {"a=1,b=2", NULL, "a=1;b=2;"},
        {"x,b=2", "type", "type=x;b=2;"},
        {"x,y", "type", "type=x;y=on;"},
        {"x", NULL, "x=on;"},
        {"a=1,,2,b=,,", NULL, "a=1,2;b=,;"},
        {"a==,b=c=d", NULL, "a==;b=c=d;"},
        {"a=1,a=2", NULL, "a=1;a=2;"},
        {"", "type", ""},
        {"a=", NULL, "a=;"},
        {"a,", "t", "t=a;"},
        {"=1", NULL, "!'=1' has no name before the '='"},
        {",a", NULL, "!there is nothing before a comma (a comma in a value is ',,')"},
        {"{}", NULL, "!JSON is not supported here; use key=value,key=value"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *got = show(cases[i].text, cases[i].implied);
        ck_assert_str_eq(got, cases[i].expect);
        g_free(got);
    }
}
END_TEST

START_TEST(lookup)
{
    static const char *const valid[] = {"path", "server", "wait", NULL};
    GError *err = NULL;
    struct keyvals *kv = keyvals_parse("path=a,wait=off,path=b,srever", NULL, &err);
    bool on = true;
    uint64_t n = 7;

    ck_assert_str_eq(keyvals_get(kv, "path"), "b");
    ck_assert_ptr_null(keyvals_get(kv, "nothing"));
    ck_assert(keyvals_bool(kv, "wait", &on, &err) && !on);
    ck_assert(keyvals_uint(kv, "nothing", 0, 9, &n, &err) && n == 7);
    ck_assert(!keyvals_uint(kv, "path", 0, 9, &n, &err) && n == 7);
    ck_assert_str_eq(err->message, "path: 'b' is not a number (decimal, or hexadecimal with 0x)");
    g_clear_error(&err);
    ck_assert(!keyvals_check(kv, valid, &err));
    ck_assert_str_eq(err->message, "there is no setting 'srever'; did you mean 'server'?");
    g_clear_error(&err);
    keyvals_free(kv);
}
END_TEST

START_TEST(numbers)
{
    uint64_t v = 0;

    ck_assert(parse_uint("0x1F", 0, 100, &v, NULL) && v == 31);
    ck_assert(parse_uint("18446744073709551615", 0, UINT64_MAX, &v, NULL) && v == UINT64_MAX);
    ck_assert(!parse_uint("18446744073709551616", 0, UINT64_MAX, &v, NULL));
    ck_assert(!parse_uint("", 0, 1, &v, NULL));
    ck_assert(!parse_uint(" 1", 0, 1, &v, NULL));
    ck_assert(!parse_uint("-1", 0, UINT64_MAX, &v, NULL));
    ck_assert(!parse_uint("0x", 0, 1, &v, NULL));
    ck_assert(!parse_uint("1 ", 0, 1, &v, NULL));
    ck_assert(parse_size("3k", 1, &v, NULL) && v == 3072);
    ck_assert(parse_size("3", 1 << 20, &v, NULL) && v == 3 << 20);
    ck_assert(parse_size("0.5M", 1, &v, NULL) && v == 1 << 19);
    ck_assert(parse_size("7B", 1 << 20, &v, NULL) && v == 7);
    ck_assert(!parse_size("1kk", 1, &v, NULL));
    ck_assert(!parse_size("1.", 1, &v, NULL));
    ck_assert(!parse_size("16E", 1, &v, NULL));
}
END_TEST

START_TEST(distance)
{
    ck_assert_uint_eq(edit_distance("", ""), 0);
    ck_assert_uint_eq(edit_distance("abc", ""), 3);
    ck_assert_uint_eq(edit_distance("kernel", "kernal"), 1);
    ck_assert_uint_eq(edit_distance("srever", "server"), 1); /* neighbours swapped */
    ck_assert_uint_eq(edit_distance("kitten", "sitting"), 3);
    ck_assert_uint_eq(edit_distance("ABC", "abc"), 0);
}
END_TEST

START_TEST(nearest)
{
    static const char *const words[] = {"accel", "append", "kernel", NULL};
    static const struct {
        const char *word, *expect;
    } cases[] = {
        {"kernal", "kernel"}, {"apend", "append"}, {"acc", "accel"},
        {"zzzz", NULL},       {"k", NULL},         {"", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct suggest s = suggest_begin(cases[i].word);
        suggest_offer_all(&s, words);
        if (cases[i].expect)
            ck_assert_str_eq(suggest_best(&s), cases[i].expect);
        else
            ck_assert_ptr_null(suggest_best(&s));
    }
}
END_TEST

START_TEST(errors)
{
    GError *err = NULL;

    ck_assert(!error_set(&err, "one %d", 1));
    ck_assert(!error_set(&err, "two %d", 2)); /* the first is replaced, not leaked */
    ck_assert(!error_prefix(&err, "at %s", "x"));
    ck_assert_str_eq(err->message, "at x: two 2");
    g_clear_error(&err);
    ck_assert(!error_prefix(&err, "nothing to prefix"));
    ck_assert(!error_set(NULL, "nobody asks"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("keyval");
    TCase *tc = tcase_create("all");
    const TTest *tests[] = {lists, lookup, numbers, distance, nearest, errors};

    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

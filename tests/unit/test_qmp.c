/* SPDX-License-Identifier: MIT */
/* QMP on a character stream in memory: the greeting, errors, order, limits, slow readers. */
#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chardev/chardev.h"
#include "core/event.h"
#include "core/fds.h"
#include "core/machine.h"
#include "core/machine_test.h"
#include "monitor/qmp.h"
#include "monitor/schema.h"

static struct machine *m;
static struct chardev *chr;
static GString *got; /* what came and was not looked at yet */

static void setup(void)
{
    m = machine_new_test();
    machine_lock(m);
    chr = chardev_memory_new(m, "qmp");
    ck_assert(qmp_new(m, chr, false, NULL));
    got = g_string_new(NULL);
}

static void teardown(void)
{
    machine_unlock(m);
    machine_free(m);
    g_string_free(got, TRUE);
}

static void settle(void)
{
    while (g_main_context_iteration(m->context, FALSE))
        ;
}

static void give(const char *text)
{
    chardev_memory_send(chr, text, strlen(text));
    settle();
}

/* The next line that was answered, or NULL. */
static json_t *next(void)
{
    g_autoptr(GByteArray) bytes = chardev_memory_take(chr);

    if (bytes->len)
        g_string_append_len(got, (const char *)bytes->data, bytes->len);
    char *end = strstr(got->str, "\r\n");
    if (!end)
        return NULL;
    json_t *v = json_loadb(got->str, (size_t)(end - got->str), 0, NULL);
    ck_assert_ptr_nonnull(v);
    g_string_erase(got, 0, end + 2 - got->str);
    return v;
}

/* The next line is this, apart from when it was. */
static void expect(const char *text)
{
    json_t *want = json_loads(text, 0, NULL), *v = next();

    ck_assert_ptr_nonnull(want);
    ck_assert_msg(v != NULL, "nothing came instead of %s", text);
    json_object_del(v, "timestamp");
    char *is = json_dumps(v, 0);
    ck_assert_msg(json_equal(v, want), "%s instead of %s", is, text);
    free(is);
    json_decref(v);
    json_decref(want);
}

static void expect_nothing(void)
{
    json_t *v = next();

    ck_assert_ptr_null(v);
}

/* The error that answers this, its class and a part of its text. */
static void fails(const char *request, const char *class, const char *desc)
{
    give(request);
    json_t *v = next();
    json_t *error = json_object_get(v, "error");
    const char *said = json_string_value(json_object_get(error, "desc"));

    ck_assert_msg(said != NULL, "no error for %s", request);
    ck_assert_str_eq(json_string_value(json_object_get(error, "class")), class);
    ck_assert_msg(strstr(said, desc), "%s: '%s' is not '%s'", request, said, desc);
    json_decref(v);
}

static void negotiate(void)
{
    json_decref(next());
    give("{\"execute\": \"qmp_capabilities\"}");
    expect("{\"return\": {}}");
}

START_TEST(greeting)
{
    json_t *v = next();

    ck_assert_ptr_nonnull(json_object_get(json_object_get(v, "QMP"), "version"));
    json_decref(v);
    fails("{\"execute\": \"stop\"}", "CommandNotFound", "Expecting capabilities negotiation");
    fails("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"x\"]}}",
          "GenericError", "Parameter 'enable[0]' does not accept value 'x'");
    machine_event(m, "STOP", NULL); /* not before the client has said that it is one */
    give("{\"execute\": \"qmp_capabilities\", \"id\": [1, {\"a\": null}]}");
    expect("{\"return\": {}, \"id\": [1, {\"a\": null}]}");
    fails("{\"execute\": \"qmp_capabilities\"}", "CommandNotFound", "already complete");
}
END_TEST

START_TEST(errors)
{
    static const struct {
        const char *request, *class, *desc;
    } table[] = {
        {"{\"execute\": \"nonesuch\"}", "CommandNotFound", "nonesuch has not been found"},
        {"{}", "GenericError", "lacks member 'execute'"},
        {"[]", "GenericError", "must be a JSON object"},
        {"\"stop\"", "GenericError", "must be a JSON object"},
        {"{\"execute\": 1}", "GenericError", "'execute' must be a string"},
        {"{\"execute\": \"stop\", \"arguments\": []}", "GenericError",
         "'arguments' must be an object"},
        {"{\"execute\": \"stop\", \"extra\": 1}", "GenericError", "'extra' is unexpected"},
        {"{\"exec-oob\": \"stop\"}", "GenericError", "'exec-oob' is unexpected"},
        {"{\"execute\": \"stop\", \"arguments\": {\"a\": 1}}", "GenericError",
         "Parameter 'a' is unexpected"},
        {"{\"execute\": \"human-monitor-command\"}", "GenericError",
         "Parameter 'command-line' is missing"},
        {"{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": 1}}",
         "GenericError", "Invalid parameter type for 'command-line', expected: string"},
        {"{\"execute\": \"human-monitor-command\", "
         "\"arguments\": {\"command-line\": \"x\", \"cpu-index\": \"1\"}}",
         "GenericError", "Invalid parameter type for 'cpu-index', expected: integer"},
        {"{\"execute\": \"query-cpu-model-expansion\", "
         "\"arguments\": {\"type\": \"full\", \"model\": {\"props\": {}}}}",
         "GenericError", "Parameter 'model.name' is missing"},
        {"{\"execute\": \"query-cpu-model-expansion\", "
         "\"arguments\": {\"type\": \"some\", \"model\": {\"name\": \"max\"}}}",
         "GenericError", "Parameter 'type' does not accept value 'some'"},
        {"{\"execute\": \"stop\", \"execute\": \"stop\"}", "GenericError", "JSON parse error"},
        {"nonsense\n", "GenericError", "JSON parse error"},
        {"}", "GenericError", "JSON parse error"},
        {"{\"execute\": stop}", "GenericError", "JSON parse error"},
        {"{\"execute\": \"st\nop\"}", "GenericError", "JSON parse error"},
    };

    negotiate();
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        fails(table[i].request, table[i].class, table[i].desc);
    json_decref(next()); /* what stood behind the line break in the last one */
    json_decref(next());
    give("\xff{\"execute\": \"query-name\"}");
    expect("{\"return\": {\"name\": \"test\"}}");
}
END_TEST

START_TEST(pipelining)
{
    negotiate();
    for (const char *p = "{\"execute\":\"query-name\",\"id\":1}{\"execute\":\"stop\",\"id\":2} "
                         "{\"execute\":\"query-uuid\",\"id\":\"\\u00e4\"}"; *p; p++)
        chardev_memory_send(chr, p, 1);
    settle();
    expect("{\"return\": {\"name\": \"test\"}, \"id\": 1}");
    expect("{\"return\": {}, \"id\": 2}");
    expect("{\"return\": {\"UUID\": \"00000000-0000-0000-0000-000000000000\"}, "
           "\"id\": \"\u00e4\"}");
    expect_nothing();
}
END_TEST

/* Events of a command come before its answer. */
START_TEST(order)
{
    negotiate();
    give("{\"execute\": \"cont\"}{\"execute\": \"stop\"}{\"execute\": \"stop\"}");
    expect("{\"event\": \"RESUME\"}");
    expect("{\"return\": {}}");
    expect("{\"event\": \"STOP\"}");
    expect("{\"return\": {}}");
    expect("{\"return\": {}}");
    give("{\"execute\": \"system_reset\"}{\"execute\": \"system_powerdown\"}"
         "{\"execute\": \"query-status\"}");
    expect("{\"event\": \"RESET\", \"data\": "
           "{\"guest\": false, \"reason\": \"host-qmp-system-reset\"}}");
    expect("{\"return\": {}}");
    expect("{\"event\": \"POWERDOWN\"}");
    expect("{\"return\": {}}");
    expect("{\"return\": {\"running\": false, \"singlestep\": false, \"status\": \"prelaunch\"}}");
    machine_start(m);
    machine_request_reset(m, CAUSE_TRIPLE_FAULT);
    settle();
    expect("{\"event\": \"RESUME\"}");
    expect("{\"event\": \"RESET\", \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}");
    give("{\"execute\": \"quit\"}");
    expect("{\"event\": \"SHUTDOWN\", \"data\": "
           "{\"guest\": false, \"reason\": \"host-qmp-quit\"}}");
    expect("{\"return\": {}}");
    expect_nothing();
    ck_assert(m->quit);
}
END_TEST

START_TEST(out_of_band)
{
    json_decref(next());
    give("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}");
    expect("{\"return\": {}}");
    fails("{\"exec-oob\": \"stop\"}", "GenericError", "The command stop does not support OOB");
    fails("{\"exec-oob\": \"stop\", \"execute\": \"stop\"}", "GenericError", "clashes");
    give("{\"execute\": \"query-name\", \"id\": 1}{\"exec-oob\": \"query-yank\", \"id\": 2}");
    expect("{\"return\": [], \"id\": 2}");
    expect("{\"return\": {\"name\": \"test\"}, \"id\": 1}");
}
END_TEST

START_TEST(limits)
{
    g_autofree char *deep = g_strnfill(JSON_MAX_DEPTH + 1, '[');
    g_autofree char *back = g_strnfill(JSON_MAX_DEPTH + 1, ']');
    g_autofree char *much = g_strnfill(1 << 20, 'x');

    negotiate();
    fails(deep, "GenericError", "nesting depth limit");
    expect_nothing();
    give(back);
    expect_nothing();
    give("\"");
    for (unsigned i = 0; i < 7; i++)
        give(much);
    expect_nothing();
    fails(much, "GenericError", "message size limit");
    give("\"{\"execute\": \"query-name\"}");
    expect("{\"return\": {\"name\": \"test\"}}");
}
END_TEST

/* A client that asks and does not read: nothing is run for it, and it costs little. */
START_TEST(slow_reader)
{
    struct qmp *q;
    const char *ask = "{\"execute\": \"query-qmp-schema\"}";

    negotiate();
    q = ((struct event_listener *)m->listeners->pdata[0])->arg;
    chardev_memory_set_room(chr, 0);
    for (unsigned i = 0; i < 200; i++)
        give(ask);
    ck_assert(qmp_is_full(q));
    size_t full = q->out->len;
    for (unsigned i = 0; i < 10000; i++) {
        machine_event(m, "STOP", NULL);
        machine_event(m, "RESUME", NULL);
        machine_event(m, "DEVICE_DELETED", json_pack("{s:s}", "path", "x"));
    }
    ck_assert_uint_eq(q->out->len, full);
    ck_assert_uint_eq(g_queue_get_length(&q->held), 3);
    chardev_memory_set_room(chr, SIZE_MAX);
    settle();
    unsigned returns = 0, events = 0;
    json_t *v;
    while ((v = next())) {
        returns += json_object_get(v, "return") != NULL;
        events += json_object_get(v, "event") != NULL;
        json_decref(v);
    }
    ck_assert_uint_eq(returns, 200);
    ck_assert_uint_eq(events, 3);
}
END_TEST

START_TEST(rate)
{
    negotiate();
    for (int i = 0; i < 5; i++)
        machine_event(m, "RTC_CHANGE", json_pack("{s:i, s:s}", "offset", i, "qom-path", "/r"));
    expect("{\"event\": \"RTC_CHANGE\", \"data\": {\"offset\": 0, \"qom-path\": \"/r\"}}");
    expect_nothing();
    json_t *v;
    while (!(v = next()))
        g_main_context_iteration(m->context, TRUE);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(v, "data"), "offset")), 4);
    json_decref(v);
}
END_TEST

/* Every type that a row names is in the table, and every row says what it is for. */
START_TEST(schema)
{
    json_t *all = schema_describe(), *e;
    size_t i, commands = 0;

    json_array_foreach(all, i, e) {
        ck_assert_ptr_nonnull(json_object_get(e, "name"));
        const char *kind = json_string_value(json_object_get(e, "meta-type"));
        ck_assert_ptr_nonnull(kind);
        commands += strcmp(kind, "command") == 0;
    }
    FOR_EACH_COMMAND(c) {
        ck_assert(c->help && c->run && (c->name || c->qmp || c->info));
        commands -= c->qmp != NULL;
    }
    ck_assert_uint_eq(commands, 0);
    json_decref(all);
}
END_TEST

/* A descriptor that comes with the bytes of getfd gets the name. */
START_TEST(passed_descriptors)
{
    static const char text[] = "{\"execute\": \"qmp_capabilities\"}"
                               "{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"x\"}}"
                               "{\"execute\": \"closefd\", \"arguments\": {\"fdname\": \"y\"}}";
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec iov = {(char *)text, sizeof(text) - 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
                         .msg_controllen = sizeof(control.space)};
    int sv[2], pipes[2], fd;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    ck_assert_int_eq(pipe(pipes), 0);
    g_autofree char *options = g_strdup_printf("socket,id=s,fd=%d", sv[0]);
    struct chardev *s = chardev_new_from_options(m, options, NULL);
    ck_assert(s && qmp_new(m, s, false, NULL));
    memcpy(CMSG_DATA(&control.header), &pipes[1], sizeof(int));
    ck_assert_int_eq(sendmsg(sv[1], &msg, 0), (int)sizeof(text) - 1);
    while ((fd = machine_take_fd(m, "x")) < 0)
        g_main_context_iteration(m->context, TRUE);
    char c = 0;
    ck_assert_int_eq(write(fd, "!", 1), 1);
    ck_assert_int_eq(read(pipes[0], &c, 1), 1);
    ck_assert_int_eq(c, '!');
    close(fd);
    close(sv[1]);
}
END_TEST

START_TEST(two_monitors)
{
    struct chardev *other = chardev_memory_new(m, "other");

    ck_assert(qmp_new(m, other, true, NULL));
    negotiate();
    give("{\"execute\": \"cont\"}");
    expect("{\"event\": \"RESUME\"}");
    expect("{\"return\": {}}");
    g_autoptr(GByteArray) bytes = chardev_memory_take(other);
    ck_assert(g_str_has_prefix((char *)bytes->data, "{\n    \"QMP\": {\n"));
    g_byte_array_append(bytes, (const guint8 *)"", 1);
    ck_assert_ptr_null(strstr((char *)bytes->data, "RESUME"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("qmp");
    TCase *t = tcase_create("qmp");
    const TTest *const tests[] = {greeting, errors,      pipelining, order,  out_of_band,
                                  limits,   slow_reader, rate,       schema, two_monitors,
                                  passed_descriptors};

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

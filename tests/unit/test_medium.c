/* SPDX-License-Identifier: MIT */
/* The monitor's commands for trays and media, on a drive whose device is played here. */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "block/block.h"
#include "core/machine.h"
#include "core/machine_test.h"
#include "monitor/command.h"

static struct machine *m;
static struct command_context ctx;
static struct blk *blk;
static struct blk_tray tray;
static unsigned asked;
static char image[] = "/tmp/medium-XXXXXX";

static void state(void *dev, struct blk_tray *out)
{
    *out = tray;
}

static void move(void *dev, bool open)
{
    tray.open = open;
}

static void ask(void *dev)
{
    asked++;
}

static const struct blk_tray_ops ops = {state, move, ask};

static void setup(void)
{
    struct blk_config config = {.id = "cd"};
    int fd = mkstemp(image);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 65536), 0);
    close(fd);
    m = machine_new_test();
    ctx = (struct command_context){.machine = m};
    machine_lock(m);
    blk = blk_open(m, NULL, &config, NULL);
    blk_set_tray(blk, &ops, NULL);
    tray = (struct blk_tray){0};
    asked = 0;
}

static void teardown(void)
{
    machine_unlock(m);
    machine_free(m);
    unlink(image);
    strcpy(image, "/tmp/medium-XXXXXX");
}

static json_t *run(const char *name, const char *args, GError **err)
{
    json_t *a = json_loads(args, 0, NULL);
    json_t *ret = command_execute(&ctx, command_find_qmp(name), a, err);

    json_decref(a);
    return ret;
}

static void works(const char *name, const char *args)
{
    GError *err = NULL;
    json_t *ret = run(name, args, &err);

    ck_assert_msg(ret != NULL, "%s %s: %s", name, args, err ? err->message : "");
    json_decref(ret);
}

static void fails(const char *name, const char *args, const char *expect)
{
    GError *err = NULL;

    ck_assert_ptr_null(run(name, args, &err));
    ck_assert_msg(strstr(err->message, expect), "%s %s: '%s'", name, args, err->message);
    g_clear_error(&err);
}

static void put_in(const char *command)
{
    g_autofree char *args = g_strdup_printf(
        "{\"device\": \"cd\", \"filename\": \"%s\", \"format\": \"raw\"}", image);

    works(command, args);
}

START_TEST(names)
{
    fails("eject", "{}", "exactly one of");
    fails("eject", "{\"device\": \"cd\", \"id\": \"x\"}", "exactly one of");
    fails("eject", "{\"device\": \"hd\"}", "'hd' not found");
    fails("eject", "{\"id\": \"hd\"}", "'hd' not found");
    blk_set_tray(blk, NULL, NULL);
    fails("eject", "{\"device\": \"cd\"}", "not removable");
}
END_TEST

START_TEST(changing)
{
    put_in("blockdev-change-medium");
    ck_assert(blk_inserted(blk) && !tray.open && blk_read_only(blk));
    fails("blockdev-change-medium", "{\"device\": \"cd\", \"filename\": \"/nonesuch\"}",
          "No such file");
    ck_assert(blk_inserted(blk)); /* what was there stays */
    fails("blockdev-remove-medium", "{\"device\": \"cd\"}", "is not open");
    works("blockdev-open-tray", "{\"device\": \"cd\"}");
    works("blockdev-remove-medium", "{\"device\": \"cd\"}");
    ck_assert(!blk_inserted(blk) && tray.open);
    g_autofree char *node = g_strdup_printf(
        "{\"driver\": \"file\", \"node-name\": \"f\", \"filename\": \"%s\"}", image);
    works("blockdev-add", node);
    works("blockdev-insert-medium", "{\"device\": \"cd\", \"node-name\": \"f\"}");
    fails("blockdev-insert-medium", "{\"device\": \"cd\", \"node-name\": \"f\"}", "already");
    fails("blockdev-del", "{\"node-name\": \"f\"}", "in use");
    works("blockdev-close-tray", "{\"device\": \"cd\"}");
    works("eject", "{\"device\": \"cd\"}");
    works("blockdev-del", "{\"node-name\": \"f\"}");
    ck_assert(!blk_inserted(blk) && tray.open);
}
END_TEST

START_TEST(locked)
{
    put_in("blockdev-change-medium");
    tray.locked = true;
    fails("eject", "{\"device\": \"cd\"}", "is locked");
    ck_assert(blk_inserted(blk) && !tray.open && asked == 1);
    works("eject", "{\"device\": \"cd\", \"force\": true}");
    ck_assert(!blk_inserted(blk) && tray.open);
}
END_TEST

START_TEST(size)
{
    g_autofree char *node = g_strdup_printf(
        "{\"driver\": \"file\", \"node-name\": \"f\", \"filename\": \"%s\"}", image);

    works("blockdev-add", node);
    works("block_resize", "{\"node-name\": \"f\", \"size\": 131072}");
    fails("block_resize", "{\"node-name\": \"g\", \"size\": 131072}", "Cannot find");
    fails("block_resize", "{\"node-name\": \"f\", \"size\": -1}", "expects");
    g_autofree char *text = NULL;
    gsize len;
    ck_assert(g_file_get_contents(image, &text, &len, NULL));
    ck_assert_uint_eq(len, 131072);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("medium");
    TCase *t = tcase_create("all");
    const TTest *const tests[] = {names, changing, locked, size};

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

/* SPDX-License-Identifier: MIT */
/* core/device.h: properties from text, globals, life, saved state. */
#include <check.h>
#include <string.h>

#include "core/device.h"
#include "core/machine_test.h"

struct gadget {
    struct device dev;
    bool on;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64, size;
    char *name;
    int mode, addr;
    struct chardev *chr;
    /* state */
    uint32_t reg;
    uint16_t table[4];
    uint8_t buf[5];
    bool flag;
    struct timer timer;
    unsigned loads;
};

static const char *const modes[] = {"slow", "fast", NULL};
static const struct prop gadget_props[] = {
    PROP(struct gadget, on, "on", PROP_BOOL, "on", "switched on"),
    PROP(struct gadget, u8, "u8", PROP_U8, "0x7f", ""),
    PROP(struct gadget, u16, "u16", PROP_U16, NULL, ""),
    PROP(struct gadget, u32, "u32", PROP_U32, "3", ""),
    PROP(struct gadget, u64, "u64", PROP_U64, NULL, ""),
    PROP(struct gadget, size, "size", PROP_SIZE, "4k", ""),
    PROP(struct gadget, name, "name", PROP_STRING, "noname", ""),
    {.name = "mode", .kind = PROP_ENUM, .offset = offsetof(struct gadget, mode), .def = "fast",
     .choices = modes},
    PROP(struct gadget, addr, "addr", PROP_ADDR, NULL, ""),
    PROP(struct gadget, chr, "chardev", PROP_CHARDEV, NULL, ""),
    {.name = NULL},
};

static const struct state_field gadget_state[] = {
    STATE_FIELD(struct gadget, reg),        STATE_ARRAY(struct gadget, table),
    STATE_BUFFER(struct gadget, buf),       STATE_FIELD(struct gadget, flag),
    STATE_TIMER_FIELD(struct gadget, timer), STATE_END,
};

static void gadget_fire(void *arg)
{
}

static bool gadget_realize(struct device *dev, GError **err)
{
    struct gadget *g = (struct gadget *)dev;
    timer_init(&g->timer, &dev->machine->vclock, "gadget", gadget_fire, g);
    return true;
}

static void gadget_loaded(struct device *dev)
{
    ((struct gadget *)dev)->loads++;
}

static void gadget_unrealize(struct device *dev)
{
    timer_del(&((struct gadget *)dev)->timer);
}

static const struct device_type gadget_type = {.name = "gadget",
                                               .alias = "thing",
                                               .size = sizeof(struct gadget),
                                               .props = gadget_props,
                                               .state = gadget_state,
                                               .state_version = 2,
                                               .realize = gadget_realize,
                                               .loaded = gadget_loaded,
                                               .unrealize = gadget_unrealize};

static struct machine *m;
static struct gadget *g;

static void setup(void)
{
    m = machine_new_test();
    g = (struct gadget *)device_new(m, &gadget_type);
}

static void teardown(void)
{
    if (!g->dev.realized)
        device_free(&g->dev);
    machine_free(m);
}

#define SET(p, v) ck_assert(device_set(&g->dev, p, v, NULL))
#define REFUSED(p, v, text)                                                                        \
    do {                                                                                           \
        GError *e = NULL;                                                                          \
        ck_assert(!device_set(&g->dev, p, v, &e));                                                 \
        ck_assert_msg(strstr(e->message, text) != NULL, "%s", e->message);                         \
        g_error_free(e);                                                                           \
    } while (0)

START_TEST(defaults)
{
    ck_assert(g->on);
    ck_assert_uint_eq(g->u8, 0x7f);
    ck_assert_uint_eq(g->u16, 0);
    ck_assert_uint_eq(g->size, 4096);
    ck_assert_str_eq(g->name, "noname");
    ck_assert_int_eq(g->mode, 1);
    ck_assert_int_eq(g->addr, -1);
    ck_assert_ptr_null(g->chr);
}
END_TEST

START_TEST(from_text)
{
    SET("on", "off");
    ck_assert(!g->on);
    SET("u8", "255");
    ck_assert_uint_eq(g->u8, 255);
    SET("u32", "0xdeadbeef");
    ck_assert_uint_eq(g->u32, 0xdeadbeef);
    SET("u64", "18446744073709551615");
    ck_assert_uint_eq(g->u64, UINT64_MAX);
    SET("size", "2G");
    ck_assert_uint_eq(g->size, 2ull << 30);
    SET("name", "x");
    SET("name", "y");
    ck_assert_str_eq(g->name, "y");
    SET("mode", "slow");
    ck_assert_int_eq(g->mode, 0);
    SET("addr", "1f.7");
    ck_assert_int_eq(g->addr, 0xff);
    SET("addr", "3");
    ck_assert_int_eq(g->addr, 24);
    for (const struct prop *p = gadget_props; p->name; p++) { /* text -> value -> text -> value */
        g_autofree char *text = device_get(&g->dev, p);
        if (text)
            SET(p->name, text);
    }
    ck_assert_uint_eq(g->u32, 0xdeadbeef);
    ck_assert_int_eq(g->addr, 24);
}
END_TEST

START_TEST(refusals)
{
    REFUSED("u8", "256", "u8");
    REFUSED("u8", "-1", "-1");
    REFUSED("u8", "", "u8");
    REFUSED("on", "maybe", "maybe");
    REFUSED("mode", "fats", "fast");
    REFUSED("nmae", "x", "did you mean 'name'");
    REFUSED("addr", "20", "20");
    REFUSED("addr", "1.8", "1.8");
    REFUSED("addr", "1.", "1.");
    REFUSED("addr", "-1", "-1");
    REFUSED("chardev", "com1", "com1");
}
END_TEST

START_TEST(globals)
{
    struct machine_config config = *m->config;
    struct machine_global a = {(char *)"gadget", (char *)"u8", (char *)"9", false};
    struct machine_global b = {(char *)"thing", (char *)"mode", (char *)"wrong", false};
    const struct machine_config *before = m->config;
    config.globals = g_ptr_array_new();
    g_ptr_array_add(config.globals, &a);
    m->config = &config;
    struct gadget *h = (struct gadget *)device_new(m, &gadget_type);
    ck_assert_uint_eq(h->u8, 9);
    ck_assert(device_realize(&h->dev, NULL));
    g_ptr_array_add(config.globals, &b);
    struct gadget *bad = (struct gadget *)device_new(m, &gadget_type);
    GError *err = NULL;
    ck_assert(!device_realize(&bad->dev, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "wrong"));
    g_error_free(err);
    device_free(&bad->dev);
    m->config = before;
    g_ptr_array_unref(config.globals);
}
END_TEST

START_TEST(paths)
{
    ck_assert(device_realize(&g->dev, NULL));
    struct device *h = device_new(m, &gadget_type);
    ck_assert(device_realize(h, NULL));
    ck_assert_str_eq(g->dev.path, "gadget.0");
    ck_assert_str_eq(h->path, "gadget.1");
    device_free(h);
    ck_assert_uint_eq(m->devices->len, 1);
    const struct device_type *types[] = {&gadget_type, NULL};
    ck_assert_ptr_eq(device_type_find(types, "thing"), &gadget_type);
    ck_assert_ptr_null(device_type_find(types, "things"));
}
END_TEST

static void fill(struct gadget *d)
{
    d->reg = 0x12345678;
    for (int i = 0; i < 4; i++)
        d->table[i] = (uint16_t)(0x100 + i);
    memcpy(d->buf, "hello", 5);
    d->flag = true;
    timer_set(&d->timer, 777);
}

START_TEST(save_and_load)
{
    size_t used;
    GByteArray *one = g_byte_array_new(), *two = g_byte_array_new();
    ck_assert(device_realize(&g->dev, NULL));
    fill(g);
    device_save(&g->dev, one);
    memset(g->table, 0, sizeof(g->table));
    memset(g->buf, 0, sizeof(g->buf));
    g->reg = 0;
    g->flag = false;
    timer_del(&g->timer);
    ck_assert(device_load(&g->dev, one->data, one->len, &used, NULL));
    ck_assert_uint_eq(used, one->len);
    ck_assert_uint_eq(g->loads, 1);
    ck_assert_uint_eq(g->reg, 0x12345678);
    ck_assert_uint_eq(g->table[3], 0x103);
    ck_assert_int_eq(g->timer.deadline, 777);
    device_save(&g->dev, two);
    ck_assert_uint_eq(one->len, two->len);
    ck_assert_mem_eq(one->data, two->data, one->len);
    g_byte_array_unref(one);
    g_byte_array_unref(two);
}
END_TEST

/* Whatever is cut off or changed: an error or a load, never a crash. */
START_TEST(damaged_state)
{
    size_t used;
    GByteArray *a = g_byte_array_new();
    ck_assert(device_realize(&g->dev, NULL));
    fill(g);
    device_save(&g->dev, a);
    for (guint n = 0; n < a->len; n++) {
        GError *err = NULL;
        g_autofree uint8_t *copy = g_memdup2(a->data, n);
        ck_assert(!device_load(&g->dev, copy, n, &used, &err));
        ck_assert_ptr_nonnull(err);
        g_error_free(err);
    }
    for (guint i = 0; i < a->len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            a->data[i] ^= (uint8_t)(1 << bit);
            device_load(&g->dev, a->data, a->len, &used, NULL);
            a->data[i] ^= (uint8_t)(1 << bit);
        }
    }
    g_byte_array_unref(a);
}
END_TEST

static const struct state_field fewer[] = {STATE_FIELD(struct gadget, reg), STATE_END};

START_TEST(other_fields)
{
    size_t used;
    GError *err = NULL;
    struct device_type small = gadget_type;
    GByteArray *full = g_byte_array_new(), *part = g_byte_array_new();
    small.state = fewer;
    ck_assert(device_realize(&g->dev, NULL));
    device_save(&g->dev, full);
    g->dev.type = &small;
    device_save(&g->dev, part);
    ck_assert(!device_load(&g->dev, full->data, full->len, &used, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "'table'"));
    g_clear_error(&err);
    g->dev.type = &gadget_type;
    ck_assert(!device_load(&g->dev, part->data, part->len, &used, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "missing"));
    g_clear_error(&err);
    g_byte_array_unref(full);
    g_byte_array_unref(part);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("device");
    TCase *t = tcase_create("device");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, defaults);
    tcase_add_test(t, from_text);
    tcase_add_test(t, refusals);
    tcase_add_test(t, globals);
    tcase_add_test(t, paths);
    tcase_add_test(t, save_and_load);
    tcase_add_test(t, damaged_state);
    tcase_add_test(t, other_fields);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

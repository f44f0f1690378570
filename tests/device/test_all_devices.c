/* SPDX-License-Identifier: MIT */
/*
 * What every device type must stand, without knowing any of them: being created with its
 * defaults, reset, accessed at random in all its regions and its configuration space, saved,
 * loaded into a fresh instance and saved again with the same bytes, and destroyed.
 */
#include <check.h>
#include <stdlib.h>

#include "hw/pci/pci.h"
#include "tests/device/board_bench.h"

enum { ACCESSES = 3000 };

static GRand *rnd;

static void setup(void)
{
    rnd = g_rand_new_with_seed(20);
}

static void teardown(void)
{
    g_rand_free(rnd);
}

static struct device *instance_of(struct machine *m, const struct device_type *t)
{
    for (unsigned i = 0; i < m->devices->len; i++)
        if (((struct device *)m->devices->pdata[i])->type == t)
            return m->devices->pdata[i];
    return NULL;
}

/* Values that registers like: corners, single bits, anything. */
static uint64_t some_value(void)
{
    switch (g_rand_int_range(rnd, 0, 4)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return 1ull << g_rand_int_range(rnd, 0, 64);
    default:
        return (uint64_t)g_rand_int(rnd) << 32 | g_rand_int(rnd);
    }
}

static bool belongs_to(const struct region *r, const struct device *d)
{
    const char *p = r->dev, *base = (const char *)d;
    return r->kind == REGION_IO && p >= base && p < base + d->type->size;
}

struct place {
    struct address_space *as;
    uint64_t base, size;
};

static void collect(GArray *places, struct address_space *as, const struct device *d)
{
    for (unsigned i = 0; i < as->view->n; i++) {
        const struct region_section *s = &as->view->s[i];
        if (belongs_to(s->region, d)) {
            struct place p = {as, s->base, s->size};
            g_array_append_val(places, p);
        }
    }
}

static void access_at_random(struct place *p)
{
    unsigned size = 1u << g_rand_int_range(rnd, 0, 4);
    uint64_t off = g_rand_int_range(rnd, 0, 2) ? (uint64_t)g_rand_int(rnd) % p->size
                                               : (uint64_t)g_rand_int(rnd) % MIN(p->size, 64);
    off &= ~(uint64_t)(size - 1);
    if (g_rand_int_range(rnd, 0, 2))
        as_io_write(p->as, p->base + off, some_value(), size);
    else
        as_io_read(p->as, p->base + off, size);
}

/* A PCI function's configuration space; also gives its BARs places and enables decoding. */
static void config_at_random(struct machine *m, struct device *d, unsigned n)
{
    struct pci_device *p = to_pci(d);
    for (unsigned i = 0; i < n; i++) {
        unsigned size = 1u << g_rand_int_range(rnd, 0, 3);
        unsigned off = g_rand_int(rnd) % 256 & ~(size - 1);
        if (g_rand_int_range(rnd, 0, 2))
            pci_config_write(p, off, (uint32_t)some_value(), size);
        else
            pci_config_read(p, off, size);
    }
}

static void map_bars(struct machine *m, struct device *d)
{
    struct pci_device *p = to_pci(d);
    for (unsigned i = 0; i < PCI_NBARS; i++)
        if (p->bar[i].region)
            pci_config_write(p, 0x10 + 4 * i,
                             p->bar[i].kind == PCI_BAR_IO ? 0xc000 + 0x100 * i
                                                          : 0xe0000000 + 0x1000000 * i,
                             4);
    pci_config_write(p, 4, 7, 2);
}

static bool is_pci(const struct device *d)
{
    return strcmp(d->type->bus, "PCI") == 0;
}

static void torture(struct machine *m, struct device *d)
{
    if (is_pci(d))
        map_bars(m, d);
    for (unsigned round = 0; round < 10; round++) {
        g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(struct place));
        collect(places, &m->mem, d);
        collect(places, &m->io, d);
        for (unsigned i = 0; places->len && i < ACCESSES / 10; i++) {
            access_at_random(&g_array_index(places, struct place,
                                            g_rand_int(rnd) % places->len));
            if (g_rand_int_range(rnd, 0, 8) == 0)
                board_bench_step(m, g_rand_int_range(rnd, 0, 200000));
        }
        if (is_pci(d))
            config_at_random(m, d, 20);
    }
}

static GByteArray *saved(struct device *d)
{
    GByteArray *a = g_byte_array_new();
    device_save(d, a);
    return a;
}

/* The last names before byte `at`: which device and field that is. */
static char *names_before(const GByteArray *a, guint at)
{
    GString *s = g_string_new(NULL);
    for (guint i = at > 120 ? at - 120 : 0; i < at; i++)
        if (g_ascii_isprint(a->data[i]))
            g_string_append_c(s, (char)a->data[i]);
        else if (s->len && s->str[s->len - 1] != ' ')
            g_string_append_c(s, ' ');
    return g_string_free(s, FALSE);
}

static void check_same(const char *what, const GByteArray *a, const GByteArray *b)
{
    ck_assert_msg(a->len == b->len, "%s: %u and %u bytes", what, a->len, b->len);
    for (guint i = 0; i < a->len; i++) {
        if (a->data[i] == b->data[i])
            continue;
        g_autofree char *names = names_before(a, i);
        ck_abort_msg("%s: byte %u differs (%02x %02x) after: %s", what, i, a->data[i], b->data[i],
                     names);
    }
}

/* The machine type that has it, or takes it. */
static const char *board_with(const struct device_type *t)
{
    struct machine *m = board_bench_new();
    const char *type = instance_of(m, t) ? "pc" : "q35";
    board_bench_free(m);
    return type;
}

START_TEST(every_type)
{
    const struct device_type *t = hw_types[_i];
    const char *type = board_with(t);
    struct machine *m = board_bench_new_on(type), *fresh = board_bench_new_on(type);
    struct device *d = instance_of(m, t), *f = instance_of(fresh, t);
    ck_assert_msg(d && f, "%s is not on the board and -device did not make one", t->name);
    ck_assert_msg(t->help && *t->help && t->bus, "%s: help or bus is missing", t->name);

    g_autoptr(GByteArray) first = saved(d);
    device_reset(d);
    g_autoptr(GByteArray) again = saved(d);
    check_same("a second reset", first, again);

    torture(m, d);
    g_autoptr(GByteArray) used = saved(d);
    size_t n;
    GError *err = NULL;
    board_bench_step(fresh, clock_now(&m->vclock) - clock_now(&fresh->vclock));
    ck_assert_msg(device_load(f, used->data, used->len, &n, &err), "%s", err ? err->message : "");
    ck_assert_uint_eq(n, used->len);
    g_autoptr(GByteArray) reloaded = saved(f);
    check_same("save, load, save", used, reloaded);

    torture(fresh, f); /* the loaded one works on */
    device_reset(d);
    device_reset(f);
    board_bench_free(fresh);
    board_bench_free(m);
}
END_TEST

START_TEST(the_whole_machine)
{
    const char *type = _i ? "q35" : "pc";
    struct machine *m = board_bench_new_on(type), *fresh = board_bench_new_on(type);
    for (unsigned i = 0; i < m->devices->len; i++) {
        struct device *d = m->devices->pdata[i];
        if (strcmp(d->type->name, "pc-testdev") != 0) /* it pulls at wires of other devices */
            torture(m, d);
    }
    GByteArray *a = g_byte_array_new(), *b = g_byte_array_new();
    GError *err = NULL;
    machine_save(m, a);
    ck_assert_msg(machine_load(fresh, a->data, a->len, &err), "%s", err ? err->message : "");
    machine_save(fresh, b);
    check_same("the machine", a, b);
    g_byte_array_unref(a);
    g_byte_array_unref(b);
    machine_reset(fresh);
    board_bench_free(fresh);
    board_bench_free(m);
}
END_TEST

static unsigned count_regions(const struct region *r)
{
    unsigned n = 1;
    for (unsigned i = 0; r->children && i < r->children->len; i++)
        n += count_regions(r->children->pdata[i]);
    return n;
}

/* Made and destroyed while the machine lives: nothing of it stays behind. */
START_TEST(come_and_go)
{
    const struct device_type *t = hw_types[_i];
    if (t->internal)
        return;
    struct machine *m = board_bench_new_on(board_with(t));
    device_free(instance_of(m, t));
    unsigned regions = count_regions(&m->mem_root) + count_regions(&m->io_root);
    unsigned timers = m->vclock.heap->len + m->hclock.heap->len;
    for (int i = 0; i < 3; i++) {
        GError *err = NULL;
        struct device *d = device_add_from_text(m, t->name, &err);
        if (!d) { /* needs a property: says which */
            ck_assert(strlen(err->message) > 10);
            g_error_free(err);
            break;
        }
        device_reset(d);
        torture(m, d);
        device_free(d);
        ck_assert_uint_eq(count_regions(&m->mem_root) + count_regions(&m->io_root), regions);
        ck_assert_uint_le(m->vclock.heap->len + m->hclock.heap->len, timers);
    }
    board_bench_free(m);
}
END_TEST

int main(void)
{
    int n = 0;
    while (hw_types[n])
        n++;
    Suite *s = suite_create("all devices");
    TCase *t = tcase_create("all devices");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, every_type, 0, n);
    tcase_add_loop_test(t, come_and_go, 0, n);
    tcase_add_loop_test(t, the_whole_machine, 0, 2);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

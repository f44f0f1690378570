/* SPDX-License-Identifier: MIT */
/* The i6300esb watchdog, pvpanic, and what the machine does about them (-action). */
#include "tests/device/bench.h"

#include <string.h>

#include "core/event.h"
#include "hw/misc/i6300esb.h"
#include "hw/misc/i6300esb_regs.h"
#include "hw/misc/pvpanic.h"

#define TICKS_PER_SECOND 1007.08 /* 33 MHz / 2^15 */

static struct machine *m;
static struct pci_bus bus;
static GString *events;

/* What the machine then does has events of its own (RESET, STOP): core/machine.h's tests. */
static void on_event(void *arg, const char *name, json_t *data)
{
    if (!g_str_has_prefix(name, "WATCHDOG") && !g_str_has_prefix(name, "GUEST_"))
        return;
    g_string_append_printf(events, "%s:%s ", name,
                           json_string_value(json_object_get(data, "action")));
}

static void setup(void)
{
    m = bench_new();
    events = g_string_new("");
    machine_add_listener(m, on_event, NULL);
    pci_bus_init(&bus, m, "pci.0", &m->mem_root, &m->io_root);
    m->pci = &bus;
    m->state = RUN_RUNNING;
}

static void teardown(void)
{
    while (m->devices->len)
        device_free(m->devices->pdata[m->devices->len - 1]);
    pci_bus_fini(&bus);
    m->pci = NULL;
    m->state = RUN_PAUSED;
    bench_free(m);
    g_string_free(events, true);
}

static void act(const char *event, const char *action)
{
    ck_assert(action_set(m->actions, event, action, NULL));
}

/* What was said since the last time, and what was requested is carried out. */
static void expect_events(const char *text)
{
    ck_assert_str_eq(events->str, text);
    g_string_truncate(events, 0);
    machine_iterate(m, false);
}

static struct pci_device *plug(const struct pci_device_type *t)
{
    struct pci_device *d = (struct pci_device *)device_new(m, &t->dev);

    bench_realize(d);
    pci_bus_config_write(&bus, 0, d->devfn, 0x10, (uint32_t)0xe0000000, 4);
    pci_bus_config_write(&bus, 0, d->devfn, 4, 2, 2);
    return d;
}

static void reg(unsigned off, uint32_t v, unsigned size)
{
    as_write(&m->mem, 0xe0000000 + off, &v, size);
}

static void unlocked(unsigned off, uint32_t v)
{
    reg(ESB_RELOAD, ESB_UNLOCK1, 2);
    reg(ESB_RELOAD, ESB_UNLOCK2, 2);
    reg(off, v, 4);
}

static uint32_t get(unsigned off)
{
    uint32_t v = 0;

    as_read(&m->mem, 0xe0000000 + off, &v, 4);
    return v;
}

static void step_s(double seconds)
{
    clock_step(&m->vclock, (int64_t)(seconds * NSEC_PER_SEC));
}

/* As Linux's driver does it: no interrupt, both stages of n seconds. */
static struct pci_device *armed(unsigned seconds)
{
    struct pci_device *d = plug(&i6300esb_type);

    pci_bus_config_write(&bus, 0, d->devfn, ESB_CONFIG, ESB_WDT_INT_TYPE, 2);
    unlocked(ESB_TIMER1, (uint32_t)(seconds * TICKS_PER_SECOND));
    unlocked(ESB_TIMER2, (uint32_t)(seconds * TICKS_PER_SECOND));
    pci_bus_config_write(&bus, 0, d->devfn, ESB_LOCK, ESB_WDT_ENABLE, 1);
    return d;
}

START_TEST(two_stages)
{
    act("watchdog", "debug");
    armed(10);
    step_s(9.9);
    ck_assert_uint_eq(get(ESB_GINTSR), 0);
    step_s(0.2);
    ck_assert_uint_eq(get(ESB_GINTSR), 1);
    reg(ESB_GINTSR, 1, 4);
    ck_assert_uint_eq(get(ESB_GINTSR), 0);
    step_s(9.8);
    expect_events("");
    step_s(0.2);
    expect_events("WATCHDOG:debug ");
    ck_assert_uint_eq(get(ESB_RELOAD), ESB_WDT_TIMEOUT);
    unlocked(ESB_RELOAD, ESB_WDT_TIMEOUT);
    ck_assert_uint_eq(get(ESB_RELOAD), 0);
}
END_TEST

START_TEST(reload_needs_the_sequence)
{
    act("watchdog", "none");
    armed(10);
    step_s(15);
    unlocked(ESB_RELOAD, ESB_WDT_RELOAD);
    step_s(15);
    reg(ESB_RELOAD, ESB_UNLOCK2, 2); /* the wrong way round */
    reg(ESB_RELOAD, ESB_UNLOCK1, 2);
    reg(ESB_RELOAD, ESB_WDT_RELOAD, 2);
    step_s(4);
    expect_events("");
    step_s(2);
    expect_events("WATCHDOG:none ");
    reg(ESB_TIMER1, 5, 4);
    ck_assert_uint_gt(get(ESB_TIMER1), 5);
}
END_TEST

START_TEST(locked_until_reset)
{
    struct pci_device *d = armed(10);
    uint8_t lock = ESB_WDT_ENABLE | ESB_WDT_LOCK;

    act("watchdog", "none");
    pci_bus_config_write(&bus, 0, d->devfn, ESB_LOCK, lock, 1);
    pci_bus_config_write(&bus, 0, d->devfn, ESB_LOCK, 0, 1);
    ck_assert_uint_eq(pci_bus_config_read(&bus, 0, d->devfn, ESB_LOCK, 1), lock);
    step_s(21);
    expect_events("WATCHDOG:none ");
    device_reset(&d->dev);
    step_s(100);
    expect_events("");
    pci_bus_config_write(&bus, 0, d->devfn, ESB_LOCK, ESB_WDT_ENABLE, 1);
    pci_bus_config_write(&bus, 0, d->devfn, ESB_LOCK, 0, 1);
    ck_assert_uint_eq(pci_bus_config_read(&bus, 0, d->devfn, ESB_LOCK, 1), 0);
}
END_TEST

START_TEST(output_off_and_short_preloads)
{
    struct pci_device *d = armed(1);

    act("watchdog", "none");
    pci_bus_config_write(&bus, 0, d->devfn, ESB_CONFIG, ESB_WDT_INT_TYPE | ESB_WDT_OUTPUT, 2);
    step_s(3);
    expect_events("");
    ck_assert_uint_eq(get(ESB_RELOAD), ESB_WDT_TIMEOUT);
    pci_bus_config_write(&bus, 0, d->devfn, ESB_CONFIG, ESB_WDT_FREQ, 2);
    unlocked(ESB_TIMER1, 0);
    unlocked(ESB_TIMER2, 0);
    unlocked(ESB_RELOAD, ESB_WDT_RELOAD);
    step_s(0.0201); /* not millions of times */
    expect_events("WATCHDOG:none WATCHDOG:none WATCHDOG:none WATCHDOG:none WATCHDOG:none "
                  "WATCHDOG:none WATCHDOG:none WATCHDOG:none WATCHDOG:none WATCHDOG:none ");
}
END_TEST

START_TEST(actions)
{
    static const struct {
        const char *action;
        enum run_state state;
        bool quit;
        uint64_t resets;
    } rows[] = {
        {"reset", RUN_RUNNING, false, 1}, {"pause", RUN_WATCHDOG, false, 0},
        {"none", RUN_RUNNING, false, 0},  {"inject-nmi", RUN_RUNNING, false, 0},
        {"shutdown", RUN_RUNNING, false, 0}, {"poweroff", RUN_SHUTDOWN, true, 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *said = g_strdup_printf("WATCHDOG:%s ", rows[i].action);
        m->state = RUN_RUNNING;
        m->resets = 0;
        act("watchdog", rows[i].action);
        machine_watchdog_expired(m);
        expect_events(said);
        ck_assert_int_eq(m->state, rows[i].state);
        ck_assert_int_eq(m->quit, rows[i].quit);
        ck_assert_uint_eq(m->resets, rows[i].resets);
    }
}
END_TEST

START_TEST(panic)
{
    static const struct {
        const char *panic, *shutdown, *said;
        enum run_state state;
        bool quit;
        int status;
    } rows[] = {
        {"none", "poweroff", "GUEST_PANICKED:run ", RUN_RUNNING, false, 0},
        {"pause", "poweroff", "GUEST_PANICKED:pause ", RUN_PANICKED, false, 0},
        {"shutdown", "pause", "GUEST_PANICKED:pause ", RUN_PANICKED, false, 0},
        {"shutdown", "poweroff", "GUEST_PANICKED:poweroff ", RUN_SHUTDOWN, true, 0},
        {"exit-failure", "poweroff", "GUEST_PANICKED:poweroff ", RUN_SHUTDOWN, true, 1},
    };

    bench_realize(device_new(m, &pvpanic_isa_type));
    plug(&pvpanic_pci_type);
    ck_assert_uint_eq(inb(m, PVPANIC_PORT), 3);
    ck_assert_uint_eq(get(0) & 0xff, 3);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        m->state = RUN_RUNNING;
        act("panic", rows[i].panic);
        act("shutdown", rows[i].shutdown);
        if (i & 1)
            reg(0, 1, 1);
        else
            outb(m, PVPANIC_PORT, 1);
        expect_events(rows[i].said);
        ck_assert_int_eq(m->state, rows[i].state);
        ck_assert_int_eq(m->quit, rows[i].quit);
        ck_assert_int_eq(m->exit_status, rows[i].status);
    }
    outb(m, PVPANIC_PORT, 2);
    expect_events("GUEST_CRASHLOADED:run ");
}
END_TEST

START_TEST(names)
{
    GError *err = NULL;

    ck_assert(!action_set(m->actions, "reboot", "pause", &err));
    ck_assert_ptr_nonnull(strstr(err->message, "reset"));
    g_clear_error(&err);
    ck_assert(!action_set(m->actions, "breakfast", "none", &err));
    ck_assert_ptr_nonnull(strstr(err->message, "watchdog"));
    g_clear_error(&err);
    ck_assert_int_eq(machine_action(m, ON_PANIC), ACTION_SHUTDOWN);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("watchdog");
    TCase *tc = tcase_create("all");
    const TTest *tests[] = {two_stages, reload_needs_the_sequence, locked_until_reset,
                            output_off_and_short_preloads, actions, panic, names};

    tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t n = 0; n < G_N_ELEMENTS(tests); n++)
        tcase_add_test(tc, tests[n]);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

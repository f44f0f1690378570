/* SPDX-License-Identifier: MIT */
/*
 * The bench for device tests: a machine without CPUs on test clocks, port access, and pins
 * that record what an interrupt line does.
 */
#ifndef TESTS_DEVICE_BENCH_H
#define TESTS_DEVICE_BENCH_H

#include <check.h>
#include <stdlib.h>

#include "core/device.h"
#include "core/machine.h"
#include "core/machine_test.h"

struct pin {
    int level;
    int rises;
};

static inline void pin_set(void *sink, int n, int level)
{
    struct pin *p = (struct pin *)sink + n;
    p->rises += level && !p->level;
    p->level = level != 0;
}

static inline struct irq_line pin_line(struct pin *p)
{
    return (struct irq_line){pin_set, p, 0};
}

static inline struct machine *bench_new(void)
{
    struct machine *m = machine_new_test();
    machine_lock(m);
    return m;
}

static inline void bench_free(struct machine *m)
{
    machine_unlock(m);
    machine_free(m);
}

static inline void bench_realize(void *dev)
{
    GError *err = NULL;
    ck_assert_msg(device_realize(dev, &err), "%s", err ? err->message : "?");
    device_reset(dev);
}

static inline void outb(struct machine *m, unsigned port, uint8_t v)
{
    as_io_write(&m->io, port, v, 1);
}

static inline uint8_t inb(struct machine *m, unsigned port)
{
    return as_io_read(&m->io, port, 1);
}

static inline void step_ns(struct machine *m, int64_t ns)
{
    int64_t end = clock_now(&m->vclock) + ns;
    clock_step(&m->hclock, ns);
    if (clock_now(&m->vclock) < end)
        clock_step(&m->vclock, end - clock_now(&m->vclock));
}

/* Save, load into the same device and save again: the bytes must agree. */
static inline void check_save_load(struct device *dev)
{
    g_autoptr(GByteArray) first = g_byte_array_new();
    g_autoptr(GByteArray) second = g_byte_array_new();
    size_t used = 0;
    device_save(dev, first);
    ck_assert(device_load(dev, first->data, first->len, &used, NULL));
    ck_assert_uint_eq(used, first->len);
    device_save(dev, second);
    ck_assert_uint_eq(first->len, second->len);
    ck_assert_mem_eq(first->data, second->data, first->len);
}

static inline int bench_run(const char *name, void (*add)(TCase *))
{
    Suite *s = suite_create(name);
    TCase *t = tcase_create(name);
    add(t);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif

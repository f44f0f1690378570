/* SPDX-License-Identifier: MIT */
/* A machine for unit tests of devices: see the header. */
#include "core/machine_test.h"

#include <assert.h>

#include "core/machine_priv.h"

static const struct machine_config test_config = {
    .name = (char *)"test", .ram_size = 1 << 20, .cpus = 1, .max_cpus = 1, .sockets = 1, .cores = 1,
    .threads = 1, .rtc_base = INT64_MIN, .acpi = true, .hpet = true};

static void free_test_ram(void *arg)
{
    struct region *r = arg;
    region_fini(r);
    g_free(r);
}

struct machine *machine_new_test(void)
{
    GError *err = NULL;
    struct machine *m = machine_new_with_clocks(&test_config, CLOCK_TEST, CLOCK_TEST, &err);
    assert(m);
    struct region *r = g_new(struct region, 1);
    region_init_ram(r, "ram", m->ram, 0, m->ram->size, false);
    region_add(&m->mem_root, 0, r, 0);
    machine_add_hook(m->on_exit, free_test_ram, r);
    return m;
}

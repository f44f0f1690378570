/* SPDX-License-Identifier: MIT */
/* A struct x86_cpu without an engine: host hooks that only remember, 1 MiB of RAM and 64 KiB of ROM
 * behind it. For tests of target/x86. */
#ifndef TESTS_UNIT_X86_STUB_H
#define TESTS_UNIT_X86_STUB_H

#include <string.h>

#include "core/region.h"
#include "target/x86/cpu.h"
#include "target/x86/cpuid.h"
#include "util/log.h"

enum { STUB_RAM = 0x100000, STUB_ROM = 0x10000 };

struct stub {
    struct x86_cpu c;
    struct address_space as;
    struct region root, ram_region, rom_region;
    struct ram_block *ram, *rom;
    struct cpu_model *model;
    struct log log;
    uint64_t tsc, cr8;
};

static inline struct stub *stub_of(struct x86_cpu *c)
{
    return (struct stub *)c;
}
static uint64_t stub_tsc(struct x86_cpu *c)
{
    return stub_of(c)->tsc;
}
static void stub_tsc_write(struct x86_cpu *c, uint64_t v)
{
    stub_of(c)->tsc = v;
}
static uint8_t stub_get_cr8(struct x86_cpu *c)
{
    return stub_of(c)->cr8;
}
static void stub_set_cr8(struct x86_cpu *c, uint8_t v)
{
    stub_of(c)->cr8 = v;
}
static void stub_nothing(struct x86_cpu *c)
{
}
static void stub_cr3(struct x86_cpu *c, bool noflush)
{
}

static const struct x86_host stub_host = {
    .tsc = stub_tsc, .tsc_write = stub_tsc_write, .get_cr8 = stub_get_cr8,
    .set_cr8 = stub_set_cr8, .flush_all = stub_nothing, .flush_nonglobal = stub_nothing,
    .flush_all_nonglobal = stub_nothing, .cr3_changed = stub_cr3, .mode_changed = stub_nothing,
};

static inline struct stub *stub_new(const char *cpu)
{
    struct stub *s = g_new0(struct stub, 1);

    s->ram = ram_block_new("ram", STUB_RAM, NULL);
    s->rom = ram_block_new("rom", STUB_ROM, NULL);
    region_init_container(&s->root, "root", UINT64_MAX);
    region_init_ram(&s->ram_region, "ram", s->ram, 0, STUB_RAM, false);
    region_init_ram(&s->rom_region, "rom", s->rom, 0, STUB_ROM, true);
    as_init(&s->as, "memory", &s->root);
    region_add(&s->root, 0, &s->ram_region, 0);
    region_add(&s->root, STUB_RAM, &s->rom_region, 0);
    log_init(&s->log);
    s->model = cpu_model_new(cpu, 1, 1, 1, NULL);
    s->c.as = &s->as;
    s->c.model = s->model;
    s->c.host = &stub_host;
    s->c.log = &s->log;
    return s;
}

static inline void stub_free(struct stub *s)
{
    region_fini(&s->ram_region);
    region_fini(&s->rom_region);
    as_fini(&s->as);
    region_fini(&s->root);
    ram_block_free(s->ram);
    ram_block_free(s->rom);
    cpu_model_free(s->model);
    log_fini(&s->log);
    g_free(s);
}

#endif

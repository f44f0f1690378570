/* SPDX-License-Identifier: MIT */
/*
 * A whole PC board on test clocks, with two vCPUs that execute nothing: for tests of all
 * devices in their places, and for fuzzing the bus.
 */
#ifndef TESTS_DEVICE_BOARD_BENCH_H
#define TESTS_DEVICE_BOARD_BENCH_H

#include <string.h>
#include <unistd.h>

#include "backend/types.h"
#include "block/drive.h"
#include "chardev/chardev.h"
#include "core/machine_priv.h"
#include "core/vcpu_ops.h"
#include "hw/ide/ide.h"
#include "hw/pc/pc.h"
#include "hw/types.h"
#include "target/x86/cpuid.h"

struct x86_state {
    uint64_t nothing;
};

static void *idle_thread(void *arg)
{
    vcpu_ready(arg, NULL);
    while (vcpu_attend(arg))
        vcpu_sleep(arg, 0, INT64_MAX);
    return NULL;
}
static void idle_kick(struct vcpu *v)
{
}
static void idle_load(struct vcpu *v, const struct x86_state *st)
{
}
static void idle_save(struct vcpu *v, struct x86_state *st)
{
    st->nothing = 0;
}

static const struct state_field idle_fields[] = {STATE_FIELD(struct x86_state, nothing), STATE_END};
static const struct vcpu_ops idle_ops = {.thread = idle_thread,
                                         .kick = idle_kick,
                                         .reset = idle_kick,
                                         .save = idle_save,
                                         .load = idle_load,
                                         .state_size = sizeof(struct x86_state),
                                         .state_fields = idle_fields};

/* A ROM, so that there is something to start. */
static inline char *board_bench_rom(void)
{
    char *path = NULL;
    g_autofree char *rom = g_malloc(64 << 10);
    int fd = g_file_open_tmp("hostel-rom-XXXXXX", &path, NULL);
    g_assert(fd >= 0);
    memset(rom, 0xf4, 64 << 10);
    g_assert(write(fd, rom, 64 << 10) == 64 << 10);
    close(fd);
    return path;
}

/* A disk of one MiB that is gone with the machine. */
static inline void board_bench_disk(struct machine *m, const char *id)
{
    GError *err = NULL;
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("hostel-disk-XXXXXX", &path, &err);
    g_assert_no_error(err);
    g_assert(ftruncate(fd, 1 << 20) == 0);
    g_autofree char *text = g_strdup_printf("if=none,id=%s,format=raw,file=%s", id, path);
    drive_add(m, text, false, &err);
    g_assert_no_error(err);
    unlink(path);
    close(fd);
}

/* A folder to share that is gone already: what is asked of it fails. */
static inline void board_bench_folder(struct machine *m, const char *id)
{
    GError *err = NULL;
    g_autofree char *path = g_dir_make_tmp("hostel-folder-XXXXXX", &err);
    g_assert_no_error(err);
    g_autofree char *text = g_strdup_printf("fsdev-local,id=%s,path=%s", id, path);
    object_add_from_text(m, text, &err);
    g_assert_no_error(err);
    rmdir(path);
}

static struct machine_config board_config = {
    .name = (char *)"test", .machine_type = (char *)"pc", .ram_size = 1536 << 10, .cpus = 2,
    .max_cpus = 2, .sockets = 1, .cores = 2, .threads = 1, .rtc_base = 1000000000, .acpi = true,
    .hpet = true};

/* That machine type, locked, all -device types added, reset. Aborts on failure. */
static inline struct machine *board_bench_new_on(const char *type)
{
    GError *err = NULL;
    board_config.machine_type = (char *)type;
    g_autofree char *rom = board_bench_rom();
    bool flash = !strcmp(type, "q35"); /* there it is in flash memory */
    board_config.bios = flash ? NULL : rom;
    struct machine *m = machine_new_with_clocks(&board_config, CLOCK_TEST, CLOCK_TEST, &err);
    g_assert_no_error(err);
    struct cpu_model *model = cpu_model_new(NULL, 1, 2, 1, &err);
    g_assert_no_error(err);
    m->cpu_model = model;
    m->object_types = object_types;
    m->tsc_hz = model->tsc_hz;
    m->vcpu_ops = &idle_ops;
    machine_create_vcpus(m, 2, &err);
    g_assert_no_error(err);
    machine_lock(m);
    drive_add(m, "if=floppy", false, &err); /* an empty drive, so that there is a controller */
    g_assert_no_error(err);
    g_autofree char *drive = g_strdup_printf("if=pflash,format=raw,file=%s", rom);
    g_assert(!flash || drive_add(m, drive, false, NULL));
    pc_board_build(m, &err);
    g_assert_no_error(err);
    for (unsigned i = 0; hw_types[i]; i++) {
        const struct device_type *t = hw_types[i];
        if (t->internal || (!strcmp(t->bus, "IDE") && !ide_channel_find(m, 0)))
            continue;
        g_autofree char *chr = g_strdup_printf("chr-%s", t->name);
        g_autofree char *text = g_strdup(t->name);
        for (const struct prop *p = t->props; p && p->name; p++)
            if (p->kind == PROP_CHARDEV) {
                chardev_memory_new(m, chr);
                g_free(text);
                text = g_strdup_printf("%s,%s=%s", t->name, p->name, chr);
            } else if (p->kind == PROP_DRIVE) {
                board_bench_disk(m, chr);
                g_free(text);
                text = g_strdup_printf("%s,%s=%s", t->name, p->name, chr);
            } else if (!strcmp(p->name, "fsdev")) {
                board_bench_folder(m, chr);
                g_free(text);
                text = g_strdup_printf("%s,fsdev=%s,mount_tag=folder", t->name, chr);
            }
        device_add_from_text(m, text, &err);
        g_assert_no_error(err);
    }
    pc_board_finish(m, &err);
    g_assert_no_error(err);
    board_config.bios = NULL;
    unlink(rom);
    m->current = m->vcpus->pdata[0];
    machine_reset(m);
    return m;
}

static inline struct machine *board_bench_new(void)
{
    return board_bench_new_on("pc");
}

static inline void board_bench_free(struct machine *m)
{
    struct cpu_model *model = (struct cpu_model *)m->cpu_model;
    m->current = NULL;
    machine_unlock(m);
    machine_free(m);
    cpu_model_free(model);
}

/* Time goes on for all clocks. */
static inline void board_bench_step(struct machine *m, int64_t ns)
{
    clock_step(&m->hclock, ns);
    clock_step(&m->vclock, ns);
}

#endif

/* SPDX-License-Identifier: MIT */
/* info NAME: what any machine has is here; boards add their own (core/inspect.h). */
#include <string.h>

#include "chardev/chardev.h"
#include "config.h"
#include "core/inspect.h"
#include "core/machine.h"
#include "core/vcpu.h"
#include "monitor/command.h"
#include "util/error.h"
#include "util/suggest.h"

struct info_row {
    const char *name, *help;
    void (*print)(struct command_context *ctx, GString *out);
};

static void info_version(struct command_context *ctx, GString *out)
{
    g_string_append_printf(out, "%s\n", HOSTEL_VERSION);
}

static void info_status(struct command_context *ctx, GString *out)
{
    struct machine *m = ctx->machine;

    g_string_append_printf(out, "VM status: %s", machine_running(m) ? "running" : "paused");
    if (m->state != RUN_RUNNING && m->state != RUN_PAUSED)
        g_string_append_printf(out, " (%s)", run_state_name(m->state));
    g_string_append_c(out, '\n');
}

static void info_name(struct command_context *ctx, GString *out)
{
    if (ctx->machine->config->name)
        g_string_append_printf(out, "%s\n", ctx->machine->config->name);
}

static void info_uuid(struct command_context *ctx, GString *out)
{
    const char *uuid = ctx->machine->config->uuid;

    g_string_append_printf(out, "%s\n", uuid ? uuid : "00000000-0000-0000-0000-000000000000");
}

static void info_cpus(struct command_context *ctx, GString *out)
{
    GPtrArray *vcpus = ctx->machine->vcpus;

    for (unsigned i = 0; i < vcpus->len; i++) {
        struct vcpu *v = vcpus->pdata[i];
        bool sleeps = __atomic_load_n(&v->sleeping, __ATOMIC_ACQUIRE) != VCPU_AWAKE;

        g_string_append_printf(out, "%c CPU #%u: apic_id=%u%s\n", v == ctx->vcpu ? '*' : ' ', i,
                               v->apic_id, sleeps ? " (halted)" : "");
    }
}

static void info_accel(struct command_context *ctx, GString *out)
{
    const struct cpu_inspect *inspect = ctx->machine->inspect;

    if (inspect && inspect->accel_describe)
        inspect->accel_describe(ctx->machine, out);
    else
        g_string_append(out, "there is no accelerator\n");
}

static void info_registers(struct command_context *ctx, GString *out)
{
    const struct cpu_inspect *inspect = ctx->machine->inspect;

    if (inspect && ctx->vcpu)
        inspect->registers(ctx->vcpu, out);
    else
        g_string_append(out, "there is no CPU\n");
}

static void info_mtree(struct command_context *ctx, GString *out)
{
    as_describe(&ctx->machine->mem, out);
    as_describe(&ctx->machine->io, out);
}

static void info_qtree(struct command_context *ctx, GString *out)
{
    GPtrArray *devices = ctx->machine->devices;

    for (unsigned i = 0; i < devices->len; i++) {
        const struct device *d = devices->pdata[i];

        g_string_append_printf(out, "dev: %s, id \"%s\", bus %s", d->type->name,
                               d->id ? d->id : "", d->type->bus ? d->type->bus : "none");
        if (d->path)
            g_string_append_printf(out, ", path \"%s\"", d->path);
        g_string_append_c(out, '\n');
    }
}

static void info_chardev(struct command_context *ctx, GString *out)
{
    chardev_describe(ctx->machine, out);
}

static const struct info_row rows[] = {
    {"chardev", "character devices and who is at their other ends", info_chardev},
    {"accel", "what executes the guest, and its statistics", info_accel},
    {"cpus", "CPUs; '*' is the one that is looked at", info_cpus},
    {"mtree", "the tree of memory and I/O regions, and who answers", info_mtree},
    {"name", "the machine's name", info_name},
    {"qtree", "devices", info_qtree},
    {"registers", "registers of the CPU that is looked at", info_registers},
    {"status", "whether the machine runs", info_status},
    {"uuid", "the machine's UUID", info_uuid},
    {"version", "Hostel's version", info_version},
};

static bool listed(const GPtrArray *names, const char *name)
{
    for (unsigned i = 0; i < names->len; i++)
        if (strcmp(names->pdata[i], name) == 0)
            return true;
    return false;
}

void info_names(struct machine *m, GPtrArray *names)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_ptr_array_add(names, g_strdup(rows[i].name));
    for (unsigned i = 0; i < m->info->len; i++) {
        const struct machine_info *info = m->info->pdata[i];

        if (!listed(names, info->name))
            g_ptr_array_add(names, g_strdup(info->name));
    }
}

static void list_all(struct command_call *call)
{
    GPtrArray *more = call->ctx->machine->info;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_string_append_printf(call->out, "info %s -- %s\n", rows[i].name, rows[i].help);
    for (unsigned i = 0; i < more->len; i++) {
        const struct machine_info *info = more->pdata[i];

        g_string_append_printf(call->out, "info %s -- %s\n", info->name, info->help);
    }
}

static bool board_info(struct command_call *call, const char *name)
{
    GPtrArray *more = call->ctx->machine->info;
    bool found = false;

    for (unsigned i = 0; i < more->len; i++) {
        const struct machine_info *info = more->pdata[i];

        if (strcmp(info->name, name) == 0) {
            info->print(info->arg, call->out);
            found = true;
        }
    }
    return found;
}

static bool run_info(struct command_call *call, GError **err)
{
    const char *name = call->arg[0].text;

    if (!name) {
        list_all(call);
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            rows[i].print(call->ctx, call->out);
            return true;
        }
    }
    if (board_info(call, name))
        return true;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    info_names(call->ctx->machine, names);
    struct suggest s = suggest_begin(name);
    for (unsigned i = 0; i < names->len; i++)
        suggest_offer(&s, names->pdata[i]);
    return error_set(err, "info: there is nothing named '%s'%s ('info' lists all)", name,
                     suggest_text(&s));
}
const struct command cmd_info = {
    "info", NULL, {{"name", ARG_WORD, true}}, "show the state of something; 'info' lists all",
    run_info};

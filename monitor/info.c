/* SPDX-License-Identifier: MIT */
/* info NAME: rows of the command tables that have such a name; boards add theirs. */
#include <string.h>

#include "chardev/chardev.h"
#include "core/inspect.h"
#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"
#include "util/suggest.h"

/* ---- Texts without a QMP command ----------------------------------------------------------- */

static bool run_accel(struct command_call *call, GError **err)
{
    const struct cpu_inspect *inspect = call->ctx->machine->inspect;

    if (inspect && inspect->accel_describe)
        inspect->accel_describe(call->ctx->machine, call->out);
    else
        g_string_append(call->out, "there is no accelerator\n");
    return true;
}

static bool run_registers(struct command_call *call, GError **err)
{
    const struct cpu_inspect *inspect = call->ctx->machine->inspect;

    if (inspect && call->ctx->vcpu)
        inspect->registers(call->ctx->vcpu, call->out);
    else
        g_string_append(call->out, "there is no CPU\n");
    return true;
}

static bool show_pages(struct command_call *call, bool ranges)
{
    const struct cpu_inspect *inspect = call->ctx->machine->inspect;

    if (inspect && inspect->pages && call->ctx->vcpu)
        inspect->pages(call->ctx->vcpu, ranges, call->out);
    else
        g_string_append(call->out, "there is no CPU\n");
    return true;
}

static bool run_mem(struct command_call *call, GError **err)
{
    return show_pages(call, true);
}

static bool run_tlb(struct command_call *call, GError **err)
{
    return show_pages(call, false);
}

static bool run_mtree(struct command_call *call, GError **err)
{
    as_describe(&call->ctx->machine->mem, call->out);
    as_describe(&call->ctx->machine->io, call->out);
    return true;
}

static bool run_qtree(struct command_call *call, GError **err)
{
    GPtrArray *devices = call->ctx->machine->devices;

    for (unsigned i = 0; i < devices->len; i++) {
        const struct device *d = devices->pdata[i];

        g_string_append_printf(call->out, "dev: %s, id \"%s\", bus %s", d->type->name,
                               d->id ? d->id : "", d->type->bus ? d->type->bus : "none");
        if (d->path)
            g_string_append_printf(call->out, ", path \"%s\"", d->path);
        g_string_append_c(call->out, '\n');
    }
    return true;
}

static bool run_chardev(struct command_call *call, GError **err)
{
    chardev_describe(call->ctx->machine, call->out);
    return true;
}

/* ---- info ----------------------------------------------------------------------------------- */

static const struct command *find_row(const char *name)
{
    FOR_EACH_COMMAND(c)
        if (c->info && strcmp(c->info, name) == 0)
            return c;
    return NULL;
}

static bool listed(const GPtrArray *names, const char *name)
{
    for (unsigned i = 0; i < names->len; i++)
        if (strcmp(names->pdata[i], name) == 0)
            return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void info_names(struct machine *m, GPtrArray *names)
{
    FOR_EACH_COMMAND(c)
        if (c->info)
            g_ptr_array_add(names, g_strdup(c->info));
    for (unsigned i = 0; i < m->info->len; i++) {
        const struct machine_info *info = m->info->pdata[i];

        if (!listed(names, info->name))
            g_ptr_array_add(names, g_strdup(info->name));
    }
    qsort(names->pdata, names->len, sizeof(char *), by_text);
}

static const char *help_of(struct machine *m, const char *name)
{
    const struct command *c = find_row(name);

    if (c)
        return c->help;
    for (unsigned i = 0; i < m->info->len; i++) {
        const struct machine_info *info = m->info->pdata[i];
        if (strcmp(info->name, name) == 0)
            return info->help;
    }
    return "";
}

static void list_all(struct command_call *call)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    info_names(call->ctx->machine, names);
    for (unsigned i = 0; i < names->len; i++)
        g_string_append_printf(call->out, "info %s -- %s\n", (char *)names->pdata[i],
                               help_of(call->ctx->machine, names->pdata[i]));
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

static bool run_row(const struct command *c, struct command_call *call, GError **err)
{
    struct command_call inner = {.ctx = call->ctx, .out = call->out};

    if (!c->run(&inner, err))
        return false;
    if (inner.ret && c->show)
        c->show(inner.ret, call->out);
    else if (inner.ret)
        show_json(inner.ret, call->out);
    json_decref(inner.ret);
    return true;
}

static bool unknown(struct command_call *call, const char *name, GError **err)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    struct suggest s = suggest_begin(name);

    info_names(call->ctx->machine, names);
    for (unsigned i = 0; i < names->len; i++)
        suggest_offer(&s, names->pdata[i]);
    return error_set(err, "info: there is nothing named '%s'%s ('info' lists all)", name,
                     suggest_text(&s));
}

static bool run_info(struct command_call *call, GError **err)
{
    const char *name = call->arg[0].text;
    const struct command *c = name ? find_row(name) : NULL;

    if (!name) {
        list_all(call);
        return true;
    }
    if (c)
        return run_row(c, call, err);
    return board_info(call, name) || unknown(call, name, err);
}

const struct command info_commands[] = {
    {.name = "info", .args = {{"name", ARG_WORD, true}}, .run = run_info,
     .help = "show the state of something; 'info' lists all"},
    {.info = "accel", .run = run_accel, .help = "what executes the guest, and its statistics"},
    {.info = "chardev", .run = run_chardev,
     .help = "character devices and who is at their other ends"},
    {.info = "mem", .run = run_mem, .help = "ranges that the CPU's page tables map"},
    {.info = "tlb", .run = run_tlb, .help = "pages that the CPU's page tables map"},
    {.info = "mtree", .run = run_mtree,
     .help = "the tree of memory and I/O regions, and who answers"},
    {.info = "qtree", .run = run_qtree, .help = "devices"},
    {.info = "registers", .run = run_registers, .help = "registers of the CPU that is looked at"},
    {0}};

/* SPDX-License-Identifier: MIT */
/* help: what the rows of the command tables say about themselves. */
#include <string.h>

#include "monitor/tables.h"
#include "util/error.h"

static void describe_arg(const struct command_arg *a, GString *out)
{
    if (a->kind == ARG_JSON)
        return;
    if (a->kind == ARG_FORMAT)
        g_string_append(out, "[/COUNT FORMAT SIZE]");
    else if (a->kind == ARG_FLAG)
        g_string_append_printf(out, " [-%c]", a->flag);
    else
        g_string_append_printf(out, a->optional ? " [%s%s]" : " %s%s", a->name,
                               a->kind == ARG_BOOL ? " on|off" : "");
}

void command_describe(const struct command *c, GString *out)
{
    g_string_append_printf(out, "%s%s%s", c->name, c->alias ? "|" : "", c->alias ? c->alias : "");
    for (const struct command_arg *a = c->args; a->kind != ARG_NONE; a++)
        describe_arg(a, out);
    g_string_append_printf(out, " -- %s\n", c->help);
}

static int by_name(const void *a, const void *b)
{
    const struct command *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void list_all(GString *out)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new();

    FOR_EACH_COMMAND(c)
        if (c->name)
            g_ptr_array_add(rows, (void *)c);
    qsort(rows->pdata, rows->len, sizeof(void *), by_name);
    for (unsigned i = 0; i < rows->len; i++)
        command_describe(rows->pdata[i], out);
}

/* "help info": what can be looked at; else one command, with what its flags stand for. */
static bool describe_one(struct command_call *call, const char *name, GError **err)
{
    const struct command *c = command_find(name);

    if (!c)
        return error_set(err, "there is no command '%s'", name);
    command_describe(c, call->out);
    for (const struct command_arg *a = c->args; a->kind != ARG_NONE; a++)
        if (a->kind == ARG_FLAG)
            g_string_append_printf(call->out, "  -%c  %s\n", a->flag, a->name);
    if (strcmp(c->name, "info") == 0)
        return command_run(call->ctx, "info", call->out, err);
    return true;
}

static bool run_help(struct command_call *call, GError **err)
{
    if (call->arg[0].given)
        return describe_one(call, call->arg[0].text, err);
    list_all(call->out);
    g_string_append(call->out,
                    "Numbers may be expressions with $REGISTER; Tab completes; 'info' lists what "
                    "can be looked at.\n");
    return true;
}

const struct command help_commands[] = {
    {.name = "help", .alias = "?", .args = {{"command", ARG_WORD, true}}, .run = run_help,
     .help = "describe all commands, or one"},
    {0}};

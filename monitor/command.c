/* SPDX-License-Identifier: MIT */
/* The list of command tables; from a row and typed arguments to an answer. */
#include "monitor/command.h"

#include <string.h>

#include "core/machine.h"
#include "monitor/schema.h"
#include "monitor/tables.h"
#include "util/error.h"

const struct command *const command_tables[] = {
    run_commands,     machine_commands,  cpu_commands,      memory_commands, screen_commands,
    input_commands,   probe_commands,    chardev_commands,  block_commands,  device_commands,
    qom_commands,     dump_commands,     port_commands,     fd_commands,     object_commands,
    medium_commands,  answer_commands,   gdb_commands,      migrate_commands, snapshot_commands,
    job_commands,     info_commands,     help_commands,     qmp_commands,    network_commands,
    vnc_commands,     NULL,
};

const struct command *command_find(const char *name)
{
    FOR_EACH_COMMAND(c)
        if (c->name && (strcmp(c->name, name) == 0 || g_strcmp0(c->alias, name) == 0))
            return c;
    return NULL;
}

const struct command *command_find_qmp(const char *name)
{
    FOR_EACH_COMMAND(c)
        if (c->qmp && strcmp(c->qmp, name) == 0)
            return c;
    return NULL;
}

/* ---- QMP's calls ------------------------------------------------------------------------ */

static void take_value(struct command_value *to, const struct command_arg *a, json_t *v)
{
    to->given = v != NULL;
    to->json = v;
    if (json_is_integer(v))
        to->num = json_integer_value(v);
    else if (json_is_string(v))
        to->text = g_strdup(json_string_value(v));
    else if (json_is_boolean(v))
        to->on = json_is_true(v);
}

static bool check_args(const struct command *c, json_t *args, GError **err)
{
    if (c->args_type && !c->loose) {
        json_t *empty = json_object();
        bool ok = schema_check(c->args_type, args ? args : empty, "", err);
        json_decref(empty);
        return ok;
    }
    return schema_check_args(c, args, err);
}

json_t *command_execute(struct command_context *ctx, const struct command *c, json_t *args,
                        GError **err)
{
    g_autoptr(GString) out = g_string_new(NULL);
    struct command_call call = {.ctx = ctx, .args = args, .out = out};

    if (!check_args(c, args, err))
        return NULL;
    for (int i = 0; c->args[i].kind != ARG_NONE; i++)
        take_value(&call.arg[i], &c->args[i], json_object_get(args, c->args[i].name));
    bool ok = c->run(&call, err);
    for (int i = 0; i < COMMAND_MAX_ARGS; i++)
        g_free(call.arg[i].text);
    if (!ok) {
        json_decref(call.ret);
        return NULL;
    }
    return call.ret ? call.ret : json_object();
}

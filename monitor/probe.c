/* SPDX-License-Identifier: MIT */
/* What this program can do, for those who ask before they use it. */
#include "config.h"
#include "core/inspect.h"
#include "core/machine.h"
#include "monitor/qmp.h"
#include "monitor/schema.h"
#include "monitor/tables.h"
#include "util/error.h"

/* The version of QEMU whose command line and monitor these are. */
json_t *qmp_version(void)
{
    return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "micro", 0, "minor", 2, "major", 7,
                     "package", "Hostel " HOSTEL_VERSION);
}

static bool run_version(struct command_call *call, GError **err)
{
    call->ret = qmp_version();
    return true;
}

static void show_version(json_t *ret, GString *out)
{
    g_string_append(out, HOSTEL_VERSION "\n");
}

static bool run_target(struct command_call *call, GError **err)
{
    call->ret = json_pack("{s:s}", "arch", "x86_64");
    return true;
}

static bool run_machines(struct command_call *call, GError **err)
{
    const struct program_inspect *p = call->ctx->machine->program;

    call->ret = p ? p->machines() : json_array();
    return true;
}

static bool run_options(struct command_call *call, GError **err)
{
    const struct program_inspect *p = call->ctx->machine->program;
    const char *name = call->arg[0].text;

    call->ret = p ? p->options(name) : json_array();
    if (name && json_array_size(call->ret) == 0) {
        json_decref(call->ret);
        call->ret = NULL;
        return error_set(err, "Invalid parameter '%s'", name);
    }
    return true;
}

static bool run_commands_list(struct command_call *call, GError **err)
{
    call->ret = json_array();
    FOR_EACH_COMMAND(c)
        if (c->qmp)
            json_array_append_new(call->ret, json_pack("{s:s}", "name", c->qmp));
    return true;
}

static bool run_events(struct command_call *call, GError **err)
{
    call->ret = json_array();
    for (const struct schema_event *e = schema_events; e->name; e++)
        json_array_append_new(call->ret, json_pack("{s:s}", "name", e->name));
    return true;
}

static bool run_schema(struct command_call *call, GError **err)
{
    call->ret = schema_describe();
    return true;
}

const struct command probe_commands[] = {
    {.qmp = "query-version", .info = "version", .returns = "VersionInfo", .run = run_version,
     .show = show_version, .help = "Hostel's version"},
    {.qmp = "query-target", .returns = "TargetInfo", .run = run_target,
     .help = "what kind of processor the guest has"},
    {.qmp = "query-machines", .returns = "[MachineInfo]", .run = run_machines,
     .help = "what -machine knows"},
    {.qmp = "query-command-line-options", .returns = "[CommandLineOptionInfo]",
     .args = {{"option", ARG_WORD, true}}, .run = run_options,
     .help = "options with their keys"},
    {.qmp = "query-commands", .returns = "[CommandInfo]", .run = run_commands_list,
     .help = "the names of QMP's commands"},
    {.qmp = "query-events", .returns = "[EventInfo]", .run = run_events,
     .help = "the names of QMP's events"},
    {.qmp = "query-qmp-schema", .returns = "[any]", .run = run_schema,
     .help = "commands and events with the types of their arguments"},
    {0}};

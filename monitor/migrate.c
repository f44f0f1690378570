/* SPDX-License-Identifier: MIT */
/* Commands that move the machine from process to process. */
#include "migration/migration.h"

#include <string.h>

#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"

/* ---- Moving ----------------------------------------------------------------------------- */

/* At the prompt an address may have quotes around it. */
static const char *address(struct command_call *call)
{
    char *text = call->arg[0].text;
    size_t n = strlen(text);

    if (call->ctx->qmp || n < 2 || text[0] != '"' || text[n - 1] != '"')
        return text;
    text[n - 1] = 0;
    return text + 1;
}

static bool run_migrate(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;

    if (call->arg[1].on || call->arg[2].on)
        return error_set(err, "disks are not copied (blk, inc): the other side opens the same "
                              "images");
    if (call->arg[4].on)
        return error_set(err, "there is no postcopy that could be resumed");
    if (!migration_start(m, address(call), err))
        return false;
    /* A person waits, unless -d was given; a program is told. */
    return call->ctx->qmp || call->arg[3].on || migration_wait(m, err);
}

static bool run_cancel(struct command_call *call, GError **err)
{
    migration_cancel(call->ctx->machine);
    return true;
}

static bool run_incoming(struct command_call *call, GError **err)
{
    return migration_incoming(call->ctx->machine, address(call), err);
}

/* ---- Telling ---------------------------------------------------------------------------- */

static void print_number(GString *out, const char *label, const json_t *v, double unit,
                         const char *suffix)
{
    if (v)
        g_string_append_printf(out, "%s: %.0f %s\n", label, json_number_value(v) / unit, suffix);
}

static void print_ram(GString *out, const json_t *ram)
{
    static const struct {
        const char *label, *key, *suffix;
        double unit;
    } rows[] = {
        {"transferred ram", "transferred", "kbytes", 1024},
        {"remaining ram", "remaining", "kbytes", 1024},
        {"total ram", "total", "kbytes", 1024},
        {"duplicate", "duplicate", "pages", 1},
        {"normal", "normal", "pages", 1},
        {"dirty sync count", "dirty-sync-count", "", 1},
        {"dirty pages rate", "dirty-pages-rate", "pages", 1},
        {"throughput", "mbps", "mbps", 1},
    };

    for (unsigned i = 0; ram && i < G_N_ELEMENTS(rows); i++)
        print_number(out, rows[i].label, json_object_get(ram, rows[i].key), rows[i].unit,
                     rows[i].suffix);
}

static void show_migrate(json_t *j, GString *out)
{
    const char *status = json_string_value(json_object_get(j, "status"));
    const char *why = json_string_value(json_object_get(j, "error-desc"));

    if (status)
        g_string_append_printf(out, "Migration status: %s%s%s%s\n", status, why ? " (" : "",
                               why ? why : "", why ? ")" : "");
    print_number(out, "total time", json_object_get(j, "total-time"), 1, "ms");
    print_number(out, "expected downtime", json_object_get(j, "expected-downtime"), 1, "ms");
    print_number(out, "downtime", json_object_get(j, "downtime"), 1, "ms");
    print_number(out, "setup", json_object_get(j, "setup-time"), 1, "ms");
    print_ram(out, json_object_get(j, "ram"));
    print_number(out, "cpu throttle percentage", json_object_get(j, "cpu-throttle-percentage"), 1,
                 "");
}

static bool run_query(struct command_call *call, GError **err)
{
    call->ret = migration_query(call->ctx->machine);
    return true;
}

/* ---- Parameters ------------------------------------------------------------------------- */

static bool run_query_parameters(struct command_call *call, GError **err)
{
    call->ret = migration_parameters(call->ctx->machine);
    return true;
}

static bool run_parameter(struct command_call *call, GError **err)
{
    return migration_set_parameter(call->ctx->machine, call->arg[0].text, call->arg[1].text, err);
}

static bool run_parameters(struct command_call *call, GError **err)
{
    const char *name;
    json_t *v;

    json_object_foreach(call->args, name, v) {
        g_autofree char *text = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
        if (!migration_set_parameter(call->ctx->machine, name, text, err))
            return false;
    }
    return true;
}

static bool run_query_capabilities(struct command_call *call, GError **err)
{
    call->ret = migration_capabilities(call->ctx->machine);
    return true;
}

static void show_capabilities(json_t *list, GString *out)
{
    size_t i;
    json_t *v;

    json_array_foreach(list, i, v)
        g_string_append_printf(out, "%s: %s\n",
                               json_string_value(json_object_get(v, "capability")),
                               json_is_true(json_object_get(v, "state")) ? "on" : "off");
}

static bool run_capability(struct command_call *call, GError **err)
{
    return migration_set_capability(call->ctx->machine, call->arg[0].text, call->arg[1].on, err);
}

static bool run_capabilities(struct command_call *call, GError **err)
{
    size_t i;
    json_t *v;

    json_array_foreach(call->arg[0].json, i, v)
        if (!migration_set_capability(call->ctx->machine,
                                      json_string_value(json_object_get(v, "capability")),
                                      json_is_true(json_object_get(v, "state")), err))
            return false;
    return true;
}

const struct command migrate_commands[] = {
    {.name = "migrate", .qmp = "migrate", .run = run_migrate,
     .args = {{"uri", ARG_REST},
              {"blk", ARG_FLAG, true, NULL, 'b'},
              {"inc", ARG_FLAG, true, NULL, 'i'},
              {"detach", ARG_FLAG, true, NULL, 'd'},
              {"resume", ARG_FLAG, true, NULL, 'r'}},
     .help = "move the machine to exec:COMMAND, file:PATH, fd:NAME, unix:PATH or tcp:HOST:PORT"},
    {.name = "migrate_cancel", .qmp = "migrate_cancel", .run = run_cancel,
     .help = "end a migration that is under way; the machine stays here"},
    {.name = "migrate_incoming", .qmp = "migrate-incoming", .run = run_incoming,
     .args = {{"uri", ARG_REST}},
     .help = "take a machine in from this address, after -incoming"},
    {.qmp = "query-migrate", .info = "migrate", .returns = "MigrationInfo", .run = run_query,
     .show = show_migrate, .help = "how far a migration is"},
    {.name = "migrate_set_parameter", .run = run_parameter,
     .args = {{"parameter", ARG_WORD}, {"value", ARG_WORD}},
     .help = "set a parameter of migration"},
    {.qmp = "migrate-set-parameters", .run = run_parameters, .args_type = "MigrateSetParameters",
     .help = "set parameters of migration"},
    {.qmp = "query-migrate-parameters", .info = "migrate_parameters",
     .returns = "MigrationParameters", .run = run_query_parameters,
     .help = "parameters of migration"},
    {.name = "migrate_set_capability", .run = run_capability,
     .args = {{"capability", ARG_WORD}, {"state", ARG_BOOL}},
     .help = "switch a capability of migration"},
    {.qmp = "migrate-set-capabilities", .run = run_capabilities,
     .args = {{"capabilities", ARG_JSON, false, "[MigrationCapabilityStatus]"}},
     .help = "switch capabilities of migration"},
    {.qmp = "query-migrate-capabilities", .info = "migrate_capabilities",
     .returns = "[MigrationCapabilityStatus]", .run = run_query_capabilities,
     .show = show_capabilities, .help = "capabilities of migration"},
    {0}};

/* SPDX-License-Identifier: MIT */
/* Commands that save, restore and move the machine. */
#include <string.h>

#include "core/inspect.h"
#include "core/machine.h"
#include "migration/migration.h"
#include "migration/snapshot.h"
#include "monitor/command.h"
#include "monitor/monitor.h"
#include "util/error.h"
#include "util/parse.h"

/* ---- Snapshots ------------------------------------------------------------------------ */

static bool run_savevm(struct command_call *call, GError **err)
{
    return snapshot_save(call->ctx->machine, call->arg[0].text, err);
}
const struct command cmd_savevm = {"savevm",
                                   NULL,
                                   {{"name", ARG_WORD, true}},
                                   "save the machine into its disk images, under a name",
                                   run_savevm};

static bool run_loadvm(struct command_call *call, GError **err)
{
    return snapshot_load(call->ctx->machine, call->arg[0].text, err);
}
const struct command cmd_loadvm = {"loadvm",
                                   NULL,
                                   {{"name", ARG_WORD, false}},
                                   "go back to what 'savevm' has saved under this name",
                                   run_loadvm};

static bool run_delvm(struct command_call *call, GError **err)
{
    return snapshot_delete(call->ctx->machine, call->arg[0].text, err);
}
const struct command cmd_delvm = {
    "delvm", NULL, {{"name", ARG_WORD, false}}, "delete a snapshot from all disks", run_delvm};

/* ---- Migration ------------------------------------------------------------------------ */

/* -d, -b, -i before the address; blocks are never sent. */
static bool migrate_flags(char **text, bool *detach, GError **err)
{
    for (*detach = false; **text == '-'; *text = g_strchug(*text)) {
        char flag = (*text)[1];
        bool alone = flag && ((*text)[2] == ' ' || (*text)[2] == 0);
        if (flag != 'd' || !alone)
            return error_set(err, "migrate: '%s': only -d is known here", *text);
        *detach = true;
        *text += 2;
    }
    return **text || error_set(err, "migrate: the address is missing");
}

static bool run_migrate(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    char *address = call->arg[0].text;
    bool detach;

    if (!migrate_flags(&address, &detach, err) || !migration_start(m, address, err))
        return false;
    return detach || migration_wait(m, err);
}
const struct command cmd_migrate = {
    "migrate",
    NULL,
    {{"[-d] address", ARG_REST, false}},
    "move the machine to exec:COMMAND, file:PATH, fd:NUMBER, unix:PATH or tcp:HOST:PORT; with -d "
    "in the background",
    run_migrate};

static bool run_cancel(struct command_call *call, GError **err)
{
    migration_cancel(call->ctx->machine);
    return true;
}
const struct command cmd_migrate_cancel = {
    "migrate_cancel",
    NULL,
    {{0}},
    "end a migration that is under way; the machine stays here",
    run_cancel};

static bool run_incoming(struct command_call *call, GError **err)
{
    return migration_incoming(call->ctx->machine, call->arg[0].text, err);
}
const struct command cmd_migrate_incoming = {
    "migrate_incoming",
    NULL,
    {{"address", ARG_REST, false}},
    "take a machine in from this address; for a machine started with -incoming",
    run_incoming};

static bool run_parameter(struct command_call *call, GError **err)
{
    return migration_set_parameter(call->ctx->machine, call->arg[0].text, call->arg[1].text, err);
}
const struct command cmd_migrate_set_parameter = {
    "migrate_set_parameter",
    NULL,
    {{"name", ARG_WORD, false}, {"value", ARG_WORD, false}},
    "set a parameter of migration ('info migrate_parameters')",
    run_parameter};

static bool run_capability(struct command_call *call, GError **err)
{
    bool on;

    return parse_bool(call->arg[1].text, &on, err) &&
           migration_set_capability(call->ctx->machine, call->arg[0].text, on, err);
}
const struct command cmd_migrate_set_capability = {
    "migrate_set_capability",
    NULL,
    {{"name", ARG_WORD, false}, {"on|off", ARG_WORD, false}},
    "switch a capability of migration ('info migrate_capabilities')",
    run_capability};

/* ---- info ----------------------------------------------------------------------------- */

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

static void info_migrate(void *arg, GString *out)
{
    json_t *j = migration_query(arg);
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
    json_decref(j);
}

static void info_parameters(void *arg, GString *out)
{
    json_t *j = migration_parameters(arg), *v;
    const char *key;

    json_object_foreach(j, key, v)
        g_string_append_printf(out, "%s: %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(v));
    json_decref(j);
}

static void info_capabilities(void *arg, GString *out)
{
    json_t *list = migration_capabilities(arg), *v;
    size_t i;

    json_array_foreach(list, i, v)
        g_string_append_printf(out, "%s: %s\n", json_string_value(json_object_get(v, "capability")),
                               json_is_true(json_object_get(v, "state")) ? "on" : "off");
    json_decref(list);
}

static void info_snapshots(void *arg, GString *out)
{
    snapshot_list(arg, out);
}

void monitor_add_migration(struct machine *m)
{
    machine_add_info(m, "snapshots", "snapshots in the disk images", info_snapshots, m);
    machine_add_info(m, "migrate", "how far a migration is", info_migrate, m);
    machine_add_info(m, "migrate_parameters", "parameters of migration", info_parameters, m);
    machine_add_info(m, "migrate_capabilities", "capabilities of migration", info_capabilities, m);
}

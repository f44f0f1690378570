/* SPDX-License-Identifier: MIT */
/* Plugging devices in and out. */
#include <string.h>

#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"
#include "util/keyval.h"

static bool add(struct machine *m, const struct keyvals *kv, GError **err)
{
    if (!m->catalogue)
        return error_set(err, "there is nothing to plug in");
    return m->catalogue->add(m, kv, err) != NULL;
}

/* Numbers, truth values and objects within the arguments become the texts of -device. */
static bool run_add(struct command_call *call, GError **err)
{
    struct keyvals *kv = keyvals_from_object(call->args, err);
    bool ok = kv && add(call->ctx->machine, kv, err);

    if (kv)
        keyvals_free(kv);
    return ok;
}

static bool run_add_text(struct command_call *call, GError **err)
{
    struct keyvals *kv = keyvals_parse_any(call->arg[0].text, "driver", err);
    bool ok = kv && add(call->ctx->machine, kv, err);

    if (kv)
        keyvals_free(kv);
    return ok;
}

/* An id, or a path in the tree of objects. */
static struct device *find(struct machine *m, const char *name)
{
    for (unsigned i = 0; *name == '/' && i < m->devices->len; i++) {
        g_autofree char *path = device_qom_path(m->devices->pdata[i]);
        if (strcmp(path, name) == 0)
            return m->devices->pdata[i];
    }
    return device_find(m, name);
}

static bool run_del(struct command_call *call, GError **err)
{
    struct device *d = find(call->ctx->machine, call->arg[0].text);

    if (!d)
        return error_set_class(err, ERROR_DEVICE_NOT_FOUND, "Device '%s' not found",
                               call->arg[0].text);
    return device_unplug(d, err);
}

const struct command device_commands[] = {
    {.qmp = "device_add", .loose = true, .run = run_add,
     .features = "json-cli json-cli-hotplug",
     .args = {{"driver", ARG_WORD}, {"bus", ARG_WORD, true}, {"id", ARG_WORD, true}},
     .help = "plug a device in"},
    {.name = "device_add", .args = {{"device", ARG_REST}}, .run = run_add_text,
     .help = "plug a device in: DRIVER[,KEY=VALUE...] as after -device"},
    {.name = "device_del", .qmp = "device_del", .args = {{"id", ARG_WORD}}, .run = run_del,
     .help = "ask the guest to let a device go; DEVICE_DELETED comes when it has"},
    {0}};

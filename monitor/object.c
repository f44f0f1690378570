/* SPDX-License-Identifier: MIT */
/* Objects of -object, made and ended while the machine runs. */
#include "core/object.h"
#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"
#include "util/keyval.h"

static bool run_add(struct command_call *call, GError **err)
{
    struct keyvals *kv = keyvals_from_object(call->args, err);
    bool ok = kv && object_add(call->ctx->machine, kv, err) != NULL;

    keyvals_free(kv);
    return ok;
}

static bool run_add_text(struct command_call *call, GError **err)
{
    return object_add_from_text(call->ctx->machine, call->arg[0].text, err) != NULL;
}

static bool run_del(struct command_call *call, GError **err)
{
    return object_del(call->ctx->machine, call->arg[0].text, err);
}

const struct command object_commands[] = {
    {.qmp = "object-add", .loose = true, .run = run_add,
     .args = {{"qom-type", ARG_WORD}, {"id", ARG_WORD}}, .help = "make an object"},
    {.name = "object_add", .args = {{"object", ARG_REST}}, .run = run_add_text,
     .help = "make an object: TYPE,id=ID[,KEY=VALUE...] as after -object"},
    {.name = "object_del", .qmp = "object-del", .args = {{"id", ARG_WORD}}, .run = run_del,
     .help = "end an object that nobody uses"},
    {0}};

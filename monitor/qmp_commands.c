/* SPDX-License-Identifier: MIT */
/* QMP's commands about QMP. */
#include "core/machine.h"
#include "core/vcpu.h"
#include "monitor/qmp.h"
#include "monitor/tables.h"
#include "util/error.h"

static bool run_capabilities(struct command_call *call, GError **err)
{
    struct qmp *q = call->ctx->qmp;

    q->oob = json_array_size(call->arg[0].json) > 0; /* there is one capability */
    q->negotiated = true;
    return true;
}

/* Errors are told as text, as a person would have read them. */
static bool run_human(struct command_call *call, GError **err)
{
    struct command_context ctx = {.machine = call->ctx->machine, .vcpu = call->ctx->vcpu,
                                  .chr = call->ctx->chr};
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) failed = NULL;
    int64_t n = call->arg[1].num;

    if (call->arg[1].given && (n < 0 || n >= (int64_t)ctx.machine->vcpus->len))
        return error_set(err, "Parameter 'cpu-index' expects a CPU number");
    if (call->arg[1].given)
        ctx.vcpu = ctx.machine->vcpus->pdata[n];
    if (!command_run(&ctx, call->arg[0].text, out, &failed))
        g_string_append_printf(out, "Error: %s\n", failed->message);
    g_string_replace(out, "\n", "\r\n", 0);
    call->ret = json_stringn(out->str, out->len);
    if (!call->ret)
        return error_set(err, "the text of the answer is not valid UTF-8");
    return true;
}

const struct command qmp_commands[] = {
    {.qmp = "qmp_capabilities", .args = {{"enable", ARG_JSON, true, "[QMPCapability]"}},
     .run = run_capabilities, .help = "end the greeting; commands follow"},
    {.qmp = "human-monitor-command", .returns = "str", .features = "savevm-monitor-nodes",
     .args = {{"command-line", ARG_WORD}, {"cpu-index", ARG_INT, true}}, .run = run_human,
     .help = "a line as at the prompt"},
    {0}};

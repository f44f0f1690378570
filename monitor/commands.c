/* SPDX-License-Identifier: MIT */
/* Commands that steer the machine. */
#include <string.h>

#include "core/inspect.h"
#include "core/machine.h"
#include "core/vcpu.h"
#include "monitor/command.h"
#include "util/error.h"

static bool run_quit(struct command_call *call, GError **err)
{
    machine_request_exit(call->ctx->machine, 0, CAUSE_HOST_QUIT);
    call->ctx->ended = true;
    return true;
}
const struct command cmd_quit = {"quit", "q", {{0}}, "end the machine", run_quit};

static bool run_stop(struct command_call *call, GError **err)
{
    machine_pause(call->ctx->machine);
    return true;
}
const struct command cmd_stop = {"stop", "s", {{0}}, "stop the CPUs and the guest's time",
                                 run_stop};

static bool run_cont(struct command_call *call, GError **err)
{
    return machine_resume(call->ctx->machine, err);
}
const struct command cmd_cont = {"cont", "c", {{0}}, "go on after 'stop' or -S", run_cont};

static bool run_reset(struct command_call *call, GError **err)
{
    machine_request_reset(call->ctx->machine, CAUSE_HOST_RESET);
    return true;
}
const struct command cmd_system_reset = {"system_reset", NULL, {{0}}, "reset the machine",
                                         run_reset};

static bool run_powerdown(struct command_call *call, GError **err)
{
    machine_request_powerdown(call->ctx->machine);
    return true;
}
const struct command cmd_system_powerdown = {
    "system_powerdown", NULL, {{0}}, "press the power button", run_powerdown};

static bool run_cpu(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    int64_t n = call->arg[0].num;

    if (n < 0 || n >= (int64_t)m->vcpus->len)
        return error_set(err, "there is no CPU %" G_GINT64_FORMAT " (0 to %u)", n,
                         m->vcpus->len - 1);
    call->ctx->vcpu = m->vcpus->pdata[n];
    return true;
}
const struct command cmd_cpu = {
    "cpu", NULL, {{"number", ARG_INT, false}}, "look at this CPU from now on", run_cpu};

static bool run_accel(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;

    if (strcmp(call->arg[0].text, "switch") != 0)
        return error_set(err, "'accel switch [NAME]' is what there is; 'info accel' tells more");
    if (!m->inspect || !m->inspect->accel_switch)
        return error_set(err, "there is no accelerator");
    return m->inspect->accel_switch(m, call->arg[1].text, err);
}
const struct command cmd_accel = {
    "accel", NULL, {{"switch", ARG_WORD, false}, {"name", ARG_WORD, true}},
    "go on with another accelerator (kvm, tcg-interp)", run_accel};

/* ---- help ---------------------------------------------------------------------------- */

static void describe(const struct command *c, GString *out)
{
    g_string_append_printf(out, "%s%s%s", c->name, c->alias ? "|" : "", c->alias ? c->alias : "");
    for (int i = 0; c->args[i].kind != ARG_NONE; i++) {
        const struct command_arg *a = &c->args[i];

        if (a->kind == ARG_FORMAT)
            g_string_append(out, "[/COUNT FORMAT SIZE]");
        else
            g_string_append_printf(out, a->optional ? " [%s]" : " %s", a->name);
    }
    g_string_append_printf(out, " -- %s\n", c->help);
}

static bool run_help(struct command_call *call, GError **err)
{
    const char *name = call->arg[0].text;
    bool found = false;

    for (int i = 0; commands[i]; i++) {
        const struct command *c = commands[i];

        if (!name || strcmp(name, c->name) == 0 || (c->alias && strcmp(name, c->alias) == 0)) {
            describe(c, call->out);
            found = true;
        }
    }
    return found || error_set(err, "there is no command '%s'", name);
}
const struct command cmd_help = {
    "help", "?", {{"command", ARG_WORD, true}}, "describe all commands, or one", run_help};

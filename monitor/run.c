/* SPDX-License-Identifier: MIT */
/* Commands that steer the machine: running, stopped, reset, off. */
#include <string.h>

#include "core/action.h"
#include "core/inspect.h"
#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"

static bool run_status(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;

    call->ret = json_pack("{s:b, s:b, s:s}", "running", machine_running(m), "singlestep", 0,
                          "status", run_state_name(m->state));
    return true;
}

static void show_status(json_t *ret, GString *out)
{
    const char *status = json_string_value(json_object_get(ret, "status"));
    bool running = json_is_true(json_object_get(ret, "running"));

    g_string_append_printf(out, "VM status: %s", running ? "running" : "paused");
    if (!running && strcmp(status, "paused") != 0)
        g_string_append_printf(out, " (%s)", status);
    g_string_append_c(out, '\n');
}

static bool run_quit(struct command_call *call, GError **err)
{
    machine_request_exit(call->ctx->machine, 0, CAUSE_HOST_QUIT);
    call->ctx->ended = true;
    return true;
}

static bool run_stop(struct command_call *call, GError **err)
{
    machine_pause(call->ctx->machine);
    return true;
}

static bool run_cont(struct command_call *call, GError **err)
{
    return machine_resume(call->ctx->machine, err);
}

static bool run_reset(struct command_call *call, GError **err)
{
    machine_request_reset(call->ctx->machine, CAUSE_HOST_RESET);
    return true;
}

static bool run_powerdown(struct command_call *call, GError **err)
{
    machine_request_powerdown(call->ctx->machine);
    return true;
}

static bool run_nmi(struct command_call *call, GError **err)
{
    machine_nmi(call->ctx->machine);
    return true;
}

/* All of them, or none if one is wrong. */
static bool run_set_action(struct command_call *call, GError **err)
{
    static const char *const events[] = {"reboot", "shutdown", "panic", "watchdog"};
    struct machine *m = call->ctx->machine;
    enum action actions[ACTION_EVENTS];

    memcpy(actions, m->actions, sizeof(actions));
    for (unsigned i = 0; i < G_N_ELEMENTS(events); i++)
        if (call->arg[i].given && !action_set(actions, events[i], call->arg[i].text, err))
            return false;
    memcpy(m->actions, actions, sizeof(actions));
    return true;
}

static bool run_watchdog_action(struct command_call *call, GError **err)
{
    return action_set(call->ctx->machine->actions, "watchdog", call->arg[0].text, err);
}

static bool run_accel(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;

    if (strcmp(call->arg[0].text, "switch") != 0)
        return error_set(err, "'accel switch [NAME]' is what there is; 'info accel' tells more");
    if (!m->inspect || !m->inspect->accel_switch)
        return error_set(err, "there is no accelerator");
    return m->inspect->accel_switch(m, call->arg[1].text, err);
}

static bool run_accel_switch(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;

    if (!m->inspect || !m->inspect->accel_switch)
        return error_set(err, "there is no accelerator");
    return m->inspect->accel_switch(m, call->arg[0].text, err);
}

const struct command run_commands[] = {
    {.qmp = "query-status", .info = "status", .returns = "StatusInfo", .run = run_status,
     .show = show_status, .help = "whether the machine runs"},
    {.name = "quit", .alias = "q", .qmp = "quit", .run = run_quit, .help = "end the machine"},
    {.name = "stop", .alias = "s", .qmp = "stop", .run = run_stop,
     .help = "stop the CPUs and the guest's time"},
    {.name = "cont", .alias = "c", .qmp = "cont", .run = run_cont,
     .help = "go on after 'stop' or -S"},
    {.name = "system_reset", .qmp = "system_reset", .run = run_reset,
     .help = "reset the machine"},
    {.name = "system_powerdown", .qmp = "system_powerdown", .run = run_powerdown,
     .help = "press the power button"},
    {.name = "nmi", .qmp = "inject-nmi", .run = run_nmi,
     .help = "a non-maskable interrupt to every CPU"},
    {.qmp = "set-action", .run = run_set_action,
     .args = {{"reboot", ARG_WORD, true, "RebootAction"},
              {"shutdown", ARG_WORD, true, "ShutdownAction"},
              {"panic", ARG_WORD, true, "PanicAction"},
              {"watchdog", ARG_WORD, true, "WatchdogAction"}},
     .help = "what is done when the guest reboots, powers off, panics or hangs"},
    {.name = "watchdog_action", .qmp = "watchdog-set-action", .run = run_watchdog_action,
     .args = {{"action", ARG_WORD, false, "WatchdogAction"}},
     .help = "what is done when the guest's watchdog expires"},
    {.name = "accel", .run = run_accel, .args = {{"switch", ARG_WORD}, {"name", ARG_WORD, true}},
     .help = "'accel switch': go on with another accelerator (kvm, tcg-interp)"},
    {.qmp = "x-accel-switch", .run = run_accel_switch, .args = {{"name", ARG_WORD, true}},
     .help = "go on with another accelerator"},
    {0}};

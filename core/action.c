/* SPDX-License-Identifier: MIT */
#include "core/action.h"

#include <stdio.h>

#include "core/event.h"
#include "core/machine_priv.h"
#include "core/vcpu.h"
#include "util/error.h"
#include "util/parse.h"

static const char *const event_names[] = {"reboot", "shutdown", "panic", "watchdog", NULL};

static const char *const action_names[] = {
    [ACTION_DEFAULT] = "default",
    [ACTION_RESET] = "reset",       [ACTION_SHUTDOWN] = "shutdown",
    [ACTION_POWEROFF] = "poweroff", [ACTION_PAUSE] = "pause",
    [ACTION_EXIT_FAILURE] = "exit-failure", [ACTION_INJECT_NMI] = "inject-nmi",
    [ACTION_DEBUG] = "debug",       [ACTION_NONE] = "none",
    NULL,
};

#define BIT(action) (1u << ACTION_##action)
static const unsigned allowed[ACTION_EVENTS] = {
    [ON_REBOOT] = BIT(RESET) | BIT(SHUTDOWN),
    [ON_SHUTDOWN] = BIT(POWEROFF) | BIT(PAUSE),
    [ON_PANIC] = BIT(PAUSE) | BIT(SHUTDOWN) | BIT(EXIT_FAILURE) | BIT(NONE),
    [ON_WATCHDOG] = BIT(RESET) | BIT(SHUTDOWN) | BIT(POWEROFF) | BIT(PAUSE) | BIT(DEBUG) |
                    BIT(NONE) | BIT(INJECT_NMI),
};

static const enum action defaults[ACTION_EVENTS] = {
    [ON_REBOOT] = ACTION_RESET,
    [ON_SHUTDOWN] = ACTION_POWEROFF,
    [ON_PANIC] = ACTION_SHUTDOWN,
    [ON_WATCHDOG] = ACTION_RESET,
};

enum action machine_action(const struct machine *m, enum action_event event)
{
    return m->actions[event] == ACTION_DEFAULT ? defaults[event] : m->actions[event];
}

const char *action_name(enum action action)
{
    return action_names[action];
}

bool action_set(enum action actions[ACTION_EVENTS], const char *event, const char *action,
                GError **err)
{
    const char *choices[ACTION_NONE + 2];
    enum action value[ACTION_NONE + 1];
    unsigned n = 0;
    int e, chosen;

    if (!parse_choice(event, event_names, &e, err))
        return false;
    for (enum action a = ACTION_RESET; a <= ACTION_NONE; a++) {
        if (allowed[e] & 1u << a) {
            value[n] = a;
            choices[n++] = action_names[a];
        }
    }
    choices[n] = NULL;
    if (!parse_choice(action, choices, &chosen, err))
        return error_prefix(err, "%s", event);
    actions[e] = value[chosen];
    return true;
}

/* ---- What the guest did ----------------------------------------------------------------- */

void machine_nmi(struct machine *m)
{
    for (unsigned i = 0; i < m->vcpus->len; i++)
        vcpu_pin(m->vcpus->pdata[i], VCPU_NMI, 1);
}

struct panic_outcome {
    const char *name;
    unsigned request; /* enum machine_request, 0: the guest goes on */
};

static const struct panic_outcome *panic_outcome(const struct machine *m)
{
    static const struct panic_outcome run = {"run", 0}, pause = {"pause", REQ_PANIC},
                                      poweroff = {"poweroff", REQ_SHUTDOWN};
    enum action a = machine_action(m, ON_PANIC);
    bool stay = machine_action(m, ON_SHUTDOWN) == ACTION_PAUSE;

    if (a == ACTION_NONE)
        return &run;
    if (a == ACTION_PAUSE || (a == ACTION_SHUTDOWN && stay))
        return &pause;
    return &poweroff;
}

void machine_guest_panicked(struct machine *m)
{
    const struct panic_outcome *o = panic_outcome(m);

    machine_event(m, "GUEST_PANICKED", json_pack("{s:s}", "action", o->name));
    if (o->request)
        machine_request_stop(m, o->request, CAUSE_GUEST_PANIC);
}

void machine_guest_crashloaded(struct machine *m)
{
    machine_event(m, "GUEST_CRASHLOADED", json_pack("{s:s}", "action", "run"));
}

void machine_watchdog_expired(struct machine *m)
{
    enum action a = machine_action(m, ON_WATCHDOG);

    machine_event(m, "WATCHDOG", json_pack("{s:s}", "action", action_name(a)));
    switch (a) {
    case ACTION_RESET:
        machine_request_reset(m, CAUSE_GUEST_RESET);
        break;
    case ACTION_SHUTDOWN:
        machine_request_powerdown(m);
        break;
    case ACTION_POWEROFF:
        machine_request_exit(m, 0, CAUSE_GUEST_SHUTDOWN);
        break;
    case ACTION_PAUSE:
        machine_request_stop(m, REQ_WATCHDOG, m->cause);
        break;
    case ACTION_INJECT_NMI:
        machine_nmi(m);
        break;
    case ACTION_DEBUG:
        fprintf(stderr, "hostel: the guest's watchdog has expired\n");
        break;
    default:
        break;
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * What the machine does when the guest reboots, powers off, panics or lets its watchdog expire:
 * -action EVENT=ACTION. Names are QMP's (set-action).
 */
#ifndef CORE_ACTION_H
#define CORE_ACTION_H

#include <glib.h>
#include <stdbool.h>

struct machine;

enum action_event { ON_REBOOT, ON_SHUTDOWN, ON_PANIC, ON_WATCHDOG, ACTION_EVENTS };

enum action {
    ACTION_DEFAULT,      /* nothing was said: reset, poweroff, shutdown, reset */
    ACTION_RESET,
    ACTION_SHUTDOWN,     /* panic: end; watchdog: the power button */
    ACTION_POWEROFF,     /* end */
    ACTION_PAUSE,
    ACTION_EXIT_FAILURE, /* end with status 1 */
    ACTION_INJECT_NMI,
    ACTION_DEBUG,        /* a line on standard error */
    ACTION_NONE,
};

/* Set one from text ("panic", "pause"); the error lists what there is. */
bool action_set(enum action actions[ACTION_EVENTS], const char *event, const char *action,
                GError **err);

/* What is to be done about the event; never ACTION_DEFAULT. */
enum action machine_action(const struct machine *m, enum action_event event);
const char *action_name(enum action action);

/* The guest says that it has panicked, or that it goes on after a crash to dump itself. Lock
 * held. Emits GUEST_PANICKED, GUEST_CRASHLOADED. */
void machine_guest_panicked(struct machine *m);
void machine_guest_crashloaded(struct machine *m);
/* A watchdog has expired. Lock held. Emits WATCHDOG. */
void machine_watchdog_expired(struct machine *m);
/* A non-maskable interrupt to every CPU. Lock held. */
void machine_nmi(struct machine *m);

#endif

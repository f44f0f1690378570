/* SPDX-License-Identifier: MIT */
/* Moving a running machine from one accelerator to another. See docs/switching.md. */
#ifndef ACCEL_SWITCH_H
#define ACCEL_SWITCH_H

#include "accel/accel.h"

/*
 * The machine runs on accelerator `name` from now on; NULL: the other one of kvm and tcg-interp.
 * To the one it runs on already is a way, too: the state goes out and in again. Devices, timers
 * and disks stay as they are. An error says why the guest cannot move there, and nothing has
 * changed. Main thread, lock held (released while vCPUs park).
 */
bool accel_switch(struct machine *m, const char *name, GError **err);
/* -accel NAME,switch-every=MS: switch to the other one and back all the time, at random moments, MS
 * milliseconds apart on average. The machine has its vCPUs. Main thread, lock held. */
bool accel_switch_init(struct machine *m, GError **err);
/* Which accelerator runs the machine, and which others are alive. Lock held. */
void accel_describe(struct machine *m, GString *out);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The human monitor: a line editor and the command table on a character stream. Any number
 * of monitors may watch one machine.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include <glib.h>
#include <stdbool.h>

struct machine;
struct chardev;

/* Put a monitor on this stream. It lives as long as the machine. Lock held. */
bool monitor_new(struct machine *m, struct chardev *chr, GError **err);

#endif

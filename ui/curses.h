/* SPDX-License-Identifier: MIT */
/*
 * The machine's consoles as text on the terminal Hostel was started from. Main thread.
 *
 * Alt-1 to 9 choose the console: the guest, the monitor, serial ports.
 */
#ifndef UI_CURSES_H
#define UI_CURSES_H

#include <glib.h>
#include <stdbool.h>

struct machine;

/* Take the terminal; it is given back with the machine, or when the process dies. Lock held. */
bool curses_open(struct machine *m, GError **err);

/* curses_leave.c: what the terminal is to be told when nobody can call endwin() any more. */
void curses_leave_note(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What ui/ keeps for a machine: its consoles and its input router. Made when first asked for,
 * freed after the devices. Machine lock.
 */
#ifndef UI_UI_H
#define UI_UI_H

#include "core/machine.h"
#include "ui/input.h"

/* -display NAME,... */
enum grab_mod { GRAB_CTRL_ALT, GRAB_SHIFT_CTRL_ALT, GRAB_RIGHT_CTRL };
struct display_settings {
    bool full_screen;
    bool keep_open;   /* closing the window does not end the machine */
    bool show_cursor; /* the desktop's, also where the guest draws one */
    int grab_mod;     /* enum grab_mod */
};

struct ui {
    GPtrArray *consoles; /* struct console * */
    struct input input;
    GPtrArray *vncs; /* struct vnc *: ui/vnc.c */
};

struct ui *ui_of(struct machine *m);

#endif

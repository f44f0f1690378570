/* SPDX-License-Identifier: MIT */
/*
 * What ui/ keeps for a machine: its consoles and its input router. Made when first asked for,
 * freed after the devices. Machine lock.
 */
#ifndef UI_UI_H
#define UI_UI_H

#include "core/machine.h"
#include "ui/input.h"

struct ui {
    GPtrArray *consoles; /* struct console * */
    struct input input;
};

struct ui *ui_of(struct machine *m);

#endif

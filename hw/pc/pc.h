/* SPDX-License-Identifier: MIT */
/*
 * The PC board: what main.c calls to turn an empty machine into a PC.
 *
 * Order: machine_new(), machine_create_vcpus(), chardevs, pc_board_build(), -device ...,
 * pc_board_finish() (tables that list devices; loads the kernel or ROM), machine_reset(),
 * machine_start().
 */
#ifndef HW_PC_PC_H
#define HW_PC_PC_H

#include <glib.h>
#include <stdbool.h>

struct machine;
struct chardev;

struct pc_chipset;

struct pc_machine_type {
    const char *name, *alias, *help;
    const struct pc_chipset *chipset; /* NULL: an empty machine */
};
extern const struct pc_machine_type pc_machine_types[]; /* name == NULL ends */

/* Drives per bus of the machine type's disk controller; 2 where there is none. */
unsigned pc_ide_units(const char *machine_type);
/* The board for m->config->machine_type: chips, RAM, buses. */
bool pc_board_build(struct machine *m, GError **err);
/* COM1..COM4 (n = 0..3) on a character device. */
bool pc_board_add_serial(struct machine *m, unsigned n, struct chardev *chr, GError **err);
/* After the last -device: kernel, firmware and tables are prepared; placed at every reset. */
bool pc_board_finish(struct machine *m, GError **err);

#endif

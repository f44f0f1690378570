/* SPDX-License-Identifier: MIT */
/* The tables of commands, each in the file of its name. */
#ifndef MONITOR_TABLES_H
#define MONITOR_TABLES_H

#include "monitor/command.h"

extern const struct command run_commands[];     /* run.c: stop, cont, system_reset ... */
extern const struct command machine_commands[]; /* machine.c: what kind of machine it is */
extern const struct command cpu_commands[];     /* cpu.c */
extern const struct command qom_commands[];     /* qom_commands.c: the tree of objects */
extern const struct command device_commands[];  /* device.c: plugging in and out */
extern const struct command block_commands[];   /* block.c: disks */
extern const struct command input_commands[]; /* input.c: keys and the pointer */
extern const struct command dump_commands[];  /* dump.c: memory into files */
extern const struct command port_commands[];  /* port.c: i, o, sum, log */
extern const struct command fd_commands[];    /* fd.c: passed descriptors */
extern const struct command medium_commands[]; /* medium.c: trays, media, sizes */
extern const struct command answer_commands[]; /* answers.c: what chips tell */
extern const struct command object_commands[]; /* object.c: -object */
extern const struct command chardev_commands[]; /* chardev.c */
extern const struct command gdb_commands[];     /* gdb.c: gdbserver */
extern const struct command memory_commands[];  /* memory.c: x, xp, print */
extern const struct command screen_commands[];  /* screen.c: pictures, keys, pointer */
extern const struct command vnc_commands[];     /* vnc.c: viewers and their password */
extern const struct command probe_commands[];   /* probe.c: what this program can do */
extern const struct command info_commands[];    /* info.c */
extern const struct command help_commands[];    /* help.c */
extern const struct command qmp_commands[];     /* qmp_commands.c: QMP about itself */
extern const struct command migrate_commands[];  /* migrate.c */
extern const struct command snapshot_commands[]; /* snapshot.c: savevm, loadvm ... */
extern const struct command network_commands[];  /* network.c: set_link, netdev_add ... */
extern const struct command job_commands[];      /* job.c: what runs in the background */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A server for gdb's remote protocol (-gdb, -s, the command gdbserver): docs/debugging.md. One
 * debugger at a time; it sees the vCPUs as threads. Everything on the main thread, under the
 * machine lock.
 */
#ifndef MONITOR_GDB_H
#define MONITOR_GDB_H

#include <glib.h>
#include <stdbool.h>

struct machine;

/* Listen where `where` says: tcp:[HOST]:PORT, unix:PATH, stdio, pty, chardev:ID; "none" ends it.
 * In place of what there was. The server lives as long as the machine. */
bool gdb_server_start(struct machine *m, const char *where, GError **err);
/* Is a debugger there already that will start the machine itself? */
bool gdb_server_attached(const struct machine *m);

#endif

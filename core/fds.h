/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of this process by name: what a program passed to the monitor (getfd) for a later
 * command to use (fd:NAME). Lock held.
 */
#ifndef CORE_FDS_H
#define CORE_FDS_H

struct machine;

/* The machine owns it. One of that name is closed first. */
void machine_add_fd(struct machine *m, const char *name, int fd);
/* It is the caller's from now on; -1: there is none of that name. */
int machine_take_fd(struct machine *m, const char *name);
void machine_close_fds(struct machine *m); /* all; part of machine_free() */

#endif

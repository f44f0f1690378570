/* SPDX-License-Identifier: MIT */
/*
 * Going to the background, and the process number in a file. Main thread, before others exist.
 */
#ifndef UTIL_DAEMON_H
#define UTIL_DAEMON_H

#include <glib.h>
#include <stdbool.h>

/*
 * Fork. The parent waits inside: it exits with status 0 when the child calls
 * daemon_started(), with 1 when the child ends before. Returns in the child, in a session of
 * its own, with what daemon_started() needs in *ready_fd.
 */
bool daemon_fork(int *ready_fd, GError **err);
/* Start-up succeeded: let go of the terminal and of the parent. */
void daemon_started(int ready_fd);

/*
 * Write this process's number into a file that only its owner can read, and lock it for the
 * life of the process, so that a second one is refused. The name made absolute, for
 * pidfile_remove(), or NULL on error.
 */
char *pidfile_write(const char *path, GError **err);
/* Removes the file and frees the name. NULL is ignored. */
void pidfile_remove(char *name);

#endif

/* SPDX-License-Identifier: MIT */
/* The terminal Hostel was started from: raw while it is a character device, and restored on
 * every way out. */
#ifndef CHARDEV_TERMINAL_H
#define CHARDEV_TERMINAL_H

#include <stdbool.h>

/* Raw mode for fd if it is a terminal; with `signals`, Ctrl-C, Ctrl-Z and Ctrl-\ keep their
 * meaning. Undone by terminal_restore(), exit(), fatal signals. */
void terminal_raw(int fd, bool signals);
/* A non-blocking descriptor for the file behind fd (which stays as it is where possible, since
 * other processes share it); the caller closes it. -1 on error. */
int terminal_nonblocking_dup(int fd);
void terminal_restore(void);
/* What terminal_restore() writes to the terminal first, unless it is raw no longer: a program that
 * fills the screen leaves it so. Copied; at most 127 bytes. */
void terminal_farewell(const char *text);

#endif

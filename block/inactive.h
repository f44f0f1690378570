/* SPDX-License-Identifier: MIT */
/*
 * Who has the disks, of two processes that have the same images open while a machine goes from
 * one to the other. A process without them has written all it knew and holds no locks; when it
 * gets them back it reads them anew. Main thread, lock held, the machine stands still.
 */
#ifndef BLOCK_INACTIVE_H
#define BLOCK_INACTIVE_H

#include <glib.h>
#include <stdbool.h>

struct machine;

/* Images that are opened from now on are another process's. Before there are disks. */
void block_begin_inactive(struct machine *m);
/* Writes of a disk that go to a temporary file would be lost: the error names it. */
bool block_may_leave(struct machine *m, GError **err);
/* After an error they may be partly away: block_activate_all(). */
bool block_inactivate_all(struct machine *m, GError **err);
bool block_activate_all(struct machine *m, GError **err);

#endif

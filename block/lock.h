/* SPDX-License-Identifier: MIT */
/*
 * Locks of image files against other processes, as QEMU and its tools take them: open file
 * description locks on single bytes, one per permission used (100 + bit) and one per permission
 * denied to others (200 + bit).
 */
#ifndef BLOCK_LOCK_H
#define BLOCK_LOCK_H

#include <glib.h>
#include <stdbool.h>

/* Take what a reader (or writer) of the image needs and deny others to write it. With force
 * false, a file system without such locks is fine. False: somebody else has the image. */
bool image_lock(int fd, const char *filename, bool writer, bool force, GError **err);
/* Let go of all that image_lock() took. */
void image_unlock(int fd);

#endif

/* SPDX-License-Identifier: MIT */
/* Firmware images: where they are found. */
#ifndef UTIL_FIRMWARE_H
#define UTIL_FIRMWARE_H

#include <glib.h>
#include <stdbool.h>

/* The file of that name: as it is if it has a slash or is there, else in the directories of
 * `path` (separated by ':'), first one first. NULL and *err: what was looked through, and the
 * Debian package that has it. The caller frees. */
char *firmware_find(const char *path, const char *name, GError **err);

#endif

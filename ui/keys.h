/* SPDX-License-Identifier: MIT */
/* Names of keys, as QEMU's monitor has them ("ctrl", "ret", "f1"), and their numbers. */
#ifndef UI_KEYS_H
#define UI_KEYS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Name, or number of the form 0x1e, to the key of ui/input.h; 0 and *err: there is none. */
uint16_t key_by_name(const char *name, GError **err);
/* NULL: a key without a name. */
const char *key_name(uint16_t key);
/* "ctrl-alt-delete" to keys in that order; their number, or 0 and *err. A key called "minus" is
 * spelled so. */
unsigned keys_parse(const char *text, uint16_t *keys, unsigned max, GError **err);

#endif

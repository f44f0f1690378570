/* SPDX-License-Identifier: MIT */
/*
 * Saved state of one object, described by a table of fields (core/device.h). Little-endian:
 *
 *   u16 n, type name | u16 n, path | u16 version | u16 number of fields
 *   per field: u16 n, name | u8 kind | u8 elem_size | u32 count | count * elem_size bytes
 *
 * A timer is its deadline in 8 bytes, all ones when it is not pending. A blob has as many
 * elements as it has bytes.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "core/device.h"

struct state_reader {
    const uint8_t *data;
    size_t len, pos;
};

void state_save(const char *type, const char *path, uint16_t version,
                const struct state_field *fields, const void *base, GByteArray *out);
/* Refuses another type, path or version, and unknown, missing or differently shaped fields.
 * On failure the object may be partly changed. base NULL: all this is checked and nothing set. */
bool state_load(struct state_reader *r, const char *type, const char *path, uint16_t version,
                const struct state_field *fields, void *base, GError **err);
/* Type and path of the object that comes next; both are the caller's. r stays where it is. */
bool state_peek(const struct state_reader *r, char **type, char **path, GError **err);

#endif

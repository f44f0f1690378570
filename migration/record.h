/* SPDX-License-Identifier: MIT */
/* Header and records of a saved machine (format.h) on a stream. */
#ifndef MIGRATION_RECORD_H
#define MIGRATION_RECORD_H

#include "migration/format.h"
#include "migration/wire.h"

bool header_write(struct wire *s, GError **err);
bool header_read(struct wire *s, GError **err);

/* With flags 0; sum is that of the payload, which follows. */
bool record_begin(struct wire *s, uint32_t tag, uint64_t length, uint32_t sum, GError **err);
bool record_write(struct wire *s, uint32_t tag, const void *payload, size_t length, GError **err);
/* The head of the next one, checked. */
bool record_next(struct wire *s, struct record *r, GError **err);
/* Its payload, at most max bytes, checked. NULL with *err. */
GByteArray *record_read(struct wire *s, const struct record *r, uint64_t max, GError **err);
/* "PAGE", for messages. */
const char *record_name(const struct record *r, char text[5]);

#endif

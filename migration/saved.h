/* SPDX-License-Identifier: MIT */
/* A whole saved machine (format.h) on a stream. */
#ifndef MIGRATION_SAVED_H
#define MIGRATION_SAVED_H

#include "migration/ram.h"

/* ---- Out ---- */

/* Header and configuration. */
bool saved_begin(struct wire *s, const char *config, GError **err);
/* After the last round of memory: what machine_save() gave, and the end. */
bool saved_end(struct ram_out *r, const GByteArray *state, bool running, GError **err);
/* All of a machine that stands still. `running`: what it was before. Lock held. */
bool saved_write(struct machine *m, struct wire *s, bool running, GError **err);

/* ---- In ---- */

struct saved {
    GByteArray *state;
    bool running;      /* it is to go on */
    struct ram_in ram; /* lazy: what its pages are to be */
};

/* Read up to the end record. apply: memory is filled, and is anything after an error; the rest of
 * the machine stays as it is. The machine stands still; any thread, without the lock. */
bool saved_read(struct machine *m, struct wire *s, bool apply, bool lazy, struct saved *out,
                GError **err);
void saved_clear(struct saved *saved);

#endif

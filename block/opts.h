/* SPDX-License-Identifier: MIT */
/*
 * Options of nodes while they are opened: "file.filename" etc. as one flat list, in which each
 * reader marks what it has used; what nobody used is an error.
 */
#ifndef BLOCK_OPTS_H
#define BLOCK_OPTS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/keyval.h"

struct blkopts {
    const struct keyvals *kv;
    char *prefix;     /* "" or "file." ... */
    GHashTable *used; /* keys; shared with the lists below */
    GPtrArray *known; /* names asked for, for the nearest spelling; shared as well */
    unsigned depth;   /* nodes above */
};

void blkopts_init(struct blkopts *o, const struct keyvals *kv);
void blkopts_fini(struct blkopts *o);
/* The options below key ("file" -> "file.*"). End it with blkopts_sub_fini(). */
void blkopts_sub(struct blkopts *sub, const struct blkopts *o, const char *key);
void blkopts_sub_fini(struct blkopts *sub);

/* The value, or NULL. */
const char *blkopts_get(struct blkopts *o, const char *key);
/* Absent: *out is left alone. */
bool blkopts_bool(struct blkopts *o, const char *key, bool *out, GError **err);
bool blkopts_size(struct blkopts *o, const char *key, uint64_t *out, GError **err);
bool blkopts_choice(struct blkopts *o, const char *key, const char *const *choices, int *out,
                    GError **err);
/* There is something below key. */
bool blkopts_has_sub(const struct blkopts *o, const char *key);
/* Every key was used. */
bool blkopts_all_used(const struct blkopts *o, GError **err);

#endif

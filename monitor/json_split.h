/* SPDX-License-Identifier: MIT */
/*
 * Where one JSON value ends and the next begins in a stream of bytes. It looks at brackets,
 * quotes and blanks only: whether a value is JSON is for its reader to find out. What would grow
 * beyond all bounds is reported once and skipped; after it, the stream goes on.
 *
 *   FFh anywhere                 forget what was begun
 *   a control character in "..." the value is broken; the next one begins behind it
 */
#ifndef MONITOR_JSON_SPLIT_H
#define MONITOR_JSON_SPLIT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_BYTES (8u << 20) /* of one value */
#define JSON_MAX_DEPTH 128        /* brackets within brackets */

enum json_split_state { SPLIT_OUTSIDE, SPLIT_INSIDE, SPLIT_WORD, SPLIT_STRING, SPLIT_ESCAPE };

struct json_split {
    /* Both may be called many times from within json_split_feed(); they must not feed. */
    void (*value)(void *arg, const char *text, size_t len);
    void (*broken)(void *arg, const char *why);
    void *arg;
    /* private */
    GString *text;
    enum json_split_state state;
    uint64_t depth;
    bool skipping; /* the value was reported as broken already */
};

void json_split_init(struct json_split *s);
void json_split_fini(struct json_split *s);
/* Forget what was begun. */
void json_split_reset(struct json_split *s);
void json_split_feed(struct json_split *s, const uint8_t *bytes, size_t len);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * "key=value,key=value" as in -device, -chardev, -machine.
 *
 *   first,...   without '=': the value of the implied key, if the option has one
 *   key         without '=' further on: key=on
 *   ,,          a comma within a value
 *   key twice   both are kept, in order; keyvals_get() gives the last
 */
#ifndef UTIL_KEYVAL_H
#define UTIL_KEYVAL_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct keyval {
    char *key, *value;
};

struct keyvals {
    GArray *items; /* struct keyval */
};

/* NULL on error. `implied` may be NULL. */
struct keyvals *keyvals_parse(const char *text, const char *implied, GError **err);
/* JSON object -> the flat list; {"a": {"b": 1}} is a.b=1, arrays are a.0, a.1. NULL with *err. */
struct keyvals *keyvals_from_json(const char *text, GError **err);
/* The same from a value that is parsed; NULL is an empty object. */
struct keyvals *keyvals_from_object(json_t *object, GError **err);
/* Either form: JSON if it begins with '{'. */
struct keyvals *keyvals_parse_any(const char *text, const char *implied, GError **err);
void keyvals_free(struct keyvals *kv);

/* A list without elements, to be filled; both texts are copied. */
struct keyvals *keyvals_new(void);
void keyvals_add(struct keyvals *kv, const char *key, const char *value);

unsigned keyvals_count(const struct keyvals *kv);
const struct keyval *keyvals_at(const struct keyvals *kv, unsigned i);
/* The last value of key, or NULL. Owned by kv. */
const char *keyvals_get(const struct keyvals *kv, const char *key);

/* Every key must be one of the NULL-terminated list; the error names the nearest. */
bool keyvals_check(const struct keyvals *kv, const char *const *valid, GError **err);

/* Typed access. Absent: *out is left alone and the result is true. */
bool keyvals_bool(const struct keyvals *kv, const char *key, bool *out, GError **err);
bool keyvals_uint(const struct keyvals *kv, const char *key, uint64_t min, uint64_t max,
                  uint64_t *out, GError **err);

#endif

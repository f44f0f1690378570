/* SPDX-License-Identifier: MIT */
/* JSON as a flat list of keys and values. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "util/error.h"
#include "util/keyval.h"

static bool flatten(struct keyvals *kv, const char *key, json_t *v, GError **err);

static bool flatten_members(struct keyvals *kv, const char *key, json_t *v, GError **err)
{
    const char *dot = *key ? "." : "", *name;
    json_t *member;
    size_t i;

    if (json_is_object(v)) {
        json_object_foreach(v, name, member) {
            g_autofree char *full = g_strconcat(key, dot, name, NULL);
            if (!flatten(kv, full, member, err))
                return false;
        }
        return true;
    }
    json_array_foreach(v, i, member) {
        g_autofree char *full = g_strdup_printf("%s%s%zu", key, dot, i);
        if (!flatten(kv, full, member, err))
            return false;
    }
    return true;
}

static bool flatten(struct keyvals *kv, const char *key, json_t *v, GError **err)
{
    char number[32];

    switch (json_typeof(v)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return flatten_members(kv, key, v, err);
    case JSON_STRING:
        keyvals_add(kv, key, json_string_value(v));
        return true;
    case JSON_INTEGER:
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        keyvals_add(kv, key, number);
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        keyvals_add(kv, key, json_is_true(v) ? "on" : "off");
        return true;
    case JSON_NULL:
        keyvals_add(kv, key, "");
        return true;
    case JSON_REAL:
        break;
    }
    return error_set(err, "'%s': a fraction is no value of an option", key);
}

struct keyvals *keyvals_from_object(json_t *object, GError **err)
{
    struct keyvals *kv = keyvals_new();

    if (object && !json_is_object(object))
        error_set(err, "JSON: an object { ... } is wanted");
    else if (!object || flatten(kv, "", object, err))
        return kv;
    keyvals_free(kv);
    return NULL;
}

struct keyvals *keyvals_from_json(const char *text, GError **err)
{
    json_error_t why;
    json_t *v = json_loads(text, JSON_REJECT_DUPLICATES, &why);

    if (!v) {
        error_set(err, "JSON, line %d: %s", why.line, why.text);
        return NULL;
    }
    struct keyvals *kv = keyvals_from_object(v, err);
    json_decref(v);
    return kv;
}

struct keyvals *keyvals_parse_any(const char *text, const char *implied, GError **err)
{
    if (text[strspn(text, " \t\n")] == '{')
        return keyvals_from_json(text, err);
    return keyvals_parse(text, implied, err);
}

/* SPDX-License-Identifier: MIT */
/* Options of nodes. */
#include "block/opts.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "util/error.h"
#include "util/parse.h"
#include "util/suggest.h"

void blkopts_init(struct blkopts *o, const struct keyvals *kv)
{
    *o = (struct blkopts){
        .kv = kv,
        .prefix = g_strdup(""),
        .used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .known = g_ptr_array_new_with_free_func(g_free),
    };
}

void blkopts_fini(struct blkopts *o)
{
    g_hash_table_destroy(o->used);
    g_ptr_array_unref(o->known);
    g_free(o->prefix);
}

void blkopts_sub(struct blkopts *sub, const struct blkopts *o, const char *key)
{
    *sub = *o;
    sub->prefix = g_strdup_printf("%s%s.", o->prefix, key);
    sub->depth++;
}

void blkopts_sub_fini(struct blkopts *sub)
{
    g_free(sub->prefix);
}

const char *blkopts_get(struct blkopts *o, const char *key)
{
    char *full = g_strconcat(o->prefix, key, NULL);
    const char *value = keyvals_get(o->kv, full);

    g_ptr_array_add(o->known, full);
    if (value)
        g_hash_table_add(o->used, g_strdup(full));
    return value;
}

bool blkopts_bool(struct blkopts *o, const char *key, bool *out, GError **err)
{
    const char *text = blkopts_get(o, key);

    return !text || parse_bool(text, out, err) || error_prefix(err, "%s%s", o->prefix, key);
}

bool blkopts_size(struct blkopts *o, const char *key, uint64_t *out, GError **err)
{
    const char *text = blkopts_get(o, key);

    return !text || parse_size(text, 1, out, err) || error_prefix(err, "%s%s", o->prefix, key);
}

bool blkopts_choice(struct blkopts *o, const char *key, const char *const *choices, int *out,
                    GError **err)
{
    const char *text = blkopts_get(o, key);

    return !text || parse_choice(text, choices, out, err) ||
           error_prefix(err, "%s%s", o->prefix, key);
}

bool blkopts_has_sub(const struct blkopts *o, const char *key)
{
    g_autofree char *full = g_strdup_printf("%s%s.", o->prefix, key);

    for (unsigned i = 0; i < keyvals_count(o->kv); i++)
        if (g_str_has_prefix(keyvals_at(o->kv, i)->key, full))
            return true;
    return false;
}

bool blkopts_all_used(const struct blkopts *o, GError **err)
{
    for (unsigned i = 0; i < keyvals_count(o->kv); i++) {
        const char *key = keyvals_at(o->kv, i)->key;
        if (g_hash_table_contains(o->used, key))
            continue;
        struct suggest s = suggest_begin(key);
        for (unsigned k = 0; k < o->known->len; k++)
            suggest_offer(&s, o->known->pdata[k]);
        return error_set(err, "there is no option '%s' here%s", key, suggest_text(&s));
    }
    return true;
}

/* ---- JSON ----------------------------------------------------------------------------- */

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

struct keyvals *blkopts_from_json(const char *text, GError **err)
{
    json_error_t why;
    json_t *v = json_loads(text, JSON_REJECT_DUPLICATES, &why);

    if (!v) {
        error_set(err, "JSON, line %d: %s", why.line, why.text);
        return NULL;
    }
    struct keyvals *kv = keyvals_new();
    if (!json_is_object(v)) {
        error_set(err, "JSON: an object { ... } is wanted");
        g_clear_pointer(&kv, keyvals_free);
    } else if (!flatten(kv, "", v, err)) {
        g_clear_pointer(&kv, keyvals_free);
    }
    json_decref(v);
    return kv;
}

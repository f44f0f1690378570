/* SPDX-License-Identifier: MIT */
/* Options of nodes. */
#include "block/opts.h"

#include <inttypes.h>
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

/* SPDX-License-Identifier: MIT */
/* Key=value lists. */
#include "util/keyval.h"

#include <string.h>

#include "util/error.h"
#include "util/parse.h"
#include "util/suggest.h"

static void keyval_clear(void *item)
{
    struct keyval *kv = item;

    g_free(kv->key);
    g_free(kv->value);
}

/* Take the text up to the next single comma, with ",," made one comma. */
static char *next_element(const char **text)
{
    GString *s = g_string_new(NULL);
    const char *p = *text;

    for (; *p; p++) {
        if (*p == ',' && p[1] != ',')
            break;
        if (*p == ',')
            p++;
        g_string_append_c(s, *p);
    }
    *text = *p ? p + 1 : p;
    return g_string_free(s, FALSE);
}

static bool add_element(struct keyvals *kv, char *element, const char *implied, GError **err)
{
    char *eq = strchr(element, '=');
    struct keyval item;

    if (eq == element)
        return error_set(err, "'%s' has no name before the '='", element);
    if (eq) {
        item.key = g_strndup(element, eq - element);
        item.value = g_strdup(eq + 1);
    } else if (implied) {
        item.key = g_strdup(implied);
        item.value = g_strdup(element);
    } else {
        item.key = g_strdup(element);
        item.value = g_strdup("on");
    }
    g_array_append_val(kv->items, item);
    return true;
}

struct keyvals *keyvals_parse(const char *text, const char *implied, GError **err)
{
    struct keyvals *kv = g_new0(struct keyvals, 1);
    bool ok = true;

    kv->items = g_array_new(FALSE, FALSE, sizeof(struct keyval));
    g_array_set_clear_func(kv->items, keyval_clear);
    if (*text == '{') {
        error_set(err, "JSON is not supported here; use key=value,key=value");
        ok = false;
    }
    while (ok && *text) {
        char *element = next_element(&text);

        if (*element)
            ok = add_element(kv, element, implied, err);
        else
            ok = error_set(err, "there is nothing before a comma (a comma in a value is ',,')");
        implied = NULL;
        g_free(element);
    }
    if (!ok) {
        keyvals_free(kv);
        return NULL;
    }
    return kv;
}

struct keyvals *keyvals_new(void)
{
    return keyvals_parse("", NULL, NULL);
}

void keyvals_add(struct keyvals *kv, const char *key, const char *value)
{
    struct keyval item = {g_strdup(key), g_strdup(value)};

    g_array_append_val(kv->items, item);
}

void keyvals_free(struct keyvals *kv)
{
    if (!kv)
        return;
    g_array_free(kv->items, TRUE);
    g_free(kv);
}

unsigned keyvals_count(const struct keyvals *kv)
{
    return kv->items->len;
}

const struct keyval *keyvals_at(const struct keyvals *kv, unsigned i)
{
    return &g_array_index(kv->items, struct keyval, i);
}

const char *keyvals_get(const struct keyvals *kv, const char *key)
{
    for (unsigned i = kv->items->len; i-- > 0;)
        if (strcmp(keyvals_at(kv, i)->key, key) == 0)
            return keyvals_at(kv, i)->value;
    return NULL;
}

bool keyvals_check(const struct keyvals *kv, const char *const *valid, GError **err)
{
    for (unsigned i = 0; i < kv->items->len; i++) {
        const char *key = keyvals_at(kv, i)->key;

        if (g_strv_contains(valid, key))
            continue;
        struct suggest s = suggest_begin(key);
        suggest_offer_all(&s, valid);
        return error_set(err, "there is no setting '%s'%s", key, suggest_text(&s));
    }
    return true;
}

bool keyvals_bool(const struct keyvals *kv, const char *key, bool *out, GError **err)
{
    const char *value = keyvals_get(kv, key);

    if (!value || parse_bool(value, out, err))
        return true;
    return error_prefix(err, "%s", key);
}

bool keyvals_uint(const struct keyvals *kv, const char *key, uint64_t min, uint64_t max,
                  uint64_t *out, GError **err)
{
    const char *value = keyvals_get(kv, key);

    if (!value || parse_uint(value, min, max, out, err))
        return true;
    return error_prefix(err, "%s", key);
}

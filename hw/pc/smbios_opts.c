/* SPDX-License-Identifier: MIT */
#include "hw/pc/smbios_opts.h"

#include <string.h>

#include "util/error.h"
#include "util/keyval.h"
#include "util/parse.h"

/* Keys by structure type; the numbers among them with their largest values. */
static const struct smbios_type {
    unsigned type;
    const char *keys[12];
    struct {
        const char *key;
        uint64_t max;
    } number[3];
} types[] = {
    {0, {"type", "vendor", "version", "date", "release", "uefi"}, {{0}}},
    {1, {"type", "manufacturer", "product", "version", "serial", "uuid", "sku", "family"}, {{0}}},
    {2, {"type", "manufacturer", "product", "version", "serial", "asset", "location"}, {{0}}},
    {3, {"type", "manufacturer", "version", "serial", "asset", "sku"}, {{0}}},
    {4, {"type", "sock_pfx", "manufacturer", "version", "serial", "asset", "part", "max-speed",
         "current-speed", "processor-id"},
     {{"max-speed", UINT16_MAX}, {"current-speed", UINT16_MAX}, {"processor-id", UINT64_MAX}}},
    {11, {"type", "value", "path"}, {{0}}},
    {17, {"type", "loc_pfx", "bank", "manufacturer", "serial", "asset", "part", "speed"},
     {{"speed", UINT16_MAX}}},
};

enum { OEM_STRINGS = 11, OEM_STRING_MAX = 64 << 10 };

void smbios_opts_init(struct smbios_opts *o)
{
    o->given = g_ptr_array_new_with_free_func((GDestroyNotify)keyvals_free);
}

void smbios_opts_fini(struct smbios_opts *o)
{
    g_ptr_array_unref(o->given);
}

static const struct smbios_type *find_type(const struct keyvals *kv, GError **err)
{
    uint64_t n = 0;

    if (keyvals_get(kv, "file")) {
        error_set(err, "file=: give the fields of the structure one by one");
        return NULL;
    }
    if (!keyvals_get(kv, "type"))
        error_set(err, "type=N is missing");
    else if (keyvals_uint(kv, "type", 0, 255, &n, err)) {
        for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
            if (types[i].type == n)
                return &types[i];
        error_set(err, "type=%u: 0, 1, 2, 3, 4, 11 and 17 can be told", (unsigned)n);
    }
    return NULL;
}

static bool check_release(const char *text, GError **err)
{
    g_auto(GStrv) part = g_strsplit(text, ".", -1);
    uint64_t n;

    if (g_strv_length(part) == 2 && parse_uint(part[0], 0, 255, &n, NULL) &&
        parse_uint(part[1], 0, 255, &n, NULL))
        return true;
    return error_set(err, "release=%s: two numbers below 256, as in 1.15", text);
}

static bool check_values(const struct keyvals *kv, const struct smbios_type *t, GError **err)
{
    uint64_t n;
    bool b;

    for (unsigned i = 0; i < 3 && t->number[i].key; i++)
        if (!keyvals_uint(kv, t->number[i].key, 0, t->number[i].max, &n, err))
            return false;
    if (keyvals_get(kv, "release") && !check_release(keyvals_get(kv, "release"), err))
        return false;
    if (keyvals_get(kv, "uuid") && !g_uuid_string_is_valid(keyvals_get(kv, "uuid")))
        return error_set(err, "uuid=%s: a UUID looks like 550e8400-e29b-41d4-a716-446655440000",
                         keyvals_get(kv, "uuid"));
    return t->type != 0 || keyvals_bool(kv, "uefi", &b, err);
}

/* path=FILE is value=CONTENTS. */
static bool read_files(struct keyvals *kv, GError **err)
{
    for (unsigned i = 0; i < keyvals_count(kv); i++) {
        const struct keyval *k = keyvals_at(kv, i);
        g_autofree char *text = NULL;
        gsize len;

        if (strcmp(k->key, "path"))
            continue;
        if (!g_file_get_contents(k->value, &text, &len, err))
            return error_prefix(err, "path=%s", k->value);
        if (len > OEM_STRING_MAX || memchr(text, 0, len))
            return error_set(err, "path=%s: not a text of at most 64 KiB", k->value);
        keyvals_add(kv, "value", text);
    }
    return true;
}

bool smbios_opts_add(struct smbios_opts *o, const char *text, GError **err)
{
    struct keyvals *kv = keyvals_parse(text, NULL, err);
    const struct smbios_type *t = kv ? find_type(kv, err) : NULL;

    if (t && keyvals_check(kv, t->keys, err) && check_values(kv, t, err) &&
        (t->type != OEM_STRINGS || read_files(kv, err))) {
        g_ptr_array_add(o->given, kv);
        return true;
    }
    if (kv)
        keyvals_free(kv);
    return false;
}

/* ---- Asking ------------------------------------------------------------------------------ */

static bool of_type(const struct keyvals *kv, unsigned type)
{
    uint64_t n = 0;

    return keyvals_uint(kv, "type", 0, 255, &n, NULL) && n == type;
}

bool smbios_opts_has(const struct smbios_opts *o, unsigned type)
{
    for (unsigned i = 0; o && i < o->given->len; i++)
        if (of_type(o->given->pdata[i], type))
            return true;
    return false;
}

const char *smbios_opt(const struct smbios_opts *o, unsigned type, const char *key,
                       const char *otherwise)
{
    for (unsigned i = o ? o->given->len : 0; i-- > 0;) {
        const struct keyvals *kv = o->given->pdata[i];
        const char *v = of_type(kv, type) ? keyvals_get(kv, key) : NULL;
        if (v)
            return v;
    }
    return otherwise;
}

uint64_t smbios_opt_uint(const struct smbios_opts *o, unsigned type, const char *key,
                         uint64_t otherwise)
{
    const char *v = smbios_opt(o, type, key, NULL);

    if (v)
        parse_uint(v, 0, UINT64_MAX, &otherwise, NULL);
    return otherwise;
}

GPtrArray *smbios_opt_all(const struct smbios_opts *o, unsigned type, const char *key)
{
    GPtrArray *all = g_ptr_array_new();

    for (unsigned i = 0; o && i < o->given->len; i++) {
        const struct keyvals *kv = o->given->pdata[i];
        for (unsigned n = 0; of_type(kv, type) && n < keyvals_count(kv); n++)
            if (!strcmp(keyvals_at(kv, n)->key, key))
                g_ptr_array_add(all, keyvals_at(kv, n)->value);
    }
    return all;
}

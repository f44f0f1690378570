/* SPDX-License-Identifier: MIT */
/* Saving and restoring declared fields: see the header for the format. */
#include "core/state.h"

#include <assert.h>
#include <string.h>

#include "core/clock.h"
#include "util/error.h"
#include "util/suggest.h"

/* ---- Writing --------------------------------------------------------------------------------- */

static void put(GByteArray *out, uint64_t v, unsigned bytes)
{
    uint64_t le = GUINT64_TO_LE(v);
    g_byte_array_append(out, (const guint8 *)&le, bytes);
}

static void put_name(GByteArray *out, const char *name)
{
    size_t n = strlen(name);
    assert(n <= UINT16_MAX);
    put(out, n, 2);
    g_byte_array_append(out, (const guint8 *)name, (guint)n);
}

static unsigned count_fields(const struct state_field *f)
{
    unsigned n = 0;
    while (f && f[n].name)
        n++;
    return n;
}

static void put_field(GByteArray *out, const struct state_field *f, const void *base)
{
    const uint8_t *p = (const uint8_t *)base + f->offset;
    const GByteArray *blob = f->kind == STATE_BLOB ? *(GByteArray *const *)p : NULL;
    put_name(out, f->name);
    put(out, f->kind, 1);
    put(out, f->elem_size, 1);
    put(out, blob ? blob->len : f->count, 4);
    if (blob) {
        g_byte_array_append(out, blob->data, blob->len);
        return;
    }
    if (f->kind == STATE_TIMER) {
        const struct timer *t = (const struct timer *)p;
        put(out, timer_pending(t) ? (uint64_t)t->deadline : UINT64_MAX, 8);
        return;
    }
    assert(f->elem_size == 1 || f->elem_size == 2 || f->elem_size == 4 || f->elem_size == 8);
    g_byte_array_append(out, p, (guint)(f->elem_size * f->count)); /* hosts are little-endian */
}

void state_save(const char *type, const char *path, uint16_t version,
                const struct state_field *fields, const void *base, GByteArray *out)
{
    put_name(out, type);
    put_name(out, path);
    put(out, version, 2);
    put(out, count_fields(fields), 2);
    for (const struct state_field *f = fields; f && f->name; f++)
        put_field(out, f, base);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool get(struct state_reader *r, unsigned bytes, uint64_t *v, GError **err)
{
    if (r->len - r->pos < bytes)
        return error_set(err, "the saved state ends too early");
    *v = 0;
    memcpy(v, r->data + r->pos, bytes);
    *v = GUINT64_FROM_LE(*v);
    r->pos += bytes;
    return true;
}

static char *get_name(struct state_reader *r, GError **err)
{
    uint64_t n;
    if (!get(r, 2, &n, err))
        return NULL;
    if (r->len - r->pos < n) {
        error_set(err, "the saved state ends within a name");
        return NULL;
    }
    char *name = g_strndup((const char *)r->data + r->pos, n);
    r->pos += n;
    return name;
}

static void load_timer(struct timer *t, uint64_t deadline)
{
    if (deadline > INT64_MAX)
        timer_del(t);
    else
        timer_set(t, (int64_t)deadline);
}

static bool check_bools(const uint8_t *p, size_t n, GError **err)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] > 1)
            return error_set(err, "%u is not a truth value", p[i]);
    return true;
}

/* The data of one field, which is known to be there. */
static bool load_data(const struct state_field *f, void *base, const uint8_t *p, size_t count,
                      GError **err)
{
    if (f->kind == STATE_BOOL && !check_bools(p, f->count, err))
        return false;
    if (!base)
        return true;
    uint8_t *to = (uint8_t *)base + f->offset;
    uint64_t deadline;
    switch (f->kind) {
    case STATE_TIMER:
        memcpy(&deadline, p, 8);
        load_timer((struct timer *)to, GUINT64_FROM_LE(deadline));
        return true;
    case STATE_BLOB:
        g_byte_array_set_size(*(GByteArray **)to, 0);
        g_byte_array_append(*(GByteArray **)to, p, (guint)count);
        return true;
    default:
        memcpy(to, p, f->elem_size * f->count);
        return true;
    }
}

static const struct state_field *field_find(const struct state_field *fields, const char *name,
                                            GError **err)
{
    struct suggest s = suggest_begin(name);
    for (const struct state_field *f = fields; f && f->name; f++) {
        if (strcmp(f->name, name) == 0)
            return f;
        suggest_offer(&s, f->name);
    }
    error_set(err, "field '%s' is not known here%s", name, suggest_text(&s));
    return NULL;
}

static bool load_field(struct state_reader *r, const struct state_field *fields, void *base,
                       bool *seen, GError **err)
{
    g_autofree char *name = get_name(r, err);
    uint64_t kind, elem_size, count;
    if (!name || !get(r, 1, &kind, err) || !get(r, 1, &elem_size, err) || !get(r, 4, &count, err))
        return false;
    const struct state_field *f = field_find(fields, name, err);
    if (!f)
        return false;
    if (kind != f->kind || elem_size != f->elem_size ||
        (kind == STATE_BLOB ? count > f->count : count != f->count))
        return error_set(err, "field '%s' has another shape: %u x %u bytes saved, %zu x %zu here",
                         name, (unsigned)count, (unsigned)elem_size, f->count, f->elem_size);
    if (seen[f - fields])
        return error_set(err, "field '%s' comes twice", name);
    seen[f - fields] = true;
    size_t bytes = f->elem_size * count;
    if (r->len - r->pos < bytes)
        return error_set(err, "the saved state ends within field '%s'", name);
    if (!load_data(f, base, r->data + r->pos, count, err))
        return error_prefix(err, "field '%s'", name);
    r->pos += bytes;
    return true;
}

static bool load_header(struct state_reader *r, const char *type, const char *path,
                        uint16_t version, GError **err)
{
    g_autofree char *t = get_name(r, err);
    g_autofree char *p = t ? get_name(r, err) : NULL;
    uint64_t v;
    if (!p || !get(r, 2, &v, err))
        return false;
    if (strcmp(t, type) != 0)
        return error_set(err, "the saved state has a '%s' where this machine has '%s'", t, path);
    if (strcmp(p, path) != 0)
        return error_set(err, "the saved state is of '%s', not of '%s'", p, path);
    if (v != version)
        return error_set(err, "'%s': saved as version %u, this is version %u", path, (unsigned)v,
                         version);
    return true;
}

bool state_load(struct state_reader *r, const char *type, const char *path, uint16_t version,
                const struct state_field *fields, void *base, GError **err)
{
    uint64_t n;
    if (!load_header(r, type, path, version, err) || !get(r, 2, &n, err))
        return error_prefix(err, "loading '%s'", path);
    unsigned known = count_fields(fields);
    g_autofree bool *seen = g_new0(bool, known + 1);
    for (uint64_t i = 0; i < n; i++)
        if (!load_field(r, fields, base, seen, err))
            return error_prefix(err, "loading '%s'", path);
    for (unsigned i = 0; i < known; i++)
        if (!seen[i])
            return error_set(err, "loading '%s': field '%s' is missing", path, fields[i].name);
    return true;
}

bool state_peek(const struct state_reader *r, char **type, char **path, GError **err)
{
    struct state_reader copy = *r;

    *path = NULL;
    *type = get_name(&copy, err);
    if (*type)
        *path = get_name(&copy, err);
    return *path != NULL;
}

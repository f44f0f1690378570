/* SPDX-License-Identifier: MIT */
/* Objects: made from text, found by id. */
#include "core/object.h"

#include <string.h>

#include "core/machine.h"
#include "core/prop.h"
#include "util/error.h"
#include "util/keyval.h"
#include "util/suggest.h"

static const struct object_type *find_type(const struct machine *m, const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);

    for (const struct object_type *const *t = m->object_types; t && *t; t++) {
        if (!strcmp((*t)->name, name))
            return *t;
        suggest_offer(&s, (*t)->name);
    }
    error_set(err, "there is no object type '%s'%s (-object help lists them)", name,
              suggest_text(&s));
    return NULL;
}

static struct object *find(const struct machine *m, const char *id)
{
    for (unsigned i = 0; m->objects && i < m->objects->len; i++) {
        struct object *o = m->objects->pdata[i];
        if (!strcmp(o->id, id))
            return o;
    }
    return NULL;
}

static void free_object(struct object *o)
{
    props_free_at(o->type->props, o);
    g_free(o->id);
    g_free(o);
}

static bool set_all(struct object *o, const struct keyvals *kv, GError **err)
{
    for (unsigned i = 0; i < keyvals_count(kv); i++) {
        const struct keyval *k = keyvals_at(kv, i);
        if (!strcmp(k->key, "qom-type") || !strcmp(k->key, "id"))
            continue;
        if (!props_set_at(o->machine, o->type->props, o, o->type->name, k->key, k->value, err))
            return false;
    }
    return true;
}

static struct object *make(struct machine *m, const struct object_type *type,
                           const struct keyvals *kv, GError **err)
{
    struct object *o = g_malloc0(type->size);

    o->type = type;
    o->machine = m;
    o->id = kv ? g_strdup(keyvals_get(kv, "id")) : NULL;
    props_default_at(m, type->props, o);
    if ((!kv || set_all(o, kv, err)) && (!type->realize || type->realize(o, err)))
        return o;
    free_object(o);
    return NULL;
}

struct object *object_new(struct machine *m, const struct object_type *type, GError **err)
{
    return make(m, type, NULL, err);
}

void object_free(struct object *o)
{
    if (o->type->unrealize)
        o->type->unrealize(o);
    free_object(o);
}

struct object *object_add(struct machine *m, const struct keyvals *kv, GError **err)
{
    const char *name = keyvals_get(kv, "qom-type"), *id = keyvals_get(kv, "id");
    const struct object_type *type = name ? find_type(m, name, err) : NULL;

    if (!name)
        error_set(err, "the object's type is missing");
    else if (type && !id)
        error_set(err, "id=... is missing");
    else if (type && find(m, id))
        error_set(err, "id=%s is taken by another object", id);
    if (!type || !id || find(m, id))
        return NULL;
    struct object *o = make(m, type, kv, err);
    if (!o)
        return NULL;
    if (!m->objects)
        m->objects = g_ptr_array_new();
    g_ptr_array_add(m->objects, o);
    return o;
}

struct object *object_add_from_text(struct machine *m, const char *text, GError **err)
{
    struct keyvals *kv = keyvals_parse_any(text, "qom-type", err);
    struct object *o = kv ? object_add(m, kv, err) : NULL;

    keyvals_free(kv);
    return o;
}

static void end(struct object *o)
{
    g_ptr_array_remove(o->machine->objects, o);
    object_free(o);
}

bool object_del(struct machine *m, const char *id, GError **err)
{
    struct object *o = find(m, id);

    if (!o)
        return error_set(err, "there is no object '%s'", id);
    if (o->users)
        return error_set(err, "object '%s' is in use", id);
    end(o);
    return true;
}

struct object *object_claim(struct machine *m, const char *id, const char *kind, GError **err)
{
    struct object *o = find(m, id);

    if (!o)
        error_set(err, "there is no object '%s'; -object TYPE,id=%s makes one", id, id);
    else if (strcmp(o->type->kind, kind))
        error_set(err, "object '%s' is a %s, which is no %s", id, o->type->name, kind);
    else
        o->users++;
    return o && !strcmp(o->type->kind, kind) ? o : NULL;
}

void object_release(struct object *o)
{
    if (o)
        o->users--;
}

void objects_free_all(struct machine *m)
{
    while (m->objects && m->objects->len)
        end(m->objects->pdata[m->objects->len - 1]);
    if (m->objects)
        g_ptr_array_unref(m->objects);
    m->objects = NULL;
}

bool object_types_help(const struct object_type *const *types, const char *name, GString *out)
{
    for (const struct object_type *const *t = types; *t; t++) {
        if (!name)
            g_string_append_printf(out, "%-20s %s\n", (*t)->name, (*t)->help);
        else if (!strcmp((*t)->name, name)) {
            g_string_append_printf(out, "%s: %s\n", name, (*t)->help);
            for (const struct prop *p = (*t)->props; p && p->name; p++)
                g_string_append_printf(out, "  %-28s %s\n", p->name, p->help);
            return true;
        }
    }
    return !name;
}

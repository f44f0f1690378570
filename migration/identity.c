/* SPDX-License-Identifier: MIT */
/*
 * The CONF record. What must be the same on both sides: the machine's type, its memory, its
 * processors, its memory blocks by number, its devices by path with those properties that a guest
 * can see (not what is connected to them on the host).
 */
#include "migration/identity.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/machine.h"
#include "core/vcpu_ops.h"
#include "util/error.h"

/* ---- Writing -------------------------------------------------------------------------- */

static const char *machine_type(const struct machine *m)
{
    return m->config->machine_type ? m->config->machine_type : "pc";
}

static bool seen_by_guest(const struct prop *p)
{
    return p->kind != PROP_STRING && p->kind != PROP_CHARDEV && p->kind != PROP_DRIVE;
}

static json_t *describe_device(const struct device *d)
{
    json_t *props = json_object();

    for (const struct prop *p = d->type->props; p && p->name; p++) {
        g_autofree char *value = seen_by_guest(p) ? device_get(d, p) : NULL;
        if (value)
            json_object_set_new(props, p->name, json_string(value));
    }
    return json_pack("{s:s, s:s, s:i, s:o}", "path", d->path, "type", d->type->name, "version",
                     d->type->state_version, "props", props);
}

static json_t *describe_rams(struct machine *m)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < m->rams->len; i++) {
        const struct ram_block *r = m->rams->pdata[i];
        json_array_append_new(
            list, json_pack("{s:s, s:I}", "name", r->name, "size", (json_int_t)r->size));
    }
    return list;
}

static json_t *describe(struct machine *m)
{
    json_t *devices = json_array();
    const struct vcpu_ops *ops = m->vcpu_ops;

    for (unsigned i = 0; i < m->devices->len; i++)
        json_array_append_new(devices, describe_device(m->devices->pdata[i]));
    return json_pack("{s:s, s:s, s:I, s:i, s:o, s:o, s:o}", "writer", "hostel " HOSTEL_VERSION,
                     "machine", machine_type(m), "memory", (json_int_t)m->config->ram_size, "cpus",
                     (int)m->vcpus->len, "cpu",
                     ops && ops->describe_cpu ? ops->describe_cpu(m) : json_object(), "ram",
                     describe_rams(m), "devices", devices);
}

char *config_text(struct machine *m)
{
    json_t *j = describe(m);
    char *text = json_dumps(j, JSON_COMPACT);

    json_decref(j);
    return text;
}

/* ---- Comparing ------------------------------------------------------------------------ */

static char *show(const json_t *v)
{
    char *text = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("nothing");

    return text ? text : strdup("?");
}

static bool differ(const char *what, const json_t *saved, const json_t *here, GError **err)
{
    char *a = show(saved), *b = show(here);

    error_set(err, "%s: the saved machine has %.200s, this one has %.200s", what, a, b);
    free(a);
    free(b);
    return false;
}

/* Every key of one is in the other with the same value. */
static bool same_object(const char *what, const json_t *saved, json_t *here, GError **err)
{
    const char *key;
    json_t *v;

    if (!json_is_object(saved))
        return differ(what, saved, here, err);
    json_object_foreach((json_t *)saved, key, v)
    {
        g_autofree char *name = g_strdup_printf("%s: %.80s", what, key);
        if (!json_equal(v, json_object_get(here, key)))
            return differ(name, v, json_object_get(here, key), err);
    }
    json_object_foreach(here, key, v)
    {
        g_autofree char *name = g_strdup_printf("%s: %s", what, key);
        if (!json_object_get(saved, key))
            return differ(name, NULL, v, err);
    }
    return true;
}

static bool has_text(const json_t *list, const char *text)
{
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i,
                       v) if (g_strcmp0(json_string_value(v), text) == 0) return true;
    return false;
}

static bool lists_all(const json_t *list, const json_t *in, const char *who, GError **err)
{
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i, v)
    {
        const char *name = json_string_value(v);
        if (!name || !has_text(in, name))
            return error_set(err,
                             "CPU feature '%.40s': %s has it, the other has not (give both "
                             "the same -cpu)",
                             name ? name : "?", who);
    }
    return true;
}

static bool same_cpu(const json_t *saved, json_t *here, GError **err)
{
    const json_t *a = json_object_get(saved, "features"), *b = json_object_get(here, "features");

    return lists_all(a, b, "the saved machine", err) && lists_all(b, a, "this machine", err) &&
           same_object("CPU", saved, here, err);
}

static json_t *by_path(json_t *list, const char *path)
{
    size_t i;
    json_t *d;

    json_array_foreach(list, i, d) if (g_strcmp0(json_string_value(json_object_get(d, "path")),
                                                 path) == 0) return d;
    return NULL;
}

static bool same_device(json_t *saved, json_t *here, GError **err)
{
    const char *path = json_string_value(json_object_get(saved, "path"));
    json_t *d = path ? by_path(here, path) : NULL;

    if (!d)
        return error_set(err, "the saved machine has a device '%.80s', this one has not",
                         path ? path : "?");
    g_autofree char *what = g_strdup_printf("device '%s'", path);
    const json_t *version = json_object_get(saved, "version");
    if (!json_equal((json_t *)version, json_object_get(d, "version")))
        return error_set(err, "%s: saved as version %d, this is version %d", what,
                         (int)json_integer_value(version),
                         (int)json_integer_value(json_object_get(d, "version")));
    return same_object(what, json_object_get(saved, "props"), json_object_get(d, "props"), err);
}

static bool same_devices(json_t *saved, json_t *here, GError **err)
{
    size_t i;
    json_t *d;

    json_array_foreach(saved, i, d) if (!same_device(d, here, err)) return false;
    json_array_foreach(here, i, d)
    {
        const char *path = json_string_value(json_object_get(d, "path"));
        if (!by_path(saved, path))
            return error_set(err, "this machine has a device '%s', the saved one has not", path);
    }
    return true;
}

static bool same_rams(json_t *saved, json_t *here, GError **err)
{
    size_t n = MAX(json_array_size(saved), json_array_size(here));

    for (size_t i = 0; i < n; i++) {
        g_autofree char *what = g_strdup_printf("memory block %zu", i);
        json_t *a = json_array_get(saved, i), *b = json_array_get(here, i);
        if (!json_equal(a, b))
            return differ(what, a, b, err);
    }
    return true;
}

static bool compare(json_t *saved, json_t *here, GError **err)
{
    static const char *const scalars[] = {"machine", "memory", "cpus"};

    for (unsigned i = 0; i < G_N_ELEMENTS(scalars); i++) {
        json_t *a = json_object_get(saved, scalars[i]), *b = json_object_get(here, scalars[i]);
        if (!json_equal(a, b))
            return differ(scalars[i], a, b, err);
    }
    return same_cpu(json_object_get(saved, "cpu"), json_object_get(here, "cpu"), err) &&
           same_devices(json_object_get(saved, "devices"), json_object_get(here, "devices"), err) &&
           same_rams(json_object_get(saved, "ram"), json_object_get(here, "ram"), err);
}

bool config_check(struct machine *m, const char *text, size_t len, GError **err)
{
    json_error_t bad;
    json_t *saved = json_loadb(text, len, JSON_REJECT_DUPLICATES, &bad);

    if (!saved)
        return error_set(err, "its configuration cannot be read: %s", bad.text);
    json_t *here = describe(m);
    bool ok = compare(saved, here, err);
    json_decref(here);
    json_decref(saved);
    return ok;
}

/* SPDX-License-Identifier: MIT */
/* The tree of objects: see qom.h. */
#include "monitor/qom.h"

#include <string.h>

#include "chardev/chardev.h"
#include "core/inspect.h"
#include "core/machine.h"
#include "core/object.h"
#include "core/vcpu.h"
#include "util/error.h"

/* ---- Nodes and their children ------------------------------------------------------------- */

typedef void child_fn(void *arg, const char *name, const struct qom_node *child);

static enum qom_kind home_of(const struct device *d)
{
    return d->type->internal ? QOM_UNATTACHED : d->id ? QOM_PERIPHERAL : QOM_PERIPHERAL_ANON;
}

static void each_device(struct machine *m, enum qom_kind home, child_fn *fn, void *arg)
{
    for (unsigned i = 0; i < m->devices->len; i++) {
        struct device *d = m->devices->pdata[i];
        if (home_of(d) == home)
            fn(arg, home == QOM_PERIPHERAL ? d->id : d->path,
               &(struct qom_node){QOM_DEVICE, d});
    }
}

static void each_cpu(struct machine *m, child_fn *fn, void *arg)
{
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        g_autofree char *name = g_strdup_printf("device[%u]", i);
        fn(arg, name, &(struct qom_node){QOM_CPU, m->vcpus->pdata[i]});
    }
}

static void each_chardev(struct machine *m, child_fn *fn, void *arg)
{
    struct chardev *chr;

    for (unsigned i = 0; (chr = chardev_nth(m, i)); i++)
        fn(arg, chardev_id(chr), &(struct qom_node){QOM_CHARDEV, chr});
}

static void each_object(struct machine *m, child_fn *fn, void *arg)
{
    for (unsigned i = 0; m->objects && i < m->objects->len; i++) {
        struct object *o = m->objects->pdata[i];
        fn(arg, o->id, &(struct qom_node){QOM_OBJECT, o});
    }
}

static const struct {
    enum qom_kind parent, kind;
    const char *name;
} fixed[] = {
    {QOM_ROOT, QOM_MACHINE, "machine"},
    {QOM_ROOT, QOM_OBJECTS, "objects"},
    {QOM_ROOT, QOM_CHARDEVS, "chardevs"},
    {QOM_MACHINE, QOM_UNATTACHED, "unattached"},
    {QOM_MACHINE, QOM_PERIPHERAL, "peripheral"},
    {QOM_MACHINE, QOM_PERIPHERAL_ANON, "peripheral-anon"},
};

void qom_children(struct machine *m, const struct qom_node *node, child_fn *fn, void *arg)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(fixed); i++)
        if (fixed[i].parent == node->kind)
            fn(arg, fixed[i].name, &(struct qom_node){fixed[i].kind, NULL});
    if (node->kind == QOM_UNATTACHED)
        each_cpu(m, fn, arg);
    if (node->kind == QOM_UNATTACHED || node->kind == QOM_PERIPHERAL ||
        node->kind == QOM_PERIPHERAL_ANON)
        each_device(m, node->kind, fn, arg);
    if (node->kind == QOM_OBJECTS)
        each_object(m, fn, arg);
    if (node->kind == QOM_CHARDEVS)
        each_chardev(m, fn, arg);
}

struct search {
    const char *name;
    struct qom_node found;
    bool ok;
};

static void match(void *arg, const char *name, const struct qom_node *child)
{
    struct search *s = arg;

    if (!s->ok && strcmp(name, s->name) == 0) {
        s->found = *child;
        s->ok = true;
    }
}

static bool not_found(const char *path, GError **err)
{
    return error_set_class(err, ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", path);
}

bool qom_find(struct machine *m, const char *path, struct qom_node *node, GError **err)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    if (*path != '/') { /* an id */
        struct device *d = device_find(m, path);
        *node = (struct qom_node){QOM_DEVICE, d};
        return d || not_found(path, err);
    }
    *node = (struct qom_node){QOM_ROOT, NULL};
    for (char **p = parts; *p; p++) {
        struct search s = {.name = *p};

        if (!**p)
            continue;
        qom_children(m, node, match, &s);
        if (!s.ok)
            return not_found(path, err);
        *node = s.found;
    }
    return true;
}

/* ---- Types and values ----------------------------------------------------------------------- */

char *qom_type(struct machine *m, const struct qom_node *node)
{
    const struct program_inspect *p = m->program;

    switch (node->kind) {
    case QOM_MACHINE: return g_strdup_printf("%s-machine", m->config->machine_type);
    case QOM_CPU: return p ? p->cpu_type(m) : g_strdup("x86_64-cpu");
    case QOM_DEVICE: return g_strdup(((struct device *)node->it)->type->name);
    case QOM_OBJECT: return g_strdup(((struct object *)node->it)->type->name);
    case QOM_CHARDEV: return g_strdup("chardev");
    default: return g_strdup("container");
    }
}

static json_t *prop_value(const struct device *d, const struct prop *p)
{
    g_autofree char *text = device_get(d, p);

    if (!text)
        return json_null();
    switch (p->kind) {
    case PROP_BOOL: return json_boolean(strcmp(text, "on") == 0);
    case PROP_U8:
    case PROP_U16:
    case PROP_U32:
    case PROP_U64:
    case PROP_SIZE: return json_integer((json_int_t)g_ascii_strtoull(text, NULL, 10));
    default: return json_string(text);
    }
}

static void device_values(const struct device *d, json_t *out)
{
    json_object_set_new(out, "realized", json_boolean(d->realized));
    for (const struct prop *p = d->type->props; p && p->name; p++)
        json_object_set_new(out, p->name, prop_value(d, p));
}

static void cpu_values(struct machine *m, const struct vcpu *v, json_t *out)
{
    const char *name = m->config->cpu;
    g_autofree char *model = g_strndup(name ? name : "max", strcspn(name ? name : "max", ","));
    json_t *props = m->program ? m->program->cpu_expansion(m, model, NULL, NULL) : NULL;

    if (props)
        json_object_update(out, props);
    json_decref(props);
    json_object_set_new(out, "apic-id", json_integer(v->apic_id));
    json_object_set_new(out, "realized", json_true());
    json_object_set_new(out, "unavailable-features", json_array());
}

static void chardev_values(struct chardev *chr, json_t *out)
{
    g_autofree char *filename = chardev_filename(chr);

    json_object_set_new(out, "filename", json_string(filename));
    json_object_set_new(out, "connected", json_boolean(chr_is_open(chr)));
}

static void machine_values(struct machine *m, json_t *out)
{
    const struct machine_config *c = m->config;
    GHashTableIter i;
    void *key, *value;

    g_hash_table_iter_init(&i, c->machine_opts);
    while (g_hash_table_iter_next(&i, &key, &value))
        json_object_set_new(out, key, json_string(value));
    json_object_set_new(out, "acpi", json_boolean(c->acpi));
    json_object_set_new(out, "hpet", json_boolean(c->hpet));
    json_object_set_new(out, "graphics", json_boolean(c->graphics));
    json_object_set_new(out, "kernel", json_string(c->kernel ? c->kernel : ""));
    json_object_set_new(out, "initrd", json_string(c->initrd ? c->initrd : ""));
    json_object_set_new(out, "append", json_string(c->append ? c->append : ""));
}

json_t *qom_values(struct machine *m, const struct qom_node *node)
{
    g_autofree char *type = qom_type(m, node);
    json_t *out = json_pack("{s:s}", "type", type);

    switch (node->kind) {
    case QOM_MACHINE: machine_values(m, out); break;
    case QOM_CPU: cpu_values(m, node->it, out); break;
    case QOM_DEVICE: device_values(node->it, out); break;
    case QOM_CHARDEV: chardev_values(node->it, out); break;
    default: break;
    }
    return out;
}

bool qom_set(struct machine *m, const struct qom_node *node, const char *name, json_t *value,
             GError **err)
{
    json_t *values = qom_values(m, node);
    bool known = json_object_get(values, name) != NULL;
    g_autofree char *type = qom_type(m, node);

    json_decref(values);
    if (!known)
        return error_set(err, "Property '%s.%s' not found", type, name);
    if (node->kind == QOM_DEVICE)
        return error_set(err, "Attempting to set property '%s' on device '%s' (type '%s') after it "
                              "was realized", name, ((struct device *)node->it)->path, type);
    return error_set(err, "Insufficient permission to perform this operation");
}

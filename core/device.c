/* SPDX-License-Identifier: MIT */
/* The life of a device instance. */
#include "core/device.h"

#include <assert.h>
#include <string.h>

#include "core/event.h"
#include "core/machine.h"
#include "core/prop.h"
#include "core/state.h"
#include "util/error.h"

struct device *device_new(struct machine *m, const struct device_type *type)
{
    assert(type->size >= sizeof(struct device));
    struct device *dev = g_malloc0(type->size);
    dev->type = type;
    dev->machine = m;
    dev->bootindex = -1;
    props_defaults(dev);
    props_globals(dev);
    return dev;
}

/* "isa-serial.0": the lowest number that is free. */
static char *path_new(struct machine *m, const struct device_type *type)
{
    for (unsigned n = 0;; n++) {
        g_autofree char *path = g_strdup_printf("%s.%u", type->name, n);
        bool taken = false;
        for (unsigned i = 0; i < m->devices->len && !taken; i++)
            taken = strcmp(((struct device *)m->devices->pdata[i])->path, path) == 0;
        if (!taken)
            return g_steal_pointer(&path);
    }
}

bool device_realize(struct device *dev, GError **err)
{
    assert(!dev->realized);
    if (dev->error) {
        g_propagate_error(err, g_steal_pointer(&dev->error));
        return false;
    }
    if (dev->machine->frozen)
        return error_set(err, "%s", dev->machine->frozen);
    g_free(dev->path);
    dev->path = path_new(dev->machine, dev->type);
    if (dev->type->realize && !dev->type->realize(dev, err))
        return error_prefix(err, "%s", dev->id ? dev->id : dev->type->name);
    dev->realized = true;
    g_ptr_array_add(dev->machine->devices, dev);
    return true;
}

void device_free(struct device *dev)
{
    if (!dev)
        return;
    if (dev->realized) {
        g_ptr_array_remove(dev->machine->devices, dev);
        if (dev->type->unrealize)
            dev->type->unrealize(dev);
    }
    props_free(dev);
    g_clear_error(&dev->error);
    g_free(dev->id);
    g_free(dev->path);
    g_free(dev);
}

bool device_unplug(struct device *dev, GError **err)
{
    if (dev->machine->frozen)
        return error_set(err, "%s", dev->machine->frozen);
    if (!dev->type->unplug)
        return error_set(err, "device '%s' cannot be removed", dev->id ? dev->id : dev->path);
    return dev->type->unplug(dev, err);
}

char *device_qom_path(const struct device *dev)
{
    if (dev->type->internal)
        return g_strconcat("/machine/unattached/", dev->path, NULL);
    if (dev->id)
        return g_strconcat("/machine/peripheral/", dev->id, NULL);
    return g_strconcat("/machine/peripheral-anon/", dev->path, NULL);
}

void device_removed(struct device *dev)
{
    struct machine *m = dev->machine;
    g_autofree char *path = device_qom_path(dev);
    json_t *data = json_pack("{s:s}", "path", path);

    if (dev->id)
        json_object_set_new(data, "device", json_string(dev->id));
    device_free(dev);
    machine_event(m, "DEVICE_DELETED", data);
}

struct device *device_find(struct machine *m, const char *name)
{
    struct device *found = NULL;

    for (unsigned i = 0; i < m->devices->len; i++) {
        struct device *d = m->devices->pdata[i];
        if (d->id && strcmp(d->id, name) == 0)
            return d;
        if (strcmp(d->path, name) == 0)
            found = d;
    }
    return found;
}

void device_reset(struct device *dev)
{
    if (dev->type->reset)
        dev->type->reset(dev);
}

void device_save(struct device *dev, GByteArray *out)
{
    if (dev->type->saving)
        dev->type->saving(dev);
    state_save(dev->type->name, dev->path, dev->type->state_version, dev->type->state, dev, out);
}

bool device_load(struct device *dev, const uint8_t *data, size_t len, size_t *used, GError **err)
{
    struct state_reader r = {.data = data, .len = len};
    if (!state_load(&r, dev->type->name, dev->path, dev->type->state_version, dev->type->state,
                    dev, err))
        return false;
    *used = r.pos;
    if (dev->type->loaded)
        dev->type->loaded(dev);
    return true;
}

const struct device_type *device_type_find(const struct device_type *const *types, const char *name)
{
    for (; *types; types++)
        if (strcmp((*types)->name, name) == 0 ||
            ((*types)->alias && strcmp((*types)->alias, name) == 0) ||
            device_form_find(*types, name))
            return *types;
    return NULL;
}

const struct device_form *device_form_find(const struct device_type *type, const char *name)
{
    for (const struct device_form *f = type->forms; f && f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Objects of -object: what stands behind devices and is neither disk, network nor character
 * stream. A type with its properties (core/device.h), an instance with an id. The machine owns
 * them; main.c lends it the table of types (backend/types.c). Machine lock held, main thread.
 */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include "core/device.h"

struct keyvals;
struct object;

struct object_type {
    const char *name; /* "rng-random" */
    const char *kind; /* what it can stand for: "rng" */
    const char *help;
    size_t size;              /* sizeof the struct that begins with struct object */
    const struct prop *props; /* ends with name == NULL; may be NULL */
    bool (*realize)(struct object *o, GError **err); /* properties are set */
    void (*unrealize)(struct object *o);
};

struct object {
    const struct object_type *type;
    struct machine *machine;
    char *id;
    unsigned users; /* devices that hold it: object_claim() */
};

/* From "qom-type", "id" and properties; NULL with *err, which names the nearest spelling. */
struct object *object_add(struct machine *m, const struct keyvals *kv, GError **err);
/* The same from TYPE,id=ID,KEY=VALUE... or a JSON object. */
struct object *object_add_from_text(struct machine *m, const char *text, GError **err);
/* One without an id, of its maker, with properties at their defaults; ends with object_free(). */
struct object *object_new(struct machine *m, const struct object_type *type, GError **err);
void object_free(struct object *o);
/* Refused while a device uses it. */
bool object_del(struct machine *m, const char *id, GError **err);
/* The object of that id, which must be of that kind, for a device. */
struct object *object_claim(struct machine *m, const char *id, const char *kind, GError **err);
void object_release(struct object *o); /* NULL: nothing */
void objects_free_all(struct machine *m);

/* "-object help" (name NULL), "-object TYPE,help". False: no such type. */
bool object_types_help(const struct object_type *const *types, const char *name, GString *out);

#endif

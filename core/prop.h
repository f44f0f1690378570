/* SPDX-License-Identifier: MIT */
/* What core/device.c and core/object.c ask of the property tables. */
#ifndef CORE_PROP_H
#define CORE_PROP_H

#include <glib.h>
#include <stdbool.h>

struct device;
struct machine;
struct prop;

void props_defaults(struct device *dev);
/* Apply -global; a failure is kept in dev->error. */
void props_globals(struct device *dev);
void props_free(struct device *dev);

/* The same for any struct with such a table (NULL: none). owner: who has it, for errors. */
void props_default_at(struct machine *m, const struct prop *props, void *base);
bool props_set_at(struct machine *m, const struct prop *props, void *base, const char *owner,
                  const char *name, const char *value, GError **err);
void props_free_at(const struct prop *props, void *base);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What can be plugged in, and -device text -> device. Machine lock held (or no vCPUs yet).
 */
#ifndef HW_TYPES_H
#define HW_TYPES_H

#include "core/device.h"

struct keyvals;

extern const struct device_type *const hw_types[]; /* NULL-terminated */

/* "driver", `id`, `bus` and properties -> a realized device on its bus. The error names the
 * nearest valid spelling. */
struct device *device_add(struct machine *m, const struct keyvals *kv, GError **err);
/* The same from "NAME,prop=value,..." or a JSON object. */
struct device *device_add_from_text(struct machine *m, const char *text, GError **err);

/* "-device help" (name NULL) and "-device NAME,help". False: no such type. */
bool device_types_help(const char *name, GString *out);

/* The type of that name or alias; the error names the nearest one. */
const struct device_type *device_type_lookup(const char *name, GError **err);

#endif

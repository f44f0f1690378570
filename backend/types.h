/* SPDX-License-Identifier: MIT */
/* The one table of object types: what -object takes. */
#ifndef BACKEND_TYPES_H
#define BACKEND_TYPES_H

#include "core/object.h"

extern const struct object_type *const object_types[]; /* NULL-terminated */

#endif

/* SPDX-License-Identifier: MIT */
/* The object type "secret". Machine lock. */
#ifndef BACKEND_SECRET_H
#define BACKEND_SECRET_H

#include "core/object.h"

extern const struct object_type secret_type;

/* Of an object of kind "secret"; the object's. */
GBytes *secret_bytes(struct object *o);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Sources of random bytes on the host: -object rng-random (a file or device), rng-builtin (the
 * kernel's own). Machine lock held.
 */
#ifndef BACKEND_RNG_H
#define BACKEND_RNG_H

#include "core/object.h"

extern const struct object_type rng_random_type, rng_builtin_type;

/* Up to len bytes, those that are there. 0: none are; `ready` is called when there may be. */
size_t rng_read(struct object *o, void *buf, size_t len);
/* Add and remove who is told, on the main thread. */
void rng_add_user(struct object *o, void (*ready)(void *arg), void *arg);
void rng_del_user(struct object *o, void (*ready)(void *arg), void *arg);

#endif

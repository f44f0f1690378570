/* SPDX-License-Identifier: MIT */
#include "backend/types.h"

#include "backend/filter.h"
#include "backend/fs.h"
#include "backend/rng.h"
#include "backend/secret.h"

const struct object_type *const object_types[] = {&rng_random_type, &rng_builtin_type,
                                                  &fsdev_local_type, &filter_dump_type,
                                                  &secret_type, NULL};

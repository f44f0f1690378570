/* SPDX-License-Identifier: MIT */
/* Filters on networks. */
#ifndef BACKEND_FILTER_H
#define BACKEND_FILTER_H

#include "core/object.h"

extern const struct object_type filter_dump_type;

#endif

/* SPDX-License-Identifier: MIT */
/* The look into an x86 CPU that main.c lends to the monitor (core/inspect.h). */
#ifndef INSPECT_H
#define INSPECT_H

#include "core/inspect.h"

extern const struct cpu_inspect x86_inspect;

#endif

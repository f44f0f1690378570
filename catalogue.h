/* SPDX-License-Identifier: MIT */
/* What this program can do, for QMP: main.c gives it to the machine. */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include "core/inspect.h"

extern const struct program_inspect program_catalogue;

#endif

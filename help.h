/* SPDX-License-Identifier: MIT */
/* -help, -version and the lists of -device help, -cpu help and the like, to standard output. */
#ifndef HELP_H
#define HELP_H

#include <glib.h>
#include <stdbool.h>

struct options;

/* Print what o->help asks for. */
bool help_print(const struct options *o, GError **err);

#endif

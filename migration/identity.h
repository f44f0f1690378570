/* SPDX-License-Identifier: MIT */
/* What a saved machine is, and whether this one is the same. Machine lock held. */
#ifndef MIGRATION_IDENTITY_H
#define MIGRATION_IDENTITY_H

#include <glib.h>
#include <stdbool.h>

struct machine;

/* JSON text: machine type, memory, CPUs, memory blocks, devices with their properties. */
char *config_text(struct machine *m);
/* The error names what differs. */
bool config_check(struct machine *m, const char *text, size_t len, GError **err);

#endif

/* SPDX-License-Identifier: MIT */
/* -smbios type=N,...: what the user wants SMBIOS structures to say. */
#ifndef HW_PC_SMBIOS_OPTS_H
#define HW_PC_SMBIOS_OPTS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct smbios_opts {
    GPtrArray *given; /* struct keyvals *, checked, each with a type */
};

void smbios_opts_init(struct smbios_opts *o);
void smbios_opts_fini(struct smbios_opts *o);
/* The argument of one -smbios. Files of type 11 are read now. */
bool smbios_opts_add(struct smbios_opts *o, const char *text, GError **err);

/* Was anything said of that type? */
bool smbios_opts_has(const struct smbios_opts *o, unsigned type);
/* The last value given, else `otherwise`. o may be NULL: nothing was given. */
const char *smbios_opt(const struct smbios_opts *o, unsigned type, const char *key,
                       const char *otherwise);
uint64_t smbios_opt_uint(const struct smbios_opts *o, unsigned type, const char *key,
                         uint64_t otherwise);
/* Every value=, in order: const char *, the list is the caller's. */
GPtrArray *smbios_opt_all(const struct smbios_opts *o, unsigned type, const char *key);

#endif

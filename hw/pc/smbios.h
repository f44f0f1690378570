/* SPDX-License-Identifier: MIT */
/* SMBIOS tables. See smbios.c. */
#ifndef HW_PC_SMBIOS_H
#define HW_PC_SMBIOS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "hw/pc/smbios_opts.h"

struct smbios_config {
    const char *version;    /* of the emulator */
    const char *serial;     /* machine name, or NULL */
    uint8_t uuid[16];       /* as in the text form; zeros: none */
    const struct smbios_opts *opts; /* -smbios, or NULL */
    unsigned sockets, cores, threads; /* per socket, per core */
    uint64_t low_ram, high_ram;
    uint32_t cpu_signature; /* CPUID 1 EAX */
};

enum { SMBIOS_ANCHOR_LEN = 31 };

/* The structure table. */
GByteArray *smbios_build(const struct smbios_config *c);
/* The entry point for a table at that address. */
void smbios_anchor(const GByteArray *table, uint32_t gpa, uint8_t out[SMBIOS_ANCHOR_LEN]);

#endif

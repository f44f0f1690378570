/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables of the board: built without an address, then placed.
 *
 * acpi_build() is a pure function of its configuration. Direct boot places the tables itself
 * (acpi_place); firmware gets them with a list of what to patch (acpi_loader_script, the
 * "etc/table-loader" file of fw_cfg).
 */
#ifndef HW_PC_ACPI_H
#define HW_PC_ACPI_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct acpi_config {
    unsigned cpus;
    const uint32_t *apic_ids;  /* one per processor */
    bool hpet, i8042, fdc, vga, fw_cfg;
    bool serial[4];            /* COM1..COM4 */
    uint16_t pvpanic_port;     /* 0: none */
    bool q35;                  /* ICH9 and PCI Express, not PIIX */
    uint16_t pm_base;          /* of the PM I/O space */
    uint16_t gpe0, gpe0_len;   /* general purpose events in it */
    uint32_t hpet_id;          /* low half of the HPET's capability register */
    uint64_t mem32_first, mem32_last;   /* PCI windows */
    uint64_t mem64_first, mem64_last;   /* 0, 0: none */
    uint64_t ecam_base;        /* 0: no MCFG table */
    uint8_t ecam_last_bus;
};

enum acpi_blob { ACPI_TABLES, ACPI_RSDP };
struct acpi_fixup {
    enum { ACPI_FIX_POINTER, ACPI_FIX_CHECKSUM } kind;
    enum acpi_blob blob; /* in which the patched bytes lie */
    uint32_t offset;     /* of the pointer or of the checksum byte */
    uint32_t size;       /* pointer: 4 or 8; it holds an offset into ACPI_TABLES */
    uint32_t start, len; /* checksum: what it covers */
};

struct acpi_tables {
    GByteArray *blob[2];
    GArray *fixups; /* struct acpi_fixup, in the order they must be applied */
};

void acpi_build(struct acpi_tables *t, const struct acpi_config *c);
void acpi_free(struct acpi_tables *t);
/* Patch the blobs for tables_gpa (64-byte aligned); the RSDP may go anywhere. */
void acpi_place(struct acpi_tables *t, uint64_t tables_gpa);
/* Contents of etc/table-loader for etc/acpi/tables and etc/acpi/rsdp, unpatched. */
GByteArray *acpi_loader_script(const struct acpi_tables *t);

/* acpi_dsdt.c, and the host bridge's part, acpi_dsdt_pci.c */
void acpi_build_dsdt(GByteArray *aml, const struct acpi_config *c);
void acpi_build_pci_root(GByteArray *aml, const struct acpi_config *c);
void acpi_build_pci_links(GByteArray *aml, const struct acpi_config *c);

/* Facts shared by the tables and the chips. */
enum {
    ACPI_PM_BASE = 0x600, /* where a direct boot puts the PM I/O space; firmware may differ */
    ACPI_SCI_IRQ = 9,
    ACPI_SMI_CMD = 0xb2,
    ACPI_ENABLE_CMD = 0xf1,
    ACPI_DISABLE_CMD = 0xf0,
};

#endif

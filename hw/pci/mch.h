/* SPDX-License-Identifier: MIT */
/*
 * 82G33/Q35 memory controller hub at 00:00.0: configuration mechanism 1, the memory-mapped
 * configuration window of PCI Express, shadow RAM. Before realize set conf.root, low_ram, and rom
 * (what lies below shadow RAM). Map conf's ports; the rest maps itself. Machine lock.
 */
#ifndef HW_PCI_MCH_H
#define HW_PCI_MCH_H

#include "hw/pci/pam.h"
#include "hw/pci/pci_conf1.h"

enum { /* configuration registers */
    MCH_PCIEXBAR = 0x60,
    MCH_PAM0 = 0x90,
    MCH_SMRAM = 0x9d,
    MCH_ESMRAMC = 0x9e,
    MCH_TOM = 0xa0,
    MCH_TOUUD = 0xa2,
    MCH_TOLUD = 0xb0,
};

struct mch {
    struct pci_device pci;
    struct pci_conf1 conf;
    struct ram_block *rom;
    uint64_t rom_offset;
    uint64_t low_ram, high_ram; /* bytes of RAM from 0 and from 4 GiB: TOLUD, TOUUD */
    struct pam pam;
    struct region ecam;
};

extern const struct pci_device_type mch_type;

/* What firmware does before it hands over: shadow RAM open, the window at its usual place. */
void mch_open(struct mch *h, uint64_t ecam_base);
/* Where the window is; 0: it is off. */
uint64_t mch_ecam_base(const struct mch *h);
/* The last bus that it reaches. */
uint8_t mch_ecam_last_bus(const struct mch *h);

#endif

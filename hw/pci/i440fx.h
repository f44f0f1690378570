/* SPDX-License-Identifier: MIT */
/*
 * 82441FX (440FX) host bridge at 00:00.0: configuration mechanism 1 and shadow RAM.
 *
 * Before realize set conf.root, and rom (what lies below shadow RAM). Map conf's ports; the
 * shadow segments map themselves into m->mem_root.
 */
#ifndef HW_PCI_I440FX_H
#define HW_PCI_I440FX_H

#include "hw/pci/pam.h"
#include "hw/pci/pci_conf1.h"

struct i440fx {
    struct pci_device pci;
    struct pci_conf1 conf;
    struct ram_block *rom;  /* E0000h-FFFFFh of the bus below shadow RAM, or NULL */
    uint64_t rom_offset;    /* of E0000h in it */
    struct pam pam;
};

extern const struct pci_device_type i440fx_type;

/* What firmware does before it hands over: all shadow RAM readable and writable. */
void i440fx_open_shadow(struct i440fx *h);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * 82441FX (440FX) host bridge at 00:00.0: configuration mechanism 1 and shadow RAM.
 *
 * Before realize set pci_root, ram, and rom (what lies below shadow RAM). Map conf_addr at
 * cf8h and conf_data at cfch; the shadow segments map themselves into m->mem_root.
 */
#ifndef HW_PCI_I440FX_H
#define HW_PCI_I440FX_H

#include "hw/pci/pci.h"

enum { I440FX_SEGMENTS = 13 }; /* C0000h-EFFFFh in 16 KiB, F0000h in 64 KiB */

struct i440fx;
struct i440fx_segment {
    struct i440fx *host;
    uint32_t base, size;
    struct region ram;       /* reads and writes to RAM, or reads only */
    struct region write_ram; /* reads below, writes to RAM */
};

struct i440fx {
    struct pci_device pci;
    struct pci_bus *pci_root;
    struct region conf_addr, conf_data;
    uint32_t address; /* CONFADD */
    /* Port cf9h belongs to the south bridge although it lies within CONFADD. */
    uint64_t (*cf9_read)(void *arg);
    void (*cf9_write)(void *arg, uint8_t val);
    void *cf9_arg;

    struct ram_block *rom;  /* E0000h-FFFFFh of the bus below shadow RAM, or NULL */
    uint64_t rom_offset;    /* of E0000h in it */
    struct i440fx_segment seg[I440FX_SEGMENTS];
    struct region smram;    /* RAM at A0000h while SMRAM is open */
};

extern const struct pci_device_type i440fx_type;

/* What firmware does before it hands over: all shadow RAM readable and writable. */
void i440fx_open_shadow(struct i440fx *h);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration mechanism 1 (PCI Local Bus Specification 3.0, 3.2.2.3.2), as every host
 * bridge of a PC has it. Machine lock.
 *
 *   cf8h  CONFADD, whole doublewords only: 31 enable | 23:16 bus | 15:8 device, function |
 *         7:2 register. Narrower accesses pass to the bus, where only cf9h answers.
 *   cfch  CONFDATA: bytes, words, doublewords of that register
 */
#ifndef HW_PCI_PCI_CONF1_H
#define HW_PCI_PCI_CONF1_H

#include "hw/pci/pci.h"

struct pci_conf1 {
    struct pci_bus *root;
    struct region addr_io, data_io; /* to be mapped at cf8h and cfch */
    uint32_t address;               /* CONFADD */
    /* Port cf9h belongs to the south bridge although it lies within CONFADD. */
    uint64_t (*cf9_read)(void *arg);
    void (*cf9_write)(void *arg, uint8_t val);
    void *cf9_arg;
};

void pci_conf1_init(struct pci_conf1 *c);
void pci_conf1_fini(struct pci_conf1 *c);

#endif

/* SPDX-License-Identifier: MIT */
/* pci-testdev: counts accesses of a test suite's choosing. See pci_testdev.c. */
#ifndef HW_MISC_PCI_TESTDEV_H
#define HW_MISC_PCI_TESTDEV_H

#include "hw/pci/pci.h"

struct pci_testdev;

struct pci_testdev_bar {
    struct pci_testdev *dev;
    bool io;
    uint8_t test;   /* selected */
    uint32_t count;
};

struct pci_testdev {
    struct pci_device pci;
    uint64_t membar; /* size of BAR 2, 0: none */
    struct pci_testdev_bar bar[2];
    struct region mem, io, big;
};

extern const struct pci_device_type pci_testdev_type;

#endif

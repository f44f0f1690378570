/* SPDX-License-Identifier: MIT */
/* The PCI Express capability (PCI Express Base Specification 4.0, 7.5.3). Machine lock. */
#ifndef HW_PCI_PCIE_H
#define HW_PCI_PCIE_H

#include "hw/pci/pci.h"

enum pcie_type { PCIE_ENDPOINT = 0, PCIE_ROOT_PORT = 4, PCIE_RC_ENDPOINT = 9 };

enum { /* offsets in the capability */
    PCIE_FLAGS = 0x02, PCIE_DEVCAP = 0x04, PCIE_DEVCTL = 0x08, PCIE_DEVSTA = 0x0a,
    PCIE_LNKCAP = 0x0c, PCIE_LNKCTL = 0x10, PCIE_LNKSTA = 0x12, PCIE_SLTCAP = 0x14,
    PCIE_SLTCTL = 0x18, PCIE_SLTSTA = 0x1a, PCIE_RTCTL = 0x1c, PCIE_RTSTA = 0x20,
    PCIE_DEVCAP2 = 0x24, PCIE_DEVCTL2 = 0x28, PCIE_LNKCAP2 = 0x2c, PCIE_LNKCTL2 = 0x30,
    PCIE_CAP_LEN = 0x3c,
    PCIE_FLAGS_SLOT = 0x0100,
    PCIE_LNKCAP_DLLLA = 1 << 20, /* can report "data link layer active" */
    PCIE_LNKSTA_DLLLA = 1 << 13,
    PCIE_LINK_2_5GT_X1 = 0x11,
};

/* An endpoint's, or of a port the part that all functions have. The offset. */
uint8_t pci_add_express(struct pci_device *d, enum pcie_type type);

#endif

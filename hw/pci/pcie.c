/* SPDX-License-Identifier: MIT */
/*
 * The PCI Express capability of a function. The link registers tell of a trained link of 2.5 GT/s
 * and one lane; nothing depends on them. No extended capabilities (error reporting, ARI).
 */
#include "hw/pci/pcie.h"

#include <assert.h>

enum { VERSION_2 = 2, DEVCAP_ROLE_BASED = 1 << 15, DEVCTL_WRITABLE = 0x7fff, DEVSTA_W1C = 0x0f,
       LNKCTL_WRITABLE = 0x0fcb, DEVCTL2_WRITABLE = 0x001f };

uint8_t pci_add_express(struct pci_device *d, enum pcie_type type)
{
    uint8_t at = pci_add_capability(d, PCI_CAP_EXPRESS, PCIE_CAP_LEN);
    uint8_t *c = d->config + at, *w = d->wmask + at;

    assert(at);
    d->pcie_cap = at;
    pci_put16(c + PCIE_FLAGS, (uint16_t)(VERSION_2 | type << 4));
    pci_put32(c + PCIE_DEVCAP, DEVCAP_ROLE_BASED);
    pci_put16(w + PCIE_DEVCTL, DEVCTL_WRITABLE);
    pci_put16(d->w1cmask + at + PCIE_DEVSTA, DEVSTA_W1C);
    pci_put16(w + PCIE_DEVCTL2, DEVCTL2_WRITABLE);
    if (type == PCIE_RC_ENDPOINT)
        return at; /* no link */
    pci_put32(c + PCIE_LNKCAP, PCIE_LINK_2_5GT_X1);
    pci_put16(w + PCIE_LNKCTL, LNKCTL_WRITABLE);
    pci_put16(c + PCIE_LNKSTA, PCIE_LINK_2_5GT_X1);
    return at;
}

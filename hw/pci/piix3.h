/* SPDX-License-Identifier: MIT */
/*
 * 82371SB (PIIX3) function 0 at 00:01.0: PCI interrupt routing and reset control. The ISA
 * devices are chips of their own. Set isa_irq[] before realize.
 */
#ifndef HW_PCI_PIIX3_H
#define HW_PCI_PIIX3_H

#include "hw/misc/portcf9.h"
#include "hw/pci/pci.h"

struct piix3 {
    struct pci_device pci;
    struct irq_line isa_irq[16];
    uint8_t pirq_level; /* bit n: PIRQA + n is asserted; derived from the bus */
    struct portcf9 cf9;
};

extern const struct pci_device_type piix3_type;

/* irq_line sink: n = 0..3, PIRQA..D. */
void piix3_set_pirq(void *piix3, int n, int level);

#endif

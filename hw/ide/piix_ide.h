/* SPDX-License-Identifier: MIT */
/*
 * 82371SB (PIIX3) function 1 at 00:01.1: two IDE channels at the ports and interrupts of the PC
 * (1F0h, 14 and 170h, 15), with bus mastering. Set irq[] before realize.
 */
#ifndef HW_IDE_PIIX_IDE_H
#define HW_IDE_PIIX_IDE_H

#include "hw/ide/ide.h"
#include "hw/pci/pci.h"

struct piix_ide {
    struct pci_device pci;
    struct irq_line irq[2];
    struct ide_channel channel[2];
    struct region bm; /* BAR 4 */
};

extern const struct pci_device_type piix_ide_type;

#endif

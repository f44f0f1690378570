/* SPDX-License-Identifier: MIT */
/* VGA, QEMU's standard display adapter. See vga_pci.c. */
#ifndef HW_DISPLAY_VGA_PCI_H
#define HW_DISPLAY_VGA_PCI_H

#include "hw/display/edid.h"
#include "hw/display/vga.h"
#include "hw/pci/pci.h"

struct vga_pci {
    struct pci_device pci;
    uint32_t vgamem_mb;
    bool edid;
    uint32_t xres, yres;  /* of the monitor */
    struct vga vga;
    struct region lfb, mmio;
    uint8_t edid_data[EDID_SIZE];
};

extern const struct pci_device_type vga_pci_type;

#endif

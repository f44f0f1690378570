/* SPDX-License-Identifier: MIT */
/* pvpanic on the ISA bus and on PCI: how a guest's kernel says that it has panicked. */
#ifndef HW_MISC_PVPANIC_H
#define HW_MISC_PVPANIC_H

#include "hw/pci/pci.h"

/* The register, the same on both buses. */
struct pvpanic {
    struct machine *machine;
    uint8_t events; /* which the guest may report: property */
    struct region reg;
};

struct pvpanic_isa {
    struct device dev;
    uint32_t ioport;
    struct pvpanic chip;
};

struct pvpanic_pci {
    struct pci_device pci;
    struct pvpanic chip;
};

enum { PVPANIC_PORT = 0x505 };

extern const struct device_type pvpanic_isa_type;
extern const struct pci_device_type pvpanic_pci_type;

#endif

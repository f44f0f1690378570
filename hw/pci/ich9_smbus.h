/* SPDX-License-Identifier: MIT */
/* ICH9 SMBus controller at 00:1f.3. Machine lock. */
#ifndef HW_PCI_ICH9_SMBUS_H
#define HW_PCI_ICH9_SMBUS_H

#include "hw/misc/smbus_host.h"
#include "hw/pci/pci.h"

struct ich9_smbus {
    struct pci_device pci;
    struct smbus_host smb; /* BAR 4, while HOSTC enables it */
    struct region bar;
};

extern const struct pci_device_type ich9_smbus_type;

#endif

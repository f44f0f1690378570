/* SPDX-License-Identifier: MIT */
/*
 * 82371AB (PIIX4) function 3 at 00:01.3: power management and SMBus. Set `pm.sci` (ISA 9) before
 * realize; map pm.apm at b2h. Machine lock.
 */
#ifndef HW_PCI_PIIX4_PM_H
#define HW_PCI_PIIX4_PM_H

#include "hw/misc/smbus_host.h"
#include "hw/pci/acpi_pm.h"
#include "hw/pci/pci.h"

struct piix4_pm {
    struct pci_device pci;
    struct acpi_pm pm;
    struct smbus_host smb;
    struct region pm_io;
    uint8_t misc[0x40];  /* registers that only store: P_CNT, global and device registers */
};

extern const struct pci_device_type piix4_pm_type;

/* Where the PM I/O space is at this moment; 0: nowhere. */
uint16_t piix4_pm_base(const struct piix4_pm *pm);
/* What firmware does before it hands over: PM registers at 600h, SMBus at 700h, ACPI off. */
void piix4_pm_open(struct piix4_pm *pm);

#endif

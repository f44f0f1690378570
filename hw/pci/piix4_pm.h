/* SPDX-License-Identifier: MIT */
/*
 * 82371AB (PIIX4) function 3 at 00:01.3: power management and SMBus. Set `sci` (ISA 9) before
 * realize; map apm at b2h. Machine lock.
 */
#ifndef HW_PCI_PIIX4_PM_H
#define HW_PCI_PIIX4_PM_H

#include "core/clock.h"
#include "hw/pci/pci.h"

struct piix4_pm {
    struct pci_device pci;
    struct irq_line sci;
    struct region pm_io, smb_io, apm;
    uint16_t pmsts, pmen, pmcntrl, gpsts, gpen;
    uint8_t misc[0x40];  /* registers that only store: P_CNT, global and device registers */
    int64_t tmr_flip;    /* PM timer tick at which the top bit changes next, unless in pmsts */
    struct timer timer;  /* at tmr_flip, while it would raise SCI */
    uint8_t apm_cnt, apm_sts;
    uint8_t smb_sts, smb_cnt, smb_cmd, smb_add, smb_dat0, smb_dat1, smb_index;
    uint8_t smb_block[32];
};

extern const struct pci_device_type piix4_pm_type;

void piix4_pm_power_button(void *pm);
/* Where the PM I/O space is at this moment; 0: nowhere. */
uint16_t piix4_pm_base(const struct piix4_pm *pm);
/* What firmware does before it hands over: PM registers at 600h, SMBus at 700h, ACPI off. */
void piix4_pm_open(struct piix4_pm *pm);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * ICH9 LPC bridge at 00:1f.0: interrupt routing, ACPI power management, reset control. The ISA
 * devices are chips of their own. Before realize set isa_irq[], pirq_gsi[] and pm.sci; map pm.apm
 * at b2h; give the root bus ich9_lpc_swizzle() and the lines ich9_lpc_set_pirq(). Machine lock.
 */
#ifndef HW_PCI_ICH9_LPC_H
#define HW_PCI_ICH9_LPC_H

#include "hw/misc/portcf9.h"
#include "hw/pci/acpi_pm.h"
#include "hw/pci/ich9_regs.h"
#include "hw/pci/pci.h"

enum { ICH9_PIRQS = 8 };

struct ich9_lpc {
    struct pci_device pci;
    struct irq_line isa_irq[16];
    struct irq_line pirq_gsi[ICH9_PIRQS]; /* I/O APIC pins 16 to 23 */
    uint8_t pirq_level;                   /* bit n: PIRQA + n is asserted; derived */
    uint16_t dir[7];                      /* D25IR to D31IR that the wires follow; derived */
    struct portcf9 cf9;
    struct acpi_pm pm;
    uint8_t pm_misc[ICH9_PM_SIZE];        /* registers that only store */
    uint8_t cc[ICH9_CC_SIZE];             /* chipset configuration from 3000h on */
    struct region pm_io, rcrb;
};

extern const struct pci_device_type ich9_lpc_type;

/* irq_line sink: n = 0..7, PIRQA..H. */
void ich9_lpc_set_pirq(void *lpc, int n, int level);
unsigned ich9_lpc_swizzle(void *lpc, unsigned slot, unsigned pin);
/* Where the PM I/O space is at this moment; 0: nowhere. */
uint16_t ich9_lpc_pm_base(const struct ich9_lpc *lpc);
/* What firmware does before it hands over: PM registers at 600h, ACPI off. */
void ich9_lpc_open(struct ich9_lpc *lpc);

#endif

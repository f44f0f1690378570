/* SPDX-License-Identifier: MIT */
/*
 * I/O APIC with 24 inputs: the 82093AA's registers, version 20h with an EOI register.
 *
 * Map `mmio` (4 KiB) at fec00000h; connect apic_bus.eoi to ioapic_eoi(). Machine lock.
 */
#ifndef HW_INTC_IOAPIC_H
#define HW_INTC_IOAPIC_H

#include "core/device.h"
#include "core/irq.h"
#include "core/irqchip.h"
#include "core/region.h"

#define IOAPIC_PINS IRQCHIP_PINS

struct ioapic {
    struct device dev;
    struct region mmio;
    uint8_t id;     /* 4 bits; the board's choice is `reset_id` */
    uint8_t reset_id;
    uint8_t select; /* IOREGSEL */
    uint32_t lines; /* level of the inputs */
    uint64_t redir[IOAPIC_PINS];
};

extern const struct device_type ioapic_type;

/* irq_line sink: inputs 0-23. */
void ioapic_set_irq(void *ioapic, int n, int level);
/* A local APIC has ended a level-triggered interrupt (apic_bus.eoi). */
void ioapic_eoi(void *ioapic, uint8_t vector);
void ioapic_describe(const struct ioapic *a, GString *out);

#endif

/* SPDX-License-Identifier: MIT */
/* 82093AA I/O APIC registers, and the EOI register of version 20h. */
#ifndef HW_INTC_IOAPIC_REGS_H
#define HW_INTC_IOAPIC_REGS_H

enum {
    IOREGSEL = 0x00, IOWIN = 0x10, IOEOI = 0x40,
    /* behind the window */
    IOAPICID = 0x00, IOAPICVER = 0x01, IOAPICARB = 0x02, IOREDTBL = 0x10,
    IOAPIC_VERSION = 0x20,
    /* redirection entry, low doubleword */
    RTE_VECTOR = 0xff, RTE_DELIVERY_SHIFT = 8, RTE_LOGICAL = 1 << 11, RTE_DELIVERY_STATUS = 1 << 12,
    RTE_LOW_ACTIVE = 1 << 13, RTE_REMOTE_IRR = 1 << 14, RTE_LEVEL = 1 << 15, RTE_MASKED = 1 << 16,
    RTE_LOW_WRITABLE = 0x1afff,
    RTE_DEST_SHIFT = 56,
};

#endif

/* SPDX-License-Identifier: MIT */
/* Intel ICH9 (316972): LPC bridge and SMBus registers. */
#ifndef HW_PCI_ICH9_REGS_H
#define HW_PCI_ICH9_REGS_H

enum { /* LPC bridge, configuration (13.1) */
    ICH9_PMBASE = 0x40,
    ICH9_ACPI_CNTL = 0x44,
    ACPI_CNTL_EN = 0x80,
    ICH9_GPIOBASE = 0x48,
    ICH9_PIRQA = 0x60, /* to D; E to H from 68h on */
    ICH9_PIRQE = 0x68,
    ICH9_SIRQ_CNTL = 0x64,
    ICH9_LPC_IODEC = 0x80,
    ICH9_GEN_PMCON_1 = 0xa0,
    ICH9_RCBA = 0xf0,
    RCBA_EN = 0x01,
    RCBA_SIZE = 0x4000,
};
enum { /* PIRQx */
    ICH9_PIRQ_OFF = 0x80,
    ICH9_PIRQ_IRQ = 0x0f,
};
enum { /* PM I/O space (13.8.3), beside the PM1 block */
    ICH9_GPE0_STS = 0x20, /* 64 bits */
    ICH9_GPE0_EN = 0x28,
    ICH9_SMI_EN = 0x30,
    SMI_EN_APMC = 0x20,
    ICH9_TCO = 0x60,
    TCO1_CNT = 0x08,
    TCO_TMR_HLT = 0x0800,
    ICH9_PM_SIZE = 0x80,
    ICH9_GPE_BITS = 64,
};
enum { /* chipset configuration registers (10.1) */
    ICH9_CC_FIRST = 0x3000, ICH9_CC_SIZE = 0x1000,
    ICH9_D31IR = 0x3140, ICH9_D30IR = 0x3142, ICH9_D29IR = 0x3144, ICH9_D28IR = 0x3146,
    ICH9_D27IR = 0x3148, ICH9_D26IR = 0x314c, ICH9_D25IR = 0x3150,
    DIR_RESET = 0x3210, /* INTA to PIRQA .. INTD to PIRQD */
};
enum { /* SMBus controller, configuration (18.1) */
    ICH9_HOSTC = 0x40,
    HOSTC_EN = 0x01,
    ICH9_SMB_SIZE = 32,
};

#endif

/* SPDX-License-Identifier: MIT */
/* 82371SB (PIIX3, Intel 290550) and 82371AB (PIIX4, Intel 290562) registers. */
#ifndef HW_PCI_PIIX_REGS_H
#define HW_PCI_PIIX_REGS_H

enum { /* PIIX3 function 0 configuration */
    PIIX_PIRQRC = 0x60, /* A to D */
    PIRQRC_OFF = 0x80,
    PIRQRC_IRQ = 0x0f,
};
enum { /* PIIX4 function 3 configuration */
    PIIX4_PMBA = 0x40,
    PIIX4_DEVACTB_HI = 0x5b, /* bit 1: APMC_EN */
    PIIX4_PMREGMISC = 0x80,
    PMREGMISC_PMIOSE = 0x01, /* PM I/O space on */
    PIIX4_SMBBA = 0x90,
    PIIX4_SMBHSTCFG = 0xd2,
    SMBHSTCFG_ENABLE = 0x01,
};
enum { /* PM I/O space, beside the PM1 block (acpi_pm.h) */
    GPSTS = 0x0c, GPEN = 0x0e, PCNTRL = 0x10, PLVL2 = 0x14, GLBSTS = 0x18, DEVSTS = 0x1c,
    GLBEN = 0x20, GLBCTL = 0x28, DEVCTL = 0x2c, GPIREG = 0x30, GPOREG = 0x34, PM_IO_SIZE = 0x40,
    /* GPSTS, GPEN */
    GP_ALL = 0x0b01,
    GP_GPI = 8, /* the general purpose input */
};
enum { SMB_IO_SIZE = 16 };

#endif

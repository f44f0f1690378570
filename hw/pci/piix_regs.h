/* SPDX-License-Identifier: MIT */
/* 82371SB (PIIX3, Intel 290550) and 82371AB (PIIX4, Intel 290562) registers. */
#ifndef HW_PCI_PIIX_REGS_H
#define HW_PCI_PIIX_REGS_H

enum { /* PIIX3 function 0 configuration */
    PIIX_PIRQRC = 0x60, /* A to D */
    PIRQRC_OFF = 0x80,
    PIRQRC_IRQ = 0x0f,
};
enum { /* RC, port cf9h */
    RC_HARD = 0x02,  /* what kind of reset bit 2 starts */
    RC_RESET = 0x04, /* 0 to 1: reset now */
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
enum { /* PM I/O space */
    PMSTS = 0x00, PMEN = 0x02, PMCNTRL = 0x04, PMTMR = 0x08, GPSTS = 0x0c, GPEN = 0x0e,
    PCNTRL = 0x10, PLVL2 = 0x14, GLBSTS = 0x18, DEVSTS = 0x1c, GLBEN = 0x20, GLBCTL = 0x28,
    DEVCTL = 0x2c, GPIREG = 0x30, GPOREG = 0x34, PM_IO_SIZE = 0x40,
    /* PMSTS and PMEN */
    PM_TMR = 0x0001, PM_BM = 0x0010, PM_GBL = 0x0020, PM_PWRBTN = 0x0100, PM_RTC = 0x0400,
    PM_RSM = 0x8000, PMEN_WRITABLE = PM_TMR | PM_GBL | PM_PWRBTN | PM_RTC,
    PMSTS_ALL = PM_TMR | PM_BM | PM_GBL | PM_PWRBTN | PM_RTC | PM_RSM,
    /* PMCNTRL */
    PMC_SCI_EN = 0x0001, PMC_BRLD = 0x0002, PMC_GBL_RLS = 0x0004, PMC_SUS_TYP = 0x1c00,
    PMC_SUS_SHIFT = 10, PMC_SUS_EN = 0x2000, SUS_SOFT_OFF = 0,
    PMC_STORED = PMC_SCI_EN | PMC_BRLD | PMC_SUS_TYP,
    /* GPSTS, GPEN */
    GP_ALL = 0x0b01,
};
enum { /* SMBus host I/O space */
    SMBHSTSTS = 0, SMBHSTCNT = 2, SMBHSTCMD = 3, SMBHSTADD = 4, SMBHSTDAT0 = 5, SMBHSTDAT1 = 6,
    SMBBLKDAT = 7, SMB_IO_SIZE = 16,
    SMBSTS_INTR = 0x02, SMBSTS_DEV_ERR = 0x04, SMBSTS_W1C = 0x1e,
    SMBCNT_INTEN = 0x01, SMBCNT_START = 0x40, SMBCNT_PROT = 0x1c,
};
enum { APM_CNT = 0xb2, APM_STS = 0xb3 };
#define PM_TIMER_HZ 3579545

#endif

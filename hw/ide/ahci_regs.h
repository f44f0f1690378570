/* SPDX-License-Identifier: MIT */
/* Serial ATA AHCI 1.3.1: registers and structures in memory; FISes of Serial ATA 3.0, 10.3. */
#ifndef HW_IDE_AHCI_REGS_H
#define HW_IDE_AHCI_REGS_H

enum { /* generic host control (3.1) */
    AHCI_CAP = 0x00, AHCI_GHC = 0x04, AHCI_IS = 0x08, AHCI_PI = 0x0c, AHCI_VS = 0x10,
    AHCI_CAP2 = 0x24, AHCI_BOHC = 0x28,
    AHCI_PORT_BASE = 0x100, AHCI_PORT_SIZE = 0x80,
    CAP_NCS_SHIFT = 8, CAP_ISS_3GBPS = 2 << 20, CAP_AHCI_ONLY = 1 << 18, CAP_SCLO = 1 << 24,
    GHC_HR = 1, GHC_IE = 2,
    AHCI_VERSION_1_3 = 0x00010300,
};
#define CAP_S64A 0x80000000u
#define CAP_SNCQ 0x40000000u
#define GHC_AE   0x80000000u

enum { /* port registers (3.3) */
    PX_CLB = 0x00, PX_CLBU = 0x04, PX_FB = 0x08, PX_FBU = 0x0c, PX_IS = 0x10, PX_IE = 0x14,
    PX_CMD = 0x18, PX_TFD = 0x20, PX_SIG = 0x24, PX_SSTS = 0x28, PX_SCTL = 0x2c, PX_SERR = 0x30,
    PX_SACT = 0x34, PX_CI = 0x38,
    /* PxIS, PxIE */
    PXI_DHRS = 1 << 0, PXI_PSS = 1 << 1, PXI_SDBS = 1 << 3, PXI_PCS = 1 << 6,
    PXI_PRCS = 1 << 22, PXI_OFS = 1 << 24, PXI_HBFS = 1 << 29, PXI_TFES = 1 << 30,
    PXI_FROM_SERR = PXI_PCS | PXI_PRCS, /* cleared through PxSERR */
    /* PxCMD */
    PXC_ST = 1 << 0, PXC_SUD = 1 << 1, PXC_POD = 1 << 2, PXC_CLO = 1 << 3, PXC_FRE = 1 << 4,
    PXC_CCS_SHIFT = 8, PXC_FR = 1 << 14, PXC_CR = 1 << 15, PXC_ATAPI = 1 << 24,
    PXC_WRITABLE = PXC_ST | PXC_FRE | PXC_ATAPI,
    /* PxSSTS, PxSCTL, PxSERR */
    SSTS_ONLINE = 0x123, SSTS_OFFLINE = 0, SCTL_DET = 0xf, SCTL_DET_INIT = 1,
    SERR_DIAG_X = 1 << 26, SERR_DIAG_N = 1 << 16,
    TFD_NONE = 0x7f, SIG_ATA = 0x00000101,
};
#define PXI_ALL      0xfdc000ffu
#define SIG_ATAPI    0xeb140101u
#define SIG_NONE     0xffffffffu

enum { /* command list and table (4.2) */
    CMD_HEADER = 32, CMD_SLOTS = 32, CMD_PRDBC_AT = 4, CMD_CTBA_AT = 8,
    CMD_CFL = 0x1f, CMD_ATAPI = 1 << 5, CMD_CLEAR_BUSY = 1 << 10, CMD_PRDTL_SHIFT = 16,
    TABLE_ACMD = 0x40, TABLE_PRDT = 0x80, PRD_SIZE = 16, PRD_LEN_AT = 12, PRD_DBC = 0x3fffff,
    /* received FIS area */
    RFIS_PIO = 0x20, RFIS_D2H = 0x40, RFIS_SDB = 0x58,
};
enum { /* FISes */
    FIS_H2D = 0x27, FIS_D2H = 0x34, FIS_PIO_SETUP = 0x5f, FIS_SDB = 0xa1, FIS_REG_LEN = 20,
    FIS_SDB_LEN = 8, FIS_IS_COMMAND = 0x80, FIS_I = 0x40, FIS_D = 0x20, /* D: device to host */
};

#endif

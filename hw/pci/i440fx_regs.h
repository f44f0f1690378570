/* SPDX-License-Identifier: MIT */
/* 82441FX registers (Intel 290549, ch. 3). */
#ifndef HW_PCI_I440FX_REGS_H
#define HW_PCI_I440FX_REGS_H

enum {
    CONFADD_ENABLE_BIT = 31,
    I440FX_PAM0 = 0x59, /* to 5fh */
    I440FX_PAM_COUNT = 7,
    PAM_READ = 1, /* reads go to DRAM */
    PAM_WRITE = 2,
    I440FX_SMRAM = 0x72,
    SMRAM_RESET = 0x02,
    SMRAM_G_SMRAME = 0x08,
    SMRAM_D_LCK = 0x10,
    SMRAM_D_OPEN = 0x40,
};

#endif

/* SPDX-License-Identifier: MIT */
/* 82441FX registers (Intel 290549, ch. 3). The bits of PAM and SMRAM are in pam.h. */
#ifndef HW_PCI_I440FX_REGS_H
#define HW_PCI_I440FX_REGS_H

enum {
    I440FX_PAM0 = 0x59, /* to 5fh */
    I440FX_SMRAM = 0x72,
};

#endif

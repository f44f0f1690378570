/* SPDX-License-Identifier: MIT */
/* Registers of the 6300ESB's watchdog timer, in the datasheet's words (Intel 300641, 16). */
#ifndef HW_MISC_I6300ESB_REGS_H
#define HW_MISC_I6300ESB_REGS_H

enum { /* configuration space */
    ESB_CONFIG = 0x60, /* 16 bits */
    ESB_LOCK = 0x68,   /* 8 bits */
};
enum { /* ESB_CONFIG */
    ESB_WDT_INT_TYPE = 3, /* of the first stage: 0 IRQ, 2 SMI, 3 none */
    ESB_WDT_FREQ = 1 << 2, /* 1: about 1 MHz, 0: about 1 kHz */
    ESB_WDT_OUTPUT = 1 << 5, /* 1: the second stage's output is disabled */
};
enum { /* ESB_LOCK */
    ESB_WDT_LOCK = 1 << 0, /* until reset nothing in ESB_LOCK changes */
    ESB_WDT_ENABLE = 1 << 1,
    ESB_WDT_FUNC = 1 << 2, /* 1: free running, the first stage only */
};
enum { /* BAR 0 */
    ESB_TIMER1 = 0x00, /* preload values, 20 bits */
    ESB_TIMER2 = 0x04,
    ESB_GINTSR = 0x08, /* bit 0: first stage has expired; write 1 to clear */
    ESB_RELOAD = 0x0c, /* 16 bits */
    ESB_BAR_SIZE = 0x10,
    ESB_PRELOAD_MASK = 0xfffff,
};
enum { /* ESB_RELOAD */
    ESB_UNLOCK1 = 0x80, /* the sequence before each write to TIMER1, TIMER2, RELOAD */
    ESB_UNLOCK2 = 0x86,
    ESB_WDT_RELOAD = 1 << 8,
    ESB_WDT_TIMEOUT = 1 << 9, /* the second stage has expired; write 1 to clear */
};

#endif

/* SPDX-License-Identifier: MIT */
/* Registers of an 8237A (231466-005) as a PC has two, and the page registers beside them. */
#ifndef HW_MISC_I8237_REGS_H
#define HW_MISC_I8237_REGS_H

/* offsets in a chip; the second chip's are two ports apart */
enum {
    DMA_ADDRESS = 0, /* 2 * channel; count is the next */
    DMA_STATUS = 8,  /* read */
    DMA_COMMAND = 8, /* write */
    DMA_REQUEST = 9,
    DMA_MASK_ONE = 10,
    DMA_MODE = 11,
    DMA_CLEAR_FF = 12,
    DMA_MASTER_CLEAR = 13,
    DMA_CLEAR_MASK = 14,
    DMA_MASK_ALL = 15,
};

enum { DMA_COMMAND_DISABLE = 0x04 };
enum {
    DMA_MODE_AUTOINIT = 0x10,
    DMA_MODE_DOWN = 0x20,
    DMA_MODE_KIND = 0x0c,
    DMA_MODE_VERIFY = 0x00,
    DMA_MODE_TO_MEMORY = 0x04,
    DMA_MODE_FROM_MEMORY = 0x08,
    DMA_MODE_CASCADE = 0xc0,
};

#endif

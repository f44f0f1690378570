/* SPDX-License-Identifier: MIT */
/* 8254 control word (Intel 231164, figures 7, 10-14). */
#ifndef HW_TIMER_I8254_REGS_H
#define HW_TIMER_I8254_REGS_H

enum {
    PIT_CONTROL = 3, /* port; 0-2 are the counters */
    PIT_BCD = 0x01, PIT_MODE_SHIFT = 1, PIT_RW_SHIFT = 4, PIT_SELECT_SHIFT = 6,
    PIT_RW_LATCH = 0, PIT_RW_LOW = 1, PIT_RW_HIGH = 2, PIT_RW_BOTH = 3,
    PIT_SELECT_READBACK = 3,
    PIT_READBACK_NO_COUNT = 0x20, PIT_READBACK_NO_STATUS = 0x10,
    PIT_STATUS_OUT = 0x80, PIT_STATUS_NULL = 0x40,
};

#endif

/* SPDX-License-Identifier: MIT */
/* MC146818A registers (Motorola, "Registers"), and the PC's use of the RAM. */
#ifndef HW_TIMER_MC146818_REGS_H
#define HW_TIMER_MC146818_REGS_H

enum {
    RTC_SECONDS = 0, RTC_SECONDS_ALARM = 1, RTC_MINUTES = 2, RTC_MINUTES_ALARM = 3, RTC_HOURS = 4,
    RTC_HOURS_ALARM = 5, RTC_WEEKDAY = 6, RTC_DAY = 7, RTC_MONTH = 8, RTC_YEAR = 9,
    RTC_A = 10, RTC_B = 11, RTC_C = 12, RTC_D = 13, RTC_CENTURY = 0x32,

    RTC_A_UIP = 0x80, RTC_A_DV = 0x70, RTC_A_DV_32K = 0x20, RTC_A_DV_RESET = 0x60, RTC_A_RS = 0x0f,
    RTC_B_SET = 0x80, RTC_B_PIE = 0x40, RTC_B_AIE = 0x20, RTC_B_UIE = 0x10, RTC_B_SQWE = 0x08,
    RTC_B_BINARY = 0x04, RTC_B_24H = 0x02, RTC_B_DSE = 0x01,
    RTC_C_IRQF = 0x80, RTC_C_PF = 0x40, RTC_C_AF = 0x20, RTC_C_UF = 0x10, RTC_C_FLAGS = 0x70,
    RTC_D_VRT = 0x80,
    RTC_DONT_CARE = 0xc0, RTC_PM = 0x80,
    RTC_UIP_NS = 244141, /* UIP rises this long before the update */
};

#endif

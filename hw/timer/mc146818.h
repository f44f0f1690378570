/* SPDX-License-Identifier: MIT */
/*
 * MC146818A real-time clock with 128 bytes of CMOS RAM.
 *
 * Map `io` (2 ports) at 70h; set `irq` before realize. Machine lock.
 */
#ifndef HW_TIMER_MC146818_H
#define HW_TIMER_MC146818_H

#include "core/clock.h"
#include "core/device.h"
#include "core/irq.h"
#include "core/region.h"

struct mc146818 {
    struct device dev;
    struct irq_line irq;
    struct region io;
    struct clock *clock;  /* host or virtual, by -rtc clock= */
    uint8_t cmos[128];    /* the time registers are brought up to date when somebody looks */
    uint8_t index;        /* of port 70h, 7 bits */
    bool nmi_masked;      /* bit 7 of port 70h; nothing here raises NMI */
    int64_t start_ns;     /* base_ns as -rtc gave it: not state */
    int64_t base_ns;      /* time since 1970 = clock_now(clock) + base_ns */
    int64_t seen_s;       /* second up to which update and alarm flags are accounted */
    int64_t seen_tick;    /* 32768 Hz tick up to which the periodic flag is */
    struct timer update_timer;   /* on `clock`: next update or alarm that interrupts */
    struct timer periodic_timer; /* on the virtual clock */
};

extern const struct device_type mc146818_type;

/* The board fills CMOS bytes (memory size, boot order); survives reset. */
void mc146818_set_cmos(struct mc146818 *rtc, unsigned index, uint8_t value);

#endif

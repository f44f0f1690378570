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
    uint8_t cmos[128];    /* time registers are current as of `seen` when the divider is off */
    uint8_t index;        /* of port 70h, 7 bits */
    bool nmi_masked;      /* bit 7 of port 70h */
    int64_t base_ns;      /* RTC time (ns since 1970) = clock_now(clock) + base_ns, while counting */
    int64_t held_ns;      /* RTC time while held (SET or divider reset) */
    bool held;
    int64_t seen;         /* virtual ns up to which update/alarm flags are accounted */
    int64_t seen_rtc;     /* RTC seconds at that moment */
    int64_t periodic_base; /* virtual ns of a periodic edge */
    int64_t periodic_seen; /* virtual ns up to which periodic edges are accounted */
    struct timer timer, periodic_timer;
};

extern const struct device_type mc146818_type;

/* The board fills CMOS bytes (memory size, boot order); survives reset. */
void mc146818_set_cmos(struct mc146818 *rtc, unsigned index, uint8_t value);

#endif

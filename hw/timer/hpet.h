/* SPDX-License-Identifier: MIT */
/*
 * High-precision event timer block: 3 comparators, 64-bit main counter at 100 MHz (10 ns).
 *
 * Map `mmio` (1 KiB) at fed00000h. Set `route` (I/O APIC inputs) and `legacy_out` (ISA IRQ 0
 * and 8) before realize; connect the PIT's and the RTC's outputs to hpet_legacy_in, n = 0, 1:
 * they pass through unless legacy replacement is on. Machine lock.
 */
#ifndef HW_TIMER_HPET_H
#define HW_TIMER_HPET_H

#include "core/clock.h"
#include "core/device.h"
#include "core/irq.h"
#include "core/region.h"

#define HPET_TIMERS 3
#define HPET_NS_PER_TICK 10

struct hpet;

struct hpet_timer {
    uint64_t config;
    uint64_t comparator; /* advanced by `period` lazily */
    uint64_t period;     /* periodic mode: last value written */
    bool out;            /* edge mode: the output since the last match */
    struct timer timer;
    struct hpet *hpet;
    unsigned n;
};

struct hpet {
    struct device dev;
    struct irq_line route[24];
    struct irq_line legacy_out[2];
    struct region mmio;
    uint64_t config; /* ENABLE_CNF, LEG_RT_CNF */
    uint32_t status; /* level-triggered timers that fired */
    uint64_t counter; /* main counter: while halted, or as of start_ns */
    int64_t start_ns; /* virtual ns */
    uint8_t legacy_in; /* levels of the PIT's and RTC's outputs */
    uint32_t driven;   /* routes told to be high */
    struct hpet_timer t[HPET_TIMERS];
};

extern const struct device_type hpet_type;

/* irq_line sink: n = 0 the PIT's OUT0, 1 the RTC's IRQ. */
void hpet_legacy_in(void *hpet, int n, int level);

#endif

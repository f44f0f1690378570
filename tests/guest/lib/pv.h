/* SPDX-License-Identifier: MIT */
/* KVM's registers and pages for guest programs. Linux, Documentation/virt/kvm/x86/msr.rst. */
#ifndef PV_H
#define PV_H

#include "apic.h"

enum {
    OLD_WALL = 0x11, OLD_TIME = 0x12, WALL = 0x4b564d00, TIME = 0x4b564d01, PV_EOI = 0x4b564d04,
    POLL = 0x4b564d05, ENABLED = 1,
};

struct time_page {
    uint32_t version, pad;
    uint64_t tsc, system;
    uint32_t mul;
    int8_t shift;
    uint8_t flags, pad2[2];
};
struct wall_page {
    uint32_t version, sec, nsec;
};

/* The document's formula. */
static inline uint64_t pv_time(volatile struct time_page *p)
{
    for (;;) {
        uint32_t version = p->version;
        uint64_t d = rdtsc() - p->tsc, ns;
        d = p->shift >= 0 ? d << p->shift : d >> -p->shift;
        ns = p->system + (uint64_t)((unsigned __int128)d * p->mul >> 32);
        if (!(version & 1) && version == p->version)
            return ns;
    }
}

static inline bool test_and_clear(volatile uint32_t *flag)
{
    bool was;
    asm volatile("btrl $0, %1" : "=@ccc"(was), "+m"(*flag));
    return was;
}

#endif

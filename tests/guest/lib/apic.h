/* SPDX-License-Identifier: MIT */
/* The interrupt controllers for guest programs; handlers that note what came. */
#ifndef APIC_H
#define APIC_H

#include "guest.h"

enum {
    ICR = 0x300, ICR2 = 0x310, EOI = 0xb0, SVR = 0xf0, TPR = 0x80, LVTT = 0x320, LINT0 = 0x350,
    TIMER_INITIAL = 0x380, TIMER_CURRENT = 0x390, DIVIDE = 0x3e0, VERSION = 0x30, TMR = 0x180,
    SELF = 1 << 18, OTHERS = 3 << 18, NMI = 4 << 8, INIT = 5 << 8, SIPI = 6 << 8, ASSERT = 1 << 14,
    MASKED = 1 << 16, PERIODIC = 1 << 17, TSC_DEADLINE = 2 << 17,
    LINE = 14, LEVEL = 1 << 15,
    MSR_BASE = 0x1b, MSR_DEADLINE = 0x6e0, MSR_X2 = 0x800, EN = 1 << 11, EXTD = 1 << 10,
};

static volatile unsigned count, order[16];
static volatile ulong last_ip;

static inline void lapic_write(unsigned reg, uint32_t v)
{
    *(volatile uint32_t *)(0xfee00000ul + reg) = v;
}

static inline uint32_t lapic_read(unsigned reg)
{
    return *(volatile uint32_t *)(0xfee00000ul + reg);
}

static inline void ioapic_write(unsigned reg, uint32_t v)
{
    *(volatile uint32_t *)0xfec00000ul = reg;
    *(volatile uint32_t *)0xfec00010ul = v;
}

static inline uint32_t ioapic_read(unsigned reg)
{
    *(volatile uint32_t *)0xfec00000ul = reg;
    return *(volatile uint32_t *)0xfec00010ul;
}

static inline void route(unsigned pin, uint32_t low)
{
    ioapic_write(0x11 + 2 * pin, 0);
    ioapic_write(0x10 + 2 * pin, low);
}

static inline void line(int level)
{
    outb(0x2000 + LINE, level);
}

static inline void sti(void)
{
    asm volatile("sti; nop" : : : "memory");
}

static inline void cli(void)
{
    asm volatile("cli" : : : "memory");
}

static inline void settle(void)
{
    for (unsigned i = 0; i < 20; i++)
        inb(0x61);
}

static inline uint64_t rdtsc(void)
{
    uint32_t a, d;
    asm volatile("rdtsc" : "=a"(a), "=d"(d));
    return a | (uint64_t)d << 32;
}

static inline void note(struct regs *r)
{
    if (count < 16)
        order[count] = r->vec;
    count++;
    last_ip = r->ip;
}

static inline void on_apic(struct regs *r)
{
    note(r);
    lapic_write(EOI, 0);
}

static inline void watch(unsigned vec, void (*fn)(struct regs *))
{
    hook[vec] = fn;
    count = 0;
    last_ip = 0;
}

/* Halt until `want` interrupts have come. */
static inline void wait_for(unsigned want)
{
    for (;;) {
        cli();
        if (count >= want)
            return;
        asm volatile("sti; hlt; cli" : : : "memory");
    }
}

#endif

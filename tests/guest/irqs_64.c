/* SPDX-License-Identifier: MIT */
/*
 * options: -smp 4 -device pc-testdev
 * kvm: needs irq-window
 * Interrupts at once: what a device, a message to oneself or a passed deadline raises is taken
 * before the next instruction, and what waits is taken right behind STI's shadow or IRET.
 * Intel SDM vol. 3 sections 6.8.1, 6.7.1, 10.5.4, 10.8; 82093AA data sheet. All of it is MANUAL:
 * QEMU's CPU threads see a device's interrupt some instructions later.
 */
#include "apic.h"

static ulong ips[8];

static void on_level(struct regs *r)
{
    note(r);
    if (count <= 8)
        ips[count - 1] = r->ip;
    line(0);
    lapic_write(EOI, 0);
}

static void on_edge(struct regs *r)
{
    if (count < 8)
        ips[count] = r->ip;
    note(r);
    lapic_write(EOI, 0);
}

static void line15(int level)
{
    outb(0x2000 + 15, level);
}

static void at_once(void)
{
    sti();
    watch(0x76, on_edge);
    route(LINE, 0x76);
    line(1);
    line(0);
    asm volatile("nop");
    unsigned n = count;
    print(MANUAL "edge: %u\n", n);
    watch(0x77, on_level);
    route(LINE, LEVEL | 0x77);
    line(1);
    asm volatile("nop");
    n = count;
    print(MANUAL "level: %u\n", n);
    line(1);
    line(1);
    asm volatile("nop");
    n = count;
    print(MANUAL "level again, twice: %u\n", n);
    cli();
    watch(0x78, on_edge);
    hook[0x66] = on_edge;
    route(LINE, 0x78);
    route(15, 0x66);
    line15(1);
    line15(0);
    line(1);
    line(0);
    sti();
    asm volatile("nop");
    cli();
    print(MANUAL "two at one instruction: %u, %x %x, same place %d\n", count, order[0], order[1],
          ips[0] == ips[1]);
    watch(0x33, on_edge);
    asm volatile("sti; movl $0x40033, (%0); nop; cli" : : "r"(0xfee00300ul) : "memory");
    print(MANUAL "message to itself: %u\n", count);
}

static unsigned tmr(unsigned vec)
{
    return lapic_read(TMR + (vec >> 5) * 16) >> (vec & 31) & 1;
}

static volatile unsigned seen_tmr;
static void on_tmr(struct regs *r)
{
    note(r);
    seen_tmr = tmr(r->vec);
    line(0);
    lapic_write(EOI, 0);
}

static void trigger_mode(void)
{
    static const unsigned modes[4] = {0, LEVEL, LEVEL, 0};
    sti();
    for (unsigned i = 0; i < 4; i++) {
        watch(0x79, on_tmr);
        route(LINE, modes[i] | 0x79);
        unsigned before = tmr(0x79);
        line(1);
        asm volatile("nop");
        unsigned n = count;
        print(MANUAL "TMR: %u before, %u in the handler, %u taken\n", before, seen_tmr, n);
        line(0);
    }
    cli();
}

static volatile unsigned nmis;
static void on_nmi(struct regs *r)
{
    note(r);
    if (count == 1)
        for (unsigned i = 0; i < 10; i++) {
            lapic_write(ICR2, 0);
            lapic_write(ICR, NMI);
        }
}

static ulong iret_ip;
extern char after_iret[];
static void on_nmi_iret(struct regs *r)
{
    note(r);
    if (count == 1) { /* IRET to here ends the blocking: the second comes before the next one */
        lapic_write(ICR, NMI);
        asm volatile("mov %%rsp, %%rdx; push $0x10; push %%rdx; pushfq; push $8;"
                     "lea after_iret(%%rip), %%rcx; push %%rcx; iretq; after_iret: nop"
                     :
                     :
                     : "rcx", "rdx", "memory");
    } else if (count == 2) {
        iret_ip = r->ip;
    }
}

static void nmi(void)
{
    watch(2, on_nmi);
    lapic_write(ICR2, 0);
    lapic_write(ICR, NMI);
    for (unsigned i = 0; i < 100; i++)
        asm volatile("pause");
    print(MANUAL "NMI, ten within: %u\n", count);
    watch(2, on_nmi_iret);
    lapic_write(ICR, NMI);
    asm volatile("nop");
    print(MANUAL "NMI behind IRET: %u, right there %d\n", count, iret_ip == (ulong)after_iret);
}

static void on_tick(struct regs *r)
{
    note(r);
    lapic_write(EOI, 0);
}

static void timer(void)
{
    sti();
    watch(0xee, on_tick);
    lapic_write(DIVIDE, 0xb);
    lapic_write(LVTT, 0xee);
    uint64_t t = rdtsc();
    lapic_write(TIMER_INITIAL, 0x10000);
    while (!count)
        asm volatile("pause");
    print(MANUAL "one shot: %u, not too early %d\n", count, rdtsc() - t >= 0x10000);
    lapic_write(TIMER_INITIAL, 0x999999);
    lapic_write(LVTT, PERIODIC | 0xee);
    print(MANUAL "initial count stays: %x\n", lapic_read(TIMER_INITIAL));
    lapic_write(LVTT, 0xee);
    lapic_write(TIMER_INITIAL, 0x999999);
    while (lapic_read(TIMER_CURRENT))
        asm volatile("pause");
    lapic_write(LVTT, PERIODIC | 0xee);
    print(MANUAL "periodic after the end: %u\n", lapic_read(TIMER_CURRENT));
    lapic_write(TIMER_INITIAL, 0);
    watch(0xef, on_tick);
    lapic_write(LVTT, TSC_DEADLINE | 0xef);
    uint32_t r[4];
    cpuid(1, 0, r);
    if (r[2] >> 24 & 1) {
        wrmsr(MSR_DEADLINE, rdtsc());
        asm volatile("nop");
        unsigned n = count;
        print(MANUAL "passed deadline: %u\n", n);
    }
    lapic_write(LVTT, MASKED);
    cli();
}

static void off(void)
{
    volatile uint8_t *page = (volatile uint8_t *)0xfee00000ul;
    uint64_t base = rdmsr(MSR_BASE);
    ulong cr8;
    wrmsr(MSR_BASE, base & ~(uint64_t)EN);
    for (unsigned i = 0; i < 4096; i++)
        page[i] = 0xff;
    print(MANUAL "page without its APIC: %x\n", lapic_read(VERSION));
    asm volatile("mov %1, %%cr8; mov %%cr8, %0" : "=r"(cr8) : "r"(0xful));
    print(MANUAL "CR8 without APIC: %lx\n", cr8);
    asm volatile("mov %0, %%cr8" : : "r"(0ul));
    wrmsr(MSR_BASE, 0xfed40000ul | (base & 0x100) | EN);
    print(MANUAL "moved: %x\n", *(volatile uint32_t *)0xfed40030ul & 0xff);
    wrmsr(MSR_BASE, base);
    lapic_write(SVR, 0x1ff);
    asm volatile("mov %0, %%cr8" : : "r"(5ul));
    print(MANUAL "TPR of CR8 5: %x\n", lapic_read(TPR));
    asm volatile("mov %0, %%cr8" : : "r"(0ul));
}

int main(void)
{
    if (referee())
        return 0;
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    lapic_write(SVR, 0x1ff);
    lapic_write(LINT0, MASKED);
    at_once();
    trigger_mode();
    nmi();
    timer();
    off();
    return 0;
}

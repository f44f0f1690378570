/* SPDX-License-Identifier: MIT */
/*
 * Interrupts as a guest meets them: local APIC, I/O APIC, 8259A, NMI, the timers, other CPUs.
 * Intel SDM vol. 3 chapter 10, sections 6.7, 6.8.3, 8.4.
 *
 * options: -smp 3 -device pc-testdev
 * kvm: needs irq-window
 *
 * QEMU's software CPU takes an interrupt some instructions late: settle() waits for it, and the
 * line about the exact place is MANUAL.
 */
#include "apic.h"

/* ---- Local APIC ------------------------------------------------------------------------------ */

static void self_ipis(void)
{
    extern char after_icr[], after_nop[];
    watch(0x41, on_apic);
    sti();
    asm volatile("movl %0, (%1)\n.globl after_icr\nafter_icr: nop" : :
                 "r"(SELF | ASSERT | 0x41), "r"(0xfee00300ul) : "memory");
    settle();
    cli();
    print("self IPI: %u\n", count);
    print(MANUAL "at the next instruction: %d\n", last_ip == (ulong)after_icr);

    watch(0x52, on_apic);
    lapic_write(ICR, SELF | ASSERT | 0x41);
    lapic_write(ICR, SELF | ASSERT | 0x52);
    asm volatile("sti; nop\n.globl after_nop\nafter_nop: nop; cli" : : : "memory");
    print("two: %u, %x before %x, after the shadow of STI %d\n", count, order[0], order[1],
          last_ip == (ulong)after_nop);

    watch(0x52, on_apic);
    asm volatile("mov %0, %%cr8" : : "r"(5ul));
    lapic_write(ICR, SELF | ASSERT | 0x52);
    sti();
    unsigned held = count;
    asm volatile("mov %0, %%cr8" : : "r"(4ul));
    settle();
    cli();
    print("TPR: held %d, then %u, register %x\n", held == 0, count, lapic_read(TPR));
    asm volatile("mov %0, %%cr8" : : "r"(0ul));
}

static void nest(struct regs *r)
{
    note(r);
    if (count == 1)
        for (unsigned i = 0; i < 10; i++)
            lapic_write(ICR, NMI | ASSERT);
}

static void nmis(void)
{
    watch(2, nest);
    lapic_write(ICR2, 0);
    lapic_write(ICR, NMI | ASSERT);
    settle();
    print("NMI: ten more in its handler are one: %u\n", count);
}

static void timers(void)
{
    watch(0x60, on_apic);
    lapic_write(DIVIDE, 0xb);
    lapic_write(LVTT, 0x60);
    lapic_write(TIMER_INITIAL, 100000);
    wait_for(1);
    print("one-shot: %u, count %u\n", count, lapic_read(TIMER_CURRENT));
    watch(0x60, on_apic);
    lapic_write(LVTT, PERIODIC | 0x60);
    lapic_write(TIMER_INITIAL, 200000);
    wait_for(5);
    lapic_write(LVTT, MASKED | 0x60);
    sti();
    settle(); /* a sixth may have been on its way */
    cli();
    print("periodic: 5 came\n");
}

/* ---- I/O APIC -------------------------------------------------------------------------------- */

static void on_level(struct regs *r)
{
    note(r);
    line(0);
    lapic_write(EOI, 0);
}

static void on_retrigger(struct regs *r)
{
    note(r);
    if (count == 2)
        line(0);
    lapic_write(EOI, 0);
}

static void on_mask(struct regs *r)
{
    note(r);
    route(LINE, LEVEL | MASKED | 0x73);
    lapic_write(EOI, 0);
}

static void ioapic(void)
{
    watch(0x71, on_apic);
    route(LINE, 0x71);
    sti();
    line(1);
    line(0);
    settle();
    print("edge: %u, TMR %u\n", count, lapic_read(TMR + 0x30) >> 17 & 1);
    watch(0x72, on_level);
    route(LINE, LEVEL | 0x72);
    line(1);
    settle();
    line(1);
    settle();
    print("level twice: %u, TMR %u, remote IRR %u\n", count, lapic_read(TMR + 0x30) >> 18 & 1,
          ioapic_read(0x10 + 2 * LINE) >> 14 & 1);
    watch(0x72, on_retrigger);
    line(1);
    settle();
    print("level, lowered at the second: %u\n", count);
    watch(0x73, on_mask);
    route(LINE, LEVEL | 0x73);
    line(1);
    settle();
    unsigned first = count;
    route(LINE, LEVEL | 0x73);
    settle();
    print("level, masked in its handler: %u, unmasked: %u\n", first, count);
    line(0);
    route(LINE, MASKED | 0x71);
    cli();
}

/* ---- 8259A and the old timers ---------------------------------------------------------------- */

static void on_pic(struct regs *r)
{
    note(r);
    if (r->vec >= 0x28)
        outb(0xa0, 0x20);
    outb(0x20, 0x20);
}

static uint8_t cmos_read(unsigned i)
{
    outb(0x70, i);
    return inb(0x71);
}

static void cmos_write(unsigned i, uint8_t v)
{
    outb(0x70, i);
    outb(0x71, v);
}

static void on_rtc(struct regs *r)
{
    cmos_read(0xc);
    on_pic(r);
}

static void pic_init(void)
{
    static const uint8_t master[] = {0x20, 4, 1}, slave[] = {0x28, 2, 1};
    outb(0x20, 0x11);
    outb(0xa0, 0x11);
    for (unsigned i = 0; i < 3; i++) {
        outb(0x21, master[i]);
        outb(0xa1, slave[i]);
    }
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

static void old_chips(void)
{
    pic_init();
    lapic_write(LINT0, 7 << 8);
    watch(0x20, on_pic);
    outb(0x21, 0xfe);
    outb(0x43, 0x30); /* mode 0 */
    outb(0x40, 0xe8);
    outb(0x40, 0x03);
    wait_for(1);
    sti();
    for (unsigned i = 0; i < 100; i++)
        inb(0x61);
    print("PIT mode 0: %u\n", count);
    watch(0x20, on_pic);
    outb(0x43, 0x34); /* mode 2, about 2 kHz */
    outb(0x40, 0x54);
    outb(0x40, 0x02);
    wait_for(10);
    print("PIT mode 2: 10 came\n");
    outb(0x21, 0xfb);
    watch(0x28, on_rtc);
    outb(0xa1, 0xfe);
    cmos_write(0xa, 0x26); /* 1024 Hz */
    cmos_write(0xb, 0x42);
    cmos_read(0xc);
    wait_for(10);
    print("RTC: 10 came\n");
    cmos_write(0xb, 0x02);
    outb(0xa1, 0xff);
    watch(0x21, on_pic);
    outb(0x64, 0x60); /* keyboard interrupt on */
    outb(0x60, 0x01);
    while (inb(0x64) & 1)
        inb(0x60);
    outb(0x21, 0xfd);
    sti();
    outb(0x64, 0xd2);
    outb(0x60, 0x99);
    wait_for(1);
    print("keyboard: %u, byte %x\n", count, inb(0x60));
    outb(0x21, 0xff);
    lapic_write(LINT0, MASKED);
}

static void hpet(void)
{
    volatile uint64_t *h = (volatile uint64_t *)0xfed00000ul;
    watch(0x68, on_apic);
    route(20, 0x68);
    h[2] = 1;                                /* enable */
    h[0x140 / 8] = 20 << 9 | 1 << 2;         /* timer 2, edge, input 20 */
    h[0x148 / 8] = h[0xf0 / 8] + 100000;
    wait_for(1);
    print("HPET: %u\n", count);
    h[2] = 0;
    route(20, MASKED);
}

/* ---- Other CPUs ------------------------------------------------------------------------------ */

/* At 8000h, in real mode: count at 9000h; NMIs (handler at 8020h) at 9004h. */
static const uint8_t ap_code[] = {
    0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0,       /* xor ax, ax; mov ds, ax; mov ss, ax */
    0xbc, 0x00, 0x80,                         /* mov sp, 8000h */
    0xf0, 0x66, 0xff, 0x06, 0x00, 0x90,       /* lock inc dword [9000h] */
    0xf4, 0xeb, 0xfd,                         /* hlt; jmp hlt */
};
static const uint8_t ap_nmi[] = {
    0xf0, 0x66, 0xff, 0x06, 0x04, 0x90, 0xcf, /* lock inc dword [9004h]; iret */
};

static unsigned until(volatile uint32_t *p, uint32_t want)
{
    for (unsigned i = 0; i < 200000 && *p < want; i++)
        inb(0x61);
    return *p;
}

static void others(void)
{
    volatile uint32_t *here = (volatile uint32_t *)0x9000ul;
    memcpy((void *)0x8000ul, ap_code, sizeof(ap_code));
    memcpy((void *)0x8020ul, ap_nmi, sizeof(ap_nmi));
    asm volatile("movl $0x8020, (%0)" : : "r"(8ul) : "memory"); /* vector 2 of its table */
    here[0] = here[1] = 0;
    lapic_write(ICR, OTHERS | ASSERT | INIT);
    for (unsigned i = 0; i < 1000; i++)
        inb(0x61);
    lapic_write(ICR, OTHERS | ASSERT | SIPI | 8);
    print("INIT, SIPI: %u started\n", until(&here[0], 2));
    lapic_write(ICR, OTHERS | ASSERT | SIPI | 8);
    lapic_write(ICR, OTHERS | ASSERT | NMI);
    print("NMI: %u of them, still %u started\n", until(&here[1], 2), here[0]);
    lapic_write(ICR2, 2u << 24);
    lapic_write(ICR, ASSERT | NMI);
    print("NMI to the last one: %u\n", until(&here[1], 3));
    lapic_write(ICR, OTHERS | ASSERT | INIT);
    for (unsigned i = 0; i < 1000; i++)
        inb(0x61);
    lapic_write(ICR, OTHERS | ASSERT | SIPI | 8);
    print("INIT, SIPI again: %u\n", until(&here[0], 4));
}

int main(void)
{
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    lapic_write(SVR, 0x1ff);
    lapic_write(LINT0, MASKED);
    self_ipis();
    nmis();
    timers();
    ioapic();
    old_chips();
    hpet();
    others();
    return 0;
}

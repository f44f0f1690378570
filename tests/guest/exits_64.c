/* SPDX-License-Identifier: MIT */
/*
 * What leaves guest mode on any accelerator: ports, with repeats, registers in memory, HLT until a
 * timer or an IPI comes, memory that is not there. Nothing here depends on the instruction
 * at which an interrupt is taken. Intel 8254, MC146818, 82093AA and local APIC as on any PC.
 *
 * Memory that nobody has reads as ones on a PC, as zeroes on QEMU: MANUAL.
 */
#include "apic.h"

enum { PIT_0 = 0x40, PIT_MODE = 0x43, RTC = 0x70 };
#define HOLE 0xf8000000ul

static volatile unsigned ticks;

static void on_tick(struct regs *r)
{
    (void)r;
    ticks++;
    lapic_write(EOI, 0);
}

static void halt_until(unsigned n)
{
    while (ticks < n)
        asm volatile("sti; hlt; cli" : : : "memory");
}

static void ports(void)
{
    uint8_t buf[8] = {0};
    void *to = buf;
    ulong n = 4;

    outb(RTC, 0x0f); /* the shutdown status: a byte to keep */
    outb(RTC + 1, 0x5a);
    outb(RTC, 0x0f);
    print("CMOS: %x\n", inb(RTC + 1));
    asm volatile("cld; rep insb" : "+D"(to), "+c"(n) : "d"(RTC + 1) : "memory");
    print("four times: %x %x %x %x %x, left %lu\n", buf[0], buf[1], buf[2], buf[3], buf[4], n);
    static const char text[] = "by OUTS\n";
    const void *from = text;
    n = sizeof(text) - 1;
    asm volatile("cld; rep outsb" : "+S"(from), "+c"(n) : "d"(0xe9) : "memory");
    print("passed %lu bytes, left %lu\n", (ulong)((const char *)from - text), n);
    uint32_t wide;
    asm volatile("inl %w1, %0" : "=a"(wide) : "Nd"(0x4d0 + 0x100)); /* nobody's */
    print("nobody's port: %x\n", wide);
}

static void registers(void)
{
    ioapic_write(0, 5u << 24);
    print("I/O APIC: id %x, version %x\n", ioapic_read(0) >> 24, ioapic_read(1) & 0xff);
    ioapic_write(0, 0);
    lapic_write(TPR, 0x35);
    print("TPR: %x\n", lapic_read(TPR));
    lapic_write(TPR, 0);
    volatile uint64_t *hole = (volatile uint64_t *)HOLE;
    *hole = 0x1122334455667788;
    print(MANUAL "nobody's memory: %lx\n", *hole);
}

static void sleeping(void)
{
    hook[0x60] = on_tick;
    lapic_write(SVR, 0x1ff);
    for (unsigned i = 1; i <= 50; i++) {
        lapic_write(ICR, SELF | 0x60);
        halt_until(i);
    }
    print("IPIs to itself: %u\n", ticks);
    ticks = 0;
    lapic_write(DIVIDE, 0xb);
    for (unsigned i = 1; i <= 20; i++) {
        lapic_write(LVTT, 0x60);
        lapic_write(TIMER_INITIAL, 100000);
        halt_until(i);
    }
    print("one-shot timer: %u, count %u\n", ticks, lapic_read(TIMER_CURRENT));
    ticks = 0;
    lapic_write(LVTT, PERIODIC | 0x60);
    lapic_write(TIMER_INITIAL, 1000000);
    halt_until(10);
    lapic_write(LVTT, MASKED);
    print("periodic timer: %d\n", ticks >= 10);
    ticks = 0;
    route(2, 0x60); /* the PIT's pin */
    outb(PIT_MODE, 0x34);
    outb(PIT_0, 0x00);
    outb(PIT_0, 0x10);
    halt_until(10);
    route(2, MASKED);
    print("PIT through the I/O APIC: %d\n", ticks >= 10);
}

int main(void)
{
    ports();
    registers();
    sleeping();
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What KVM offers its guests, without hypercalls: CPUID leaves, the clock, EOI by a flag.
 * Linux, Documentation/virt/kvm/x86/{cpuid,msr}.rst. QEMU's software CPU has none of it, so
 * that all of it is MANUAL; KVM itself is the referee.
 */
#include "pv.h"

static struct time_page page, other;
static struct wall_page wall;
static volatile uint32_t flag;

DO(eoi_reserved) { wrmsr(PV_EOI, (ulong)&flag | 2 | ENABLED); }
DO(eoi_no_ram) { wrmsr(PV_EOI, 0xfd000000u | ENABLED); }
DO(time_no_ram) { wrmsr(TIME, 0xfd000000u | ENABLED); }
DO(wall_no_ram) { wrmsr(WALL, 0xfd000000u); }
DO(poll_reserved) { wrmsr(POLL, 2); }

static void leaves(void)
{
    uint32_t r[4];
    char name[13] = "";

    cpuid(0x40000000, 0, r);
    memcpy(name, r + 1, 12);
    print(MANUAL "%s, more leaves %d\n", name, r[0] > 0x40000000);
    cpuid(0x40000001, 0, r);
    print(MANUAL "clock %u %u, no I/O delay %u, EOI %u, polling %u, async page faults %u\n",
          r[0] & 1, r[0] >> 3 & 1, r[0] >> 1 & 1, r[0] >> 6 & 1, r[0] >> 12 & 1, r[0] >> 4 & 1);
}

static uint64_t tsc_khz(void)
{
    uint32_t r[4];
    cpuid(0x40000010, 0, r);
    return r[0];
}

static void clock(void)
{
    uint64_t last, t, start, ticks, wrong = 0, khz = tsc_khz();

    wrmsr(TIME, (ulong)&page | ENABLED);
    print(MANUAL "page: version even %d, new %d, rate %d\n", !(page.version & 1), page.version != 0,
          page.mul != 0);
    print(MANUAL "register %d, by its old number %d\n", rdmsr(TIME) == ((ulong)&page | ENABLED),
          rdmsr(OLD_TIME) == rdmsr(TIME));
    last = start = pv_time(&page);
    ticks = rdtsc();
    for (unsigned i = 0; i < 20000; i++) {
        t = pv_time(&page);
        wrong += t < last;
        last = t;
        if (i % 64 == 0)
            wrmsr(i & 64 ? OLD_TIME : TIME, (ulong)&page | ENABLED);
    }
    print(MANUAL "backwards %u\n", (unsigned)wrong);
    while (last - start < 20000000)
        last = pv_time(&page);
    ticks = rdtsc() - ticks;
    t = (last - start) * khz / 1000000;
    print(MANUAL "as fast as the TSC %d\n", ticks > t - t / 50 && ticks < t + t / 50);
    wrmsr(OLD_TIME, 0);
    other = page;
    wrmsr(TIME, (ulong)&wall & ~1ul);
    print(MANUAL "disabled: untouched %d\n", !memcmp(&page, &other, sizeof(page)));
    SHOW(MANUAL "time outside RAM", time_no_ram);
    wrmsr(TIME, 0);
}

static void date(void)
{
    uint32_t first;

    memset(&wall, 0xff, sizeof(wall)); /* whatever is there is no version */
    wrmsr(WALL, (ulong)&wall);
    first = wall.sec;
    print(MANUAL "date: version even %d, after 2020 %d, ns %d\n", !(wall.version & 1),
          first > 1577836800, wall.nsec < 1000000000);
    wrmsr(OLD_WALL, (ulong)&wall);
    print(MANUAL "date of time 0 is the same %d\n", wall.sec - first + 1 <= 2);
    SHOW(MANUAL "date outside RAM", wall_no_ram);
}

/* ---- EOI ----------------------------------------------------------------------------------- */

static volatile unsigned skipped;
static volatile bool nest;

static void end_of_interrupt(void)
{
    if (test_and_clear(&flag))
        skipped++;
    else
        lapic_write(EOI, 0);
}

static void self(uint8_t vector)
{
    lapic_write(ICR, SELF | ASSERT | vector);
}

static void on_pv(struct regs *r)
{
    note(r);
    if (nest && r->vec == 0x51) {
        self(0x45); /* lower: comes afterwards */
        self(0x71); /* higher: comes now, and EOI here has to be a real one again */
        sti();
        settle();
        cli();
    }
    end_of_interrupt();
}

static void show_order(const char *name)
{
    print(MANUAL "%s:", name);
    for (unsigned i = 0; i < count && i < 16; i++)
        print(" %x", order[i]);
    print(", in service %x\n", lapic_read(0x120) | lapic_read(0x130));
}

static void watch_all(void)
{
    for (unsigned v = 0x45; v <= 0x71; v++)
        watch(v, on_pv);
    skipped = 0;
}

static void eoi(void)
{
    SHOW(MANUAL "EOI register, reserved bit", eoi_reserved);
    SHOW(MANUAL "EOI flag outside RAM", eoi_no_ram);
    wrmsr(PV_EOI, (ulong)&flag | ENABLED);
    watch_all();
    sti();
    for (unsigned i = 0; i < 1000; i++) {
        self(0x51);
        while (count <= i)
            asm volatile("pause");
    }
    cli();
    print(MANUAL "interrupts %u\n", count);
    watch_all();
    self(0x51);
    self(0x61);
    sti();
    settle();
    cli();
    show_order("two at a time");
    watch_all();
    nest = true;
    self(0x51);
    sti();
    settle();
    settle();
    cli();
    show_order("one within the other");
    nest = false;
    wrmsr(PV_EOI, 0);
    watch_all();
    self(0x51);
    sti();
    settle();
    cli();
    show_order("switched off");
    print(MANUAL "without EOI %u\n", skipped);
}

int main(void)
{
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    lapic_write(SVR, 0x1ff);
    lapic_write(LINT0, MASKED);
    if (referee())
        return 0;
    leaves();
    clock();
    date();
    eoi();
    print(MANUAL "polling %u\n", (unsigned)rdmsr(POLL));
    SHOW(MANUAL "polling, reserved bit", poll_reserved);
    return 0;
}

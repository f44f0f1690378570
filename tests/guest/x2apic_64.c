/* SPDX-License-Identifier: MIT */
/*
 * Modes of the local APIC (disabled, xAPIC, x2APIC) and the TSC-deadline timer.
 * Intel SDM vol. 3 sections 10.4.3, 10.5.4.1, 10.12.
 *
 * QEMU's software CPU of version 7.2 has neither x2APIC nor the TSC deadline, so that all of it
 * is MANUAL.
 *
 * kvm: needs irq-window
 */
#include "apic.h"

static void tsc_deadline(void)
{
    watch(0x60, on_apic);
    lapic_write(LVTT, TSC_DEADLINE | 0x60);
    sti();
    wrmsr(MSR_DEADLINE, rdtsc());
    settle();
    cli();
    print(MANUAL "TSC deadline in the past: %u, cleared %d\n", count, rdmsr(MSR_DEADLINE) == 0);
    watch(0x60, on_apic);
    uint64_t until = rdtsc() + 1000000;
    wrmsr(MSR_DEADLINE, until);
    wait_for(1);
    print(MANUAL "TSC deadline: %u, in time %d\n", count, rdtsc() >= until);
    lapic_write(LVTT, MASKED | 0x60);
}

static uint64_t base;
DO(to_xapic) { wrmsr(MSR_BASE, base); }
DO(to_x2apic) { wrmsr(MSR_BASE, base | EXTD); }
DO(to_invalid) { wrmsr(MSR_BASE, (base & ~(uint64_t)EN) | EXTD); }
DO(reserved) { wrmsr(MSR_BASE, base | 1); }
DO(x2_id) { wrmsr(MSR_X2 + 2, 0); }
DO(x2_dfr) { rdmsr(MSR_X2 + 0xe); }
DO(x2_eoi) { wrmsr(MSR_X2 + 0xb, 1); }
DO(x2_tpr) { wrmsr(MSR_X2 + 8, 0x100); }

static void on_x2(struct regs *r)
{
    note(r);
    wrmsr(MSR_X2 + 0xb, 0);
}

static void modes(void)
{
    uint32_t r[4];
    base = rdmsr(MSR_BASE);
    print(MANUAL "base %lx\n", (ulong)base);
    SHOW(MANUAL "invalid mode", to_invalid);
    SHOW(MANUAL "reserved bit", reserved);
    wrmsr(MSR_BASE, base & ~(uint64_t)EN);
    cpuid(1, 0, r);
    print(MANUAL "disabled: in CPUID %u\n", r[3] >> 9 & 1);
    print(MANUAL "page %x\n", lapic_read(VERSION));
    SHOW(MANUAL "off to x2APIC", to_x2apic);
    wrmsr(MSR_BASE, base);
    print(MANUAL "enabled: SVR %x\n", lapic_read(SVR));
    to_x2apic();
    wrmsr(MSR_X2 + 0xf, 0x1ff);
    SHOW(MANUAL "x2APIC to xAPIC", to_xapic);
    SHOW(MANUAL "write x2APIC ID", x2_id);
    SHOW(MANUAL "read DFR", x2_dfr);
    SHOW(MANUAL "EOI 1", x2_eoi);
    SHOW(MANUAL "TPR 100h", x2_tpr);
    watch(0x91, on_x2);
    sti();
    wrmsr(MSR_X2 + 0x3f, 0x91);
    wrmsr(MSR_X2 + 0x30, 1ull << 32 | 1 << 11 | 0x91); /* logical: cluster 0, CPU 0 */
    settle();
    cli();
    print(MANUAL "x2APIC: %u, id %u, LDR %x\n", count, (unsigned)rdmsr(MSR_X2 + 2),
          (unsigned)rdmsr(MSR_X2 + 0xd));
    wrmsr(MSR_BASE, base & ~(uint64_t)EN);
    wrmsr(MSR_BASE, base);
    lapic_write(SVR, 0x1ff);
}

int main(void)
{
    uint32_t r[4];
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    cpuid(1, 0, r);
    if ((r[2] >> 21 & 1) && (r[2] >> 24 & 1)) {
        lapic_write(SVR, 0x1ff);
        lapic_write(LINT0, MASKED);
        tsc_deadline();
        modes();
    }
    return 0;
}

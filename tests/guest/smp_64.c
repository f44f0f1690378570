/* SPDX-License-Identifier: MIT */
/*
 * Two CPUs in 64-bit mode: interrupts and NMIs from one to the other.
 * Intel SDM vol. 3 sections 6.7.1 (an NMI that comes while one is handled is held; no more than
 * one is), 6.8.3 (the shadow of STI), 8.4.
 *
 * options: -smp 2
 *
 * Of two NMIs that come before either is taken, hardware and KVM take both, QEMU's software CPU
 * takes one; and it takes NMIs in the shadow of STI: those lines are MANUAL. (STI is followed by
 * NOPs where an interrupt is waited for, as QEMU never takes one between PAUSE and CLI.)
 */
#include "apic.h"

enum { AP_BASE = 0x8000 };
extern const uint8_t ap_start[], ap_end[];
void ap_main(void);
__attribute__((used)) static uint8_t ap_stack[16384] __attribute__((aligned(16)));

asm(".pushsection .rodata\n"
    ".globl ap_start, ap_end\n"
    ".code16\n"
    "ap_start: cli\n"
    "   lgdtl %cs:(ap_gdtr - ap_start)\n"
    "   mov %cr0, %eax\n"
    "   or $1, %al\n"
    "   mov %eax, %cr0\n"
    "   ljmpl $0x18, $(0x8000 + ap_32 - ap_start)\n"
    ".code32\n"
    "ap_32: mov $0x10, %eax\n"
    "   mov %eax, %ds\n"
    "   mov %eax, %es\n"
    "   mov %eax, %ss\n"
    "   mov $0x620, %eax\n"
    "   mov %eax, %cr4\n"
    "   mov $pml4, %eax\n"
    "   mov %eax, %cr3\n"
    "   mov $0xc0000080, %ecx\n"
    "   rdmsr\n"
    "   or $0x900, %eax\n"
    "   wrmsr\n"
    "   mov %cr0, %eax\n"
    "   and $0x1fffffff, %eax\n" /* CD, NW */
    "   or $0x80010022, %eax\n"
    "   mov %eax, %cr0\n"
    "   ljmp $0x08, $(0x8000 + ap_64 - ap_start)\n"
    ".code64\n"
    "ap_64: movabs $ap_stack + 16384, %rsp\n"
    "   movabs $ap_main, %rax\n"
    "   call *%rax\n"
    "   .balign 8\n"
    "ap_gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff\n"
    "ap_gdtr: .word 31\n"
    "   .long 0x8000 + ap_gdt - ap_start\n"
    "ap_end:\n"
    ".popsection\n");

static volatile unsigned here, job, turns[2], nmis, flushed, wrong, done;

static void send(unsigned to, uint32_t what)
{
    lapic_write(ICR2, to << 24);
    lapic_write(ICR, ASSERT | what);
}

static void wait_until(volatile unsigned *p, unsigned want)
{
    while (*p != want)
        asm volatile("pause");
}

/* ---- Interrupts to and fro ------------------------------------------------------------------- */

static void on_ping(struct regs *r)
{
    (void)r;
    unsigned me = lapic_read(0x20) >> 24;
    lapic_write(EOI, 0);
    if (++turns[me] <= 2000)
        send(!me, 0x48);
}

static void ping_pong(void)
{
    hook[0x48] = on_ping;
    send(1, 0x48);
    sti();
    while (turns[0] < 2000)
        asm volatile("sti; nop; pause");
    cli();
    print("interrupts to and fro: %u\n", turns[0]);
}

/* ---- Two NMIs at a time ---------------------------------------------------------------------- */

static void on_nmi(struct regs *r)
{
    (void)r;
    nmis++;
}

static void on_flush(struct regs *r)
{
    (void)r;
    flushed = 1;
    lapic_write(EOI, 0);
}

enum { ROUNDS = 5000 };
static volatile unsigned step[2], step2[2];

static void two_nmis_ap(void)
{
    while (!done) {
        step[1]++;
        while (step[1] != step[0] && !done)
            asm volatile("pause");
        if (done)
            return;
        send(0, NMI);
        send(0, 0x44); /* comes after the NMI */
        step2[1]++;
        while (step2[1] != step2[0] && !done)
            asm volatile("pause");
    }
}

static void two_nmis(void)
{
    unsigned good = 0;
    hook[2] = on_nmi;
    hook[0x44] = on_flush;
    job = 2;
    sti();
    for (unsigned i = 0; i < ROUNDS; i++) {
        flushed = nmis = 0;
        step[0]++;
        wait_until(&step[1], step[0]);
        send(0, NMI);
        while (!flushed)
            asm volatile("pause");
        good += nmis == 2;
        step2[0]++;
        while (step2[1] != step2[0])
            asm volatile("pause");
    }
    done = 1;
    cli();
    print(MANUAL "two NMIs at a time: all taken %d\n", good == ROUNDS);
}

/* ---- The shadow of STI ----------------------------------------------------------------------- */

extern char behind_sti[];

static void on_shadow(struct regs *r)
{
    wrong += r->ip == (ulong)behind_sti;
    nmis++;
}

static void shadow_ap(void)
{
    while (job == 3)
        asm volatile("sti\nbehind_sti: nop; nop; cli");
}

static void shadow(void)
{
    hook[2] = on_shadow;
    wrong = nmis = 0;
    job = 3;
    for (unsigned i = 0; i < 5000; i++) {
        send(1, NMI);
        wait_until(&nmis, i + 1);
    }
    print("NMI into a loop of STI: %u\n", nmis);
    print(MANUAL "in its shadow: %u\n", wrong);
    job = 4;
}

/* ---- Halting --------------------------------------------------------------------------------- */

static void on_wake(struct regs *r)
{
    (void)r;
    turns[1]++;
    lapic_write(EOI, 0);
}

static void halts(void)
{
    hook[0x49] = on_wake;
    turns[1] = 0;
    for (unsigned i = 0; i < 1000; i++) {
        send(1, 0x49);
        wait_until(&turns[1], i + 1);
    }
    print("wake-ups from HLT: %u\n", turns[1]);
}

void ap_main(void)
{
    load_idt(256 * 16 - 1);
    lapic_write(SVR, 0x1ff);
    here = 1;
    for (;;) {
        switch (job) {
        case 2:
            two_nmis_ap();
            while (job == 2)
                asm volatile("pause");
            break;
        case 3:
            shadow_ap();
            break;
        case 4:
            asm volatile("sti; hlt");
            break;
        default:
            asm volatile("sti; nop; nop; pause; nop; cli");
        }
    }
}

int main(void)
{
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    lapic_write(SVR, 0x1ff);
    lapic_write(LINT0, MASKED);
    memcpy((void *)(ulong)AP_BASE, ap_start, ap_end - ap_start);
    send(1, INIT);
    for (unsigned i = 0; i < 1000; i++)
        inb(0x61);
    send(1, SIPI | AP_BASE >> 12);
    wait_until(&here, 1);
    print("second CPU runs\n");
    ping_pong();
    two_nmis();
    shadow();
    halts();
    return 0;
}

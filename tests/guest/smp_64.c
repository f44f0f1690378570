/* SPDX-License-Identifier: MIT */
/*
 * Two CPUs in 64-bit mode: interrupts and NMIs from one to the other.
 * Intel SDM vol. 3 sections 6.7.1 (an NMI that comes while one is handled is held; no more than
 * one is), 6.8.3 (the shadow of STI), 8.4.
 *
 * options: -smp 2
 * kvm: needs irq-window
 *
 * Of two NMIs that come before either is taken, hardware and KVM take both, QEMU's software CPU
 * takes one; and it takes NMIs in the shadow of STI: those lines are MANUAL. (STI is followed by
 * NOPs where an interrupt is waited for, as QEMU never takes one between PAUSE and CLI.)
 */
#include "ap.h"

static volatile unsigned here, job, turns[2], nmis, flushed, wrong, done;

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
    start_ap();
    wait_until(&here, 1);
    print("second CPU runs\n");
    ping_pong();
    two_nmis();
    shadow();
    halts();
    return 0;
}

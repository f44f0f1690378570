/* SPDX-License-Identifier: MIT */
/*
 * KVM's hypercalls, and EOI by a flag as only an accelerator does it that does not leave guest
 * mode for every instruction. Linux, Documentation/virt/kvm/x86/{hypercalls,msr}.rst.
 *
 * options: -smp 2 -cpu max,+kvm-pv-unhalt,+kvm-pv-ipi,+kvm-pv-sched-yield
 * kvm: needs vmcall
 *
 * QEMU's software CPU has none of it, so that all of it is MANUAL.
 */
#include "ap.h"
#include "pv.h"

enum { POLL_IRQ = 1, KICK = 5, PAIRING = 9, SEND_IPI = 10, YIELD = 11 };

static volatile unsigned here, job, woken, nmis, got[2];
static struct {
    int64_t sec, nsec;
    uint64_t tsc;
    uint32_t flags, pad[9];
} pair;

static long call(ulong nr, ulong a, ulong b, ulong c, ulong d)
{
    long result;
    asm volatile("vmcall" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
    return result;
}
#define CALL(nr, a, b, c, d) call(nr, (ulong)(a), (ulong)(b), c, d)

/* Ends in #UD if the result is -EPERM, in #GP if not. */
DO(from_ring_3)
{
    asm volatile("vmcall; cmp $-1, %%rax; jne 1f; ud2; 1: hlt" : : "a"(POLL_IRQ));
}

static void results(void)
{
    print(MANUAL "poll %d\n", (int)CALL(POLL_IRQ, 0, 0, 0, 0));
    print(MANUAL "unknown %d, deprecated %d\n", (int)CALL(1234, 0, 0, 0, 0),
          (int)CALL(2, 0, 0, 0, 0));
    print(MANUAL "yield %d, to nobody %d\n", (int)CALL(YIELD, 1, 0, 0, 0),
          (int)CALL(YIELD, 77, 0, 0, 0));
    try_user(from_ring_3);
    show(MANUAL "ring 3: -EPERM if");
}

static void pairing(void)
{
    uint64_t before = rdtsc();
    int r = CALL(PAIRING, &pair, 0, 0, 0);
    print(MANUAL "clocks paired %d, date %d, TSC %d\n", r, pair.sec > 1577836800,
          pair.tsc >= before && pair.tsc <= rdtsc());
    print(MANUAL "another clock %d, no RAM %d\n", (int)CALL(PAIRING, &pair, 1, 0, 0),
          (int)CALL(PAIRING, 0xfd000000ul, 0, 0, 0));
}

/* ---- Interrupts ----------------------------------------------------------------------------- */

static void on_ipi(struct regs *r)
{
    (void)r;
    got[lapic_read(0x20) >> 24]++;
    lapic_write(EOI, 0);
}

static void on_nmi(struct regs *r)
{
    (void)r;
    nmis++;
}

static volatile uint32_t eoi_flag;
static volatile unsigned skipped;

static void on_self(struct regs *r)
{
    note(r);
    if (test_and_clear(&eoi_flag))
        skipped++;
    else
        lapic_write(EOI, 0);
}

static void eoi(void)
{
    wrmsr(PV_EOI, (ulong)&eoi_flag | ENABLED);
    watch(0x51, on_self);
    sti();
    for (unsigned i = 0; i < 1000; i++) {
        lapic_write(ICR, SELF | ASSERT | 0x51);
        while (count <= i)
            asm volatile("pause");
    }
    cli();
    wrmsr(PV_EOI, 0);
    print(MANUAL "interrupts %u, most without EOI %d\n", count, skipped > 500);
}

static void ipis(void)
{
    unsigned rounds = 500, lost = 0;

    job = 1;
    sti();
    for (unsigned i = 1; i <= rounds; i++) {
        long to = CALL(SEND_IPI, 3, 0, 0, 0x48);
        lost += to != 2;
        wait_until(&got[0], i);
        wait_until(&got[1], i);
    }
    cli();
    print(MANUAL "to both: %u %u, other results %u\n", got[0], got[1], lost);
    print(MANUAL "to ID 1 as 65 - 64: %d\n", (int)CALL(SEND_IPI, 0, 0, 1, 0x48));
    print(MANUAL "to ID 1 from 1: %d\n", (int)CALL(SEND_IPI, 1, 0, 1, 0x48));
    wait_until(&got[1], rounds + 1);
    print(MANUAL "absent ones: %d, none: %d\n", (int)CALL(SEND_IPI, 0xfc, ~0ul, 0, 0x48),
          (int)CALL(SEND_IPI, 0, 0, 0, 0x48));
    print(MANUAL "logical: %d, shorthand: %d\n", (int)CALL(SEND_IPI, 3, 0, 0, 0x848),
          (int)CALL(SEND_IPI, 3, 0, 0, SELF | 0x48));
    print(MANUAL "NMI: %d\n", (int)CALL(SEND_IPI, 2, 0, 0, NMI));
    wait_until(&nmis, 1);
    print(MANUAL "received %u %u\n", got[0], got[1]);
}

/* ---- Kicks: with interrupts off nothing else ends HLT --------------------------------------- */

static void kicks(void)
{
    unsigned before;

    print(MANUAL "kick %d\n", (int)CALL(KICK, 0, 0, 0, 0));
    asm volatile("hlt"); /* ends at once */
    print(MANUAL "a kick before HLT is kept\n");
    job = 2;
    for (unsigned i = 1; i <= 500; i++) {
        wait_until(&here, i + 1);
        before = woken;
        CALL(KICK, 0, 1, 0, 0);
        wait_until(&woken, before + 1);
    }
    print(MANUAL "woken %u\n", woken);
}

void ap_main(void)
{
    load_idt(256 * 16 - 1);
    lapic_write(SVR, 0x1ff);
    here = 1;
    while (job != 1)
        asm volatile("pause");
    while (job == 1)
        asm volatile("sti; nop; pause; cli");
    for (;;) {
        here++;
        asm volatile("hlt");
        woken++;
    }
}

int main(void)
{
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    lapic_write(SVR, 0x1ff);
    lapic_write(LINT0, MASKED);
    if (referee())
        return 0;
    hook[0x48] = on_ipi;
    hook[2] = on_nmi;
    results();
    pairing();
    eoi();
    start_ap();
    wait_until(&here, 1);
    ipis();
    kicks();
    return 0;
}

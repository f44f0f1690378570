/* SPDX-License-Identifier: MIT */
/*
 * What a guest must not notice of a switch of accelerator: a checksum over memory that is written
 * all the time, the ticks of the local APIC's timer, and the time-stamp counter. It goes on until
 * the host sends a byte to COM1, and prints what it found; switch.sh beside it switches meanwhile.
 *
 * Each round writes 64 KiB, sums them up and compares with the sum that the pattern must have.
 * The timer is one-shot and armed again by its handler only: one lost interrupt stops the ticks,
 * and the program notices. Without a COM1 it ends after some rounds.
 */
#include "apic.h"

enum { WORDS = 8192, VECTOR = 0x60, COM1 = 0x3f8, LSR = 5, ROUNDS = 20 };

static volatile unsigned ticks;
static volatile uint64_t memory[WORDS] __attribute__((aligned(4096)));
static volatile uint64_t last_tsc;
static volatile unsigned backwards;

static void look_at_time(void)
{
    uint64_t now = rdtsc();

    if (now < last_tsc)
        backwards++;
    last_tsc = now;
}

static void arm(void)
{
    lapic_write(TIMER_INITIAL, 1000000);
}

static void tick(struct regs *r)
{
    (void)r;
    ticks++;
    lapic_write(EOI, 0);
    arm();
}

static uint64_t pattern(uint64_t round, unsigned n)
{
    return (round * 0x9e3779b97f4a7c15ull) ^ (n * 0x100000001b3ull);
}

static uint64_t fold(uint64_t sum, uint64_t v)
{
    sum += v;
    return sum << 1 | sum >> 63;
}

/* The sum of what was written less the sum of what memory holds. */
static uint64_t one_round(uint64_t round)
{
    uint64_t want = 0, got = 0;

    for (unsigned n = 0; n < WORDS; n++) {
        memory[n] = pattern(round, n);
        want = fold(want, pattern(round, n));
    }
    look_at_time();
    for (unsigned n = 0; n < WORDS; n++)
        got = fold(got, memory[n]);
    look_at_time();
    return want - got;
}

static bool told_to_end(uint64_t round)
{
    uint8_t lsr = inb(COM1 + LSR);

    return lsr == 0xff ? round == ROUNDS : lsr & 1;
}

/* Is the timer alive: one more tick, however long it takes within reason. */
static bool ticks_go_on(void)
{
    unsigned before = ticks;

    for (unsigned n = 0; n < 100000000 && ticks == before; n++)
        asm volatile("pause");
    return ticks != before;
}

int main(void)
{
    uint64_t round = 0, wrong = 0;

    watch(VECTOR, tick);
    lapic_write(SVR, 0x1ff);
    lapic_write(DIVIDE, 3);
    lapic_write(LVTT, VECTOR);
    arm();
    sti();
    while (!told_to_end(round))
        wrong |= one_round(round++);
    print("wrong sums: %d\n", wrong != 0);
    print("timer goes on: %d\n", ticks_go_on());
    cli();
    print("TSC went backwards: %d\n", backwards);
    return 0;
}

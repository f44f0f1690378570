/* SPDX-License-Identifier: MIT */
/*
 * Instructions that an emulator in the host kernel may lack (CMPXCHG16B, SSE arithmetic, INT n,
 * CRC32-like rarities are what the other programs have), in between time-stamps, timer interrupts
 * and stores: the results are right, and time goes on as if nothing were special.
 */
#include "apic.h"

enum { VECTOR = 0x60, ROUNDS = 300 };

static volatile unsigned ticks;
static volatile uint64_t pair[2] __attribute__((aligned(16)));

static void tick(struct regs *r)
{
    (void)r;
    ticks++;
    lapic_write(EOI, 0);
    lapic_write(TIMER_INITIAL, 100000);
}

/* Add 1 and 2 to the pair if it is what it was. */
static bool add_pair(uint64_t a, uint64_t b)
{
    bool ok;

    asm volatile("lock cmpxchg16b %1; sete %0"
                 : "=r"(ok), "+m"(pair), "+a"(a), "+d"(b)
                 : "b"(a + 1), "c"(b + 2)
                 : "memory", "cc");
    return ok;
}

static uint64_t add_floats(uint64_t v)
{
    uint64_t out;

    asm volatile("cvtsi2sd %1, %%xmm0; addsd %%xmm0, %%xmm0; cvttsd2si %%xmm0, %0"
                 : "=r"(out)
                 : "r"(v));
    return out;
}

int main(void)
{
    unsigned failed = 0, floats = 0, back = 0, leaps = 0;
    uint64_t before = rdtsc();

    asm volatile("mov %%cr4, %%rax; or $0x600, %%eax; mov %%rax, %%cr4" : : : "rax");
    watch(VECTOR, tick);
    lapic_write(SVR, 0x1ff);
    lapic_write(DIVIDE, 3);
    lapic_write(LVTT, VECTOR);
    lapic_write(TIMER_INITIAL, 100000);
    sti();
    for (unsigned n = 0; n < ROUNDS; n++) {
        failed += !add_pair(n, 2 * n);
        uint64_t now = rdtsc();
        back += now < before;
        leaps += now - before > 1ull << 40 && now > before; /* minutes */
        before = now;
        floats += add_floats(n) != 2 * n;
    }
    while (ticks < 5)
        asm volatile("pause");
    cli();
    print("swaps that failed: %d, sums %lx %lx\n", failed, pair[0], pair[1]);
    print("wrong floating point: %d\n", floats);
    print("TSC back: %d, leaps: %d\n", back, leaps);
    return 0;
}

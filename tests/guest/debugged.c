/* SPDX-License-Identifier: MIT */
/* What tests/guest/gdb.sh looks at: small functions, variables, and in 64-bit mode a second CPU. */
#ifdef __x86_64__
#include "ap.h"
#else
#include "guest.h"
#endif

volatile unsigned counter, ap_counter, limit = 5, ready;
unsigned table[8];

unsigned factorial(unsigned n)
{
    if (n < 2)
        return 1;
    return n * factorial(n - 1);
}

void count_up(void)
{
    counter++;
}

void fill(void)
{
    for (unsigned i = 0; i < 8; i++)
        table[i] = factorial(i);
}

#ifdef __x86_64__
void ap_main(void)
{
    ready = 1;
    for (;;) {
        ap_counter++;
        asm volatile("pause");
    }
}
#endif

int main(void)
{
#ifdef __x86_64__
    start_ap();
    wait_until(&ready, 1);
#endif
    fill();
    for (unsigned i = 0; i < limit; i++)
        count_up();
    print("counter %u, 7! = %u\n", counter, table[7]);
    return 0;
}

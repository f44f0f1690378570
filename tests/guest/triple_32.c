/* SPDX-License-Identifier: MIT */
/* A triple fault shuts the processor down: nothing is printed after it. SDM vol. 3 section 6.15. */
#include "guest.h"

int main(void)
{
    print("before\n");
    load_idt(0);
    asm volatile("ud2");
    print("after\n");
    return 0;
}

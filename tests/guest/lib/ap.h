/* SPDX-License-Identifier: MIT */
/* A second CPU for 64-bit guest programs. Intel SDM vol. 3 section 8.4. */
#ifndef AP_H
#define AP_H

#include "apic.h"

enum { AP_BASE = 0x8000 };
extern const uint8_t ap_start[], ap_end[];
void ap_main(void); /* the program's; does not return */
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

static inline void send(unsigned to, uint32_t what)
{
    lapic_write(ICR2, to << 24);
    lapic_write(ICR, ASSERT | what);
}

static inline void wait_until(volatile unsigned *p, unsigned want)
{
    while (*p != want)
        asm volatile("pause");
}

/* CPU 1 runs ap_main() on its own stack, with interrupts off and without an IDT. */
static inline void start_ap(void)
{
    memcpy((void *)(ulong)AP_BASE, ap_start, ap_end - ap_start);
    send(1, INIT);
    for (unsigned i = 0; i < 1000; i++)
        inb(0x61);
    send(1, SIPI | AP_BASE >> 12);
}

#endif

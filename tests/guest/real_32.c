/* SPDX-License-Identifier: MIT */
/*
 * Real mode, reached from protected mode: interrupt table, segments, faults without error codes,
 * limits, "unreal" segments, 16-bit protected mode on the way. Intel SDM vol. 3 section 20.1, 9.9.
 *
 * A test is 16-bit code at 0800:0000. Vectors 0 to 1Fh and 21h lead to a stub that records vector,
 * return address and flags and ends the test. QEMU does not check limits: MANUAL.
 */
#include "guest.h"

enum { AREA = 0x8000, STUBS = 0x7000, RESULT = 0x6000, CODE16 = FREE, DATA16 = FREE + 8 };

struct result { /* at RESULT, written by the stub */
    uint32_t vector, ip, cs, flags, sp, eax, ebx, ecx, edx;
    uint32_t save_esp;
};
#define R ((volatile struct result *)RESULT)

/* to_real: with the code at AREA; back: from the stub. Both are copied below 64 KiB. */
extern char tramp[], tramp_end[], tramp_back[];
asm(".code16\n"
    "tramp:\n" /* at STUBS: in 16-bit protected mode, CS = CODE16, DS..SS = DATA16 */
    "    mov %cr0, %eax\n"
    "    and $~1, %eax\n"
    "    mov %eax, %cr0\n"
    "    ljmp $0, $0x7000 + 1f - tramp\n"
    "1:  xor %ax, %ax\n"
    "    mov %ax, %ss\n"
    "    mov $0x5f00, %esp\n"
    "    mov %ax, %es\n"
    "    mov %ax, %fs\n"
    "    mov %ax, %gs\n"
    "    mov $0x800, %ax\n"
    "    mov %ax, %ds\n"
    "    lidtw %cs:0x7000 + 3f - tramp\n"
    "    xor %eax, %eax\n"
    "    xor %ebx, %ebx\n"
    "    xor %ecx, %ecx\n"
    "    xor %edx, %edx\n"
    "    ljmp $0x800, $0\n"
    "3:  .word 0x3ff, 0, 0\n"
    "tramp_back:\n" /* real-mode handlers: push vector (word); jmp here */
    "    mov %eax, %cs:0x6014\n"
    "    mov %ebx, %cs:0x6018\n"
    "    mov %ecx, %cs:0x601c\n"
    "    mov %edx, %cs:0x6020\n"
    "    xor %eax, %eax\n"
    "    mov %ax, %ds\n"
    "    pop %ax\n"
    "    mov %eax, 0x6000\n"
    "    mov %esp, 0x6010\n"
    "    pop %ax\n"
    "    mov %eax, 0x6004\n"
    "    pop %ax\n"
    "    mov %eax, 0x6008\n"
    "    pop %ax\n"
    "    mov %eax, 0x600c\n"
    "    lgdtl %cs:0x7000 + 4f - tramp\n"
    "    mov %cr0, %eax\n"
    "    or $1, %eax\n"
    "    mov %eax, %cr0\n"
    "    ljmpl $8, $real_return\n"
    "4:  .word 48 * 8 - 1\n"
    "    .long gdt\n"
    "tramp_end:\n"
    ".code32\n"
    "real_return:\n"
    "    mov $0x10, %eax\n"
    "    mov %eax, %ds\n"
    "    mov %eax, %es\n"
    "    mov %eax, %fs\n"
    "    mov %eax, %gs\n"
    "    mov %eax, %ss\n"
    "    mov 0x6024, %esp\n"
    "    popa\n"
    "    ret\n"
    "go_real:\n"
    "    pusha\n"
    "    mov %esp, 0x6024\n"
    "    mov $0x48, %eax\n"
    "    mov %eax, %ds\n"
    "    mov %eax, %es\n"
    "    mov %eax, %fs\n"
    "    mov %eax, %gs\n"
    "    mov %eax, %ss\n"
    "    ljmp $0x40, $0x7000\n");
void go_real(void);

static void install(void)
{
    uint8_t *p = (uint8_t *)STUBS + (tramp_end - tramp);
    uint16_t *ivt;

    asm("xor %0, %0" : "=r"(ivt)); /* address 0 */

    memcpy((void *)STUBS, tramp, tramp_end - tramp);
    for (unsigned v = 0; v < 0x22; v++) {
        uint32_t back = STUBS + (tramp_back - tramp);

        ivt[2 * v] = (uint32_t)p;
        ivt[2 * v + 1] = 0;
        *p++ = 0x6a; /* push imm8 */
        *p++ = v;
        *p++ = 0xe9; /* jmp rel16 */
        *(uint16_t *)p = back - ((uint32_t)p + 2);
        p += 2;
    }
    gdt[CODE16 / 8] = descriptor(0, 0xffff, 0x009b);
    gdt[DATA16 / 8] = descriptor(0, 0xffff, 0x0093);
}

static void run(const char *name, const void *code, unsigned len)
{
    memcpy((void *)AREA, code, len);
    memcpy((void *)(AREA + len), "\xcd\x21", 2);
    asm volatile("call go_real" : : : "eax", "ecx", "edx", "memory", "cc");
    load_idt(0x7ff);
    print("%s: vec %x ip %x cs %x flags %x sp %x\n", name, R->vector, R->ip, R->cs,
          R->flags & ~0x8d5, R->sp);
}

#define CODE_16(name, text)                                                                        \
    extern char name[], name##_end[];                                                              \
    asm(".code16\n" #name ": " text "\n" #name "_end: nop\n.code32\n");
CODE_16(c_nothing, "")
CODE_16(c_ud, "ud2")
CODE_16(c_div, "xor %cx, %cx; div %cx")
CODE_16(c_divb, "mov $0x1000, %ax; mov $1, %bl; div %bl")
CODE_16(c_int3, "int3")
CODE_16(c_into, "mov $0x7f, %al; add $1, %al; into")
CODE_16(c_sti, "sti; ud2")
CODE_16(c_tf, "pushfw; orw $0x100, (%esp); popfw; nop; nop")
CODE_16(c_lar, "lar %ax, %ax")
CODE_16(c_sldt, ".byte 0x0f, 0, 0xc0")
CODE_16(c_beyond, "mov $0xffff, %bx; movw (%bx), %ax")
CODE_16(c_ebx, "mov $0x10000, %ebx; movb (%ebx), %al")
CODE_16(c_sp, "mov $1, %sp; push %ax")
CODE_16(c_wrap, "mov $0xffff, %bx; mov %bx, %es; movb %es:0x10, %al")
CODE_16(c_csw, "movb $0x90, %cs:1f - c_csw; jmp 1f; 1: hlt")
CODE_16(c_jump, "mov $0x12345, %ebx; jmp *%ebx")
CODE_16(
    c_regs,
    "mov $0x12345678, %eax; mov %ax, %ds; mov %ds, %ebx; pushl $0x11223344; pop %ecx; mov %sp, %dx")
CODE_16(c_retf, "pushw $0x801; pushw $9f - c_retf - 16; lretw; .skip 32, 0x90; 9: mov %cs, %ax")
CODE_16(c_iretd,
        "pushl $0x3246; pushl $0x800; pushl $9f - c_iretd; iretl; hlt; 9: pushfl; pop %eax")
CODE_16(c_cpl, "mov %cr0, %eax; smsw %bx; cli; wbinvd")
CODE_16(c_unreal,
        "lgdtl %cs:2f - c_unreal; mov %cr0, %eax; or $1, %al; mov %eax, %cr0; mov $0x10, %bx;"
        "mov %bx, %es; and $0xfe, %al; mov %eax, %cr0; xor %bx, %bx; mov %bx, %es;"
        "mov $0x100000, %ebx; mov %es:(%ebx), %ecx; jmp 3f; 2: .word 383; .long gdt; 3:")
#define RUN(name, code) run(name, code, code##_end - code)

int main(void)
{
    install();
    RUN("nothing", c_nothing);
    RUN("ud2", c_ud);
    RUN("div by 0", c_div);
    RUN("div overflow", c_divb);
    RUN("int3", c_int3);
    RUN("into", c_into);
    RUN("sti, ud2", c_sti);
    RUN("single step", c_tf);
    RUN("lar", c_lar);
    RUN("sldt", c_sldt);
    RUN("ffff:10", c_wrap);
    print("al is the byte at 100000: %d\n", (uint8_t)R->eax == *(uint8_t *)0x100000);
    RUN("store through CS", c_csw);
    RUN("registers", c_regs);
    print("eax %x ebx %x ecx %x dx %x\n", R->eax, R->ebx, R->ecx, R->edx & 0xffff);
    RUN("far return", c_retf);
    print("ax %x\n", R->eax & 0xffff);
    RUN("32-bit iret", c_iretd);
    print("flags %x\n", R->eax);
    RUN("system registers", c_cpl);
    print("pe %d\n", R->eax & 1);
    RUN("unreal", c_unreal);
    print("ecx is the word at 100000: %d\n", R->ecx == *(uint32_t *)0x100000);
    print("== limits\n" MANUAL);
    RUN("word at ffff", c_beyond);
    print(MANUAL);
    RUN("byte at 10000", c_ebx);
    print(MANUAL);
    memcpy((void *)(AREA + 0x12345), "\xcd\x21", 2); /* should it arrive */
    RUN("jump beyond ffff", c_jump);
    return 0;
}

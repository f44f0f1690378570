/* SPDX-License-Identifier: MIT */
/*
 * Virtual-8086 mode: entry by IRET, what traps and how (IOPL 0 and 3), the frame of an interrupt
 * from it, segments after it. Intel SDM vol. 3 chapter 20. CR4.VME stays 0.
 *
 * kvm: needs processor
 */
#include "guest.h"

/* 16-bit code and data of the vm86 task live below 64 KiB: CS = SS = DS = 0x800. */
enum { AREA = 0x8000, PARA = 0x800, TOP = 0x1000 };

static struct regs last;
static uint16_t segs[4];
_Noreturn void try_leave(void);

static void catch (struct regs *r)
{
    uint32_t *above = (uint32_t *)(&r->ss + 1);

    last = *r;
    for (unsigned k = 0; k < 4; k++)
        segs[k] = above[k];
    try_leave();
}

static uint32_t v86_flags;
DO(enter)
{
    asm volatile("pushl $0x444; pushl $0x333; pushl $0x222; pushl $0x111;" /* GS FS DS ES */
                 "pushl %0; pushl %1; pushl %2; pushl %0; pushl $0; iret"
                 :
                 : "i"(PARA), "i"(TOP), "r"(v86_flags));
}

static unsigned run(const char *name, const void *code, unsigned len, uint32_t iopl)
{
    memcpy((void *)AREA, code, len);
    *(uint8_t *)(AREA + len) = 0xf4; /* HLT: always #GP */
    v86_flags = 0x20202 | iopl << 12;
    for (unsigned v = 0; v < 256; v++)
        hook[v] = catch;
    try(enter);
    for (unsigned v = 0; v < 256; v++)
        hook[v] = NULL;
    print("%s: vec %x err %x ip %x sp %x flags %x\n", name, (unsigned)last.vec & 0xff,
          (unsigned)last.err, (unsigned)last.ip, (unsigned)last.sp,
          (unsigned)last.flags & ~0x108d5);
    return last.vec & 0xff;
}

#define CODE16(name, text)                                                                         \
    extern char name[], name##_end[];                                                              \
    asm(".code16\n" #name ": " text "\n" #name "_end: nop\n.code32\n");
CODE16(c_hlt, "")
CODE16(c_cli, "cli")
CODE16(c_sti, "sti")
CODE16(c_pushf, "pushfw")
CODE16(c_popf, "popfw")
CODE16(c_pushfd, "pushfl")
CODE16(c_iret, "iretw")
CODE16(c_int, "int $0x21")
CODE16(c_int3, "int3")
CODE16(c_into, "mov $0x7f, %al; add $1, %al; into")
CODE16(c_in, "in $0x80, %al")
CODE16(c_far, "pushw $0x900; pushw $0x12; lretw")
CODE16(c_segs, "mov %ds, %ax; mov %es, %bx; mov %fs, %cx; mov %gs, %dx")
CODE16(c_load, "mov $0xffff, %ax; mov %ax, %ds; movb 0x10, %al; mov $0x800, %ax; mov %ax, %ds")
CODE16(c_beyond, "mov $0xffff, %bx; movw (%bx), %ax")
CODE16(c_ebx, "mov $0x10000, %ebx; movb (%ebx), %al")
CODE16(c_stack, "mov $1, %sp; push %ax")
CODE16(c_lgdt, "lgdt 0")
CODE16(c_smsw, "smsw %ax")
CODE16(c_sldt, ".byte 0x0f, 0, 0xc0")
CODE16(c_lar, "lar %ax, %ax")
CODE16(c_arpl, ".byte 0x63, 0xc0")
CODE16(c_cr, "mov %cr0, %eax")
CODE16(c_clts, "clts")
CODE16(c_real_ret, "pushfw; pushw $0x800; pushw $0x40; iretw")
#define RUN(name, code, iopl) run(name, code, code##_end - code, iopl)

int main(void)
{
    print("== IOPL 0\n");
    RUN("hlt", c_hlt, 0);
    print(MANUAL "RF in the pushed flags: %d\n", (int)(last.flags >> 16 & 1)); /* QEMU: not set */
    print("frame: cs %x ss %x es %x ds %x fs %x gs %x; now ds %x fs %x gs %x\n", (unsigned)last.cs,
          (unsigned)last.ss, segs[0], segs[1], segs[2], segs[3], get_ds(), get_fs(), get_gs());
    RUN("cli", c_cli, 0);
    RUN("sti", c_sti, 0);
    RUN("pushf", c_pushf, 0);
    RUN("popf", c_popf, 0);
    RUN("pushfd", c_pushfd, 0);
    RUN("iret", c_iret, 0);
    RUN("int 21", c_int, 0);
    RUN("int3", c_int3, 0);
    RUN("in", c_in, 0);
    print("== IOPL 3\n");
    RUN("cli", c_cli, 3);
    RUN("pushf", c_pushf, 3);
    print("pushed %x\n", *(uint16_t *)(AREA + TOP - 2) & ~0x8d5);
    RUN("pushfd", c_pushfd, 3);
    print("pushed %x\n", *(uint32_t *)(AREA + TOP - 4) & ~0x8d5);
    *(uint8_t *)(AREA + 0x40) = 0xf4;
    RUN("iret", c_real_ret, 3);
    RUN("in", c_in, 3);
    set_gate(0x21, CODE, stubs[0x21], 0x8e, 0);
    RUN("int 21, gate DPL 0", c_int, 3);
    set_gate(0x21, CODE, stubs[0x21], 0xee, 0);
    RUN("int 21, gate DPL 3", c_int, 3);
    RUN("int3", c_int3, 3);
    RUN("into", c_into, 3);
    *(uint8_t *)0x9012 = 0xf4;
    RUN("far return", c_far, 3);
    print("cs %x\n", (unsigned)last.cs);
    RUN("segments", c_segs, 3);
    print("ds %x es %x fs %x gs %x\n", (unsigned)last.ax & 0xffff, (unsigned)last.bx & 0xffff,
          (unsigned)last.cx & 0xffff, (unsigned)last.dx & 0xffff);
    *(uint8_t *)0x100000 = *(uint8_t *)0x100000;
    RUN("load ds", c_load, 3);
    print("byte at ffff:10 is that at 100000: %d\n",
          (uint8_t)last.ax == 0 || (uint8_t)last.ax == *(uint8_t *)0x100000);
    print("== limits: QEMU does not check them\n" MANUAL);
    RUN("word at ffff", c_beyond, 3);
    print(MANUAL);
    RUN("byte at 10000", c_ebx, 3);
    print(MANUAL);
    RUN("push at 1", c_stack, 3);
    print("== privileged and unrecognised\n");
    RUN("lgdt", c_lgdt, 3);
    RUN("smsw", c_smsw, 3);
    RUN("sldt", c_sldt, 3);
    RUN("lar", c_lar, 3);
    RUN("arpl", c_arpl, 3);
    RUN("mov from cr0", c_cr, 3);
    RUN("clts", c_clts, 3);
    return 0;
}

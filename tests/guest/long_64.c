/* SPDX-License-Identifier: MIT */
/*
 * 64-bit mode: interrupt frames and IST, IRET forms, SYSCALL and SYSRET, SYSENTER and SYSEXIT,
 * SWAPGS and the segment bases, compatibility mode, 64-bit call gates, MSR checks. Intel SDM
 * vol. 3 sections 5.8, 6.14; vol. 2.
 *
 * QEMU 7.2 counts gates by 16 in error codes, accepts L with D, loses arithmetic flags over
 * SYSCALL, knows no VIF and VIP and does not check what is written to MSRs: MANUAL.
 *
 * kvm: needs processor
 */
#include "guest.h"

enum { GATE = FREE, CODE32 = FREE + 16, LBAD = FREE + 24, LDT = FREE + 32 };
enum { EFER_SCE = 1 };
#define MSR_EFER  0xc0000080
#define MSR_STAR  0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_FMASK 0xc0000084
#define MSR_FS    0xc0000100
#define MSR_GS    0xc0000101
#define MSR_KGS   0xc0000102

static ulong seen[8];
_Noreturn void try_leave(void);

/* ---- Interrupt frames ---------------------------------------------------------------------- */

static uint8_t ist_stack[2][4096] __attribute__((aligned(4096)));
static struct regs *last;
static struct regs copy;

static void keep(struct regs *r)
{
    last = r;
    copy = *r;
}

DO(int40)
{
    asm volatile("int $0x40");
}
DO(misaligned)
{
    asm volatile("mov %%rsp, %%rbx; and $-16, %%rsp; sub $3, %%rsp; mov %%rsp, %0; int $0x40;"
                 "mov %%rbx, %%rsp"
                 : "=m"(seen[0])
                 :
                 : "rbx", "memory");
}

static void test_frames(void)
{
    print("== frames\n");
    hook[0x40] = keep;
    misaligned();
    print("frame end aligned: %d, rsp kept: %d, ss %lx\n", ((ulong)(last + 1) & 15) == 0,
          copy.sp == seen[0], copy.ss);
    tss.ist[2] = (ulong)ist_stack[0] + 4096 - 8;
    set_gate(0x40, CODE, stubs[0x40], 0x8e, 3);
    int40();
    print("IST 3: %lx below its top, aligned down\n",
          (ulong)ist_stack[0] + 4096 - (ulong)(last + 1));
    set_gate(0x40, CODE, stubs[0x40], 0xee, 0);
    SHOW_USER("from ring 3", int40);
    print("cs %lx ss %lx on the RSP0 stack: %d\n", copy.cs, copy.ss,
          (ulong)last > (ulong)trap_stack && (ulong)last < (ulong)trap_stack + sizeof(trap_stack));
    hook[0x40] = NULL;
    set_gate(0x40, CODE, stubs[0x40], 0x8e, 3);
    tss.ist[2] = 1ul << 47 | 16;
    print(MANUAL); /* QEMU: #GP */
    SHOW("IST not canonical", int40);
    set_gate(0x40, CODE32, stubs[0x40], 0x8e, 0);
    SHOW("gate to a 32-bit segment", int40);
    set_gate(0x40, CODE, stubs[0x40], 0x86, 0);
    print(MANUAL);
    SHOW("16-bit gate", int40);
    set_gate(0x40, CODE, stubs[0x40], 0x85, 0);
    print(MANUAL);
    SHOW("task gate", int40);
    set_gate(0x40, CODE, stubs[0x40], 0x0e, 0);
    print(MANUAL);
    SHOW("absent", int40);
    set_gate(0x40, CODE, 1ul << 47, 0x8e, 0);
    print(MANUAL); /* QEMU faults at the target */
    SHOW("target not canonical", int40);
    load_idt(0x40 * 16 + 14);
    print(MANUAL);
    SHOW("beyond the IDT", int40);
    load_idt(0xfff);
    set_gate(0x40, CODE, stubs[0x40], 0xee, 0);
}

/* ---- IRET --------------------------------------------------------------------------------------
 */

static ulong frame[5];
extern char arrive[], arrive32[];
asm("arrive: mov %rsp, seen+8(%rip); mov %ss, %eax; mov %rax, seen+16(%rip); int $0x20\n"
    ".code32\narrive32: mov %cs, %ebx; mov %ss, %ecx; mov %esp, %edx; int $0x41\n.code64\n");
DO(do_iretq)
{
    asm volatile("mov %0, %%rsp; iretq" : : "r"(frame));
}
DO(do_lretq)
{
    asm volatile("mov %0, %%rsp; lretq" : : "r"(frame));
}
DO(do_iretq_nt)
{
    set_flags(0x4002);
    asm volatile("iretq");
}

static void iret(const char *name, ulong ip, ulong cs, ulong ss)
{
    ulong sp = (ulong)user_stack + 4096;

    memcpy(frame, (ulong[]){ip, cs, 2, sp, ss}, sizeof(frame));
    SHOW(name, do_iretq);
}

static void leave(struct regs *r)
{
    copy = *r;
    try_leave();
}

static void test_iret(void)
{
    print("== IRET\n");
    iret("same ring", (ulong)arrive, CODE, DATA);
    print("rsp %lx ss %lx\n", (ulong)user_stack + 4096 - seen[1], seen[2]);
    iret("same ring, null SS", (ulong)arrive, CODE, 0);
    print("ss %lx\n", seen[2]);
    iret("ring 3", (ulong)arrive, UCODE64, UDATA);
    iret("ring 3, null SS", (ulong)arrive, UCODE64, 3);
    iret("ring 3, SS RPL 0", (ulong)arrive, UCODE64, UDATA & ~3);
    print(MANUAL);
    iret("L and D", (ulong)arrive, LBAD, DATA);
    print(MANUAL); /* QEMU faults at the target */
    iret("not canonical", 1ul << 47, CODE, DATA);
    SHOW("NT", do_iretq_nt);
    set_flags(2);
    hook[0x41] = leave;
    set_gate(0x41, CODE, stubs[0x41], 0xee, 0);
    memcpy(frame,
           (ulong[]){(ulong)arrive32, UCODE32, 2, 0xdeadbeef00000000ul | (ulong)user_stack, UDATA},
           sizeof(frame));
    try(do_iretq);
    print("compatibility, ring 3: cs %lx ss %lx\n", copy.bx, copy.cx);
    memcpy(frame, (ulong[]){(ulong)arrive32, CODE32, 2, (ulong)user_stack + 4096, DATA},
           sizeof(frame));
    try(do_iretq);
    print("compatibility, ring 0: cs %lx ss %lx esp %lx\n", copy.bx, copy.cx,
          copy.dx - (ulong)user_stack);
    memcpy(frame, (ulong[]){(ulong)arrive, UCODE64, (ulong)user_stack + 4096, UDATA}, 32);
    SHOW("far return to ring 3", do_lretq);
}

/* ---- SYSCALL
 * ------------------------------------------------------------------------------------- */

extern char on_syscall[], on_sysenter[], user_syscall[], user_sysenter[], in_32[];
asm("on_syscall: mov %rcx, seen(%rip); mov %r11, seen+8(%rip); mov %cs, %eax; mov %rax, "
    "seen+16(%rip);"
    "    mov %ss, %eax; mov %rax, seen+24(%rip); pushfq; pop seen+32(%rip);"
    "    mov sys_r11(%rip), %r11; mov sys_rcx(%rip), %rcx; sysretq\n"
    "user_syscall: mov $0x40000, %eax; syscall; .globl after_syscall; after_syscall: mov %cs, %ebx;"
    "    mov %ss, %ecx; pushfq; pop %rdx; int $0x41\n"
    "on_sysenter: mov %cs, %eax; mov %rax, seen+16(%rip); mov %ss, %eax; mov %rax, seen+24(%rip);"
    "    mov %rsp, seen(%rip); pushfq; pop seen+32(%rip); mov $user_stack + 4096, %ecx;"
    "    mov $after_syscall, %edx; rex.w sysexit\n"
    "user_sysenter: mov %rsp, %rcx; sysenter\n");
extern char after_syscall[];
ulong sys_r11, sys_rcx;

DO(syscall0)
{
    asm volatile("syscall" : : : "rcx", "r11", "memory");
}
DO(sysret0)
{
    asm volatile("mov %0, %%rcx; mov $2, %%r11; sysretq" : : "r"(sys_rcx));
}
DO(sysret_user)
{
    asm volatile("sysretq");
}
DO(sysenter0)
{
    asm volatile("sysenter");
}
DO(sysexit0)
{
    asm volatile("rex.w sysexit" : : "c"(0), "d"(1ul << 47));
}
DO(sysexit_user)
{
    asm volatile("rex.w sysexit");
}

static void test_syscall(void)
{
    print("== SYSCALL\n");
    SHOW("without SCE", syscall0);
    SHOW("SYSRET without SCE", sysret0);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
    wrmsr(MSR_STAR, (uint64_t)(UCODE32) << 48 | (uint64_t)CODE << 32);
    wrmsr(MSR_LSTAR, (ulong)on_syscall);
    wrmsr(MSR_FMASK, 0x40600); /* IF, DF? (400h), AC */
    sys_r11 = 0x3c7fd7 & ~0x100ul;
    sys_rcx = (ulong)after_syscall;
    memset(seen, 0, sizeof(seen));
    user_flags = 0xed7 & ~0x300;
    try_user((void (*)(void))user_syscall);
    user_flags = 2;
    print(MANUAL "rcx is next: %d r11 %lx cs %lx ss %lx flags %lx\n",
          seen[0] == (ulong)after_syscall, seen[1], seen[2], seen[3], seen[4] & ~0xd5ul);
    print(MANUAL "back: cs %lx ss %lx flags %lx\n", copy.bx, copy.cx, copy.dx & 0xffffff);
    sys_rcx = 1ul << 47;
    SHOW("SYSRET not canonical", sysret0);
    SHOW_USER("SYSRET in ring 3", sysret_user);
    print("== SYSENTER\n");
    wrmsr(0x174, 0);
    SHOW("null CS", sysenter0);
    SHOW("SYSEXIT, null CS", sysexit0);
    wrmsr(0x174, CODE);
    wrmsr(0x175, (ulong)trap_stack + 4096);
    wrmsr(0x176, (ulong)on_sysenter);
    /* SYSEXIT wants 32-bit code at +16, data at +24 and 64-bit code at +32 from CS */
    try_user((void (*)(void))user_sysenter);
    print("cs %lx ss %lx rsp %lx flags & IF %lx\n", seen[2], seen[3], seen[0] - (ulong)trap_stack,
          seen[4] & 0x200);
    print("back: cs %lx ss %lx\n", copy.bx, copy.cx);
    SHOW("SYSEXIT not canonical", sysexit0);
    SHOW_USER("SYSEXIT in ring 3", sysexit_user);
}

/* ---- Bases
 * ---------------------------------------------------------------------------------------- */

static ulong value;
DO(wr_fs)
{
    wrmsr(MSR_FS, value);
}
DO(wr_kgs)
{
    wrmsr(MSR_KGS, value);
}
DO(wr_lstar)
{
    wrmsr(MSR_LSTAR, value);
}
DO(wr_unknown)
{
    wrmsr(0x12345, 0);
}
DO(rd_unknown)
{
    rdmsr(0x12345);
}
DO(wr_pat)
{
    wrmsr(0x277, value);
}
DO(wrfsbase)
{
    asm volatile("wrfsbase %0" : : "r"(value));
}
DO(rdfsbase)
{
    asm volatile("rdfsbase %0" : "=r"(value));
}
DO(swapgs)
{
    asm volatile("swapgs");
}
DO(gs_hole)
{
    asm volatile("mov %%gs:0x7fff, %%al" : : : "al");
}

static void test_bases(void)
{
    print("== bases\n");
    value = 1ul << 47;
    print(MANUAL);
    SHOW("FS_BASE not canonical", wr_fs);
    print(MANUAL);
    SHOW("KERNEL_GS_BASE not canonical", wr_kgs);
    print(MANUAL);
    SHOW("LSTAR not canonical", wr_lstar);
    SHOW("WRFSBASE without FSGSBASE", wrfsbase);
    set_cr4(get_cr4() | 1 << 16);
    print(MANUAL);
    SHOW("WRFSBASE not canonical", wrfsbase);
    value = 0xffff800000001234ul;
    SHOW("WRFSBASE", wrfsbase);
    value = 0;
    SHOW("RDFSBASE", rdfsbase);
    print("%lx %lx\n", value, (ulong)rdmsr(MSR_FS));
    asm volatile("mov $0x1234567890, %%rax; wrfsbase %%eax; rdfsbase %0" : "=r"(value) : : "rax");
    print("32-bit WRFSBASE %lx\n", value);
    set_fs(0);
    print("FS base after a null selector %lx\n", (ulong)rdmsr(MSR_FS));
    wrmsr(MSR_FS, 0x5000);
    set_fs(DATA);
    print("after a flat one %lx\n", (ulong)rdmsr(MSR_FS));
    wrmsr(MSR_GS, 0x1000);
    wrmsr(MSR_KGS, 0x2000);
    SHOW("SWAPGS", swapgs);
    print("gs %lx kernel gs %lx\n", (ulong)rdmsr(MSR_GS), (ulong)rdmsr(MSR_KGS));
    SHOW_USER("SWAPGS in ring 3", swapgs);
    wrmsr(MSR_GS, 0x7fffffffffff);
    SHOW("GS base + offset not canonical", gs_hole);
    wrmsr(MSR_GS, 0);
    print(MANUAL);
    SHOW("unknown MSR, read", rd_unknown);
    print(MANUAL);
    SHOW("unknown MSR, write", wr_unknown);
    value = 0x0007040600070406;
    SHOW("PAT", wr_pat);
    value = 0x0002040600070406;
    print(MANUAL); /* QEMU takes reserved types and clears nothing */
    SHOW("PAT type 2", wr_pat);
}

/* ---- Gates and what is gone
 * ------------------------------------------------------------------------------ */

static struct {
    uint64_t off;
    uint16_t sel;
} __attribute__((packed)) far64;
static struct {
    uint32_t off;
    uint16_t sel;
} __attribute__((packed)) far32;
extern char gate_entry[];
asm("gate_entry: mov %rsp, seen(%rip); mov %cs, %eax; mov %rax, seen+8(%rip); mov %ss, %eax;"
    "    mov %rax, seen+16(%rip); lretq\n");
DO(call64)
{
    asm volatile("rex.w lcall *%0" : : "m"(far64) : "memory", "rax");
}
DO(call32)
{
    asm volatile("lcall *%0" : : "m"(far32) : "memory", "rax");
}
DO(jmp32)
{
    asm volatile("ljmp *%0" : : "m"(far32));
}
DO(load_ldt)
{
    asm volatile("lldt %w0" : : "r"(LDT));
}
DO(load_tr)
{
    asm volatile("ltr %w0" : : "r"(TSS));
}
DO(null_ss)
{
    asm volatile("mov %0, %%ss; mov %1, %%ss" : : "r"(0), "r"(DATA));
}
DO(null_ds)
{
    asm volatile("mov %0, %%ds; mov %%ds:(%%rsp), %%al" : : "r"(0) : "al");
}

static void gate(const char *name, uint64_t lo, uint64_t hi)
{
    gdt[GATE / 8] = lo;
    gdt[GATE / 8 + 1] = hi;
    far32.sel = GATE | 3;
    SHOW_USER(name, call32);
}

static void test_gates(void)
{
    uint64_t lo = call_gate(CODE, (ulong)gate_entry, 0, 3, 12);

    print("== gates\n");
    memset(seen, 0, sizeof(seen));
    gate("64-bit call gate", lo, 0);
    print("cs %lx ss %lx, %lx bytes on the RSP0 stack\n", seen[1], seen[2],
          (ulong)trap_stack + sizeof(trap_stack) - seen[0]);
    gate("upper type not 0", lo, 1ul << 40);
    print(MANUAL);
    gate("target not canonical", lo, 0x8000);
    gate("to 32-bit code", call_gate(CODE32, 0, 0, 3, 12), 0);
    gate("16-bit gate", call_gate(CODE, 0, 0, 3, 4), 0);
    gate("task gate", call_gate(CODE, 0, 0, 3, 5), 0);
    gdt[GATE / 8] = lo;
    gdt[GATE / 8 + 1] = 0;
    far32.sel = TSS;
    SHOW("jmp to a TSS", jmp32);
    far32.sel = LBAD;
    print(MANUAL);
    SHOW("jmp to code with L and D", jmp32);
    far64.sel = CODE;
    far64.off = (ulong)arrive;
    SHOW("far call, 64-bit", call64);
    gdt[LDT / 8] = descriptor((uint32_t)(ulong)ldt, sizeof(ldt) - 1, 0x82);
    gdt[LDT / 8 + 1] = 0;
    SHOW("LLDT", load_ldt);
    gdt[LDT / 8 + 1] = 0x8000;
    print(MANUAL); /* QEMU takes it */
    SHOW("LLDT not canonical", load_ldt);
    gdt[LDT / 8 + 1] = 1ul << 40;
    print(MANUAL);
    SHOW("LLDT upper type", load_ldt);
    SHOW("LTR busy", load_tr);
    SHOW("null SS in ring 0", null_ss);
    SHOW("load through null DS", null_ds);
}

/* ---- Exceptions that nest
 * ----------------------------------------------------------------------------------- */

DO(ud)
{
    asm volatile("ud2");
}
DO(pf)
{
    asm volatile("mov (%0), %%al" : : "r"(0xffff800000000000ul) : "al");
}
DO(gp)
{
    set_ds(0x1000);
}

static void test_nested(void)
{
    print("== nested\n");
    tss.ist[0] = (ulong)ist_stack[1] + 4096;
    set_gate(8, CODE, stubs[8], 0x8e, 1);
    set_gate(13, CODE, stubs[13], 0x0e, 0);
    set_gate(11, CODE, stubs[11], 0x0e, 0);
    SHOW("#GP, #NP: double fault", gp);
    print("on IST 1: %d\n", fault.vec == 8);
    set_gate(11, CODE, stubs[11], 0x8e, 0);
    set_gate(14, CODE, stubs[14], 0x0e, 0);
    set_gate(13, CODE, stubs[13], 0x8e, 0);
    SHOW("#PF, #NP: double fault", pf);
    set_gate(14, CODE, stubs[14], 0x8e, 0);
    set_gate(6, CODE, 1ul << 46, 0x8e, 0);
    SHOW("#UD handler not mapped", ud);
    set_gate(6, CODE, stubs[6], 0x8e, 0);
    tss.ist[1] = 0xffff800000001000;
    set_gate(6, CODE, stubs[6], 0x8e, 2);
    SHOW("#UD stack not mapped: page fault", ud);
    set_gate(14, CODE, stubs[14], 0x8e, 2);
    SHOW("#PF stack not mapped: double fault", pf);
    set_gate(14, CODE, stubs[14], 0x8e, 0);
    set_gate(6, CODE, stubs[6], 0x8e, 0);
}

int main(void)
{
    gdt[CODE32 / 8] = 0x00cf9b000000ffff;
    gdt[LBAD / 8] = 0x00ef9b000000ffff;
    test_frames();
    test_iret();
    test_syscall();
    test_bases();
    test_gates();
    test_nested();
    return 0;
}

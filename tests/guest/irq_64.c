/* SPDX-License-Identifier: MIT */
/*
 * options: -smp 2
 * kvm: needs irq-window
 * Interrupts as the processor takes them: IF and the shadows of STI and MOV SS, HLT, priorities
 * and CR8, NMI and its blocking, APIC timer, TSC deadline; a second processor by INIT and SIPI.
 * Intel SDM vol. 3 sections 6.7, 6.8, 8.4, 10.5, 10.6, 10.8.
 */
#include "guest.h"

#define APIC(off) (*(volatile uint32_t *)(0xfee00000ul + (off)))
enum {
    ID = 0x20,
    TPR = 0x80,
    EOI = 0xb0,
    SVR = 0xf0,
    IRR = 0x200,
    ICR = 0x300,
    ICR2 = 0x310,
    LVT_TIMER = 0x320,
    TMICT = 0x380,
    TMCCT = 0x390,
    TMDIV = 0x3e0
};
enum {
    SELF = 0x40000,
    OTHERS = 0xc0000,
    FIXED = 0,
    NMI = 0x400,
    INIT = 0x500,
    SIPI = 0x600,
    ASSERT = 0x4000,
    LEVEL = 0x8000
};

static unsigned order[16], taken;
static ulong at[16];

static void on_irq(struct regs *r)
{
    if (taken < 16) {
        order[taken] = r->vec & 0xff;
        at[taken] = r->ip;
    }
    taken++;
    APIC(EOI) = 0;
}

static void ipi(uint32_t command)
{
    APIC(ICR2) = 0;
    APIC(ICR) = command;
    for (unsigned k = 0; k < 100000 && (APIC(ICR) & 0x1000); k++)
        asm volatile("pause");
}

static void report(const char *name, const char *base)
{
    print("%s:", name);
    for (unsigned k = 0; k < taken && k < 16; k++) {
        print(" %x", order[k]);
        if (base)
            print("+%lx", at[k] - (ulong)base);
    }
    print(taken ? "\n" : " none\n");
    taken = 0;
}

static void call(const char *piece)
{
    asm volatile("call *%0" : : "r"(piece) : "rax", "rbx", "rcx", "rdx", "memory", "cc");
}

#define PIECE(name, text)                                                                          \
    extern char name[];                                                                            \
    asm(#name ": " text "; ret\n");
PIECE(p_sti, "sti; nop; nop; cli")
PIECE(p_sti_cli, "sti; cli; nop")
PIECE(p_sti_sti, "sti; sti; nop; cli")
PIECE(p_popf, "pushfq; orl $0x200, (%rsp); popfq; nop; cli")
PIECE(p_hlt, "sti; hlt; nop; cli")
PIECE(p_ss_hlt, "mov %ss, %eax; sti; nop; mov %eax, %ss; nop; cli")

static void test_shadows(void)
{
    print("== shadows (vector + offset of the return address)\n");
#define SHADOW(p) (ipi(SELF | 0x50), call(p), report(#p, p))
    call(p_sti);
    report("nothing pending", p_sti);
    SHADOW(p_sti);
    SHADOW(p_sti_cli);
    asm volatile("sti; nop; cli");
    taken = 0;
    SHADOW(p_sti_sti);
    SHADOW(p_popf);
    SHADOW(p_hlt);
    SHADOW(p_ss_hlt);
}

static void open_window(void)
{
    asm volatile("sti; nop; nop; cli" : : : "memory");
}

static void set_cr8(ulong v)
{
    asm volatile("mov %0, %%cr8" : : "r"(v) : "memory");
}

static void test_priority(void)
{
    print("== priority\n");
    ipi(SELF | 0x50);
    ipi(SELF | 0x70);
    ipi(SELF | 0x60);
    open_window();
    report("50 70 60", NULL);
    set_cr8(6);
    print("tpr %x\n", APIC(TPR));
    ipi(SELF | 0x50);
    ipi(SELF | 0x70);
    open_window();
    report("cr8 6", NULL);
    print("50 in IRR: %d\n", (int)(APIC(IRR + 0x20) >> 16 & 1));
    set_cr8(5);
    open_window();
    report("cr8 5", NULL);
    set_cr8(4);
    open_window();
    report("cr8 4", NULL);
    set_cr8(0);
    ipi(SELF | 0x50);
    ipi(SELF | 0x50);
    open_window();
    report("twice", NULL);
}

/* ---- NMI ----------------------------------------------------------------------------------------
 */

static unsigned nmis, depth, deepest;

static void nmi_self(void)
{
    APIC(ICR2) = APIC(ID) & 0xff000000;
    APIC(ICR) = NMI | ASSERT;
    for (unsigned k = 0; k < 1000; k++)
        asm volatile("pause");
}

static void on_nmi(struct regs *r)
{
    (void)r;
    nmis++;
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (nmis == 1) {
        nmi_self(); /* waits until IRET */
        nmi_self();
    }
    depth--;
}

static void test_nmi(void)
{
    print("== NMI\n");
    hook[2] = on_nmi;
    nmi_self();
    print("%d taken, %d deep\n", nmis, deepest); /* of two sent inside, one is remembered */
}

/* ---- Timers
 * --------------------------------------------------------------------------------------- */

static uint64_t rdtsc(void)
{
    uint32_t a, d;

    asm volatile("lfence; rdtsc" : "=a"(a), "=d"(d));
    return a | (uint64_t)d << 32;
}

static void wait_irq(unsigned n)
{
    while (taken < n)
        asm volatile("sti; hlt; cli" : : : "memory");
}

static void test_timers(void)
{
    uint32_t r[4];
    uint64_t t;

    print("== timers\n");
    APIC(TMDIV) = 0xb; /* by 1 */
    APIC(LVT_TIMER) = 0x51;
    APIC(TMICT) = 1000000;
    wait_irq(1);
    report("one shot", NULL);
    print("count now %d\n", APIC(TMCCT));
    APIC(LVT_TIMER) = 0x20052;
    APIC(TMICT) = 300000;
    wait_irq(3);
    APIC(LVT_TIMER) = 0x10052;
    APIC(TMICT) = 0;
    open_window();
    taken = 3;
    report("periodic", NULL);
    cpuid(1, 0, r);
    if (!(r[2] >> 24 & 1))
        return; /* QEMU's software CPU */
    APIC(LVT_TIMER) = 0x40053;
    asm volatile("mfence");
    t = rdtsc() + 2000000;
    wrmsr(0x6e0, t);
    print(MANUAL "deadline kept: %d\n", rdmsr(0x6e0) == t);
    wait_irq(1);
    print(MANUAL "not early: %d, MSR now %lx\n", rdtsc() >= t, (ulong)rdmsr(0x6e0));
    print(MANUAL);
    report("deadline", NULL);
    wrmsr(0x6e0, 1);
    open_window();
    print(MANUAL);
    report("deadline in the past", NULL);
    wrmsr(0x6e0, rdtsc() + 1000000000);
    wrmsr(0x6e0, 0);
    open_window();
    print(MANUAL);
    report("disarmed", NULL);
}

/* ---- The second processor
 * --------------------------------------------------------------------------- */

extern char ap_code[], ap_code_end[];
asm(".code16\n"
    "ap_code: cli; mov %cs, %ax; mov %ax, %cs:0x100; mov %cr0, %ebx; mov %ebx, %cs:0x104\n"
    "    mov %edx, %cs:0x108; xor %ax, %ax; mov %ax, %ds; mov %ax, %ss; mov $0x6000, %sp\n"
    "    incl 0x5000\n"
    "1:  hlt; jmp 1b\n"
    "ap_nmi: incl %cs:0x5004; iretw\n"
    "ap_code_end: .code64\n");
extern char ap_nmi[];
#define RUNS (*(volatile uint32_t *)0x5000)
#define NMIS (*(volatile uint32_t *)0x5004)

static void delay(void)
{
    for (volatile unsigned k = 0; k < 300000; k++)
        asm volatile("pause");
}

static bool wait_for(volatile uint32_t *p, uint32_t v)
{
    for (unsigned k = 0; k < 500 && *p != v; k++)
        delay();
    return *p == v;
}

static void start_ap(unsigned page)
{
    ipi(OTHERS | INIT | ASSERT | LEVEL);
    ipi(OTHERS | INIT | LEVEL);
    delay();
    memcpy((void *)(ulong)(page << 12), ap_code, ap_code_end - ap_code);
    ipi(OTHERS | SIPI | ASSERT | page);
}

static void show_ap(unsigned page)
{
    volatile uint32_t *p = (void *)(ulong)((page << 12) + 0x100);
    uint32_t r[4];

    cpuid(1, 0, r);
    print("cs %x cr0 %x edx is the signature: %d\n", p[0] & 0xffff, p[1], p[2] == r[0]);
}

static void test_smp(void)
{
    volatile uint16_t *ivt;

    print("== second processor\n");
    asm("xor %0, %0" : "=r"(ivt));
    RUNS = NMIS = 0;
    start_ap(8);
    print("SIPI 8: %d\n", wait_for(&RUNS, 1));
    show_ap(8);
    ipi(OTHERS | SIPI | ASSERT | 9);
    delay();
    print("SIPI without INIT is ignored: %d\n", RUNS == 1);
    ivt[4] = 0x8000 + (ap_nmi - ap_code);
    ivt[5] = 0;
    ipi(OTHERS | NMI | ASSERT);
    print("NMI while halted: %d\n", wait_for(&NMIS, 1));
    ipi(OTHERS | NMI | ASSERT);
    print("NMI again: %d\n", wait_for(&NMIS, 2));
    start_ap(9);
    print("INIT, SIPI 9: %d\n", wait_for(&RUNS, 2));
    show_ap(9);
}

int main(void)
{
    APIC(SVR) = 0x1ff;
    for (unsigned v = 0x50; v < 0x80; v++)
        hook[v] = on_irq;
    test_shadows();
    test_priority();
    test_nmi();
    test_timers();
    test_smp();
    return 0;
}

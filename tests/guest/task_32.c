/* SPDX-License-Identifier: MIT */
/*
 * Task switches: JMP, CALL, INT through a task gate, IRET, an exception with an error code,
 * 16-bit TSSs, what is saved and what is refused. Intel SDM vol. 3 chapter 7.
 *
 * QEMU does not deliver the T bit's trap and refuses a gate to an LDT selector with #TS instead of
 * #GP: those lines are MANUAL. #TS goes through a task gate here: when it is raised the new task
 * may have no stack yet.
 *
 * kvm: needs processor
 */
#include "guest.h"

enum {
    T2 = FREE,
    GATE = FREE + 8,
    T16 = FREE + 16,
    LDT = FREE + 24,
    ABSENT = FREE + 32,
    T3 = FREE + 40
};

static struct tss32 t2, t3;
static struct tss16 {
    uint16_t link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags, ax, cx, dx, bx, sp, bp, si, di, es, cs,
        ss, ds, ldt;
} t16;
static uint8_t stack2[4096], stack3[4096];
static struct {
    uint32_t off;
    uint16_t sel;
} __attribute__((packed)) far;
static volatile uint32_t seen_flags, seen_cr0, seen_tr, seen_err, runs;

static unsigned type_of(unsigned sel)
{
    return gdt[sel / 8] >> 40 & 0xff;
}

static void descriptors(void)
{
    gdt[TSS / 8] = descriptor((uint32_t)&tss, sizeof(tss) - 1, 0x8b);
    gdt[T2 / 8] = descriptor((uint32_t)&t2, sizeof(t2) - 1, 0x89);
    gdt[T16 / 8] = descriptor((uint32_t)&t16, sizeof(t16) - 1, 0x81);
}

static unsigned tr(void)
{
    unsigned v;

    asm volatile("str %0" : "=r"(v));
    return v & 0xffff;
}

static void prepare(void (*entry)(void))
{
    memset(&t2, 0, sizeof(t2));
    t2.eip = (uint32_t)entry;
    t2.eflags = 2;
    t2.esp = (uint32_t)stack2 + sizeof(stack2);
    t2.cs = CODE;
    t2.es = t2.ss = t2.ds = t2.fs = t2.gs = DATA;
    t2.eax = 0xaaaa;
    t2.edi = 0xd1d1;
    t2.iomap = sizeof(t2);
    descriptors();
}

static void note(void)
{
    seen_flags = get_flags();
    seen_cr0 = get_cr0();
    seen_tr = tr();
    runs++;
}

static void report(const char *what)
{
    print("%s: tr %x nt %d ts %d link %x types %x %x runs %d now %x\n", what, seen_tr,
          (int)(seen_flags >> 14 & 1), (int)(seen_cr0 >> 3 & 1), t2.link, type_of(TSS), type_of(T2),
          runs, tr());
    runs = 0;
    asm volatile("clts");
}

/* ---- Ways in and out ----------------------------------------------------------------------- */

DO(far_call)
{
    asm volatile("lcall *%0" : : "m"(far) : "memory");
}
DO(far_jmp)
{
    asm volatile("ljmp *%0" : : "m"(far) : "memory");
}

DO(by_iret)
{
    for (;;) {
        note();
        asm volatile("iret");
    }
}

DO(by_jmp)
{
    for (;;) {
        note();
        far.sel = TSS;
        asm volatile("ljmp *%0" : : "m"(far));
    }
}

static void test_switches(void)
{
    uint32_t keep = 0x1234;

    prepare(by_iret);
    far.sel = T2;
    asm volatile("mov %1, %%esi; lcall *%2; mov %%esi, %0"
                 : "=r"(keep)
                 : "r"(0x5151), "m"(far)
                 : "esi", "memory");
    report("call TSS");
    print("esi kept: %x, eip saved in TSS: %s, eax saved in T2: %x\n", keep, tss.eip ? "yes" : "no",
          t2.edi);
    far_call();
    report("call again");
    prepare(by_iret);
    gdt[GATE / 8] = call_gate(T2, 0, 0, 0, 5);
    far.sel = GATE;
    far_call();
    report("call task gate");
    prepare(by_jmp);
    far.sel = T2;
    far_jmp();
    report("jmp there and back");
    prepare(by_iret);
    set_gate(0x40, T2, 0, 0x85, 0);
    asm volatile("int $0x40");
    report("int through a task gate");
}

/* ---- An exception with an error code ------------------------------------------------------- */

DO(on_gp) /* pops the error code, skips the instruction */
{
    for (;;) {
        asm volatile("pop %0" : "=r"(seen_err) : : "memory");
        note();
        tss.eip += 2; /* mov %ax, %ds */
        asm volatile("iret");
    }
}

static void test_exception(void)
{
    prepare(on_gp);
    set_gate(13, T2, 0, 0x85, 0);
    asm volatile("mov %0, %%ds" : : "a"(0x1000));
    report("#GP through a task gate");
    print("error %x, sp moved by %d\n", seen_err,
          (int)((uint32_t)stack2 + sizeof(stack2) - t2.esp));
    set_gate(13, CODE, stubs[13], 0x8e, 0);
}

/* ---- 16-bit TSS ---------------------------------------------------------------------------- */

extern char code_16[];
asm("code_16: int3\n");

static void test_16(void)
{
    memset(&t16, 0, sizeof(t16));
    descriptors();
    gdt[ABSENT / 8] = descriptor((uint32_t)code_16, 0xfff, 0x40fb); /* IP has only 16 bits */
    t16.flags = 2;
    t16.cs = ABSENT | 3;
    t16.es = t16.ds = t16.ss = UDATA;
    t16.ss0 = DATA; /* for the handler: below 64 KiB, where SP0 can reach */
    t16.sp0 = 0x8000;
    far.sel = T16;
    SHOW("16-bit TSS: arrives at int3", far_call);
    print("cs:ip %lx:%lx tr %x link %x nt %d\n", fault.cs, fault.ip, tr(), t16.link,
          (int)(fault.flags >> 14 & 1));
    asm volatile("clts");
}

/* ---- Refusals ------------------------------------------------------------------------------ */

_Noreturn void try_leave(void);
void on_ts(uint32_t error);
extern char ts_entry[];
asm("ts_entry: push $0; jmp on_ts\n"); /* as if called with the error code */

static void back(void)
{
    descriptors();
    gdt[TSS / 8] = descriptor((uint32_t)&tss, sizeof(tss) - 1, 0x89);
    gdt[T3 / 8] = descriptor((uint32_t)&t3, sizeof(t3) - 1, 0x89);
    asm volatile("ltr %w0" : : "r"(TSS));
    asm volatile("lldt %w0" : : "r"(0));
    asm volatile("clts");
    set_flags(2);
}

static uint32_t in_task;

void on_ts(uint32_t error)
{
    fault.vec = 10;
    fault.err = error;
    in_task = t3.link;
    back();
    try_leave();
}

static void prepare_ts(void)
{
    memset(&t3, 0, sizeof(t3));
    t3.eflags = 2;
    t3.esp = (uint32_t)stack3 + sizeof(stack3);
    t3.cs = CODE;
    t3.es = t3.ss = t3.ds = t3.fs = t3.gs = DATA;
    t3.eip = (uint32_t)ts_entry;
    gdt[T3 / 8] = descriptor((uint32_t)&t3, sizeof(t3) - 1, 0x89);
    set_gate(10, T3, 0, 0x85, 0);
}

static void refuse(const char *name, unsigned sel)
{
    far.sel = sel;
    prepare_ts();
    in_task = 0;
    SHOW(name, far_call);
    print("  in task %x\n", in_task ? in_task : tr());
    back();
}

static void test_refusals(void)
{
    print("== refused before the switch\n");
    prepare(by_iret);
    refuse("busy", TSS);
    gdt[T2 / 8] = descriptor((uint32_t)&t2, sizeof(t2) - 1, 0x09);
    refuse("absent", T2);
    gdt[T2 / 8] = descriptor((uint32_t)&t2, sizeof(t2) - 2, 0x89);
    refuse("too short", T2);
    gdt[GATE / 8] = call_gate(T2, 0, 0, 0, 5) & ~(0x80ull << 40);
    refuse("gate absent", GATE);
    gdt[GATE / 8] = call_gate(T2 | 4, 0, 0, 0, 5);
    print(MANUAL);
    refuse("gate to an LDT selector", GATE);
    gdt[GATE / 8] = call_gate(DATA, 0, 0, 0, 5);
    refuse("gate to data", GATE);
    gdt[GATE / 8] = call_gate(0, 0, 0, 0, 5);
    refuse("gate to null", GATE);

    print("== refused in the new task\n");
    prepare(by_iret);
    t2.cs = DATA;
    refuse("cs data", T2);
    prepare(by_iret);
    t2.cs = 0;
    refuse("cs null", T2);
    prepare(by_iret);
    t2.ss = 0;
    refuse("ss null", T2);
    prepare(by_iret);
    t2.ss = CODE;
    refuse("ss code", T2);
    prepare(by_iret);
    t2.ds = 0x1000;
    refuse("ds outside", T2);
    prepare(by_iret);
    gdt[ABSENT / 8] = descriptor(0, 0xfffff, 0xc013);
    t2.es = ABSENT;
    refuse("es absent", T2);
    prepare(by_iret);
    t2.ldt = DATA;
    refuse("ldt is data", T2);
    prepare(by_iret);
    gdt[LDT / 8] = descriptor((uint32_t)ldt, sizeof(ldt) - 1, 0x02);
    t2.ldt = LDT;
    refuse("ldt absent", T2);
}

static void test_trap_bit(void)
{
    prepare(by_iret);
    t2.trap = 1;
    far.sel = T2;
    print(MANUAL);
    SHOW("T bit", far_call);
    print(MANUAL "dr6 %lx at entry: %d\n", get_dr6(), fault.ip == (ulong)by_iret);
    back();
}

int main(void)
{
    tss.iomap = sizeof(tss);
    test_switches();
    test_exception();
    test_refusals();
    test_16();
    back();
    test_trap_bit();
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Far transfers and gates in 32-bit protected mode: JMP, CALL, RET, IRET, interrupt gates, inner
 * stacks, error codes and their EXT bit. Intel SDM vol. 3 sections 5.8, 6.12, 6.13.
 *
 * QEMU's software CPU does not set the EXT bit, does not check RET and IRET against the limit of
 * CS nor an inner stack against the limit of SS, and gives a selector where CALL beyond the limit
 * of CS is #GP(0): those lines are MANUAL.
 *
 * kvm: needs processor
 */
#include "guest.h"

enum {
    CONFORMING = FREE,
    ABSENT = FREE + 8,
    GATE = FREE + 16,
    SMALL_CODE = FREE + 24,
    CODE16 = FREE + 32,
    RING1 = FREE + 40,
    RING1_DATA = FREE + 48,
    XO = FREE + 56,
    BEYOND = 0x1000, /* of SMALL_CODE */
};

static struct {
    uint32_t off;
    uint16_t sel;
} __attribute__((packed)) far;
static volatile uint32_t got[8];

DO(far_jmp)
{
    asm volatile("ljmp *%0" : : "m"(far));
}
DO(far_call)
{
    asm volatile("lcall *%0" : : "m"(far) : "memory");
}

static void jump(const char *name, unsigned sel, uint32_t off)
{
    far.sel = sel;
    far.off = off;
    try(far_jmp);
    print("jmp ");
    show(name);
    try(far_call);
    print("%scall ", off == BEYOND ? MANUAL : "");
    show(name);
}

extern char jump_target[], gate_target[], far_return[];
asm("jump_target: int $0x20\n" /* proves the arrival */
    "far_return: lret\n");

static void test_direct(void)
{
    print("== direct\n");
    jump("null", 0, 0);
    jump("data", DATA, 0);
    jump("beyond the GDT", 0xff8, 0);
    jump("TSS", TSS, 0); /* busy */
    jump("absent", ABSENT, 0);
    jump("ring 3 code", UCODE32, 0);
    jump("conforming", CONFORMING, (uint32_t)jump_target);
    jump("conforming RPL 3", CONFORMING | 3, (uint32_t)jump_target);
    jump("RPL 3", CODE | 3, (uint32_t)jump_target);
    jump("code", CODE, (uint32_t)jump_target);
    print("cs %x\n", (unsigned)fault.cs);
    jump("execute-only", XO, (uint32_t)jump_target);
    jump("beyond the limit", SMALL_CODE, BEYOND);
}

static void test_direct_user(void)
{
    print("== direct, from ring 3\n");
    far.off = (uint32_t)jump_target;
    far.sel = CODE;
    SHOW_USER("ring 0 code", far_jmp);
    far.sel = CONFORMING;
    SHOW_USER("conforming", far_jmp);
    print("cs %x\n", (unsigned)fault.cs);
    far.sel = UCODE32 & ~3;
    SHOW_USER("own, RPL 0", far_jmp);
    print("cs %x\n", (unsigned)fault.cs);
}

/* ---- Call gates ---------------------------------------------------------------------------- */

void gate_body(uint32_t *sp, uint32_t cs);
void gate_body(uint32_t *sp, uint32_t cs)
{
    got[0] = cs;
    for (unsigned k = 0; k < 7; k++)
        got[k + 1] = sp[k];
}
asm("gate_target: mov %esp, %eax; push %cs; push %eax; call gate_body; add $8, %esp; lret $8\n");

DO(user_call)
{
    uint32_t before, after;

    asm volatile("mov %%esp, %0; push $0x1111; push $0x2222; lcall *%2; mov %%esp, %1"
                 : "=&r"(before), "=&r"(after)
                 : "m"(far)
                 : "eax", "ecx", "edx", "memory");
    asm volatile("mov %1, %%esp; mov %0, got" : : "r"(before - after), "r"(before) : "memory");
}

static void gate(const char *name, uint64_t d, unsigned rpl)
{
    gdt[GATE / 8] = d;
    far.sel = GATE | rpl;
    SHOW_USER(name, user_call);
}

static void test_gates(void)
{
    uint64_t good = call_gate(CODE, (uint32_t)gate_target, 2, 3, 12);

    print("== call gates from ring 3\n");
    gate("two parameters", good, 3);
    print("stack left by RET 8: %d, ring 0 saw ip+%x cs %x params %x %x ss %x\n", got[0], 0, got[2],
          got[3], got[4], got[6]);
    gate("gate DPL 2", call_gate(CODE, (uint32_t)gate_target, 2, 2, 12), 3);
    gate("gate absent", good & ~(0x80ull << 40), 3);
    gate("to null", call_gate(0, 0, 0, 3, 12), 3);
    gate("to data", call_gate(DATA, 0, 0, 3, 12), 3);
    gate("to absent code", call_gate(ABSENT, 0, 0, 3, 12), 3);
    gate("beyond the GDT", call_gate(0xff8, 0, 0, 3, 12), 3);
    gate("beyond the code limit", call_gate(SMALL_CODE, BEYOND, 0, 3, 12), 3);
    good = call_gate(RING1, (uint32_t)gate_target, 0, 3, 12);
    tss.esp1 = (uint32_t)other_stack[1];
    tss.ss1 = 0;
    gate("TSS: null SS", good, 3);
    tss.ss1 = RING1_DATA;
    gate("TSS: SS RPL 0", good, 3);
    tss.ss1 = CODE | 1;
    gate("TSS: SS code", good, 3);
    tss.ss1 = 0xff9;
    gate("TSS: SS outside", good, 3);
    tss.ss1 = UDATA & ~2;
    gate("TSS: SS DPL 3", good, 3);
    gdt[RING1_DATA / 8] = descriptor(0, 0xfffff, 0xc033);
    tss.ss1 = RING1_DATA | 1;
    print(MANUAL); /* QEMU: #TS */
    gate("TSS: SS absent", good, 3);
    gdt[RING1_DATA / 8] = descriptor(0, 0xfff, 0x40b3);
    tss.esp1 = 0x2000;
    print(MANUAL);
    gate("TSS: ESP beyond SS", good, 3);
    gdt[RING1_DATA / 8] = descriptor(0, 0xfffff, 0xc0b3);
    tss.esp1 = (uint32_t)other_stack[1] + 4096;
    good = call_gate(RING1, (uint32_t)gate_target, 2, 3, 12);
    gate("good ring 1 stack", good, 3);
    good = call_gate(CODE, (uint32_t)gate_target, 2, 3, 12);
    gdt[GATE / 8] = good;
    far.sel = GATE | 3;
    SHOW_USER("jmp to inner ring", far_jmp);
}

/* ---- RET and IRET -------------------------------------------------------------------------- */

static uint32_t frame[9];
DO(do_lret)
{
    asm volatile("mov %0, %%esp; lret" : : "r"(frame));
}
DO(do_iret)
{
    asm volatile("mov %0, %%esp; iret" : : "r"(frame));
}

static void ret(const char *name, uint32_t cs, uint32_t ss)
{
    uint32_t sp = (uint32_t)user_stack + 4096;

    memcpy(frame, (uint32_t[]){(uint32_t)jump_target, cs, sp, ss}, 16);
    print("%sret ", cs == SMALL_CODE ? MANUAL : "");
    SHOW(name, do_lret);
    memcpy(frame, (uint32_t[]){(uint32_t)jump_target, cs, 2, sp, ss}, 20);
    print("%siret ", cs == SMALL_CODE ? MANUAL : "");
    SHOW(name, do_iret);
}

static void test_returns(void)
{
    print("== returns\n");
    ret("same ring", CODE, 0);
    ret("null", 0, 0);
    ret("data", DATA, 0);
    ret("outside", 0xff8, 0);
    ret("absent", ABSENT, 0);
    ret("ring 3", UCODE32, UDATA);
    print("cs %x ss %x\n", (unsigned)fault.cs, (unsigned)fault.ss);
    ret("ring 3, null SS", UCODE32, 0);
    ret("ring 3, SS RPL 0", UCODE32, UDATA & ~3);
    ret("ring 3, SS DPL 0", UCODE32, DATA | 3);
    ret("ring 3, SS outside", UCODE32, 0xffb);
    ret("CS RPL 3, DPL 0", CODE | 3, UDATA);
    ret("conforming to ring 3", CONFORMING | 3, UDATA);
    print("cs %x\n", (unsigned)fault.cs);
    ret("beyond the limit", SMALL_CODE, 0);
}

extern char user_segs[];
asm("user_segs: mov %ds, %eax; mov %es, %ecx; mov %fs, %edx; mov %gs, %ebx; int $0x21; int "
    "$0x20\n");

static void show_segs(struct regs *r)
{
    print("ds %x es %x fs %x gs %x\n", (unsigned)r->ax, (unsigned)r->cx, (unsigned)r->dx,
          (unsigned)r->bx);
}

DO(leave_with_segs)
{
    set_fs(UDATA);
    set_gs(CONFORMING);
    asm volatile("mov %0, %%esp; iret" : : "r"(frame));
}

static void test_dropped(void)
{
    print("== data segments on the way out\n");
    hook[0x21] = show_segs;
    set_gate(0x21, CODE, stubs[0x21], 0xee, 0);
    memcpy(frame, (uint32_t[]){(uint32_t)user_segs, UCODE32, 2, (uint32_t)user_stack + 4096, UDATA},
           20);
    SHOW("iret", leave_with_segs);
}

static void test_iret_flags(void)
{
    static const uint32_t image[] = {0x3202, 0x7fd7, 0x244ed7};

    print("== IRET and the flags in ring 3\n");
    for (unsigned k = 0; k < 3; k++) {
        memcpy(frame,
               (uint32_t[]){(uint32_t)jump_target, UCODE32, image[k] & ~0x100,
                            (uint32_t)user_stack + 4096, UDATA},
               20);
        try(do_iret);
        print("%x -> %x\n", image[k], (unsigned)fault.flags);
    }
    frame[1] = CODE;
    frame[2] = 0x200002;
    try(do_iret);
    print("ring 0 ID -> %x\n", (unsigned)fault.flags);
    set_flags(0x4002);
    tss.link = 0;
    SHOW("IRET with NT, null link", do_iret);
    set_flags(0x4002);
    tss.link = TSS | 4;
    SHOW("IRET with NT, LDT link", do_iret);
    set_flags(0x4002);
    tss.link = DATA;
    SHOW("IRET with NT, no TSS", do_iret);
    set_flags(2);
}

/* ---- Interrupt gates ----------------------------------------------------------------------- */

DO(int40)
{
    asm volatile("int $0x40");
}
DO(int3)
{
    asm volatile("int3");
}
DO(into)
{
    asm volatile("mov $0x7f, %%al; add $1, %%al; into" : : : "eax");
}
DO(bound)
{
    static int32_t b[2] = {1, 2};
    asm volatile("bound %0, %1" : : "r"(5), "m"(b));
}
DO(ud2)
{
    asm volatile("ud2");
}
DO(divide)
{
    asm volatile("div %%ecx" : : "a"(1), "d"(0), "c"(0));
}
DO(divide_over)
{
    asm volatile("div %%ecx" : : "a"(1), "d"(2), "c"(1));
}
DO(gp)
{
    set_ds(0x1000);
}

static void gate40(const char *name, unsigned sel, unsigned type_dpl)
{
    set_gate(0x40, sel, stubs[0x40], type_dpl, 0);
    SHOW(name, int40);
}

static void test_interrupts(void)
{
    print("== interrupt gates\n");
    SHOW("int3", int3);
    SHOW("into", into);
    SHOW("bound", bound);
    SHOW("div by 0", divide);
    SHOW("div overflow", divide_over);
    SHOW_USER("int3 from ring 3", int3);
    gate40("good", CODE, 0x8e);
    print("flags %x\n", (unsigned)fault.flags & 0x200);
    gate40("absent", CODE, 0x0e);
    gate40("call gate type", CODE, 0x8c);
    gate40("type 0", CODE, 0x80);
    gate40("null code", 0, 0x8e);
    gate40("data", DATA, 0x8e);
    gate40("outside", 0xff8, 0x8e);
    gate40("absent code", ABSENT, 0x8e);
    gate40("outer code", UCODE32, 0x8e);
    set_gate(0x40, CODE, stubs[0x40], 0x8e, 0);
    SHOW_USER("DPL 0 from ring 3", int40);
    set_gate(0x40, CODE, stubs[0x40], 0xee, 0);
    SHOW_USER("DPL 3 from ring 3", int40);
    set_gate(0x40, CONFORMING, stubs[0x40], 0xee, 0);
    SHOW_USER("conforming from ring 3", int40); /* the stub loads DS in ring 3 */
    load_idt(0x40 * 8 + 6);
    SHOW("beyond the IDT", int40);
    load_idt(0x7ff);
}

static void test_ext(void)
{
    print("== exceptions met on the way: EXT\n");
    set_gate(6, CODE, stubs[6], 0x0e, 0);
    print(MANUAL);
    SHOW("#UD gate absent", ud2);
    set_gate(6, DATA, stubs[6], 0x8e, 0);
    print(MANUAL);
    SHOW("#UD gate to data", ud2);
    set_gate(6, CODE, stubs[6], 0x8e, 0);
    set_gate(13, CODE, stubs[13], 0x0e, 0);
    SHOW("#GP gate absent: double fault", gp);
    set_gate(11, CODE, stubs[11], 0x0e, 0);
    set_gate(13, CODE, stubs[13], 0x8e, 0);
    SHOW("#DE", divide);
    set_gate(0, CODE, stubs[0], 0x0e, 0);
    SHOW("#DE gate absent: #NP gate absent too", divide);
    set_gate(0, CODE, stubs[0], 0x8e, 0);
    set_gate(11, CODE, stubs[11], 0x8e, 0);
}

/* 16-bit gates push words; the handler is 32-bit code here and pops them by hand. */
extern char handler16[];
asm("handler16: pop %eax; mov %eax, got; pop %ax; mov %ax, got+4; int $0x20\n");

static void test_gate16(void)
{
    print("== 16-bit interrupt gate\n");
    gdt[CODE16 / 8] = descriptor((uint32_t)handler16 & ~0xffff, 0xffff, 0x409b);
    set_gate(0x40, CODE16, (uint32_t)handler16 & 0xffff, 0x86, 0);
    got[0] = got[1] = 0;
    SHOW("int 40", int40);
    print("cs %x, flags & 2: %x\n", got[0] >> 16, got[1] & 2);
}

int main(void)
{
    gdt[CONFORMING / 8] = descriptor(0, 0xfffff, 0xc09f);
    gdt[ABSENT / 8] = descriptor(0, 0xfffff, 0xc01b);
    gdt[XO / 8] = descriptor(0, 0xfffff, 0xc099);
    gdt[RING1 / 8] = descriptor(0, 0xfffff, 0xc0bb);
    gdt[SMALL_CODE / 8] = descriptor(0, 0xfff, 0x409b);
    test_direct();
    test_direct_user();
    test_gates();
    test_returns();
    test_dropped();
    test_iret_flags();
    test_ext();
    test_gate16();
    test_interrupts();
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Debug exceptions: single step, breakpoints on code, data and ports, DR6 and DR7 rules, RF,
 * shadows of MOV SS and STI, INT1. Intel SDM vol. 3 chapter 17, section 6.8.3.
 *
 * QEMU 7.2 holds the single-step trap after STI, reports data breakpoints on neighbouring bytes,
 * knows no INT1 and no DR7.GD and keeps reserved bits: MANUAL.
 *
 * kvm: needs processor
 */
#include "guest.h"

static ulong log_ip[64], log_dr6[64], log_flags[64];
static unsigned count, limit_steps;
static bool branch_steps;
static ulong in_handler;

static void on_db(struct regs *r)
{
    if (count < 64) {
        log_ip[count] = r->ip;
        log_dr6[count] = get_dr6();
        log_flags[count] = r->flags;
    }
    count++;
    if (branch_steps) {
        in_handler = rdmsr(0x1d9);
        wrmsr(0x1d9, 2);
    }
    set_dr6(0);
    if (count >= limit_steps) {
        r->flags &= ~0x100ul;
        set_dr7(0x400);
    }
    if (!(log_dr6[count - 1] & 0x6000) && (log_flags[count - 1] & 0x10000) == 0)
        r->flags |= 0x10000; /* go past a code breakpoint */
}

static void start(unsigned max)
{
    count = 0;
    limit_steps = max;
    set_dr6(0);
}

static void report(const char *name, const char *base)
{
    print("%s: %d", name, count);
    for (unsigned k = 0; k < count && k < 64; k++)
        print(" +%lx/%lx", log_ip[k] - (ulong)base, log_dr6[k] & 0xffff & ~0xff0ul);
    print("\n");
}

#define PIECE(name, text)                                                                          \
    extern char name[], name##_end[];                                                              \
    asm(#name ": " text "\n" #name "_end: ret\n");
/* Flags with TF are popped, so the first trap comes after the instruction behind POPF. */
#define STEPPED(name, text)                                                                        \
    PIECE(name, "pushfq; orl $0x100, (%rsp); popfq;" text "; pushfq; andl $~0x100, (%rsp); popfq")

static uint8_t data[64] __attribute__((aligned(64)));
static ulong rep_src[4], rep_dst[4];

static void call(const char *piece)
{
    asm volatile("call *%0"
                 :
                 : "r"(piece), "S"(rep_src), "D"(rep_dst)
                 : "rax", "rbx", "rcx", "rdx", "r8", "memory", "cc");
}

STEPPED(s_nops, "nop; nop; nop")
STEPPED(s_rep, "mov $3, %ecx; mov $rep_src, %rsi; mov $rep_dst, %rdi; rep movsb")
STEPPED(s_ss, "mov %ss, %eax; mov %eax, %ss; nop; nop")
STEPPED(s_sti, "sti; nop; cli; nop")
STEPPED(s_int, "int $0x40; nop; nop")
STEPPED(s_jump, "jmp 1f; nop; 1: nop")
STEPPED(s_ud, "ud2; nop")
STEPPED(s_cpuid, "xor %eax, %eax; cpuid; nop")
STEPPED(s_branch, "nop; nop; jmp 1f; nop; 1: nop; xor %eax, %eax; jnz 1b; jz 2f; nop; 2: nop")
STEPPED(s_pushf, "pushfq; pop %r8; nop")

static void on_40(struct regs *r)
{
    in_handler = r->flags;
}
static void on_ud(struct regs *r)
{
    in_handler = r->flags;
    r->ip += 2;
}

static void test_steps(void)
{
    print("== single step (offset / DR6)\n");
#define STEP(name) (start(64), call(name), report(#name, name))
    STEP(s_nops);
    STEP(s_rep);
    STEP(s_ss);
    print(MANUAL);
    STEP(s_sti);
    hook[0x40] = on_40;
    STEP(s_int);
    print("flags pushed by INT have TF: %lx\n", in_handler >> 8 & 1);
    STEP(s_jump);
    hook[6] = on_ud;
    STEP(s_ud);
    print("flags pushed by #UD have TF: %lx\n", in_handler >> 8 & 1);
    hook[6] = NULL;
    STEP(s_cpuid);
    STEP(s_pushf);
    /* QEMU knows no BTF; the processor clears it at each #DB */
    branch_steps = true;
    wrmsr(0x1d9, 2);
    print(MANUAL);
    STEP(s_branch);
    branch_steps = false;
    print(MANUAL "DEBUGCTL in the handler: %lx\n", in_handler);
    wrmsr(0x1d9, 0);
}

/* ---- Breakpoints ------------------------------------------------------------------------------
 */

PIECE(b_code, "nop; nop; nop; nop")
PIECE(b_data, "mov data(%rip), %al; mov %al, data(%rip); movw $0, data+1(%rip);"
              "movl $0, data+4(%rip); movq $0, data+8(%rip); mov data+16(%rip), %rax")
PIECE(b_rep, "mov $data, %rdi; mov $16, %ecx; xor %eax, %eax; rep stosb; nop")
PIECE(b_ss, "mov $data, %rbx; mov %ss, (%rbx); mov (%rbx), %ss; nop; nop")
PIECE(b_io, "in $0x80, %al; out %al, $0x80; in $0x81, %al; nop")

static void break_on(const char *name, const char *piece, unsigned n, ulong addr, unsigned type,
                     unsigned len)
{
    void (*const set[4])(ulong) = {set_dr0, set_dr1, set_dr2, set_dr3};

    start(20);
    set[n](addr);
    set_dr7(0x400 | 2u << (2 * n) | type << (16 + 4 * n) | len << (18 + 4 * n));
    call(piece);
    set_dr7(0x400);
    report(name, piece);
}

static void test_breakpoints(void)
{
    print("== breakpoints\n");
    break_on("code", b_code, 0, (ulong)b_code + 2, 0, 0);
    print("RF in the frame: %lx\n", log_flags[0] >> 16 & 1);
    break_on("code, DR3", b_code, 3, (ulong)b_code, 0, 0);
    print(MANUAL);
    break_on("write, 1 byte", b_data, 1, (ulong)data, 1, 0);
    break_on("write, byte 2 of a word", b_data, 1, (ulong)data + 2, 1, 0);
    print(MANUAL);
    break_on("read or write, 1 byte", b_data, 2, (ulong)data, 3, 0);
    break_on("write, 4 bytes", b_data, 0, (ulong)data + 4, 1, 3);
    break_on("write, 8 bytes", b_data, 0, (ulong)data + 8, 1, 2);
    print(MANUAL);
    break_on("write, 4 bytes, misaligned address", b_data, 0, (ulong)data + 7, 1, 3);
    break_on("not there", b_data, 0, (ulong)data + 32, 3, 2);
    break_on("REP STOSB", b_rep, 0, (ulong)data + 5, 1, 0);
    set_cr4(get_cr4() | 8);
    break_on("port 80h", b_io, 0, 0x80, 2, 0);
    set_cr4(get_cr4() & ~8ul);
    start(20);
    set_dr0((ulong)data);
    set_dr7(0x400 | 3 << 16); /* not enabled */
    call(b_data);
    report("disabled", b_data);
}

/* ---- Registers
 * ------------------------------------------------------------------------------------ */

static ulong v;
DO(put_dr6)
{
    set_dr6(v);
}
DO(put_dr7)
{
    set_dr7(v);
}
DO(read_dr4)
{
    asm volatile("mov %%dr4, %0" : "=r"(v));
}
DO(read_dr7)
{
    v = get_dr7();
}
DO(int1)
{
    asm volatile(".byte 0xf1");
}
DO(int3)
{
    asm volatile("int3");
}

DO(step_ss_dr)
{
    asm volatile("mov %%ss, %%ebx; pushfq; orl $0x100, (%%rsp); popfq; mov %%ebx, %%ss;"
                 "mov %%dr6, %%rax"
                 :
                 :
                 : "rax", "rbx", "cc");
}

static void test_registers(void)
{
    print("== registers\n");
    hook[1] = NULL;
    set_dr6(0);
    print("DR6 0 -> %lx\n", get_dr6());
    set_dr6(0xffffffff);
    print(MANUAL "DR6 ffffffff -> %lx\n", get_dr6()); /* QEMU keeps bit 12 */
    set_dr6(0);
    v = 1ul << 32;
    print(MANUAL); /* QEMU does not check */
    SHOW("DR6 bit 32", put_dr6);
    print(MANUAL);
    SHOW("DR7 bit 32", put_dr7);
    set_dr7(0xfffff0aa & ~0x2000);
    print(MANUAL "DR7 fixed bits: %lx\n", get_dr7() & 0xff00);
    set_dr7(0x400);
    SHOW("DR4 without DE", read_dr4);
    print("%lx\n", v);
    set_cr4(get_cr4() | 8);
    SHOW("DR4 with DE", read_dr4);
    set_cr4(get_cr4() & ~8ul);
    print(MANUAL);
    SHOW("INT1", int1);
    print(MANUAL "dr6 %lx\n", get_dr6());
    SHOW("INT3", int3);
    if (!referee()) { /* QEMU has no GD */
        set_dr7(0x2400);
        print(MANUAL);
        SHOW("GD", read_dr7);
        print(MANUAL "dr6 %lx, dr7 %lx\n", get_dr6(), get_dr7());
        set_dr6(0);
        set_dr7(0x2400);
        print(MANUAL);
        SHOW("GD behind MOV SS, stepping", step_ss_dr);
        print(MANUAL "dr6 %lx\n", get_dr6());
        set_flags(2);
    }
}

int main(void)
{
    hook[1] = on_db;
    test_steps();
    test_breakpoints();
    test_registers();
    return 0;
}

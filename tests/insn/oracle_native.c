/* SPDX-License-Identifier: MIT */
/*
 * The host's side of the oracle. The case's state is loaded into the processor, the code entered
 * by a jump, and left by a jump at its end or by a signal; then the state is stored. Everything
 * is addressed relative to RIP, so that no register is needed on the way in and out.
 *
 * 32-bit code is entered by a far jump to the compatibility-mode code segment that Linux gives
 * every process (selector 23h).
 */
#include <asm/prctl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/insn/oracle.h"

/* Laid out for the assembler below. */
struct native {
    uint64_t gpr[16];      /* 0: in, then out */
    uint64_t rflags;       /* 128 */
    uint64_t host_rsp;     /* 136 */
    uint64_t entry;        /* 144: 64-bit code */
    uint32_t entry32;      /* 152: far pointer, or 0 */
    uint16_t cs32;         /* 156 */
    uint16_t at_pad;       /* 158 */
    uint32_t mxcsr_host;   /* 160 */
    uint32_t spare[7];     /* 164 */
    uint8_t env[128];      /* 192: FNSAVE */
    struct fxstate fx;     /* 320 */
} __attribute__((aligned(64)));
struct native oracle_regs;
extern void oracle_enter(void);
extern const char oracle_exit[], oracle_exit_pad[];

static struct {
    volatile sig_atomic_t vector;
    uint64_t rip, rsp, cr2;
    uint32_t error;
} caught;

__asm__(
    ".text\n"
    ".globl oracle_enter, oracle_exit, oracle_exit_pad\n"
    "oracle_enter:\n"
    "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "  stmxcsr oracle_regs+160(%rip)\n"
    "  mov %rsp, oracle_regs+136(%rip)\n"
    "  fxrstor64 oracle_regs+320(%rip)\n"
    "  pushq oracle_regs+128(%rip)\n"
    "  popfq\n"
    "  mov oracle_regs+0(%rip), %rax\n"
    "  mov oracle_regs+8(%rip), %rcx\n"
    "  mov oracle_regs+16(%rip), %rdx\n"
    "  mov oracle_regs+24(%rip), %rbx\n"
    "  mov oracle_regs+40(%rip), %rbp\n"
    "  mov oracle_regs+48(%rip), %rsi\n"
    "  mov oracle_regs+56(%rip), %rdi\n"
    "  mov oracle_regs+64(%rip), %r8\n"
    "  mov oracle_regs+72(%rip), %r9\n"
    "  mov oracle_regs+80(%rip), %r10\n"
    "  mov oracle_regs+88(%rip), %r11\n"
    "  mov oracle_regs+96(%rip), %r12\n"
    "  mov oracle_regs+104(%rip), %r13\n"
    "  mov oracle_regs+112(%rip), %r14\n"
    "  mov oracle_regs+120(%rip), %r15\n"
    "  mov oracle_regs+32(%rip), %rsp\n"
    "  jmp *oracle_regs+144(%rip)\n"
    ".globl oracle_enter32\n"
    "oracle_enter32:\n"
    "  ljmp *oracle_regs+152(%rip)\n"
    "oracle_exit_pad:\n"
    "  movw $1, oracle_regs+158(%rip)\n"
    "oracle_exit:\n"
    "  mov %rax, oracle_regs+0(%rip)\n"
    "  mov %rcx, oracle_regs+8(%rip)\n"
    "  mov %rdx, oracle_regs+16(%rip)\n"
    "  mov %rbx, oracle_regs+24(%rip)\n"
    "  mov %rsp, oracle_regs+32(%rip)\n"
    "  mov %rbp, oracle_regs+40(%rip)\n"
    "  mov %rsi, oracle_regs+48(%rip)\n"
    "  mov %rdi, oracle_regs+56(%rip)\n"
    "  mov %r8, oracle_regs+64(%rip)\n"
    "  mov %r9, oracle_regs+72(%rip)\n"
    "  mov %r10, oracle_regs+80(%rip)\n"
    "  mov %r11, oracle_regs+88(%rip)\n"
    "  mov %r12, oracle_regs+96(%rip)\n"
    "  mov %r13, oracle_regs+104(%rip)\n"
    "  mov %r14, oracle_regs+112(%rip)\n"
    "  mov %r15, oracle_regs+120(%rip)\n"
    "  mov oracle_regs+136(%rip), %rsp\n"
    "  pushfq\n"
    "  popq oracle_regs+128(%rip)\n"
    "  pushq $2\n"
    "  popfq\n"
    "  fxsave64 oracle_regs+320(%rip)\n"
    "  fnsave oracle_regs+192(%rip)\n"
    "  ldmxcsr oracle_regs+160(%rip)\n"
    "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "  ret\n"
);
extern const char oracle_enter32[];

/*
 * The registers at the fault are in the signal frame: go on at the exit with them. But for RSP:
 * not every host's kernel returns to a stack pointer that is not canonical.
 */
static void on_signal(int sig, siginfo_t *si, void *ctx)
{
    ucontext_t *uc = ctx;
    greg_t *g = uc->uc_mcontext.gregs;

    if (caught.vector >= 0)
        abort(); /* on the way out: our own fault */
    caught.vector = (sig_atomic_t)g[REG_TRAPNO];
    caught.error = (uint32_t)g[REG_ERR];
    caught.cr2 = (uint64_t)g[REG_CR2];
    caught.rip = (uint64_t)g[REG_RIP];
    caught.rsp = (uint64_t)g[REG_RSP];
    g[REG_RIP] = (greg_t)(uintptr_t)oracle_exit;
    g[REG_RSP] = (greg_t)oracle_regs.host_rsp;
    ((uint16_t *)&g[REG_CSGSFS])[0] = 0x33;
    g[REG_EFL] &= ~0x10100;
    (void)si;
}

static void *map_at(uintptr_t at, size_t size, int prot)
{
    void *p = mmap((void *)at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                   0);

    if (p != (void *)at)
        abort();
    return p;
}

/* jmp *0(%rip); .quad target */
static unsigned put_far_jump(uint8_t *p, const void *target)
{
    static const uint8_t jmp[6] = {0xff, 0x25, 0, 0, 0, 0};

    memcpy(p, jmp, 6);
    memcpy(p + 6, &target, 8);
    return 14;
}

void oracle_native_setup(void)
{
    static uint8_t altstack[64 << 10];
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    stack_t ss = {.ss_sp = altstack, .ss_size = sizeof(altstack)};
    struct sigaction sa = {.sa_sigaction = on_signal,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    uint8_t *code;

    map_at(MEM_BASE - 0x10000, MEM_SIZE + 0x20000, PROT_NONE);
    if (mprotect((void *)(uintptr_t)MEM_BASE, MEM_SIZE, PROT_READ | PROT_WRITE))
        abort();
    code = map_at(CODE_BASE, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
    memset(code, 0xcc, CODE_SIZE);
    if (sigaltstack(&ss, NULL))
        abort();
    for (size_t n = 0; n < sizeof(signals) / sizeof(signals[0]); n++)
        if (sigaction(signals[n], &sa, NULL))
            abort();
    /* 32-bit code needs data segments; 64-bit code does not look at them */
    __asm__ volatile("mov %0, %%ds; mov %0, %%es" : : "r"(0x2b));
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, MEM_BASE))
        abort();
}

/* 32-bit code leaves by a far jump to `there`, which goes on in 64-bit mode. */
static unsigned put_exit32(uint8_t *p, uint32_t there, const void *target)
{
    p[0] = 0xea;
    memcpy(p + 1, &there, 4);
    p[5] = 0x33;
    p[6] = 0;
    put_far_jump((uint8_t *)(uintptr_t)there, target);
    return 7;
}

/* A far jump to 32-bit code and back. Ends the process. */
static void try_32(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
    uint8_t *code;

    for (size_t n = 0; n < sizeof(fatal) / sizeof(fatal[0]); n++)
        signal(fatal[n], SIG_DFL);
    munmap((void *)(uintptr_t)CODE_BASE, CODE_SIZE);
    code = map_at(CODE_BASE, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
    put_exit32(code + CODE_START - CODE_BASE, CODE_BASE, oracle_exit);
    oracle_regs = (struct native){.rflags = 2, .entry = (uintptr_t)oracle_enter32,
                                  .entry32 = CODE_START, .cs32 = 0x23};
    oracle_regs.fx.fcw = 0x37f;
    oracle_regs.fx.mxcsr = 0x1f80;
    oracle_enter();
    _exit(0);
}

bool oracle_native_has_32(void)
{
    static int known; /* 1: yes, -1: no */
    int status;

    if (!known) {
        pid_t child = fork();

        if (child == 0)
            try_32();
        known = child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 1 : -1;
    }
    return known > 0;
}

static void put_exits(const struct oracle_case *c, uint8_t *end, uint8_t *pad)
{
    if (c->mode == X86_MODE_64) {
        put_far_jump(end, oracle_exit);
        put_far_jump(pad, oracle_exit_pad);
    } else {
        put_exit32(end, CODE_BASE + 0xc0, oracle_exit);
        put_exit32(pad, CODE_BASE + 0xe0, oracle_exit_pad);
    }
}

void oracle_native(const struct oracle_case *c, struct oracle_run *r)
{
    uint8_t *code = (uint8_t *)(uintptr_t)CODE_START;
    struct native *n = &oracle_regs;
    struct machine_state *o = &r->out;

    memcpy((void *)(uintptr_t)MEM_BASE, c->mem, MEM_SIZE);
    memcpy(code, c->code, c->code_len);
    memcpy(n->gpr, c->in.gpr, sizeof(n->gpr));
    n->rflags = c->in.rflags;
    n->fx = c->in.fx;
    n->at_pad = 0;
    put_exits(c, code + c->code_len, code + CODE_PAD - CODE_START);
    n->entry = c->mode == X86_MODE_64 ? CODE_START : (uintptr_t)oracle_enter32;
    n->entry32 = CODE_START;
    n->cs32 = 0x23;
    caught.vector = -1;
    oracle_enter();

    memset(o, 0, sizeof(*o));
    memcpy(o->gpr, n->gpr, sizeof(o->gpr));
    o->rflags = n->rflags;
    o->fx = n->fx;
    memcpy(&o->x87_ip, n->env + 12, 4);
    memcpy(&o->x87_op, n->env + 18, 2);
    memcpy(&o->x87_dp, n->env + 20, 4);
    o->vector = caught.vector;
    o->rip = n->at_pad ? CODE_PAD : CODE_START + c->code_len;
    if (o->vector >= 0) {
        o->rip = caught.rip;
        o->gpr[4] = caught.rsp;
        o->error = caught.error;
        o->cr2 = caught.cr2;
    }
    memcpy(r->mem, (void *)(uintptr_t)MEM_BASE, MEM_SIZE);
}

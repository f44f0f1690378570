/* SPDX-License-Identifier: MIT */
/*
 * One floating-point or SIMD instruction, executed by the host and by the operation functions,
 * on the same state: x87, SSE, RAX, RCX, RDX, RFLAGS, and 64 bytes of memory at RBX
 * and RDI. The two outcomes are compared bit for bit. Exceptions the host raises arrive as signals.
 *
 * The test supplies the memory functions of target/x86/cpu.h: one page at GUEST_MEM, #PF around it.
 */
#ifndef TESTS_INSN_NATIVE_FP_H
#define TESTS_INSN_NATIVE_FP_H

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "accel/tcg-interp/host_fp.h"
#include "target/x86/flags.h"

enum { GUEST_MEM = 0x10000, MEM_BYTES = 64, PAGE = 4096 };

/* FXSAVE64 image */
struct fx {
    uint16_t fcw, fsw;
    uint8_t ftw, zero;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    struct x86_f80 st[8]; /* stack order */
    union x86_xmm xmm[16];
    uint8_t reserved[96];
} __attribute__((aligned(64)));

struct native {
    struct fx in, out;
    uint64_t r_in[4], r_out[4]; /* RAX RCX RDX RBX */
    uint64_t flags_in, flags_out;
};
_Static_assert(sizeof(struct fx) == 512 && offsetof(struct native, r_in) == 1024, "layout");

void native_call(struct native *n, const void *code);
__asm__(".text\n.globl native_call\n.type native_call, @function\nnative_call:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rdi, %r15; mov %rsi, %r14\n"
        "fxrstor64 (%r15)\n"
        "mov 1024(%r15), %rax; mov 1032(%r15), %rcx; mov 1040(%r15), %rdx; mov 1048(%r15), %rbx\n"
        "mov %rbx, %rdi\n"
        "pushq 1088(%r15); popfq\n"
        "call *%r14\n"
        "pushfq; popq 1096(%r15)\n"
        "cld\n"
        "mov %rax, 1056(%r15); mov %rcx, 1064(%r15); mov %rdx, 1072(%r15); mov %rbx, 1080(%r15)\n"
        "fxsave64 512(%r15)\n"
        "fninit\n"
        "push $0x1f80; ldmxcsr (%rsp); add $8, %rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n"
        ".size native_call, . - native_call\n");

static struct {
    sigjmp_buf jmp;
    struct native *n;
    uint8_t *code, *mem; /* host side */
    uint8_t guest[PAGE]; /* guest side */
    struct x86_cpu cpu;
    uint64_t rng;
} T;

static uint64_t rnd(void)
{
    T.rng ^= T.rng << 13;
    T.rng ^= T.rng >> 7;
    T.rng ^= T.rng << 17;
    return T.rng * 0x2545f4914f6cdd1dull;
}

static void on_signal(int sig, siginfo_t *info, void *uc)
{
    memcpy(&T.n->out, ((ucontext_t *)uc)->uc_mcontext.fpregs, 512);
    __asm__ volatile("fninit");
    host_set_mxcsr(MXCSR_INIT);
    siglongjmp(T.jmp, sig);
}

static void native_setup(void)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};

    T.rng = 0x9e3779b97f4a7c15ull;
    T.code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                  0);
    T.mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(T.code != MAP_FAILED && T.mem != MAP_FAILED);
    sigaction(SIGFPE, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
}

/* Execute on the host: 0, or the signal it ended with. */
static int native_run(struct native *n, const uint8_t *bytes, unsigned len)
{
    volatile int sig;

    memcpy(T.code, bytes, len);
    T.code[len] = 0xc3;
    n->r_in[3] = (uintptr_t)T.mem;
    T.n = n;
    sig = sigsetjmp(T.jmp, 1);
    if (sig == 0)
        native_call(n, T.code);
    return sig;
}

/* ---- The guest side ------------------------------------------------------------------------ */

static uint8_t *guest_at(struct x86_cpu *c, uint64_t la, unsigned len, bool write)
{
    if (la < GUEST_MEM || la + len > GUEST_MEM + PAGE)
        x86_raise_pf(c, la, write ? PF_W : 0);
    return T.guest + (la - GUEST_MEM);
}
uint64_t x86_lin_read(struct x86_cpu *c, uint64_t la, unsigned size)
{
    uint64_t v = 0;

    memcpy(&v, guest_at(c, la, size, false), size);
    return v;
}
void x86_lin_write(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t v)
{
    memcpy(guest_at(c, la, size, true), &v, size);
}
void x86_lin_read_bytes(struct x86_cpu *c, uint64_t la, void *buf, unsigned len)
{
    memcpy(buf, guest_at(c, la, len, false), len);
}
void x86_lin_write_bytes(struct x86_cpu *c, uint64_t la, const void *buf, unsigned len)
{
    memcpy(guest_at(c, la, len, true), buf, len);
}
void x86_lin_probe(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc)
{
    guest_at(c, la, len, acc == ACC_WRITE);
}

/* The rest of the memory interface: no instruction here needs it. */
void *x86_lin_ptr(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc)
{
    return guest_at(c, la, len, acc == ACC_WRITE);
}
bool x86_lin_cmpxchg(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t *expected,
                     uint64_t desired)
{
    abort();
}
bool x86_lin_cmpxchg16(struct x86_cpu *c, uint64_t la, uint64_t expected[2],
                       const uint64_t desired[2])
{
    abort();
}
uint64_t x86_sys_read(struct x86_cpu *c, uint64_t la, unsigned size)
{
    abort();
}
void x86_sys_write(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t v)
{
    abort();
}
void x86_sys_probe(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc)
{
    abort();
}

static void guest_load(struct x86_cpu *c, const struct native *n)
{
    memset(c, 0, sizeof(*c));
    c->cr0 = CR0_PE | CR0_MP | CR0_NE | CR0_ET | CR0_PG;
    c->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE | CR4_PAE;
    c->msr.efer = EFER_LME | EFER_LMA;
    c->mode = X86_MODE_64;
    c->pe = c->lma = true;
    c->stack_size = 8;
    c->xcr0 = X86_XCR0_SUPPORTED;
    for (unsigned k = 0; k < 3; k++)
        c->r[k] = n->r_in[k];
    c->r[R_RBX] = c->r[R_RDI] = GUEST_MEM;
    x86_set_arith(c, n->flags_in & FL_ARITH);
    c->fcw = n->in.fcw;
    x86_fpu_set_fsw(c, n->in.fsw);
    c->fptag = n->in.ftw;
    c->mxcsr = n->in.mxcsr;
    for (unsigned k = 0; k < 8; k++)
        c->fpr[x86_st(c, k)] = n->in.st[k];
    memcpy(c->xmm, n->in.xmm, sizeof(c->xmm));
}

/* Execute by the operation functions: 0, or 256 + the vector raised. */
static int guest_run(struct x86_cpu *c, const struct x86_insn *i, x86_exec_fn *exec)
{
    sigjmp_buf unwind;
    volatile int vector = 0;

    c->next_rip = c->rip + i->len;
    c->unwind = &unwind;
    x86_mxcsr_enter(c);
    if (sigsetjmp(unwind, 0)) {
        vector = 256 + c->exc.vector;
    } else {
        x86_fpu_guard(c, x86_rows[i->row].attr);
        exec(c, i);
    }
    x86_mxcsr_leave(c);
    return vector;
}

/* ---- Comparison ---------------------------------------------------------------------------- */

static void hex(const char *what, const void *p, unsigned len)
{
    printf("  %s ", what);
    for (unsigned k = len; k-- > 0;)
        printf("%02x", ((const uint8_t *)p)[k]);
    printf("\n");
}

/* Why the outcomes differ, or NULL. */
static const char *differ(struct x86_cpu *c, const struct native *n)
{
    for (unsigned k = 0; k < 16; k++)
        if (memcmp(&c->xmm[k], &n->out.xmm[k], 16))
            return "xmm";
    if (c->mxcsr != n->out.mxcsr)
        return "mxcsr";
    if (c->fcw != n->out.fcw)
        return "fcw";
    if (c->fsw != n->out.fsw)
        return "fsw";
    if (c->fptag != n->out.ftw)
        return "ftw";
    for (unsigned k = 0; k < 8; k++) {
        const struct x86_f80 *r = &c->fpr[x86_st(c, k)];

        if (r->mant != n->out.st[k].mant || r->se != n->out.st[k].se)
            return "st";
    }
    if (memcmp(T.guest, T.mem, MEM_BYTES))
        return "memory";
    return NULL;
}
static inline const char *differ_int(struct x86_cpu *c, const struct native *n)
{
    for (unsigned k = 0; k < 3; k++)
        if (c->r[k] != n->r_out[k])
            return "register";
    if ((x86_flags_arith(c) ^ n->flags_out) & FL_ARITH)
        return "flags";
    return NULL;
}

static void report(struct x86_cpu *c, const struct native *n, const char *name, const char *why)
{
    printf("%s: %s differs; fcw %04x fsw %04x ftw %02x mxcsr %04x\n", name, why, n->in.fcw,
           n->in.fsw, n->in.ftw, n->in.mxcsr);
    printf("  host fsw %04x ftw %02x mxcsr %04x rax %" PRIx64 " flags %" PRIx64 "\n", n->out.fsw,
           n->out.ftw, n->out.mxcsr, n->r_out[0], n->flags_out & FL_ARITH);
    printf("  ours fsw %04x ftw %02x mxcsr %04x rax %" PRIx64 " flags %x\n", c->fsw, c->fptag,
           c->mxcsr, c->r[0], x86_flags_arith(c));
    for (unsigned k = 0; k < 8; k++) {
        const struct x86_f80 *r = &c->fpr[x86_st(c, k)];

        printf("  st%u in %04x.%016" PRIx64 " host %04x.%016" PRIx64 " ours %04x.%016" PRIx64 "\n",
               k, n->in.st[k].se, n->in.st[k].mant, n->out.st[k].se, n->out.st[k].mant, r->se,
               r->mant);
    }
    for (unsigned k = 0; k < 3; k++) {
        hex("xmm in  ", &n->in.xmm[k], 16);
        hex("xmm host", &n->out.xmm[k], 16);
        hex("xmm ours", &c->xmm[k], 16);
    }
    hex("mem host", T.mem, 16);
    hex("mem ours", T.guest, 16);
}

/* ---- Operands worth trying ----------------------------------------------------------------- */

static struct x86_f80 gen_f80(void)
{
    static const uint64_t mant[] = {0, 1, 1ull << 63, (1ull << 63) + 1, 3ull << 62, ~0ull,
                                    1ull << 62, 0x8000000000000400, 0xfffffffffffff800,
                                    0x8000008000000000, 0xa000000000000000, 0xffffff8000000000};
    static const uint16_t exp[] = {0, 1, 2, 0x7fff, 0x7ffe, 0x3fff, 0x3ffe, 0x4000, 0x403e, 0x400e,
                                   0x401e, 0x3f81, 0x3f6a, 0x407e, 0x407f, 0x3c01, 0x3bcd, 0x43fe,
                                   0x43ff, 0x403d, 0x4001, 0x3fbf};
    uint64_t r = rnd();
    struct x86_f80 v = {.mant = rnd(), .se = 0x3fff - 80 + rnd() % 160};

    if (r & 1)
        v.mant = mant[rnd() % 12];
    if (r & 2)
        v.se = exp[rnd() % 22];
    if ((r & 0x1c) == 0)
        v.se = rnd() & 0x7fff;
    if (r & 0xe0) /* mostly normal */
        v.mant |= (v.se & 0x7fff) ? 1ull << 63 : 0;
    if (r & 0x100)
        v.se |= 0x8000;
    return v;
}
static uint64_t gen_f64(void)
{
    static const uint64_t v[] = {0, 1, 0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000000,
                                 0x7ff0000000000001, 0x000fffffffffffff, 0x0010000000000000,
                                 0x7fefffffffffffff, 0x41dfffffffc00000, 0x43e0000000000000,
                                 0x41e0000000000000, 0x3fe0000000000000, 0x3ff8000000000000,
                                 0x36a0000000000000, 0x3800000000000000, 0x47efffffe0000000,
                                 0x4004000000000000, 0x7ffc000000001234};
    uint64_t r = rnd(), x = rnd();

    if (r & 1)
        x = v[rnd() % 19];
    else if (r & 2)
        x = (x & ~0x7ff0000000000000) | (0x3ff - 40 + rnd() % 80) << 52;
    return (r & 4 ? x ^ 1ull << 63 : x);
}
static uint32_t gen_f32(void)
{
    static const uint32_t v[] = {0, 1, 0x3f800000, 0x7f800000, 0x7fc00000, 0x7f800001, 0x007fffff,
                                 0x00800000, 0x7f7fffff, 0x4effffff, 0x5f000000, 0x4f000000,
                                 0x3f000000, 0x3fc00000, 0x7fe01234, 0x40200000};
    uint64_t r = rnd();
    uint32_t x = rnd() >> 32;

    if (r & 1)
        x = v[rnd() % 16];
    else if (r & 2)
        x = (x & ~0x7f800000u) | (0x7f - 20 + (uint32_t)(rnd() % 40)) << 23;
    return r & 4 ? x ^ 0x80000000 : x;
}
static uint64_t gen_q(void)
{
    uint64_t r = rnd();

    if (r & 1)
        return gen_f64();
    if (r & 2)
        return (uint64_t)gen_f32() << 32 | gen_f32();
    if (r & 4) /* bytes at the edges */
        return (rnd() & 0x0101010101010101) * 0x7f + (rnd() & 0x0101010101010101);
    return rnd();
}

/* No exception that is unmasked may be pending: every instruction here waits. */
static void gen_state(struct native *n)
{
    memset(n, 0, sizeof(*n));
    n->in.fcw = 0x40 | (rnd() & 0xf00) | (rnd() & 1 ? 0x3f : rnd() & 0x3f);
    n->in.fsw = rnd() & 0x7f7f;
    if (n->in.fsw & ~n->in.fcw & FP_EXC)
        n->in.fsw &= ~FP_EXC | (n->in.fcw & FP_EXC);
    n->in.ftw = rnd() & 3 ? 0xff : rnd();
    if ((rnd() & 3) == 0) { /* room for pushes */
        n->in.ftw &= ~(1u << (((n->in.fsw >> 11) + 7) & 7));
        n->in.ftw &= ~(1u << (((n->in.fsw >> 11) + 6) & 7));
    }
    n->in.mxcsr = rnd() & 0xe07f;
    n->in.mxcsr |= rnd() & 3 ? MXCSR_MASKS : rnd() & MXCSR_MASKS;
    for (unsigned k = 0; k < 8; k++)
        n->in.st[k] = gen_f80();
    for (unsigned k = 0; k < 16; k++) {
        n->in.xmm[k].q[0] = gen_q();
        n->in.xmm[k].q[1] = gen_q();
    }
    for (unsigned k = 0; k < 3; k++)
        n->r_in[k] = rnd() & 1 ? rnd() : (rnd() & 1 ? rnd() % 40 - 20 : gen_q());
    n->flags_in = 2 | (rnd() & FL_ARITH);
    for (unsigned k = 0; k < MEM_BYTES; k += 8) {
        uint64_t q = gen_q();
        struct x86_f80 f = gen_f80();

        memcpy(T.mem + k, &q, 8);
        if (k == 0 && (rnd() & 1)) {
            memcpy(T.mem, &f, 10);
            k += 8;
        }
    }
    memcpy(T.guest, T.mem, MEM_BYTES);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a guest program of tests/guest stands on: it is loaded by multiboot at 1 MiB, finds itself
 * in ring 0 with flat segments (32-bit without paging, or 64-bit with the low 4 GiB mapped one to
 * one), prints to port E9h and ends through port 501h. It prints what it observes; the expected
 * text stands in NAME.expected.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned long ulong;

/* ---- Output -------------------------------------------------------------------------------- */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* %s %c %d %u %x %lx */
_Noreturn void end(int status); /* 0: the test ran to its end */
int main(void);

/*
 * A line that the referee (QEMU) is known to get wrong, or cannot show: run.sh compares it with
 * the expected text only for Hostel. Say why where it is used.
 */
#define MANUAL "[manual] "
bool referee(void); /* running there: skip what it would not survive */

/* ---- Traps --------------------------------------------------------------------------------- */
struct regs { /* as pushed by the stubs; g in order ax cx dx bx bp si di (r8..r15) */
#ifdef __x86_64__
    ulong r15, r14, r13, r12, r11, r10, r9, r8;
#endif
    ulong di, si, bp, bx, dx, cx, ax;
    ulong vec, err, ip, cs, flags, sp, ss; /* sp, ss: 64-bit, or from an outer ring */
};
enum { NO_FAULT = 0x100, USER_EXIT = 0x20 };
struct fault {
    unsigned vec; /* NO_FAULT: none */
    ulong err, ip, cs, flags, sp, ss, cr2;
};
extern struct fault fault;            /* the last one */
extern void (*hook[256])(struct regs *r); /* set: called, and execution resumes */

/* Call fn; a trap without a hook ends it. Returns the vector or NO_FAULT. */
unsigned try(void (*fn)(void));
/* The same in ring 3, on a stack of its own, flat segments. In 64-bit mode fn is called as
 * fn(user_arg), and code and stack are addressed at user_alias above where they are linked. */
unsigned try_user(void (*fn)(void));
extern ulong user_flags, user_alias, user_arg;
/* "NAME: #GP(48)", "NAME: none" ... */
void show(const char *name);
#define SHOW(name, fn) (try(fn), show(name))
#define SHOW_USER(name, fn) (try_user(fn), show(name))
/* A function from statements, for the above: DO(x) { asm ... } */
#define DO(name) static void name(void)

/* ---- Tables -------------------------------------------------------------------------------- */
enum {
    CODE = 0x08, DATA = 0x10, UCODE32 = 0x18 | 3, UDATA = 0x20 | 3, UCODE64 = 0x28 | 3, TSS = 0x30,
    FREE = 0x40, /* 0x40..0x17f are the test's */
};
#ifdef __x86_64__
#define UCODE UCODE64
#else
#define UCODE UCODE32
#endif
extern uint64_t gdt[48];
extern uint64_t ldt[16];
#ifdef __x86_64__
struct gate {
    uint64_t lo, hi;
};
#else
struct gate {
    uint64_t lo;
};
#endif
extern struct gate idt[256];
struct tss32 {
    uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp,
        esi, edi, es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, iomap;
} __attribute__((packed));
struct tss64 {
    uint32_t r0;
    uint64_t rsp[3], r1, ist[7], r2;
    uint16_t r3, iomap;
} __attribute__((packed));
#ifdef __x86_64__
extern struct tss64 tss;
#else
extern struct tss32 tss;
#endif
extern uint8_t user_stack[8192], trap_stack[8192], other_stack[3][4096];

/* access: the descriptor's bytes 5 and 6 (high nibble), e.g. 0xc09b */
uint64_t descriptor(uint32_t base, uint32_t limit, unsigned access);
uint64_t call_gate(unsigned sel, uint32_t off, unsigned params, unsigned dpl, unsigned type);
void set_gate(unsigned vec, unsigned sel, ulong off, unsigned type_dpl, unsigned ist);
void load_idt(unsigned limit);
void stub(void); /* stubs[vec] handle vector vec */
extern ulong stubs[256];

/* ---- Instructions -------------------------------------------------------------------------- */
#define SELECTOR(reg)                                                                              \
    static inline unsigned get_##reg(void)                                                         \
    {                                                                                              \
        unsigned v;                                                                                \
        asm volatile("mov %%" #reg ", %0" : "=r"(v));                                              \
        return v & 0xffff;                                                                         \
    }                                                                                              \
    static inline void set_##reg(unsigned v)                                                       \
    {                                                                                              \
        asm volatile("mov %0, %%" #reg : : "r"(v) : "memory");                                     \
    }
SELECTOR(ds) SELECTOR(es) SELECTOR(fs) SELECTOR(gs) SELECTOR(ss)
#define CONTROL(reg)                                                                               \
    static inline ulong get_##reg(void)                                                            \
    {                                                                                              \
        ulong v;                                                                                   \
        asm volatile("mov %%" #reg ", %0" : "=r"(v));                                              \
        return v;                                                                                  \
    }                                                                                              \
    static inline void set_##reg(ulong v)                                                          \
    {                                                                                              \
        asm volatile("mov %0, %%" #reg : : "r"(v) : "memory");                                     \
    }
CONTROL(cr0) CONTROL(cr2) CONTROL(cr3) CONTROL(cr4)
CONTROL(dr0) CONTROL(dr1) CONTROL(dr2) CONTROL(dr3) CONTROL(dr6) CONTROL(dr7)
static inline void outb(unsigned port, uint8_t v)
{
    asm volatile("outb %0, %w1" : : "a"(v), "Nd"(port));
}
static inline uint8_t inb(unsigned port)
{
    uint8_t v;
    asm volatile("inb %w1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline ulong get_flags(void)
{
    ulong v;
    asm volatile("pushf; pop %0" : "=r"(v));
    return v;
}
static inline void set_flags(ulong v)
{
    asm volatile("push %0; popf" : : "r"(v) : "cc", "memory");
}
static inline uint64_t rdmsr(uint32_t n)
{
    uint32_t a, d;
    asm volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(n));
    return a | (uint64_t)d << 32;
}
static inline void wrmsr(uint32_t n, uint64_t v)
{
    asm volatile("wrmsr" : : "a"((uint32_t)v), "d"((uint32_t)(v >> 32)), "c"(n) : "memory");
}
static inline void invlpg(void *p)
{
    asm volatile("invlpg (%0)" : : "r"(p) : "memory");
}
static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
    asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(sub));
}

void *memset(void *p, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif

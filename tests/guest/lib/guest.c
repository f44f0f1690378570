/* SPDX-License-Identifier: MIT */
/* See guest.h: output, tables, traps. */
#include <stdarg.h>

#include "guest.h"

uint64_t gdt[48] __attribute__((aligned(8)));
uint64_t ldt[16] __attribute__((aligned(8)));
struct gate idt[256] __attribute__((aligned(16)));
uint8_t user_stack[8192] __attribute__((aligned(4096)));
uint8_t trap_stack[8192] __attribute__((aligned(4096)));
uint8_t other_stack[3][4096] __attribute__((aligned(4096)));
#ifdef __x86_64__
struct tss64 tss;
#else
struct tss32 tss;
#endif
struct fault fault;
void (*hook[256])(struct regs *r);
ulong try_sp, user_fn, user_flags = 2, user_alias, user_arg;
static bool trying;

unsigned try_call(void (*fn)(void));
_Noreturn void try_leave(void);
void enter_user(void);
void setup(void);
void trap(struct regs *r);

/* ---- Output -------------------------------------------------------------------------------- */

static void put(char c)
{
    outb(0xe9, c);
}

static void put_number(ulong v, unsigned base, bool sign)
{
    char buf[24];
    unsigned n = 0;

    if (sign && (long)v < 0) {
        put('-');
        v = -v;
    }
    do
        buf[n++] = "0123456789abcdef"[v % base];
    while ((v /= base) != 0);
    while (n)
        put(buf[--n]);
}

void print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    for (; *fmt; fmt++) {
        bool wide = false;

        if (*fmt != '%') {
            put(*fmt);
            continue;
        }
        if (*++fmt == 'l') {
            wide = true;
            fmt++;
        }
        switch (*fmt) {
        case 's':
            for (const char *s = va_arg(ap, const char *); *s; s++)
                put(*s);
            break;
        case 'c':
            put(va_arg(ap, int));
            break;
        case 'd':
            put_number(wide ? va_arg(ap, long) : va_arg(ap, int), 10, true);
            break;
        case 'u':
            put_number(wide ? va_arg(ap, ulong) : va_arg(ap, unsigned), 10, false);
            break;
        case 'x':
            put_number(wide ? va_arg(ap, ulong) : va_arg(ap, unsigned), 16, false);
            break;
        default:
            put(*fmt);
        }
    }
    va_end(ap);
}

void end(int status)
{
    asm volatile("outl %0, %w1" : : "a"(status), "Nd"(0x501));
    for (;;)
        asm volatile("cli; hlt");
}

/* ---- Tables -------------------------------------------------------------------------------- */

uint64_t descriptor(uint32_t base, uint32_t limit, unsigned access)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(access & 0xff) << 40 |
           (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(access >> 12 & 15) << 52 |
           (uint64_t)(base >> 24) << 56;
}

uint64_t call_gate(unsigned sel, uint32_t off, unsigned params, unsigned dpl, unsigned type)
{
    return (off & 0xffff) | sel << 16 | (uint64_t)params << 32 |
           (uint64_t)(0x80 | dpl << 5 | type) << 40 | (uint64_t)(off >> 16) << 48;
}

void set_gate(unsigned vec, unsigned sel, ulong off, unsigned type_dpl, unsigned ist)
{
    idt[vec].lo = (off & 0xffff) | sel << 16 | (uint64_t)ist << 32 | (uint64_t)type_dpl << 40 |
                  (uint64_t)(off >> 16 & 0xffff) << 48;
#ifdef __x86_64__
    idt[vec].hi = off >> 32;
#endif
}

uint32_t multiboot_info = 1; /* in .data: set before .bss counts */

bool referee(void)
{
    const uint32_t *info = (const uint32_t *)(ulong)multiboot_info;
    const char *s;

    if (!(info[0] & 4)) /* no command line */
        return false;
    s = (const char *)(ulong)info[4];
    while (*s)
        s++;
    return s[-1] == '!';
}

struct table {
    uint16_t limit;
    ulong base;
} __attribute__((packed));

void load_idt(unsigned limit)
{
    struct table t = {limit, (ulong)idt};

    asm volatile("lidt %0" : : "m"(t));
}

void setup(void)
{
    struct table t = {sizeof(gdt) - 1, (ulong)gdt};
    ulong tss_base = (ulong)&tss;

#ifdef __x86_64__
    gdt[CODE / 8] = 0x00af9b000000ffff;
    gdt[UCODE64 / 8] = 0x00affb000000ffff;
    tss.rsp[0] = (ulong)trap_stack + sizeof(trap_stack);
#else
    gdt[CODE / 8] = 0x00cf9b000000ffff;
    tss.esp0 = (ulong)trap_stack + sizeof(trap_stack);
    tss.ss0 = DATA;
#endif
    outb(0x21, 0xff); /* no interrupts from the PICs */
    outb(0xa1, 0xff);
    gdt[DATA / 8] = 0x00cf93000000ffff;
    gdt[UCODE32 / 8] = 0x00cffb000000ffff;
    gdt[UDATA / 8] = 0x00cff3000000ffff;
    tss.iomap = sizeof(tss);
    gdt[TSS / 8] = descriptor(tss_base, sizeof(tss) - 1, 0x89);
    asm volatile("lgdt %0" : : "m"(t));
    for (unsigned v = 0; v < 256; v++)
        set_gate(v, CODE, stubs[v], v == USER_EXIT || v == 3 || v == 4 ? 0xee : 0x8e, 0);
    load_idt(sizeof(idt) - 1);
    asm volatile("ltr %w0" : : "r"(TSS));
    set_ds(DATA);
    set_es(DATA);
    set_ss(DATA);
}

/* ---- Traps --------------------------------------------------------------------------------- */

static const char *const names[] = {
    "DE", "DB", "NMI", "BP", "OF", "BR", "UD", "NM", "DF", "CSO",
    "TS", "NP", "SS",  "GP", "PF", "15", "MF", "AC", "MC", "XM",
};

void show(const char *name)
{
    unsigned v = fault.vec;

    print("%s: ", name);
    if (v == NO_FAULT)
        print("none\n");
    else if (v == 14)
        print("#PF(%lx) cr2 %lx\n", fault.err, fault.cr2);
    else if (v == 8 || (v >= 10 && v <= 13) || v == 17)
        print("#%s(%lx)\n", names[v], fault.err);
    else if (v < 20)
        print("#%s\n", names[v]);
    else
        print("vector %x\n", v);
}

void trap(struct regs *r)
{
    unsigned v = r->vec & 0xff;
    bool outer = sizeof(ulong) == 8 || (r->cs & 3) || (r->flags & 0x20000);

    if (hook[v]) {
        hook[v](r);
        return;
    }
    fault = (struct fault){
        v,        r->err, r->ip, r->cs, r->flags, outer ? r->sp : (ulong)&r->sp, outer ? r->ss : 0,
        get_cr2()};
    if (v == USER_EXIT)
        fault.vec = NO_FAULT;
    if (trying)
        try_leave();
    show("unexpected trap");
    print("at %lx:%lx flags %lx\n", fault.cs, fault.ip, fault.flags);
    end(1);
}

unsigned try(void (*fn)(void))
{
    trying = true;
    if (!try_call(fn))
        fault.vec = NO_FAULT;
    trying = false;
    return fault.vec;
}

unsigned try_user(void (*fn)(void))
{
    user_fn = (ulong)fn;
    return try(enter_user);
}

/* ---- What the compiler calls --------------------------------------------------------------- */

void *memset(void *p, int c, size_t n)
{
    char *d = p;

    while (n--)
        *d++ = c;
    return p;
}

void *memcpy(void *d, const void *s, size_t n)
{
    char *to = d;
    const char *from = s;

    while (n--)
        *to++ = *from++;
    return d;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * CPUID against itself and against what the features allow, self-modifying code, FXSAVE and XSAVE
 * images, #NM, #MF, #XM, #AC, RDTSC, RDPID. Intel SDM vol. 1 chapters 8, 10, 13; vol. 2; vol. 3
 * section 11.6.
 *
 * QEMU 7.2 does not check MXCSR, nor EM and TS for EMMS, and raises neither #XM nor #AC: MANUAL.
 *
 * kvm: needs processor
 */
#include "guest.h"

/* ---- CPUID --------------------------------------------------------------------------------------
 */

static bool has(uint32_t leaf, uint32_t sub, unsigned reg, unsigned bit)
{
    uint32_t r[4];

    cpuid(leaf, sub, r);
    return r[reg] >> bit & 1;
}

static void test_cpuid(void)
{
    uint32_t r[4], max, v[4];

    print("== CPUID\n");
    cpuid(0, 0, r);
    max = r[0];
    print("at least leaf 0Dh: %d\n", max >= 0xd);
    cpuid(max + 1, 0, r);
    cpuid(max, 0, v);
    print("beyond the last leaf: %s\n", memcmp(r, v, 16) ? "differs" : "the last");
    cpuid(0x80000000, 0, r);
    print("extended to at least 80000008: %d\n", r[0] >= 0x80000008);
    print("OSXSAVE %d", has(1, 0, 2, 27));
    set_cr4(get_cr4() | 1 << 18);
    print(" with CR4 set %d\n", has(1, 0, 2, 27));
    cpuid(0xd, 0, r);
    print("XSAVE area fits: %d, x87 and SSE: %x\n", r[2] >= 576, r[0] & 3);
    cpuid(0xb, 0, r);
    cpuid(1, 0, v);
    print("APIC IDs agree: %d, level type %d\n", r[3] == v[1] >> 24, r[2] >> 8);
    print("long mode, NX, SYSCALL: %d%d%d\n", has(0x80000001, 0, 3, 29), has(0x80000001, 0, 3, 20),
          has(0x80000001, 0, 3, 11));
}

static ulong value;
DO(put_cr4)
{
    set_cr4(value);
}

static void test_cr4_features(void)
{
    static const struct {
        uint8_t bit, reg, feature;
        uint32_t leaf;
    } bits[] = {
        {7, 3, 13, 1}, {11, 2, 2, 7}, {16, 1, 0, 7}, {22, 2, 3, 7}, {13, 2, 5, 1},
    };

    for (unsigned k = 0; k < sizeof(bits) / sizeof(bits[0]); k++) {
        bool offered = has(bits[k].leaf, 0, bits[k].reg, bits[k].feature);

        value = get_cr4() | 1ul << bits[k].bit;
        try(put_cr4);
        if (offered != (fault.vec == NO_FAULT))
            print("CR4 bit %d: feature %d, vector %x\n", bits[k].bit, offered, fault.vec);
        set_cr4(get_cr4() & ~(1ul << bits[k].bit));
    }
    print(MANUAL "CR4 bits follow CPUID\n");
}

/* ---- Self-modifying code
 * ---------------------------------------------------------------------------- */

static uint8_t code[8192] __attribute__((aligned(4096)));

static unsigned run(const uint8_t *p)
{
    unsigned v;

    asm volatile("call *%1" : "=a"(v) : "r"(p) : "memory");
    return v;
}

static void emit(uint8_t *p, uint32_t v) /* mov $v, %eax; ret */
{
    p[0] = 0xb8;
    memcpy(p + 1, &v, 4);
    p[5] = 0xc3;
}

/* A loop that rewrites the immediate it is about to execute. */
static unsigned self_loop(void)
{
    unsigned sum;

    asm volatile(
        "mov %1, %%rdi; xor %%ecx, %%ecx; xor %%edx, %%edx\n"
        "1: mov %%ecx, 1(%%rdi); call *%%rdi; add %%eax, %%edx; inc %%ecx; cmp $100, %%ecx;"
        "   jne 1b; mov %%edx, %0"
        : "=r"(sum)
        : "r"(code)
        : "rax", "rcx", "rdx", "rdi", "memory", "cc");
    return sum;
}

/* The store changes the very next instruction. */
extern char next_insn[];
static unsigned next_changed(void)
{
    unsigned v;

    asm volatile("movb $0x22, next_insn+1(%%rip)\n"
                 "next_insn: mov $0x11, %%al; movzbl %%al, %0"
                 : "=r"(v)
                 :
                 : "rax", "memory");
    return v;
}

static void test_smc(void)
{
    unsigned bad = 0;

    print("== self-modifying code\n");
    for (unsigned k = 0; k < 200; k++) {
        emit(code, k);
        bad += run(code) != k;
    }
    print("rewritten, wrong: %d\n", bad);
    print("loop: %d\n", self_loop());
    bad = 0;
    for (unsigned k = 0; k < 50; k++) {
        emit(code + 4094, k << 16 | 7); /* crosses the page */
        bad += run(code + 4094) != (k << 16 | 7);
        code[4096] ^= 0x55;
        bad += run(code + 4094) != ((k << 16 | 7) ^ (0x55 << 8));
    }
    print("across a page, wrong: %d\n", bad);
    print("next instruction: %x\n", next_changed());
    emit(code, 1);
    run(code);
    asm volatile("rep movsb" : : "S"("\xb8\x05\0\0\0\xc3"), "D"(code), "c"(6) : "memory");
    print("by REP MOVSB: %d\n", run(code));
}

/* ---- FXSAVE and XSAVE
 * ---------------------------------------------------------------------------------- */

static uint8_t area[1024] __attribute__((aligned(64)));
static uint8_t area2[1024] __attribute__((aligned(64)));
static uint32_t mxcsr;
static uint64_t xcr_value;

static void load_values(void)
{
    static const uint64_t x[2] = {0x1122334455667788, 0x99aabbccddeeff00};

    asm volatile("fninit; fld1; fldz; fldpi; movups %0, %%xmm3" : : "m"(x));
}

DO(do_fxsave)
{
    asm volatile("fxsave64 %0" : "=m"(area));
}
DO(do_fxsave_odd)
{
    asm volatile("fxsave64 %0" : "=m"(area[8]));
}
DO(do_fxrstor)
{
    asm volatile("fxrstor64 %0" : : "m"(area));
}
DO(do_ldmxcsr)
{
    asm volatile("ldmxcsr %0" : : "m"(mxcsr));
}
DO(do_xsave)
{
    asm volatile("xsave64 %0" : "=m"(area) : "a"(3), "d"(0));
}
DO(do_xsave_odd)
{
    asm volatile("xsave64 %0" : "=m"(area[16]) : "a"(3), "d"(0));
}
DO(do_xrstor)
{
    asm volatile("xrstor64 %0" : : "m"(area), "a"(3), "d"(0));
}
DO(do_xsetbv)
{
    asm volatile("xsetbv" : : "c"(0), "a"((uint32_t)xcr_value), "d"((uint32_t)(xcr_value >> 32)));
}
DO(do_fwait)
{
    asm volatile("fwait");
}
DO(do_fld)
{
    asm volatile("fld1");
}
DO(do_movups)
{
    asm volatile("movups %%xmm0, %%xmm1" : : : "memory");
}
DO(do_emms)
{
    asm volatile("emms");
}

static void xcr(const char *name, uint64_t v)
{
    xcr_value = v;
    SHOW(name, do_xsetbv);
}

static void test_save(void)
{
    print("== FXSAVE\n");
    memset(area, 0xee, sizeof(area));
    load_values();
    do_fxsave();
    print("fcw %x fsw %x tags %x xmm3 %lx mxcsr %x, reserved kept: %x\n", *(uint16_t *)area,
          *(uint16_t *)(area + 2), area[4], *(ulong *)(area + 32 + 128 + 48),
          *(uint32_t *)(area + 24), area[464]);
    print("st0 %lx %x\n", *(ulong *)(area + 32), *(uint16_t *)(area + 40));
    SHOW("misaligned", do_fxsave_odd);
    *(uint32_t *)(area + 24) = 0x10000;
    print(MANUAL);
    SHOW("FXRSTOR, MXCSR bit 16", do_fxrstor);
    *(uint32_t *)(area + 24) = 0x1f80;
    asm volatile("fninit");
    SHOW("FXRSTOR", do_fxrstor);
    do_fxsave();
    print("tags %x\n", area[4]);
    mxcsr = 0x10000;
    print(MANUAL);
    SHOW("LDMXCSR bit 16", do_ldmxcsr);

    print("== XSAVE\n");
    xcr("XCR0 = 0", 0);
    xcr("XCR0 = 2", 2);
    xcr("XCR0 = 4", 4);
    xcr("XCR0 = 3", 3);
    xcr("XCR0 bit 63", 1ull << 63 | 3);
    load_values();
    memset(area, 0, sizeof(area));
    SHOW("XSAVE", do_xsave);
    print("xstate_bv %lx xmm3 %lx\n", *(ulong *)(area + 512), *(ulong *)(area + 32 + 128 + 48));
    SHOW("misaligned", do_xsave_odd);
    *(ulong *)(area + 512) = 0;
    SHOW("XRSTOR to initial values", do_xrstor);
    asm volatile("fxsave64 %0" : "=m"(area2));
    print("fcw %x tags %x xmm3 %lx\n", *(uint16_t *)area2, area2[4],
          *(ulong *)(area2 + 32 + 128 + 48));
    *(ulong *)(area + 512) = 8;
    SHOW("XRSTOR, unknown component", do_xrstor);
    *(ulong *)(area + 512) = 3;
    *(ulong *)(area + 520) = 1;
    print(MANUAL); /* QEMU does not look */
    SHOW("XRSTOR, header not 0", do_xrstor);
}

/* ---- Exceptions of the units
 * -------------------------------------------------------------------------------- */

static volatile float one = 1, zero = 0, result;
static const uint16_t x87_unmasked = 0x33b; /* all but division by 0 masked */
DO(x87_div)
{
    asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(x87_unmasked));
}
DO(sse_div)
{
    asm volatile("movss %1, %%xmm0; divss %2, %%xmm0; movss %%xmm0, %0"
                 : "=m"(result)
                 : "m"(one), "m"(zero));
}
DO(odd_load)
{
    asm volatile("pushfq; orl $0x40000, (%%rsp); popfq; mov 1(%%rsp), %%eax" : : : "rax");
}
DO(movaps_odd)
{
    asm volatile("movaps 8(%0), %%xmm0" : : "r"(area));
}

static void test_units(void)
{
    print("== #NM, #MF, #XM, #AC\n");
    set_cr0(get_cr0() | 8);
    SHOW("TS: fld", do_fld);
    SHOW("TS: movups", do_movups);
    SHOW("TS: fwait", do_fwait);
    print(MANUAL);
    SHOW("TS: emms", do_emms);
    set_cr0((get_cr0() & ~8ul) | 4);
    SHOW("EM: fld", do_fld);
    SHOW("EM: movups", do_movups);
    print(MANUAL);
    SHOW("EM: emms", do_emms);
    set_cr0(get_cr0() & ~4ul);
    set_cr4(get_cr4() & ~0x200ul);
    SHOW("no OSFXSR: movups", do_movups);
    set_cr4(get_cr4() | 0x200);
    SHOW("x87 division by 0", x87_div);
    asm volatile("fninit");
    mxcsr = 0x1d80;
    do_ldmxcsr();
    print(MANUAL); /* QEMU 7.2 raises no SSE exceptions */
    SHOW("SSE division by 0", sse_div);
    set_cr4(get_cr4() & ~0x400ul);
    print(MANUAL);
    SHOW("the same without OSXMMEXCPT", sse_div);
    set_cr4(get_cr4() | 0x400);
    mxcsr = 0x1f80;
    do_ldmxcsr();
    SHOW("movaps, misaligned", movaps_odd);
    set_cr0(get_cr0() | 1 << 18);
    print(MANUAL); /* QEMU knows no #AC */
    SHOW_USER("AM and AC in ring 3", odd_load);
    SHOW("in ring 0", odd_load);
    set_cr0(get_cr0() & ~(1ul << 18));
    set_flags(2);
}

int main(void)
{
    test_cpuid();
    if (!referee()) /* QEMU checks little of it */
        test_cr4_features();
    test_smc();
    test_save();
    test_units();
    return 0;
}

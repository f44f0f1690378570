/* SPDX-License-Identifier: MIT */
/*
 * options: -device pc-testdev
 * kvm: needs processor
 * Corners that kernels and test suites lean upon: debug traps held back by MOV SS, RF in the
 * frame of a fault, opcodes that are neighbours of others, segments that IRET makes null, PCID
 * rules, machine check registers, UMIP, memory behind a device.
 * Intel SDM vol. 3 sections 6.8.3, 17.3.1, 5.8, 4.10.1, 15.3; vol. 2, IRET, CLWB, INVPCID, SMSW.
 *
 * QEMU 7.2 takes a 66 prefix on MFENCE and SFENCE, and leaves RF clear in a fault's frame.
 */
#include "guest.h"

/* ---- Debug --------------------------------------------------------------------------------- */

static ulong db_ip[16], db_dr6[16];
static unsigned dbs, bps;
static ulong bp_ip;

static void on_db(struct regs *r)
{
    if (dbs < 16) {
        db_ip[dbs] = r->ip;
        db_dr6[dbs] = get_dr6();
    }
    if (get_dr6() & 1)
        r->flags |= 0x10000;
    if (++dbs >= 10) {
        r->flags &= ~0x100ul;
        set_dr7(0x400);
    }
}

static void on_bp(struct regs *r)
{
    bps++;
    bp_ip = r->ip;
}

static void traps(const char *name, ulong base)
{
    print(MANUAL "%s: %u", name, dbs);
    for (unsigned i = 0; i < dbs && i < 16; i++)
        print(" +%d/%lx", (int)(db_ip[i] - base), db_dr6[i] & 0xe00f);
    print("\n");
}

#define TF_ON "pushfq; pop %rax; or $0x100, %rax; push %rax; "
#define TF_OFF "and $~0x100, %rax; push %rax; popfq; ret\n"
#define STEP(name, text)                                                                           \
    extern char name[], name##_1[];                                                                \
    asm(#name ": " text);                                                                          \
    static void run_##name(void)                                                                   \
    {                                                                                              \
        asm volatile("call *%0" : : "r"(name) : "rax", "rbx", "rcx", "rdx", "memory", "cc");       \
    }
STEP(t_basic, TF_ON "popfq; and $~0x100, %rax; t_basic_1: push %rax; popfq; ret\n")
STEP(t_ss, TF_ON "mov %ss, %ax; popfq; mov %ax, %ss; and $~0x100, %rax; t_ss_1: push %rax; popfq;"
           "ret\n")
STEP(t_icebp, TF_ON "mov %ss, %ax; popfq; mov %ax, %ss; .byte 0xf1; t_icebp_1: " TF_OFF)
STEP(t_gd, "xor %ebx, %ebx; " TF_ON "mov %ss, %ax; popfq; mov %ax, %ss; t_gd_1: mov %rbx, %dr6; "
           TF_OFF)
STEP(t_cpuid, TF_ON "popfq; and $~0x100, %rax; t_cpuid_1: push %rax; xor %eax, %eax; cpuid;"
              "mov $0x3fd, %edx; in %dx, %al; popfq; ret\n")

static uint16_t ss_value = DATA;
STEP(w_icebp, "mov ss_value(%rip), %ss; .byte 0x2e, 0x2e, 0xf1; w_icebp_1: ret\n")
STEP(w_int1, "mov ss_value(%rip), %ss; int $1; w_int1_1: ret\n")
STEP(w_int3, "mov ss_value(%rip), %ss; .byte 0x2e, 0x2e, 0xcc; w_int3_1: ret\n")

static void debug(void)
{
    hook[1] = on_db;
    hook[3] = on_bp;
#define STEPS(name, base) (dbs = 0, set_dr6(0), run_##name(), traps(#name, (ulong)base))
    STEPS(t_basic, t_basic_1);
    STEPS(t_ss, t_ss_1);
    STEPS(t_icebp, t_icebp_1);
    dbs = 0;
    set_dr6(0);
    set_dr7(0x2400);
    run_t_gd();
    traps("t_gd", (ulong)t_gd_1);
    STEPS(t_cpuid, t_cpuid_1);
    set_dr0((ulong)&ss_value);
    set_dr7(0x000f0402);
    STEPS(w_icebp, w_icebp_1);
    STEPS(w_int1, w_int1_1);
    STEPS(w_int3, w_int3_1);
    print(MANUAL "INT3: %u, +%d\n", bps, (int)(bp_ip - (ulong)w_int3_1));
    set_dr7(0x400);
    hook[1] = hook[3] = NULL;
}

/* ---- Instructions ---------------------------------------------------------------------------- */

DO(i_66_mfence) { asm volatile(".byte 0x66, 0x0f, 0xae, 0xf0"); }
DO(i_66_sfence) { asm volatile(".byte 0x66, 0x0f, 0xae, 0xf8"); }
DO(i_clwb) { asm volatile(".byte 0x66, 0x0f, 0xae, 0x33" : : "b"(user_stack)); }
DO(i_clflushopt) { asm volatile(".byte 0x66, 0x0f, 0xae, 0x3b" : : "b"(user_stack)); }
DO(i_rdpru) { asm volatile(".byte 0x0f, 0x01, 0xfd" : : : "eax", "edx"); }
DO(i_movbe_reg) { asm volatile(".byte 0x0f, 0x38, 0xf0, 0xc0" : : : "rax"); }
DO(i_lea_reg) { asm volatile(".byte 0x8d, 0xc0" : : : "rax"); }
DO(i_ud2) { asm volatile("ud2"); }
DO(i_noncanonical) { asm volatile("jmp *%0" : : "r"(0x1111111111111111ul)); }
DO(i_cr4) { set_cr4(0xffffffff); }
DO(i_wrpkru) { asm volatile(".byte 0x0f, 0x01, 0xef" : : "a"(0), "c"(0), "d"(0)); }
DO(i_ss_null) { set_ss(0); set_ss(DATA); }
DO(i_ss_null3) { set_ss(3); }

static void rf(const char *name, void (*fn)(void))
{
    SHOW(name, fn);
    print(MANUAL "  RF %lx\n", fault.flags >> 16 & 1);
}

static void instructions(void)
{
    SHOW(MANUAL "66 MFENCE", i_66_mfence);
    SHOW(MANUAL "66 SFENCE", i_66_sfence);
    SHOW(MANUAL "CLWB", i_clwb);
    SHOW(MANUAL "CLFLUSHOPT", i_clflushopt);
    SHOW(MANUAL "RDPRU", i_rdpru);
    SHOW(MANUAL "MOVBE register", i_movbe_reg);
    SHOW(MANUAL "LEA register", i_lea_reg);
    rf(MANUAL "UD2", i_ud2);
    rf(MANUAL "CR4 reserved", i_cr4);
    SHOW(MANUAL "JMP not canonical", i_noncanonical);
    SHOW(MANUAL "WRPKRU", i_wrpkru);
    SHOW(MANUAL "SS null", i_ss_null);
    SHOW(MANUAL "SS null, RPL 3", i_ss_null3);
    set_ss(DATA);
}

/* ---- PCID ------------------------------------------------------------------------------------ */

static uint64_t invpcid_desc[2];
static ulong invpcid_type, cr4, cr3;
DO(do_invpcid) { asm volatile("invpcid (%0), %1" : : "r"(invpcid_desc), "r"(invpcid_type)); }
DO(set_pcide) { set_cr4(cr4 | 1 << 17); }
DO(clear_pg) { set_cr0(get_cr0() & ~(1ul << 31)); }

static void pcid(void)
{
    cr4 = get_cr4();
    cr3 = get_cr3();
    invpcid_type = 1;
    SHOW(MANUAL "INVPCID 1, PCID 0", do_invpcid);
    invpcid_desc[0] = 1;
    SHOW(MANUAL "INVPCID 1, PCID 1 without PCIDE", do_invpcid);
    set_cr3(cr3 | 8);
    set_cr3(cr3 | 1);
    SHOW(MANUAL "PCIDE with CR3 bits", set_pcide);
    set_cr3(cr3);
    SHOW(MANUAL "PCIDE", set_pcide);
    SHOW(MANUAL "PG off with PCIDE", clear_pg);
    invpcid_desc[0] = 10;
    invpcid_type = 2;
    SHOW(MANUAL "INVPCID 2", do_invpcid);
    set_cr4(cr4);
}

/* ---- MSRs ------------------------------------------------------------------------------------ */

static uint32_t msr;
static uint64_t msr_value;
DO(do_wrmsr) { wrmsr(msr, msr_value); }
DO(do_rdmsr) { msr_value = rdmsr(msr); }

static void keeps(const char *name, uint32_t index, uint64_t v)
{
    msr = index;
    msr_value = v;
    uint64_t old = rdmsr(index);
    SHOW(name, do_wrmsr);
    print(MANUAL "  keeps %lx: %d\n", (ulong)v, rdmsr(index) == v);
    wrmsr(index, old);
}

static void msrs(void)
{
    unsigned banks = rdmsr(0x179) & 0xff;
    const uint64_t odd = 0xaaaaaaaaaaaaaaaaull;
    keeps(MANUAL "MC0_CTL", 0x400, ~0ull);
    keeps(MANUAL "MC0_CTL", 0x400, odd);
    keeps(MANUAL "MC0_STATUS", 0x401, 1);
    keeps(MANUAL "MC0_ADDR", 0x402, odd);
    keeps(MANUAL "MC0_MISC", 0x403, odd);
    msr = 0x400 + 4 * banks;
    SHOW(MANUAL "no more banks", do_rdmsr);
    keeps(MANUAL "PAT", 0x277, 0x07070707);
    keeps(MANUAL "MISC_ENABLE", 0x1a0, 0x400c51889);
    keeps(MANUAL "SYSENTER_EIP", 0x176, 0x123456789abc);
    keeps(MANUAL "SFMASK", 0xc0000084, 0xffffffff);
    keeps(MANUAL "KERNEL_GS_BASE", 0xc0000102, odd);
}

/* ---- Ring 3 ---------------------------------------------------------------------------------- */

static uint64_t magic = 0xdeadbeefdeadbeef;
DO(u_gs)
{
    asm volatile("mov %%gs:(%0), %0; cmp %1, %0; jne 1f; ud2; 1: hlt"
                 :
                 : "r"((ulong)&magic + user_alias - 0x400000), "r"(0xdeadbeefdeadbeef)
                 : "cc");
}
DO(u_smsw) { asm volatile("smsw %%ax" : : : "eax"); }
DO(u_sgdt) { uint64_t m[2]; asm volatile("sgdt %0" : "=m"(m)); }
DO(u_sidt) { uint64_t m[2]; asm volatile("sidt %0" : "=m"(m)); }
DO(u_sldt) { asm volatile("sldt %%ax" : : : "eax"); }
DO(u_str) { asm volatile("str %%ax" : : : "eax"); }
DO(u_cr0) { get_cr0(); }
DO(u_fs0) { set_fs(CODE); }

static void ring3(void)
{
    for (unsigned on = 0; on < 2; on++) {
        if (on)
            set_cr4(get_cr4() | 1 << 11);
        print("UMIP %u\n", on);
        SHOW_USER("  SMSW", u_smsw);
        SHOW_USER("  SGDT", u_sgdt);
        SHOW_USER("  SIDT", u_sidt);
        SHOW_USER("  SLDT", u_sldt);
        SHOW_USER("  STR", u_str);
    }
    set_cr4(get_cr4() & ~(1ul << 11));
    SHOW_USER("CR0 in ring 3", u_cr0);
    SHOW_USER("FS of ring 0 in ring 3", u_fs0);
    set_gs(DATA);
    wrmsr(0xc0000101, 0x400000);
    SHOW_USER("GS base behind IRET (#UD: kept)", u_gs);
    wrmsr(0xc0000101, 0);
}

/* ---- Memory behind a device ------------------------------------------------------------------ */

static void io_memory(void)
{
    volatile uint8_t *m = (volatile uint8_t *)0xff000000ul;
    static const char text[] = "abcdefghijklmnop";
    ulong n = 30, a = (ulong)m, b = (ulong)m + 1024;
    uint8_t z;

    for (unsigned i = 0; i < 100; i++)
        m[i] = m[1024 + i] = i;
    m[20] = 99;
    asm volatile("repe cmpsb; setz %0" : "=q"(z), "+S"(a), "+D"(b), "+c"(n) : : "cc", "memory");
    print("CMPSB: %lu left, at %lu, %u\n", n, a - (ulong)m, z);
    *(volatile uint64_t *)m = 0x77665544332211;
    a = (ulong)m;
    asm volatile("scasq; setz %0" : "=q"(z), "+D"(a) : "a"(0x77665544332211) : "cc");
    print("SCASQ: %u\n", z);
    asm volatile("lock negq %0; lock notq %0; lock incl %0" : "+m"(*(volatile uint64_t *)m));
    print("locked: %lx\n", (ulong)*(volatile uint64_t *)m);
    asm volatile("btcl %1, %0" : "+m"(*(volatile uint32_t *)(m + 64)) : "r"(66) : "memory");
    print("BTC: %x\n", *(volatile uint32_t *)(m + 72));
    asm volatile("cld; rep outsb" : : "d"(0xe0), "S"(text), "c"(sizeof(text) - 1));
    print("OUTSB: %c\n", inb(0xe0));
    asm volatile("outw %%ax, %%dx" : : "a"(0x9999), "d"(0xe0));
    asm volatile("cld; rep insb" : : "d"(0xe0), "D"((ulong)m + 4032), "c"(1024) : "memory");
    print("INSB over pages: %x\n", m[4032 + 1023]);
    *(volatile uint16_t *)(m + 4095) = 0x88aa;
    print("over pages: %x %x\n", m[4095], m[4096]);
}

int main(void)
{
    ring3();
    io_memory();
    if (referee())
        return 0;
    instructions();
    debug();
    pcid();
    msrs();
    return 0;
}

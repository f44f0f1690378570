/* SPDX-License-Identifier: MIT */
/*
 * 4-level paging: the whole truth table of rights (with WP, SMEP, SMAP, AC, NXE), reserved bits,
 * accessed and dirty bits, 2 MiB and 1 GiB pages, INVLPG, PCID and INVPCID, control register
 * rules. Intel SDM vol. 3 chapter 4.
 *
 * QEMU 7.2 leaves P clear in the error code of a reserved bit and has no PCID and INVPCID: MANUAL.
 *
 * kvm: needs processor
 */
#include "guest.h"

extern uint64_t pml4[512], pdpt[512], pd[2048];

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
#define XD    (1ull << 63)
#define VA    0x8000000000ul /* PML4 entry 1 is the test's */
#define ALIAS 0x7f00000000ul

static uint64_t t_pdpt[512] __attribute__((aligned(4096)));
static uint64_t t_pd[512] __attribute__((aligned(4096)));
static uint64_t t_pt[512] __attribute__((aligned(4096)));
static uint8_t page[2][4096] __attribute__((aligned(4096)));
static ulong target = VA;

/* ---- Accesses: supervisor at their link address, user at the alias ------------------------- */

void acc_read(void);
void acc_write(void);
void acc_exec(void);
asm("acc_read: mov (%rdi), %al; ret\n"
    "acc_write: movb $0xc3, (%rdi); ret\n" /* what is there already: RET */
    "acc_exec: jmp *%rdi\n");
DO(sup_read)
{
    asm volatile("call acc_read" : : "D"(target) : "rax", "memory");
}
DO(sup_write)
{
    asm volatile("call acc_write" : : "D"(target) : "rax", "memory");
}
DO(sup_exec)
{
    asm volatile("call acc_exec" : : "D"(target) : "rax", "memory");
}

enum { READ, WRITE, EXEC };
static void (*const sup[3])(void) = {sup_read, sup_write, sup_exec};
static void (*const usr[3])(void) = {acc_read, acc_write, acc_exec};

static unsigned do_access(unsigned kind, bool user)
{
    user_arg = target;
    return user ? try_user(usr[kind]) : try(sup[kind]);
}

static void map(uint64_t pde, uint64_t pte)
{
    pml4[1] = (ulong)t_pdpt | P | W | U;
    t_pdpt[0] = (ulong)t_pd | P | W | U;
    t_pd[0] = pde;
    t_pt[0] = pte;
    set_cr3((ulong)pml4);
}

static void set_bit(bool on, ulong (*get)(void), void (*set)(ulong), ulong bit)
{
    ulong v = on ? get() | bit : get() & ~bit;

    if (v != get())
        set(v);
}

/* ---- Truth table ---------------------------------------------------------------------------- */

struct control {
    bool wp, smep, smap, ac, nxe;
};

static int expected(uint64_t pde, uint64_t pte, struct control k, unsigned kind, bool user)
{
    uint64_t rights = pde & pte;
    bool xd = (pde | pte) & XD, page_user = rights & U, ok;
    unsigned code = (kind == WRITE ? 2 : 0) | (user ? 4 : 0);

    if (kind == EXEC && (k.nxe || k.smep))
        code |= 16;
    if (!k.nxe && (pde & XD))
        return code | 9;
    if (!(pte & P))
        return code;
    if (!k.nxe && xd)
        return code | 9;
    if (user)
        ok = page_user;
    else if (kind == EXEC)
        ok = !(page_user && k.smep);
    else
        ok = !(page_user && k.smap && !k.ac);
    if (kind == WRITE && !(rights & W) && (user || k.wp))
        ok = false;
    if (kind == EXEC && xd)
        ok = false;
    return ok ? -1 : (int)(code | 1);
}

static unsigned cases, wrong, wrong_reserved;

static void one(uint64_t pde, uint64_t pte, struct control k, unsigned kind, bool user)
{
    int want = expected(pde, pte, k, kind, user), got;

    if (k.ac)
        asm volatile("stac");
    else
        asm volatile("clac");
    do_access(kind, user);
    asm volatile("clac");
    got = fault.vec == NO_FAULT ? -1 : fault.vec == 14 && fault.cr2 == target ? (int)fault.err : -2;
    cases++;
    if (got == want)
        return;
    if (want >= 0 && (want & 8))
        wrong_reserved++;
    else if (wrong++ < 10)
        print("pde %lx pte %lx wp %d smep %d smap %d ac %d nxe %d %s %d: %d, should be %d\n", pde,
              pte, k.wp, k.smep, k.smap, k.ac, k.nxe, user ? "user" : "supervisor", kind, got,
              want);
}

static void table(struct control k)
{
    for (unsigned e = 0; e < 128; e++) {
        uint64_t pte =
            (ulong)page[0] | (e & 1 ? P : 0) | (e & 2 ? W : 0) | (e & 4 ? U : 0) | (e & 8 ? XD : 0);
        uint64_t pde = (ulong)t_pt | P | (e & 16 ? W : 0) | (e & 32 ? U : 0) | (e & 64 ? XD : 0);

        for (unsigned n = 0; n < 6; n++) {
            map(pde, pte);
            one(pde, pte, k, n % 3, n / 3);
        }
    }
}

static void truth_table(void)
{
    for (unsigned m = 0; m < 32; m++) {
        struct control k = {m & 1, m >> 1 & 1, m >> 2 & 1, m >> 3 & 1, m >> 4 & 1};

        set_bit(k.wp, get_cr0, set_cr0, 1 << 16);
        set_bit(k.smep, get_cr4, set_cr4, 1 << 20);
        set_bit(k.smap, get_cr4, set_cr4, 1 << 21);
        wrmsr(0xc0000080, (rdmsr(0xc0000080) & ~0x800ull) | (k.nxe ? 0x800 : 0));
        table(k);
    }
    set_bit(false, get_cr4, set_cr4, 3 << 20);
    set_bit(true, get_cr0, set_cr0, 1 << 16);
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 0x800);
    print("truth table: %d cases, %d wrong\n", cases, wrong);
    print(MANUAL "%d wrong with reserved bits\n", wrong_reserved);
}

/* ---- Reserved bits, presence at each level
 * -------------------------------------------------------- */

static const char *tag = MANUAL;

static void show_all(const char *name)
{
    static const char *const kinds[] = {"read", "write", "fetch"};

    for (unsigned n = 0; n < 3; n++) {
        print("%s%s, %s", tag, name, kinds[n]);
        do_access(n, false);
        show("");
    }
}

static void reserved(void)
{
    uint64_t pt = (ulong)t_pt | P | W | U, pg = (ulong)page[0] | P | W | U;

    print("== reserved bits and absence\n");
    map(pt, pg);
    pml4[1] = 0;
    set_cr3(get_cr3());
    tag = "";
    show_all("PML4E absent");
    map(pt, pg);
    t_pdpt[0] = 0;
    set_cr3(get_cr3());
    show_all("PDPTE absent");
    map(pt, pg | 1ul << 52 | 0x7ful << 52);
    show_all("PTE, ignored bits");
    tag = MANUAL;
    map(pt, pg);
    pml4[1] |= PS;
    set_cr3(get_cr3());
    show_all("PML4E bit 7");
    map(pt, pg);
    t_pdpt[0] = 1ul << 51 | P | W | U | (ulong)t_pd;
    set_cr3(get_cr3());
    show_all("PDPTE bit 51");
    map(pt | 1ul << 51, pg);
    show_all("PDE bit 51");
    map(pt, pg | 1ul << 51);
    show_all("PTE bit 51");
    map(P | W | U | PS | 0x2000, 0);
    show_all("2 MiB page, bit 13");
    map(P | W | U | PS | 0x100000, 0);
    show_all("2 MiB page, bit 20");
    map(pt, pg);
    t_pdpt[0] = P | W | U | PS | 0x2000;
    set_cr3(get_cr3());
    show_all("1 GiB page, bit 13");
}

/* ---- Accessed and dirty
 * ---------------------------------------------------------------------------------- */

static void bits(const char *name)
{
    print("%s: pml4 %lx pdpt %lx pd %lx pt %lx\n", name, pml4[1] & 0xfff, t_pdpt[0] & 0xfff,
          t_pd[0] & 0xfff, t_pt[0] & 0xfff);
}

static void accessed_dirty(void)
{
    uint64_t pt = (ulong)t_pt | P | W | U, pg = (ulong)page[0] | P | W | U;

    print("== accessed and dirty\n");
    map(pt, pg);
    do_access(READ, false);
    bits("read");
    map(pt, pg);
    do_access(EXEC, false);
    bits("fetch");
    map(pt, pg);
    do_access(WRITE, false);
    bits("write");
    map(pt, pg);
    do_access(READ, false);
    do_access(WRITE, false);
    bits("read, write");
    map(pt, pg & ~W);
    do_access(WRITE, true);
    print("write refused: D %lx A %lx\n", t_pt[0] & D, t_pt[0] & A);
    map(pt & ~W, pg);
    set_bit(false, get_cr0, set_cr0, 1 << 16);
    do_access(WRITE, false);
    set_bit(true, get_cr0, set_cr0, 1 << 16);
    bits("supervisor write, !WP");
    map(P | W | U | PS | ((ulong)page[0] & ~0x1ffffful), 0);
    target = VA + ((ulong)page[0] & 0x1fffff);
    do_access(WRITE, false);
    bits("2 MiB write");
    map(pt, pg);
    t_pdpt[0] = P | W | U | PS;
    target = VA + (ulong)page[0];
    set_cr3(get_cr3());
    do_access(WRITE, false);
    print("1 GiB write");
    show("");
    print("pdpt %lx\n", t_pdpt[0] & 0xfff);
    target = VA;
}

/* ---- Invalidation
 * ------------------------------------------------------------------------------------------ */

static uint8_t peek(void)
{
    return *(volatile uint8_t *)(VA + 8);
}

static void invpcid(ulong type, uint64_t pcid, uint64_t addr)
{
    uint64_t d[2] = {pcid, addr};

    asm volatile("invpcid %0, %1" : : "m"(d), "r"(type) : "memory");
}
static ulong ip_type;
static uint64_t ip_pcid, ip_addr;
DO(do_invpcid)
{
    invpcid(ip_type, ip_pcid, ip_addr);
}

static void try_invpcid(const char *name, ulong type, uint64_t pcid, uint64_t addr)
{
    ip_type = type;
    ip_pcid = pcid;
    ip_addr = addr;
    print(MANUAL);
    SHOW(name, do_invpcid);
}

static ulong cr_value;
DO(put_cr3)
{
    set_cr3(cr_value);
}
DO(put_cr4)
{
    set_cr4(cr_value);
}
DO(put_cr0)
{
    set_cr0(cr_value);
}
DO(put_cr8)
{
    asm volatile("mov %0, %%cr8" : : "r"(cr_value));
}
DO(put_efer)
{
    wrmsr(0xc0000080, cr_value);
}

static void put(const char *name, void (*fn)(void), ulong v)
{
    print("%s", tag);
    cr_value = v;
    SHOW(name, fn);
}

static bool has(uint32_t leaf, unsigned reg, unsigned bit)
{
    uint32_t r[4];

    cpuid(leaf, 0, r);
    return r[reg] >> bit & 1;
}

static void invalidation(void)
{
    uint64_t pt = (ulong)t_pt | P | W | U, pg = P | W | U;

    print("== invalidation\n");
    page[0][8] = 1;
    page[1][8] = 2;
    map(pt, (ulong)page[0] | pg);
    print("%d", peek());
    t_pt[0] = (ulong)page[1] | pg;
    invlpg((void *)(VA + 0x123));
    print(" %d INVLPG", peek());
    t_pt[0] = (ulong)page[0] | pg;
    set_cr3(get_cr3());
    print(" %d CR3", peek());
    set_cr4(get_cr4() | 0x80);
    t_pt[0] = (ulong)page[1] | pg | G;
    invlpg((void *)VA);
    print(" %d global", peek());
    t_pt[0] = (ulong)page[0] | pg | G;
    set_cr4(get_cr4() & ~0x80ul);
    print(" %d CR4.PGE\n", peek());
}

static void pcid(void)
{
    uint64_t pt = (ulong)t_pt | P | W | U, pg = P | W | U;

    if (!has(1, 2, 17))
        return;
    set_cr4(get_cr4() | 1 << 17);
    map(pt, (ulong)page[0] | pg);
    set_cr3((ulong)pml4 | 5);
    print(MANUAL "PCID: %d", peek());
    t_pt[0] = (ulong)page[1] | pg;
    set_cr3((ulong)pml4 | 6);
    print(" %d other PCID", peek());
    set_cr3((ulong)pml4 | 5);
    print(" %d flushed", peek());
    t_pt[0] = (ulong)page[0] | pg;
    invpcid(0, 5, VA);
    print(" %d INVPCID 0", peek());
    t_pt[0] = (ulong)page[1] | pg;
    invpcid(1, 5, 0);
    print(" %d INVPCID 1", peek());
    t_pt[0] = (ulong)page[0] | pg;
    invpcid(2, 0, 0);
    print(" %d INVPCID 2", peek());
    t_pt[0] = (ulong)page[1] | pg;
    invpcid(3, 0, 0);
    print(" %d INVPCID 3", peek());
    t_pt[0] = (ulong)page[0] | pg;
    invpcid(1, 6, 0);
    set_cr3((ulong)pml4 | 6 | 1ul << 63);
    print(" %d, CR3 %lx\n", peek(), get_cr3() - (ulong)pml4);
    try_invpcid("INVPCID type 4", 4, 0, 0);
    try_invpcid("INVPCID bit 12", 1, 0x1000, 0);
    try_invpcid("INVPCID not canonical", 0, 0, 1ul << 50);
    try_invpcid("INVPCID 1 not canonical", 1, 0, 1ul << 50);
    put("PCIDE off, PCID 6", put_cr4, get_cr4() & ~(1ul << 17));
    set_cr3((ulong)pml4);
    try_invpcid("INVPCID PCID 5 without PCIDE", 1, 5, 0);
    set_cr3((ulong)pml4 | 0x18);
    put("PCIDE with CR3 bits", put_cr4, get_cr4() | 1 << 17);
    set_cr3((ulong)pml4);
}

static void control_registers(void)
{
    tag = "";
    print("== control registers\n");
    if (!referee()) { /* QEMU does all of them */
        tag = MANUAL;
        put("PG off in 64-bit mode", put_cr0, get_cr0() & ~(1ul << 31));
        put("CR3 bit 63 without PCIDE", put_cr3, (ulong)pml4 | 1ul << 63);
        put("CR3 bit 51", put_cr3, (ulong)pml4 | 1ul << 51);
        put("PAE off", put_cr4, get_cr4() & ~0x20ul);
        put("CR4 bit 31", put_cr4, get_cr4() | 1ul << 31);
        put("CR0 bit 32", put_cr0, get_cr0() | 1ul << 32);
        put("CR0 NW without CD", put_cr0, get_cr0() | 1ul << 29);
        put("CR0 PG without PE", put_cr0, get_cr0() & ~1ul);
        tag = "";
    }
    put("CR8 15", put_cr8, 15);
    tag = MANUAL; /* QEMU takes it */
    put("CR8 16", put_cr8, 16);
    tag = "";
    put("CR8 0", put_cr8, 0);
    tag = MANUAL; /* QEMU takes both, LME included */
    put("EFER LME off", put_efer, rdmsr(0xc0000080) & ~0x100ul);
    put("EFER reserved bit", put_efer, rdmsr(0xc0000080) | 2);
    tag = "";
    put("EFER LMA off is ignored", put_efer, rdmsr(0xc0000080) & ~0x400ul);
    print(MANUAL "EFER %lx\n", (ulong)rdmsr(0xc0000080));
}

DO(read_hole)
{
    asm volatile("mov (%0), %%al" : : "r"(1ul << 47) : "al");
}
DO(write_hole)
{
    asm volatile("mov %%al, (%0)" : : "r"(0xffff7ffffffffffful));
}
DO(read_edge)
{
    asm volatile("mov (%0), %%rax" : : "r"((1ul << 47) - 4) : "rax");
}
DO(push_hole)
{
    asm volatile("mov %%rsp, %%rbx; mov %0, %%rsp; push %%rax; mov %%rbx, %%rsp"
                 :
                 : "r"(1ul << 47 | 8)
                 : "rbx");
}
DO(rbp_hole)
{
    asm volatile("mov %%rbp, %%rbx; mov %0, %%rbp; mov (%%rbp), %%al; mov %%rbx, %%rbp"
                 :
                 : "r"(1ul << 47)
                 : "rbx", "al");
}
DO(jump_hole)
{
    asm volatile("jmp *%0" : : "r"(1ul << 47));
}

static void canonical(void)
{
    tss.ist[0] = (ulong)trap_stack + sizeof(trap_stack);
    for (unsigned v = 12; v <= 14; v++)
        set_gate(v, CODE, stubs[v], 0x8e, 1);
    print("== canonical addresses\n");
    SHOW("read", read_hole);
    SHOW("write", write_hole);
    print(MANUAL); /* QEMU looks at the first byte only, and gives #GP for the stack */
    SHOW("8 bytes at the edge", read_edge);
    print(MANUAL);
    SHOW("push", push_hole);
    print(MANUAL);
    SHOW("through RBP", rbp_hole);
    SHOW("jump", jump_hole);
    print(MANUAL "RIP is in the jump: %d\n", fault.ip < VA);
}

int main(void)
{
    page[0][0] = page[1][0] = 0xc3; /* RET */
    for (unsigned k = 0; k < 2048; k++)
        pd[k] &= ~(uint64_t)U;
    for (unsigned k = 0; k < 3; k++)
        pdpt[508 + k] = pdpt[k];
    /* the alias has directories of its own, with U set: only its first GiB is needed */
    static uint64_t alias_pd[512] __attribute__((aligned(4096)));
    for (unsigned k = 0; k < 512; k++)
        alias_pd[k] = pd[k] | U;
    pdpt[508] = (ulong)alias_pd | P | W | U;
    set_cr3((ulong)pml4);
    user_alias = ALIAS;
    truth_table();
    reserved();
    accessed_dirty();
    invalidation();
    pcid();
    control_registers();
    canonical();
    return 0;
}

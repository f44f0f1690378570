/* SPDX-License-Identifier: MIT */
/*
 * Paging outside 64-bit mode: 32-bit tables with 4 MiB pages and PSE-36, PAE with its four
 * directory pointers, NX; rights, accessed and dirty bits, page faults of descriptor accesses.
 * Intel SDM vol. 3 sections 4.3, 4.4.
 *
 * QEMU 7.2 leaves P clear in the error code of a reserved bit and reads PDPTEs as it walks: MANUAL.
 *
 * kvm: needs paging32
 */
#include "guest.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80 };
#define PG 0x80000000ul
#define VA 0x40000000u

static uint32_t dir[1024] __attribute__((aligned(4096)));
static uint32_t table[1024] __attribute__((aligned(4096)));
static uint64_t pdpt[4] __attribute__((aligned(32)));
static uint64_t pae_dir[4][512] __attribute__((aligned(4096)));
static uint64_t pae_table[512] __attribute__((aligned(4096)));
static uint8_t page[2][4096] __attribute__((aligned(4096)));
static volatile uint8_t *target = (uint8_t *)VA;

DO(read_it)
{
    (void)*target;
}
DO(write_it)
{
    *target = 0xc3;
}
DO(fetch_it)
{
    asm volatile("call *%0" : : "r"(target));
}
DO(read_user)
{
    asm volatile("movb 0x40000000, %%al" : : : "eax");
}
DO(write_user)
{
    asm volatile("movb $0xc3, 0x40000000");
}
DO(fetch_user)
{
    asm volatile("mov $0x40000000, %%eax; call *%%eax" : : : "eax");
}

static void all(const char *name)
{
    static void (*const fn[3])(void) = {read_it, write_it, fetch_it};
    static void (*const user[3])(void) = {read_user, write_user, fetch_user};

    print("%s: supervisor", name);
    for (unsigned k = 0; k < 3; k++) {
        unsigned v = try(fn[k]);

        print(v == NO_FAULT ? " ok" : v == 14 ? " %x" : " #%d", (int)(v == 14 ? fault.err : v));
    }
    print(", user");
    for (unsigned k = 0; k < 3; k++) {
        unsigned v = try_user(user[k]);

        print(v == NO_FAULT ? " ok" : v == 14 ? " %x" : " #%d", (int)(v == 14 ? fault.err : v));
    }
    print("\n");
}

static void flush(void)
{
    set_cr3(get_cr3());
}

/* ---- 32-bit -------------------------------------------------------------------------------------
 */

static void map(uint32_t pde, uint32_t pte)
{
    dir[VA >> 22] = pde;
    table[0] = pte;
    flush();
}

static void test_32(void)
{
    uint32_t pt = (uint32_t)table | P | W | U, pg = (uint32_t)page[0] | P | W | U;

    print("== 32-bit\n");
    for (unsigned k = 0; k < 256; k++)
        dir[k] = k << 22 | P | W | U | PS;
    dir[1023] = 0xffc00000 | P | W | PS;
    set_cr4(get_cr4() | 0x10);
    set_cr3((uint32_t)dir);
    set_cr0(get_cr0() | PG);
    map(0, 0);
    all("directory entry absent");
    map(pt, 0);
    all("table entry absent");
    map(pt, pg);
    all("all rights");
    print("bits %x %x\n", dir[VA >> 22] & 0xfff, table[0] & 0xfff);
    map(pt, pg & ~W);
    all("read-only, !WP");
    set_cr0(get_cr0() | 0x10000);
    flush();
    all("read-only, WP");
    map(pt & ~W, pg);
    all("read-only directory, WP");
    set_cr0(get_cr0() & ~0x10000);
    map(pt & ~U, pg);
    all("supervisor");
    map(((uint32_t)page[0] & 0xffc00000) | P | W | PS, 0);
    target = (uint8_t *)VA + ((uint32_t)page[0] & 0x3fffff);
    SHOW("4 MiB page", write_it);
    print("bits %x\n", dir[VA >> 22] & 0xfff);
    print(MANUAL);
    map((1 << 21) | P | W | PS, 0);
    SHOW("4 MiB page, bit 21", write_it);
    target = (uint8_t *)VA;
}

/* ---- PAE
 * -------------------------------------------------------------------------------------------- */

static void map_pae(uint64_t pde, uint64_t pte)
{
    pae_dir[1][0] = pde;
    pae_table[0] = pte;
    flush();
}

static ulong cr3_value;
DO(put_cr3)
{
    set_cr3(cr3_value);
}

static void test_pae(void)
{
    uint64_t pt = (uint32_t)pae_table | P | W | U, pg = (uint32_t)page[0] | P | W | U;
    uint64_t xd = 1ull << 63;

    print("== PAE\n");
    set_cr0(get_cr0() & ~PG);
    for (unsigned k = 0; k < 4; k++) {
        pdpt[k] = (uint32_t)pae_dir[k] | P;
        for (unsigned n = 0; n < 512; n++)
            pae_dir[k][n] = (uint64_t)k << 30 | n << 21 | P | W | U | PS;
    }
    wrmsr(0xc0000080, rdmsr(0xc0000080) & ~0x800ull);
    set_cr4(get_cr4() | 0x20);
    set_cr3((uint32_t)pdpt);
    set_cr0(get_cr0() | PG | 0x10000);
    map_pae(0, 0);
    all("directory entry absent");
    map_pae(pt, pg);
    all("all rights");
    print("bits %x %x\n", (unsigned)pae_dir[1][0] & 0xfff, (unsigned)pae_table[0] & 0xfff);
    map_pae(pt, pg & ~W);
    all("read-only");
    map_pae(pt & ~U, pg);
    all("supervisor");
    map_pae(pt, pg | xd);
    print(MANUAL);
    all("XD without NXE");
    map_pae(pt, pg | 1ull << 52);
    print(MANUAL);
    all("bit 52");
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 0x800);
    map_pae(pt, pg | xd);
    all("XD in the table");
    map_pae(pt | xd, pg);
    all("XD in the directory");
    map_pae(pt, pg);
    pdpt[1] = 0;
    print(MANUAL); /* QEMU keeps no copy */
    all("PDPTE cleared in memory only");
    flush();
    all("PDPTE absent");
    pdpt[1] = (uint32_t)pae_dir[1] | P | W; /* bit 1 is reserved */
    cr3_value = (uint32_t)pdpt;
    print(MANUAL); /* QEMU does not look */
    SHOW("PDPTE with reserved bits, MOV to CR3", put_cr3);
    pdpt[1] = (uint32_t)pae_dir[1] | P;
    flush();
    set_cr4(get_cr4() | 1 << 20);
    all("SMEP");
    set_cr4(get_cr4() & ~(1 << 20));
    set_cr4(get_cr4() | 1 << 21);
    pae_dir[1][0] |= U;
    flush();
    print("SMAP");
    try(read_it);
    show("");
    asm volatile("stac");
    print("SMAP, AC");
    try(read_it);
    show("");
    asm volatile("clac");
    set_cr4(get_cr4() & ~(1 << 21));
}

/* ---- What the processor touches itself
 * ------------------------------------------------------------------ */

DO(load_far)
{
    set_ds(0x48);
}

static void test_implicit(void)
{
    static uint64_t old[48];

    print("== descriptor tables\n");
    memcpy(old, gdt, sizeof(gdt));
    memcpy(page[1], gdt, sizeof(gdt));
    ((uint64_t *)page[1])[9] = descriptor(0, 0xfffff, 0xc0f2); /* not accessed */
    map_pae((uint32_t)pae_table | P | W | U, (uint32_t)page[1] | P);
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) t = {sizeof(gdt) - 1, VA}, back = {sizeof(gdt) - 1, (uint32_t)gdt};

    asm volatile("lgdt %0" : : "m"(t));
    SHOW("accessed bit in a read-only GDT", load_far);
    pae_table[0] |= W;
    flush();
    SHOW("in a writable one", load_far);
    print("%x\n", (unsigned)(((uint64_t *)page[1])[9] >> 40) & 0xff);
    pae_table[0] = 0;
    flush();
    set_gate(14, CODE, stubs[14], 0x8e, 0);
    asm volatile("lgdt %0" : : "m"(back));
    set_ds(DATA);
    set_gate(14, CODE, stubs[14], 0x8e, 0);
}

int main(void)
{
    page[0][0] = 0xc3; /* RET */
    test_32();
    test_pae();
    test_implicit();
    set_cr0(get_cr0() & ~PG);
    print("paging off: %d\n", (int)(get_cr0() >> 31));
    return 0;
}

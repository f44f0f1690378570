/* SPDX-License-Identifier: MIT */
/*
 * Segments in 32-bit protected mode: loading, using, LAR and its kin, privileged instructions,
 * I/O permission. Intel SDM vol. 3 chapters 3 and 5.
 *
 * QEMU's software CPU does not check limits, types or null selectors of data accesses, nor far
 * pointers against code limits in all cases: those lines are MANUAL.
 *
 * kvm: needs processor
 */
#include "guest.h"

enum {
    RO_DATA = FREE,
    XO_CODE = FREE + 8,
    ABSENT = FREE + 16,
    DPL3_DATA = (FREE + 24) | 3,
    CONFORMING = FREE + 32,
    SMALL = FREE + 40,
    DOWN = FREE + 48,
    LDT = FREE + 56,
    CALL = FREE + 64,
    PROBE = FREE + 72,
    DOWN16 = FREE + 80,
    DPL0_DATA = FREE + 88,
    SMALL3 = (FREE + 96) | 3,
};

static unsigned sel;
static volatile uint32_t word = 0x12345678;
static volatile uint32_t offset;

DO(load_ds)
{
    asm volatile("mov %0, %%ds; mov %1, %%ds" : : "r"(sel), "r"(DATA));
}
DO(load_ss)
{
    asm volatile("mov %0, %%ss; mov %1, %%ss" : : "r"(sel), "r"(DATA));
}
DO(load_ds_user)
{
    asm volatile("mov %0, %%ds; mov %1, %%ds" : : "r"(sel), "r"(UDATA));
}

static void load(const char *name, unsigned s)
{
    sel = s;
    SHOW(name, load_ds);
}

static void stack(const char *name, unsigned s)
{
    sel = s;
    SHOW(name, load_ss);
}

static void test_loads(void)
{
    print("== DS\n");
    load("null", 0);
    load("null, RPL 3", 3);
    load("data", DATA);
    load("data RPL 3 DPL 0", DATA | 3);
    load("data RPL 3 DPL 3", DPL3_DATA);
    load("read-only", RO_DATA);
    load("execute-only", XO_CODE);
    load("readable code", CODE);
    load("readable code RPL 3", CODE | 3);
    load("conforming code RPL 3", CONFORMING | 3);
    load("absent", ABSENT);
    load("TSS", TSS);
    load("beyond the GDT", sizeof(gdt));
    load("LDT entry", 4);
    load("beyond the LDT", sizeof(ldt) | 4);
    print("== SS\n");
    stack("null", 0);
    stack("RPL 3", DATA | 3);
    stack("DPL 3", DPL3_DATA & ~3);
    stack("read-only", RO_DATA);
    stack("code", CODE);
    stack("absent", ABSENT);
    stack("beyond the GDT", 0x1ff8);
    print("== DS from ring 3\n");
    sel = DPL0_DATA;
    SHOW_USER("DPL 0", load_ds_user);
    sel = CONFORMING;
    SHOW_USER("conforming", load_ds_user);
    sel = UDATA & ~3;
    SHOW_USER("RPL 0 DPL 3", load_ds_user);
    gdt[PROBE / 8] = descriptor(0, 0xfffff, 0xc092);
    sel = PROBE;
    try(load_ds);
    print("accessed bit: %x\n", (unsigned)(gdt[PROBE / 8] >> 40 & 0xff));
}

/* ---- Access checks ------------------------------------------------------------------------- */

DO(read_es)
{
    asm volatile("movl %%es:(%0), %%eax" : : "r"(offset) : "eax");
}
DO(write_es)
{
    asm volatile("movl %%eax, %%es:(%0)" : : "r"(offset));
}
DO(write_cs)
{
    asm volatile("movl %%eax, %%cs:(%0)" : : "r"(&word));
}
DO(push_small) /* SS:ESP = SMALL3:2, in ring 3 */
{
    asm volatile("mov %%esp, %%ebx; mov %0, %%ss; mov $2, %%esp; push %%eax;"
                 "mov %1, %%ss; mov %%ebx, %%esp"
                 :
                 : "r"(SMALL3), "r"(UDATA)
                 : "ebx", "memory");
}

static void use(const char *name, unsigned s, uint32_t off, void (*fn)(void))
{
    set_es(s);
    offset = off;
    try(fn);
    set_es(DATA);
    print(MANUAL);
    show(name);
}

static void test_uses(void)
{
    print("== access\n");
    use("null", 0, (uint32_t)&word, read_es);
    use("read-only read", RO_DATA, (uint32_t)&word, read_es);
    use("read-only write", RO_DATA, (uint32_t)&word, write_es);
    use("code read", CODE, (uint32_t)&word, read_es);
    use("code write", CODE, (uint32_t)&word, write_es);
    use("write through CS", DATA, 0, write_cs);
    use("limit fff, last 4 bytes", SMALL, 0xffc, read_es);
    use("limit fff, 1 beyond", SMALL, 0xffd, read_es);
    use("limit fff, far beyond", SMALL, 0x12345678, write_es);
    use("expand-down fff, inside", DOWN, 0x1000, read_es);
    use("expand-down fff, at limit", DOWN, 0xfff, read_es);
    use("expand-down fff, top", DOWN, 0xfffffffc, read_es);
    use("16-bit expand-down, ffff", DOWN16, 0xfffc, read_es);
    use("16-bit expand-down, beyond ffff", DOWN16, 0xfffd, read_es);
    print(MANUAL);
    SHOW_USER("push below a small stack", push_small);
}

/* ---- LAR, LSL, VERR, VERW ------------------------------------------------------------------ */

static void look(unsigned s)
{
    uint32_t lar = 0xdead, lsl = 0xdead;
    uint8_t z[4];

    asm volatile("lar %2, %0; setz %1" : "+r"(lar), "=q"(z[0]) : "r"(s));
    asm volatile("lsl %2, %0; setz %1" : "+r"(lsl), "=q"(z[1]) : "r"(s));
    asm volatile("verr %w1; setz %0" : "=q"(z[2]) : "r"(s));
    asm volatile("verw %w1; setz %0" : "=q"(z[3]) : "r"(s));
    print("%d%d%d%d lar %x lsl %x\n", z[0], z[1], z[2], z[3], lar, lsl);
}

static void test_lar(void)
{
    print("== LAR LSL VERR VERW by type\n");
    for (unsigned type = 0; type < 32; type++) {
        gdt[PROBE / 8] = descriptor(0x1000, 0x12345, 0x4080 | type);
        print("%x: ", type);
        look(PROBE);
    }
    gdt[PROBE / 8] = descriptor(0, 0x12345, 0xc093);
    print("page granular: ");
    look(PROBE);
    print("RPL 3, DPL 0: ");
    look(PROBE | 3);
    gdt[PROBE / 8] = descriptor(0, 0x12345, 0xc013);
    print("absent: ");
    look(PROBE);
    print("null: ");
    look(0);
    print("outside: ");
    look(0xfff8);
}

/* ---- Privilege ----------------------------------------------------------------------------- */

static uint8_t buf[16];
DO(p_hlt)
{
    asm volatile("hlt");
}
DO(p_cli)
{
    asm volatile("cli");
}
DO(p_sti)
{
    asm volatile("sti");
}
DO(p_lgdt)
{
    asm volatile("lgdt %0" : : "m"(buf));
}
DO(p_lidt)
{
    asm volatile("lidt %0" : : "m"(buf));
}
DO(p_lldt)
{
    asm volatile("lldt %w0" : : "r"(0));
}
DO(p_ltr)
{
    asm volatile("ltr %w0" : : "r"(0));
}
DO(p_lmsw)
{
    asm volatile("lmsw %w0" : : "r"(1));
}
DO(p_clts)
{
    asm volatile("clts");
}
DO(p_cr0)
{
    get_cr0();
}
DO(p_cr0w)
{
    set_cr0(0);
}
DO(p_cr1)
{
    asm volatile("mov %%cr1, %%eax" : : : "eax");
}
DO(p_dr)
{
    get_dr6();
}
DO(p_invlpg)
{
    invlpg(0);
}
DO(p_invd)
{
    asm volatile("invd");
}
DO(p_wbinvd)
{
    asm volatile("wbinvd");
}
DO(p_rdmsr)
{
    rdmsr(0x10);
}
DO(p_wrmsr)
{
    wrmsr(0x10, 0);
}
DO(p_rdpmc)
{
    asm volatile("rdpmc" : : "c"(0) : "eax", "edx");
}
DO(p_rdtsc)
{
    asm volatile("rdtsc" : : : "eax", "edx");
}
DO(p_sgdt)
{
    asm volatile("sgdt %0" : "=m"(buf));
}
DO(p_sidt)
{
    asm volatile("sidt %0" : "=m"(buf));
}
DO(p_sldt)
{
    unsigned v;
    asm volatile("sldt %0" : "=r"(v));
}
DO(p_str)
{
    unsigned v;
    asm volatile("str %0" : "=r"(v));
}
DO(p_smsw)
{
    unsigned v;
    asm volatile("smsw %0" : "=r"(v));
}
DO(p_in)
{
    inb(0x80);
}
DO(p_out)
{
    outb(0x80, 0);
}
DO(p_inw)
{
    asm volatile("inw $0x87, %%ax" : : : "eax");
}
DO(p_insb)
{
    asm volatile("insb" : : "d"(0x80), "D"(buf) : "memory");
}
DO(p_int7f)
{
    asm volatile("int $0x7f");
}
DO(p_rsm)
{
    asm volatile("rsm");
}
DO(p_stac)
{
    asm volatile("stac");
}

static const struct {
    const char *name;
    void (*fn)(void);
} privileged[] = {
    {"hlt", p_hlt},         {"cli", p_cli},
    {"sti", p_sti},         {"lgdt", p_lgdt},
    {"lidt", p_lidt},       {"lldt", p_lldt},
    {"ltr", p_ltr},         {"lmsw", p_lmsw},
    {"clts", p_clts},       {"mov from cr0", p_cr0},
    {"mov to cr0", p_cr0w}, {"mov from dr6", p_dr},
    {"invlpg", p_invlpg},   {"invd", p_invd},
    {"wbinvd", p_wbinvd},   {"rdmsr", p_rdmsr},
    {"wrmsr", p_wrmsr},     {"rdpmc", p_rdpmc},
    {"rdtsc", p_rdtsc},     {"sgdt", p_sgdt},
    {"sidt", p_sidt},       {"sldt", p_sldt},
    {"str", p_str},         {"smsw", p_smsw},
    {"in", p_in},           {"out", p_out},
    {"insb", p_insb},       {"int 7f, gate DPL 0", p_int7f},
    {"rsm", p_rsm},         {"stac", p_stac},
};

static void test_privileged(void)
{
    print("== ring 3\n");
    for (unsigned k = 0; k < sizeof(privileged) / sizeof(privileged[0]); k++)
        SHOW_USER(privileged[k].name, privileged[k].fn);
    print("== ring 3, UMIP and TSD\n");
    set_cr4(get_cr4() | 0x804);
    SHOW_USER("rdtsc", p_rdtsc);
    SHOW_USER("sgdt", p_sgdt);
    SHOW_USER("sidt", p_sidt);
    SHOW_USER("sldt", p_sldt);
    SHOW_USER("str", p_str);
    SHOW_USER("smsw", p_smsw);
    SHOW("sgdt, ring 0", p_sgdt);
    set_cr4(get_cr4() & ~0x804);
    print("== ring 3, IOPL 3\n");
    user_flags = 0x3002;
    SHOW_USER("cli", p_cli);
    SHOW_USER("in", p_in);
    SHOW_USER("hlt", p_hlt);
    user_flags = 2;
    SHOW("mov from cr1, ring 0", p_cr1);
}

/* A TSS with a bitmap: port 80h is allowed, 87h is, 88h is not. */
static struct {
    struct tss32 t;
    uint8_t map[0x20];
} __attribute__((packed)) io_tss;

DO(p_in87)
{
    inb(0x87);
}
DO(p_in88)
{
    inb(0x88);
}
DO(p_in200)
{
    asm volatile("inb %%dx, %%al" : : "d"(0x200) : "eax");
}

static void test_iomap(void)
{
    print("== I/O bitmap\n");
    io_tss.t = tss;
    memset(io_tss.map, 0xff, sizeof(io_tss.map));
    io_tss.map[0x10] = 0;
    io_tss.t.iomap = sizeof(struct tss32);
    gdt[PROBE / 8] = descriptor((uint32_t)&io_tss, sizeof(io_tss) - 1, 0x89);
    asm volatile("ltr %w0" : : "r"(PROBE));
    SHOW_USER("80, allowed", p_in);
    SHOW_USER("87, allowed", p_in87);
    SHOW_USER("88, refused", p_in88);
    SHOW_USER("87, two bytes", p_inw);
    SHOW_USER("200, beyond the map", p_in200);
    gdt[TSS / 8] = descriptor((uint32_t)&tss, sizeof(tss) - 1, 0x89);
    asm volatile("ltr %w0" : : "r"(TSS));
}

int main(void)
{
    gdt[RO_DATA / 8] = descriptor(0, 0xfffff, 0xc091);
    gdt[XO_CODE / 8] = descriptor(0, 0xfffff, 0xc099);
    gdt[ABSENT / 8] = descriptor(0, 0xfffff, 0xc013);
    gdt[DPL3_DATA / 8] = descriptor(0, 0xfffff, 0xc0f3);
    gdt[CONFORMING / 8] = descriptor(0, 0xfffff, 0xc09f);
    gdt[SMALL / 8] = descriptor(0x100000, 0xfff, 0x4093);
    gdt[SMALL3 / 8] = descriptor(0x100000, 0xfff, 0x40f3);
    gdt[DOWN / 8] = descriptor(0x100000, 0xfff, 0x4097);
    gdt[DOWN16 / 8] = descriptor(0x100000, 0xfff, 0x0097);
    gdt[DPL0_DATA / 8] = descriptor(0, 0xfffff, 0xc093);
    gdt[LDT / 8] = descriptor((uint32_t)ldt, sizeof(ldt) - 1, 0x82);
    ldt[0] = descriptor(0, 0xfffff, 0xc093);
    asm volatile("lldt %w0" : : "r"(LDT));
    test_loads();
    test_uses();
    test_lar();
    test_privileged();
    test_iomap();
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The table of registers for gdb, and the description made of it. GDB manual, appendix G
 * ("Target Descriptions"), sections "Standard Target Features" (i386 features), "Predefined
 * Target Types"; appendix E.2 (packets g, G, p, P).
 */
#include "target/x86/gdbregs.h"

#include <string.h>

enum reg_kind {
    REG_FIELD, /* bytes of the state at `offset`, zero-extended */
    REG_LOW,   /* the low half of a field; storing leaves the rest */
    REG_PC,    /* linear RIP */
    REG_SEG,   /* selector of segment `index` */
    REG_ST,    /* ST(index) */
};

enum feature { F_CORE, F_SSE, F_SYSTEM, FEATURES };

struct gdb_reg {
    const char *name;
    enum feature feature;
    enum reg_kind kind;
    uint8_t bytes;    /* in the protocol */
    uint8_t size;     /* in the state */
    uint16_t offset;  /* in the state */
    uint8_t index;
    const char *type; /* of the description */
};

#define AT(field) offsetof(struct x86_state, field), 0
#define GPR(name, n) {name, F_CORE, REG_FIELD, 8, 8, AT(gpr[n]), "int64"}
#define LOW(name, n) {name, F_CORE, REG_LOW, 4, 4, AT(gpr[n]), "int32"}
#define SEG(name, s) {name, F_CORE, REG_SEG, 4, 2, 0, s, "int32"}
#define ST(n) {"st" #n, F_CORE, REG_ST, 10, 10, 0, n, "i387_ext"}
#define FPU(name, field, size) {name, F_CORE, REG_FIELD, 4, size, AT(field), "int"}
#define XMM(n) {"xmm" #n, F_SSE, REG_FIELD, 16, 16, AT(xmm[n]), "vec128"}
#define SYS(name, field, bytes, size, type)                                                        \
    {name, F_SYSTEM, REG_FIELD, bytes, size, AT(field), type}

static const struct gdb_reg regs[] = {
    GPR("rax", R_RAX), GPR("rbx", R_RBX), GPR("rcx", R_RCX), GPR("rdx", R_RDX),
    GPR("rsi", R_RSI), GPR("rdi", R_RDI), GPR("rbp", R_RBP), GPR("rsp", R_RSP),
    GPR("r8", 8), GPR("r9", 9), GPR("r10", 10), GPR("r11", 11),
    GPR("r12", 12), GPR("r13", 13), GPR("r14", 14), GPR("r15", 15),
    {"rip", F_CORE, REG_PC, 8, 8, 0, 0, "uint64"},
    {"eflags", F_CORE, REG_FIELD, 4, 4, AT(rflags), "i386_eflags"},
    SEG("cs", S_CS), SEG("ss", S_SS), SEG("ds", S_DS), SEG("es", S_ES), SEG("fs", S_FS),
    SEG("gs", S_GS),
    ST(0), ST(1), ST(2), ST(3), ST(4), ST(5), ST(6), ST(7),
    FPU("fctrl", fcw, 2), FPU("fstat", fsw, 2), FPU("ftag", ftw, 2), FPU("fiseg", fcs, 2),
    FPU("fioff", fip, 4), FPU("foseg", fds, 2), FPU("fooff", fdp, 4), FPU("fop", fop, 2),
    LOW("eax", R_RAX), LOW("ecx", R_RCX), LOW("edx", R_RDX), LOW("ebx", R_RBX),
    LOW("esp", R_RSP), LOW("ebp", R_RBP), LOW("esi", R_RSI), LOW("edi", R_RDI),
    {"eip", F_CORE, REG_PC, 4, 4, 0, 0, "uint32"},

    XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7),
    XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13), XMM(14), XMM(15),
    {"mxcsr", F_SSE, REG_FIELD, 4, 4, AT(mxcsr), "i386_mxcsr"},

    SYS("fs_base", seg[S_FS].base, 8, 8, "int64"), SYS("gs_base", seg[S_GS].base, 8, 8, "int64"),
    SYS("k_gs_base", msr.kernel_gs_base, 8, 8, "int64"),
    SYS("cs_base", seg[S_CS].base, 8, 8, "int64"), SYS("ss_base", seg[S_SS].base, 8, 8, "int64"),
    SYS("ds_base", seg[S_DS].base, 8, 8, "int64"), SYS("es_base", seg[S_ES].base, 8, 8, "int64"),
    SYS("ldtr", seg[S_LDTR].sel, 4, 2, "int32"), SYS("ldtr_base", seg[S_LDTR].base, 8, 8, "int64"),
    SYS("tr", seg[S_TR].sel, 4, 2, "int32"), SYS("tr_base", seg[S_TR].base, 8, 8, "int64"),
    SYS("gdtr_base", gdtr.base, 8, 8, "int64"), SYS("gdtr_limit", gdtr.limit, 4, 2, "int32"),
    SYS("idtr_base", idtr.base, 8, 8, "int64"), SYS("idtr_limit", idtr.limit, 4, 2, "int32"),
    SYS("cr0", cr0, 8, 8, "x86_cr0"), SYS("cr2", cr2, 8, 8, "int64"),
    SYS("cr3", cr3, 8, 8, "int64"), SYS("cr4", cr4, 8, 8, "x86_cr4"),
    SYS("cr8", cr8, 8, 8, "int64"), SYS("efer", msr.efer, 8, 8, "x86_efer"),
    SYS("dr0", dr[0], 8, 8, "int64"), SYS("dr1", dr[1], 8, 8, "int64"),
    SYS("dr2", dr[2], 8, 8, "int64"), SYS("dr3", dr[3], 8, 8, "int64"),
    SYS("dr6", dr[6], 8, 8, "int64"), SYS("dr7", dr[7], 8, 8, "int64"),
    SYS("xcr0", xcr0, 8, 8, "int64"),
};

/* ---- Values ------------------------------------------------------------------------------- */

unsigned x86_gdb_count(void)
{
    return G_N_ELEMENTS(regs);
}

unsigned x86_gdb_size(unsigned n)
{
    return n < G_N_ELEMENTS(regs) ? regs[n].bytes : 0;
}

static bool in_64_bit_code(const struct x86_state *st)
{
    return (st->msr.efer & EFER_LMA) && (st->seg[S_CS].attr & SEG_L);
}

static uint64_t linear_rip(const struct x86_state *st)
{
    return in_64_bit_code(st) ? st->rip : (uint32_t)(st->seg[S_CS].base + st->rip);
}

static unsigned st_index(const struct x86_state *st, unsigned n)
{
    return ((st->fsw >> 11) + n) & 7;
}

void x86_gdb_get(const struct x86_state *st, unsigned n, uint8_t buf[X86_GDB_REG_MAX])
{
    const struct gdb_reg *r = &regs[n];
    uint64_t v;

    memset(buf, 0, X86_GDB_REG_MAX);
    switch (r->kind) {
    case REG_FIELD:
    case REG_LOW:
        memcpy(buf, (const uint8_t *)st + r->offset, r->size);
        break;
    case REG_PC:
        v = linear_rip(st);
        memcpy(buf, &v, r->bytes);
        break;
    case REG_SEG:
        memcpy(buf, &st->seg[r->index].sel, 2);
        break;
    case REG_ST:
        memcpy(buf, &st->fpr[st_index(st, r->index)].mant, 8);
        memcpy(buf + 8, &st->fpr[st_index(st, r->index)].se, 2);
        break;
    }
}

static void set_pc(struct x86_state *st, unsigned bytes, const uint8_t *buf)
{
    uint64_t v = 0;

    memcpy(&v, buf, bytes);
    st->rip = in_64_bit_code(st) ? v : (uint32_t)(v - st->seg[S_CS].base);
}

/* In protected mode only the number changes: what it selects is in the guest's tables, and the
 * guest loads it when it likes. */
static void set_selector(struct x86_state *st, unsigned s, const uint8_t *buf)
{
    memcpy(&st->seg[s].sel, buf, 2);
    if (!(st->cr0 & CR0_PE) || (st->rflags & FL_VM))
        st->seg[s].base = (uint64_t)st->seg[s].sel << 4;
}

void x86_gdb_set(struct x86_state *st, unsigned n, const uint8_t buf[X86_GDB_REG_MAX])
{
    const struct gdb_reg *r = &regs[n];

    switch (r->kind) {
    case REG_FIELD:
    case REG_LOW:
        memcpy((uint8_t *)st + r->offset, buf, r->size);
        break;
    case REG_PC:
        set_pc(st, r->bytes, buf);
        break;
    case REG_SEG:
        set_selector(st, r->index, buf);
        break;
    case REG_ST:
        memcpy(&st->fpr[st_index(st, r->index)].mant, buf, 8);
        memcpy(&st->fpr[st_index(st, r->index)].se, buf + 8, 2);
        break;
    }
}

/* ---- The description ---------------------------------------------------------------------- */

#define BIT(name, n) "<field name=\"" name "\" start=\"" #n "\" end=\"" #n "\"/>"
#define VECTOR(id, type, n) "<vector id=\"" id "\" type=\"" type "\" count=\"" n "\"/>"
#define MEMBER(name, type) "<field name=\"" name "\" type=\"" type "\"/>"

static const struct {
    const char *name, *types;
} features[FEATURES] = {
    [F_CORE] = {"org.gnu.gdb.i386.core",
                "<flags id=\"i386_eflags\" size=\"4\">" BIT("CF", 0) BIT("", 1) BIT("PF", 2)
                BIT("AF", 4) BIT("ZF", 6) BIT("SF", 7) BIT("TF", 8) BIT("IF", 9) BIT("DF", 10)
                BIT("OF", 11) BIT("NT", 14) BIT("RF", 16) BIT("VM", 17) BIT("AC", 18)
                BIT("VIF", 19) BIT("VIP", 20) BIT("ID", 21) "</flags>"},
    [F_SSE] = {"org.gnu.gdb.i386.sse",
               VECTOR("v4f", "ieee_single", "4") VECTOR("v2d", "ieee_double", "2")
               VECTOR("v16i8", "int8", "16") VECTOR("v8i16", "int16", "8")
               VECTOR("v4i32", "int32", "4") VECTOR("v2i64", "int64", "2")
               "<union id=\"vec128\">" MEMBER("v4_float", "v4f") MEMBER("v2_double", "v2d")
               MEMBER("v16_int8", "v16i8") MEMBER("v8_int16", "v8i16") MEMBER("v4_int32", "v4i32")
               MEMBER("v2_int64", "v2i64") MEMBER("uint128", "uint128") "</union>"
               "<flags id=\"i386_mxcsr\" size=\"4\">" BIT("IE", 0) BIT("DE", 1) BIT("ZE", 2)
               BIT("OE", 3) BIT("UE", 4) BIT("PE", 5) BIT("DAZ", 6) BIT("IM", 7) BIT("DM", 8)
               BIT("ZM", 9) BIT("OM", 10) BIT("UM", 11) BIT("PM", 12) BIT("FZ", 15) "</flags>"},
    [F_SYSTEM] = {"org.hostel.x86.system",
                  "<flags id=\"x86_cr0\" size=\"8\">" BIT("PE", 0) BIT("MP", 1) BIT("EM", 2)
                  BIT("TS", 3) BIT("ET", 4) BIT("NE", 5) BIT("WP", 16) BIT("AM", 18) BIT("NW", 29)
                  BIT("CD", 30) BIT("PG", 31) "</flags>"
                  "<flags id=\"x86_cr4\" size=\"8\">" BIT("VME", 0) BIT("PVI", 1) BIT("TSD", 2)
                  BIT("DE", 3) BIT("PSE", 4) BIT("PAE", 5) BIT("MCE", 6) BIT("PGE", 7)
                  BIT("PCE", 8) BIT("OSFXSR", 9) BIT("OSXMMEXCPT", 10) BIT("UMIP", 11)
                  BIT("LA57", 12) BIT("FSGSBASE", 16) BIT("PCIDE", 17) BIT("OSXSAVE", 18)
                  BIT("SMEP", 20) BIT("SMAP", 21) BIT("PKE", 22) "</flags>"
                  "<flags id=\"x86_efer\" size=\"8\">" BIT("SCE", 0) BIT("LME", 8) BIT("LMA", 10)
                  BIT("NXE", 11) "</flags>"},
};

static void describe_reg(GString *out, unsigned n)
{
    const struct gdb_reg *r = &regs[n];
    const char *group = r->kind == REG_ST || strcmp(r->type, "int") == 0 ? " group=\"float\"" : "";

    g_string_append_printf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s/>\n",
                           r->name, r->bytes * 8, r->type, n, group);
}

char *x86_gdb_description(void)
{
    GString *out = g_string_new("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM "
                                "\"gdb-target.dtd\">\n<target version=\"1.0\">\n"
                                "<architecture>i386:x86-64</architecture>\n");

    for (unsigned f = 0; f < FEATURES; f++) {
        g_string_append_printf(out, "<feature name=\"%s\">\n%s\n", features[f].name,
                               features[f].types);
        for (unsigned n = 0; n < G_N_ELEMENTS(regs); n++)
            if (regs[n].feature == f)
                describe_reg(out, n);
        g_string_append(out, "</feature>\n");
    }
    g_string_append(out, "</target>\n");
    return g_string_free(out, FALSE);
}

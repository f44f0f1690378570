/* SPDX-License-Identifier: MIT */
/*
 * System operations on segments: descriptor table registers, LDTR and TR, access checks, fast
 * system calls, FS and GS bases. Intel SDM vol. 2, the operation sections; as on Intel's
 * processors, SYSCALL and SYSRET exist in 64-bit mode only, unless the vendor is AMD.
 */
#include <string.h>

#include "accel/tcg-interp/ops.h"
#include "target/x86/cpuid.h"
#include "target/x86/segment.h"

static void need_cpl0(struct x86_cpu *c)
{
    if (c->cpl)
        x86_gp(c, 0);
}

static void need_protected(struct x86_cpu *c)
{
    if (x86_real_segs(c))
        x86_ud(c);
}

static void check_umip(struct x86_cpu *c)
{
    if ((c->cr4 & CR4_UMIP) && c->cpl)
        x86_gp(c, 0);
}

static void set_zf(struct x86_cpu *c, bool zf)
{
    x86_set_arith(c, (x86_flags_arith(c) & ~(uint32_t)FL_ZF) | (zf ? FL_ZF : 0));
}

/* ---- GDTR, IDTR: a 16-bit limit and a base of 4 or 8 bytes behind it ----------------------- */

static void store_table(struct x86_cpu *c, const struct x86_insn *i, const struct x86_dtable *t)
{
    unsigned size = i->mode == X86_MODE_64 ? 8 : 4;
    uint64_t la;

    check_umip(c);
    la = x86_seg_lin(c, i->seg, x86_ea(c, i), 2 + size, ACC_WRITE, 1);
    x86_lin_probe(c, la, 2 + size, ACC_WRITE);
    x86_lin_write(c, la, 2, t->limit);
    x86_lin_write(c, la + 2, size, t->base & x86_mask(size));
}

static struct x86_dtable load_table(struct x86_cpu *c, const struct x86_insn *i)
{
    unsigned size = i->mode == X86_MODE_64 ? 8 : 4;
    struct x86_dtable t;
    uint64_t la;

    need_cpl0(c);
    la = x86_seg_lin(c, i->seg, x86_ea(c, i), 2 + size, ACC_READ, 1);
    t.limit = x86_lin_read(c, la, 2);
    t.base = x86_lin_read(c, la + 2, size);
    if (size == 8 && !x86_canonical(t.base))
        x86_gp(c, 0);
    if (i->opsize == 2)
        t.base &= 0xffffff;
    return t;
}

OP(sgdt)
{
    store_table(c, i, &c->gdtr);
}

OP(sidt)
{
    store_table(c, i, &c->idtr);
}

OP(lgdt)
{
    c->gdtr = load_table(c, i);
}

OP(lidt)
{
    c->idtr = load_table(c, i);
}

/* ---- LDTR, TR ------------------------------------------------------------------------------ */

OP(sldt)
{
    need_protected(c);
    check_umip(c);
    x86_put(c, i, 0, c->seg[S_LDTR].sel);
}

OP(str)
{
    need_protected(c);
    check_umip(c);
    x86_put(c, i, 0, c->seg[S_TR].sel);
}

/* A system descriptor of the GDT; in IA-32e mode with the upper half of its base. */
static uint64_t system_desc(struct x86_cpu *c, uint16_t sel, uint64_t *high)
{
    uint64_t d;

    *high = 0;
    if ((sel & 4) || !x86_desc_read(c, sel, &d) || (c->lma && !x86_desc_read_high(c, sel, high)))
        x86_gp(c, sel & ~3);
    if ((desc_attr(d) & SEG_S) || (*high >> 40 & 0x1f))
        x86_gp(c, sel & ~3);
    return d;
}

static void load_system(struct x86_cpu *c, unsigned seg, uint16_t sel, uint64_t d, uint64_t high)
{
    uint64_t base = desc_base(d) | high << 32;

    if (!x86_canonical(base))
        x86_gp(c, 0);
    if (seg == S_TR)
        x86_desc_busy(c, sel, true);
    x86_seg_set(c, seg, sel, d);
    c->seg[seg].base = base;
}

OP(lldt)
{
    uint64_t d, high;
    uint16_t sel;

    need_protected(c);
    need_cpl0(c);
    sel = x86_get(c, i, 0);
    if (sel_is_null(sel)) {
        x86_seg_set_null(c, S_LDTR, sel);
        return;
    }
    d = system_desc(c, sel, &high);
    if (desc_type(d) != SYS_LDT)
        x86_gp(c, sel & ~3);
    if (!(desc_attr(d) & SEG_P))
        x86_raise_err(c, EXC_NP, sel & ~3);
    load_system(c, S_LDTR, sel, d, high);
}

OP(ltr)
{
    uint64_t d, high;
    uint16_t sel;

    need_protected(c);
    need_cpl0(c);
    sel = x86_get(c, i, 0);
    if (sel_is_null(sel))
        x86_gp(c, 0);
    d = system_desc(c, sel, &high);
    if (desc_type(d) != SYS_TSS32 && (c->lma || desc_type(d) != SYS_TSS16))
        x86_gp(c, sel & ~3);
    if (!(desc_attr(d) & SEG_P))
        x86_raise_err(c, EXC_NP, sel & ~3);
    load_system(c, S_TR, sel, d | 2ull << 40, high);
}

/* ---- LAR, LSL, VERR, VERW ------------------------------------------------------------------ */

/* The descriptor of a selector the program may look at: visible at its privilege, and of a
 * system type in the set `types`. */
static bool visible(struct x86_cpu *c, uint16_t sel, uint32_t types, uint64_t *d)
{
    unsigned attr;

    if (sel_is_null(sel) || !x86_desc_read(c, sel, d))
        return false;
    attr = desc_attr(*d);
    if (!(attr & SEG_S) && !(types >> (attr & SEG_TYPE) & 1))
        return false;
    return attr_is_conforming(attr) || (desc_dpl(*d) >= c->cpl && desc_dpl(*d) >= (sel & 3));
}

enum {
    LSL_TYPES_LONG = 1 << SYS_LDT | 1 << SYS_TSS32 | 1 << SYS_TSS32_BUSY,
    LSL_TYPES = LSL_TYPES_LONG | 1 << SYS_TSS16 | 1 << SYS_TSS16_BUSY,
    LAR_TYPES_LONG = LSL_TYPES_LONG | 1 << SYS_CALL32,
    LAR_TYPES = LSL_TYPES | 1 << SYS_CALL16 | 1 << SYS_CALL32 | 1 << SYS_TASK,
};

OP(lar)
{
    uint64_t d;
    bool ok;

    need_protected(c);
    ok = visible(c, x86_get(c, i, 1), c->lma ? LAR_TYPES_LONG : LAR_TYPES, &d);
    if (ok)
        x86_put(c, i, 0, d >> 32 & 0xf0ff00);
    set_zf(c, ok);
}

OP(lsl)
{
    uint64_t d;
    bool ok;

    need_protected(c);
    ok = visible(c, x86_get(c, i, 1), c->lma ? LSL_TYPES_LONG : LSL_TYPES, &d);
    if (ok)
        x86_put(c, i, 0, desc_limit(d));
    set_zf(c, ok);
}

OP(verr)
{
    uint64_t d;

    need_protected(c);
    set_zf(c, visible(c, x86_get(c, i, 0), 0, &d) && attr_is_readable(desc_attr(d)));
}

OP(verw)
{
    uint64_t d;

    need_protected(c);
    set_zf(c, visible(c, x86_get(c, i, 0), 0, &d) && attr_is_writable(desc_attr(d)));
}

/* ---- Fast system calls: flat segments that are not read from the tables -------------------- */

enum code_kind { CODE_32, CODE_64 };

static void set_flat(struct x86_cpu *c, uint16_t cs, uint16_t ss, unsigned cpl, enum code_kind k)
{
    unsigned common = SEG_P | cpl << 5 | SEG_S | SEG_RW | SEG_ACCESSED | SEG_G;

    c->seg[S_CS] = (struct x86_seg){ .sel = cs, .limit = 0xffffffff,
                                     .attr = common | SEG_CODE | (k == CODE_64 ? SEG_L : SEG_DB) };
    c->seg[S_SS] = (struct x86_seg){ .sel = ss, .limit = 0xffffffff, .attr = common | SEG_DB };
    c->seg_base[S_CS] = c->seg_base[S_SS] = 0;
    c->cpl = cpl;
}

/* AMD's processors have SYSCALL in compatibility mode too, to CSTAR (AMD manual vol. 3). */
static bool has_compat_syscall(const struct x86_cpu *c)
{
    return c->lma && !strcmp(c->model->vendor, "AuthenticAMD");
}

OP(syscall)
{
    uint16_t cs = c->msr.star >> 32 & 0xfffc;
    bool from_64 = c->mode == X86_MODE_64;
    uint64_t flags;

    if (!(c->msr.efer & EFER_SCE) || (!from_64 && !has_compat_syscall(c)))
        x86_ud(c);
    flags = x86_rflags(c) & ~(uint64_t)FL_RF;
    c->r[R_RCX] = c->next_rip;
    c->r[11] = flags;
    set_flat(c, cs, cs + 8, 0, CODE_64);
    x86_set_rflags(c, flags & ~c->msr.sfmask);
    c->step_dropped = c->msr.sfmask & FL_TF;
    x86_update_mode(c);
    c->next_rip = from_64 ? c->msr.lstar : c->msr.cstar;
}

OP(sysret)
{
    uint16_t cs = c->msr.star >> 48;
    bool wide = i->opsize == 8;
    uint64_t rip = c->r[R_RCX];

    if (c->mode != X86_MODE_64 || !(c->msr.efer & EFER_SCE))
        x86_ud(c);
    need_cpl0(c);
    if (wide && !x86_canonical(rip))
        x86_gp(c, 0);
    set_flat(c, (cs + (wide ? 16 : 0)) | 3, (cs + 8) | 3, 3, wide ? CODE_64 : CODE_32);
    x86_set_rflags(c, c->r[11] & 0x3c7fd7);
    if (c->r[11] & FL_TF) /* looked at after SYSRET, as if the SYSCALL had just been done */
        c->db_pending |= DR6_BS;
    x86_update_mode(c);
    c->next_rip = wide ? rip : (uint32_t)rip;
}

OP(sysenter)
{
    uint16_t cs = c->msr.sysenter_cs & 0xfffc;

    if (!c->pe || !cs)
        x86_gp(c, 0);
    x86_set_rflags(c, x86_rflags(c) & ~(uint64_t)(FL_VM | FL_IF | FL_RF));
    set_flat(c, cs, cs + 8, 0, c->lma ? CODE_64 : CODE_32);
    x86_update_mode(c);
    c->r[R_RSP] = c->lma ? c->msr.sysenter_esp : (uint32_t)c->msr.sysenter_esp;
    c->next_rip = c->lma ? c->msr.sysenter_eip : (uint32_t)c->msr.sysenter_eip;
}

OP(sysexit)
{
    uint16_t base = c->msr.sysenter_cs & 0xfffc, cs;
    bool wide = i->opsize == 8;
    uint64_t rip = c->r[R_RDX], rsp = c->r[R_RCX];

    if (!c->pe || !base || c->cpl)
        x86_gp(c, 0);
    if (wide && (!x86_canonical(rip) || !x86_canonical(rsp)))
        x86_gp(c, 0);
    cs = base + (wide ? 32 : 16);
    set_flat(c, cs | 3, (cs + 8) | 3, 3, wide ? CODE_64 : CODE_32);
    x86_update_mode(c);
    c->r[R_RSP] = wide ? rsp : (uint32_t)rsp;
    c->next_rip = wide ? rip : (uint32_t)rip;
}

/* ---- FS and GS bases ----------------------------------------------------------------------- */

OP(swapgs)
{
    uint64_t base = c->seg_base[S_GS];

    need_cpl0(c);
    c->seg_base[S_GS] = c->msr.kernel_gs_base;
    c->msr.kernel_gs_base = base;
}

static void read_base(struct x86_cpu *c, const struct x86_insn *i, unsigned seg)
{
    if (!(c->cr4 & CR4_FSGSBASE))
        x86_ud(c);
    x86_put(c, i, 0, c->seg_base[seg]);
}

static void write_base(struct x86_cpu *c, const struct x86_insn *i, unsigned seg)
{
    uint64_t v = x86_get(c, i, 0);

    if (!(c->cr4 & CR4_FSGSBASE))
        x86_ud(c);
    if (!x86_canonical(v))
        x86_gp(c, 0);
    c->seg_base[seg] = v;
}

OP(rdfsbase)
{
    read_base(c, i, S_FS);
}

OP(rdgsbase)
{
    read_base(c, i, S_GS);
}

OP(wrfsbase)
{
    write_base(c, i, S_FS);
}

OP(wrgsbase)
{
    write_base(c, i, S_GS);
}

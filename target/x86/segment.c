/* SPDX-License-Identifier: MIT */
/*
 * Segment registers and the stack: effective addresses, limit and type checks, loading of data
 * segments. Intel SDM vol. 3 chapters 3 and 5, section 20.1.1 (real mode).
 *
 * Segments of 4 GiB let accesses wrap at the top (the manual leaves it to the implementation).
 * In real mode a load keeps limit, granularity and default size, so that "unreal mode" works.
 */
#include "target/x86/segment.h"

/* ---- Effective and linear addresses -------------------------------------------------------- */

uint64_t x86_ea(const struct x86_cpu *c, const struct x86_insn *i)
{
    uint64_t base = i->base == SLOT_RIP ? c->next_rip : c->slot[i->base];
    uint64_t ea = base + (c->slot[i->index] << i->scale) + (int64_t)i->disp;

    if (i->moffs)
        ea = i->imm;
    return ea & x86_mask(i->addrsize);
}

bool x86_seg_covers(const struct x86_seg *s, uint64_t off, unsigned len)
{
    uint64_t last = off + len - 1;

    if ((s->attr & (SEG_S | SEG_CODE | SEG_DC)) == (SEG_S | SEG_DC)) /* expand-down */
        return off > s->limit && last <= (s->attr & SEG_DB ? 0xffffffffu : 0xffffu);
    return last <= s->limit || s->limit == 0xffffffffu;
}

static _Noreturn void seg_fault(struct x86_cpu *c, unsigned seg)
{
    x86_raise_err(c, seg == S_SS ? EXC_SS : EXC_GP, 0);
}

static void check_alignment(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc,
                            unsigned align)
{
    unsigned pow2 = 1u << (31 - __builtin_clz(align)); /* 6 (16:32) asks for 4, 10 for 8 */

    if (pow2 > 16)
        pow2 = 16;
    if (!(la & (pow2 - 1)))
        return;
    x86_lin_probe(c, la, len, acc); /* #PF goes first */
    x86_raise_err(c, EXC_AC, 0);
}

uint64_t x86_seg_lin(struct x86_cpu *c, unsigned seg, uint64_t off, unsigned len,
                     enum x86_access acc, unsigned align)
{
    uint64_t la;

    if (c->mode == X86_MODE_64) {
        la = seg >= S_FS ? c->seg_base[seg] + off : off;
        if (!x86_canonical(la) || !x86_canonical(la + len - 1))
            seg_fault(c, seg);
    } else {
        const struct x86_seg *s = &c->seg[seg];

        if (!x86_seg_covers(s, off, len))
            seg_fault(c, seg);
        if (c->pe && !c->vm86) {
            if (s->attr & SEG_UNUSABLE)
                seg_fault(c, seg);
            if (acc == ACC_WRITE ? !attr_is_writable(s->attr)
                                 : acc == ACC_READ && !attr_is_readable(s->attr))
                seg_fault(c, seg);
        }
        la = (uint32_t)(c->seg_base[seg] + off);
    }
    if (c->cpl == 3 && align > 1 && (c->eflags & FL_AC) && (c->cr0 & CR0_AM))
        check_alignment(c, la, len, acc, align);
    return la;
}

/* ---- Loading ------------------------------------------------------------------------------- */

void x86_seg_set(struct x86_cpu *c, unsigned seg, uint16_t sel, uint64_t desc)
{
    c->seg[seg] = (struct x86_seg){ .sel = sel, .attr = desc_attr(desc),
                                    .limit = desc_limit(desc), .base = desc_base(desc) };
    if (seg < 6)
        c->seg_base[seg] = desc_base(desc);
}

void x86_seg_set_null(struct x86_cpu *c, unsigned seg, uint16_t sel)
{
    c->seg[seg].sel = sel;
    c->seg[seg].attr = SEG_UNUSABLE | (seg == S_SS ? c->cpl << 5 : 0);
    c->seg[seg].base = 0;
    if (seg < 6)
        c->seg_base[seg] = 0;
}

void x86_seg_set_real(struct x86_cpu *c, unsigned seg, uint16_t sel)
{
    struct x86_seg *s = &c->seg[seg];

    s->sel = sel;
    c->seg_base[seg] = (uint32_t)sel << 4;
    if (c->vm86) {
        s->limit = 0xffff;
        s->attr = SEG_P | SEG_DPL | SEG_S | SEG_RW | SEG_ACCESSED;
        return;
    }
    if (s->attr & SEG_UNUSABLE) {
        s->limit = 0xffff;
        s->attr = 0;
    }
    s->attr = (s->attr & (SEG_DB | SEG_G)) | SEG_P | SEG_S | SEG_RW | SEG_ACCESSED;
}

static uint64_t fetch(struct x86_cpu *c, uint16_t sel)
{
    uint64_t d;

    if (!x86_desc_read(c, sel, &d))
        x86_gp(c, sel & ~3);
    return d;
}

static void load_ss(struct x86_cpu *c, uint16_t sel)
{
    uint64_t d;

    if (sel_is_null(sel)) {
        if (c->mode != X86_MODE_64 || c->cpl == 3 || (sel & 3) != c->cpl)
            x86_gp(c, 0);
        x86_seg_set_null(c, S_SS, sel);
        return;
    }
    d = fetch(c, sel);
    if ((sel & 3) != c->cpl || !attr_is_writable(desc_attr(d)) || desc_dpl(d) != c->cpl)
        x86_gp(c, sel & ~3);
    if (!(desc_attr(d) & SEG_P))
        x86_raise_err(c, EXC_SS, sel & ~3);
    x86_desc_accessed(c, sel, &d);
    x86_seg_set(c, S_SS, sel, d);
}

static void load_data(struct x86_cpu *c, unsigned seg, uint16_t sel)
{
    uint64_t d;
    unsigned attr;

    if (sel_is_null(sel)) {
        x86_seg_set_null(c, seg, sel);
        return;
    }
    d = fetch(c, sel);
    attr = desc_attr(d);
    if (!attr_is_readable(attr))
        x86_gp(c, sel & ~3);
    if (!attr_is_conforming(attr) && ((sel & 3u) > desc_dpl(d) || c->cpl > desc_dpl(d)))
        x86_gp(c, sel & ~3);
    if (!(attr & SEG_P))
        x86_raise_err(c, EXC_NP, sel & ~3);
    x86_desc_accessed(c, sel, &d);
    x86_seg_set(c, seg, sel, d);
}

void x86_load_seg(struct x86_cpu *c, unsigned seg, uint16_t sel)
{
    if (x86_real_segs(c))
        x86_seg_set_real(c, seg, sel);
    else if (seg == S_SS)
        load_ss(c, sel);
    else
        load_data(c, seg, sel);
    x86_update_mode(c);
}

/* ---- Derived state ------------------------------------------------------------------------- */

void x86_update_mode(struct x86_cpu *c)
{
    c->pe = c->cr0 & CR0_PE;
    c->lma = c->msr.efer & EFER_LMA;
    c->vm86 = c->pe && !c->lma && (c->eflags & FL_VM);
    if (c->vm86)
        c->mode = X86_MODE_16;
    else if (c->lma && (c->seg[S_CS].attr & SEG_L))
        c->mode = X86_MODE_64;
    else
        c->mode = c->seg[S_CS].attr & SEG_DB ? X86_MODE_32 : X86_MODE_16;
    if (c->mode == X86_MODE_64)
        c->stack_size = 8;
    else
        c->stack_size = !c->vm86 && (c->seg[S_SS].attr & SEG_DB) ? 4 : 2;
    c->host->mode_changed(c);
}

/* ---- Stack and near transfers -------------------------------------------------------------- */

uint64_t x86_sp(const struct x86_cpu *c)
{
    return c->r[R_RSP] & x86_mask(c->stack_size);
}

void x86_set_sp(struct x86_cpu *c, uint64_t sp)
{
    if (c->stack_size == 2)
        c->r[R_RSP] = (c->r[R_RSP] & ~0xffffull) | (sp & 0xffff);
    else
        c->r[R_RSP] = sp & x86_mask(c->stack_size);
}

void x86_stack_add(struct x86_cpu *c, int64_t n)
{
    x86_set_sp(c, x86_sp(c) + n);
}

void x86_push(struct x86_cpu *c, unsigned size, uint64_t v)
{
    uint64_t sp = (x86_sp(c) - size) & x86_mask(c->stack_size);
    uint64_t la = x86_seg_lin(c, S_SS, sp, size, ACC_WRITE, size);

    x86_lin_write(c, la, size, v & x86_mask(size));
    x86_set_sp(c, sp);
}

uint64_t x86_stack_peek(struct x86_cpu *c, uint64_t off, unsigned size)
{
    uint64_t sp = (x86_sp(c) + off) & x86_mask(c->stack_size);

    return x86_lin_read(c, x86_seg_lin(c, S_SS, sp, size, ACC_READ, size), size);
}

uint64_t x86_pop(struct x86_cpu *c, unsigned size)
{
    uint64_t v = x86_stack_peek(c, 0, size);

    x86_stack_add(c, size);
    return v;
}

void x86_check_ip(struct x86_cpu *c, unsigned attr, uint32_t limit, uint64_t ip, uint32_t err)
{
    if (c->lma && (attr & SEG_L) ? !x86_canonical(ip) : ip > limit)
        x86_gp(c, err);
}

void x86_jump(struct x86_cpu *c, uint64_t target, unsigned opsize)
{
    target &= x86_mask(opsize);
    x86_check_ip(c, c->seg[S_CS].attr, c->seg[S_CS].limit, target, 0);
    c->next_rip = target;
}

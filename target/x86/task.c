/* SPDX-License-Identifier: MIT */
/*
 * Hardware task switches through 16- and 32-bit TSSs. Intel SDM vol. 3 chapter 7.
 *
 *   32-bit TSS (104 bytes)                         16-bit TSS (44 bytes)
 *     0 link      4..27 ESPn, SSn   28 CR3           0 link  2..13 SPn, SSn
 *    32 EIP 36 EFLAGS                               14 IP 16 FLAGS
 *    40 EAX ECX EDX EBX ESP EBP ESI EDI             18 AX CX DX BX SP BP SI DI
 *    72 ES CS SS DS FS GS  96 LDTR                  34 ES CS SS DS  42 LDTR
 *   100 T (bit 0)  102 I/O map base
 *
 * Everything that can be checked or fault in the old task's context is, before the switch; what
 * is wrong with the new task's segments is raised in the new task, at its first instruction.
 */
#include "target/x86/segment.h"
#include "util/log.h"

enum { TSS32_SIZE = 104, TSS16_SIZE = 44 };

struct task {
    struct x86_cpu *c;
    uint16_t sel;
    uint64_t desc, base;
    bool wide; /* 32-bit TSS */
    enum x86_task_src src;
    uint32_t ext;
    /* as read from the new TSS */
    uint32_t cr3, eip, eflags, gpr[8];
    uint16_t seg[6], ldt; /* enum x86_sreg order */
    bool trap;
};

static const uint8_t tss_segs[6] = { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS };

static uint32_t tss_get(struct x86_cpu *c, uint64_t base, unsigned off, unsigned size)
{
    return x86_sys_read(c, x86_sys_la(c, base + off), size);
}

static void tss_put(struct x86_cpu *c, uint64_t base, unsigned off, unsigned size, uint32_t v)
{
    x86_sys_write(c, x86_sys_la(c, base + off), size, v);
}

static void probe_tss(struct x86_cpu *c, uint64_t base, unsigned off, unsigned len,
                      enum x86_access acc)
{
    x86_sys_probe(c, x86_sys_la(c, base + off), len, acc);
}

/* ---- Checks before the switch -------------------------------------------------------------- */

static void check_descriptor(struct task *t)
{
    struct x86_cpu *c = t->c;
    uint32_t err = (t->sel & ~3u) | t->ext;
    enum x86_vector vec = t->src == TASK_IRET ? EXC_TS : EXC_GP;
    unsigned attr, limit, want = t->src == TASK_IRET ? SYS_TSS16_BUSY : SYS_TSS16;

    if ((t->sel & 4) || sel_is_null(t->sel) || !x86_desc_read(c, t->sel, &t->desc))
        x86_raise_err(c, vec, err);
    attr = desc_attr(t->desc);
    if ((attr & SEG_S) || (attr & 7) != want)
        x86_raise_err(c, vec, err);
    if (!(attr & SEG_P))
        x86_raise_err(c, EXC_NP, err);
    t->wide = attr & 8;
    t->base = desc_base(t->desc);
    limit = desc_limit(t->desc);
    if (limit < (t->wide ? TSS32_SIZE - 1u : TSS16_SIZE - 1u))
        x86_raise_err(c, EXC_TS, err);
}

static void read_tss32(struct task *t)
{
    struct x86_cpu *c = t->c;

    t->cr3 = tss_get(c, t->base, 28, 4);
    t->eip = tss_get(c, t->base, 32, 4);
    t->eflags = tss_get(c, t->base, 36, 4);
    for (unsigned k = 0; k < 8; k++)
        t->gpr[k] = tss_get(c, t->base, 40 + 4 * k, 4);
    for (unsigned k = 0; k < 6; k++)
        t->seg[tss_segs[k]] = tss_get(c, t->base, 72 + 4 * k, 2);
    t->ldt = tss_get(c, t->base, 96, 2);
    t->trap = tss_get(c, t->base, 100, 2) & 1;
}

static void read_tss16(struct task *t)
{
    struct x86_cpu *c = t->c;

    t->eip = tss_get(c, t->base, 14, 2);
    t->eflags = tss_get(c, t->base, 16, 2);
    for (unsigned k = 0; k < 8; k++)
        t->gpr[k] = tss_get(c, t->base, 18 + 2 * k, 2) | 0xffff0000u;
    for (unsigned k = 0; k < 4; k++)
        t->seg[tss_segs[k]] = tss_get(c, t->base, 34 + 2 * k, 2);
    t->ldt = tss_get(c, t->base, 42, 2);
}

/* ---- The switch ---------------------------------------------------------------------------- */

static void save_old(struct task *t, uint64_t ret_ip)
{
    struct x86_cpu *c = t->c;
    uint64_t base = c->seg[S_TR].base;
    uint32_t flags = x86_rflags(c) & (t->src == TASK_IRET ? ~(uint32_t)FL_NT : ~0u);

    if (c->seg[S_TR].attr & 8) {
        tss_put(c, base, 32, 4, ret_ip);
        tss_put(c, base, 36, 4, flags);
        for (unsigned k = 0; k < 8; k++)
            tss_put(c, base, 40 + 4 * k, 4, c->r[k]);
        for (unsigned k = 0; k < 6; k++)
            tss_put(c, base, 72 + 4 * k, 2, c->seg[tss_segs[k]].sel);
    } else {
        tss_put(c, base, 14, 2, ret_ip & 0xffff);
        tss_put(c, base, 16, 2, flags & 0xffff);
        for (unsigned k = 0; k < 8; k++)
            tss_put(c, base, 18 + 2 * k, 2, c->r[k] & 0xffff);
        for (unsigned k = 0; k < 4; k++)
            tss_put(c, base, 34 + 2 * k, 2, c->seg[tss_segs[k]].sel);
    }
}

/* All that may fault in the old context: every byte that will be written. */
static void probe_all(struct task *t)
{
    struct x86_cpu *c = t->c;
    bool old_wide = c->seg[S_TR].attr & 8, nested = t->src == TASK_CALL || t->src == TASK_INT;
    uint64_t pdpte[4];

    if (old_wide)
        probe_tss(c, c->seg[S_TR].base, 32, 64, ACC_WRITE);
    else
        probe_tss(c, c->seg[S_TR].base, 14, 28, ACC_WRITE);
    if (nested)
        probe_tss(c, t->base, 0, 2, ACC_WRITE);
    if (!nested)
        probe_tss(c, c->gdtr.base, c->seg[S_TR].sel & ~7u, 8, ACC_WRITE);
    if (t->src != TASK_IRET)
        probe_tss(c, c->gdtr.base, t->sel & ~7u, 8, ACC_WRITE);
    if (t->wide && (c->cr0 & CR0_PG) && (c->cr4 & CR4_PAE) &&
        !x86_read_pdptes(c, tss_get(c, t->base, 28, 4), pdpte))
        x86_raise_err(c, EXC_GP, t->ext);
}

static void switch_registers(struct task *t)
{
    struct x86_cpu *c = t->c;

    x86_seg_set(c, S_TR, t->sel & ~3, t->desc | (uint64_t)2 << 40);
    c->cr0 |= CR0_TS;
    if (t->wide && (c->cr0 & CR0_PG)) {
        c->cr3 = t->cr3;
        if (c->cr4 & CR4_PAE)
            x86_read_pdptes(c, c->cr3, c->pdpte);
        c->host->cr3_changed(c, false);
    }
    c->dr[7] &= ~0x155ull; /* L0..L3, LE */
    c->rip = c->next_rip = t->eip;
    for (unsigned k = 0; k < 8; k++)
        c->r[k] = t->gpr[k];
    /* Selectors first, hidden parts when they prove valid. */
    for (unsigned k = 0; k < 6; k++)
        x86_seg_set_null(c, k, t->seg[k]);
    x86_seg_set_null(c, S_LDTR, t->ldt);
    c->cpl = t->eflags & FL_VM ? 3 : t->seg[S_CS] & 3;
    x86_set_rflags(c, t->eflags);
    if (t->eflags & FL_VM)
        for (unsigned k = 0; k < 6; k++)
            x86_seg_set_real(c, k, t->seg[k]);
    x86_update_mode(c);
}

/* ---- The new task's segments, in its own context ------------------------------------------- */

static _Noreturn void bad(struct task *t, enum x86_vector vec, uint16_t sel)
{
    x86_raise_err(t->c, vec, (sel & ~3u) | t->ext);
}

static void load_ldt(struct task *t)
{
    struct x86_cpu *c = t->c;
    uint64_t d;

    if (sel_is_null(t->ldt))
        return;
    if ((t->ldt & 4) || !x86_desc_read(c, t->ldt, &d) ||
        (desc_attr(d) & (SEG_S | SEG_TYPE | SEG_P)) != (SYS_LDT | SEG_P))
        bad(t, EXC_TS, t->ldt);
    x86_seg_set(c, S_LDTR, t->ldt, d);
}

static void load_code(struct task *t)
{
    struct x86_cpu *c = t->c;
    uint16_t sel = t->seg[S_CS];
    uint64_t d;
    unsigned attr;

    if (sel_is_null(sel) || !x86_desc_read(c, sel, &d))
        bad(t, EXC_TS, sel);
    attr = desc_attr(d);
    if (!attr_is_code(attr) || (attr_is_conforming(attr) ? desc_dpl(d) > (sel & 3)
                                                         : desc_dpl(d) != (sel & 3)))
        bad(t, EXC_TS, sel);
    if (!(attr & SEG_P))
        bad(t, EXC_NP, sel);
    x86_desc_accessed(c, sel, &d);
    x86_seg_set(c, S_CS, sel, d);
}

static void load_stack(struct task *t)
{
    struct x86_cpu *c = t->c;
    uint16_t sel = t->seg[S_SS];
    uint64_t d;

    if (sel_is_null(sel) || !x86_desc_read(c, sel, &d))
        bad(t, EXC_TS, sel);
    if ((sel & 3) != c->cpl || desc_dpl(d) != c->cpl || !attr_is_writable(desc_attr(d)))
        bad(t, EXC_TS, sel);
    if (!(desc_attr(d) & SEG_P))
        bad(t, EXC_SS, sel);
    x86_desc_accessed(c, sel, &d);
    x86_seg_set(c, S_SS, sel, d);
}

static void load_data(struct task *t, unsigned seg)
{
    struct x86_cpu *c = t->c;
    uint16_t sel = t->seg[seg];
    uint64_t d;
    unsigned attr;

    if (sel_is_null(sel))
        return;
    if (!x86_desc_read(c, sel, &d))
        bad(t, EXC_TS, sel);
    attr = desc_attr(d);
    if (!attr_is_readable(attr) || (!attr_is_conforming(attr) && (desc_dpl(d) < c->cpl ||
                                                                  desc_dpl(d) < (sel & 3))))
        bad(t, EXC_TS, sel);
    if (!(attr & SEG_P))
        bad(t, EXC_NP, sel);
    x86_desc_accessed(c, sel, &d);
    x86_seg_set(c, seg, sel, d);
}

static void push_error(struct task *t, uint32_t error)
{
    struct x86_cpu *c = t->c;
    struct x86_frame f;

    x86_frame_begin(&f, c, t->ext);
    x86_frame_push(&f, t->wide ? 4 : 2, error);
    x86_frame_commit(&f);
    x86_set_sp(c, f.sp);
}

void x86_task_enter(struct x86_cpu *c, uint16_t tss, enum x86_task_src src, uint64_t ret_ip,
                    uint32_t ext, bool has_error, uint32_t error)
{
    struct task t = { .c = c, .sel = tss, .src = src, .ext = ext };
    uint16_t old = c->seg[S_TR].sel;

    check_descriptor(&t);
    probe_all(&t);
    if (t.wide)
        read_tss32(&t);
    else
        read_tss16(&t);
    LOG(c->log, LOG_PCALL, "cpu %u: task switch %04x -> %04x, eip %x\n", c->apic_id, old, tss,
        t.eip);

    if (src == TASK_JMP || src == TASK_IRET)
        x86_desc_busy(c, old, false);
    save_old(&t, ret_ip);
    if (src == TASK_CALL || src == TASK_INT) {
        tss_put(c, t.base, 0, 2, old);
        t.eflags |= FL_NT;
    }
    if (src != TASK_IRET)
        x86_desc_busy(c, tss, true);
    switch_registers(&t);

    load_ldt(&t);
    if (!c->vm86) {
        load_code(&t);
        load_stack(&t);
        x86_update_mode(c);
        load_data(&t, S_ES);
        load_data(&t, S_DS);
        load_data(&t, S_FS);
        load_data(&t, S_GS);
    }
    if (has_error)
        push_error(&t, error);
    x86_check_ip(c, c->seg[S_CS].attr, c->seg[S_CS].limit, t.eip, ext);
    if (t.trap)
        c->db_pending |= DR6_BT;
}

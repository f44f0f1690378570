/* SPDX-License-Identifier: MIT */
/*
 * Far JMP, CALL and RET in all modes: code segments, 16-, 32- and 64-bit call gates with stack
 * switch, task gates and TSSs. Intel SDM vol. 2 (the operation sections of JMP, CALL, RET),
 * vol. 3 sections 5.8, 7.3.
 *
 * Error codes are selectors with RPL cleared; every check comes before the first commit.
 */
#include "target/x86/segment.h"

/* A call gate as read from its descriptor. */
struct call_gate {
    uint16_t cs;
    uint64_t off;
    uint8_t size; /* 2, 4, 8 */
    uint8_t params;
};

static uint64_t fetch(struct x86_cpu *c, uint16_t sel)
{
    uint64_t d;

    if (!x86_desc_read(c, sel, &d))
        x86_gp(c, sel & ~3);
    return d;
}

/* L and D both set is reserved in IA-32e mode. */
static void check_l_d(struct x86_cpu *c, uint16_t sel, unsigned attr)
{
    if (c->lma && (attr & (SEG_L | SEG_DB)) == (SEG_L | SEG_DB))
        x86_gp(c, sel & ~3);
}

static void set_cs(struct x86_cpu *c, uint16_t sel, uint64_t d)
{
    x86_seg_set(c, S_CS, (sel & ~3) | c->cpl, d);
    x86_update_mode(c);
}

/* The checks of a direct transfer to code segment sel at the same privilege. */
static void check_direct(struct x86_cpu *c, uint16_t sel, uint64_t *d, uint64_t off)
{
    unsigned attr = desc_attr(*d), err = sel & ~3;

    check_l_d(c, sel, attr);
    if (attr_is_conforming(attr) ? desc_dpl(*d) > c->cpl
                                 : (sel & 3) > c->cpl || desc_dpl(*d) != c->cpl)
        x86_gp(c, err);
    if (!(attr & SEG_P))
        x86_raise_err(c, EXC_NP, err);
    x86_check_ip(c, attr, desc_limit(*d), off, 0);
    x86_desc_accessed(c, sel, d);
}

static void check_gate_access(struct x86_cpu *c, uint16_t sel, uint64_t d)
{
    if (desc_dpl(d) < c->cpl || desc_dpl(d) < (sel & 3))
        x86_gp(c, sel & ~3);
    if (!(desc_attr(d) & SEG_P))
        x86_raise_err(c, EXC_NP, sel & ~3);
}

/* Read the call gate at sel, and the descriptor of the code segment it names. */
static struct call_gate read_call_gate(struct x86_cpu *c, uint16_t sel, uint64_t d, uint64_t *code)
{
    struct call_gate g = { .cs = d >> 16, .params = d >> 32 & 31 };
    uint64_t high;
    unsigned attr;

    check_gate_access(c, sel, d);
    g.off = (d & 0xffff) | (d >> 32 & 0xffff0000u);
    g.size = desc_type(d) == SYS_CALL16 ? 2 : 4;
    if (c->lma) {
        if (!x86_desc_read_high(c, sel, &high) || (high >> 40 & 0x1f))
            x86_gp(c, sel & ~3);
        g.off |= high << 32;
        g.size = 8;
        g.params = 0;
    }
    g.off &= x86_mask(g.size);
    if (sel_is_null(g.cs))
        x86_gp(c, 0);
    *code = fetch(c, g.cs);
    attr = desc_attr(*code);
    if (!attr_is_code(attr) || desc_dpl(*code) > c->cpl)
        x86_gp(c, g.cs & ~3);
    if (c->lma && (attr & (SEG_L | SEG_DB)) != SEG_L)
        x86_gp(c, g.cs & ~3);
    return g;
}

/* Task gate or TSS descriptor at sel, by JMP or CALL. */
static void far_task(struct x86_cpu *c, uint16_t sel, uint64_t d, enum x86_task_src src)
{
    check_gate_access(c, sel, d);
    if (desc_type(d) == SYS_TASK)
        sel = d >> 16;
    x86_task_enter(c, sel, src, c->next_rip, 0, false, 0);
}

static bool is_call_gate(const struct x86_cpu *c, uint64_t d)
{
    return desc_type(d) == SYS_CALL32 || (desc_type(d) == SYS_CALL16 && !c->lma);
}

static void check_task_kind(struct x86_cpu *c, uint16_t sel, uint64_t d)
{
    unsigned t = desc_type(d);

    if (c->lma || (t != SYS_TASK && t != SYS_TSS16 && t != SYS_TSS32))
        x86_gp(c, sel & ~3);
}

/* ---- JMP ----------------------------------------------------------------------------------- */

void x86_far_jump(struct x86_cpu *c, uint16_t sel, uint64_t off, unsigned opsize)
{
    struct call_gate g;
    uint64_t d;

    off &= x86_mask(opsize);
    if (x86_real_segs(c)) {
        x86_check_ip(c, 0, c->seg[S_CS].limit, off, 0);
        x86_seg_set_real(c, S_CS, sel);
        x86_update_mode(c);
        c->next_rip = off;
        return;
    }
    if (sel_is_null(sel))
        x86_gp(c, 0);
    d = fetch(c, sel);
    if (attr_is_code(desc_attr(d))) {
        check_direct(c, sel, &d, off);
        set_cs(c, sel, d);
        c->next_rip = off;
    } else if (desc_attr(d) & SEG_S) {
        x86_gp(c, sel & ~3);
    } else if (is_call_gate(c, d)) {
        uint64_t code;

        g = read_call_gate(c, sel, d, &code);
        if (!attr_is_conforming(desc_attr(code)) && desc_dpl(code) != c->cpl)
            x86_gp(c, g.cs & ~3);
        if (!(desc_attr(code) & SEG_P))
            x86_raise_err(c, EXC_NP, g.cs & ~3);
        x86_check_ip(c, desc_attr(code), desc_limit(code), g.off, 0);
        x86_desc_accessed(c, g.cs, &code);
        set_cs(c, g.cs, code);
        c->next_rip = g.off;
    } else {
        check_task_kind(c, sel, d);
        far_task(c, sel, d, TASK_JMP);
    }
}

/* ---- CALL ---------------------------------------------------------------------------------- */

static void push_return(struct x86_frame *f, unsigned size)
{
    x86_frame_push(f, size, f->c->seg[S_CS].sel);
    x86_frame_push(f, size, f->c->next_rip);
}

/* Through a gate to a more privileged segment: the parameters move to the inner stack. */
static void call_inner(struct x86_cpu *c, const struct call_gate *g, uint64_t code)
{
    unsigned cpl = desc_dpl(code);
    uint64_t ss_desc, old_sp = c->r[R_RSP];
    struct x86_frame f;
    uint16_t ss;

    x86_frame_begin_inner(&f, c, cpl, 0, &ss, &ss_desc);
    x86_frame_push(&f, g->size, c->seg[S_SS].sel);
    x86_frame_push(&f, g->size, old_sp);
    for (unsigned k = g->params; k-- > 0;)
        x86_frame_push(&f, g->size, x86_stack_peek(c, k * g->size, g->size));
    push_return(&f, g->size);
    x86_check_ip(c, desc_attr(code), desc_limit(code), g->off, 0);
    x86_desc_accessed(c, g->cs, &code);
    x86_frame_commit(&f);
    x86_frame_load_ss(c, cpl, ss, ss_desc);
    set_cs(c, g->cs, code);
    x86_set_sp(c, f.sp);
    c->next_rip = g->off;
}

static void call_same(struct x86_cpu *c, uint16_t sel, uint64_t code, uint64_t off, unsigned size)
{
    struct x86_frame f;

    x86_frame_begin(&f, c, 0);
    push_return(&f, size);
    x86_desc_accessed(c, sel, &code);
    x86_frame_commit(&f);
    x86_set_sp(c, f.sp);
    set_cs(c, sel, code);
    c->next_rip = off;
}

static void call_gate(struct x86_cpu *c, uint16_t sel, uint64_t d)
{
    uint64_t code;
    struct call_gate g = read_call_gate(c, sel, d, &code);

    if (!(desc_attr(code) & SEG_P))
        x86_raise_err(c, EXC_NP, g.cs & ~3);
    if (!attr_is_conforming(desc_attr(code)) && desc_dpl(code) < c->cpl) {
        call_inner(c, &g, code);
        return;
    }
    x86_check_ip(c, desc_attr(code), desc_limit(code), g.off, 0);
    call_same(c, g.cs, code, g.off, g.size);
}

static void call_real(struct x86_cpu *c, uint16_t sel, uint64_t off, unsigned opsize)
{
    struct x86_frame f;

    x86_frame_begin(&f, c, 0);
    push_return(&f, opsize);
    x86_check_ip(c, 0, c->seg[S_CS].limit, off, 0);
    x86_frame_commit(&f);
    x86_set_sp(c, f.sp);
    x86_seg_set_real(c, S_CS, sel);
    x86_update_mode(c);
    c->next_rip = off;
}

void x86_far_call(struct x86_cpu *c, uint16_t sel, uint64_t off, unsigned opsize)
{
    uint64_t d;

    off &= x86_mask(opsize);
    if (x86_real_segs(c)) {
        call_real(c, sel, off, opsize);
        return;
    }
    if (sel_is_null(sel))
        x86_gp(c, 0);
    d = fetch(c, sel);
    if (attr_is_code(desc_attr(d))) {
        check_direct(c, sel, &d, off);
        call_same(c, sel, d, off, opsize);
    } else if (desc_attr(d) & SEG_S) {
        x86_gp(c, sel & ~3);
    } else if (is_call_gate(c, d)) {
        call_gate(c, sel, d);
    } else {
        check_task_kind(c, sel, d);
        far_task(c, sel, d, TASK_CALL);
    }
}

/* ---- RET ----------------------------------------------------------------------------------- */

uint64_t x86_check_return_cs(struct x86_cpu *c, uint16_t cs)
{
    unsigned err = cs & ~3, rpl = cs & 3, attr;
    uint64_t d;

    if (sel_is_null(cs))
        x86_gp(c, 0);
    d = fetch(c, cs);
    attr = desc_attr(d);
    if (!attr_is_code(attr) || rpl < c->cpl)
        x86_gp(c, err);
    check_l_d(c, cs, attr);
    if (attr_is_conforming(attr) ? desc_dpl(d) > rpl : desc_dpl(d) != rpl)
        x86_gp(c, err);
    if (!(attr & SEG_P))
        x86_raise_err(c, EXC_NP, err);
    return d;
}

uint64_t x86_check_return_ss(struct x86_cpu *c, uint16_t ss, unsigned rpl, unsigned cs_attr,
                             bool *null)
{
    unsigned err = ss & ~3;
    uint64_t d;

    *null = false;
    if (sel_is_null(ss)) {
        if (!c->lma || !(cs_attr & SEG_L) || rpl == 3)
            x86_gp(c, 0);
        *null = true;
        return 0;
    }
    d = fetch(c, ss);
    if ((ss & 3u) != rpl || !attr_is_writable(desc_attr(d)) || desc_dpl(d) != rpl)
        x86_gp(c, err);
    if (!(desc_attr(d) & SEG_P))
        x86_raise_err(c, EXC_SS, err);
    x86_desc_accessed(c, ss, &d);
    return d;
}

void x86_drop_inner_segs(struct x86_cpu *c)
{
    static const uint8_t data[] = { S_ES, S_FS, S_GS, S_DS };

    for (unsigned k = 0; k < 4; k++) {
        struct x86_seg *s = &c->seg[data[k]];

        if (!(s->attr & SEG_UNUSABLE) && !attr_is_conforming(s->attr) &&
            (s->attr & SEG_DPL) >> 5 < c->cpl) {
            s->sel = 0;
            s->attr = SEG_UNUSABLE;
        }
    }
}

static void ret_real(struct x86_cpu *c, unsigned opsize, unsigned pop)
{
    uint64_t ip = x86_stack_peek(c, 0, opsize);
    uint16_t cs = x86_stack_peek(c, opsize, opsize);

    x86_check_ip(c, 0, c->seg[S_CS].limit, ip, 0);
    x86_stack_add(c, 2 * opsize + pop);
    x86_seg_set_real(c, S_CS, cs);
    x86_update_mode(c);
    c->next_rip = ip;
}

static void ret_outer(struct x86_cpu *c, unsigned opsize, unsigned pop, uint64_t ip, uint16_t cs,
                      uint64_t code)
{
    uint64_t sp = x86_stack_peek(c, 2 * opsize + pop, opsize), stack;
    uint16_t ss = x86_stack_peek(c, 3 * opsize + pop, opsize);
    unsigned rpl = cs & 3;
    bool null;

    stack = x86_check_return_ss(c, ss, rpl, desc_attr(code), &null);
    x86_check_ip(c, desc_attr(code), desc_limit(code), ip, 0);
    x86_desc_accessed(c, cs, &code);
    c->cpl = rpl;
    if (null)
        x86_seg_set_null(c, S_SS, ss);
    else
        x86_seg_set(c, S_SS, ss, stack);
    set_cs(c, cs, code);
    x86_set_sp(c, sp + pop);
    x86_drop_inner_segs(c);
    c->next_rip = ip;
}

void x86_far_ret(struct x86_cpu *c, unsigned opsize, unsigned pop)
{
    uint64_t ip, code;
    uint16_t cs;

    if (x86_real_segs(c)) {
        ret_real(c, opsize, pop);
        return;
    }
    ip = x86_stack_peek(c, 0, opsize);
    cs = x86_stack_peek(c, opsize, opsize);
    code = x86_check_return_cs(c, cs);
    if ((cs & 3) > c->cpl) {
        ret_outer(c, opsize, pop, ip, cs, code);
        return;
    }
    x86_check_ip(c, desc_attr(code), desc_limit(code), ip, 0);
    x86_desc_accessed(c, cs, &code);
    x86_stack_add(c, 2 * opsize + pop);
    set_cs(c, cs, code);
    c->next_rip = ip;
}

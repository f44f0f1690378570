/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and exceptions: real-mode vectors, 16- and 32-bit gates, 64-bit gates with IST,
 * task gates, virtual-8086 mode; double and triple faults. Intel SDM vol. 3 chapter 6, section
 * 17.2 (debug), 20.3; vol. 2, INT n.
 *
 * An error code that names a descriptor: 15..3 index, 2 TI, 1 IDT, 0 EXT (the cause lies
 * outside the program: hardware interrupt or an exception, not INT n, INT3, INTO).
 *
 * A second exception met while one is delivered (table 6-5):
 *
 *   first \ second   benign   contributory   page fault
 *   benign           second   second         second
 *   contributory     second   #DF            second
 *   page fault       second   #DF            #DF
 *   #DF              second   shutdown       shutdown
 */
#include <setjmp.h>

#include "target/x86/segment.h"
#include "util/log.h"

/* An event on its way through the IDT. */
struct event {
    uint8_t vector;
    bool soft;       /* INT n, INT3, INTO: gate DPL counts, EXT is 0 */
    bool has_error;
    uint32_t error;
    uint32_t ext;    /* 0 or 1 */
    uint64_t ret_ip;
    uint64_t flags;  /* image to push */
};

/* ---- Raising ------------------------------------------------------------------------------- */

static _Noreturn void unwind(struct x86_cpu *c)
{
    siglongjmp(*c->unwind, 1);
}

void x86_raise(struct x86_cpu *c, enum x86_vector v)
{
    c->exc.vector = v;
    c->exc.has_error = false;
    c->exc.error = 0;
    unwind(c);
}

void x86_raise_err(struct x86_cpu *c, enum x86_vector v, uint32_t err)
{
    c->exc.vector = v;
    c->exc.has_error = true;
    c->exc.error = err;
    unwind(c);
}

void x86_raise_pf(struct x86_cpu *c, uint64_t la, uint32_t err)
{
    c->exc.cr2 = la;
    x86_raise_err(c, EXC_PF, err);
}

/* ---- Real mode ----------------------------------------------------------------------------- */

static void deliver_real(struct x86_cpu *c, const struct event *e)
{
    struct x86_frame f;
    uint32_t entry;

    if (e->vector * 4u + 3 > c->idtr.limit)
        x86_gp(c, e->vector * 8 + 2 + e->ext);
    entry = x86_sys_read(c, (uint32_t)(c->idtr.base + e->vector * 4u), 4);
    x86_frame_begin(&f, c, e->ext);
    x86_frame_push(&f, 2, e->flags);
    x86_frame_push(&f, 2, c->seg[S_CS].sel);
    x86_frame_push(&f, 2, e->ret_ip);
    x86_check_ip(c, 0, c->seg[S_CS].limit, entry & 0xffff, e->ext);
    x86_frame_commit(&f);
    x86_set_sp(c, f.sp);
    x86_seg_set_real(c, S_CS, entry >> 16);
    x86_set_rflags(c, x86_rflags(c) & ~(uint64_t)(FL_TF | FL_IF | FL_AC | FL_RF));
    x86_update_mode(c);
    c->next_rip = entry & 0xffff;
}

/* ---- Protected and long mode --------------------------------------------------------------- */

static void deliver_task(struct x86_cpu *c, const struct event *e, uint64_t gate)
{
    c->eflags |= e->flags & FL_RF;
    x86_task_enter(c, gate >> 16, TASK_INT, e->ret_ip, e->ext, e->has_error, e->error);
}

/* Read and check the gate; *high is its second half in IA-32e mode. */
static uint64_t read_gate(struct x86_cpu *c, const struct event *e, uint64_t *high)
{
    unsigned size = c->lma ? 16 : 8, type;
    uint32_t err = e->vector * 8u + 2 + e->ext;
    uint64_t la, d;

    if (e->vector * size + size - 1 > c->idtr.limit)
        x86_gp(c, err);
    la = x86_sys_la(c, c->idtr.base + e->vector * size);
    d = x86_sys_read(c, la, 8);
    *high = c->lma ? x86_sys_read(c, la + 8, 8) : 0;
    type = d >> 40 & 0x1f;
    if (type != SYS_INT32 && type != SYS_TRAP32 &&
        (c->lma || (type != SYS_INT16 && type != SYS_TRAP16 && type != SYS_TASK)))
        x86_gp(c, err);
    if (e->soft && desc_dpl(d) < c->cpl)
        x86_gp(c, err);
    if (!(desc_attr(d) & SEG_P))
        x86_raise_err(c, EXC_NP, err);
    return d;
}

/* The code segment a gate names: checked up to its presence. */
static uint64_t read_gate_cs(struct x86_cpu *c, const struct event *e, uint16_t cs)
{
    uint32_t err = (cs & ~3u) | e->ext;
    uint64_t code;
    unsigned attr;

    if (sel_is_null(cs))
        x86_gp(c, e->ext);
    if (!x86_desc_read(c, cs, &code))
        x86_gp(c, err);
    attr = desc_attr(code);
    if (!attr_is_code(attr) || desc_dpl(code) > c->cpl)
        x86_gp(c, err);
    if (c->lma && (attr & (SEG_L | SEG_DB)) != SEG_L)
        x86_gp(c, err);
    if (!(attr & SEG_P))
        x86_raise_err(c, EXC_NP, err);
    if (c->vm86 && (attr_is_conforming(attr) || desc_dpl(code) != 0))
        x86_gp(c, err);
    return code;
}

/* Pushes 8-byte slots on the IST, RSPn or present stack, aligned to 16. */
static void frame_64(struct x86_cpu *c, const struct event *e, unsigned ist, unsigned cpl,
                     struct x86_frame *f)
{
    *f = (struct x86_frame){ .c = c, .sp_size = 8, .error = e->ext };
    f->system = cpl < c->cpl || (ist && cpl < 3);
    f->sp = ist || cpl < c->cpl ? x86_tss_rsp(c, cpl, ist, e->ext) : c->r[R_RSP];
    f->sp &= ~15ull;
    x86_frame_push(f, 8, c->seg[S_SS].sel);
    x86_frame_push(f, 8, c->r[R_RSP]);
}

static void push_tail(struct x86_frame *f, const struct event *e, unsigned size)
{
    x86_frame_push(f, size, e->flags);
    x86_frame_push(f, size, f->c->seg[S_CS].sel);
    x86_frame_push(f, size, e->ret_ip);
    if (e->has_error)
        x86_frame_push(f, size, e->error);
}

static void deliver_gate(struct x86_cpu *c, const struct event *e, uint64_t gate, uint64_t high)
{
    static const uint8_t v86_data[] = { S_GS, S_FS, S_DS, S_ES };
    uint16_t cs = gate >> 16, ss = 0;
    uint64_t ip = (gate & 0xffff) | (gate >> 32 & 0xffff0000u) | (c->lma ? high << 32 : 0);
    uint64_t code = read_gate_cs(c, e, cs), ss_desc = 0;
    unsigned type = desc_type(gate), size = c->lma ? 8 : type & 8 ? 4 : 2, cpl = c->cpl;
    bool inner, from_v86 = c->vm86;
    struct x86_frame f;

    if (size == 2)
        ip &= 0xffff;
    if (!attr_is_conforming(desc_attr(code)))
        cpl = desc_dpl(code);
    inner = cpl < c->cpl;
    if (c->lma) {
        frame_64(c, e, gate >> 32 & 7, cpl, &f);
    } else if (inner) {
        x86_frame_begin_inner(&f, c, cpl, e->ext, &ss, &ss_desc);
        for (unsigned k = 0; from_v86 && k < 4; k++)
            x86_frame_push(&f, size, c->seg[v86_data[k]].sel);
        x86_frame_push(&f, size, c->seg[S_SS].sel);
        x86_frame_push(&f, size, c->r[R_RSP]);
    } else {
        x86_frame_begin(&f, c, e->ext);
    }
    push_tail(&f, e, size);
    x86_check_ip(c, desc_attr(code), desc_limit(code), ip, e->ext);
    x86_desc_accessed(c, cs, &code);
    x86_frame_commit(&f);

    if (inner)
        x86_frame_load_ss(c, cpl, ss, ss_desc);
    x86_seg_set(c, S_CS, (cs & ~3) | cpl, code);
    x86_set_rflags(c, x86_rflags(c) & ~(uint64_t)(FL_TF | FL_NT | FL_VM | FL_RF |
                                                  (type & 1 ? 0 : FL_IF)));
    x86_update_mode(c);
    for (unsigned k = 0; from_v86 && k < 4; k++)
        x86_seg_set_null(c, v86_data[k], 0);
    x86_set_sp(c, f.sp);
    c->next_rip = ip;
}

/* ---- Entry --------------------------------------------------------------------------------- */

/* Exceptions reported at the instruction that caused them, to be restarted: RF is set in the
 * pushed flags so that its breakpoint does not fire again (section 17.3.1.1). */
static bool is_fault(uint8_t vector)
{
    return vector != EXC_DB && vector != EXC_NMI && vector != EXC_BP && vector != EXC_OF &&
           vector != EXC_DF && vector != EXC_MC;
}

void x86_interrupt(struct x86_cpu *c, uint8_t vector, enum x86_int_kind kind, bool has_error,
                   uint32_t error)
{
    struct event e = { .vector = vector, .has_error = has_error, .error = error };
    uint64_t gate, high;

    e.soft = kind == INT_SOFT || kind == INT_SOFT3;
    e.ext = !e.soft;
    e.ret_ip = kind == INT_EXC || kind == INT_HW ? c->rip : c->next_rip;
    e.flags = x86_rflags(c) | (kind == INT_EXC && is_fault(vector) ? FL_RF : 0);
    LOG(c->log, LOG_INT, "cpu %u: int %02x kind %d error %s%x at %04x:%llx cpl %u\n", c->apic_id,
        vector, kind, has_error ? "" : "-", error, c->seg[S_CS].sel, (unsigned long long)c->rip,
        c->cpl);

    if (vector == EXC_DB) {
        c->dr[7] &= ~(uint64_t)DR7_GD;
        c->msr.debugctl &= ~(uint64_t)DEBUGCTL_BTF;
    }
    if (!c->pe) {
        deliver_real(c, &e);
    } else {
        if (c->vm86 && kind == INT_SOFT && (c->eflags & FL_IOPL) != FL_IOPL)
            x86_gp(c, 0);
        gate = read_gate(c, &e, &high);
        if (desc_type(gate) == SYS_TASK)
            deliver_task(c, &e, gate);
        else
            deliver_gate(c, &e, gate, high);
    }
    c->inhibit_irq = c->inhibit_movss = false;
    c->step_dropped = true;
}

enum exc_class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum exc_class classify(uint8_t vector)
{
    switch (vector) {
    case EXC_DE:
    case EXC_TS:
    case EXC_NP:
    case EXC_SS:
    case EXC_GP:
        return CONTRIBUTORY;
    case EXC_PF:
        return PAGE_FAULT;
    case EXC_DF:
        return DOUBLE_FAULT;
    default:
        return BENIGN;
    }
}

/* c->exc was raised while something of class `first` was being delivered: turn it into what
 * has to be delivered now. False: shutdown. */
static bool combine(struct x86_cpu *c, enum exc_class first)
{
    enum exc_class second = classify(c->exc.vector);

    if (c->exc.vector == EXC_PF)
        c->cr2 = c->exc.cr2;
    if (first == DOUBLE_FAULT && second != BENIGN) {
        LOG(c->log, LOG_INT | LOG_CPU_RESET, "cpu %u: triple fault at %04x:%llx\n", c->apic_id,
            c->seg[S_CS].sel, (unsigned long long)c->rip);
        return false;
    }
    if ((first == CONTRIBUTORY && second == CONTRIBUTORY) ||
        (first == PAGE_FAULT && (second == CONTRIBUTORY || second == PAGE_FAULT))) {
        c->exc.vector = EXC_DF;
        c->exc.has_error = true;
        c->exc.error = 0;
    }
    return true;
}

/* Deliver c->exc, met during an event of class `first`, until a handler is reached. */
static bool deliver_chain(struct x86_cpu *c, enum exc_class first)
{
    sigjmp_buf *outer = c->unwind, here;
    volatile enum exc_class cls = first;

    c->unwind = &here;
    (void)sigsetjmp(here, 0); /* returns again for each further exception, in c->exc */
    if (!combine(c, cls)) {
        c->unwind = outer;
        return false;
    }
    cls = classify(c->exc.vector);
    x86_interrupt(c, c->exc.vector, INT_EXC, c->exc.has_error && c->pe, c->exc.error);
    c->rip = c->next_rip;
    c->unwind = outer;
    return true;
}

bool x86_deliver_exception(struct x86_cpu *c)
{
    return deliver_chain(c, BENIGN);
}

bool x86_deliver_interrupt(struct x86_cpu *c, uint8_t vector, enum x86_int_kind kind)
{
    sigjmp_buf *outer = c->unwind, here;

    c->unwind = &here;
    if (sigsetjmp(here, 0)) {
        c->unwind = outer;
        return deliver_chain(c, BENIGN);
    }
    x86_interrupt(c, vector, kind, false, 0);
    c->rip = c->next_rip;
    if (vector == EXC_NMI && kind == INT_HW)
        c->nmi_masked = true;
    c->unwind = outer;
    return true;
}

bool x86_deliver_debug(struct x86_cpu *c, uint64_t dr6_bits)
{
    c->dr[6] = (c->dr[6] & ~15ull) | dr6_bits;
    c->db_pending = 0;
    return x86_deliver_interrupt(c, EXC_DB, INT_HW);
}

bool x86_deliver_event(struct x86_cpu *c)
{
    enum x86_event event = c->event;
    uint8_t vector = c->event_vector;

    c->exc.vector = vector;
    c->exc.has_error = c->event_has_error;
    c->exc.error = c->event_error;
    c->exc.cr2 = c->cr2;
    c->event = EVENT_NONE;
    c->event_vector = 0;
    c->event_has_error = false;
    c->event_error = 0;
    if (event == EVENT_EXC)
        return x86_deliver_exception(c);
    return x86_deliver_interrupt(c, event == EVENT_NMI ? EXC_NMI : vector, INT_HW);
}

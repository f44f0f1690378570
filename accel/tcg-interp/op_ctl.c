/* SPDX-License-Identifier: MIT */
/*
 * Control transfer, the stack, and segment register loads. The checks of far transfers and
 * interrupts are in target/x86 (segment.c, except.c). Intel SDM vol. 2.
 */
#include "accel/tcg-interp/ops.h"

/* ---- Near branches --------------------------------------------------------------------- */

static void jump_rel(struct x86_cpu *c, const struct x86_insn *i)
{
    x86_jump(c, c->next_rip + i->imm, i->opsize);
}

OP(jcc)
{
    if (x86_cond(c, i->opcode & 15))
        jump_rel(c, i);
}

OP(jmp)
{
    if (i->op[0].kind == OPND_REL)
        jump_rel(c, i);
    else
        x86_jump(c, x86_get(c, i, 0), i->opsize);
}

OP(call)
{
    uint64_t ret = c->next_rip;

    op_jmp(c, i);
    x86_push(c, i->opsize, ret);
}

OP(ret)
{
    x86_jump(c, x86_stack_peek(c, 0, i->opsize), i->opsize);
    x86_stack_add(c, i->opsize + (i->nopnd ? (uint16_t)i->imm : 0));
}

static uint64_t count_get(const struct x86_cpu *c, const struct x86_insn *i)
{
    return c->r[R_RCX] & x86_mask(i->addrsize);
}

static void count_put(struct x86_cpu *c, const struct x86_insn *i, uint64_t v)
{
    if (i->addrsize == 2)
        v = (c->r[R_RCX] & ~0xffffull) | (v & 0xffff);
    c->r[R_RCX] = i->addrsize == 4 ? (uint32_t)v : v;
}

OP(jcxz)
{
    if (!count_get(c, i))
        jump_rel(c, i);
}

static void loop_if(struct x86_cpu *c, const struct x86_insn *i, bool cond)
{
    uint64_t n = (count_get(c, i) - 1) & x86_mask(i->addrsize);

    if (n && cond)
        jump_rel(c, i);
    count_put(c, i, n);
}

OP(loop)
{
    loop_if(c, i, true);
}

OP(loope)
{
    loop_if(c, i, x86_cond(c, 4));
}

OP(loopne)
{
    loop_if(c, i, x86_cond(c, 5));
}

/* ---- Far transfers and interrupts --------------------------------------------------------- */

/* m16:16, m16:32, m16:64 */
static void far_pointer(struct x86_cpu *c, const struct x86_insn *i, unsigned n, uint16_t *sel,
                        uint64_t *off)
{
    if (i->op[n].kind == OPND_FAR) {
        *sel = i->imm2;
        *off = (uint64_t)i->imm & x86_mask(i->opsize);
    } else {
        uint64_t la = x86_seg_lin(c, i->seg, x86_ea(c, i), i->opsize + 2, ACC_READ, 0);

        *off = x86_lin_read(c, la, i->opsize);
        *sel = x86_lin_read(c, la + i->opsize, 2);
    }
}

OP(jmp_far)
{
    uint16_t sel;
    uint64_t off;

    far_pointer(c, i, 0, &sel, &off);
    x86_far_jump(c, sel, off, i->opsize);
}

OP(call_far)
{
    uint16_t sel;
    uint64_t off;

    far_pointer(c, i, 0, &sel, &off);
    x86_far_call(c, sel, off, i->opsize);
}

OP(ret_far)
{
    x86_far_ret(c, i->opsize, i->nopnd ? (uint16_t)i->imm : 0);
}

OP(iret)
{
    x86_iret(c, i->opsize);
}

OP(int)
{
    x86_interrupt(c, (uint8_t)i->imm, INT_SOFT, false, 0);
}

OP(int3)
{
    x86_interrupt(c, EXC_BP, INT_SOFT3, false, 0);
}

OP(into)
{
    if (x86_overflow(c->f_res, c->f_src, c->f_cc))
        x86_interrupt(c, EXC_OF, INT_SOFT3, false, 0);
}

/* What MOV SS has held back merges into this #DB (SDM vol. 3 section 6.8.3): one comes, not two. */
OP(int1)
{
    c->db_pending = 0;
    x86_interrupt(c, EXC_DB, INT_ICEBP, false, 0);
}

/* ---- Stack ------------------------------------------------------------------------------- */

static uint64_t sp_add(const struct x86_cpu *c, uint64_t sp, int64_t n)
{
    return (sp + n) & x86_mask(c->stack_size);
}

/* Write a stack pointer or frame pointer with the stack's size: 16 bits keep the rest. */
static void sp_put(struct x86_cpu *c, unsigned reg, uint64_t v)
{
    if (c->stack_size == 2)
        c->r[reg] = (c->r[reg] & ~0xffffull) | (v & 0xffff);
    else
        c->r[reg] = v & x86_mask(c->stack_size);
}

static uint64_t stack_lin(struct x86_cpu *c, uint64_t off, unsigned size, enum x86_access acc)
{
    return x86_seg_lin(c, S_SS, off & x86_mask(c->stack_size), size, acc, size);
}

static void gpr_put(struct x86_cpu *c, unsigned reg, unsigned size, uint64_t v)
{
    if (size == 2)
        v = (c->r[reg] & ~0xffffull) | (v & 0xffff);
    c->r[reg] = size == 4 ? (uint32_t)v : v;
}

OP(push)
{
    x86_push(c, i->opsize, x86_get(c, i, 0) & x86_mask(i->opsize));
}

OP(pop)
{
    uint64_t v = x86_stack_peek(c, 0, i->opsize);

    if (i->op[0].kind == OPND_MEM) {
        uint64_t ea = x86_ea(c, i);

        if (i->base == R_RSP) /* the address is computed after the increment */
            ea = (ea + i->opsize) & x86_mask(i->addrsize);
        x86_lin_write(c, x86_seg_lin(c, i->seg, ea, i->opsize, ACC_WRITE, i->opsize), i->opsize,
                      v);
        x86_stack_add(c, i->opsize);
    } else {
        x86_stack_add(c, i->opsize);
        x86_put(c, i, 0, v);
    }
}

OP(pusha)
{
    unsigned size = i->opsize;
    uint64_t sp = c->r[R_RSP];

    for (int n = 0; n < 8; n++) {
        sp = sp_add(c, sp, -(int)size);
        x86_lin_write(c, stack_lin(c, sp, size, ACC_WRITE), size, c->r[n] & x86_mask(size));
    }
    sp_put(c, R_RSP, sp);
}

OP(popa)
{
    unsigned size = i->opsize;
    uint64_t v[8];

    for (int n = 0; n < 8; n++)
        v[n] = x86_stack_peek(c, n * size, size);
    for (int n = 0; n < 8; n++) {
        if (7 - n != R_RSP)
            gpr_put(c, 7 - n, size, v[n]);
    }
    x86_stack_add(c, 8 * size);
}

OP(pushf)
{
    if (c->vm86 && (c->eflags & FL_IOPL) != FL_IOPL)
        x86_gp(c, 0);
    x86_push(c, i->opsize, x86_rflags(c) & ~(uint64_t)(FL_VM | FL_RF) & x86_mask(i->opsize));
}

/* SDM vol. 2, POPF, table 4-15: what may change at which privilege. */
OP(popf)
{
    uint64_t change = FL_ARITH | FL_TF | FL_DF | FL_NT | FL_AC | FL_ID, v, old;
    unsigned iopl = (c->eflags & FL_IOPL) >> 12;

    if (c->vm86 && iopl != 3)
        x86_gp(c, 0);
    if (c->cpl <= iopl)
        change |= FL_IF;
    if (c->cpl == 0)
        change |= FL_IOPL;
    change &= x86_mask(i->opsize);
    v = x86_pop(c, i->opsize);
    old = x86_rflags(c) & ~(uint64_t)FL_RF;
    x86_set_rflags(c, (old & ~change) | (v & change));
}

OP(enter)
{
    unsigned size = i->opsize, level = i->imm2 & 31;
    uint64_t sp = sp_add(c, c->r[R_RSP], -(int)size), bp = c->r[R_RBP], frame = sp;

    x86_lin_write(c, stack_lin(c, sp, size, ACC_WRITE), size, bp & x86_mask(size));
    for (unsigned n = 1; n < level; n++) {
        uint64_t v;

        bp = sp_add(c, bp, -(int)size);
        v = x86_lin_read(c, stack_lin(c, bp, size, ACC_READ), size);
        sp = sp_add(c, sp, -(int)size);
        x86_lin_write(c, stack_lin(c, sp, size, ACC_WRITE), size, v);
    }
    if (level) {
        sp = sp_add(c, sp, -(int)size);
        x86_lin_write(c, stack_lin(c, sp, size, ACC_WRITE), size, frame & x86_mask(size));
    }
    sp = sp_add(c, sp, -(int64_t)(uint16_t)i->imm);
    x86_lin_probe(c, stack_lin(c, sp, size, ACC_WRITE), size, ACC_WRITE);
    sp_put(c, R_RSP, sp);
    gpr_put(c, R_RBP, size, frame);
}

OP(leave)
{
    uint64_t bp = c->r[R_RBP];
    uint64_t v = x86_lin_read(c, stack_lin(c, bp, i->opsize, ACC_READ), i->opsize);

    sp_put(c, R_RSP, sp_add(c, bp, i->opsize));
    gpr_put(c, R_RBP, i->opsize, v);
}

/* ---- Segment registers --------------------------------------------------------------------- */

/* MOV SS and POP SS hold interrupts and debug traps off for one instruction. */
static void sreg_load(struct x86_cpu *c, unsigned seg, uint16_t sel)
{
    if (seg == S_CS)
        x86_ud(c);
    x86_load_seg(c, seg, sel);
    if (seg == S_SS)
        c->inhibit_movss = true;
}

OP(push_sreg)
{
    x86_push(c, i->opsize, c->seg[i->op[0].reg].sel);
}

OP(pop_sreg)
{
    uint16_t sel = x86_stack_peek(c, 0, i->opsize);
    uint64_t old = c->r[R_RSP], after;

    x86_stack_add(c, i->opsize); /* with the size of the old stack segment */
    after = c->r[R_RSP];
    c->r[R_RSP] = old;
    sreg_load(c, i->op[0].reg, sel);
    c->r[R_RSP] = after;
}

OP(mov_from_sreg)
{
    x86_put(c, i, 0, c->seg[i->op[1].reg].sel);
}

OP(mov_to_sreg)
{
    if (i->op[0].reg == S_CS)
        x86_ud(c);
    sreg_load(c, i->op[0].reg, x86_get(c, i, 1));
}

OP(lxs)
{
    unsigned seg;
    uint16_t sel;
    uint64_t off;

    switch (i->opcode) {
    case 0xc4:
        seg = S_ES;
        break;
    case 0xc5:
        seg = S_DS;
        break;
    case 0xb2:
        seg = S_SS;
        break;
    case 0xb4:
        seg = S_FS;
        break;
    default: /* b5 */
        seg = S_GS;
        break;
    }
    far_pointer(c, i, 1, &sel, &off);
    x86_load_seg(c, seg, sel);
    x86_put(c, i, 0, off);
}

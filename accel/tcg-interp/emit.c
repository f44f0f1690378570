/* SPDX-License-Identifier: MIT */
/*
 * From a decoded instruction to ops: a fast handler if there is one for this form, else the
 * generic operation.
 */
#include <string.h>

#include "accel/tcg-interp/fast_vec.h"

struct x86_op *emit_op(struct emit *e, x86_handler *h)
{
    struct x86_op *o = e->op++;

    *o = (struct x86_op){.fn = handler_offset(h)};
    return o;
}

/* imm will be len | left << 8, left counting this instruction and those after it. */
static void fix_later(struct emit *e, struct x86_op *o, unsigned len)
{
    o->imm = len;
    e->fix[e->n_fix].op = o;
    e->fix[e->n_fix++].index = e->index;
}

void emit_end(struct emit *e, unsigned n_insn)
{
    for (unsigned n = 0; n < e->n_fix; n++)
        e->fix[n].op->imm |= (n_insn - e->fix[n].index) << 8;
}

struct x86_op *emit_edge(struct emit *e, const struct x86_insn *i, x86_handler *h, int64_t target)
{
    struct x86_op *o = emit_op(e, h);
    struct edge *edge = (struct edge *)e->op++;

    *edge = (struct edge){.n = UNLINKED};
    o->disp = target;
    o->d = target < 0 || target >= PAGE_SIZE;
    fix_later(e, o, i->len);
    return o;
}

static void emit_generic(struct emit *e, const struct x86_insn *i)
{
    uint32_t attr = x86_rows[i->row].attr;
    bool guard = attr & (ROW_FPU | ROW_MMX | ROW_SSE);
    struct gen_ext ext = {.exec = e->t->loan ? loan_exec(i->row) : exec_table[i->row],
                          .attr = attr};
    struct x86_op *o;

    if ((attr & (ROW_FPU | ROW_MMX | ROW_SSE)) == ROW_SSE && (e->mode & M_SSE_OK))
        guard = false;
    if (attr & (ROW_END | ROW_IO))
        o = emit_op(e, h_gen_end);
    else if (attr & ROW_BRANCH)
        o = emit_op(e, h_gen_branch);
    else if (attr & ROW_REP)
        o = emit_op(e, h_gen_rep);
    else
        o = emit_op(e, guard ? h_gen_guard : h_gen);
    o->d = guard;
    o->disp = e->pgoff;
    fix_later(e, o, i->len);
    memcpy(o + 1, &ext, sizeof(ext));
    memcpy(o + 2, i, sizeof(*i));
    e->op = o + GEN_SLOTS;
    e->ends = attr & (ROW_END | ROW_IO | ROW_BRANCH);
}

void emit_raise(struct emit *e, uint8_t len, enum x86_vector v)
{
    struct x86_op *o = emit_op(e, h_gen_raise);

    o->d = v;
    o->disp = e->pgoff;
    fix_later(e, o, len);
    e->ends = true;
}

/* Which function knows the fast forms of an operation. */
static const struct {
    x86_exec_fn *op;
    fast_emit_fn *emit;
} fast_ops[] = {
    {op_add, fast_alu},     {op_or, fast_alu},      {op_adc, fast_alu},    {op_sbb, fast_alu},
    {op_and, fast_alu},     {op_sub, fast_alu},     {op_xor, fast_alu},    {op_cmp, fast_alu},
    {op_test, fast_alu},    {op_inc, fast_incdec},  {op_dec, fast_incdec}, {op_not, fast_notneg},
    {op_neg, fast_notneg},  {op_mov, fast_mov},     {op_movzx, fast_movx}, {op_movsx, fast_movx},
    {op_movsxd, fast_movx}, {op_lea, fast_lea},     {op_push, fast_push},  {op_pop, fast_pop},
    {op_call, fast_call},   {op_jmp, fast_jmp},     {op_ret, fast_ret},    {op_jcc, fast_jcc},
    {op_shl, fast_shift},   {op_shr, fast_shift},   {op_sar, fast_shift},  {op_rol, fast_shift},
    {op_ror, fast_shift},   {op_imul, fast_imul},   {op_mul, fast_muldiv}, {op_div, fast_muldiv},
    {op_idiv, fast_muldiv}, {op_cmovcc, fast_cmov}, {op_setcc, fast_setcc}, {op_xchg, fast_xchg},
    {op_cbw, fast_cbw},     {op_cwd, fast_cwd},     {op_bt, fast_bit},     {op_bts, fast_bit},
    {op_btr, fast_bit},     {op_btc, fast_bit},     {op_bsf, fast_bscan},  {op_bsr, fast_bscan},
    {op_nop, fast_nop},     {op_leave, fast_leave}, {op_bswap, fast_bswap},
};

void emit_init(struct tcg_vm *vm)
{
    vm->fast = g_new0(fast_emit_fn *, x86_row_count);
    for (unsigned row = 0; row < x86_row_count; row++) {
        vm->fast[row] = fast_vmov_for(exec_table[row]);
        if (!vm->fast[row])
            vm->fast[row] = fast_vec_for(exec_table[row]);
        for (unsigned n = 0; n < G_N_ELEMENTS(fast_ops); n++)
            if (exec_table[row] == fast_ops[n].op)
                vm->fast[row] = fast_ops[n].emit;
    }
}

void emit_insn(struct emit *e, const struct x86_insn *i)
{
    fast_emit_fn *fast = e->t->vm->fast[i->row];
    struct x86_op *from = e->op;

    e->last = e->fuse;
    e->fuse.op = NULL;
    if (!fast || e->generic || (e->mode & M_ALIGN) || !fast(e, i)) {
        e->op = from; /* it may have emitted an address */
        emit_generic(e, i);
    }
}

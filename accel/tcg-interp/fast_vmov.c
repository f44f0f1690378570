/* SPDX-License-Identifier: MIT */
/*
 * Fast handlers: moves between XMM registers, memory and general registers.
 */
#include "accel/tcg-interp/fast_vec.h"

bool emit_vec(struct emit *e, const struct x86_insn *i, const struct fast_vec_row *row)
{
    struct fast_addr a = {0};
    x86_handler *h = row->rr;
    struct x86_op *o;

    if (!(e->mode & M_SSE_OK) || (row->fp && !(e->mode & M_SSE_MASKED)))
        return false;
    if (i->op[0].kind == OPND_MM || i->op[1].kind == OPND_MM || i->op[1].kind == OPND_IMM)
        return false;
    if (is_mem(i, 0) || is_mem(i, 1)) {
        if (!emit_addr(e, i, &a))
            return false;
        h = (is_mem(i, 0) ? row->st : row->ld)[a.indexed];
    }
    if (!h)
        return false;
    o = emit_op(e, h);
    op_addr(o, &a);
    if (!is_mem(i, 0))
        o->d = i->op[0].reg;
    if (!is_mem(i, 1))
        o->s = i->op[1].reg;
    return true;
}

/* ---- Whole registers -------------------------------------------------------------------- */

static HANDLER(h_vmov_rr)
{
    XMM(o->d) = XMM(o->s);
    NEXT(1);
}

#define LOAD16(name, CHECK)                                                                        \
    WITH_MEM(name, CHECK(la); HOST_R(p, la, 16); XMM(o->d) = *(const vecu *)p; NEXT(1);)
#define STORE16(name, CHECK)                                                                       \
    WITH_MEM(name, CHECK(la); HOST_W(p, la, 16); *(vecu *)p = XMM(o->s); NEXT(1);)
LOAD16(vld16, ANY)
LOAD16(vlda16, ALIGNED)
STORE16(vst16, ANY)
STORE16(vsta16, ALIGNED)

/* ---- Parts ------------------------------------------------------------------------------ */

/* Loads clear the rest of the register. */
WITH_MEM(vld4, HOST_R(p, la, 4); XMM(o->d) = (vec){LD(32, p), 0}; NEXT(1);)
WITH_MEM(vld8, HOST_R(p, la, 8); XMM(o->d) = (vec){(int64_t)LD(64, p), 0}; NEXT(1);)
WITH_MEM(vst4, HOST_W(p, la, 4); ST(32, p, c->xmm[o->s].d[0]); NEXT(1);)
WITH_MEM(vst8, HOST_W(p, la, 8); ST(64, p, XLO(o->s)); NEXT(1);)
WITH_MEM(vldlo, HOST_R(p, la, 8); XLO(o->d) = LD(64, p); NEXT(1);)
WITH_MEM(vldhi, HOST_R(p, la, 8); XHI(o->d) = LD(64, p); NEXT(1);)
WITH_MEM(vsthi, HOST_W(p, la, 8); ST(64, p, XHI(o->s)); NEXT(1);)
WITH_MEM(vlddup, HOST_R(p, la, 8); XLO(o->d) = XHI(o->d) = LD(64, p); NEXT(1);)

static HANDLER(h_vmov4_rr)
{
    c->xmm[o->d].d[0] = c->xmm[o->s].d[0];
    NEXT(1);
}

static HANDLER(h_vmov8_rr)
{
    XLO(o->d) = XLO(o->s);
    NEXT(1);
}

static HANDLER(h_vmovq_rr)
{
    XMM(o->d) = (vec){(int64_t)XLO(o->s), 0};
    NEXT(1);
}

static HANDLER(h_vmovhl_rr)
{
    XLO(o->d) = XHI(o->s);
    NEXT(1);
}

static HANDLER(h_vmovlh_rr)
{
    XHI(o->d) = XLO(o->s);
    NEXT(1);
}

static HANDLER(h_vdup_rr)
{
    XLO(o->d) = XHI(o->d) = XLO(o->s);
    NEXT(1);
}

static const struct fast_vec_row moves[] = {
    {op_movaps, false, h_vmov_rr, LD2(vlda16), LD2(vsta16)},
    {op_movapd, false, h_vmov_rr, LD2(vlda16), LD2(vsta16)},
    {op_movdqa, false, h_vmov_rr, LD2(vlda16), LD2(vsta16)},
    {op_movups, false, h_vmov_rr, LD2(vld16), LD2(vst16)},
    {op_movupd, false, h_vmov_rr, LD2(vld16), LD2(vst16)},
    {op_movdqu, false, h_vmov_rr, LD2(vld16), LD2(vst16)},
    {op_lddqu, false, NULL, LD2(vld16), {NULL}},
    {op_movntps, false, NULL, {NULL}, LD2(vsta16)},
    {op_movntpd, false, NULL, {NULL}, LD2(vsta16)},
    {op_movntdq, false, NULL, {NULL}, LD2(vsta16)},
    {op_movss, false, h_vmov4_rr, LD2(vld4), LD2(vst4)},
    {op_movsd, false, h_vmov8_rr, LD2(vld8), LD2(vst8)},
    {op_movlps, false, NULL, LD2(vldlo), LD2(vst8)},
    {op_movlpd, false, NULL, LD2(vldlo), LD2(vst8)},
    {op_movhps, false, NULL, LD2(vldhi), LD2(vsthi)},
    {op_movhpd, false, NULL, LD2(vldhi), LD2(vsthi)},
    {op_movhlps, false, h_vmovhl_rr, {NULL}, {NULL}},
    {op_movlhps, false, h_vmovlh_rr, {NULL}, {NULL}},
    {op_movddup, false, h_vdup_rr, LD2(vlddup), {NULL}},
};

static const struct fast_vec_row *find(x86_exec_fn *op)
{
    for (unsigned n = 0; n < G_N_ELEMENTS(moves); n++)
        if (moves[n].op == op)
            return &moves[n];
    return NULL;
}

static bool fast_vmov(struct emit *e, const struct x86_insn *i)
{
    return emit_vec(e, i, find(exec_table[i->row]));
}

/* ---- MOVD, MOVQ: also from and to general registers -------------------------------------- */

static HANDLER(h_vmovd_xr)
{
    XMM(o->d) = (vec){(uint32_t)SLOT(o->s), 0};
    NEXT(1);
}

static HANDLER(h_vmovq_xr)
{
    XMM(o->d) = (vec){(int64_t)SLOT(o->s), 0};
    NEXT(1);
}

static HANDLER(h_vmovd_rx)
{
    SLOT(o->d) = c->xmm[o->s].d[0];
    NEXT(1);
}

static HANDLER(h_vmovq_rx)
{
    SLOT(o->d) = XLO(o->s);
    NEXT(1);
}

static bool fast_movd(struct emit *e, const struct x86_insn *i)
{
    static const struct fast_vec_row rows[2][3] = {
        {{op_movd, false, NULL, LD2(vld4), LD2(vst4)},
         {op_movd, false, h_vmovd_xr, {NULL}, {NULL}},
         {op_movd, false, h_vmovd_rx, {NULL}, {NULL}}},
        {{op_movq, false, h_vmovq_rr, LD2(vld8), LD2(vst8)},
         {op_movq, false, h_vmovq_xr, {NULL}, {NULL}},
         {op_movq, false, h_vmovq_rx, {NULL}, {NULL}}},
    };

    return emit_vec(e, i, &rows[exec_table[i->row] == op_movq][is_reg(i, 1)   ? 1
                                                               : is_reg(i, 0) ? 2
                                                                              : 0]);
}

fast_emit_fn *fast_vmov_for(x86_exec_fn *op)
{
    if (op == op_movd || op == op_movq)
        return fast_movd;
    return find(op) ? fast_vmov : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * Handlers that are not about one instruction: generic operations, ends of blocks, lookups,
 * the slow path of all others, and the way in.
 *
 *     generic op | fn | d = row needs a guard | disp = page offset | imm = len | left << 8 |
 */
#include <string.h>

#include "accel/tcg-interp/fast.h"

/* ---- Lookups ---------------------------------------------------------------------------- */

/* Whether others may remember where this block is: it needs no check on the way in. */
static bool linkable(const struct block *b)
{
    return !b->host2 && (b->mode & M_FLAT_CS) && !(b->mode & M_ONE) && !b->dead;
}

const struct x86_op *tcg_entry(struct tcg_cpu *t)
{
    struct x86_cpu *c = &t->x;
    struct block *b;
    struct jc_ent *j = &t->jc[jc_index(c->rip)];

    if (j->ip == c->rip && j->tag == t->jc_tag[c->rip >> 63] && !block_of(j->to)->dead) {
        if (t->bud < j->n)
            return NULL;
        t->bud -= j->n;
        c->page_rip = c->rip & PAGE_MASK;
        return j->to;
    }
    b = block_lookup(t);
    if (!b || t->bud < b->n_insn)
        return NULL;
    t->bud -= b->n_insn;
    if (linkable(b))
        *j = (struct jc_ent){
            .ip = c->rip, .tag = t->jc_tag[c->rip >> 63], .to = b->op, .n = b->n_insn};
    return b->op;
}

static const struct x86_op *enter_at_rip(struct tcg_cpu *t)
{
    return t->leave ? NULL : tcg_entry(t);
}

HANDLER(h_cold_lookup)
{
    SPILL();
    o = enter_at_rip(tcg_of(c));
    RELOAD();
    if (!o)
        LEAVE;
    GO(o);
}

HANDLER(h_cold_next)
{
    c->rip = tcg_ip(c, (int64_t)o->disp);
    TAIL(h_cold_lookup);
}

/* The block was paid for; nothing of it ran. */
HANDLER(h_cold_stale)
{
    BUD += block_of(o)->n_insn;
    c->rip = tcg_ip(c, block_of(o)->pgoff);
    TAIL(h_cold_lookup);
}

/* ---- Edges -------------------------------------------------------------------------------- */

/* Find the target of the branch at o and link its edge. */
static const struct x86_op *take(struct x86_cpu *c, const struct x86_op *o)
{
    struct tcg_cpu *t = tcg_of(c);
    struct edge *e = (struct edge *)(o + 1);
    int32_t left = (o->imm >> 8) - 1; /* paid for, and not to be run after the branch */
    const struct x86_op *to;

    c->rip = tcg_ip(c, (int64_t)o->disp);
    t->bud += left;
    to = enter_at_rip(t);
    if (!to || !linkable(block_of(to)))
        return to;
    e->to = to - o;
    e->n = (int32_t)block_of(to)->n_insn - left;
    e->key = c->page_rip ^ t->ticket[c->page_rip >> 63];
    return to;
}

static HANDLER(h_cold_relink)
{
    SPILL();
    o = take(c, o);
    RELOAD();
    if (!o)
        LEAVE;
    GO(o);
}

HANDLER(h_cold_take)
{
    BUD += ((const struct edge *)(o + 1))->n;
    TAIL(h_cold_relink);
}

HANDLER(h_far)
{
    const struct edge *e = (const struct edge *)(o + 1);
    uint64_t page = c->page_rip + (int64_t)(o->disp & ~(int32_t)0xfff);

    if (unlikely((page ^ tcg_of(c)->ticket[page >> 63]) != e->key))
        TAIL(h_cold_relink);
    BUD -= e->n;
    if (unlikely(BUD < 0))
        TAIL(h_cold_take);
    c->page_rip = page;
    GO(o + e->to);
}

/* ---- Generic operations ----------------------------------------------------------------- */

static inline void gen_begin(struct x86_cpu *c, const struct x86_op *o)
{
    c->rip = tcg_ip(c, o->disp);
    c->next_rip = tcg_ip(c, o->disp + (o->imm & 0xff));
    tcg_of(c)->rem = o->imm >> 8;
}

static inline const struct gen_ext *gen_ext(const struct x86_op *o)
{
    return (const struct gen_ext *)(o + 1);
}

static inline const struct x86_insn *gen_insn(const struct x86_op *o)
{
    return (const struct x86_insn *)(o + 2);
}

/* The instruction is done, those after it in the block will not run: give them back. */
static void gen_leave(struct x86_cpu *c)
{
    struct tcg_cpu *t = tcg_of(c);

    t->bud += t->rem - 1;
    c->rip = c->next_rip;
}

HANDLER(h_gen)
{
    SPILL();
    gen_begin(c, o);
    gen_ext(o)->exec(c, gen_insn(o));
    if (unlikely(tcg_of(c)->leave)) {
        gen_leave(c);
        LEAVE;
    }
    RELOAD();
    NEXT(GEN_SLOTS);
}

HANDLER(h_gen_guard)
{
    SPILL();
    gen_begin(c, o);
    x86_fpu_guard(c, gen_ext(o)->attr);
    gen_ext(o)->exec(c, gen_insn(o));
    if (unlikely(tcg_of(c)->leave)) {
        gen_leave(c);
        LEAVE;
    }
    RELOAD();
    NEXT(GEN_SLOTS);
}

/* A REP that is not finished stays on its instruction; it counts as one when it is. */
HANDLER(h_gen_rep)
{
    SPILL();
    gen_begin(c, o);
    gen_ext(o)->exec(c, gen_insn(o));
    if (unlikely(c->next_rip == c->rip)) {
        tcg_of(c)->bud += tcg_of(c)->rem;
        LEAVE;
    }
    if (unlikely(tcg_of(c)->leave)) {
        gen_leave(c);
        LEAVE;
    }
    RELOAD();
    NEXT(GEN_SLOTS);
}

HANDLER(h_gen_branch)
{
    SPILL();
    gen_begin(c, o);
    gen_ext(o)->exec(c, gen_insn(o));
    gen_leave(c);
    o = enter_at_rip(tcg_of(c));
    if (!o)
        LEAVE;
    RELOAD();
    GO(o);
}

HANDLER(h_gen_end)
{
    SPILL();
    gen_begin(c, o);
    if (o->d)
        x86_fpu_guard(c, gen_ext(o)->attr);
    gen_ext(o)->exec(c, gen_insn(o));
    if ((gen_ext(o)->attr & ROW_REP) && c->next_rip == c->rip)
        tcg_of(c)->bud += tcg_of(c)->rem;
    else
        gen_leave(c);
    LEAVE;
}

HANDLER(h_gen_raise)
{
    SPILL();
    gen_begin(c, o);
    if (o->d == EXC_UD && tcg_of(c)->loan && (c->xcr0 & ~3ull))
        tcg_refuse(tcg_of(c)); /* it may be an instruction of components that are not known here */
    if (o->d == EXC_UD)
        x86_ud(c);
    x86_gp(c, 0);
}

/* ---- The slow path ---------------------------------------------------------------------- */

/*
 * Run the instruction that o belongs to by its generic operation, decoded afresh. Returns the
 * op to go on with, or NULL: to the loop.
 */
static const struct x86_op *insn_afresh(struct x86_cpu *c, const struct x86_op *o)
{
    struct tcg_cpu *t = tcg_of(c);
    struct insn_pos pos = block_find(t, o);
    uint8_t bytes[16] = {0};
    unsigned n = MIN(15, PAGE_SIZE - pos.pgoff);
    uint32_t attr;

    t->st_slow++;
    c->rip = tcg_ip(c, pos.pgoff);
    c->next_rip = tcg_ip(c, pos.pgoff + pos.len);
    t->rem = pos.block->n_insn - pos.index;
    memcpy(bytes, pos.block->host - pos.block->pgoff + pos.pgoff, n);
    if (x86_decode(bytes, n, pos.block->mode & M_MODE, &t->slow_insn) != DECODE_OK ||
        t->slow_insn.len != pos.len) {
        t->bud += t->rem; /* another processor just changed it: look again */
        return NULL;
    }
    attr = x86_rows[t->slow_insn.row].attr;
    if (attr & (ROW_FPU | ROW_MMX | ROW_SSE))
        x86_fpu_guard(c, attr);
    exec_table[t->slow_insn.row](c, &t->slow_insn);
    if (t->leave || c->next_rip != tcg_ip(c, pos.pgoff + pos.len) ||
        pos.next == pos.block->op + pos.block->n_op) {
        gen_leave(c);
        return enter_at_rip(t);
    }
    return pos.next;
}

HANDLER(h_cold_insn)
{
    SPILL();
    o = insn_afresh(c, o);
    RELOAD();
    if (!o)
        LEAVE;
    GO(o);
}

/* Whether the missed access can be retried with success. */
static bool refill(struct x86_cpu *c, enum x86_access acc)
{
    struct tcg_cpu *t = tcg_of(c);
    struct x86_walk w;
    uint64_t la = t->miss_la;

    return la_canonical(la) && t->bank->info[acc][tlb_index(la)].page != (la & PAGE_MASK) &&
           tlb_get(t, t->bank, la, acc, &w) && c->tlb[acc][tlb_index(la)].tag == (la & PAGE_MASK);
}

HANDLER(h_cold_r)
{
    if (refill(c, ACC_READ))
        GO(o);
    TAIL(h_cold_insn);
}

HANDLER(h_cold_w)
{
    if (refill(c, ACC_WRITE))
        GO(o);
    TAIL(h_cold_insn);
}

/* ---- The way in ------------------------------------------------------------------------- */

#ifdef TCG_LOOP_FORM
void tcg_enter(struct tcg_cpu *t, const struct x86_op *o)
{
    struct x86_cpu *c = &t->x;
    struct hot hot = {c->f_res, c->f_src, c->f_cc, t->bud};

    while (o)
        o = handler_of(o)(c, o, &hot);
}
#else
void tcg_enter(struct tcg_cpu *t, const struct x86_op *o)
{
    struct x86_cpu *c = &t->x;

    handler_of(o)(c, o, c->f_res, c->f_src, c->f_cc, t->bud);
}
#endif

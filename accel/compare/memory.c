/* SPDX-License-Identifier: MIT */
/*
 * Memory of both sides: what the last instruction wrote, as far as its operands and its stack
 * tell, after every instruction; all of it now and then, and at the end. A wrong store is so
 * found at its instruction, or, if it went elsewhere, not too long after.
 */
#include "accel/compare/compare.h"

#include <inttypes.h>
#include <string.h>

#define PAGE RAM_PAGE_SIZE
#define STACK_MAX 4096
#define FRAME 64         /* bytes on a stack that is new */
#define SPECIAL 512      /* operands without a size: FXSAVE and the like */
#define CHECK_EVERY 1000000 /* instructions between two full comparisons, at least */
#define CHECK_SHARE 10      /* and they take at most one part in so many of the time */

/* ---- Some bytes ------------------------------------------------------------------------------ */

static void tell(struct compare *c, GString *out, uint64_t gpa, uint64_t la, bool linear,
                 const uint8_t *a, const uint8_t *b, uint64_t len)
{
    uint64_t at = 0, n;

    while (at < len && a[at] == b[at])
        at++;
    n = MIN(len - at, 16);
    g_string_append_printf(out, "  memory           at physical %" PRIx64 "h", gpa + at);
    if (linear)
        g_string_append_printf(out, ", linear %" PRIx64 "h", la + at);
    for (int side = 0; side < SIDES; side++) {
        g_string_append_printf(out, "\n                   %c", c->side[side].letter);
        for (uint64_t i = 0; i < n; i++)
            g_string_append_printf(out, " %02x", (side ? b : a)[at + i]);
    }
    g_string_append_c(out, '\n');
}

/* [la, la+len) within a page. What is not RAM went through the log. */
static bool page_equal(struct compare *c, uint64_t la, uint64_t len, GString *out)
{
    struct side *walker = &c->side[c->side[SIDE_A].accel->hardware ? SIDE_B : SIDE_A];
    uint64_t gpa;

    if (!side_translate(walker, la, &gpa))
        return true;
    const uint8_t *a = as_ptr(&c->side[SIDE_A].machine->mem, gpa, len, false);
    const uint8_t *b = as_ptr(&c->side[SIDE_B].machine->mem, gpa, len, false);
    if (!a || !b || memcmp(a, b, len) == 0)
        return true;
    tell(c, out, gpa, la, true, a, b, len);
    return false;
}

static bool range_equal(struct compare *c, uint64_t la, uint64_t len, GString *out)
{
    while (len) {
        uint64_t n = MIN(len, PAGE - (la & (PAGE - 1)));

        if (!page_equal(c, la, n, out))
            return false;
        la += n;
        len -= n;
    }
    return true;
}

/* ---- What an instruction wrote --------------------------------------------------------------- */

static uint64_t seg_base(const struct x86_state *st, const struct ahead *a, unsigned seg)
{
    return a->mode == X86_MODE_64 && seg != S_FS && seg != S_GS ? 0 : st->seg[seg].base;
}

static uint64_t slot(const struct x86_state *st, const struct ahead *a, unsigned n)
{
    if (n < 16)
        return st->gpr[n];
    return n == SLOT_RIP ? st->rip + a->insn.len : 0;
}

static uint64_t cut(uint64_t v, unsigned size)
{
    return size == 8 ? v : v & ((1ull << size * 8) - 1);
}

static uint64_t operand_at(const struct x86_state *st, const struct ahead *a)
{
    const struct x86_insn *i = &a->insn;
    uint64_t ea = i->moffs ? (uint64_t)i->imm
                           : slot(st, a, i->base) + (slot(st, a, i->index) << i->scale) +
                                 (uint64_t)(int64_t)i->disp;

    return seg_base(st, a, i->seg) + cut(ea, i->addrsize);
}

/* ES:rDI before and after; the elements lie between. */
static bool string_equal(struct compare *c, const struct ahead *a, const struct x86_state *before,
                         unsigned size, GString *out)
{
    uint64_t from = cut(before->gpr[R_RDI], a->insn.addrsize);
    uint64_t to = cut(c->side[SIDE_A].st.gpr[R_RDI], a->insn.addrsize);
    uint64_t base = seg_base(before, a, S_ES), low = MIN(from, to), len = MAX(from, to) - low;

    if (before->rflags & FL_DF)
        low += size;
    return range_equal(c, base + low, MIN(len, 16 * PAGE), out);
}

static bool operands_equal(struct compare *c, const struct ahead *a,
                           const struct x86_state *before, GString *out)
{
    bool string = x86_rows[a->insn.row].attr & ROW_REP;

    for (unsigned n = 0; n < a->insn.nopnd; n++) {
        const struct x86_opnd *o = &a->insn.op[n];

        if (o->kind != OPND_MEM || !(o->access & OPND_W))
            continue;
        if (string ? !string_equal(c, a, before, o->size, out)
                   : !range_equal(c, operand_at(before, a), o->size ? o->size : SPECIAL, out))
            return false;
    }
    return true;
}

/* Pushed: below where the stack pointer was, or at the top of another stack. */
static bool stack_equal(struct compare *c, const struct x86_state *before, GString *out)
{
    const struct x86_state *after = &c->side[SIDE_A].st;
    bool big = (after->msr.efer & EFER_LMA) && (after->seg[S_CS].attr & SEG_L);
    unsigned size = big ? 8 : after->seg[S_SS].attr & SEG_DB ? 4 : 2;
    uint64_t base = big ? 0 : after->seg[S_SS].base;
    uint64_t from = cut(after->gpr[R_RSP], size), to = cut(before->gpr[R_RSP], size);
    bool same = before->seg[S_SS].sel == after->seg[S_SS].sel;

    if (from == to && same)
        return true;
    if (!same || from > to || to - from > STACK_MAX)
        to = from + (same && from > to ? 0 : FRAME);
    return range_equal(c, base + from, to - from, out);
}

bool memory_touched_equal(struct compare *c, const struct ahead *a, const struct x86_state *before,
                          GString *out)
{
    return (!a->decoded || operands_equal(c, a, before, out)) && stack_equal(c, before, out);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Where the guest sees this byte of a side's block; UINT64_MAX: nowhere at present. */
static uint64_t gpa_of(const struct side *s, const struct ram_block *ram, uint64_t off)
{
    const struct flat_view *v = s->machine->mem.view;

    for (unsigned i = 0; i < v->n; i++)
        if (v->s[i].ram == ram && off - v->s[i].ram_offset < v->s[i].size)
            return v->s[i].base + (off - v->s[i].ram_offset);
    return UINT64_MAX;
}

static bool block_equal(struct compare *c, const struct ram_block *a, const struct ram_block *b,
                        GString *out)
{
    for (uint64_t off = 0; off < a->size; off += PAGE) {
        if (memcmp(a->host + off, b->host + off, PAGE) == 0)
            continue;
        uint64_t gpa = gpa_of(&c->side[SIDE_A], a, off);
        if (gpa == UINT64_MAX)
            g_string_append_printf(out, "  memory '%s', which is not mapped now; offsets in it:\n",
                                   a->name);
        tell(c, out, gpa == UINT64_MAX ? off : gpa, 0, false, a->host + off, b->host + off, PAGE);
        g_string_append_printf(out, "  (was equal after %" PRIu64 " instructions)\n",
                               c->mem_equal);
        return false;
    }
    return true;
}

static int64_t host_ns(void)
{
    return g_get_monotonic_time() * 1000;
}

bool memory_equal(struct compare *c, GString *out)
{
    GPtrArray *a = c->side[SIDE_A].rams, *b = c->side[SIDE_B].rams;
    int64_t begin = host_ns();

    for (unsigned i = 0; i < a->len; i++)
        if (a->pdata[i] && !block_equal(c, a->pdata[i], b->pdata[i], out))
            return false;
    c->mem_equal = c->count;
    c->mem_when = host_ns();
    c->mem_cost = c->mem_when - begin;
    return true;
}

bool memory_check(struct compare *c, GString *out)
{
    if (c->count - c->mem_equal < CHECK_EVERY ||
        host_ns() - c->mem_when < c->mem_cost * CHECK_SHARE)
        return true;
    return memory_equal(c, out);
}

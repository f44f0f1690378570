/* SPDX-License-Identifier: MIT */
/*
 * String instructions, with and without REP. Intel SDM vol. 1 section 7.3.9, vol. 2 REP.
 *
 * A REP runs in bounded chunks: what is left of a page on both sides, as host memory
 * operations, then RIP stays on the instruction (next_rip = rip) until the count is used up,
 * so that interrupts and faults see registers that tell how far it got.
 */
#include <glib.h>
#include <string.h>

#include "accel/tcg-interp/ops.h"

#define PAGE 4096u
#define SLOW_CHUNK 256u /* elements, where each is an access of its own */

/* One running string instruction. */
struct str {
    struct x86_cpu *c;
    const struct x86_insn *i;
    unsigned size;  /* of an element */
    uint64_t amask; /* address size */
    uint64_t count; /* iterations left; 1 without REP */
    bool rep;
};

static uint64_t str_reg(const struct str *s, unsigned reg)
{
    return s->c->r[reg] & s->amask;
}

static void str_reg_put(const struct str *s, unsigned reg, uint64_t v)
{
    uint64_t *r = &s->c->r[reg];

    if (s->i->addrsize == 2)
        *r = (*r & ~0xffffull) | (v & 0xffff);
    else
        *r = v & s->amask;
}

/* False if there is nothing to do: REP with a count of 0. */
static bool str_begin(struct str *s, struct x86_cpu *c, const struct x86_insn *i)
{
    *s = (struct str){.c = c, .i = i, .amask = x86_mask(i->addrsize)};
    s->size = i->opcode & 1 ? i->opsize : 1;
    if (s->size == 8 && (i->opcode & 0xfc) == 0x6c) /* INS and OUTS have no 64-bit form */
        s->size = 4;
    s->rep = i->prefix & (PFX_REP | PFX_REPNE);
    s->count = s->rep ? str_reg(s, R_RCX) : 1;
    if (s->count > 1 && ((c->eflags & FL_TF) || (c->dr[7] & 0xff)))
        s->count = 1; /* a debugger looks on: traps come after each iteration */
    return s->count != 0;
}

/* n elements are done: move the index registers named and the count. */
static void str_advance(const struct str *s, uint64_t n, bool si, bool di)
{
    int64_t step = (int64_t)(n * s->size);

    if (s->c->eflags & FL_DF)
        step = -step;
    if (si)
        str_reg_put(s, R_RSI, str_reg(s, R_RSI) + step);
    if (di)
        str_reg_put(s, R_RDI, str_reg(s, R_RDI) + step);
    if (s->rep)
        str_reg_put(s, R_RCX, str_reg(s, R_RCX) - n);
}

/* RIP stays here if iterations are left. */
static void str_end(const struct str *s)
{
    if (!s->rep || !str_reg(s, R_RCX))
        return;
    s->c->next_rip = s->c->rip;
    if ((s->c->eflags & FL_TF) && !(s->c->msr.debugctl & DEBUGCTL_BTF))
        s->c->db_pending |= DR6_BS;
}

static uint64_t src_lin(const struct str *s)
{
    return x86_seg_lin(s->c, s->i->seg, str_reg(s, R_RSI), s->size, ACC_READ, s->size);
}

static uint64_t dst_lin(const struct str *s, enum x86_access acc)
{
    return x86_seg_lin(s->c, S_ES, str_reg(s, R_RDI), s->size, acc, s->size);
}

/*
 * How many elements from la (= seg:off, already checked for one) lie in one page, inside the
 * segment and before the offset wraps. 1 where that is not worth telling.
 */
static uint64_t run_length(const struct str *s, unsigned seg, uint64_t off, uint64_t la, uint64_t n)
{
    const struct x86_seg *sg = &s->c->seg[seg];
    uint64_t room = PAGE - (la & (PAGE - 1)), top = s->amask;

    if (s->c->eflags & FL_DF)
        return 1;
    if (s->c->mode != X86_MODE_64) {
        bool expand_down = (sg->attr & (SEG_S | SEG_CODE | SEG_DC)) == (SEG_S | SEG_DC);

        if (expand_down && s->c->pe && !s->c->vm86)
            return 1;
        top = MIN(top, sg->limit);
    }
    if (off > top)
        return 1;
    if (top - off < room)
        room = top - off + 1;
    return MAX(1, MIN(n, room / s->size));
}

/* ---- MOVS ------------------------------------------------------------------------------ */

/* Forward copy, element by element where the destination overlaps what is still to be read. */
static void copy_forward(uint8_t *d, const uint8_t *p, size_t len, unsigned size)
{
    if (d <= p || d >= p + len) {
        memmove(d, p, len);
        return;
    }
    for (size_t k = 0; k < len; k += size) {
        uint8_t element[8];

        memcpy(element, p + k, size);
        memcpy(d + k, element, size);
    }
}

static bool movs_run(struct str *s)
{
    uint64_t from = src_lin(s), to = dst_lin(s, ACC_WRITE);
    uint64_t n = run_length(s, s->i->seg, str_reg(s, R_RSI), from, s->count);
    const void *p;
    void *d;

    n = run_length(s, S_ES, str_reg(s, R_RDI), to, n);
    if (n < 4)
        return false;
    p = x86_lin_ptr(s->c, from, n * s->size, ACC_READ);
    d = p ? x86_lin_ptr(s->c, to, n * s->size, ACC_WRITE) : NULL;
    if (!d)
        return false;
    copy_forward(d, p, n * s->size, s->size);
    str_advance(s, n, true, true);
    return true;
}

OP(movs)
{
    struct str s;

    if (!str_begin(&s, c, i))
        return;
    if (!(s.rep && movs_run(&s))) {
        for (uint64_t n = MIN(s.count, SLOW_CHUNK); n; n--) {
            uint64_t to = dst_lin(&s, ACC_WRITE);

            x86_lin_write(c, to, s.size, x86_lin_read(c, src_lin(&s), s.size));
            str_advance(&s, 1, true, true);
        }
    }
    str_end(&s);
}

/* ---- STOS ------------------------------------------------------------------------------ */

static void fill(uint8_t *d, uint64_t v, uint64_t n, unsigned size)
{
    switch (size) {
    case 1:
        memset(d, (int)v, n);
        break;
    case 2:
        for (uint64_t k = 0; k < n; k++)
            memcpy(d + k * 2, &(uint16_t){v}, 2);
        break;
    case 4:
        for (uint64_t k = 0; k < n; k++)
            memcpy(d + k * 4, &(uint32_t){v}, 4);
        break;
    default:
        if (!v)
            memset(d, 0, n * 8);
        else
            for (uint64_t k = 0; k < n; k++)
                memcpy(d + k * 8, &v, 8);
        break;
    }
}

static bool stos_run(struct str *s)
{
    uint64_t to = dst_lin(s, ACC_WRITE);
    uint64_t n = run_length(s, S_ES, str_reg(s, R_RDI), to, s->count);
    void *d = n < 4 ? NULL : x86_lin_ptr(s->c, to, n * s->size, ACC_WRITE);

    if (!d)
        return false;
    fill(d, s->c->r[R_RAX] & x86_mask(s->size), n, s->size);
    str_advance(s, n, false, true);
    return true;
}

OP(stos)
{
    struct str s;

    if (!str_begin(&s, c, i))
        return;
    if (!(s.rep && stos_run(&s))) {
        for (uint64_t n = MIN(s.count, SLOW_CHUNK); n; n--) {
            x86_lin_write(c, dst_lin(&s, ACC_WRITE), s.size, c->r[R_RAX] & x86_mask(s.size));
            str_advance(&s, 1, false, true);
        }
    }
    str_end(&s);
}

/* ---- LODS ------------------------------------------------------------------------------ */

OP(lods)
{
    struct str s;

    if (!str_begin(&s, c, i))
        return;
    for (uint64_t n = MIN(s.count, SLOW_CHUNK); n; n--) {
        uint64_t v = x86_lin_read(c, src_lin(&s), s.size);

        if (s.size >= 4)
            c->r[R_RAX] = v;
        else
            c->r[R_RAX] = (c->r[R_RAX] & ~x86_mask(s.size)) | v;
        str_advance(&s, 1, true, false);
    }
    str_end(&s);
}

/* ---- SCAS, CMPS: REPE goes on while equal, REPNE while not ---------------------------------- */

static uint64_t element(const uint8_t *p, unsigned size)
{
    uint64_t v = 0;

    memcpy(&v, p, size);
    return v;
}

static void compare(struct str *s, uint64_t a, uint64_t b)
{
    x86_flags_set(s->c, x86_sext(a - b, s->size), x86_sext(b, s->size), x86_cc(CC_SUB, s->size));
}

/* Whether the last comparison ends the repetition. */
static bool settled(const struct str *s)
{
    bool equal = s->c->f_res == 0;

    return equal == ((s->i->prefix & PFX_REPNE) != 0);
}

/* The condition ends the REP with iterations left: RIP goes on. */
static void compare_end(const struct str *s, bool done)
{
    if (!done)
        str_end(s);
}

OP(scas)
{
    uint64_t acc, n = 1;
    bool done = false;
    const uint8_t *p = NULL;
    struct str s;

    if (!str_begin(&s, c, i))
        return;
    acc = c->r[R_RAX] & x86_mask(s.size);
    if (s.rep) {
        uint64_t la = dst_lin(&s, ACC_READ);

        n = run_length(&s, S_ES, str_reg(&s, R_RDI), la, s.count);
        p = n < 4 ? NULL : x86_lin_ptr(c, la, n * s.size, ACC_READ);
        if (!p)
            n = MIN(s.count, SLOW_CHUNK);
    }
    for (uint64_t k = 0; k < n && !done; k++) {
        uint64_t v = p ? element(p + k * s.size, s.size)
                       : x86_lin_read(c, dst_lin(&s, ACC_READ), s.size);

        compare(&s, acc, v);
        str_advance(&s, 1, false, true);
        done = s.rep && settled(&s);
    }
    compare_end(&s, done);
}

OP(cmps)
{
    const uint8_t *p = NULL, *q = NULL;
    bool done = false;
    uint64_t n = 1;
    struct str s;

    if (!str_begin(&s, c, i))
        return;
    if (s.rep) {
        uint64_t from = src_lin(&s), to = dst_lin(&s, ACC_READ);

        n = run_length(&s, i->seg, str_reg(&s, R_RSI), from, s.count);
        n = run_length(&s, S_ES, str_reg(&s, R_RDI), to, n);
        p = n < 4 ? NULL : x86_lin_ptr(c, from, n * s.size, ACC_READ);
        q = p ? x86_lin_ptr(c, to, n * s.size, ACC_READ) : NULL;
        if (!q)
            n = MIN(s.count, SLOW_CHUNK);
    }
    for (uint64_t k = 0; k < n && !done; k++) {
        uint64_t a, b;

        if (q) {
            a = element(p + k * s.size, s.size);
            b = element(q + k * s.size, s.size);
        } else {
            a = x86_lin_read(c, src_lin(&s), s.size);
            b = x86_lin_read(c, dst_lin(&s, ACC_READ), s.size);
        }
        compare(&s, a, b);
        str_advance(&s, 1, true, true);
        done = s.rep && settled(&s);
    }
    compare_end(&s, done);
}

/* ---- INS, OUTS ------------------------------------------------------------------------------ */

static uint16_t io_port(struct str *s)
{
    uint16_t port = s->c->r[R_RDX];

    if (!x86_io_allowed(s->c, port, s->size))
        x86_gp(s->c, 0);
    x86_io_breakpoint(s->c, port, s->size);
    return port;
}

OP(ins)
{
    struct str s;
    uint16_t port;

    if (!str_begin(&s, c, i))
        return;
    port = io_port(&s);
    for (uint64_t n = MIN(s.count, SLOW_CHUNK); n; n--) {
        uint64_t la = dst_lin(&s, ACC_WRITE);

        x86_lin_probe(c, la, s.size, ACC_WRITE); /* a port is read once */
        x86_lin_write(c, la, s.size, c->host->io_in(c, port, s.size));
        str_advance(&s, 1, false, true);
    }
    str_end(&s);
}

OP(outs)
{
    struct str s;
    uint16_t port;

    if (!str_begin(&s, c, i))
        return;
    port = io_port(&s);
    for (uint64_t n = MIN(s.count, SLOW_CHUNK); n; n--) {
        c->host->io_out(c, port, s.size, x86_lin_read(c, src_lin(&s), s.size));
        str_advance(&s, 1, true, false);
    }
    str_end(&s);
}

/* SPDX-License-Identifier: MIT */
/*
 * Stack frames of calls, interrupts and task switches: all checks first, then the stores; and
 * the inner stacks that a TSS holds. Intel SDM vol. 3 sections 5.8.5, 6.12.1, 6.14.4, 7.2.
 *
 * Stack pointers in a TSS:      16-bit: SPn at 2 + 4n, SSn behind it (2 bytes each)
 *                               32-bit: ESPn at 4 + 8n, SSn behind it
 *                               64-bit: RSPn at 4 + 8n, ISTn at 36 + 8(n - 1)
 */
#include <assert.h>

#include "target/x86/segment.h"

void x86_frame_begin(struct x86_frame *f, struct x86_cpu *c, uint32_t error)
{
    f->c = c;
    f->ss = c->seg[S_SS];
    f->ss.base = c->seg_base[S_SS];
    f->sp = x86_sp(c);
    f->sp_size = c->stack_size;
    f->error = error;
    f->system = false;
    f->n = 0;
}

void x86_frame_push(struct x86_frame *f, unsigned size, uint64_t value)
{
    uint64_t la;

    f->sp = (f->sp - size) & x86_mask(f->sp_size);
    if (f->sp_size == 8) {
        la = f->sp;
        if (!x86_canonical(la) || !x86_canonical(la + size - 1))
            x86_raise_err(f->c, EXC_SS, f->error);
    } else {
        if (!x86_seg_covers(&f->ss, f->sp, size))
            x86_raise_err(f->c, EXC_SS, f->error);
        la = (uint32_t)(f->ss.base + f->sp);
    }
    assert(f->n < sizeof(f->item) / sizeof(f->item[0]));
    f->item[f->n].la = la;
    f->item[f->n].size = size;
    f->item[f->n++].value = value & x86_mask(size);
}

static void probe(struct x86_frame *f, uint64_t la, unsigned len)
{
    if (f->system)
        x86_sys_probe(f->c, la, len, ACC_WRITE);
    else
        x86_lin_probe(f->c, la, len, ACC_WRITE);
}

/* In the order of the pushes, so that the first one that cannot be written is the one reported. */
static void probe_all(struct x86_frame *f)
{
    uint64_t page = ~0ull;

    for (unsigned k = 0; k < f->n; k++) {
        uint64_t la = f->item[k].la, last = la + f->item[k].size - 1;

        if (la >> 12 == page && last >> 12 == page)
            continue;
        probe(f, la, f->item[k].size);
        page = la >> 12;
    }
}

void x86_frame_commit(struct x86_frame *f)
{
    if (!f->n)
        return;
    probe_all(f);
    for (unsigned k = 0; k < f->n; k++) {
        if (f->system)
            x86_sys_write(f->c, f->item[k].la, f->item[k].size, f->item[k].value);
        else
            x86_lin_write(f->c, f->item[k].la, f->item[k].size, f->item[k].value);
    }
}

/* ---- Inner stacks ----------------------------------------------------------------------- */

static uint64_t tss_read(struct x86_cpu *c, unsigned off, unsigned size)
{
    return x86_sys_read(c, x86_sys_la(c, c->seg[S_TR].base + off), size);
}

static void tss_check(struct x86_cpu *c, unsigned last, uint32_t ext)
{
    if ((c->seg[S_TR].attr & SEG_UNUSABLE) || last > c->seg[S_TR].limit)
        x86_raise_err(c, EXC_TS, (c->seg[S_TR].sel & ~3) | ext);
}

uint64_t x86_tss_rsp(struct x86_cpu *c, unsigned cpl, unsigned ist, uint32_t ext)
{
    unsigned off = ist ? 36 + 8 * (ist - 1) : 4 + 8 * cpl;
    uint64_t rsp;

    tss_check(c, off + 7, ext);
    rsp = tss_read(c, off, 8);
    if (!x86_canonical(rsp))
        x86_raise_err(c, EXC_SS, ext);
    return rsp;
}

/* SS:ESP of ring cpl from a 16- or 32-bit TSS. */
static uint32_t tss_stack(struct x86_cpu *c, unsigned cpl, uint32_t ext, uint16_t *ss)
{
    unsigned off;

    if (c->seg[S_TR].attr & 8) {
        off = 4 + 8 * cpl;
        tss_check(c, off + 5, ext);
        *ss = tss_read(c, off + 4, 2);
        return tss_read(c, off, 4);
    }
    off = 2 + 4 * cpl;
    tss_check(c, off + 3, ext);
    *ss = tss_read(c, off + 2, 2);
    return tss_read(c, off, 2);
}

static uint64_t check_inner_ss(struct x86_cpu *c, uint16_t ss, unsigned cpl, uint32_t ext)
{
    uint32_t err = (ss & ~3u) | ext;
    uint64_t d;

    if (sel_is_null(ss) || !x86_desc_read(c, ss, &d))
        x86_raise_err(c, EXC_TS, err);
    if ((ss & 3) != cpl || desc_dpl(d) != cpl || !attr_is_writable(desc_attr(d)))
        x86_raise_err(c, EXC_TS, err);
    if (!(desc_attr(d) & SEG_P))
        x86_raise_err(c, EXC_SS, err);
    x86_desc_accessed(c, ss, &d);
    return d;
}

void x86_frame_begin_inner(struct x86_frame *f, struct x86_cpu *c, unsigned cpl, uint32_t ext,
                           uint16_t *ss, uint64_t *desc)
{
    f->c = c;
    f->n = 0;
    f->system = true;
    if (c->lma) {
        f->sp = x86_tss_rsp(c, cpl, 0, ext);
        f->sp_size = 8;
        f->error = ext;
        *ss = cpl;
        *desc = 0;
        return;
    }
    f->sp = tss_stack(c, cpl, ext, ss);
    *desc = check_inner_ss(c, *ss, cpl, ext);
    f->ss = (struct x86_seg){ .sel = *ss, .attr = desc_attr(*desc), .limit = desc_limit(*desc),
                              .base = desc_base(*desc) };
    f->sp_size = f->ss.attr & SEG_DB ? 4 : 2;
    f->sp &= x86_mask(f->sp_size);
    f->error = (*ss & ~3u) | ext;
}

void x86_frame_load_ss(struct x86_cpu *c, unsigned cpl, uint16_t ss, uint64_t desc)
{
    c->cpl = cpl;
    if (c->lma)
        x86_seg_set_null(c, S_SS, cpl);
    else
        x86_seg_set(c, S_SS, ss, desc);
}

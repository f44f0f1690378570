/* SPDX-License-Identifier: MIT */
/*
 * Accesses through an address space. RAM is copied; everything else becomes calls of the
 * region's ops, split and widened to the widths the device takes:
 *
 *     access wider than ops->max    several calls, ascending
 *     access narrower than ops->min one call of min bytes; read: its lane, write: shifted
 *     not aligned in the region     naturally aligned pieces
 *     nobody there                  reads as ones, writes are dropped
 */
#include "core/notifier.h"
#include "core/region.h"

#include <string.h>

/* A chain of devices whose callbacks access further devices is cut here. */
#define MAX_DEPTH 8

static const struct region_section *view_find(const struct flat_view *v, uint64_t addr)
{
    unsigned lo = 0, hi = v->n; /* the answer, if any, is the last section with base <= addr */
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (v->s[mid].base <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return NULL;
    const struct region_section *s = &v->s[lo - 1];
    return addr - s->base < s->size ? s : NULL;
}

static inline const struct flat_view *view_of(struct address_space *as)
{
    return __atomic_load_n(&as->view, __ATOMIC_ACQUIRE);
}

const struct region_section *as_lookup(struct address_space *as, uint64_t addr)
{
    return view_find(view_of(as), addr);
}

/* Bytes from addr to the next section, at most len. */
static uint64_t gap_length(const struct flat_view *v, uint64_t addr, uint64_t len)
{
    for (unsigned i = 0; i < v->n; i++)
        if (v->s[i].base > addr)
            return MIN(len, v->s[i].base - addr);
    return len;
}

void *as_ptr(struct address_space *as, uint64_t gpa, uint64_t len, bool write)
{
    const struct region_section *s = as_lookup(as, gpa);
    if (!s || !s->ram || (write && s->readonly))
        return NULL;
    uint64_t in = gpa - s->base;
    if (len > s->size - in)
        return NULL;
    uint64_t off = s->ram_offset + in;
    if (write)
        ram_note_write(s->ram, off, len);
    return s->ram->host + off;
}

/* ---- One I/O access, aligned in its region ---------------------------------------------- */

static inline uint64_t ones(unsigned size)
{
    return size >= 8 ? UINT64_MAX : (1ull << (size * 8)) - 1;
}

static bool region_enter(struct region *r)
{
    if (r->depth >= (r->reentrant ? MAX_DEPTH : 1))
        return false;
    r->depth++;
    return true;
}

static uint64_t call_read(struct region *r, uint64_t off, unsigned size)
{
    if (off >= r->size || size > r->size - off || !region_enter(r))
        return ones(size);
    uint64_t v = r->ops->read(r->dev, off, size) & ones(size);
    r->depth--;
    return v;
}

static void call_write(struct region *r, uint64_t off, uint64_t val, unsigned size)
{
    if (off >= r->size || size > r->size - off || !region_enter(r))
        return;
    if (!r->doorbells || !doorbell_rung(r, off, val, size))
        r->ops->write(r->dev, off, val & ones(size), size);
    r->depth--;
}

static uint64_t region_read(struct region *r, uint64_t off, unsigned size)
{
    const struct region_ops *ops = r->ops;
    if (!ops || !ops->read)
        return ones(size);
    unsigned min = ops->min ? ops->min : 1, max = ops->max ? ops->max : 4;
    if (size < min) {
        uint64_t base = off & ~(uint64_t)(min - 1);
        return call_read(r, base, min) >> ((off - base) * 8) & ones(size);
    }
    if (size <= max)
        return call_read(r, off, size);
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i += max)
        v |= call_read(r, off + i, max) << (i * 8);
    return v;
}

static void region_write(struct region *r, uint64_t off, uint64_t val, unsigned size)
{
    const struct region_ops *ops = r->ops;
    if (!ops || !ops->write)
        return;
    unsigned min = ops->min ? ops->min : 1, max = ops->max ? ops->max : 4;
    if (size < min) {
        uint64_t base = off & ~(uint64_t)(min - 1);
        call_write(r, base, (val & ones(size)) << ((off - base) * 8), min);
        return;
    }
    if (size <= max) {
        call_write(r, off, val, size);
        return;
    }
    for (unsigned i = 0; i < size; i += max)
        call_write(r, off + i, val >> (i * 8), max);
}

/* ---- Any range ---------------------------------------------------------------------------- */

/* The widest naturally aligned piece at off that fits in len: 1, 2, 4 or 8. */
static unsigned piece_size(uint64_t off, uint64_t len)
{
    unsigned size = 8;
    while (size > len || (off & (size - 1)))
        size >>= 1;
    return size;
}

static uint64_t get_le(const uint8_t *p, unsigned size)
{
    uint64_t v = 0;
    memcpy(&v, p, size);
    return v;
}

/* Guest memory is shared: an aligned 1, 2, 4 or 8 byte copy is one access, never torn. */
static void ram_copy(void *dst, const void *src, uint64_t len, uint64_t align)
{
    if (len == 8 && !(align & 7))
        __builtin_memcpy(dst, src, 8);
    else if (len == 4 && !(align & 3))
        __builtin_memcpy(dst, src, 4);
    else if (len == 2 && !(align & 1))
        __builtin_memcpy(dst, src, 2);
    else if (len == 1)
        *(uint8_t *)dst = *(const volatile uint8_t *)src;
    else
        memcpy(dst, src, len);
}

static void note_unassigned(struct address_space *as, uint64_t gpa, unsigned size, bool write,
                            uint64_t val)
{
    if (as->unassigned)
        as->unassigned(as->unassigned_arg, gpa, size, write, val);
}

/* How much of [gpa, gpa+len) is handled in one go: the section, and its share. */
static uint64_t chunk_at(struct address_space *as, uint64_t gpa, uint64_t len,
                         const struct region_section **sp)
{
    const struct flat_view *v = view_of(as);
    const struct region_section *s = view_find(v, gpa);
    *sp = s;
    return s ? MIN(len, s->size - (gpa - s->base)) : gap_length(v, gpa, len);
}

bool as_read(struct address_space *as, uint64_t gpa, void *buf, uint64_t len)
{
    uint8_t *p = buf;
    bool answered = true;
    while (len) {
        const struct region_section *s;
        uint64_t n = chunk_at(as, gpa, len, &s);
        if (!s) {
            memset(p, 0xff, n);
            note_unassigned(as, gpa, (unsigned)MIN(n, 8), false, 0);
            answered = false;
        } else if (s->ram) {
            uint64_t off = s->ram_offset + (gpa - s->base);
            ram_copy(p, s->ram->host + off, n, off);
        } else {
            uint64_t off = s->offset + (gpa - s->base);
            n = piece_size(off, n);
            uint64_t v = region_read(s->region, off, (unsigned)n);
            memcpy(p, &v, n);
        }
        p += n;
        gpa += n;
        len -= n;
    }
    return answered;
}

bool as_write(struct address_space *as, uint64_t gpa, const void *buf, uint64_t len)
{
    const uint8_t *p = buf;
    bool answered = true;
    while (len) {
        const struct region_section *s;
        uint64_t n = chunk_at(as, gpa, len, &s);
        if (!s) {
            note_unassigned(as, gpa, (unsigned)MIN(n, 8), true, get_le(p, (unsigned)MIN(n, 8)));
            answered = false;
        } else if (s->ram && !s->readonly) {
            uint64_t off = s->ram_offset + (gpa - s->base);
            ram_copy(s->ram->host + off, p, n, off);
            ram_note_write(s->ram, off, n);
        } else {
            uint64_t off = s->offset + (gpa - s->base);
            n = piece_size(off, n);
            region_write(s->region, off, get_le(p, (unsigned)n), (unsigned)n);
        }
        p += n;
        gpa += n;
        len -= n;
    }
    return answered;
}

uint64_t as_io_read(struct address_space *as, uint64_t gpa, unsigned size)
{
    uint64_t v = 0;
    as_read(as, gpa, &v, size);
    return v;
}

void as_io_write(struct address_space *as, uint64_t gpa, uint64_t val, unsigned size)
{
    as_write(as, gpa, &val, size);
}

/* SPDX-License-Identifier: MIT */
/*
 * Guest memory, on its way out. Pages are copied before they are summed and written: the guest
 * may be writing to them. What it writes later is in the next round.
 */
#include <string.h>
#include <unistd.h>

#include "core/machine.h"
#include "migration/ram.h"
#include "util/error.h"
#include "util/iov.h"

static void set_all(uint64_t *bits, uint64_t n)
{
    memset(bits, 0xff, n / 64 * 8);
    if (n % 64)
        bits[n / 64] = (1ull << n % 64) - 1;
}

static void add_block(struct ram_out *r, struct ram_block *ram)
{
    struct ram_out_block *b = &r->b[r->n++];

    b->ram = ram;
    b->pages = ram->size / FORMAT_PAGE;
    b->todo = g_new0(uint64_t, (b->pages + 63) / 64);
    r->total += ram->size;
    if (!r->watch)
        set_all(b->todo, b->pages);
    if (!r->flat)
        return;
    b->sums = g_new(uint32_t, b->pages);
    for (uint64_t i = 0; i < b->pages; i++)
        b->sums[i] = SUM_OF_ZEROS;
}

void ram_out_begin(struct ram_out *r, struct machine *m, struct wire *s, bool watch)
{
    r->m = m;
    r->s = s;
    r->watch = watch;
    r->flat = wire_file(s) >= 0;
    r->b = g_new0(struct ram_out_block, m->rams->len);
    r->buf = g_malloc(FORMAT_BATCH * FORMAT_PAGE);
    for (unsigned i = 0; i < m->rams->len; i++) {
        add_block(r, m->rams->pdata[i]);
        if (watch)
            as_watch_all(&m->mem, m->rams->pdata[i]);
    }
}

void ram_out_end(struct ram_out *r)
{
    for (unsigned i = 0; i < r->n; i++) {
        if (r->watch)
            as_watch_none(&r->m->mem, r->b[i].ram);
        g_free(r->b[i].todo);
        g_free(r->b[i].sums);
    }
    g_clear_pointer(&r->b, g_free);
    g_clear_pointer(&r->buf, g_free);
    r->n = 0;
}

uint64_t ram_out_sync(struct ram_out *r)
{
    uint64_t left = 0;

    for (unsigned i = 0; i < r->n; i++) {
        struct ram_out_block *b = &r->b[i];
        g_autofree bool *dirty = r->watch ? g_new(bool, b->pages) : NULL;

        if (dirty && as_take_dirty_for(&r->m->mem, DIRTY_MIGRATION, b->ram, 0, b->ram->size, dirty))
            for (uint64_t p = 0; p < b->pages; p++)
                b->todo[p / 64] |= (uint64_t)dirty[p] << p % 64;
        for (uint64_t w = 0; w < (b->pages + 63) / 64; w++)
            left += (uint64_t)__builtin_popcountll(b->todo[w]);
    }
    return left;
}

/* ---- One batch ------------------------------------------------------------------------ */

struct batch {
    unsigned n, full; /* pages; those that are not zeros */
    uint64_t page[FORMAT_BATCH];
};

static bool take_todo(struct ram_out_block *b, uint64_t page)
{
    uint64_t bit = 1ull << page % 64, *w = &b->todo[page / 64];
    bool was = *w & bit;

    *w &= ~bit;
    return was;
}

/* From *next on; copies what is not zeros into the buffer. */
static void collect(struct ram_out *r, struct ram_out_block *b, uint64_t *next, struct batch *t)
{
    t->n = t->full = 0;
    for (; *next < b->pages && t->n < FORMAT_BATCH; ++*next) {
        if (*next % 64 == 0 && !b->todo[*next / 64]) {
            *next += 63;
            continue;
        }
        if (!take_todo(b, *next))
            continue;
        uint8_t *to = r->buf + (size_t)t->full * FORMAT_PAGE;
        memcpy(to, b->ram->host + *next * FORMAT_PAGE, FORMAT_PAGE);
        bool zero = buffer_is_zero(to, FORMAT_PAGE);
        t->page[t->n++] = *next | (zero ? PAGE_ZERO : 0);
        t->full += !zero;
    }
}

static void count(struct ram_out *r, uint64_t zero, uint64_t normal, uint64_t bytes)
{
    __atomic_fetch_add(&r->zero, zero, __ATOMIC_RELAXED);
    __atomic_fetch_add(&r->normal, normal, __ATOMIC_RELAXED);
    __atomic_fetch_add(&r->sent, bytes, __ATOMIC_RELAXED);
}

/* ---- PAGE records --------------------------------------------------------------------- */

static bool send_batch(struct ram_out *r, unsigned block, const struct batch *t, GError **err)
{
    uint8_t head[8 + 8 * FORMAT_BATCH];
    size_t len = 8 + 8 * (size_t)t->n, data = (size_t)t->full * FORMAT_PAGE;

    put32(head, block);
    put32(head + 4, t->n);
    for (unsigned i = 0; i < t->n; i++)
        put64(head + 8 + 8 * i, t->page[i]);
    /* The sum of the whole payload is wanted in one piece: entries go before the pages. */
    g_autofree uint8_t *whole = g_malloc(len + data);
    memcpy(whole, head, len);
    memcpy(whole + len, r->buf, data);
    r->records++;
    count(r, t->n - t->full, t->full, len + data + FORMAT_RECORD);
    return record_write(r->s, TAG_PAGE, whole, len + data, err);
}

/* ---- FLAT records --------------------------------------------------------------------- */

bool ram_out_layout(struct ram_out *r, GError **err)
{
    for (unsigned i = 0; r->flat && i < r->n; i++) {
        struct ram_out_block *b = &r->b[i];
        uint64_t head = wire_pos(r->s) + FORMAT_RECORD + 16;
        uint64_t pad = -head & (FORMAT_PAGE - 1);
        uint8_t payload[16];

        b->flat_at = head + pad;
        put32(payload, i);
        put32(payload + 4, 0);
        put64(payload + 8, b->ram->size);
        r->records++;
        if (!record_begin(r->s, TAG_FLAT, 16 + pad + b->ram->size, crc32c(payload, 16), err) ||
            !wire_write(r->s, payload, 16, err))
            return false;
        if (ftruncate(wire_file(r->s), (off_t)(b->flat_at + b->ram->size)) < 0)
            return error_set(err, "cannot make the file so long: %s", g_strerror(errno));
        wire_seek(r->s, b->flat_at + b->ram->size);
    }
    return true;
}

static bool write_at(struct ram_out *r, uint64_t at, const void *buf, size_t len, GError **err)
{
    uint64_t back = wire_pos(r->s);

    wire_seek(r->s, at);
    bool ok = wire_write(r->s, buf, len, err);
    wire_seek(r->s, back);
    return ok;
}

static bool place_zero(struct ram_out *r, struct ram_out_block *b, uint64_t page, GError **err)
{
    static const uint8_t zeros[FORMAT_PAGE];

    if (b->sums[page] == SUM_OF_ZEROS)
        return true;
    b->sums[page] = SUM_OF_ZEROS;
    return write_at(r, b->flat_at + page * FORMAT_PAGE, zeros, FORMAT_PAGE, err);
}

/* Pages that follow one another go in one piece. */
static bool place_batch(struct ram_out *r, struct ram_out_block *b, const struct batch *t,
                        GError **err)
{
    unsigned copy = 0;

    for (unsigned i = 0; i < t->n;) {
        uint64_t page = t->page[i] & ~PAGE_ZERO;
        unsigned run = 0;

        if (t->page[i++] & PAGE_ZERO) {
            if (!place_zero(r, b, page, err))
                return false;
            continue;
        }
        do
            b->sums[page + run] = crc32c(r->buf + (size_t)(copy + run) * FORMAT_PAGE, FORMAT_PAGE);
        while (++run && i < t->n && t->page[i] == page + run && ++i);
        if (!write_at(r, b->flat_at + page * FORMAT_PAGE, r->buf + (size_t)copy * FORMAT_PAGE,
                      (size_t)run * FORMAT_PAGE, err))
            return false;
        copy += run;
    }
    count(r, t->n - t->full, t->full, (uint64_t)t->full * FORMAT_PAGE);
    return true;
}

bool ram_out_sums(struct ram_out *r, GError **err)
{
    for (unsigned i = 0; r->flat && i < r->n; i++) {
        struct ram_out_block *b = &r->b[i];
        g_autoptr(GByteArray) bytes = g_byte_array_new();

        g_byte_array_set_size(bytes, (guint)(8 + 4 * b->pages));
        put32(bytes->data, i);
        put32(bytes->data + 4, 0);
        memcpy(bytes->data + 8, b->sums, 4 * b->pages);
        r->records++;
        if (!record_write(r->s, TAG_SUMS, bytes->data, bytes->len, err))
            return false;
    }
    return true;
}

/* ---- A round -------------------------------------------------------------------------- */

bool ram_out_round(struct ram_out *r, GError **err)
{
    struct batch t;

    for (unsigned i = 0; i < r->n; i++) {
        struct ram_out_block *b = &r->b[i];

        for (uint64_t next = 0; next < b->pages;) {
            uint64_t before = r->sent;
            collect(r, b, &next, &t);
            if (!t.n)
                continue;
            if (!(r->flat ? place_batch(r, b, &t, err) : send_batch(r, i, &t, err)) ||
                (r->progress && !r->progress(r->arg, r->sent - before, err)))
                return false;
        }
    }
    return true;
}

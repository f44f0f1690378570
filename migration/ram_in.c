/* SPDX-License-Identifier: MIT */
/*
 * Guest memory, on its way in. Everything that a record says is checked before it is used; with
 * `apply` off nothing else happens.
 *
 * Lazy: a flat file is mapped, so a page is read when it is first touched. What the pages should
 * be is kept for lazy.c, which checks them while the machine runs.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/machine.h"
#include "migration/ram.h"
#include "util/error.h"
#include "util/iov.h"

void ram_in_begin(struct ram_in *r, struct machine *m, struct wire *s, bool apply, bool lazy)
{
    *r = (struct ram_in){.m = m, .s = s, .apply = apply, .lazy = lazy};
    r->flat_at = g_new0(uint64_t, m->rams->len);
    r->sums = g_new0(uint32_t *, m->rams->len);
    r->buf = g_malloc(FORMAT_BATCH * FORMAT_PAGE);
    for (unsigned i = 0; apply && i < m->rams->len; i++)
        ram_block_clear(m->rams->pdata[i]);
}

void ram_in_end(struct ram_in *r)
{
    for (unsigned i = 0; r->sums && i < r->m->rams->len; i++)
        g_free(r->sums[i]);
    g_clear_pointer(&r->sums, g_free);
    g_clear_pointer(&r->flat_at, g_free);
    g_clear_pointer(&r->buf, g_free);
}

static struct ram_block *block_at(struct ram_in *r, uint32_t n, GError **err)
{
    if (n < r->m->rams->len)
        return r->m->rams->pdata[n];
    error_set(err, "it has a page of memory block %u, which this machine lacks", n);
    return NULL;
}

/* ---- PAGE ----------------------------------------------------------------------------- */

static bool place(struct ram_in *r, struct ram_block *ram, uint64_t entry, const uint8_t *data,
                  GError **err)
{
    uint64_t page = entry & ~PAGE_ZERO;

    if (page >= ram->size / FORMAT_PAGE)
        return error_set(err, "memory block '%s' has no page %" G_GUINT64_FORMAT, ram->name, page);
    if (!r->apply)
        return true;
    if (data)
        memcpy(ram->host + page * FORMAT_PAGE, data, FORMAT_PAGE);
    else if (!buffer_is_zero(ram->host + page * FORMAT_PAGE, FORMAT_PAGE))
        memset(ram->host + page * FORMAT_PAGE, 0, FORMAT_PAGE);
    return true;
}

static bool take_pages(struct ram_in *r, const GByteArray *p, GError **err)
{
    uint32_t n = p->len >= 8 ? get32(p->data + 4) : 0;
    uint64_t at = 8 + 8 * (uint64_t)n;

    if (!n || n > FORMAT_BATCH || at > p->len)
        return error_set(err, "a PAGE record has %u pages", n);
    struct ram_block *ram = block_at(r, get32(p->data), err);
    for (uint32_t i = 0; ram && i < n; i++) {
        uint64_t entry = get64(p->data + 8 + 8 * i);
        bool zero = entry & PAGE_ZERO;
        if (!zero && p->len - at < FORMAT_PAGE)
            return error_set(err, "a PAGE record is too short");
        if (!place(r, ram, entry, zero ? NULL : p->data + at, err))
            return false;
        at += zero ? 0 : FORMAT_PAGE;
    }
    if (ram && at != p->len)
        return error_set(err, "a PAGE record is too long");
    return ram != NULL;
}

/* ---- FLAT ----------------------------------------------------------------------------- */

static bool flat_head(struct ram_in *r, const struct record *rec, unsigned *block, GError **err)
{
    uint64_t head = wire_pos(r->s) + 16, pad = -head & (FORMAT_PAGE - 1);
    uint8_t h[16];

    if (!wire_read(r->s, h, 16, err))
        return false;
    if (crc32c(h, 16) != rec->sum || get32(h + 4))
        return error_set(err, "the head of a FLAT record is damaged");
    struct ram_block *ram = block_at(r, get32(h), err);
    if (!ram)
        return false;
    if (get64(h + 8) != ram->size || rec->length != 16 + pad + ram->size)
        return error_set(err, "memory block '%s' has another size", ram->name);
    *block = ram->index;
    if (r->flat_at[*block])
        return error_set(err, "memory block '%s' comes twice", ram->name);
    r->flat_at[*block] = head + pad;
    return true;
}

/* What is between the head and the block, and without a file the block itself. */
static bool pass_flat(struct ram_in *r, struct ram_block *ram, GError **err)
{
    uint64_t at = r->flat_at[ram->index], pad = at - wire_pos(r->s);

    if (wire_file(r->s) >= 0) {
        wire_seek(r->s, at + ram->size);
        return true;
    }
    if (!wire_read(r->s, r->buf, pad, err))
        return false;
    r->sums[ram->index] = g_new(uint32_t, ram->size / FORMAT_PAGE);
    for (uint64_t page = 0; page < ram->size / FORMAT_PAGE; page++) {
        if (!wire_read(r->s, r->buf, FORMAT_PAGE, err))
            return false;
        r->sums[ram->index][page] = crc32c(r->buf, FORMAT_PAGE);
        bool zero = r->sums[ram->index][page] == SUM_OF_ZEROS;
        if (!place(r, ram, page | (zero ? PAGE_ZERO : 0), zero ? NULL : r->buf, err))
            return false;
    }
    return true;
}

static bool take_flat(struct ram_in *r, const struct record *rec, GError **err)
{
    unsigned block = 0;

    return flat_head(r, rec, &block, err) && pass_flat(r, r->m->rams->pdata[block], err);
}

/* ---- SUMS ----------------------------------------------------------------------------- */

static bool bad_page(const struct ram_block *ram, uint64_t page, GError **err)
{
    return error_set(err,
                     "it is damaged: page %" G_GUINT64_FORMAT " of memory block '%s' is not "
                     "what was saved",
                     page, ram->name);
}

static bool check_pages(struct ram_in *r, struct ram_block *ram, const uint8_t *sums, uint64_t from,
                        uint64_t n, GError **err)
{
    for (uint64_t i = 0; i < n; i++) {
        const uint8_t *p = r->buf + i * FORMAT_PAGE;
        if (crc32c(p, FORMAT_PAGE) != get32(sums + 4 * (from + i)))
            return bad_page(ram, from + i, err);
        if (r->apply && get32(sums + 4 * (from + i)) != SUM_OF_ZEROS)
            memcpy(ram->host + (from + i) * FORMAT_PAGE, p, FORMAT_PAGE);
    }
    return true;
}

/* A hole reads as zeros, so zeros are what must have been saved. */
static bool check_hole(struct ram_block *ram, const uint8_t *sums, uint64_t from, uint64_t to,
                       GError **err)
{
    for (; from < to; from++)
        if (get32(sums + 4 * from) != SUM_OF_ZEROS)
            return bad_page(ram, from, err);
    return true;
}

/* The first page from `from` on of which the file has something. */
static uint64_t next_data(struct ram_in *r, uint64_t at, uint64_t from, uint64_t pages)
{
    off_t data = lseek(wire_file(r->s), (off_t)(at + from * FORMAT_PAGE), SEEK_DATA);

    if (data < 0)
        return errno == ENXIO ? pages : from;
    return CLAMP(((uint64_t)data - at) / FORMAT_PAGE, from, pages);
}

static bool read_block(struct ram_in *r, struct ram_block *ram, const uint8_t *sums, GError **err)
{
    uint64_t pages = ram->size / FORMAT_PAGE, at = r->flat_at[ram->index], n;
    uint64_t back = wire_pos(r->s);
    bool ok = true;

    for (uint64_t page = 0; ok && page < pages; page += n) {
        uint64_t data = next_data(r, at, page, pages);
        ok = check_hole(ram, sums, page, data, err);
        page = data;
        n = MIN(FORMAT_BATCH, pages - page);
        wire_seek(r->s, at + page * FORMAT_PAGE);
        ok = ok && wire_read(r->s, r->buf, n * FORMAT_PAGE, err) &&
             check_pages(r, ram, sums, page, n, err);
    }
    wire_seek(r->s, back);
    return ok;
}

static bool compare_sums(const struct ram_block *ram, const uint32_t *got, const uint8_t *sums,
                         GError **err)
{
    for (uint64_t page = 0; page < ram->size / FORMAT_PAGE; page++)
        if (got[page] != get32(sums + 4 * page))
            return bad_page(ram, page, err);
    return true;
}

static bool take_sums(struct ram_in *r, const GByteArray *p, GError **err)
{
    struct ram_block *ram = p->len >= 8 ? block_at(r, get32(p->data), err) : NULL;

    if (!ram)
        return err && *err ? false : error_set(err, "a SUMS record is too short");
    if (get32(p->data + 4) || p->len != 8 + 4 * (ram->size / FORMAT_PAGE))
        return error_set(err, "a SUMS record of memory block '%s' has another size", ram->name);
    if (!r->flat_at[ram->index])
        return error_set(err, "a SUMS record of memory block '%s' comes without the block",
                         ram->name);
    if (r->sums[ram->index] && wire_file(r->s) < 0)
        return compare_sums(ram, r->sums[ram->index], p->data + 8, err);
    if (r->sums[ram->index])
        return error_set(err, "the checksums of memory block '%s' come twice", ram->name);
    r->sums[ram->index] = g_memdup2(p->data + 8, p->len - 8);
    return r->lazy || read_block(r, ram, p->data + 8, err);
}

/* ---- All ------------------------------------------------------------------------------ */

bool ram_in_record(struct ram_in *r, const struct record *rec, GError **err)
{
    if (rec->tag == TAG_FLAT)
        return take_flat(r, rec, err);
    uint64_t max = rec->tag == TAG_PAGE ? 8 + FORMAT_BATCH * (8 + FORMAT_PAGE) : FORMAT_MAX_STATE;
    g_autoptr(GByteArray) p = record_read(r->s, rec, max, err);
    return p && (rec->tag == TAG_PAGE ? take_pages(r, p, err) : take_sums(r, p, err));
}

bool ram_in_complete(struct ram_in *r, GError **err)
{
    for (unsigned i = 0; i < r->m->rams->len; i++) {
        struct ram_block *ram = r->m->rams->pdata[i];
        if (r->flat_at[i] && !r->sums[i])
            return error_set(err, "the checksums of memory block '%s' are missing", ram->name);
        if (r->lazy && r->apply && r->flat_at[i] &&
            !ram_block_map_file(ram, wire_file(r->s), r->flat_at[i], err))
            return false;
    }
    return true;
}

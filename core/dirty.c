/* SPDX-License-Identifier: MIT */
/*
 * The dirty log: which pages of a RAM block were written since somebody last asked.
 *
 * RAM_CLEAN of a page says "not written since". Whoever stores without a vCPU clears it
 * (ram_note_write); a software CPU clears it when it first gets a translation to store through,
 * so taking the log has it drop those translations (watch_dirty); hardware keeps a log of its own,
 * which is fetched first (sync_dirty).
 *
 * Whoever takes a dirty page notes it in the `missed` bits of the other users.
 */
#include "core/region.h"

static void fetch_logs(struct address_space *as, const struct ram_block *ram, uint64_t off,
                       uint64_t len)
{
    for (unsigned i = 0; i < as->listeners->len; i++) {
        struct region_listener *l = as->listeners->pdata[i];

        for (unsigned n = 0; l->sync_dirty && n < as->view->n; n++) {
            const struct region_section *s = &as->view->s[n];

            if (s->ram == ram && s->ram_offset < off + len && off < s->ram_offset + s->size)
                l->sync_dirty(l, s);
        }
    }
}

static bool test_and_clear(uint64_t *bits, uint64_t page)
{
    uint64_t bit = 1ull << (page & 63), was = bits[page >> 6] & bit;

    bits[page >> 6] &= ~bit;
    return was != 0;
}

static bool take_page(struct ram_block *ram, enum dirty_user user, uint64_t page)
{
    uint8_t before = __atomic_fetch_or(&ram->flags[page], RAM_CLEAN, __ATOMIC_SEQ_CST);
    bool written = !(before & RAM_CLEAN);

    for (unsigned u = 0; written && u < DIRTY_USERS; u++)
        if (u != user && ram->missed[u])
            ram->missed[u][page >> 6] |= 1ull << (page & 63);
    return (ram->missed[user] && test_and_clear(ram->missed[user], page)) || written;
}

bool as_take_dirty_for(struct address_space *as, enum dirty_user user, struct ram_block *ram,
                       uint64_t off, uint64_t len, bool *dirty)
{
    bool any = false;

    if (!len)
        return false;
    fetch_logs(as, ram, off, len);
    uint64_t first = off >> RAM_PAGE_BITS, last = (off + len - 1) >> RAM_PAGE_BITS;
    for (uint64_t page = first; page <= last; page++)
        any |= dirty[page - first] = take_page(ram, user, page);
    for (unsigned i = 0; any && i < as->listeners->len; i++) {
        struct region_listener *l = as->listeners->pdata[i];

        if (l->watch_dirty)
            l->watch_dirty(l, ram, off, len);
    }
    return any;
}

/* ---- Migration ------------------------------------------------------------------------ */

static void log_changed(struct address_space *as, const struct ram_block *ram)
{
    for (unsigned i = 0; i < as->listeners->len; i++) {
        struct region_listener *l = as->listeners->pdata[i];

        for (unsigned n = 0; l->log_changed && n < as->view->n; n++)
            if (as->view->s[n].ram == ram)
                l->log_changed(l, &as->view->s[n]);
    }
}

static void set_log(struct address_space *as, struct ram_block *ram, bool on)
{
    if (ram->log_dirty == on)
        return;
    ram->log_dirty = on;
    log_changed(as, ram);
}

static uint64_t *bits_new(const struct ram_block *ram)
{
    return g_new0(uint64_t, ((ram->size >> RAM_PAGE_BITS) + 63) / 64);
}

void as_watch_all(struct address_space *as, struct ram_block *ram)
{
    uint64_t pages = ram->size >> RAM_PAGE_BITS;

    if (ram->log_dirty && !ram->missed[DIRTY_DISPLAY])
        ram->missed[DIRTY_DISPLAY] = bits_new(ram);
    ram->missed[DIRTY_MIGRATION] = bits_new(ram);
    for (uint64_t page = 0; page < pages; page++)
        ram->missed[DIRTY_MIGRATION][page >> 6] |= 1ull << (page & 63);
    set_log(as, ram, true);
}

/* A block with a log for its display keeps it, and what the display has missed. */
void as_watch_none(struct address_space *as, struct ram_block *ram)
{
    g_clear_pointer(&ram->missed[DIRTY_MIGRATION], g_free);
    if (!ram->missed[DIRTY_DISPLAY])
        set_log(as, ram, false);
}

bool as_dirty_needs_polling(const struct address_space *as)
{
    for (unsigned i = 0; i < as->listeners->len; i++)
        if (((struct region_listener *)as->listeners->pdata[i])->sync_dirty)
            return true;
    return false;
}

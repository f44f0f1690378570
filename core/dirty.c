/* SPDX-License-Identifier: MIT */
/*
 * The dirty log: which pages of a RAM block were written since somebody last asked.
 *
 * RAM_CLEAN of a page says "not written since". Whoever stores without a vCPU clears it
 * (ram_note_write); a software CPU clears it when it first gets a translation to store through,
 * so taking the log has it drop those translations (watch_dirty); hardware keeps a log of its own,
 * which is fetched first (sync_dirty).
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

static bool take_page(struct ram_block *ram, uint64_t page)
{
    return !(__atomic_fetch_or(&ram->flags[page], RAM_CLEAN, __ATOMIC_SEQ_CST) & RAM_CLEAN);
}

bool as_take_dirty(struct address_space *as, struct ram_block *ram, uint64_t off, uint64_t len,
                   bool *dirty)
{
    bool any = false;

    if (!len)
        return false;
    fetch_logs(as, ram, off, len);
    uint64_t first = off >> RAM_PAGE_BITS, last = (off + len - 1) >> RAM_PAGE_BITS;
    for (uint64_t page = first; page <= last; page++)
        any |= dirty[page - first] = take_page(ram, page);
    for (unsigned i = 0; any && i < as->listeners->len; i++) {
        struct region_listener *l = as->listeners->pdata[i];

        if (l->watch_dirty)
            l->watch_dirty(l, ram, off, len);
    }
    return any;
}

bool as_dirty_needs_polling(const struct address_space *as)
{
    for (unsigned i = 0; i < as->listeners->len; i++)
        if (((struct region_listener *)as->listeners->pdata[i])->sync_dirty)
            return true;
    return false;
}

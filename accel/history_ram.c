/* SPDX-License-Identifier: MIT */
/* A shadow copy of RAM, and pages that differ from it. */
#include "accel/history.h"

#include <string.h>
#include <sys/mman.h>

#include "core/machine.h"

struct page {
    uint32_t block;
    uint64_t off;
    uint8_t data[RAM_PAGE_SIZE];
};

struct shadow {
    struct ram_block *ram;
    uint8_t *copy;
    bool *dirty; /* may differ from RAM */
    bool logged; /* DIRTY_HISTORY tells of stores; else all pages may differ */
};

struct history_ram {
    struct machine *machine;
    unsigned n;
    struct shadow shadow[];
};

static uint8_t *map(uint64_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    g_assert(p != MAP_FAILED);
    return p;
}

static uint64_t pages(const struct ram_block *ram)
{
    return ram->size >> RAM_PAGE_BITS;
}

/* Which pages may have been written since the last time. */
static void collect(struct history_ram *r, struct shadow *s)
{
    if (!s->logged) {
        memset(s->dirty, true, pages(s->ram));
        return;
    }
    g_autofree bool *now = g_new0(bool, pages(s->ram));
    as_take_dirty_for(&r->machine->mem, DIRTY_HISTORY, s->ram, 0, s->ram->size, now);
    for (uint64_t n = 0; n < pages(s->ram); n++)
        s->dirty[n] |= now[n];
}

/* Call fn for each page that differs. */
static void each_difference(struct history_ram *r,
                            void (*fn)(struct shadow *, unsigned block, uint64_t off, void *arg),
                            void *arg)
{
    for (unsigned b = 0; b < r->n; b++) {
        struct shadow *s = &r->shadow[b];

        collect(r, s);
        for (uint64_t n = 0; n < pages(s->ram); n++) {
            uint64_t off = n << RAM_PAGE_BITS;

            if (s->dirty[n] && memcmp(s->copy + off, s->ram->host + off, RAM_PAGE_SIZE) != 0)
                fn(s, b, off, arg);
        }
        memset(s->dirty, false, pages(s->ram));
    }
}

static void keep_page(struct shadow *s, unsigned block, uint64_t off, void *old)
{
    if (old) {
        struct page *p = g_new(struct page, 1);

        p->block = block;
        p->off = off;
        memcpy(p->data, s->copy + off, RAM_PAGE_SIZE);
        g_ptr_array_add(old, p);
    }
    memcpy(s->copy + off, s->ram->host + off, RAM_PAGE_SIZE);
}

void history_ram_keep(struct history_ram *r, GPtrArray *old)
{
    each_difference(r, keep_page, old);
}

static void revert_page(struct shadow *s, unsigned block, uint64_t off, void *arg)
{
    memcpy(s->ram->host + off, s->copy + off, RAM_PAGE_SIZE);
    ram_note_write(s->ram, off, RAM_PAGE_SIZE);
}

void history_ram_revert(struct history_ram *r)
{
    each_difference(r, revert_page, NULL);
}

void history_ram_swap(struct history_ram *r, GPtrArray *list)
{
    for (unsigned i = 0; i < list->len; i++) {
        struct page *p = list->pdata[i];
        struct shadow *s = &r->shadow[p->block];
        uint8_t data[RAM_PAGE_SIZE];

        memcpy(data, s->copy + p->off, RAM_PAGE_SIZE);
        memcpy(s->copy + p->off, p->data, RAM_PAGE_SIZE);
        memcpy(p->data, data, RAM_PAGE_SIZE);
        memcpy(s->ram->host + p->off, s->copy + p->off, RAM_PAGE_SIZE);
        ram_note_write(s->ram, p->off, RAM_PAGE_SIZE);
    }
}

struct history_ram *history_ram_new(struct machine *m)
{
    struct history_ram *r = g_malloc0(sizeof(*r) + m->rams->len * sizeof(r->shadow[0]));

    r->machine = m;
    r->n = m->rams->len;
    for (unsigned b = 0; b < r->n; b++) {
        struct ram_block *ram = m->rams->pdata[b];

        /* A display's log is the display's alone until a machine moves. */
        r->shadow[b] = (struct shadow){ram, map(ram->size), g_new0(bool, pages(ram)),
                                       !ram->log_dirty};
        if (!ram->log_dirty)
            ram->missed[DIRTY_HISTORY] = g_new0(uint64_t, pages(ram) / 64 + 1);
        memset(r->shadow[b].dirty, true, pages(ram));
    }
    history_ram_keep(r, NULL);
    return r;
}

void history_ram_free(struct history_ram *r)
{
    for (unsigned b = 0; r && b < r->n; b++) {
        munmap(r->shadow[b].copy, r->shadow[b].ram->size);
        g_clear_pointer(&r->shadow[b].ram->missed[DIRTY_HISTORY], g_free);
        g_free(r->shadow[b].dirty);
    }
    g_free(r);
}

bool history_ram_fits(const struct history_ram *r)
{
    bool same = r->n == r->machine->rams->len;

    for (unsigned b = 0; same && b < r->n; b++)
        same = r->shadow[b].ram == r->machine->rams->pdata[b];
    return same;
}

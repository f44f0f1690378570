/* SPDX-License-Identifier: MIT */
/*
 * Memory of the two sides. The machine's memory map, as far as it is RAM, is laid out in both
 * bare machines; side a shows the machine's own bytes, side b has a copy.
 *
 * The machine's blocks are marked as if they held decoded code, all of them: so whoever writes to
 * them through the machine's address space tells (ram_block.code_written). The processor never
 * does: it has the address space of its side. What is told are the devices' writes and the
 * monitor's, to be copied to b; a's processor is told in turn.
 *
 * A device's store may come right after it is told, so it is copied later: when the access that
 * caused it is over (then b gets it after the same access), or at the end of the step.
 */
#include "accel/compare/compare.h"

#include <string.h>

/* A RAM section as a side has it. */
struct piece {
    struct region region;
    struct side *side;
    uint64_t base;
};

struct map {
    unsigned n;
    struct region_section s[]; /* the machine's RAM sections; .region is not looked at */
};

/* ---- Blocks ---------------------------------------------------------------------------------- */

static void add_dma(struct compare *c, struct ram_block *ram, uint64_t off, uint64_t len)
{
    g_mutex_lock(&c->dma_lock);
    struct dma *last = c->dma->len ? &g_array_index(c->dma, struct dma, c->dma->len - 1) : NULL;
    if (last && last->ram == ram && last->off + last->len == off)
        last->len += len;
    else
        g_array_append_val(c->dma, ((struct dma){ram, off, len}));
    g_mutex_unlock(&c->dma_lock);
}

/* ram_block.code_written of the machine's blocks. Any thread. */
static void written(void *arg, struct ram_block *ram, uint64_t off, uint64_t len)
{
    struct compare *c = arg;

    add_dma(c, ram, off, len);
    ram_note_write(c->side[SIDE_A].rams->pdata[ram->index], off, len);
}

static void watch_block(struct compare *c, struct ram_block *ram)
{
    ram->code_arg = c;
    __atomic_store_n(&ram->code_written, written, __ATOMIC_RELEASE);
    for (uint64_t page = 0; page < ram->size >> RAM_PAGE_BITS; page++)
        __atomic_fetch_or(&ram->flags[page], RAM_CODE, __ATOMIC_RELAXED);
}

static void unwatch_block(struct ram_block *ram)
{
    ram->code_written = NULL;
    for (uint64_t page = 0; page < ram->size >> RAM_PAGE_BITS; page++)
        __atomic_fetch_and(&ram->flags[page], (uint8_t)~RAM_CODE, __ATOMIC_RELAXED);
}

/* The side's block for one of the machine's. */
static struct ram_block *side_ram(struct side *s, struct ram_block *ram)
{
    GError *err = NULL;
    struct ram_block *own;

    if (s->rams->len <= ram->index)
        g_ptr_array_set_size(s->rams, (int)ram->index + 1);
    own = s->rams->pdata[ram->index];
    if (own)
        return own;
    own = s->index == SIDE_A ? ram_block_alias(ram, &err)
                             : ram_block_new(ram->name, ram->size, &err);
    if (!own)
        g_error("%s", err->message); /* ends the process: there is no memory */
    machine_add_ram(s->machine, own);
    s->rams->pdata[ram->index] = own;
    if (s->index == SIDE_A) {
        watch_block(s->compare, ram);
        s->compare->whole = false;
    }
    return own;
}

/* ---- The map of a side ----------------------------------------------------------------------- */

static uint64_t rom_read(void *dev, uint64_t off, unsigned size)
{
    return UINT64_MAX; /* reads of RAM sections do not come here */
}

static void rom_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct piece *p = dev;

    iolog_write(p->side, p->base + off, size, val);
}

static const struct region_ops rom_ops = {.read = rom_read, .write = rom_write, .max = 8};

static struct piece *new_piece(struct side *s, const struct region_section *at)
{
    struct piece *p = g_new0(struct piece, 1);

    p->side = s;
    p->base = at->base;
    region_init_ram(&p->region, at->ram->name, side_ram(s, at->ram), at->ram_offset, at->size,
                    at->readonly);
    p->region.ops = &rom_ops;
    p->region.dev = p;
    region_add(&s->machine->mem_root, at->base, &p->region, 1);
    return p;
}

/* The piece that shows this section already, taken out of the list; or NULL. */
static struct piece *take_piece(struct side *s, const struct region_section *at)
{
    const struct ram_block *ram = side_ram(s, at->ram);

    for (unsigned i = 0; i < s->pieces->len; i++) {
        struct piece *p = s->pieces->pdata[i];
        const struct region *r = &p->region;

        if (p->base == at->base && r->size == at->size && r->ram == ram &&
            r->ram_offset == at->ram_offset && r->readonly == at->readonly)
            return g_ptr_array_remove_index_fast(s->pieces, i);
    }
    return NULL;
}

/* Listeners of the old view may look at regions until the new one is there. */
static void replace_pieces(struct side *s, GPtrArray *now)
{
    GPtrArray *old = s->pieces;

    for (unsigned i = 0; i < old->len; i++)
        region_fini(&((struct piece *)old->pdata[i])->region);
    as_commit(&s->machine->mem);
    for (unsigned i = 0; i < old->len; i++)
        g_free(old->pdata[i]);
    g_ptr_array_unref(old);
    s->pieces = now;
}

static void apply(struct side *s, const struct map *map)
{
    GPtrArray *now = g_ptr_array_new();

    machine_lock(s->machine);
    as_begin(&s->machine->mem);
    for (unsigned i = 0; i < map->n; i++) {
        struct piece *p = take_piece(s, &map->s[i]);
        g_ptr_array_add(now, p ? p : new_piece(s, &map->s[i]));
    }
    replace_pieces(s, now);
    machine_unlock(s->machine);
}

static struct map *snapshot(const struct address_space *as)
{
    const struct flat_view *v = as->view;
    struct map *map = g_malloc0(sizeof(*map) + v->n * sizeof(map->s[0]));

    for (unsigned i = 0; i < v->n; i++)
        if (v->s[i].ram)
            map->s[map->n++] = v->s[i];
    return map;
}

void map_free(struct map *map)
{
    g_free(map);
}

/* The machine's map is new. From a's own access: b gets there when it makes the same access. */
static void committed(struct region_listener *l)
{
    struct compare *c = (struct compare *)((char *)l - offsetof(struct compare, listener));
    struct map *map = snapshot(&c->machine->mem);

    apply(&c->side[SIDE_A], map);
    if (c->phase == PHASE_A) {
        iolog_add(c, IO_MAP)->map = map;
        return;
    }
    apply(&c->side[SIDE_B], map);
    map_free(map);
}

/* Nobody here knows what the processor wrote: whoever asks is told "everything". */
static void sync_dirty(struct region_listener *l, const struct region_section *s)
{
    uint64_t first = s->ram_offset >> RAM_PAGE_BITS;
    uint64_t last = (s->ram_offset + s->size - 1) >> RAM_PAGE_BITS;

    for (uint64_t page = first; page <= last; page++)
        __atomic_fetch_and(&s->ram->flags[page], (uint8_t)~RAM_CLEAN, __ATOMIC_RELAXED);
}

/* ---- Copies ---------------------------------------------------------------------------------- */

static void copy_page(const uint8_t *from, struct ram_block *to, uint64_t off)
{
    if (memcmp(to->host + off, from, RAM_PAGE_SIZE) == 0)
        return; /* a page that nobody touched stays so */
    memcpy(to->host + off, from, RAM_PAGE_SIZE);
    ram_note_write(to, off, RAM_PAGE_SIZE);
}

static void clear_dma(struct compare *c)
{
    g_mutex_lock(&c->dma_lock);
    g_array_set_size(c->dma, 0);
    g_mutex_unlock(&c->dma_lock);
}

void map_copy_all(struct compare *c)
{
    GPtrArray *a = c->side[SIDE_A].rams, *b = c->side[SIDE_B].rams;

    clear_dma(c);
    for (unsigned i = 0; i < a->len; i++) {
        const struct ram_block *from = a->pdata[i];

        for (uint64_t off = 0; from && off < from->size; off += RAM_PAGE_SIZE)
            copy_page(from->host + off, b->pdata[i], off);
    }
    c->whole = true;
}

static void write_b(struct compare *c, unsigned index, uint64_t off, const void *data,
                    uint64_t len)
{
    struct ram_block *to = c->side[SIDE_B].rams->pdata[index];

    memcpy(to->host + off, data, len);
    ram_note_write(to, off, len);
}

/* What there is to copy, taken out of the list. */
static GArray *take_dma(struct compare *c)
{
    GArray *list;

    if (!__atomic_load_n(&c->dma->len, __ATOMIC_RELAXED))
        return NULL;
    g_mutex_lock(&c->dma_lock);
    list = c->dma;
    c->dma = g_array_new(FALSE, FALSE, sizeof(struct dma));
    g_mutex_unlock(&c->dma_lock);
    return list;
}

void map_copy_dma(struct compare *c)
{
    GArray *list = take_dma(c);

    for (unsigned i = 0; list && i < list->len; i++) {
        const struct dma *d = &g_array_index(list, struct dma, i);
        write_b(c, d->ram->index, d->off, d->ram->host + d->off, d->len);
    }
    if (list)
        g_array_unref(list);
}

void map_log_dma(struct compare *c)
{
    GArray *list = take_dma(c);

    for (unsigned i = 0; list && i < list->len; i++) {
        const struct dma *d = &g_array_index(list, struct dma, i);
        struct io_entry *e = iolog_add(c, IO_DMA);
        e->ram = d->ram;
        e->addr = d->off;
        e->data = g_bytes_new(d->ram->host + d->off, d->len);
    }
    if (list)
        g_array_unref(list);
}

void map_replay(struct side *s, const struct io_entry *e)
{
    size_t len;

    if (e->kind == IO_MAP) {
        apply(s, e->map);
    } else {
        const void *data = g_bytes_get_data(e->data, &len);
        write_b(s->compare, e->ram->index, e->addr, data, len);
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

void map_init(struct compare *c)
{
    c->listener = (struct region_listener){.commit = committed, .sync_dirty = sync_dirty};
    g_mutex_init(&c->dma_lock);
    c->dma = g_array_new(FALSE, FALSE, sizeof(struct dma));
    as_add_listener(&c->machine->mem, &c->listener);
}

void map_fini(struct compare *c)
{
    if (!c->dma)
        return;
    as_del_listener(&c->machine->mem, &c->listener);
    for (unsigned i = 0; i < c->machine->rams->len; i++)
        unwatch_block(c->machine->rams->pdata[i]);
    g_array_unref(c->dma);
    g_mutex_clear(&c->dma_lock);
}

void map_side_fini(struct side *s)
{
    const struct map none = {.n = 0};

    if (s->machine)
        apply(s, &none);
}

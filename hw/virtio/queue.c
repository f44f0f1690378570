/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues (VIRTIO 1.2, 2.6): buffers out of a ring and back, whatever its format.
 *
 * A buffer becomes iovecs that point into guest memory, so that disks and networks move data
 * without a copy. What is not RAM (a frame buffer, nothing at all) goes through a bounce buffer
 * of limited size. A ring's own memory must be RAM; it is looked up once per memory map.
 */
#include <assert.h>
#include <string.h>

#include "core/machine.h"
#include "hw/virtio/virtio_int.h"

enum { MAX_BOUNCE = 1 << 20, EXTRA_IOV = 64 };

static const struct virtq_format *format(const struct virtq *vq)
{
    return virtq_is_packed(vq) ? &virtq_packed : &virtq_split;
}

/* ---- The ring's memory -------------------------------------------------------------------- */

static bool find_area(struct address_space *as, struct virtq_area *a, uint64_t addr, uint64_t len,
                      uint64_t align)
{
    const struct region_section *s = as_lookup(as, addr);

    if (!s || !s->ram || s->readonly || addr % align || len > s->size - (addr - s->base))
        return false;
    a->ram = s->ram;
    a->off = s->ram_offset + (addr - s->base);
    a->host = s->ram->host + a->off;
    return true;
}

static bool find_areas(struct virtq *vq, struct address_space *as)
{
    uint64_t n = vq->size;

    if (virtq_is_packed(vq))
        return find_area(as, &vq->desc_area, vq->desc, n * VIRTQ_DESC_SIZE, 16) &&
               find_area(as, &vq->driver_area, vq->driver, 4, 4) &&
               find_area(as, &vq->device_area, vq->device, 4, 4);
    return find_area(as, &vq->desc_area, vq->desc, n * VIRTQ_DESC_SIZE, 16) &&
           find_area(as, &vq->driver_area, vq->driver, 6 + 2 * n, 2) &&
           find_area(as, &vq->device_area, vq->device, 6 + 8 * n, 4);
}

/* False without a word while the function may not master the bus. */
static bool map_ring(struct virtq *vq)
{
    struct machine *m = virtio_machine(vq->dev);
    struct address_space *as = virtio_dma(vq->dev);

    if (as == vq->mapped_as && as->generation == vq->mapped_generation)
        return true;
    if (as != &m->mem)
        return false;
    vq->mapped_as = NULL;
    if (!find_areas(vq, as)) {
        virtio_error(vq->dev, "queue %u is not in memory, or not aligned", vq->index);
        return false;
    }
    vq->mapped_as = as;
    vq->mapped_generation = as->generation;
    return true;
}

/* ---- Chains ------------------------------------------------------------------------------- */

bool virtq_chain_add(struct virtq *vq, struct virtq_chain *c, uint64_t addr, uint32_t len,
                     uint16_t flags)
{
    unsigned n = c->out_segs + c->in_segs;

    if (n >= VIRTQ_MAX_SEGS) {
        virtio_error(vq->dev, "queue %u: a chain of more than %u descriptors", vq->index,
                     VIRTQ_MAX_SEGS);
        return false;
    }
    if (addr + len < addr) {
        virtio_error(vq->dev, "queue %u: a buffer beyond all memory", vq->index);
        return false;
    }
    if (flags & VIRTQ_WRITE) {
        c->in_segs++;
    } else if (c->in_segs) {
        virtio_error(vq->dev, "queue %u: a buffer to read behind one to write", vq->index);
        return false;
    } else {
        c->out_segs++;
    }
    c->segs[n] = (struct virtq_seg){addr, len};
    return true;
}

static uint64_t le(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    memcpy(&v, p, bytes);
    return GUINT64_FROM_LE(v);
}

bool virtq_chain_add_table(struct virtq *vq, struct virtq_chain *c, uint64_t addr, uint32_t len,
                           bool linked)
{
    struct address_space *as = virtio_dma(vq->dev);
    unsigned n = len / VIRTQ_DESC_SIZE, i = 0;

    if (!vq->dev->indirect || !n || len % VIRTQ_DESC_SIZE) {
        virtio_error(vq->dev, "queue %u: a wrong indirect descriptor", vq->index);
        return false;
    }
    for (unsigned seen = 0; seen < n; seen++) {
        const uint8_t *host =
            as_ptr(as, addr + (uint64_t)i * VIRTQ_DESC_SIZE, VIRTQ_DESC_SIZE, false);
        uint8_t d[VIRTQ_DESC_SIZE];
        if (!host) {
            virtio_error(vq->dev, "queue %u: an indirect table that is not in memory", vq->index);
            return false;
        }
        memcpy(d, host, sizeof(d));
        uint16_t flags = (uint16_t)le(d + (linked ? 12 : 14), 2);
        if (flags & VIRTQ_INDIRECT) {
            virtio_error(vq->dev, "queue %u: indirect within indirect", vq->index);
            return false;
        }
        if (!virtq_chain_add(vq, c, le(d, 8), (uint32_t)le(d + 8, 4), flags))
            return false;
        if (linked && !(flags & VIRTQ_NEXT))
            return true;
        i = linked ? (unsigned)le(d + 14, 2) : i + 1;
        if (linked && i >= n)
            break;
    }
    if (linked)
        virtio_error(vq->dev, "queue %u: an indirect chain without an end", vq->index);
    return !linked;
}

/* ---- From a chain to an element ------------------------------------------------------------ */

struct mapping {
    struct iovec iov[VIRTQ_MAX_SEGS + EXTRA_IOV];
    unsigned n;
    size_t bounce; /* bytes; such pieces have no base yet */
};

static bool add_piece(struct mapping *map, void *base, size_t len)
{
    if (map->n == G_N_ELEMENTS(map->iov))
        return false;
    map->iov[map->n++] = (struct iovec){base, len};
    return true;
}

/* In RAM, in one piece per section. False: not all of it is RAM. */
static bool map_ram(struct address_space *as, struct mapping *map, const struct virtq_seg *seg,
                    bool write)
{
    uint64_t addr = seg->addr, left = seg->len;

    while (left) {
        const struct region_section *s = as_lookup(as, addr);
        if (!s || !s->ram || (write && s->readonly))
            return false;
        uint64_t in = addr - s->base, n = MIN(left, s->size - in);
        if (!add_piece(map, s->ram->host + s->ram_offset + in, n))
            return false;
        addr += n;
        left -= n;
    }
    return true;
}

static bool map_seg(struct virtq *vq, struct mapping *map, const struct virtq_seg *seg, bool write)
{
    unsigned n = map->n;

    if (map_ram(virtio_dma(vq->dev), map, seg, write))
        return true;
    map->n = n;
    map->bounce += seg->len;
    if (map->bounce <= MAX_BOUNCE && add_piece(map, NULL, seg->len))
        return true;
    virtio_error(vq->dev, "queue %u: a buffer that is not in memory", vq->index);
    return false;
}

static bool map_chain(struct virtq *vq, const struct virtq_chain *c, struct mapping *map,
                      unsigned *nout)
{
    map->n = 0;
    map->bounce = 0;
    for (unsigned i = 0; i < c->out_segs + c->in_segs; i++) {
        if (i == c->out_segs)
            *nout = map->n;
        if (!map_seg(vq, map, &c->segs[i], i >= c->out_segs))
            return false;
    }
    if (!c->in_segs)
        *nout = map->n;
    return true;
}

static bool is_bounced(const struct virtq_elem *e, const void *p)
{
    return e->bounce && (const uint8_t *)p >= e->bounce &&
           (const uint8_t *)p < e->bounce + MAX_BOUNCE;
}

/* Give bounced pieces their memory, and what the device reads its contents. */
static void fill_bounce(struct virtq_elem *e, struct iovec *iov, const struct mapping *map)
{
    struct virtio_device *v = e->vq->dev;
    const struct virtq_seg *seg = e->segs;
    uint64_t off = 0;
    uint8_t *p;

    if (!map->bounce)
        return;
    p = e->bounce = g_malloc0(map->bounce);
    for (unsigned i = 0; i < map->n; i++) {
        while (off >= seg->len) {
            seg++;
            off = 0;
        }
        if (!iov[i].iov_base) {
            iov[i].iov_base = p;
            p += iov[i].iov_len;
            v->in_dma = true;
            if (i < e->nout)
                as_read(virtio_dma(v), seg->addr + off, iov[i].iov_base, iov[i].iov_len);
            v->in_dma = false;
        }
        off += iov[i].iov_len;
    }
}

static void *make_elem(struct virtq *vq, const struct virtq_chain *c, size_t size)
{
    struct mapping map;
    unsigned nout = 0, nsegs = c->out_segs + c->in_segs;
    size_t segs_at = (size + 15) & ~(size_t)15;
    size_t iov_at = segs_at + nsegs * sizeof(struct virtq_seg);

    if (!map_chain(vq, c, &map, &nout))
        return NULL;
    uint8_t *mem = g_malloc(iov_at + map.n * sizeof(struct iovec));
    struct virtq_elem *e = memset(mem, 0, size);
    struct iovec *iov = memcpy(mem + iov_at, map.iov, map.n * sizeof(struct iovec));
    e->vq = vq;
    e->id = c->id;
    e->ndesc = c->ndesc;
    e->out_segs = c->out_segs;
    e->in_segs = c->in_segs;
    e->segs = memcpy(mem + segs_at, c->segs, nsegs * sizeof(struct virtq_seg));
    e->out = iov;
    e->nout = nout;
    e->in = iov + nout;
    e->nin = map.n - nout;
    e->out_len = iov_size(e->out, e->nout);
    e->in_len = iov_size(e->in, e->nin);
    fill_bounce(e, iov, &map);
    e->link.data = e;
    g_queue_push_tail_link(&vq->in_flight, &e->link);
    return e;
}

static void free_elem(struct virtq_elem *e)
{
    g_free(e->bounce);
    g_free(e);
}

/* ---- Pop ---------------------------------------------------------------------------------- */

static bool usable(struct virtq *vq)
{
    return vq->enabled && virtio_live(vq->dev);
}

bool virtq_ready(struct virtq *vq)
{
    if (!usable(vq))
        return false;
    if (vq->again.length)
        return true;
    if (!map_ring(vq))
        return false;
    if (format(vq)->ready(vq))
        return true;
    if (!usable(vq))
        return false;
    /* The driver may have added one before it saw that it must ring. */
    vq->silent = false;
    format(vq)->set_ringing(vq, true);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return format(vq)->ready(vq);
}

static void take_saved(struct virtq *vq, struct virtq_chain *c)
{
    struct virtq_saved *s = g_queue_pop_head(&vq->again);

    c->id = s->id;
    c->ndesc = s->ndesc;
    c->out_segs = s->out_segs;
    c->in_segs = s->in_segs;
    memcpy(c->segs, s->segs, (s->out_segs + s->in_segs) * sizeof(s->segs[0]));
    g_free(s);
}

static bool take_new(struct virtq *vq, struct virtq_chain *c)
{
    if (!vq->silent) {
        vq->silent = true;
        format(vq)->set_ringing(vq, false);
    }
    c->out_segs = c->in_segs = 0;
    return format(vq)->take(vq, c);
}

struct virtq_elem *virtq_pop(struct virtq *vq, size_t size)
{
    struct virtq_chain chain;

    assert(size >= sizeof(struct virtq_elem));
    if (!virtq_ready(vq))
        return NULL;
    /* A driver that adds buffers as fast as they are used shall not hold us for ever. */
    if (vq->running && vq->turn-- == 0) {
        vq->turn = 0;
        virtq_schedule(vq);
        return NULL;
    }
    if (vq->again.length)
        take_saved(vq, &chain);
    else if (!take_new(vq, &chain))
        return NULL;
    return make_elem(vq, &chain, size);
}

/* ---- Push --------------------------------------------------------------------------------- */

/* Data came after the pages were looked up: they are dirty, and code in them stale, now. */
static void note_written(struct address_space *as, uint64_t addr, uint64_t len)
{
    while (len) {
        const struct region_section *s = as_lookup(as, addr);
        if (!s || !s->ram)
            return;
        uint64_t in = addr - s->base, n = MIN(len, s->size - in);
        ram_note_write(s->ram, s->ram_offset + in, n);
        addr += n;
        len -= n;
    }
}

static void deliver(struct virtq_elem *e, size_t written)
{
    struct virtio_device *v = e->vq->dev;
    const struct virtq_seg *seg = e->segs + e->out_segs;
    uint64_t off = 0;

    for (unsigned i = 0; i < e->nin && written; i++) {
        size_t n = MIN(e->in[i].iov_len, written);
        while (off >= seg->len) {
            seg++;
            off = 0;
        }
        if (is_bounced(e, e->in[i].iov_base)) {
            v->in_dma = true;
            as_write(virtio_dma(v), seg->addr + off, e->in[i].iov_base, n);
            v->in_dma = false;
        } else {
            note_written(virtio_dma(v), seg->addr + off, n);
        }
        off += e->in[i].iov_len;
        written -= n;
    }
}

void virtq_push_all(struct virtq_elem *const *e, const size_t *written, unsigned n)
{
    struct virtq_used u[VIRTIO_QUEUE_MAX];
    struct virtq *vq = e[0]->vq;

    assert(n <= G_N_ELEMENTS(u));
    for (unsigned i = 0; i < n; i++) {
        size_t len = MIN(written[i], e[i]->in_len);
        u[i] = (struct virtq_used){e[i]->id, e[i]->ndesc, (uint32_t)MIN(len, UINT32_MAX)};
        g_queue_unlink(&vq->in_flight, &e[i]->link);
        deliver(e[i], len);
        free_elem(e[i]);
    }
    if (usable(vq) && map_ring(vq))
        format(vq)->put(vq, u, n);
}

void virtq_push(struct virtq_elem *e, size_t written)
{
    virtq_push_all(&e, &written, 1);
}

void virtq_unpop(struct virtq_elem *e)
{
    struct virtq *vq = e->vq;
    unsigned n = e->out_segs + e->in_segs;
    struct virtq_saved *s = g_malloc(sizeof(*s) + n * sizeof(s->segs[0]));

    *s = (struct virtq_saved){e->id, e->ndesc, e->out_segs, e->in_segs};
    memcpy(s->segs, e->segs, n * sizeof(s->segs[0]));
    g_queue_unlink(&vq->in_flight, &e->link);
    g_queue_push_head(&vq->again, s);
    free_elem(e);
}

void virtq_notify(struct virtq *vq)
{
    if (!usable(vq) || !map_ring(vq))
        return;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (format(vq)->interrupt_wanted(vq))
        virtio_interrupt(vq->dev, vq->vector, ISR_QUEUE);
}

/* ---- Calls of the handler ------------------------------------------------------------------ */

void virtq_kick(struct virtq *vq)
{
    if (!usable(vq))
        return;
    if (vq->running) {
        virtq_schedule(vq);
        return;
    }
    vq->running = true;
    vq->turn = 2u * vq->size;
    vq->handle(vq);
    vq->running = false;
}

void virtq_schedule(struct virtq *vq)
{
    vq->scheduled = true;
    g_source_set_ready_time(vq->dev->source, 0);
}

/* ---- Life --------------------------------------------------------------------------------- */

struct virtq *virtio_add_queue(struct virtio_device *v, unsigned size,
                               void (*handle)(struct virtq *vq))
{
    struct virtq *vq = g_new0(struct virtq, 1);

    assert(v->nqueues < VIRTIO_NQUEUES && size && size <= VIRTIO_QUEUE_MAX && !(size & (size - 1)));
    vq->dev = v;
    vq->index = (uint16_t)v->nqueues;
    vq->max_size = (uint16_t)size;
    vq->handle = handle;
    v->vq[v->nqueues++] = vq;
    virtq_reset(vq);
    return vq;
}

void virtq_free_saved(gpointer saved)
{
    g_free(saved);
}

void virtq_reset(struct virtq *vq)
{
    GList *l;

    while ((l = g_queue_pop_head_link(&vq->in_flight)))
        free_elem(l->data);
    g_queue_clear_full(&vq->again, virtq_free_saved);
    vq->size = vq->max_size;
    vq->vector = VIRTIO_PCI_NO_VECTOR;
    vq->enabled = false;
    vq->desc = vq->driver = vq->device = 0;
    vq->avail = vq->used = vq->signalled = 0;
    vq->avail_wrap = vq->used_wrap = true;
    vq->signalled_valid = true;
    vq->silent = vq->scheduled = false;
    vq->mapped_as = NULL;
}

void virtq_free(struct virtq *vq)
{
    virtq_reset(vq);
    g_free(vq);
}

/* SPDX-License-Identifier: MIT */
/*
 * Saved state of queues, as one field. Little-endian, per queue in order:
 *
 *   u16 size, vector, avail, used, signalled | u8 flags | u64 desc, driver, device
 *   u32 number of buffers, each: u16 id, ndesc, out_segs, in_segs, {u64 addr, u32 len}...
 *
 * The buffers are those that the device has: it gets them again where this is loaded.
 */
#include <string.h>

#include "hw/virtio/virtio_int.h"

enum { F_ENABLED = 1, F_AVAIL_WRAP = 2, F_USED_WRAP = 4, F_SIGNALLED = 8, F_SILENT = 16 };

/* ---- Saving ------------------------------------------------------------------------------- */

static void put(GByteArray *a, uint64_t v, unsigned bytes)
{
    uint64_t le = GUINT64_TO_LE(v);

    g_byte_array_append(a, (const guint8 *)&le, bytes);
}

static void put_buffer(GByteArray *a, uint16_t id, uint16_t ndesc, unsigned out_segs,
                       unsigned in_segs, const struct virtq_seg *segs)
{
    put(a, id, 2);
    put(a, ndesc, 2);
    put(a, out_segs, 2);
    put(a, in_segs, 2);
    for (unsigned i = 0; i < out_segs + in_segs; i++) {
        put(a, segs[i].addr, 8);
        put(a, segs[i].len, 4);
    }
}

static void save_queue(const struct virtq *vq, GByteArray *a)
{
    unsigned flags = (vq->enabled ? F_ENABLED : 0) | (vq->avail_wrap ? F_AVAIL_WRAP : 0) |
                     (vq->used_wrap ? F_USED_WRAP : 0) | (vq->signalled_valid ? F_SIGNALLED : 0) |
                     (vq->silent ? F_SILENT : 0);

    put(a, vq->size, 2);
    put(a, vq->vector, 2);
    put(a, vq->avail, 2);
    put(a, vq->used, 2);
    put(a, vq->signalled, 2);
    put(a, flags, 1);
    put(a, vq->desc, 8);
    put(a, vq->driver, 8);
    put(a, vq->device, 8);
    put(a, vq->in_flight.length + vq->again.length, 4);
    for (GList *l = vq->in_flight.head; l; l = l->next) {
        const struct virtq_elem *e = l->data;
        put_buffer(a, e->id, e->ndesc, e->out_segs, e->in_segs, e->segs);
    }
    for (GList *l = vq->again.head; l; l = l->next) {
        const struct virtq_saved *s = l->data;
        put_buffer(a, s->id, s->ndesc, s->out_segs, s->in_segs, s->segs);
    }
}

void virtq_save_all(struct virtio_device *v)
{
    g_byte_array_set_size(v->queue_state, 0);
    for (unsigned i = 0; i < v->nqueues; i++)
        save_queue(v->vq[i], v->queue_state);
}

/* ---- Loading ------------------------------------------------------------------------------ */

struct reader {
    const uint8_t *p;
    size_t left;
    bool bad;
};

static uint64_t get(struct reader *r, unsigned bytes)
{
    uint64_t v = 0;

    if (r->left < bytes) {
        r->bad = true;
        r->left = 0;
        return 0;
    }
    memcpy(&v, r->p, bytes);
    r->p += bytes;
    r->left -= bytes;
    return GUINT64_FROM_LE(v);
}

static bool load_buffer(struct virtq *vq, struct reader *r)
{
    uint16_t id = (uint16_t)get(r, 2), ndesc = (uint16_t)get(r, 2);
    unsigned out_segs = (unsigned)get(r, 2), in_segs = (unsigned)get(r, 2);
    unsigned n = out_segs + in_segs;

    if (r->bad || n > VIRTQ_MAX_SEGS || ndesc == 0 || ndesc > vq->size ||
        (!virtq_is_packed(vq) && id >= vq->size))
        return false;
    struct virtq_saved *s = g_malloc(sizeof(*s) + n * sizeof(s->segs[0]));
    *s = (struct virtq_saved){id, ndesc, out_segs, in_segs};
    for (unsigned i = 0; i < n; i++) {
        s->segs[i].addr = get(r, 8);
        s->segs[i].len = (uint32_t)get(r, 4);
    }
    g_queue_push_tail(&vq->again, s);
    return !r->bad;
}

static bool load_queue(struct virtq *vq, struct reader *r)
{
    virtq_reset(vq);
    vq->size = (uint16_t)get(r, 2);
    vq->vector = virtio_check_vector(vq->dev, (uint16_t)get(r, 2));
    vq->avail = (uint16_t)get(r, 2);
    vq->used = (uint16_t)get(r, 2);
    vq->signalled = (uint16_t)get(r, 2);
    unsigned flags = (unsigned)get(r, 1);
    vq->enabled = flags & F_ENABLED;
    vq->avail_wrap = flags & F_AVAIL_WRAP;
    vq->used_wrap = flags & F_USED_WRAP;
    vq->signalled_valid = flags & F_SIGNALLED;
    vq->silent = flags & F_SILENT;
    vq->desc = get(r, 8);
    vq->driver = get(r, 8);
    vq->device = get(r, 8);
    bool packed = virtq_is_packed(vq);
    if (r->bad || !vq->size || vq->size > vq->max_size ||
        (packed ? vq->avail >= vq->size || vq->used >= vq->size : (vq->size & (vq->size - 1)) != 0))
        return false;
    for (uint64_t n = get(r, 4); n; n--)
        if (!load_buffer(vq, r))
            return false;
    return !r->bad;
}

bool virtq_load_all(struct virtio_device *v)
{
    struct reader r = {v->queue_state->data, v->queue_state->len, false};
    bool ok = true;

    for (unsigned i = 0; i < v->nqueues && ok; i++)
        ok = load_queue(v->vq[i], &r);
    ok = ok && r.left == 0;
    for (unsigned i = 0; i < v->nqueues && !ok; i++)
        virtq_reset(v->vq[i]);
    g_byte_array_set_size(v->queue_state, 0);
    return ok;
}

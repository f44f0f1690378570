/* SPDX-License-Identifier: MIT */
/*
 * Packed virtqueues: VIRTIO 1.2, 2.8. One ring of descriptors
 *
 *   le64 addr, le32 len, le16 id, le16 flags
 *
 * both sides write; a wrap counter per side tells whose turn a descriptor is.
 */
#include <string.h>

#include "hw/virtio/virtio_int.h"

enum { OFF_ID = 12, OFF_FLAGS = 14, WRAP = 0x8000 };

static unsigned slot_flags(const struct virtq *vq, unsigned slot)
{
    return area_ld16(&vq->desc_area, slot * VIRTQ_DESC_SIZE + OFF_FLAGS);
}

static bool packed_ready(struct virtq *vq)
{
    unsigned flags = slot_flags(vq, vq->avail);
    bool avail = flags >> VIRTQ_AVAIL_SHIFT & 1, used = flags >> VIRTQ_USED_SHIFT & 1;

    return avail == vq->avail_wrap && used != vq->avail_wrap;
}

static uint16_t advance(const struct virtq *vq, unsigned pos, unsigned n, bool *wrap)
{
    pos += n;
    if (pos >= vq->size) {
        pos -= vq->size;
        *wrap = !*wrap;
    }
    return (uint16_t)pos;
}

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t id, flags;
};

static bool packed_take(struct virtq *vq, struct virtq_chain *c)
{
    unsigned slot = vq->avail, n = 0;
    struct desc d;
    bool ok;

    do {
        if (n == vq->size) {
            virtio_error(vq->dev, "queue %u: a chain without an end", vq->index);
            return false;
        }
        memcpy(&d, vq->desc_area.host + slot * VIRTQ_DESC_SIZE, sizeof(d));
        n++;
        slot = slot + 1 == vq->size ? 0 : slot + 1;
        if (!(d.flags & VIRTQ_INDIRECT)) {
            ok = virtq_chain_add(vq, c, d.addr, d.len, d.flags);
        } else if (n == 1 && !(d.flags & VIRTQ_NEXT)) {
            ok = virtq_chain_add_table(vq, c, d.addr, d.len, false);
        } else {
            virtio_error(vq->dev, "queue %u: a descriptor both indirect and chained", vq->index);
            ok = false;
        }
    } while (ok && (d.flags & VIRTQ_NEXT));
    c->id = d.id;
    c->ndesc = (uint16_t)n;
    vq->avail = advance(vq, vq->avail, n, &vq->avail_wrap);
    return ok;
}

static unsigned used_flags(const struct virtq *vq, const struct virtq_used *u)
{
    return (vq->used_wrap ? 1u << VIRTQ_AVAIL_SHIFT | 1u << VIRTQ_USED_SHIFT : 0) |
           (u->len ? VIRTQ_WRITE : 0);
}

/* The driver looks at them in order, so the flags of the first are what shows all: they are
 * written last. */
static void packed_put(struct virtq *vq, const struct virtq_used *u, unsigned n)
{
    unsigned first = vq->used * (unsigned)VIRTQ_DESC_SIZE, first_flags = used_flags(vq, u);
    bool wrap = vq->used_wrap;

    for (unsigned i = 0; i < n; i++) {
        unsigned at = vq->used * (unsigned)VIRTQ_DESC_SIZE;

        memcpy(vq->desc_area.host + at + 8, &u[i].len, 4);
        memcpy(vq->desc_area.host + at + OFF_ID, &u[i].id, 2);
        ram_note_write(vq->desc_area.ram, vq->desc_area.off + at, VIRTQ_DESC_SIZE);
        if (i)
            area_st16(&vq->desc_area, at + OFF_FLAGS, (uint16_t)used_flags(vq, &u[i]));
        vq->used = advance(vq, vq->used, u[i].ndesc, &vq->used_wrap);
    }
    area_st16(&vq->desc_area, first + OFF_FLAGS, (uint16_t)first_flags);
    if (vq->used_wrap != wrap)
        vq->signalled_valid = false;
}

static bool packed_interrupt_wanted(struct virtq *vq)
{
    uint16_t old = vq->signalled;
    bool valid = vq->signalled_valid;

    if (valid && old == vq->used)
        return false;
    vq->signalled = vq->used;
    vq->signalled_valid = true;
    unsigned flags = area_ld16(&vq->driver_area, EVENT_FLAGS);
    if (flags != EVENT_DESC || !(vq->dev->features & VIRTIO_F_EVENT_IDX))
        return flags != EVENT_DISABLE;
    unsigned off_wrap = area_ld16(&vq->driver_area, EVENT_OFF_WRAP);
    unsigned event = off_wrap & ~(unsigned)WRAP;
    if (!!(off_wrap & WRAP) != vq->used_wrap)
        event -= vq->size; /* of the round before */
    return !valid || virtq_event_passed((uint16_t)event, vq->used, old);
}

static void packed_set_ringing(struct virtq *vq, bool on)
{
    if (!on) {
        area_st16(&vq->device_area, EVENT_FLAGS, EVENT_DISABLE);
    } else if (vq->dev->features & VIRTIO_F_EVENT_IDX) {
        area_st16(&vq->device_area, EVENT_OFF_WRAP,
                  (uint16_t)(vq->avail | (vq->avail_wrap ? WRAP : 0)));
        area_st16(&vq->device_area, EVENT_FLAGS, EVENT_DESC);
    } else {
        area_st16(&vq->device_area, EVENT_FLAGS, EVENT_ENABLE);
    }
}

const struct virtq_format virtq_packed = {
    .ready = packed_ready,
    .take = packed_take,
    .put = packed_put,
    .interrupt_wanted = packed_interrupt_wanted,
    .set_ringing = packed_set_ringing,
};

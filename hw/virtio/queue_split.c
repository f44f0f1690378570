/* SPDX-License-Identifier: MIT */
/* Split virtqueues: VIRTIO 1.2, 2.7. */
#include <string.h>

#include "hw/virtio/virtio_int.h"

static bool event_idx(const struct virtq *vq)
{
    return vq->dev->features & VIRTIO_F_EVENT_IDX;
}

static bool split_ready(struct virtq *vq)
{
    uint16_t n = (uint16_t)(area_ld16(&vq->driver_area, AVAIL_IDX) - vq->avail);

    if (n > vq->size) {
        virtio_error(vq->dev, "queue %u: the index moved by %u, the ring has %u", vq->index, n,
                     vq->size);
        return false;
    }
    return n != 0;
}

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

/* A copy: the driver may change it while we look. */
static struct desc read_desc(const struct virtq *vq, unsigned i)
{
    struct desc d;

    memcpy(&d, vq->desc_area.host + i * VIRTQ_DESC_SIZE, sizeof(d));
    return d;
}

/* Descriptors in a row by their `next`; the last may name an indirect table. */
static bool walk(struct virtq *vq, struct virtq_chain *c, unsigned i)
{
    for (unsigned seen = 0; seen < vq->size; seen++) {
        struct desc d = read_desc(vq, i);
        if (d.flags & VIRTQ_INDIRECT) {
            if (!(d.flags & VIRTQ_NEXT))
                return virtq_chain_add_table(vq, c, d.addr, d.len, true);
            virtio_error(vq->dev, "queue %u: a descriptor both indirect and chained", vq->index);
            return false;
        }
        if (!virtq_chain_add(vq, c, d.addr, d.len, d.flags))
            return false;
        if (!(d.flags & VIRTQ_NEXT))
            return true;
        i = d.next;
        if (i >= vq->size)
            break;
    }
    virtio_error(vq->dev, "queue %u: a chain without an end", vq->index);
    return false;
}

static bool split_take(struct virtq *vq, struct virtq_chain *c)
{
    unsigned slot = vq->avail & (vq->size - 1u);

    c->id = area_ld16(&vq->driver_area, AVAIL_RING + 2 * slot);
    c->ndesc = 1;
    if (c->id >= vq->size) {
        virtio_error(vq->dev, "queue %u: descriptor %u, the ring has %u", vq->index, c->id,
                     vq->size);
        return false;
    }
    vq->avail++;
    return walk(vq, c, c->id);
}

static void split_put(struct virtq *vq, const struct virtq_used *u, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned at = USED_RING + 8 * (vq->used & (vq->size - 1u));
        uint32_t entry[2] = {u[i].id, u[i].len};

        memcpy(vq->device_area.host + at, entry, sizeof(entry));
        ram_note_write(vq->device_area.ram, vq->device_area.off + at, sizeof(entry));
        vq->used++;
    }
    area_st16(&vq->device_area, USED_IDX, vq->used);
}

static bool split_interrupt_wanted(struct virtq *vq)
{
    uint16_t old = vq->signalled;
    bool valid = vq->signalled_valid;

    if (valid && old == vq->used)
        return false;
    vq->signalled = vq->used;
    vq->signalled_valid = true;
    if (!event_idx(vq))
        return !(area_ld16(&vq->driver_area, AVAIL_FLAGS) & AVAIL_NO_INTERRUPT);
    return !valid || virtq_event_passed(area_ld16(&vq->driver_area, AVAIL_RING + 2u * vq->size),
                                        vq->used, old);
}

/* With event indices silence needs nothing: the driver passes the old index only once. */
static void split_set_ringing(struct virtq *vq, bool on)
{
    if (!event_idx(vq))
        area_st16(&vq->device_area, USED_FLAGS, on ? 0 : USED_NO_NOTIFY);
    else if (on)
        area_st16(&vq->device_area, USED_RING + 8u * vq->size, vq->avail);
}

const struct virtq_format virtq_split = {
    .ready = split_ready,
    .take = split_take,
    .put = split_put,
    .interrupt_wanted = split_interrupt_wanted,
    .set_ringing = split_set_ringing,
};

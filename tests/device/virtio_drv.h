/* SPDX-License-Identifier: MIT */
/*
 * A driver for virtio devices over PCI, for tests: a board without CPUs, a function on it set up
 * through its registers, and rings in the machine's memory, in either format.
 *
 *   guest memory  10000h per queue: descriptors, driver area, device area; from 80000h on buffers
 */
#ifndef TESTS_DEVICE_VIRTIO_DRV_H
#define TESTS_DEVICE_VIRTIO_DRV_H

#include <string.h>

#include "hw/virtio/virtio.h"
#include "tests/device/bench.h"

enum {
    DRV_BAR = 0xe0000000,
    DRV_MSIX = 0xe1000000,
    DRV_PORTS = 0xc000,
    DRV_RINGS = 0x10000,
    DRV_RING_SIZE = 0x10000,
    DRV_BUFFERS = 0x80000,
    DRV_TABLE = 0xf0000, /* an indirect one */
};

struct drv_msi {
    unsigned count[8]; /* by message data */
};

struct drv {
    struct machine *m;
    struct pci_bus bus;
    struct virtio_device *v;
    struct drv_msi msi;
    uint64_t features;
};

struct drv_queue {
    struct drv *d;
    unsigned n, size;
    bool packed, event_idx;
    uint64_t desc, driver, device;
    uint16_t next, avail, used; /* next: descriptor to be filled */
    bool wrap, used_wrap;
};

static inline void drv_msi_seen(void *arg, uint64_t addr, uint32_t data)
{
    ((struct drv *)arg)->msi.count[data & 7]++;
}

/* ---- The function --------------------------------------------------------------------------- */

static inline void drv_w(struct drv *d, unsigned off, uint64_t v, unsigned size)
{
    as_write(&d->m->mem, DRV_BAR + off, &v, size);
}
static inline uint64_t drv_r(struct drv *d, unsigned off, unsigned size)
{
    uint64_t v = 0;
    as_read(&d->m->mem, DRV_BAR + off, &v, size);
    return v;
}
static inline void drv_cfg(struct drv *d, unsigned reg, uint32_t v, unsigned size)
{
    pci_bus_config_write(&d->bus, 0, d->v->pci.devfn, reg, v, size);
}

static inline void drv_board(struct drv *d)
{
    memset(d, 0, sizeof(*d));
    d->m = bench_new();
    pci_bus_init(&d->bus, d->m, "pci.0", &d->m->mem_root, &d->m->io_root);
    d->m->pci = &d->bus;
    d->bus.msi = drv_msi_seen;
    d->bus.msi_arg = d;
}

static inline void drv_free(struct drv *d)
{
    while (d->m->devices->len)
        device_free(d->m->devices->pdata[d->m->devices->len - 1]);
    pci_bus_fini(&d->bus);
    bench_free(d->m);
}

/* BARs in their places, every MSI-X vector unmasked with its number as data. */
static inline void drv_map(struct drv *d)
{
    unsigned cap = d->v->pci.msix_cap;

    drv_cfg(d, 0x10, DRV_PORTS, 4);
    drv_cfg(d, 0x14, DRV_MSIX, 4);
    drv_cfg(d, 0x20, DRV_BAR, 4);
    drv_cfg(d, 0x24, 0, 4);
    drv_cfg(d, 4, 7, 2);
    if (!cap)
        return;
    drv_cfg(d, cap + 2u, 0x8000, 2);
    for (unsigned i = 0; i < d->v->pci.msix_n; i++) {
        const uint32_t entry[4] = {0xfee00000, 0, i, 0};
        for (unsigned k = 0; k < 4; k++)
            as_write(&d->m->mem, DRV_MSIX + i * 16 + k * 4, &entry[k], 4);
    }
}

/* Realized, with its properties set before by the caller. */
static inline void drv_plug(struct drv *d, struct device *dev)
{
    GError *err = NULL;

    d->v = (struct virtio_device *)dev;
    device_realize(dev, &err);
    g_assert_no_error(err); /* fuzzers have no Check */
    device_reset(dev);
    drv_map(d);
}

static inline uint64_t drv_offered(struct drv *d)
{
    uint64_t f;

    drv_w(d, COMMON_DEVICE_FEATURE_SELECT, 0, 4);
    f = drv_r(d, COMMON_DEVICE_FEATURE, 4);
    drv_w(d, COMMON_DEVICE_FEATURE_SELECT, 1, 4);
    return f | drv_r(d, COMMON_DEVICE_FEATURE, 4) << 32;
}

/* Up to FEATURES_OK with these of what is offered; the status afterwards. */
static inline unsigned drv_negotiate(struct drv *d, uint64_t features)
{
    d->features = features;
    drv_w(d, COMMON_STATUS, 0, 1);
    drv_w(d, COMMON_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER, 1);
    drv_w(d, COMMON_DRIVER_FEATURE_SELECT, 0, 4);
    drv_w(d, COMMON_DRIVER_FEATURE, features & 0xffffffff, 4);
    drv_w(d, COMMON_DRIVER_FEATURE_SELECT, 1, 4);
    drv_w(d, COMMON_DRIVER_FEATURE, features >> 32, 4);
    drv_w(d, COMMON_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK, 1);
    return (unsigned)drv_r(d, COMMON_STATUS, 1);
}

static inline void drv_ok(struct drv *d)
{
    drv_w(d, COMMON_CONFIG_VECTOR, 0, 2);
    drv_w(d, COMMON_STATUS, 15, 1);
}

static inline unsigned drv_status(struct drv *d)
{
    return (unsigned)drv_r(d, COMMON_STATUS, 1);
}

/* ---- Rings ---------------------------------------------------------------------------------- */

static inline void drv_queue_on(struct drv_queue *q)
{
    struct drv *d = q->d;

    drv_w(d, COMMON_QUEUE_SELECT, q->n, 2);
    drv_w(d, COMMON_QUEUE_SIZE, q->size, 2);
    drv_w(d, COMMON_QUEUE_VECTOR, q->n + 1, 2);
    drv_w(d, COMMON_QUEUE_DESC, q->desc, 4);
    drv_w(d, COMMON_QUEUE_DRIVER, q->driver, 4);
    drv_w(d, COMMON_QUEUE_DEVICE, q->device, 4);
    drv_w(d, COMMON_QUEUE_ENABLE, 1, 2);
}

static inline void drv_queue(struct drv *d, struct drv_queue *q, unsigned n, unsigned size)
{
    uint64_t at = DRV_RINGS + n * (uint64_t)DRV_RING_SIZE;

    *q = (struct drv_queue){.d = d, .n = n, .size = size, .desc = at, .driver = at + 0x4000,
                            .device = at + 0x8000, .wrap = true, .used_wrap = true,
                            .packed = d->features & VIRTIO_F_RING_PACKED,
                            .event_idx = d->features & VIRTIO_F_EVENT_IDX};
    memset(d->m->ram->host + at, 0, DRV_RING_SIZE);
    drv_queue_on(q);
}

static inline void put_desc(struct drv *d, uint64_t at, uint64_t addr, uint32_t len, uint16_t a,
                            uint16_t b)
{
    as_st64(&d->m->mem, at, addr);
    as_st32(&d->m->mem, at + 8, len);
    as_st16(&d->m->mem, at + 12, a);
    as_st16(&d->m->mem, at + 14, b);
}

struct drv_buf {
    uint64_t addr;
    uint32_t len;
    bool write;
};

/* A chain that starts at descriptor `id` (split) or comes next (packed). */
static inline void drv_add_split(struct drv_queue *q, const struct drv_buf *b, unsigned n,
                                 uint16_t id)
{
    for (unsigned i = 0; i < n; i++) {
        uint16_t at = (uint16_t)((id + i) % q->size);
        put_desc(q->d, q->desc + at * 16u, b[i].addr, b[i].len,
                 (uint16_t)((b[i].write ? VIRTQ_WRITE : 0) | (i + 1 < n ? VIRTQ_NEXT : 0)),
                 (uint16_t)((at + 1) % q->size));
    }
    as_st16(&q->d->m->mem, q->driver + 4 + q->avail % q->size * 2u, id);
    as_st16(&q->d->m->mem, q->driver + 2, ++q->avail);
}

static inline void drv_add_packed(struct drv_queue *q, const struct drv_buf *b, unsigned n,
                                  uint16_t id)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned own = q->wrap ? 1u << VIRTQ_AVAIL_SHIFT : 1u << VIRTQ_USED_SHIFT;
        put_desc(q->d, q->desc + q->avail * 16u, b[i].addr, b[i].len, id,
                 (uint16_t)(own | (b[i].write ? VIRTQ_WRITE : 0) | (i + 1 < n ? VIRTQ_NEXT : 0)));
        if (++q->avail == q->size) {
            q->avail = 0;
            q->wrap = !q->wrap;
        }
    }
}

static inline void drv_add(struct drv_queue *q, const struct drv_buf *b, unsigned n, uint16_t id)
{
    if (q->packed)
        drv_add_packed(q, b, n, id);
    else
        drv_add_split(q, b, n, id);
}

static inline void drv_kick(struct drv_queue *q)
{
    drv_w(q->d, 0x3000 + q->n * 4, q->n, 2);
}

/* Takes the next used buffer; `ndesc` descriptors long (packed). False: there is none. */
static inline bool drv_used(struct drv_queue *q, unsigned ndesc, uint32_t *id, uint32_t *len)
{
    struct address_space *as = &q->d->m->mem;

    if (!q->packed) {
        if (as_ld16(as, q->device + 2) == q->used)
            return false;
        uint64_t at = q->device + 4 + q->used++ % q->size * 8u;
        *id = as_ld32(as, at);
        *len = as_ld32(as, at + 4);
        return true;
    }
    uint64_t at = q->desc + q->used * 16u;
    uint16_t flags = as_ld16(as, at + 14);
    if ((flags >> VIRTQ_AVAIL_SHIFT & 1) != q->used_wrap ||
        (flags >> VIRTQ_USED_SHIFT & 1) != q->used_wrap)
        return false;
    *id = as_ld16(as, at + 12);
    *len = as_ld32(as, at + 8);
    q->used = (uint16_t)(q->used + ndesc);
    if (q->used >= q->size) {
        q->used = (uint16_t)(q->used - q->size);
        q->used_wrap = !q->used_wrap;
    }
    return true;
}

#endif

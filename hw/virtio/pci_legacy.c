/* SPDX-License-Identifier: MIT */
/*
 * The legacy interface of transitional devices: VIRTIO 1.2, 4.1.4.10. Rings lie in one piece, at
 * a page number, with the size that the device has; there is no FEATURES_OK.
 */
#include "hw/virtio/virtio_int.h"

static struct virtq *selected(struct virtio_device *v)
{
    return v->queue_select < v->nqueues ? v->vq[v->queue_select] : NULL;
}

/* 2.7.2 */
static void place_ring(struct virtio_device *v, struct virtq *vq, uint32_t page)
{
    uint64_t n = vq->max_size, end;

    if (!page) { /* how such a driver gives a queue back */
        virtio_queue_reset(v, vq);
        return;
    }
    vq->desc = (uint64_t)page * LEGACY_PAGE;
    vq->driver = vq->desc + n * VIRTQ_DESC_SIZE;
    end = vq->driver + 6 + 2 * n;
    vq->device = (end + LEGACY_PAGE - 1) & ~(uint64_t)(LEGACY_PAGE - 1);
    vq->mapped_as = NULL;
    vq->enabled = true;
}

static unsigned config_at(const struct virtio_device *v)
{
    return pci_msix_enabled(&v->pci) ? LEGACY_CONFIG_MSIX : LEGACY_CONFIG;
}

static uint32_t register_read(struct virtio_device *v, unsigned off)
{
    const struct virtq *vq = selected(v);

    switch (off) {
    case LEGACY_DEVICE_FEATURES:
        return (uint32_t)virtio_offered(v);
    case LEGACY_DRIVER_FEATURES:
        return (uint32_t)v->features;
    case LEGACY_QUEUE_PFN:
        return vq && vq->enabled ? (uint32_t)(vq->desc / LEGACY_PAGE) : 0;
    case LEGACY_QUEUE_SIZE:
        return vq ? vq->max_size : 0;
    case LEGACY_QUEUE_SELECT:
        return v->queue_select;
    case LEGACY_STATUS:
        return v->status;
    case LEGACY_ISR:
        return virtio_isr_take(v);
    case LEGACY_CONFIG_VECTOR:
        return v->config_vector;
    case LEGACY_QUEUE_VECTOR:
        return vq ? vq->vector : VIRTIO_PCI_NO_VECTOR;
    }
    return 0;
}

static uint64_t legacy_read(void *dev, uint64_t off, unsigned size)
{
    struct virtio_device *v = dev;
    unsigned config = config_at(v);

    return off >= config ? virtio_config_read(v, (unsigned)off - config, size)
                         : register_read(v, (unsigned)off);
}

static void register_write(struct virtio_device *v, unsigned off, uint32_t val)
{
    struct virtq *vq = selected(v);

    switch (off) {
    case LEGACY_DRIVER_FEATURES:
        v->features = val & (uint32_t)virtio_offered(v);
        break;
    case LEGACY_QUEUE_PFN:
        if (vq)
            place_ring(v, vq, val);
        break;
    case LEGACY_QUEUE_SELECT:
        v->queue_select = (uint16_t)val;
        break;
    case LEGACY_QUEUE_NOTIFY:
        if (val < v->nqueues)
            virtq_kick(v->vq[val]);
        break;
    case LEGACY_STATUS:
        virtio_set_status(v, (uint8_t)val);
        break;
    case LEGACY_CONFIG_VECTOR:
        v->config_vector = virtio_check_vector(v, (uint16_t)val);
        break;
    case LEGACY_QUEUE_VECTOR:
        if (vq)
            vq->vector = virtio_check_vector(v, (uint16_t)val);
        break;
    }
}

static void legacy_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct virtio_device *v = dev;
    unsigned config = config_at(v);

    if (v->in_dma)
        return;
    /* A driver that has chosen the modern interface keeps to it until it resets. */
    if (!virtio_has(v, VIRTIO_F_VERSION_1))
        v->old_driver = true;
    if (off >= config)
        virtio_config_write(v, (unsigned)off - config, (uint32_t)val, size);
    else if (v->old_driver || off == LEGACY_STATUS)
        register_write(v, (unsigned)off, (uint32_t)val);
}

const struct region_ops virtio_legacy_ops = {legacy_read, legacy_write, 1, 4};

/* SPDX-License-Identifier: MIT */
/*
 * Virtio over PCI: VIRTIO 1.2, 4.1. One function with
 *
 *   BAR 0  I/O       legacy interface (pci_legacy.c), unless disable-legacy
 *   BAR 1  memory    MSI-X
 *   BAR 4  memory    0000 common configuration   1000 ISR   2000 device configuration
 *                    3000 doorbells, 4 bytes per queue
 *
 * and capabilities that say so, including the window of VIRTIO_PCI_CAP_PCI_CFG. Doorbells are
 * eventfds where the accelerator's kernel can signal them itself.
 */
#include <string.h>

#include "core/machine.h"
#include "core/notifier.h"
#include "hw/virtio/virtio_int.h"
#include "util/error.h"

enum {
    AT_COMMON = 0x0000,
    AT_ISR = 0x1000,
    AT_DEVICE = 0x2000,
    AT_NOTIFY = 0x3000,
    PART_SIZE = 0x1000,
    MODERN_SIZE = 0x4000,
    MODERN_BAR = 4,
    NOTIFY_MULTIPLIER = 4,
    DEFAULT_VECTORS = -1,
};

/* ---- Interrupts --------------------------------------------------------------------------- */

void virtio_interrupt(struct virtio_device *v, uint16_t vector, uint8_t isr)
{
    if (pci_msix_enabled(&v->pci)) {
        if (vector != VIRTIO_PCI_NO_VECTOR)
            pci_msix_notify(&v->pci, vector);
        return;
    }
    v->isr |= isr | ISR_QUEUE;
    pci_set_intx(&v->pci, 1);
}

uint8_t virtio_isr_take(struct virtio_device *v)
{
    uint8_t isr = v->isr;

    v->isr = 0;
    pci_set_intx(&v->pci, 0);
    return isr;
}

uint16_t virtio_check_vector(const struct virtio_device *v, uint16_t vector)
{
    return vector < v->pci.msix_n ? vector : VIRTIO_PCI_NO_VECTOR;
}

/* ---- Common configuration (4.1.4.3) --------------------------------------------------------- */

static struct virtq *selected(struct virtio_device *v)
{
    return v->queue_select < v->nqueues ? v->vq[v->queue_select] : NULL;
}

static void put64(uint8_t *p, uint64_t x)
{
    pci_put32(p, (uint32_t)x);
    pci_put32(p + 4, (uint32_t)(x >> 32));
}

static void fill_queue(const struct virtio_device *v, const struct virtq *vq, uint8_t *c)
{
    pci_put16(c + COMMON_QUEUE_SIZE, vq->size);
    pci_put16(c + COMMON_QUEUE_VECTOR, vq->vector);
    pci_put16(c + COMMON_QUEUE_ENABLE, vq->enabled);
    pci_put16(c + COMMON_QUEUE_NOTIFY_OFF, vq->index);
    pci_put16(c + COMMON_QUEUE_NOTIFY_DATA, vq->index);
    put64(c + COMMON_QUEUE_DESC, vq->desc);
    put64(c + COMMON_QUEUE_DRIVER, vq->driver);
    put64(c + COMMON_QUEUE_DEVICE, vq->device);
}

static uint32_t common_read(struct virtio_device *v, unsigned off, unsigned size)
{
    uint8_t c[COMMON_SIZE + 4] = {0};
    const struct virtq *vq = selected(v);
    uint32_t val;

    if (off + size > COMMON_SIZE)
        return 0;
    pci_put32(c + COMMON_DEVICE_FEATURE_SELECT, v->device_select);
    if (v->device_select < 2)
        pci_put32(c + COMMON_DEVICE_FEATURE,
                  (uint32_t)(virtio_offered(v) >> 32 * v->device_select));
    pci_put32(c + COMMON_DRIVER_FEATURE_SELECT, v->driver_select);
    if (v->driver_select < 2)
        pci_put32(c + COMMON_DRIVER_FEATURE, (uint32_t)(v->features >> 32 * v->driver_select));
    pci_put16(c + COMMON_CONFIG_VECTOR, v->config_vector);
    pci_put16(c + COMMON_NUM_QUEUES, (uint16_t)v->nqueues);
    c[COMMON_STATUS] = v->status;
    c[COMMON_GENERATION] = v->generation;
    pci_put16(c + COMMON_QUEUE_SELECT, v->queue_select);
    if (vq)
        fill_queue(v, vq, c);
    val = pci_get32(c + off);
    return size == 4 ? val : val & ((1u << 8 * size) - 1);
}

static void set_driver_features(struct virtio_device *v, uint32_t val)
{
    unsigned shift = 32 * v->driver_select;

    if (v->driver_select < 2 && !(v->status & VIRTIO_FEATURES_OK))
        v->features = (v->features & ~(0xffffffffull << shift)) | (uint64_t)val << shift;
}

static void set_half(uint64_t *addr, bool high, uint32_t val)
{
    if (high)
        *addr = (*addr & 0xffffffff) | (uint64_t)val << 32;
    else
        *addr = (*addr & ~0xffffffffull) | val;
}

static void set_queue_size(struct virtio_device *v, struct virtq *vq, uint32_t val)
{
    bool ok = val && val <= vq->max_size && (virtq_is_packed(vq) || !(val & (val - 1)));

    if (ok)
        vq->size = (uint16_t)val;
    else
        virtio_error(v, "queue %u of size %u", vq->index, val);
}

/* What may only be changed while the queue is off. */
static void setup_write(struct virtio_device *v, struct virtq *vq, unsigned off, uint32_t val)
{
    switch (off) {
    case COMMON_QUEUE_SIZE:
        set_queue_size(v, vq, val & 0xffff);
        break;
    case COMMON_QUEUE_ENABLE:
        if (val != 1)
            break;
        vq->enabled = true;
        if (v->status & VIRTIO_DRIVER_OK) /* after a reset of the queue */
            virtio_bells_update(v);
        break;
    case COMMON_QUEUE_DESC:
    case COMMON_QUEUE_DESC + 4:
        set_half(&vq->desc, off & 4, val);
        break;
    case COMMON_QUEUE_DRIVER:
    case COMMON_QUEUE_DRIVER + 4:
        set_half(&vq->driver, off & 4, val);
        break;
    case COMMON_QUEUE_DEVICE:
    case COMMON_QUEUE_DEVICE + 4:
        set_half(&vq->device, off & 4, val);
        break;
    }
}

static void queue_write(struct virtio_device *v, unsigned off, uint32_t val)
{
    struct virtq *vq = selected(v);

    if (!vq)
        return;
    if (off == COMMON_QUEUE_VECTOR) {
        vq->vector = virtio_check_vector(v, (uint16_t)val);
    } else if (off == COMMON_QUEUE_RESET) {
        if (val == 1 && virtio_has(v, VIRTIO_F_RING_RESET))
            virtio_queue_reset(v, vq);
    } else if (!vq->enabled) {
        setup_write(v, vq, off, val);
    } else {
        guest_warn(&virtio_machine(v)->log, v->pci.dev.path, "queue %u is changed while it is on",
                   vq->index);
    }
}

static void common_write(struct virtio_device *v, unsigned off, uint32_t val)
{
    switch (off) {
    case COMMON_DEVICE_FEATURE_SELECT:
        v->device_select = val;
        break;
    case COMMON_DRIVER_FEATURE_SELECT:
        v->driver_select = val;
        break;
    case COMMON_DRIVER_FEATURE:
        set_driver_features(v, val);
        break;
    case COMMON_CONFIG_VECTOR:
        v->config_vector = virtio_check_vector(v, (uint16_t)val);
        break;
    case COMMON_STATUS:
        virtio_set_status(v, (uint8_t)val);
        break;
    case COMMON_QUEUE_SELECT:
        v->queue_select = (uint16_t)val;
        break;
    default:
        if (off >= COMMON_QUEUE_SIZE)
            queue_write(v, off, val);
    }
}

/* ---- The memory BAR ------------------------------------------------------------------------- */

static uint32_t modern_do_read(struct virtio_device *v, unsigned off, unsigned size)
{
    switch (off & ~(PART_SIZE - 1u)) {
    case AT_COMMON:
        return common_read(v, off - AT_COMMON, size);
    case AT_ISR:
        return off == AT_ISR ? virtio_isr_take(v) : 0;
    case AT_DEVICE:
        return virtio_config_read(v, off - AT_DEVICE, size);
    }
    return 0;
}

static void modern_do_write(struct virtio_device *v, unsigned off, uint32_t val, unsigned size)
{
    unsigned queue;

    if (v->in_dma) {
        guest_warn(&virtio_machine(v)->log, v->pci.dev.path, "a buffer lies in its own registers");
        return;
    }
    switch (off & ~(PART_SIZE - 1u)) {
    case AT_COMMON:
        common_write(v, off - AT_COMMON, val);
        break;
    case AT_DEVICE:
        virtio_config_write(v, off - AT_DEVICE, val, size);
        break;
    case AT_NOTIFY:
        queue = (off - AT_NOTIFY) / NOTIFY_MULTIPLIER;
        if (queue < v->nqueues)
            virtq_kick(v->vq[queue]);
        break;
    }
}

static uint64_t modern_read(void *dev, uint64_t off, unsigned size)
{
    return modern_do_read(dev, (unsigned)off, size);
}

static void modern_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    modern_do_write(dev, (unsigned)off, (uint32_t)val, size);
}

static const struct region_ops modern_ops = {modern_read, modern_write, 1, 4};

/* ---- Doorbells ------------------------------------------------------------------------------ */

static void on_bell(void *arg)
{
    struct virtq *vq = arg;

    if (!vq->dev->in_dma)
        virtq_kick(vq);
}

static void set_bell(struct virtq *vq, unsigned n, bool on, struct doorbell bell)
{
    if (on == vq->has_bell[n])
        return;
    if (!on) {
        doorbell_del(&vq->bell[n]);
        vq->has_bell[n] = false;
        return;
    }
    vq->bell[n] = bell;
    vq->bell[n].ring = on_bell;
    vq->bell[n].arg = vq;
    /* Without an eventfd the write takes the longer way and does the same. */
    vq->has_bell[n] = doorbell_add(virtio_machine(vq->dev), &vq->bell[n], NULL);
}

void virtio_bells_update(struct virtio_device *v)
{
    bool live = (v->status & VIRTIO_DRIVER_OK) && doorbells_in_kernel(virtio_machine(v));

    for (unsigned i = 0; i < v->nqueues; i++) {
        struct virtq *vq = v->vq[i];
        bool on = live && vq->enabled;
        set_bell(vq, 0, on && !v->old_driver,
                 (struct doorbell){
                     .region = &v->modern_io, .size = 2, .off = AT_NOTIFY + i * NOTIFY_MULTIPLIER});
        set_bell(vq, 1, on && v->old_driver,
                 (struct doorbell){.region = &v->legacy_io,
                                   .size = 2,
                                   .off = LEGACY_QUEUE_NOTIFY,
                                   .match = true,
                                   .value = i});
    }
}

/* ---- Capabilities --------------------------------------------------------------------------- */

static uint8_t add_cap(struct virtio_device *v, uint8_t type, uint32_t off, uint32_t len,
                       uint8_t size)
{
    uint8_t at = pci_add_capability(&v->pci, PCI_CAP_VENDOR, size), *c = v->pci.config + at;

    c[CAP_LEN] = size;
    c[CAP_CFG_TYPE] = type;
    c[CAP_BAR] = len ? MODERN_BAR : 0;
    pci_put32(c + CAP_OFFSET, off);
    pci_put32(c + CAP_LENGTH, len);
    return at;
}

static void add_modern(struct virtio_device *v)
{
    uint8_t at;

    region_init_io(&v->modern_io, "virtio-pci-modern", &modern_ops, v, MODERN_SIZE);
    pci_add_bar(&v->pci, MODERN_BAR, PCI_BAR_MEM64_PREFETCH, &v->modern_io);
    add_cap(v, VIRTIO_PCI_CAP_COMMON, AT_COMMON, PART_SIZE, CAP_SIZE);
    add_cap(v, VIRTIO_PCI_CAP_ISR, AT_ISR, PART_SIZE, CAP_SIZE);
    if (virtio_type(v)->config_size)
        add_cap(v, VIRTIO_PCI_CAP_DEVICE, AT_DEVICE, PART_SIZE, CAP_SIZE);
    at = add_cap(v, VIRTIO_PCI_CAP_NOTIFY, AT_NOTIFY, PART_SIZE, CAP_SIZE_LONG);
    pci_put32(v->pci.config + at + CAP_NOTIFY_MULTIPLIER, NOTIFY_MULTIPLIER);
    at = v->cfg_cap = add_cap(v, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, CAP_SIZE_LONG);
    v->pci.wmask[at + CAP_BAR] = 0xff;
    memset(v->pci.wmask + at + CAP_OFFSET, 0xff, CAP_SIZE_LONG - CAP_OFFSET);
}

/* 4.1.4.9: the window's offset and length, if they lie in the memory BAR. */
static bool window(const struct virtio_device *v, unsigned *off, unsigned *len)
{
    const uint8_t *c = v->pci.config + v->cfg_cap;

    *off = pci_get32(c + CAP_OFFSET);
    *len = pci_get32(c + CAP_LENGTH);
    return c[CAP_BAR] == MODERN_BAR && (*len == 1 || *len == 2 || *len == 4) && *off % *len == 0 &&
           *off <= MODERN_SIZE - *len;
}

static bool hits_window(const struct virtio_device *v, unsigned off)
{
    unsigned data = v->cfg_cap + (unsigned)CAP_PCI_CFG_DATA;

    return v->cfg_cap && off >= data && off < data + 4;
}

uint32_t virtio_pci_config_read(struct pci_device *d, unsigned off, unsigned size, uint32_t val)
{
    struct virtio_device *v = (struct virtio_device *)d;
    unsigned at, len;

    if (!hits_window(v, off) || !window(v, &at, &len))
        return val;
    val = modern_do_read(v, at, len) >> 8 * (off & 3);
    return size == 4 ? val : val & ((1u << 8 * size) - 1);
}

void virtio_pci_config_written(struct pci_device *d, unsigned off, unsigned size)
{
    struct virtio_device *v = (struct virtio_device *)d;
    unsigned at, len;

    if (hits_window(v, off) && window(v, &at, &len))
        modern_do_write(v, at,
                        pci_get32(d->config + v->cfg_cap + CAP_PCI_CFG_DATA) &
                            (uint32_t)((1ull << 8 * len) - 1),
                        len);
    /* What was rung for while the function could not reach memory. */
    if (off <= PCI_COMMAND && off + size > PCI_COMMAND && virtio_live(v) && !v->in_dma)
        virtio_kick_all(v);
}

/* ---- Life --------------------------------------------------------------------------------- */

static bool choose_interfaces(struct virtio_device *v, GError **err)
{
    const struct virtio_type *t = virtio_type(v);
    enum { ON, OFF, AUTO };

    v->modern = !v->disable_modern;
    v->legacy = t->legacy_id &&
                (v->disable_legacy == OFF || (v->disable_legacy == AUTO && !v->pci.bus->bridge));
    if (v->disable_legacy == OFF && !t->legacy_id)
        return error_set(err, "disable-legacy=off: this device has only the interface of VIRTIO "
                              "1.0 and later");
    return v->modern || v->legacy ||
           error_set(err, "disable-modern=on leaves it without an interface; it needs "
                          "disable-legacy=off, or neither");
}

static void identify(struct virtio_device *v)
{
    const struct virtio_type *t = virtio_type(v);
    uint8_t *c = v->pci.config;

    if (v->legacy) {
        pci_put16(c + PCI_DEVICE_ID, t->legacy_id);
        pci_put16(c + PCI_SUBDEVICE, t->id);
        c[PCI_REVISION] = 0;
    } else {
        pci_put16(c + PCI_DEVICE_ID, (uint16_t)(VIRTIO_PCI_MODERN_BASE + t->id));
        pci_put16(c + PCI_SUBDEVICE, VIRTIO_PCI_SUBDEVICE);
        c[PCI_REVISION] = 1;
    }
}

static bool add_vectors(struct virtio_device *v, GError **err)
{
    uint32_t n =
        v->vectors == (uint32_t)DEFAULT_VECTORS ? MIN(v->nqueues + 1, PCI_MSIX_MAX) : v->vectors;

    if (n > PCI_MSIX_MAX)
        return error_set(err, "vectors=%u: at most %u", n, PCI_MSIX_MAX);
    if (n)
        pci_add_msix_bar(&v->pci, n, 1);
    return true;
}

static uint64_t power_of_two(uint64_t n)
{
    uint64_t p = 1;

    while (p < n)
        p <<= 1;
    return p;
}

bool virtio_pci_realize(struct pci_device *d, GError **err)
{
    struct virtio_device *v = (struct virtio_device *)d;

    if (!choose_interfaces(v, err) || !virtio_device_init(v, err))
        return false;
    identify(v);
    if (!add_vectors(v, err)) {
        if (virtio_type(v)->unrealize)
            virtio_type(v)->unrealize(v);
        virtio_device_fini(v);
        return false;
    }
    if (v->legacy) {
        region_init_io(&v->legacy_io, "virtio-pci-legacy", &virtio_legacy_ops, v,
                       power_of_two(LEGACY_CONFIG_MSIX + (uint64_t)virtio_type(v)->config_size));
        pci_add_bar(d, 0, PCI_BAR_IO, &v->legacy_io);
    }
    if (v->modern)
        add_modern(v);
    return true;
}

void virtio_pci_unrealize(struct pci_device *d)
{
    struct virtio_device *v = (struct virtio_device *)d;

    virtio_reset(v);
    if (virtio_type(v)->unrealize)
        virtio_type(v)->unrealize(v);
    if (v->legacy)
        region_fini(&v->legacy_io);
    if (v->modern)
        region_fini(&v->modern_io);
    virtio_device_fini(v);
}

void virtio_pci_reset(struct pci_device *d)
{
    struct virtio_device *v = (struct virtio_device *)d;

    virtio_reset(v);
    v->generation = 0;
}

void virtio_pci_loaded(struct pci_device *d)
{
    struct virtio_device *v = (struct virtio_device *)d;
    const struct virtio_type *t = virtio_type(v);

    /* What it was doing before is not of this state. */
    for (unsigned i = 0; i < v->nqueues; i++) {
        v->vq[i]->enabled = false;
        if (v->vq[i]->in_flight.length && t->queue_reset)
            t->queue_reset(v, v->vq[i]);
    }
    v->config_vector = virtio_check_vector(v, v->config_vector);
    if (!virtq_load_all(v))
        virtio_error(v, "the saved state of its queues makes no sense");
    if (t->loaded)
        t->loaded(v);
    virtio_bells_update(v);
}

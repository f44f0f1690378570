/* SPDX-License-Identifier: MIT */
/*
 * What every virtio device has, whatever it is and however it is attached: status (VIRTIO 1.2,
 * 2.1), features (2.2), configuration space (2.5), reset (2.4, 2.6.1), DEVICE_NEEDS_RESET.
 */
#include <stdarg.h>
#include <string.h>

#include "core/machine.h"
#include "hw/virtio/virtio_int.h"
#include "util/error.h"

const char *const virtio_on_off_auto[] = {"on", "off", "auto", NULL};

/* ---- Errors ------------------------------------------------------------------------------- */

void virtio_error(struct virtio_device *v, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    guest_warn(&virtio_machine(v)->log, v->pci.dev.path, "%s; it needs a reset", text);
    if (v->status & VIRTIO_NEEDS_RESET)
        return;
    v->status |= VIRTIO_NEEDS_RESET;
    if (virtio_has(v, VIRTIO_F_VERSION_1) && (v->status & VIRTIO_DRIVER_OK))
        virtio_config_changed(v);
}

void virtio_config_changed(struct virtio_device *v)
{
    v->generation++;
    if (v->status & VIRTIO_DRIVER_OK)
        virtio_interrupt(v, v->config_vector, ISR_CONFIG);
}

/* ---- Features ----------------------------------------------------------------------------- */

uint64_t virtio_offered(struct virtio_device *v)
{
    const struct virtio_type *t = virtio_type(v);
    uint64_t f = t->features | VIRTIO_F_ANY_LAYOUT;

    if (t->get_features)
        f |= t->get_features(v);
    if (v->indirect)
        f |= VIRTIO_F_INDIRECT_DESC;
    if (v->event_idx)
        f |= VIRTIO_F_EVENT_IDX;
    if (v->modern)
        f |= VIRTIO_F_VERSION_1 | VIRTIO_F_RING_RESET | (v->packed ? VIRTIO_F_RING_PACKED : 0);
    return f;
}

static bool settle_features(struct virtio_device *v)
{
    const struct virtio_type *t = virtio_type(v);

    return !t->set_features || t->set_features(v);
}

static bool features_ok(struct virtio_device *v)
{
    return !(v->features & ~virtio_offered(v)) && virtio_has(v, VIRTIO_F_VERSION_1) &&
           settle_features(v);
}

/* ---- Status ------------------------------------------------------------------------------- */

static void start(struct virtio_device *v)
{
    const struct virtio_type *t = virtio_type(v);

    if (t->started)
        t->started(v);
    virtio_bells_update(v);
    virtio_kick_all(v);
}

/* A write of the status register. */
void virtio_set_status(struct virtio_device *v, uint8_t status)
{
    uint8_t rises = status & (uint8_t)~v->status;

    if (status == 0) {
        virtio_reset(v);
        return;
    }
    if (!v->old_driver && (rises & VIRTIO_FEATURES_OK) && !features_ok(v)) {
        guest_warn(&virtio_machine(v)->log, v->pci.dev.path,
                   "features %" G_GINT64_MODIFIER "x are not among those offered, or need others",
                   v->features);
        status &= (uint8_t)~VIRTIO_FEATURES_OK;
    }
    if ((rises & VIRTIO_DRIVER_OK) &&
        (v->old_driver ? !settle_features(v) : !(status & VIRTIO_FEATURES_OK))) {
        virtio_error(v, "DRIVER_OK without a set of features");
        return;
    }
    v->status = (uint8_t)(status | (v->status & VIRTIO_NEEDS_RESET));
    if (rises & VIRTIO_DRIVER_OK)
        start(v);
}

void virtio_reset(struct virtio_device *v)
{
    const struct virtio_type *t = virtio_type(v);

    v->status = 0;
    v->features = 0;
    if (t->reset)
        t->reset(v);
    for (unsigned i = 0; i < v->nqueues; i++)
        virtq_reset(v->vq[i]);
    v->old_driver = v->rang_early = false;
    v->isr = 0;
    v->config_vector = VIRTIO_PCI_NO_VECTOR;
    v->queue_select = 0;
    v->device_select = v->driver_select = 0;
    pci_set_intx(&v->pci, 0);
    virtio_bells_update(v);
}

void virtio_queue_reset(struct virtio_device *v, struct virtq *vq)
{
    const struct virtio_type *t = virtio_type(v);

    vq->enabled = false;
    if (t->queue_reset)
        t->queue_reset(v, vq);
    virtq_reset(vq);
    virtio_bells_update(v);
}

void virtio_kick_all(struct virtio_device *v)
{
    for (unsigned i = 0; i < v->nqueues; i++)
        if (v->vq[i]->enabled)
            virtq_kick(v->vq[i]);
}

/* ---- Configuration space ------------------------------------------------------------------ */

uint32_t virtio_config_read(struct virtio_device *v, unsigned off, unsigned size)
{
    const struct virtio_type *t = virtio_type(v);
    uint8_t config[VIRTIO_CONFIG_MAX + 4];
    uint32_t val = 0;

    if (off + size > t->config_size || !t->get_config)
        return size == 4 ? UINT32_MAX : (1u << 8 * size) - 1;
    memset(config, 0, t->config_size);
    t->get_config(v, config);
    memcpy(&val, config + off, size);
    return GUINT32_FROM_LE(val);
}

void virtio_config_write(struct virtio_device *v, unsigned off, uint32_t val, unsigned size)
{
    const struct virtio_type *t = virtio_type(v);
    uint8_t config[VIRTIO_CONFIG_MAX + 4];

    if (off + size > t->config_size || !t->set_config)
        return;
    memset(config, 0, t->config_size);
    t->get_config(v, config);
    val = GUINT32_TO_LE(val);
    memcpy(config + off, &val, size);
    t->set_config(v, config, off, size);
}

/* ---- What was scheduled, on the main loop ---------------------------------------------------- */

struct virtio_source {
    GSource source;
    struct machine *machine;
    struct virtio_device *v;
};

static gboolean run_scheduled(GSource *source, GSourceFunc fn, void *arg)
{
    struct virtio_source *s = (struct virtio_source *)source;

    machine_lock(s->machine);
    /* Whoever destroyed the source held the lock; the device may be no more. */
    bool run = !g_source_is_destroyed(source) && s->machine->state != RUN_PAUSED;
    g_source_set_ready_time(source, -1);
    for (unsigned i = 0; run && i < s->v->nqueues; i++) {
        if (!s->v->vq[i]->scheduled)
            continue;
        s->v->vq[i]->scheduled = false;
        virtq_kick(s->v->vq[i]);
    }
    machine_unlock(s->machine);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = run_scheduled};

/* The machine goes on: with what was stopped by an error, loaded, or left for later. */
static void on_state_change(void *arg)
{
    struct virtio_device *v = arg;

    if (!machine_running(virtio_machine(v)))
        return;
    for (unsigned i = 0; i < v->nqueues; i++)
        if (v->vq[i]->enabled)
            virtq_schedule(v->vq[i]);
}

/* ---- Life --------------------------------------------------------------------------------- */

bool virtio_device_init(struct virtio_device *v, GError **err)
{
    struct machine *m = virtio_machine(v);

    if (v->platform)
        return error_set(err, "iommu_platform=on: there is no IOMMU in this machine; leave it "
                              "off");
    v->queue_state = g_byte_array_new();
    v->config_vector = VIRTIO_PCI_NO_VECTOR;
    v->source = g_source_new(&source_funcs, sizeof(struct virtio_source));
    ((struct virtio_source *)v->source)->machine = m;
    ((struct virtio_source *)v->source)->v = v;
    g_source_set_name(v->source, "virtio");
    g_source_attach(v->source, m->context);
    if (!virtio_type(v)->realize(v, err)) {
        virtio_device_fini(v);
        return false;
    }
    machine_add_hook(m->on_state_change, on_state_change, v);
    return true;
}

void virtio_device_fini(struct virtio_device *v)
{
    machine_del_hook(virtio_machine(v)->on_state_change, on_state_change, v);
    g_source_destroy(v->source);
    g_source_unref(v->source);
    for (unsigned i = 0; i < v->nqueues; i++)
        virtq_free(v->vq[i]);
    v->nqueues = 0;
    g_byte_array_unref(v->queue_state);
}

void virtio_saving(struct device *dev)
{
    struct virtio_device *v = (struct virtio_device *)dev;

    if (virtio_type(v)->saving)
        virtio_type(v)->saving(v);
    virtq_save_all(v);
}

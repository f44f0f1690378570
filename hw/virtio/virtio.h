/* SPDX-License-Identifier: MIT */
/*
 * Virtio: what a device of that kind is made of. VIRTIO 1.2, chapters 2 and 4.1.
 *
 *   queue.c          buffers in and out, mapping, notifications
 *   queue_split.c    2.7    queue_packed.c   2.8    queue_state.c  saved state of queues
 *   device.c         features, status, configuration space, errors
 *   pci.c            4.1, modern; pci_legacy.c, 4.1.4.10, transitional
 *   blk.c rng.c ...  a device each
 *
 * A device embeds struct virtio_device first and declares one struct virtio_type. An entropy
 * source, whole:
 *
 *   struct foo { struct virtio_device v; uint64_t max_bytes; };
 *
 *   static void on_request(struct virtq *vq)          // the driver rang
 *   {
 *       struct virtq_elem *e;
 *       while ((e = virtq_pop(vq, sizeof(*e)))) {     // takes a buffer, or NULL: none left
 *           fill(e->in, e->nin);                      // iovecs on guest memory
 *           virtq_push(e, e->in_len);                 // gives it back: exactly once
 *       }
 *       virtq_notify(vq);                             // interrupt, if the driver wants it
 *   }
 *   static bool foo_realize(struct virtio_device *v, GError **err)
 *   {
 *       virtio_add_queue(v, 64, on_request);
 *       return true;
 *   }
 *   static const struct prop foo_props[] = {VIRTIO_PROPS(struct foo, v), {0}};
 *   static const struct state_field foo_state[] = {VIRTIO_STATE(struct foo, v), STATE_END};
 *   static const struct device_form foo_forms[] = VIRTIO_FORMS("virtio-foo");
 *   const struct virtio_type virtio_foo_type = {
 *       .pci = {.dev = {.name = "virtio-foo-pci", .alias = "virtio-foo", .forms = foo_forms,
 *                       .help = "...", .size = sizeof(struct foo), .props = foo_props,
 *                       .state = foo_state, VIRTIO_DEVICE_CALLS},
 *               .class_code = 0x00ff00, VIRTIO_PCI_CALLS},
 *       .id = VIRTIO_ID_ENTROPY, .legacy_id = 0x1005, .realize = foo_realize};
 *
 * and puts &virtio_foo_type.pci.dev into hw_types.
 *
 * Everything runs under the machine lock. A handler is called on the thread of the vCPU that
 * rang, or on the main thread; it must not wait. An element may stay with the device for as
 * long as it likes (a disk request): `in` and `out` stay valid until it is pushed, unpopped or
 * freed by a reset. Data that a device stores into `in` is the guest's as soon as it is stored.
 *
 * Saved state: elements that are with the device are saved by the core, and come out of
 * virtq_pop() again, first, in the machine that loads them. So a device repeats what was under
 * way, and saves of its own only what its registers and configuration space say.
 *
 * The guest is hostile: sizes and contents of buffers are whatever it likes. A chain that
 * breaks the rules of chapter 2 never reaches the device: virtq_pop() gives NULL and the device
 * NEEDS_RESET. A request that breaks the device's own rules ends with virtio_error() or with an
 * error status.
 */
#ifndef HW_VIRTIO_VIRTIO_H
#define HW_VIRTIO_VIRTIO_H

#include <sys/uio.h>

#include "hw/pci/pci.h"
#include "hw/virtio/virtio_regs.h"
#include "util/iov.h"

#define VIRTIO_QUEUE_MAX  1024 /* size of a queue */
#define VIRTIO_NQUEUES    128
#define VIRTQ_MAX_SEGS    1024 /* descriptors of one chain */
#define VIRTIO_CONFIG_MAX 4096 /* bytes of configuration space */

struct virtq;
struct virtio_device;

/* ---- Elements ----------------------------------------------------------------------------- */

struct virtq_seg { /* a descriptor */
    uint64_t addr;
    uint32_t len;
};

/* A buffer of the driver: first what the device reads, then what it writes. A device that keeps
 * data with it embeds it first and gives virtq_pop() the larger size (the rest is zeroed). */
struct virtq_elem {
    struct virtq *vq;
    const struct iovec *out, *in; /* on guest memory; neither may be changed */
    unsigned nout, nin;
    size_t out_len, in_len; /* bytes of each; may exceed memory: the guest can repeat pages */
    /* the core's */
    uint16_t id, ndesc;
    unsigned out_segs, in_segs;
    struct virtq_seg *segs;
    uint8_t *bounce;
    GList link;
};

/* The next buffer, or NULL: none is there (the driver rings when one comes), or the queue is
 * off, or broken. `size` >= sizeof(struct virtq_elem). */
struct virtq_elem *virtq_pop(struct virtq *vq, size_t size);
/* Is there a buffer? If not, the driver rings when one comes. */
bool virtq_ready(struct virtq *vq);
/* Give it back with the first `written` bytes of `in` filled. Frees it. The driver may see it
 * at once, but is not interrupted before virtq_notify(). */
void virtq_push(struct virtq_elem *e, size_t written);
/* Give n back at once: the driver sees all of them or none. Of one queue, in order. Frees them. */
void virtq_push_all(struct virtq_elem *const *e, const size_t *written, unsigned n);
/* Put it back as if it had not been popped: it comes first, next time. Frees it. */
void virtq_unpop(struct virtq_elem *e);
/* Interrupt for what was pushed since the last call, if the driver asked for it. */
void virtq_notify(struct virtq *vq);
/* Call the handler soon, on the main loop, as if the driver had rung. */
void virtq_schedule(struct virtq *vq);

/* ---- Queues ------------------------------------------------------------------------------- */

struct virtq_area { /* a ring's memory, found */
    uint8_t *host;
    struct ram_block *ram;
    uint64_t off;
};

struct virtq {
    struct virtio_device *dev;
    uint16_t index;
    uint16_t max_size;
    void (*handle)(struct virtq *vq);

    /* as the driver set it up */
    uint16_t size, vector;
    bool enabled;
    uint64_t desc, driver, device;
    /* where we are; packed rings: with their wrap counters */
    uint16_t avail, used, signalled;
    bool avail_wrap, used_wrap, signalled_valid;
    bool silent; /* the driver need not ring */

    /* not saved */
    struct virtq_area desc_area, driver_area, device_area;
    struct address_space *mapped_as;
    uint64_t mapped_generation;
    GQueue in_flight; /* struct virtq_elem *: with the device, oldest first */
    GQueue again;     /* struct virtq_saved *: to be popped again, before all others */
    unsigned turn;    /* buffers that this call of handle() may still pop */
    bool running, rung, scheduled;
    struct doorbell bell[2]; /* modern, legacy */
    bool has_bell[2];
};

/* In realize(): queue number 0, 1, ... of at most `size` (a power of two) buffers. */
struct virtq *virtio_add_queue(struct virtio_device *v, unsigned size,
                               void (*handle)(struct virtq *vq));

/* ---- Devices ------------------------------------------------------------------------------ */

/* A row per kind of device. All but id and realize may be absent. */
struct virtio_type {
    struct pci_device_type pci;
    uint16_t id;          /* enum virtio_id */
    uint16_t legacy_id;   /* PCI device ID of the transitional device; 0: modern only */
    uint64_t features;    /* offered always; the core adds those of rings */
    uint16_t config_size; /* the device's configuration space */
    bool (*realize)(struct virtio_device *v, GError **err);
    void (*unrealize)(struct virtio_device *v);
    /* The driver, or the machine, resets. Back to the state after realize(), v->features and
     * v->status are already. No element is with the device when it returns: what works
     * elsewhere (blk_drain()) is ended, the core frees the rest. On any thread. */
    void (*reset)(struct virtio_device *v);
    /* The same for one queue (2.6.1); NULL: as reset() does, but only elements are dropped. */
    void (*queue_reset)(struct virtio_device *v, struct virtq *vq);
    /* More features to offer, by what the properties say. */
    uint64_t (*get_features)(struct virtio_device *v);
    /* The driver's choice is final (v->features): at FEATURES_OK, in legacy at DRIVER_OK.
     * False: it makes no sense together. */
    bool (*set_features)(struct virtio_device *v);
    /* DRIVER_OK is set. Queues are called after it. */
    void (*started)(struct virtio_device *v);
    /* Fill all config_size bytes, as the driver sees them now. */
    void (*get_config)(struct virtio_device *v, uint8_t *config);
    /* The driver wrote [off, off + len); config is as it would be then. */
    void (*set_config)(struct virtio_device *v, const uint8_t *config, unsigned off, unsigned len);
    /* State was loaded: check what it claims. */
    void (*loaded)(struct virtio_device *v);
    void (*saving)(struct virtio_device *v); /* state is about to be saved */
};

struct virtio_device {
    struct pci_device pci;
    /* properties */
    int disable_legacy; /* on, off, auto */
    bool disable_modern, packed, event_idx, indirect, platform;
    uint32_t vectors;

    struct virtq *vq[VIRTIO_NQUEUES]; /* owned; NULL behind the last */
    unsigned nqueues;
    bool legacy; /* has the legacy interface */
    bool modern; /* has the modern one */
    /* registers */
    uint64_t features; /* the driver's */
    uint8_t status;
    bool old_driver; /* it drives the device through the legacy interface */
    uint8_t isr, generation;
    uint16_t config_vector, queue_select;
    uint32_t device_select, driver_select;
    GByteArray *queue_state; /* queue_state.c, filled while saving and loading */

    /* not saved */
    bool in_dma; /* a buffer outside RAM is being written: what it hits here is ignored */
    bool rang_early;
    uint8_t cfg_cap; /* VIRTIO_PCI_CAP_PCI_CFG */
    struct region legacy_io, modern_io;
    GSource *source; /* runs what was scheduled */
};

static inline const struct virtio_type *virtio_type(const struct virtio_device *v)
{
    return (const struct virtio_type *)v->pci.dev.type;
}
static inline struct machine *virtio_machine(const struct virtio_device *v)
{
    return v->pci.dev.machine;
}
static inline bool virtio_has(const struct virtio_device *v, uint64_t feature)
{
    return v->features & feature;
}
/* May queues be used? */
static inline bool virtio_live(const struct virtio_device *v)
{
    return !(v->status & VIRTIO_NEEDS_RESET) && (v->old_driver || (v->status & VIRTIO_DRIVER_OK));
}
/* The memory that buffers are in, at this moment. */
static inline struct address_space *virtio_dma(struct virtio_device *v)
{
    return pci_dma(&v->pci);
}

/* The driver broke the rules: say so and need a reset (2.1.2). */
void virtio_error(struct virtio_device *v, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* What get_config() gives has changed: a new generation, and an interrupt. */
void virtio_config_changed(struct virtio_device *v);

/* ---- Tables of a device's file -------------------------------------------------------------- */

extern const char *const virtio_on_off_auto[];

#define VIRTIO_PROPS(T, f)                                                                         \
    PCI_PROPS(T, f.pci),                                                                           \
        {.name = "disable-legacy",                                                                 \
         .kind = PROP_ENUM,                                                                        \
         .offset = offsetof(T, f.disable_legacy),                                                  \
         .def = "auto",                                                                            \
         .choices = virtio_on_off_auto,                                                            \
         .help = "without the interface of old drivers; auto: behind a PCIe port"},                \
        PROP(T, f.disable_modern, "disable-modern", PROP_BOOL, "off",                              \
             "without the interface of VIRTIO 1.0 and later"),                                     \
        PROP(T, f.vectors, "vectors", PROP_U32, "0xffffffff",                                      \
             "MSI-X vectors, 0: none; default: one per queue and one"),                            \
        PROP(T, f.packed, "packed", PROP_BOOL, "off", "offer packed rings"),                       \
        PROP(T, f.event_idx, "event_idx", PROP_BOOL, "on", "offer event indices"),                 \
        PROP(T, f.indirect, "indirect_desc", PROP_BOOL, "on", "offer indirect descriptors"),       \
        PROP(T, f.platform, "iommu_platform", PROP_BOOL, "off", "must be off: there is no IOMMU")
#define VIRTIO_BOOTINDEX(T, f) PROP_BOOTINDEX(T, f.pci.dev)
#define VIRTIO_STATE(T, f)                                                                         \
    PCI_STATE(T, f.pci), STATE_FIELD(T, f.features), STATE_FIELD(T, f.status),                     \
        STATE_FIELD(T, f.old_driver), STATE_FIELD(T, f.isr), STATE_FIELD(T, f.generation),         \
        STATE_FIELD(T, f.config_vector), STATE_FIELD(T, f.queue_select),                           \
        STATE_FIELD(T, f.device_select), STATE_FIELD(T, f.driver_select),                          \
        STATE_BLOB_FIELD(T, f.queue_state, VIRTIO_STATE_MAX)
#define VIRTIO_STATE_MAX (64u << 20)
/* NAME-pci with both interfaces for certain, and with the modern one only. */
#define VIRTIO_FORMS(name)                                                                         \
    {                                                                                              \
        {name "-pci-transitional", "disable-legacy=off,disable-modern=off"},                       \
            {name "-pci-non-transitional", "disable-legacy=on,disable-modern=off"},                \
        {                                                                                          \
            NULL, NULL                                                                             \
        }                                                                                          \
    }
#define VIRTIO_DEVICE_CALLS PCI_TYPE_CALLS, .saving = virtio_saving
#define VIRTIO_PCI_CALLS                                                                           \
    .vendor = VIRTIO_PCI_VENDOR, .device = VIRTIO_PCI_MODERN_BASE, .pin = 1,                       \
    .realize = virtio_pci_realize, .unrealize = virtio_pci_unrealize, .reset = virtio_pci_reset,   \
    .loaded = virtio_pci_loaded, .config_read = virtio_pci_config_read,                            \
    .config_written = virtio_pci_config_written
bool virtio_pci_realize(struct pci_device *d, GError **err);
void virtio_pci_unrealize(struct pci_device *d);
void virtio_pci_reset(struct pci_device *d);
void virtio_pci_loaded(struct pci_device *d);
uint32_t virtio_pci_config_read(struct pci_device *d, unsigned off, unsigned size, uint32_t val);
void virtio_pci_config_written(struct pci_device *d, unsigned off, unsigned size);
void virtio_saving(struct device *dev);

#endif

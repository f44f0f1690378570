/* SPDX-License-Identifier: MIT */
/* Between the files of virtio's core. */
#ifndef HW_VIRTIO_VIRTIO_INT_H
#define HW_VIRTIO_VIRTIO_INT_H

#include "hw/virtio/virtio.h"

/* ---- Queues ------------------------------------------------------------------------------- */

/* A chain as it was found in the ring, before it is mapped. */
struct virtq_chain {
    uint16_t id, ndesc;
    unsigned out_segs, in_segs;
    struct virtq_seg segs[VIRTQ_MAX_SEGS]; /* out, then in */
};

/* An element that is to be popped again. */
struct virtq_saved {
    uint16_t id, ndesc;
    unsigned out_segs, in_segs;
    struct virtq_seg segs[];
};

/* What goes back to the driver. */
struct virtq_used {
    uint16_t id, ndesc;
    uint32_t len;
};

/* Per format. Areas are mapped when these are called. */
struct virtq_format {
    /* Is a chain there? False also after virtio_error(). */
    bool (*ready)(struct virtq *vq);
    /* Take the chain that is there. False after virtio_error(). */
    bool (*take)(struct virtq *vq, struct virtq_chain *c);
    /* Give back n chains, all visible at once. */
    void (*put)(struct virtq *vq, const struct virtq_used *u, unsigned n);
    bool (*interrupt_wanted)(struct virtq *vq);
    /* Shall the driver ring? */
    void (*set_ringing)(struct virtq *vq, bool on);
};
extern const struct virtq_format virtq_split, virtq_packed;

/* Add a descriptor to a chain. False after virtio_error(). */
bool virtq_chain_add(struct virtq *vq, struct virtq_chain *c, uint64_t addr, uint32_t len,
                     uint16_t flags);
/* Add what the indirect table at addr lists; `linked`: by its `next` fields, else in a row. */
bool virtq_chain_add_table(struct virtq *vq, struct virtq_chain *c, uint64_t addr, uint32_t len,
                           bool linked);

static inline bool virtq_is_packed(const struct virtq *vq)
{
    return vq->dev->features & VIRTIO_F_RING_PACKED;
}
/* 2.7.10: has `event` been passed on the way from old to new? */
static inline bool virtq_event_passed(uint16_t event, uint16_t new_idx, uint16_t old)
{
    return (uint16_t)(new_idx - event - 1) < (uint16_t)(new_idx - old);
}

/* Loads and stores of rings, which other CPUs change at the same time. */
static inline uint16_t area_ld16(const struct virtq_area *a, unsigned off)
{
    return __atomic_load_n((const uint16_t *)(a->host + off), __ATOMIC_ACQUIRE);
}
static inline void area_st16(const struct virtq_area *a, unsigned off, uint16_t v)
{
    __atomic_store_n((uint16_t *)(a->host + off), v, __ATOMIC_RELEASE);
    ram_note_write(a->ram, a->off + off, 2);
}

/* The driver rang. */
void virtq_kick(struct virtq *vq);
/* Forget elements and positions; the driver's set-up goes too. */
void virtq_reset(struct virtq *vq);
void virtq_free(struct virtq *vq);
void virtq_free_saved(gpointer saved);
/* queue_state.c */
void virtq_save_all(struct virtio_device *v);
bool virtq_load_all(struct virtio_device *v);

/* ---- Devices ------------------------------------------------------------------------------ */

uint64_t virtio_offered(struct virtio_device *v);
void virtio_set_status(struct virtio_device *v, uint8_t status);
void virtio_reset(struct virtio_device *v);
void virtio_queue_reset(struct virtio_device *v, struct virtq *vq);
void virtio_kick_all(struct virtio_device *v);
uint32_t virtio_config_read(struct virtio_device *v, unsigned off, unsigned size);
void virtio_config_write(struct virtio_device *v, unsigned off, uint32_t val, unsigned size);
bool virtio_device_init(struct virtio_device *v, GError **err);
void virtio_device_fini(struct virtio_device *v);

/* ---- PCI ---------------------------------------------------------------------------------- */

void virtio_interrupt(struct virtio_device *v, uint16_t vector, uint8_t isr);
uint8_t virtio_isr_take(struct virtio_device *v);
/* A vector that the driver may choose, or NO_VECTOR. */
uint16_t virtio_check_vector(const struct virtio_device *v, uint16_t vector);
/* Doorbells follow DRIVER_OK and the queues that are on. */
void virtio_bells_update(struct virtio_device *v);
extern const struct region_ops virtio_legacy_ops;

#endif

/* SPDX-License-Identifier: MIT */
/* virtio-blk: a disk. */
#ifndef HW_VIRTIO_BLK_H
#define HW_VIRTIO_BLK_H

#include "hw/virtio/virtio.h"

extern const struct virtio_type virtio_blk_type;

/* A virtio-blk-pci for each -drive if=virtio. */
bool virtio_blk_add_drives(struct machine *m, GError **err);

#endif

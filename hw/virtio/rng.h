/* SPDX-License-Identifier: MIT */
/* virtio-rng: entropy for the guest. */
#ifndef HW_VIRTIO_RNG_H
#define HW_VIRTIO_RNG_H

#include "hw/virtio/virtio.h"

extern const struct virtio_type virtio_rng_type;

#endif

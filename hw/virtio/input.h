/* SPDX-License-Identifier: MIT */
/* virtio-input: a keyboard, a mouse, a tablet (a pointer that has a place, so that nobody has to
 * grab it). The guest uses one from the moment its driver starts. */
#ifndef HW_VIRTIO_INPUT_H
#define HW_VIRTIO_INPUT_H

#include "hw/virtio/virtio.h"

extern const struct virtio_type virtio_keyboard_type, virtio_mouse_type, virtio_tablet_type;

#endif

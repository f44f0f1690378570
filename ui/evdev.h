/* SPDX-License-Identifier: MIT */
/* Linux's numbers for keys (input-event-codes.h), which XKB and virtio-input use too. */
#ifndef UI_EVDEV_H
#define UI_EVDEV_H

#include <stdint.h>

enum { EVDEV_KEY_MAX = 256 };

/* The key of ui/input.h; 0: a PC's keyboard has no such key. */
uint16_t evdev_to_key(unsigned code);
/* 0: there is none. */
unsigned evdev_from_key(uint16_t key);

#endif

/* SPDX-License-Identifier: MIT */
/* isa-debugcon: one port (e9h) that copies bytes to a character stream and reads as e9h. */
#ifndef HW_CHAR_DEBUGCON_H
#define HW_CHAR_DEBUGCON_H

#include "core/device.h"
#include "core/region.h"

struct chardev;

struct debugcon {
    struct device dev;
    struct region io;
    uint32_t iobase, readback;
    struct chardev *chr;
};

extern const struct device_type debugcon_type;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * System control port B (61h): speaker gate and data, refresh toggle, OUT2, NMI status bits.
 * Set `pit` before realize; map `io` (1 port).
 */
#ifndef HW_MISC_PORT61_H
#define HW_MISC_PORT61_H

#include "audio/audio.h"
#include "core/device.h"
#include "core/region.h"

struct i8254;

struct port61 {
    struct device dev;
    struct i8254 *pit;
    struct region io;
    uint8_t value; /* bits 3:0 as written */
    struct voice voice; /* the speaker; attach it before realize */
};

extern const struct device_type port61_type;

#endif

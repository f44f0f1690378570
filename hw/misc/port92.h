/* SPDX-License-Identifier: MIT */
/* System control port A (92h): fast A20 gate and fast reset. Map `io` (1 port). */
#ifndef HW_MISC_PORT92_H
#define HW_MISC_PORT92_H

#include "core/device.h"
#include "core/region.h"

struct port92 {
    struct device dev;
    struct region io;
    uint8_t value;
};

extern const struct device_type port92_type;

#endif

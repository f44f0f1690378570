/* SPDX-License-Identifier: MIT */
/* isa-debug-exit: a write of v ends the process with status (v << 1) | 1. */
#ifndef HW_MISC_DEBUGEXIT_H
#define HW_MISC_DEBUGEXIT_H

#include "core/device.h"
#include "core/region.h"

struct debugexit {
    struct device dev;
    struct region io;
    uint32_t iobase, iosize;
};

extern const struct device_type debugexit_type;

#endif

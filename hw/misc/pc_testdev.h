/* SPDX-License-Identifier: MIT */
/*
 * pc-testdev: what kvm-unit-tests expects: an echo port, interrupt lines by port, a page whose
 * mapping can be dropped, and a small I/O memory. Uses machine.isa_irq and machine.gsi.
 */
#ifndef HW_MISC_PC_TESTDEV_H
#define HW_MISC_PC_TESTDEV_H

#include "core/device.h"
#include "core/region.h"

struct pc_testdev {
    struct device dev;
    struct region ioport, ioport_byte, flush, irq, iomem;
    uint32_t value;
    uint8_t mem[0x10000];
};

extern const struct device_type pc_testdev_type;

#endif

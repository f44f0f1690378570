/* SPDX-License-Identifier: MIT */
/* isa-serial: a 16550A on the ISA bus. Properties index, iobase, irq, chardev. */
#ifndef HW_CHAR_ISA_SERIAL_H
#define HW_CHAR_ISA_SERIAL_H

#include "hw/char/serial.h"

struct isa_serial {
    struct device dev;
    struct serial uart;
    uint32_t index;  /* 0-3: COM1-COM4; UINT32_MAX: the next free one */
    uint32_t iobase; /* UINT32_MAX: by index */
    uint32_t irq;    /* UINT32_MAX: by index */
    struct chardev *chr;
};

extern const struct device_type isa_serial_type;

#endif

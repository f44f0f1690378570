/* SPDX-License-Identifier: MIT */
/*
 * i8042 keyboard controller with a PS/2 keyboard and a PS/2 mouse.
 *
 * Map io_data (1 port) at 60h and io_cmd (1 port) at 64h; set irq_kbd (ISA 1) and irq_aux
 * (ISA 12) before realize. Machine lock.
 */
#ifndef HW_INPUT_I8042_H
#define HW_INPUT_I8042_H

#include "core/device.h"
#include "core/irq.h"
#include "core/region.h"
#include "hw/input/ps2.h"

struct i8042 {
    struct device dev;
    struct irq_line irq_kbd, irq_aux;
    struct region io_data, io_cmd;
    uint8_t command;  /* command byte ("controller configuration") */
    uint8_t pending;  /* controller command that waits for its data byte, 0: none */
    uint8_t outport;  /* output port, bit 0 reset, bit 1 A20 */
    uint8_t ram[32];  /* controller RAM; byte 0 is `command` */
    bool last_was_cmd; /* status bit 3: last write was to 64h */
    bool full;        /* output buffer full */
    bool from_aux;    /* ... with a byte of the mouse */
    uint8_t data;     /* output buffer */
    bool release;     /* translation: F0 was seen */
    struct ps2_queue ctl; /* replies of the controller itself, before the devices' */
    struct ps2_queue ctl_aux; /* bytes of "write auxiliary output buffer" */
    struct ps2_kbd kbd;
    struct ps2_mouse mouse;
};

extern const struct device_type i8042_type;

#endif

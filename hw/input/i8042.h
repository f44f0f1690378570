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
    uint8_t ram[32];   /* controller RAM; byte 0 is the command byte */
    uint8_t pending;   /* controller command that waits for its data byte, 0: none */
    bool last_was_cmd; /* status bit 3: the last write was to 64h */
    bool full;         /* output buffer full */
    bool from_aux;     /* ... with a byte of the mouse */
    uint8_t data;      /* output buffer */
    bool release;      /* translation: F0 was seen */
    struct ps2_queue reply;     /* the controller's own, before the devices' bytes */
    struct ps2_queue reply_aux; /* "write auxiliary output buffer" */
    struct ps2_kbd kbd;
    struct ps2_mouse mouse;
};

extern const struct device_type i8042_type;

#endif

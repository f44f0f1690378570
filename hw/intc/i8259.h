/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8259A interrupt controllers of a PC: master at 20h (IRQ 0-7), slave at A0h (IRQ
 * 8-15) on the master's input 2, with the edge/level registers of the PIIX at 4d0h.
 *
 * Set `intr` before realize; map io[0] at 20h, io[1] at A0h, elcr at 4d0h. Machine lock.
 */
#ifndef HW_INTC_I8259_H
#define HW_INTC_I8259_H

#include "core/device.h"
#include "core/irq.h"
#include "core/region.h"

struct i8259_chip {
    uint8_t lines;    /* level of the inputs */
    uint8_t irr, imr, isr;
    uint8_t elcr;     /* 1: level triggered */
    uint8_t base;     /* ICW2: vector of input 0 */
    uint8_t icw3;     /* as written; the wiring of a PC is fixed */
    uint8_t init;     /* next ICW expected (2, 3, 4), 0: ready */
    bool single;      /* ICW1 SNGL */
    bool need_icw4;   /* ICW1 IC4 */
    bool aeoi, sfnm;  /* ICW4 */
    bool rotate_aeoi; /* OCW2: rotate in automatic EOI mode */
    bool special_mask; /* OCW3 SMM */
    bool read_isr;    /* OCW3 RIS: what a read of port 0 gives */
    bool poll;        /* OCW3 P: the next read is an acknowledge */
    uint8_t lowest;   /* input with the lowest priority, 7 after ICW1 */
};

struct i8259 {
    struct device dev;
    struct irq_line intr; /* INT of the master: to the CPU or LINT0 */
    struct i8259_chip chip[2]; /* master, slave */
    struct region io[2];  /* 2 ports each */
    struct region elcr;   /* 2 ports */
};

extern const struct device_type i8259_type;

/* irq_line sink: inputs 0-15 of the pair (input 2 is the cascade and ignored). */
void i8259_set_irq(void *pic, int n, int level);
/* The INTA cycle: the vector; a spurious IRQ 7 or 15 if the request has gone. */
int i8259_ack(struct i8259 *pic);
/* Is INT active? */
bool i8259_pending(const struct i8259 *pic);
/* "info pic" */
void i8259_describe(const struct i8259 *pic, GString *out);

#endif

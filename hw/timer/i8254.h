/* SPDX-License-Identifier: MIT */
/*
 * 8254 programmable interval timer: three 16-bit counters on a 1.193182 MHz clock.
 *
 * Map `io` (4 ports) at 40h; set irq[n] (OUT of counter n; only connected ones cost timers)
 * before realize. Gates 0 and 1 are high in a PC, gate 2 belongs to port 61h. Machine lock.
 */
#ifndef HW_TIMER_I8254_H
#define HW_TIMER_I8254_H

#include "core/clock.h"
#include "core/device.h"
#include "core/irq.h"
#include "core/region.h"

#define PIT_HZ 1193182

struct pit_counter {
    /* programming */
    uint8_t mode;       /* 0-5 */
    uint8_t rw;         /* 1: low byte, 2: high byte, 3: low then high */
    bool bcd;
    bool write_high, read_high; /* next byte of rw 3 is the high one */
    uint8_t write_latch;        /* low byte waiting for its high byte */
    bool null_count;    /* written, but not yet in the counting element */
    bool gate;
    /* latches of the counter latch and read-back commands */
    uint8_t latched;    /* bytes of latch still to be read: 0, 1, 2 */
    uint16_t latch;
    bool status_latched;
    uint8_t status;
    /* counting, in ticks of PIT_HZ since virtual time 0; see i8254.c */
    bool loaded;        /* the element counts `period` down since tick `start` */
    bool was_low;       /* mode 1, retriggered: OUT was low already before `start` */
    bool paused;        /* gate low: the element stands as it was at tick paused_at */
    uint32_t reload;    /* CR: 1-65536 (10000 in BCD), 0: none written yet */
    uint32_t period;    /* reload as it was at the load */
    uint32_t next_period; /* modes 2, 3: written while counting, 0: none */
    uint16_t idle;      /* what the element shows while not loaded */
    int64_t start, paused_at;
    int64_t seen;       /* tick up to which rising edges of OUT were told to irq */
};

struct i8254 {
    struct device dev;
    struct irq_line irq[3];
    struct region io;
    struct pit_counter ch[3];
    struct timer timer[3];
    void (*changing)(void *arg); /* before a register is written; may be NULL */
    void *changing_arg;
};

extern const struct device_type i8254_type;

bool i8254_get_out(struct i8254 *pit, unsigned ch);
/* As the counter is set now, at a time that is not long past. */
bool i8254_out_at(struct i8254 *pit, unsigned ch, int64_t ns);
bool i8254_get_gate(const struct i8254 *pit, unsigned ch);
void i8254_set_gate(struct i8254 *pit, unsigned ch, bool level);

#endif

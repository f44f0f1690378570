/* SPDX-License-Identifier: MIT */
/*
 * 16550A UART: a chip that knows an interrupt line and a character stream. Attachments
 * (isa_serial.c) embed it, map `io` (8 bytes) and list SERIAL_STATE in their state table.
 */
#ifndef HW_CHAR_SERIAL_H
#define HW_CHAR_SERIAL_H

#include "core/clock.h"
#include "core/device.h"
#include "core/irq.h"
#include "core/region.h"

struct chardev;

#define SERIAL_FIFO 16

struct serial {
    struct machine *machine;
    struct irq_line irq;
    struct chardev *chr; /* or NULL */
    struct region io;

    uint16_t divisor;
    uint8_t ier, fcr, lcr, mcr, scr;
    uint8_t lsr;          /* error bits OE PE FE BI of the head; DR, THRE, TEMT are computed */
    uint8_t modem;        /* MSR bits 7:4 of the pins, and 3:0 deltas */
    bool thre_pending;    /* THR-empty interrupt not yet taken by an IIR read or THR write */
    bool timeout;         /* receiver FIFO timed out */
    uint8_t rx[SERIAL_FIFO]; /* receiver FIFO; without FIFOs only one byte is used */
    uint8_t rx_flags[SERIAL_FIFO]; /* LSR error bits of each byte */
    uint8_t rx_head, rx_count;
    uint8_t tx[SERIAL_FIFO]; /* bytes the stream has not taken yet */
    uint8_t tx_head, tx_count;
    uint8_t rsr;          /* last byte read, given again when empty */
    struct timer timeout_timer;
};

/* With s->irq and s->chr set. False if the stream has a front end already. */
bool serial_init(struct serial *s, struct machine *m, const char *name, GError **err);
void serial_fini(struct serial *s);
void serial_reset(struct serial *s);
void serial_loaded(struct serial *s);

#define SERIAL_STATE(T, f)                                                                         \
    STATE_FIELD(T, f.divisor), STATE_FIELD(T, f.ier), STATE_FIELD(T, f.fcr),                       \
    STATE_FIELD(T, f.lcr), STATE_FIELD(T, f.mcr), STATE_FIELD(T, f.scr), STATE_FIELD(T, f.lsr),    \
    STATE_FIELD(T, f.modem), STATE_FIELD(T, f.thre_pending), STATE_FIELD(T, f.timeout),            \
    STATE_BUFFER(T, f.rx), STATE_BUFFER(T, f.rx_flags), STATE_FIELD(T, f.rx_head),                 \
    STATE_FIELD(T, f.rx_count), STATE_BUFFER(T, f.tx), STATE_FIELD(T, f.tx_head),                  \
    STATE_FIELD(T, f.tx_count), STATE_FIELD(T, f.rsr), STATE_TIMER_FIELD(T, f.timeout_timer)

#endif

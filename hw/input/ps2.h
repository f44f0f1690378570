/* SPDX-License-Identifier: MIT */
/*
 * PS/2 keyboard and mouse: what hangs on the two ports of the i8042. The owner is told through
 * `notify` when the output queue may have changed. Machine lock.
 */
#ifndef HW_INPUT_PS2_H
#define HW_INPUT_PS2_H

#include "core/device.h"

#include <stdbool.h>
#include <stdint.h>

#define PS2_QUEUE 32

struct ps2_queue {
    uint8_t data[PS2_QUEUE];
    uint8_t head, count;
};

struct ps2_port {
    struct ps2_queue reply; /* to the host: answers to commands, which go first */
    struct ps2_queue queue; /* to the host: keys, motion */
    uint8_t last;           /* last byte sent, for Resend */
    uint8_t command;        /* waits for its argument, 0: none */
    bool enabled;           /* scanning / data reporting */
    void (*notify)(void *arg);
    void *arg;
};

struct ps2_kbd {
    struct ps2_port port;
    uint8_t scan_set; /* 1 or 2, as in the keyboard; the controller translates 2 to 1 */
    uint8_t typematic, leds;
    void (*leds_changed)(void *arg, uint8_t leds); /* or NULL */
    void *leds_arg;
};

struct ps2_mouse {
    struct ps2_port port;
    uint8_t id;          /* 0, 3: wheel, 4: five buttons */
    uint8_t rate, resolution;
    bool scale21, remote, wrap;
    uint8_t knock[2];    /* the last two sample rates: the wheel's magic knock */
    uint8_t buttons;     /* bit 0 left, 1 right, 2 middle, 3, 4 side */
    int16_t dx, dy, dz;  /* motion not yet reported */
    uint8_t reported;    /* buttons in the last packet */
};

void ps2_queue_clear(struct ps2_queue *q);
/* False (and nothing queued) unless all n bytes fit. */
bool ps2_queue_put(struct ps2_queue *q, const uint8_t *bytes, unsigned n);
uint8_t ps2_queue_pop(struct ps2_queue *q); /* 0 when empty */
/* After loading: indices in range. */
void ps2_queue_check(struct ps2_queue *q);

/* Common to both: is there a byte for the host? Take it (0 if not). */
bool ps2_port_ready(const struct ps2_port *p);
uint8_t ps2_port_pop(struct ps2_port *p);

void ps2_kbd_reset(struct ps2_kbd *k);              /* power-on */
void ps2_kbd_write(struct ps2_kbd *k, uint8_t byte); /* from the host */
/* A key went down or up. set1: its set 1 make code, 0xe0nn for extended keys, 0xe11d Pause. */
void ps2_kbd_key(struct ps2_kbd *k, uint16_t set1, bool down);

void ps2_mouse_reset(struct ps2_mouse *m);
void ps2_mouse_write(struct ps2_mouse *m, uint8_t byte);
void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, uint8_t buttons);
/* The host took a byte: the next packet may follow. */
void ps2_mouse_taken(struct ps2_mouse *m);

/* Declared state of a keyboard or mouse member f of device struct T. */
#define PS2_PORT_STATE(T, f)                                                                       \
    STATE_BUFFER(T, f.reply.data), STATE_FIELD(T, f.reply.head), STATE_FIELD(T, f.reply.count),    \
    STATE_BUFFER(T, f.queue.data), STATE_FIELD(T, f.queue.head), STATE_FIELD(T, f.queue.count),    \
    STATE_FIELD(T, f.last), STATE_FIELD(T, f.command), STATE_FIELD(T, f.enabled)
#define PS2_KBD_STATE(T, f)                                                                        \
    PS2_PORT_STATE(T, f.port), STATE_FIELD(T, f.scan_set), STATE_FIELD(T, f.typematic),            \
    STATE_FIELD(T, f.leds)
#define PS2_MOUSE_STATE(T, f)                                                                      \
    PS2_PORT_STATE(T, f.port), STATE_FIELD(T, f.id), STATE_FIELD(T, f.rate),                       \
    STATE_FIELD(T, f.resolution), STATE_FIELD(T, f.scale21), STATE_FIELD(T, f.remote),             \
    STATE_FIELD(T, f.wrap), STATE_BUFFER(T, f.knock), STATE_FIELD(T, f.buttons),                   \
    STATE_FIELD(T, f.dx), STATE_FIELD(T, f.dy), STATE_FIELD(T, f.dz), STATE_FIELD(T, f.reported)

#endif

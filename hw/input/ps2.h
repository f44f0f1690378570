/* SPDX-License-Identifier: MIT */
/*
 * PS/2 keyboard and mouse: what hangs on the two ports of the i8042. The owner is told through
 * `notify` when the output queue may have changed. Machine lock.
 */
#ifndef HW_INPUT_PS2_H
#define HW_INPUT_PS2_H

#include <stdbool.h>
#include <stdint.h>

#define PS2_QUEUE 32

struct ps2_queue {
    uint8_t data[PS2_QUEUE];
    uint8_t head, count;
};

struct ps2_port {
    struct ps2_queue queue; /* to the host */
    uint8_t last;           /* last byte sent, for Resend */
    uint8_t command;        /* waits for its argument, 0: none */
    bool enabled;           /* scanning / data reporting */
    void (*notify)(void *arg);
    void *arg;
};

struct ps2_kbd {
    struct ps2_port port;
    uint8_t scan_set; /* 1-3, as in the keyboard; the controller translates 2 to 1 */
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

/* Common to both: take the next byte for the host (queue not empty). */
uint8_t ps2_port_pop(struct ps2_port *p);

void ps2_kbd_reset(struct ps2_kbd *k);              /* power-on */
void ps2_kbd_write(struct ps2_kbd *k, uint8_t byte); /* from the host */
/* A key went down or up. set1: its set 1 make code, 0xe0nn for extended keys, 0xe11d Pause. */
void ps2_kbd_key(struct ps2_kbd *k, uint16_t set1, bool down);

void ps2_mouse_reset(struct ps2_mouse *m);
void ps2_mouse_write(struct ps2_mouse *m, uint8_t byte);
void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, uint8_t buttons);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * PS/2 mouse. IBM PS/2 Hardware Interface Technical Reference, "Mouse"; the wheel and five
 * buttons by Microsoft's sample rate sequences 200 100 80 (id 3) and 200 200 80 (id 4).
 *
 * Modelled: all commands, stream, remote and wrap modes. Packets are sent as soon as there is
 * something to report and the queue is free, whatever the sample rate.
 */
#include "hw/input/ps2.h"
#include "hw/input/ps2_regs.h"

enum { ID_PLAIN = 0, ID_WHEEL = 3, ID_FIVE = 4 };

static void reply(struct ps2_mouse *m, uint8_t byte)
{
    ps2_queue_put(&m->port.reply, &byte, 1);
}

static void set_defaults(struct ps2_mouse *m)
{
    m->port.enabled = false;
    m->port.command = 0;
    m->rate = 100;
    m->resolution = 2;
    m->scale21 = m->remote = m->wrap = false;
    m->dx = m->dy = m->dz = 0;
    ps2_queue_clear(&m->port.queue);
}

void ps2_mouse_reset(struct ps2_mouse *m)
{
    set_defaults(m);
    ps2_queue_clear(&m->port.reply);
    m->id = ID_PLAIN;
    m->knock[0] = m->knock[1] = 0;
    m->port.last = 0;
    m->reported = m->buttons;
}

/* Take at most [low, high] out of a counter. */
static int take(int16_t *counter, int low, int high)
{
    int v = *counter < low ? low : *counter > high ? high : *counter;
    *counter -= v;
    return v;
}

static unsigned packet(struct ps2_mouse *m, uint8_t *out)
{
    int dx = take(&m->dx, -255, 255), dy = take(&m->dy, -255, 255), dz = 0;
    if (m->id != ID_PLAIN)
        dz = take(&m->dz, m->id == ID_FIVE ? -8 : -127, m->id == ID_FIVE ? 7 : 127);
    m->reported = m->buttons;
    out[0] = (m->buttons & 7) | 8 | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0);
    out[1] = dx;
    out[2] = dy;
    out[3] = m->id == ID_FIVE ? (dz & 0x0f) | (m->buttons & 0x18) << 1 : dz;
    return m->id == ID_PLAIN ? 3 : 4;
}

static bool something_new(const struct ps2_mouse *m)
{
    return m->dx || m->dy || (m->dz && m->id != ID_PLAIN) || m->buttons != m->reported;
}

static void report(struct ps2_mouse *m)
{
    uint8_t bytes[4];
    if (!m->port.enabled || m->remote || m->port.queue.count || !something_new(m))
        return;
    ps2_queue_put(&m->port.queue, bytes, packet(m, bytes));
}

static void set_rate(struct ps2_mouse *m, uint8_t rate)
{
    if (m->knock[0] == 200 && m->knock[1] == 100 && rate == 80)
        m->id = ID_WHEEL;
    else if (m->knock[0] == 200 && m->knock[1] == 200 && rate == 80 && m->id == ID_WHEEL)
        m->id = ID_FIVE;
    m->knock[0] = m->knock[1];
    m->knock[1] = rate;
    m->rate = rate;
}

static void reply_status(struct ps2_mouse *m)
{
    uint8_t b = m->buttons;
    reply(m, PS2_ACK);
    reply(m, (m->remote ? 0x40 : 0) | (m->port.enabled ? 0x20 : 0) | (m->scale21 ? 0x10 : 0) |
                 (b & 1) << 2 | (b & 4) >> 1 | (b & 2) >> 1);
    reply(m, m->resolution);
    reply(m, m->rate);
}

static void reply_packet(struct ps2_mouse *m)
{
    uint8_t bytes[4];
    reply(m, PS2_ACK);
    ps2_queue_put(&m->port.reply, bytes, packet(m, bytes));
}

static void command(struct ps2_mouse *m, uint8_t byte)
{
    switch (byte) {
    case AUX_RESOLUTION:
    case AUX_RATE:
        m->port.command = byte;
        break;
    case AUX_SCALE_11:
    case AUX_SCALE_21:
        m->scale21 = byte == AUX_SCALE_21;
        break;
    case AUX_STATUS:
        reply_status(m);
        return;
    case AUX_READ:
        reply_packet(m);
        return;
    case AUX_STREAM:
    case AUX_REMOTE:
        m->remote = byte == AUX_REMOTE;
        break;
    case AUX_WRAP:
    case AUX_UNWRAP:
        m->wrap = byte == AUX_WRAP;
        break;
    case AUX_IDENTIFY:
        reply(m, PS2_ACK);
        reply(m, m->id);
        return;
    case AUX_ENABLE:
    case AUX_DISABLE:
        m->port.enabled = byte == AUX_ENABLE;
        ps2_queue_clear(&m->port.queue);
        break;
    case AUX_DEFAULTS:
        set_defaults(m);
        break;
    case AUX_RESEND:
        reply(m, m->port.last);
        return;
    case AUX_RESET:
        ps2_mouse_reset(m);
        reply(m, PS2_ACK);
        reply(m, PS2_BAT_OK);
        reply(m, m->id);
        return;
    default:
        reply(m, PS2_RESEND);
        return;
    }
    reply(m, PS2_ACK);
}

void ps2_mouse_write(struct ps2_mouse *m, uint8_t byte)
{
    uint8_t waiting = m->port.command;
    ps2_queue_clear(&m->port.reply);
    m->port.command = 0;
    if (m->wrap && byte != AUX_UNWRAP && byte != AUX_RESET) {
        reply(m, byte);
    } else if (waiting == AUX_RATE) {
        set_rate(m, byte);
        reply(m, PS2_ACK);
    } else if (waiting == AUX_RESOLUTION) {
        m->resolution = byte & 3;
        reply(m, PS2_ACK);
    } else {
        command(m, byte);
    }
    report(m);
    if (m->port.notify)
        m->port.notify(m->port.arg);
}

static int16_t add_motion(int16_t counter, int d)
{
    int64_t v = (int64_t)counter + d;
    return v < -4096 ? -4096 : v > 4096 ? 4096 : v;
}

void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, uint8_t buttons)
{
    m->buttons = buttons & 0x1f;
    if (m->port.enabled) {
        m->dx = add_motion(m->dx, dx);
        m->dy = add_motion(m->dy, dy);
        m->dz = add_motion(m->dz, dz);
    }
    report(m);
    if (m->port.notify)
        m->port.notify(m->port.arg);
}

void ps2_mouse_taken(struct ps2_mouse *m)
{
    report(m);
}

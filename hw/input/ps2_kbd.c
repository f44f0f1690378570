/* SPDX-License-Identifier: MIT */
/*
 * PS/2 keyboard (MF2, 101/102 keys). IBM PS/2 Hardware Interface Technical Reference,
 * "Keyboards".
 *
 * Modelled: all commands, scan code sets 1 and 2, LEDs, the typematic rate as a stored value
 * (repeated keys come from whoever presses them). Set 3 is refused with Resend.
 */
#include "hw/input/ps2.h"
#include "hw/input/ps2_regs.h"
#include "hw/input/scancodes.h"

static void notify(struct ps2_kbd *k)
{
    if (k->port.notify)
        k->port.notify(k->port.arg);
}

static void reply(struct ps2_kbd *k, uint8_t byte)
{
    ps2_queue_put(&k->port.reply, &byte, 1);
}

static void set_leds(struct ps2_kbd *k, uint8_t leds)
{
    k->leds = leds & 7;
    if (k->leds_changed)
        k->leds_changed(k->leds_arg, k->leds);
}

static void set_defaults(struct ps2_kbd *k)
{
    k->scan_set = 2;
    k->typematic = KBD_TYPEMATIC_DEFAULT;
    k->port.command = 0;
    ps2_queue_clear(&k->port.queue);
}

void ps2_kbd_reset(struct ps2_kbd *k)
{
    set_defaults(k);
    ps2_queue_clear(&k->port.reply);
    k->port.enabled = true;
    k->port.last = 0;
    set_leds(k, 0);
}

/* The byte after ED, F0 or F3. False: it is a command after all. */
static bool argument(struct ps2_kbd *k, uint8_t byte)
{
    uint8_t command = k->port.command;
    k->port.command = 0;
    if (!command || byte >= 0x80)
        return false;
    if (command == KBD_SCAN_SET && byte > 2) {
        reply(k, PS2_RESEND);
        return true;
    }
    reply(k, PS2_ACK);
    if (command == KBD_SET_LEDS)
        set_leds(k, byte);
    else if (command == KBD_TYPEMATIC)
        k->typematic = byte;
    else if (byte == 0)
        reply(k, k->scan_set);
    else
        k->scan_set = byte;
    return true;
}

static void command(struct ps2_kbd *k, uint8_t byte)
{
    switch (byte) {
    case KBD_SET_LEDS:
    case KBD_SCAN_SET:
    case KBD_TYPEMATIC:
        k->port.command = byte;
        reply(k, PS2_ACK);
        break;
    case KBD_ECHO:
        reply(k, PS2_ECHO);
        break;
    case KBD_IDENTIFY:
        reply(k, PS2_ACK);
        reply(k, KBD_ID1);
        reply(k, KBD_ID2);
        break;
    case KBD_ENABLE:
        k->port.enabled = true;
        ps2_queue_clear(&k->port.queue);
        reply(k, PS2_ACK);
        break;
    case KBD_DISABLE:
    case KBD_DEFAULTS:
        set_defaults(k);
        if (byte == KBD_DISABLE)
            k->port.enabled = false;
        reply(k, PS2_ACK);
        break;
    case KBD_SET3_FIRST ... KBD_SET3_LAST:
        reply(k, PS2_ACK);
        break;
    case KBD_RESEND:
        reply(k, k->port.last);
        break;
    case KBD_RESET:
        ps2_kbd_reset(k);
        reply(k, PS2_ACK);
        reply(k, PS2_BAT_OK);
        break;
    default:
        reply(k, PS2_RESEND);
    }
}

void ps2_kbd_write(struct ps2_kbd *k, uint8_t byte)
{
    uint8_t last = k->port.last;
    ps2_queue_clear(&k->port.reply); /* a new byte from the host ends an answer */
    k->port.last = last;
    if (!argument(k, byte))
        command(k, byte);
    notify(k);
}

static unsigned pause_key(const struct ps2_kbd *k, uint8_t *out)
{
    static const uint8_t set1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
    static const uint8_t set2[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};
    unsigned n = k->scan_set == 1 ? sizeof(set1) : sizeof(set2);
    for (unsigned i = 0; i < n; i++)
        out[i] = k->scan_set == 1 ? set1[i] : set2[i];
    return n;
}

void ps2_kbd_key(struct ps2_kbd *k, uint16_t set1, bool down)
{
    uint8_t bytes[8];
    unsigned n = 0;
    if (!k->port.enabled)
        return;
    if (set1 >> 8 == 0xe1) {
        n = down ? pause_key(k, bytes) : 0;
    } else {
        if (set1 >> 8)
            bytes[n++] = set1 >> 8;
        if (k->scan_set == 1) {
            bytes[n++] = (set1 & 0x7f) | (down ? 0 : 0x80);
        } else {
            if (!down)
                bytes[n++] = 0xf0;
            bytes[n++] = scancode_set1_to_set2(set1 & 0x7f);
        }
    }
    ps2_queue_put(&k->port.queue, bytes, n); /* a full buffer drops the key */
    notify(k);
}

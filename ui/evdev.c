/* SPDX-License-Identifier: MIT */
/* Up to F12 Linux counts as scan code set 1 does; what follows is a table. */
#include "ui/evdev.h"

#include <glib.h>
#include <linux/input-event-codes.h>

/* ui/input.h gives KEY_PAUSE another meaning than Linux. */
enum { PREFIX = 0xe000, PAUSE_KEY = 0xe11d };
#define E(code) (PREFIX | (code))

static const uint16_t beyond[EVDEV_KEY_MAX] = {
    [KEY_RO] = 0x73, [KEY_HENKAN] = 0x79, [KEY_KATAKANAHIRAGANA] = 0x70, [KEY_MUHENKAN] = 0x7b,
    [KEY_KPENTER] = E(0x1c), [KEY_RIGHTCTRL] = E(0x1d), [KEY_KPSLASH] = E(0x35),
    [KEY_SYSRQ] = E(0x37), [KEY_RIGHTALT] = E(0x38), [KEY_HOME] = E(0x47), [KEY_UP] = E(0x48),
    [KEY_PAGEUP] = E(0x49), [KEY_LEFT] = E(0x4b), [KEY_RIGHT] = E(0x4d), [KEY_END] = E(0x4f),
    [KEY_DOWN] = E(0x50), [KEY_PAGEDOWN] = E(0x51), [KEY_INSERT] = E(0x52),
    [KEY_DELETE] = E(0x53), [KEY_MUTE] = E(0x20), [KEY_VOLUMEDOWN] = E(0x2e),
    [KEY_VOLUMEUP] = E(0x30), [KEY_POWER] = E(0x5e), [KEY_KPEQUAL] = 0x59,
    [KEY_PAUSE] = PAUSE_KEY, [KEY_KPCOMMA] = 0x7e, [KEY_YEN] = 0x7d, [KEY_LEFTMETA] = E(0x5b),
    [KEY_RIGHTMETA] = E(0x5c), [KEY_COMPOSE] = E(0x5d), [KEY_STOP] = E(0x68),
    [KEY_CALC] = E(0x21), [KEY_SLEEP] = E(0x5f), [KEY_WAKEUP] = E(0x63), [KEY_MAIL] = E(0x6c),
    [KEY_BOOKMARKS] = E(0x66), [KEY_COMPUTER] = E(0x6b), [KEY_BACK] = E(0x6a),
    [KEY_FORWARD] = E(0x69), [KEY_NEXTSONG] = E(0x19), [KEY_PLAYPAUSE] = E(0x22),
    [KEY_PREVIOUSSONG] = E(0x10), [KEY_STOPCD] = E(0x24), [KEY_HOMEPAGE] = E(0x32),
    [KEY_REFRESH] = E(0x67),
};

uint16_t evdev_to_key(unsigned code)
{
    if (code >= EVDEV_KEY_MAX)
        return 0;
    if (code <= KEY_KPDOT || (code >= KEY_102ND && code <= KEY_F12))
        return (uint16_t)code;
    return beyond[code];
}

unsigned evdev_from_key(uint16_t key)
{
    if (key <= KEY_KPDOT || (key >= KEY_102ND && key <= KEY_F12))
        return key;
    for (unsigned i = 0; i < EVDEV_KEY_MAX; i++)
        if (beyond[i] == key)
            return i;
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Keys and pointers of VNC clients. A client that knows QEMU's extended key event says which key
 * was pressed; others say what is printed on it, and a layout (-k) tells where that is. Shift and
 * AltGr are put right where the two keyboards differ, so that the symbol arrives.
 */
#include <xkbcommon/xkbcommon-keysyms.h>

#include "core/machine.h"
#include "ui/input.h"
#include "ui/vnc_int.h"

enum { SHIFT = 0x2a, SHIFT_RIGHT = 0x36, ALTGR = KEY_EXTENDED | 0x38, XT_PAUSE = 0xc6 };

/* ---- Keys that are held ------------------------------------------------------------------ */

static bool is_down(const struct vnc_client *c, uint16_t key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(c->down); i++)
        if (c->down[i] == key)
            return true;
    return false;
}

static void note_key(struct vnc_client *c, uint16_t key, bool down)
{
    if (down && is_down(c, key))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(c->down); i++) {
        if (c->down[i] == (down ? 0 : key)) {
            c->down[i] = down ? key : 0;
            return;
        }
    }
}

static void send(struct vnc_client *c, uint16_t key, bool down)
{
    input_key(c->vnc->machine, key, down);
}

void vnc_release(struct vnc_client *c)
{
    for (size_t i = 0; i < G_N_ELEMENTS(c->down); i++) {
        if (c->down[i])
            send(c, c->down[i], false);
        c->down[i] = 0;
    }
    c->ctrl = c->alt = false;
    if (c->buttons)
        input_buttons(c->vnc->machine, 0);
    c->buttons = 0;
}

/* ---- Keys --------------------------------------------------------------------------------- */

static uint16_t key_of_xt(uint32_t code)
{
    if (code == XT_PAUSE)
        return KEY_PAUSE;
    return (uint16_t)(code & 0x80 ? KEY_EXTENDED | (code & 0x7f) : code & 0x7f);
}

static uint16_t key_of_keysym(struct vnc_client *c, uint32_t keysym, unsigned *held)
{
    struct vnc *v = c->vnc;

    if (!v->keymap)
        v->keymap = keysyms_new(v->machine->config->keymap, NULL);
    return v->keymap ? keysyms_find(v->keymap, keysym, held) : 0;
}

/* Press the key so that the guest gets this symbol, whatever else is held. */
static void type(struct vnc_client *c, uint32_t keysym, uint16_t key, unsigned held)
{
    bool printable = keysym_char(keysym) > ' ' && keysym_char(keysym) != 0x7f;
    bool letter = printable && g_unichar_isalpha(keysym_char(keysym));
    bool left = is_down(c, SHIFT), right = is_down(c, SHIFT_RIGHT);
    bool shift = printable && !(letter && c->caps) &&
                 (left || right) != ((held & KEYSYM_SHIFT) != 0);
    bool altgr = printable && (held & KEYSYM_ALTGR) && !is_down(c, ALTGR);

    if (shift && !left && !right)
        send(c, SHIFT, true);
    if (shift && left)
        send(c, SHIFT, false);
    if (shift && right)
        send(c, SHIFT_RIGHT, false);
    if (altgr)
        send(c, ALTGR, true);
    send(c, key, true);
    if (altgr)
        send(c, ALTGR, false);
    if (shift && !left && !right)
        send(c, SHIFT, false);
    if (shift && left)
        send(c, SHIFT, true);
    if (shift && right)
        send(c, SHIFT_RIGHT, true);
}

static void note_modifiers(struct vnc_client *c, uint32_t keysym, bool down)
{
    if (keysym == XKB_KEY_Control_L || keysym == XKB_KEY_Control_R)
        c->ctrl = down;
    if (keysym == XKB_KEY_Alt_L || keysym == XKB_KEY_Meta_L)
        c->alt = down;
    if (keysym == XKB_KEY_Caps_Lock && down)
        c->caps = !c->caps;
}

/* Ctrl-Alt-1 to 9 choose a console. */
static bool hot_key(struct vnc_client *c, uint32_t keysym, bool down)
{
    if (!c->ctrl || !c->alt || keysym < XKB_KEY_1 || keysym > XKB_KEY_9)
        return false;
    if (down && console_get(c->vnc->machine, keysym - XKB_KEY_1)) {
        vnc_release(c);
        vnc_show(c->vnc, keysym - XKB_KEY_1);
    }
    return true;
}

static void guest_key(struct vnc_client *c, uint32_t keysym, uint32_t code, bool down)
{
    unsigned held = 0;
    uint16_t key = code ? key_of_xt(code) : key_of_keysym(c, keysym, &held);

    if (!key)
        return;
    note_key(c, key, down);
    if (down && !code)
        type(c, keysym, key, held);
    else
        send(c, key, down);
}

void vnc_key(struct vnc_client *c, uint32_t keysym, uint32_t code, bool down)
{
    struct console *con = c->vnc->viewer.console;

    machine_lock(c->vnc->machine);
    note_modifiers(c, keysym, down);
    if (hot_key(c, keysym, down) || !con)
        ;
    else if (!con->ops->type)
        guest_key(c, keysym, code, down);
    else if (down)
        con->ops->type(con->dev, keysym, c->ctrl);
    machine_unlock(c->vnc->machine);
}

/* ---- Pointer ------------------------------------------------------------------------------ */

enum { RFB_LEFT = 1, RFB_MIDDLE = 2, RFB_RIGHT = 4, RFB_WHEEL_UP = 8, RFB_WHEEL_DOWN = 16,
       RELATIVE_ZERO = 0x7fff };

static void move(struct vnc_client *c, int x, int y)
{
    struct machine *m = c->vnc->machine;
    bool told = (c->can & CAN_RELATIVE) && !c->was_absolute;

    if (input_is_absolute(m)) {
        const struct surface *s = &c->vnc->viewer.console->surface;
        input_position(m, CLAMP(x * 32767ll / MAX((int)s->width - 1, 1), 0, 32767),
                       CLAMP(y * 32767ll / MAX((int)s->height - 1, 1), 0, 32767), 0);
    } else if (told) {
        if (x != RELATIVE_ZERO || y != RELATIVE_ZERO)
            input_motion(m, x - RELATIVE_ZERO, y - RELATIVE_ZERO, 0);
    } else if (c->x >= 0 && (x != c->x || y != c->y)) {
        input_motion(m, x - c->x, y - c->y, 0);
    }
    c->x = x;
    c->y = y;
}

static void press(struct vnc_client *c, unsigned buttons)
{
    struct machine *m = c->vnc->machine;
    unsigned fresh = buttons & ~c->buttons;

    if ((buttons ^ c->buttons) & (RFB_LEFT | RFB_MIDDLE | RFB_RIGHT))
        input_buttons(m, (buttons & RFB_LEFT ? BUTTON_LEFT : 0) |
                             (buttons & RFB_MIDDLE ? BUTTON_MIDDLE : 0) |
                             (buttons & RFB_RIGHT ? BUTTON_RIGHT : 0));
    if (fresh & (RFB_WHEEL_UP | RFB_WHEEL_DOWN))
        input_wheel(m, fresh & RFB_WHEEL_UP ? 1 : -1);
    c->buttons = buttons;
}

void vnc_pointer(struct vnc_client *c, unsigned buttons, unsigned x, unsigned y)
{
    struct console *con = c->vnc->viewer.console;

    machine_lock(c->vnc->machine);
    if (con && !con->ops->type) {
        move(c, (int)x, (int)y);
        press(c, buttons);
        if (input_is_absolute(c->vnc->machine) != c->was_absolute) {
            c->say_pointer = true;
            vnc_client_poke(c);
        }
    } else if (con && (buttons & ~c->buttons & (RFB_WHEEL_UP | RFB_WHEEL_DOWN))) {
        con->ops->type(con->dev, buttons & RFB_WHEEL_UP ? SYMBOL_SCROLL_UP : SYMBOL_SCROLL_DOWN,
                       false);
        c->buttons = buttons;
    } else {
        c->buttons = buttons;
    }
    machine_unlock(c->vnc->machine);
}

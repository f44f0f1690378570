/* SPDX-License-Identifier: MIT */
/*
 * A window by SDL 2: the guest's screen, its keyboard and its mouse. Main thread.
 *
 * Ctrl-Alt-F full screen, Ctrl-Alt-G the mouse goes to the guest or comes back, Ctrl-Alt-U the
 * guest's own size, Ctrl-Alt-+ and - larger and smaller, Ctrl-Alt-1 to 9 the machine's consoles:
 * the guest, the monitor, serial ports. grab-mod= puts other keys in the place of Ctrl-Alt.
 */
#ifndef UI_SDL_H
#define UI_SDL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ui/ui.h"

/* Is there a desktop to open a window on? */
bool sdl_desktop(void);
/* A window on the machine's first console; it goes with the machine. Lock held. */
bool sdl_open(struct machine *m, const struct display_settings *settings, GError **err);

/* sdl_keys.c: an SDL scancode (a place on the keyboard, whatever the layout) as a key of
 * ui/input.h; 0: a PC has no such key. */
uint16_t sdl_key(unsigned scancode);

#endif

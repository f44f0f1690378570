/* SPDX-License-Identifier: MIT */
/*
 * Keysyms (the X Window System's numbers for what is printed on keys) to keys of ui/input.h, by
 * a keyboard layout: -k. For clients and terminals that say which symbol was typed and not which
 * key was pressed.
 */
#ifndef UI_KEYSYM_H
#define UI_KEYSYM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct keysyms;

enum { KEYSYM_SHIFT = 1, KEYSYM_ALTGR = 2 }; /* held to get the symbol */

/* A layout by QEMU's name ("de", "en-us", "pt-br") or XKB's ("us", "ch(fr)"); NULL: en-us. */
struct keysyms *keysyms_new(const char *layout, GError **err);
void keysyms_free(struct keysyms *k);
/* The key and what must be held with it; 0: the layout has no such symbol. */
uint16_t keysyms_find(const struct keysyms *k, uint32_t keysym, unsigned *held);
/* A Unicode character as a keysym. */
uint32_t keysym_of_char(uint32_t c);
/* The character of a keysym, or 0. */
uint32_t keysym_char(uint32_t keysym);

#endif

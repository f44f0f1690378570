/* SPDX-License-Identifier: MIT */
/*
 * A text terminal in memory: bytes in, cells out. What a VT100 does with text (ECMA-48, and the
 * private modes that programs use), in code page 437, with lines that scrolled away kept.
 */
#ifndef UI_VT_H
#define UI_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VT_HISTORY = 512, VT_ARGS = 8, VT_MAX_COLS = 512, VT_MAX_ROWS = 256 };

struct vt {
    unsigned cols, rows;
    uint16_t *cells;   /* a ring of rows + VT_HISTORY lines */
    unsigned top;      /* line of the ring that is the screen's first */
    unsigned kept;     /* lines of history above it */
    unsigned back;     /* lines the view is scrolled back */
    unsigned x, y, saved_x, saved_y;
    unsigned first, last; /* scrolling region */
    uint8_t colour;    /* as SGR has it: fg | bg << 4 */
    bool bold, reverse, wrapped, no_wrap, hidden, cursor_keys;
    uint8_t saved_colour;
    /* the parser */
    uint8_t state;
    bool private;
    unsigned arg[VT_ARGS], nargs;
    uint32_t rune;
    unsigned rune_left;
    bool *dirty;       /* per row of the view; the owner clears */
    void (*reply)(void *arg, const char *text);
    void *reply_arg;
};

void vt_init(struct vt *t, unsigned cols, unsigned rows);
void vt_fini(struct vt *t);
void vt_write(struct vt *t, const uint8_t *bytes, size_t len);
/* A row of the view: cols cells, character | attribute << 8. */
const uint16_t *vt_row(const struct vt *t, unsigned row);
/* Look back by that many lines more (negative: less); 0: to the end. */
void vt_scroll_view(struct vt *t, int lines);
/* Where the cursor is in the view; false: not in it, or hidden. */
bool vt_cursor(const struct vt *t, unsigned *x, unsigned *y);

#endif

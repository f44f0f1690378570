/* SPDX-License-Identifier: MIT */
/* The terminal. A character or sequence that it does not know changes nothing. */
#include "ui/vt.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "ui/cp437.h"

enum { GROUND, ESCAPE, CSI, CHARSET, OSC, OSC_ESCAPE };
enum { DEFAULT_COLOUR = 0x07, TAB = 8 };

/* ---- Lines -------------------------------------------------------------------------------- */

static uint16_t *line(const struct vt *t, unsigned n)
{
    return t->cells + (size_t)((t->top + n) % (t->rows + VT_HISTORY)) * t->cols;
}

static void touch(struct vt *t, unsigned row)
{
    if (row + t->back < t->rows)
        t->dirty[row + t->back] = true;
}

static void touch_all(struct vt *t)
{
    memset(t->dirty, true, t->rows * sizeof(t->dirty[0]));
}

static uint8_t attribute(const struct vt *t)
{
    unsigned fg = t->colour & 7, bg = t->colour >> 4 & 7;

    if (t->bold || (t->colour & 8))
        fg |= 8;
    return (uint8_t)(t->reverse ? bg | (fg & 7) << 4 : fg | bg << 4);
}

static uint16_t blank(const struct vt *t)
{
    return (uint16_t)(' ' | (t->colour & 0x70 ? attribute(t) : DEFAULT_COLOUR) << 8);
}

static void clear(struct vt *t, unsigned row, unsigned from, unsigned to)
{
    for (unsigned x = from; x < to; x++)
        line(t, row)[x] = blank(t);
    touch(t, row);
}

/* The region moves up by a line; one that begins at the top leaves its line to history. */
static void scroll_up(struct vt *t, unsigned first, unsigned last)
{
    if (first == 0 && last == t->rows - 1) {
        t->top = (t->top + 1) % (t->rows + VT_HISTORY);
        t->kept = MIN(t->kept + 1, VT_HISTORY);
        if (t->back) /* who looks back goes on seeing the same */
            t->back = MIN(t->back + 1, t->kept);
    } else {
        for (unsigned y = first; y < last; y++)
            memcpy(line(t, y), line(t, y + 1), t->cols * sizeof(uint16_t));
    }
    clear(t, last, 0, t->cols);
    touch_all(t);
}

static void scroll_down(struct vt *t, unsigned first, unsigned last)
{
    for (unsigned y = last; y > first; y--)
        memcpy(line(t, y), line(t, y - 1), t->cols * sizeof(uint16_t));
    clear(t, first, 0, t->cols);
    touch_all(t);
}

/* ---- Moving -------------------------------------------------------------------------------- */

static void go(struct vt *t, int x, int y)
{
    touch(t, t->y);
    t->x = (unsigned)CLAMP(x, 0, (int)t->cols - 1);
    t->y = (unsigned)CLAMP(y, 0, (int)t->rows - 1);
    t->wrapped = false;
    touch(t, t->y);
}

static void down(struct vt *t)
{
    if (t->y == t->last)
        scroll_up(t, t->first, t->last);
    else
        go(t, (int)t->x, (int)t->y + 1);
}

static void up(struct vt *t)
{
    if (t->y == t->first)
        scroll_down(t, t->first, t->last);
    else
        go(t, (int)t->x, (int)t->y - 1);
}

static void show(struct vt *t, uint32_t rune)
{
    if (t->wrapped) {
        go(t, 0, (int)t->y);
        down(t);
    }
    line(t, t->y)[t->x] = (uint16_t)(cp437_of(rune) | attribute(t) << 8);
    touch(t, t->y);
    if (t->x + 1 < t->cols)
        t->x++;
    else
        t->wrapped = !t->no_wrap;
}

static void control(struct vt *t, uint8_t c)
{
    switch (c) {
    case '\b': go(t, (int)t->x - 1, (int)t->y); break;
    case '\t': go(t, (int)(t->x / TAB + 1) * TAB, (int)t->y); break;
    case '\n':
    case '\v':
    case '\f': down(t); break;
    case '\r': go(t, 0, (int)t->y); break;
    case 0x1b:
        t->state = ESCAPE;
        break;
    }
}

/* ---- Sequences ------------------------------------------------------------------------------ */

static void reset(struct vt *t)
{
    t->colour = DEFAULT_COLOUR;
    t->bold = t->reverse = t->wrapped = t->no_wrap = t->hidden = t->cursor_keys = false;
    t->first = 0;
    t->last = t->rows - 1;
    for (unsigned y = 0; y < t->rows; y++)
        clear(t, y, 0, t->cols);
    go(t, 0, 0);
}

static void save(struct vt *t)
{
    t->saved_x = t->x;
    t->saved_y = t->y;
    t->saved_colour = t->colour;
}

static void restore(struct vt *t)
{
    t->colour = t->saved_colour;
    go(t, (int)t->saved_x, (int)t->saved_y);
}

static void escape(struct vt *t, uint8_t c)
{
    t->state = GROUND;
    switch (c) {
    case '[':
        t->state = CSI;
        t->private = false;
        t->nargs = 0;
        memset(t->arg, 0, sizeof(t->arg));
        break;
    case ']': t->state = OSC; break;
    case '(':
    case ')':
    case '#': t->state = CHARSET; break;
    case '7': save(t); break;
    case '8': restore(t); break;
    case 'c': reset(t); break;
    case 'D': down(t); break;
    case 'M': up(t); break;
    case 'E':
        go(t, 0, (int)t->y);
        down(t);
        break;
    }
}

/* Colours as SGR numbers them to those of a PC's attribute: red and blue change places. */
static unsigned pc_colour(unsigned n)
{
    return (n & 2) | (n & 1) << 2 | (n & 4) >> 2;
}

static void select_rendition(struct vt *t, unsigned n)
{
    if (n == 0) {
        t->colour = DEFAULT_COLOUR;
        t->bold = t->reverse = false;
    } else if (n == 1 || n == 22) {
        t->bold = n == 1;
    } else if (n == 7 || n == 27) {
        t->reverse = n == 7;
    } else if (n >= 30 && n <= 37) {
        t->colour = (uint8_t)((t->colour & 0x70) | pc_colour(n - 30));
    } else if (n == 39) {
        t->colour = (uint8_t)((t->colour & 0x70) | (DEFAULT_COLOUR & 15));
    } else if (n >= 40 && n <= 47) {
        t->colour = (uint8_t)((t->colour & 0x0f) | pc_colour(n - 40) << 4);
    } else if (n == 49) {
        t->colour &= 0x0f;
    } else if (n >= 90 && n <= 97) {
        t->colour = (uint8_t)((t->colour & 0x70) | 8 | pc_colour(n - 90));
    }
}

/* 38;5;N and 38;2;R;G;B: such colours are not shown, and their numbers mean nothing else. */
static void renditions(struct vt *t)
{
    for (unsigned i = 0; i < MAX(t->nargs, 1); i++) {
        if ((t->arg[i] == 38 || t->arg[i] == 48) && i + 1 < t->nargs)
            i += t->arg[i + 1] == 5 ? 2 : 4;
        else
            select_rendition(t, t->arg[i]);
    }
}

static void erase_display(struct vt *t, unsigned how)
{
    if (how == 0)
        clear(t, t->y, t->x, t->cols);
    else if (how == 1)
        clear(t, t->y, 0, t->x + 1);
    for (unsigned y = how == 0 ? t->y + 1 : 0; y < (how == 1 ? t->y : t->rows); y++)
        clear(t, y, 0, t->cols);
}

static void erase_line(struct vt *t, unsigned how)
{
    clear(t, t->y, how == 0 ? t->x : 0, how == 1 ? t->x + 1 : t->cols);
}

/* Insert or delete n cells at the cursor, or erase them. */
static void edit_line(struct vt *t, char what, unsigned n)
{
    uint16_t *l = line(t, t->y);
    unsigned rest = t->cols - t->x;

    n = MIN(n, rest);
    if (what == '@')
        memmove(l + t->x + n, l + t->x, (rest - n) * sizeof(*l));
    else if (what == 'P')
        memmove(l + t->x, l + t->x + n, (rest - n) * sizeof(*l));
    unsigned from = what == 'P' ? t->cols - n : t->x;
    clear(t, t->y, from, from + n);
}

static void insert_lines(struct vt *t, unsigned n, bool insert)
{
    if (t->y < t->first || t->y > t->last)
        return;
    for (n = MIN(n, t->last - t->y + 1); n; n--) {
        if (insert)
            scroll_down(t, t->y, t->last);
        else
            scroll_up(t, t->y, t->last);
    }
}

static void set_mode(struct vt *t, bool on)
{
    for (unsigned i = 0; t->private && i < t->nargs; i++) {
        if (t->arg[i] == 1)
            t->cursor_keys = on;
        else if (t->arg[i] == 7)
            t->no_wrap = !on;
        else if (t->arg[i] == 25)
            t->hidden = !on;
    }
    touch(t, t->y);
}

static void set_region(struct vt *t)
{
    unsigned first = t->arg[0] ? t->arg[0] - 1 : 0;
    unsigned last = t->arg[1] ? MIN(t->arg[1], t->rows) - 1 : t->rows - 1;

    if (first >= last)
        return;
    t->first = first;
    t->last = last;
    go(t, 0, 0);
}

static void report(struct vt *t)
{
    char text[32];

    if (t->arg[0] == 5)
        g_snprintf(text, sizeof(text), "\033[0n");
    else if (t->arg[0] == 6)
        g_snprintf(text, sizeof(text), "\033[%u;%uR", t->y + 1, t->x + 1);
    else
        return;
    if (t->reply)
        t->reply(t->reply_arg, text);
}

static void csi_end(struct vt *t, uint8_t c)
{
    unsigned n = MIN(MAX(t->arg[0], 1), VT_MAX_COLS);
    int x = (int)t->x, y = (int)t->y, d = (int)n;

    switch (c) {
    case 'A': go(t, x, MAX(y - d, y >= (int)t->first ? (int)t->first : 0)); break;
    case 'B': go(t, x, MIN(y + d, y <= (int)t->last ? (int)t->last : (int)t->rows)); break;
    case 'C': go(t, x + d, y); break;
    case 'D': go(t, x - d, y); break;
    case 'E': go(t, 0, y + d); break;
    case 'F': go(t, 0, y - d); break;
    case 'G':
    case '`': go(t, d - 1, y); break;
    case 'd': go(t, x, d - 1); break;
    case 'H':
    case 'f': go(t, (int)MIN(MAX(t->arg[1], 1), VT_MAX_COLS) - 1, d - 1); break;
    case 'J': erase_display(t, t->arg[0]); break;
    case 'K': erase_line(t, t->arg[0]); break;
    case '@':
    case 'P':
    case 'X': edit_line(t, (char)c, n); break;
    case 'L':
    case 'M': insert_lines(t, n, c == 'L'); break;
    case 'S':
        for (n = MIN(n, t->rows); n; n--)
            scroll_up(t, t->first, t->last);
        break;
    case 'T':
        for (n = MIN(n, t->rows); n; n--)
            scroll_down(t, t->first, t->last);
        break;
    case 'm': renditions(t); break;
    case 'h':
    case 'l': set_mode(t, c == 'h'); break;
    case 'r': set_region(t); break;
    case 's': save(t); break;
    case 'u': restore(t); break;
    case 'n': report(t); break;
    }
}

static void csi(struct vt *t, uint8_t c)
{
    if (c >= '0' && c <= '9') {
        t->nargs = MAX(t->nargs, 1);
        unsigned *a = &t->arg[t->nargs - 1];
        *a = MIN(*a * 10 + (c - '0'), 9999);
    } else if (c == ';') {
        t->nargs = MIN(MAX(t->nargs, 1) + 1, VT_ARGS);
    } else if (c >= '<' && c <= '?') {
        t->private = true;
    } else if (c >= '@' && c <= '~') {
        t->state = GROUND;
        csi_end(t, c);
    } else if (c == 0x1b) {
        t->state = ESCAPE;
    }
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

/* UTF-8; a byte that does not belong there is a character of Latin 1. */
static void text_byte(struct vt *t, uint8_t c)
{
    if (t->rune_left && (c & 0xc0) == 0x80) {
        t->rune = t->rune << 6 | (c & 0x3f);
        if (!--t->rune_left)
            show(t, t->rune);
        return;
    }
    t->rune_left = 0;
    if (c < 0x20 || c == 0x7f) {
        control(t, c);
    } else if (c >= 0xc2 && c <= 0xf4) {
        t->rune_left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        t->rune = c & (0x3f >> t->rune_left);
    } else {
        show(t, c);
    }
}

static void byte(struct vt *t, uint8_t c)
{
    switch (t->state) {
    case GROUND: text_byte(t, c); break;
    case ESCAPE: escape(t, c); break;
    case CSI: csi(t, c); break;
    case CHARSET: t->state = GROUND; break;
    case OSC: t->state = c == 7 ? GROUND : c == 0x1b ? OSC_ESCAPE : OSC; break;
    case OSC_ESCAPE: t->state = GROUND; break;
    }
}

void vt_write(struct vt *t, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        byte(t, bytes[i]);
}

/* ---- The view -------------------------------------------------------------------------------- */

const uint16_t *vt_row(const struct vt *t, unsigned row)
{
    return line(t, row + t->rows + VT_HISTORY - t->back);
}

void vt_scroll_view(struct vt *t, int lines)
{
    unsigned back = lines ? (unsigned)CLAMP((int)t->back + lines, 0, (int)t->kept) : 0;

    if (back == t->back)
        return;
    t->back = back;
    touch_all(t);
}

bool vt_cursor(const struct vt *t, unsigned *x, unsigned *y)
{
    *x = t->x;
    *y = t->y + t->back;
    return !t->hidden && *y < t->rows;
}

void vt_init(struct vt *t, unsigned cols, unsigned rows)
{
    memset(t, 0, sizeof(*t));
    t->cols = CLAMP(cols, 1, VT_MAX_COLS);
    t->rows = CLAMP(rows, 2, VT_MAX_ROWS);
    t->cells = g_new(uint16_t, (size_t)t->cols * (t->rows + VT_HISTORY));
    t->dirty = g_new0(bool, t->rows);
    reset(t);
    save(t);
}

void vt_fini(struct vt *t)
{
    g_free(t->cells);
    g_free(t->dirty);
}

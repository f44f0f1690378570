/* SPDX-License-Identifier: MIT */
/*
 * VGA text: rows of characters, drawn again when a character, the cursor or the phase of what
 * blinks in them has changed. IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem",
 * "Alphanumeric Modes".
 */
#include <string.h>

#include "hw/display/vga.h"

struct pen {
    uint32_t ink, paper;
    const uint8_t *glyph; /* plane 2: every fourth byte is a line */
    bool ninth;           /* the ninth dot is the eighth */
};

static struct pen pen_for(const struct vga *v, const struct vga_frame *f, uint16_t cell)
{
    uint8_t ch = (uint8_t)cell, attr = (uint8_t)(cell >> 8);
    unsigned ink = attr & 15, paper = attr >> 4;
    bool two_fonts = f->font[0] != f->font[1];

    if (f->blink) {
        paper &= 7;
        if (attr & 0x80 && !v->blink_phase)
            ink = paper;
    }
    uint32_t at = f->font[two_fonts && attr & 8] + ch * 32u * 4;
    return (struct pen){.ink = v->color[ink & f->planes],
                        .paper = v->color[paper & f->planes],
                        .glyph = v->vram->host + (at & vga_mask(v)),
                        .ninth = f->line_graphics && (ch & 0xe0) == 0xc0};
}

/* One scan line of one character; returns where the next one goes. */
static uint32_t *draw_char(const struct vga_frame *f, uint32_t *out, const struct pen *p,
                           unsigned row_scan, bool solid)
{
    unsigned bits = solid ? 0xff : p->glyph[row_scan * 4];

    for (unsigned i = 0; i < 8; i++)
        *out++ = bits << i & 0x80 ? p->ink : p->paper;
    if (f->char_width == 9)
        *out++ = solid || (p->ninth && bits & 1) ? p->ink : p->paper;
    return out;
}

/* ---- A strip: the lines of one row of characters ------------------------------------------ */

static bool cursor_line(const struct vga *v, unsigned row_scan)
{
    return row_scan >= (v->crtc[CRTC_CURSOR_START] & 0x1fu) &&
           row_scan <= (v->crtc[CRTC_CURSOR_END] & 0x1fu);
}

static void draw_line(struct vga *v, const struct vga_frame *f, const struct vga_strip *s,
                      const struct vga_walk *w)
{
    uint32_t *out = v->line;
    unsigned pan = vga_walk_pan(w);

    for (unsigned c = 0; c < f->cols + (pan != 0); c++) {
        struct pen p = pen_for(v, f, s->cell[c]);
        bool line = w->row_scan == f->underline && (s->cell[c] >> 8 & 7) == 1;
        bool cursor = (int)c == s->cursor && cursor_line(v, w->row_scan);

        out = draw_char(f, out, &p, w->row_scan, line || cursor);
    }
    vga_line_put(v, f, w->y, v->line + pan);
}

static int cursor_column(const struct vga *v, const struct vga_frame *f, uint32_t row)
{
    uint32_t at = (uint32_t)(v->crtc[CRTC_CURSOR_HIGH] << 8 | v->crtc[CRTC_CURSOR_LOW]);

    if (v->crtc[CRTC_CURSOR_START] & CURSOR_OFF || at < row / 4 || at >= row / 4 + f->cols)
        return -1;
    return (int)(at - row / 4);
}

static void strip_read(const struct vga *v, const struct vga_frame *f, const struct vga_walk *w,
                       struct vga_strip *s)
{
    s->y = w->y;
    s->cursor = v->cursor_phase ? cursor_column(v, f, w->row) : -1;
    s->blinks = false;
    for (unsigned c = 0; c <= f->cols && c <= VGA_MAX_COLS; c++) {
        s->cell[c] = (uint16_t)vga_cell(v, w->row + c * 4);
        s->blinks |= f->blink && s->cell[c] & 0x8000;
    }
}

static bool strip_differs(const struct vga_frame *f, const struct vga_strip *a,
                          const struct vga_strip *b)
{
    return a->y != b->y || a->lines != b->lines || a->cursor != b->cursor ||
           memcmp(a->cell, b->cell, (f->cols + 1) * sizeof(a->cell[0])) != 0;
}

/* ---- The screen --------------------------------------------------------------------------- */

static struct vga_strip *strip_at(struct vga *v, unsigned n)
{
    if (n >= v->nstrips) {
        unsigned count = MAX(64, 2 * n);
        v->strips = g_renew(struct vga_strip, v->strips, count);
        memset(v->strips + v->nstrips, 0, (count - v->nstrips) * sizeof(*v->strips));
        v->nstrips = count;
    }
    return &v->strips[n];
}

/* The end of the strip that begins at w. */
static unsigned strip_lines(const struct vga_frame *f, struct vga_walk w)
{
    unsigned y = w.y;
    uint32_t row = w.row;
    bool split = w.split;

    do
        vga_walk_next(&w);
    while (w.y < f->height && w.row == row && w.split == split && (w.row_scan || w.repeat));
    return w.y - y;
}

void vga_draw_text(struct vga *v, const struct vga_frame *f, bool all)
{
    unsigned shape = v->crtc[CRTC_CURSOR_START] << 8 | v->crtc[CRTC_CURSOR_END];
    bool reshaped = shape != v->cursor_shape;
    struct vga_walk w;

    v->cursor_shape = shape;
    vga_walk_begin(&w, f);
    for (unsigned n = 0; w.y < f->height; n++) {
        struct vga_strip *old = strip_at(v, n), new;

        strip_read(v, f, &w, &new);
        new.lines = strip_lines(f, w);
        bool draw = all || strip_differs(f, old, &new) || new.blinks ||
                    (reshaped && new.cursor >= 0);
        unsigned y = w.y;
        for (; w.y < y + new.lines; vga_walk_next(&w))
            if (draw)
                draw_line(v, f, &new, &w);
        *old = new;
        if (draw)
            console_damage(v->console, 0, (int)y, (int)f->width, (int)new.lines);
    }
}

bool vga_text_get(struct vga *v, const struct vga_frame *f, struct screen_text *out)
{
    unsigned rows = MAX(1, f->height / (f->rows << f->doubled));

    *out = (struct screen_text){.cols = f->cols, .rows = rows};
    out->cells = g_new(uint16_t, f->cols * rows);
    for (unsigned y = 0; y < rows; y++) {
        uint32_t row = f->start + y * f->stride;
        int column = cursor_column(v, f, row);

        for (unsigned x = 0; x < f->cols; x++)
            out->cells[y * f->cols + x] = (uint16_t)vga_cell(v, row + 4 * x);
        if (column >= 0) {
            out->cursor = true;
            out->cursor_x = (unsigned)column;
            out->cursor_y = y;
        }
    }
    return true;
}

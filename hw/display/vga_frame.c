/* SPDX-License-Identifier: MIT */
/*
 * From registers to a picture's parameters, and the walk over its scan lines. IBM PS/2 Hardware
 * Interface Technical Reference, "Video Subsystem", "CRT Controller", "Attribute Controller".
 *
 * The address counter of the CRT controller counts doublewords of our memory in all modes: byte,
 * word and doubleword addressing differ in how planes are chained, which the memory's layout does.
 */
#include <string.h>

#include "hw/display/vga.h"

enum { NEVER = 0xffffffff, CGA_BIT_WORD = 14, CGA_BIT_BYTE = 15, NO_UNDERLINE = 0xff };

static void vbe_frame(const struct vga *v, struct vga_frame *f)
{
    const uint16_t *r = v->vbe;
    unsigned x = r[VBE_X_OFFSET];

    f->bpp = r[VBE_BPP];
    f->kind = f->bpp == 4 ? VGA_PLANAR : VGA_PACKED;
    f->width = r[VBE_XRES];
    f->height = r[VBE_YRES];
    f->dots = 1;
    f->stride = vga_vbe_stride(v);
    f->start = r[VBE_Y_OFFSET] * f->stride;
    f->start += f->bpp == 4 ? (x & ~7u) / 2 : x * ((f->bpp + 7) / 8);
    f->pan = f->bpp == 4 ? x & 7 : 0;
    f->planes = v->attr[ATTR_PLANE_ENABLE] & 0xf;
    f->line_compare = NEVER;
    f->rows = 1;
    f->crtc_mode = CRTC_MODE_A13 | CRTC_MODE_A14;
}

static void text_frame(const struct vga *v, struct vga_frame *f)
{
    uint8_t map = v->seq[SEQ_CHAR_MAP], pan = v->attr[ATTR_PANNING];
    bool eight = v->seq[SEQ_CLOCKING] & CLOCKING_8_DOTS, mono = v->attr[ATTR_MODE] & 2;
    unsigned b = (map << 1 & 6) | (map >> 4 & 1), a = (map >> 1 & 6) | (map >> 5 & 1);

    f->kind = VGA_TEXT;
    f->cols = v->crtc[CRTC_HDISP_END] + 1u;
    f->char_width = eight ? 8 : 9;
    f->dots = v->seq[SEQ_CLOCKING] & CLOCKING_HALF ? 2 : 1;
    f->width = f->cols * f->char_width * f->dots;
    f->font[0] = b << 15 | 2; /* 8 KiB of plane 2 each */
    f->font[1] = a << 15 | 2;
    f->line_graphics = !eight && v->attr[ATTR_MODE] & AMODE_LINE_GRAPHICS;
    f->blink = v->attr[ATTR_MODE] & AMODE_BLINK;
    f->planes = v->attr[ATTR_PLANE_ENABLE] & 0xf;
    f->underline = mono ? v->crtc[CRTC_UNDERLINE] & 0x1f : NO_UNDERLINE;
    f->pan = eight ? pan & 7 : pan >= 8 ? 0 : pan + 1;
}

static void graphics_frame(const struct vga *v, struct vga_frame *f)
{
    unsigned shift = v->gc[GC_MODE] >> MODE_SHIFT_SHIFT & 3;
    bool half = v->seq[SEQ_CLOCKING] & CLOCKING_HALF;

    f->width = (v->crtc[CRTC_HDISP_END] + 1u) * 8;
    f->pan = v->attr[ATTR_PANNING] & 7;
    if (shift & 2) {
        f->kind = VGA_PACKED;
        f->bpp = 8;
        f->dots = 2; /* a byte takes two dots */
        f->pan /= 2;
        return;
    }
    f->kind = shift ? VGA_CGA : VGA_PLANAR;
    f->dots = half ? 2 : 1;
    f->width *= f->dots;
    f->planes = v->attr[ATTR_PLANE_ENABLE] & 0xf;
}

static void vga_registers_frame(const struct vga *v, struct vga_frame *f)
{
    const uint8_t *c = v->crtc;
    uint8_t over = c[CRTC_OVERFLOW];

    f->height = 1u + (c[CRTC_VDISP_END] | (over & 0x02u) << 7 | (over & 0x40u) << 3);
    f->stride = (uint32_t)c[CRTC_OFFSET] << 3;
    f->start = (uint32_t)(c[CRTC_START_HIGH] << 8 | c[CRTC_START_LOW]) * 4;
    f->start += (c[CRTC_PRESET_ROW] >> 5 & 3u) * 4;
    f->preset_row = c[CRTC_PRESET_ROW] & 0x1f;
    f->line_compare = c[CRTC_LINE_COMPARE] | (over & 0x10u) << 4 |
                      (c[CRTC_MAX_SCAN] & 0x40u) << 3;
    f->rows = (c[CRTC_MAX_SCAN] & 0x1fu) + 1;
    f->doubled = c[CRTC_MAX_SCAN] / MAX_SCAN_DOUBLE;
    f->crtc_mode = c[CRTC_MODE];
    f->pan_top_only = v->attr[ATTR_MODE] & AMODE_PAN_TOP;
    if (v->gc[GC_MISC] & GMISC_GRAPHICS)
        graphics_frame(v, f);
    else
        text_frame(v, f);
}

void vga_frame_get(const struct vga *v, struct vga_frame *f)
{
    memset(f, 0, sizeof(*f));
    if (!(v->attr_index & ATTR_INDEX_PALETTE) || v->seq[SEQ_CLOCKING] & CLOCKING_OFF) {
        f->kind = VGA_BLANK;
        f->width = v->console->surface.width;
        f->height = v->console->surface.height;
    } else if (vga_vbe_on(v)) {
        vbe_frame(v, f);
    } else {
        vga_registers_frame(v, f);
    }
}

/* ---- The walk --------------------------------------------------------------------------- */

void vga_walk_begin(struct vga_walk *w, const struct vga_frame *f)
{
    *w = (struct vga_walk){.f = f, .row = f->start, .row_scan = f->preset_row};
}

void vga_walk_next(struct vga_walk *w)
{
    const struct vga_frame *f = w->f;

    if (w->y++ == f->line_compare) {
        w->row = w->row_scan = w->repeat = 0;
        w->split = true;
    } else if (++w->repeat == 1u << f->doubled) {
        w->repeat = 0;
        if (++w->row_scan >= f->rows) {
            w->row_scan = 0;
            w->row += f->stride;
        }
    }
}

/* CGA's and Hercules's banks: the row scan counter takes the place of address bits. */
uint32_t vga_walk_addr(const struct vga_walk *w)
{
    unsigned bit = w->f->crtc_mode & CRTC_MODE_BYTE ? CGA_BIT_BYTE : CGA_BIT_WORD;
    uint32_t a = w->row;

    if (w->f->kind == VGA_TEXT)
        return a;
    if (!(w->f->crtc_mode & CRTC_MODE_A13))
        a = (a & ~(1u << bit)) | (w->row_scan & 1) << bit;
    if (!(w->f->crtc_mode & CRTC_MODE_A14))
        a = (a & ~(2u << bit)) | (w->row_scan >> 1 & 1) << (bit + 1);
    return a;
}

unsigned vga_walk_pan(const struct vga_walk *w)
{
    return w->split && w->f->pan_top_only ? 0 : w->f->pan;
}

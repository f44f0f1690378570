/* SPDX-License-Identifier: MIT */
/* VGA: the pixels of one line, by mode. */
#include <string.h>

#include "hw/display/vga.h"

/* Planar: bit 7 - n of the four planes is pixel n of eight. */
static void planar(const struct vga *v, const struct vga_frame *f, uint32_t *out, uint32_t addr,
                   unsigned n)
{
    for (unsigned x = 0; x < n; x += 8, addr += 4) {
        uint32_t cell = vga_cell(v, addr);
        for (unsigned i = 0; i < 8; i++) {
            unsigned k = 7 - i;
            unsigned index = (cell >> k & 1) | (cell >> (k + 7) & 2) | (cell >> (k + 14) & 4) |
                             (cell >> (k + 21) & 8);
            out[x + i] = v->color[index & f->planes];
        }
    }
}

/* CGA: two bits a pixel, four from plane 0, then four from plane 1; planes 2 and 3 give the
 * higher two bits. */
static void cga(const struct vga *v, const struct vga_frame *f, uint32_t *out, uint32_t addr,
                unsigned n)
{
    for (unsigned x = 0; x < n; x += 8, addr += 4) {
        uint32_t cell = vga_cell(v, addr);
        for (unsigned i = 0; i < 8; i++) {
            uint32_t pair = cell >> (i < 4 ? 0 : 8);
            unsigned k = 6 - 2 * (i & 3);
            unsigned index = (pair >> k & 3) | (pair >> (16 + k) & 3) << 2;
            out[x + i] = v->color[index & f->planes];
        }
    }
}

static uint32_t rgb(unsigned r, unsigned g, unsigned b)
{
    return r << 16 | g << 8 | b;
}

static uint32_t five(unsigned c) /* 5 bits to 8 */
{
    c &= 31;
    return c << 3 | c >> 2;
}

static const uint8_t *bytes_at(const struct vga *v, uint32_t addr)
{
    return v->vram->host + (addr & vga_mask(v));
}

static uint32_t packed_pixel(const struct vga *v, unsigned bpp, uint32_t addr)
{
    const uint8_t *p = bytes_at(v, addr);
    unsigned w;

    switch (bpp) {
    case 8:
        return v->color[*p];
    case 15:
        w = p[0] | p[1] << 8;
        return rgb(five(w >> 10), five(w >> 5), five(w));
    case 16:
        w = p[0] | p[1] << 8;
        return rgb(five(w >> 11), (w >> 3 & 0xfc) | (w >> 9 & 3), five(w));
    case 24:
        return rgb(*bytes_at(v, addr + 2), *bytes_at(v, addr + 1), p[0]);
    default:
        return rgb(p[2], p[1], p[0]);
    }
}

static void packed(const struct vga *v, const struct vga_frame *f, uint32_t *out, uint32_t addr,
                   unsigned n)
{
    unsigned step = (f->bpp + 7) / 8;

    /* Only pixels of 24 bits can lie across the end of the memory: the others are aligned. */
    for (unsigned x = 0; x < n; x++, addr += step)
        out[x] = packed_pixel(v, f->bpp, addr);
}

void vga_line_pixels(const struct vga *v, const struct vga_frame *f, uint32_t *out, uint32_t addr,
                     unsigned n)
{
    if (f->kind == VGA_PLANAR)
        planar(v, f, out, addr, n);
    else if (f->kind == VGA_CGA)
        cga(v, f, out, addr, n);
    else
        packed(v, f, out, addr, n);
}

uint32_t vga_line_bytes(const struct vga_frame *f, unsigned n)
{
    return f->kind == VGA_PACKED ? n * ((f->bpp + 7) / 8) : (n + 7) / 8 * 4;
}

void vga_line_put(struct vga *v, const struct vga_frame *f, unsigned y, const uint32_t *pixels)
{
    const struct surface *s = &v->console->surface;
    uint32_t *out = s->pixels + (size_t)y * s->stride;

    if (f->dots == 1) {
        memcpy(out, pixels, (size_t)f->width * sizeof(*out));
        return;
    }
    for (unsigned x = 0; x < f->width; x++)
        out[x] = pixels[x / f->dots];
}

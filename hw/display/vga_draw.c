/* SPDX-License-Identifier: MIT */
/* VGA: from memory to the surface, what changed of it. */
#include <string.h>

#include "hw/display/vga.h"

/* The cursor changes every 16 frames, characters that blink every 32, at 70 Hz. */
#define CURSOR_PHASE_NS (16 * NSEC_PER_SEC / 70)
#define BLINK_PHASE_NS  (2 * CURSOR_PHASE_NS)

enum { TEXT_MEMORY = 256 << 10 };

/* ---- Colours ---------------------------------------------------------------------------- */

static uint32_t dac(const struct vga *v, unsigned index)
{
    const uint8_t *p = &v->palette[3 * (index & v->pel_mask)];
    uint32_t c[3];

    for (unsigned i = 0; i < 3; i++)
        c[i] = v->vbe[VBE_ENABLE] & VBE_8BIT_DAC ? p[i] : (uint32_t)p[i] << 2 | p[i] >> 4;
    return c[0] << 16 | c[1] << 8 | c[2];
}

/* Through the attribute controller's palette and colour select. */
static uint32_t attribute(const struct vga *v, unsigned n)
{
    unsigned c = v->attr[n] & 0x3f, select = v->attr[ATTR_COLOR_SELECT];

    if (v->attr[ATTR_MODE] & AMODE_P54)
        return dac(v, (c & 0xf) | (select & 0xf) << 4);
    return dac(v, c | (select & 0xc) << 4);
}

static void colors_update(struct vga *v, const struct vga_frame *f)
{
    v->palette_stale = false;
    if (f->kind == VGA_PACKED)
        for (unsigned i = 0; i < 256; i++)
            v->color[i] = dac(v, i);
    else
        for (unsigned i = 0; i < 16; i++)
            v->color[i] = attribute(v, i);
}

/* ---- Graphics --------------------------------------------------------------------------- */

/* The memory that the frame shows; all of it if it wraps around the end. */
static void extent(const struct vga *v, const struct vga_frame *f, uint32_t *first, uint32_t *len)
{
    uint64_t low = UINT64_MAX, high = 0, bytes = vga_line_bytes(f, f->width / f->dots + 8);
    struct vga_walk w;

    for (vga_walk_begin(&w, f); w.y < f->height; vga_walk_next(&w)) {
        uint64_t a = vga_walk_addr(&w);
        low = MIN(low, a);
        high = MAX(high, a + bytes);
    }
    bool wraps = high > v->vram->size;
    *first = wraps ? 0 : (uint32_t)low;
    *len = wraps ? (uint32_t)v->vram->size : (uint32_t)(high - low);
}

static bool line_dirty(const struct vga *v, uint32_t addr, uint32_t bytes)
{
    uint32_t last = (addr + bytes - 1) & vga_mask(v);

    addr &= vga_mask(v);
    if (last < addr) /* around the end */
        return true;
    for (uint32_t page = addr >> RAM_PAGE_BITS; page <= last >> RAM_PAGE_BITS; page++)
        if (v->dirty[page])
            return true;
    return false;
}

static void draw_graphics(struct vga *v, const struct vga_frame *f, bool all)
{
    unsigned n = f->width / f->dots, from = 0, lines = 0;
    struct vga_walk w;

    for (vga_walk_begin(&w, f); w.y < f->height; vga_walk_next(&w)) {
        unsigned pan = vga_walk_pan(&w);
        uint32_t addr = vga_walk_addr(&w);

        if (all || line_dirty(v, addr, vga_line_bytes(f, n + pan))) {
            vga_line_pixels(v, f, v->line, addr, n + pan);
            vga_line_put(v, f, w.y, v->line + pan);
            from = lines++ ? from : w.y;
        } else if (lines) {
            console_damage(v->console, 0, (int)from, (int)f->width, (int)lines);
            lines = 0;
        }
    }
    console_damage(v->console, 0, (int)from, (int)f->width, (int)lines);
}

static bool take_dirty(struct vga *v, uint32_t first, uint32_t len)
{
    return as_take_dirty(&v->machine->mem, v->vram, first, len,
                         v->dirty + (first >> RAM_PAGE_BITS));
}

static void update_graphics(struct vga *v, const struct vga_frame *f, bool all)
{
    uint32_t first, len;

    extent(v, f, &first, &len);
    if (take_dirty(v, first, len) || all)
        draw_graphics(v, f, all);
}

/* ---- Text ------------------------------------------------------------------------------- */

static int64_t update_text(struct vga *v, const struct vga_frame *f, bool all)
{
    int64_t now = clock_now(&v->machine->vclock);
    bool cursor = !(now / CURSOR_PHASE_NS & 1), blink = !(now / BLINK_PHASE_NS & 1);

    /* Rows are compared in any case: registers move the cursor, time makes it blink. */
    take_dirty(v, 0, TEXT_MEMORY);
    v->cursor_phase = cursor;
    v->blink_phase = blink;
    vga_draw_text(v, f, all);
    if (!machine_running(v->machine))
        return -1;
    return CURSOR_PHASE_NS - now % CURSOR_PHASE_NS;
}

/* ---- The console's calls ------------------------------------------------------------------ */

static void draw_blank(struct vga *v, const struct vga_frame *f)
{
    const struct surface *s = &v->console->surface;

    for (unsigned y = 0; y < s->height; y++)
        memset(s->pixels + (size_t)y * s->stride, 0, (size_t)s->width * 4);
    console_damage(v->console, 0, 0, (int)f->width, (int)f->height);
}

static int64_t vga_update(void *dev)
{
    struct vga *v = dev;
    struct vga_frame f;

    vga_frame_get(v, &f);
    bool all = v->redraw || v->palette_stale || memcmp(&f, &v->drawn, sizeof(f)) != 0;
    if (f.kind != v->drawn.kind || v->palette_stale)
        colors_update(v, &f);
    v->redraw = false;
    v->drawn = f;
    console_resize(v->console, f.width, f.height);
    switch (f.kind) {
    case VGA_BLANK:
        if (all)
            draw_blank(v, &f);
        return -1;
    case VGA_TEXT:
        return update_text(v, &f, all);
    default:
        update_graphics(v, &f, all);
        return -1;
    }
}

static void vga_redraw(void *dev)
{
    ((struct vga *)dev)->redraw = true;
}

static bool vga_text(void *dev, struct screen_text *out)
{
    struct vga *v = dev;
    struct vga_frame f;

    vga_frame_get(v, &f);
    return f.kind == VGA_TEXT && vga_text_get(v, &f, out);
}

const struct screen_ops vga_screen_ops = {
    .update = vga_update, .redraw = vga_redraw, .text = vga_text};

/* SPDX-License-Identifier: MIT */
/*
 * VGA: registers, 256 KiB of planar memory at the start of a larger linear one, and the DISPI
 * extension. It is a chip without a bus: vga_pci.c plugs it into PCI. Machine lock.
 *
 * The four planes are interleaved: byte p of the doubleword n is plane p at address n. So a
 * doubleword is what the latches hold, and chain-4 and linear modes see memory in order.
 */
#ifndef HW_DISPLAY_VGA_H
#define HW_DISPLAY_VGA_H

#include "core/device.h"
#include "core/machine.h"
#include "hw/display/vga_regs.h"
#include "ui/console.h"

enum { VGA_WINDOW = 0xa0000, VGA_WINDOW_SIZE = 0x20000, VGA_MAX_COLS = 256 };

enum vga_kind { VGA_BLANK, VGA_TEXT, VGA_PLANAR, VGA_CGA, VGA_PACKED };

/* All that a picture depends on besides the memory and the palette. Compared as bytes. */
struct vga_frame {
    enum vga_kind kind;
    unsigned bpp;            /* packed: 8, 15, 16, 24, 32 */
    unsigned width, height;  /* of the surface */
    unsigned dots;           /* columns of the surface for one pixel: 1, 2 or 4 */
    uint32_t start, stride;  /* bytes */
    unsigned line_compare;   /* the last line before the split */
    unsigned rows;           /* scan lines of a character row */
    unsigned doubled;        /* each scan line is shown 1 << doubled times */
    uint8_t crtc_mode, preset_row, pan, planes, underline;
    bool pan_top_only;
    /* text */
    unsigned cols, char_width;
    bool line_graphics, blink;
    uint32_t font[2];        /* byte offsets of glyph 0, line 0 */
};

/* A row of characters as it was drawn last. */
struct vga_strip {
    unsigned y, lines;
    int cursor;              /* column, or -1 */
    bool blinks;             /* a character in it does */
    uint16_t cell[VGA_MAX_COLS + 1];
};

struct vga {
    struct machine *machine;
    struct device *owner;
    struct ram_block *vram;
    struct console *console;
    struct region window, window_io, window_ram; /* A0000h: what the CPU sees */
    struct region port_mono, port_mono_status, port_common, port_color, port_color_status;
    struct region port_vbe;

    /* state */
    uint8_t misc, feature, latch[4];
    uint8_t seq_index, seq[SEQ_COUNT];
    uint8_t gc_index, gc[GC_COUNT];
    uint8_t crtc_index, crtc[CRTC_COUNT];
    uint8_t attr_index, attr[ATTR_COUNT];
    bool attr_data;                      /* the flip-flop: the next write is data */
    uint8_t pel_mask, pel_state, pel_read, pel_write, pel_sub, pel_latch[3];
    uint8_t palette[768];
    uint16_t vbe_index, vbe[VBE_COUNT];
    uint8_t vbe_low;                     /* first byte of a word that is written in two */

    /* derived */
    uint32_t color[256];                 /* what a pixel's value looks like in `drawn` */
    bool palette_stale, redraw;
    struct vga_frame drawn;
    struct vga_strip *strips;
    unsigned nstrips, cursor_shape;
    bool cursor_phase, blink_phase;
    bool *dirty;                         /* one per page of vram */
    uint32_t *line;                      /* pixels of one line before they are multiplied */
};

/* vga.c. vram_size: a power of two, 1 MiB to 256 MiB. The window and ports are mapped by
 * vga_map(). */
bool vga_init(struct vga *v, struct device *owner, uint64_t vram_size, GError **err);
void vga_map(struct vga *v, struct region *mem, struct region *io);
void vga_fini(struct vga *v);
void vga_reset(struct vga *v);
void vga_loaded(struct vga *v);
/* A register that decides what the window shows was written. */
void vga_window_update(struct vga *v);

/* vga_ports.c: port is an address as in vga_regs.h. */
uint8_t vga_port_read(struct vga *v, unsigned port);
void vga_port_write(struct vga *v, unsigned port, uint8_t val);
extern const struct region_ops vga_port_ops[5]; /* mono, its status, common, colour, its status */

/* vga_retrace.c: status register 1 at this moment. */
uint8_t vga_status1(const struct vga *v);

/* vga_mem.c */
extern const struct region_ops vga_window_ops;
/* May the window, as the registers stand, be the memory itself? Then *offset is where. */
bool vga_window_is_linear(const struct vga *v, uint32_t *offset);
/* Offset and size of what the window shows, from A0000h on. */
void vga_window_range(const struct vga *v, uint32_t *base, uint32_t *size);

/* vga_vbe.c */
bool vga_vbe_on(const struct vga *v);
uint16_t vga_vbe_read(const struct vga *v, unsigned index);
void vga_vbe_write(struct vga *v, unsigned index, uint16_t val);
uint32_t vga_vbe_stride(const struct vga *v); /* bytes */
extern const struct region_ops vga_vbe_ops;   /* ports 1CEh-1D0h */

/* vga_frame.c, vga_draw.c, vga_text.c, vga_line.c */
void vga_frame_get(const struct vga *v, struct vga_frame *f);
extern const struct screen_ops vga_screen_ops;
void vga_draw_text(struct vga *v, const struct vga_frame *f, bool all);
bool vga_text_get(struct vga *v, const struct vga_frame *f, struct screen_text *out);
/* n pixels from byte offset addr on into out. */
void vga_line_pixels(const struct vga *v, const struct vga_frame *f, uint32_t *out, uint32_t addr,
                     unsigned n);
/* Copy pixels to a line of the surface, each f->dots times. */
void vga_line_put(struct vga *v, const struct vga_frame *f, unsigned y, const uint32_t *pixels);
/* How many bytes of memory n pixels of a line are. */
uint32_t vga_line_bytes(const struct vga_frame *f, unsigned n);

/* The lines of a frame, from top to bottom. */
struct vga_walk {
    const struct vga_frame *f;
    unsigned y, row_scan, repeat;
    uint32_t row; /* where the character row begins */
    bool split;   /* below the split */
};
void vga_walk_begin(struct vga_walk *w, const struct vga_frame *f);
void vga_walk_next(struct vga_walk *w);
uint32_t vga_walk_addr(const struct vga_walk *w); /* of this line's first byte */
unsigned vga_walk_pan(const struct vga_walk *w);  /* pixels of it that are to the left */

static inline uint32_t vga_mask(const struct vga *v)
{
    return (uint32_t)v->vram->size - 1;
}
/* The doubleword at byte offset addr: the four planes of one address. */
static inline uint32_t vga_cell(const struct vga *v, uint32_t addr)
{
    return *(const volatile uint32_t *)(v->vram->host + (addr & vga_mask(v) & ~3u));
}

#define VGA_STATE(T, f)                                                                            \
    STATE_FIELD(T, f.misc), STATE_FIELD(T, f.feature), STATE_BUFFER(T, f.latch),                   \
        STATE_FIELD(T, f.seq_index), STATE_BUFFER(T, f.seq), STATE_FIELD(T, f.gc_index),           \
        STATE_BUFFER(T, f.gc), STATE_FIELD(T, f.crtc_index), STATE_BUFFER(T, f.crtc),              \
        STATE_FIELD(T, f.attr_index), STATE_BUFFER(T, f.attr), STATE_FIELD(T, f.attr_data),        \
        STATE_FIELD(T, f.pel_mask), STATE_FIELD(T, f.pel_state), STATE_FIELD(T, f.pel_read),       \
        STATE_FIELD(T, f.pel_write), STATE_FIELD(T, f.pel_sub), STATE_BUFFER(T, f.pel_latch),      \
        STATE_BUFFER(T, f.palette), STATE_FIELD(T, f.vbe_index), STATE_ARRAY(T, f.vbe),            \
        STATE_FIELD(T, f.vbe_low)

#endif

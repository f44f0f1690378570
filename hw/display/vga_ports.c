/* SPDX-License-Identifier: MIT */
/*
 * VGA registers as ports. IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem",
 * "VGA Programming Considerations". Bits that do not exist read as 0.
 */
#include "hw/display/vga.h"

static const uint8_t seq_bits[SEQ_COUNT] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0x00, 0x00, 0x00};
static const uint8_t gc_bits[GC_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
static const uint8_t attr_bits[ATTR_COUNT] = {
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f};

/* ---- Palette ---------------------------------------------------------------------------- */

enum { PEL_READING = 3, PEL_WRITING = 0 };

static uint8_t pel_read(struct vga *v)
{
    uint8_t val = v->palette[v->pel_read * 3 + v->pel_sub];

    if (++v->pel_sub == 3) {
        v->pel_sub = 0;
        v->pel_read++;
    }
    return val;
}

static void pel_write(struct vga *v, uint8_t val)
{
    v->pel_latch[v->pel_sub] = v->vbe[VBE_ENABLE] & VBE_8BIT_DAC ? val : val & 0x3f;
    if (++v->pel_sub < 3)
        return;
    v->pel_sub = 0;
    for (unsigned i = 0; i < 3; i++)
        v->palette[v->pel_write * 3 + i] = v->pel_latch[i];
    v->pel_write++;
    v->palette_stale = true;
}

/* ---- Indexed registers ------------------------------------------------------------------ */

static void attr_write(struct vga *v, uint8_t val)
{
    unsigned index = v->attr_index & 0x1f;

    v->attr_data = !v->attr_data;
    if (v->attr_data) {
        v->attr_index = val & 0x3f;
        return;
    }
    if (index >= ATTR_COUNT)
        return;
    /* The palette registers are open only while the screen does not use them. */
    if (index >= ATTR_MODE || !(v->attr_index & ATTR_INDEX_PALETTE))
        v->attr[index] = val & attr_bits[index];
    v->palette_stale = true;
}

static void seq_write(struct vga *v, uint8_t val)
{
    unsigned index = v->seq_index;

    v->seq[index] = val & seq_bits[index];
    if (index == SEQ_PLANE_MASK || index == SEQ_MEMORY)
        vga_window_update(v);
}

static void gc_write(struct vga *v, uint8_t val)
{
    v->gc[v->gc_index] = val & gc_bits[v->gc_index];
    if (v->seq[SEQ_MEMORY] & MEMORY_CHAIN4 || v->gc_index == GC_MISC)
        vga_window_update(v);
}

static void crtc_write(struct vga *v, uint8_t val)
{
    unsigned index = v->crtc_index;
    uint8_t keep = 0;

    if (index >= CRTC_COUNT)
        return;
    if (v->crtc[CRTC_VRETRACE_END] & VRETRACE_PROTECT && index <= CRTC_OVERFLOW)
        keep = index == CRTC_OVERFLOW ? 0xef : 0xff; /* bit 8 of line compare stays open */
    v->crtc[index] = (uint8_t)((v->crtc[index] & keep) | (val & ~keep));
}

/* ---- Ports ------------------------------------------------------------------------------ */

/* The CRT controller and status 1 answer at 3Bxh or 3Dxh. */
static bool elsewhere(const struct vga *v, unsigned port)
{
    return v->misc & MISC_COLOR ? port >> 4 == 0x3b : port >> 4 == 0x3d;
}

static uint8_t status1_read(struct vga *v)
{
    v->attr_data = false;
    return vga_status1(v);
}

uint8_t vga_port_read(struct vga *v, unsigned port)
{
    if (elsewhere(v, port))
        return 0xff;
    switch (port) {
    case VGA_ATTR:
        return v->attr_data ? 0 : v->attr_index;
    case VGA_ATTR_READ:
        return (v->attr_index & 0x1f) < ATTR_COUNT ? v->attr[v->attr_index & 0x1f] : 0;
    case VGA_STATUS0:
        return 0x10; /* a colour monitor is there */
    case VGA_SEQ:
        return v->seq_index;
    case VGA_SEQ_DATA:
        return v->seq[v->seq_index];
    case VGA_PEL_MASK:
        return v->pel_mask;
    case VGA_PEL_STATE:
        return v->pel_state;
    case VGA_PEL_WRITE:
        return v->pel_write;
    case VGA_PEL_DATA:
        return pel_read(v);
    case VGA_FEATURE_READ:
        return v->feature;
    case VGA_MISC_READ:
        return v->misc;
    case VGA_GC:
        return v->gc_index;
    case VGA_GC_DATA:
        return v->gc[v->gc_index];
    case VGA_CRTC_MONO:
    case VGA_CRTC:
        return v->crtc_index;
    case VGA_CRTC_MONO + 1:
    case VGA_CRTC_DATA:
        return v->crtc_index < CRTC_COUNT ? v->crtc[v->crtc_index] : 0;
    case VGA_STATUS1_MONO:
    case VGA_STATUS1:
        return status1_read(v);
    default:
        return 0;
    }
}

static void pel_index(struct vga *v, uint8_t *index, uint8_t val, uint8_t state)
{
    *index = val;
    v->pel_sub = 0;
    v->pel_state = state;
}

static void write_port(struct vga *v, unsigned port, uint8_t val)
{
    switch (port) {
    case VGA_ATTR:
        attr_write(v, val);
        break;
    case VGA_MISC_WRITE:
        v->misc = val & 0xef;
        vga_window_update(v);
        break;
    case VGA_SEQ:
        v->seq_index = val & (SEQ_COUNT - 1);
        break;
    case VGA_SEQ_DATA:
        seq_write(v, val);
        break;
    case VGA_PEL_MASK:
        v->pel_mask = val;
        v->palette_stale = true;
        break;
    case VGA_PEL_READ:
        pel_index(v, &v->pel_read, val, PEL_READING);
        break;
    case VGA_PEL_WRITE:
        pel_index(v, &v->pel_write, val, PEL_WRITING);
        break;
    case VGA_PEL_DATA:
        pel_write(v, val);
        break;
    case VGA_GC:
        v->gc_index = val & (GC_COUNT - 1);
        break;
    case VGA_GC_DATA:
        gc_write(v, val);
        break;
    case VGA_CRTC_MONO:
    case VGA_CRTC:
        v->crtc_index = val;
        break;
    case VGA_CRTC_MONO + 1:
    case VGA_CRTC_DATA:
        crtc_write(v, val);
        break;
    case VGA_STATUS1_MONO:
    case VGA_STATUS1:
        v->feature = val & 0x08;
        break;
    }
}

void vga_port_write(struct vga *v, unsigned port, uint8_t val)
{
    if (elsewhere(v, port))
        return;
    write_port(v, port, val);
    console_wake(v->console);
}

#define PORT_RANGE(name, base)                                                                     \
    static uint64_t name##_read(void *dev, uint64_t off, unsigned size)                            \
    {                                                                                              \
        return vga_port_read(dev, base + (unsigned)off);                                           \
    }                                                                                              \
    static void name##_write(void *dev, uint64_t off, uint64_t val, unsigned size)                 \
    {                                                                                              \
        vga_port_write(dev, base + (unsigned)off, (uint8_t)val);                                   \
    }
PORT_RANGE(mono, VGA_CRTC_MONO)
PORT_RANGE(mono_status, VGA_STATUS1_MONO)
PORT_RANGE(common, VGA_ATTR)
PORT_RANGE(color, VGA_CRTC)
PORT_RANGE(color_status, VGA_STATUS1)

const struct region_ops vga_port_ops[5] = {
    {mono_read, mono_write, 1, 1},
    {mono_status_read, mono_status_write, 1, 1},
    {common_read, common_write, 1, 1},
    {color_read, color_write, 1, 1},
    {color_status_read, color_status_write, 1, 1},
};

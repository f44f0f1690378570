/* SPDX-License-Identifier: MIT */
/*
 * DISPI: linear frame buffers in a few 16-bit registers. Bochs's "VBE Display API", version
 * B0C5h, as in QEMU's stdvga.
 *
 *   1CEh index (word) | 1CFh data (word; two bytes for our bus, which splits it)
 *
 * The index is taken as it comes, values are brought into range when the mode is on.
 */
#include <string.h>

#include "hw/display/vga.h"

bool vga_vbe_on(const struct vga *v)
{
    return v->vbe[VBE_ENABLE] & VBE_ENABLED;
}

/* With four planes, eight pixels are one doubleword. */
static uint32_t stride_of(unsigned width, unsigned bpp)
{
    return bpp == 4 ? width / 2 : width * ((bpp + 7) / 8);
}

uint32_t vga_vbe_stride(const struct vga *v)
{
    return stride_of(v->vbe[VBE_VIRT_WIDTH], v->vbe[VBE_BPP]);
}

/* Whatever was written: a picture that lies in the memory. */
static void bring_into_range(struct vga *v)
{
    static const uint8_t depths[] = {4, 8, 15, 16, 24, 32};
    uint16_t *r = v->vbe;

    if (!memchr(depths, r[VBE_BPP], sizeof(depths)))
        r[VBE_BPP] = 8;
    r[VBE_XRES] = (uint16_t)(CLAMP(r[VBE_XRES], 8, VBE_MAX_XRES) & ~7);
    r[VBE_VIRT_WIDTH] = (uint16_t)(CLAMP(r[VBE_VIRT_WIDTH], r[VBE_XRES], VBE_MAX_XRES) & ~7);
    uint32_t lines = (uint32_t)v->vram->size / vga_vbe_stride(v);
    r[VBE_YRES] = (uint16_t)CLAMP(r[VBE_YRES], 1, MIN(lines, VBE_MAX_YRES));
    r[VBE_VIRT_HEIGHT] = (uint16_t)MIN(lines, UINT16_MAX);
    r[VBE_X_OFFSET] = (uint16_t)MIN(r[VBE_X_OFFSET], r[VBE_VIRT_WIDTH] - r[VBE_XRES]);
    r[VBE_Y_OFFSET] = (uint16_t)MIN(r[VBE_Y_OFFSET], lines - r[VBE_YRES]);
}

static void clear(struct vga *v)
{
    uint64_t len = (uint64_t)vga_vbe_stride(v) * v->vbe[VBE_YRES];

    memset(v->vram->host, 0, len);
    ram_note_write(v->vram, 0, len);
}

static void enable(struct vga *v, uint16_t val)
{
    bool was = vga_vbe_on(v);

    v->vbe[VBE_ENABLE] = val;
    v->palette_stale = true;
    if (!(val & VBE_ENABLED) || was)
        return;
    v->vbe[VBE_VIRT_WIDTH] = v->vbe[VBE_X_OFFSET] = v->vbe[VBE_Y_OFFSET] = v->vbe[VBE_BANK] = 0;
    bring_into_range(v);
    if (!(val & VBE_NOCLEAR))
        clear(v);
}

uint16_t vga_vbe_read(const struct vga *v, unsigned index)
{
    if (index == VBE_MEMORY_64K)
        return (uint16_t)MIN(v->vram->size >> 16, UINT16_MAX);
    if (index >= VBE_COUNT)
        return 0;
    if (v->vbe[VBE_ENABLE] & VBE_GETCAPS) {
        static const uint16_t caps[] = {VBE_MAX_XRES, VBE_MAX_YRES, VBE_MAX_BPP};
        if (index >= VBE_XRES && index <= VBE_BPP)
            return caps[index - VBE_XRES];
    }
    return v->vbe[index];
}

void vga_vbe_write(struct vga *v, unsigned index, uint16_t val)
{
    if (index >= VBE_COUNT || index == VBE_VIRT_HEIGHT)
        return;
    if (index == VBE_ID) {
        if (val >= VBE_ID0 && val <= VBE_ID5)
            v->vbe[VBE_ID] = val;
        return;
    }
    if (index == VBE_ENABLE)
        enable(v, val);
    else
        v->vbe[index] = index == VBE_BPP && !val ? 8 : val;
    if (vga_vbe_on(v))
        bring_into_range(v);
    vga_window_update(v);
    console_wake(v->console);
}

/* ---- Ports ------------------------------------------------------------------------------ */

static uint64_t vbe_port_read(void *dev, uint64_t off, unsigned size)
{
    struct vga *v = dev;

    if (off == 0)
        return v->vbe_index;
    return (uint8_t)(vga_vbe_read(v, v->vbe_index) >> (off == 2 ? 8 : 0));
}

static void vbe_port_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct vga *v = dev;

    if (off == 0)
        v->vbe_index = (uint16_t)val;
    else if (off == 1)
        v->vbe_low = (uint8_t)val;
    else
        vga_vbe_write(v, v->vbe_index, (uint16_t)(v->vbe_low | val << 8));
}

const struct region_ops vga_vbe_ops = {vbe_port_read, vbe_port_write, 1, 2};

/* SPDX-License-Identifier: MIT */
/*
 * The VGA window at A0000h: from a byte that the CPU writes to the four planes, and back. IBM
 * PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Graphics Controller".
 *
 * One doubleword of memory holds the four planes of an address, so the data path is 32 bits wide:
 *
 *   write mode 0   rotate, set/reset, function with the latches, bit mask
 *              1   latches
 *              2   the low four bits as colour, function, bit mask
 *              3   set/reset as colour, bit mask AND rotated byte
 *
 *   chain 4        address bits 1:0 choose the plane, the rest the doubleword
 *   odd/even       address bit 0 chooses between planes 0 and 1 (2 and 3)
 */
#include "hw/display/vga.h"

/* Four bits, one per plane, to four bytes of 0 or FFh. */
static const uint32_t spread[16] = {
    0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000, 0x00ff00ff, 0x00ffff00, 0x00ffffff,
    0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff, 0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff,
};

static uint32_t four(uint8_t byte)
{
    return byte * 0x01010101u;
}

/* ---- Where ------------------------------------------------------------------------------ */

static const struct {
    uint32_t base, size;
} maps[4] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};

static bool packed_vbe(const struct vga *v)
{
    return vga_vbe_on(v) && v->vbe[VBE_BPP] >= 8;
}

static unsigned map_of(const struct vga *v)
{
    return packed_vbe(v) ? 1 : v->gc[GC_MISC] >> GMISC_MAP_SHIFT & 3;
}

void vga_window_range(const struct vga *v, uint32_t *base, uint32_t *size)
{
    *base = maps[map_of(v)].base;
    *size = maps[map_of(v)].size;
}

static uint32_t bank_offset(const struct vga *v)
{
    unsigned shift = v->vbe[VBE_ENABLE] & VBE_BANK_GRANULARITY_32K ? 15 : 16;

    return vga_vbe_on(v) ? (uint32_t)v->vbe[VBE_BANK] << shift : 0;
}

/* The byte passes through unchanged. */
static bool plain_path(const struct vga *v)
{
    return !(v->gc[GC_MODE] & (MODE_WRITE | MODE_READ1)) && !v->gc[GC_ROTATE] &&
           !v->gc[GC_SET_RESET_ENABLE] && v->gc[GC_BIT_MASK] == 0xff;
}

bool vga_window_is_linear(const struct vga *v, uint32_t *offset)
{
    uint32_t size = maps[map_of(v)].size;

    *offset = bank_offset(v) & vga_mask(v) & ~(RAM_PAGE_SIZE - 1);
    if (*offset + size > v->vram->size)
        return false;
    return packed_vbe(v) || (v->seq[SEQ_MEMORY] & MEMORY_CHAIN4 &&
                             v->seq[SEQ_PLANE_MASK] == 0xf && plain_path(v));
}

/* Byte offset of the doubleword, and the planes that this address reaches. */
static uint32_t locate(const struct vga *v, uint32_t addr, bool write, uint8_t *planes)
{
    bool odd_even = write ? !(v->seq[SEQ_MEMORY] & MEMORY_NO_ODD_EVEN)
                          : v->gc[GC_MODE] & MODE_ODD_EVEN;
    uint32_t cell = addr * 4;

    *planes = 0xf;
    if (v->seq[SEQ_MEMORY] & MEMORY_CHAIN4 || packed_vbe(v)) {
        *planes = (uint8_t)(1u << (addr & 3));
        cell = addr & ~3u;
    } else if (odd_even) {
        *planes = addr & 1 ? 0xa : 0x5;
        cell = (addr & ~1u) * 2;
    }
    return cell & vga_mask(v);
}

/* Address in the memory for an offset in the window; false: the window does not show it. */
static bool window_addr(const struct vga *v, uint64_t off, uint32_t *addr)
{
    unsigned map = map_of(v);

    if (off - maps[map].base >= maps[map].size)
        return false;
    *addr = (uint32_t)(off - maps[map].base) + (vga_vbe_on(v) ? bank_offset(v) : 0);
    return true;
}

/* ---- Read ------------------------------------------------------------------------------- */

static uint64_t window_read(void *dev, uint64_t off, unsigned size)
{
    struct vga *v = dev;
    uint32_t addr;
    uint8_t planes;

    if (!window_addr(v, off, &addr))
        return 0xff;
    uint32_t at = locate(v, addr, false, &planes);
    uint32_t cell = vga_cell(v, at);
    for (unsigned p = 0; p < 4; p++)
        v->latch[p] = (uint8_t)(cell >> (8 * p));
    if (v->gc[GC_MODE] & MODE_READ1) {
        uint32_t differ = (cell ^ spread[v->gc[GC_COMPARE]]) & spread[v->gc[GC_DONT_CARE]];
        return (uint8_t) ~(differ | differ >> 8 | differ >> 16 | differ >> 24);
    }
    unsigned plane = v->gc[GC_READ_MAP];
    if (planes == 0xa || planes == 0x5)
        plane = (plane & 2) | (planes == 0xa);
    else if (planes != 0xf)
        plane = addr & 3;
    return v->latch[plane];
}

/* ---- Write ------------------------------------------------------------------------------ */

static uint32_t latches(const struct vga *v)
{
    return v->latch[0] | (uint32_t)v->latch[1] << 8 | (uint32_t)v->latch[2] << 16 |
           (uint32_t)v->latch[3] << 24;
}

static uint8_t rotated(const struct vga *v, uint8_t val)
{
    unsigned n = v->gc[GC_ROTATE] & 7;

    return (uint8_t)(val >> n | val << (8 - n));
}

static uint32_t function(const struct vga *v, uint32_t data)
{
    switch (v->gc[GC_ROTATE] >> 3) {
    case 1:
        return data & latches(v);
    case 2:
        return data | latches(v);
    case 3:
        return data ^ latches(v);
    default:
        return data;
    }
}

static uint32_t masked(const struct vga *v, uint32_t data, uint8_t bits)
{
    uint32_t mask = four(bits);

    return (data & mask) | (latches(v) & ~mask);
}

/* What the planes would hold if all of them were written. */
static uint32_t data_path(const struct vga *v, uint8_t val)
{
    uint32_t enable = spread[v->gc[GC_SET_RESET_ENABLE]], color = spread[v->gc[GC_SET_RESET]];

    switch (v->gc[GC_MODE] & MODE_WRITE) {
    case 0:
        return masked(v, function(v, (four(rotated(v, val)) & ~enable) | (color & enable)),
                      v->gc[GC_BIT_MASK]);
    case 1:
        return latches(v);
    case 2:
        return masked(v, function(v, spread[val & 0xf]), v->gc[GC_BIT_MASK]);
    default:
        return masked(v, function(v, color), v->gc[GC_BIT_MASK] & rotated(v, val));
    }
}

static void window_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct vga *v = dev;
    uint32_t addr;
    uint8_t planes;

    if (!window_addr(v, off, &addr))
        return;
    uint32_t at = locate(v, addr, true, &planes);
    if (!packed_vbe(v))
        planes &= v->seq[SEQ_PLANE_MASK];
    uint32_t data = packed_vbe(v) ? four((uint8_t)val) : data_path(v, (uint8_t)val);
    uint8_t *cell = v->vram->host + at;
    for (unsigned p = 0; p < 4; p++)
        if (planes >> p & 1)
            cell[p] = (uint8_t)(data >> (8 * p));
    /* Fonts are in plane 2; what is drawn with them does not change itself. */
    if (planes & 4 && v->drawn.kind == VGA_TEXT)
        v->redraw = true;
    ram_note_write(v->vram, at, 4);
}

const struct region_ops vga_window_ops = {window_read, window_write, 1, 1};

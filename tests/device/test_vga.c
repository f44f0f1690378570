/* SPDX-License-Identifier: MIT */
/* VGA by its ports and memory, without a CPU: hw/display. */
#include "bench.h"

#include <string.h>

#include "hw/display/edid.h"
#include "hw/display/vga.h"

static struct machine *m;
static struct device owner;
static struct vga v;

static void setup(void)
{
    GError *err = NULL;

    m = bench_new();
    memset(&v, 0, sizeof(v));
    owner = (struct device){.machine = m};
    ck_assert(vga_init(&v, &owner, 1 << 20, &err));
    vga_map(&v, &m->mem_root, &m->io_root);
    vga_reset(&v);
    outb(m, VGA_MISC_WRITE, MISC_COLOR | MISC_RAM);
}

static void teardown(void)
{
    vga_fini(&v);
    bench_free(m);
}

static void indexed(unsigned port, uint8_t index, uint8_t val)
{
    outb(m, port, index);
    outb(m, port + 1, val);
}

static uint8_t indexed_read(unsigned port, uint8_t index)
{
    outb(m, port, index);
    return inb(m, port + 1);
}

/* Planes apart: no chain, no odd/even, 64 KiB at A0000h. */
static void planar(void)
{
    indexed(VGA_SEQ, SEQ_MEMORY, MEMORY_NO_ODD_EVEN | 2);
    indexed(VGA_SEQ, SEQ_PLANE_MASK, 0xf);
    indexed(VGA_GC, GC_MISC, 1 << GMISC_MAP_SHIFT | GMISC_GRAPHICS);
    indexed(VGA_GC, GC_BIT_MASK, 0xff);
    indexed(VGA_GC, GC_MODE, 0);
}

START_TEST(registers_have_their_bits)
{
    indexed(VGA_SEQ, SEQ_PLANE_MASK, 0xff);
    ck_assert_uint_eq(indexed_read(VGA_SEQ, SEQ_PLANE_MASK), 0x0f);
    indexed(VGA_GC, GC_MODE, 0xff);
    ck_assert_uint_eq(indexed_read(VGA_GC, GC_MODE), 0x7b);
    indexed(VGA_CRTC, CRTC_OFFSET, 0xa5);
    ck_assert_uint_eq(indexed_read(VGA_CRTC, CRTC_OFFSET), 0xa5);
    ck_assert_uint_eq(indexed_read(VGA_CRTC, 0x40), 0);
}
END_TEST

START_TEST(crtc_write_protection)
{
    indexed(VGA_CRTC, CRTC_HTOTAL, 0x5f);
    indexed(VGA_CRTC, CRTC_VRETRACE_END, VRETRACE_PROTECT);
    indexed(VGA_CRTC, CRTC_HTOTAL, 0x11);
    indexed(VGA_CRTC, CRTC_OVERFLOW, 0xff);
    ck_assert_uint_eq(indexed_read(VGA_CRTC, CRTC_HTOTAL), 0x5f);
    ck_assert_uint_eq(indexed_read(VGA_CRTC, CRTC_OVERFLOW), 0x10); /* line compare bit 8 */
    indexed(VGA_CRTC, CRTC_VRETRACE_END, 0);
    indexed(VGA_CRTC, CRTC_HTOTAL, 0x11);
    ck_assert_uint_eq(indexed_read(VGA_CRTC, CRTC_HTOTAL), 0x11);
}
END_TEST

START_TEST(color_or_mono_addresses)
{
    ck_assert_uint_eq(inb(m, VGA_CRTC_MONO), 0xff);
    outb(m, VGA_CRTC, 5);
    outb(m, VGA_MISC_WRITE, MISC_RAM);
    ck_assert_uint_eq(inb(m, VGA_CRTC), 0xff);
    ck_assert_uint_eq(inb(m, VGA_CRTC_MONO), 5);
}
END_TEST

START_TEST(attribute_flip_flop)
{
    inb(m, VGA_STATUS1);
    outb(m, VGA_ATTR, 3);
    outb(m, VGA_ATTR, 0x2a);
    outb(m, VGA_ATTR, 4);
    inb(m, VGA_STATUS1); /* the next write is an index again */
    outb(m, VGA_ATTR, 3);
    ck_assert_uint_eq(inb(m, VGA_ATTR_READ), 0x2a);
    outb(m, VGA_ATTR, 0x15);
    outb(m, VGA_ATTR, 3 | ATTR_INDEX_PALETTE); /* the screen has the palette: closed */
    outb(m, VGA_ATTR, 0x01);
    ck_assert_uint_eq(inb(m, VGA_ATTR_READ), 0x15);
}
END_TEST

START_TEST(palette_goes_on_by_threes)
{
    static const uint8_t in[] = {1, 2, 3, 0xff, 5, 6}, out[] = {1, 2, 3, 0x3f, 5, 6};

    outb(m, VGA_PEL_WRITE, 254);
    for (unsigned i = 0; i < 6; i++)
        outb(m, VGA_PEL_DATA, in[i]);
    ck_assert_uint_eq(inb(m, VGA_PEL_WRITE), 0);
    outb(m, VGA_PEL_READ, 254);
    ck_assert_uint_eq(inb(m, VGA_PEL_STATE), 3);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_uint_eq(inb(m, VGA_PEL_DATA), out[i]);
}
END_TEST

START_TEST(write_modes)
{
    planar();
    indexed(VGA_GC, GC_MODE, 2);
    as_st8(&m->mem, 0xa0010, 0x5);
    ck_assert_uint_eq(vga_cell(&v, 0x40), 0x00ff00ff);
    as_ld8(&m->mem, 0xa0010); /* latches */
    indexed(VGA_GC, GC_MODE, 1);
    as_st8(&m->mem, 0xa0020, 0);
    ck_assert_uint_eq(vga_cell(&v, 0x80), 0x00ff00ff);
    indexed(VGA_GC, GC_MODE, 0);
    indexed(VGA_GC, GC_ROTATE, 3 << 3 | 4); /* XOR, rotate by 4 */
    indexed(VGA_GC, GC_BIT_MASK, 0xf0);
    as_st8(&m->mem, 0xa0020, 0x0f);
    ck_assert_uint_eq(vga_cell(&v, 0x80), 0xf00ff00f);
    indexed(VGA_GC, GC_ROTATE, 0);
    indexed(VGA_GC, GC_SET_RESET, 0x8);
    indexed(VGA_GC, GC_MODE, 3);
    as_ld8(&m->mem, 0xa0010);
    as_st8(&m->mem, 0xa0010, 0x3c); /* bit mask 30h */
    ck_assert_uint_eq(vga_cell(&v, 0x40), 0x30cf00cf);
}
END_TEST

START_TEST(read_modes)
{
    planar();
    indexed(VGA_GC, GC_MODE, 2);
    as_st8(&m->mem, 0xa0000, 0x6);
    indexed(VGA_GC, GC_MODE, 0);
    for (uint8_t p = 0; p < 4; p++) {
        indexed(VGA_GC, GC_READ_MAP, p);
        ck_assert_uint_eq(as_ld8(&m->mem, 0xa0000), p == 1 || p == 2 ? 0xff : 0);
    }
    indexed(VGA_GC, GC_MODE, MODE_READ1);
    indexed(VGA_GC, GC_DONT_CARE, 0xf);
    indexed(VGA_GC, GC_COMPARE, 6);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xa0000), 0xff);
    indexed(VGA_GC, GC_COMPARE, 7);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xa0000), 0);
    indexed(VGA_GC, GC_DONT_CARE, 0xe); /* plane 0 does not count */
    ck_assert_uint_eq(as_ld8(&m->mem, 0xa0000), 0xff);
}
END_TEST

START_TEST(chain4_is_memory_itself)
{
    planar();
    indexed(VGA_SEQ, SEQ_MEMORY, MEMORY_CHAIN4 | 2);
    const struct region_section *s = as_lookup(&m->mem, 0xa0000);
    ck_assert_ptr_eq(s->ram, v.vram);
    as_st32(&m->mem, 0xa1234, 0x44332211);
    ck_assert_uint_eq(vga_cell(&v, 0x1234), 0x44332211);
    indexed(VGA_SEQ, SEQ_PLANE_MASK, 0x7); /* one plane closed: no longer */
    as_st32(&m->mem, 0xa1234, 0);
    ck_assert_uint_eq(vga_cell(&v, 0x1234), 0x44000000);
    outb(m, VGA_MISC_WRITE, MISC_COLOR); /* the memory does not answer: what lies below does */
    ck_assert_ptr_eq(as_lookup(&m->mem, 0xa1234)->ram, m->ram);
}
END_TEST

static void dispi(unsigned index, uint16_t val)
{
    as_io_write(&m->io, VBE_PORT, index, 2);
    as_io_write(&m->io, VBE_PORT + 1, val, 2);
}

START_TEST(dispi_stays_in_range)
{
    static const uint16_t wild[][3] = {{0, 0, 0}, {0xffff, 0xffff, 0xffff}, {17, 12000, 32},
                                       {16000, 12000, 24}, {640, 480, 7}};

    for (unsigned i = 0; i < G_N_ELEMENTS(wild); i++) {
        dispi(VBE_ENABLE, 0);
        for (unsigned r = 0; r < 3; r++)
            dispi(VBE_XRES + r, wild[i][r]);
        dispi(VBE_ENABLE, VBE_ENABLED | VBE_LFB);
        dispi(VBE_VIRT_WIDTH, 0xffff);
        dispi(VBE_X_OFFSET, 0xffff);
        dispi(VBE_Y_OFFSET, 0xffff);
        dispi(VBE_BANK, 0xffff);
        unsigned end = (v.vbe[VBE_Y_OFFSET] + v.vbe[VBE_YRES]) * vga_vbe_stride(&v);
        ck_assert_uint_le(end, v.vram->size);
        ck_assert_uint_le(v.vbe[VBE_X_OFFSET] + v.vbe[VBE_XRES], v.vbe[VBE_VIRT_WIDTH]);
        outb(m, VGA_ATTR, ATTR_INDEX_PALETTE);
        console_refresh(v.console);
        ck_assert_uint_eq(v.console->surface.width, v.vbe[VBE_XRES]);
        as_ld8(&m->mem, 0xa0000);
    }
    as_io_write(&m->io, VBE_PORT, VBE_MEMORY_64K, 2);
    ck_assert_uint_eq(as_io_read(&m->io, VBE_PORT + 1, 2), 16);
}
END_TEST

START_TEST(retrace_follows_time)
{
    /* Mode 3's timing: 449 lines of 900 dots at 28.322 MHz, 400 shown, retrace at 412. */
    static const uint8_t crtc[][2] = {{CRTC_HTOTAL, 0x5f}, {CRTC_HDISP_END, 0x4f},
                                      {CRTC_VTOTAL, 0xbf}, {CRTC_OVERFLOW, 0x1f},
                                      {CRTC_VRETRACE_START, 0x9c}, {CRTC_VRETRACE_END, 0x0e},
                                      {CRTC_VDISP_END, 0x8f}};
    unsigned retrace = 0, blank = 0, total = 0;

    outb(m, VGA_MISC_WRITE, MISC_COLOR | MISC_RAM | MISC_CLOCK_28);
    for (unsigned i = 0; i < G_N_ELEMENTS(crtc); i++)
        indexed(VGA_CRTC, crtc[i][0], crtc[i][1]);
    for (int64_t ns = 0; ns < 14268000; ns += 4000, total++) { /* one frame */
        uint8_t s = inb(m, VGA_STATUS1);
        retrace += s & STATUS1_VRETRACE ? 1 : 0;
        blank += s & STATUS1_BLANK ? 1 : 0;
        ck_assert(!(s & STATUS1_VRETRACE) || s & STATUS1_BLANK);
        step_ns(m, 4000);
    }
    ck_assert_uint_ge(retrace * 449, total);     /* 2 lines of 449 */
    ck_assert_uint_le(retrace * 449, 4 * total);
    ck_assert_uint_ge(blank * 4, total);         /* 28 % of the time */
    ck_assert_uint_le(blank * 3, total);
}
END_TEST

START_TEST(edid_adds_up)
{
    static const unsigned sizes[][2] = {{320, 200}, {1280, 800}, {4095, 4095}};

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        uint8_t e[EDID_SIZE], sum = 0;
        edid_build(e, sizes[i][0], sizes[i][1]);
        for (unsigned k = 0; k < EDID_SIZE; k++)
            sum = (uint8_t)(sum + e[k]);
        ck_assert_uint_eq(sum, 0);
        ck_assert_uint_eq(e[56] | (e[58] & 0xf0) << 4, sizes[i][0]);
        ck_assert_uint_eq(e[59] | (e[61] & 0xf0) << 4, sizes[i][1]);
    }
}
END_TEST

START_TEST(unchanged_pages_are_not_drawn)
{
    bool dirty[256];

    ck_assert(as_take_dirty(&m->mem, v.vram, 0, v.vram->size, dirty));
    ck_assert(!as_take_dirty(&m->mem, v.vram, 0, v.vram->size, dirty));
    planar();
    indexed(VGA_GC, GC_MODE, 2);
    as_st8(&m->mem, 0xa0000 + 0x401, 1); /* doubleword 401h: page 1 */
    ck_assert(as_take_dirty(&m->mem, v.vram, 0, v.vram->size, dirty));
    for (unsigned i = 0; i < 256; i++)
        ck_assert_int_eq(dirty[i], i == 1);
}
END_TEST

static void all(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, registers_have_their_bits);
    tcase_add_test(t, crtc_write_protection);
    tcase_add_test(t, color_or_mono_addresses);
    tcase_add_test(t, attribute_flip_flop);
    tcase_add_test(t, palette_goes_on_by_threes);
    tcase_add_test(t, write_modes);
    tcase_add_test(t, read_modes);
    tcase_add_test(t, chain4_is_memory_itself);
    tcase_add_test(t, dispi_stays_in_range);
    tcase_add_test(t, retrace_follows_time);
    tcase_add_test(t, edid_adds_up);
    tcase_add_test(t, unchanged_pages_are_not_drawn);
}

int main(void)
{
    return bench_run("vga", all);
}

/* SPDX-License-Identifier: MIT */
/*
 * VGA: life, and where it sits. IBM PS/2 Hardware Interface Technical Reference, "Video
 * Subsystem".
 *
 * Modelled: sequencer, CRT, graphics and attribute controllers, palette, planar, odd/even and
 * chained memory, all of what BIOS modes and tweaked ones of them need (split screen, smooth
 * scrolling, fonts, cursor, blinking), retrace timing, Bochs's DISPI. Not modelled: the border
 * (overscan is not shown), light pen, interrupts at retrace, horizontal skews.
 *
 *   vga_ports.c    registers          vga_frame.c  registers -> what kind of picture
 *   vga_mem.c      A0000h window      vga_draw.c   which lines changed
 *   vga_vbe.c      DISPI              vga_text.c   characters
 *   vga_retrace.c  status 1           vga_line.c   pixels of a line, by mode
 */
#include "hw/display/vga.h"

#include <string.h>

/* ---- The window ------------------------------------------------------------------------- */

static void show_ram(struct vga *v, uint32_t base, uint32_t size, uint32_t offset)
{
    struct region *r = &v->window_ram;

    if (r->parent && r->addr == base && r->size == size) {
        region_set_ram(r, v->vram, offset);
        return;
    }
    region_del(r);
    region_init_ram(r, "vga-linear", v->vram, offset, size, false);
    region_add(&v->window, base, r, 1);
}

void vga_window_update(struct vga *v)
{
    uint32_t offset, base, size;

    as_begin(&v->machine->mem);
    region_set_enabled(&v->window, v->misc & MISC_RAM || vga_vbe_on(v));
    if (vga_window_is_linear(v, &offset)) {
        vga_window_range(v, &base, &size);
        show_ram(v, base, size, offset);
    } else {
        region_del(&v->window_ram);
    }
    as_commit(&v->machine->mem);
}

/* ---- Life ------------------------------------------------------------------------------- */

static void dirtied(void *arg)
{
    console_wake(arg);
}

/* Time stands still while the machine does, and so does what blinks. */
static void state_changed(void *arg)
{
    struct vga *v = arg;

    console_wake(v->console);
}

bool vga_init(struct vga *v, struct device *owner, uint64_t vram_size, GError **err)
{
    struct machine *m = owner->machine;

    v->machine = m;
    v->owner = owner;
    v->vram = ram_block_new("vga.vram", vram_size, err);
    if (!v->vram)
        return false;
    machine_add_ram(m, v->vram);
    v->console = console_add(m, "VGA", &vga_screen_ops, v);
    v->vram->log_dirty = true;
    v->vram->dirtied_arg = v->console;
    v->vram->dirtied = dirtied;
    v->dirty = g_new0(bool, vram_size >> RAM_PAGE_BITS);
    v->line = g_new0(uint32_t, SCREEN_MAX_WIDTH + 64);
    machine_add_hook(m->on_state_change, state_changed, v);

    region_init_container(&v->window, "vga-window", VGA_WINDOW_SIZE);
    region_init_io(&v->window_io, "vga-planes", &vga_window_ops, v, VGA_WINDOW_SIZE);
    region_init_ram(&v->window_ram, "vga-linear", v->vram, 0, VGA_WINDOW_SIZE, false);
    region_add(&v->window, 0, &v->window_io, 0);
    region_init_io(&v->port_mono, "vga-mono", &vga_port_ops[0], v, 2);
    region_init_io(&v->port_mono_status, "vga-mono-status", &vga_port_ops[1], v, 1);
    region_init_io(&v->port_common, "vga", &vga_port_ops[2], v, 16);
    region_init_io(&v->port_color, "vga-color", &vga_port_ops[3], v, 2);
    region_init_io(&v->port_color_status, "vga-color-status", &vga_port_ops[4], v, 1);
    region_init_io(&v->port_vbe, "vga-dispi", &vga_vbe_ops, v, 3);
    return true;
}

void vga_map(struct vga *v, struct region *mem, struct region *io)
{
    region_add(mem, VGA_WINDOW, &v->window, 1);
    region_add(io, VGA_CRTC_MONO, &v->port_mono, 0);
    region_add(io, VGA_STATUS1_MONO, &v->port_mono_status, 0);
    region_add(io, VGA_ATTR, &v->port_common, 0);
    region_add(io, VGA_CRTC, &v->port_color, 0);
    region_add(io, VGA_STATUS1, &v->port_color_status, 0);
    region_add(io, VBE_PORT, &v->port_vbe, 0);
}

void vga_fini(struct vga *v)
{
    struct region *regions[] = {&v->window_ram,  &v->window_io,  &v->window,
                                &v->port_mono,   &v->port_mono_status, &v->port_common,
                                &v->port_color,  &v->port_color_status, &v->port_vbe};

    for (unsigned i = 0; i < G_N_ELEMENTS(regions); i++)
        region_fini(regions[i]);
    machine_del_hook(v->machine->on_state_change, state_changed, v);
    v->vram->dirtied = NULL;
    console_remove(v->console);
    g_free(v->strips);
    g_free(v->dirty);
    g_free(v->line);
}

void vga_reset(struct vga *v)
{
    v->misc = v->feature = 0;
    v->seq_index = v->gc_index = v->crtc_index = v->attr_index = 0;
    memset(v->latch, 0, sizeof(v->latch));
    memset(v->seq, 0, sizeof(v->seq));
    memset(v->gc, 0, sizeof(v->gc));
    memset(v->crtc, 0, sizeof(v->crtc));
    memset(v->attr, 0, sizeof(v->attr));
    v->attr_data = false;
    v->pel_mask = 0xff;
    v->pel_state = v->pel_read = v->pel_write = v->pel_sub = 0;
    memset(v->pel_latch, 0, sizeof(v->pel_latch));
    memset(v->palette, 0, sizeof(v->palette));
    memset(v->vbe, 0, sizeof(v->vbe));
    v->vbe[VBE_ID] = VBE_ID5;
    v->vbe_index = v->vbe_low = 0;
    vga_loaded(v);
}

void vga_loaded(struct vga *v)
{
    v->gc_index %= GC_COUNT;
    v->seq_index %= SEQ_COUNT;
    v->attr_index &= 0x3f;
    v->pel_sub %= 3;
    v->redraw = v->palette_stale = true;
    vga_window_update(v);
    console_wake(v->console);
}

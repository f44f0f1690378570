/* SPDX-License-Identifier: MIT */
/*
 * VGA: the standard display adapter of QEMU (1234:1111). Follows QEMU's document "QEMU Standard
 * VGA".
 *
 *   BAR 0  the memory, prefetchable
 *   BAR 2  4 KiB: 000h EDID | 400h ports 3C0h-3DFh | 500h DISPI, a word each |
 *          600h size of this part, 604h byte order of pixels (always little-endian)
 *   ROM    vgabios-stdvga.bin of SeaBIOS
 *
 * Besides, the VGA's ports and the window at A0000h, whatever the command register says, as the
 * first display adapter of a PC has them.
 */
#include "hw/display/vga_pci.h"

#include "util/error.h"

enum { MMIO_SIZE = 0x1000, MMIO_PORTS = 0x400, MMIO_PORTS_END = 0x420, MMIO_VBE = 0x500,
       MMIO_VBE_END = 0x516, MMIO_EXT = 0x600, EXT_SIZE = 8 };
#define LITTLE_ENDIAN_PIXELS 0x1e1e1e1eu

static uint64_t ext_read(uint64_t off)
{
    return off == 0 ? EXT_SIZE : off == 4 ? LITTLE_ENDIAN_PIXELS : 0;
}

static uint64_t mmio_read(void *dev, uint64_t off, unsigned size)
{
    struct vga_pci *p = dev;
    uint64_t val = 0;

    if (off >= MMIO_EXT)
        return ext_read(off - MMIO_EXT);
    if (off >= MMIO_VBE && off < MMIO_VBE_END)
        return vga_vbe_read(&p->vga, (unsigned)(off - MMIO_VBE) / 2) >> (off & 1 ? 8 : 0);
    if (off >= MMIO_PORTS && off < MMIO_PORTS_END) {
        for (unsigned i = 0; i < size; i++)
            val |= (uint64_t)vga_port_read(&p->vga, VGA_ATTR + (unsigned)(off + i - MMIO_PORTS))
                   << (8 * i);
        return val;
    }
    for (unsigned i = 0; i < size && p->edid; i++)
        if (off + i < EDID_SIZE)
            val |= (uint64_t)p->edid_data[off + i] << (8 * i);
    return val;
}

static void mmio_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct vga_pci *p = dev;

    if (off >= MMIO_VBE && off < MMIO_VBE_END && !(off & 1)) {
        if (size >= 2)
            vga_vbe_write(&p->vga, (unsigned)(off - MMIO_VBE) / 2, (uint16_t)val);
    } else if (off >= MMIO_PORTS && off < MMIO_PORTS_END) {
        for (unsigned i = 0; i < size; i++)
            vga_port_write(&p->vga, VGA_ATTR + (unsigned)(off + i - MMIO_PORTS),
                           (uint8_t)(val >> (8 * i)));
    }
}

static const struct region_ops mmio_ops = {mmio_read, mmio_write, 1, 4};

static bool vga_pci_realize(struct pci_device *d, GError **err)
{
    struct vga_pci *p = (struct vga_pci *)d;
    struct machine *m = d->dev.machine;
    uint64_t size = (uint64_t)p->vgamem_mb << 20;

    if (!p->vgamem_mb || p->vgamem_mb > 256 || size & (size - 1))
        return error_set(err, "vgamem_mb=%u: the memory has 1 to 256 MiB, a power of two",
                         p->vgamem_mb);
    if (p->xres < 320 || p->yres < 200 || p->xres > 4095 || p->yres > 4095)
        return error_set(err, "xres, yres: a monitor shows 320x200 to 4095x4095 pixels");
    if (m->vga)
        return error_set(err, "there is a VGA display adapter already; -vga none leaves it out");
    if (!vga_init(&p->vga, &d->dev, size, err))
        return false;
    m->vga = &p->vga;
    edid_build(p->edid_data, p->xres, p->yres);
    vga_map(&p->vga, d->bus->mem, d->bus->io);
    region_init_ram(&p->lfb, "vga-memory", p->vga.vram, 0, size, false);
    region_init_io(&p->mmio, "vga-mmio", &mmio_ops, p, MMIO_SIZE);
    pci_add_bar(d, 0, PCI_BAR_MEM32_PREFETCH, &p->lfb);
    pci_add_bar(d, 2, PCI_BAR_MEM32, &p->mmio);
    return true;
}

static void vga_pci_unrealize(struct pci_device *d)
{
    struct vga_pci *p = (struct vga_pci *)d;

    region_fini(&p->lfb);
    region_fini(&p->mmio);
    vga_fini(&p->vga);
    d->dev.machine->vga = NULL;
}

static void vga_pci_reset(struct pci_device *d)
{
    vga_reset(&((struct vga_pci *)d)->vga);
}

static void vga_pci_loaded(struct pci_device *d)
{
    vga_loaded(&((struct vga_pci *)d)->vga);
}

static const struct prop vga_pci_props[] = {
    PCI_PROPS(struct vga_pci, pci),
    PROP(struct vga_pci, vgamem_mb, "vgamem_mb", PROP_U32, "16", "size of the memory in MiB"),
    PROP(struct vga_pci, edid, "edid", PROP_BOOL, "on", "the monitor describes itself"),
    PROP(struct vga_pci, xres, "xres", PROP_U32, "1280", "the monitor's preferred width"),
    PROP(struct vga_pci, yres, "yres", PROP_U32, "800", "the monitor's preferred height"),
    {0}};
static const struct state_field vga_pci_state[] = {PCI_STATE(struct vga_pci, pci),
                                                   VGA_STATE(struct vga_pci, vga), STATE_END};

const struct pci_device_type vga_pci_type = {
    .dev = {.name = "VGA", .help = "standard display adapter (VGA, DISPI frame buffer)",
            .size = sizeof(struct vga_pci), .props = vga_pci_props, .state = vga_pci_state,
            PCI_TYPE_CALLS},
    .vendor = 0x1234,
    .device = 0x1111,
    .revision = 2,
    .class_code = 0x030000,
    .romfile = "vgabios-stdvga.bin",
    .realize = vga_pci_realize,
    .unrealize = vga_pci_unrealize,
    .reset = vga_pci_reset,
    .loaded = vga_pci_loaded,
};

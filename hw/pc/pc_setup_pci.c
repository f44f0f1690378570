/* SPDX-License-Identifier: MIT */
/*
 * PCI as firmware leaves it, for a direct boot: every bus numbered, depth first; every BAR placed,
 * a bridge's behind one another in its windows; interrupt lines, bus mastering.
 */
#include "hw/pc/board.h"
#include "hw/pci/pci_bridge.h"

#define IO_WINDOW  0x1000ull
#define MEM_WINDOW 0x100000ull

struct windows {
    uint64_t io, mem, mem64;
    uint8_t last_bus;
};

static bool place_bar(uint64_t *next, uint64_t end, uint64_t size, uint64_t *at)
{
    uint64_t a = (*next + size - 1) & ~(size - 1);

    if (a + size > end || a + size < a)
        return false;
    *next = a + size;
    *at = a;
    return true;
}

/* What does not fit below 4 GiB goes above, on the root bus: bridges get no window there. */
static bool place(const struct pci_device *d, const struct pci_bar *bar, struct windows *w,
                  uint64_t *at)
{
    bool is64 = bar->kind == PCI_BAR_MEM64 || bar->kind == PCI_BAR_MEM64_PREFETCH;

    if (bar->kind == PCI_BAR_IO)
        return place_bar(&w->io, 0x10000, bar->size, at);
    if (place_bar(&w->mem, PC_PCI_LAST + 1, bar->size, at))
        return true;
    return is64 && !d->bus->bridge &&
           place_bar(&w->mem64, w->mem64 + PC_PCI64_SIZE, bar->size, at);
}

static void place_bars(struct pci_device *d, struct windows *w)
{
    uint16_t cmd = PCI_CMD_MASTER;

    for (unsigned n = 0; n < PCI_NBARS; n++) {
        const struct pci_bar *bar = &d->bar[n];
        uint64_t at;
        if (!bar->region || !place(d, bar, w, &at))
            continue;
        cmd |= bar->kind == PCI_BAR_IO ? PCI_CMD_IO : PCI_CMD_MEM;
        pci_config_write(d, PCI_BAR0 + 4 * n, (uint32_t)at, 4);
        if (bar->kind == PCI_BAR_MEM64 || bar->kind == PCI_BAR_MEM64_PREFETCH)
            pci_config_write(d, PCI_BAR0 + 4 * n + 4, (uint32_t)(at >> 32), 4);
    }
    pci_config_write(d, PCI_COMMAND, cmd, 2);
}

static void setup_bus(struct board *b, struct pci_bus *bus, struct windows *w);

static uint64_t round_up(uint64_t v, uint64_t unit)
{
    return (v + unit - 1) & ~(unit - 1);
}

static void setup_bridge(struct board *b, struct pci_bridge *br, struct windows *w)
{
    struct pci_device *d = &br->pci;
    uint8_t own = d->bus->bridge ? d->bus->bridge->config[PCI_SECONDARY_BUS] : 0;
    uint8_t secondary = ++w->last_bus;

    pci_config_write(d, PCI_PRIMARY_BUS, own | (uint32_t)secondary << 8 | 0xff0000, 4);
    w->io = round_up(w->io, IO_WINDOW);
    w->mem = round_up(w->mem, MEM_WINDOW);
    uint64_t io = w->io, mem = w->mem;
    setup_bus(b, &br->bus, w);
    w->io = round_up(w->io, IO_WINDOW);
    w->mem = round_up(w->mem, MEM_WINDOW);
    pci_config_write(d, PCI_SUBORDINATE_BUS, w->last_bus, 1);
    /* an empty window ends before it begins */
    pci_config_write(d, PCI_IO_BASE, (uint32_t)((io >> 8 & 0xf0) | ((w->io - 1) & 0xf000)), 2);
    pci_config_write(d, PCI_MEM_BASE,
                     (uint32_t)((mem >> 16 & 0xfff0) | ((w->mem - 1) & 0xfff00000)), 4);
    pci_config_write(d, PCI_PREF_BASE, 0x0000fff0, 4);
    uint16_t cmd = PCI_CMD_MASTER | (w->io > io ? PCI_CMD_IO : 0) |
                   (w->mem > mem ? PCI_CMD_MEM : 0);
    pci_config_write(d, PCI_COMMAND, cmd, 2);
}

/* Host and ISA bridges, power management: the chip set's open() has done what there is to do. */
static bool is_chipset(const struct pci_device *d)
{
    return pci_type(d)->class_code >> 16 == 0x06 && !pci_is_bridge(d);
}

static void setup_bus(struct board *b, struct pci_bus *bus, struct windows *w)
{
    for (unsigned devfn = 0; devfn < G_N_ELEMENTS(bus->dev); devfn++) {
        struct pci_device *d = bus->dev[devfn];
        if (!d || is_chipset(d))
            continue;
        uint8_t pin = pci_type(d)->pin;
        if (pci_is_bridge(d))
            setup_bridge(b, (struct pci_bridge *)d, w);
        else
            place_bars(d, w);
        if (pin)
            pci_config_write(d, PCI_INT_LINE,
                             b->chipset->link_irq[pci_wire_of(bus, devfn >> 3, pin - 1u)], 1);
    }
}

void pc_setup_pci(struct board *b)
{
    struct windows w = {.io = 0xc000, .mem = PC_PCI_FIRST,
                        .mem64 = round_up(PC_HIGH_RAM + b->high_ram, PC_PCI64_SIZE)};

    as_write(&b->dev.machine->io, 0x4d1, &(uint8_t){0x0c}, 1); /* lines 10 and 11: level */
    setup_bus(b, &b->pci, &w);
}

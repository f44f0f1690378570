/* SPDX-License-Identifier: MIT */
/*
 * PCI-to-PCI bridges. PCI-to-PCI Bridge Architecture Specification 1.2, ch. 3 and 4.
 *
 * Modelled: bus numbers, the I/O, memory and prefetchable windows (32-bit I/O is not offered,
 * 64-bit prefetchable is), bus mastering, secondary bus reset, the interrupt swizzle.
 * Not modelled: ISA and VGA enable (the legacy VGA addresses are decoded by the adapter whatever
 * its bus), subtractive decode, error forwarding. Function device: "pci-bridge" (1b36:0001).
 */
#include "hw/pci/pci_bridge.h"

#include <string.h>

#include "core/machine.h"
#include "util/error.h"

#define IO_UNIT  0xfffull   /* windows end at the end of 4 KiB of ports, 1 MiB of memory */
#define MEM_UNIT 0xfffffull

/* ---- Windows -------------------------------------------------------------------------- */

static bool within(uint64_t base, uint64_t limit, uint64_t first, uint64_t last)
{
    return base <= limit && first >= base && last <= limit;
}

static bool forwards(const struct pci_device *d, bool io, uint64_t first, uint64_t last)
{
    const uint8_t *c = d->config;

    if (!(c[PCI_COMMAND] & (io ? PCI_CMD_IO : PCI_CMD_MEM)))
        return false;
    if (io)
        return within((uint64_t)(c[PCI_IO_BASE] & 0xf0) << 8,
                      (uint64_t)(c[PCI_IO_LIMIT] & 0xf0) << 8 | IO_UNIT, first, last);
    uint64_t base = (uint64_t)(pci_get16(c + PCI_PREF_BASE) & 0xfff0) << 16;
    uint64_t limit = (uint64_t)(pci_get16(c + PCI_PREF_LIMIT) & 0xfff0) << 16 | MEM_UNIT;
    base |= (uint64_t)pci_get32(c + PCI_PREF_BASE_HIGH) << 32;
    limit |= (uint64_t)pci_get32(c + PCI_PREF_LIMIT_HIGH) << 32;
    return within(base, limit, first, last) ||
           within((uint64_t)(pci_get16(c + PCI_MEM_BASE) & 0xfff0) << 16,
                  (uint64_t)(pci_get16(c + PCI_MEM_LIMIT) & 0xfff0) << 16 | MEM_UNIT, first, last);
}

bool pci_bus_reachable(const struct pci_bus *bus, bool io, uint64_t first, uint64_t last)
{
    for (; bus->bridge; bus = bus->bridge->bus)
        if (!forwards(bus->bridge, io, first, last))
            return false;
    return true;
}

/* ---- Configuration -------------------------------------------------------------------- */

static void reset_behind(struct pci_bus *bus)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(bus->dev); i++)
        if (bus->dev[i])
            device_reset(&bus->dev[i]->dev);
    for (guint i = 0; i < bus->children->len; i++)
        reset_behind(g_ptr_array_index(bus->children, i));
}

void pci_bridge_config_written(struct pci_device *d, unsigned off, unsigned size)
{
    struct pci_bridge *b = (struct pci_bridge *)d;

    if (off < PCI_BRIDGE_CTL + 2 && off + size > PCI_BRIDGE_CTL &&
        (pci_get16(d->config + PCI_BRIDGE_CTL) & PCI_BRIDGE_RESET))
        reset_behind(&b->bus);
    if (off < PCI_COMMAND + 2 || (off < PCI_PREF_LIMIT_HIGH + 4 && off + size > PCI_IO_BASE))
        pci_bus_update(&b->bus);
}

static void header_init(struct pci_device *d)
{
    uint8_t *c = d->config, *w = d->wmask;

    c[PCI_HEADER_TYPE] |= 1;
    c[PCI_PREF_BASE] = c[PCI_PREF_LIMIT] = 1; /* 64-bit */
    memset(w + PCI_PRIMARY_BUS, 0xff, 3);
    w[PCI_IO_BASE] = w[PCI_IO_LIMIT] = 0xf0;
    for (unsigned r = PCI_MEM_BASE; r <= PCI_PREF_LIMIT; r += 2)
        pci_put16(w + r, 0xfff0);
    memset(w + PCI_PREF_BASE_HIGH, 0xff, 8);
    pci_put16(d->w1cmask + PCI_SEC_STATUS, PCI_ST_W1C);
    pci_put16(w + PCI_BRIDGE_CTL, PCI_BRIDGE_WRITABLE);
}

void pci_bridge_add_ssvid(struct pci_device *d)
{
    uint8_t at = pci_add_capability(d, PCI_CAP_SSVID, 8);

    pci_put16(d->config + at + 4, pci_type(d)->vendor);
}

/* ---- Life ----------------------------------------------------------------------------- */

bool pci_bridge_init(struct pci_bridge *b, bool express, GError **err)
{
    struct pci_device *d = &b->pci;
    struct pci_bus *parent = d->bus;
    const char *name = d->dev.id ? d->dev.id : d->dev.path;

    if (pci_bus_by_name(pci_root_bus(parent), name))
        return error_set(err, "id=%s: there is a bus of that name already", name);
    header_init(d);
    b->name = g_strdup(name);
    pci_bus_init(&b->bus, d->dev.machine, b->name, parent->mem, parent->io);
    b->bus.bridge = d;
    b->bus.express = express;
    g_ptr_array_add(parent->children, &b->bus);
    return true;
}

void pci_bridge_fini(struct pci_device *d)
{
    struct pci_bridge *b = (struct pci_bridge *)d;

    g_ptr_array_remove(d->bus->children, &b->bus);
    pci_bus_fini(&b->bus);
    g_clear_pointer(&b->name, g_free);
}

void pci_bridge_reset(struct pci_device *d)
{
    pci_bus_update(&((struct pci_bridge *)d)->bus);
}

void pci_bridge_loaded(struct pci_device *d)
{
    pci_bus_update(&((struct pci_bridge *)d)->bus);
}

/* ---- pci-bridge ----------------------------------------------------------------------- */

static bool bridge_realize(struct pci_device *d, GError **err)
{
    pci_put16(d->config + PCI_STATUS, PCI_ST_FAST_B2B);
    if (!pci_bridge_init((struct pci_bridge *)d, false, err))
        return false;
    ((struct pci_bridge *)d)->bus.reserved_slots = 1; /* for a hot-plug controller */
    pci_bridge_add_ssvid(d);
    return true;
}

static const struct prop bridge_props[] = {PCI_PROPS(struct pci_bridge, pci), {0}};
static const struct state_field bridge_state[] = {PCI_STATE(struct pci_bridge, pci), STATE_END};

const struct pci_device_type pci_bridge_type = {
    .dev = {.name = "pci-bridge", .help = "PCI-to-PCI bridge: a bus with 31 more slots",
            .size = sizeof(struct pci_bridge), .props = bridge_props, .state = bridge_state,
            PCI_TYPE_CALLS},
    .vendor = 0x1b36,
    .device = 0x0001,
    .class_code = 0x060400,
    .realize = bridge_realize,
    .unrealize = pci_bridge_fini,
    .reset = pci_bridge_reset,
    .loaded = pci_bridge_loaded,
    .config_written = pci_bridge_config_written,
};

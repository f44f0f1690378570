/* SPDX-License-Identifier: MIT */
/*
 * PCI buses and functions: configuration space, BARs, INTx.
 *
 * PCI Local Bus Specification 3.0, ch. 2.2.6 (interrupt pins), 3.2.2.3 (configuration cycles),
 * 6 (configuration space). Modelled: header type 0, BAR sizing and decode through the command
 * register and the windows of bridges above (pci_bridge.c), shared level INTx with the status and
 * disable bits, bus mastering on and off.
 * Not modelled: parity and SERR#, BIST, latency timers (they read as fixed values).
 */
#include "hw/pci/pci.h"

#include <assert.h>
#include <string.h>

#include "core/machine.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pcie.h"
#include "util/error.h"

enum { PCI_SLOT_COUNT = 32, PCI_FN_COUNT = 8, PCI_SUBVENDOR_DEFAULT = 0x1af4,
       PCI_SUBDEVICE_DEFAULT = 0x1100, PCI_FIRST_CAP = 0x40 };

/* ---- Buses ---------------------------------------------------------------------------- */

void pci_bus_init(struct pci_bus *bus, struct machine *m, const char *name, struct region *mem,
                  struct region *io)
{
    memset(bus, 0, sizeof(*bus));
    bus->name = name;
    bus->machine = m;
    bus->mem = mem;
    bus->io = io;
    bus->children = g_ptr_array_new();
    region_init_container(&bus->no_dma_root, "pci-no-dma", UINT64_MAX);
    as_init(&bus->no_dma, "pci-no-dma", &bus->no_dma_root);
}

void pci_bus_fini(struct pci_bus *bus)
{
    as_fini(&bus->no_dma);
    region_fini(&bus->no_dma_root);
    g_ptr_array_free(bus->children, TRUE);
}

struct pci_bus *pci_root_bus(struct pci_bus *bus)
{
    while (bus->bridge)
        bus = bus->bridge->bus;
    return bus;
}

/* Down the tree: a bridge passes on what its secondary and subordinate bus numbers enclose. */
struct pci_bus *pci_bus_by_number(struct pci_bus *bus, uint8_t number)
{
    uint8_t own = bus->bridge ? bus->bridge->config[PCI_SECONDARY_BUS] : 0;

    if (number == own)
        return bus;
    for (guint i = 0; i < bus->children->len; i++) {
        struct pci_bus *b = g_ptr_array_index(bus->children, i);
        const uint8_t *c = b->bridge->config;
        if (c[PCI_SECONDARY_BUS] > own && number >= c[PCI_SECONDARY_BUS] &&
            number <= c[PCI_SUBORDINATE_BUS])
            return pci_bus_by_number(b, number);
    }
    return NULL;
}

struct pci_bus *pci_bus_by_name(struct pci_bus *root, const char *name)
{
    if (!strcmp(root->name, name))
        return root;
    for (guint i = 0; i < root->children->len; i++) {
        struct pci_bus *b = pci_bus_by_name(g_ptr_array_index(root->children, i), name);
        if (b)
            return b;
    }
    return NULL;
}

/* ---- INTx ----------------------------------------------------------------------------- */

unsigned pci_wire_of(const struct pci_bus *bus, unsigned slot, unsigned pin)
{
    while (bus->bridge) {
        pin = (slot + pin) & 3;
        slot = bus->bridge->devfn >> 3;
        bus = bus->bridge->bus;
    }
    return bus->swizzle ? bus->swizzle(bus->swizzle_arg, slot, pin) % PCI_WIRES : (slot + pin) & 3;
}

/* One more (+1) or one less (-1) function asserts its pin: find the wire on the root bus. */
static void wire_change(struct pci_device *d, int delta)
{
    unsigned wire = pci_wire_of(d->bus, d->devfn >> 3, pci_type(d)->pin - 1u);
    struct pci_bus *root = pci_root_bus(d->bus);

    root->intx_count[wire] = (uint16_t)(root->intx_count[wire] + delta);
    irq_set(root->intx[wire], root->intx_count[wire] > 0);
}

static void wires_change(struct pci_bus *bus, int delta)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(bus->dev); i++)
        if (bus->dev[i] && bus->dev[i]->intx_out)
            wire_change(bus->dev[i], delta);
    for (guint i = 0; i < bus->children->len; i++)
        wires_change(g_ptr_array_index(bus->children, i), delta);
}

void pci_bus_rewire(struct pci_bus *root, void (*change)(void *arg), void *arg)
{
    wires_change(root, -1);
    change(arg);
    wires_change(root, 1);
}

static void intx_update(struct pci_device *d)
{
    bool off = pci_get16(d->config + PCI_COMMAND) & PCI_CMD_INTX_OFF;
    uint8_t out = d->intx && !off;

    if (d->intx)
        d->config[PCI_STATUS] |= PCI_ST_INTX;
    else
        d->config[PCI_STATUS] &= (uint8_t)~PCI_ST_INTX;
    if (out != d->intx_out) {
        d->intx_out = out;
        wire_change(d, out ? 1 : -1);
    }
}

void pci_set_intx(struct pci_device *d, int level)
{
    if (!pci_type(d)->pin)
        return;
    d->intx = level != 0;
    intx_update(d);
}

bool pci_is_master(const struct pci_device *d)
{
    for (; d; d = d->bus->bridge)
        if (!(d->config[PCI_COMMAND] & PCI_CMD_MASTER))
            return false;
    return true;
}

struct address_space *pci_dma(struct pci_device *d)
{
    return pci_is_master(d) ? &d->dev.machine->mem : &d->bus->no_dma;
}

/* ---- BARs ----------------------------------------------------------------------------- */

static bool bar_is_io(const struct pci_bar *b)
{
    return b->kind == PCI_BAR_IO;
}

static bool bar_is_64(const struct pci_bar *b)
{
    return b->kind == PCI_BAR_MEM64 || b->kind == PCI_BAR_MEM64_PREFETCH;
}

void pci_add_bar(struct pci_device *d, unsigned n, enum pci_bar_kind kind, struct region *region)
{
    uint64_t size = region->size;
    uint8_t *cfg = d->config + PCI_BAR0 + 4 * n, *wm = d->wmask + PCI_BAR0 + 4 * n;
    struct pci_bar *b = &d->bar[n];

    b->region = region;
    b->kind = kind;
    b->size = size;
    assert(n < PCI_NBARS && size >= (bar_is_io(b) ? 4 : 16) && !(size & (size - 1)));
    assert(!bar_is_64(b) || n + 1 < PCI_NBARS);
    assert(bar_is_64(b) || size <= 0x80000000u);

    pci_put32(wm, (uint32_t)~(size - 1));
    pci_put32(cfg, bar_is_io(b) ? PCI_BAR_SPACE_IO
                                : (bar_is_64(b) ? PCI_BAR_64 : 0) |
                                      (kind == PCI_BAR_MEM32_PREFETCH ||
                                               kind == PCI_BAR_MEM64_PREFETCH
                                           ? PCI_BAR_PREFETCH
                                           : 0));
    if (bar_is_64(b))
        pci_put32(wm + 4, (uint32_t)(~(size - 1) >> 32));
}

/* Where the BAR decodes now, or false: decoding is off, or it is unset or being sized. */
static bool bar_address(const struct pci_device *d, unsigned n, uint64_t *addr)
{
    const struct pci_bar *b = &d->bar[n];
    const uint8_t *cfg = d->config + PCI_BAR0 + 4 * n;
    uint16_t cmd = pci_get16(d->config + PCI_COMMAND);
    uint64_t a = pci_get32(cfg) & ~(uint64_t)(bar_is_io(b) ? 3 : 15);

    if (!(cmd & (bar_is_io(b) ? PCI_CMD_IO : PCI_CMD_MEM)))
        return false;
    if (bar_is_64(b))
        a |= (uint64_t)pci_get32(cfg + 4) << 32;
    uint64_t last = a + b->size - 1;
    *addr = a;
    if (!a || last < a || !pci_bus_reachable(d->bus, bar_is_io(b), a, last))
        return false;
    if (bar_is_io(b))
        return last < 0x10000;
    return bar_is_64(b) ? last < (1ull << 52) && last != UINT32_MAX : last < UINT32_MAX;
}

static void bars_update(struct pci_device *d)
{
    struct machine *m = d->dev.machine;

    as_begin(&m->mem);
    as_begin(&m->io);
    for (unsigned n = 0; n < PCI_NBARS; n++) {
        struct region *r = d->bar[n].region;
        uint64_t addr;
        if (!r)
            continue;
        bool on = bar_address(d, n, &addr);
        if (r->parent && (!on || r->addr != addr))
            region_del(r);
        if (on && !r->parent)
            region_add(bar_is_io(&d->bar[n]) ? d->bus->io : d->bus->mem, addr, r, 1);
    }
    pci_rom_update(d);
    as_commit(&m->io);
    as_commit(&m->mem);
}

void pci_bus_update(struct pci_bus *bus)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(bus->dev); i++)
        if (bus->dev[i]) {
            bars_update(bus->dev[i]);
            pci_notifiers_update(bus->dev[i]);
        }
    for (guint i = 0; i < bus->children->len; i++)
        pci_bus_update(g_ptr_array_index(bus->children, i));
}

static void bars_unmap(struct pci_device *d)
{
    for (unsigned n = 0; n < PCI_NBARS; n++)
        if (d->bar[n].region)
            region_del(d->bar[n].region);
    region_del(&d->rom);
}

/* ---- Configuration space -------------------------------------------------------------- */

static struct pci_device *find(struct pci_bus *root, uint8_t bus, uint8_t devfn)
{
    struct pci_bus *b = pci_bus_by_number(root, bus);
    return b ? b->dev[devfn] : NULL;
}

uint32_t pci_config_read(struct pci_device *d, unsigned off, unsigned size)
{
    uint32_t val = 0;

    if (off + size > PCI_CONFIG_SIZE)
        return d->pcie_cap ? 0 : UINT32_MAX >> (32 - 8 * size);
    for (unsigned i = 0; i < size; i++)
        val |= (uint32_t)d->config[off + i] << (8 * i);
    if (pci_type(d)->config_read)
        val = pci_type(d)->config_read(d, off, size, val);
    return val;
}

uint32_t pci_bus_config_read(struct pci_bus *root, uint8_t bus, uint8_t devfn, unsigned off,
                             unsigned size)
{
    struct pci_device *d = find(root, bus, devfn);

    return d ? pci_config_read(d, off, size) : UINT32_MAX >> (32 - 8 * size);
}

static bool touches(unsigned off, unsigned size, unsigned first, unsigned len)
{
    return off < first + len && first < off + size;
}

void pci_config_write(struct pci_device *d, unsigned off, uint32_t val, unsigned size)
{
    if (off + size > PCI_CONFIG_SIZE)
        return;
    for (unsigned i = 0; i < size; i++) {
        uint8_t v = (uint8_t)(val >> (8 * i)), *c = &d->config[off + i];
        uint8_t wm = d->wmask[off + i];
        *c = (uint8_t)(((*c & ~wm) | (v & wm)) & ~(v & d->w1cmask[off + i]));
    }
    if (touches(off, size, PCI_COMMAND, 2) || touches(off, size, PCI_BAR0, 4 * PCI_NBARS) ||
        touches(off, size, PCI_ROM_BAR, 4))
        bars_update(d);
    if (touches(off, size, PCI_COMMAND, 2))
        intx_update(d);
    pci_msi_config_written(d, off, size);
    if (touches(off, size, PCI_COMMAND, 2))
        pci_notifiers_update(d);
    if (pci_type(d)->config_written)
        pci_type(d)->config_written(d, off, size);
}

void pci_bus_config_write(struct pci_bus *root, uint8_t bus, uint8_t devfn, unsigned off,
                          uint32_t val, unsigned size)
{
    struct pci_device *d = find(root, bus, devfn);

    if (d)
        pci_config_write(d, off, val, size);
}

uint8_t pci_add_capability(struct pci_device *d, uint8_t id, uint8_t len)
{
    unsigned at = d->cap_end ? d->cap_end : PCI_FIRST_CAP;

    if (at + len > PCI_CONFIG_SIZE)
        return 0;
    d->config[at] = id;
    d->config[at + 1] = 0;
    d->config[d->cap_last ? d->cap_last + 1u : PCI_CAP_PTR] = (uint8_t)at;
    d->config[PCI_STATUS] |= PCI_ST_CAPS;
    d->cap_last = (uint8_t)at;
    d->cap_end = (uint8_t)((at + len + 3) & ~3u);
    return (uint8_t)at;
}

/* ---- Placement ------------------------------------------------------------------------ */

static struct pci_device *other_function(struct pci_bus *bus, unsigned slot, unsigned but)
{
    for (unsigned f = 0; f < PCI_FN_COUNT; f++)
        if (f != but && bus->dev[slot * 8 + f])
            return bus->dev[slot * 8 + f];
    return NULL;
}

static bool place_at(struct pci_device *d, struct pci_bus *bus, unsigned addr, GError **err)
{
    unsigned slot = addr >> 3, fn = addr & 7;
    struct pci_device *f0 = bus->dev[slot * 8], *other = other_function(bus, slot, fn);

    if (addr > 255)
        return error_set(err, "addr=%x.%x is not a PCI address; slots are 0 to 1f", slot, fn);
    if (slot && pci_bus_is_link(bus))
        return error_set(err, "addr=%x: a PCI Express port (%s) has slot 0 only", slot, bus->name);
    if (bus->dev[addr])
        return error_set(err,
                         "slot %x function %x of %s is taken by %s; choose another addr= or leave "
                         "it out", slot, fn, bus->name, bus->dev[addr]->dev.type->name);
    if (fn && f0 && !(f0->config[PCI_HEADER_TYPE] & 0x80))
        return error_set(err,
                         "slot %x of %s holds %s, which has one function; give that device "
                         "multifunction=on", slot, bus->name, f0->dev.type->name);
    if (!fn && other && !d->multifunction)
        return error_set(err, "slot %x of %s has other functions; add multifunction=on", slot,
                         bus->name);
    d->devfn = (uint8_t)addr;
    return true;
}

static bool place(struct pci_device *d, GError **err)
{
    struct pci_bus *root = d->dev.machine->pci;
    struct pci_bus *bus = root;

    if (!root)
        return error_set(err, "this machine has no PCI bus; use -machine pc");
    if (d->bus_name && *d->bus_name)
        bus = pci_bus_by_name(root, d->bus_name);
    if (!bus)
        return error_set(err, "bus=%s: no such PCI bus; the root bus is %s", d->bus_name,
                         root->name);
    d->bus = bus;
    if (pci_type(d)->fixed_addr_plus1)
        return place_at(d, bus, (unsigned)pci_type(d)->fixed_addr_plus1 - 1, err);
    if (d->addr >= 0)
        return place_at(d, bus, (unsigned)d->addr, err);
    for (unsigned slot = 0; slot < PCI_SLOT_COUNT; slot++) {
        if (bus->reserved_slots >> slot & 1 || bus->dev[slot * 8] ||
            other_function(bus, slot, 0))
            continue;
        if (slot && pci_bus_is_link(bus))
            break;
        d->devfn = (uint8_t)(slot * 8);
        return true;
    }
    return error_set(err, "no free slot on %s", bus->name);
}

/* ---- Life ----------------------------------------------------------------------------- */

static void header_init(struct pci_device *d)
{
    const struct pci_device_type *t = pci_type(d);
    uint8_t *c = d->config;

    pci_put16(c + PCI_VENDOR_ID, t->vendor);
    pci_put16(c + PCI_DEVICE_ID, t->device);
    if (!pci_is_bridge(d)) {
        pci_put16(c + PCI_SUBVENDOR, t->subvendor ? t->subvendor : PCI_SUBVENDOR_DEFAULT);
        pci_put16(c + PCI_SUBDEVICE, t->subdevice ? t->subdevice : PCI_SUBDEVICE_DEFAULT);
    }
    c[PCI_REVISION] = t->revision;
    c[PCI_CLASS] = (uint8_t)t->class_code;
    pci_put16(c + PCI_CLASS + 1, (uint16_t)(t->class_code >> 8));
    c[PCI_HEADER_TYPE] = d->multifunction ? 0x80 : 0;
    c[PCI_INT_PIN] = t->pin;
    pci_put16(d->wmask + PCI_COMMAND, PCI_CMD_WRITABLE);
    pci_put16(d->w1cmask + PCI_STATUS, PCI_ST_W1C);
    d->wmask[PCI_CACHE_LINE] = 0xff;
    d->wmask[PCI_LATENCY] = 0xff;
    d->wmask[PCI_INT_LINE] = t->pin ? 0xff : 0;
}

bool pci_device_realize(struct device *dev, GError **err)
{
    struct pci_device *d = to_pci(dev);

    if (!place(d, err)) {
        d->bus = NULL;
        return false;
    }
    header_init(d);
    d->dev.parent_bus_owner = d->bus->bridge ? &d->bus->bridge->dev : NULL;
    if (pci_type(d)->realize && !pci_type(d)->realize(d, err)) {
        pci_msi_unrealize(d);
        d->bus = NULL;
        return false;
    }
    if (!pci_rom_init(d, err)) {
        if (pci_type(d)->unrealize)
            pci_type(d)->unrealize(d);
        pci_msi_unrealize(d);
        d->bus = NULL;
        return false;
    }
    if (pci_type(d)->express && pci_bus_is_link(d->bus))
        pci_add_express(d, PCIE_ENDPOINT);
    memcpy(d->initial, d->config, sizeof(d->initial));
    d->bus->dev[d->devfn] = d;
    return true;
}

void pci_device_unrealize(struct device *dev)
{
    struct pci_device *d = to_pci(dev);

    if (!d->bus)
        return;
    d->intx = 0;
    intx_update(d);
    bars_unmap(d);
    d->bus->dev[d->devfn] = NULL;
    if (pci_type(d)->unrealize)
        pci_type(d)->unrealize(d);
    pci_rom_fini(d);
    pci_msi_unrealize(d);
    d->bus = NULL;
}

void pci_device_reset(struct device *dev)
{
    struct pci_device *d = to_pci(dev);

    memcpy(d->config, d->initial, sizeof(d->config));
    d->intx = 0;
    pci_msi_reset(d);
    if (pci_type(d)->reset)
        pci_type(d)->reset(d);
    intx_update(d);
    bars_update(d);
}

void pci_device_loaded(struct device *dev)
{
    struct pci_device *d = to_pci(dev);

    bars_update(d);
    intx_update(d);
    pci_notifiers_update(d);
    if (pci_type(d)->loaded)
        pci_type(d)->loaded(d);
}

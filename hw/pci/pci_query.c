/* SPDX-License-Identifier: MIT */
/* query-pci: the functions of a bus and of the buses behind it, as they are configured now. */
#include "hw/pci/pci_query.h"

#include <string.h>

#include "core/machine.h"
#include "hw/pci/pci.h"

enum { BRIDGE_SUBORDINATE = 0x1a, HEADER_BRIDGE = 1 };

/* As software numbered it: the root is 0. */
static int bus_number(const struct pci_bus *bus)
{
    return bus->bridge ? (int)pci_config_read(bus->bridge, PCI_SECONDARY_BUS, 1) : 0;
}

static const char *class_text(uint16_t class)
{
    static const struct {
        uint16_t class;
        const char *text;
    } table[] = {
        {0x0100, "SCSI controller"}, {0x0101, "IDE controller"},      {0x0106, "SATA controller"},
        {0x0200, "Ethernet controller"}, {0x0300, "VGA controller"},
        {0x0380, "Display controller"},
        {0x0403, "Audio controller"}, {0x0500, "RAM controller"},     {0x0600, "Host bridge"},
        {0x0601, "ISA bridge"},      {0x0604, "PCI bridge"},          {0x0680, "Bridge"},
        {0x0780, "Communication controller"},                         {0x0c03, "USB controller"},
        {0x0c05, "SMBus"},           {0x0880, "System peripheral"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++)
        if (table[i].class == class)
            return table[i].text;
    return NULL;
}

static uint64_t bar_address(struct pci_device *d, unsigned n, bool wide)
{
    uint64_t v = pci_config_read(d, PCI_BAR0 + 4 * n, 4);

    if (wide)
        v |= (uint64_t)pci_config_read(d, PCI_BAR0 + 4 * (n + 1), 4) << 32;
    return v & ~(v & 1 ? 3ull : 15ull);
}

static json_t *regions(struct pci_device *d)
{
    json_t *list = json_array();

    for (unsigned n = 0; n < PCI_NBARS; n++) {
        const struct pci_bar *b = &d->bar[n];
        bool io = b->kind == PCI_BAR_IO;
        bool wide = b->kind == PCI_BAR_MEM64 || b->kind == PCI_BAR_MEM64_PREFETCH;

        if (!b->region)
            continue;
        json_t *row = json_pack("{s:i, s:s, s:I, s:I}", "bar", (int)n, "type",
                                io ? "io" : "memory", "size", (json_int_t)b->size, "address",
                                (json_int_t)bar_address(d, n, wide));
        if (!io) {
            json_object_set_new(row, "prefetch", json_boolean(b->kind == PCI_BAR_MEM32_PREFETCH ||
                                                              b->kind == PCI_BAR_MEM64_PREFETCH));
            json_object_set_new(row, "mem_type_64", json_boolean(wide));
        }
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *functions(struct pci_bus *bus);

/* Windows are base and limit registers in units of 4 KiB (I/O) and 1 MiB. */
static json_t *window(struct pci_device *d, unsigned off, unsigned size, unsigned shift)
{
    json_int_t base = pci_config_read(d, off, size), limit = pci_config_read(d, off + size, size);
    json_int_t mask = size == 1 ? 0xf0 : 0xfff0;

    return json_pack("{s:I, s:I}", "base", (base & mask) << shift, "limit",
                     ((limit & mask) << shift) | ((1ll << (shift + 4)) - 1));
}

static json_t *bridge(struct pci_device *d, struct pci_bus *behind)
{
    return json_pack("{s:{s:i, s:i, s:i, s:o, s:o, s:o}, s:o}", "bus", "number",
                     bus_number(behind->bridge->bus), "secondary",
                     (int)pci_config_read(d, PCI_SECONDARY_BUS, 1), "subordinate",
                     (int)pci_config_read(d, BRIDGE_SUBORDINATE, 1), "io_range",
                     window(d, 0x1c, 1, 8), "memory_range", window(d, 0x20, 2, 16),
                     "prefetchable_range", window(d, 0x24, 2, 16), "devices", functions(behind));
}

static json_t *function(struct pci_device *d)
{
    uint16_t class = (uint16_t)pci_config_read(d, 0x0a, 2);
    unsigned pin = pci_config_read(d, 0x3d, 1);
    json_t *row = json_pack(
        "{s:i, s:i, s:i, s:{s:i}, s:{s:i, s:i}, s:i, s:s, s:o}", "bus", bus_number(d->bus), "slot",
        d->devfn >> 3, "function", d->devfn & 7, "class_info", "class", (int)class, "id", "device",
        (int)pci_config_read(d, 2, 2), "vendor", (int)pci_config_read(d, 0, 2), "irq_pin",
        (int)pin, "qdev_id", d->dev.id ? d->dev.id : "", "regions", regions(d));
    struct pci_bus *behind = NULL;

    if (class_text(class))
        json_object_set_new(json_object_get(row, "class_info"), "desc",
                            json_string(class_text(class)));
    if (pin)
        json_object_set_new(row, "irq", json_integer(pci_config_read(d, 0x3c, 1)));
    for (unsigned i = 0; d->bus->children && i < d->bus->children->len && !behind; i++) {
        struct pci_bus *child = d->bus->children->pdata[i];
        behind = child->bridge == d ? child : NULL;
    }
    if (behind) {
        json_object_set_new(row, "pci_bridge", bridge(d, behind));
    } else {
        json_t *id = json_object_get(row, "id");
        json_object_set_new(id, "subsystem-vendor", json_integer(pci_config_read(d, 0x2c, 2)));
        json_object_set_new(id, "subsystem", json_integer(pci_config_read(d, 0x2e, 2)));
    }
    return row;
}

static json_t *functions(struct pci_bus *bus)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < G_N_ELEMENTS(bus->dev); i++)
        if (bus->dev[i])
            json_array_append_new(list, function(bus->dev[i]));
    return list;
}

bool pci_query(void *machine, json_t *args, json_t **ret, GError **err)
{
    struct pci_bus *bus = ((struct machine *)machine)->pci;

    if (!bus)
        return false;

    *ret = json_pack("[{s:i, s:o}]", "bus", bus_number(bus), "devices", functions(bus));
    return true;
}

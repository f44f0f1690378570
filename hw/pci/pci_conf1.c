/* SPDX-License-Identifier: MIT */
/* PCI configuration mechanism 1: the ports cf8h and cfch. */
#include "hw/pci/pci_conf1.h"

#define ENABLE_BIT 31

static uint64_t addr_read(void *dev, uint64_t off, unsigned size)
{
    struct pci_conf1 *c = dev;

    if (size == 4)
        return c->address;
    if (size == 1 && off == 1 && c->cf9_read)
        return c->cf9_read(c->cf9_arg);
    return UINT64_MAX;
}

static void addr_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct pci_conf1 *c = dev;

    if (size == 4)
        c->address = (uint32_t)val;
    else if (size == 1 && off == 1 && c->cf9_write)
        c->cf9_write(c->cf9_arg, (uint8_t)val);
}

static uint64_t data_read(void *dev, uint64_t off, unsigned size)
{
    struct pci_conf1 *c = dev;
    uint32_t a = c->address;

    if (!(a >> ENABLE_BIT))
        return UINT64_MAX;
    return pci_bus_config_read(c->root, (uint8_t)(a >> 16), (uint8_t)(a >> 8),
                               (a & 0xfc) + (unsigned)off, size);
}

static void data_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct pci_conf1 *c = dev;
    uint32_t a = c->address;

    if (a >> ENABLE_BIT)
        pci_bus_config_write(c->root, (uint8_t)(a >> 16), (uint8_t)(a >> 8),
                             (a & 0xfc) + (unsigned)off, (uint32_t)val, size);
}

static const struct region_ops addr_ops = {addr_read, addr_write, 1, 4};
static const struct region_ops data_ops = {data_read, data_write, 1, 4};

void pci_conf1_init(struct pci_conf1 *c)
{
    region_init_io(&c->addr_io, "pci-conf-addr", &addr_ops, c, 4);
    region_init_io(&c->data_io, "pci-conf-data", &data_ops, c, 4);
}

void pci_conf1_fini(struct pci_conf1 *c)
{
    region_fini(&c->addr_io);
    region_fini(&c->data_io);
}

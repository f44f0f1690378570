/* SPDX-License-Identifier: MIT */
/*
 * Message-signalled interrupts of a PCI function: MSI and MSI-X.
 *
 * PCI Local Bus Specification 3.0, 6.8. Per-vector masking with pending bits is modelled for
 * both. A message is a 32-bit memory write by the function, so it needs the bus-master bit.
 */
#include "hw/pci/pci.h"

#include <assert.h>
#include <string.h>

#define MSI_RANGE 0xfee /* address bits 63:20 of what a local APIC answers */
#define MSI_LEVEL 0x8000

static void send(struct pci_device *d, uint64_t addr, uint32_t data)
{
    struct pci_bus *root = pci_root_bus(d->bus);

    if (pci_is_master(d) && root->msi)
        root->msi(root->msi_arg, addr, data);
}

/* ---- MSI ------------------------------------------------------------------------------ */

void pci_add_msi(struct pci_device *d, unsigned log2n)
{
    uint8_t at = pci_add_capability(d, PCI_CAP_MSI, PCI_MSI_LEN);

    assert(at && log2n <= 5);
    d->msi_cap = at;
    pci_put16(d->config + at + PCI_MSI_CTRL,
              (uint16_t)(PCI_MSI_64 | PCI_MSI_MASKABLE | log2n << PCI_MSI_MMC_SHIFT));
    pci_put16(d->wmask + at + PCI_MSI_CTRL, PCI_MSI_ENABLE | PCI_MSI_MME);
    pci_put32(d->wmask + at + PCI_MSI_ADDR, 0xfffffffc);
    pci_put32(d->wmask + at + PCI_MSI_ADDR + 4, 0xffffffff);
    pci_put16(d->wmask + at + PCI_MSI_DATA, 0xffff);
    pci_put32(d->wmask + at + PCI_MSI_MASK, (uint32_t)((1ull << (1u << log2n)) - 1));
}

bool pci_msi_enabled(const struct pci_device *d)
{
    return d->msi_cap && (d->config[d->msi_cap + PCI_MSI_CTRL] & PCI_MSI_ENABLE);
}

void pci_msi_notify(struct pci_device *d, unsigned vector)
{
    if (!pci_msi_enabled(d))
        return;
    uint8_t *cap = d->config + d->msi_cap;
    unsigned mmc = cap[PCI_MSI_CTRL] >> PCI_MSI_MMC_SHIFT & 7;
    unsigned mme = (cap[PCI_MSI_CTRL] & PCI_MSI_MME) >> 4;
    unsigned granted = 1u << (mme < mmc ? mme : mmc); /* more than offered is reserved */

    vector &= granted - 1;
    if (pci_get32(cap + PCI_MSI_MASK) >> vector & 1) {
        pci_put32(cap + PCI_MSI_PENDING, pci_get32(cap + PCI_MSI_PENDING) | 1u << vector);
        return;
    }
    uint32_t data = (pci_get16(cap + PCI_MSI_DATA) & ~(granted - 1)) | vector;
    send(d, pci_get32(cap + PCI_MSI_ADDR) | (uint64_t)pci_get32(cap + PCI_MSI_ADDR + 4) << 32,
         data);
}

static void msi_fire_pending(struct pci_device *d)
{
    uint8_t *cap = d->config + d->msi_cap;
    uint32_t fire = pci_get32(cap + PCI_MSI_PENDING) & ~pci_get32(cap + PCI_MSI_MASK);

    pci_put32(cap + PCI_MSI_PENDING, pci_get32(cap + PCI_MSI_PENDING) & ~fire);
    for (unsigned v = 0; v < 32; v++)
        if (fire >> v & 1)
            pci_msi_notify(d, v);
}

/* ---- MSI-X ---------------------------------------------------------------------------- */

static bool msix_function_masked(const struct pci_device *d)
{
    uint16_t ctrl = pci_get16(d->config + d->msix_cap + PCI_MSIX_CTRL);
    return (ctrl & (PCI_MSIX_ENABLE | PCI_MSIX_FUNC_MASK)) != PCI_MSIX_ENABLE;
}

static bool msix_masked(const struct pci_device *d, unsigned v)
{
    return msix_function_masked(d) ||
           (d->msix_table[v * PCI_MSIX_ENTRY + PCI_MSIX_ENTRY_CTRL] & PCI_MSIX_ENTRY_MASKED);
}

static void msix_send(struct pci_device *d, unsigned v)
{
    const uint8_t *e = d->msix_table + v * PCI_MSIX_ENTRY;
    send(d, pci_get32(e) | (uint64_t)pci_get32(e + 4) << 32, pci_get32(e + PCI_MSIX_ENTRY_DATA));
}

bool pci_msix_message(const struct pci_device *d, unsigned v, struct msi_message *msg)
{
    const uint8_t *e = d->msix_table + v * PCI_MSIX_ENTRY;

    if (v >= d->msix_n || !pci_is_master(d) || msix_masked(d, v))
        return false;
    msg->addr = pci_get32(e) | (uint64_t)pci_get32(e + 4) << 32;
    msg->data = pci_get32(e + PCI_MSIX_ENTRY_DATA);
    return msg->addr >> 20 == MSI_RANGE && !(msg->data & MSI_LEVEL);
}

bool pci_msix_enabled(const struct pci_device *d)
{
    return d->msix_cap &&
           (pci_get16(d->config + d->msix_cap + PCI_MSIX_CTRL) & PCI_MSIX_ENABLE);
}

void pci_msix_notify(struct pci_device *d, unsigned v)
{
    if (!pci_msix_enabled(d) || v >= d->msix_n)
        return;
    if (msix_masked(d, v))
        d->msix_pending[v / 8] |= (uint8_t)(1u << v % 8);
    else
        msix_send(d, v);
}

static void msix_fire_pending(struct pci_device *d)
{
    for (unsigned v = 0; v < d->msix_n; v++) {
        if (!(d->msix_pending[v / 8] >> v % 8 & 1) || msix_masked(d, v))
            continue;
        d->msix_pending[v / 8] &= (uint8_t)~(1u << v % 8);
        msix_send(d, v);
    }
}

static uint64_t table_read(void *dev, uint64_t off, unsigned size)
{
    return pci_get32(((struct pci_device *)dev)->msix_table + off);
}

static void table_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct pci_device *d = dev;

    if (off % PCI_MSIX_ENTRY == PCI_MSIX_ENTRY_CTRL)
        val &= PCI_MSIX_ENTRY_MASKED;
    else if (off % PCI_MSIX_ENTRY == 0)
        val &= ~3ull;
    pci_put32(d->msix_table + off, (uint32_t)val);
    msix_fire_pending(d);
    pci_notifiers_update(d);
}

static uint64_t pba_read(void *dev, uint64_t off, unsigned size)
{
    const struct pci_device *d = dev;
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)d->msix_pending[off + i] << (8 * i);
    return v;
}

static const struct region_ops table_ops = {table_read, table_write, 4, 4};
static const struct region_ops pba_ops = {pba_read, NULL, 4, 8};

void pci_add_msix(struct pci_device *d, unsigned nvec, unsigned bar, struct region *bar_region,
                  uint32_t table_off, uint32_t pba_off)
{
    uint8_t at = pci_add_capability(d, PCI_CAP_MSIX, PCI_MSIX_LEN);

    assert(at && nvec >= 1 && nvec <= PCI_MSIX_MAX && !(table_off & 7) && !(pba_off & 7));
    d->msix_cap = at;
    d->msix_n = (uint16_t)nvec;
    pci_put16(d->config + at + PCI_MSIX_CTRL, (uint16_t)(nvec - 1));
    pci_put16(d->wmask + at + PCI_MSIX_CTRL, PCI_MSIX_ENABLE | PCI_MSIX_FUNC_MASK);
    pci_put32(d->config + at + PCI_MSIX_TABLE, table_off | bar);
    pci_put32(d->config + at + PCI_MSIX_PBA, pba_off | bar);
    region_init_io(&d->msix_table_io, "msix-table", &table_ops, d, nvec * PCI_MSIX_ENTRY);
    region_init_io(&d->msix_pba_io, "msix-pba", &pba_ops, d, (nvec + 63) / 64 * 8);
    region_add(bar_region, table_off, &d->msix_table_io, 1);
    region_add(bar_region, pba_off, &d->msix_pba_io, 1);
}

void pci_add_msix_bar(struct pci_device *d, unsigned nvec, unsigned bar)
{
    region_init_container(&d->msix_bar, "msix", 0x1000);
    pci_add_bar(d, bar, PCI_BAR_MEM32, &d->msix_bar);
    pci_add_msix(d, nvec, bar, &d->msix_bar, 0, 0x800);
}

/* ---- For pci.c ------------------------------------------------------------------------ */

void pci_msi_config_written(struct pci_device *d, unsigned off, unsigned size)
{
    if (d->msi_cap && off < d->msi_cap + 0u + PCI_MSI_LEN && off + size > d->msi_cap)
        msi_fire_pending(d);
    if (d->msix_cap && off < d->msix_cap + 0u + PCI_MSIX_LEN && off + size > d->msix_cap) {
        msix_fire_pending(d);
        pci_notifiers_update(d);
    }
}

void pci_msi_reset(struct pci_device *d)
{
    memset(d->msix_table, 0, sizeof(d->msix_table));
    memset(d->msix_pending, 0, sizeof(d->msix_pending));
    for (unsigned v = 0; v < d->msix_n; v++)
        d->msix_table[v * PCI_MSIX_ENTRY + PCI_MSIX_ENTRY_CTRL] = PCI_MSIX_ENTRY_MASKED;
    pci_notifiers_update(d);
}

void pci_msi_unrealize(struct pci_device *d)
{
    pci_notifiers_free(d);
    if (d->msix_cap) {
        region_fini(&d->msix_table_io);
        region_fini(&d->msix_pba_io);
    }
    if (d->msix_bar.name)
        region_fini(&d->msix_bar);
}

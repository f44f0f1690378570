/* SPDX-License-Identifier: MIT */
/*
 * Memory controller hub of the Intel 3 Series (Q35). Intel 316966, ch. 5.1.
 *
 * Modelled: configuration mechanism 1, PCIEXBAR (5.1.13: a window of 256, 128 or 64 MiB, 4 KiB
 * per function), PAM shadow RAM, SMRAM's open bit (the CPU's system management mode is not
 * modelled, so there is no TSEG, and only D_OPEN shows the RAM at A0000h), TOLUD, TOUUD.
 * Not modelled: DRAM timing, DMI and MCHBAR registers (storage), remapping, the graphics device.
 */
#include "hw/pci/mch.h"

#include "core/machine.h"

enum { PCIEXBAR_ENABLE = 1, PCIEXBAR_LENGTH = 6, PCIEXBAR_WMASK_LOW = 0xf0000007,
       PCIEXBAR_WMASK_HIGH = 0xf, MAX_SIZE_SHIFT = 28, BUS_SHIFT = 20, FN_SHIFT = 12 };

/* ---- Memory-mapped configuration ------------------------------------------------------ */

static uint64_t ecam_read(void *dev, uint64_t off, unsigned size)
{
    struct mch *h = dev;

    return pci_bus_config_read(h->conf.root, (uint8_t)(off >> BUS_SHIFT),
                               (uint8_t)(off >> FN_SHIFT), (unsigned)off & 0xfff, size);
}

static void ecam_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct mch *h = dev;

    pci_bus_config_write(h->conf.root, (uint8_t)(off >> BUS_SHIFT), (uint8_t)(off >> FN_SHIFT),
                         (unsigned)off & 0xfff, (uint32_t)val, size);
}

static const struct region_ops ecam_ops = {ecam_read, ecam_write, 1, 4};

/* Log2 of the window's size; 0: a reserved value. */
static unsigned ecam_shift(const struct mch *h)
{
    unsigned length = (h->pci.config[MCH_PCIEXBAR] & PCIEXBAR_LENGTH) >> 1;
    return length < 3 ? MAX_SIZE_SHIFT - length : 0;
}

uint64_t mch_ecam_base(const struct mch *h)
{
    const uint8_t *c = h->pci.config + MCH_PCIEXBAR;
    uint64_t bar = pci_get32(c) | (uint64_t)pci_get32(c + 4) << 32;
    unsigned shift = ecam_shift(h);

    return (bar & PCIEXBAR_ENABLE) && shift ? bar >> shift << shift : 0;
}

uint8_t mch_ecam_last_bus(const struct mch *h)
{
    return (uint8_t)((1u << (ecam_shift(h) - BUS_SHIFT)) - 1);
}

/* ---- What follows from the registers -------------------------------------------------- */

static void map_update(struct mch *h)
{
    struct machine *m = h->pci.dev.machine;
    const uint8_t *c = h->pci.config;
    uint64_t base = mch_ecam_base(h), size = 1ull << ecam_shift(h);

    as_begin(&m->mem);
    pam_update(&h->pam, c + MCH_PAM0, c[MCH_SMRAM]);
    region_del(&h->ecam);
    if (base) {
        h->ecam.size = size;
        region_add(&m->mem_root, base, &h->ecam, 1);
    }
    as_commit(&m->mem);
}

static bool touches(unsigned off, unsigned size, unsigned reg, unsigned len)
{
    return off < reg + len && off + size > reg;
}

static void mch_config_written(struct pci_device *d, unsigned off, unsigned size)
{
    pam_smram_written(&d->config[MCH_SMRAM], &d->wmask[MCH_SMRAM]);
    if (touches(off, size, MCH_PCIEXBAR, 8) ||
        touches(off, size, MCH_PAM0, MCH_ESMRAMC - MCH_PAM0))
        map_update((struct mch *)d);
}

void mch_open(struct mch *h, uint64_t ecam_base)
{
    pam_open(h->pci.config + MCH_PAM0);
    pci_put32(h->pci.config + MCH_PCIEXBAR, (uint32_t)ecam_base | PCIEXBAR_ENABLE);
    pci_put32(h->pci.config + MCH_PCIEXBAR + 4, (uint32_t)(ecam_base >> 32));
    map_update(h);
}

/* ---- Life ----------------------------------------------------------------------------- */

static bool mch_realize(struct pci_device *d, GError **err)
{
    struct mch *h = (struct mch *)d;
    uint8_t *c = d->config, *w = d->wmask;
    uint64_t top = h->high_ram ? (1ull << 32) + h->high_ram : h->low_ram;

    pci_conf1_init(&h->conf);
    pam_init(&h->pam, d->dev.machine, h->rom, h->rom_offset);
    region_init_io(&h->ecam, "pcie-mmcfg", &ecam_ops, h, 1ull << MAX_SIZE_SHIFT);
    pci_put16(c + PCI_STATUS, PCI_ST_FAST_B2B);
    c[MCH_SMRAM] = SMRAM_RESET;
    pci_put32(w + MCH_PCIEXBAR, PCIEXBAR_WMASK_LOW);
    pci_put32(w + MCH_PCIEXBAR + 4, PCIEXBAR_WMASK_HIGH);
    for (unsigned i = 0; i < PAM_REGISTERS; i++)
        w[MCH_PAM0 + i] = PAM_WMASK;
    for (unsigned r = 0x40; r < MCH_PCIEXBAR; r++) /* EPBAR, MCHBAR, GGC, DEVEN */
        w[r] = 0xff;
    pci_put16(c + MCH_TOM, (uint16_t)(top >> 27 << 1));
    pci_put16(c + MCH_TOUUD, (uint16_t)(top >> 20));
    pci_put16(c + MCH_TOLUD, (uint16_t)(h->low_ram >> 16));
    map_update(h);
    return true;
}

static void mch_reset(struct pci_device *d)
{
    struct mch *h = (struct mch *)d;

    h->conf.address = 0;
    d->wmask[MCH_SMRAM] = SMRAM_WMASK;
    map_update(h);
}

static void mch_loaded(struct pci_device *d)
{
    d->wmask[MCH_SMRAM] = d->config[MCH_SMRAM] & SMRAM_D_LCK ? 0 : SMRAM_WMASK;
    map_update((struct mch *)d);
}

static void mch_unrealize(struct pci_device *d)
{
    struct mch *h = (struct mch *)d;

    pci_conf1_fini(&h->conf);
    pam_fini(&h->pam);
    region_fini(&h->ecam);
}

static const struct prop mch_props[] = {PCI_PROPS(struct mch, pci), {0}};
static const struct state_field mch_state[] = {
    PCI_STATE(struct mch, pci), STATE_FIELD(struct mch, conf.address), STATE_END};

const struct pci_device_type mch_type = {
    .dev = {.name = "mch", .help = "host bridge of the Q35 board", .size = sizeof(struct mch),
            .props = mch_props, .state = mch_state, .internal = true, PCI_TYPE_CALLS},
    .vendor = 0x8086,
    .device = 0x29c0,
    .class_code = 0x060000,
    .fixed_addr_plus1 = 0x00 + 1,
    .realize = mch_realize,
    .unrealize = mch_unrealize,
    .reset = mch_reset,
    .loaded = mch_loaded,
    .config_written = mch_config_written,
};

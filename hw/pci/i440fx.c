/* SPDX-License-Identifier: MIT */
/*
 * 82441FX PMC (440FX host bridge). Intel 290549.
 *
 * Modelled: configuration mechanism 1 (3.1), PAM shadow RAM (3.2.13), SMRAM's open bit
 * (3.2.16; the CPU's system management mode is not modelled, so only D_OPEN shows the RAM).
 * Not modelled: DRAM timing and row registers, which read and write as storage.
 *
 *   cf8h  CONFADD, whole doublewords only: 31 enable | 23:16 bus | 15:8 device, function |
 *         7:2 register. Narrower accesses pass to the bus, where only cf9h answers.
 *   cfch  CONFDATA: bytes, words, doublewords of that register
 */
#include "hw/pci/i440fx.h"

#include "core/machine.h"
#include "hw/pci/i440fx_regs.h"

enum { SMRAM_BASE = 0xa0000, SMRAM_SIZE = 0x20000, ROM_BASE = 0xe0000 };

/* ---- Configuration mechanism 1 -------------------------------------------------------- */

static uint64_t conf_addr_read(void *dev, uint64_t off, unsigned size)
{
    struct i440fx *h = dev;

    if (size == 4)
        return h->address;
    if (size == 1 && off == 1 && h->cf9_read)
        return h->cf9_read(h->cf9_arg);
    return UINT64_MAX;
}

static void conf_addr_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct i440fx *h = dev;

    if (size == 4)
        h->address = (uint32_t)val;
    else if (size == 1 && off == 1 && h->cf9_write)
        h->cf9_write(h->cf9_arg, (uint8_t)val);
}

static uint64_t conf_data_read(void *dev, uint64_t off, unsigned size)
{
    struct i440fx *h = dev;
    uint32_t a = h->address;

    if (!(a >> CONFADD_ENABLE_BIT))
        return UINT64_MAX;
    return pci_bus_config_read(h->pci_root, (uint8_t)(a >> 16), (uint8_t)(a >> 8),
                               (a & 0xfc) + (unsigned)off, size);
}

static void conf_data_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct i440fx *h = dev;
    uint32_t a = h->address;

    if (a >> CONFADD_ENABLE_BIT)
        pci_bus_config_write(h->pci_root, (uint8_t)(a >> 16), (uint8_t)(a >> 8),
                             (a & 0xfc) + (unsigned)off, (uint32_t)val, size);
}

static const struct region_ops conf_addr_ops = {conf_addr_read, conf_addr_write, 1, 4};
static const struct region_ops conf_data_ops = {conf_data_read, conf_data_write, 1, 4};

/* ---- Shadow RAM ----------------------------------------------------------------------- */

/* Reads below, writes to RAM: what firmware uses while it copies itself. */
static void below_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct i440fx_segment *s = dev;
    struct ram_block *ram = s->host->pci.dev.machine->ram;

    ram_note_write(ram, s->base + off, size);
    for (unsigned i = 0; i < size; i++)
        ram->host[s->base + off + i] = (uint8_t)(val >> (8 * i));
}

static const struct region_ops below_ops = {NULL, below_write, 1, 8};

static unsigned pam_of(const struct i440fx *h, unsigned i)
{
    const uint8_t *pam = h->pci.config + I440FX_PAM0;
    /* PAM0 7:4 is F0000h; PAM1 on hold two segments each, the lower one in 3:0. */
    return (i == I440FX_SEGMENTS - 1 ? pam[0] >> 4 : pam[1 + i / 2] >> (4 * (i & 1))) & 3;
}

static void shadow_update(struct i440fx *h)
{
    struct address_space *mem = &h->pci.dev.machine->mem;
    uint8_t smram = h->pci.config[I440FX_SMRAM];

    as_begin(mem);
    for (unsigned i = 0; i < I440FX_SEGMENTS; i++) {
        struct i440fx_segment *s = &h->seg[i];
        unsigned pam = pam_of(h, i);
        region_set_enabled(&s->ram, pam & PAM_READ);
        region_set_readonly(&s->ram, !(pam & PAM_WRITE));
        region_set_enabled(&s->write_ram, pam == PAM_WRITE);
    }
    region_set_enabled(&h->smram, (smram & SMRAM_G_SMRAME) && (smram & SMRAM_D_OPEN));
    as_commit(mem);
}

void i440fx_open_shadow(struct i440fx *h)
{
    uint8_t *pam = h->pci.config + I440FX_PAM0;

    pam[0] = (PAM_READ | PAM_WRITE) << 4;
    for (unsigned i = 1; i < I440FX_PAM_COUNT; i++)
        pam[i] = (PAM_READ | PAM_WRITE) * 0x11;
    shadow_update(h);
}

static void segment_init(struct i440fx *h, struct i440fx_segment *s, uint32_t base, uint32_t size)
{
    struct machine *m = h->pci.dev.machine;

    s->host = h;
    s->base = base;
    s->size = size;
    region_init_ram(&s->ram, "shadow-ram", m->ram, base, size, false);
    if (h->rom && base >= ROM_BASE) {
        region_init_ram(&s->write_ram, "shadow-write", h->rom, h->rom_offset + base - ROM_BASE,
                        size, true);
        s->write_ram.ops = &below_ops;
        s->write_ram.dev = s;
    } else {
        region_init_io(&s->write_ram, "shadow-write", &below_ops, s, size);
    }
    region_add(&m->mem_root, base, &s->ram, 1);
    region_add(&m->mem_root, base, &s->write_ram, 1);
}

/* ---- Life ----------------------------------------------------------------------------- */

static void i440fx_config_written(struct pci_device *d, unsigned off, unsigned size)
{
    struct i440fx *h = (struct i440fx *)d;
    uint8_t *smram = &d->config[I440FX_SMRAM];

    if (d->wmask[I440FX_SMRAM] && (*smram & SMRAM_D_LCK)) {
        /* Locked until reset: closed, and this register cannot change any more. */
        *smram &= (uint8_t)~SMRAM_D_OPEN;
        d->wmask[I440FX_SMRAM] = 0;
    }
    if (off <= I440FX_SMRAM && off + size > I440FX_PAM0)
        shadow_update(h);
}

static bool i440fx_realize(struct pci_device *d, GError **err)
{
    struct i440fx *h = (struct i440fx *)d;
    struct machine *m = d->dev.machine;

    region_init_io(&h->conf_addr, "pci-conf-addr", &conf_addr_ops, h, 4);
    region_init_io(&h->conf_data, "pci-conf-data", &conf_data_ops, h, 4);
    region_init_ram(&h->smram, "smram", m->ram, SMRAM_BASE, SMRAM_SIZE, false);
    region_add(&m->mem_root, SMRAM_BASE, &h->smram, 1);
    for (unsigned i = 0; i < I440FX_SEGMENTS - 1; i++)
        segment_init(h, &h->seg[i], 0xc0000 + 0x4000 * i, 0x4000);
    segment_init(h, &h->seg[I440FX_SEGMENTS - 1], 0xf0000, 0x10000);

    pci_put16(d->config + PCI_STATUS, PCI_ST_FAST_B2B | PCI_ST_DEVSEL_MEDIUM);
    d->config[I440FX_SMRAM] = SMRAM_RESET;
    for (unsigned r = 0x50; r <= 0x71; r++)
        d->wmask[r] = 0xff;
    for (unsigned i = 0; i < I440FX_PAM_COUNT; i++)
        d->wmask[I440FX_PAM0 + i] = 0x33;
    shadow_update(h);
    return true;
}

static void i440fx_reset(struct pci_device *d)
{
    struct i440fx *h = (struct i440fx *)d;

    h->address = 0;
    d->wmask[I440FX_SMRAM] = 0x78; /* bits 2:0 are fixed */
    shadow_update(h);
}

static void i440fx_loaded(struct pci_device *d)
{
    d->wmask[I440FX_SMRAM] = d->config[I440FX_SMRAM] & SMRAM_D_LCK ? 0 : 0x78;
    shadow_update((struct i440fx *)d);
}

static void i440fx_unrealize(struct pci_device *d)
{
    struct i440fx *h = (struct i440fx *)d;

    region_fini(&h->conf_addr);
    region_fini(&h->conf_data);
    region_fini(&h->smram);
    for (unsigned i = 0; i < I440FX_SEGMENTS; i++) {
        region_fini(&h->seg[i].ram);
        region_fini(&h->seg[i].write_ram);
    }
}

static const struct prop i440fx_props[] = {PCI_PROPS(struct i440fx, pci), {0}};
static const struct state_field i440fx_state[] = {
    PCI_STATE(struct i440fx, pci), STATE_FIELD(struct i440fx, address), STATE_END};

const struct pci_device_type i440fx_type = {
    .dev = {.name = "i440FX", .help = "host bridge of the PC", .size = sizeof(struct i440fx),
            .props = i440fx_props, .state = i440fx_state, .internal = true, PCI_TYPE_CALLS},
    .vendor = 0x8086,
    .device = 0x1237,
    .revision = 2,
    .class_code = 0x060000,
    .fixed_addr_plus1 = 0x00 + 1,
    .realize = i440fx_realize,
    .unrealize = i440fx_unrealize,
    .reset = i440fx_reset,
    .loaded = i440fx_loaded,
    .config_written = i440fx_config_written,
};

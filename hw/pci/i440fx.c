/* SPDX-License-Identifier: MIT */
/*
 * 82441FX PMC (440FX host bridge). Intel 290549.
 *
 * Modelled: configuration mechanism 1 (3.1), PAM shadow RAM (3.2.13), SMRAM's open bit
 * (3.2.16; the CPU's system management mode is not modelled, so only D_OPEN shows the RAM).
 * Not modelled: DRAM timing and row registers, which read and write as storage.
 */
#include "hw/pci/i440fx.h"

#include "core/machine.h"
#include "hw/pci/i440fx_regs.h"

static void shadow_update(struct i440fx *h)
{
    pam_update(&h->pam, h->pci.config + I440FX_PAM0, h->pci.config[I440FX_SMRAM]);
}

void i440fx_open_shadow(struct i440fx *h)
{
    pam_open(h->pci.config + I440FX_PAM0);
    shadow_update(h);
}

static void i440fx_config_written(struct pci_device *d, unsigned off, unsigned size)
{
    pam_smram_written(&d->config[I440FX_SMRAM], &d->wmask[I440FX_SMRAM]);
    if (off <= I440FX_SMRAM && off + size > I440FX_PAM0)
        shadow_update((struct i440fx *)d);
}

static bool i440fx_realize(struct pci_device *d, GError **err)
{
    struct i440fx *h = (struct i440fx *)d;

    pci_conf1_init(&h->conf);
    pam_init(&h->pam, d->dev.machine, h->rom, h->rom_offset);
    pci_put16(d->config + PCI_STATUS, PCI_ST_FAST_B2B | PCI_ST_DEVSEL_MEDIUM);
    d->config[I440FX_SMRAM] = SMRAM_RESET;
    for (unsigned r = 0x50; r <= 0x71; r++)
        d->wmask[r] = 0xff;
    for (unsigned i = 0; i < PAM_REGISTERS; i++)
        d->wmask[I440FX_PAM0 + i] = PAM_WMASK;
    shadow_update(h);
    return true;
}

static void i440fx_reset(struct pci_device *d)
{
    struct i440fx *h = (struct i440fx *)d;

    h->conf.address = 0;
    d->wmask[I440FX_SMRAM] = SMRAM_WMASK;
    shadow_update(h);
}

static void i440fx_loaded(struct pci_device *d)
{
    d->wmask[I440FX_SMRAM] = d->config[I440FX_SMRAM] & SMRAM_D_LCK ? 0 : SMRAM_WMASK;
    shadow_update((struct i440fx *)d);
}

static void i440fx_unrealize(struct pci_device *d)
{
    struct i440fx *h = (struct i440fx *)d;

    pci_conf1_fini(&h->conf);
    pam_fini(&h->pam);
}

static const struct prop i440fx_props[] = {PCI_PROPS(struct i440fx, pci), {0}};
static const struct state_field i440fx_state[] = {
    PCI_STATE(struct i440fx, pci), STATE_FIELD(struct i440fx, conf.address), STATE_END};

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

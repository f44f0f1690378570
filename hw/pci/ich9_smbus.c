/* SPDX-License-Identifier: MIT */
/*
 * ICH9 SMBus controller, function 1f.3. Intel 316972, ch. 18. Modelled: the host controller of a
 * board without SMBus devices, interrupt by INTA. Not modelled: SMI, the slave interface.
 */
#include "hw/pci/ich9_smbus.h"

#include "hw/pci/ich9_regs.h"

static void changed(void *arg)
{
    struct ich9_smbus *s = arg;

    pci_set_intx(&s->pci, smbus_host_interrupt(&s->smb));
}

static void enable_update(struct ich9_smbus *s)
{
    region_set_enabled(&s->smb.io, s->pci.config[ICH9_HOSTC] & HOSTC_EN);
}

static void config_written(struct pci_device *d, unsigned off, unsigned size)
{
    if (off <= ICH9_HOSTC && off + size > ICH9_HOSTC)
        enable_update((struct ich9_smbus *)d);
}

static bool ich9_smbus_realize(struct pci_device *d, GError **err)
{
    struct ich9_smbus *s = (struct ich9_smbus *)d;

    pci_put16(d->config + PCI_STATUS, PCI_ST_FAST_B2B | PCI_ST_DEVSEL_MEDIUM);
    d->wmask[ICH9_HOSTC] = 0x1f;
    region_init_container(&s->bar, "ich9-smbus", ICH9_SMB_SIZE);
    smbus_host_init(&s->smb, "ich9-smbus", ICH9_SMB_SIZE, changed, s);
    region_add(&s->bar, 0, &s->smb.io, 0);
    pci_add_bar(d, 4, PCI_BAR_IO, &s->bar);
    enable_update(s);
    return true;
}

static void ich9_smbus_reset(struct pci_device *d)
{
    struct ich9_smbus *s = (struct ich9_smbus *)d;

    smbus_host_reset(&s->smb);
    enable_update(s);
}

static void ich9_smbus_loaded(struct pci_device *d)
{
    enable_update((struct ich9_smbus *)d);
}

static void ich9_smbus_unrealize(struct pci_device *d)
{
    struct ich9_smbus *s = (struct ich9_smbus *)d;

    smbus_host_fini(&s->smb);
    region_fini(&s->bar);
}

static const struct prop ich9_smbus_props[] = {PCI_PROPS(struct ich9_smbus, pci), {0}};
static const struct state_field ich9_smbus_state[] = {
    PCI_STATE(struct ich9_smbus, pci), SMBUS_HOST_STATE(struct ich9_smbus, smb), STATE_END};

const struct pci_device_type ich9_smbus_type = {
    .dev = {.name = "ICH9-SMB", .help = "SMBus controller of the Q35 board",
            .size = sizeof(struct ich9_smbus), .props = ich9_smbus_props,
            .state = ich9_smbus_state, .internal = true, PCI_TYPE_CALLS},
    .vendor = 0x8086,
    .device = 0x2930,
    .revision = 2,
    .class_code = 0x0c0500,
    .pin = 1,
    .fixed_addr_plus1 = 0xf8 + 3 + 1,
    .realize = ich9_smbus_realize,
    .unrealize = ich9_smbus_unrealize,
    .reset = ich9_smbus_reset,
    .loaded = ich9_smbus_loaded,
    .config_written = config_written,
};

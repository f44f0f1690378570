/* SPDX-License-Identifier: MIT */
/*
 * 82371AB (PIIX4) function 3: power management and SMBus. Intel 290562, ch. 7.
 *
 * Modelled: the ACPI fixed register blocks (acpi_pm.c) and the SMBus host controller
 * (smbus_host.c) where this chip has them.
 * Not modelled: idle and trap timers, clock control, suspend states other than soft off.
 */
#include "hw/pci/piix4_pm.h"

#include <string.h>

#include "core/machine.h"
#include "hw/pc/acpi.h"
#include "hw/pci/piix_regs.h"

enum { SMB_BASE = 0x700, SMB_IRQ9 = 4 };

/* ---- PM I/O space --------------------------------------------------------------------- */

static void pm_update(struct piix4_pm *pm)
{
    pm->pm.other = smbus_host_interrupt(&pm->smb) &&
                   (pm->pci.config[PIIX4_SMBHSTCFG] >> 1 & 7) == SMB_IRQ9;
    acpi_pm_update(&pm->pm);
}

static void smb_changed(void *arg)
{
    pm_update(arg);
}

static uint32_t pm_dword(struct piix4_pm *pm, unsigned reg)
{
    switch (reg) {
    case PM1_STS:
    case PM1_CNT:
    case PM1_TMR:
        return acpi_pm1_read(&pm->pm, reg);
    case GPSTS:
        return (uint32_t)pm->pm.gpe_sts | (uint32_t)pm->pm.gpe_en << 16;
    case PLVL2:
        return 0; /* reads enter a C-state on hardware; none is offered */
    default:
        return pci_get32(pm->misc + reg);
    }
}

static uint64_t pm_read(void *dev, uint64_t off, unsigned size)
{
    struct piix4_pm *pm = dev;

    pm_update(pm);
    return pm_dword(pm, off & ~3u) >> (8 * (off & 3));
}

static void pm_write_byte(struct piix4_pm *pm, unsigned off, uint8_t v)
{
    switch (off & ~1u) {
    case PM1_STS:
    case PM1_EN:
    case PM1_CNT:
        acpi_pm1_write(&pm->pm, off, v);
        break;
    case GPSTS:
        acpi_gpe_sts_write(&pm->pm, off - GPSTS, v);
        break;
    case GPEN:
        acpi_gpe_en_write(&pm->pm, off - GPEN, v);
        break;
    case PM1_TMR:
    case PM1_TMR + 2:
    case GLBSTS:
    case DEVSTS:
    case GPIREG:
        break; /* read only, or nothing that could be cleared */
    default:
        pm->misc[off] = v;
    }
}

static void pm_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct piix4_pm *pm = dev;

    pm_update(pm); /* what is due before the write */
    for (unsigned i = 0; i < size; i++)
        pm_write_byte(pm, (unsigned)off + i, (uint8_t)(val >> (8 * i)));
    pm_update(pm);
}

static const struct region_ops pm_ops = {pm_read, pm_write, 1, 4};

/* ---- Configuration and life ----------------------------------------------------------- */

static void map(struct piix4_pm *pm, struct region *r, uint16_t base, bool on)
{
    on = on && base;
    if (r->parent && (!on || r->addr != base))
        region_del(r);
    if (on && !r->parent)
        region_add(pm->pci.bus->io, base, r, 1);
}

uint16_t piix4_pm_base(const struct piix4_pm *pm)
{
    const uint8_t *c = pm->pci.config;
    return c[PIIX4_PMREGMISC] & PMREGMISC_PMIOSE ? pci_get16(c + PIIX4_PMBA) & 0xffc0 : 0;
}

static void map_update(struct piix4_pm *pm)
{
    const uint8_t *c = pm->pci.config;

    map(pm, &pm->pm_io, piix4_pm_base(pm), true);
    map(pm, &pm->smb.io, pci_get16(c + PIIX4_SMBBA) & 0xfff0,
        c[PIIX4_SMBHSTCFG] & SMBHSTCFG_ENABLE);
}

static void piix4_config_written(struct pci_device *d, unsigned off, unsigned size)
{
    struct piix4_pm *pm = (struct piix4_pm *)d;

    if (off + size > PIIX4_PMBA) {
        map_update(pm);
        pm_update(pm);
    }
}

void piix4_pm_open(struct piix4_pm *pm)
{
    uint8_t *c = pm->pci.config;

    pci_put16(c + PIIX4_PMBA, ACPI_PM_BASE | 1);
    c[PIIX4_PMREGMISC] = PMREGMISC_PMIOSE;
    pci_put16(c + PIIX4_SMBBA, SMB_BASE | 1);
    c[PIIX4_SMBHSTCFG] = SMBHSTCFG_ENABLE | SMB_IRQ9 << 1;
    map_update(pm);
}

static bool piix4_realize(struct pci_device *d, GError **err)
{
    struct piix4_pm *pm = (struct piix4_pm *)d;
    uint8_t *c = d->config, *w = d->wmask;

    region_init_io(&pm->pm_io, "piix4-pm", &pm_ops, pm, PM_IO_SIZE);
    smbus_host_init(&pm->smb, "piix4-smbus", SMB_IO_SIZE, smb_changed, pm);
    pm->pm.name = "PIIX4_PM";
    pm->pm.gpe_mask = GP_ALL;
    acpi_pm_init(&pm->pm, d->dev.machine);

    pci_put16(c + PCI_STATUS, PCI_ST_FAST_B2B | PCI_ST_DEVSEL_MEDIUM);
    pci_put16(w + PCI_COMMAND, PCI_CMD_IO);
    w[PCI_INT_LINE] = 0;
    c[PCI_INT_LINE] = ACPI_SCI_IRQ;
    c[PIIX4_PMBA] = 1;
    pci_put16(w + PIIX4_PMBA, 0xffc0);
    memset(w + 0x44, 0xff, 0x7c - 0x44); /* counters, general purpose and device resources */
    c[PIIX4_DEVACTB_HI] = 0x02; /* APM commands are taken: firmware need not install a handler */
    w[PIIX4_PMREGMISC] = 0x01;
    c[PIIX4_SMBBA] = 1;
    pci_put16(w + PIIX4_SMBBA, 0xfff0);
    memset(w + PIIX4_SMBHSTCFG, 0xff, 5);
    return true;
}

static void piix4_reset(struct pci_device *d)
{
    struct piix4_pm *pm = (struct piix4_pm *)d;

    memset(pm->misc, 0, sizeof(pm->misc));
    smbus_host_reset(&pm->smb);
    acpi_pm_reset(&pm->pm);
    map_update(pm);
    pm_update(pm);
}

static void piix4_loaded(struct pci_device *d)
{
    map_update((struct piix4_pm *)d);
    pm_update((struct piix4_pm *)d);
}

static void piix4_unrealize(struct pci_device *d)
{
    struct piix4_pm *pm = (struct piix4_pm *)d;

    acpi_pm_fini(&pm->pm);
    smbus_host_fini(&pm->smb);
    region_fini(&pm->pm_io);
}

static const struct prop piix4_props[] = {PCI_PROPS(struct piix4_pm, pci), {0}};
static const struct state_field piix4_state[] = {
    PCI_STATE(struct piix4_pm, pci), ACPI_PM_STATE(struct piix4_pm, pm),
    SMBUS_HOST_STATE(struct piix4_pm, smb), STATE_BUFFER(struct piix4_pm, misc), STATE_END};

const struct pci_device_type piix4_pm_type = {
    .dev = {.name = "PIIX4_PM", .help = "power management and SMBus of the PC",
            .size = sizeof(struct piix4_pm), .props = piix4_props, .state = piix4_state,
            .internal = true, PCI_TYPE_CALLS},
    .vendor = 0x8086,
    .device = 0x7113,
    .revision = 3,
    .class_code = 0x068000,
    .pin = 1,
    .fixed_addr_plus1 = 0x08 + 3 + 1,
    .realize = piix4_realize,
    .unrealize = piix4_unrealize,
    .reset = piix4_reset,
    .loaded = piix4_loaded,
    .config_written = piix4_config_written,
};

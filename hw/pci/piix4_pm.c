/* SPDX-License-Identifier: MIT */
/*
 * 82371AB (PIIX4) function 3: power management and SMBus. Intel 290562, ch. 7; ACPI 4.8.
 *
 * Modelled: the ACPI fixed register blocks (PM1a event and control, 24-bit PM timer, GPE0), the
 * power button, soft off, and the SMBus host controller of a board without SMBus devices: every
 * transaction ends with "device error", as nobody acknowledges.
 * A board without system management mode: the ACPI enable and disable commands, which firmware's
 * SMI handler would carry out, act on SCI_EN at once; no other command does anything.
 * Not modelled: idle and trap timers, clock control, suspend states other than soft off.
 */
#include "hw/pci/piix4_pm.h"

#include <string.h>

#include "core/machine.h"
#include "hw/pc/acpi.h"
#include "hw/pci/piix_regs.h"

enum { TMR_BITS = 24, TMR_FLIP_BIT = 23, SMB_BASE = 0x700, SMB_IRQ9 = 4 };

/* ---- PM timer ------------------------------------------------------------------------- */

static int64_t ticks_now(struct piix4_pm *pm)
{
    return (int64_t)muldiv64((uint64_t)clock_now(&pm->pci.dev.machine->vclock), PM_TIMER_HZ,
                             NSEC_PER_SEC);
}

static int64_t tick_to_ns(int64_t tick)
{
    return (int64_t)muldiv64((uint64_t)tick, NSEC_PER_SEC, PM_TIMER_HZ) + 1;
}

static void next_flip(struct piix4_pm *pm)
{
    pm->tmr_flip = ((ticks_now(pm) >> TMR_FLIP_BIT) + 1) << TMR_FLIP_BIT;
}

/* ---- SCI ------------------------------------------------------------------------------ */

static bool smb_interrupt(const struct piix4_pm *pm)
{
    return (pm->smb_sts & SMBSTS_W1C) && (pm->smb_cnt & SMBCNT_INTEN) &&
           (pm->pci.config[PIIX4_SMBHSTCFG] >> 1 & 7) == SMB_IRQ9;
}

static void pm_update(struct piix4_pm *pm)
{
    if (ticks_now(pm) >= pm->tmr_flip)
        pm->pmsts |= PM_TMR;
    bool sci = (pm->pmcntrl & PMC_SCI_EN) &&
               ((pm->pmsts & pm->pmen & PMEN_WRITABLE) || (pm->gpsts & pm->gpen));
    irq_set(pm->sci, sci || smb_interrupt(pm));

    bool wait = (pm->pmcntrl & PMC_SCI_EN) && (pm->pmen & PM_TMR) && !(pm->pmsts & PM_TMR);
    if (wait)
        timer_set(&pm->timer, tick_to_ns(pm->tmr_flip));
    else
        timer_del(&pm->timer);
}

static void pm_timer_fired(void *arg)
{
    pm_update(arg);
}

void piix4_pm_power_button(void *arg)
{
    struct piix4_pm *pm = arg;

    pm->pmsts |= PM_PWRBTN;
    pm_update(pm);
}

/* ---- PM I/O space --------------------------------------------------------------------- */

static uint32_t pm_dword(struct piix4_pm *pm, unsigned reg)
{
    switch (reg) {
    case PMSTS:
        return pm->pmsts | (uint32_t)pm->pmen << 16;
    case PMCNTRL:
        return pm->pmcntrl;
    case PMTMR:
        return (uint32_t)ticks_now(pm) & ((1u << TMR_BITS) - 1);
    case GPSTS:
        return pm->gpsts | (uint32_t)pm->gpen << 16;
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

static void suspend(struct piix4_pm *pm)
{
    struct machine *m = pm->pci.dev.machine;
    unsigned type = (pm->pmcntrl & PMC_SUS_TYP) >> PMC_SUS_SHIFT;

    if (type == SUS_SOFT_OFF)
        machine_request_shutdown(m, CAUSE_GUEST_SHUTDOWN);
    else
        guest_warn(&m->log, "PIIX4_PM", "suspend type %u is not offered", type);
}

static void put_byte(uint16_t *reg, unsigned shift, uint8_t v, uint16_t mask)
{
    uint16_t lane = (uint16_t)(0xff << shift);
    *reg = (uint16_t)((*reg & ~(lane & mask)) | ((v << shift) & lane & mask));
}

static void pm_write_byte(struct piix4_pm *pm, unsigned off, uint8_t v)
{
    unsigned shift = 8 * (off & 1);

    switch (off & ~1u) {
    case PMSTS:
        if (v << shift & PM_TMR & pm->pmsts)
            next_flip(pm);
        pm->pmsts &= (uint16_t)~(v << shift);
        break;
    case PMEN:
        put_byte(&pm->pmen, shift, v, PMEN_WRITABLE);
        break;
    case PMCNTRL:
        put_byte(&pm->pmcntrl, shift, v, PMC_STORED);
        if (v << shift & PMC_SUS_EN)
            suspend(pm);
        break;
    case GPSTS:
        pm->gpsts &= (uint16_t)~(v << shift);
        break;
    case GPEN:
        put_byte(&pm->gpen, shift, v, GP_ALL);
        break;
    case PMTMR:
    case PMTMR + 2:
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

/* ---- SMBus host ----------------------------------------------------------------------- */

static uint64_t smb_read(void *dev, uint64_t off, unsigned size)
{
    struct piix4_pm *pm = dev;

    switch (off) {
    case SMBHSTSTS:
        return pm->smb_sts;
    case SMBHSTCNT:
        pm->smb_index = 0;
        return pm->smb_cnt;
    case SMBHSTCMD:
        return pm->smb_cmd;
    case SMBHSTADD:
        return pm->smb_add;
    case SMBHSTDAT0:
        return pm->smb_dat0;
    case SMBHSTDAT1:
        return pm->smb_dat1;
    case SMBBLKDAT:
        return pm->smb_block[pm->smb_index++ & 31];
    default:
        return 0;
    }
}

static void smb_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct piix4_pm *pm = dev;
    uint8_t v = (uint8_t)val;

    switch (off) {
    case SMBHSTSTS:
        pm->smb_sts &= (uint8_t)~(v & SMBSTS_W1C);
        break;
    case SMBHSTCNT:
        pm->smb_cnt = v & (SMBCNT_INTEN | SMBCNT_PROT);
        if (v & SMBCNT_START)
            pm->smb_sts |= SMBSTS_DEV_ERR;
        break;
    case SMBHSTCMD:
        pm->smb_cmd = v;
        break;
    case SMBHSTADD:
        pm->smb_add = v;
        break;
    case SMBHSTDAT0:
        pm->smb_dat0 = v;
        break;
    case SMBHSTDAT1:
        pm->smb_dat1 = v;
        break;
    case SMBBLKDAT:
        pm->smb_block[pm->smb_index++ & 31] = v;
        break;
    default:
        break;
    }
    pm_update(pm);
}

/* ---- APM ports ------------------------------------------------------------------------ */

static uint64_t apm_read(void *dev, uint64_t off, unsigned size)
{
    struct piix4_pm *pm = dev;
    return off ? pm->apm_sts : pm->apm_cnt;
}

static void apm_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct piix4_pm *pm = dev;

    if (off) {
        pm->apm_sts = (uint8_t)val;
        return;
    }
    pm->apm_cnt = (uint8_t)val;
    if (val == ACPI_ENABLE_CMD)
        pm->pmcntrl |= PMC_SCI_EN;
    else if (val == ACPI_DISABLE_CMD)
        pm->pmcntrl &= (uint16_t)~PMC_SCI_EN;
    pm_update(pm);
}

static const struct region_ops pm_ops = {pm_read, pm_write, 1, 4};
static const struct region_ops smb_ops = {smb_read, smb_write, 1, 1};
static const struct region_ops apm_ops = {apm_read, apm_write, 1, 1};

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
    map(pm, &pm->smb_io, pci_get16(c + PIIX4_SMBBA) & 0xfff0,
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
    region_init_io(&pm->smb_io, "piix4-smbus", &smb_ops, pm, SMB_IO_SIZE);
    region_init_io(&pm->apm, "apm", &apm_ops, pm, 2);
    timer_init(&pm->timer, &d->dev.machine->vclock, "pm-timer", pm_timer_fired, pm);

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

    pm->pmsts = pm->pmen = pm->pmcntrl = pm->gpsts = pm->gpen = 0;
    memset(pm->misc, 0, sizeof(pm->misc));
    pm->apm_cnt = pm->apm_sts = 0;
    pm->smb_sts = pm->smb_cnt = pm->smb_cmd = pm->smb_add = 0;
    pm->smb_dat0 = pm->smb_dat1 = pm->smb_index = 0;
    memset(pm->smb_block, 0, sizeof(pm->smb_block));
    next_flip(pm);
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

    timer_del(&pm->timer);
    region_fini(&pm->pm_io);
    region_fini(&pm->smb_io);
    region_fini(&pm->apm);
}

static const struct prop piix4_props[] = {PCI_PROPS(struct piix4_pm, pci), {0}};
static const struct state_field piix4_state[] = {
    PCI_STATE(struct piix4_pm, pci),          STATE_FIELD(struct piix4_pm, pmsts),
    STATE_FIELD(struct piix4_pm, pmen),       STATE_FIELD(struct piix4_pm, pmcntrl),
    STATE_FIELD(struct piix4_pm, gpsts),      STATE_FIELD(struct piix4_pm, gpen),
    STATE_BUFFER(struct piix4_pm, misc),      STATE_FIELD(struct piix4_pm, tmr_flip),
    STATE_FIELD(struct piix4_pm, apm_cnt),    STATE_FIELD(struct piix4_pm, apm_sts),
    STATE_FIELD(struct piix4_pm, smb_sts),    STATE_FIELD(struct piix4_pm, smb_cnt),
    STATE_FIELD(struct piix4_pm, smb_cmd),    STATE_FIELD(struct piix4_pm, smb_add),
    STATE_FIELD(struct piix4_pm, smb_dat0),   STATE_FIELD(struct piix4_pm, smb_dat1),
    STATE_FIELD(struct piix4_pm, smb_index),  STATE_BUFFER(struct piix4_pm, smb_block),
    STATE_END};

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

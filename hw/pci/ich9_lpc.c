/* SPDX-License-Identifier: MIT */
/*
 * ICH9 LPC bridge (82801IB), function 1f.0. Intel 316972, ch. 10 and 13.
 *
 * Modelled: PIRQ routing to ISA interrupts (13.1.17) and to I/O APIC pins 16 to 23, the interrupt
 * pins of devices 25 to 31 by D25IR to D31IR (10.1.27), the ACPI registers (acpi_pm.c), reset
 * control. Slots below 25 are soldered to PIRQE to H.
 * Not modelled: SMI (APM commands act at once, acpi_pm.h), the TCO timer (it reads as halted),
 * GPIO, LPC decode ranges and the rest of the chipset configuration space, which store. The SCI
 * is interrupt 9 whatever SCI_IRQ_SEL says.
 */
#include "hw/pci/ich9_lpc.h"

#include <string.h>

#include "core/machine.h"
#include "hw/pc/acpi.h"

/* ---- Interrupt routing ---------------------------------------------------------------- */

static const uint16_t dir_reg[] = {ICH9_D25IR, ICH9_D26IR, ICH9_D27IR, ICH9_D28IR,
                                   ICH9_D29IR, ICH9_D30IR, ICH9_D31IR};
enum { FIRST_DIR_SLOT = 25 };

unsigned ich9_lpc_swizzle(void *arg, unsigned slot, unsigned pin)
{
    const struct ich9_lpc *l = arg;

    if (slot >= FIRST_DIR_SLOT)
        return l->dir[slot - FIRST_DIR_SLOT] >> (4 * pin) & 7;
    return 4 + ((slot + pin) & 3);
}

static uint8_t route(const struct ich9_lpc *l, unsigned n)
{
    return l->pci.config[n < 4 ? ICH9_PIRQA + n : ICH9_PIRQE + n - 4];
}

static void routing_update(struct ich9_lpc *l)
{
    uint32_t active = 0;

    for (unsigned n = 0; n < ICH9_PIRQS; n++) {
        bool level = l->pirq_level >> n & 1;
        if (level && !(route(l, n) & ICH9_PIRQ_OFF))
            active |= 1u << (route(l, n) & ICH9_PIRQ_IRQ);
        irq_set(l->pirq_gsi[n], level);
    }
    for (unsigned irq = 3; irq < 16; irq++) /* 0, 1, 2, 8 and 13 cannot be chosen */
        if (irq != 8 && irq != 13)
            irq_set(l->isa_irq[irq], active >> irq & 1);
}

void ich9_lpc_set_pirq(void *arg, int n, int level)
{
    struct ich9_lpc *l = arg;

    if (level)
        l->pirq_level |= (uint8_t)(1u << n);
    else
        l->pirq_level &= (uint8_t)~(1u << n);
    routing_update(l);
}

static void take_dir(void *arg)
{
    struct ich9_lpc *l = arg;

    for (unsigned i = 0; i < G_N_ELEMENTS(dir_reg); i++)
        l->dir[i] = pci_get16(l->cc + dir_reg[i] - ICH9_CC_FIRST);
}

static void dir_update(struct ich9_lpc *l)
{
    pci_bus_rewire(pci_root_bus(l->pci.bus), take_dir, l);
}

/* ---- Chipset configuration space ------------------------------------------------------ */

static uint64_t cc_read(void *dev, uint64_t off, unsigned size)
{
    const struct ich9_lpc *l = dev;
    uint64_t v = 0;

    for (unsigned i = 0; i < size && off >= ICH9_CC_FIRST; i++)
        v |= (uint64_t)l->cc[off - ICH9_CC_FIRST + i] << (8 * i);
    return v;
}

static void cc_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct ich9_lpc *l = dev;

    if (off < ICH9_CC_FIRST)
        return;
    for (unsigned i = 0; i < size; i++)
        l->cc[off - ICH9_CC_FIRST + i] = (uint8_t)(val >> (8 * i));
    if (off < ICH9_D25IR + 2 && off + size > ICH9_D31IR)
        dir_update(l);
}

static const struct region_ops cc_ops = {cc_read, cc_write, 1, 4};

/* ---- PM I/O space --------------------------------------------------------------------- */

static uint32_t pm_dword(struct ich9_lpc *l, unsigned reg)
{
    unsigned half = 8 * (reg & 4);

    switch (reg) {
    case PM1_STS:
    case PM1_CNT:
    case PM1_TMR:
        return acpi_pm1_read(&l->pm, reg);
    case ICH9_GPE0_STS:
    case ICH9_GPE0_STS + 4:
        return (uint32_t)(l->pm.gpe_sts >> half);
    case ICH9_GPE0_EN:
    case ICH9_GPE0_EN + 4:
        return (uint32_t)(l->pm.gpe_en >> half);
    case ICH9_TCO + TCO1_CNT:
        return pci_get32(l->pm_misc + reg) | TCO_TMR_HLT;
    default:
        return pci_get32(l->pm_misc + reg);
    }
}

static uint64_t pm_read(void *dev, uint64_t off, unsigned size)
{
    struct ich9_lpc *l = dev;

    acpi_pm_update(&l->pm);
    return pm_dword(l, off & ~3u) >> (8 * (off & 3));
}

static void pm_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct ich9_lpc *l = dev;

    acpi_pm_update(&l->pm); /* what is due before the write */
    for (unsigned i = 0; i < size; i++, val >>= 8) {
        unsigned at = (unsigned)off + i;
        uint8_t v = (uint8_t)val;
        if (at < PM1_SIZE)
            acpi_pm1_write(&l->pm, at, v);
        else if (at >= ICH9_GPE0_STS && at < ICH9_GPE0_EN)
            acpi_gpe_sts_write(&l->pm, at - ICH9_GPE0_STS, v);
        else if (at >= ICH9_GPE0_EN && at < ICH9_SMI_EN)
            acpi_gpe_en_write(&l->pm, at - ICH9_GPE0_EN, v);
        else
            l->pm_misc[at] = v;
    }
    acpi_pm_update(&l->pm);
}

static const struct region_ops pm_ops = {pm_read, pm_write, 1, 4};

/* ---- Configuration -------------------------------------------------------------------- */

uint16_t ich9_lpc_pm_base(const struct ich9_lpc *l)
{
    const uint8_t *c = l->pci.config;
    return c[ICH9_ACPI_CNTL] & ACPI_CNTL_EN ? pci_get16(c + ICH9_PMBASE) & 0xff80 : 0;
}

static void map_update(struct ich9_lpc *l)
{
    struct machine *m = l->pci.dev.machine;
    uint16_t pm = ich9_lpc_pm_base(l);
    uint32_t rcba = pci_get32(l->pci.config + ICH9_RCBA);

    region_del(&l->pm_io);
    if (pm)
        region_add(l->pci.bus->io, pm, &l->pm_io, 1);
    region_del(&l->rcrb);
    if (rcba & RCBA_EN)
        region_add(&m->mem_root, rcba & ~(RCBA_SIZE - 1u), &l->rcrb, 1);
}

static void lpc_config_written(struct pci_device *d, unsigned off, unsigned size)
{
    struct ich9_lpc *l = (struct ich9_lpc *)d;

    if (off < ICH9_ACPI_CNTL + 1 || off + size > ICH9_RCBA)
        map_update(l);
    if (off < ICH9_PIRQE + 4 && off + size > ICH9_PIRQA)
        routing_update(l);
}

void ich9_lpc_open(struct ich9_lpc *l)
{
    pci_put16(l->pci.config + ICH9_PMBASE, ACPI_PM_BASE | 1);
    l->pci.config[ICH9_ACPI_CNTL] = ACPI_CNTL_EN;
    map_update(l);
}

/* ---- Life ----------------------------------------------------------------------------- */

static bool lpc_realize(struct pci_device *d, GError **err)
{
    struct ich9_lpc *l = (struct ich9_lpc *)d;
    uint8_t *c = d->config, *w = d->wmask;

    region_init_io(&l->pm_io, "ich9-pm", &pm_ops, l, ICH9_PM_SIZE);
    region_init_io(&l->rcrb, "ich9-rcrb", &cc_ops, l, RCBA_SIZE);
    l->pm.name = "ICH9-LPC";
    l->pm.gpe_mask = UINT64_MAX;
    l->pm.soft_off = 7;
    acpi_pm_init(&l->pm, d->dev.machine);
    l->cf9 = (struct portcf9){.machine = d->dev.machine, .writable = RC_HARD | RC_RESET | RC_FULL};

    pci_put16(c + PCI_COMMAND, PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER);
    pci_put16(w + PCI_COMMAND, PCI_CMD_SERR);
    pci_put16(c + PCI_STATUS, PCI_ST_DEVSEL_MEDIUM);
    c[PCI_HEADER_TYPE] = 0x80;
    c[ICH9_PMBASE] = c[ICH9_GPIOBASE] = 1;
    pci_put16(w + ICH9_PMBASE, 0xff80);
    w[ICH9_ACPI_CNTL] = 0x87;
    pci_put16(w + ICH9_GPIOBASE, 0xffc0);
    for (unsigned i = 0; i < 4; i++) {
        c[ICH9_PIRQA + i] = c[ICH9_PIRQE + i] = ICH9_PIRQ_OFF;
        w[ICH9_PIRQA + i] = w[ICH9_PIRQE + i] = ICH9_PIRQ_OFF | ICH9_PIRQ_IRQ;
    }
    c[ICH9_SIRQ_CNTL] = 0x10;
    w[ICH9_SIRQ_CNTL] = 0xff;
    memset(w + ICH9_LPC_IODEC, 0xff, 0x14); /* decode ranges */
    memset(w + ICH9_GEN_PMCON_1, 0xff, 6);
    pci_put32(w + ICH9_RCBA, ~(RCBA_SIZE - 1u) | RCBA_EN);
    return true;
}

static void lpc_reset(struct pci_device *d)
{
    struct ich9_lpc *l = (struct ich9_lpc *)d;

    l->cf9.rc = 0;
    memset(l->pm_misc, 0, sizeof(l->pm_misc));
    l->pm_misc[ICH9_SMI_EN] = SMI_EN_APMC; /* taken: firmware need not install a handler */
    acpi_pm_reset(&l->pm);
    memset(l->cc, 0, sizeof(l->cc));
    for (unsigned i = 0; i < G_N_ELEMENTS(dir_reg); i++)
        pci_put16(l->cc + dir_reg[i] - ICH9_CC_FIRST, DIR_RESET);
    dir_update(l);
    map_update(l);
    routing_update(l);
}

static void lpc_loaded(struct pci_device *d)
{
    struct ich9_lpc *l = (struct ich9_lpc *)d;

    dir_update(l);
    map_update(l);
    routing_update(l);
    acpi_pm_update(&l->pm);
}

static void lpc_unrealize(struct pci_device *d)
{
    struct ich9_lpc *l = (struct ich9_lpc *)d;

    acpi_pm_fini(&l->pm);
    region_fini(&l->pm_io);
    region_fini(&l->rcrb);
}

static const struct prop lpc_props[] = {PCI_PROPS(struct ich9_lpc, pci), {0}};
static const struct state_field lpc_state[] = {
    PCI_STATE(struct ich9_lpc, pci), ACPI_PM_STATE(struct ich9_lpc, pm),
    STATE_FIELD(struct ich9_lpc, cf9.rc), STATE_BUFFER(struct ich9_lpc, pm_misc),
    STATE_BUFFER(struct ich9_lpc, cc), STATE_END};

const struct pci_device_type ich9_lpc_type = {
    .dev = {.name = "ICH9-LPC", .help = "LPC bridge of the Q35 board",
            .size = sizeof(struct ich9_lpc), .props = lpc_props, .state = lpc_state,
            .internal = true, PCI_TYPE_CALLS},
    .vendor = 0x8086,
    .device = 0x2918,
    .revision = 2,
    .class_code = 0x060100,
    .fixed_addr_plus1 = 0xf8 + 1,
    .realize = lpc_realize,
    .unrealize = lpc_unrealize,
    .reset = lpc_reset,
    .loaded = lpc_loaded,
    .config_written = lpc_config_written,
};

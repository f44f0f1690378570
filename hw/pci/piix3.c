/* SPDX-License-Identifier: MIT */
/*
 * 82371SB PCI ISA IDE Xcelerator (PIIX3), function 0. Intel 290550.
 *
 * Modelled: PIRQRC[A:D] (4.1.10) route the four PCI interrupt wires to ISA interrupts, which
 * reach both the PICs (level by ELCR) and the I/O APIC; reset control (cf9h, 4.2.5.1).
 * Not modelled: ISA timing registers (plain storage), MIRQ and the programmable chip select.
 */
#include "hw/pci/piix3.h"

#include "core/machine.h"
#include "hw/pci/piix_regs.h"

static void routing_update(struct piix3 *p)
{
    uint32_t active = 0;

    for (unsigned n = 0; n < 4; n++) {
        uint8_t r = p->pci.config[PIIX_PIRQRC + n];
        if ((p->pirq_level >> n & 1) && !(r & PIRQRC_OFF))
            active |= 1u << (r & PIRQRC_IRQ);
    }
    for (unsigned irq = 3; irq < 16; irq++) /* 0, 1, 2, 8 and 13 cannot be chosen */
        if (irq != 8 && irq != 13)
            irq_set(p->isa_irq[irq], active >> irq & 1);
}

void piix3_set_pirq(void *piix3, int n, int level)
{
    struct piix3 *p = piix3;

    if (level)
        p->pirq_level |= (uint8_t)(1u << n);
    else
        p->pirq_level &= (uint8_t)~(1u << n);
    routing_update(p);
}

static void piix3_config_written(struct pci_device *d, unsigned off, unsigned size)
{
    if (off < PIIX_PIRQRC + 4 && off + size > PIIX_PIRQRC)
        routing_update((struct piix3 *)d);
}

static bool piix3_realize(struct pci_device *d, GError **err)
{
    static const struct {
        uint8_t reg, reset, wmask;
    } regs[] = {
        {0x4c, 0x4d, 0x7f}, /* IORT */
        {0x4e, 0x03, 0xff}, /* XBCS */
        {0x4f, 0x00, 0x01},
        {0x60, 0x80, 0x8f}, {0x61, 0x80, 0x8f}, {0x62, 0x80, 0x8f}, {0x63, 0x80, 0x8f},
        {0x69, 0x02, 0xfe}, /* TOM */
        {0x6a, 0x00, 0xb7}, /* MSTAT */
        {0x70, 0x80, 0xef}, {0x76, 0x0c, 0x8f}, {0x77, 0x0c, 0x8f}, {0x78, 0x02, 0xff},
        {0x82, 0x00, 0x0f}, {0xa0, 0x08, 0x1f}, {0xa2, 0x00, 0xff}, {0xa3, 0x00, 0xff},
        {0xa8, 0x0f, 0xff},
    };

    ((struct piix3 *)d)->cf9 = (struct portcf9){.machine = d->dev.machine,
                                                .writable = RC_HARD | RC_RESET};
    pci_put16(d->config + PCI_COMMAND, PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER);
    pci_put16(d->wmask + PCI_COMMAND, PCI_CMD_SERR);
    pci_put16(d->config + PCI_STATUS, PCI_ST_DEVSEL_MEDIUM);
    d->config[PCI_HEADER_TYPE] = 0x80;
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        d->config[regs[i].reg] = regs[i].reset;
        d->wmask[regs[i].reg] = regs[i].wmask;
    }
    return true;
}

static void piix3_reset(struct pci_device *d)
{
    struct piix3 *p = (struct piix3 *)d;

    p->cf9.rc = 0;
    routing_update(p);
}

static void piix3_loaded(struct pci_device *d)
{
    routing_update((struct piix3 *)d);
}

static const struct prop piix3_props[] = {PCI_PROPS(struct piix3, pci), {0}};
static const struct state_field piix3_state[] = {
    PCI_STATE(struct piix3, pci), STATE_FIELD(struct piix3, cf9.rc),
    STATE_FIELD(struct piix3, pirq_level), STATE_END};

const struct pci_device_type piix3_type = {
    .dev = {.name = "PIIX3", .help = "ISA bridge of the PC", .size = sizeof(struct piix3),
            .props = piix3_props, .state = piix3_state, .internal = true, PCI_TYPE_CALLS},
    .vendor = 0x8086,
    .device = 0x7000,
    .class_code = 0x060100,
    .fixed_addr_plus1 = 0x08 + 1,
    .realize = piix3_realize,
    .reset = piix3_reset,
    .loaded = piix3_loaded,
    .config_written = piix3_config_written,
};

/* SPDX-License-Identifier: MIT */
/*
 * 82371SB PCI ISA IDE Xcelerator, function 1. Intel 290550, 2.3 and 2.7.
 *
 * Modelled: IDETIM's decode bits open the ports of a channel, the bus master registers. Timings
 * are plain storage.
 */
#include "hw/ide/piix_ide.h"

#include "core/machine.h"

static void decode_update(struct piix_ide *p)
{
    bool io = p->pci.config[PCI_COMMAND] & PCI_CMD_IO;

    as_begin(&p->pci.dev.machine->io);
    for (int i = 0; i < 2; i++) {
        bool on = io && (p->pci.config[PIIX_IDETIM + 2 * i + 1] & IDETIM_DECODE_HI);
        region_set_enabled(&p->channel[i].command_io, on);
        region_set_enabled(&p->channel[i].control_io, on);
    }
    as_commit(&p->pci.dev.machine->io);
}

static void config_written(struct pci_device *d, unsigned off, unsigned size)
{
    if (off < PIIX_IDETIM + 4)
        decode_update((struct piix_ide *)d);
}

static struct address_space *dma_space(struct device *owner)
{
    return pci_dma(to_pci(owner));
}

static const struct ide_link by_ports = {.interrupt = ide_channel_interrupt,
                                         .dma_armed = ide_bm_armed,
                                         .dma_areas = ide_bm_areas,
                                         .dma_short = ide_bm_short,
                                         .dma_ended = ide_bm_ended,
                                         .dma_space = dma_space};

/* What an error had stopped is tried again when the machine goes on. */
static void state_changed(void *arg)
{
    struct piix_ide *p = arg;

    for (int i = 0; i < 4 && machine_running(p->pci.dev.machine); i++)
        if (p->channel[i / 2].drive[i % 2])
            ide_retry(p->channel[i / 2].drive[i % 2]);
}

static bool piix_ide_realize(struct pci_device *d, GError **err)
{
    static const char *const names[] = {"ide.0", "ide.1"};
    static const uint16_t ports[][2] = {{0x1f0, 0x3f6}, {0x170, 0x376}};
    struct piix_ide *p = (struct piix_ide *)d;
    struct machine *m = d->dev.machine;

    pci_put16(d->wmask + PCI_COMMAND, PCI_CMD_IO | PCI_CMD_MASTER);
    pci_put16(d->config + PCI_STATUS, 0x0280);
    pci_put32(d->wmask + PIIX_IDETIM, 0xffffffff);
    d->wmask[PIIX_SIDETIM] = 0xff;
    region_init_container(&p->bm, "piix3-bmdma", 2 * BM_CHANNEL_SIZE);
    for (int i = 0; i < 2; i++) {
        struct ide_channel *c = &p->channel[i];
        ide_channel_init(c, &by_ports, &d->dev, names[i]);
        c->irq = p->irq[i];
        region_add(&p->bm, (uint64_t)i * BM_CHANNEL_SIZE, &c->dma.io, 0);
        region_add(&m->io_root, ports[i][0], &c->command_io, 0);
        region_add(&m->io_root, ports[i][1], &c->control_io, 0);
    }
    pci_add_bar(d, 4, PCI_BAR_IO, &p->bm);
    machine_add_hook(m->on_state_change, state_changed, p);
    decode_update(p);
    return true;
}

static void piix_ide_unrealize(struct pci_device *d)
{
    struct piix_ide *p = (struct piix_ide *)d;

    machine_del_hook(d->dev.machine->on_state_change, state_changed, p);
    for (int i = 0; i < 2; i++)
        ide_channel_fini(&p->channel[i]);
    region_fini(&p->bm);
}

static void piix_ide_reset(struct pci_device *d)
{
    struct piix_ide *p = (struct piix_ide *)d;

    for (int i = 0; i < 2; i++)
        ide_channel_reset(&p->channel[i]);
    decode_update(p);
}

static void piix_ide_loaded(struct pci_device *d)
{
    struct piix_ide *p = (struct piix_ide *)d;

    for (int i = 0; i < 2; i++) {
        p->channel[i].selected &= 1;
        ide_channel_loaded(&p->channel[i]);
    }
    decode_update(p);
}

static const struct prop piix_ide_props[] = {PCI_PROPS(struct piix_ide, pci), {0}};
#define CHANNEL(n)                                                                                 \
    STATE_FIELD(struct piix_ide, channel[n].selected),                                             \
        STATE_FIELD(struct piix_ide, channel[n].control),                                          \
        STATE_FIELD(struct piix_ide, channel[n].irq_level),                                        \
        STATE_FIELD(struct piix_ide, channel[n].dma.command),                                      \
        STATE_FIELD(struct piix_ide, channel[n].dma.status),                                       \
        STATE_FIELD(struct piix_ide, channel[n].dma.prd)
static const struct state_field piix_ide_state[] = {PCI_STATE(struct piix_ide, pci), CHANNEL(0),
                                                    CHANNEL(1), STATE_END};

const struct pci_device_type piix_ide_type = {
    .dev = {.name = "piix3-ide", .help = "IDE controller of the PC",
            .size = sizeof(struct piix_ide), .props = piix_ide_props, .state = piix_ide_state,
            .internal = true, PCI_TYPE_CALLS},
    .vendor = 0x8086,
    .device = 0x7010,
    .class_code = 0x010180,
    .fixed_addr_plus1 = 0x08 + 1 + 1,
    .realize = piix_ide_realize,
    .unrealize = piix_ide_unrealize,
    .reset = piix_ide_reset,
    .loaded = piix_ide_loaded,
    .config_written = config_written,
};

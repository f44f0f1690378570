/* SPDX-License-Identifier: MIT */
/*
 * pvpanic, after QEMU's document "PVPANIC DEVICE": one byte.
 *
 *   read   the events that may be written
 *   write  bit 0: the guest has panicked; bit 1: it has crashed and goes on by itself, to dump
 *          its memory (GUEST_CRASHLOADED)
 *
 * On ISA it is port 505h, which fw_cfg's file "etc/pvpanic-port" and the ACPI device QEMU0001
 * tell; as 1b36:0011 on PCI it is the first byte of BAR 0.
 */
#include "hw/misc/pvpanic.h"

#include "core/action.h"
#include "core/machine.h"
#include "hw/misc/fw_cfg.h"
#include "util/error.h"

enum { PANICKED = 1, CRASHLOADED = 2, PCI_BAR_SIZE = 16 };

static uint64_t pvpanic_read(void *dev, uint64_t off, unsigned size)
{
    return off == 0 ? ((struct pvpanic *)dev)->events : 0;
}

static void pvpanic_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct pvpanic *p = dev;

    if (off != 0)
        return;
    if (val & p->events & PANICKED)
        machine_guest_panicked(p->machine);
    else if (val & p->events & CRASHLOADED)
        machine_guest_crashloaded(p->machine);
}

static const struct region_ops pvpanic_ops = {pvpanic_read, pvpanic_write, 1, 1};

static bool chip_init(struct pvpanic *p, struct machine *m, uint64_t size, GError **err)
{
    if (p->events & ~(PANICKED | CRASHLOADED))
        return error_set(err, "events=%u: 1 (panicked), 2 (crashloaded) or both, 3", p->events);
    p->machine = m;
    region_init_io(&p->reg, "pvpanic", &pvpanic_ops, p, size);
    return true;
}

/* ---- ISA ---------------------------------------------------------------------------------- */

static bool isa_realize(struct device *dev, GError **err)
{
    struct pvpanic_isa *p = (struct pvpanic_isa *)dev;
    struct machine *m = dev->machine;

    if (p->ioport > 0xffff)
        return error_set(err, "ioport=0x%x: ports end at 0xffff", p->ioport);
    if (!chip_init(&p->chip, m, 1, err))
        return false;
    region_add(&m->io_root, p->ioport, &p->chip.reg, 0);
    uint8_t port[2] = {(uint8_t)p->ioport, (uint8_t)(p->ioport >> 8)};
    if (m->fw_cfg)
        fw_cfg_add_file(m->fw_cfg, "etc/pvpanic-port", port, sizeof(port));
    return true;
}

static void isa_unrealize(struct device *dev)
{
    region_fini(&((struct pvpanic_isa *)dev)->chip.reg);
}

static const struct prop isa_props[] = {
    PROP(struct pvpanic_isa, ioport, "ioport", PROP_U32, "0x505", "port"),
    PROP(struct pvpanic_isa, chip.events, "events", PROP_U8, "3",
         "what the guest may report: 1 panic, 2 crash with its own dump, 3 both"),
    {0}};

const struct device_type pvpanic_isa_type = {
    .name = "pvpanic",
    .help = "the guest tells of its panic (ISA)",
    .bus = "ISA",
    .size = sizeof(struct pvpanic_isa),
    .props = isa_props,
    .realize = isa_realize,
    .unrealize = isa_unrealize,
};

/* ---- PCI ---------------------------------------------------------------------------------- */

static bool pvpanic_pci_realize(struct pci_device *d, GError **err)
{
    struct pvpanic_pci *p = (struct pvpanic_pci *)d;

    if (!chip_init(&p->chip, d->dev.machine, PCI_BAR_SIZE, err))
        return false;
    pci_add_bar(d, 0, PCI_BAR_MEM32, &p->chip.reg);
    return true;
}

static void pvpanic_pci_unrealize(struct pci_device *d)
{
    region_fini(&((struct pvpanic_pci *)d)->chip.reg);
}

static const struct prop pvpanic_pci_props[] = {
    PCI_PROPS(struct pvpanic_pci, pci),
    PROP(struct pvpanic_pci, chip.events, "events", PROP_U8, "3",
         "what the guest may report: 1 panic, 2 crash with its own dump, 3 both"),
    {0}};
static const struct state_field pvpanic_pci_state[] = {PCI_STATE(struct pvpanic_pci, pci),
                                                       STATE_END};

const struct pci_device_type pvpanic_pci_type = {
    .dev = {.name = "pvpanic-pci", .help = "the guest tells of its panic (PCI)",
            .size = sizeof(struct pvpanic_pci), .props = pvpanic_pci_props,
            .state = pvpanic_pci_state, PCI_TYPE_CALLS},
    .vendor = 0x1b36,
    .device = 0x0011,
    .revision = 1,
    .class_code = 0x088000,
    .realize = pvpanic_pci_realize,
    .unrealize = pvpanic_pci_unrealize,
};

/* SPDX-License-Identifier: MIT */
/*
 * The chip set of machine "pc": 440FX, PIIX3 and the power management of PIIX4.
 *
 *   00:00.0  440FX host bridge   CF8h, CFCh, shadow RAM
 *   00:01.0  PIIX3               PIRQA to D -> lines; CF9h
 *   00:01.1  PIIX3 IDE           lines 14 and 15
 *   00:01.3  PIIX4               ACPI, SMBus; SCI: line 9
 *
 * RAM ends at C0000000h and goes on at 4 GiB.
 */
#include "hw/ide/piix_ide.h"
#include "hw/pc/board.h"
#include "hw/pci/i440fx.h"
#include "hw/pci/piix3.h"
#include "hw/pci/piix4_pm.h"
#include "hw/pci/piix_regs.h"

#define LOW_RAM_END 0xc0000000ull

static uint64_t low_ram_end(uint64_t ram)
{
    return LOW_RAM_END;
}

static uint64_t uc_base(uint64_t low_ram_end)
{
    return low_ram_end;
}

/* Pin p of slot s: as on boards for this chip set, slot 1 starts at PIRQA. */
static unsigned swizzle(void *arg, unsigned slot, unsigned pin)
{
    return (slot + pin + 3) & 3;
}

static bool bridges(struct board *b, GError **err)
{
    b->host = PC_NEW(b, i440fx, &i440fx_type.dev);
    b->host->conf.root = &b->pci;
    b->host->rom = pc_shadow_rom(b, &b->host->rom_offset);
    if (!pc_chip(&b->host->pci.dev, err))
        return false;
    b->conf = &b->host->conf;

    b->isa = PC_NEW(b, piix3, &piix3_type.dev);
    for (int n = 0; n < 16; n++)
        b->isa->isa_irq[n] = pc_line(b, SRC_PIRQ, n);
    if (!pc_chip(&b->isa->pci.dev, err))
        return false;
    b->pci.swizzle = swizzle;
    for (int n = 0; n < 4; n++)
        b->pci.intx[n] = (struct irq_line){.set = piix3_set_pirq, .sink = b->isa, .n = n};
    b->conf->cf9_read = portcf9_read;
    b->conf->cf9_write = portcf9_write;
    b->conf->cf9_arg = &b->isa->cf9;
    return true;
}

static bool build(struct board *b, GError **err)
{
    struct machine *m = b->dev.machine;

    if (!bridges(b, err))
        return false;
    b->ide = PC_NEW(b, piix_ide, &piix_ide_type.dev);
    b->ide->irq[0] = m->isa_irq[14];
    b->ide->irq[1] = m->isa_irq[15];
    if (!pc_chip(&b->ide->pci.dev, err) || !ide_add_drives(m, err))
        return false;

    b->pm = PC_NEW(b, piix4_pm, &piix4_pm_type.dev);
    b->pm->pm.sci = pc_line(b, SRC_SCI, ACPI_SCI_IRQ);
    if (!pc_chip(&b->pm->pci.dev, err))
        return false;
    region_add(&m->io_root, APM_CNT, &b->pm->pm.apm, 0);
    machine_add_hook(m->on_powerdown, acpi_pm_power_button, &b->pm->pm);
    return true;
}

static void open(struct board *b)
{
    i440fx_open_shadow(b->host);
    piix4_pm_open(b->pm);
    for (unsigned i = 0; i < 4; i++)
        pci_config_write(&b->isa->pci, PIIX_PIRQRC + i, b->chipset->link_irq[i], 1);
    for (unsigned i = 0; i < 2; i++) /* both IDE channels */
        pci_config_write(&b->ide->pci, PIIX_IDETIM + 2 * i, 0x8000, 2);
}

static void describe(struct board *b, bool now, struct acpi_config *c)
{
    c->pm_base = now ? piix4_pm_base(b->pm) : ACPI_PM_BASE;
    c->gpe0 = GPSTS;
    c->gpe0_len = 4;
}

const struct pc_chipset pc_i440fx = {
    .root_bus = "pci.0",
    .ide_units = 2,
    .link_irq = {10, 10, 11, 11},
    .low_ram_end = low_ram_end,
    .uc_base = uc_base,
    .build = build,
    .open = open,
    .describe = describe,
};

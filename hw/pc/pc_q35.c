/* SPDX-License-Identifier: MIT */
/*
 * The chip set of machine "q35": Q35 memory controller hub and ICH9.
 *
 *   00:00.0  MCH                 CF8h, CFCh, the window of PCI Express configuration, shadow RAM
 *   00:1f.0  ICH9 LPC bridge     PIRQA to H -> lines, and pins 16 to 23 of the I/O APIC; ACPI,
 *                                SCI: line 9; CF9h
 *   00:1f.2  ICH9 AHCI           six ports: -drive if=ide
 *   00:1f.3  ICH9 SMBus
 *
 * RAM below 4 GiB ends at 80000000h if there is more of it than fits below the window of PCI
 * Express configuration, B0000000h, where firmware has it.
 */
#include "hw/ide/ahci.h"
#include "hw/pc/board.h"
#include "hw/pci/ich9_lpc.h"
#include "hw/pci/ich9_smbus.h"
#include "hw/pci/mch.h"

#define ECAM_BASE   0xb0000000ull
#define SPLIT       0x80000000ull
#define PIRQ_GSI    16
#define AHCI_ADDR   (0x1f << 3 | 2)

static uint64_t low_ram_end(uint64_t ram)
{
    return ram >= ECAM_BASE ? SPLIT : ECAM_BASE;
}

/* A power of two below 4 GiB; the window is used uncached in any case. */
static uint64_t uc_base(uint64_t low_ram_end)
{
    return low_ram_end == SPLIT ? SPLIT : PC_PCI_FIRST;
}

static bool bridges(struct board *b, GError **err)
{
    b->mch = PC_NEW(b, mch, &mch_type.dev);
    b->mch->conf.root = &b->pci;
    b->mch->low_ram = b->low_ram;
    b->mch->high_ram = b->high_ram;
    b->mch->rom = pc_shadow_rom(b, &b->mch->rom_offset);
    if (!pc_chip(&b->mch->pci.dev, err))
        return false;
    b->conf = &b->mch->conf;

    b->lpc = PC_NEW(b, ich9_lpc, &ich9_lpc_type.dev);
    for (int n = 0; n < 16; n++)
        b->lpc->isa_irq[n] = pc_line(b, SRC_PIRQ, n);
    for (int n = 0; n < ICH9_PIRQS; n++) {
        b->lpc->pirq_gsi[n] = pc_line(b, SRC_PIRQ, PIRQ_GSI + n);
        b->pci.intx[n] = (struct irq_line){.set = ich9_lpc_set_pirq, .sink = b->lpc, .n = n};
    }
    b->lpc->pm.sci = pc_line(b, SRC_SCI, ACPI_SCI_IRQ);
    if (!pc_chip(&b->lpc->pci.dev, err))
        return false;
    b->pci.swizzle = ich9_lpc_swizzle;
    b->pci.swizzle_arg = b->lpc;
    b->conf->cf9_read = portcf9_read;
    b->conf->cf9_write = portcf9_write;
    b->conf->cf9_arg = &b->lpc->cf9;
    return true;
}

static bool build(struct board *b, GError **err)
{
    struct machine *m = b->dev.machine;

    b->pci.express = true;
    if (!bridges(b, err))
        return false;
    region_add(&m->io_root, APM_CNT, &b->lpc->pm.apm, 0);
    machine_add_hook(m->on_powerdown, acpi_pm_power_button, &b->lpc->pm);
    struct ahci *ahci = PC_NEW(b, ahci, &ahci_type.dev);
    ahci->pci.addr = AHCI_ADDR;
    return pc_chip(&ahci->pci.dev, err) && ide_add_drives(m, err) &&
           pc_chip(device_new(m, &ich9_smbus_type.dev), err);
}

static void open(struct board *b)
{
    mch_open(b->mch, ECAM_BASE);
    ich9_lpc_open(b->lpc);
    for (unsigned n = 0; n < ICH9_PIRQS; n++)
        pci_config_write(&b->lpc->pci, n < 4 ? ICH9_PIRQA + n : ICH9_PIRQE + n - 4,
                         b->chipset->link_irq[n], 1);
}

static void describe(struct board *b, bool now, struct acpi_config *c)
{
    c->q35 = true;
    c->pm_base = now ? ich9_lpc_pm_base(b->lpc) : ACPI_PM_BASE;
    c->gpe0 = ICH9_GPE0_STS;
    c->gpe0_len = ICH9_GPE_BITS / 4;
    c->ecam_base = now ? mch_ecam_base(b->mch) : ECAM_BASE;
    c->ecam_last_bus = now ? mch_ecam_last_bus(b->mch) : 255;
}

const struct pc_chipset pc_q35 = {
    .root_bus = "pcie.0",
    .ide_units = 1,
    .link_irq = {10, 10, 11, 11, 10, 10, 11, 11},
    .low_ram_end = low_ram_end,
    .uc_base = uc_base,
    .build = build,
    .open = open,
    .describe = describe,
};

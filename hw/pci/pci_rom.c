/* SPDX-License-Identifier: MIT */
/*
 * Expansion ROM of a PCI function: its image and BAR. PCI Local Bus Specification 3.0, 6.2.5.2
 * and 6.3.
 */
#include <string.h>

#include "core/machine.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bridge.h"
#include "util/error.h"
#include "util/firmware.h"

enum { ROM_ENABLE = 1, ROM_MIN = 2048, ROM_MAX = 16 << 20 };

static struct ram_block *rom_load(const char *path, GError **err)
{
    g_autofree char *data = NULL;
    GError *why = NULL;
    gsize len, size = RAM_PAGE_SIZE;

    if (!g_file_get_contents(path, &data, &len, &why)) {
        error_set(err, "romfile: %s", why->message);
        g_error_free(why);
        return NULL;
    }
    if (len < ROM_MIN / 4 || len > ROM_MAX) {
        error_set(err, "romfile %s: %zu bytes; an option ROM has 512 bytes to 16 MiB", path, len);
        return NULL;
    }
    while (size < len)
        size *= 2;
    struct ram_block *ram = ram_block_new("pci.rom", size, err);
    if (ram)
        memcpy(ram->host, data, len);
    return ram;
}

bool pci_rom_init(struct pci_device *d, GError **err)
{
    const char *list = d->dev.machine->config->firmware_path;
    const char *name = d->romfile ? d->romfile : pci_type(d)->romfile;

    if (!name || !*name || !d->rombar)
        return true;
    /* A default ROM is only for firmware, which comes from the same place. */
    g_autofree char *path = firmware_find(list ? list : "", name, d->romfile ? err : NULL);
    if (!path)
        return d->romfile ? error_prefix(err, "romfile") : true;
    struct ram_block *ram = rom_load(path, err);
    if (!ram)
        return false;
    machine_add_ram(d->dev.machine, ram);
    region_init_ram(&d->rom, "pci-rom", ram, 0, ram->size, true);
    pci_put32(d->wmask + PCI_ROM_BAR, (uint32_t)~(ram->size - 1) | ROM_ENABLE);
    return true;
}

void pci_rom_update(struct pci_device *d)
{
    uint32_t bar = pci_get32(d->config + PCI_ROM_BAR);
    uint32_t addr = bar & ~(uint32_t)(ROM_MIN - 1);
    bool on = bar & ROM_ENABLE && addr && pci_get16(d->config + PCI_COMMAND) & PCI_CMD_MEM &&
              addr + d->rom.size - 1 < UINT32_MAX &&
              pci_bus_reachable(d->bus, false, addr, addr + d->rom.size - 1);

    if (!d->rom.size)
        return;
    if (d->rom.parent && (!on || d->rom.addr != addr))
        region_del(&d->rom);
    if (on && !d->rom.parent)
        region_add(d->bus->mem, addr, &d->rom, 1);
}

void pci_rom_fini(struct pci_device *d)
{
    if (d->rom.size)
        region_fini(&d->rom);
}

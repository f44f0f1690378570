/* SPDX-License-Identifier: MIT */
/*
 * Firmware in flash memory: -drive if=pflash,unit=0 ends at 4 GiB, unit 1 (its variables) right
 * below; or the nodes of -machine pflash0=, pflash1=.
 */
#include <string.h>

#include "block/drive.h"
#include "hw/pc/board.h"
#include "util/error.h"

#define FLASH_MAX (16ull << 20) /* of all: the I/O APIC is below */

/* The disk of that unit; NULL with *err unset: there is none. */
static struct blk *find_blk(struct machine *m, unsigned unit, GError **err)
{
    g_autofree char *key = g_strdup_printf("pflash%u", unit);
    GHashTable *opts = m->config->machine_opts;
    const char *node = opts ? g_hash_table_lookup(opts, key) : NULL;
    struct drive *d;

    if (node) {
        struct blk *blk = m->drive_claim ? m->drive_claim(m, node, err) : NULL;
        if (!blk && (!err || !*err))
            error_set(err, "there is no block node '%s'; -blockdev makes one", node);
        if (!blk)
            error_prefix(err, "-machine %s=%s", key, node);
        return blk;
    }
    for (unsigned i = 0; (d = drive_nth(m, i)); i++)
        if (d->iface == DRIVE_PFLASH && d->index == unit) {
            d->used = true;
            return d->blk;
        }
    return NULL;
}

static bool plug(struct board *b, unsigned unit, struct blk *blk, GError **err)
{
    struct pflash *f = PC_NEW(b, pflash, &pflash_type);

    f->blk = blk;
    b->flash_bytes += blk_size(blk);
    if (b->flash_bytes > FLASH_MAX) {
        device_free(&f->dev);
        return error_set(err, "pflash: more than 16 MiB of flash memory");
    }
    if (!pc_chip(&f->dev, err))
        return false;
    b->flash[unit] = f;
    region_add(&b->pci_mem, PC_HIGH_RAM - b->flash_bytes, &f->mem, 0);
    return true;
}

bool pc_flash_build(struct board *b, GError **err)
{
    for (unsigned unit = 0; unit < PC_FLASHES; unit++) {
        GError *why = NULL;
        struct blk *blk = find_blk(b->dev.machine, unit, &why);
        if (why) {
            g_propagate_error(err, why);
            return false;
        }
        if (!blk)
            continue;
        if (unit && !b->flash[unit - 1])
            return error_set(err, "pflash: there is a unit %u but no unit %u", unit, unit - 1);
        if (b->dev.machine->config->bios)
            return error_set(err, "-bios: the firmware is in flash memory already (pflash)");
        if (!plug(b, unit, blk, err))
            return false;
    }
    return true;
}

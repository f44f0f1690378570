/* SPDX-License-Identifier: MIT */
/*
 * Bus master IDE (SFF-8038i 1.0): the registers of a channel, and its table of physical regions.
 */
#include "core/machine.h"
#include "hw/ide/ide.h"

#define PRDS 8192 /* a table has 64 KiB */

/* ---- The table ------------------------------------------------------------------------ */

int64_t ide_bm_areas(struct ide_drive *d, uint64_t len, GArray *areas)
{
    struct ide_channel *c = d->channel;
    struct address_space *as = c->link->dma_space(c->owner);
    uint64_t has = 0;
    bool last = false;

    for (unsigned i = 0; i < PRDS && !last && has < len; i++) {
        uint32_t addr = as_ld32(as, (uint64_t)c->dma.prd + 8 * i);
        uint32_t word = as_ld32(as, (uint64_t)c->dma.prd + 8 * i + 4);
        uint64_t n = word & 0xfffe ? word & 0xfffe : 0x10000;
        struct ide_dma_area a = {addr & ~1u, MIN(n, len - has)};
        last = word >> 31;
        has += n;
        g_array_append_val(areas, a);
    }
    return has >= len ? (int64_t)(has - len) : -1;
}

bool ide_bm_armed(const struct ide_channel *c)
{
    return c->dma.command & BMC_START;
}

/* 3.1: a table that is too small ends the bus master without an interrupt. */
void ide_bm_short(struct ide_drive *d)
{
    d->channel->dma.status &= (uint8_t)~BMS_ACTIVE;
}

/* A table with more than the transfer leaves the bus master active. */
void ide_bm_ended(struct ide_channel *c, bool all)
{
    if (all)
        c->dma.status &= (uint8_t)~BMS_ACTIVE;
}

/* ---- Registers ------------------------------------------------------------------------ */

static uint64_t bm_read(void *dev, uint64_t off, unsigned size)
{
    struct ide_channel *c = dev;

    switch (off) {
    case BM_COMMAND:
        return c->dma.command;
    case BM_STATUS:
        return c->dma.status;
    case BM_PRD:
    case BM_PRD + 1:
    case BM_PRD + 2:
    case BM_PRD + 3:
        return c->dma.prd >> (8 * (off - BM_PRD));
    }
    return 0;
}

static void command_write(struct ide_channel *c, uint8_t v)
{
    bool starts = (v & BMC_START) && !(c->dma.command & BMC_START);

    c->dma.command = v & (BMC_START | BMC_TO_MEMORY);
    if (!(v & BMC_START))
        c->dma.status &= (uint8_t)~BMS_ACTIVE;
    if (!starts)
        return;
    c->dma.status |= BMS_ACTIVE;
    for (int i = 0; i < 2; i++) {
        struct ide_drive *d = c->drive[i];
        if (d && d->dma_ready && !d->busy && !d->retry)
            ide_dma_start(d);
    }
}

static void bm_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct ide_channel *c = dev;
    uint8_t v = (uint8_t)val;
    unsigned shift;

    switch (off) {
    case BM_COMMAND:
        command_write(c, v);
        break;
    case BM_STATUS:
        c->dma.status &= (uint8_t)~(v & (BMS_ERROR | BMS_INTR));
        c->dma.status = (uint8_t)((c->dma.status & ~BMS_CAPABLE) | (v & BMS_CAPABLE));
        break;
    case BM_PRD:
    case BM_PRD + 1:
    case BM_PRD + 2:
    case BM_PRD + 3:
        shift = 8 * (unsigned)(off - BM_PRD);
        c->dma.prd = (c->dma.prd & ~(0xffu << shift)) | (uint32_t)v << shift;
        c->dma.prd &= ~3u;
        break;
    }
}

static const struct region_ops bm_ops = {bm_read, bm_write, 1, 1};

void ide_bm_init(struct ide_channel *c, const char *name)
{
    region_init_io(&c->dma.io, name, &bm_ops, c, BM_CHANNEL_SIZE);
}

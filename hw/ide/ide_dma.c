/* SPDX-License-Identifier: MIT */
/*
 * Bus master IDE (SFF-8038i 1.0): a table of physical regions in memory, walked before the
 * transfer; the data then moves between the disk and memory without a copy where all of it is
 * RAM.
 */
#include <string.h>

#include "core/machine.h"
#include "hw/ide/ide.h"

/* ---- The table ------------------------------------------------------------------------ */

static bool collect(struct ide_drive *d, uint64_t len)
{
    struct ide_channel *c = d->channel;
    struct address_space *as = c->dma_space(c->owner);
    GArray *areas = g_array_new(FALSE, FALSE, sizeof(struct ide_dma_area));
    uint64_t sum = 0;
    bool last = false;

    for (unsigned i = 0; i < IDE_PRDS && !last && sum < len; i++) {
        uint32_t addr = as_ld32(as, (uint64_t)c->dma.prd + 8 * i);
        uint32_t word = as_ld32(as, (uint64_t)c->dma.prd + 8 * i + 4);
        uint64_t n = word & 0xfffe ? word & 0xfffe : 0x10000;
        struct ide_dma_area a = {addr & ~1u, MIN(n, len - sum)};
        last = word >> 31;
        d->dma_len += n; /* what the table has, as far as it was read */
        sum += a.len;
        g_array_append_val(areas, a);
    }
    d->niov = areas->len;
    d->areas = (struct ide_dma_area *)(void *)g_array_free(areas, FALSE);
    return sum == len;
}

static bool map_directly(struct ide_drive *d)
{
    struct address_space *as = d->channel->dma_space(d->channel->owner);

    for (unsigned i = 0; i < d->niov; i++) {
        void *p = as_ptr(as, d->areas[i].addr, d->areas[i].len, d->dma_to_memory);
        if (!p)
            return false;
        d->iov[i] = (struct iovec){p, d->areas[i].len};
    }
    return true;
}

static void map_bounce(struct ide_drive *d, uint64_t len)
{
    struct address_space *as = d->channel->dma_space(d->channel->owner);
    uint64_t at = 0;

    d->bounce = g_malloc(len);
    for (unsigned i = 0; i < d->niov; i++) {
        d->iov[i] = (struct iovec){d->bounce + at, d->areas[i].len};
        if (!d->dma_to_memory)
            as_read(as, d->areas[i].addr, d->bounce + at, d->areas[i].len);
        at += d->areas[i].len;
    }
}

bool ide_dma_map(struct ide_drive *d, uint64_t len, bool to_memory)
{
    d->dma_to_memory = to_memory;
    d->dma_len = 0;
    if (!collect(d, len)) {
        /* 3.1: a table that is too small ends the bus master without an interrupt. */
        d->channel->dma.status &= (uint8_t)~BMS_ACTIVE;
        guest_warn(&d->channel->machine->log, d->dev.path, "DMA table smaller than the transfer");
        ide_dma_unmap(d, false);
        return false;
    }
    d->iov = g_new(struct iovec, MAX(d->niov, 1));
    if (!map_directly(d))
        map_bounce(d, len);
    d->dma_len -= len; /* what is too much */
    return true;
}

/* The data came after the pages were looked up: they are dirty, and code in them stale, now. */
static void arrived(struct ide_drive *d)
{
    struct address_space *as = d->channel->dma_space(d->channel->owner);

    for (unsigned i = 0; i < d->niov; i++) {
        if (d->bounce)
            as_write(as, d->areas[i].addr, d->iov[i].iov_base, d->areas[i].len);
        else
            as_ptr(as, d->areas[i].addr, d->areas[i].len, true);
    }
}

void ide_dma_unmap(struct ide_drive *d, bool ok)
{
    if (ok && d->dma_to_memory && d->iov)
        arrived(d);
    g_clear_pointer(&d->areas, g_free);
    g_clear_pointer(&d->iov, g_free);
    g_clear_pointer(&d->bounce, g_free);
    d->niov = 0;
}

bool ide_dma_reply(struct ide_drive *d, const void *buf, uint64_t len)
{
    const uint8_t *p = buf;

    if (!ide_dma_map(d, len, true))
        return false;
    for (unsigned i = 0; i < d->niov; i++) {
        memcpy(d->iov[i].iov_base, p, d->iov[i].iov_len);
        p += d->iov[i].iov_len;
    }
    ide_dma_unmap(d, true);
    return true;
}

/* ---- Start and end -------------------------------------------------------------------- */

static void start(struct ide_drive *d)
{
    if (d->cdrom)
        atapi_dma_start(d);
    else
        ata_dma_start(d);
}

void ide_dma_ready(struct ide_drive *d)
{
    d->dma_ready = true;
    d->status = ST_BSY | ST_RDY;
    if (d->channel->dma.command & BMC_START)
        start(d);
}

void ide_dma_end(struct ide_drive *d, bool error)
{
    struct ide_dma *dma = &d->channel->dma;

    if (d->dma_len == 0 || error) /* a larger table leaves the bus master active */
        dma->status &= (uint8_t)~BMS_ACTIVE;
    ide_command_done(d);
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
            start(d);
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

void ide_dma_init(struct ide_channel *c, const char *name)
{
    region_init_io(&c->dma.io, name, &bm_ops, c, BM_CHANNEL_SIZE);
}

/* SPDX-License-Identifier: MIT */
/*
 * DMA of a drive: the guest's table of memory is walked before the transfer (by the link, which
 * knows its format); the data then moves between the disk and memory without a copy where all of
 * it is RAM.
 */
#include <string.h>

#include "core/machine.h"
#include "hw/ide/ide.h"

/* ---- Memory --------------------------------------------------------------------------- */

static struct address_space *space(struct ide_drive *d)
{
    return d->channel->link->dma_space(d->channel->owner);
}

static bool collect(struct ide_drive *d, uint64_t len)
{
    GArray *areas = g_array_new(FALSE, FALSE, sizeof(struct ide_dma_area));

    d->dma_rest = d->channel->link->dma_areas(d, len, areas);
    d->niov = areas->len;
    d->areas = (struct ide_dma_area *)(void *)g_array_free(areas, FALSE);
    return d->dma_rest >= 0;
}

static bool map_directly(struct ide_drive *d)
{
    struct address_space *as = space(d);

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
    struct address_space *as = space(d);
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
    if (!collect(d, len)) {
        guest_warn(&d->channel->machine->log, d->dev.path, "DMA table smaller than the transfer");
        ide_dma_unmap(d, false);
        d->channel->link->dma_short(d);
        return false;
    }
    d->iov = g_new(struct iovec, MAX(d->niov, 1));
    if (!map_directly(d))
        map_bounce(d, len);
    return true;
}

/* The data came after the pages were looked up: they are dirty, and code in them stale, now. */
static void arrived(struct ide_drive *d)
{
    struct address_space *as = space(d);

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

void ide_dma_start(struct ide_drive *d)
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
    if (d->channel->link->dma_armed(d->channel))
        ide_dma_start(d);
}

void ide_dma_end(struct ide_drive *d, bool error)
{
    d->channel->link->dma_ended(d->channel, d->dma_rest == 0 || error);
    ide_command_done(d);
}

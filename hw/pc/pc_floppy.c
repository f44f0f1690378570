/* SPDX-License-Identifier: MIT */
/* The ISA bus's DMA, and floppy drives where -fda, -fdb or -drive if=floppy ask for some. */
#include "block/drive.h"
#include "hw/block/fdc.h"
#include "hw/misc/i8237.h"
#include "hw/pc/board.h"
#include "util/error.h"

enum { FDC_PORT = 0x3f0, FDC_DIR_PORT = 0x3f7, FDC_IRQ = 6, FDC_DMA = 2 };

static bool make_dma(struct board *b, GError **err)
{
    struct region *io = &b->dev.machine->io_root;

    b->dma = PC_NEW(b, i8237, &i8237_type);
    if (!pc_chip(&b->dma->dev, err))
        return false;
    region_add(io, 0x00, &b->dma->io[0], 0);
    region_add(io, 0xc0, &b->dma->io[1], 0);
    region_add(io, 0x80, &b->dma->page_io, 0);
    return true;
}

/* The drive of that index, or NULL. */
static struct drive *find(struct machine *m, unsigned index)
{
    struct drive *d;

    for (unsigned i = 0; (d = drive_nth(m, i)); i++)
        if (d->iface == DRIVE_FLOPPY && d->index == index)
            return d;
    return NULL;
}

bool pc_floppy(struct board *b, GError **err)
{
    struct machine *m = b->dev.machine;
    bool any = false;

    if (!make_dma(b, err))
        return false;
    for (unsigned n = 0; n < FDC_DRIVES; n++)
        any |= find(m, n) != NULL;
    if (!any)
        return true;
    struct fdc *f = PC_NEW(b, fdc, &fdc_type);
    f->irq = m->isa_irq[FDC_IRQ];
    f->dma = b->dma;
    f->channel = FDC_DMA;
    for (unsigned n = 0; n < FDC_DRIVES; n++) {
        struct drive *d = find(m, n);
        if (d)
            fdc_add_drive(f, n, d->blk);
        if (d)
            d->used = true;
    }
    if (!pc_chip(&f->dev, err))
        return error_prefix(err, "floppy disk");
    b->fdc = f;
    region_add(&m->io_root, FDC_PORT, &f->io, 0);
    region_add(&m->io_root, FDC_DIR_PORT, &f->dir, 0);
    return true;
}

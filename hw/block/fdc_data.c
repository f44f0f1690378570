/* SPDX-License-Identifier: MIT */
/*
 * The data commands of the 82078: a sector at a time between the medium, which answers from the
 * main loop, and the DMA controller or the FIFO.
 *
 *   READ    medium -> sector -> DMA     WRITE   DMA -> sector -> medium
 *           until the terminal count, or sector EOT of the last side
 */
#include <errno.h>
#include <string.h>

#include "core/machine.h"
#include "hw/block/fdc.h"
#include "hw/block/fdc_regs.h"
#include "hw/misc/i8237.h"

static void next_sector(struct fdc *f);

/* ---- The end -------------------------------------------------------------------------------- */

void fdc_data_end(struct fdc *f, unsigned st0, unsigned st1, unsigned st2)
{
    uint8_t drive = f->fifo[1] & 3;

    f->fifo[0] = (uint8_t)(st0 | drive | (f->side ? ST0_HEAD : 0));
    f->fifo[1] = (uint8_t)st1;
    f->fifo[2] = (uint8_t)st2;
    f->fifo[3] = f->c;
    f->fifo[4] = f->h;
    f->fifo[5] = f->r;
    f->fifo[6] = 2;
    fdc_results(f, 7);
    fdc_raise(f, true);
}

static void fail(struct fdc *f, unsigned st1, unsigned st2)
{
    fdc_data_end(f, ST0_ABNORMAL, st1, st2);
}

/* On to the sector behind this one; false: that was the last of the cylinder (data sheet, table
 * of result phases). */
static bool advance(struct fdc *f)
{
    if (f->r != f->eot) {
        f->r++;
        return true;
    }
    f->r = 1;
    if (f->multi) {
        f->h ^= 1;
        if (f->h)
            return true;
    }
    f->c++;
    return false;
}

/* ---- The medium ----------------------------------------------------------------------------- */

/* Is there such a sector under the head? If not, the command has ended. */
static bool find_sector(struct fdc *f)
{
    const struct fdc_drive *d = fdc_selected(f);

    f->side = f->h;
    if (!d->tracks || (f->dsr & DSR_RATE) != d->rate || d->track >= d->tracks ||
        f->h >= d->heads)
        fail(f, ST1_MISSING_AM, 0);
    else if (f->c != d->track)
        fail(f, ST1_NO_DATA, ST2_WRONG_CYLINDER);
    else if (!f->r || f->r > d->sectors)
        fail(f, ST1_NO_DATA, 0);
    else
        return true;
    return false;
}

static void submit(struct fdc *f, void (*done)(struct blk_req *req, int result))
{
    const struct fdc_drive *d = fdc_selected(f);
    uint64_t sector = ((uint64_t)d->track * d->heads + f->h) * d->sectors + f->r - 1;

    f->iov = (struct iovec){f->sector, FDC_SECTOR};
    f->req = (struct blk_req){.op = f->writes ? BLK_WRITE : BLK_READ, .off = sector * FDC_SECTOR,
                              .len = FDC_SECTOR, .iov = &f->iov, .niov = 1, .done = done,
                              .arg = f};
    f->busy = true;
    if (f->req.off + FDC_SECTOR <= blk_size(d->blk)) {
        blk_submit(d->blk, &f->req);
        return;
    }
    /* Behind the end of an image that is shorter than its format: empty, and stays so. */
    memset(f->sector, 0, sizeof(f->sector));
    done(&f->req, f->writes ? -ENOSPC : 0);
}

/* ---- Sector by sector ----------------------------------------------------------------------- */

static void sector_ended(struct fdc *f)
{
    bool more = advance(f);

    if (f->tc)
        fdc_data_end(f, 0, 0, 0);
    else if (!more)
        fail(f, f->verifies ? 0 : ST1_END, 0);
    else
        next_sector(f);
}

static void read_done(struct blk_req *req, int result)
{
    struct fdc *f = req->arg;

    f->busy = false;
    if (f->phase != FDC_EXECUTION)
        return;
    if (result < 0) {
        fail(f, ST1_DATA_ERROR, 0);
    } else if (f->pio) {
        f->pos = 0;
        fdc_raise(f, true);
    } else {
        if (!f->verifies && i8237_transfer(f->dma, f->channel, f->sector, FDC_SECTOR, true,
                                           &f->tc) < FDC_SECTOR && !f->tc)
            f->tc = true; /* the channel is shut: an overrun is all there is */
        sector_ended(f);
    }
}

static void write_done(struct blk_req *req, int result)
{
    struct fdc *f = req->arg;

    f->busy = false;
    if (f->phase != FDC_EXECUTION)
        return;
    if (result < 0)
        fail(f, ST1_DATA_ERROR, 0);
    else if (f->formats && --f->left == 0)
        fdc_data_end(f, 0, 0, 0);
    else if (f->formats)
        next_sector(f);
    else
        sector_ended(f);
}

/* FORMAT takes four bytes for each sector: C, H, R, N. */
static void next_format(struct fdc *f)
{
    uint8_t id[4] = {0};
    bool tc;

    i8237_transfer(f->dma, f->channel, id, sizeof(id), false, &tc);
    f->c = id[0];
    f->h = id[1];
    f->r = id[2];
    memset(f->sector, f->filler, sizeof(f->sector));
    if (find_sector(f))
        submit(f, write_done);
}

static void next_sector(struct fdc *f)
{
    if (f->formats) {
        next_format(f);
    } else if (!find_sector(f)) {
        ;
    } else if (!f->writes) {
        submit(f, read_done);
    } else if (f->pio) {
        f->pos = 0;
        fdc_raise(f, true);
    } else {
        memset(f->sector, 0, sizeof(f->sector));
        if (i8237_transfer(f->dma, f->channel, f->sector, FDC_SECTOR, false, &f->tc) <
            FDC_SECTOR)
            f->tc = true;
        submit(f, write_done);
    }
}

static void start(struct fdc *f, bool writes)
{
    const struct fdc_drive *d = fdc_selected(f);

    f->writes = writes;
    f->side = f->h;
    f->pio = (f->specify[1] & 1) || !(f->dor & DOR_DMA);
    f->tc = f->busy = false;
    f->phase = FDC_EXECUTION;
    if ((f->fifo[1] & 3) >= FDC_DRIVES || !d->blk)
        fail(f, ST1_MISSING_AM, 0);
    else if (writes && d->tracks && blk_read_only(d->blk))
        fail(f, ST1_NOT_WRITABLE, 0);
    else
        next_sector(f);
}

void fdc_data_command(struct fdc *f)
{
    uint8_t code = f->fifo[0] & CMD_MASK;
    struct fdc_drive *d = fdc_selected(f);

    f->c = f->fifo[2];
    f->h = f->fifo[3] & 1;
    f->r = code == CMD_READ_TRACK ? 1 : f->fifo[4];
    f->eot = f->fifo[6];
    f->side = f->h;
    f->multi = f->fifo[0] & CMD_MT;
    f->verifies = code == CMD_VERIFY;
    f->formats = false;
    if ((f->config & CONFIG_IMPLIED_SEEK) && d->blk && d->track != f->c)
        fdc_move_head(f, d, f->c);
    if (f->fifo[5] != 2)
        fail(f, ST1_NO_DATA, 0); /* no sector has that size */
    else
        start(f, code == CMD_WRITE || code == CMD_WRITE_DELETED);
}

void fdc_format_command(struct fdc *f)
{
    f->left = f->fifo[3];
    f->filler = f->fifo[5];
    f->h = f->fifo[1] >> 2 & 1;
    f->formats = true;
    f->verifies = false;
    if (f->fifo[2] != 2 || !f->left)
        fail(f, ST1_MISSING_AM, 0);
    else
        start(f, true);
}

void fdc_read_id(struct fdc *f)
{
    const struct fdc_drive *d = fdc_selected(f);

    f->c = d->track;
    f->h = f->fifo[1] >> 2 & 1;
    f->r = 1;
    if ((f->fifo[1] & 3) < FDC_DRIVES && d->blk) {
        if (find_sector(f))
            fdc_data_end(f, 0, 0, 0);
    } else {
        fail(f, ST1_MISSING_AM, 0);
    }
}

/* ---- Through the FIFO ----------------------------------------------------------------------- */

uint8_t fdc_pio_read(struct fdc *f)
{
    if (!f->pio || f->busy || f->writes)
        return 0;
    uint8_t v = f->sector[f->pos++];
    fdc_raise(f, false);
    if (f->pos == FDC_SECTOR) {
        f->pos = 0;
        sector_ended(f);
    }
    return v;
}

void fdc_pio_write(struct fdc *f, uint8_t v)
{
    if (!f->pio || f->busy || !f->writes || f->formats)
        return;
    fdc_raise(f, false);
    f->sector[f->pos++] = v;
    if (f->pos == FDC_SECTOR) {
        f->pos = 0;
        submit(f, write_done);
    }
}

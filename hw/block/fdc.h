/* SPDX-License-Identifier: MIT */
/*
 * 82078 floppy disk controller with up to two drives.
 *
 * Set `irq`, `dma` and `channel`, give it drives with fdc_add_drive(), realize; map `io` (6 ports)
 * at 3F0h and `dir` (1) at 3F7h. Machine lock.
 */
#ifndef HW_BLOCK_FDC_H
#define HW_BLOCK_FDC_H

#include "block/block.h"
#include "core/clock.h"
#include "core/device.h"
#include "core/irq.h"
#include "core/region.h"

struct i8237;

enum { FDC_DRIVES = 2, FDC_SECTOR = 512, FDC_FIFO_MAX = 16 };
/* What CMOS says of a drive. */
enum fdc_drive_type { FDC_NONE, FDC_360K, FDC_1200K, FDC_720K, FDC_1440K, FDC_2880K };
enum fdc_phase { FDC_IDLE, FDC_COMMAND, FDC_EXECUTION, FDC_RESULT };

struct fdc_drive {
    struct blk *blk; /* NULL: no drive */
    uint8_t type;    /* enum fdc_drive_type */
    uint8_t track;
    bool changed;    /* the medium, since the head last moved */
    /* the medium's; 0: there is none */
    uint8_t tracks, heads, sectors, rate;
};

struct fdc {
    struct device dev;
    struct irq_line irq;
    struct i8237 *dma;
    unsigned channel;
    struct region io, dir;
    struct timer timer; /* the end of a seek or a reset */
    struct fdc_drive drive[FDC_DRIVES];

    uint8_t dor, dsr, tdr;
    uint8_t phase;      /* enum fdc_phase */
    uint8_t fifo[FDC_FIFO_MAX], fifo_pos, fifo_len;
    bool raised;        /* the interrupt pin, before the DMA gate */
    uint8_t st0;        /* what SENSE INTERRUPT tells */
    uint8_t sense_left; /* drives that are still to be told of after a reset */
    bool seek_ended;
    uint8_t specify[2], config, pretrack, perpendicular;
    bool lock;
    /* a data command */
    uint8_t c, h, r, eot, side; /* side: of the last sector */
    bool multi, writes, verifies, formats, pio;
    uint8_t left;       /* FORMAT: sectors */
    uint8_t filler;
    uint16_t pos;       /* in `sector`, by PIO */
    bool tc;
    uint8_t sector[FDC_SECTOR];
    /* the host's side */
    struct blk_req req;
    struct iovec iov;
    bool busy;          /* req is under way */
};

extern const struct device_type fdc_type;

void fdc_add_drive(struct fdc *f, unsigned n, struct blk *blk);
/* The byte of CMOS 10h. */
uint8_t fdc_cmos_types(const struct fdc *f);

/* ---- Between fdc.c and fdc_data.c ---- */
void fdc_data_command(struct fdc *f);           /* READ, WRITE, VERIFY, READ TRACK */
void fdc_format_command(struct fdc *f);
void fdc_read_id(struct fdc *f);
void fdc_data_end(struct fdc *f, unsigned st0, unsigned st1, unsigned st2);
uint8_t fdc_pio_read(struct fdc *f);
void fdc_pio_write(struct fdc *f, uint8_t v);
void fdc_move_head(struct fdc *f, struct fdc_drive *d, unsigned track);
void fdc_raise(struct fdc *f, bool level);
void fdc_results(struct fdc *f, unsigned n);    /* that many bytes of fifo */
static inline struct fdc_drive *fdc_selected(struct fdc *f)
{
    return &f->drive[f->fifo[1] & (FDC_DRIVES - 1)];
}

#endif

/* SPDX-License-Identifier: MIT */
/* Commands of an ATA device (ATA/ATAPI-6, chapter 8); packet devices abort most of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/machine.h"
#include "hw/ide/ide.h"

#define SECTOR 512

/* ---- Requests to the block layer -------------------------------------------------------- */

static void request_done(struct blk_req *r, int result)
{
    struct ide_drive *d = r->arg;

    d->done(r, result);
    if (d->channel->link->progress)
        d->channel->link->progress(d);
}

void ide_submit(struct ide_drive *d, enum blk_op op, uint64_t off, uint64_t len,
                const struct iovec *iov, unsigned niov, void (*done)(struct blk_req *r, int rc))
{
    d->busy = true;
    d->status |= ST_BSY;
    d->done = done;
    d->req = (struct blk_req){.op = op, .off = off, .len = len, .iov = iov, .niov = niov,
                              .done = request_done, .arg = d, .flags = BLK_MAY_UNMAP};
    blk_submit(d->blk, &d->req);
}

static void stop_for_error(struct ide_drive *d, int result)
{
    log_write(&d->channel->machine->log,
              "hostel: %s: '%s': %s; the machine is stopped, 'cont' tries again\n", d->dev.path,
              blk_filename(d->blk), g_strerror(-result));
    d->retry = true;
    machine_request_pause(d->channel->machine);
}

bool ide_finish_request(struct blk_req *r, int *result, bool write)
{
    struct ide_drive *d = r->arg;

    d->busy = false;
    if (d->reset_wanted) {
        ide_dma_unmap(d, false);
        ide_drive_reset(d);
        return false;
    }
    if (*result >= 0)
        return true;
    switch (blk_error_action(d->blk, write, *result)) {
    case BLK_IGNORE:
        *result = 0;
        return true;
    case BLK_STOP:
        ide_dma_unmap(d, false);
        stop_for_error(d, *result);
        return false;
    default:
        return true;
    }
}

/* ---- Addresses ------------------------------------------------------------------------ */

static bool is_ext(uint8_t command)
{
    switch (command) {
    case ATA_READ_EXT:
    case ATA_READ_DMA_EXT:
    case ATA_READ_MULTIPLE_EXT:
    case ATA_WRITE_EXT:
    case ATA_WRITE_DMA_EXT:
    case ATA_WRITE_MULTIPLE_EXT:
    case ATA_WRITE_DMA_FUA_EXT:
    case ATA_VERIFY_EXT:
    case ATA_NATIVE_MAX_EXT:
        return true;
    }
    return false;
}

static uint64_t blocks(const struct ide_drive *d)
{
    return blk_size(d->blk) / SECTOR;
}

/* The first sector; UINT64_MAX when there is none of that address. */
static uint64_t get_lba(const struct ide_drive *d)
{
    uint64_t low = d->low | (uint64_t)d->mid << 8 | (uint64_t)d->high << 16;

    if (is_ext(d->command))
        return low | (uint64_t)d->hob_low << 24 | (uint64_t)d->hob_mid << 32 |
               (uint64_t)d->hob_high << 40;
    if (d->device & DEV_LBA)
        return low | (uint64_t)(d->device & 15) << 24;
    unsigned head = d->device & 15, cylinder = d->mid | d->high << 8;
    if (!d->low || d->low > d->sectors || head >= d->heads)
        return UINT64_MAX;
    return ((uint64_t)cylinder * d->heads + head) * d->sectors + d->low - 1;
}

static void put_lba(struct ide_drive *d, uint64_t lba)
{
    if (is_ext(d->command)) {
        d->hob_low = (uint8_t)(lba >> 24);
        d->hob_mid = (uint8_t)(lba >> 32);
        d->hob_high = (uint8_t)(lba >> 40);
    } else if (d->device & DEV_LBA) {
        d->device = (uint8_t)((d->device & ~15) | (lba >> 24 & 15));
    } else if (d->heads && d->sectors) {
        uint64_t track = lba / d->sectors;
        d->device = (uint8_t)((d->device & ~15) | track % d->heads);
        uint64_t cylinder = track / d->heads;
        lba = (lba % d->sectors + 1) | (cylinder & 0xffff) << 8;
    }
    d->low = (uint8_t)lba;
    d->mid = (uint8_t)(lba >> 8);
    d->high = (uint8_t)(lba >> 16);
}

/* Take address and count from the registers; aborts what is not on the disk. */
static bool take_range(struct ide_drive *d)
{
    uint32_t n = d->count;

    if (is_ext(d->command)) {
        n |= (uint32_t)d->hob_count << 8;
        d->left = n ? n : 65536;
    } else {
        d->left = n ? n : 256;
    }
    d->lba = get_lba(d);
    if (d->lba >= blocks(d) || d->left > blocks(d) - d->lba) {
        ide_abort(d, ER_IDNF | ER_ABRT);
        return false;
    }
    return true;
}

static void media_error(struct ide_drive *d, bool write)
{
    put_lba(d, d->lba);
    ide_abort(d, write ? ER_ABRT : ER_UNC);
}

/* ---- PIO ------------------------------------------------------------------------------ */

static uint32_t next_block(const struct ide_drive *d)
{
    return MIN(d->left, d->block);
}

static void advance(struct ide_drive *d, uint32_t n)
{
    d->lba += n;
    d->left -= n;
}

static void read_done(struct blk_req *r, int result)
{
    struct ide_drive *d = r->arg;

    if (!ide_finish_request(r, &result, false))
        return;
    if (result < 0) {
        media_error(d, false);
        return;
    }
    uint32_t n = next_block(d);
    ide_start_transfer(d, XFER_READ, n * SECTOR);
    advance(d, n);
    put_lba(d, d->left ? d->lba : d->lba - 1);
    ide_set_irq(d->channel, true);
}

static void read_next(struct ide_drive *d)
{
    d->iov1 = (struct iovec){d->buffer, next_block(d) * SECTOR};
    ide_submit(d, BLK_READ, d->lba * SECTOR, d->iov1.iov_len, &d->iov1, 1, read_done);
}

static void write_done(struct blk_req *r, int result)
{
    struct ide_drive *d = r->arg;

    if (!ide_finish_request(r, &result, true))
        return;
    if (result < 0) {
        media_error(d, true);
        return;
    }
    advance(d, next_block(d));
    put_lba(d, d->left ? d->lba : d->lba - 1);
    if (!d->left) {
        ide_command_done(d);
        return;
    }
    ide_start_transfer(d, XFER_WRITE, next_block(d) * SECTOR);
    ide_set_irq(d->channel, true);
}

static void write_next(struct ide_drive *d)
{
    d->iov1 = (struct iovec){d->buffer, next_block(d) * SECTOR};
    ide_submit(d, BLK_WRITE, d->lba * SECTOR, d->iov1.iov_len, &d->iov1, 1, write_done);
}

void ata_transfer_done(struct ide_drive *d, enum ide_transfer kind)
{
    if (kind == XFER_WRITE)
        write_next(d);
    else if (kind == XFER_READ && d->left)
        read_next(d);
    /* else: the interrupt came with the data */
}

static void cmd_read(struct ide_drive *d)
{
    d->block = 1;
    if (take_range(d))
        read_next(d);
}

static void cmd_write(struct ide_drive *d)
{
    d->block = 1;
    if (take_range(d)) /* no interrupt before the first block */
        ide_start_transfer(d, XFER_WRITE, next_block(d) * SECTOR);
}

static void cmd_multiple(struct ide_drive *d)
{
    bool write = d->command == ATA_WRITE_MULTIPLE || d->command == ATA_WRITE_MULTIPLE_EXT;

    if (!d->multiple) {
        ide_abort(d, ER_ABRT);
        return;
    }
    d->block = d->multiple;
    if (!take_range(d))
        return;
    if (write)
        ide_start_transfer(d, XFER_WRITE, next_block(d) * SECTOR);
    else
        read_next(d);
}

/* ---- DMA ------------------------------------------------------------------------------ */

static bool dma_writes(const struct ide_drive *d)
{
    return d->command == ATA_WRITE_DMA || d->command == ATA_WRITE_DMA_ONCE ||
           d->command == ATA_WRITE_DMA_EXT || d->command == ATA_WRITE_DMA_FUA_EXT ||
           d->command == ATA_DSM;
}

static void fua_done(struct blk_req *r, int result)
{
    struct ide_drive *d = r->arg;

    if (!ide_finish_request(r, &result, true))
        return;
    d->dma_ready = false;
    if (result < 0)
        d->status |= ST_ERR, d->error = ER_ABRT;
    ide_dma_end(d, result < 0);
}

static void dma_done(struct blk_req *r, int result)
{
    struct ide_drive *d = r->arg;

    if (!ide_finish_request(r, &result, dma_writes(d)))
        return;
    ide_dma_unmap(d, result >= 0);
    if (result < 0) {
        put_lba(d, d->lba);
        d->error = dma_writes(d) ? ER_ABRT : ER_UNC;
        d->status |= ST_ERR;
    } else {
        advance(d, d->left);
        put_lba(d, d->lba - 1);
        if (dma_writes(d) && (!d->write_cache || d->command == ATA_WRITE_DMA_FUA_EXT)) {
            ide_submit(d, BLK_FLUSH, 0, 0, NULL, 0, fua_done);
            return;
        }
    }
    d->dma_ready = false;
    ide_dma_end(d, result < 0);
}

/* ---- TRIM: a list of ranges, 48 bits of address and 16 of length each ------------------- */

static void trim_next(struct ide_drive *d);

static void trim_done(struct blk_req *r, int result)
{
    struct ide_drive *d = r->arg;

    if (!ide_finish_request(r, &result, true))
        return;
    if (result < 0) {
        d->error = ER_ABRT;
        d->status |= ST_ERR;
        d->dma_ready = false;
        ide_dma_end(d, true);
        return;
    }
    d->pos += 8;
    trim_next(d);
}

static void trim_next(struct ide_drive *d)
{
    for (; d->pos + 8 <= d->end; d->pos += 8) {
        uint64_t e;
        memcpy(&e, d->buffer + d->pos, 8);
        uint64_t lba = e & 0xffffffffffffull, n = e >> 48;
        if (n && lba < blocks(d) && n <= blocks(d) - lba) {
            ide_submit(d, BLK_DISCARD, lba * SECTOR, n * SECTOR, NULL, 0, trim_done);
            return;
        }
        if (n) {
            d->error = ER_ABRT;
            d->status |= ST_ERR;
            break;
        }
    }
    d->dma_ready = false;
    ide_dma_end(d, d->status & ST_ERR);
}

static void trim_start(struct ide_drive *d)
{
    uint64_t len = (uint64_t)d->left * SECTOR, at = 0;

    if (!ide_dma_map(d, len, false))
        return;
    for (unsigned i = 0; i < d->niov; i++) {
        memcpy(d->buffer + at, d->iov[i].iov_base, d->iov[i].iov_len);
        at += d->iov[i].iov_len;
    }
    ide_dma_unmap(d, true);
    d->pos = 0;
    d->end = (uint32_t)len;
    d->status |= ST_BSY;
    trim_next(d);
}

static void cmd_dsm(struct ide_drive *d)
{
    d->left = d->count | (uint32_t)d->hob_count << 8;
    if (!(d->feature & 1) || !d->left || d->left > IDE_BUFFER / SECTOR ||
        !blk_can_discard(d->blk))
        ide_abort(d, ER_ABRT);
    else
        ide_dma_ready(d);
}

void ata_dma_start(struct ide_drive *d)
{
    bool write = dma_writes(d);

    if (d->command == ATA_DSM) {
        trim_start(d);
        return;
    }
    if (!ide_dma_map(d, (uint64_t)d->left * SECTOR, !write))
        return;
    ide_submit(d, write ? BLK_WRITE : BLK_READ, d->lba * SECTOR, (uint64_t)d->left * SECTOR,
               d->iov, d->niov, dma_done);
}

static void cmd_dma(struct ide_drive *d)
{
    if (take_range(d))
        ide_dma_ready(d);
}

/* ---- Without data --------------------------------------------------------------------- */

static void flush_done(struct blk_req *r, int result)
{
    struct ide_drive *d = r->arg;

    if (!ide_finish_request(r, &result, true))
        return;
    if (result < 0)
        ide_abort(d, ER_ABRT);
    else
        ide_command_done(d);
}

static void cmd_flush(struct ide_drive *d)
{
    ide_submit(d, BLK_FLUSH, 0, 0, NULL, 0, flush_done);
}

static void cmd_ok(struct ide_drive *d)
{
    ide_command_done(d);
}

static void cmd_verify(struct ide_drive *d)
{
    if (take_range(d))
        ide_command_done(d);
}

static void cmd_seek(struct ide_drive *d)
{
    if (get_lba(d) >= blocks(d))
        ide_abort(d, ER_IDNF | ER_ABRT);
    else
        ide_command_done(d);
}

static void cmd_check_power(struct ide_drive *d)
{
    d->count = 0xff; /* active or idle */
    ide_command_done(d);
}

static void cmd_init_params(struct ide_drive *d)
{
    if (!d->count) {
        ide_abort(d, ER_ABRT);
        return;
    }
    d->heads = (d->device & 15) + 1;
    d->sectors = d->count;
    d->cylinders = (uint16_t)MIN(blocks(d) / (d->heads * d->sectors), 65535);
    ide_command_done(d);
}

static void cmd_set_multiple(struct ide_drive *d)
{
    if (d->count > IDE_MULTIPLE || (d->count & (d->count - 1))) {
        ide_abort(d, ER_ABRT);
        return;
    }
    d->multiple = d->count;
    ide_command_done(d);
}

static void cmd_native_max(struct ide_drive *d)
{
    uint64_t last = blocks(d) ? blocks(d) - 1 : 0;

    if (d->command == ATA_NATIVE_MAX) {
        last = MIN(last, 0xfffffff);
        d->device |= DEV_LBA;
    }
    put_lba(d, last);
    ide_command_done(d);
}

static bool set_mode(struct ide_drive *d, uint8_t mode)
{
    unsigned n = mode & 7;

    switch (mode >> 3) {
    case 0: /* PIO default */
    case 1: /* PIO with flow control */
        return mode < 8 ? n <= 1 : n <= 4;
    case 4: /* multiword DMA */
        d->dma_modes = (uint8_t)(1 << n);
        d->ultra_mode = 0;
        return n <= 2;
    case 8: /* Ultra DMA */
        d->ultra_mode = (uint8_t)(1 << n);
        d->dma_modes = 0;
        return n <= 5;
    }
    return false;
}

static void cmd_set_features(struct ide_drive *d)
{
    bool ok = true;

    switch (d->feature) {
    case FEAT_TRANSFER_MODE:
        ok = set_mode(d, d->count);
        break;
    case FEAT_WCACHE_ON:
    case FEAT_WCACHE_OFF:
        ok = !d->cdrom;
        d->write_cache = d->feature == FEAT_WCACHE_ON;
        if (ok && !d->write_cache) { /* what is in it goes to the disk */
            cmd_flush(d);
            return;
        }
        break;
    case FEAT_READ_AHEAD:
    case FEAT_NO_READ_AHEAD:
    case FEAT_REVERT:
    case FEAT_NO_REVERT:
        break;
    default:
        ok = false;
    }
    if (ok)
        ide_command_done(d);
    else
        ide_abort(d, ER_ABRT);
}

static void cmd_identify(struct ide_drive *d)
{
    if (d->cdrom) { /* 8.15.5.2: a packet device signs and aborts */
        ide_set_signature(d);
        ide_abort(d, ER_ABRT);
        return;
    }
    ata_identify(d);
    ide_start_transfer(d, XFER_REPLY, SECTOR);
    ide_set_irq(d->channel, true);
}

static void cmd_identify_packet(struct ide_drive *d)
{
    atapi_identify(d);
    ide_start_transfer(d, XFER_REPLY, SECTOR);
    ide_set_irq(d->channel, true);
}

static void cmd_packet(struct ide_drive *d)
{
    d->packet_dma = d->feature & 1;
    d->count = REASON_COMMAND;
    ide_start_transfer(d, XFER_PACKET, sizeof(d->packet)); /* no interrupt (8.23) */
}

static void cmd_abort(struct ide_drive *d)
{
    if (d->cdrom && d->command == ATA_READ) /* 8.27: as for IDENTIFY DEVICE */
        ide_set_signature(d);
    ide_abort(d, ER_ABRT);
}

/* ---- The table ------------------------------------------------------------------------ */

enum { DISK = 1, CD = 2, BOTH = 3 };
static const struct {
    uint8_t command, who;
    void (*run)(struct ide_drive *d);
} commands[] = {
    {ATA_RECALIBRATE, DISK, cmd_ok},      {ATA_READ, DISK, cmd_read},
    {ATA_READ_ONCE, DISK, cmd_read},      {ATA_READ_EXT, DISK, cmd_read},
    {ATA_WRITE, DISK, cmd_write},         {ATA_WRITE_ONCE, DISK, cmd_write},
    {ATA_WRITE_EXT, DISK, cmd_write},     {ATA_READ_MULTIPLE, DISK, cmd_multiple},
    {ATA_READ_MULTIPLE_EXT, DISK, cmd_multiple},
    {ATA_WRITE_MULTIPLE, DISK, cmd_multiple},
    {ATA_WRITE_MULTIPLE_EXT, DISK, cmd_multiple},
    {ATA_READ_DMA, DISK, cmd_dma},        {ATA_READ_DMA_ONCE, DISK, cmd_dma},
    {ATA_READ_DMA_EXT, DISK, cmd_dma},    {ATA_WRITE_DMA, DISK, cmd_dma},
    {ATA_WRITE_DMA_ONCE, DISK, cmd_dma},  {ATA_WRITE_DMA_EXT, DISK, cmd_dma},
    {ATA_WRITE_DMA_FUA_EXT, DISK, cmd_dma}, {ATA_DSM, DISK, cmd_dsm},
    {ATA_VERIFY, DISK, cmd_verify},       {ATA_VERIFY_ONCE, DISK, cmd_verify},
    {ATA_VERIFY_EXT, DISK, cmd_verify},   {ATA_SEEK, DISK, cmd_seek},
    {ATA_INIT_PARAMS, DISK, cmd_init_params}, {ATA_SET_MULTIPLE, DISK, cmd_set_multiple},
    {ATA_NATIVE_MAX, DISK, cmd_native_max}, {ATA_NATIVE_MAX_EXT, DISK, cmd_native_max},
    {ATA_FLUSH, BOTH, cmd_flush},         {ATA_FLUSH_EXT, DISK, cmd_flush},
    {ATA_STANDBY_NOW, BOTH, cmd_ok},      {ATA_IDLE_NOW, BOTH, cmd_ok},
    {ATA_STANDBY, BOTH, cmd_ok},          {ATA_IDLE, BOTH, cmd_ok},
    {ATA_CHECK_POWER, BOTH, cmd_check_power}, {ATA_SLEEP, BOTH, cmd_ok},
    {ATA_SET_FEATURES, BOTH, cmd_set_features}, {ATA_IDENTIFY, BOTH, cmd_identify},
    {ATA_IDENTIFY_PACKET, CD, cmd_identify_packet}, {ATA_PACKET, CD, cmd_packet},
};

/* SMART and what else is not in the table is aborted, as IDENTIFY does not offer it. */
void ata_command(struct ide_drive *d, uint8_t command)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++)
        if (commands[i].command == command && (commands[i].who & (d->cdrom ? CD : DISK))) {
            commands[i].run(d);
            return;
        }
    cmd_abort(d);
}

/* The request that failed, once more. Everything it needs is in the drive. */
void ata_retry(struct ide_drive *d)
{
    if (d->command == ATA_FLUSH || d->command == ATA_FLUSH_EXT || d->command == ATA_SET_FEATURES)
        cmd_flush(d);
    else if (d->dma_ready && d->command == ATA_DSM)
        trim_next(d);
    else if (d->dma_ready && d->left == 0)
        ide_submit(d, BLK_FLUSH, 0, 0, NULL, 0, fua_done);
    else if (d->dma_ready)
        ata_dma_start(d);
    else if (d->command == ATA_WRITE || d->command == ATA_WRITE_ONCE ||
             d->command == ATA_WRITE_EXT || d->command == ATA_WRITE_MULTIPLE ||
             d->command == ATA_WRITE_MULTIPLE_EXT)
        write_next(d);
    else
        read_next(d);
}

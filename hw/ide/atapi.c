/* SPDX-License-Identifier: MIT */
/*
 * A CD-ROM: packet commands (MMC-4, SPC-3) over PIO or DMA. Data sectors of 2048 bytes only; no
 * audio, no writing. The medium can be changed while the guest runs.
 */
#include <errno.h>
#include <string.h>

#include "core/machine.h"
#include "hw/ide/ide.h"

#define SECTOR 2048

static uint32_t be(const uint8_t *p, unsigned bytes)
{
    uint32_t v = 0;

    while (bytes--)
        v = v << 8 | *p++;
    return v;
}

static void put(uint8_t *p, unsigned bytes, uint32_t v)
{
    while (bytes--) {
        p[bytes] = (uint8_t)v;
        v >>= 8;
    }
}

static uint32_t blocks(const struct ide_drive *d)
{
    return (uint32_t)MIN(blk_size(d->blk) / SECTOR, UINT32_MAX);
}

/* ---- Ends of commands ------------------------------------------------------------------- */

static void good(struct ide_drive *d)
{
    d->sense = SK_NONE;
    d->asc = 0;
    d->error = 0;
    d->count = REASON_IN | REASON_COMMAND;
    ide_command_done(d);
}

static void check(struct ide_drive *d, uint8_t sense, uint8_t asc)
{
    d->sense = sense;
    d->asc = asc;
    d->count = REASON_IN | REASON_COMMAND;
    ide_abort(d, (uint8_t)(sense << 4 | ER_ABRT));
}

static bool has_medium(const struct ide_drive *d)
{
    return blk_inserted(d->blk) && !d->tray_open;
}

/* ---- Data to the guest ------------------------------------------------------------------ */

/* The guest's byte count, even, for one piece of `len` bytes. */
static uint32_t piece(const struct ide_drive *d, uint32_t len)
{
    uint32_t limit = (uint32_t)(d->mid | d->high << 8);

    if (limit == 0 || limit == 0xffff)
        limit = 0xfffe;
    if (len <= limit)
        return len;
    return MAX(limit & ~1u, 2);
}

static void offer(struct ide_drive *d, enum ide_transfer kind, uint32_t at, uint32_t len)
{
    uint32_t n = piece(d, len);

    ide_start_transfer(d, kind, 0);
    d->pos = at;
    d->end = at + n;
    d->reply = len - n;
    d->mid = (uint8_t)n;
    d->high = (uint8_t)(n >> 8);
    d->count = REASON_IN;
    ide_set_irq(d->channel, true);
}

/* The first `len` bytes of the buffer, as many as the packet allows. */
static void reply(struct ide_drive *d, uint32_t len, uint32_t allowed)
{
    len = MIN(len, allowed);
    if (!len) {
        good(d);
    } else if (d->packet_dma) {
        d->reply = len;
        d->left = 0;
        ide_dma_ready(d);
    } else {
        d->left = 0;
        offer(d, XFER_PACKET_REPLY, 0, len);
    }
}

/* ---- Reading the medium ------------------------------------------------------------------ */

static void read_failed(struct ide_drive *d, int result)
{
    if (result == -ENOMEDIUM)
        check(d, SK_NOT_READY, ASC_NO_MEDIUM);
    else
        check(d, SK_MEDIUM_ERROR, ASC_READ_ERROR);
}

static uint32_t next_sectors(const struct ide_drive *d)
{
    return MIN(d->left, IDE_BUFFER / SECTOR);
}

static void pio_done(struct blk_req *r, int result)
{
    struct ide_drive *d = r->arg;

    if (!ide_finish_request(r, &result, false))
        return;
    if (result < 0) {
        read_failed(d, result);
        return;
    }
    uint32_t n = next_sectors(d);
    d->lba += n;
    d->left -= n;
    d->status &= (uint8_t)~ST_BSY;
    offer(d, XFER_PACKET_READ, 0, n * SECTOR);
}

/* The byte count is the guest's limit only while the packet is taken; it is kept in `block`. */
static void read_next(struct ide_drive *d)
{
    d->mid = (uint8_t)d->block;
    d->high = (uint8_t)(d->block >> 8);
    d->iov1 = (struct iovec){d->buffer, (size_t)next_sectors(d) * SECTOR};
    ide_submit(d, BLK_READ, d->lba * SECTOR, d->iov1.iov_len, &d->iov1, 1, pio_done);
}

static void dma_done(struct blk_req *r, int result)
{
    struct ide_drive *d = r->arg;

    if (!ide_finish_request(r, &result, false))
        return;
    ide_dma_unmap(d, result >= 0);
    d->dma_ready = false;
    if (result < 0) {
        d->channel->link->dma_ended(d->channel, true);
        read_failed(d, result);
        return;
    }
    d->count = REASON_IN | REASON_COMMAND;
    ide_dma_end(d, false);
}

void atapi_dma_start(struct ide_drive *d)
{
    if (d->left) {
        if (ide_dma_map(d, (uint64_t)d->left * SECTOR, true))
            ide_submit(d, BLK_READ, d->lba * SECTOR, (uint64_t)d->left * SECTOR, d->iov, d->niov,
                       dma_done);
        return;
    }
    if (!ide_dma_reply(d, d->buffer, d->reply))
        return;
    d->dma_ready = false;
    d->count = REASON_IN | REASON_COMMAND;
    ide_dma_end(d, false);
}

void atapi_retry(struct ide_drive *d)
{
    if (d->dma_ready)
        atapi_dma_start(d);
    else
        read_next(d);
}

static void read_sectors(struct ide_drive *d, uint32_t lba, uint32_t n)
{
    if (lba > blocks(d) || n > blocks(d) - lba) {
        check(d, SK_ILLEGAL_REQUEST, ASC_OUT_OF_RANGE);
        return;
    }
    d->lba = lba;
    d->left = n;
    d->block = (uint32_t)(d->mid | d->high << 8);
    if (!n)
        good(d);
    else if (d->packet_dma)
        ide_dma_ready(d);
    else
        read_next(d);
}

void atapi_transfer_done(struct ide_drive *d, enum ide_transfer kind)
{
    if (kind == XFER_PACKET) {
        memcpy(d->packet, d->buffer, sizeof(d->packet));
        atapi_packet(d);
    } else if (d->reply) {
        offer(d, kind, d->end, d->reply);
    } else if (kind == XFER_PACKET_READ && d->left) {
        read_next(d);
    } else {
        good(d);
    }
}

/* ---- Commands: what the drive is ----------------------------------------------------------- */

static void text(uint8_t *to, const char *from, size_t len)
{
    memset(to, ' ', len);
    memcpy(to, from, MIN(strlen(from), len));
}

static void pk_inquiry(struct ide_drive *d)
{
    uint8_t *b = d->buffer;

    if (d->packet[1] & 1) { /* vital product data */
        check(d, SK_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
        return;
    }
    memset(b, 0, 36);
    b[0] = 0x05; /* CD/DVD */
    b[1] = 0x80; /* removable */
    b[3] = 0x21;
    b[4] = 31;
    text(b + 8, "HOSTEL", 8);
    text(b + 16, d->model, 16);
    text(b + 32, d->version, 4);
    reply(d, 36, be(d->packet + 3, 2));
}

static void pk_request_sense(struct ide_drive *d)
{
    uint8_t *b = d->buffer;

    memset(b, 0, 18);
    b[0] = 0x70;
    b[2] = d->sense;
    b[7] = 10;
    b[12] = d->asc;
    d->sense = SK_NONE;
    d->asc = 0;
    reply(d, 18, d->packet[4]);
}

static void pk_mode_sense(struct ide_drive *d)
{
    uint8_t *b = d->buffer, *p = b + 8, page = d->packet[2] & 0x3f;

    memset(b, 0, 64);
    if (d->packet[2] >> 6 == 3) { /* saved values */
        check(d, SK_ILLEGAL_REQUEST, 0x39);
        return;
    }
    b[2] = d->tray_open ? 0x71 : has_medium(d) ? 0x01 : 0x70;
    if (page == 0x01 || page == 0x3f) { /* error recovery */
        p[0] = 0x01;
        p[1] = 6;
        p[3] = 5;
        p += 8;
    }
    if (page == 0x2a || page == 0x3f) { /* capabilities */
        p[0] = 0x2a;
        p[1] = 18;
        p[6] = (uint8_t)(0x29 | (d->locked ? 2 : 0)); /* tray, eject, lock */
        put(p + 8, 2, 706);  /* 4x, KiB/s */
        put(p + 12, 2, 512); /* buffer, KiB */
        put(p + 14, 2, 706);
        p += 20;
    }
    if (p == b + 8) {
        check(d, SK_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
        return;
    }
    put(b, 2, (uint32_t)(p - b) - 2);
    reply(d, (uint32_t)(p - b), be(d->packet + 7, 2));
}

static void pk_get_configuration(struct ide_drive *d)
{
    static const uint8_t features[] = {
        0, 0, 0x03, 8, 0, 0x10, 1, 0, 0, 0x08, 1, 0, /* profiles: DVD-ROM, CD-ROM */
        0, 1, 0x0b, 8, 0, 0, 0, 2, 1, 0, 0, 0,       /* core: ATAPI */
        0, 3, 0x0b, 4, 0x29, 0, 0, 0,                /* removable: tray, eject, lock */
    };
    uint8_t *b = d->buffer;
    bool dvd = has_medium(d) && blocks(d) > 90 * 60 * 75;

    memset(b, 0, 8);
    memcpy(b + 8, features, sizeof(features));
    put(b, 4, 4 + sizeof(features));
    if (has_medium(d)) {
        put(b + 6, 2, dvd ? 0x10 : 0x08);
        b[8 + (dvd ? 6 : 10)] = 1;
    }
    b[8 + (dvd ? 10 : 6)] = 0;
    reply(d, 8 + sizeof(features), be(d->packet + 7, 2));
}

static void pk_mechanism_status(struct ide_drive *d)
{
    memset(d->buffer, 0, 8);
    d->buffer[5] = 1;
    reply(d, 8, be(d->packet + 8, 2));
}

/* ---- Commands: the medium ----------------------------------------------------------------- */

static void pk_test_unit_ready(struct ide_drive *d)
{
    good(d);
}

static void move_tray(struct ide_drive *d, bool open)
{
    if (d->tray_open == open)
        return;
    d->tray_open = open;
    blk_tray_moved(d->blk, &d->dev, open);
}

static void pk_start_stop(struct ide_drive *d)
{
    if ((d->packet[4] & 3) == 2 && d->locked) {
        check(d, has_medium(d) ? SK_ILLEGAL_REQUEST : SK_NOT_READY, ASC_LOCKED);
        return;
    }
    if (d->packet[4] & 2)
        move_tray(d, !(d->packet[4] & 1));
    d->event_new = d->packet[4] & 2;
    good(d);
}

static void pk_prevent(struct ide_drive *d)
{
    d->locked = d->packet[4] & 1;
    good(d);
}

static void pk_read_capacity(struct ide_drive *d)
{
    put(d->buffer, 4, blocks(d) ? blocks(d) - 1 : 0);
    put(d->buffer + 4, 4, SECTOR);
    reply(d, 8, 8);
}

static void pk_read_10(struct ide_drive *d)
{
    read_sectors(d, be(d->packet + 2, 4), be(d->packet + 7, 2));
}

static void pk_read_12(struct ide_drive *d)
{
    read_sectors(d, be(d->packet + 2, 4), be(d->packet + 6, 4));
}

/* User data only: nothing, or the 2048 bytes of a mode 1 sector. */
static void pk_read_cd(struct ide_drive *d)
{
    uint32_t n = be(d->packet + 6, 3);

    if (!n || !(d->packet[9] & 0xf8))
        good(d);
    else if ((d->packet[9] & 0xf8) == 0x10)
        read_sectors(d, be(d->packet + 2, 4), n);
    else
        check(d, SK_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
}

static void pk_seek(struct ide_drive *d)
{
    if (be(d->packet + 2, 4) >= blocks(d))
        check(d, SK_ILLEGAL_REQUEST, ASC_OUT_OF_RANGE);
    else
        good(d);
}

static void put_address(uint8_t *p, bool msf, uint32_t lba)
{
    if (!msf) {
        put(p, 4, lba);
        return;
    }
    lba += 150; /* two seconds of pregap */
    p[0] = 0;
    p[1] = (uint8_t)MIN(lba / 75 / 60, 255);
    p[2] = (uint8_t)(lba / 75 % 60);
    p[3] = (uint8_t)(lba % 75);
}

/* One data track and the lead-out. */
static void pk_read_toc(struct ide_drive *d)
{
    uint8_t *b = d->buffer, format = d->packet[2] & 15;
    bool msf = d->packet[1] & 2;
    uint32_t n = 4, first = d->packet[6];

    if (format == 0)
        format = d->packet[9] >> 6; /* SFF-8020i had it there */
    memset(b, 0, 64);
    b[2] = b[3] = 1;
    if (format == 1) { /* sessions */
        b[5] = 0x14;
        b[6] = 1;
        put_address(b + 8, msf, 0);
        n = 12;
    } else if (format == 0 && (first <= 1 || first == 0xaa)) {
        if (first <= 1) {
            b[n + 1] = 0x14;
            b[n + 2] = 1;
            put_address(b + n + 4, msf, 0);
            n += 8;
        }
        b[n + 1] = 0x14;
        b[n + 2] = 0xaa;
        put_address(b + n + 4, msf, blocks(d));
        n += 8;
    } else {
        check(d, SK_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
        return;
    }
    put(b, 2, n - 2);
    reply(d, n, be(d->packet + 7, 2));
}

static void pk_read_disc_info(struct ide_drive *d)
{
    uint8_t *b = d->buffer;

    memset(b, 0, 34);
    b[1] = 32;
    b[2] = 0x0e; /* complete, finalized */
    b[3] = b[4] = b[5] = b[6] = 1;
    b[7] = 0x20;
    reply(d, 34, be(d->packet + 7, 2));
}

/* Polled only; class 4 is the medium. */
static void pk_event_status(struct ide_drive *d)
{
    uint8_t *b = d->buffer;

    if (!(d->packet[1] & 1)) {
        check(d, SK_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
        return;
    }
    memset(b, 0, 8);
    b[3] = 0x10;
    if (!(d->packet[4] & 0x10)) {
        b[2] = 0x80;
        put(b, 2, 2);
        reply(d, 4, be(d->packet + 7, 2));
        return;
    }
    put(b, 2, 6);
    b[2] = 4;
    if (d->eject_wanted)
        b[4] = 1; /* the button was pressed */
    else if (d->event_new)
        b[4] = has_medium(d) ? 2 : 3; /* new medium, or it was taken out */
    b[5] = (uint8_t)((d->tray_open ? 1 : 0) | (has_medium(d) ? 2 : 0));
    d->event_new = d->eject_wanted = false;
    reply(d, 8, be(d->packet + 7, 2));
}

/* ---- The table ------------------------------------------------------------------------ */

enum { ANYTIME = 1, MEDIUM = 2 }; /* despite a unit attention; needs a medium */
static const struct {
    uint8_t command, flags;
    void (*run)(struct ide_drive *d);
} packets[] = {
    {PK_TEST_UNIT_READY, MEDIUM, pk_test_unit_ready},
    {PK_REQUEST_SENSE, ANYTIME, pk_request_sense},
    {PK_INQUIRY, ANYTIME, pk_inquiry},
    {PK_START_STOP, 0, pk_start_stop},
    {PK_PREVENT, 0, pk_prevent},
    {PK_READ_CAPACITY, MEDIUM, pk_read_capacity},
    {PK_READ_10, MEDIUM, pk_read_10},
    {PK_SEEK_10, MEDIUM, pk_seek},
    {PK_READ_TOC, MEDIUM, pk_read_toc},
    {PK_GET_CONFIGURATION, ANYTIME, pk_get_configuration},
    {PK_EVENT_STATUS, ANYTIME, pk_event_status},
    {PK_READ_DISC_INFO, MEDIUM, pk_read_disc_info},
    {PK_MODE_SENSE_10, 0, pk_mode_sense},
    {PK_READ_12, MEDIUM, pk_read_12},
    {PK_SET_CD_SPEED, 0, pk_test_unit_ready},
    {PK_MECHANISM_STATUS, 0, pk_mechanism_status},
    {PK_READ_CD, MEDIUM, pk_read_cd},
};

/* A changed medium is told once, by the first command that asks (SPC-3, 4.5.6). */
void atapi_packet(struct ide_drive *d)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(packets); i++) {
        if (packets[i].command != d->packet[0])
            continue;
        if (d->changed && !(packets[i].flags & ANYTIME)) {
            d->changed = false;
            check(d, SK_UNIT_ATTENTION, ASC_MEDIUM_CHANGED);
        } else if ((packets[i].flags & MEDIUM) && !has_medium(d)) {
            check(d, SK_NOT_READY, ASC_NO_MEDIUM);
        } else {
            packets[i].run(d);
        }
        return;
    }
    check(d, SK_ILLEGAL_REQUEST, ASC_INVALID_COMMAND);
}

void atapi_reset(struct ide_drive *d)
{
    d->sense = SK_NONE;
    d->asc = 0;
    d->locked = false;
    d->reply = d->left = 0;
}

/* What came and went while the tray was open shows when it closes. */
void atapi_medium_changed(void *drive)
{
    struct ide_drive *d = drive;

    if (!blk_inserted(d->blk))
        move_tray(d, true);
    d->changed = blk_inserted(d->blk);
    d->event_new = true;
}

/* ---- The tray, by hand and by the monitor ------------------------------------------------- */

static void tray_state(void *drive, struct blk_tray *tray)
{
    struct ide_drive *d = drive;

    *tray = (struct blk_tray){.open = d->tray_open, .locked = d->locked};
}

static void tray_move(void *drive, bool open)
{
    struct ide_drive *d = drive;

    if (!open && d->tray_open)
        d->changed = blk_inserted(d->blk);
    d->event_new = true;
    move_tray(d, open);
}

static void tray_ask(void *drive)
{
    struct ide_drive *d = drive;

    d->eject_wanted = d->event_new = true;
}

const struct blk_tray_ops atapi_tray = {tray_state, tray_move, tray_ask};

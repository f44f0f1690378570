/* SPDX-License-Identifier: MIT */
/*
 * An IDE channel with up to two drives, and what the files of hw/ide share.
 *
 *   ide_channel.c  registers, selection, reset, interrupt, the data port
 *   ata.c          commands of a hard disk, and those every device has
 *   atapi.c        packet commands of a CD-ROM
 *   ide_dma.c      bus master transfers
 *   ide_drive.c    the devices ide-hd and ide-cd
 *   piix_ide.c     the PCI function with two channels
 *
 * All under the machine lock. A command that needs the disk sets BSY and goes on in the
 * callback of its request, on the main loop; one request per drive at a time.
 */
#ifndef HW_IDE_IDE_H
#define HW_IDE_IDE_H

#include "block/block.h"
#include "core/device.h"
#include "core/irq.h"
#include "core/region.h"
#include "hw/ide/ide_regs.h"

#define IDE_BUFFER   65536
#define IDE_MULTIPLE 16
#define IDE_PRDS     8192 /* a table has 64 KiB */

struct ide_channel;

/* What the buffer is for: what happens when the guest has moved all of it. */
enum ide_transfer {
    XFER_NONE,
    XFER_REPLY,  /* to the guest, then the command is done */
    XFER_READ,   /* sectors to the guest, then the next ones */
    XFER_WRITE,  /* sectors from the guest, to be written */
    XFER_PACKET, /* a packet command from the guest */
    XFER_PACKET_REPLY, /* an ATAPI reply, in pieces of the guest's byte count */
    XFER_PACKET_READ,  /* the same for sectors of the medium */
    XFER_KINDS,
};

struct ide_dma_area { /* memory that a DMA transfer uses */
    uint64_t addr, len;
};

struct ide_drive {
    struct device dev;
    /* properties */
    struct blk *blk;
    char *serial, *model, *version, *bus_name;
    uint32_t unit;

    struct ide_channel *channel;
    bool cdrom;
    /* registers; `hob` are what was there before the last write (48-bit addressing) */
    uint8_t feature, error, count, low, mid, high, device, status;
    uint8_t hob_feature, hob_count, hob_low, hob_mid, hob_high;
    uint8_t command;
    /* a PIO transfer */
    uint8_t transfer;           /* enum ide_transfer */
    uint32_t pos, end;          /* in the buffer */
    uint8_t buffer[IDE_BUFFER];
    /* the command's sectors */
    uint64_t lba;
    uint32_t left;              /* sectors not moved yet */
    uint32_t block;             /* sectors per interrupt */
    uint8_t multiple;           /* SET MULTIPLE */
    uint8_t dma_modes, ultra_mode; /* selected by SET FEATURES, as IDENTIFY shows them */
    bool write_cache;
    bool dma_ready;             /* waits for the bus master to start, or moves */
    bool retry;                 /* stopped by an error: again when the machine goes on */
    bool reset_wanted;          /* SRST while a request was under way */
    uint16_t cylinders, heads, sectors; /* of INITIALIZE DEVICE PARAMETERS */
    /* ATAPI */
    uint8_t packet[12];
    uint8_t sense, asc;
    bool packet_dma, locked, tray_open, changed, event_new;
    uint32_t reply;             /* bytes of a reply that were not offered yet, from pos on */

    /* not saved: there is no request under way then */
    struct blk_req req;
    bool busy;
    struct iovec iov1;
    struct iovec *iov;          /* DMA */
    struct ide_dma_area *areas;
    unsigned niov;
    bool dma_to_memory;
    uint8_t *bounce;
    uint64_t dma_len;
};

struct ide_dma {
    uint8_t command, status;
    uint32_t prd;
    struct region io;
};

struct ide_channel {
    struct machine *machine;
    struct device *owner;       /* the PCI function */
    struct irq_line irq;
    struct ide_drive *drive[2];
    uint8_t selected, control;
    bool irq_level;
    struct region command_io, control_io;
    struct ide_dma dma;
    /* The address space of the bus master, at this moment. */
    struct address_space *(*dma_space)(struct device *owner);
};

/* ide_channel.c */
void ide_channel_init(struct ide_channel *c, struct device *owner, const char *name);
void ide_channel_fini(struct ide_channel *c);
void ide_channel_reset(struct ide_channel *c);
/* After loading: the interrupt line. */
void ide_channel_loaded(struct ide_channel *c);
void ide_set_irq(struct ide_channel *c, bool level);
static inline struct ide_drive *ide_selected(struct ide_channel *c)
{
    return c->drive[c->selected];
}
/* Offer / take buffer[pos, end) through the data port; the rest is done when it was moved. */
void ide_start_transfer(struct ide_drive *d, enum ide_transfer kind, uint32_t len);
/* The command is done: status, no DRQ, interrupt. */
void ide_command_done(struct ide_drive *d);
void ide_abort(struct ide_drive *d, uint8_t error);
void ide_drive_reset(struct ide_drive *d);
void ide_set_signature(struct ide_drive *d);

/* ata.c */
void ata_command(struct ide_drive *d, uint8_t command);
void ata_transfer_done(struct ide_drive *d, enum ide_transfer kind);
void ata_identify(struct ide_drive *d);
void ata_dma_start(struct ide_drive *d); /* the bus master goes */
void ata_retry(struct ide_drive *d);
/* A request of this drive; done on the main loop. */
void ide_submit(struct ide_drive *d, enum blk_op op, uint64_t off, uint64_t len,
                const struct iovec *iov, unsigned niov, void (*done)(struct blk_req *r, int rc));
/* First thing in such a callback. False: the drive was reset, or the machine stops and tries
 * again, or the error is ignored (*result is 0 then). */
bool ide_finish_request(struct blk_req *r, int *result, bool write);

/* atapi.c */
void atapi_packet(struct ide_drive *d);
void atapi_transfer_done(struct ide_drive *d, enum ide_transfer kind);
void atapi_identify(struct ide_drive *d);
void atapi_dma_start(struct ide_drive *d);
void atapi_retry(struct ide_drive *d);
void atapi_reset(struct ide_drive *d);
void atapi_medium_changed(void *drive);

/* ide_dma.c */
void ide_dma_init(struct ide_channel *c, const char *name);
/* The drive is ready to move `len` bytes by DMA: wait for, or go with, the bus master. */
void ide_dma_ready(struct ide_drive *d);
/* Memory for the next len bytes as d->iov; false: the table has less. */
bool ide_dma_map(struct ide_drive *d, uint64_t len, bool to_memory);
void ide_dma_unmap(struct ide_drive *d, bool ok);
/* End of the transfer: status bits and interrupt by the drive's own status. */
void ide_dma_end(struct ide_drive *d, bool error);
/* Copy a reply in the buffer to memory. False: the table has less. */
bool ide_dma_reply(struct ide_drive *d, const void *buf, uint64_t len);

extern const struct device_type ide_hd_type, ide_cd_type;
/* Where a drive goes: the machine's IDE channels, set by the controller. */
struct ide_channel *ide_channel_find(struct machine *m, unsigned n);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * ATA drives, the channels they sit on, and what the files of hw/ide share.
 *
 *   ata.c          commands of a hard disk, and those every device has
 *   atapi.c        packet commands of a CD-ROM
 *   ide_drive.c    the devices ide-hd and ide-cd
 *   ide_dma.c      memory for a transfer
 *   ide_channel.c  a channel of two drives by ports: registers, selection, reset, the data port
 *   ide_bm.c       its bus master
 *   piix_ide.c     the PCI function with two of them
 *   ahci.c         the PCI function with AHCI ports, a drive each: registers
 *   ahci_port.c    their commands: FISes and tables in memory
 *
 * A drive knows its channel by struct ide_link only. All under the machine lock. A command that
 * needs the disk sets BSY and goes on in the callback of its request, on the main loop; one
 * request per drive at a time.
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

struct ide_channel;
struct ide_drive;

/* How a channel serves its drives. */
struct ide_link {
    bool sata;
    /* The drive's interrupt request. */
    void (*interrupt)(struct ide_channel *c, bool level);
    /* The drive has gone as far as it can: a request is under way, it waits for the guest to move
     * data (DRQ) or for the bus master, or the command is done. May be NULL. */
    void (*progress)(struct ide_drive *d);
    /* DMA may begin; else the link starts it later, by ide_dma_start(). */
    bool (*dma_armed)(const struct ide_channel *c);
    /* The memory of the next len bytes, as struct ide_dma_area. The bytes that the guest's table
     * has beyond them, or -1: it has less than len. */
    int64_t (*dma_areas)(struct ide_drive *d, uint64_t len, GArray *areas);
    /* The table was too small: nothing was moved. */
    void (*dma_short)(struct ide_drive *d);
    /* DMA ended; `all`: of all the table has, or by an error. */
    void (*dma_ended)(struct ide_channel *c, bool all);
    /* The address space of the bus master, at this moment. */
    struct address_space *(*dma_space)(struct device *owner);
};

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
    bool packet_dma, locked, tray_open, changed, event_new, eject_wanted;
    uint32_t reply;             /* bytes of a reply that were not offered yet, from pos on */

    /* not saved: there is no request under way then */
    struct blk_req req;
    void (*done)(struct blk_req *r, int result); /* of req, for the file that submitted it */
    bool busy;
    struct iovec iov1;
    struct iovec *iov;          /* DMA */
    struct ide_dma_area *areas;
    unsigned niov;
    bool dma_to_memory;
    uint8_t *bounce;
    int64_t dma_rest;           /* what the guest's table has beyond the transfer */
};

struct ide_dma {
    uint8_t command, status;
    uint32_t prd;
    struct region io;
};

struct ide_channel {
    const struct ide_link *link;
    struct machine *machine;
    struct device *owner;       /* the PCI function */
    const char *name;           /* of the bus */
    unsigned units;             /* places for drives: 1 or 2 */
    struct ide_drive *drive[2];
    /* of a channel by ports */
    struct irq_line irq;
    uint8_t selected, control;
    bool irq_level;
    struct region command_io, control_io;
    struct ide_dma dma;
};

/* ide_channel.c */
/* A channel by ports. name is the caller's. */
void ide_channel_init(struct ide_channel *c, const struct ide_link *link, struct device *owner,
                      const char *name);
void ide_channel_fini(struct ide_channel *c);
void ide_channel_reset(struct ide_channel *c);
void ide_channel_interrupt(struct ide_channel *c, bool level); /* for its link */
/* After loading: the interrupt line. */
void ide_channel_loaded(struct ide_channel *c);
static inline void ide_set_irq(struct ide_channel *c, bool level)
{
    c->link->interrupt(c, level);
}
static inline struct ide_drive *ide_selected(struct ide_channel *c)
{
    return c->drive[c->selected];
}
/* The registers are set: carry out a command, if the drive is free. */
void ide_execute(struct ide_drive *d, uint8_t command);
/* All of the buffer was moved: what comes next. */
void ide_moved(struct ide_drive *d);
bool ide_to_guest(const struct ide_drive *d);
/* What an error had stopped, once more. */
void ide_retry(struct ide_drive *d);
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
extern const struct blk_tray_ops atapi_tray;

/* ide_dma.c */
/* The drive is ready to move data by DMA: wait for, or go with, the bus master. */
void ide_dma_ready(struct ide_drive *d);
void ide_dma_start(struct ide_drive *d);
/* Memory for the next len bytes as d->iov; false: the table has less. */
bool ide_dma_map(struct ide_drive *d, uint64_t len, bool to_memory);
void ide_dma_unmap(struct ide_drive *d, bool ok);
/* End of the transfer: status bits and interrupt by the drive's own status. */
void ide_dma_end(struct ide_drive *d, bool error);
/* Copy a reply in the buffer to memory. False: the table has less. */
bool ide_dma_reply(struct ide_drive *d, const void *buf, uint64_t len);

/* ide_bm.c */
void ide_bm_init(struct ide_channel *c, const char *name);
int64_t ide_bm_areas(struct ide_drive *d, uint64_t len, GArray *areas);
bool ide_bm_armed(const struct ide_channel *c);
void ide_bm_short(struct ide_drive *d);
void ide_bm_ended(struct ide_channel *c, bool all);

extern const struct device_type ide_hd_type, ide_cd_type;
/* Where a drive goes: the machine's n-th channel, of all controllers; NULL: there are fewer. */
struct ide_channel *ide_channel_find(struct machine *m, unsigned n);
/* An ide-hd or ide-cd for each -drive if=ide. There is a controller. */
bool ide_add_drives(struct machine *m, GError **err);

#endif

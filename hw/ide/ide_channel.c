/* SPDX-License-Identifier: MIT */
/*
 * An IDE channel: registers that both drives hear, the data port, reset (ATA/ATAPI-6, 7 and 9). And
 * what a drive does whatever its channel: the ends of commands, its own reset.
 */
#include <string.h>

#include "core/machine.h"
#include "hw/ide/ide.h"

/* ---- Interrupt ------------------------------------------------------------------------ */

static void irq_update(struct ide_channel *c)
{
    irq_set(c->irq, c->irq_level && !(c->control & CTL_NIEN));
}

void ide_channel_interrupt(struct ide_channel *c, bool level)
{
    c->irq_level = level;
    if (level)
        c->dma.status |= BMS_INTR;
    irq_update(c);
}

void ide_channel_loaded(struct ide_channel *c)
{
    irq_update(c);
}

/* ---- Commands that end ---------------------------------------------------------------- */

void ide_command_done(struct ide_drive *d)
{
    d->status = (uint8_t)((d->status & ~(ST_BSY | ST_DRQ)) | ST_RDY);
    d->transfer = XFER_NONE;
    ide_set_irq(d->channel, true);
}

void ide_abort(struct ide_drive *d, uint8_t error)
{
    d->error = error;
    d->status |= ST_ERR;
    d->dma_ready = false;
    ide_command_done(d);
}

/* ---- Reset ---------------------------------------------------------------------------- */

/* 9.12: device 1 signs as well as device 0. */
void ide_set_signature(struct ide_drive *d)
{
    d->count = d->low = 1;
    d->mid = d->cdrom ? 0x14 : 0;
    d->high = d->cdrom ? 0xeb : 0;
    d->device &= DEV_SLAVE;
    d->error = 1; /* diagnostic: passed */
}

void ide_drive_reset(struct ide_drive *d)
{
    d->reset_wanted = d->busy;
    d->transfer = XFER_NONE;
    d->dma_ready = d->retry = false;
    d->multiple = 0;
    if (d->busy) {
        d->status = ST_BSY; /* until the request has ended */
        return;
    }
    d->status = d->cdrom ? 0 : ST_RDY;
    ide_set_signature(d);
    if (d->cdrom)
        atapi_reset(d);
}

void ide_channel_reset(struct ide_channel *c)
{
    for (int i = 0; i < 2; i++)
        if (c->drive[i])
            ide_drive_reset(c->drive[i]);
    c->selected = c->control = 0;
    c->dma.command = 0;
    c->dma.status &= BMS_CAPABLE;
    c->dma.prd = 0;
    ide_set_irq(c, false);
    c->dma.status &= BMS_CAPABLE;
}

static void soft_reset(struct ide_channel *c)
{
    for (int i = 0; i < 2; i++)
        if (c->drive[i])
            ide_drive_reset(c->drive[i]);
    c->selected = 0;
    ide_set_irq(c, false);
}

/* ---- The data port -------------------------------------------------------------------- */

void ide_start_transfer(struct ide_drive *d, enum ide_transfer kind, uint32_t len)
{
    d->transfer = (uint8_t)kind;
    d->pos = 0;
    d->end = MIN(len, IDE_BUFFER);
    d->status = (uint8_t)((d->status & ~ST_BSY) | ST_DRQ | ST_RDY);
}

void ide_moved(struct ide_drive *d)
{
    enum ide_transfer kind = (enum ide_transfer)d->transfer;

    d->status &= (uint8_t)~ST_DRQ;
    d->transfer = XFER_NONE;
    if (kind >= XFER_PACKET)
        atapi_transfer_done(d, kind);
    else
        ata_transfer_done(d, kind);
}

bool ide_to_guest(const struct ide_drive *d)
{
    return d->transfer == XFER_REPLY || d->transfer == XFER_READ ||
           d->transfer == XFER_PACKET_REPLY || d->transfer == XFER_PACKET_READ;
}

static uint64_t data_read(struct ide_drive *d, unsigned size)
{
    uint32_t v = 0;

    if (!(d->status & ST_DRQ) || !ide_to_guest(d))
        return 0;
    for (unsigned i = 0; i < size && d->pos < d->end; i++)
        v |= (uint32_t)d->buffer[d->pos++] << (8 * i);
    if (d->pos >= d->end)
        ide_moved(d);
    return v;
}

static void data_write(struct ide_drive *d, uint64_t val, unsigned size)
{
    if (!(d->status & ST_DRQ) || d->transfer == XFER_NONE || ide_to_guest(d))
        return;
    for (unsigned i = 0; i < size && d->pos < d->end; i++)
        d->buffer[d->pos++] = (uint8_t)(val >> (8 * i));
    if (d->pos >= d->end)
        ide_moved(d);
}

/* ---- Registers ------------------------------------------------------------------------ */

static uint8_t status_read(struct ide_channel *c)
{
    struct ide_drive *d = ide_selected(c);

    return d ? d->status : 0; /* a lone device 0 answers for device 1: not there */
}

static uint8_t register_read(struct ide_channel *c, unsigned reg)
{
    struct ide_drive *d = ide_selected(c);
    bool hob = c->control & CTL_HOB;

    if (!c->drive[0] && !c->drive[1])
        return 0xff; /* the bus floats */
    if (reg == IDE_STATUS) {
        ide_set_irq(c, false);
        return status_read(c);
    }
    if (reg == IDE_DEVICE) {
        const struct ide_drive *any = d ? d : c->drive[!c->selected];
        return (uint8_t)(any->device | DEV_FIXED | (c->selected ? DEV_SLAVE : 0));
    }
    if (!d)
        return 0;
    const uint8_t now[] = {0, d->error, d->count, d->low, d->mid, d->high};
    const uint8_t before[] = {0, d->error, d->hob_count, d->hob_low, d->hob_mid, d->hob_high};
    return hob ? before[reg] : now[reg];
}

/* Both drives take what is written (7.1). */
static void register_write(struct ide_channel *c, unsigned reg, uint8_t v)
{
    c->control &= (uint8_t)~CTL_HOB;
    for (int i = 0; i < 2; i++) {
        struct ide_drive *d = c->drive[i];
        if (!d)
            continue;
        uint8_t *now[] = {NULL, &d->feature, &d->count, &d->low, &d->mid, &d->high};
        uint8_t *before[] = {NULL, &d->hob_feature, &d->hob_count, &d->hob_low, &d->hob_mid,
                             &d->hob_high};
        if (d->status & (ST_BSY | ST_DRQ))
            continue; /* 7.x: not while busy */
        if (reg == IDE_DEVICE) {
            d->device = v & (uint8_t)~DEV_FIXED;
        } else {
            *before[reg] = *now[reg];
            *now[reg] = v;
        }
    }
    if (reg == IDE_DEVICE)
        c->selected = v & DEV_SLAVE ? 1 : 0;
}

void ide_execute(struct ide_drive *d, uint8_t command)
{
    if (command == ATA_DEVICE_RESET && d->cdrom) {
        ide_drive_reset(d);
        return;
    }
    if (d->status & (ST_BSY | ST_DRQ))
        return;
    d->command = command;
    d->error = 0;
    d->status = (uint8_t)((d->status & ~(ST_ERR | ST_DF)) | ST_RDY);
    ata_command(d, command);
}

void ide_retry(struct ide_drive *d)
{
    if (!d->retry)
        return;
    d->retry = false;
    if (d->cdrom)
        atapi_retry(d);
    else
        ata_retry(d);
}

static void command_write(struct ide_channel *c, uint8_t v)
{
    struct ide_drive *d = ide_selected(c);

    ide_set_irq(c, false);
    if (v == ATA_DIAGNOSTIC) { /* both devices, whoever is selected */
        for (int i = 0; i < 2; i++)
            if (c->drive[i])
                ide_drive_reset(c->drive[i]);
        c->selected = 0;
        ide_set_irq(c, true);
    } else if (d) {
        ide_execute(d, v);
    }
}

static uint64_t command_io_read(void *dev, uint64_t off, unsigned size)
{
    struct ide_channel *c = dev;
    uint64_t v = 0;

    if (off == IDE_DATA)
        return ide_selected(c) ? data_read(ide_selected(c), size) : UINT64_MAX;
    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)register_read(c, (unsigned)off + i) << (8 * i);
    return v;
}

static void command_io_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct ide_channel *c = dev;

    if (off == IDE_DATA) {
        if (ide_selected(c))
            data_write(ide_selected(c), val, size);
        return;
    }
    for (unsigned i = 0; i < size; i++, val >>= 8) {
        if (off + i == IDE_COMMAND)
            command_write(c, (uint8_t)val);
        else
            register_write(c, (unsigned)off + i, (uint8_t)val);
    }
}

static uint64_t control_io_read(void *dev, uint64_t off, unsigned size)
{
    struct ide_channel *c = dev;

    return c->drive[0] || c->drive[1] ? status_read(c) : 0xff;
}

static void control_io_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct ide_channel *c = dev;
    bool reset = (val & CTL_SRST) && !(c->control & CTL_SRST);

    c->control = (uint8_t)val;
    if (reset)
        soft_reset(c);
    irq_update(c);
}

static const struct region_ops command_ops = {command_io_read, command_io_write, 1, 4};
static const struct region_ops control_ops = {control_io_read, control_io_write, 1, 1};

void ide_channel_init(struct ide_channel *c, const struct ide_link *link, struct device *owner,
                      const char *name)
{
    c->link = link;
    c->machine = owner->machine;
    c->owner = owner;
    c->name = name;
    c->units = 2;
    region_init_io(&c->command_io, name, &command_ops, c, 8);
    region_init_io(&c->control_io, name, &control_ops, c, 1);
    ide_bm_init(c, name);
}

void ide_channel_fini(struct ide_channel *c)
{
    region_fini(&c->command_io);
    region_fini(&c->control_io);
    region_fini(&c->dma.io);
}

/* SPDX-License-Identifier: MIT */
/* The devices ide-hd and ide-cd: a drive on a channel, and how it describes itself. */
#include <string.h>

#include "block/drive.h"
#include "core/machine.h"
#include "hw/ide/ahci.h"
#include "hw/ide/piix_ide.h"
#include "util/error.h"

/* ---- IDENTIFY (ATA/ATAPI-6, 8.15 and 8.16) ------------------------------------------------ */

static void word(struct ide_drive *d, unsigned n, unsigned v)
{
    d->buffer[2 * n] = (uint8_t)v;
    d->buffer[2 * n + 1] = (uint8_t)(v >> 8);
}

static void dword(struct ide_drive *d, unsigned n, uint32_t v)
{
    word(d, n, v & 0xffff);
    word(d, n + 1, v >> 16);
}

/* The first character is the high byte of the first word. */
static void string(struct ide_drive *d, unsigned n, unsigned words, const char *text)
{
    size_t len = strlen(text);

    for (unsigned i = 0; i < words * 2; i++)
        d->buffer[2 * n + (i ^ 1)] = i < len ? (uint8_t)text[i] : ' ';
}

static void common(struct ide_drive *d)
{
    memset(d->buffer, 0, 512);
    string(d, 10, 10, d->serial);
    string(d, 23, 4, d->version);
    string(d, 27, 20, d->model);
    word(d, 48, 1);      /* 32-bit transfers at the data port */
    word(d, 49, 0x0b00); /* DMA, LBA, IORDY */
    word(d, 53, 7);      /* 54-58, 64-70 and 88 are valid */
    word(d, 63, 0x07 | (unsigned)d->dma_modes << 8);
    word(d, 64, 3);      /* PIO 3 and 4 */
    for (unsigned n = 65; n <= 68; n++)
        word(d, n, 120); /* cycle times, ns */
    if (d->channel->link->sata)
        word(d, 76, 0x06); /* 1.5 and 3 Gb/s */
    word(d, 80, 0x70);   /* ATA/ATAPI-4 to 6 */
    word(d, 88, 0x3f | (unsigned)d->ultra_mode << 8);
}

void ata_identify(struct ide_drive *d)
{
    uint64_t n = blk_size(d->blk) / 512;
    unsigned cylinders = (unsigned)MIN(n / (16 * 63), 16383);
    bool trim = blk_can_discard(d->blk);

    common(d);
    word(d, 0, 0x0040);
    word(d, 1, cylinders);
    word(d, 3, 16);
    word(d, 6, 63);
    word(d, 47, 0x8000 | IDE_MULTIPLE);
    word(d, 54, d->cylinders);
    word(d, 55, d->heads);
    word(d, 56, d->sectors);
    dword(d, 57, (uint32_t)d->cylinders * d->heads * d->sectors);
    word(d, 59, d->multiple ? 0x100 | d->multiple : 0);
    dword(d, 60, (uint32_t)MIN(n, 0xfffffff));
    word(d, 82, 0x4020);  /* NOP, write cache */
    word(d, 83, 0x7400);  /* flush, flush ext, 48-bit */
    word(d, 84, 0x4040);  /* FUA */
    word(d, 85, 0x4000 | (d->write_cache ? 0x20 : 0));
    word(d, 86, 0x3400);
    word(d, 87, 0x4040);
    if (!d->channel->link->sata)
        word(d, 93, 0x6001 | (d->unit ? 0x0a00 : 0)); /* 80 conductors */
    dword(d, 100, (uint32_t)n);
    dword(d, 102, (uint32_t)(n >> 32));
    word(d, 106, 0x4000); /* logical and physical sectors are the same */
    if (trim) {
        word(d, 105, IDE_BUFFER / 512);
        word(d, 169, 1);
        word(d, 69, 0x4020); /* trimmed ranges read the same each time: zeros */
    }
    word(d, 217, 1);      /* nothing rotates */
}

void atapi_identify(struct ide_drive *d)
{
    common(d);
    word(d, 0, 0x85c0);   /* CD, removable, 12-byte packets, DRQ within 50 us */
    word(d, 82, 0x4010);  /* NOP, PACKET */
    word(d, 83, 0x4000);
    word(d, 84, 0x4000);
    word(d, 85, 0x0010);
}

/* ---- Places --------------------------------------------------------------------------- */

static struct ide_channel *channel_of(struct device *d, unsigned n)
{
    if (d->type == &piix_ide_type.dev && n < 2)
        return &((struct piix_ide *)d)->channel[n];
    if (d->type == &ahci_type.dev && n < AHCI_PORTS)
        return &((struct ahci *)d)->port[n].channel;
    return NULL;
}

struct ide_channel *ide_channel_find(struct machine *m, unsigned n)
{
    for (unsigned i = 0; i < m->devices->len; i++)
        for (unsigned k = 0; channel_of(m->devices->pdata[i], k); k++)
            if (n-- == 0)
                return channel_of(m->devices->pdata[i], k);
    return NULL;
}

static bool find_place(struct ide_drive *d, GError **err)
{
    struct machine *m = d->dev.machine;
    g_autoptr(GString) names = g_string_new(NULL);
    struct ide_channel *c;

    for (unsigned n = 0; (c = ide_channel_find(m, n)); n++) {
        g_string_append_printf(names, "%s%s", n ? ", " : "", c->name);
        if (d->bus_name && strcmp(d->bus_name, c->name))
            continue;
        for (uint32_t u = 0; u < c->units; u++)
            if ((d->unit == UINT32_MAX || d->unit == u) && !c->drive[u]) {
                d->channel = c;
                d->unit = u;
                return true;
            }
    }
    if (!names->len)
        return error_set(err, "%s: this machine has no IDE controller", d->dev.type->name);
    return error_set(err, "%s: no free place%s%s (there are the buses %s)", d->dev.type->name,
                     d->bus_name ? " on " : "", d->bus_name ? d->bus_name : "", names->str);
}

bool ide_add_drives(struct machine *m, GError **err)
{
    unsigned units = ide_channel_find(m, 0)->units;
    struct drive *drive;

    for (unsigned i = 0; (drive = drive_nth(m, i)); i++) {
        struct ide_channel *c = ide_channel_find(m, drive->index / units);
        if (drive->iface != DRIVE_IDE || !c)
            continue;
        struct ide_drive *d = (struct ide_drive *)device_new(
            m, drive->cdrom ? &ide_cd_type : &ide_hd_type);
        d->blk = drive->blk;
        d->bus_name = g_strdup(c->name);
        d->unit = drive->index % units;
        drive->used = true;
        if (!device_realize(&d->dev, err)) {
            device_free(&d->dev);
            return false;
        }
    }
    return true;
}

/* ---- Life ----------------------------------------------------------------------------- */

static void default_text(char **s, const char *text)
{
    if (!*s)
        *s = g_strdup(text);
}

static void name_it(struct ide_drive *d)
{
    unsigned n = 0;

    while (ide_channel_find(d->dev.machine, n) != d->channel)
        n++;
    g_autofree char *serial =
        g_strdup_printf("HO%05u", n * d->channel->units + d->unit + 1);
    default_text(&d->serial, serial);
    default_text(&d->model, d->cdrom ? "HOSTEL DVD-ROM" : "HOSTEL HARDDISK");
    default_text(&d->version, "1.0");
}

static void geometry(struct ide_drive *d)
{
    d->heads = 16;
    d->sectors = 63;
    d->cylinders = (uint16_t)MIN(blk_size(d->blk) / 512 / (16 * 63), 16383);
}

static bool plug_in(struct ide_drive *d, GError **err)
{
    if (!d->blk)
        return error_set(err, "%s: drive=ID is missing", d->dev.type->name);
    if (!find_place(d, err))
        return false;
    d->channel->drive[d->unit] = d;
    name_it(d);
    return true;
}

static bool hd_realize(struct device *dev, GError **err)
{
    struct ide_drive *d = (struct ide_drive *)dev;

    if (d->blk && !blk_inserted(d->blk))
        return error_set(err, "ide-hd: the drive '%s' has no image", blk_id(d->blk));
    if (d->blk && blk_read_only(d->blk))
        return error_set(err, "ide-hd: '%s' is read-only, which a hard disk cannot be; use "
                              "snapshot=on, or media=cdrom", blk_filename(d->blk));
    return plug_in(d, err);
}

static bool cd_realize(struct device *dev, GError **err)
{
    struct ide_drive *d = (struct ide_drive *)dev;

    d->cdrom = true;
    if (!plug_in(d, err))
        return false;
    blk_on_change(d->blk, atapi_medium_changed, d);
    blk_set_tray(d->blk, &atapi_tray, d);
    return true;
}

static void drive_reset(struct device *dev)
{
    struct ide_drive *d = (struct ide_drive *)dev;

    blk_drain(d->blk); /* the main thread: what was under way ends now */
    d->dma_modes = 0;
    d->ultra_mode = 1 << 5;
    d->write_cache = blk_write_cache(d->blk);
    d->feature = d->hob_feature = d->hob_count = d->hob_low = d->hob_mid = d->hob_high = 0;
    d->command = d->asc = d->sense = 0;
    d->device = 0;
    d->pos = d->end = d->left = d->block = d->reply = 0;
    d->lba = 0;
    d->packet_dma = d->changed = d->event_new = d->tray_open = d->eject_wanted = false;
    memset(d->packet, 0, sizeof(d->packet));
    memset(d->buffer, 0, sizeof(d->buffer));
    geometry(d);
    ide_drive_reset(d);
}

/* What a saved state may claim is bounded here. */
static void drive_loaded(struct device *dev)
{
    struct ide_drive *d = (struct ide_drive *)dev;

    d->end = MIN(d->end, IDE_BUFFER);
    d->pos = MIN(d->pos, d->end);
    d->reply = MIN(d->reply, IDE_BUFFER - d->end);
    if (d->transfer >= XFER_KINDS)
        d->transfer = XFER_NONE;
    d->multiple = MIN(d->multiple, IDE_MULTIPLE);
    if (!d->cdrom && d->block > IDE_MULTIPLE)
        d->block = IDE_MULTIPLE;
    if (!d->heads || !d->sectors)
        geometry(d);
}

/* The channel's number on its controller, and the place there. */
static char *drive_fw_path(const struct device *dev)
{
    const struct ide_drive *d = (const struct ide_drive *)dev;
    unsigned n = 0;

    while (channel_of(d->channel->owner, n) != d->channel)
        n++;
    g_autofree char *controller = pci_fw_path(to_pci(d->channel->owner));
    return g_strdup_printf("%s/drive@%x/disk@%x", controller, n, d->unit);
}

static void drive_unrealize(struct device *dev)
{
    struct ide_drive *d = (struct ide_drive *)dev;

    if (d->blk) {
        blk_drain(d->blk);
        blk_on_change(d->blk, NULL, NULL);
        blk_set_tray(d->blk, NULL, NULL);
    }
    if (d->channel && d->channel->drive[d->unit] == d)
        d->channel->drive[d->unit] = NULL;
}

#define F(f) STATE_FIELD(struct ide_drive, f)
static const struct state_field drive_state[] = {
    F(feature), F(error), F(count), F(low), F(mid), F(high), F(device), F(status),
    F(hob_feature), F(hob_count), F(hob_low), F(hob_mid), F(hob_high), F(command), F(transfer),
    F(pos), F(end), STATE_BUFFER(struct ide_drive, buffer), F(lba), F(left), F(block),
    F(multiple), F(dma_modes), F(ultra_mode), F(write_cache), F(dma_ready), F(retry),
    F(cylinders), F(heads), F(sectors), STATE_BUFFER(struct ide_drive, packet), F(sense), F(asc),
    F(packet_dma), F(locked), F(tray_open), F(changed), F(event_new), F(eject_wanted),
    F(reply), STATE_END};
#undef F

static const struct prop drive_props[] = {
    PROP(struct ide_drive, blk, "drive", PROP_DRIVE, NULL, "id of a -drive if=none, or node-name"),
    PROP(struct ide_drive, bus_name, "bus", PROP_STRING, NULL,
         "ide.0, ide.1 ..., or ID.0 ... of another controller"),
    PROP(struct ide_drive, unit, "unit", PROP_U32, "0xffffffff",
         "place on its bus; default: the first free"),
    PROP(struct ide_drive, serial, "serial", PROP_STRING, NULL, "serial number, 20 characters"),
    PROP(struct ide_drive, model, "model", PROP_STRING, NULL, "model, 40 characters"),
    PROP(struct ide_drive, version, "ver", PROP_STRING, NULL, "firmware version, 8 characters"),
    PROP_BOOTINDEX(struct ide_drive, dev),
    {0}};

#define DRIVE(nm, text, fn)                                                                        \
    {.name = nm, .help = text, .bus = "IDE", .size = sizeof(struct ide_drive),                     \
     .props = drive_props, .state = drive_state, .realize = fn, .reset = drive_reset,              \
     .loaded = drive_loaded, .unrealize = drive_unrealize, .fw_path = drive_fw_path}
const struct device_type ide_hd_type = DRIVE("ide-hd", "IDE hard disk", hd_realize);
const struct device_type ide_cd_type = DRIVE("ide-cd", "IDE CD-ROM", cd_realize);

/* SPDX-License-Identifier: MIT */
/*
 * Flash memory chip. Intel 28F640J3 datasheet (290667) for the command set, JEDEC JESD68.01 and
 * JEP137 for the common flash interface.
 *
 * Modelled: read array, status, identifiers and CFI query; program of a byte (or of as many as
 * the access has), write to buffer, block erase in blocks of 4 KiB, clear status; block lock
 * commands, which do nothing. Programming only clears bits. Operations end at once; a status
 * register that was cleared reads as zero until the next one, which is how firmware for virtual
 * machines recognises a flash chip. A read-only image refuses program and erase as a locked chip.
 * Not modelled: suspend, protection registers, wider chips.
 *
 * The image follows soon: changed sectors are written behind the guest's back, one request at a
 * time, and the rest before the machine ends.
 */
#include "hw/misc/pflash.h"

#include <inttypes.h>
#include <string.h>

#include "core/machine.h"
#include "util/error.h"

enum { /* commands */
    READ_ARRAY = 0xff, READ_ID = 0x90, READ_QUERY = 0x98, READ_STATUS = 0x70, CLEAR_STATUS = 0x50,
    PROGRAM = 0x40, PROGRAM_ALT = 0x10, WRITE_BUFFER = 0xe8, ERASE = 0x20, CONFIRM = 0xd0,
    LOCK_SETUP = 0x60, LOCK_SET = 0x01,
    BUFFER_DATA = 0xe9, BUFFER_CONFIRM = 0xea, /* our names for what follows WRITE_BUFFER */
};
enum { /* status register */
    SR_READY = 0x80, SR_ERASE_ERROR = 0x20, SR_PROGRAM_ERROR = 0x10, SR_LOCKED = 0x02,
};
enum { SECTOR = 512, MAKER_INTEL = 0x89, DEVICE_ID = 0x18, QUERY_AT = 0x10, QUERY_LEN = 0x34 };

/* ---- The image ------------------------------------------------------------------------ */

static void write_back(struct pflash *f);

static void written(struct blk_req *r, int result)
{
    struct pflash *f = r->arg;

    f->busy = false;
    if (result < 0)
        log_write(&f->dev.machine->log, "hostel: flash memory '%s': %s; what the guest wrote is "
                                        "not in it\n", blk_filename(f->blk), g_strerror(-result));
    write_back(f);
}

static void write_back(struct pflash *f)
{
    uint64_t len = f->dirty_end - f->dirty_first;

    if (f->busy || !len)
        return;
    f->busy = true;
    f->iov = (struct iovec){f->ram->host + f->dirty_first, len};
    f->req = (struct blk_req){.op = BLK_WRITE, .off = f->dirty_first, .len = len, .iov = &f->iov,
                              .niov = 1, .done = written, .arg = f};
    f->dirty_first = f->dirty_end = 0;
    blk_submit(f->blk, &f->req);
}

static void changed(struct pflash *f, uint64_t off, uint64_t len)
{
    uint64_t first = off / SECTOR * SECTOR, end = (off + len + SECTOR - 1) / SECTOR * SECTOR;

    ram_note_write(f->ram, off, len);
    if (f->dirty_end == f->dirty_first)
        f->dirty_first = first;
    f->dirty_first = MIN(f->dirty_first, first);
    f->dirty_end = MAX(f->dirty_end, end);
    write_back(f);
}

/* ---- Operations ----------------------------------------------------------------------- */

static void set_mode(struct pflash *f, uint8_t mode)
{
    f->mode = mode;
    if (f->chip.enabled != (mode != READ_ARRAY))
        region_set_enabled(&f->chip, mode != READ_ARRAY);
}

static bool refused(struct pflash *f, uint8_t error)
{
    f->status |= SR_READY;
    if (blk_read_only(f->blk))
        f->status |= error | SR_LOCKED;
    return blk_read_only(f->blk);
}

/* Bits can be cleared only. */
static void program(struct pflash *f, uint64_t off, const uint8_t *bytes, uint32_t n)
{
    if (refused(f, SR_PROGRAM_ERROR))
        return;
    n = (uint32_t)MIN(n, f->ram->size - off);
    for (uint32_t i = 0; i < n; i++)
        f->ram->host[off + i] &= bytes[i];
    changed(f, off, n);
}

static void erase(struct pflash *f, uint64_t off)
{
    off -= off % PFLASH_BLOCK;
    if (refused(f, SR_ERASE_ERROR))
        return;
    memset(f->ram->host + off, 0xff, PFLASH_BLOCK);
    changed(f, off, PFLASH_BLOCK);
}

static void sequence_error(struct pflash *f)
{
    f->status |= SR_READY | SR_ERASE_ERROR | SR_PROGRAM_ERROR;
}

/* ---- Writes --------------------------------------------------------------------------- */

static void new_command(struct pflash *f, uint64_t off, uint8_t cmd)
{
    f->command = 0;
    switch (cmd) {
    case READ_ARRAY:
    case READ_ID:
    case READ_QUERY:
    case READ_STATUS:
        set_mode(f, cmd);
        break;
    case CLEAR_STATUS:
        f->status = 0;
        set_mode(f, READ_STATUS);
        break;
    case WRITE_BUFFER:
        f->buffer_at = (uint32_t)(off - off % PFLASH_BUFFER);
        f->status |= SR_READY; /* the buffer is there */
        f->command = cmd;
        set_mode(f, READ_STATUS);
        break;
    case PROGRAM:
    case PROGRAM_ALT:
    case ERASE:
    case LOCK_SETUP:
        f->command = cmd;
        set_mode(f, READ_STATUS);
        break;
    default:
        guest_warn(&f->dev.machine->log, "pflash", "command %02x", cmd);
    }
}

/* Data for the buffer, within its window. */
static void take_data(struct pflash *f, uint64_t off, uint64_t val, unsigned size)
{
    for (unsigned i = 0; i < size && f->buffer_have < f->buffer_n; i++) {
        if (off + i < f->buffer_at || off + i >= f->buffer_at + PFLASH_BUFFER)
            continue;
        f->buffer[off + i - f->buffer_at] = (uint8_t)(val >> (8 * i));
        f->buffer_have++;
    }
    if (f->buffer_have >= f->buffer_n)
        f->command = BUFFER_CONFIRM;
}

static void continue_command(struct pflash *f, uint64_t off, uint64_t val, unsigned size)
{
    uint8_t bytes[8], cmd = f->command;

    memcpy(bytes, &(uint64_t){GUINT64_TO_LE(val)}, 8);
    f->command = 0;
    switch (cmd) {
    case PROGRAM:
    case PROGRAM_ALT:
        program(f, off, bytes, size);
        break;
    case ERASE:
        if (bytes[0] == CONFIRM)
            erase(f, off);
        else
            sequence_error(f);
        break;
    case LOCK_SETUP:
        f->status |= SR_READY;
        if (bytes[0] != CONFIRM && bytes[0] != LOCK_SET)
            sequence_error(f);
        break;
    case WRITE_BUFFER:
        f->buffer_n = (uint32_t)bytes[0] + 1;
        f->buffer_have = 0;
        memset(f->buffer, 0xff, sizeof(f->buffer));
        f->command = BUFFER_DATA;
        break;
    case BUFFER_DATA:
        f->command = BUFFER_DATA;
        take_data(f, off, val, size);
        break;
    case BUFFER_CONFIRM:
        if (bytes[0] == CONFIRM)
            program(f, f->buffer_at, f->buffer, PFLASH_BUFFER);
        else
            sequence_error(f);
        break;
    }
}

static void flash_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct pflash *f = dev;

    if (f->command)
        continue_command(f, off, val, size);
    else
        new_command(f, off, (uint8_t)val);
}

/* ---- Reads, except of the array ------------------------------------------------------- */

static unsigned log2_of(uint64_t v)
{
    unsigned n = 0;

    while (v > 1ull << n)
        n++;
    return n;
}

/* The table that starts with "QRY" (JESD68.01), and the command set's own with "PRI". */
static uint8_t query(const struct pflash *f, uint64_t at)
{
    uint32_t blocks = (uint32_t)(f->ram->size / PFLASH_BLOCK) - 1;
    const uint8_t table[QUERY_LEN] = {
        'Q', 'R', 'Y', 1, 0, 0x31, 0, 0, 0, 0, 0, /* Intel's commands, their table at 31h */
        0x45, 0x55, 0, 0,                         /* 4.5 to 5.5 V */
        7, 7, 10, 0, 4, 4, 4, 0,                  /* times: 128 us per write, 1 s per erase */
        (uint8_t)log2_of(f->ram->size), 0, 0,     /* size; 8 data lines */
        8, 0, 1,                                  /* buffer of 256 bytes; one kind of block */
        (uint8_t)blocks, (uint8_t)(blocks >> 8), PFLASH_BLOCK >> 8 & 0xff, PFLASH_BLOCK >> 16,
        'P', 'R', 'I', '1', '0', 0, 0, 0, 0, 0,
    };

    return at >= QUERY_AT && at < QUERY_AT + QUERY_LEN ? table[at - QUERY_AT] : 0;
}

static uint64_t chip_read(void *dev, uint64_t off, unsigned size)
{
    struct pflash *f = dev;
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++) {
        uint64_t at = off + i;
        uint8_t b = f->mode == READ_STATUS  ? f->status
                    : f->mode == READ_QUERY ? query(f, at)
                    : at == 0               ? MAKER_INTEL
                    : at == 1               ? DEVICE_ID
                                            : 0;
        v |= (uint64_t)b << (8 * i);
    }
    return v;
}

static const struct region_ops chip_ops = {chip_read, flash_write, 1, 4};

/* ---- Life ----------------------------------------------------------------------------- */

static void was_read(struct blk_req *r, int result)
{
    struct pflash *f = r->arg;

    r->result = result;
    f->busy = false;
}

static bool read_image(struct pflash *f, GError **err)
{
    f->iov = (struct iovec){f->ram->host, blk_size(f->blk)};
    f->req = (struct blk_req){.op = BLK_READ, .len = blk_size(f->blk), .iov = &f->iov, .niov = 1,
                              .done = was_read, .arg = f};
    f->busy = true;
    blk_submit(f->blk, &f->req);
    blk_drain(f->blk);
    return f->req.result >= 0 || error_set(err, "'%s': %s", blk_filename(f->blk),
                                           g_strerror(-f->req.result));
}

static bool pflash_realize(struct device *dev, GError **err)
{
    struct pflash *f = (struct pflash *)dev;
    uint64_t size = f->blk ? blk_size(f->blk) : 0;

    if (!size || size % PFLASH_BLOCK)
        return error_set(err, "flash memory is a multiple of 4 KiB; '%s' has %" PRIu64 " bytes",
                         f->blk && blk_filename(f->blk) ? blk_filename(f->blk) : "", size);
    f->ram = ram_block_new("system.flash", size, err);
    if (!f->ram)
        return false;
    machine_add_ram(dev->machine, f->ram);
    if (!read_image(f, err))
        return false;
    region_init_container(&f->mem, "pflash", size);
    region_init_ram(&f->array, "pflash-array", f->ram, 0, size, true);
    f->array.ops = &chip_ops;
    f->array.dev = f;
    region_init_io(&f->chip, "pflash-chip", &chip_ops, f, size);
    region_add(&f->mem, 0, &f->array, 0);
    region_add(&f->mem, 0, &f->chip, 1);
    set_mode(f, READ_ARRAY);
    return true;
}

static void pflash_reset(struct device *dev)
{
    struct pflash *f = (struct pflash *)dev;

    f->command = f->status = 0;
    f->buffer_at = f->buffer_n = f->buffer_have = 0;
    memset(f->buffer, 0, sizeof(f->buffer));
    set_mode(f, READ_ARRAY);
}

/* The array came with the memory: the image has it from now on. */
static void pflash_loaded(struct device *dev)
{
    struct pflash *f = (struct pflash *)dev;

    f->buffer_at = (uint32_t)MIN(f->buffer_at, f->ram->size - PFLASH_BUFFER);
    f->buffer_n = MIN(f->buffer_n, PFLASH_BUFFER);
    f->buffer_have = MIN(f->buffer_have, f->buffer_n);
    set_mode(f, f->mode ? f->mode : READ_ARRAY);
    if (!blk_read_only(f->blk))
        changed(f, 0, f->ram->size);
}

static void pflash_unrealize(struct device *dev)
{
    struct pflash *f = (struct pflash *)dev;

    blk_drain(f->blk); /* done() submits what is left */
    region_fini(&f->array);
    region_fini(&f->chip);
    region_fini(&f->mem);
}

static const struct prop pflash_props[] = {
    PROP(struct pflash, blk, "drive", PROP_DRIVE, NULL, "id of a -drive if=pflash, or node-name"),
    {0}};
#define F(f) STATE_FIELD(struct pflash, f)
static const struct state_field pflash_state[] = {
    F(command), F(mode), F(status), STATE_BUFFER(struct pflash, buffer), F(buffer_at), F(buffer_n),
    F(buffer_have), STATE_END};

const struct device_type pflash_type = {
    .name = "cfi.pflash01",
    .help = "flash memory with firmware",
    .bus = "System",
    .size = sizeof(struct pflash),
    .props = pflash_props,
    .state = pflash_state,
    .internal = true,
    .realize = pflash_realize,
    .reset = pflash_reset,
    .loaded = pflash_loaded,
    .unrealize = pflash_unrealize,
};

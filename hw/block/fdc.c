/* SPDX-License-Identifier: MIT */
/*
 * 82078 floppy disk controller. Intel 82078 data sheet (290468-003).
 *
 * Modelled: registers in PC/AT mode, all commands that drivers use (the table below), DMA and
 * programmed transfers of 512-byte sectors, implied seeks, media of the PC's formats with their
 * data rates, the disk change line. Not modelled: other sector sizes, scans, deleted data marks
 * (read as data), the FIFO's threshold, motor spin-up and rotation (a sector passes at once), power
 * down. A command on a drive without a medium ends with a missing address mark where the real one
 * waits for ever.
 */
#include "hw/block/fdc.h"

#include <string.h>

#include "core/machine.h"
#include "hw/block/fdc_regs.h"
#include "util/error.h"

enum { SEEK_NS = 500 * 1000, RESET_NS = 20 * 1000 };

/* ---- Media ---------------------------------------------------------------------------------- */

static const struct {
    uint32_t kib;
    uint8_t tracks, heads, sectors, rate, type;
} formats[] = {
    {1440, 80, 2, 18, RATE_500K, FDC_1440K}, {2880, 80, 2, 36, RATE_1M, FDC_2880K},
    {1200, 80, 2, 15, RATE_500K, FDC_1200K}, {720, 80, 2, 9, RATE_250K, FDC_1440K},
    {360, 40, 2, 9, RATE_300K, FDC_1200K},   {320, 40, 2, 8, RATE_300K, FDC_1200K},
    {180, 40, 1, 9, RATE_300K, FDC_1200K},   {160, 40, 1, 8, RATE_300K, FDC_1200K},
    {1600, 80, 2, 20, RATE_500K, FDC_1440K}, {1680, 80, 2, 21, RATE_500K, FDC_1440K},
    {1520, 80, 2, 19, RATE_500K, FDC_1440K}, {1743, 83, 2, 21, RATE_500K, FDC_1440K},
    {3200, 80, 2, 40, RATE_1M, FDC_2880K},   {3520, 80, 2, 44, RATE_1M, FDC_2880K},
};

/* The format that has this size, else one that such an image is the beginning of. */
static int format_of(uint64_t size)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (size == (uint64_t)formats[i].tracks * formats[i].heads * formats[i].sectors * 512)
            return (int)i;
    return size <= 1440 * 1024 ? 0 : size <= 2880 * 1024 ? 1 : -1;
}

static void look_at_medium(struct fdc_drive *d)
{
    int n = d->blk && blk_inserted(d->blk) ? format_of(blk_size(d->blk)) : -1;

    d->tracks = d->heads = d->sectors = 0;
    if (n < 0)
        return;
    d->tracks = formats[n].tracks;
    d->heads = formats[n].heads;
    d->sectors = formats[n].sectors;
    d->rate = formats[n].rate;
    if (d->type == FDC_NONE)
        d->type = formats[n].type;
}

static void medium_changed(void *arg)
{
    struct fdc_drive *d = arg;

    look_at_medium(d);
    d->changed = true;
}

void fdc_add_drive(struct fdc *f, unsigned n, struct blk *blk)
{
    struct fdc_drive *d = &f->drive[n];

    d->blk = blk;
    look_at_medium(d);
    if (d->type == FDC_NONE)
        d->type = FDC_1440K;
    blk_on_change(blk, medium_changed, d);
}

uint8_t fdc_cmos_types(const struct fdc *f)
{
    return (uint8_t)(f->drive[0].type << 4 | f->drive[1].type);
}

/* ---- Interrupt and phases ------------------------------------------------------------------- */

static void update(struct fdc *f)
{
    irq_set(f->irq, f->raised && (f->dor & DOR_DMA));
}

void fdc_raise(struct fdc *f, bool level)
{
    f->raised = level;
    update(f);
}

static void idle(struct fdc *f)
{
    f->phase = FDC_IDLE;
    f->fifo_pos = f->fifo_len = 0;
}

void fdc_results(struct fdc *f, unsigned n)
{
    f->phase = FDC_RESULT;
    f->fifo_pos = 0;
    f->fifo_len = (uint8_t)n;
}

static void wait_for_requests(struct fdc *f)
{
    for (unsigned i = 0; i < FDC_DRIVES; i++)
        if (f->drive[i].blk && f->busy)
            blk_drain(f->drive[i].blk);
}

/* What a reset by software leaves alone is in `lock`. */
static void soft_reset(struct fdc *f)
{
    f->phase = FDC_IDLE; /* so that what is under way ends in nothing */
    wait_for_requests(f);
    idle(f);
    timer_del(&f->timer);
    f->sense_left = 0;
    f->seek_ended = false;
    if (!f->lock)
        f->config = f->pretrack = 0;
    fdc_raise(f, false);
}

static void timer_fires(void *arg)
{
    struct fdc *f = arg;

    if (!f->seek_ended)
        f->sense_left = 4;
    fdc_raise(f, true);
}

static void after(struct fdc *f, int64_t ns)
{
    timer_set(&f->timer, clock_now(&f->dev.machine->vclock) + ns);
}

/* ---- Commands ------------------------------------------------------------------------------- */

void fdc_move_head(struct fdc *f, struct fdc_drive *d, unsigned track)
{
    if (d->tracks) /* a step with a medium inside clears the line */
        d->changed = false;
    d->track = (uint8_t)track;
}

static void seek(struct fdc *f, unsigned track)
{
    unsigned n = f->fifo[1] & 3;
    bool there = n < FDC_DRIVES && f->drive[n].blk;

    if (there)
        fdc_move_head(f, &f->drive[n], track);
    f->st0 = (uint8_t)(ST0_SEEK_END | (f->fifo[1] & 7) |
                       (there ? 0 : ST0_ABNORMAL | ST0_EQUIPMENT));
    f->seek_ended = true;
    idle(f);
    after(f, SEEK_NS);
}

static void cmd_seek(struct fdc *f)
{
    seek(f, f->fifo[2]);
}

static void cmd_recalibrate(struct fdc *f)
{
    f->fifo[1] &= 3;
    seek(f, 0);
}

static void cmd_sense_interrupt(struct fdc *f)
{
    if (f->sense_left) {
        f->fifo[0] = ST0_READY_CHANGED | (4 - f->sense_left--);
        f->fifo[1] = f->drive[(f->fifo[0] & 3) % FDC_DRIVES].track;
    } else if (f->seek_ended && f->raised) {
        f->fifo[0] = f->st0;
        f->fifo[1] = f->drive[(f->st0 & 3) % FDC_DRIVES].track;
        f->seek_ended = false;
    } else {
        f->fifo[0] = ST0_INVALID;
        fdc_results(f, 1);
        return;
    }
    fdc_raise(f, false);
    fdc_results(f, 2);
}

static void cmd_sense_drive(struct fdc *f)
{
    const struct fdc_drive *d = fdc_selected(f);
    bool protected = d->blk && blk_inserted(d->blk) && blk_read_only(d->blk);

    f->fifo[0] = (uint8_t)((f->fifo[1] & 7) | ST3_READY | ST3_TWO_SIDES |
                           (d->track ? 0 : ST3_TRACK0) | (protected ? ST3_PROTECTED : 0));
    fdc_results(f, 1);
}

static void cmd_specify(struct fdc *f)
{
    f->specify[0] = f->fifo[1];
    f->specify[1] = f->fifo[2];
    idle(f);
}

static void cmd_configure(struct fdc *f)
{
    f->config = f->fifo[2];
    f->pretrack = f->fifo[3];
    idle(f);
}

static void cmd_perpendicular(struct fdc *f)
{
    f->perpendicular = f->fifo[1];
    idle(f);
}

static void cmd_dumpreg(struct fdc *f)
{
    uint8_t *r = f->fifo;

    r[0] = f->drive[0].track;
    r[1] = f->drive[1].track;
    r[2] = r[3] = 0;
    r[4] = f->specify[0];
    r[5] = f->specify[1];
    r[6] = f->eot;
    r[7] = (uint8_t)(f->lock << 7 | (f->perpendicular & 0x3f));
    r[8] = f->config;
    r[9] = f->pretrack;
    fdc_results(f, 10);
}

static void one_byte(struct fdc *f, uint8_t v)
{
    f->fifo[0] = v;
    fdc_results(f, 1);
}

static void cmd_version(struct fdc *f)
{
    one_byte(f, FDC_VERSION);
}

static void cmd_part_id(struct fdc *f)
{
    one_byte(f, FDC_PART_ID);
}

static void cmd_lock(struct fdc *f)
{
    f->lock = f->fifo[0] & 0x80;
    one_byte(f, (uint8_t)(f->lock << 4));
}

static const struct command {
    uint8_t code, bytes; /* with the first */
    void (*run)(struct fdc *f);
} commands[] = {
    {CMD_READ, 9, fdc_data_command}, {CMD_READ_DELETED, 9, fdc_data_command},
    {CMD_WRITE, 9, fdc_data_command}, {CMD_WRITE_DELETED, 9, fdc_data_command},
    {CMD_READ_TRACK, 9, fdc_data_command}, {CMD_VERIFY, 9, fdc_data_command},
    {CMD_FORMAT, 6, fdc_format_command}, {CMD_READ_ID, 2, fdc_read_id},
    {CMD_SEEK, 3, cmd_seek}, {CMD_RECALIBRATE, 2, cmd_recalibrate},
    {CMD_SENSE_INTERRUPT, 1, cmd_sense_interrupt}, {CMD_SENSE_DRIVE, 2, cmd_sense_drive},
    {CMD_SPECIFY, 3, cmd_specify}, {CMD_CONFIGURE, 4, cmd_configure},
    {CMD_PERPENDICULAR, 2, cmd_perpendicular}, {CMD_DUMPREG, 1, cmd_dumpreg},
    {CMD_VERSION, 1, cmd_version}, {CMD_PART_ID, 1, cmd_part_id}, {CMD_LOCK, 1, cmd_lock},
};

static const struct command *find(uint8_t first)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if (commands[i].code == (first & CMD_MASK))
            return &commands[i];
    return NULL;
}

static void command_byte(struct fdc *f, uint8_t v)
{
    const struct command *c;

    if (f->phase == FDC_IDLE || f->fifo_pos >= FDC_FIFO_MAX)
        f->fifo_pos = 0;
    f->phase = FDC_COMMAND;
    f->fifo[f->fifo_pos++] = v;
    c = find(f->fifo[0]);
    if (!c) {
        guest_warn(&f->dev.machine->log, "fdc", "unknown command %02x", v);
        one_byte(f, ST0_INVALID);
    } else if (f->fifo_pos == c->bytes) {
        /* What comes after a command is not told of its seek or reset any more. */
        if (c->run != cmd_sense_interrupt)
            fdc_raise(f, false);
        c->run(f);
    }
}

/* ---- Registers ------------------------------------------------------------------------------ */

static void fifo_write(struct fdc *f, uint8_t v)
{
    if (!(f->dor & DOR_NOT_RESET))
        return;
    if (f->phase == FDC_EXECUTION)
        fdc_pio_write(f, v);
    else if (f->phase != FDC_RESULT)
        command_byte(f, v);
}

static uint8_t fifo_read(struct fdc *f)
{
    if (f->phase == FDC_EXECUTION)
        return fdc_pio_read(f);
    if (f->phase != FDC_RESULT)
        return 0;
    uint8_t v = f->fifo[f->fifo_pos++ % FDC_FIFO_MAX];
    fdc_raise(f, f->seek_ended && f->raised); /* reading results takes the interrupt back */
    if (f->fifo_pos >= f->fifo_len)
        idle(f);
    return v;
}

static uint8_t main_status(const struct fdc *f)
{
    if (!(f->dor & DOR_NOT_RESET))
        return 0;
    switch (f->phase) {
    case FDC_IDLE: return MSR_RQM;
    case FDC_COMMAND: return MSR_RQM | MSR_BUSY;
    case FDC_RESULT: return MSR_RQM | MSR_DIO | MSR_BUSY;
    default:
        if (!f->pio || f->busy)
            return MSR_BUSY | (f->pio ? MSR_NON_DMA : 0);
        return (uint8_t)(MSR_RQM | MSR_BUSY | MSR_NON_DMA | (f->writes ? 0 : MSR_DIO));
    }
}

static void set_dor(struct fdc *f, uint8_t v)
{
    uint8_t old = f->dor;

    f->dor = v;
    if ((old & DOR_NOT_RESET) && !(v & DOR_NOT_RESET))
        soft_reset(f);
    if (!(old & DOR_NOT_RESET) && (v & DOR_NOT_RESET))
        after(f, RESET_NS);
    update(f);
}

static void set_dsr(struct fdc *f, uint8_t v)
{
    f->dsr = v & ~DSR_RESET;
    if ((v & DSR_RESET) && (f->dor & DOR_NOT_RESET)) {
        soft_reset(f);
        after(f, RESET_NS);
    }
}

static uint64_t io_read(void *dev, uint64_t off, unsigned size)
{
    struct fdc *f = dev;

    switch (off) {
    case FDC_SRA: return f->raised << 7;
    case FDC_SRB: return 0xc0;
    case FDC_DOR: return f->dor;
    case FDC_TDR: return f->tdr;
    case FDC_MSR: return main_status(f);
    default: return fifo_read(f);
    }
}

static void io_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct fdc *f = dev;

    switch (off) {
    case FDC_DOR: set_dor(f, (uint8_t)val); break;
    case FDC_TDR: f->tdr = val & 3; break;
    case FDC_DSR: set_dsr(f, (uint8_t)val); break;
    case FDC_FIFO: fifo_write(f, (uint8_t)val); break;
    }
}

static uint64_t dir_read(void *dev, uint64_t off, unsigned size)
{
    const struct fdc *f = dev;
    unsigned n = f->dor & DOR_SELECT;
    bool turns = f->dor & DOR_MOTOR0 << n;

    if (n >= FDC_DRIVES || !turns || !f->drive[n].blk)
        return 0;
    return f->drive[n].changed || !f->drive[n].tracks ? DIR_CHANGED : 0;
}

static void ccr_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct fdc *f = dev;

    f->dsr = (uint8_t)((f->dsr & ~DSR_RATE) | (val & DSR_RATE));
}

static const struct region_ops io_ops = {.read = io_read, .write = io_write, .min = 1, .max = 1};
static const struct region_ops dir_ops = {.read = dir_read, .write = ccr_write, .min = 1, .max = 1};

/* ---- Life ----------------------------------------------------------------------------------- */

static void fdc_reset(struct device *dev)
{
    struct fdc *f = (struct fdc *)dev;

    f->lock = false;
    soft_reset(f);
    f->dor = f->tdr = 0;
    f->dsr = RATE_250K;
    f->st0 = 0;
    f->perpendicular = f->eot = 0;
    memset(f->specify, 0, sizeof(f->specify));
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        f->drive[i].track = 0;
        f->drive[i].changed = true;
    }
    update(f);
}

static void fdc_loaded(struct device *dev)
{
    struct fdc *f = (struct fdc *)dev;

    f->fifo_pos = MIN(f->fifo_pos, FDC_FIFO_MAX - 1);
    f->fifo_len = MIN(f->fifo_len, FDC_FIFO_MAX);
    f->pos = MIN(f->pos, FDC_SECTOR - 1);
    f->busy = false;
    update(f);
}

static bool fdc_realize(struct device *dev, GError **err)
{
    struct fdc *f = (struct fdc *)dev;

    for (unsigned i = 0; i < FDC_DRIVES; i++)
        if (f->drive[i].blk && blk_inserted(f->drive[i].blk) && !f->drive[i].tracks)
            return error_set(err, "%s: no floppy disk has %" G_GUINT64_FORMAT " KiB (up to 2880)",
                             blk_filename(f->drive[i].blk), blk_size(f->drive[i].blk) / 1024);
    timer_init(&f->timer, &dev->machine->vclock, "fdc", timer_fires, f);
    region_init_io(&f->io, "fdc", &io_ops, f, 6);
    region_init_io(&f->dir, "fdc-dir", &dir_ops, f, 1);
    return true;
}

static void fdc_unrealize(struct device *dev)
{
    struct fdc *f = (struct fdc *)dev;

    f->phase = FDC_IDLE;
    wait_for_requests(f);
    timer_del(&f->timer);
    region_fini(&f->io);
    region_fini(&f->dir);
}

#define F(field) STATE_FIELD(struct fdc, field)
static const struct state_field fdc_state[] = {
    F(dor), F(dsr), F(tdr), F(phase), STATE_BUFFER(struct fdc, fifo), F(fifo_pos), F(fifo_len),
    F(raised), F(st0), F(sense_left), F(seek_ended), F(specify[0]), F(specify[1]), F(config),
    F(pretrack), F(perpendicular), F(lock), F(c), F(h), F(r), F(eot), F(side), F(multi), F(writes),
    F(verifies), F(formats), F(pio), F(left), F(filler), F(pos), F(tc),
    STATE_BUFFER(struct fdc, sector), F(drive[0].track), F(drive[0].changed), F(drive[1].track),
    F(drive[1].changed), STATE_TIMER_FIELD(struct fdc, timer), STATE_END};

const struct device_type fdc_type = {
    .name = "isa-fdc",
    .help = "floppy disk controller",
    .bus = "ISA",
    .size = sizeof(struct fdc),
    .state = fdc_state,
    .state_version = 1,
    .internal = true,
    .realize = fdc_realize,
    .reset = fdc_reset,
    .loaded = fdc_loaded,
    .unrealize = fdc_unrealize,
};

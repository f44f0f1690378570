/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk: VIRTIO 1.2, 5.2. A request goes to the block layer as the iovecs that the guest
 * gave, and may end in any order. Modelled: several queues, flush, discard, write zeroes,
 * serial number, topology, a write cache that the driver can turn off, change of size. Not
 * modelled: secure erase, lifetime, zones.
 */
#include "hw/virtio/blk.h"

#include <errno.h>
#include <string.h>

#include "block/block.h"
#include "block/drive.h"
#include "core/machine.h"
#include "hw/virtio/blk_regs.h"
#include "util/error.h"

enum { QUEUES_AUTO = 0xffff, MAX_SECTORS = 1 << 22 /* of a discard */ };

struct virtio_blk {
    struct virtio_device v;
    /* properties */
    struct blk *blk;
    char *serial;
    uint16_t num_queues, queue_size, logical, physical, min_io;
    uint32_t opt_io;
    bool config_wce, discard, write_zeroes;

    bool write_cache; /* as the driver has set it */
};

struct request {
    struct virtq_elem e;
    struct blk_req req;
    struct iovec *slice; /* what req.iov is, if it is not a part of the element's; owned */
    uint32_t type;
    uint64_t sector;
};

static struct virtio_blk *of(struct virtq *vq)
{
    return (struct virtio_blk *)vq->dev;
}

/* ---- Ends --------------------------------------------------------------------------------- */

static void complete(struct request *r, uint8_t status)
{
    struct virtq *vq = r->e.vq;
    const struct iovec *last = &r->e.in[r->e.nin - 1];

    ((uint8_t *)last->iov_base)[last->iov_len - 1] = status;
    g_free(r->slice);
    virtq_push(&r->e, r->e.in_len);
    virtq_notify(vq);
}

static bool is_write(const struct request *r)
{
    return r->type != BLK_T_IN;
}

/* The request is done again when the machine goes on. */
static void stop_for_error(struct request *r, int result)
{
    struct virtio_blk *b = of(r->e.vq);

    log_write(&virtio_machine(&b->v)->log,
              "hostel: %s: '%s': %s; the machine is stopped, 'cont' tries again\n",
              b->v.pci.dev.path, blk_filename(b->blk), g_strerror(-result));
    g_free(r->slice);
    virtq_unpop(&r->e);
    machine_request_pause(virtio_machine(&b->v));
}

static void done(struct blk_req *req, int result)
{
    struct request *r = req->arg;
    struct virtio_blk *b = of(r->e.vq);

    if (result < 0) {
        switch (blk_error_action(b->blk, is_write(r), result)) {
        case BLK_STOP:
            stop_for_error(r, result);
            return;
        case BLK_IGNORE:
            result = 0;
            break;
        default:
            break;
        }
    }
    /* Without a write cache a write is done when it is on the disk. */
    if (result >= 0 && is_write(r) && req->op != BLK_FLUSH && !b->write_cache) {
        req->op = BLK_FLUSH;
        blk_submit(b->blk, req);
        return;
    }
    complete(r, result < 0 ? BLK_S_IOERR : BLK_S_OK);
}

/* ---- Requests ----------------------------------------------------------------------------- */

static void submit(struct request *r, enum blk_op op, uint64_t off, uint64_t len, unsigned flags)
{
    r->req.op = op;
    r->req.off = off;
    r->req.len = len;
    r->req.flags = flags;
    r->req.done = done;
    r->req.arg = r;
    blk_submit(of(r->e.vq)->blk, &r->req);
}

/* The bytes [off, off + len) of a list as a list; whole elements need no copy of it. */
static void set_data(struct request *r, const struct iovec *iov, unsigned n, size_t off, size_t len)
{
    while (n && off >= iov->iov_len) {
        off -= iov->iov_len;
        iov++;
        n--;
    }
    while (n && iov_size(iov, n) - off >= len + iov[n - 1].iov_len)
        n--;
    r->req.iov = iov;
    r->req.niov = n;
    if (off == 0 && iov_size(iov, n) == len)
        return;
    r->slice = g_new(struct iovec, n + 1);
    r->req.iov = r->slice;
    r->req.niov = iov_slice(iov, n, off, len, r->slice);
}

static void transfer(struct virtio_blk *b, struct request *r)
{
    bool write = r->type == BLK_T_OUT;
    size_t len = write ? r->e.out_len - BLK_HEADER : r->e.in_len - 1;
    unsigned align = b->logical / BLK_SECTOR;

    if (r->sector > blk_size(b->blk) / BLK_SECTOR || r->sector % align || len % b->logical ||
        len > blk_size(b->blk) - r->sector * BLK_SECTOR || (write && blk_read_only(b->blk))) {
        complete(r, BLK_S_IOERR);
        return;
    }
    if (write)
        set_data(r, r->e.out, r->e.nout, BLK_HEADER, len);
    else
        set_data(r, r->e.in, r->e.nin, 0, len);
    submit(r, write ? BLK_WRITE : BLK_READ, r->sector * BLK_SECTOR, len, 0);
}

struct range {
    uint64_t sector;
    uint32_t sectors, flags;
};

static void discard_or_zero(struct virtio_blk *b, struct request *r)
{
    bool zero = r->type == BLK_T_WRITE_ZEROES;
    struct range range;

    if (r->e.out_len != BLK_HEADER + BLK_RANGE_SIZE || blk_read_only(b->blk)) {
        complete(r, BLK_S_IOERR);
        return;
    }
    iov_read(r->e.out, r->e.nout, BLK_HEADER, &range, sizeof(range));
    if (range.flags & ~(zero ? BLK_RANGE_UNMAP : 0u)) {
        complete(r, BLK_S_UNSUPP);
        return;
    }
    uint64_t end = blk_size(b->blk) / BLK_SECTOR;
    if (range.sectors > MAX_SECTORS || range.sector > end || range.sectors > end - range.sector) {
        complete(r, BLK_S_IOERR);
        return;
    }
    submit(r, zero ? BLK_ZERO : BLK_DISCARD, range.sector * BLK_SECTOR,
           (uint64_t)range.sectors * BLK_SECTOR, range.flags & BLK_RANGE_UNMAP ? BLK_MAY_UNMAP : 0);
}

static void get_id(struct virtio_blk *b, struct request *r)
{
    char id[BLK_ID_SIZE + 1] = "";

    g_strlcpy(id, b->serial ? b->serial : "", sizeof(id));
    iov_write(r->e.in, r->e.nin, 0, id, MIN(BLK_ID_SIZE, r->e.in_len - 1));
    complete(r, BLK_S_OK);
}

static bool offers(struct virtio_blk *b, uint32_t type)
{
    return type == BLK_T_DISCARD ? b->discard : type == BLK_T_WRITE_ZEROES ? b->write_zeroes : true;
}

static void perform(struct virtio_blk *b, struct request *r)
{
    switch (offers(b, r->type) ? r->type : UINT32_MAX) {
    case BLK_T_IN:
    case BLK_T_OUT:
        transfer(b, r);
        break;
    case BLK_T_FLUSH:
        submit(r, BLK_FLUSH, 0, 0, 0);
        break;
    case BLK_T_GET_ID:
        get_id(b, r);
        break;
    case BLK_T_DISCARD:
    case BLK_T_WRITE_ZEROES:
        discard_or_zero(b, r);
        break;
    default:
        complete(r, BLK_S_UNSUPP);
    }
}

static void on_request(struct virtq *vq)
{
    struct virtio_blk *b = of(vq);
    struct request *r;

    blk_plug(b->blk);
    while ((r = (struct request *)virtq_pop(vq, sizeof(*r)))) {
        uint8_t header[BLK_HEADER];
        if (r->e.out_len < BLK_HEADER || r->e.in_len < 1) {
            virtio_error(&b->v, "a request without header or status");
            break;
        }
        iov_read(r->e.out, r->e.nout, 0, header, BLK_HEADER);
        r->type = pci_get32(header);
        r->sector = pci_get32(header + 8) | (uint64_t)pci_get32(header + 12) << 32;
        perform(b, r);
    }
    blk_unplug(b->blk);
}

/* ---- Configuration ------------------------------------------------------------------------ */

static uint64_t blk_features(struct virtio_device *v)
{
    struct virtio_blk *b = (struct virtio_blk *)v;

    return (blk_read_only(b->blk) ? VIRTIO_BLK_F_RO : 0) |
           (b->num_queues > 1 ? VIRTIO_BLK_F_MQ : 0) |
           (b->config_wce ? VIRTIO_BLK_F_CONFIG_WCE : 0) | (b->discard ? VIRTIO_BLK_F_DISCARD : 0) |
           (b->write_zeroes ? VIRTIO_BLK_F_WRITE_ZEROES : 0);
}

static unsigned log2_of(unsigned n)
{
    return n > 1 ? 1 + log2_of(n / 2) : 0;
}

static void put_geometry(const struct virtio_blk *b, uint8_t *c)
{
    uint64_t cylinders = blk_size(b->blk) / 512 / (16 * 63);

    pci_put16(c + BLK_CYLINDERS, (uint16_t)MIN(cylinders, UINT16_MAX));
    c[BLK_HEADS] = 16;
    c[BLK_SECTORS] = 63;
}

static void put_ranges(const struct virtio_blk *b, uint8_t *c)
{
    pci_put32(c + BLK_DISCARD_ALIGNMENT, b->logical / BLK_SECTOR);
    if (b->discard) {
        pci_put32(c + BLK_MAX_DISCARD, MAX_SECTORS);
        pci_put32(c + BLK_MAX_DISCARD_SEG, 1);
    }
    if (b->write_zeroes) {
        pci_put32(c + BLK_MAX_ZEROES, MAX_SECTORS);
        pci_put32(c + BLK_MAX_ZEROES_SEG, 1);
        c[BLK_ZEROES_MAY_UNMAP] = 1;
    }
}

static void blk_get_config(struct virtio_device *v, uint8_t *c)
{
    struct virtio_blk *b = (struct virtio_blk *)v;
    uint64_t capacity = blk_size(b->blk) / b->logical * (b->logical / BLK_SECTOR);

    pci_put32(c + BLK_CAPACITY, (uint32_t)capacity);
    pci_put32(c + BLK_CAPACITY + 4, (uint32_t)(capacity >> 32));
    pci_put32(c + BLK_SEG_MAX, MAX(b->queue_size, 4) - 2u);
    put_geometry(b, c);
    pci_put32(c + BLK_BLK_SIZE, b->logical);
    c[BLK_PHYSICAL_EXP] = (uint8_t)log2_of(b->physical / b->logical);
    pci_put16(c + BLK_MIN_IO_SIZE, b->min_io / b->logical);
    pci_put32(c + BLK_OPT_IO_SIZE, b->opt_io / b->logical);
    c[BLK_WRITEBACK] = b->write_cache;
    pci_put16(c + BLK_NUM_QUEUES, b->num_queues);
    put_ranges(b, c);
}

static void blk_set_config(struct virtio_device *v, const uint8_t *c, unsigned off, unsigned len)
{
    struct virtio_blk *b = (struct virtio_blk *)v;

    if (off <= BLK_WRITEBACK && off + len > BLK_WRITEBACK && b->config_wce)
        b->write_cache = c[BLK_WRITEBACK] & 1;
}

/* 5.2.6.2: a driver that cannot flush has a disk without a write cache. */
static bool blk_set_features(struct virtio_device *v)
{
    struct virtio_blk *b = (struct virtio_blk *)v;

    if (!virtio_has(v, VIRTIO_BLK_F_CONFIG_WCE))
        b->write_cache = virtio_has(v, VIRTIO_BLK_F_FLUSH) && blk_write_cache(b->blk);
    return true;
}

static void changed(void *arg)
{
    virtio_config_changed(arg);
}

/* ---- Life --------------------------------------------------------------------------------- */

static void blk_reset(struct virtio_device *v)
{
    struct virtio_blk *b = (struct virtio_blk *)v;

    blk_drain(b->blk);
    b->write_cache = blk_write_cache(b->blk);
}

static void blk_queue_reset(struct virtio_device *v, struct virtq *vq)
{
    blk_drain(((struct virtio_blk *)v)->blk);
}

static bool power_of_two(unsigned n)
{
    return n && !(n & (n - 1));
}

static bool check_sizes(struct virtio_blk *b, GError **err)
{
    if (!b->physical)
        b->physical = b->logical;
    if (!power_of_two(b->logical) || b->logical < 512 || b->logical > 32768)
        return error_set(err, "logical_block_size=%u: a power of two from 512 to 32768 is wanted",
                         b->logical);
    if (!power_of_two(b->physical) || b->physical < b->logical)
        return error_set(err,
                         "physical_block_size=%u: a power of two, and not less than "
                         "logical_block_size, is wanted",
                         b->physical);
    if (b->min_io % b->logical || b->opt_io % b->logical)
        return error_set(err, "min_io_size and opt_io_size must be multiples of "
                              "logical_block_size");
    if (!power_of_two(b->queue_size) || b->queue_size < 2 || b->queue_size > VIRTIO_QUEUE_MAX)
        return error_set(err, "queue-size=%u: a power of two from 2 to %u is wanted", b->queue_size,
                         VIRTIO_QUEUE_MAX);
    return true;
}

static bool choose_queues(struct virtio_blk *b, GError **err)
{
    unsigned most = MIN(VIRTIO_NQUEUES, PCI_MSIX_MAX - 1);

    if (b->num_queues == QUEUES_AUTO)
        b->num_queues = (uint16_t)CLAMP(virtio_machine(&b->v)->config->cpus, 1, most);
    return (b->num_queues && b->num_queues <= most) ||
           error_set(err, "num-queues=%u: 1 to %u", b->num_queues, most);
}

static bool blk_realize(struct virtio_device *v, GError **err)
{
    struct virtio_blk *b = (struct virtio_blk *)v;

    if (!b->blk)
        return error_set(err, "drive=ID is missing");
    if (!blk_inserted(b->blk))
        return error_set(err, "the drive '%s' has no image", blk_id(b->blk));
    if (!check_sizes(b, err) || !choose_queues(b, err))
        return false;
    if (b->serial && strlen(b->serial) > BLK_ID_SIZE)
        return error_set(err, "serial=%s: at most %u characters", b->serial, BLK_ID_SIZE);
    for (unsigned i = 0; i < b->num_queues; i++)
        virtio_add_queue(v, b->queue_size, on_request);
    b->write_cache = blk_write_cache(b->blk);
    blk_on_change(b->blk, changed, v);
    return true;
}

static void blk_unrealize(struct virtio_device *v)
{
    blk_on_change(((struct virtio_blk *)v)->blk, NULL, NULL);
}

static const struct prop blk_props[] = {
    VIRTIO_PROPS(struct virtio_blk, v),
    VIRTIO_BOOTINDEX(struct virtio_blk, v),
    PROP(struct virtio_blk, blk, "drive", PROP_DRIVE, NULL, "id of a -drive if=none, or node-name"),
    PROP(struct virtio_blk, serial, "serial", PROP_STRING, NULL, "serial number, 20 characters"),
    PROP(struct virtio_blk, num_queues, "num-queues", PROP_U16, "0xffff",
         "request queues; default: one per processor"),
    PROP(struct virtio_blk, queue_size, "queue-size", PROP_U16, "256", "buffers of a queue"),
    PROP(struct virtio_blk, logical, "logical_block_size", PROP_U16, "512",
         "bytes of a block that is addressed"),
    PROP(struct virtio_blk, physical, "physical_block_size", PROP_U16, "0",
         "bytes of a block of the medium; 0: the same"),
    PROP(struct virtio_blk, min_io, "min_io_size", PROP_U16, "0", "a good size of a request"),
    PROP(struct virtio_blk, opt_io, "opt_io_size", PROP_U32, "0", "the best size of a request"),
    PROP(struct virtio_blk, config_wce, "config-wce", PROP_BOOL, "on",
         "the driver may turn the write cache off"),
    PROP(struct virtio_blk, discard, "discard", PROP_BOOL, "on", "offer discard"),
    PROP(struct virtio_blk, write_zeroes, "write-zeroes", PROP_BOOL, "on", "offer write zeroes"),
    {0}};
static const struct state_field blk_state[] = {
    VIRTIO_STATE(struct virtio_blk, v), STATE_FIELD(struct virtio_blk, write_cache), STATE_END};
static const struct device_form blk_forms[] = VIRTIO_FORMS("virtio-blk");

const struct virtio_type virtio_blk_type = {
    .pci = {.dev = {.name = "virtio-blk-pci",
                    .alias = "virtio-blk",
                    .forms = blk_forms,
                    .help = "virtio disk",
                    .size = sizeof(struct virtio_blk),
                    .props = blk_props,
                    .state = blk_state,
                    VIRTIO_DEVICE_CALLS},
            .class_code = 0x010000,
            VIRTIO_PCI_CALLS},
    .id = VIRTIO_ID_BLOCK,
    .legacy_id = 0x1001,
    .features = VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_GEOMETRY | VIRTIO_BLK_F_BLK_SIZE |
                VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY,
    .config_size = BLK_CONFIG_SIZE,
    .realize = blk_realize,
    .unrealize = blk_unrealize,
    .reset = blk_reset,
    .queue_reset = blk_queue_reset,
    .get_features = blk_features,
    .set_features = blk_set_features,
    .get_config = blk_get_config,
    .set_config = blk_set_config,
};

/* ---- -drive if=virtio ---------------------------------------------------------------------- */

static bool add_drive(struct machine *m, struct drive *drive, GError **err)
{
    struct device *dev = device_new(m, &virtio_blk_type.pci.dev);

    ((struct virtio_blk *)dev)->blk = drive->blk;
    drive->used = true;
    if (device_realize(dev, err))
        return true;
    device_free(dev);
    return error_prefix(err, "-drive if=virtio,index=%u", drive->index);
}

bool virtio_blk_add_drives(struct machine *m, GError **err)
{
    struct drive *d;

    for (unsigned i = 0; (d = drive_nth(m, i)); i++)
        if (d->iface == DRIVE_VIRTIO && !d->used && !add_drive(m, d, err))
            return false;
    return true;
}

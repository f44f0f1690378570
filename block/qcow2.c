/* SPDX-License-Identifier: MIT */
/* qcow2: the header, opening, closing, flushing. */
#include "block/qcow2.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "block/opts.h"
#include "block/snapshot.h"
#include "core/machine.h"
#include "util/error.h"

static uint64_t be(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v << 8 | *p++;
    return v;
}

/* ---- Features that change while it is open ---------------------------------------------- */

static int write_incompatible(struct qcow2 *q, uint64_t now)
{
    uint64_t v = GUINT64_TO_BE(now);
    int rc = node_write_buf(q->file, QH_INCOMPATIBLE, &v, 8);

    if (rc == 0)
        rc = node_flush(q->file);
    if (rc == 0)
        q->incompatible = now;
    return rc;
}

int qcow2_set_dirty(struct qcow2 *q, bool dirty)
{
    int rc = write_incompatible(q, dirty ? q->incompatible | QI_DIRTY : q->incompatible &
                                                                            ~(uint64_t)QI_DIRTY);

    if (rc == 0)
        q->dirty = dirty;
    return rc;
}

int qcow2_corrupt(struct qcow2 *q, const char *fmt, ...)
{
    va_list ap;

    if (q->corrupt)
        return -EIO;
    va_start(ap, fmt);
    g_autofree char *why = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    bool writable = !q->node->flags.read_only;
    q->corrupt = writable;
    log_write(&q->node->block->machine->log, "hostel: '%s' is corrupt: %s%s\n", q->node->filename,
              why, writable ? "; it is not written any more ('qemu-img check' tells more)" : "");
    if (writable && q->version >= 3)
        write_incompatible(q, q->incompatible | QI_CORRUPT);
    return -EIO;
}

bool qcow2_hits_metadata(const struct qcow2 *q, uint64_t off, uint64_t len)
{
    const struct {
        uint64_t off, len;
    } fixed[] = {
        {0, q->cluster_size},
        {q->l1_off, (uint64_t)q->l1_size * 8},
        {q->rt_off, (uint64_t)q->rt_size * 8},
        {q->snapshots_off, q->snapshots_bytes},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(fixed); i++)
        if (off < fixed[i].off + fixed[i].len && fixed[i].off < off + len)
            return true;
    return false;
}

/* ---- The header ----------------------------------------------------------------------- */

static bool check_features(struct qcow2 *q, const uint8_t *h, GError **err)
{
    static const struct {
        uint64_t bit;
        const char *what;
    } refused[] = {
        {QI_DATA_FILE, "its data is in another file (data_file)"},
        {QI_EXTENDED_L2, "it has subclusters (extended_l2)"},
    };

    if (be(h + QH_CRYPT, 4))
        return error_set(err, "it is encrypted, which is not supported; 'qemu-img convert' makes "
                              "a plain copy");
    for (unsigned i = 0; i < G_N_ELEMENTS(refused); i++)
        if (q->incompatible & refused[i].bit)
            return error_set(err, "%s, which is not supported; 'qemu-img convert' makes a copy "
                                  "without", refused[i].what);
    if (q->incompatible & ~(uint64_t)(QI_DIRTY | QI_CORRUPT | QI_COMPRESSION))
        return error_set(err, "it has features that are not supported (%#" G_GINT64_MODIFIER "x)",
                         q->incompatible);
    if ((q->incompatible & QI_CORRUPT) && !q->node->flags.read_only)
        return error_set(err, "it is marked corrupt; 'qemu-img check -r all' repairs it, "
                              "readonly=on opens it as it is");
    return true;
}

static bool read_compression(struct qcow2 *q, const uint8_t *h, uint32_t length, GError **err)
{
    unsigned type = length > QH_COMPRESSION ? h[QH_COMPRESSION] : 0;

    q->zstd = type == 1;
    if (type > 1 || (type != 0) != ((q->incompatible & QI_COMPRESSION) != 0))
        return error_set(err, "its compression (%u) is not supported", type);
    return true;
}

static bool read_version(struct qcow2 *q, const uint8_t *h, uint32_t *length, GError **err)
{
    q->version = (unsigned)be(h + QH_VERSION, 4);
    if (be(h, 4) != QCOW2_MAGIC || q->version < 2 || q->version > 3)
        return error_set(err, "it is no qcow2 image of version 2 or 3");
    q->refcount_order = 4;
    *length = QH_V2_LENGTH;
    if (q->version == 2)
        return true;
    q->incompatible = be(h + QH_INCOMPATIBLE, 8);
    q->compatible = be(h + QH_COMPATIBLE, 8);
    q->autoclear = be(h + QH_AUTOCLEAR, 8);
    q->refcount_order = (unsigned)be(h + QH_REFCOUNT_ORDER, 4);
    *length = (uint32_t)be(h + QH_LENGTH, 4);
    if (q->refcount_order > 6)
        return error_set(err, "its reference counts are too wide");
    if (*length < QH_V3_LENGTH || *length > 1u << q->cluster_bits)
        return error_set(err, "its header has an impossible length");
    return true;
}

static bool read_sizes(struct qcow2 *q, const uint8_t *h, GError **err)
{
    struct node *n = q->node;
    uint64_t table = q->cluster_size << q->l2_bits;

    n->size = be(h + QH_SIZE, 8);
    q->l1_size = (uint32_t)be(h + QH_L1_SIZE, 4);
    q->l1_off = be(h + QH_L1_OFF, 8);
    q->rt_off = be(h + QH_RT_OFF, 8);
    uint64_t rt = be(h + QH_RT_CLUSTERS, 4) << q->cluster_bits;
    if (n->size > 1ull << 56 || (n->size + table - 1) / table > q->l1_size)
        return error_set(err, "its L1 table is too small for its size");
    if ((uint64_t)q->l1_size * 8 > QCOW2_MAX_L1 || q->l1_off & (q->cluster_size - 1) ||
        q->l1_off >> 56 || (q->l1_size && !q->l1_off))
        return error_set(err, "its L1 table has an impossible place or size");
    if (!rt || rt > QCOW2_MAX_RT || q->rt_off & (q->cluster_size - 1) || q->rt_off >> 56 ||
        !q->rt_off)
        return error_set(err, "its refcount table has an impossible place or size");
    q->rt_size = (uint32_t)(rt / 8);
    return true;
}

static bool read_header(struct qcow2 *q, uint8_t *h, uint32_t *length, GError **err)
{
    int rc = node_read_buf(q->file, 0, h, 512);

    if (rc < 0)
        return error_set(err, "cannot read the header: %s", g_strerror(-rc));
    uint64_t bits = be(h + QH_CLUSTER_BITS, 4);
    if (be(h, 4) == QCOW2_MAGIC && (bits < 9 || bits > 21))
        return error_set(err, "its cluster size is impossible");
    q->cluster_bits = (unsigned)bits;
    if (!read_version(q, h, length, err))
        return false;
    q->cluster_size = 1ull << bits;
    q->l2_bits = q->cluster_bits - 3;
    q->block_bits = q->cluster_bits + 3 - q->refcount_order;
    return check_features(q, h, err) && read_compression(q, h, *length, err) &&
           read_sizes(q, h, err);
}

/* ---- Extensions and the backing file's name ----------------------------------------------- */

static bool take_extension(struct qcow2 *q, uint32_t type, const uint8_t *data, uint32_t len,
                           GError **err)
{
    switch (type) {
    case QX_BACKING_FORMAT:
        g_free(q->backing_format);
        q->backing_format = g_strndup((const char *)data, len);
        return true;
    case QX_BITMAPS:
        q->has_bitmaps = true;
        return true;
    case QX_LUKS:
    case QX_DATA_FILE:
        return error_set(err, "it is encrypted or has its data elsewhere, which is not supported");
    default: /* the document: unknown extensions are ignored */
        return true;
    }
}

static bool read_extensions(struct qcow2 *q, const uint8_t *c, uint32_t at, uint32_t end,
                            GError **err)
{
    while (at + 8 <= end) {
        uint32_t type = (uint32_t)be(c + at, 4), len = (uint32_t)be(c + at + 4, 4);
        at += 8;
        if (type == QX_END)
            return true;
        if (len > end - at)
            return error_set(err, "a header extension is too long");
        if (!take_extension(q, type, c + at, len, err))
            return false;
        at += (len + 7) & ~7u;
    }
    return true;
}

static bool read_first_cluster(struct qcow2 *q, const uint8_t *h, uint32_t length, GError **err)
{
    g_autofree uint8_t *c = g_malloc(q->cluster_size);
    uint64_t off = be(h + QH_BACKING_OFF, 8);
    uint32_t len = (uint32_t)be(h + QH_BACKING_SIZE, 4);
    uint32_t end = off ? (uint32_t)MIN(off, q->cluster_size) : (uint32_t)q->cluster_size;
    int rc = node_read_buf(q->file, 0, c, q->cluster_size);

    if (rc < 0)
        return error_set(err, "cannot read the header: %s", g_strerror(-rc));
    if (off && (len > 1023 || off > q->cluster_size || len > q->cluster_size - off))
        return error_set(err, "its backing file's name is not in the header");
    if (off)
        q->backing_name = g_strndup((char *)c + off, len);
    return read_extensions(q, c, (length + 7) & ~7u, end, err);
}

/* ---- Opening -------------------------------------------------------------------------- */

static bool read_table(struct qcow2 *q, const char *what, uint64_t off, uint32_t n, uint64_t **out,
                       GError **err)
{
    *out = g_new0(uint64_t, MAX(n, 1));
    int rc = node_read_buf(q->file, off, *out, (size_t)n * 8);
    if (rc < 0)
        return error_set(err, "cannot read the %s table: %s", what, g_strerror(-rc));
    for (uint32_t i = 0; i < n; i++)
        (*out)[i] = GUINT64_FROM_BE((*out)[i]);
    return true;
}

static unsigned cache_size(const struct qcow2 *q, uint64_t bytes, uint64_t wanted)
{
    return (unsigned)CLAMP(wanted, 4, MAX(bytes >> q->cluster_bits, 8));
}

static void make_caches(struct qcow2 *q)
{
    uint64_t clusters = (q->node->size >> q->cluster_bits) + 1;

    qcow2_cache_init(&q->l2, cache_size(q, QCOW2_CACHE, (clusters >> q->l2_bits) + 1));
    qcow2_cache_init(&q->rc, cache_size(q, QCOW2_CACHE / 4, (clusters >> q->block_bits) + 2));
}

/* "backing" in the options says what to use instead; "" or null: none. */
static bool open_backing(struct qcow2 *q, struct blkopts *o, GError **err)
{
    struct node *n = q->node;
    const char *given = blkopts_get(o, "backing");

    if (blkopts_has_sub(o, "backing") || (given && *given))
        n->backing = node_open_child(n, o, "backing", err);
    else if (given || !q->backing_name)
        return true;
    else
        n->backing = node_open_backing(n, o, q->backing_name, q->backing_format, err);
    return n->backing != NULL;
}

/* An image that is about to be written: what we do not keep up is taken back, what a crash left
 * is put right. */
static bool make_writable(struct qcow2 *q, GError **err)
{
    uint64_t none = 0;
    int rc = 0;

    if (q->autoclear)
        rc = node_write_buf(q->file, QH_AUTOCLEAR, &none, 8);
    if (rc < 0)
        return error_set(err, "cannot write the header: %s", g_strerror(-rc));
    q->autoclear = 0;
    if (!(q->incompatible & QI_DIRTY))
        return true;
    log_write(&q->node->block->machine->log,
              "hostel: '%s' was not closed; counting its references\n", q->node->filename);
    if (qcow2_rebuild_refcounts(q, err) < 0)
        return false;
    rc = qcow2_set_dirty(q, false);
    return rc == 0 || error_set(err, "cannot write the header: %s", g_strerror(-rc));
}

static bool choose_lazy(struct qcow2 *q, struct blkopts *o, GError **err)
{
    q->lazy = q->compatible & QC_LAZY;
    if (!blkopts_bool(o, "lazy-refcounts", &q->lazy, err))
        return false;
    return !q->lazy || q->version >= 3 || error_set(err, "lazy-refcounts=on wants version 3");
}

/* o NULL: it was open before, with the same options. */
static bool open_image(struct qcow2 *q, struct blkopts *o, GError **err)
{
    uint8_t h[512];
    uint32_t length = 0;

    if (!read_header(q, h, &length, err) || !read_first_cluster(q, h, length, err) ||
        (o && !choose_lazy(q, o, err)))
        return false;
    q->snapshots_off = be(h + QH_SNAPSHOTS_OFF, 8);
    make_caches(q);
    if (!read_table(q, "L1", q->l1_off, q->l1_size, &q->l1, err) ||
        !read_table(q, "refcount", q->rt_off, q->rt_size, &q->rt, err) ||
        !qcow2_read_snapshots(q, (uint32_t)be(h + QH_SNAPSHOTS, 4), err))
        return false;
    q->fresh_from = (q->file->size + q->cluster_size - 1) >> q->cluster_bits;
    return q->node->flags.read_only || q->node->block->inactive || make_writable(q, err);
}

/* What was read from the file. */
static void forget_image(struct qcow2 *q)
{
    qcow2_cache_fini(&q->l2);
    qcow2_cache_fini(&q->rc);
    qcow2_free_snapshots(q);
    g_clear_pointer(&q->l1, g_free);
    g_clear_pointer(&q->rt, g_free);
    g_clear_pointer(&q->backing_name, g_free);
    g_clear_pointer(&q->backing_format, g_free);
    g_clear_pointer(&q->inflated, free);
    q->inflated_entry = 0;
    g_clear_pointer(&q->vm_l1, g_free);
    g_clear_pointer(&q->vm_l1_id, g_free);
}

static bool qcow2_open(struct node *n, struct blkopts *o, GError **err)
{
    struct qcow2 *q = n->opaque;

    q->node = n;
    q->file = n->file;
    q->frees = g_array_new(FALSE, FALSE, sizeof(struct qcow2_free));
    q->l1_dirty_lo = q->rt_dirty_lo = UINT32_MAX;
    if (!open_image(q, o, err))
        return error_prefix(err, "qcow2 image '%s'", n->filename);
    return open_backing(q, o, err);
}

static int qcow2_flush(struct node *n)
{
    struct qcow2 *q = n->opaque;

    co_lock(node_sched(n), &q->lock);
    int rc = qcow2_meta_write(q, false);
    co_unlock(node_sched(n), &q->lock);
    return rc < 0 ? rc : node_flush(q->file);
}

static void write_all(struct qcow2 *q)
{
    int rc = qcow2_meta_write(q, true);

    if (rc == 0)
        rc = qcow2_meta_write(q, true); /* what was freed by the first */
    if (rc == 0)
        rc = node_flush(q->file);
    if (rc == 0 && q->dirty)
        rc = qcow2_set_dirty(q, false);
    if (rc < 0 && !q->corrupt)
        log_write(&q->node->block->machine->log, "hostel: '%s': cannot write its tables: %s\n",
                  q->node->filename, g_strerror(-rc));
}

static int qcow2_inactivate(struct node *n)
{
    struct qcow2 *q = n->opaque;

    co_lock(node_sched(n), &q->lock);
    write_all(q);
    bool clean = !q->corrupt && !q->l2.dirty && !q->rc.dirty && !q->dirty;
    co_unlock(node_sched(n), &q->lock);
    return clean ? 0 : -EIO;
}

static bool qcow2_activate(struct node *n, GError **err)
{
    struct qcow2 *q = n->opaque;

    co_lock(node_sched(n), &q->lock);
    forget_image(q);
    q->free_hint = 0;
    q->dirty = q->has_bitmaps = false;
    bool ok = open_image(q, NULL, err);
    co_unlock(node_sched(n), &q->lock);
    return ok || error_prefix(err, "qcow2 image '%s'", n->filename);
}

static void qcow2_close(struct node *n)
{
    struct qcow2 *q = n->opaque;

    if (!q->node)
        return;
    if (!n->flags.read_only && q->l2.n && !n->block->inactive)
        write_all(q);
    forget_image(q);
    g_array_unref(q->frees);
}

const struct node_driver qcow2_driver = {
    .name = "qcow2",
    .size = sizeof(struct qcow2),
    .open = qcow2_open,
    .close = qcow2_close,
    .read = qcow2_read,
    .write = qcow2_write,
    .flush = qcow2_flush,
    .discard = qcow2_discard,
    .zero = qcow2_zero,
    .inactivate = qcow2_inactivate,
    .activate = qcow2_activate,
    .snapshots = &qcow2_snapshots,
};

/* SPDX-License-Identifier: MIT */
/* qcow2: reading. A request is split where the kind of cluster or its place changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "block/qcow2.h"
#include "util/iov.h"

/* ---- Clusters in transfer ------------------------------------------------------------- */

unsigned qcow2_move_begin(struct qcow2 *q)
{
    q->moving[q->generation]++;
    return q->generation;
}

void qcow2_move_end(struct qcow2 *q, unsigned generation)
{
    if (--q->moving[generation] == 0)
        co_wake_all(node_sched(q->node), &q->moved);
}

/* Wait for those that began before; under the lock, so one at a time. */
void qcow2_wait_moves(struct qcow2 *q)
{
    unsigned old = q->generation;

    q->generation ^= 1;
    while (q->moving[old])
        co_wait(node_sched(q->node), &q->moved);
}

/* ---- Compressed clusters -------------------------------------------------------------- */

static int inflate_zlib(const void *in, size_t in_len, void *out, size_t out_len)
{
    z_stream z = {.next_in = (Bytef *)in, .avail_in = (uInt)in_len, .next_out = out,
                  .avail_out = (uInt)out_len};

    if (inflateInit2(&z, -12) != Z_OK)
        return -ENOMEM;
    int rc = inflate(&z, Z_FINISH);
    bool whole = z.avail_out == 0 && (rc == Z_STREAM_END || rc == Z_BUF_ERROR);
    inflateEnd(&z);
    return whole ? 0 : -EIO;
}

/* The frame is followed by what fills the last sector. */
static int inflate_zstd(const void *in, size_t in_len, void *out, size_t out_len)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();
    ZSTD_inBuffer i = {in, in_len, 0};
    ZSTD_outBuffer o = {out, out_len, 0};
    size_t rc = 1;

    while (d && o.pos < o.size) {
        size_t in_before = i.pos, out_before = o.pos;
        rc = ZSTD_decompressStream(d, &o, &i);
        if (ZSTD_isError(rc) || (i.pos == in_before && o.pos == out_before))
            break;
    }
    ZSTD_freeDCtx(d);
    return d && o.pos == o.size && !ZSTD_isError(rc) ? 0 : -EIO;
}

static int inflate_cluster(const struct qcow2 *q, const void *in, size_t in_len, void *out)
{
    return (q->zstd ? inflate_zstd : inflate_zlib)(in, in_len, out, q->cluster_size);
}

/* Without the lock. The last one is kept: small reads in a row need it again. */
static int read_compressed(struct qcow2 *q, uint64_t entry, uint64_t at, const struct iovec *iov,
                           unsigned niov, size_t skip, size_t len)
{
    uint64_t off, size;

    if (q->inflated_entry == entry) {
        iov_write(iov, niov, skip, (uint8_t *)q->inflated + at, len);
        return 0;
    }
    qcow2_compressed_range(q, entry, &off, &size);
    uint8_t *in = node_buffer(size), *out = node_buffer(q->cluster_size);
    int rc = in && out ? node_read_buf(q->file, off, in, size) : -ENOMEM;
    if (rc == 0)
        rc = inflate_cluster(q, in, size, out);
    free(in);
    if (rc < 0) {
        free(out);
        return rc;
    }
    iov_write(iov, niov, skip, out + at, len);
    free(q->inflated);
    q->inflated = out;
    q->inflated_entry = entry;
    return 0;
}

/* ---- Reading -------------------------------------------------------------------------- */

struct extent {
    enum qcow2_kind kind;
    uint64_t entry; /* the first */
    uint64_t len;   /* bytes from the offset that was asked for */
};

static bool continues(const struct qcow2 *q, const struct extent *e, uint64_t entry, uint64_t n)
{
    if (qcow2_kind(q, entry) != e->kind || e->kind == QK_COMPRESSED)
        return false;
    return e->kind != QK_DATA ||
           (entry & QE_OFFSET) == (e->entry & QE_OFFSET) + (n << q->cluster_bits);
}

static int find_extent(struct qcow2 *q, uint64_t off, uint64_t len, struct extent *e)
{
    uint64_t first = qcow2_l2_index(q, off), n, in = off & (q->cluster_size - 1);
    uint64_t room = (((1ull << q->l2_bits) - first) << q->cluster_bits) - in;
    struct qcow2_table *t;
    int rc = qcow2_get_l2(q, off, false, &t);

    if (rc < 0)
        return rc;
    *e = (struct extent){.len = MIN(len, room)};
    if (!t)
        return 0;
    e->entry = qcow2_entry(t->data, first);
    e->kind = qcow2_kind(q, e->entry);
    for (n = 1; (n << q->cluster_bits) - in < e->len; n++)
        if (!continues(q, e, qcow2_entry(t->data, first + n), n))
            e->len = (n << q->cluster_bits) - in;
    return e->kind == QK_DATA ? qcow2_check_data(q, e->entry) : 0;
}

static int read_backing(struct qcow2 *q, uint64_t off, uint64_t len, const struct iovec *iov,
                        unsigned niov)
{
    struct node *b = q->node->backing;
    uint64_t there = b && off < b->size ? MIN(len, b->size - off) : 0;

    if (there < len)
        iov_fill(iov, niov, there, 0, len - there);
    if (!there)
        return 0;
    g_autofree struct iovec *part = NULL;
    if (there < len) {
        part = g_new(struct iovec, niov);
        niov = iov_slice(iov, niov, 0, there, part);
        iov = part;
    }
    return node_read(b, off, there, iov, niov);
}

static int read_extent(struct qcow2 *q, uint64_t off, const struct extent *e,
                       const struct iovec *iov, unsigned niov, size_t skip)
{
    uint64_t in = off & (q->cluster_size - 1);
    g_autofree struct iovec *part = NULL;

    if (e->kind == QK_ZERO) {
        iov_fill(iov, niov, skip, 0, e->len);
        return 0;
    }
    if (e->kind == QK_COMPRESSED)
        return read_compressed(q, e->entry, in, iov, niov, skip, e->len);
    if (skip || iov_size(iov, niov) != e->len) {
        part = g_new(struct iovec, niov);
        niov = iov_slice(iov, niov, skip, e->len, part);
        iov = part;
    }
    if (e->kind == QK_NONE)
        return read_backing(q, off, e->len, iov, niov);
    return node_read(q->file, (e->entry & QE_OFFSET) + in, e->len, iov, niov);
}

int qcow2_read(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov)
{
    struct qcow2 *q = n->opaque;
    uint64_t done = 0;

    while (done < len) {
        struct extent e;
        co_lock(node_sched(n), &q->lock);
        int rc = find_extent(q, off + done, len - done, &e);
        unsigned generation = qcow2_move_begin(q);
        co_unlock(node_sched(n), &q->lock);
        if (rc == 0)
            rc = read_extent(q, off + done, &e, iov, niov, done);
        qcow2_move_end(q, generation);
        if (rc < 0)
            return rc;
        done += e.len;
    }
    return 0;
}

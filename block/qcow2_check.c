/* SPDX-License-Identifier: MIT */
/*
 * qcow2: counting all references anew, for an image whose dirty bit is set: the process that
 * wrote it with lazy refcounts did not close it. The tables of the guest's data are right then,
 * the counts are not. What is not referenced becomes free; COPIED flags follow the counts.
 */
#include <errno.h>
#include <string.h>

#include "block/qcow2.h"
#include "util/error.h"

#define MAX_CLUSTERS (1ull << 28) /* counts of 2 bytes each are kept in memory */

struct count {
    struct qcow2 *q;
    uint16_t *refs;
    uint64_t n; /* clusters in the file */
    GError **err;
};

static bool bump(struct count *c, uint64_t off, uint64_t len)
{
    uint64_t first = off >> c->q->cluster_bits, last = (off + len - 1) >> c->q->cluster_bits;

    if (!len)
        return true;
    if (off + len < off || last >= c->n)
        return error_set(c->err, "a table refers to %" G_GUINT64_FORMAT ", behind the end of the "
                                 "file", off);
    for (; first <= last; first++)
        if (++c->refs[first] == UINT16_MAX)
            return error_set(c->err, "cluster %" G_GUINT64_FORMAT " has too many references",
                             first);
    return true;
}

static bool bump_entry(struct count *c, uint64_t entry)
{
    uint64_t off, len;

    if (entry & QE_COMPRESSED) {
        qcow2_compressed_range(c->q, entry, &off, &len);
        return bump(c, off, len);
    }
    if (entry & QE_OFFSET & (c->q->cluster_size - 1))
        return error_set(c->err, "a data cluster is not aligned");
    return !(entry & QE_OFFSET) || bump(c, entry & QE_OFFSET, c->q->cluster_size);
}

static bool read_l2(struct count *c, uint64_t l1_entry, struct qcow2_table **t)
{
    uint64_t off = l1_entry & QE_OFFSET;
    int rc = -EINVAL;

    if (!(off & (c->q->cluster_size - 1)))
        rc = qcow2_cache_get(c->q, &c->q->l2, off, true, t);
    return rc == 0 || error_set(c->err, "cannot read an L2 table: %s", g_strerror(-rc));
}

static bool bump_l1(struct count *c, const uint64_t *l1, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct qcow2_table *t;
        if (!(l1[i] & QE_OFFSET))
            continue;
        if (!bump(c, l1[i] & QE_OFFSET, c->q->cluster_size) || !read_l2(c, l1[i], &t))
            return false;
        for (uint64_t k = 0; k < 1ull << c->q->l2_bits; k++)
            if (!bump_entry(c, qcow2_entry(t->data, k)))
                return false;
    }
    return true;
}

static bool bump_snapshot(struct count *c, const struct qcow2_snapshot *s)
{
    g_autofree uint64_t *l1 = g_new(uint64_t, MAX(s->l1_size, 1));
    int rc = node_read_buf(c->q->file, s->l1_off, l1, (size_t)s->l1_size * 8);

    if (rc < 0)
        return error_set(c->err, "cannot read a snapshot: %s", g_strerror(-rc));
    for (uint32_t i = 0; i < s->l1_size; i++)
        l1[i] = GUINT64_FROM_BE(l1[i]);
    return bump(c, s->l1_off, (uint64_t)s->l1_size * 8) && bump_l1(c, l1, s->l1_size);
}

static bool bump_metadata(struct count *c)
{
    struct qcow2 *q = c->q;

    if (!bump(c, 0, q->cluster_size) || !bump(c, q->l1_off, (uint64_t)q->l1_size * 8) ||
        !bump(c, q->rt_off, (uint64_t)q->rt_size * 8) ||
        !bump(c, q->snapshots_off, q->snapshots_bytes))
        return false;
    for (uint32_t i = 0; i < q->rt_size; i++)
        if ((q->rt[i] & QE_OFFSET) && !bump(c, q->rt[i] & QE_OFFSET, q->cluster_size))
            return false;
    return true;
}

/* ---- Writing it down ------------------------------------------------------------------ */

static bool store_counts(struct count *c)
{
    int rc = 0;

    for (uint64_t i = 0; i < c->n && rc == 0; i++) {
        uint64_t old;
        rc = qcow2_get_refcount(c->q, i, &old);
        if (rc < 0 || old == c->refs[i])
            continue;
        /* A new block is put where both say it is free: referenced clusters are counted first. */
        if (c->refs[i])
            rc = qcow2_set_refcount(c->q, i, c->refs[i]);
    }
    return rc == 0 || error_set(c->err, "cannot write reference counts: %s", g_strerror(-rc));
}

/* Blocks that were made while counts were stored hold references of their own. */
static bool drop_leaks(struct count *c)
{
    int rc = 0;

    for (uint32_t k = 0; k < c->q->rt_size; k++) {
        uint64_t at = (c->q->rt[k] & QE_OFFSET) >> c->q->cluster_bits;
        if (at && at < c->n && c->refs[at] == 0)
            c->refs[at] = 1;
    }
    for (uint64_t i = 0; i < c->n && rc == 0; i++) {
        uint64_t old;
        rc = qcow2_get_refcount(c->q, i, &old);
        if (rc == 0 && old > c->refs[i])
            rc = qcow2_set_refcount(c->q, i, c->refs[i]);
    }
    return rc == 0 || error_set(c->err, "cannot write reference counts: %s", g_strerror(-rc));
}

static uint64_t with_flag(struct count *c, uint64_t entry)
{
    uint64_t i = (entry & QE_OFFSET) >> c->q->cluster_bits;

    if ((entry & QE_COMPRESSED) || !(entry & QE_OFFSET))
        return entry;
    return (entry & ~QE_COPIED) | (i < c->n && c->refs[i] == 1 ? QE_COPIED : 0);
}

static bool fix_copied(struct count *c)
{
    struct qcow2 *q = c->q;

    for (uint32_t i = 0; i < q->l1_size; i++) {
        uint64_t now = with_flag(c, q->l1[i]);
        struct qcow2_table *t;
        if (!(q->l1[i] & QE_OFFSET))
            continue;
        if (now != q->l1[i]) {
            q->l1[i] = now;
            q->l1_dirty_lo = MIN(q->l1_dirty_lo, i);
            q->l1_dirty_hi = MAX(q->l1_dirty_hi, i + 1);
        }
        if (!read_l2(c, now, &t))
            return false;
        for (uint64_t k = 0; k < 1ull << q->l2_bits; k++) {
            uint64_t e = qcow2_entry(t->data, k);
            if (with_flag(c, e) == e)
                continue;
            qcow2_set_entry(t->data, k, with_flag(c, e));
            qcow2_cache_dirty(&q->l2, t);
        }
    }
    return true;
}

int qcow2_rebuild_refcounts(struct qcow2 *q, GError **err)
{
    struct count c = {.q = q, .err = err};

    c.n = (q->file->size + q->cluster_size - 1) >> q->cluster_bits;
    if (c.n > MAX_CLUSTERS || q->has_bitmaps) {
        error_set(err, "it was not closed and cannot be repaired here: 'qemu-img check -r all' "
                       "does it");
        return -EFBIG;
    }
    c.refs = g_new0(uint16_t, c.n + 1);
    bool ok = bump_metadata(&c) && bump_l1(&c, q->l1, q->l1_size);
    for (unsigned i = 0; i < q->nsnapshots && ok; i++)
        ok = bump_snapshot(&c, &q->snapshots[i]);
    ok = ok && store_counts(&c) && drop_leaks(&c) && fix_copied(&c);
    g_free(c.refs);
    if (!ok)
        return -EIO;
    q->free_hint = 0;
    int rc = qcow2_meta_write(q, true);
    if (rc < 0)
        error_set(err, "cannot write the repaired tables: %s", g_strerror(-rc));
    return rc;
}

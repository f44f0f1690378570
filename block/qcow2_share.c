/* SPDX-License-Identifier: MIT */
/*
 * qcow2: tables that snapshots share. A snapshot is a copy of the L1 table; every cluster that it
 * leads to, L2 tables among them, has one reference more, and COPIED is off where there are two.
 */
#include <errno.h>
#include <string.h>

#include "block/qcow2.h"

/* ---- Counting ------------------------------------------------------------------------- */

static uint64_t most_references(const struct qcow2 *q)
{
    unsigned bits = 1u << q->refcount_order;

    return bits == 64 ? UINT64_MAX : (1ull << bits) - 1;
}

static int change_one(struct qcow2 *q, uint64_t cluster, int delta)
{
    uint64_t count;
    int rc = qcow2_get_refcount(q, cluster, &count);

    if (rc < 0)
        return rc;
    if (delta > 0 && count == most_references(q))
        return -ENOSPC;
    if (count == 0)
        return qcow2_corrupt(q, "cluster %" G_GUINT64_FORMAT " is in use and not counted", cluster);
    count = delta > 0 ? count + 1 : count - 1;
    if (count == 0) {
        qcow2_cache_forget(&q->l2, cluster << q->cluster_bits);
        qcow2_cache_forget(&q->rc, cluster << q->cluster_bits);
        q->inflated_entry = 0;
    }
    return qcow2_set_refcount(q, cluster, count);
}

static int change_entry(struct qcow2 *q, uint64_t entry, int delta)
{
    uint64_t off = entry & QE_OFFSET, len = q->cluster_size;
    int rc = 0;

    if (entry & QE_COMPRESSED)
        qcow2_compressed_range(q, entry, &off, &len);
    else if (!off)
        return 0;
    else if ((rc = qcow2_check_data(q, entry)) < 0)
        return rc;
    uint64_t last = (off + len - 1) >> q->cluster_bits;
    for (uint64_t c = off >> q->cluster_bits; rc == 0 && c <= last; c++)
        rc = change_one(q, c, delta);
    return rc;
}

static int get_l2(struct qcow2 *q, uint64_t l1_entry, struct qcow2_table **t)
{
    uint64_t off = l1_entry & QE_OFFSET;

    if (off & (q->cluster_size - 1))
        return qcow2_corrupt(q, "an L2 table at %" G_GUINT64_FORMAT " is not aligned", off);
    return qcow2_cache_get(q, &q->l2, off, true, t);
}

/* The table is copied: counting may need its place in the cache. */
static int change_table(struct qcow2 *q, uint64_t l1_entry, int delta)
{
    struct qcow2_table *t;
    int rc = get_l2(q, l1_entry, &t);

    if (rc < 0)
        return rc;
    g_autofree uint8_t *copy = g_memdup2(t->data, q->cluster_size);
    for (uint64_t k = 0; rc == 0 && k < 1ull << q->l2_bits; k++)
        rc = change_entry(q, qcow2_entry(copy, k), delta);
    return rc < 0 ? rc : change_one(q, (l1_entry & QE_OFFSET) >> q->cluster_bits, delta);
}

int qcow2_share_l1(struct qcow2 *q, const uint64_t *l1, uint32_t n, int delta)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < n; i++)
        if (l1[i] & QE_OFFSET)
            rc = change_table(q, l1[i], delta);
    return rc;
}

/* ---- COPIED --------------------------------------------------------------------------- */

/* What the entry should be. */
static int with_flag(struct qcow2 *q, uint64_t entry, uint64_t *out)
{
    uint64_t count;

    *out = entry;
    if ((entry & QE_COMPRESSED) || !(entry & QE_OFFSET))
        return 0;
    int rc = qcow2_get_refcount(q, (entry & QE_OFFSET) >> q->cluster_bits, &count);
    *out = (entry & ~QE_COPIED) | (count == 1 ? QE_COPIED : 0);
    return rc;
}

static int fix_table(struct qcow2 *q, uint64_t l1_entry)
{
    struct qcow2_table *t;
    int rc = get_l2(q, l1_entry, &t);

    for (uint64_t k = 0; rc == 0 && k < 1ull << q->l2_bits; k++) {
        uint64_t entry = qcow2_entry(t->data, k), now;
        rc = with_flag(q, entry, &now);
        if (rc < 0 || now == entry)
            continue;
        if ((rc = get_l2(q, l1_entry, &t)) < 0) /* counting may have written it out */
            break;
        qcow2_set_entry(t->data, k, now);
        qcow2_cache_dirty(&q->l2, t);
    }
    return rc;
}

int qcow2_fix_copied(struct qcow2 *q)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < q->l1_size; i++) {
        uint64_t now;
        if (!(q->l1[i] & QE_OFFSET))
            continue;
        rc = with_flag(q, q->l1[i], &now);
        if (rc == 0 && now != q->l1[i]) {
            q->l1[i] = now;
            q->l1_dirty_lo = MIN(q->l1_dirty_lo, i);
            q->l1_dirty_hi = MAX(q->l1_dirty_hi, i + 1);
        }
        if (rc == 0)
            rc = fix_table(q, now);
    }
    return rc;
}

/* ---- L1 tables ------------------------------------------------------------------------ */

int qcow2_alloc_row(struct qcow2 *q, uint64_t n, uint64_t *cluster)
{
    g_autoptr(GArray) short_rows = g_array_new(FALSE, FALSE, sizeof(struct qcow2_free));
    uint64_t got = 0;
    int rc = 0;

    while (rc == 0 && got < n) {
        bool fresh;
        got = n;
        rc = qcow2_alloc(q, &got, cluster, &fresh);
        struct qcow2_free row = {*cluster, got, false};
        if (rc == 0 && got < n)
            g_array_append_val(short_rows, row);
    }
    for (unsigned i = 0; i < short_rows->len; i++) {
        const struct qcow2_free *f = &g_array_index(short_rows, struct qcow2_free, i);
        qcow2_unalloc(q, f->first, f->n);
    }
    return rc;
}

/* Size and place, which are together in the header. */
static int write_l1_place(struct qcow2 *q, uint32_t n, uint64_t off)
{
    uint8_t head[12];
    uint32_t size = GUINT32_TO_BE(n);

    memcpy(head, &size, 4);
    qcow2_set_entry(head + 4, 0, off);
    int rc = node_write_buf(q->file, QH_L1_SIZE, head, sizeof(head));
    return rc < 0 ? rc : node_flush(q->file);
}

int qcow2_grow_l1(struct qcow2 *q, uint64_t entries)
{
    uint64_t clusters = (entries * 8 + q->cluster_size - 1) >> q->cluster_bits, first;
    uint64_t old = q->l1_off,
             old_clusters = ((uint64_t)q->l1_size * 8 + q->cluster_size - 1) >> q->cluster_bits;

    if (entries <= q->l1_size)
        return 0;
    if (entries * 8 > QCOW2_MAX_L1)
        return -EFBIG;
    int rc = qcow2_alloc_row(q, clusters, &first);
    if (rc == 0)
        rc = qcow2_meta_write(q, true);
    if (rc < 0)
        return rc;
    g_autofree uint8_t *table = g_malloc0(clusters << q->cluster_bits);
    for (uint32_t i = 0; i < q->l1_size; i++)
        qcow2_set_entry(table, i, q->l1[i]);
    rc = node_write_buf(q->file, first << q->cluster_bits, table, clusters << q->cluster_bits);
    if (rc == 0)
        rc = node_flush(q->file);
    if (rc == 0)
        rc = write_l1_place(q, (uint32_t)entries, first << q->cluster_bits);
    if (rc < 0)
        return rc;
    q->l1 = g_renew(uint64_t, q->l1, entries);
    memset(q->l1 + q->l1_size, 0, (entries - q->l1_size) * 8);
    q->l1_size = (uint32_t)entries;
    q->l1_off = first << q->cluster_bits;
    qcow2_free_later(q, old >> q->cluster_bits, old_clusters, false);
    return qcow2_meta_write(q, true);
}

int qcow2_load_l1(struct qcow2 *q, const struct qcow2_snapshot *s, uint64_t **out)
{
    *out = g_new0(uint64_t, MAX(s->l1_size, 1));
    int rc = node_read_buf(q->file, s->l1_off, *out, (size_t)s->l1_size * 8);

    for (uint32_t i = 0; rc == 0 && i < s->l1_size; i++)
        (*out)[i] = GUINT64_FROM_BE((*out)[i]);
    if (rc < 0)
        g_clear_pointer(out, g_free);
    return rc;
}

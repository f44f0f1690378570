/* SPDX-License-Identifier: MIT */
/*
 * qcow2: reference counts. The refcount table names refcount blocks, a block holds the counts of
 * 2^block_bits clusters, 2^refcount_order bits each, big-endian (below a byte: from bit 0 on).
 */
#include <errno.h>
#include <string.h>

#include "block/qcow2.h"

/* ---- Counts in a block ---------------------------------------------------------------- */

static uint64_t count_get(const struct qcow2 *q, const uint8_t *block, uint64_t i)
{
    unsigned bits = 1u << q->refcount_order;
    uint64_t v = 0;

    if (bits < 8)
        return block[i * bits / 8] >> (i * bits % 8) & ((1u << bits) - 1);
    for (unsigned k = 0; k < bits / 8; k++)
        v = v << 8 | block[i * (bits / 8) + k];
    return v;
}

static void count_set(const struct qcow2 *q, uint8_t *block, uint64_t i, uint64_t v)
{
    unsigned bits = 1u << q->refcount_order;

    if (bits < 8) {
        uint8_t *p = &block[i * bits / 8], shift = (uint8_t)(i * bits % 8);
        uint8_t mask = (uint8_t)(((1u << bits) - 1) << shift);
        *p = (uint8_t)((*p & ~mask) | (uint8_t)(v << shift));
        return;
    }
    for (unsigned k = bits / 8; k-- > 0; v >>= 8)
        block[i * (bits / 8) + k] = (uint8_t)v;
}

/* ---- Blocks --------------------------------------------------------------------------- */

/* *out is NULL where there is no block: all counts are 0. */
static int get_block(struct qcow2 *q, uint64_t cluster, struct qcow2_table **out)
{
    uint64_t i = cluster >> q->block_bits;

    *out = NULL;
    if (i >= q->rt_size || !(q->rt[i] & QE_OFFSET))
        return 0;
    if (q->rt[i] & (q->cluster_size - 1))
        return qcow2_corrupt(q, "refcount table entry %" G_GUINT64_FORMAT " is not aligned", i);
    return qcow2_cache_get(q, &q->rc, q->rt[i], true, out);
}

static uint64_t in_block(const struct qcow2 *q, uint64_t cluster)
{
    return cluster & ((1ull << q->block_bits) - 1);
}

int qcow2_get_refcount(struct qcow2 *q, uint64_t cluster, uint64_t *out)
{
    struct qcow2_table *t;
    int rc = get_block(q, cluster, &t);

    *out = rc == 0 && t ? count_get(q, t->data, in_block(q, cluster)) : 0;
    return rc;
}

static void rt_set(struct qcow2 *q, uint32_t i, uint64_t off)
{
    q->rt[i] = off;
    q->rt_dirty_lo = MIN(q->rt_dirty_lo, i);
    q->rt_dirty_hi = MAX(q->rt_dirty_hi, i + 1);
}

#define MAX_BEYOND (1u << 20) /* clusters counted behind the end of the file */

/* The first cluster from the hint on that nobody counts. */
static int find_free(struct qcow2 *q, uint64_t *cluster)
{
    unsigned beyond = 0;

    for (uint64_t c = q->free_hint;; c++) {
        uint64_t count;
        if (c >= 1ull << (56 - q->cluster_bits))
            return -EFBIG;
        int rc = qcow2_get_refcount(q, c, &count);
        if (rc < 0)
            return rc;
        if (count == 0) {
            q->free_hint = *cluster = c;
            return 0;
        }
        if (c >= q->fresh_from && ++beyond > MAX_BEYOND)
            return qcow2_corrupt(q, "clusters far behind the end of the file are counted");
    }
}

/* A larger refcount table behind everything the present one covers, with the blocks that count
 * it; then the header names it. */
static int grow_table(struct qcow2 *q, uint64_t need)
{
    uint64_t first = (uint64_t)q->rt_size << q->block_bits, old_off = q->rt_off;
    uint64_t old_clusters = ((uint64_t)q->rt_size * 8 + q->cluster_size - 1) >> q->cluster_bits;
    uint64_t entries = MAX(need, q->rt_size + q->rt_size / 2) + 2, blocks = 1, table;

    table = (entries * 8 + q->cluster_size - 1) >> q->cluster_bits;
    while ((table + blocks) > blocks << q->block_bits) {
        blocks++;
        entries = MAX(entries, q->rt_size + blocks + 1);
        table = (entries * 8 + q->cluster_size - 1) >> q->cluster_bits;
    }
    entries = table << q->cluster_bits >> 3;
    if (table << q->cluster_bits > QCOW2_MAX_RT)
        return -EFBIG;
    int rc = qcow2_meta_write(q, true); /* what the old table has to say is in the file */
    if (rc < 0)
        return rc;

    g_autofree uint8_t *buf = g_malloc0((size_t)((table + blocks) << q->cluster_bits));
    uint8_t *entry = buf + (blocks << q->cluster_bits);
    uint64_t *rt = g_new0(uint64_t, entries);
    memcpy(rt, q->rt, (size_t)q->rt_size * 8);
    for (uint64_t i = 0; i < blocks; i++)
        rt[q->rt_size + i] = (first + i) << q->cluster_bits;
    for (uint64_t i = 0; i < table + blocks; i++)
        count_set(q, buf + (i >> q->block_bits << q->cluster_bits), in_block(q, i), 1);
    for (uint64_t i = 0; i < entries; i++)
        qcow2_set_entry(entry, i, rt[i]);
    rc = node_write_buf(q->file, first << q->cluster_bits, buf,
                        (size_t)((table + blocks) << q->cluster_bits));
    if (rc == 0)
        rc = node_flush(q->file);
    uint8_t head[12];
    qcow2_set_entry(head, 0, (first + blocks) << q->cluster_bits);
    uint32_t clusters = GUINT32_TO_BE((uint32_t)table);
    memcpy(head + 8, &clusters, 4);
    if (rc == 0)
        rc = node_write_buf(q->file, QH_RT_OFF, head, sizeof(head));
    if (rc == 0)
        rc = node_flush(q->file);
    if (rc < 0) {
        g_free(rt);
        return rc;
    }
    g_free(q->rt);
    q->rt = rt;
    q->rt_size = (uint32_t)entries;
    q->rt_off = (first + blocks) << q->cluster_bits;
    q->fresh_from = MAX(q->fresh_from, first + blocks + table);
    qcow2_free_later(q, old_off >> q->cluster_bits, old_clusters, false);
    return 0;
}

/* See to it that a block counts this cluster. A new block goes to the first free cluster, which
 * it may count itself. */
static int need_block(struct qcow2 *q, uint64_t cluster)
{
    uint64_t i = cluster >> q->block_bits, at, home;
    struct qcow2_table *t;
    int rc;

    if (i >= q->rt_size && (rc = grow_table(q, i + 1)) < 0)
        return rc;
    if (q->rt[i] & QE_OFFSET)
        return 0;
    if ((rc = find_free(q, &at)) < 0)
        return rc;
    home = at >> q->block_bits;
    if (home != i) {
        if ((rc = need_block(q, at)) < 0 || (rc = find_free(q, &at)) < 0)
            return rc;
        home = at >> q->block_bits;
        if (home >= q->rt_size || (home != i && !(q->rt[home] & QE_OFFSET)))
            return -EFBIG;
    }
    if (qcow2_hits_metadata(q, at << q->cluster_bits, q->cluster_size))
        return qcow2_corrupt(q, "a table's cluster is counted as free");
    if (home != i && (rc = qcow2_set_refcount(q, at, 1)) < 0)
        return rc;
    if ((rc = qcow2_cache_get(q, &q->rc, at << q->cluster_bits, false, &t)) < 0)
        return rc;
    if (home == i)
        count_set(q, t->data, in_block(q, at), 1);
    qcow2_cache_dirty(&q->rc, t);
    rt_set(q, (uint32_t)i, at << q->cluster_bits);
    q->fresh_from = MAX(q->fresh_from, at + 1);
    return 0;
}

int qcow2_set_refcount(struct qcow2 *q, uint64_t cluster, uint64_t value)
{
    struct qcow2_table *t;
    int rc = value ? need_block(q, cluster) : 0;

    if (rc == 0)
        rc = get_block(q, cluster, &t);
    if (rc < 0 || !t)
        return rc;
    count_set(q, t->data, in_block(q, cluster), value);
    qcow2_cache_dirty(&q->rc, t);
    if (value == 0)
        q->free_hint = MIN(q->free_hint, cluster);
    return 0;
}

/* ---- Allocating ------------------------------------------------------------------------ */

int qcow2_alloc(struct qcow2 *q, uint64_t *n, uint64_t *cluster, bool *fresh)
{
    uint64_t got = 0, first = 0, c, count;
    int rc = q->lazy && !q->dirty ? qcow2_set_dirty(q, true) : 0;

    if (q->corrupt)
        return -EIO;
    while (rc == 0 && got < *n) {
        rc = find_free(q, &c);
        if (rc == 0)
            rc = need_block(q, c);
        if (rc == 0)
            rc = qcow2_get_refcount(q, c, &count); /* a new block may have taken it */
        if (rc < 0 || count)
            continue;
        if (got && c != first + got)
            break;
        if (qcow2_hits_metadata(q, c << q->cluster_bits, q->cluster_size))
            return qcow2_corrupt(q, "a table's cluster is counted as free");
        rc = qcow2_set_refcount(q, c, 1);
        if (rc < 0)
            break;
        if (!got)
            first = c;
        got++;
        q->free_hint = c + 1;
    }
    if (!got)
        return rc < 0 ? rc : -ENOSPC;
    *cluster = first;
    *n = got;
    *fresh = first >= q->fresh_from;
    q->fresh_from = MAX(q->fresh_from, first + got);
    return 0;
}

void qcow2_unalloc(struct qcow2 *q, uint64_t cluster, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        qcow2_set_refcount(q, cluster + i, 0); /* fails: a leak */
}

void qcow2_free_later(struct qcow2 *q, uint64_t cluster, uint64_t n, bool discard)
{
    struct qcow2_free f = {cluster, n, discard};

    if (q->frees->len) {
        struct qcow2_free *last = &g_array_index(q->frees, struct qcow2_free, q->frees->len - 1);
        if (last->first + last->n == cluster && last->discard == discard) {
            last->n += n;
            return;
        }
    }
    g_array_append_val(q->frees, f);
}

static int drop_one(struct qcow2 *q, uint64_t cluster, uint64_t *left)
{
    int rc = qcow2_get_refcount(q, cluster, left);

    if (rc < 0)
        return rc;
    if (*left == 0)
        return qcow2_corrupt(q, "cluster %" G_GUINT64_FORMAT " is in use and not counted", cluster);
    --*left;
    if (*left == 0) {
        qcow2_cache_forget(&q->l2, cluster << q->cluster_bits);
        qcow2_cache_forget(&q->rc, cluster << q->cluster_bits);
    }
    return qcow2_set_refcount(q, cluster, *left);
}

/* No table in the file names them any more. Counts that go down may reach the file at any time
 * later. */
int qcow2_apply_frees(struct qcow2 *q)
{
    GArray *frees = q->frees;
    int rc = 0;

    q->frees = g_array_new(FALSE, FALSE, sizeof(struct qcow2_free));
    q->inflated_entry = 0;
    qcow2_wait_moves(q);
    for (unsigned i = 0; i < frees->len && rc == 0; i++) {
        struct qcow2_free *f = &g_array_index(frees, struct qcow2_free, i);
        for (uint64_t c = f->first; c < f->first + f->n && rc == 0; c++) {
            uint64_t left;
            rc = drop_one(q, c, &left);
            if (rc == 0 && left == 0 && f->discard)
                node_discard(q->file, c << q->cluster_bits, q->cluster_size);
        }
    }
    g_array_unref(frees);
    return rc;
}

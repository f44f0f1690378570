/* SPDX-License-Identifier: MIT */
/* qcow2: from the guest's offset to an L2 entry, and what an entry says. */
#include <errno.h>
#include <string.h>

#include "block/qcow2.h"

enum qcow2_kind qcow2_kind(const struct qcow2 *q, uint64_t entry)
{
    if (entry & QE_COMPRESSED)
        return QK_COMPRESSED;
    if ((entry & QE_ZERO) && q->version >= 3)
        return QK_ZERO;
    return entry & QE_OFFSET ? QK_DATA : QK_NONE;
}

void qcow2_compressed_range(const struct qcow2 *q, uint64_t entry, uint64_t *off, uint64_t *len)
{
    unsigned shift = 62 - (q->cluster_bits - 8);
    uint64_t sectors = (entry >> shift & ((1u << (q->cluster_bits - 8)) - 1)) + 1;

    *off = entry & ((1ull << shift) - 1);
    *len = sectors * 512 - (*off & 511);
}

/* An entry with a plain offset: can data be there? */
int qcow2_check_data(struct qcow2 *q, uint64_t entry)
{
    uint64_t off = entry & QE_OFFSET;

    if (off & (q->cluster_size - 1))
        return qcow2_corrupt(q, "a data cluster at %" G_GUINT64_FORMAT " is not aligned", off);
    return 0;
}

/* ---- L2 tables ------------------------------------------------------------------------ */

static void l1_set(struct qcow2 *q, uint32_t i, uint64_t off)
{
    q->l1[i] = off | QE_COPIED;
    q->l1_dirty_lo = MIN(q->l1_dirty_lo, i);
    q->l1_dirty_hi = MAX(q->l1_dirty_hi, i + 1);
}

/* A table of our own: empty, or a copy of the one that a snapshot shares. */
static int new_l2(struct qcow2 *q, uint32_t i, uint64_t old, struct qcow2_table **out)
{
    g_autofree uint8_t *copy = NULL;
    uint64_t n = 1, cluster;
    bool fresh;
    int rc;

    if (old) {
        if ((rc = qcow2_cache_get(q, &q->l2, old, true, out)) < 0)
            return rc;
        copy = g_memdup2((*out)->data, q->cluster_size);
    }
    if ((rc = qcow2_alloc(q, &n, &cluster, &fresh)) < 0)
        return rc;
    rc = qcow2_cache_get(q, &q->l2, cluster << q->cluster_bits, false, out);
    if (rc < 0) {
        qcow2_unalloc(q, cluster, 1);
        return rc;
    }
    if (copy) {
        memcpy((*out)->data, copy, q->cluster_size);
        qcow2_free_later(q, old >> q->cluster_bits, 1, false);
    }
    qcow2_cache_dirty(&q->l2, *out);
    l1_set(q, i, cluster << q->cluster_bits);
    return 0;
}

int qcow2_get_l2(struct qcow2 *q, uint64_t off, bool alloc, struct qcow2_table **out)
{
    uint64_t i = off >> (q->cluster_bits + q->l2_bits);

    *out = NULL;
    if (i >= q->l1_size)
        return -EIO;
    uint64_t table = q->l1[i] & QE_OFFSET;
    if (table & (q->cluster_size - 1))
        return qcow2_corrupt(q, "L1 entry %" G_GUINT64_FORMAT " is not aligned", i);
    if (table && (!alloc || (q->l1[i] & QE_COPIED)))
        return qcow2_cache_get(q, &q->l2, table, true, out);
    return alloc ? new_l2(q, (uint32_t)i, table, out) : 0;
}

void qcow2_free_entry(struct qcow2 *q, uint64_t entry, bool discard)
{
    uint64_t off, len;

    if (entry & QE_COMPRESSED) {
        qcow2_compressed_range(q, entry, &off, &len);
        uint64_t first = off >> q->cluster_bits, last = (off + len - 1) >> q->cluster_bits;
        qcow2_free_later(q, first, last - first + 1, false);
    } else if (entry & QE_OFFSET) {
        qcow2_free_later(q, (entry & QE_OFFSET) >> q->cluster_bits, 1, discard);
    }
}

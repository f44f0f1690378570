/* SPDX-License-Identifier: MIT */
/* qcow2: tables in memory, and the order in which they reach the file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/qcow2.h"

/* ---- The cache ------------------------------------------------------------------------ */

void qcow2_cache_init(struct qcow2_cache *c, unsigned n)
{
    *c = (struct qcow2_cache){.t = g_new0(struct qcow2_table, n), .n = n,
                              .by_off = g_hash_table_new(g_int64_hash, g_int64_equal)};
}

void qcow2_cache_fini(struct qcow2_cache *c)
{
    for (unsigned i = 0; i < c->n; i++)
        free(c->t[i].data);
    g_free(c->t);
    if (c->by_off)
        g_hash_table_destroy(c->by_off);
    *c = (struct qcow2_cache){0};
}

static void drop(struct qcow2_cache *c, struct qcow2_table *t)
{
    if (t->off)
        g_hash_table_remove(c->by_off, &t->off);
    if (t->dirty)
        c->dirty--;
    t->off = 0;
    t->dirty = false;
    t->used = 0;
}

static struct qcow2_table *oldest(struct qcow2_cache *c)
{
    struct qcow2_table *best = &c->t[0];

    for (unsigned i = 1; i < c->n && best->used; i++)
        if (c->t[i].used < best->used)
            best = &c->t[i];
    return best;
}

int qcow2_cache_get(struct qcow2 *q, struct qcow2_cache *c, uint64_t off, bool fill,
                    struct qcow2_table **out)
{
    struct qcow2_table *t = g_hash_table_lookup(c->by_off, &off);
    int rc = 0;

    if (!t) {
        while ((t = oldest(c))->dirty) /* what is freed then makes others dirty, once */
            if ((rc = qcow2_meta_write(q, true)) < 0)
                return rc;
        drop(c, t);
        if (!t->data && !(t->data = node_buffer(q->cluster_size)))
            return -ENOMEM;
        if (fill && (rc = node_read_buf(q->file, off, t->data, q->cluster_size)) < 0)
            return rc;
        t->off = off;
        g_hash_table_insert(c->by_off, &t->off, t);
    }
    if (!fill)
        memset(t->data, 0, q->cluster_size);
    t->used = ++c->clock;
    *out = t;
    return 0;
}

void qcow2_cache_dirty(struct qcow2_cache *c, struct qcow2_table *t)
{
    if (!t->dirty)
        c->dirty++;
    t->dirty = true;
}

void qcow2_cache_forget(struct qcow2_cache *c, uint64_t off)
{
    struct qcow2_table *t = g_hash_table_lookup(c->by_off, &off);

    if (t)
        drop(c, t);
}

int qcow2_cache_write(struct qcow2 *q, struct qcow2_cache *c)
{
    for (unsigned i = 0; i < c->n && c->dirty; i++) {
        struct qcow2_table *t = &c->t[i];
        if (!t->dirty)
            continue;
        int rc = node_write_buf(q->file, t->off, t->data, q->cluster_size);
        if (rc < 0)
            return rc;
        t->dirty = false;
        c->dirty--;
    }
    return 0;
}

/* ---- Tables that are always in memory -------------------------------------------------- */

static int write_entries(struct qcow2 *q, uint64_t at, const uint64_t *table, uint32_t *lo,
                         uint32_t *hi)
{
    if (*lo >= *hi)
        return 0;
    uint32_t n = *hi - *lo;
    g_autofree uint8_t *buf = g_malloc((size_t)n * 8);
    for (uint32_t i = 0; i < n; i++)
        qcow2_set_entry(buf, i, table[*lo + i]);
    int rc = node_write_buf(q->file, at + (uint64_t)*lo * 8, buf, (size_t)n * 8);
    if (rc == 0) {
        *lo = UINT32_MAX;
        *hi = 0;
    }
    return rc;
}

/* ---- The order ------------------------------------------------------------------------ */

static bool rt_dirty(const struct qcow2 *q)
{
    return q->rt_dirty_lo < q->rt_dirty_hi;
}

static bool l1_dirty(const struct qcow2 *q)
{
    return q->l1_dirty_lo < q->l1_dirty_hi;
}

static int write_refcounts(struct qcow2 *q)
{
    bool some = q->rc.dirty || rt_dirty(q);
    int rc = qcow2_cache_write(q, &q->rc);

    if (rc == 0 && rt_dirty(q))
        rc = node_flush(q->file);
    if (rc == 0)
        rc = write_entries(q, q->rt_off, q->rt, &q->rt_dirty_lo, &q->rt_dirty_hi);
    if (rc == 0 && some)
        q->copied_data = true; /* a flush must come before the L2 tables */
    return rc;
}

static int write_maps(struct qcow2 *q)
{
    int rc = 0;

    if (!q->l2.dirty && !l1_dirty(q))
        return 0;
    if (q->copied_data)
        rc = node_flush(q->file);
    if (rc < 0)
        return rc;
    q->copied_data = false;
    rc = qcow2_cache_write(q, &q->l2);
    if (rc == 0 && l1_dirty(q))
        rc = node_flush(q->file);
    if (rc == 0)
        rc = write_entries(q, q->l1_off, q->l1, &q->l1_dirty_lo, &q->l1_dirty_hi);
    return rc;
}

int qcow2_meta_write(struct qcow2 *q, bool refcounts)
{
    int rc = 0;

    if (q->corrupt)
        return -EIO;
    if (refcounts || !q->dirty)
        rc = write_refcounts(q);
    if (rc == 0)
        rc = write_maps(q);
    if (rc < 0 || !q->frees->len)
        return rc;
    rc = node_flush(q->file);
    return rc < 0 ? rc : qcow2_apply_frees(q);
}

/* SPDX-License-Identifier: MIT */
/*
 * qcow2: writing, zeroing, discarding. A write goes where its cluster is if the cluster is ours
 * alone. Else it gets new clusters: the guest's data with what surrounds it is written there,
 * then the L2 entries change, then the old clusters are freed. Meanwhile other requests for that
 * range wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/qcow2.h"
#include "util/iov.h"

#define MAX_RUN (4u << 20) /* bytes of new clusters at a time */
#define MAX_FREES 1024     /* entries, then tables are written */

/* ---- Requests in each other's way ------------------------------------------------------ */

static struct qcow2_pending *find_pending(struct qcow2 *q, uint64_t start, uint64_t end)
{
    for (GList *l = q->pending.head; l; l = l->next) {
        struct qcow2_pending *p = l->data;
        if (p->start < end && start < p->end)
            return p;
    }
    return NULL;
}

/* Wait, with the lock held before and after, until nobody allocates there. */
static void wait_pending(struct qcow2 *q, uint64_t start, uint64_t end)
{
    struct co_sched *s = node_sched(q->node);
    struct qcow2_pending *p;

    while ((p = find_pending(q, start, end))) {
        g_queue_push_tail(&p->waiting.waiting, co_self(s));
        co_unlock(s, &q->lock);
        co_yield(s);
        co_lock(s, &q->lock);
    }
}

/* ---- New clusters --------------------------------------------------------------------- */

static bool in_place(const struct qcow2 *q, uint64_t entry)
{
    return (entry & QE_COPIED) && qcow2_kind(q, entry) == QK_DATA;
}

struct run {
    bool in_place;
    bool fresh;       /* the new clusters read as zeros */
    uint64_t host;    /* where the first byte goes */
    uint64_t len;     /* bytes of the request */
    uint64_t clusters; /* new ones */
};

/* How far the request goes on in the same way, in one L2 table. */
static int find_run(struct qcow2 *q, uint64_t off, uint64_t len, struct run *r)
{
    uint64_t in = off & (q->cluster_size - 1), first = qcow2_l2_index(q, off), n;
    uint64_t room = (((1ull << q->l2_bits) - first) << q->cluster_bits) - in;
    struct qcow2_table *t;
    int rc = qcow2_get_l2(q, off, true, &t);

    if (rc < 0)
        return rc;
    uint64_t entry = qcow2_entry(t->data, first);
    *r = (struct run){.in_place = in_place(q, entry), .len = MIN(len, room)};
    if (r->in_place)
        r->host = (entry & QE_OFFSET) + in;
    else
        r->len = MIN(r->len, MAX_RUN - in);
    for (n = 1; (n << q->cluster_bits) - in < r->len; n++) {
        uint64_t e = qcow2_entry(t->data, first + n);
        bool same = in_place(q, e) == r->in_place;
        if (same && r->in_place)
            same = (e & QE_OFFSET) == r->host - in + (n << q->cluster_bits);
        if (!same)
            r->len = (n << q->cluster_bits) - in;
    }
    r->clusters = (in + r->len + q->cluster_size - 1) >> q->cluster_bits;
    if (r->in_place && (rc = qcow2_check_data(q, entry)) == 0 &&
        qcow2_hits_metadata(q, r->host, r->len))
        rc = qcow2_corrupt(q, "a data cluster at %" G_GUINT64_FORMAT " is a table's", r->host);
    return rc;
}

static int alloc_run(struct qcow2 *q, uint64_t off, struct run *r)
{
    uint64_t in = off & (q->cluster_size - 1), cluster;
    int rc = qcow2_alloc(q, &r->clusters, &cluster, &r->fresh);

    if (rc < 0)
        return rc;
    r->host = (cluster << q->cluster_bits) + in;
    r->len = MIN(r->len, (r->clusters << q->cluster_bits) - in);
    return 0;
}

/* What surrounds the data in its first and last cluster, as it reads now. `buf` has a cluster for
 * each side. */
static int read_around(struct qcow2 *q, uint64_t off, uint64_t len, uint8_t *buf, uint64_t *head,
                       uint64_t *tail)
{
    uint64_t end = off + len;

    *head = off & (q->cluster_size - 1);
    *tail = -end & (q->cluster_size - 1);
    struct iovec v[2] = {{buf, *head}, {buf + q->cluster_size, *tail}};
    memset(buf, 0, *head);
    memset(buf + q->cluster_size, 0, *tail);
    int rc = *head ? qcow2_read(q->node, off - *head, *head, &v[0], 1) : 0;
    if (rc == 0 && *tail && end < q->node->size) {
        v[1].iov_len = MIN(*tail, q->node->size - end);
        rc = qcow2_read(q->node, end, v[1].iov_len, &v[1], 1);
    }
    return rc;
}

/* One write of head, data and tail. Zeros around data in fresh clusters are there already. */
static int fill_clusters(struct qcow2 *q, uint64_t off, const struct run *r,
                         const struct iovec *iov, unsigned niov, size_t skip)
{
    struct iovec *v = g_new(struct iovec, niov + 2);
    uint8_t *buf = node_buffer(2 * q->cluster_size);
    uint64_t head, tail;
    unsigned n = 0;
    int rc = buf ? read_around(q, off, r->len, buf, &head, &tail) : -ENOMEM;

    if (rc == 0) {
        if (r->fresh && buffer_is_zero(buf, head))
            head = 0;
        if (r->fresh && buffer_is_zero(buf + q->cluster_size, tail))
            tail = 0;
        if (head)
            v[n++] = (struct iovec){buf, head};
        n += iov_slice(iov, niov, skip, r->len, v + n);
        if (tail)
            v[n++] = (struct iovec){buf + q->cluster_size, tail};
        rc = node_write(q->file, r->host - head, head + r->len + tail, v, n);
        if (head || tail)
            q->copied_data = true;
    }
    free(buf);
    g_free(v);
    return rc;
}

/* The clusters become the guest's. */
static int link_run(struct qcow2 *q, uint64_t off, const struct run *r)
{
    uint64_t first = qcow2_l2_index(q, off);
    uint64_t host = r->host & ~(q->cluster_size - 1);
    struct qcow2_table *t;
    int rc = qcow2_get_l2(q, off, true, &t);

    if (rc < 0)
        return rc;
    for (uint64_t i = 0; i < r->clusters; i++) {
        uint64_t old = qcow2_entry(t->data, first + i);
        qcow2_set_entry(t->data, first + i, (host + (i << q->cluster_bits)) | QE_COPIED);
        qcow2_free_entry(q, old, false);
    }
    qcow2_cache_dirty(&q->l2, t);
    return q->frees->len > MAX_FREES ? qcow2_meta_write(q, false) : 0;
}

/* Lock held on entry, not on return. */
static int write_new(struct qcow2 *q, uint64_t off, struct run *r, const struct iovec *iov,
                     unsigned niov, size_t skip)
{
    struct co_sched *s = node_sched(q->node);
    int rc = alloc_run(q, off, r);

    if (rc < 0) {
        co_unlock(s, &q->lock);
        return rc;
    }
    uint64_t start = off & ~(q->cluster_size - 1);
    struct qcow2_pending p = {.start = start, .end = start + (r->clusters << q->cluster_bits),
                              .waiting = CO_QUEUE_INIT};
    g_queue_push_tail(&q->pending, &p);
    co_unlock(s, &q->lock);
    rc = fill_clusters(q, off, r, iov, niov, skip);
    co_lock(s, &q->lock);
    if (rc == 0)
        rc = link_run(q, off, r);
    else
        qcow2_unalloc(q, r->host >> q->cluster_bits, r->clusters);
    g_queue_remove(&q->pending, &p);
    co_wake_all(s, &p.waiting);
    co_unlock(s, &q->lock);
    return rc;
}

static int write_in_place(struct qcow2 *q, const struct run *r, const struct iovec *iov,
                          unsigned niov, size_t skip)
{
    g_autofree struct iovec *part = NULL;

    if (skip || iov_size(iov, niov) != r->len) {
        part = g_new(struct iovec, niov);
        niov = iov_slice(iov, niov, skip, r->len, part);
        iov = part;
    }
    return node_write(q->file, r->host, r->len, iov, niov);
}

int qcow2_write(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov)
{
    struct qcow2 *q = n->opaque;
    uint64_t done = 0;
    int rc = 0;

    while (rc == 0 && done < len) {
        struct run r = {0};
        co_lock(node_sched(n), &q->lock);
        uint64_t at = off + done;
        wait_pending(q, at & ~(q->cluster_size - 1), off + len);
        rc = q->corrupt ? -EIO : find_run(q, at, len - done, &r);
        if (rc < 0 || r.in_place) {
            unsigned generation = qcow2_move_begin(q);
            co_unlock(node_sched(n), &q->lock);
            if (rc == 0)
                rc = write_in_place(q, &r, iov, niov, done);
            qcow2_move_end(q, generation);
        } else {
            rc = write_new(q, at, &r, iov, niov, done);
        }
        done += r.len;
    }
    return rc;
}

/* ---- Whole clusters without data ------------------------------------------------------- */

/* What an entry becomes. */
static uint64_t zero_entry(const struct qcow2 *q, uint64_t old, bool unmap)
{
    if (!unmap && in_place(q, old)) /* the space stays reserved */
        return (old & QE_OFFSET) | QE_COPIED | QE_ZERO;
    return QE_ZERO;
}

static uint64_t discard_entry(const struct qcow2 *q, uint64_t old)
{
    if (qcow2_kind(q, old) == QK_NONE || !q->node->backing)
        return q->version >= 3 && q->node->backing ? QE_ZERO : 0;
    return q->version >= 3 ? QE_ZERO : old; /* what is below must not come back */
}

/* One L2 table's worth of [off, end), whole clusters. */
static int change_entries(struct qcow2 *q, uint64_t off, uint64_t end, bool discard, bool unmap)
{
    struct qcow2_table *t;
    int rc = qcow2_get_l2(q, off, false, &t);

    if (rc < 0 || (!t && !q->node->backing)) /* reads as zeros as it is */
        return rc;
    if ((rc = qcow2_get_l2(q, off, true, &t)) < 0)
        return rc;
    for (; off < end; off += q->cluster_size) {
        uint64_t i = qcow2_l2_index(q, off), old = qcow2_entry(t->data, i), now;
        now = discard ? discard_entry(q, old) : zero_entry(q, old, unmap);
        if (now == old)
            continue;
        qcow2_set_entry(t->data, i, now);
        qcow2_cache_dirty(&q->l2, t);
        if (!(now & QE_OFFSET))
            qcow2_free_entry(q, old, discard || unmap);
    }
    return 0;
}

static int change_clusters(struct qcow2 *q, uint64_t off, uint64_t end, bool discard, bool unmap)
{
    struct co_sched *s = node_sched(q->node);
    uint64_t table = q->cluster_size << q->l2_bits;
    int rc = 0;

    while (rc == 0 && off < end) {
        uint64_t to = MIN(end, (off / table + 1) * table);
        co_lock(s, &q->lock);
        wait_pending(q, off, to);
        if (q->corrupt)
            rc = -EIO;
        else if (q->lazy && !q->dirty)
            rc = qcow2_set_dirty(q, true);
        if (rc == 0)
            rc = change_entries(q, off, to, discard, unmap);
        if (rc == 0 && q->frees->len > MAX_FREES)
            rc = qcow2_meta_write(q, false);
        co_unlock(s, &q->lock);
        off = to;
    }
    return rc;
}

/* The last cluster counts as whole if it is there as far as the disk goes. */
static uint64_t whole_end(const struct qcow2 *q, uint64_t end)
{
    if (end == q->node->size)
        return (end + q->cluster_size - 1) & ~(q->cluster_size - 1);
    return end & ~(q->cluster_size - 1);
}

int qcow2_discard(struct node *n, uint64_t off, uint64_t len)
{
    struct qcow2 *q = n->opaque;
    uint64_t start = (off + q->cluster_size - 1) & ~(q->cluster_size - 1);

    return change_clusters(q, start, whole_end(q, off + len), true, true);
}

static int write_zeros(struct qcow2 *q, uint64_t off, uint64_t len)
{
    size_t size = (size_t)MIN(len, q->cluster_size);
    void *zeros = node_buffer(size);
    int rc = zeros ? 0 : -ENOMEM;

    if (zeros)
        memset(zeros, 0, size);
    while (rc == 0 && len) {
        uint64_t now = MIN(len, q->cluster_size);
        struct iovec v = {zeros, now};
        rc = qcow2_write(q->node, off, now, &v, 1);
        off += now;
        len -= now;
    }
    free(zeros);
    return rc;
}

int qcow2_zero(struct node *n, uint64_t off, uint64_t len, unsigned flags)
{
    struct qcow2 *q = n->opaque;
    uint64_t start = (off + q->cluster_size - 1) & ~(q->cluster_size - 1);
    uint64_t end = off + len, last = whole_end(q, end);
    int rc = 0;

    if (q->version < 3)
        return -ENOTSUP;
    if (start >= last)
        return write_zeros(q, off, len);
    if (off < start)
        rc = write_zeros(q, off, start - off);
    if (rc == 0)
        rc = change_clusters(q, start, last, false, flags & BLK_MAY_UNMAP);
    if (rc == 0 && last < end)
        rc = write_zeros(q, last, end - last);
    return rc;
}

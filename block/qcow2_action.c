/* SPDX-License-Identifier: MIT */
/*
 * qcow2: what is done with internal snapshots. No request is under way, so nothing moves while
 * this waits. The order of writes leaves leaks where it is cut off, never a reference to what is
 * not counted: references are counted before they are made, and dropped after they are gone.
 *
 * The machine's state is in the clusters behind the disk's last L2 table. It is written there
 * before the snapshot is made, which takes it along, and is dropped from the active tables then.
 */
#include <errno.h>
#include <string.h>

#include "block/qcow2.h"
#include "block/snapshot.h"

static uint64_t table_bytes(const struct qcow2 *q)
{
    return q->cluster_size << q->l2_bits;
}

/* Entries of the L1 table that are the disk's. */
static uint64_t disk_entries(const struct qcow2 *q)
{
    return (q->node->size + table_bytes(q) - 1) / table_bytes(q);
}

static unsigned find(const struct qcow2 *q, const char *id)
{
    unsigned i = 0;

    while (i < q->nsnapshots && strcmp(q->snapshots[i].id, id) != 0)
        i++;
    return i;
}

/* ---- Listing -------------------------------------------------------------------------- */

static void clear_snapshot(void *p)
{
    struct snapshot *s = p;

    g_free(s->id);
    g_free(s->name);
}

static GArray *list(struct node *n)
{
    struct qcow2 *q = n->opaque;
    GArray *a = g_array_new(FALSE, FALSE, sizeof(struct snapshot));

    g_array_set_clear_func(a, clear_snapshot);
    for (unsigned i = 0; i < q->nsnapshots; i++) {
        const struct qcow2_snapshot *from = &q->snapshots[i];
        struct snapshot s = {.id = g_strdup(from->id),
                             .name = g_strdup(from->name),
                             .vm_state_size = from->vm_state_size,
                             .date_sec = from->date_sec,
                             .date_nsec = from->date_nsec,
                             .vm_clock = from->vm_clock,
                             .icount = from->icount};
        g_array_append_val(a, s);
    }
    return a;
}

/* ---- Creating ------------------------------------------------------------------------- */

/* A copy of the active L1 table, COPIED off, counted and in the file. */
static int write_l1_copy(struct qcow2 *q, uint64_t *cluster)
{
    uint64_t clusters = MAX(((uint64_t)q->l1_size * 8 + q->cluster_size - 1) >> q->cluster_bits, 1);
    g_autofree uint8_t *table = g_malloc0(clusters << q->cluster_bits);
    int rc = qcow2_alloc_row(q, clusters, cluster);

    for (uint32_t i = 0; i < q->l1_size; i++)
        qcow2_set_entry(table, i, q->l1[i] & ~QE_COPIED);
    if (rc == 0)
        rc = node_write_buf(q->file, *cluster << q->cluster_bits, table,
                            clusters << q->cluster_bits);
    return rc;
}

static int drop_state(struct qcow2 *q);

/* The new entry at the end of the table; the table is the image's from then on. */
static int add_entry(struct qcow2 *q, const struct snapshot *from, uint64_t l1_cluster)
{
    struct qcow2_snapshot *s = g_new0(struct qcow2_snapshot, q->nsnapshots + 1);
    struct qcow2_snapshot *before = q->snapshots;

    if (before)
        memcpy(s, before, q->nsnapshots * sizeof(*s));
    s[q->nsnapshots] = (struct qcow2_snapshot){
        .id = g_strdup(from->id),
        .name = g_strdup(from->name),
        .l1_off = l1_cluster << q->cluster_bits,
        .l1_size = q->l1_size,
        .vm_clock = from->vm_clock,
        .vm_state_size = from->vm_state_size,
        .disk_size = q->node->size,
        .icount = from->icount,
        .date_sec = (uint32_t)from->date_sec,
        .date_nsec = from->date_nsec,
    };
    int rc = qcow2_write_snapshots(q, s, q->nsnapshots + 1);
    if (q->snapshots == before)
        qcow2_snapshot_clear(&s[q->nsnapshots]);
    g_free(q->snapshots == before ? s : before);
    return rc;
}

static int create(struct node *n, const struct snapshot *from)
{
    struct qcow2 *q = n->opaque;
    uint64_t cluster = 0;

    if (strlen(from->name) > UINT16_MAX || find(q, from->id) < q->nsnapshots)
        return -EINVAL;
    co_lock(node_sched(n), &q->lock);
    int rc = qcow2_meta_write(q, true);
    if (rc == 0)
        rc = write_l1_copy(q, &cluster);
    if (rc == 0)
        rc = qcow2_share_l1(q, q->l1, q->l1_size, 1);
    int fixed = qcow2_fix_copied(q); /* also after a failure: what was counted is a leak then */
    rc = rc < 0 ? rc : fixed;
    if (rc == 0)
        rc = qcow2_meta_write(q, true);
    if (rc == 0)
        rc = add_entry(q, from, cluster);
    int dropped = drop_state(q);
    co_unlock(node_sched(n), &q->lock);
    return rc < 0 ? rc : dropped;
}

/* ---- Applying ------------------------------------------------------------------------- */

static void replace_l1(struct qcow2 *q, const uint64_t *l1, uint32_t n)
{
    for (uint32_t i = 0; i < q->l1_size; i++)
        q->l1[i] = i < n ? l1[i] & ~QE_COPIED : 0;
    q->l1_dirty_lo = 0;
    q->l1_dirty_hi = q->l1_size;
}

static int switch_l1(struct qcow2 *q, const uint64_t *l1, uint32_t n)
{
    g_autofree uint64_t *old = g_memdup2(q->l1, (size_t)q->l1_size * 8);
    int rc = qcow2_share_l1(q, l1, n, 1);

    if (rc == 0)
        rc = qcow2_meta_write(q, true);
    if (rc < 0)
        return rc;
    replace_l1(q, l1, n);
    rc = qcow2_meta_write(q, true);
    if (rc == 0)
        rc = node_flush(q->file);
    if (rc == 0)
        rc = qcow2_share_l1(q, old, q->l1_size, -1);
    if (rc == 0)
        rc = qcow2_fix_copied(q);
    return rc < 0 ? rc : qcow2_meta_write(q, true);
}

static int apply(struct node *n, const char *id)
{
    struct qcow2 *q = n->opaque;
    unsigned i = find(q, id);
    g_autofree uint64_t *l1 = NULL;

    if (i == q->nsnapshots)
        return -ENOENT;
    if (q->snapshots[i].disk_size != n->size)
        return -ENOTSUP;
    co_lock(node_sched(n), &q->lock);
    int rc = qcow2_meta_write(q, true);
    if (rc == 0)
        rc = qcow2_load_l1(q, &q->snapshots[i], &l1);
    if (rc == 0)
        rc = qcow2_grow_l1(q, q->snapshots[i].l1_size);
    if (rc == 0)
        rc = switch_l1(q, l1, q->snapshots[i].l1_size);
    if (rc == 0)
        rc = drop_state(q);
    co_unlock(node_sched(n), &q->lock);
    return rc;
}

/* ---- Deleting ------------------------------------------------------------------------- */

static void forget_vm_l1(struct qcow2 *q)
{
    g_clear_pointer(&q->vm_l1, g_free);
    g_clear_pointer(&q->vm_l1_id, g_free);
}

static int drop_snapshot(struct qcow2 *q, struct qcow2_snapshot *s, const uint64_t *l1)
{
    int rc = qcow2_share_l1(q, l1, s->l1_size, -1);

    qcow2_free_later(q, s->l1_off >> q->cluster_bits,
                     MAX(((uint64_t)s->l1_size * 8 + q->cluster_size - 1) >> q->cluster_bits, 1),
                     false);
    if (rc == 0)
        rc = qcow2_fix_copied(q);
    if (rc == 0)
        rc = qcow2_meta_write(q, true);
    return rc < 0 ? rc : qcow2_meta_write(q, true); /* counts of what was freed */
}

static int take_out(struct qcow2 *q, unsigned i)
{
    struct qcow2_snapshot *s = g_new0(struct qcow2_snapshot, MAX(q->nsnapshots - 1, 1));
    struct qcow2_snapshot *before = q->snapshots;
    unsigned behind = q->nsnapshots - i - 1;

    memcpy(s, before, i * sizeof(*s));
    memcpy(s + i, before + i + 1, behind * sizeof(*s));
    int rc = qcow2_write_snapshots(q, s, q->nsnapshots - 1);
    g_free(q->snapshots == before ? s : before);
    return rc;
}

static int drop(struct node *n, const char *id)
{
    struct qcow2 *q = n->opaque;
    unsigned i = find(q, id);
    g_autofree uint64_t *l1 = NULL;

    if (i == q->nsnapshots)
        return -ENOENT;
    co_lock(node_sched(n), &q->lock);
    forget_vm_l1(q);
    struct qcow2_snapshot gone = q->snapshots[i];
    int rc = qcow2_load_l1(q, &gone, &l1);
    if (rc == 0)
        rc = take_out(q, i);
    if (rc == 0) {
        rc = drop_snapshot(q, &gone, l1);
        qcow2_snapshot_clear(&gone);
    }
    co_unlock(node_sched(n), &q->lock);
    return rc;
}

/* ---- The machine's state -------------------------------------------------------------- */

/* The active tables end with the disk again. */
static int drop_state(struct qcow2 *q)
{
    uint64_t from = disk_entries(q);
    int rc = 0;

    if (from >= q->l1_size)
        return 0;
    g_autofree uint64_t *old = g_memdup2(q->l1 + from, (q->l1_size - from) * 8);
    for (uint64_t i = from; i < q->l1_size; i++)
        q->l1[i] = 0;
    q->l1_dirty_lo = MIN(q->l1_dirty_lo, (uint32_t)from);
    q->l1_dirty_hi = q->l1_size;
    rc = qcow2_meta_write(q, true);
    if (rc == 0)
        rc = node_flush(q->file);
    if (rc == 0)
        rc = qcow2_share_l1(q, old, q->l1_size - (uint32_t)from, -1);
    return rc < 0 ? rc : qcow2_meta_write(q, true);
}

static int vmstate_write(struct node *n, uint64_t pos, const void *buf, size_t len)
{
    struct qcow2 *q = n->opaque;
    uint64_t base = disk_entries(q) * table_bytes(q);
    struct iovec v = {(void *)buf, len};
    int rc = 0;

    co_lock(node_sched(n), &q->lock);
    if (pos == 0)
        rc = drop_state(q); /* what an attempt that failed has left */
    uint64_t entries = (base + pos + len + table_bytes(q) - 1) / table_bytes(q);
    if (rc == 0 && entries > q->l1_size)
        rc = qcow2_grow_l1(q, entries);
    co_unlock(node_sched(n), &q->lock);
    return rc < 0 ? rc : qcow2_write(n, base + pos, len, &v, 1);
}

static int use_vm_l1(struct qcow2 *q, const char *id)
{
    unsigned i = find(q, id);

    if (q->vm_l1 && strcmp(q->vm_l1_id, id) == 0)
        return 0;
    forget_vm_l1(q);
    if (i == q->nsnapshots)
        return -ENOENT;
    int rc = qcow2_load_l1(q, &q->snapshots[i], &q->vm_l1);
    if (rc < 0)
        return rc;
    q->vm_l1_size = q->snapshots[i].l1_size;
    q->vm_l1_id = g_strdup(id);
    return 0;
}

/* The snapshot's tables stand in for the active ones while an L2 entry is looked up. */
static void swap_l1(struct qcow2 *q)
{
    uint64_t *l1 = q->l1;
    uint32_t size = q->l1_size;

    q->l1 = q->vm_l1;
    q->l1_size = q->vm_l1_size;
    q->vm_l1 = l1;
    q->vm_l1_size = size;
}

static int vmstate_read(struct node *n, const char *id, uint64_t pos, void *buf, size_t len)
{
    struct qcow2 *q = n->opaque;
    unsigned i = find(q, id);

    if (i == q->nsnapshots)
        return -ENOENT;
    if (pos > q->snapshots[i].vm_state_size || len > q->snapshots[i].vm_state_size - pos)
        return -ENODATA;
    uint64_t tables = (q->snapshots[i].disk_size + table_bytes(q) - 1) / table_bytes(q);
    struct iovec v = {buf, len};
    int rc = use_vm_l1(q, id);
    if (rc < 0)
        return rc;
    swap_l1(q);
    rc = qcow2_read(n, tables * table_bytes(q) + pos, len, &v, 1);
    swap_l1(q);
    return rc;
}

const struct snapshot_ops qcow2_snapshots = {
    .list = list,
    .create = create,
    .apply = apply,
    .remove = drop,
    .vmstate_write = vmstate_write,
    .vmstate_read = vmstate_read,
};

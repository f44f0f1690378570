/* SPDX-License-Identifier: MIT */
/* qcow2: the table of internal snapshots. Their clusters are counted, so writing leaves them. */
#include <errno.h>
#include <string.h>

#include "block/qcow2.h"
#include "util/error.h"

enum { ENTRY = 40, MAX_EXTRA = 1024, MAX_TABLE = 64 << 20 };

static uint64_t be(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v << 8 | *p++;
    return v;
}

static bool check_l1(struct qcow2 *q, const struct qcow2_snapshot *s, GError **err)
{
    uint64_t size = (uint64_t)s->l1_size * 8;

    if (size > QCOW2_MAX_L1 || s->l1_off & (q->cluster_size - 1) || s->l1_off >> 56 ||
        s->l1_off + size > q->file->size)
        return error_set(err, "snapshot '%s': its L1 table is not in the file", s->id);
    return true;
}

/* One entry at *off; moves *off behind it. */
static bool read_entry(struct qcow2 *q, struct qcow2_snapshot *s, uint64_t *off, GError **err)
{
    uint8_t head[ENTRY];
    int rc = node_read_buf(q->file, *off, head, ENTRY);

    if (rc < 0)
        return error_set(err, "cannot read the snapshot table: %s", g_strerror(-rc));
    unsigned id = (unsigned)be(head + 12, 2), name = (unsigned)be(head + 14, 2);
    uint64_t extra = be(head + 36, 4);
    if (extra > MAX_EXTRA || *off - q->snapshots_off > MAX_TABLE)
        return error_set(err, "the snapshot table is too large");
    g_autofree char *rest = g_malloc0(extra + id + name + 1);
    rc = node_read_buf(q->file, *off + ENTRY, rest, extra + id + name);
    if (rc < 0)
        return error_set(err, "cannot read the snapshot table: %s", g_strerror(-rc));
    *s = (struct qcow2_snapshot){
        .l1_off = be(head, 8), .l1_size = (uint32_t)be(head + 8, 4),
        .date_sec = (uint32_t)be(head + 16, 4), .date_nsec = (uint32_t)be(head + 20, 4),
        .vm_clock = be(head + 24, 8), .vm_state_size = be(head + 32, 4),
        .disk_size = extra >= 16 ? be((uint8_t *)rest + 8, 8) : q->node->size,
        .id = g_strndup(rest + extra, id), .name = g_strndup(rest + extra + id, name),
    };
    if (extra >= 8)
        s->vm_state_size = be((uint8_t *)rest, 8);
    *off = (*off + ENTRY + extra + id + name + 7) & ~7ull;
    return check_l1(q, s, err);
}

bool qcow2_read_snapshots(struct qcow2 *q, uint32_t n, GError **err)
{
    uint64_t off = q->snapshots_off;

    if (!n)
        return true;
    if (n > QCOW2_MAX_SNAPSHOTS || off & (q->cluster_size - 1) || !off || off > q->file->size)
        return error_set(err, "the snapshot table is not in the file");
    q->snapshots = g_new0(struct qcow2_snapshot, n);
    for (; q->nsnapshots < n; q->nsnapshots++)
        if (!read_entry(q, &q->snapshots[q->nsnapshots], &off, err)) {
            q->nsnapshots++;
            return false;
        }
    q->snapshots_bytes = off - q->snapshots_off;
    return true;
}

void qcow2_free_snapshots(struct qcow2 *q)
{
    for (unsigned i = 0; i < q->nsnapshots; i++) {
        g_free(q->snapshots[i].id);
        g_free(q->snapshots[i].name);
    }
    g_free(q->snapshots);
}

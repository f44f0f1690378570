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
    uint32_t extra = (uint32_t)be(head + 36, 4);
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
        .icount = extra >= 24 ? be((uint8_t *)rest + 16, 8) : UINT64_MAX,
        .extra = g_byte_array_append(g_byte_array_new(), (guint8 *)rest, extra),
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

void qcow2_snapshot_clear(struct qcow2_snapshot *s)
{
    g_free(s->id);
    g_free(s->name);
    if (s->extra)
        g_byte_array_unref(s->extra);
    *s = (struct qcow2_snapshot){0};
}

void qcow2_free_snapshots(struct qcow2 *q)
{
    for (unsigned i = 0; i < q->nsnapshots; i++)
        qcow2_snapshot_clear(&q->snapshots[i]);
    g_clear_pointer(&q->snapshots, g_free);
    q->nsnapshots = 0;
    q->snapshots_bytes = 0;
}

/* ---- Writing -------------------------------------------------------------------------- */

static void put(GByteArray *out, uint64_t v, unsigned bytes)
{
    v = GUINT64_TO_BE(v);
    g_byte_array_append(out, (guint8 *)&v + 8 - bytes, bytes);
}

/* The document: the state's size is in the extra data too, and 0 here if it has no room. */
static void put_entry(GByteArray *out, const struct qcow2_snapshot *s)
{
    static const uint8_t zeros[8];
    guint known = 24, more = s->extra && s->extra->len > known ? s->extra->len - known : 0;

    put(out, s->l1_off, 8);
    put(out, s->l1_size, 4);
    put(out, strlen(s->id), 2);
    put(out, strlen(s->name), 2);
    put(out, s->date_sec, 4);
    put(out, s->date_nsec, 4);
    put(out, s->vm_clock, 8);
    put(out, s->vm_state_size > UINT32_MAX ? 0 : s->vm_state_size, 4);
    put(out, known + more, 4);
    put(out, s->vm_state_size, 8);
    put(out, s->disk_size, 8);
    put(out, s->icount, 8);
    if (more)
        g_byte_array_append(out, s->extra->data + known, more);
    g_byte_array_append(out, (const guint8 *)s->id, (guint)strlen(s->id));
    g_byte_array_append(out, (const guint8 *)s->name, (guint)strlen(s->name));
    g_byte_array_append(out, zeros, -out->len & 7);
}

/* Number and place, which are together in the header. */
static int write_place(struct qcow2 *q, unsigned n, uint64_t off)
{
    g_autoptr(GByteArray) head = g_byte_array_new();

    put(head, n, 4);
    put(head, off, 8);
    int rc = node_write_buf(q->file, QH_SNAPSHOTS, head->data, head->len);
    return rc < 0 ? rc : node_flush(q->file);
}

int qcow2_write_snapshots(struct qcow2 *q, struct qcow2_snapshot *s, unsigned n)
{
    g_autoptr(GByteArray) table = g_byte_array_new();
    uint64_t first = 0, old = q->snapshots_off, old_bytes = q->snapshots_bytes;
    int rc = 0;

    for (unsigned i = 0; i < n; i++)
        put_entry(table, &s[i]);
    uint64_t clusters = (table->len + q->cluster_size - 1) >> q->cluster_bits;
    if (table->len > MAX_TABLE || n > QCOW2_MAX_SNAPSHOTS)
        return -EFBIG;
    if (n)
        rc = qcow2_alloc_row(q, clusters, &first);
    if (rc == 0)
        rc = qcow2_meta_write(q, true);
    if (rc == 0 && n)
        rc = node_write_buf(q->file, first << q->cluster_bits, table->data, table->len);
    if (rc == 0)
        rc = node_flush(q->file);
    if (rc == 0)
        rc = write_place(q, n, first << q->cluster_bits);
    if (rc < 0)
        return rc;
    q->snapshots = s;
    q->nsnapshots = n;
    q->snapshots_off = first << q->cluster_bits;
    q->snapshots_bytes = table->len;
    qcow2_free_later(q, old >> q->cluster_bits,
                     (old_bytes + q->cluster_size - 1) >> q->cluster_bits, false);
    return qcow2_meta_write(q, true);
}

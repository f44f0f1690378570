/* SPDX-License-Identifier: MIT */
/* Disks and nodes as QMP describes them. */
#include "monitor/block_info.h"

#include <string.h>
#include <sys/stat.h>

#include "block/block.h"
#include "block/node.h"
#include "block/qcow2.h"
#include "core/machine.h"

/* The prop that names a drive points to the disk it got. */
struct device *block_owner(struct machine *m, const struct blk *blk)
{
    for (unsigned i = 0; i < m->devices->len; i++) {
        struct device *d = m->devices->pdata[i];

        for (const struct prop *p = d->type->props; p && p->name; p++)
            if (p->kind == PROP_DRIVE &&
                *(struct blk *const *)((const char *)d + p->offset) == blk)
                return d;
    }
    return NULL;
}

/* ---- Images ------------------------------------------------------------------------------- */

static const char *format_of(const struct node *n)
{
    return n->driver->name;
}

static json_int_t actual_size(const struct node *n)
{
    struct stat st;
    json_int_t sum = 0;

    if (n->filename && n->driver->protocol && stat(n->filename, &st) == 0)
        sum = (json_int_t)st.st_blocks * 512;
    return n->file ? sum + actual_size(n->file) : sum;
}

static void add_qcow2(json_t *image, const struct qcow2 *q)
{
    json_object_set_new(image, "cluster-size", json_integer((json_int_t)q->cluster_size));
    json_object_set_new(
        image, "format-specific",
        json_pack("{s:s, s:{s:s, s:b, s:i, s:b, s:b, s:s}}", "type", "qcow2", "data", "compat",
                  q->version == 2 ? "0.10" : "1.1", "lazy-refcounts", q->lazy, "refcount-bits",
                  1 << q->refcount_order, "corrupt", q->corrupt, "extended-l2", 0,
                  "compression-type", q->zstd ? "zstd" : "zlib"));
    if (q->nsnapshots) {
        json_t *list = json_array();
        for (unsigned i = 0; i < q->nsnapshots; i++) {
            const struct qcow2_snapshot *s = &q->snapshots[i];
            json_array_append_new(
                list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "id", s->id, "name",
                                s->name, "vm-state-size", (json_int_t)s->vm_state_size,
                                "date-sec", (json_int_t)s->date_sec, "date-nsec",
                                (json_int_t)s->date_nsec, "vm-clock-sec",
                                (json_int_t)(s->vm_clock / 1000000000), "vm-clock-nsec",
                                (json_int_t)(s->vm_clock % 1000000000)));
        }
        json_object_set_new(image, "snapshots", list);
    }
}

static json_t *image_info(struct node *n)
{
    json_t *image = json_pack("{s:s, s:s, s:I, s:I, s:b}", "filename",
                              n->filename ? n->filename : "", "format", format_of(n),
                              "virtual-size", (json_int_t)n->size, "actual-size", actual_size(n),
                              "dirty-flag", 0);

    if (n->driver == &qcow2_driver)
        add_qcow2(image, n->opaque);
    if (n->backing) {
        json_object_set_new(image, "backing-filename", json_string(n->backing->filename));
        json_object_set_new(image, "full-backing-filename", json_string(n->backing->filename));
        json_object_set_new(image, "backing-filename-format", json_string(format_of(n->backing)));
        json_object_set_new(image, "backing-image", image_info(n->backing));
    }
    return image;
}

static int backing_depth(const struct node *n)
{
    return n->backing ? 1 + backing_depth(n->backing) : 0;
}

json_t *block_device_info(struct node *n)
{
    static const char *const detect[] = {"off", "on", "unmap"};
    static const char *const limits[] = {"bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"};
    json_t *info = json_pack(
        "{s:s, s:s, s:b, s:s, s:i, s:b, s:s, s:i, s:{s:b, s:b, s:b}, s:o}", "file",
        n->filename ? n->filename : "", "node-name", n->name, "ro", n->flags.read_only, "drv",
        format_of(n), "backing_file_depth", backing_depth(n), "encrypted", 0, "detect_zeroes",
        detect[n->flags.detect_zeroes], "write_threshold", 0, "cache", "writeback", 1, "direct",
        n->flags.direct, "no-flush", n->flags.no_flush, "image", image_info(n));

    if (n->backing)
        json_object_set_new(info, "backing_file", json_string(n->backing->filename));
    for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++)
        json_object_set_new(info, limits[i], json_integer(0));
    return info;
}

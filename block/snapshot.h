/* SPDX-License-Identifier: MIT */
/*
 * Internal snapshots: disks as they were at one moment, in the images themselves. One image may
 * hold the machine's state with it. Main thread, machine lock held, no request under way.
 */
#ifndef BLOCK_SNAPSHOT_H
#define BLOCK_SNAPSHOT_H

#include "block/block.h"

struct node;

struct snapshot {
    char *id, *name;        /* id: a number; name: the user's */
    uint64_t vm_state_size; /* bytes; 0: disks only */
    int64_t date_sec;
    uint32_t date_nsec;
    uint64_t vm_clock; /* ns */
    uint64_t icount;   /* UINT64_MAX: instructions were not counted */
};

/* Of a node with an image that has snapshots. CO; results 0 or -errno. */
struct snapshot_ops {
    GArray *(*list)(struct node *n); /* struct snapshot */
    /* The state that was written by vmstate_write() since the last one goes with it. */
    int (*create)(struct node *n, const struct snapshot *s);
    int (*apply)(struct node *n, const char *id);
    int (*remove)(struct node *n, const char *id);
    int (*vmstate_write)(struct node *n, uint64_t pos, const void *buf, size_t len);
    int (*vmstate_read)(struct node *n, const char *id, uint64_t pos, void *buf, size_t len);
};

/* Why the disk can take no snapshot: it is not writable (then it needs none: *skip), or its
 * format has none. */
bool blk_can_snapshot(const struct blk *blk, bool *skip, GError **err);
/* struct snapshot of this disk; g_array_unref() frees all. NULL: it has no image that could. */
GArray *blk_snapshots(struct blk *blk);
/* By id or by name, NULL: there is none. In the list. */
const struct snapshot *snapshot_find(const GArray *list, const char *name);

int blk_snapshot_create(struct blk *blk, const struct snapshot *s);
int blk_snapshot_apply(struct blk *blk, const char *id);
int blk_snapshot_remove(struct blk *blk, const char *id);
/* The machine's state: of the snapshot to come, and of one that is there. */
int blk_vmstate_write(struct blk *blk, uint64_t pos, const void *buf, size_t len);
int blk_vmstate_read(struct blk *blk, const char *id, uint64_t pos, void *buf, size_t len);

/* The n-th disk of the machine, NULL behind the last. */
struct blk *blk_nth(struct machine *m, unsigned n);
/* What to call it in messages. */
const char *blk_label(const struct blk *blk);
const char *blk_node_name(const struct blk *blk); /* NULL: no medium */

#endif

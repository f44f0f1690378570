/* SPDX-License-Identifier: MIT */
#include "block/snapshot.h"

#include <errno.h>
#include <string.h>

#include "block/blk_int.h"
#include "core/machine.h"
#include "util/error.h"

static const struct snapshot_ops *ops_of(const struct blk *blk)
{
    return blk->root ? blk->root->driver->snapshots : NULL;
}

bool blk_can_snapshot(const struct blk *blk, bool *skip, GError **err)
{
    *skip = !blk->root || blk->root->flags.read_only;
    if (*skip || (ops_of(blk) && !blk->config.snapshot))
        return true;
    return error_set(err, "Device '%s' is writable but does not support snapshots%s",
                     blk_label(blk), blk->config.snapshot ? " (snapshot=on)" : "");
}

struct blk *blk_nth(struct machine *m, unsigned n)
{
    return m->block && n < m->block->disks->len ? m->block->disks->pdata[n] : NULL;
}

const char *blk_label(const struct blk *blk)
{
    return blk->id ? blk->id : blk->root ? blk->root->name : "?";
}

const char *blk_node_name(const struct blk *blk)
{
    return blk->root ? blk->root->name : NULL;
}

/* ---- One call as a coroutine ---------------------------------------------------------- */

struct call {
    struct blk *blk;
    const struct snapshot *snapshot;
    const char *id;
    uint64_t pos;
    void *buf;
    size_t len;
    GArray *list;
    int rc;
    void (*fn)(struct call *c, struct node *n, const struct snapshot_ops *ops);
};

static void entry(void *arg)
{
    struct call *c = arg;

    c->fn(c, c->blk->root, ops_of(c->blk));
}

static int run(struct call *c,
               void (*fn)(struct call *, struct node *, const struct snapshot_ops *))
{
    if (!ops_of(c->blk))
        return -ENOTSUP;
    c->fn = fn;
    blk_drain(c->blk);
    block_run(c->blk->block, entry, c);
    return c->rc;
}

static void do_list(struct call *c, struct node *n, const struct snapshot_ops *ops)
{
    c->list = ops->list(n);
}

static void do_create(struct call *c, struct node *n, const struct snapshot_ops *ops)
{
    c->rc = ops->create(n, c->snapshot);
}

static void do_apply(struct call *c, struct node *n, const struct snapshot_ops *ops)
{
    c->rc = ops->apply(n, c->id);
}

static void do_remove(struct call *c, struct node *n, const struct snapshot_ops *ops)
{
    c->rc = ops->remove(n, c->id);
}

static void do_write(struct call *c, struct node *n, const struct snapshot_ops *ops)
{
    c->rc = ops->vmstate_write(n, c->pos, c->buf, c->len);
}

static void do_read(struct call *c, struct node *n, const struct snapshot_ops *ops)
{
    c->rc = ops->vmstate_read(n, c->id, c->pos, c->buf, c->len);
}

GArray *blk_snapshots(struct blk *blk)
{
    struct call c = {.blk = blk};

    run(&c, do_list);
    return c.list;
}

int blk_snapshot_create(struct blk *blk, const struct snapshot *s)
{
    struct call c = {.blk = blk, .snapshot = s};

    return run(&c, do_create);
}

int blk_snapshot_apply(struct blk *blk, const char *id)
{
    struct call c = {.blk = blk, .id = id};

    return run(&c, do_apply);
}

int blk_snapshot_remove(struct blk *blk, const char *id)
{
    struct call c = {.blk = blk, .id = id};

    return run(&c, do_remove);
}

int blk_vmstate_write(struct blk *blk, uint64_t pos, const void *buf, size_t len)
{
    struct call c = {.blk = blk, .pos = pos, .buf = (void *)buf, .len = len};

    return run(&c, do_write);
}

int blk_vmstate_read(struct blk *blk, const char *id, uint64_t pos, void *buf, size_t len)
{
    struct call c = {.blk = blk, .id = id, .pos = pos, .buf = buf, .len = len};

    return run(&c, do_read);
}

/* ---- Lists ---------------------------------------------------------------------------- */

const struct snapshot *snapshot_find(const GArray *list, const char *name)
{
    const struct snapshot *found = NULL;

    for (unsigned i = 0; list && i < list->len; i++) {
        const struct snapshot *s = &g_array_index(list, struct snapshot, i);
        if (strcmp(s->name, name) == 0)
            return s;
        if (strcmp(s->id, name) == 0)
            found = s;
    }
    return found;
}

/* SPDX-License-Identifier: MIT */
#include "block/inactive.h"

#include "block/blk_int.h"
#include "block/snapshot.h"
#include "core/machine.h"
#include "util/error.h"

struct pass {
    struct node *n;
    int rc;
    bool ok;
    GError **err;
};

static void inactivate(void *arg)
{
    struct pass *p = arg;

    p->rc = node_flush(p->n);
    if (p->rc == 0 && p->n->driver->inactivate)
        p->rc = p->n->driver->inactivate(p->n);
}

static void activate(void *arg)
{
    struct pass *p = arg;

    p->ok = !p->n->driver->activate || p->n->driver->activate(p->n, p->err);
}

/* Formats are on top of files: theirs come first when disks go, last when they come. */
static bool each(struct block *b, bool protocol, void (*fn)(void *), GError **err)
{
    for (unsigned i = 0; i < b->nodes->len; i++) {
        struct node *n = b->nodes->pdata[i];
        struct pass p = {.n = n, .ok = true, .err = err};

        if (n->flags.read_only || n->driver->protocol != protocol)
            continue;
        block_run(b, fn, &p);
        if (p.rc < 0)
            return error_set(err, "'%s' cannot be written: %s", n->filename, g_strerror(-p.rc));
        if (!p.ok)
            return false;
    }
    return true;
}

void block_begin_inactive(struct machine *m)
{
    block_get(m)->inactive = true;
}

bool block_may_leave(struct machine *m, GError **err)
{
    struct blk *blk;

    for (unsigned i = 0; (blk = blk_nth(m, i)); i++)
        if (blk->root && blk->config.snapshot)
            return error_set(err,
                             "disk '%s' has snapshot=on: what was written to it is in a "
                             "temporary file, which ends with this process",
                             blk_label(blk));
    return true;
}

bool block_inactivate_all(struct machine *m, GError **err)
{
    struct blk *blk;

    if (!m->block || m->block->inactive)
        return true;
    for (unsigned i = 0; (blk = blk_nth(m, i)); i++)
        blk_drain(blk);
    if (!each(m->block, false, inactivate, err) || !each(m->block, true, inactivate, err))
        return false;
    m->block->inactive = true;
    return true;
}

bool block_activate_all(struct machine *m, GError **err)
{
    if (!m->block)
        return true;
    bool was = m->block->inactive;
    m->block->inactive = false;
    if (each(m->block, true, activate, err) && each(m->block, false, activate, err))
        return true;
    each(m->block, true, inactivate, NULL); /* the locks of those that were free */
    m->block->inactive = was;
    return false;
}

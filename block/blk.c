/* SPDX-License-Identifier: MIT */
/* A disk as a device sees it: requests in, done() out, what an error means. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "block/blk_int.h"
#include "block/qcow2_create.h"
#include "core/event.h"
#include "core/machine.h"
#include "util/error.h"
#include "util/iov.h"

#define MAX_IN_FLIGHT 128 /* more wait their turn here */

/* ---- Requests ------------------------------------------------------------------------- */

static int write_request(struct blk *blk, struct blk_req *r)
{
    int detect = MAX(blk->config.detect_zeroes, blk->root->flags.detect_zeroes);

    if (detect && iov_is_zero(r->iov, r->niov))
        return node_zero(blk->root, r->off, r->len, detect == DETECT_UNMAP ? BLK_MAY_UNMAP : 0);
    return node_write(blk->root, r->off, r->len, r->iov, r->niov);
}

static int perform(struct blk *blk, struct blk_req *r)
{
    struct node *n = blk->root;
    int rc = 0;

    if (!n)
        return -ENOMEDIUM;
    if (r->op != BLK_FLUSH && (r->off > blk_size(blk) || r->len > blk_size(blk) - r->off))
        return -EIO;
    switch (r->op) {
    case BLK_READ:
        return node_read(n, r->off, r->len, r->iov, r->niov);
    case BLK_WRITE:
        rc = write_request(blk, r);
        break;
    case BLK_FLUSH:
        return node_flush(n);
    case BLK_DISCARD:
        if (n->flags.unmap)
            rc = node_discard(n, r->off, r->len);
        break;
    case BLK_ZERO:
        rc = node_zero(n, r->off, r->len, n->flags.unmap ? r->flags : 0);
        break;
    }
    if (rc == 0 && blk->config.writethrough)
        rc = node_flush(n);
    return rc;
}

static void request_entry(void *arg)
{
    struct blk_req *r = arg;
    struct blk *blk = r->blk;

    while (r) {
        r->result = perform(blk, r);
        block_finished(blk->block, r);
        r = g_queue_pop_head(&blk->waiting);
    }
    blk->in_flight--;
}

/* done() of the device, after our own accounts. */
void blk_submit(struct blk *blk, struct blk_req *req)
{
    assert(machine_is_locked(blk->block->machine));
    machine_outside(blk->block->machine, "a disk was used", true);
    req->blk = blk;
    req->since = g_get_monotonic_time();
    blk->undone++;
    if (blk->in_flight >= MAX_IN_FLIGHT) {
        g_queue_push_tail(&blk->waiting, req);
        return;
    }
    blk->in_flight++;
    co_start(&blk->block->sched, request_entry, req);
    block_kick(blk->block);
}

void blk_plug(struct blk *blk)
{
    blk->block->plugged++;
}

void blk_unplug(struct blk *blk)
{
    if (--blk->block->plugged == 0)
        block_kick(blk->block);
}

static void account(struct blk *blk, const struct blk_req *req)
{
    bool failed = req->result < 0;

    blk->stats.op[req->op].failed += failed;
    blk->stats.op[req->op].done += !failed;
    blk->stats.op[req->op].bytes += failed || req->op == BLK_FLUSH ? 0 : req->len;
    blk->stats.op[req->op].us += g_get_monotonic_time() - req->since;
}

void blk_request_done(struct blk_req *req)
{
    for (unsigned i = 0; req->op == BLK_READ && i < req->niov; i++)
        machine_note_arrival(req->blk->block->machine, req->iov[i].iov_base, req->iov[i].iov_len);
    req->blk->undone--;
    account(req->blk, req);
    machine_outside(req->blk->block->machine, "a disk was used", true);
    req->done(req, req->result);
}

void blk_drain(struct blk *blk)
{
    while (blk->undone || blk->in_flight)
        block_poll(blk->block);
}

/* ---- Life ----------------------------------------------------------------------------- */

struct open_args {
    struct block *block;
    const struct keyvals *kv;
    const struct blk_config *config;
    struct node *node;
    GError **err;
};

static void open_entry(void *arg)
{
    struct open_args *a = arg;
    const char *name = keyvals_get(a->kv, "node");

    if (name) { /* -device drive=NODE */
        a->node = node_find(a->block, name);
        if (a->node && a->node->refs > 1) {
            error_set(a->err, "node '%s' is in use already", name);
            a->node = NULL;
        } else if (a->node) {
            node_ref(a->node);
        } else {
            error_set(a->err, "there is no node '%s'", name);
        }
        return;
    }
    a->node = node_open(a->block, a->kv, a->err);
    if (a->node && a->config->snapshot)
        a->node = qcow2_temporary_overlay(a->node, a->err);
}

struct blk *blk_open(struct machine *m, const struct keyvals *kv, const struct blk_config *config,
                     GError **err)
{
    struct block *b = block_get(m);
    struct open_args a = {b, kv, config, NULL, err};

    if (kv)
        block_run(b, open_entry, &a);
    if (kv && !a.node)
        return NULL;
    struct blk *blk = g_new0(struct blk, 1);
    blk->block = b;
    blk->root = a.node;
    blk->config = *config;
    blk->config.id = blk->id = g_strdup(config->id);
    g_queue_init(&blk->waiting);
    g_ptr_array_add(b->disks, blk);
    return blk;
}

static void close_entry(void *arg)
{
    struct blk *blk = arg;
    int rc = node_flush(blk->root);

    if (rc < 0)
        log_write(&blk->block->machine->log, "hostel: '%s': the last flush failed: %s\n",
                  blk->root->filename, g_strerror(-rc));
    node_unref(blk->root);
    blk->root = NULL;
}

static void take_out(struct blk *blk)
{
    blk_drain(blk);
    if (blk->root)
        block_run(blk->block, close_entry, blk);
}

void blk_close(struct blk *blk)
{
    take_out(blk);
    g_ptr_array_remove(blk->block->disks, blk);
    g_free(blk->id);
    g_free(blk);
}

bool blk_change(struct blk *blk, const struct keyvals *kv, GError **err)
{
    struct open_args a = {blk->block, kv, &blk->config, NULL, err};

    take_out(blk);
    if (kv)
        block_run(blk->block, open_entry, &a);
    blk->root = a.node;
    if (blk->changed)
        blk->changed(blk->changed_arg);
    return !kv || a.node;
}

void blk_resized(struct blk *blk)
{
    if (blk->changed && !blk->tray)
        blk->changed(blk->changed_arg);
}

void blk_on_change(struct blk *blk, void (*changed)(void *arg), void *arg)
{
    blk->changed = changed;
    blk->changed_arg = arg;
}

/* ---- The tray ------------------------------------------------------------------------- */

void blk_set_tray(struct blk *blk, const struct blk_tray_ops *ops, void *dev)
{
    blk->tray = ops;
    blk->tray_dev = dev;
}

bool blk_tray_state(const struct blk *blk, struct blk_tray *tray)
{
    if (blk->tray)
        blk->tray->state(blk->tray_dev, tray);
    return blk->tray != NULL;
}

void blk_tray_move(struct blk *blk, bool open)
{
    if (blk->tray)
        blk->tray->move(blk->tray_dev, open);
}

void blk_tray_ask(struct blk *blk)
{
    if (blk->tray)
        blk->tray->ask(blk->tray_dev);
}

void blk_tray_moved(struct blk *blk, const struct device *dev, bool open)
{
    g_autofree char *path = device_qom_path(dev);

    machine_event(blk->block->machine, "DEVICE_TRAY_MOVED",
                  json_pack("{s:s, s:s, s:b}", "device", blk->id ? blk->id : "", "id",
                            dev->id ? dev->id : path, "tray-open", open));
}

/* ---- Questions ------------------------------------------------------------------------ */

const char *blk_id(const struct blk *blk)
{
    return blk->id;
}

const struct blk_stats *blk_stats(const struct blk *blk)
{
    return &blk->stats;
}

struct node *blk_node(const struct blk *blk)
{
    return blk->root;
}

bool blk_inserted(const struct blk *blk)
{
    return blk->root != NULL;
}

const char *blk_filename(const struct blk *blk)
{
    return blk->root ? blk->root->filename : NULL;
}

uint64_t blk_size(const struct blk *blk)
{
    return blk->root ? blk->root->size / 512 * 512 : 0;
}

bool blk_read_only(const struct blk *blk)
{
    return blk->root && blk->root->flags.read_only;
}

bool blk_can_discard(const struct blk *blk)
{
    return blk->root && blk->root->flags.unmap && !blk->root->flags.read_only;
}

bool blk_write_cache(const struct blk *blk)
{
    return !blk->config.writethrough;
}

enum blk_on_error blk_error_action(const struct blk *blk, bool write, int result)
{
    enum blk_on_error e = write ? blk->config.werror : blk->config.rerror;

    if (e == BLK_ENOSPC)
        return result == -ENOSPC ? BLK_STOP : BLK_REPORT;
    return e;
}

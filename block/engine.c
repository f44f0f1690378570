/* SPDX-License-Identifier: MIT */
/* The engine: from a submitted request to done() on the main loop. */
#include "block/engine.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "block/drive.h"
#include "block/node.h"
#include "core/machine.h"
#include "util/error.h"

struct block_source {
    GSource source;
    struct block *block;
};

/* ---- Running -------------------------------------------------------------------------- */

static void reap_all(struct block *b)
{
    for (unsigned i = 0; i < b->aios->len; i++) {
        struct aio *a = b->aios->pdata[i];
        a->ops->reap(a);
    }
}

static void kick(struct block *b)
{
    if (co_self(&b->sched))
        return;
    co_run(&b->sched);
    for (unsigned i = 0; i < b->aios->len; i++) {
        struct aio *a = b->aios->pdata[i];
        a->ops->flush(a);
    }
}

void block_kick(struct block *b)
{
    if (!b->plugged)
        kick(b);
}

/* done() may submit more; what that makes ready runs in the next turn. */
static void deliver(struct block *b)
{
    GList *l;

    while ((l = g_queue_pop_head_link(&b->finished))) {
        blk_request_done(l->data);
    }
    __atomic_store_n(&b->pending, false, __ATOMIC_RELEASE);
}

static void go_on(struct block *b)
{
    reap_all(b);
    do {
        co_run(&b->sched);
        deliver(b);
    } while (b->sched.ready.length);
    block_kick(b);
}

void block_finished(struct block *b, struct blk_req *req)
{
    req->link = (GList){.data = req};
    g_queue_push_tail_link(&b->finished, &req->link);
    if (!__atomic_exchange_n(&b->pending, true, __ATOMIC_ACQ_REL))
        g_main_context_wakeup(b->machine->context);
}

static bool in_flight(const struct block *b)
{
    for (unsigned i = 0; i < b->aios->len; i++)
        if (((struct aio *)b->aios->pdata[i])->in_flight)
            return true;
    return false;
}

void block_poll(struct block *b)
{
    struct pollfd fd = {.fd = b->epoll, .events = POLLIN};

    kick(b);
    if (b->finished.length == 0 && in_flight(b))
        poll(&fd, 1, -1);
    go_on(b);
}

struct run {
    void (*fn)(void *arg);
    void *arg;
    bool done;
};

static void run_entry(void *arg)
{
    struct run *r = arg;

    r->fn(r->arg);
    r->done = true;
}

void block_run(struct block *b, void (*fn)(void *arg), void *arg)
{
    struct run r = {fn, arg, false};

    co_start(&b->sched, run_entry, &r);
    while (!r.done)
        block_poll(b);
}

int64_t aio_run(struct aio *a, struct aio_op *op)
{
    op->co = co_self(a->sched);
    a->in_flight++;
    a->ops->submit(a, op);
    co_yield(a->sched);
    a->in_flight--;
    return op->result;
}

/* ---- On the main loop ----------------------------------------------------------------- */

static gboolean source_prepare(GSource *source, int *timeout)
{
    struct block *b = ((struct block_source *)source)->block;

    *timeout = -1;
    return __atomic_load_n(&b->pending, __ATOMIC_ACQUIRE);
}

static gboolean source_check(GSource *source)
{
    struct block *b = ((struct block_source *)source)->block;

    return __atomic_load_n(&b->pending, __ATOMIC_ACQUIRE) ||
           g_source_query_unix_fd(source, b->epoll_tag);
}

static gboolean source_dispatch(GSource *source, GSourceFunc fn, void *arg)
{
    struct block *b = ((struct block_source *)source)->block;

    machine_lock(b->machine);
    go_on(b);
    machine_unlock(b->machine);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
    .prepare = source_prepare,
    .check = source_check,
    .dispatch = source_dispatch,
};

/* ---- Life ----------------------------------------------------------------------------- */

bool block_add_aio(struct block *b, struct aio *a, GError **err)
{
    struct epoll_event ev = {.events = EPOLLIN};

    if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, a->ops->fd(a), &ev) < 0)
        return error_set(err, "epoll: %s", g_strerror(errno));
    g_ptr_array_add(b->aios, a);
    return true;
}

void block_remove_aio(struct block *b, struct aio *a)
{
    if (g_ptr_array_remove(b->aios, a))
        epoll_ctl(b->epoll, EPOLL_CTL_DEL, a->ops->fd(a), NULL);
}

static struct aio *get(struct block *b, struct aio **slot,
                       struct aio *(*create)(struct co_sched *sched, GError **err), GError **err)
{
    if (*slot || !(*slot = create(&b->sched, err)))
        return *slot;
    if (!block_add_aio(b, *slot, err)) {
        (*slot)->ops->free(*slot);
        *slot = NULL;
    }
    return *slot;
}

struct aio *block_aio(struct block *b, const char *name, GError **err)
{
    bool any = strcmp(name, "auto") == 0;
    struct aio *a = NULL;

    if (any || strcmp(name, "threads") != 0)
        a = get(b, &b->uring, aio_uring_new, any ? NULL : err);
    if (!a && (any || strcmp(name, "threads") == 0))
        a = get(b, &b->threads, aio_threads_new, err);
    return a;
}

static void free_aio(struct block *b, struct aio *a)
{
    if (!a)
        return;
    block_remove_aio(b, a);
    a->ops->free(a);
}

static void block_free(struct machine *m)
{
    struct block *b = m->block;

    while (b->disks->len)
        blk_close(b->disks->pdata[b->disks->len - 1]);
    nodes_close_all(b);
    free_aio(b, b->uring);
    free_aio(b, b->threads);
    co_sched_fini(&b->sched);
    g_source_destroy(b->source);
    g_source_unref(b->source);
    close(b->epoll);
    g_ptr_array_unref(b->aios);
    g_ptr_array_unref(b->nodes);
    g_ptr_array_unref(b->disks);
    g_ptr_array_unref(b->drives);
    g_free(b);
    m->block = NULL;
}

/* A machine that stands still has no requests under way, so that it can be saved. */
static void state_changed(void *machine)
{
    struct machine *m = machine;

    for (unsigned i = 0; m->block && !machine_running(m) && i < m->block->disks->len; i++)
        blk_drain(m->block->disks->pdata[i]);
}

struct block *block_get(struct machine *m)
{
    if (m->block)
        return m->block;
    struct block *b = g_new0(struct block, 1);
    b->machine = m;
    co_sched_init(&b->sched);
    g_queue_init(&b->finished);
    b->aios = g_ptr_array_new();
    b->nodes = g_ptr_array_new();
    b->disks = g_ptr_array_new();
    b->drives = g_ptr_array_new_with_free_func(g_free);
    b->source = g_source_new(&source_funcs, sizeof(struct block_source));
    ((struct block_source *)b->source)->block = b;
    g_source_set_name(b->source, "block");
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (b->epoll < 0)
        g_error("epoll: %s", g_strerror(errno));
    b->epoll_tag = g_source_add_unix_fd(b->source, b->epoll, G_IO_IN);
    g_source_attach(b->source, m->context);
    m->block = b;
    m->block_free = block_free;
    m->drive_claim = drive_claim;
    machine_add_hook(m->on_state_change, state_changed, m);
    return b;
}

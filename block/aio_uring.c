/* SPDX-License-Identifier: MIT */
/*
 * io_uring (io_uring_setup(2), io_uring_enter(2)) through liburing. Entries are prepared while
 * coroutines run and go to the kernel in one call afterwards.
 */
#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "block/aio.h"
#include "util/error.h"

#define ENTRIES 256

struct aio_uring {
    struct aio aio;
    struct io_uring ring;
    unsigned unsubmitted, in_backlog;
    struct aio_op *backlog, **backlog_end; /* did not fit into the submission queue */
};

static void prepare(struct io_uring_sqe *sqe, struct aio_op *op)
{
    switch (op->kind) {
    case AIO_READ:
        io_uring_prep_readv(sqe, op->fd, op->iov, op->niov, op->off);
        break;
    case AIO_WRITE:
        io_uring_prep_writev(sqe, op->fd, op->iov, op->niov, op->off);
        break;
    case AIO_SYNC:
        io_uring_prep_fsync(sqe, op->fd, IORING_FSYNC_DATASYNC);
        break;
    case AIO_ALLOCATE:
        io_uring_prep_fallocate(sqe, op->fd, op->mode, (off_t)op->off, (off_t)op->len);
        break;
    }
    io_uring_sqe_set_data(sqe, op);
}

static bool put(struct aio_uring *u, struct aio_op *op)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

    if (!sqe)
        return false;
    prepare(sqe, op);
    u->unsubmitted++;
    return true;
}

static void uring_submit(struct aio *a, struct aio_op *op)
{
    struct aio_uring *u = (struct aio_uring *)a;

    op->next = NULL;
    if (!u->backlog && put(u, op))
        return;
    *u->backlog_end = op;
    u->backlog_end = &op->next;
    u->in_backlog++;
}

/* -EAGAIN and -EBUSY: the kernel has no room; what stays is tried again after the next reaping,
 * or a little later if nothing is in the kernel that could end. */
static void uring_flush(struct aio *a)
{
    struct aio_uring *u = (struct aio_uring *)a;

    while (u->unsubmitted) {
        int n = io_uring_submit(&u->ring);
        if (n == -EINTR)
            continue;
        if (n <= 0 && a->in_flight > u->unsubmitted + u->in_backlog)
            return;
        if (n <= 0) {
            g_usleep(1000);
            continue;
        }
        u->unsubmitted -= MIN((unsigned)n, u->unsubmitted);
        while (u->backlog) {
            struct aio_op *op = u->backlog, *next = op->next;
            if (!put(u, op))
                break;
            u->in_backlog--;
            u->backlog = next;
            if (!next)
                u->backlog_end = &u->backlog;
        }
    }
}

static bool uring_reap(struct aio *a)
{
    struct aio_uring *u = (struct aio_uring *)a;
    struct io_uring_cqe *cqe;
    bool any = false;

    while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
        struct aio_op *op = io_uring_cqe_get_data(cqe);
        op->result = cqe->res;
        io_uring_cqe_seen(&u->ring, cqe);
        co_ready(a->sched, op->co);
        any = true;
    }
    return any;
}

static int uring_fd(struct aio *a)
{
    return ((struct aio_uring *)a)->ring.ring_fd;
}

static void uring_free(struct aio *a)
{
    struct aio_uring *u = (struct aio_uring *)a;

    io_uring_queue_exit(&u->ring);
    g_free(u);
}

static const struct aio_ops uring_ops = {
    .name = "io_uring",
    .submit = uring_submit,
    .flush = uring_flush,
    .reap = uring_reap,
    .fd = uring_fd,
    .free = uring_free,
};

struct aio *aio_uring_new(struct co_sched *sched, GError **err)
{
    struct aio_uring *u = g_new0(struct aio_uring, 1);
    struct io_uring_params params = {.flags = IORING_SETUP_CLAMP};
    int rc = io_uring_queue_init_params(ENTRIES, &u->ring, &params);

    if (rc < 0) {
        error_set(err, "the kernel refuses io_uring (%s); use aio=threads", g_strerror(-rc));
        g_free(u);
        return NULL;
    }
    if (!(params.features & IORING_FEAT_NODROP)) {
        error_set(err, "this kernel's io_uring may lose completions; use aio=threads");
        io_uring_queue_exit(&u->ring);
        g_free(u);
        return NULL;
    }
    io_uring_ring_dontfork(&u->ring);
    u->aio = (struct aio){.ops = &uring_ops, .sched = sched};
    u->backlog_end = &u->backlog;
    return &u->aio;
}

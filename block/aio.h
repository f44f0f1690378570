/* SPDX-License-Identifier: MIT */
/*
 * Operations on host files that do not block: io_uring, or a pool of threads where the kernel
 * refuses it (an old one, seccomp in a container, kernel.io_uring_disabled).
 *
 * Under the machine lock. aio_run() is for coroutines of the engine that the aio belongs to.
 */
#ifndef BLOCK_AIO_H
#define BLOCK_AIO_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "util/coroutine.h"

enum aio_kind { AIO_READ, AIO_WRITE, AIO_SYNC, AIO_ALLOCATE };

/* One operation. Buffers stay the caller's and are left alone until it has ended. */
struct aio_op {
    enum aio_kind kind;
    int fd;
    const struct iovec *iov; /* AIO_READ, AIO_WRITE; at most AIO_IOV_MAX pieces */
    unsigned niov;
    uint64_t off, len;
    int mode;       /* AIO_ALLOCATE: FALLOC_FL_* */
    int64_t result; /* bytes (may be fewer than asked), 0, or -errno */
    struct co *co;
    struct aio_op *next;
};
#define AIO_IOV_MAX 1024

struct aio; /* either engine */

struct aio_ops {
    const char *name; /* as in aio=NAME */
    void (*submit)(struct aio *a, struct aio_op *op);
    void (*flush)(struct aio *a); /* hand what was submitted to the kernel */
    bool (*reap)(struct aio *a);  /* co_ready() for what has ended; true: there was something */
    int (*fd)(struct aio *a);     /* readable when there is something to reap */
    void (*free)(struct aio *a);
};

struct aio {
    const struct aio_ops *ops;
    struct co_sched *sched;
    unsigned in_flight;
};

/* NULL with *err saying why the kernel does not give an io_uring. */
struct aio *aio_uring_new(struct co_sched *sched, GError **err);
struct aio *aio_threads_new(struct co_sched *sched, GError **err);

/* Do it and wait for the end: op->result. In a coroutine. */
int64_t aio_run(struct aio *a, struct aio_op *op);

#endif

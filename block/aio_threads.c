/* SPDX-License-Identifier: MIT */
/*
 * The same operations by blocking calls in a pool of threads. A thread is started when an
 * operation finds none idle; at most MAX_THREADS. An eventfd wakes the main loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "block/aio.h"
#include "util/error.h"

#define MAX_THREADS 16

struct aio_threads {
    struct aio aio;
    int event;
    pthread_mutex_t mutex; /* all below */
    pthread_cond_t work;
    struct aio_op *todo, **todo_end;
    struct aio_op *done;
    pthread_t thread[MAX_THREADS];
    unsigned threads, idle, waiting; /* waiting: operations in todo */
    bool quit;
};

static int64_t perform(const struct aio_op *op)
{
    ssize_t rc = -1;

    do {
        switch (op->kind) {
        case AIO_READ:
            rc = preadv(op->fd, op->iov, (int)op->niov, (off_t)op->off);
            break;
        case AIO_WRITE:
            rc = pwritev(op->fd, op->iov, (int)op->niov, (off_t)op->off);
            break;
        case AIO_SYNC:
            rc = fdatasync(op->fd);
            break;
        case AIO_ALLOCATE:
            rc = fallocate(op->fd, op->mode, (off_t)op->off, (off_t)op->len);
            break;
        }
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : rc;
}

static void finish(struct aio_threads *t, struct aio_op *op)
{
    bool first = !t->done;
    uint64_t one = 1;

    op->next = t->done;
    t->done = op;
    if (first && write(t->event, &one, sizeof(one)) < 0)
        g_error("cannot wake the main loop: %s", g_strerror(errno));
}

static void *worker(void *arg)
{
    struct aio_threads *t = arg;

    pthread_mutex_lock(&t->mutex);
    for (;;) {
        struct aio_op *op = t->todo;
        if (!op && t->quit)
            break;
        if (!op) {
            t->idle++;
            pthread_cond_wait(&t->work, &t->mutex);
            t->idle--;
            continue;
        }
        t->todo = op->next;
        if (!t->todo)
            t->todo_end = &t->todo;
        t->waiting--;
        pthread_mutex_unlock(&t->mutex);
        op->result = perform(op);
        pthread_mutex_lock(&t->mutex);
        finish(t, op);
    }
    pthread_mutex_unlock(&t->mutex);
    return NULL;
}

/* Signals are for the main thread. */
static bool start_thread(struct aio_threads *t)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&t->thread[t->threads], NULL, worker, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc == 0)
        t->threads++;
    return rc == 0;
}

static void threads_submit(struct aio *a, struct aio_op *op)
{
    struct aio_threads *t = (struct aio_threads *)a;

    pthread_mutex_lock(&t->mutex);
    op->next = NULL;
    *t->todo_end = op;
    t->todo_end = &op->next;
    t->waiting++;
    if (t->idle < t->waiting && t->threads < MAX_THREADS)
        start_thread(t); /* without a new one the others get to it; the first was there at once */
    pthread_cond_signal(&t->work);
    pthread_mutex_unlock(&t->mutex);
}

static void threads_flush(struct aio *a)
{
}

static bool threads_reap(struct aio *a)
{
    struct aio_threads *t = (struct aio_threads *)a;
    uint64_t n;

    pthread_mutex_lock(&t->mutex);
    struct aio_op *op = t->done;
    t->done = NULL;
    if (op && read(t->event, &n, sizeof(n)) < 0 && errno != EAGAIN)
        g_error("cannot read an eventfd: %s", g_strerror(errno));
    pthread_mutex_unlock(&t->mutex);
    bool any = op != NULL;
    while (op) {
        struct aio_op *next = op->next;
        co_ready(a->sched, op->co);
        op = next;
    }
    return any;
}

static int threads_fd(struct aio *a)
{
    return ((struct aio_threads *)a)->event;
}

static void threads_free(struct aio *a)
{
    struct aio_threads *t = (struct aio_threads *)a;

    pthread_mutex_lock(&t->mutex);
    t->quit = true;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->mutex);
    for (unsigned i = 0; i < t->threads; i++)
        pthread_join(t->thread[i], NULL);
    pthread_cond_destroy(&t->work);
    pthread_mutex_destroy(&t->mutex);
    if (t->event >= 0)
        close(t->event);
    g_free(t);
}

static const struct aio_ops threads_ops = {
    .name = "threads",
    .submit = threads_submit,
    .flush = threads_flush,
    .reap = threads_reap,
    .fd = threads_fd,
    .free = threads_free,
};

struct aio *aio_threads_new(struct co_sched *sched, GError **err)
{
    struct aio_threads *t = g_new0(struct aio_threads, 1);

    t->aio = (struct aio){.ops = &threads_ops, .sched = sched};
    t->todo_end = &t->todo;
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->work, NULL);
    t->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->event < 0 || !start_thread(t)) {
        error_set(err, "cannot start a thread for disk work: %s", g_strerror(errno));
        threads_free(&t->aio);
        return NULL;
    }
    return &t->aio;
}

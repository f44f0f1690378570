/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing a host file: short transfers are completed, the end of the file reads as
 * zeros, and what O_DIRECT cannot take as it is goes through an aligned buffer. A write that
 * covers part of an aligned unit reads the rest of it first; writes that overlap it wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/file.h"
#include "util/iov.h"

#define BOUNCE (1u << 20)

struct write_range {
    uint64_t start, end;
    bool exclusive;
    struct co_queue waiting;
};

/* ---- Whole transfers ------------------------------------------------------------------ */

static int64_t once(struct file *f, enum aio_kind kind, uint64_t off, const struct iovec *iov,
                    unsigned niov)
{
    struct aio_op op = {
        .kind = kind, .fd = f->fd, .iov = iov, .niov = MIN(niov, AIO_IOV_MAX), .off = off};

    return aio_run(f->aio, &op);
}

static int transfer(struct file *f, enum aio_kind kind, uint64_t off, uint64_t len,
                    const struct iovec *iov, unsigned niov)
{
    g_autofree struct iovec *rest = NULL;
    uint64_t done = 0;

    while (done < len) {
        const struct iovec *now = iov;
        unsigned n = niov;
        if (done) {
            if (!rest)
                rest = g_new(struct iovec, niov);
            n = iov_slice(iov, niov, done, len - done, rest);
            now = rest;
        }
        int64_t rc = once(f, kind, off + done, now, n);
        if (rc == -EINTR || rc == -EAGAIN)
            continue;
        if (rc < 0)
            return (int)rc;
        if (rc == 0 && kind == AIO_WRITE)
            return -ENOSPC;
        if (rc == 0) { /* the end of the file */
            iov_fill(iov, niov, done, 0, len - done);
            return 0;
        }
        done += (uint64_t)rc;
        /* With O_DIRECT an unaligned rest is the last piece of the file. */
        if (kind == AIO_READ && done < len && done % f->align) {
            iov_fill(iov, niov, done, 0, len - done);
            return 0;
        }
    }
    return 0;
}

/* ---- Alignment ------------------------------------------------------------------------ */

static bool fits(const struct file *f, uint64_t off, uint64_t len, const struct iovec *iov,
                 unsigned niov)
{
    if (f->align == 1)
        return true;
    if ((off | len) % f->align)
        return false;
    for (unsigned i = 0; i < niov; i++)
        if ((uintptr_t)iov[i].iov_base % f->mem_align || iov[i].iov_len % f->align)
            return false;
    return true;
}

static bool in_the_way(const struct write_range *a, const struct write_range *b)
{
    return (a->exclusive || b->exclusive) && a->start < b->end && b->start < a->end;
}

static void range_enter(struct node *n, struct write_range *r)
{
    struct file *f = n->opaque;
    GList *l = f->writes.head;

    while (l) {
        struct write_range *other = l->data;
        if (in_the_way(other, r)) {
            co_wait(node_sched(n), &other->waiting);
            l = f->writes.head; /* the list has changed */
        } else {
            l = l->next;
        }
    }
    g_queue_push_tail(&f->writes, r);
}

static void range_leave(struct node *n, struct write_range *r)
{
    struct file *f = n->opaque;

    g_queue_remove(&f->writes, r);
    co_wake_all(node_sched(n), &r->waiting);
}

/* One piece through `buf`: [off, off + len) is part of the aligned [start, start + size). */
struct piece {
    uint64_t off, len, start, size;
};

static struct piece next_piece(const struct file *f, uint64_t off, uint64_t len)
{
    struct piece p = {.off = off, .start = off - off % f->align};

    p.len = MIN(len, BOUNCE - (off - p.start));
    p.size = off + p.len - p.start;
    p.size += (f->align - p.size % f->align) % f->align;
    return p;
}

static int bounce_read(struct file *f, uint64_t off, uint64_t len, const struct iovec *iov,
                       unsigned niov)
{
    uint8_t *buf = node_buffer(BOUNCE + f->align);
    uint64_t done = 0;
    int rc = buf ? 0 : -ENOMEM;

    while (rc == 0 && done < len) {
        struct piece p = next_piece(f, off + done, len - done);
        struct iovec v = {buf, p.size};
        rc = transfer(f, AIO_READ, p.start, p.size, &v, 1);
        if (rc == 0)
            iov_write(iov, niov, done, buf + (p.off - p.start), p.len);
        done += p.len;
    }
    free(buf);
    return rc;
}

static int bounce_piece(struct file *f, const struct piece *p, uint8_t *buf,
                        const struct iovec *iov, unsigned niov, uint64_t at)
{
    struct iovec v = {buf, p->size};
    int rc = 0;

    if (p->len != p->size)
        rc = transfer(f, AIO_READ, p->start, p->size, &v, 1);
    if (rc)
        return rc;
    iov_read(iov, niov, at, buf + (p->off - p->start), p->len);
    return transfer(f, AIO_WRITE, p->start, p->size, &v, 1);
}

static int bounce_write(struct file *f, uint64_t off, uint64_t len, const struct iovec *iov,
                        unsigned niov)
{
    uint8_t *buf = node_buffer(BOUNCE + f->align);
    uint64_t done = 0;
    int rc = buf ? 0 : -ENOMEM;

    while (rc == 0 && done < len) {
        struct piece p = next_piece(f, off + done, len - done);
        rc = bounce_piece(f, &p, buf, iov, niov, done);
        done += p.len;
    }
    free(buf);
    return rc;
}

/* ---- The node's ----------------------------------------------------------------------- */

int file_read(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov)
{
    struct file *f = n->opaque;

    if (fits(f, off, len, iov, niov))
        return transfer(f, AIO_READ, off, len, iov, niov);
    return bounce_read(f, off, len, iov, niov);
}

static int direct_write(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov,
                        unsigned niov)
{
    struct file *f = n->opaque;
    uint64_t end = off + len;
    struct write_range r = {
        .start = off - off % f->align,
        .end = end + (f->align - end % f->align) % f->align,
        .exclusive = (off | len) % f->align != 0,
    };
    int rc;

    range_enter(n, &r);
    if (fits(f, off, len, iov, niov))
        rc = transfer(f, AIO_WRITE, off, len, iov, niov);
    else
        rc = bounce_write(f, off, len, iov, niov);
    range_leave(n, &r);
    if (rc == 0 && r.exclusive && !f->device)
        n->size = MAX(n->size, r.end);
    return rc;
}

int file_write(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov)
{
    struct file *f = n->opaque;
    int rc;

    if (f->align == 1)
        rc = transfer(f, AIO_WRITE, off, len, iov, niov);
    else
        rc = direct_write(n, off, len, iov, niov);
    if (rc == 0)
        n->size = MAX(n->size, off + len);
    return rc;
}

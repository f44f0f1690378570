/* SPDX-License-Identifier: MIT */
/* What goes through every node: ranges without bytes, and zeros for drivers without them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "block/node.h"

#define ZEROS (256u * 1024)

void *node_buffer(size_t len)
{
    void *p = NULL;

    return posix_memalign(&p, 4096, MAX(len, 1)) == 0 ? p : NULL;
}

int node_read(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov)
{
    return len ? n->driver->read(n, off, len, iov, niov) : 0;
}

int node_write(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov)
{
    if (n->flags.read_only)
        return -EROFS;
    return len ? n->driver->write(n, off, len, iov, niov) : 0;
}

int node_read_buf(struct node *n, uint64_t off, void *buf, size_t len)
{
    struct iovec v = {buf, len};

    return node_read(n, off, len, &v, 1);
}

int node_write_buf(struct node *n, uint64_t off, const void *buf, size_t len)
{
    struct iovec v = {(void *)buf, len};

    return node_write(n, off, len, &v, 1);
}

int node_flush(struct node *n)
{
    return n->flags.read_only ? 0 : n->driver->flush(n);
}

int node_discard(struct node *n, uint64_t off, uint64_t len)
{
    if (n->flags.read_only)
        return -EROFS;
    return len && n->driver->discard ? n->driver->discard(n, off, len) : 0;
}

static int write_zeros(struct node *n, uint64_t off, uint64_t len)
{
    void *zeros = node_buffer(MIN(len, ZEROS));
    int rc = zeros ? 0 : -ENOMEM;

    if (zeros)
        memset(zeros, 0, MIN(len, ZEROS));
    while (rc == 0 && len) {
        uint64_t now = MIN(len, ZEROS);
        rc = node_write_buf(n, off, zeros, now);
        off += now;
        len -= now;
    }
    free(zeros);
    return rc;
}

int node_zero(struct node *n, uint64_t off, uint64_t len, unsigned flags)
{
    if (n->flags.read_only)
        return -EROFS;
    if (!len)
        return 0;
    int rc = n->driver->zero ? n->driver->zero(n, off, len, flags) : -ENOTSUP;
    return rc == -ENOTSUP ? write_zeros(n, off, len) : rc;
}

int node_resize(struct node *n, uint64_t size)
{
    if (n->flags.read_only)
        return -EROFS;
    return n->driver->resize ? n->driver->resize(n, size) : -ENOTSUP;
}

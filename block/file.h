/* SPDX-License-Identifier: MIT */
/* The file node: a file or block device of the host. Between file.c and file_io.c. */
#ifndef BLOCK_FILE_H
#define BLOCK_FILE_H

#include "block/aio.h"
#include "block/node.h"

struct file {
    int fd;
    struct aio *aio;
    int locking;       /* 0 where the file system can, 1 always, 2 never */
    bool device;       /* a block device: it does not grow */
    unsigned align;    /* of offsets and lengths; 1: any. More with O_DIRECT */
    unsigned mem_align; /* of buffers */
    int sync_error;    /* a failed flush may have lost data: all later ones fail */
    GQueue writes;     /* struct write_range *, under way; when align > 1 */
};

int file_read(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov);
int file_write(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov);

#endif

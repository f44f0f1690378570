/* SPDX-License-Identifier: MIT */
/*
 * Nodes: a disk is a tree of them. A protocol node ("file") is bytes on the host; a format node
 * ("raw", "qcow2") makes a disk of its `file`, with what it does not have in its `backing`.
 *
 * All calls under the machine lock. Those marked CO wait: coroutines of the engine only.
 * Results are 0 or -errno.
 */
#ifndef BLOCK_NODE_H
#define BLOCK_NODE_H

#include "block/engine.h"
#include "util/coroutine.h"
#include "util/keyval.h"

#define NODE_MAX_REQUEST (64u << 20) /* bytes of one request that is split into pieces */
#define NODE_MAX_DEPTH   64          /* nodes from the disk to the end of its backing chain */

struct node;
struct blkopts;

struct node_driver {
    const char *name, *alias;
    bool protocol;
    bool (*probe)(const uint8_t *head, size_t len); /* formats: is it mine */
    bool (*claims)(const char *filename); /* protocols: a name of that kind; NULL: never */
    size_t size;                                    /* of node->opaque, zeroed */
    bool (*open)(struct node *n, struct blkopts *o, GError **err); /* CO */
    void (*close)(struct node *n); /* CO; also after a failed open */
    int (*read)(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov,
                unsigned niov); /* CO */
    int (*write)(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov,
                 unsigned niov);                                    /* CO */
    int (*flush)(struct node *n);                                   /* CO: durable afterwards */
    int (*discard)(struct node *n, uint64_t off, uint64_t len);     /* CO; NULL: nothing to do */
    int (*zero)(struct node *n, uint64_t off, uint64_t len, unsigned flags); /* CO; or -ENOTSUP */
    int (*resize)(struct node *n, uint64_t size);                   /* CO; NULL: -ENOTSUP */
    /* For a writable node, block/inactive.h. CO. NULL: it keeps nothing of the file. */
    int (*inactivate)(struct node *n); /* all is written, locks are let go of */
    bool (*activate)(struct node *n, GError **err); /* ours again; it may have changed */
    const struct snapshot_ops *snapshots; /* block/snapshot.h; NULL: it has none */
};

/* From the options of -blockdev that every node has. */
struct node_flags {
    bool read_only, auto_read_only;
    bool direct;    /* cache.direct: past the host's page cache */
    bool no_flush;  /* cache.no-flush: flushes are not sent to the host */
    bool unmap;     /* discard=unmap */
    int detect_zeroes;
};

struct node {
    char *name; /* node-name, or #blockN */
    const struct node_driver *driver;
    struct block *block;
    unsigned refs;
    bool monitor;       /* one of them is -blockdev's, for blockdev-del to end */
    struct node_flags flags;
    uint64_t size;      /* bytes; of a file, as long as it is now */
    struct node *file, *backing;
    char *filename;     /* for messages */
    dev_t dev;          /* of a host file: which one */
    ino_t ino;
    void *opaque;       /* the driver's */
};

/* Open a tree; every option must be used by some node. NULL with *err. CO. */
struct node *node_open(struct block *b, const struct keyvals *kv, GError **err);
void node_ref(struct node *n);
void node_unref(struct node *n); /* CO: closes with the last one */
struct node *node_find(struct block *b, const char *name);
void nodes_close_all(struct block *b);

/* What drivers use while they open. */
struct node *node_open_child(struct node *parent, struct blkopts *o, const char *key,
                             GError **err);
struct node *node_open_backing(struct node *parent, struct blkopts *o, const char *filename,
                               const char *format, GError **err);

/* The range must lie within size (of a file node: reads beyond give zeros, writes extend it). */
int node_read(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov);
int node_write(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov);
int node_read_buf(struct node *n, uint64_t off, void *buf, size_t len);
int node_write_buf(struct node *n, uint64_t off, const void *buf, size_t len);
int node_flush(struct node *n);
int node_discard(struct node *n, uint64_t off, uint64_t len);
/* Writes zeros where the driver has no quicker way. */
int node_zero(struct node *n, uint64_t off, uint64_t len, unsigned flags);
int node_resize(struct node *n, uint64_t size);

static inline struct co_sched *node_sched(struct node *n)
{
    return &n->block->sched;
}

/* Memory as O_DIRECT wants it; free with free(). NULL: too much. */
void *node_buffer(size_t len);

extern const struct node_driver file_driver, raw_driver, qcow2_driver, nbd_driver;

#endif

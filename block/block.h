/* SPDX-License-Identifier: MIT */
/*
 * Disks of the host, for the devices of the guest.
 *
 * All calls need the machine lock. A request never blocks its submitter: done() is called
 * exactly once, later, on the main thread under the machine lock (also for a request that is
 * refused), from the main loop or from within blk_drain(). Requests may end in any order. A
 * flush covers the writes whose done() was called before it was submitted.
 */
#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct blk;
struct device;
struct keyvals;
struct machine;

enum blk_op {
    BLK_READ,
    BLK_WRITE,
    BLK_FLUSH,   /* no range */
    BLK_DISCARD, /* the range may read as anything afterwards; dropped unless discard=unmap */
    BLK_ZERO,    /* the range reads as zeros afterwards */
};

enum { BLK_MAY_UNMAP = 1 }; /* BLK_ZERO: space may be given back */

struct blk_req {
    enum blk_op op;
    unsigned flags;
    uint64_t off, len; /* bytes; len is the size of the list for READ and WRITE */
    const struct iovec *iov; /* stays the caller's, alive until done() */
    unsigned niov;
    void (*done)(struct blk_req *req, int result); /* 0 or -errno */
    void *arg;
    /* the block layer's */
    int64_t since; /* when it was submitted, us */
    struct blk *blk;
    int result;
    GList link;
};

/* What a disk has done so far, by enum blk_op. */
struct blk_stats {
    struct {
        uint64_t bytes, done, failed;
        int64_t us; /* from submission to done(), all together */
    } op[BLK_ZERO + 1];
};

/* What a failed request does: -drive werror=, rerror=. */
enum blk_on_error { BLK_REPORT, BLK_IGNORE, BLK_STOP, BLK_ENOSPC };

/* Writes of zeros that are not told as such. */
enum blk_detect { DETECT_OFF, DETECT_ON, DETECT_UNMAP };

/* What is below is opened from options (docs/block.md): key=value, nested with dots, as
 * -blockdev has them. A format node, its file, its backing chain. */
struct blk_config {
    const char *id;          /* -drive id=, or NULL; unique */
    bool snapshot;           /* writes go to a temporary file */
    bool writethrough;       /* a flush after each write */
    enum blk_on_error werror, rerror;
    int detect_zeroes;       /* enum blk_detect */
};

/* A disk on a node tree that is opened from kv (all of whose keys must be known); without kv a
 * drive without a medium, whose requests fail with ENOMEDIUM. NULL with *err.
 * Main thread: waits for the files to be opened. */
struct blk *blk_open(struct machine *m, const struct keyvals *kv, const struct blk_config *config,
                     GError **err);
/* Waits for requests, flushes, closes what nobody else has open. Main thread. */
void blk_close(struct blk *blk);

void blk_submit(struct blk *blk, struct blk_req *req);
/* Requests submitted between the two go to the host together. They nest. */
void blk_plug(struct blk *blk);
void blk_unplug(struct blk *blk);
/* Wait until no request is under way: done() was called for all. On a vCPU's thread too, when a
 * guest resets a device; then done() is called there. */
void blk_drain(struct blk *blk);

const char *blk_id(const struct blk *blk); /* or NULL */
const struct blk_stats *blk_stats(const struct blk *blk);
struct node *blk_node(const struct blk *blk); /* block/node.h; NULL without a medium */
bool blk_inserted(const struct blk *blk);  /* there is a medium */
const char *blk_filename(const struct blk *blk); /* of the medium, or NULL */
uint64_t blk_size(const struct blk *blk);  /* bytes, a multiple of 512; 0 without a medium */
bool blk_read_only(const struct blk *blk);
bool blk_can_discard(const struct blk *blk);
bool blk_write_cache(const struct blk *blk);

/* Take the medium out (kv NULL) or put another in, opened like the first. If that fails the
 * drive is empty. The device is told by `changed`. Main thread. */
bool blk_change(struct blk *blk, const struct keyvals *kv, GError **err);
/* Its node has another size now: the device is told. */
void blk_resized(struct blk *blk);
void blk_on_change(struct blk *blk, void (*changed)(void *arg), void *arg);
/* A drive with a removable medium, as its device knows it. */
struct blk_tray {
    bool open, locked;
};
struct blk_tray_ops {
    void (*state)(void *dev, struct blk_tray *tray);
    void (*move)(void *dev, bool open); /* by a hand: whatever the guest has locked */
    void (*ask)(void *dev); /* the button: the guest is asked to open it */
};
void blk_set_tray(struct blk *blk, const struct blk_tray_ops *ops, void *dev);
/* False: the medium cannot be removed. */
bool blk_tray_state(const struct blk *blk, struct blk_tray *tray);
void blk_tray_move(struct blk *blk, bool open);
void blk_tray_ask(struct blk *blk);
/* For the device: the tray has moved, whoever did it. Says DEVICE_TRAY_MOVED. */
void blk_tray_moved(struct blk *blk, const struct device *dev, bool open);
/* What to do about a request that failed so: REPORT, IGNORE or STOP (ENOSPC is resolved). */
enum blk_on_error blk_error_action(const struct blk *blk, bool write, int result);

#endif

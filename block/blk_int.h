/* SPDX-License-Identifier: MIT */
/* A disk (block/block.h) from within, for the files of block/ that belong to it. */
#ifndef BLOCK_BLK_INT_H
#define BLOCK_BLK_INT_H

#include "block/block.h"
#include "block/node.h"

struct blk {
    struct block *block;
    struct node *root;
    struct blk_config config;
    char *id;
    unsigned in_flight; /* requests in coroutines */
    GQueue waiting;     /* struct blk_req *, beyond MAX_IN_FLIGHT */
    unsigned undone;    /* submitted, done() not called */
    struct blk_stats stats;
    void (*changed)(void *arg);
    void *changed_arg;
    const struct blk_tray_ops *tray; /* NULL: the medium stays */
    void *tray_dev;
};

#endif

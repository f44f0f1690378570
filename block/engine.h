/* SPDX-License-Identifier: MIT */
/*
 * What all disks of a machine share: the coroutines, the two kinds of host I/O, the source on
 * the main loop that goes on with what has ended, the nodes by name. Under the machine lock.
 */
#ifndef BLOCK_ENGINE_H
#define BLOCK_ENGINE_H

#include "block/aio.h"
#include "block/block.h"

struct machine;

struct block {
    struct machine *machine;
    struct co_sched sched;
    struct aio *uring, *threads; /* made when first wanted */
    GSource *source;
    void *uring_tag, *threads_tag; /* their fds in the source */
    GQueue finished;             /* struct blk_req *: done() is to be called on the main loop */
    bool pending;                /* atomic: `finished` is not empty */
    GPtrArray *nodes;            /* struct node *, all that are open */
    GPtrArray *disks;            /* struct blk *, owned */
    GPtrArray *drives;           /* struct drive *, owned: block/drive.h */
    unsigned plugged;            /* blk_plug(): what is submitted waits */
    unsigned next_name;          /* for nodes without a name: #blockN */
};

/* The machine's engine; made on first use, freed with the machine. */
struct block *block_get(struct machine *m);

/* aio=... ; "auto" is io_uring, else threads. NULL with *err. */
struct aio *block_aio(struct block *b, const char *name, GError **err);

/* Run fn(arg) as a coroutine and wait for its end here: opening, closing. Outside of coroutines.
 * Other requests go on meanwhile and their done() may be called. Main thread. */
void block_run(struct block *b, void (*fn)(void *arg), void *arg);
/* Let coroutines run and hand their I/O to the kernel; done() of requests that end meanwhile
 * comes from the main loop. Any thread. */
void block_kick(struct block *b);
/* Wait for I/O to end, go on with what waited for it, call done(). Main thread. */
void block_poll(struct block *b);

/* A request has ended with req->result: its done() comes from the main loop. */
void block_finished(struct block *b, struct blk_req *req);
/* Call it (engine.c, on the main loop). */
void blk_request_done(struct blk_req *req);

#endif

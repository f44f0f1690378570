/* SPDX-License-Identifier: MIT */
/*
 * What all disks of a machine share: the coroutines, the kinds of host I/O, the source on
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
    GPtrArray *aios;             /* struct aio *: all there are, network protocols' too */
    int epoll;                   /* the fds of all of them */
    GSource *source;
    void *epoll_tag;
    GQueue finished;             /* struct blk_req *: done() is to be called on the main loop */
    bool pending;                /* atomic: `finished` is not empty */
    GPtrArray *nodes;            /* struct node *, all that are open */
    GPtrArray *disks;            /* struct blk *, owned */
    GPtrArray *drives;           /* struct drive *, owned: block/drive.h */
    unsigned plugged;            /* blk_plug(): what is submitted waits */
    unsigned ide_units;          /* drives of if=ide per bus; 0: 2 */
    unsigned next_name;          /* for nodes without a name: #blockN */
    bool inactive;               /* images are another process's: block/inactive.h */
};

/* The machine's engine; made on first use, freed with the machine. */
struct block *block_get(struct machine *m);

/* aio=... ; "auto" is io_uring, else threads. NULL with *err. */
struct aio *block_aio(struct block *b, const char *name, GError **err);

/* Watch a kind of I/O that is not in the host's kernel: reaped when its fd is readable. False:
 * the host has no room to watch it. The caller keeps it, and removes it before it goes. */
bool block_add_aio(struct block *b, struct aio *a, GError **err);
void block_remove_aio(struct block *b, struct aio *a);

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

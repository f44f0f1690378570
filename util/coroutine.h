/* SPDX-License-Identifier: MIT */
/*
 * Coroutines: straight-line code that waits for I/O without holding a thread.
 *
 * A scheduler belongs to one owner, whose lock (the machine lock, for block/) every call here
 * needs. A coroutine runs only inside co_run(), until it waits or ends; it may go on later on
 * another thread, so nothing thread-local may be kept across a wait (errno above all).
 */
#ifndef UTIL_COROUTINE_H
#define UTIL_COROUTINE_H

#include <glib.h>
#include <stdbool.h>

struct co;

struct co_sched {
    GQueue ready;       /* struct co * */
    struct co *current; /* NULL outside of coroutines */
    void *main_sp;      /* the stack co_run() was called on */
    GQueue idle;        /* ended ones, their stacks kept for the next */
    unsigned alive;
    void *asan_fake;    /* AddressSanitizer's names for the stacks */
    const void *asan_bottom;
    size_t asan_size;
};

void co_sched_init(struct co_sched *s);
/* No coroutine is alive. */
void co_sched_fini(struct co_sched *s);

/* Make a coroutine of fn(arg), ready to run. */
void co_start(struct co_sched *s, void (*fn)(void *arg), void *arg);
/* Run what is ready until nothing is. Called from within co_run(): does nothing. */
void co_run(struct co_sched *s);

/* The coroutine that runs; NULL outside. */
struct co *co_self(const struct co_sched *s);
/* Wait until somebody calls co_ready(co_self()). */
void co_yield(struct co_sched *s);
void co_ready(struct co_sched *s, struct co *co);

/* Those who wait for something, first come first served. */
struct co_queue {
    GQueue waiting;
};
#define CO_QUEUE_INIT {G_QUEUE_INIT}
void co_wait(struct co_sched *s, struct co_queue *q);
void co_wake_one(struct co_sched *s, struct co_queue *q);
void co_wake_all(struct co_sched *s, struct co_queue *q);

/* Mutual exclusion over waits; handed over in order. Zero is unlocked. */
struct co_mutex {
    bool locked;
    struct co_queue queue;
};
void co_lock(struct co_sched *s, struct co_mutex *m);
void co_unlock(struct co_sched *s, struct co_mutex *m);

#endif

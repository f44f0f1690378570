/* SPDX-License-Identifier: MIT */
/* The machine lock. */
#include "core/machine.h"

#include <assert.h>

#include "core/machine_priv.h"

#define SPINS 400 /* about 10 us: longer than most device callbacks */

void machine_lock_init(struct machine *m)
{
    pthread_mutex_init(&m->lock.mutex, NULL);
    pthread_cond_init(&m->lock.cond, NULL);
}

void machine_lock_fini(struct machine *m)
{
    pthread_cond_destroy(&m->lock.cond);
    pthread_mutex_destroy(&m->lock.mutex);
}

static bool lock_is_mine(struct machine *m)
{
    return __atomic_load_n(&m->lock.owner, __ATOMIC_RELAXED) == g_thread_self();
}

static void set_owner(struct machine *m, GThread *owner)
{
    __atomic_store_n(&m->lock.owner, owner, __ATOMIC_RELAXED);
}

static void acquire(struct machine *m)
{
    for (unsigned spins = SPINS; spins; spins--) {
        __builtin_ia32_pause();
        if (pthread_mutex_trylock(&m->lock.mutex) == 0)
            return;
    }
    pthread_mutex_lock(&m->lock.mutex);
}

void machine_lock(struct machine *m)
{
    if (lock_is_mine(m)) {
        m->lock.depth++;
        return;
    }
    if (pthread_mutex_trylock(&m->lock.mutex) != 0) {
        __atomic_fetch_add(&m->lock.waiters, 1, __ATOMIC_RELAXED);
        acquire(m);
        __atomic_fetch_sub(&m->lock.waiters, 1, __ATOMIC_RELAXED);
    }
    set_owner(m, g_thread_self());
    m->lock.depth = 1;
}

void machine_unlock(struct machine *m)
{
    assert(lock_is_mine(m));
    if (--m->lock.depth > 0)
        return;
    set_owner(m, NULL);
    pthread_mutex_unlock(&m->lock.mutex);
}

/* The mutex alone would go back to whoever is awake: the one who lets go of it. */
void machine_lock_yield(struct machine *m)
{
    assert(lock_is_mine(m));
    unsigned depth = m->lock.depth;
    m->lock.depth = 1;
    machine_unlock(m);
    for (int turns = 0; turns < 100 && __atomic_load_n(&m->lock.waiters, __ATOMIC_RELAXED); turns++)
        g_usleep(10);
    machine_lock(m);
    m->lock.depth = depth;
}

bool machine_is_locked(struct machine *m)
{
    return lock_is_mine(m);
}

void machine_wait(struct machine *m)
{
    assert(lock_is_mine(m));
    unsigned depth = m->lock.depth, notices = m->lock.notices;
    m->lock.sleepers++;
    set_owner(m, NULL);
    pthread_cond_wait(&m->lock.cond, &m->lock.mutex);
    set_owner(m, g_thread_self());
    m->lock.depth = depth;
    if (notices == m->lock.notices)
        m->lock.sleepers--; /* woken by nobody */
    else
        __atomic_fetch_sub(&m->lock.waiters, 1, __ATOMIC_RELAXED);
}

/* From now on those who slept wait for the lock. */
void machine_notify(struct machine *m)
{
    __atomic_fetch_add(&m->lock.waiters, m->lock.sleepers, __ATOMIC_RELAXED);
    m->lock.sleepers = 0;
    m->lock.notices++;
    pthread_cond_broadcast(&m->lock.cond);
}

/* SPDX-License-Identifier: MIT */
/*
 * Throttling: every few milliseconds the vCPUs are kicked out of guest mode, and their loop
 * (accel/loop.c) rests in proportion to how long they ran.
 */
#include "migration/migration_int.h"

enum { PERIOD = 10 }; /* ms */

static gboolean kick_all(void *arg)
{
    struct machine *m = arg;

    machine_lock(m);
    bool on = m->throttle != 0;
    for (unsigned i = 0; on && i < m->vcpus->len; i++)
        vcpu_kick(m->vcpus->pdata[i]);
    if (!on)
        m->throttling = NULL;
    machine_unlock(m);
    return on ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

void throttle_set(struct machine *m, unsigned percent)
{
    __atomic_store_n(&m->throttle, percent, __ATOMIC_RELAXED);
    if (!percent || m->throttling)
        return;
    m->throttling = g_timeout_source_new(PERIOD);
    g_source_set_callback(m->throttling, kick_all, m, NULL);
    g_source_attach(m->throttling, m->context);
    g_source_unref(m->throttling);
}

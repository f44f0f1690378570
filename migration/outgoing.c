/* SPDX-License-Identifier: MIT */
/*
 * A machine goes out. Rounds of memory, each sending what was written during the one before, go on
 * until what is left can be sent within the downtime that is allowed (at the rate seen so far);
 * then the machine stops, its disks are let go of, and the rest follows. With auto-converge a
 * guest that writes faster than it can be sent gets less and less processor time.
 */
#include <poll.h>

#include "block/inactive.h"
#include "core/event.h"
#include "migration/identity.h"
#include "migration/migration_int.h"
#include "util/error.h"

#define WINDOW   100000 /* us: what max-bandwidth is counted in */
#define DECISION 500000 /* us between two changes of throttling */

static bool cancelled(struct migration *g, GError **err)
{
    return __atomic_load_n(&g->cancelled, __ATOMIC_ACQUIRE) && !error_set(err, "it was cancelled");
}

/* ---- Pace ----------------------------------------------------------------------------- */

/* After each batch: no more than max-bandwidth while the machine runs. */
static bool progress(void *arg, uint64_t bytes, GError **err)
{
    struct migration *g = arg;
    int64_t now = g_get_monotonic_time();
    uint64_t most = param(g, PARAM_BANDWIDTH) / (1000000 / WINDOW);

    if (cancelled(g, err))
        return false;
    if (now - g->pace.window >= WINDOW) {
        g->pace.window = now;
        g->pace.bytes = 0;
    }
    g->pace.bytes += bytes;
    if (g->stopped || !machine_running(g->m) || g->pace.bytes < most)
        return true;
    struct pollfd fd = {.fd = g->cancel_fd, .events = POLLIN};
    poll(&fd, 1, (int)((g->pace.window + WINDOW - now) / 1000 + 1));
    return !cancelled(g, err);
}

/* Too much is dirtied twice in a row: give the guest less time. */
static void throttle(struct migration *g, uint64_t dirty)
{
    uint64_t sent = g->out.sent - g->pace.sent;
    int64_t now = g_get_monotonic_time();

    g->pace.dirty += dirty;
    if (now - g->pace.sync < DECISION)
        return;
    __atomic_store_n(&g->dirty_rate,
                     g->pace.dirty * 1000000 / (uint64_t)(now - g->pace.sync) / FORMAT_PAGE,
                     __ATOMIC_RELAXED);
    bool much = g->pace.dirty > sent / 100 * param(g, PARAM_THROTTLE_TRIGGER);
    g->pace.slow = much ? g->pace.slow + 1 : 0;
    g->pace.sync = now;
    g->pace.sent = g->out.sent;
    g->pace.dirty = 0;
    if (!g->caps[CAP_AUTO_CONVERGE] || g->pace.slow < 2)
        return;
    g->pace.slow = 0;
    uint64_t next = g->m->throttle ? g->m->throttle + param(g, PARAM_THROTTLE_INCREMENT)
                                   : param(g, PARAM_THROTTLE_INITIAL);
    machine_lock(g->m);
    throttle_set(g->m, (unsigned)MIN(next, param(g, PARAM_THROTTLE_MAX)));
    machine_unlock(g->m);
}

/* ---- Rounds --------------------------------------------------------------------------- */

static bool became_active(struct migration *g, GError **err)
{
    g->setup = g_get_monotonic_time() / 1000 - g->began;
    if (g->status == MIG_SETUP)
        migration_set_status(g, MIG_ACTIVE);
    return true;
}

static uint64_t sync_dirty(struct migration *g)
{
    machine_lock(g->m);
    uint64_t left = ram_out_sync(&g->out) * FORMAT_PAGE;
    __atomic_fetch_add(&g->passes, 1, __ATOMIC_RELAXED);
    if (g->caps[CAP_EVENTS])
        machine_event(g->m, "MIGRATION_PASS", json_pack("{s:I}", "pass", (json_int_t)g->passes));
    machine_unlock(g->m);
    __atomic_store_n(&g->remaining, left, __ATOMIC_RELAXED);
    return left;
}

static bool timed_round(struct migration *g, GError **err)
{
    int64_t begin = g_get_monotonic_time();
    uint64_t before = g->out.sent;

    if (!ram_out_round(&g->out, err))
        return false;
    uint64_t us = (uint64_t)MAX(g_get_monotonic_time() - begin, 1), sent = g->out.sent - before;
    if (sent >= 1 << 20 || !g->bandwidth)
        __atomic_store_n(&g->bandwidth, sent * 1000000 / us, __ATOMIC_RELAXED);
    return true;
}

static bool send_while_running(struct migration *g, GError **err)
{
    g->pace.sync = g_get_monotonic_time();
    for (;;) {
        uint64_t left = sync_dirty(g);
        uint64_t most = g->bandwidth * param(g, PARAM_DOWNTIME) / 1000;

        if (g->passes > 1)
            throttle(g, left);
        __atomic_store_n(&g->expected_downtime, g->bandwidth ? left * 1000 / g->bandwidth : 0,
                         __ATOMIC_RELAXED);
        if (g->passes > 1 && left <= MAX(most, FORMAT_PAGE))
            return true;
        if (!timed_round(g, err))
            return false;
    }
}

/* ---- The switch ----------------------------------------------------------------------- */

/* On the main thread. What fails here is undone in outgoing_ended(). */
static bool stop_machine(struct migration *g, GError **err)
{
    struct machine *m = g->m;

    if (cancelled(g, err))
        return false;
    if (m->state == RUN_SHUTDOWN || m->state == RUN_FATAL)
        return error_set(err, "the machine is off (%s)", run_state_name(m->state));
    migration_set_status(g, MIG_DEVICE);
    g->running = machine_running(m);
    g->stop_time = g_get_monotonic_time() / 1000;
    g->stopped = true;
    machine_stop_for(m, RUN_FINISH_MIGRATE);
    throttle_set(m, 0);
    g->disks_away = true;
    if (!block_inactivate_all(m, err))
        return false;
    g->state = g_byte_array_new();
    machine_save(m, g->state);
    return true;
}

static bool send_rest(struct migration *g, GError **err)
{
    sync_dirty(g);
    return ram_out_round(&g->out, err) && saved_end(&g->out, g->state, g->running, err);
}

static bool begin(struct migration *g, GError **err)
{
    g->out.progress = progress;
    g->out.arg = g;
    machine_lock(g->m);
    ram_out_begin(&g->out, g->m, g->out.s, true);
    machine_unlock(g->m);
    return saved_begin(g->out.s, g->config, err) && ram_out_layout(&g->out, err);
}

bool outgoing_run(struct migration *g, GError **err)
{
    if (!channel_connect(&g->channel, err))
        return false;
    g->out.s = wire_new_fd(g->channel.fd, g->cancel_fd);
    bool ok = begin(g, err) && migration_on_main(g, became_active, err) &&
              send_while_running(g, err) && migration_on_main(g, stop_machine, err) &&
              send_rest(g, err);
    wire_free(g->out.s);
    g->out.s = NULL;
    return channel_end(&g->channel, ok, err);
}

static void go_back(struct migration *g)
{
    g_autoptr(GError) err = NULL;

    if (!block_activate_all(g->m, &err)) {
        log_write(&g->m->log, "hostel: migration failed, and the disks cannot be taken back: %s\n",
                  err->message);
        machine_rename_state(g->m, RUN_PAUSED);
        return;
    }
    g->disks_away = false;
    machine_rename_state(g->m, RUN_PAUSED);
    if (g->running)
        machine_start(g->m);
}

void outgoing_ended(struct migration *g, bool ok)
{
    int64_t now = g_get_monotonic_time() / 1000;
    struct ram_out *r = &g->out;

    ram_out_end(r);
    throttle_set(g->m, 0);
    if (g->state)
        g_byte_array_unref(g->state);
    g->state = NULL;
    g->total = now - g->began;
    g->downtime = ok ? now - g->stop_time : 0;
    g->remaining = ok ? 0 : g->remaining;
    channel_end(&g->channel, false, NULL);
    if (ok)
        machine_rename_state(g->m, RUN_POSTMIGRATE);
    else if (g->stopped)
        go_back(g);
    g->stopped = false;
    migration_set_status(g, ok                            ? MIG_COMPLETED
                            : g->status == MIG_CANCELLING ? MIG_CANCELLED
                                                          : MIG_FAILED);
    if (g->status == MIG_FAILED)
        log_write(&g->m->log, "hostel: migration: %s\n", g->error);
}

/* ---- Beginning ------------------------------------------------------------------------ */

static bool may_start(struct migration *g, GError **err)
{
    struct machine *m = g->m;

    if (migration_busy(g))
        return error_set(err, "There's a migration process in progress");
    if (m->state == RUN_INMIGRATE)
        return error_set(err, "Guest is waiting for an incoming migration");
    if (m->state == RUN_POSTMIGRATE || g->disks_away)
        return error_set(err, "Can't migrate the vm that was paused due to previous migration");
    if (m->accel_data[ACCEL_COMPARE])
        return error_set(err, "-accel compare: two machines in lock step cannot be migrated");
    return true;
}

bool migration_start(struct machine *m, const char *uri, GError **err)
{
    struct migration *g = migration_get(m);

    if (!may_start(g, err) || !channel_parse(&g->channel, m, uri, false, err))
        return false;
    g->config = config_text(m);
    g->stopped = false;
    return migration_launch(g, false, outgoing_run, err);
}

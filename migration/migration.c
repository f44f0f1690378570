/* SPDX-License-Identifier: MIT */
/*
 * The life of a migration: its thread, what the thread asks of the main thread, its end. And the
 * machine's side: what 'cont' means while it is under way.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/event.h"
#include "block/inactive.h"
#include "migration/migration_int.h"
#include "util/error.h"

static const char frozen[] = "a migration is under way: devices can neither be added nor removed";

static const char *const status_names[] = {
    [MIG_NONE] = "none",           [MIG_SETUP] = "setup",   [MIG_CANCELLING] = "cancelling",
    [MIG_CANCELLED] = "cancelled", [MIG_ACTIVE] = "active", [MIG_DEVICE] = "device",
    [MIG_COMPLETED] = "completed", [MIG_FAILED] = "failed",
};

void migration_set_status(struct migration *g, enum migration_status status)
{
    if (g->status == status)
        return;
    g->status = status;
    if (g->caps[CAP_EVENTS])
        machine_event(g->m, "MIGRATION", json_pack("{s:s}", "status", status_names[status]));
}

bool migration_busy(const struct migration *g)
{
    return g->thread != NULL;
}

/* ---- The main thread's part ----------------------------------------------------------- */

static void finish(struct migration *g)
{
    GError *err = g->ended_error;
    bool ok = g->ended_ok;

    g_thread_join(g->thread);
    g->thread = NULL;
    g->ended = false;
    g->ended_error = NULL;
    g_clear_pointer(&g->config, g_free);
    if (!ok) {
        g_free(g->error);
        g->error = g_strdup(err->message);
    }
    g->m->frozen = NULL;
    if (g->in)
        incoming_ended(g, ok);
    else
        outgoing_ended(g, ok);
    close(g->cancel_fd);
    g->cancel_fd = -1;
    g_clear_error(&err);
}

static gboolean on_main_loop(void *arg)
{
    struct migration *g = arg;

    machine_lock(g->m);
    g_clear_pointer(&g->source, g_source_unref);
    struct main_call *call = g->call;
    g->call = NULL;
    if (call) {
        call->ok = call->fn(g, &call->err);
        call->done = true;
        machine_notify(g->m);
    }
    if (g->ended)
        finish(g);
    machine_unlock(g->m);
    return G_SOURCE_REMOVE;
}

/* Lock held. */
static void ask_main(struct migration *g)
{
    if (g->source)
        return;
    g->source = g_idle_source_new();
    g_source_set_priority(g->source, G_PRIORITY_DEFAULT);
    g_source_set_callback(g->source, on_main_loop, g, NULL);
    g_source_attach(g->source, g->m->context);
}

bool migration_on_main(struct migration *g, bool (*fn)(struct migration *g, GError **err),
                       GError **err)
{
    struct main_call call = {.fn = fn};

    machine_lock(g->m);
    g->call = &call;
    ask_main(g);
    while (!call.done && !(g->closing && g->call == &call))
        machine_wait(g->m);
    if (!call.done) {
        g->call = NULL;
        error_set(&call.err, "the machine ends");
    }
    machine_unlock(g->m);
    if (call.err)
        g_propagate_error(err, call.err);
    return call.ok;
}

/* ---- The thread ----------------------------------------------------------------------- */

struct body {
    struct migration *g;
    bool (*run)(struct migration *g, GError **err);
};

static void *thread_main(void *arg)
{
    struct body body = *(struct body *)arg;
    struct migration *g = body.g;
    GError *err = NULL;

    g_free(arg);
    bool ok = body.run(g, &err);
    machine_lock(g->m);
    g->ended = true;
    g->ended_ok = ok;
    g->ended_error = err;
    if (!g->closing)
        ask_main(g);
    machine_notify(g->m);
    machine_unlock(g->m);
    return NULL;
}

bool migration_launch(struct migration *g, bool in, bool (*run)(struct migration *g, GError **err),
                      GError **err)
{
    struct body *body = g_new(struct body, 1);

    g->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (g->cancel_fd < 0) {
        g_free(body);
        return error_set(err, "eventfd: %s", g_strerror(errno));
    }
    *body = (struct body){g, run};
    g->in = in;
    g->cancelled = false;
    g->m->frozen = frozen;
    g->passes = g->remaining = g->dirty_rate = g->bandwidth = g->expected_downtime = 0;
    g->setup = g->total = g->downtime = g->stop_time = 0;
    memset(&g->out, 0, sizeof(g->out));
    memset(&g->pace, 0, sizeof(g->pace));
    g_clear_pointer(&g->error, g_free);
    g->began = g_get_monotonic_time() / 1000;
    migration_set_status(g, MIG_SETUP);
    g->thread = g_thread_new(in ? "incoming" : "migration", thread_main, body);
    return true;
}

static void tell_thread_to_end(struct migration *g)
{
    uint64_t one = 1;

    __atomic_store_n(&g->cancelled, true, __ATOMIC_RELEASE);
    if (write(g->cancel_fd, &one, sizeof(one)) < 0)
        g_assert_not_reached();
}

void migration_cancel(struct machine *m)
{
    struct migration *g = migration_get(m);

    if (!g->thread || g->in || g->status == MIG_CANCELLING)
        return;
    migration_set_status(g, MIG_CANCELLING);
    tell_thread_to_end(g);
}

bool migration_wait(struct machine *m, GError **err)
{
    struct migration *g = migration_get(m);

    while (g->thread && !m->quit)
        machine_iterate_nested(m);
    if (g->status == MIG_COMPLETED)
        return true;
    return error_set(err, "%s", g->error ? g->error : "the machine ends");
}

/* ---- The machine's side --------------------------------------------------------------- */

static bool resume(struct machine *m, bool *later, GError **err)
{
    struct migration *g = m->migration;

    switch (m->state) {
    case RUN_INMIGRATE:
        if (g->status == MIG_FAILED && !g->thread)
            return error_set(err, "no machine has come in: %s ('migrate_incoming' takes another)",
                             g->error);
        g->start = *later = true;
        return true;
    case RUN_FINISH_MIGRATE:
    case RUN_SAVE_VM:
    case RUN_RESTORE_VM:
        return error_set(err, "the machine is on its way (%s)", run_state_name(m->state));
    default:
        if (g->disks_away && !block_activate_all(m, err))
            return error_prefix(err, "the machine was migrated and its disks cannot be taken back");
        g->disks_away = false;
        return true;
    }
}

static void migration_free(struct machine *m)
{
    struct migration *g = m->migration;

    machine_lock(m);
    g->closing = true;
    machine_notify(m);
    machine_unlock(m);
    if (g->thread) {
        tell_thread_to_end(g);
        g_thread_join(g->thread);
        close(g->cancel_fd);
        channel_end(&g->channel, false, NULL);
    }
    machine_lock(m);
    if (g->source)
        g_source_destroy(g->source);
    g_clear_pointer(&g->source, g_source_unref);
    ram_out_end(&g->out);
    throttle_set(m, 0);
    lazy_free(g->lazy);
    machine_unlock(m);
    if (g->state)
        g_byte_array_unref(g->state);
    g_clear_error(&g->ended_error);
    g_free(g->config);
    g_free(g->error);
    g_free(g);
    m->migration = NULL;
}

static const struct migration_ops ops = {.resume = resume, .free = migration_free};

struct migration *migration_get(struct machine *m)
{
    if (m->migration)
        return m->migration;
    struct migration *g = g_new0(struct migration, 1);
    g->m = m;
    g->cancel_fd = -1;
    g->channel.fd = g->channel.listener = -1;
    params_init(g);
    m->migration = g;
    m->migration_ops = &ops;
    return g;
}

/* ---- Telling -------------------------------------------------------------------------- */

static json_int_t now(uint64_t *v)
{
    return (json_int_t)__atomic_load_n(v, __ATOMIC_RELAXED);
}

static json_t *query_ram(struct migration *g)
{
    json_int_t normal = now(&g->out.normal), sent = now(&g->out.sent);
    int64_t ms = g->total ? g->total : g_get_monotonic_time() / 1000 - g->began;

    return json_pack("{s:I, s:I, s:I, s:I, s:i, s:I, s:I, s:I, s:f, s:I, s:i, s:i, s:I, s:I, s:I,"
                     " s:i, s:i, s:i}",
                     "transferred", sent, "remaining", now(&g->remaining), "total",
                     now(&g->out.total), "duplicate", now(&g->out.zero), "skipped", 0, "normal",
                     normal, "normal-bytes", normal * FORMAT_PAGE, "dirty-pages-rate",
                     now(&g->dirty_rate), "mbps", (double)now(&g->bandwidth) * 8 / 1e6,
                     "dirty-sync-count", now(&g->passes), "page-size", FORMAT_PAGE, "multifd-bytes",
                     0, "pages-per-second",
                     ms > 0 ? (normal + now(&g->out.zero)) * 1000 / ms : (json_int_t)0,
                     "precopy-bytes", sent, "downtime-bytes", (json_int_t)0, "postcopy-bytes", 0,
                     "postcopy-requests", 0, "dirty-sync-missed-zero-copy", 0);
}

static void query_out(struct migration *g, json_t *j)
{
    bool done = g->status == MIG_COMPLETED;
    int64_t total = g->thread ? g_get_monotonic_time() / 1000 - g->began : g->total;

    json_object_set_new(j, "total-time", json_integer(total));
    json_object_set_new(j, "setup-time", json_integer(g->setup));
    if (done)
        json_object_set_new(j, "downtime", json_integer(g->downtime));
    else
        json_object_set_new(j, "expected-downtime", json_integer(now(&g->expected_downtime)));
    json_object_set_new(j, "ram", query_ram(g));
    if (g->m->throttle)
        json_object_set_new(j, "cpu-throttle-percentage", json_integer(g->m->throttle));
}

json_t *migration_query(struct machine *m)
{
    struct migration *g = migration_get(m);
    json_t *j = json_object();

    if (g->status == MIG_NONE)
        return j;
    json_object_set_new(j, "status", json_string(status_names[g->status]));
    if (!g->in && g->status != MIG_SETUP && g->status != MIG_FAILED && g->status != MIG_CANCELLED)
        query_out(g, j);
    if (g->status == MIG_FAILED && g->error)
        json_object_set_new(j, "error-desc", json_string(g->error));
    return j;
}

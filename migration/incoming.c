/* SPDX-License-Identifier: MIT */
/*
 * A machine comes in: its memory on a thread, into a machine that does not run; devices and
 * processors on the main thread when all of it is there and was checked. After a failure the
 * machine is reset and waits for another one.
 */
#include <string.h>
#include <unistd.h>

#include "block/inactive.h"
#include "migration/migration_int.h"
#include "util/error.h"

static bool became_active(struct migration *g, GError **err)
{
    migration_set_status(g, MIG_ACTIVE);
    return true;
}

static bool enter(struct migration *g, GError **err)
{
    struct machine *m = g->m;
    GByteArray *state = g->saved.state;

    if (m->state != RUN_INMIGRATE)
        return error_set(err, "the machine does not wait any more (%s)", run_state_name(m->state));
    if (!block_activate_all(m, err) || !machine_load(m, state->data, state->len, err))
        return false;
    machine_rename_state(m, RUN_PAUSED);
    return true;
}

/* The mapping needs the file no more, but checking does. */
static void check_lazily(struct migration *g)
{
    if (!g->saved.ram.lazy)
        return;
    lazy_free(g->lazy);
    g->lazy = lazy_start(g->m, &g->saved, dup(g->channel.fd), g->channel.rest);
}

bool incoming_run(struct migration *g, GError **err)
{
    if (!channel_accept(&g->channel, g->cancel_fd, err))
        return false;
    struct wire *s = wire_new_fd(g->channel.fd, g->cancel_fd);
    bool ok = migration_on_main(g, became_active, err) &&
              saved_read(g->m, s, true, g->channel.lazy, &g->saved, err);
    if (ok) {
        ok = migration_on_main(g, enter, err);
        if (ok)
            check_lazily(g);
        saved_clear(&g->saved);
    }
    wire_free(s);
    return channel_end(&g->channel, ok, err);
}

static void start_over(struct migration *g)
{
    struct machine *m = g->m;

    log_write(&m->log, "hostel: -incoming: %s\n", g->error);
    channel_end(&g->channel, false, NULL);
    for (unsigned i = 0; i < m->rams->len; i++)
        ram_note_write(m->rams->pdata[i], 0, ((struct ram_block *)m->rams->pdata[i])->size);
    machine_reset(m);
}

void incoming_ended(struct migration *g, bool ok)
{
    struct machine *m = g->m;

    migration_set_status(g, ok ? MIG_COMPLETED : MIG_FAILED);
    if (!ok) {
        start_over(g);
        return;
    }
    if (g->start && m->state == RUN_PAUSED)
        machine_start(m);
}

bool migration_incoming(struct machine *m, const char *uri, GError **err)
{
    struct migration *g = migration_get(m);

    if (m->state != RUN_INMIGRATE)
        return error_set(err, "'-incoming' was not specified on the command line");
    if (migration_busy(g))
        return error_set(err, "The incoming migration has already been started");
    if (!channel_parse(&g->channel, m, uri, true, err))
        return false;
    if (!channel_listen(&g->channel, err)) {
        channel_end(&g->channel, false, NULL);
        return false;
    }
    return migration_launch(g, true, incoming_run, err);
}

bool migration_expect(struct machine *m, const char *uri, GError **err)
{
    struct migration *g = migration_get(m);

    if (m->accel_data[ACCEL_COMPARE])
        return error_set(err, "-accel compare: two machines in lock step cannot come in");
    machine_rename_state(m, RUN_INMIGRATE);
    g->start = !m->config->start_paused;
    return strcmp(uri, "defer") == 0 || migration_incoming(m, uri, err);
}

/* SPDX-License-Identifier: MIT */
/* Registers whose writes signal an eventfd: see core/notifier.h. */
#include <assert.h>
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/machine.h"
#include "core/notifier.h"
#include "util/error.h"

static bool matches(const struct doorbell *d, uint64_t off, uint64_t val, unsigned size)
{
    uint64_t mask = size == 8 ? UINT64_MAX : (1ull << size * 8) - 1;

    return d->off == off && d->size == size && (!d->match || ((d->value ^ val) & mask) == 0);
}

bool doorbell_rung(struct region *r, uint64_t off, uint64_t val, unsigned size)
{
    for (struct doorbell *d = r->doorbells; d; d = d->next) {
        if (!matches(d, off, val, size))
            continue;
        if (d->ring)
            d->ring(d->arg);
        else
            eventfd_signal(d->fd);
        return true;
    }
    return false;
}

static gboolean on_ring(gint fd, GIOCondition condition, gpointer arg)
{
    struct doorbell *d = arg;
    GSource *self = g_main_current_source();
    struct machine *m = d->machine;
    uint64_t count;

    machine_lock(m);
    /* Whoever destroyed the source held the lock; d may be no more. */
    if (!g_source_is_destroyed(self) && read(fd, &count, sizeof(count)) == sizeof(count))
        d->ring(d->arg);
    machine_unlock(m);
    return G_SOURCE_CONTINUE;
}

static void watch(struct doorbell *d)
{
    d->source = g_unix_fd_source_new(d->fd, G_IO_IN);
    g_source_set_name(d->source, "doorbell");
    g_source_set_callback(d->source, G_SOURCE_FUNC(on_ring), d, NULL);
    g_source_attach(d->source, d->machine->context);
}

bool doorbell_add(struct machine *m, struct doorbell *d, GError **err)
{
    assert(d->region->kind == REGION_IO && d->region->ops->write && d->off % d->size == 0);
    d->machine = m;
    d->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (d->fd < 0)
        return error_set(err, "no eventfd for a doorbell: %s", strerror(errno));
    if (d->ring)
        watch(d);
    d->next = d->region->doorbells;
    d->region->doorbells = d;
    region_tell_doorbell(d->region, d, true);
    return true;
}

void doorbell_del(struct doorbell *d)
{
    struct doorbell **at = &d->region->doorbells;

    region_tell_doorbell(d->region, d, false);
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    if (d->source) {
        g_source_destroy(d->source);
        g_source_unref(d->source);
    }
    close(d->fd);
    d->fd = -1;
}

bool doorbells_in_kernel(const struct machine *m)
{
    for (unsigned i = 0; i < m->mem.listeners->len; i++)
        if (((const struct region_listener *)m->mem.listeners->pdata[i])->doorbell)
            return true;
    return false;
}

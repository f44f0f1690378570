/* SPDX-License-Identifier: MIT */
/* Interrupts raised by eventfds: see the header. */
#include "core/notifier.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/machine.h"
#include "util/error.h"

void eventfd_signal(int fd)
{
    const uint64_t one = 1;
    /* EAGAIN: the count is at its end, so the reader has something to read anyway. */
    while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

static gboolean on_signal(gint fd, GIOCondition condition, gpointer arg)
{
    struct irq_notifier *n = arg;
    GSource *self = g_main_current_source();
    struct machine *m = n->machine;
    uint64_t count;

    machine_lock(m);
    /* Whoever destroyed the source held the lock; n may be no more. */
    if (!g_source_is_destroyed(self) && read(fd, &count, sizeof(count)) == sizeof(count))
        n->fire(n->arg);
    machine_unlock(m);
    return G_SOURCE_CONTINUE;
}

static void watch(struct irq_notifier *n, bool on)
{
    if (on == (n->source != NULL))
        return;
    if (!on) {
        g_source_destroy(n->source);
        g_source_unref(n->source);
        n->source = NULL;
        return;
    }
    n->source = g_unix_fd_source_new(n->fd, G_IO_IN);
    g_source_set_name(n->source, "irq notifier");
    g_source_set_callback(n->source, G_SOURCE_FUNC(on_signal), n, NULL);
    g_source_attach(n->source, n->machine->context);
}

bool irq_notifier_init(struct irq_notifier *n, struct machine *m, void (*fire)(void *arg),
                       void *arg, GError **err)
{
    *n = (struct irq_notifier){.machine = m, .fire = fire, .arg = arg, .route = -1};
    n->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (n->fd < 0)
        return error_set(err, "no eventfd for an interrupt: %s", strerror(errno));
    g_ptr_array_add(m->notifiers, n);
    watch(n, true);
    return true;
}

/* What is left unread in fd goes through `fire`. */
static void leave_kernel(struct irq_notifier *n)
{
    const struct irqchip_ops *ops = n->machine->irqchip;

    if (n->route < 0)
        return;
    ops->irqfd(n->machine, n->route, n->fd, false);
    ops->route_del(n->machine, n->route);
    n->route = -1;
    watch(n, true);
}

/* What is unread in fd is the kernel's to send. */
static void enter_kernel(struct irq_notifier *n)
{
    const struct irqchip_ops *ops = n->machine->irqchip;

    watch(n, false);
    if (ops->irqfd(n->machine, n->route, n->fd, true))
        return;
    ops->route_del(n->machine, n->route);
    n->route = -1;
    watch(n, true);
}

void irq_notifier_fini(struct irq_notifier *n)
{
    leave_kernel(n);
    watch(n, false);
    g_ptr_array_remove(n->machine->notifiers, n);
    close(n->fd);
    n->fd = -1;
}

void irq_notifier_set_message(struct irq_notifier *n, const struct msi_message *msg)
{
    if (!msg && !n->direct)
        return;
    if (msg && n->direct && msg->addr == n->want.addr && msg->data == n->want.data)
        return;
    n->direct = msg != NULL;
    if (msg)
        n->want = *msg;
    n->changed = true;
    if (!msg)
        leave_kernel(n);
}

void irq_notifiers_commit(struct machine *m)
{
    const struct irqchip_ops *ops = m->irqchip;
    g_autoptr(GPtrArray) fresh = g_ptr_array_new();
    bool changed = false;

    for (unsigned i = 0; ops && i < m->notifiers->len; i++) {
        struct irq_notifier *n = m->notifiers->pdata[i];
        if (!n->changed)
            continue;
        n->changed = false;
        changed = true;
        if (n->route >= 0)
            ops->route_set(m, n->route, n->want);
        else if (n->direct && (n->route = ops->route_add(m, n->want)) >= 0)
            g_ptr_array_add(fresh, n);
    }
    if (changed)
        ops->commit(m);
    for (unsigned i = 0; i < fresh->len; i++)
        enter_kernel(fresh->pdata[i]);
}

void irq_notifiers_leave(struct machine *m)
{
    for (unsigned i = 0; i < m->notifiers->len; i++)
        leave_kernel(m->notifiers->pdata[i]);
}

void irq_notifiers_enter(struct machine *m)
{
    for (unsigned i = 0; i < m->notifiers->len; i++)
        ((struct irq_notifier *)m->notifiers->pdata[i])->changed = true;
    irq_notifiers_commit(m);
}

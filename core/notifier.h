/* SPDX-License-Identifier: MIT */
/*
 * Events between devices and the rest of the host without the machine lock: eventfd(2).
 *
 *   struct irq_notifier   whoever signals its fd (a worker thread, another process) raises an
 *                         interrupt. Ours: the main loop reads fd and calls `fire` under the
 *                         lock. With the local APICs in the host kernel and a message set, the
 *                         kernel sends the message itself (irqfd).
 *   struct doorbell       a guest's write to a register of a device signals its fd. On an
 *                         accelerator that can, the write never leaves the kernel (ioeventfd);
 *                         a write that comes by any other way (software CPU, monitor) does the
 *                         same.
 *
 * All calls need the machine lock and come from any thread. Signalling an fd needs neither.
 */
#ifndef CORE_NOTIFIER_H
#define CORE_NOTIFIER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/irqchip.h"

struct machine;
struct region;

/* Add one to an eventfd. Any thread, no lock, signal-safe. */
void eventfd_signal(int fd);

/* ---- Interrupts ------------------------------------------------------------------------- */

struct irq_notifier {
    struct machine *machine;
    int fd;                  /* owned */
    void (*fire)(void *arg); /* raise the interrupt, masked or not: main thread, lock held */
    void *arg;
    /* private */
    struct msi_message want; /* if `direct` */
    bool direct, changed;
    int route; /* the kernel's, -1: through `fire` */
    GSource *source;
};

/* False: the host has no eventfd left. */
bool irq_notifier_init(struct irq_notifier *n, struct machine *m, void (*fire)(void *arg),
                       void *arg, GError **err);
/* Signals not seen yet are dropped. */
void irq_notifier_fini(struct irq_notifier *n);
/* What `fire` would do now is to send this very message (NULL: it is not; masked, disabled).
 * In force after irq_notifiers_commit(); signals of the meantime are not lost. */
void irq_notifier_set_message(struct irq_notifier *n, const struct msi_message *msg);
void irq_notifiers_commit(struct machine *m);
/* Is the kernel's route in use? */
static inline bool irq_notifier_in_kernel(const struct irq_notifier *n)
{
    return n->route >= 0;
}

/* For irqchip_set(): before and after a change of machine.irqchip. */
void irq_notifiers_leave(struct machine *m);
void irq_notifiers_enter(struct machine *m);

/* ---- Doorbells -------------------------------------------------------------------------- */

struct doorbell {
    /* The caller fills: */
    struct region *region; /* of I/O kind, with a write() */
    uint64_t off;          /* in it, aligned to size */
    uint8_t size;          /* 1, 2, 4, 8; a width that the region takes whole */
    bool match;            /* only writes of `value`; else of any */
    uint64_t value;
    /* Called for a ring: lock held, on the main thread when the kernel took the write (several
     * may have become one), else within the write. NULL: somebody else reads fd. */
    void (*ring)(void *arg);
    void *arg;
    /* Filled by doorbell_add(): */
    int fd;
    struct machine *machine;
    struct doorbell *next; /* of the region */
    GSource *source;
};

/* From now on such writes ring instead of reaching region.ops. False: no eventfd left. */
bool doorbell_add(struct machine *m, struct doorbell *d, GError **err);
/* Before region_fini(). Rings not seen yet are dropped. */
void doorbell_del(struct doorbell *d);

/* Does the accelerator of now take such writes before they leave its kernel? If not, a doorbell
 * only costs an eventfd. */
bool doorbells_in_kernel(const struct machine *m);

/* For core/as.c: did this write ring one of the region's doorbells? */
bool doorbell_rung(struct region *r, uint64_t off, uint64_t val, unsigned size);

#endif

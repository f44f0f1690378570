/* SPDX-License-Identifier: MIT */
/*
 * MSI-X vectors raised by eventfds. While a vector's message goes out as it stands in the table,
 * the host kernel may send it itself; masked, disabled or without bus mastering, a signal takes
 * the way of pci_msix_notify(), which knows the pending bits.
 */
#include "hw/pci/pci.h"

#include <assert.h>

struct pci_msix_notifier {
    struct irq_notifier irq;
    struct pci_device *dev;
    unsigned vector;
    bool used;
};

static void fire(void *arg)
{
    struct pci_msix_notifier *n = arg;
    pci_msix_notify(n->dev, n->vector);
}

void pci_notifiers_update(struct pci_device *d)
{
    struct msi_message msg;

    if (!d->msix_notifiers)
        return;
    for (unsigned v = 0; v < d->msix_n; v++)
        if (d->msix_notifiers[v].used)
            irq_notifier_set_message(&d->msix_notifiers[v].irq,
                                     pci_msix_message(d, v, &msg) ? &msg : NULL);
    irq_notifiers_commit(d->dev.machine);
}

struct irq_notifier *pci_msix_notifier(struct pci_device *d, unsigned vector, GError **err)
{
    assert(vector < d->msix_n);
    if (!d->msix_notifiers)
        d->msix_notifiers = g_new0(struct pci_msix_notifier, d->msix_n);
    struct pci_msix_notifier *n = &d->msix_notifiers[vector];
    assert(!n->used);
    n->dev = d;
    n->vector = vector;
    if (!irq_notifier_init(&n->irq, d->dev.machine, fire, n, err))
        return NULL;
    n->used = true;
    pci_notifiers_update(d);
    return &n->irq;
}

void pci_msix_notifier_free(struct pci_device *d, unsigned vector)
{
    struct pci_msix_notifier *n = &d->msix_notifiers[vector];

    irq_notifier_fini(&n->irq);
    n->used = false;
}

void pci_notifiers_free(struct pci_device *d)
{
    for (unsigned v = 0; d->msix_notifiers && v < d->msix_n; v++)
        if (d->msix_notifiers[v].used)
            pci_msix_notifier_free(d, v);
    g_clear_pointer(&d->msix_notifiers, g_free);
}

/* SPDX-License-Identifier: MIT */
/* Where the interrupt controllers are. */
#include "core/irqchip.h"

#include "core/machine.h"
#include "core/machine_priv.h"
#include "core/notifier.h"

void irqchip_set(struct machine *m, const struct irqchip_ops *ops)
{
    if (m->irqchip == ops)
        return;
    irq_notifiers_leave(m);
    m->irqchip = ops;
    machine_call_hooks(m->on_irqchip);
    irq_notifiers_enter(m);
}

static void fetch(struct vcpu *v, void *arg)
{
    const struct irqchip_ops *ops = v->machine->irqchip;
    if (ops && v->lapic.apic)
        ops->fetch(v);
}

void irqchip_fetch_all(struct machine *m)
{
    for (unsigned i = 0; m->irqchip && i < m->vcpus->len; i++)
        vcpu_run_on(m->vcpus->pdata[i], fetch, NULL);
}

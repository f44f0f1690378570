/* SPDX-License-Identifier: MIT */
/*
 * Interrupt controllers of the host kernel, as the machine sees them.
 *
 * machine.irqchip NULL: all controllers are ours. Else the local APICs are the kernel's ("split"
 * in KVM's words) and hw/intc/ keeps the PIC pair and the I/O APIC:
 *
 *     I/O APIC entry, MSI ------------------> msi()            message into a local APIC
 *     irq_notifier (core/notifier.h) -------> routes, irqfd    the same without us
 *     level-triggered entries --------------> pins()           whose EOIs come back to us
 *     EOI of such a vector -----------------> vcpu_apic.eoi    called by the accelerator
 *     PIC output ---------------------------> VCPU_INTR        vcpu_apic.ack is its INTA cycle
 *     LINT1 --------------------------------> lint1()
 *
 * In that mode VCPU_INTR says nothing but that the PIC asks; IPIs, INIT and SIPI, priorities and
 * the APIC timer are the kernel's business. The fields of hw/intc/lapic.c are as of the last
 * fetch() or accel save(), and go to the kernel with accel load().
 *
 * Everything here needs the machine lock unless it says otherwise.
 */
#ifndef CORE_IRQCHIP_H
#define CORE_IRQCHIP_H

#include <stdbool.h>
#include <stdint.h>

struct machine;
struct vcpu;

#define IRQCHIP_PINS 24 /* inputs of the I/O APIC */

/* A message-signalled interrupt. PCI Local Bus 3.0, 6.8.1; Intel SDM vol. 3 section 10.11. */
struct msi_message {
    uint64_t addr;
    uint32_t data;
};

struct irqchip_ops {
    const char *name; /* "split" */
    /* Send the message now. True: a local APIC took it. */
    bool (*msi)(struct machine *m, struct msi_message msg);
    /* The I/O APIC's entries have changed: bit n of `level` says that pin n is level-triggered
     * and sends pin[n]; other elements mean nothing. Before a message of such an entry. */
    void (*pins)(struct machine *m, const struct msi_message pin[IRQCHIP_PINS], uint32_t level);
    /* LINT1 rose: an NMI if the local APIC's LVT says so. */
    void (*lint1)(struct vcpu *v);
    /* Bring the registers of the vCPU's local APIC into hw/intc/lapic.c (vcpu_apic.set_regs).
     * The vCPU is out of guest mode: on its thread, or parked. */
    void (*fetch)(struct vcpu *v);
    /* Routes: a number for a message, with which the kernel sends it when an eventfd is signalled.
     * route_add() gives -1 when there is no room for one more. Additions and changes are in force
     * after commit(). */
    int (*route_add)(struct machine *m, struct msi_message msg);
    void (*route_set)(struct machine *m, int route, struct msi_message msg);
    void (*route_del)(struct machine *m, int route);
    void (*commit)(struct machine *m);
    /* From now on a signal on eventfd `fd` sends the route's message; or no longer: when that
     * returns nothing is under way, but an unread signal may be left in fd. False: refused. */
    bool (*irqfd)(struct machine *m, int route, int fd, bool on);
};

/*
 * Move the controllers: ops NULL for all ours. Notifiers (core/notifier.h) and, by the hooks of
 * machine.on_irqchip, chips adapt. The vCPUs are parked or do not exist yet. An accelerator does
 * this in vm_init() and vm_exit(); a change of accelerator first saves the vCPUs' state, then
 * moves the controllers, then loads it.
 */
void irqchip_set(struct machine *m, const struct irqchip_ops *ops);
/* Fetch the registers of all local APICs that are the kernel's: before looking at them. */
void irqchip_fetch_all(struct machine *m);

#endif

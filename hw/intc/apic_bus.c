/* SPDX-License-Identifier: MIT */
/*
 * What connects the local APICs: message destinations, lowest-priority arbitration, interrupts
 * between processors, MSI, and the LINT wires. Intel SDM vol. 3 sections 10.6, 10.8.2, 10.11.
 */
#include "hw/intc/lapic_int.h"

#define MSI_PRIORITY 0xfff
#define MSI_SIZE 0x100000

static struct lapic *lapic_of(struct machine *m, unsigned i)
{
    return ((struct vcpu *)g_ptr_array_index(m->vcpus, i))->lapic.apic;
}

static bool matches_logical(const struct lapic *a, uint32_t dest)
{
    if (lapic_x2(a)) {
        uint32_t bit = 1u << (a->id & 15);
        return dest >> 16 == a->id >> 4 && (dest & bit);
    }
    uint8_t ldr = a->ldr >> 24;
    if (a->dfr >> 28 == 0xf) /* flat */
        return dest & ldr & 0xff;
    return (dest >> 4 & 0xf) == ldr >> 4 && (dest & ldr & 0xf);
}

static bool matches(const struct lapic *a, uint32_t dest, bool logical)
{
    if (!a || !lapic_enabled(a))
        return false;
    if (dest == APIC_DEST_ALL)
        return true;
    return logical ? matches_logical(a, dest) : a->id == dest;
}

/* The matching CPU with the lowest processor priority, in turn among equals. */
static struct lapic *arbitrate(struct machine *m, uint32_t dest, bool logical)
{
    struct lapic *best = NULL;
    unsigned n = m->vcpus->len, first = m->apic_bus ? m->apic_bus->next_lowest : 0;
    for (unsigned i = 0; i < n; i++) {
        struct lapic *a = lapic_of(m, (first + i) % n);
        if (!matches(a, dest, logical) || !lapic_software_enabled(a))
            continue;
        if (!best || lapic_ppr(a) >> 4 < lapic_ppr(best) >> 4)
            best = a;
    }
    if (best && m->apic_bus)
        m->apic_bus->next_lowest = (best->vcpu->index + 1) % n;
    return best;
}

struct msi_message apic_message(uint32_t dest, bool logical, enum apic_delivery mode,
                                uint8_t vector, bool level_triggered)
{
    return (struct msi_message){
        .addr = APIC_DEFAULT_BASE | (dest & 0xff) << MSI_DEST_SHIFT | (logical ? MSI_LOGICAL : 0),
        .data = vector | (uint32_t)mode << 8 | MSI_DATA_ASSERT |
                (level_triggered ? MSI_DATA_LEVEL : 0),
    };
}

bool apic_deliver(struct machine *m, uint32_t dest, bool logical, enum apic_delivery mode,
                  uint8_t vector, bool level_triggered, bool assert_level)
{
    bool taken = false;
    if (!assert_level)
        return false;
    if (m->irqchip)
        return m->irqchip->msi(m, apic_message(dest, logical, mode, vector, level_triggered));
    if (mode == APIC_LOWEST) {
        struct lapic *a = arbitrate(m, dest, logical);
        return a && lapic_accept(a, mode, vector, level_triggered);
    }
    for (unsigned i = 0; i < m->vcpus->len; i++) {
        struct lapic *a = lapic_of(m, i);
        if (matches(a, dest, logical))
            taken |= lapic_accept(a, mode, vector, level_triggered);
    }
    return taken;
}

static void send_to_all(struct lapic *a, enum apic_delivery mode, uint8_t vector, bool self)
{
    GPtrArray *cpus = a->dev.machine->vcpus;
    for (unsigned i = 0; i < cpus->len; i++) {
        struct vcpu *v = g_ptr_array_index(cpus, i);
        struct lapic *to = v->lapic.apic;
        if (to && (to != a || self))
            lapic_accept(to, mode, vector, false);
    }
}

void lapic_send_ipi(struct lapic *a)
{
    enum apic_delivery mode = a->icr_low >> 8 & 7;
    uint8_t vector = a->icr_low;
    uint32_t dest = lapic_x2(a) ? a->icr_high : a->icr_high >> 24;
    if (!lapic_x2(a) && dest == 0xff)
        dest = APIC_DEST_ALL;
    if (mode == APIC_INIT && (a->icr_low & ICR_LEVEL) && !(a->icr_low & ICR_ASSERT))
        return; /* INIT level de-assert: no effect since the Pentium 4 */
    if ((mode == APIC_FIXED || mode == APIC_LOWEST) && vector < 16) {
        lapic_error(a, ESR_SEND_ILLEGAL);
        return;
    }
    switch (a->icr_low >> ICR_SHORTHAND_SHIFT & 3) {
    case ICR_TO_DEST:
        apic_deliver(a->dev.machine, dest, a->icr_low & ICR_LOGICAL, mode, vector, false, true);
        break;
    case ICR_TO_SELF:
        lapic_accept(a, mode, vector, false);
        break;
    case ICR_TO_ALL:
        send_to_all(a, mode, vector, true);
        break;
    case ICR_TO_OTHERS:
        send_to_all(a, mode, vector, false);
        break;
    }
}

void apic_msi(struct machine *m, uint32_t addr, uint32_t data)
{
    uint32_t dest = addr >> MSI_DEST_SHIFT & 0xff;
    bool level = data & MSI_DATA_LEVEL;
    if (dest == 0xff)
        dest = APIC_DEST_ALL;
    apic_deliver(m, dest, addr & MSI_LOGICAL, data >> 8 & 7, data, level,
                 !level || (data & MSI_DATA_ASSERT));
}

static void msi_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct apic_bus *bus = dev;
    /* Bits 11:4 of the address are reserved; a CPU's own store is no message. */
    if (size == 4 && !(off & 0xff3) && !bus->machine->current)
        apic_msi(bus->machine, APIC_DEFAULT_BASE | off, val);
}

static const struct region_ops msi_ops = {.write = msi_write, .min = 1, .max = 4};

void apic_bus_set_lint(void *opaque, int n, int level)
{
    struct apic_bus *bus = opaque;
    bus->lint[n] = level;
    for (unsigned i = 0; i < bus->machine->vcpus->len; i++) {
        struct lapic *a = lapic_of(bus->machine, i);
        if (a)
            lapic_lint(a, n, level);
    }
}

static void moved(void *arg)
{
    struct apic_bus *bus = arg;
    for (unsigned i = 0; i < bus->machine->vcpus->len; i++) {
        struct lapic *a = lapic_of(bus->machine, i);
        if (a)
            lapic_moved(a);
    }
}

void apic_bus_init(struct apic_bus *bus, struct machine *m)
{
    bus->machine = m;
    region_init_io(&bus->msi, "msi", &msi_ops, bus, MSI_SIZE);
    region_add(&m->mem_root, APIC_DEFAULT_BASE, &bus->msi, MSI_PRIORITY);
    m->apic_bus = bus;
    machine_add_hook(m->on_irqchip, moved, bus);
}

void apic_bus_fini(struct apic_bus *bus)
{
    region_fini(&bus->msi);
    bus->machine->apic_bus = NULL;
}

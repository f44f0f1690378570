/* SPDX-License-Identifier: MIT */
/*
 * I/O APIC, 24 inputs. Intel 82093AA data sheet (290566); the EOI register (version 20h) as in
 * the ICH data sheets, "I/O APIC".
 *
 * Modelled: redirection table with all delivery and destination modes, remote IRR, masks, edge
 * and level. The polarity bit is stored; inputs are told as asserted or not. An edge that
 * comes while its entry is masked is lost, as in the 82093AA.
 */
#include "hw/intc/ioapic.h"
#include "hw/intc/ioapic_regs.h"
#include "hw/intc/lapic.h"
#include "core/machine.h"

/* Delivery modes 100b (NMI), 010b (SMI), 101b (INIT) are edges whatever the trigger bit says. */
static bool entry_is_level(uint64_t e)
{
    unsigned mode = e >> RTE_DELIVERY_SHIFT & 7;
    return (e & RTE_LEVEL) && (mode == APIC_FIXED || mode == APIC_LOWEST || mode == APIC_EXTINT);
}

static void ioapic_send(struct ioapic *s, unsigned n)
{
    uint64_t e = s->redir[n];
    uint32_t dest = e >> RTE_DEST_SHIFT;
    bool logical = e & RTE_LOGICAL;
    if (!logical && dest == 0xff)
        dest = APIC_DEST_ALL;
    bool taken = apic_deliver(s->dev.machine, dest, logical, e >> RTE_DELIVERY_SHIFT & 7,
                              e & RTE_VECTOR, entry_is_level(e), true);
    if (taken && entry_is_level(e))
        s->redir[n] |= RTE_REMOTE_IRR;
}

static struct msi_message entry_message(uint64_t e)
{
    return apic_message(e >> RTE_DEST_SHIFT, e & RTE_LOGICAL, e >> RTE_DELIVERY_SHIFT & 7,
                        e & RTE_VECTOR, entry_is_level(e));
}

/* An entry that was just masked may still wait for its EOI. */
static void tell_kernel(struct ioapic *s)
{
    struct machine *m = s->dev.machine;
    struct msi_message pin[IRQCHIP_PINS] = {0};
    uint32_t level = 0;
    for (unsigned n = 0; m->irqchip && n < IOAPIC_PINS; n++)
        if (entry_is_level(s->redir[n])) {
            pin[n] = entry_message(s->redir[n]);
            level |= 1u << n;
        }
    if (m->irqchip)
        m->irqchip->pins(m, pin, level);
}

/* Level-triggered entries: send while the line is active and nobody works on it. */
static void ioapic_update(struct ioapic *s, unsigned n)
{
    uint64_t e = s->redir[n];
    if (entry_is_level(e) && (s->lines & (1u << n)) && !(e & (RTE_MASKED | RTE_REMOTE_IRR)))
        ioapic_send(s, n);
}

void ioapic_set_irq(void *opaque, int n, int level)
{
    struct ioapic *s = opaque;
    if (n < 0 || n >= IOAPIC_PINS)
        return;
    uint32_t bit = 1u << n;
    bool rising = level && !(s->lines & bit);
    s->lines = level ? s->lines | bit : s->lines & ~bit;
    uint64_t e = s->redir[n];
    if (entry_is_level(e))
        ioapic_update(s, n);
    else if (rising && !(e & RTE_MASKED))
        ioapic_send(s, n);
}

void ioapic_eoi(void *opaque, uint8_t vector)
{
    struct ioapic *s = opaque;
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        uint64_t e = s->redir[n];
        if (entry_is_level(e) && (e & RTE_VECTOR) == vector && (e & RTE_REMOTE_IRR)) {
            s->redir[n] &= ~(uint64_t)RTE_REMOTE_IRR;
            ioapic_update(s, n);
        }
    }
}

static uint32_t window_read(struct ioapic *s)
{
    if (s->select >= IOREDTBL && s->select < IOREDTBL + 2 * IOAPIC_PINS) {
        unsigned n = (s->select - IOREDTBL) / 2;
        return s->select & 1 ? s->redir[n] >> 32 : (uint32_t)s->redir[n];
    }
    switch (s->select) {
    case IOAPICID:
    case IOAPICARB:
        return (uint32_t)s->id << 24;
    case IOAPICVER:
        return IOAPIC_VERSION | (IOAPIC_PINS - 1) << 16;
    }
    return 0;
}

static void entry_write_low(struct ioapic *s, unsigned n, uint32_t v)
{
    uint64_t e = s->redir[n];
    e = (e & ~(uint64_t)RTE_LOW_WRITABLE) | (v & RTE_LOW_WRITABLE);
    if (!entry_is_level(e)) /* switching to edge and back ends a stuck interrupt */
        e &= ~(uint64_t)RTE_REMOTE_IRR;
    s->redir[n] = e;
    tell_kernel(s);
    ioapic_update(s, n);
}

static void window_write(struct ioapic *s, uint32_t v)
{
    if (s->select >= IOREDTBL && s->select < IOREDTBL + 2 * IOAPIC_PINS) {
        unsigned n = (s->select - IOREDTBL) / 2;
        if (s->select & 1) {
            s->redir[n] = (uint32_t)s->redir[n] | (uint64_t)(v & 0xff000000) << 32;
            tell_kernel(s);
        } else {
            entry_write_low(s, n, v);
        }
    } else if (s->select == IOAPICID) {
        s->id = v >> 24 & 0x0f;
    }
}

static uint64_t ioapic_read(void *dev, uint64_t off, unsigned size)
{
    struct ioapic *s = dev;
    if (off == IOREGSEL)
        return s->select;
    if (off == IOWIN)
        return window_read(s);
    return 0;
}

static void ioapic_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct ioapic *s = dev;
    if (off == IOREGSEL)
        s->select = val;
    else if (off == IOWIN)
        window_write(s, val);
    else if (off == IOEOI)
        ioapic_eoi(s, val);
}

static const struct region_ops ioapic_ops = {
    .read = ioapic_read, .write = ioapic_write, .min = 4, .max = 4};

static void ioapic_reset(struct device *dev)
{
    struct ioapic *s = (struct ioapic *)dev;
    s->id = s->reset_id;
    s->select = 0;
    for (unsigned n = 0; n < IOAPIC_PINS; n++)
        s->redir[n] = RTE_MASKED;
    tell_kernel(s);
}

static void ioapic_loaded(struct device *dev)
{
    tell_kernel((struct ioapic *)dev);
}

static void moved(void *s)
{
    tell_kernel(s);
}

static bool ioapic_realize(struct device *dev, GError **err)
{
    struct ioapic *s = (struct ioapic *)dev;
    region_init_io(&s->mmio, "ioapic", &ioapic_ops, s, 0x1000);
    machine_add_hook(dev->machine->on_irqchip, moved, s);
    return true;
}

static void ioapic_unrealize(struct device *dev)
{
    region_fini(&((struct ioapic *)dev)->mmio);
}

void ioapic_describe(const struct ioapic *s, GString *out)
{
    static const char *const modes[8] = {"fixed", "lowest", "SMI",  "-",
                                         "NMI",   "INIT",   "-", "ExtINT"};
    g_string_append_printf(out, "ioapic: id=%u sel=%02x lines=%06x\n", s->id, s->select, s->lines);
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        uint64_t e = s->redir[n];
        g_string_append_printf(out,
                               "  pin %2u: %016" G_GINT64_MODIFIER "x vec=%02x %s %s %s dest=%02x",
                               n, (guint64)e, (unsigned)(e & RTE_VECTOR), modes[e >> 8 & 7],
                               e & RTE_LEVEL ? "level" : "edge",
                               e & RTE_LOGICAL ? "logical" : "physical",
                               (unsigned)(e >> RTE_DEST_SHIFT));
        g_string_append_printf(out, "%s%s\n", e & RTE_MASKED ? " masked" : "",
                               e & RTE_REMOTE_IRR ? " remote-irr" : "");
    }
}

static const struct prop ioapic_props[] = {
    PROP(struct ioapic, reset_id, "id", PROP_U8, "0", "APIC ID after reset"),
    {.name = NULL},
};

static const struct state_field ioapic_state[] = {
    STATE_FIELD(struct ioapic, id),
    STATE_FIELD(struct ioapic, select),
    STATE_FIELD(struct ioapic, lines),
    STATE_ARRAY(struct ioapic, redir),
    STATE_END,
};

const struct device_type ioapic_type = {
    .name = "ioapic",
    .help = "I/O APIC, 24 inputs",
    .bus = "System",
    .size = sizeof(struct ioapic),
    .props = ioapic_props,
    .state = ioapic_state,
    .state_version = 1,
    .internal = true,
    .realize = ioapic_realize,
    .reset = ioapic_reset,
    .loaded = ioapic_loaded,
    .unrealize = ioapic_unrealize,
};

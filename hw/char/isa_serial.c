/* SPDX-License-Identifier: MIT */
/* isa-serial: a 16550A at a COM port's address and interrupt. */
#include "hw/char/isa_serial.h"
#include "core/machine.h"
#include "util/error.h"

#define BY_INDEX UINT32_MAX

static const struct {
    uint16_t iobase;
    uint8_t irq;
} com[4] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

static bool index_taken(const struct machine *m, const struct isa_serial *self, uint32_t index)
{
    for (unsigned i = 0; i < m->devices->len; i++) {
        const struct isa_serial *s = g_ptr_array_index(m->devices, i);
        if (s != self && s->dev.type == &isa_serial_type && s->index == index)
            return true;
    }
    return false;
}

static bool choose_index(struct isa_serial *s, GError **err)
{
    if (s->index == BY_INDEX) {
        s->index = 0;
        while (s->index < 4 && index_taken(s->dev.machine, s, s->index))
            s->index++;
    }
    if (s->index >= 4)
        return error_set(err, "isa-serial: there are four ports, index 0 to 3");
    if (index_taken(s->dev.machine, s, s->index))
        return error_set(err, "isa-serial: index %u is in use; choose another one", s->index);
    return true;
}

static bool isa_serial_realize(struct device *dev, GError **err)
{
    struct isa_serial *s = (struct isa_serial *)dev;
    if (!choose_index(s, err))
        return false;
    if (s->iobase == BY_INDEX)
        s->iobase = com[s->index].iobase;
    if (s->irq == BY_INDEX)
        s->irq = com[s->index].irq;
    if (s->iobase > 0xfff8)
        return error_set(err, "isa-serial: iobase 0x%x is not an I/O port", s->iobase);
    if (s->irq > 15)
        return error_set(err, "isa-serial: irq %u is not one of 0 to 15", s->irq);
    s->uart.irq = dev->machine->isa_irq[s->irq];
    s->uart.chr = s->chr;
    if (!serial_init(&s->uart, dev->machine, "serial", err))
        return false;
    region_add(&dev->machine->io_root, s->iobase, &s->uart.io, 0);
    return true;
}

static void isa_serial_reset(struct device *dev)
{
    serial_reset(&((struct isa_serial *)dev)->uart);
}

static void isa_serial_loaded(struct device *dev)
{
    serial_loaded(&((struct isa_serial *)dev)->uart);
}

static void isa_serial_unrealize(struct device *dev)
{
    serial_fini(&((struct isa_serial *)dev)->uart);
}

static const struct prop isa_serial_props[] = {
    PROP(struct isa_serial, index, "index", PROP_U32, "0xffffffff",
         "0-3: COM1-COM4; default: the next free"),
    PROP(struct isa_serial, iobase, "iobase", PROP_U32, "0xffffffff",
         "first port; default: by index"),
    PROP(struct isa_serial, irq, "irq", PROP_U32, "0xffffffff", "ISA interrupt; default: by index"),
    PROP(struct isa_serial, chr, "chardev", PROP_CHARDEV, NULL, "what is at the other end"),
    {.name = NULL},
};

static const struct state_field isa_serial_state[] = {
    SERIAL_STATE(struct isa_serial, uart), STATE_END};

const struct device_type isa_serial_type = {
    .name = "isa-serial",
    .help = "16550A serial port",
    .bus = "ISA",
    .size = sizeof(struct isa_serial),
    .props = isa_serial_props,
    .state = isa_serial_state,
    .state_version = 1,
    .realize = isa_serial_realize,
    .reset = isa_serial_reset,
    .loaded = isa_serial_loaded,
    .unrealize = isa_serial_unrealize,
};

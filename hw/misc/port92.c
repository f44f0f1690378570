/* SPDX-License-Identifier: MIT */
/*
 * System control port A, 92h (PS/2, PIIX data sheets): bit 1 drives A20 (or'ed with the
 * keyboard controller's output in hardware; here the last writer decides), bit 0 going from 0
 * to 1 resets the CPU.
 */
#include "hw/misc/port92.h"
#include "core/machine.h"

enum { FAST_INIT = 1, ALT_A20 = 2 };

static uint64_t port92_read(void *dev, uint64_t off, unsigned size)
{
    struct port92 *s = dev;
    return (s->value & ~ALT_A20) | (s->dev.machine->a20 ? ALT_A20 : 0);
}

static void port92_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct port92 *s = dev;
    uint8_t old = s->value;
    s->value = val;
    machine_set_a20(s->dev.machine, val & ALT_A20);
    if ((val & FAST_INIT) && !(old & FAST_INIT))
        machine_request_reset(s->dev.machine, CAUSE_GUEST_RESET);
}

static const struct region_ops port92_ops = {
    .read = port92_read, .write = port92_write, .min = 1, .max = 1};

static void port92_reset(struct device *dev)
{
    struct port92 *s = (struct port92 *)dev;
    s->value = 0;
}

static bool port92_realize(struct device *dev, GError **err)
{
    struct port92 *s = (struct port92 *)dev;
    region_init_io(&s->io, "port92", &port92_ops, s, 1);
    return true;
}

static void port92_unrealize(struct device *dev)
{
    region_fini(&((struct port92 *)dev)->io);
}

static const struct state_field port92_state[] = {STATE_FIELD(struct port92, value), STATE_END};

const struct device_type port92_type = {
    .name = "port92",
    .help = "fast A20 gate and reset",
    .bus = "ISA",
    .size = sizeof(struct port92),
    .state = port92_state,
    .state_version = 1,
    .internal = true,
    .realize = port92_realize,
    .reset = port92_reset,
    .unrealize = port92_unrealize,
};

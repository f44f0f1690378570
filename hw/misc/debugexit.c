/* SPDX-License-Identifier: MIT */
/*
 * isa-debug-exit: how a test in the guest ends the emulator with a status. A write of v ends
 * the process with (v << 1) | 1, so that 0 (the normal end) cannot be had.
 */
#include "hw/misc/debugexit.h"
#include "core/machine.h"
#include "util/error.h"

static uint64_t debugexit_read(void *dev, uint64_t off, unsigned size)
{
    return 0;
}

static void debugexit_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct debugexit *s = dev;
    machine_request_exit(s->dev.machine, (int)((uint32_t)val << 1 | 1), CAUSE_GUEST_SHUTDOWN);
}

static const struct region_ops debugexit_ops = {
    .read = debugexit_read, .write = debugexit_write, .min = 1, .max = 4};

static bool debugexit_realize(struct device *dev, GError **err)
{
    struct debugexit *s = (struct debugexit *)dev;
    if (!s->iosize || s->iosize > 0x10000 || s->iobase > 0x10000 - s->iosize)
        return error_set(err, "isa-debug-exit: iobase 0x%x, iosize 0x%x do not lie in the 64 KiB "
                              "of ports", s->iobase, s->iosize);
    region_init_io(&s->io, "debug-exit", &debugexit_ops, s, s->iosize);
    region_add(&dev->machine->io_root, s->iobase, &s->io, 0);
    return true;
}

static void debugexit_unrealize(struct device *dev)
{
    region_fini(&((struct debugexit *)dev)->io);
}

static const struct prop debugexit_props[] = {
    PROP(struct debugexit, iobase, "iobase", PROP_U32, "0x501", "first port"),
    PROP(struct debugexit, iosize, "iosize", PROP_U32, "2", "number of ports"),
    {.name = NULL},
};

const struct device_type debugexit_type = {
    .name = "isa-debug-exit",
    .help = "ends the process with a status from the guest",
    .bus = "ISA",
    .size = sizeof(struct debugexit),
    .props = debugexit_props,
    .realize = debugexit_realize,
    .unrealize = debugexit_unrealize,
};

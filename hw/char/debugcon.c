/* SPDX-License-Identifier: MIT */
/*
 * isa-debugcon: the "port E9 hack" of PC emulators. A byte written goes to the stream; a read
 * gives e9h, by which software finds it. What the stream has no room for is lost.
 */
#include "hw/char/debugcon.h"
#include "chardev/chardev.h"
#include "core/machine.h"
#include "util/error.h"

static uint64_t debugcon_read(void *dev, uint64_t off, unsigned size)
{
    return ((struct debugcon *)dev)->readback;
}

static void debugcon_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct debugcon *s = dev;
    uint8_t byte = val;
    if (s->chr)
        chr_write(s->chr, &byte, 1);
}

static const struct region_ops debugcon_ops = {
    .read = debugcon_read, .write = debugcon_write, .min = 1, .max = 1};

static size_t no_room(void *arg)
{
    return 0;
}

static void no_receive(void *arg, const uint8_t *buf, size_t len)
{
}

static bool debugcon_realize(struct device *dev, GError **err)
{
    struct debugcon *s = (struct debugcon *)dev;
    const struct chr_frontend fe = {.can_receive = no_room, .receive = no_receive, .arg = s};
    if (s->iobase > 0xffff)
        return error_set(err, "isa-debugcon: iobase 0x%x is not an I/O port", s->iobase);
    if (s->chr && !chr_attach(s->chr, &fe, err))
        return false;
    region_init_io(&s->io, "debugcon", &debugcon_ops, s, 1);
    region_add(&dev->machine->io_root, s->iobase, &s->io, 0);
    return true;
}

static void debugcon_unrealize(struct device *dev)
{
    struct debugcon *s = (struct debugcon *)dev;
    if (s->chr)
        chr_detach(s->chr, s);
    region_fini(&s->io);
}

static const struct prop debugcon_props[] = {
    PROP(struct debugcon, iobase, "iobase", PROP_U32, "0xe9", "the port"),
    PROP(struct debugcon, readback, "readback", PROP_U32, "0xe9", "what a read gives"),
    PROP(struct debugcon, chr, "chardev", PROP_CHARDEV, NULL, "where the bytes go"),
    {.name = NULL},
};

const struct device_type debugcon_type = {
    .name = "isa-debugcon",
    .help = "debug console at one port",
    .bus = "ISA",
    .size = sizeof(struct debugcon),
    .props = debugcon_props,
    .realize = debugcon_realize,
    .unrealize = debugcon_unrealize,
};

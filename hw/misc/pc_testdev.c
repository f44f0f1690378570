/* SPDX-License-Identifier: MIT */
/*
 * pc-testdev: the device of kvm-unit-tests (their x86 tests are its only document).
 *
 *   e0h-e3h     a 32-bit latch, accesses of 1, 2, 4 bytes
 *   e4h         write of a guest-physical address: its page must be fetched anew (here a no-op:
 *               nothing keeps translations of host pages)
 *   e8h-ebh     the same latch, always accessed in bytes
 *   2000h-2017h a byte written sets the level of interrupt line 0-23
 *   ff000000h   64 KiB of I/O memory
 *
 * A guest that maps ff000000h sees 64 KiB of memory whose accesses all leave the CPU.
 */
#include "hw/misc/pc_testdev.h"
#include "core/machine.h"

#include <string.h>

static uint64_t latch_read(void *dev, uint64_t off, unsigned size)
{
    struct pc_testdev *s = dev;
    return s->value >> (off & 3) * 8;
}

static void latch_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct pc_testdev *s = dev;
    unsigned shift = (off & 3) * 8;
    uint32_t mask = (uint32_t)(size >= 4 ? UINT32_MAX : (1u << size * 8) - 1) << shift;
    s->value = (s->value & ~mask) | ((uint32_t)(val << shift) & mask);
}

static void flush_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
}

static void irq_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct pc_testdev *s = dev;
    const struct machine *m = s->dev.machine;
    irq_set(off < 16 ? m->isa_irq[off] : m->gsi[off], val != 0);
}

static uint64_t mem_read(void *dev, uint64_t off, unsigned size)
{
    struct pc_testdev *s = dev;
    uint64_t v = 0;
    memcpy(&v, &s->mem[off], size);
    return v;
}

static void mem_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct pc_testdev *s = dev;
    memcpy(&s->mem[off], &val, size);
}

static const struct region_ops latch_ops = {
    .read = latch_read, .write = latch_write, .min = 1, .max = 4};
static const struct region_ops byte_ops = {
    .read = latch_read, .write = latch_write, .min = 1, .max = 1};
static const struct region_ops flush_ops = {.write = flush_write, .min = 4, .max = 4};
static const struct region_ops irq_ops = {.write = irq_write, .min = 1, .max = 1};
static const struct region_ops mem_ops = {.read = mem_read, .write = mem_write, .min = 1, .max = 8};

static bool testdev_realize(struct device *dev, GError **err)
{
    struct pc_testdev *s = (struct pc_testdev *)dev;
    struct machine *m = dev->machine;
    region_init_io(&s->ioport, "testdev-latch", &latch_ops, s, 4);
    region_init_io(&s->flush, "testdev-flush", &flush_ops, s, 4);
    region_init_io(&s->ioport_byte, "testdev-latch-byte", &byte_ops, s, 4);
    region_init_io(&s->irq, "testdev-irq", &irq_ops, s, 24);
    region_init_io(&s->iomem, "testdev-memory", &mem_ops, s, sizeof(s->mem));
    region_add(&m->io_root, 0xe0, &s->ioport, 0);
    region_add(&m->io_root, 0xe4, &s->flush, 0);
    region_add(&m->io_root, 0xe8, &s->ioport_byte, -1); /* below a debug console at e9h */
    region_add(&m->io_root, 0x2000, &s->irq, 0);
    region_add(&m->mem_root, 0xff000000, &s->iomem, 0);
    return true;
}

static void testdev_reset(struct device *dev)
{
    struct pc_testdev *s = (struct pc_testdev *)dev;
    s->value = 0;
    memset(s->mem, 0, sizeof(s->mem));
}

static void testdev_unrealize(struct device *dev)
{
    struct pc_testdev *s = (struct pc_testdev *)dev;
    region_fini(&s->ioport);
    region_fini(&s->flush);
    region_fini(&s->ioport_byte);
    region_fini(&s->irq);
    region_fini(&s->iomem);
}

static const struct state_field testdev_state[] = {
    STATE_FIELD(struct pc_testdev, value), STATE_BUFFER(struct pc_testdev, mem), STATE_END};

const struct device_type pc_testdev_type = {
    .name = "pc-testdev",
    .help = "device of the kvm-unit-tests",
    .bus = "ISA",
    .size = sizeof(struct pc_testdev),
    .state = testdev_state,
    .state_version = 1,
    .realize = testdev_realize,
    .reset = testdev_reset,
    .unrealize = testdev_unrealize,
};

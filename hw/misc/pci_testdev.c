/* SPDX-License-Identifier: MIT */
/*
 * pci-testdev, a PCI function for test suites (1b36:0005). Follows QEMU's document "QEMU PCI
 * test device".
 *
 * BAR 0 is memory (4 KiB), BAR 1 is I/O (256 ports), BAR 2, on request, a 64-bit memory BAR of
 * any size with nothing behind it. BARs 0 and 1 begin with
 *
 *   0  test    write: select a test and clear the count
 *   1  width   of the access that counts: 1, 2 or 4; 0: there is no such test
 *   4  offset  where it has to go
 *   8  data    what it has to write, first byte
 *   12 count   accesses seen
 *   16 name    text
 *
 * and tests 0 to 2 on each: 0 and 1 count any write of that width at the offset, 2 only writes of
 * the data. (The names speak of eventfds because a host kernel may do the counting in tests 1 and
 * 2; here the device always does, which software cannot tell apart.)
 */
#include "hw/misc/pci_testdev.h"

#include <stdio.h>
#include <string.h>

#include "util/error.h"

enum { TEST_REG = 0, WIDTH_REG = 1, OFFSET_REG = 4, DATA_REG = 8, COUNT_REG = 12, NAME_REG = 16,
       TARGET = 0x80, MEM_SIZE = 0x1000, IO_SIZE = 0x100, DATA_MATCH = 0xfa, NTESTS = 3 };

static const char *const test_name[NTESTS] = {"no-eventfd", "wildcard-eventfd",
                                              "datamatch-eventfd"};

static bool selected(const struct pci_testdev_bar *b)
{
    return b->test < NTESTS;
}

/* The header as bytes; the reads below take from it what they want. */
static void header(const struct pci_testdev_bar *b, uint8_t out[TARGET])
{
    memset(out, 0, TARGET);
    out[TEST_REG] = b->test;
    if (!selected(b))
        return;
    out[WIDTH_REG] = 1;
    pci_put32(out + OFFSET_REG, TARGET);
    out[DATA_REG] = DATA_MATCH;
    pci_put32(out + COUNT_REG, b->count);
    snprintf((char *)out + NAME_REG, TARGET - NAME_REG, "%s-%s", b->io ? "portio" : "mmio",
             test_name[b->test]);
}

static uint64_t testdev_read(void *dev, uint64_t off, unsigned size)
{
    uint8_t h[TARGET];
    uint64_t v = 0;

    header(dev, h);
    for (unsigned i = 0; i < size; i++)
        if (off + i < TARGET)
            v |= (uint64_t)h[off + i] << (8 * i);
    return v;
}

static void testdev_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct pci_testdev_bar *b = dev;

    if (off == TEST_REG) {
        b->test = (uint8_t)val;
        b->count = 0;
    } else if (off == TARGET && size == 1 && selected(b)) {
        b->count += b->test < 2 || (uint8_t)val == DATA_MATCH;
    }
}

static const struct region_ops testdev_ops = {testdev_read, testdev_write, 1, 4};
static const struct region_ops nothing_ops = {NULL, NULL, 1, 8};

static bool testdev_realize(struct pci_device *d, GError **err)
{
    struct pci_testdev *t = (struct pci_testdev *)d;

    if (t->membar & (t->membar - 1) || (t->membar && t->membar < 16))
        return error_set(err, "membar must be a power of two, 16 or more");
    t->bar[0] = (struct pci_testdev_bar){.dev = t};
    t->bar[1] = (struct pci_testdev_bar){.dev = t, .io = true};
    region_init_io(&t->mem, "pci-testdev-mmio", &testdev_ops, &t->bar[0], MEM_SIZE);
    region_init_io(&t->io, "pci-testdev-portio", &testdev_ops, &t->bar[1], IO_SIZE);
    pci_add_bar(d, 0, PCI_BAR_MEM32, &t->mem);
    pci_add_bar(d, 1, PCI_BAR_IO, &t->io);
    if (t->membar) {
        region_init_io(&t->big, "pci-testdev-membar", &nothing_ops, t, t->membar);
        pci_add_bar(d, 2, PCI_BAR_MEM64_PREFETCH, &t->big);
    }
    return true;
}

static void testdev_unrealize(struct pci_device *d)
{
    struct pci_testdev *t = (struct pci_testdev *)d;

    region_fini(&t->mem);
    region_fini(&t->io);
    if (t->membar)
        region_fini(&t->big);
}

static void testdev_reset(struct pci_device *d)
{
    struct pci_testdev *t = (struct pci_testdev *)d;

    for (unsigned i = 0; i < 2; i++) {
        t->bar[i].test = 0xff;
        t->bar[i].count = 0;
    }
}

static const struct prop testdev_props[] = {
    PCI_PROPS(struct pci_testdev, pci),
    PROP(struct pci_testdev, membar, "membar", PROP_SIZE, "0", "size of the 64-bit memory BAR 2"),
    {0}};
static const struct state_field testdev_state[] = {
    PCI_STATE(struct pci_testdev, pci), STATE_FIELD(struct pci_testdev, bar[0].test),
    STATE_FIELD(struct pci_testdev, bar[0].count), STATE_FIELD(struct pci_testdev, bar[1].test),
    STATE_FIELD(struct pci_testdev, bar[1].count), STATE_END};

const struct pci_device_type pci_testdev_type = {
    .dev = {.name = "pci-testdev", .help = "PCI function for test suites",
            .size = sizeof(struct pci_testdev), .props = testdev_props, .state = testdev_state,
            PCI_TYPE_CALLS},
    .vendor = 0x1b36,
    .device = 0x0005,
    .class_code = 0x00ff00,
    .realize = testdev_realize,
    .unrealize = testdev_unrealize,
    .reset = testdev_reset,
};

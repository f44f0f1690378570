/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: whatever a guest does on the bus of a PC, no device crashes, hangs or leaks. The
 * input is a list of steps, each a byte and its arguments:
 *
 *   bits 0-2  0 port write  port16 value    4 time goes on   units16 (256 ns)
 *             1 port read   port16          5 configuration cycle  devfn8 register8 value
 *             2 memory write  place8 off16 value   6 bytes arrive at a UART  count8
 *             3 memory read   place8 off16         7 reset, the main loop's requests
 *   bits 3-4  log2 of the width; values have that many bytes
 */
#include <stdlib.h>

#include "hw/pci/pci.h"
#include "tests/device/board_bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_TIME 100000000 /* ns of one input */

struct input {
    const uint8_t *p, *end;
};

static uint64_t take(struct input *in, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes && in->p < in->end; i++)
        v |= (uint64_t)*in->p++ << (8 * i);
    return v;
}

/* Where chips and BARs are; anything above RAM too. */
static uint64_t memory_place(uint8_t n, uint16_t off)
{
    static const uint64_t base[] = {0xfec00000, 0xfed00000, 0xfee00000, 0xe0000000, 0xc0000000,
                                    0xa0000,    0xc0000,    0xf0000,    0x7000,     0xffff0000};
    return base[n % G_N_ELEMENTS(base)] + off;
}

static void uart_input(struct machine *m, unsigned count)
{
    struct chardev *chr = chardev_find(m, "chr-isa-serial");
    uint8_t buf[256];
    memset(buf, 'x', sizeof(buf));
    if (chr)
        chardev_memory_send(chr, buf, count);
}

static void step(struct machine *m, struct input *in, int64_t *time_left)
{
    uint8_t op = (uint8_t)take(in, 1);
    unsigned width = 1u << (op >> 3 & 3);
    uint64_t addr;
    int64_t ns;
    switch (op & 7) {
    case 0:
        addr = take(in, 2);
        as_io_write(&m->io, addr, take(in, width), MIN(width, 4));
        break;
    case 1:
        as_io_read(&m->io, take(in, 2), MIN(width, 4));
        break;
    case 2:
        addr = take(in, 1);
        addr = memory_place((uint8_t)addr, (uint16_t)take(in, 2));
        as_io_write(&m->mem, addr, take(in, width), width);
        break;
    case 3:
        addr = take(in, 1);
        as_io_read(&m->mem, memory_place((uint8_t)addr, (uint16_t)take(in, 2)), width);
        break;
    case 4:
        ns = (int64_t)take(in, 2) * 256;
        ns = MIN(ns, *time_left);
        *time_left -= ns;
        board_bench_step(m, ns);
        break;
    case 5:
        addr = take(in, 2);
        if (op & 0x80)
            pci_bus_config_read(m->pci, 0, addr & 0xff, addr >> 8 & ~3u, 4);
        else
            pci_bus_config_write(m->pci, 0, addr & 0xff, addr >> 8 & ~3u, (uint32_t)take(in, 4), 4);
        break;
    case 6:
        uart_input(m, (unsigned)take(in, 1));
        break;
    default:
        if (op & 0x80)
            machine_reset(m);
        else
            machine_iterate(m, false);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    int64_t time_left = MAX_TIME;
    struct machine *m = board_bench_new();
    while (in.p < in.end)
        step(m, &in, &time_left);
    board_bench_free(m);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: a hostile driver of e1000 and virtio-net, and frames of any kind for them. Both cards
 * are on the buses of a PC with a hub between them, so that what one sends the other may receive,
 * checksums and segments finished on the way. The input is a list of steps, a byte and arguments:
 *
 *   0 write a register      card8 offset16 value32
 *   1 write guest memory    page8 offset16 length8 bytes
 *   2 read a register       card8 offset16
 *   3 time goes on
 *   4 a frame arrives       length16 bytes
 *   5 configuration cycle   card8 register8 value32
 */
#include <stdlib.h>
#include <string.h>

#include "hw/net/e1000.h"
#include "net/netdev.h"
#include "tests/device/board_bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CARDS = 2, MMIO = 0xe0000000u, STRIDE = 0x100000, MAX_STEPS = 2000 };

struct input {
    const uint8_t *p, *end;
};

static uint32_t take(struct input *in, unsigned bytes)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < bytes && in->p < in->end; i++)
        v |= (uint32_t)*in->p++ << (8 * i);
    return v;
}

/* As firmware would: BARs in a row, memory and bus mastering on. */
static void place(struct machine *m, struct pci_device *d, unsigned n)
{
    for (unsigned bar = 0; bar < PCI_NBARS; bar++)
        if (d->bar[bar].region && d->bar[bar].kind != PCI_BAR_IO)
            pci_bus_config_write(m->pci, 0, d->devfn, PCI_BAR0 + 4 * bar,
                                 MMIO + n * STRIDE + bar * 0x20000, 4);
    pci_bus_config_write(m->pci, 0, d->devfn, PCI_COMMAND, PCI_CMD_MEM | PCI_CMD_MASTER, 2);
}

static struct pci_device *card(struct machine *m, const char *id)
{
    return to_pci(device_find(m, id));
}

static void memory(struct machine *m, struct input *in)
{
    uint64_t at = (uint64_t)take(in, 1) << 12;
    uint8_t buf[256];
    unsigned n;

    at += take(in, 2) & 0xfff;
    n = take(in, 1);
    for (unsigned i = 0; i < n; i++)
        buf[i] = (uint8_t)take(in, 1);
    as_write(&m->mem, at, buf, n);
}

static void arrival(struct net_client *from, struct input *in)
{
    uint8_t buf[2048] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
    unsigned len = take(in, 2) % sizeof(buf);

    for (unsigned i = 0; i < len && i < 64; i++)
        buf[i] = (uint8_t)take(in, 1);
    net_post_buffer(from, buf, len, false);
}

static void step(struct machine *m, struct pci_device *const *cards, struct net_client *port,
                 struct input *in)
{
    unsigned op = take(in, 1) % 6, n = op == 1 || op == 3 || op == 4 ? 0 : take(in, 1) % CARDS;
    uint64_t at = MMIO + n * STRIDE;

    switch (op) {
    case 0:
        at += take(in, 2) * 4ull;
        as_io_write(&m->mem, at, take(in, 4), 4);
        break;
    case 1:
        memory(m, in);
        break;
    case 2:
        as_io_read(&m->mem, at + take(in, 2) * 4ull, 4);
        break;
    case 3:
        board_bench_step(m, 20000);
        machine_iterate(m, false);
        break;
    case 4:
        arrival(port, in);
        break;
    default:
        at = take(in, 1) & ~3u;
        pci_bus_config_write(m->pci, 0, cards[n]->devfn, (unsigned)at, take(in, 4), 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    struct machine *m = board_bench_new();
    struct pci_device *cards[CARDS];
    GError *err = NULL;

    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *id = g_strdup_printf("p%u", i);
        net_hub_add_port(m, 9, id);
    }
    device_add_from_text(m, "e1000,id=fuzz0,netdev=p0,romfile=", &err);
    g_assert_no_error(err);
    device_add_from_text(m, "virtio-net-pci,id=fuzz1,netdev=p1,romfile=", &err);
    g_assert_no_error(err);
    for (unsigned i = 0; i < CARDS; i++) {
        cards[i] = card(m, i ? "fuzz1" : "fuzz0");
        device_reset(&cards[i]->dev);
        place(m, cards[i], i);
    }
    for (unsigned n = 0; n < MAX_STEPS && in.p < in.end; n++)
        step(m, cards, net_find(m, "p2"), &in);
    board_bench_free(m);
    return 0;
}

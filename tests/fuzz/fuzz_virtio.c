/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: whatever a driver puts into the rings and registers of a virtio device, it does not
 * crash, hang, leak or write outside the guest's memory. The first byte chooses the device and
 * (bit 7) packed rings; then steps, a byte and arguments:
 *
 *   0 common configuration   off8 value32       4 ring            queue8
 *   1 device configuration   off8 value32       5 bytes to memory off16 count8 bytes
 *   2 descriptor  queue4 slot4 place8 len16 flags8 next8   6 time, the main loop
 *   3 make a descriptor available  queue4 id4   7 reset, and set up again
 */
#include <stdlib.h>
#include <unistd.h>

#include "backend/types.h"
#include "block/drive.h"
#include "chardev/chardev.h"
#include "hw/types.h"
#include "tests/device/virtio_drv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUES = 8, SIZE = 8, MAX_STEPS = 400 };

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

/* ---- Devices ---------------------------------------------------------------------------- */

static struct device *make(struct machine *m, const char *name, const char *props)
{
    const struct device_type *t = device_type_lookup(name, NULL);
    struct device *dev = device_new(m, t);
    g_auto(GStrv) list = g_strsplit(props, ",", -1);

    for (unsigned i = 0; list[i] && *list[i]; i++) {
        char *eq = strchr(list[i], '=');
        *eq = 0;
        if (!device_set(dev, list[i], eq + 1, NULL))
            abort();
    }
    return dev;
}

static void add_disk(struct machine *m)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("hostel-fuzz-XXXXXX", &path, NULL);
    g_autofree char *text = g_strdup_printf("if=none,id=x,format=raw,discard=unmap,file=%s", path);

    if (fd < 0 || ftruncate(fd, 1 << 20) || !drive_add(m, text, false, NULL))
        abort();
    unlink(path);
    close(fd);
}

/* A folder with a few things in it, the same for all runs of the process. */
static void add_folder(struct machine *m)
{
    static const char *const names[] = {"a", "b", "c"};
    g_autofree char *path = g_dir_make_tmp("hostel-fuzz-XXXXXX", NULL);
    g_autofree char *text = g_strdup_printf("fsdev-local,id=x,path=%s", path);

    if (!object_add_from_text(m, text, NULL))
        abort();
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *file = g_build_filename(path, names[i], NULL);
        if (!g_file_set_contents(file, "text", 4, NULL))
            abort();
    }
    /* Open as the shared folder is, it need not have a name. */
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *file = g_build_filename(path, names[i], NULL);
        unlink(file);
    }
    rmdir(path);
}

static void add_ports(struct machine *m)
{
    static const char *const ports[] = {"virtconsole", "virtserialport"};

    for (unsigned i = 0; i < G_N_ELEMENTS(ports); i++) {
        g_autofree char *props = g_strdup_printf("chardev=c%u,name=n", i);
        g_autofree char *id = g_strdup_printf("c%u", i);
        chardev_memory_new(m, id);
        struct device *dev = make(m, ports[i], props);
        if (!device_realize(dev, NULL))
            abort();
    }
}

static const struct {
    const char *name, *props;
    void (*before)(struct machine *m), (*after)(struct machine *m);
} devices[] = {
    {"virtio-rng-pci", "max-bytes=4096,period=1", NULL, NULL},
    {"virtio-blk-pci", "drive=x,serial=s", add_disk, NULL},
    {"virtio-serial-pci", "", NULL, add_ports},
    {"virtio-9p-pci", "fsdev=x,mount_tag=t", add_folder, NULL},
};

/* ---- Steps ------------------------------------------------------------------------------ */

static struct drv_queue queue[QUEUES];

static void set_up(struct drv *d)
{
    drv_negotiate(d, drv_offered(d));
    for (unsigned i = 0; i < QUEUES && i < d->v->nqueues; i++) {
        drv_queue(d, &queue[i], i, SIZE);
        queue[i].desc &= 0xfffff;
    }
    drv_ok(d);
}

static uint64_t place(unsigned n)
{
    static const uint64_t odd[] = {DRV_RINGS, DRV_BAR, DRV_BAR + 0x3000, 0xffffffffffffff00,
                                   0x100000 - 8, 0xa0000000, DRV_TABLE, DRV_MSIX};

    return n < 0xf0 ? DRV_BUFFERS + n * 0x200u : odd[n & 7];
}

static void describe(struct drv *d, struct input *in)
{
    struct drv_queue *q = &queue[take(in, 1) % QUEUES];
    unsigned slot = (unsigned)take(in, 1);
    uint64_t addr = place((unsigned)take(in, 1));
    uint32_t len = (uint32_t)take(in, 2);
    unsigned flags = (unsigned)take(in, 1), next = (unsigned)take(in, 1);

    if (len > 0xfff0)
        len = 0xffffffff - (0xffff - len);
    uint64_t table = slot & 0x80 ? DRV_TABLE + (slot & 31) * 16 : q->desc + slot % SIZE * 16;
    if (!q->d)
        return;
    if (q->packed)
        put_desc(d, table, addr, len, (uint16_t)next, (uint16_t)(flags | (flags & 0x40) << 9));
    else
        put_desc(d, table, addr, len, flags & 7, (uint16_t)next);
}

static void make_available(struct drv *d, struct input *in)
{
    unsigned n = (unsigned)take(in, 1);
    struct drv_queue *q = &queue[n & 7];

    if (!q->d || q->packed)
        return;
    as_st16(&d->m->mem, q->driver + 4 + q->avail % SIZE * 2u, (uint16_t)(n >> 4));
    as_st16(&d->m->mem, q->driver + 2, ++q->avail);
}

static void step(struct drv *d, struct input *in)
{
    unsigned op = (unsigned)take(in, 1), off;

    switch (op & 7) {
    case 0:
        off = (unsigned)take(in, 1) & 0x3f;
        drv_w(d, off, take(in, 4), 1u << (op >> 3 & 3) % 3);
        break;
    case 1:
        off = (unsigned)take(in, 1);
        drv_w(d, 0x2000 + off, take(in, 4), 1u << (op >> 3 & 3) % 3);
        break;
    case 2:
        describe(d, in);
        break;
    case 3:
        make_available(d, in);
        break;
    case 4:
        drv_w(d, 0x3000 + (op >> 3) * 4, 0, 2);
        break;
    case 5:
        off = (unsigned)take(in, 2);
        for (unsigned n = (unsigned)take(in, 1); n; n--)
            d->m->ram->host[DRV_BUFFERS + off++] = (uint8_t)take(in, 1);
        break;
    case 6:
        clock_step(&d->m->vclock, 1000000);
        machine_iterate(d->m, false);
        break;
    default:
        set_up(d);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    unsigned first = (unsigned)take(&in, 1), n = (first & 0x7f) % G_N_ELEMENTS(devices);
    struct drv d;

    drv_board(&d);
    d.m->object_types = object_types;
    memset(queue, 0, sizeof(queue));
    if (devices[n].before)
        devices[n].before(d.m);
    struct device *dev = make(d.m, devices[n].name, devices[n].props);
    device_set(dev, "packed", first & 0x80 ? "on" : "off", NULL);
    drv_plug(&d, dev);
    if (devices[n].after)
        devices[n].after(d.m);
    set_up(&d);
    for (unsigned i = 0; in.p < in.end && i < MAX_STEPS; i++)
        step(&d, &in);
    drv_free(&d);
    return 0;
}

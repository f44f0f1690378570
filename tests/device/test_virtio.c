/* SPDX-License-Identifier: MIT */
/*
 * Virtio's core through its registers and rings, by a driver in the test: features and status
 * (VIRTIO 1.2, 2.1, 3.1), both ring formats (2.7, 2.8), indirect descriptors, event indices,
 * interrupts, broken chains, resets, the window of VIRTIO_PCI_CAP_PCI_CFG, and disks: requests,
 * and state saved in the middle of them.
 */
#include <unistd.h>

#include "block/drive.h"
#include "hw/virtio/blk.h"
#include "hw/virtio/blk_regs.h"
#include "hw/virtio/rng.h"
#include "tests/device/virtio_drv.h"

static struct drv d;

static void rng_board(bool packed, uint64_t without)
{
    struct device *dev;

    drv_board(&d);
    dev = device_new(d.m, &virtio_rng_type.pci.dev);
    ck_assert(device_set(dev, "packed", packed ? "on" : "off", NULL));
    drv_plug(&d, dev);
    ck_assert_uint_eq(drv_negotiate(&d, drv_offered(&d) & ~without), 11);
}

static unsigned nonzero(uint64_t addr, unsigned len)
{
    unsigned n = 0;

    for (unsigned i = 0; i < len; i++)
        n += d.m->ram->host[addr + i] != 0;
    return n;
}

/* ---- Rings ---------------------------------------------------------------------------------- */

/* Many times around the ring, chains of one to three descriptors. */
static void go_around(bool packed, uint64_t without)
{
    struct drv_queue q;
    uint32_t id, len;

    rng_board(packed, without);
    drv_queue(&d, &q, 0, 8);
    drv_ok(&d);
    for (unsigned i = 0; i < 100; i++) {
        unsigned n = 1 + i % 3;
        struct drv_buf b[3];
        for (unsigned k = 0; k < n; k++)
            b[k] = (struct drv_buf){DRV_BUFFERS + k * 0x1000u, 64, true};
        memset(d.m->ram->host + DRV_BUFFERS, 0, 0x4000);
        drv_add(&q, b, n, (uint16_t)(i % 8));
        drv_kick(&q);
        ck_assert(drv_used(&q, n, &id, &len));
        ck_assert_uint_eq(id, i % 8);
        ck_assert_uint_eq(len, 64 * n);
        ck_assert_uint_gt(nonzero(DRV_BUFFERS + (n - 1) * 0x1000, 64), 32);
        ck_assert_uint_eq(nonzero(DRV_BUFFERS + 64, 0x1000 - 64), 0);
        ck_assert(!drv_used(&q, 1, &id, &len));
    }
    ck_assert_uint_eq(drv_status(&d), 15);
    ck_assert_uint_gt(d.msi.count[1], 0);
    check_save_load(&d.v->pci.dev);
    drv_free(&d);
}

START_TEST(split)
{
    go_around(false, 0);
}
END_TEST

START_TEST(split_without_event_index)
{
    go_around(false, VIRTIO_F_EVENT_IDX);
}
END_TEST

START_TEST(packed)
{
    go_around(true, 0);
}
END_TEST

START_TEST(packed_without_event_index)
{
    go_around(true, VIRTIO_F_EVENT_IDX);
}
END_TEST

/* The device interrupts when the driver's index is passed, not before (2.7.10). */
START_TEST(event_index)
{
    struct drv_buf b = {DRV_BUFFERS, 16, true};
    struct drv_queue q;

    rng_board(false, 0);
    drv_queue(&d, &q, 0, 8);
    drv_ok(&d);
    as_st16(&d.m->mem, q.driver + 4 + 2 * 8, 2); /* used_event: the third */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(d.msi.count[1], 0);
        drv_add(&q, &b, 1, (uint16_t)i);
        drv_kick(&q);
        ck_assert_uint_eq(as_ld16(&d.m->mem, q.device + 4 + 8 * 8), i + 1); /* avail_event */
    }
    ck_assert_uint_eq(d.msi.count[1], 1);
    drv_add(&q, &b, 1, 3);
    drv_kick(&q);
    ck_assert_uint_eq(d.msi.count[1], 1);
    drv_free(&d);
}
END_TEST

START_TEST(no_interrupt_flag)
{
    struct drv_buf b = {DRV_BUFFERS, 16, true};
    struct drv_queue q;

    rng_board(false, VIRTIO_F_EVENT_IDX);
    drv_queue(&d, &q, 0, 8);
    drv_ok(&d);
    as_st16(&d.m->mem, q.driver, AVAIL_NO_INTERRUPT);
    drv_add(&q, &b, 1, 0);
    drv_kick(&q);
    ck_assert_uint_eq(d.msi.count[1], 0);
    as_st16(&d.m->mem, q.driver, 0);
    drv_add(&q, &b, 1, 1);
    drv_kick(&q);
    ck_assert_uint_eq(d.msi.count[1], 1);
    drv_free(&d);
}
END_TEST

static void indirect(bool packed_ring)
{
    struct drv_queue q;
    uint32_t id, len;

    rng_board(packed_ring, 0);
    drv_queue(&d, &q, 0, 8);
    drv_ok(&d);
    for (unsigned i = 0; i < 20; i++) /* more than the ring has */
        put_desc(&d, DRV_TABLE + i * 16, DRV_BUFFERS + i * 0x100, 8,
                 packed_ring ? 0 : VIRTQ_WRITE | (i < 19 ? VIRTQ_NEXT : 0),
                 packed_ring ? VIRTQ_WRITE : (uint16_t)(i + 1));
    struct drv_buf b = {DRV_TABLE, 20 * 16, false};
    drv_add(&q, &b, 1, 5);
    uint64_t flags = packed_ring ? q.desc + 14 : q.desc + 5 * 16 + 12;
    as_st16(&d.m->mem, flags, as_ld16(&d.m->mem, flags) | VIRTQ_INDIRECT);
    drv_kick(&q);
    ck_assert(drv_used(&q, 1, &id, &len));
    ck_assert_uint_eq(id, 5);
    ck_assert_uint_eq(len, 160);
    ck_assert_uint_gt(nonzero(DRV_BUFFERS + 19 * 0x100, 8), 2);
    drv_free(&d);
}

START_TEST(indirect_split)
{
    indirect(false);
}
END_TEST

START_TEST(indirect_packed)
{
    indirect(true);
}
END_TEST

/* ---- What a driver must not do ---------------------------------------------------------- */

enum wrong { LOOP, HEAD, INDEX, ORDER, NESTED, BEYOND, TABLE_SIZE, RING_PLACE, NWRONG };

static void do_wrong(struct drv_queue *q, enum wrong w)
{
    struct drv_buf b[2] = {{DRV_BUFFERS, 16, true}, {DRV_BUFFERS, 16, w != ORDER}};

    drv_add(q, b, 2, 0);
    if (w == LOOP)
        put_desc(&d, q->desc + 16, DRV_BUFFERS, 16, VIRTQ_WRITE | VIRTQ_NEXT, 0);
    else if (w == HEAD)
        as_st16(&d.m->mem, q->driver + 4, 8);
    else if (w == INDEX)
        as_st16(&d.m->mem, q->driver + 2, 9);
    else if (w == NESTED) {
        put_desc(&d, q->desc, DRV_TABLE, 16, VIRTQ_INDIRECT, 0);
        put_desc(&d, DRV_TABLE, DRV_TABLE, 16, VIRTQ_INDIRECT, 0);
    } else if (w == BEYOND)
        put_desc(&d, q->desc, 0xffffffffffffff00, 0x1000, VIRTQ_WRITE, 0);
    else if (w == TABLE_SIZE)
        put_desc(&d, q->desc, DRV_TABLE, 17, VIRTQ_INDIRECT, 0);
}

START_TEST(wrong_chains)
{
    struct drv_queue q;
    uint32_t id, len;

    rng_board(false, 0);
    drv_queue(&d, &q, 0, 8);
    if (_i == RING_PLACE) {
        drv_negotiate(&d, drv_offered(&d));
        q.driver = 0xfff00000;
        drv_queue_on(&q);
    }
    drv_ok(&d);
    do_wrong(&q, (enum wrong)_i);
    drv_kick(&q);
    ck_assert(!drv_used(&q, 1, &id, &len));
    ck_assert_uint_eq(drv_status(&d), 15 | VIRTIO_NEEDS_RESET);
    ck_assert_uint_eq(d.msi.count[0], 1); /* it says so */
    drv_kick(&q);
    check_save_load(&d.v->pci.dev);
    /* and a reset makes it good again */
    ck_assert_uint_eq(drv_negotiate(&d, drv_offered(&d)), 11);
    drv_queue(&d, &q, 0, 8);
    drv_ok(&d);
    struct drv_buf b = {DRV_BUFFERS, 16, true};
    drv_add(&q, &b, 1, 0);
    drv_kick(&q);
    ck_assert(drv_used(&q, 1, &id, &len));
    drv_free(&d);
}
END_TEST

START_TEST(wrong_features)
{
    rng_board(false, 0);
    uint64_t offered = drv_offered(&d);
    ck_assert(!(offered & VIRTIO_F_ACCESS_PLATFORM) && !(offered & VIRTIO_F_RING_PACKED));
    ck_assert_uint_eq(drv_negotiate(&d, offered | 1ull << 50), 3); /* no FEATURES_OK */
    ck_assert_uint_eq(drv_negotiate(&d, offered & ~VIRTIO_F_VERSION_1), 3);
    ck_assert_uint_eq(drv_negotiate(&d, VIRTIO_F_VERSION_1), 11);
    drv_w(&d, COMMON_DRIVER_FEATURE_SELECT, 0, 4);
    drv_w(&d, COMMON_DRIVER_FEATURE, 0xffffffff, 4); /* too late */
    ck_assert_uint_eq(drv_r(&d, COMMON_DRIVER_FEATURE, 4), 0);
    drv_free(&d);
}
END_TEST

/* A buffer in the device's own registers: it is bounced, and what it hits is ignored. */
START_TEST(buffer_in_own_registers)
{
    struct drv_buf b = {DRV_BAR + COMMON_STATUS, 1, true};
    struct drv_queue q;
    uint32_t id, len;

    rng_board(false, 0);
    drv_queue(&d, &q, 0, 8);
    drv_ok(&d);
    drv_add(&q, &b, 1, 0);
    drv_kick(&q);
    ck_assert(drv_used(&q, 1, &id, &len));
    ck_assert_uint_eq(drv_status(&d), 15);
    drv_free(&d);
}
END_TEST

/* ---- Registers -------------------------------------------------------------------------- */

START_TEST(queue_reset)
{
    struct drv_buf b = {DRV_BUFFERS, 16, true};
    struct drv_queue q;
    uint32_t id, len;

    rng_board(false, 0);
    drv_queue(&d, &q, 0, 8);
    drv_ok(&d);
    drv_add(&q, &b, 1, 0);
    drv_kick(&q);
    drv_w(&d, COMMON_QUEUE_RESET, 1, 2);
    ck_assert_uint_eq(drv_r(&d, COMMON_QUEUE_RESET, 2), 0);
    ck_assert_uint_eq(drv_r(&d, COMMON_QUEUE_ENABLE, 2), 0);
    drv_queue(&d, &q, 0, 4); /* another size; the device goes on */
    drv_add(&q, &b, 1, 0);
    drv_kick(&q);
    ck_assert(drv_used(&q, 1, &id, &len));
    ck_assert_uint_eq(drv_status(&d), 15);
    drv_free(&d);
}
END_TEST

START_TEST(window_in_configuration_space)
{
    unsigned cap = 0x40;

    rng_board(false, 0);
    while (!(d.v->pci.config[cap] == PCI_CAP_VENDOR &&
             d.v->pci.config[cap + CAP_CFG_TYPE] == VIRTIO_PCI_CAP_PCI_CFG))
        cap = d.v->pci.config[cap + 1];
    drv_cfg(&d, cap + CAP_BAR, 4, 1);
    drv_cfg(&d, cap + CAP_OFFSET, COMMON_STATUS, 4);
    drv_cfg(&d, cap + CAP_LENGTH, 1, 4);
    ck_assert_uint_eq(pci_bus_config_read(&d.bus, 0, d.v->pci.devfn, cap + CAP_PCI_CFG_DATA, 1),
                      11);
    drv_cfg(&d, cap + CAP_PCI_CFG_DATA, 0, 1);
    ck_assert_uint_eq(drv_status(&d), 0);
    drv_cfg(&d, cap + CAP_OFFSET, 0x4000, 4); /* outside */
    drv_cfg(&d, cap + CAP_PCI_CFG_DATA, 1, 1);
    ck_assert_uint_eq(drv_status(&d), 0);
    drv_free(&d);
}
END_TEST

/* 4.1.4.10: ports, a ring of fixed size at a page, INTx with the ISR register. */
START_TEST(legacy_interface)
{
    struct pin pin[4] = {{0}};
    struct device *dev;
    struct drv_queue q = {.d = &d, .size = 8, .desc = 0x20000, .driver = 0x20080,
                          .device = 0x21000};
    struct drv_buf b = {DRV_BUFFERS, 64, true};
    uint32_t id, len;

    drv_board(&d);
    dev = device_new(d.m, &virtio_rng_type.pci.dev);
    ck_assert(device_set(dev, "vectors", "0", NULL));
    drv_plug(&d, dev);
    for (int i = 0; i < 4; i++)
        d.bus.intx[i] = pin_line(pin + i);
    ck_assert_uint_eq(pci_get16(d.v->pci.config), 0x1af4);
    ck_assert_uint_eq(pci_get16(d.v->pci.config + 2), 0x1005);
    outb(d.m, DRV_PORTS + LEGACY_STATUS, 0);
    outb(d.m, DRV_PORTS + LEGACY_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    as_io_write(&d.m->io, DRV_PORTS + LEGACY_DRIVER_FEATURES, 0, 4);
    ck_assert_uint_eq(as_io_read(&d.m->io, DRV_PORTS + LEGACY_QUEUE_SIZE, 2), 8);
    as_io_write(&d.m->io, DRV_PORTS + LEGACY_QUEUE_PFN, 0x20, 4);
    outb(d.m, DRV_PORTS + LEGACY_STATUS, 7);
    drv_add(&q, &b, 1, 3);
    as_io_write(&d.m->io, DRV_PORTS + LEGACY_QUEUE_NOTIFY, 0, 2);
    ck_assert(drv_used(&q, 1, &id, &len));
    ck_assert_uint_eq(len, 64);
    ck_assert_int_eq(pin[0].level + pin[1].level + pin[2].level + pin[3].level, 1);
    ck_assert_uint_eq(inb(d.m, DRV_PORTS + LEGACY_ISR), 1);
    ck_assert_int_eq(pin[0].level + pin[1].level + pin[2].level + pin[3].level, 0);
    check_save_load(dev);
    drv_free(&d);
}
END_TEST

/* At most max-bytes in a period; the rest comes when the next one begins. */
START_TEST(rng_limit)
{
    struct drv_buf b = {DRV_BUFFERS, 100, true};
    struct drv_queue q;
    struct device *dev;
    uint32_t id, len;

    drv_board(&d);
    dev = device_new(d.m, &virtio_rng_type.pci.dev);
    ck_assert(device_set(dev, "max-bytes", "150", NULL) && device_set(dev, "period", "10", NULL));
    drv_plug(&d, dev);
    drv_negotiate(&d, VIRTIO_F_VERSION_1);
    drv_queue(&d, &q, 0, 8);
    drv_ok(&d);
    for (uint16_t i = 0; i < 3; i++)
        drv_add(&q, &b, 1, i);
    drv_kick(&q);
    ck_assert(drv_used(&q, 1, &id, &len) && len == 100);
    ck_assert(drv_used(&q, 1, &id, &len) && len == 50);
    ck_assert(!drv_used(&q, 1, &id, &len));
    clock_step(&d.m->vclock, 9999999);
    machine_iterate(d.m, false);
    ck_assert(!drv_used(&q, 1, &id, &len));
    clock_step(&d.m->vclock, 2);
    machine_iterate(d.m, false);
    ck_assert(drv_used(&q, 1, &id, &len) && len == 100);
    drv_free(&d);
}
END_TEST

/* ---- Disks ------------------------------------------------------------------------------ */

static char *disk;

static void disk_board(struct drv *b, bool packed_ring)
{
    GError *err = NULL;
    struct device *dev;

    drv_board(b);
    g_autofree char *text = g_strdup_printf("if=none,id=disk,format=raw,discard=unmap,"
                                            "file.locking=off,file=%s", disk);
    ck_assert(drive_add(b->m, text, false, &err));
    dev = device_new(b->m, &virtio_blk_type.pci.dev);
    ck_assert(device_set(dev, "drive", "disk", &err) && device_set(dev, "serial", "HO1", &err));
    ck_assert(device_set(dev, "packed", packed_ring ? "on" : "off", NULL));
    drv_plug(b, dev);
    ck_assert_uint_eq(drv_negotiate(b, drv_offered(b)), 11);
}

static void disk_new(void)
{
    int fd = g_file_open_tmp("hostel-virtio-XXXXXX", &disk, NULL);

    ck_assert(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
    close(fd);
}

static void disk_end(void)
{
    unlink(disk);
    g_clear_pointer(&disk, g_free);
}

/* A request with `len` bytes at `data`; header and status are 1000h beyond, per id. */
static void blk_add(struct drv_queue *q, uint16_t id, uint32_t type, uint64_t sector,
                    uint64_t data, uint32_t len)
{
    uint64_t head = DRV_BUFFERS + 0x40000 + id * 0x100u;
    struct address_space *as = &q->d->m->mem;
    bool in = type == BLK_T_IN || type == BLK_T_GET_ID;
    struct drv_buf b[3] = {{head, BLK_HEADER, false}, {data, len, in}, {head + 0x20, 1, true}};

    as_st32(as, head, type);
    as_st32(as, head + 4, 0);
    as_st64(as, head + 8, sector);
    as_st8(as, head + 0x20, 0xee);
    if (!len)
        b[1] = b[2];
    drv_add(q, b, len ? 3 : 2, id);
}

static unsigned blk_status(struct drv_queue *q, uint16_t id)
{
    return as_ld8(&q->d->m->mem, DRV_BUFFERS + 0x40000 + id * 0x100u + 0x20);
}

static unsigned blk_do(struct drv_queue *q, uint32_t type, uint64_t sector, uint64_t data,
                       uint32_t len)
{
    uint32_t id, n;

    blk_add(q, 0, type, sector, data, len);
    drv_kick(q);
    while (!drv_used(q, len ? 3 : 2, &id, &n))
        machine_iterate(q->d->m, true);
    return blk_status(q, 0);
}

static void requests(bool packed_ring)
{
    uint8_t *ram, range[BLK_RANGE_SIZE] = {2, 0, 0, 0, 0, 0, 0, 0, 4};
    struct drv_queue q;

    disk_new();
    disk_board(&d, packed_ring);
    ram = d.m->ram->host;
    drv_queue(&d, &q, 0, 64);
    drv_ok(&d);
    ck_assert_uint_eq(drv_r(&d, 0x2000 + BLK_CAPACITY, 4), 2048);
    memset(ram + DRV_BUFFERS, 0x5a, 0x2000);
    ck_assert_uint_eq(blk_do(&q, BLK_T_OUT, 1, DRV_BUFFERS, 0x2000), BLK_S_OK);
    ck_assert_uint_eq(blk_do(&q, BLK_T_FLUSH, 0, 0, 0), BLK_S_OK);
    ck_assert_uint_eq(blk_do(&q, BLK_T_IN, 1, DRV_BUFFERS + 0x10000, 0x2000), BLK_S_OK);
    ck_assert_mem_eq(ram + DRV_BUFFERS, ram + DRV_BUFFERS + 0x10000, 0x2000);
    memcpy(ram + DRV_BUFFERS, range, sizeof(range));
    ck_assert_uint_eq(blk_do(&q, BLK_T_WRITE_ZEROES, 0, DRV_BUFFERS, sizeof(range)), BLK_S_OK);
    ck_assert_uint_eq(blk_do(&q, BLK_T_IN, 0, DRV_BUFFERS + 0x10000, 0x1000), BLK_S_OK);
    ck_assert_uint_eq(ram[DRV_BUFFERS + 0x10000 + 1023], 0x5a);
    ck_assert_uint_eq(ram[DRV_BUFFERS + 0x10000 + 1024], 0);
    ck_assert_uint_eq(ram[DRV_BUFFERS + 0x10000 + 1024 + 2048], 0x5a);
    ck_assert_uint_eq(blk_do(&q, BLK_T_DISCARD, 0, DRV_BUFFERS, sizeof(range)), BLK_S_OK);
    ck_assert_uint_eq(blk_do(&q, BLK_T_GET_ID, 0, DRV_BUFFERS, 20), BLK_S_OK);
    ck_assert_str_eq((char *)ram + DRV_BUFFERS, "HO1");
    ck_assert_uint_eq(blk_do(&q, BLK_T_IN, 2047, DRV_BUFFERS, 1024), BLK_S_IOERR);
    ck_assert_uint_eq(blk_do(&q, BLK_T_IN, UINT64_MAX / 2, DRV_BUFFERS, 512), BLK_S_IOERR);
    ck_assert_uint_eq(blk_do(&q, BLK_T_OUT, 0, DRV_BUFFERS, 100), BLK_S_IOERR);
    ck_assert_uint_eq(blk_do(&q, 77, 0, DRV_BUFFERS, 512), BLK_S_UNSUPP);
    ck_assert_uint_eq(drv_status(&d), 15);
    drv_free(&d);
    disk_end();
}

START_TEST(disk_requests)
{
    requests(_i);
}
END_TEST

/* Requests are under way when the state is saved: another machine that loads it does them. */
START_TEST(saved_in_the_middle)
{
    g_autoptr(GByteArray) state = g_byte_array_new();
    struct drv_queue q;
    struct drv to;
    uint32_t id, len;
    size_t used;
    GError *err = NULL;

    disk_new();
    disk_board(&d, _i);
    drv_queue(&d, &q, 0, 64);
    drv_ok(&d);
    memset(d.m->ram->host + DRV_BUFFERS, 0x77, 0x4000);
    for (uint16_t i = 0; i < 5; i++)
        blk_add(&q, 3 * i, BLK_T_OUT, 16u * i, DRV_BUFFERS + 0x1000u * (i % 4), 0x1000);
    drv_kick(&q);
    device_save(&d.v->pci.dev, state); /* no done() has come: the main loop did not run */
    ck_assert_uint_eq(d.v->vq[0]->in_flight.length, 5);
    check_save_load(&d.v->pci.dev);

    disk_board(&to, _i);
    memcpy(to.m->ram->host, d.m->ram->host, 1 << 20);
    ck_assert_msg(device_load(&to.v->pci.dev, state->data, state->len, &used, &err), "%s",
                  err ? err->message : "");
    drv_free(&d);
    q.d = &to;
    machine_start(to.m); /* what was under way goes on */
    for (unsigned i = 0; i < 5; i++) {
        while (!drv_used(&q, 3, &id, &len))
            machine_iterate(to.m, true);
        ck_assert_uint_le(id, 12);
        ck_assert_uint_eq(blk_status(&q, (uint16_t)id), BLK_S_OK);
    }
    ck_assert_uint_eq(blk_do(&q, BLK_T_IN, 64, DRV_BUFFERS + 0x10000, 0x1000), BLK_S_OK);
    ck_assert_uint_eq(to.m->ram->host[DRV_BUFFERS + 0x10fff], 0x77);
    drv_free(&to);
    disk_end();
}
END_TEST

/* A reset while requests are under way: none of them reaches the guest's memory afterwards. */
START_TEST(reset_in_the_middle)
{
    struct drv_queue q;

    disk_new();
    disk_board(&d, false);
    drv_queue(&d, &q, 0, 64);
    drv_ok(&d);
    for (uint16_t i = 0; i < 5; i++)
        blk_add(&q, 3 * i, BLK_T_IN, 16u * i, DRV_BUFFERS + 0x1000u * i, 0x1000);
    drv_kick(&q);
    drv_w(&d, COMMON_STATUS, 0, 1);
    ck_assert_uint_eq(drv_status(&d), 0);
    memset(d.m->ram->host + DRV_BUFFERS, 0x11, 0x8000);
    uint16_t used = as_ld16(&d.m->mem, q.device + 2);
    machine_iterate(d.m, false);
    ck_assert_uint_eq(as_ld16(&d.m->mem, q.device + 2), used);
    ck_assert_uint_eq(d.m->ram->host[DRV_BUFFERS + 0x2000], 0x11);
    drv_free(&d);
    disk_end();
}
END_TEST

static void add(TCase *t)
{
    tcase_set_timeout(t, 60);
    tcase_add_test(t, split);
    tcase_add_test(t, split_without_event_index);
    tcase_add_test(t, packed);
    tcase_add_test(t, packed_without_event_index);
    tcase_add_test(t, event_index);
    tcase_add_test(t, no_interrupt_flag);
    tcase_add_test(t, indirect_split);
    tcase_add_test(t, indirect_packed);
    tcase_add_loop_test(t, wrong_chains, 0, NWRONG);
    tcase_add_test(t, wrong_features);
    tcase_add_test(t, buffer_in_own_registers);
    tcase_add_test(t, queue_reset);
    tcase_add_test(t, window_in_configuration_space);
    tcase_add_test(t, legacy_interface);
    tcase_add_test(t, rng_limit);
    tcase_add_loop_test(t, disk_requests, 0, 2);
    tcase_add_loop_test(t, saved_in_the_middle, 0, 2);
    tcase_add_test(t, reset_in_the_middle);
}

int main(void)
{
    return bench_run("virtio", add);
}

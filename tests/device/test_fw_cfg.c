/* SPDX-License-Identifier: MIT */
/* fw_cfg through its ports: selector, directory, DMA. QEMU's fw_cfg document. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/machine_test.h"
#include "hw/misc/fw_cfg.h"

static struct machine *m;
static struct fw_cfg *f;

static void setup(void)
{
    m = machine_new_test();
    machine_lock(m);
    f = (struct fw_cfg *)device_new(m, &fw_cfg_type);
    ck_assert(device_realize(&f->dev, NULL));
    region_add(&m->io_root, FW_CFG_PORT, &f->ctl, 0);
    region_add(&m->io_root, FW_CFG_DMA_PORT, &f->dma, 0);
    ck_assert(fw_cfg_add_file(f, "etc/one", "first", 5));
    ck_assert(fw_cfg_add_file(f, "opt/two", "second", 6));
    fw_cfg_add_u16(f, FW_CFG_NB_CPUS, 4);
    device_reset(&f->dev);
}

static void teardown(void)
{
    machine_unlock(m);
    machine_free(m);
}

static void read_item(uint16_t key, void *buf, unsigned n)
{
    as_st16(&m->io, FW_CFG_PORT, key);
    for (unsigned i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = as_ld8(&m->io, FW_CFG_PORT + 1);
}

START_TEST(selector)
{
    char sig[6];
    uint32_t id;
    uint16_t cpus;

    read_item(FW_CFG_SIGNATURE, sig, 6);
    ck_assert_mem_eq(sig, "QEMU\0\0", 6); /* zero past the end */
    read_item(FW_CFG_ID, &id, 4);
    ck_assert_uint_eq(GUINT32_FROM_LE(id), 3);
    read_item(FW_CFG_NB_CPUS, &cpus, 2);
    ck_assert_uint_eq(cpus, 4);
    read_item(0x1234, sig, 4); /* no such item */
    ck_assert_mem_eq(sig, "\0\0\0\0", 4);
    as_st16(&m->io, FW_CFG_PORT, FW_CFG_WRITE_MODE | FW_CFG_SIGNATURE);
    as_st8(&m->io, FW_CFG_PORT + 1, 'X'); /* nothing is writable */
    read_item(FW_CFG_SIGNATURE, sig, 4);
    ck_assert_mem_eq(sig, "QEMU", 4);
}
END_TEST

START_TEST(directory)
{
    struct {
        uint32_t count;
        struct {
            uint32_t size;
            uint16_t select, reserved;
            char name[56];
        } e[2];
    } dir;
    char text[6];

    read_item(FW_CFG_FILE_DIR, &dir, sizeof(dir));
    ck_assert_uint_eq(GUINT32_FROM_BE(dir.count), 2);
    ck_assert_str_eq(dir.e[1].name, "opt/two");
    ck_assert_uint_eq(GUINT32_FROM_BE(dir.e[1].size), 6);
    read_item(GUINT16_FROM_BE(dir.e[1].select), text, 6);
    ck_assert_mem_eq(text, "second", 6);
    /* the same name again replaces */
    ck_assert(fw_cfg_add_file(f, "opt/two", "2", 1));
    read_item(FW_CFG_FILE_DIR, &dir, sizeof(dir));
    ck_assert_uint_eq(GUINT32_FROM_BE(dir.count), 2);
    ck_assert_uint_eq(GUINT32_FROM_BE(dir.e[1].size), 1);
}
END_TEST

START_TEST(too_many_files)
{
    char name[FW_CFG_NAME_MAX + 8];
    bool ok = true;

    for (unsigned i = 0; i < 100 && ok; i++) {
        g_snprintf(name, sizeof(name), "n%u", i);
        ok = fw_cfg_add_file(f, name, "", 0);
    }
    ck_assert(!ok);
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = 0;
    ck_assert(!fw_cfg_add_file(f, name, "", 0));
}
END_TEST

static uint32_t dma(uint32_t control, uint32_t len, uint64_t addr)
{
    enum { REQUEST = 0x2000 };
    uint32_t head[2] = {GUINT32_TO_BE(control), GUINT32_TO_BE(len)};
    uint64_t a = GUINT64_TO_BE(addr);

    as_write(&m->mem, REQUEST, head, 8);
    as_write(&m->mem, REQUEST + 8, &a, 8);
    as_st32(&m->io, FW_CFG_DMA_PORT, 0);
    as_st32(&m->io, FW_CFG_DMA_PORT + 4, GUINT32_TO_BE(REQUEST));
    return GUINT32_FROM_BE(as_ld32(&m->mem, REQUEST));
}

START_TEST(dma_interface)
{
    char buf[8];

    ck_assert_uint_eq(as_ld32(&m->io, FW_CFG_DMA_PORT), 0x554d4551u); /* "QEMU" */
    ck_assert_uint_eq(as_ld32(&m->io, FW_CFG_DMA_PORT + 4), 0x47464320u); /* " CFG" */

    memset(m->ram->host + 0x3000, 'x', 8);
    /* select the second file, skip 2, read 6 in one request and two */
    ck_assert_uint_eq(dma((FW_CFG_FILE_FIRST + 1) << 16 | 8 | 4, 2, 0), 0);
    ck_assert_uint_eq(dma(2, 6, 0x3000), 0);
    as_read(&m->mem, 0x3000, buf, 8);
    ck_assert_mem_eq(buf, "cond\0\0xx", 8);
    ck_assert_uint_eq(dma((FW_CFG_FILE_FIRST + 1) << 16 | 8 | 2, 6, 0x3000), 0);
    as_read(&m->mem, 0x3000, buf, 8);
    ck_assert_mem_eq(buf, "secondxx", 8);
    ck_assert_uint_eq(dma(16, 1, 0x3000), 1);           /* write: error */
    ck_assert_uint_eq(dma(2, 16, 0x800000000000ull), 1); /* no memory there: error */
}
END_TEST

START_TEST(hostile_dma)
{
    /* A request outside memory, and a length of 4 GiB, end soon and harmlessly. */
    as_st32(&m->io, FW_CFG_DMA_PORT, 0xffffffff);
    as_st32(&m->io, FW_CFG_DMA_PORT + 4, 0xffffffff);
    ck_assert_uint_eq(dma(FW_CFG_FILE_DIR << 16 | 8 | 4, 0xffffffff, 0), 0);
    ck_assert_uint_eq(dma(FW_CFG_SIGNATURE << 16 | 8 | 2, 0xffffffff, 0x8000), 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fw_cfg");
    TCase *tc = tcase_create("fw_cfg");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, selector);
    tcase_add_test(tc, directory);
    tcase_add_test(tc, too_many_files);
    tcase_add_test(tc, dma_interface);
    tcase_add_test(tc, hostile_dma);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

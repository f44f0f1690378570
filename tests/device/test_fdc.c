/* SPDX-License-Identifier: MIT */
/* hw/block/fdc*.c and hw/misc/i8237.c by their registers: 82078 and 8237A data sheets. */
#include "tests/device/bench.h"

#include <string.h>
#include <unistd.h>

#include "block/drive.h"
#include "hw/block/fdc.h"
#include "hw/block/fdc_regs.h"
#include "hw/misc/i8237.h"
#include "hw/misc/i8237_regs.h"
#include "util/keyval.h"

enum { IO = 0x3f0, DMA = 2, BUFFER = 0x4000, SIZE = 1440 * 1024 };

static struct machine *m;
static struct fdc *f;
static struct i8237 *dma;
static struct pin irq;
static char *path;
static uint8_t result[16];

static char *image(const char *name)
{
    char *file = NULL;
    int fd = g_file_open_tmp(name, &file, NULL);
    uint8_t sector[512];

    ck_assert_int_ge(fd, 0);
    for (unsigned i = 0; i < SIZE / 512; i++) {
        memset(sector, (int)(i * 7 + 1), sizeof(sector));
        sector[0] = (uint8_t)i;
        sector[1] = (uint8_t)(i >> 8);
        ck_assert_int_eq(write(fd, sector, 512), 512);
    }
    close(fd);
    return file;
}

static void build(const char *more)
{
    GError *err = NULL;
    g_autofree char *text = g_strdup_printf("if=floppy,format=raw,file=%s%s", path, more);

    ck_assert_msg(drive_add(m, text, false, &err), "%s", err ? err->message : "");
    dma = (struct i8237 *)device_new(m, &i8237_type);
    bench_realize(dma);
    region_add(&m->io_root, 0, &dma->io[0], 0);
    region_add(&m->io_root, 0xc0, &dma->io[1], 0);
    region_add(&m->io_root, 0x80, &dma->page_io, 0);
    f = (struct fdc *)device_new(m, &fdc_type);
    irq = (struct pin){0};
    f->irq = pin_line(&irq);
    f->dma = dma;
    f->channel = DMA;
    fdc_add_drive(f, 0, drive_nth(m, 0)->blk);
    bench_realize(f);
    region_add(&m->io_root, IO, &f->io, 0);
    region_add(&m->io_root, IO + 7, &f->dir, 0);
}

static void setup(void)
{
    m = bench_new();
    path = image("hostel-fd-XXXXXX");
}
static void teardown(void)
{
    bench_free(m);
    unlink(path);
    g_free(path);
}

/* ---- The driver's side ---------------------------------------------------------------------- */

static uint8_t msr(void)
{
    return inb(m, IO + FDC_MSR);
}
static void command(unsigned n, const uint8_t *bytes)
{
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(msr() & (MSR_RQM | MSR_DIO), MSR_RQM);
        outb(m, IO + FDC_FIFO, bytes[i]);
    }
}
#define COMMAND(...)                                                                               \
    command(sizeof((uint8_t[]){__VA_ARGS__}), (uint8_t[]){__VA_ARGS__})
static void results(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(msr() & (MSR_RQM | MSR_DIO), MSR_RQM | MSR_DIO);
        result[i] = inb(m, IO + FDC_FIFO);
    }
    ck_assert_uint_eq(msr(), MSR_RQM);
}
static void wait_irq(void)
{
    for (unsigned i = 0; i < 20000 && !irq.level; i++) {
        step_ns(m, 100000);
        machine_unlock(m);
        machine_iterate(m, false);
        machine_lock(m);
    }
    ck_assert_int_eq(irq.level, 1);
}
static void start(void)
{
    outb(m, IO + FDC_DOR, 0);
    outb(m, IO + FDC_DOR, DOR_NOT_RESET | DOR_DMA | DOR_MOTOR0);
    wait_irq();
    for (unsigned i = 0; i < 4; i++) {
        COMMAND(CMD_SENSE_INTERRUPT);
        results(2);
        ck_assert_uint_eq(result[0], ST0_READY_CHANGED | i);
    }
    ck_assert_int_eq(irq.level, 0);
    outb(m, IO + FDC_CCR, RATE_500K);
    COMMAND(CMD_SPECIFY, 0xdf, 0x02);
}
static void go_to(unsigned track)
{
    COMMAND(CMD_SEEK, 0, (uint8_t)track);
    wait_irq();
    COMMAND(CMD_SENSE_INTERRUPT);
    results(2);
    ck_assert_uint_eq(result[0], ST0_SEEK_END);
    ck_assert_uint_eq(result[1], track);
    ck_assert_int_eq(irq.level, 0);
}
static void program(uint8_t mode, unsigned addr, unsigned len)
{
    outb(m, DMA_MASK_ONE, 4 | DMA);
    outb(m, DMA_CLEAR_FF, 0);
    outb(m, DMA_MODE, 0x40 | mode | DMA);
    outb(m, 2 * DMA, (uint8_t)addr);
    outb(m, 2 * DMA, (uint8_t)(addr >> 8));
    outb(m, 0x81, (uint8_t)(addr >> 16));
    outb(m, 2 * DMA + 1, (uint8_t)(len - 1));
    outb(m, 2 * DMA + 1, (uint8_t)((len - 1) >> 8));
    outb(m, DMA_MASK_ONE, DMA);
}
static void check_sector(unsigned addr, unsigned lba)
{
    ck_assert_uint_eq(as_ld8(&m->mem, addr), lba & 0xff);
    ck_assert_uint_eq(as_ld8(&m->mem, addr + 1), lba >> 8);
    ck_assert_uint_eq(as_ld8(&m->mem, addr + 2), (uint8_t)(lba * 7 + 1));
    ck_assert_uint_eq(as_ld8(&m->mem, addr + 511), (uint8_t)(lba * 7 + 1));
}
static void ended(unsigned st0, unsigned st1, unsigned st2)
{
    wait_irq();
    results(7);
    ck_assert_uint_eq(result[0], st0);
    ck_assert_uint_eq(result[1], st1);
    ck_assert_uint_eq(result[2], st2);
    ck_assert_int_eq(irq.level, 0);
}
static void chrn(unsigned c, unsigned h, unsigned r)
{
    ck_assert_uint_eq(result[3], c);
    ck_assert_uint_eq(result[4], h);
    ck_assert_uint_eq(result[5], r);
    ck_assert_uint_eq(result[6], 2);
}

/* ---- Tests ---------------------------------------------------------------------------------- */

START_TEST(identity)
{
    build("");
    ck_assert_uint_eq(fdc_cmos_types(f), FDC_1440K << 4);
    start();
    COMMAND(CMD_VERSION);
    results(1);
    ck_assert_uint_eq(result[0], 0x90);
    COMMAND(CMD_PART_ID);
    results(1);
    ck_assert_uint_eq(result[0] >> 5, 2);
    COMMAND(CMD_CONFIGURE, 0, 0x57, 0);
    COMMAND(0x80 | CMD_LOCK);
    results(1);
    ck_assert_uint_eq(result[0], 0x10);
    start(); /* a reset leaves what is locked */
    COMMAND(CMD_DUMPREG);
    results(10);
    ck_assert_uint_eq(result[8], 0x57);
    ck_assert_uint_eq(result[7], 0x80);
    COMMAND(0x1f);
    results(1);
    ck_assert_uint_eq(result[0], ST0_INVALID);
    COMMAND(CMD_SENSE_INTERRUPT); /* nothing to tell */
    results(1);
    ck_assert_uint_eq(result[0], ST0_INVALID);
}
END_TEST

START_TEST(reads)
{
    build("");
    start();
    go_to(3);
    program(DMA_MODE_TO_MEMORY, BUFFER, 1024);
    COMMAND(0xe6, 4, 3, 1, 17, 2, 18, 0x1b, 0xff);
    ended(ST0_HEAD, 0, 0);
    check_sector(BUFFER, (3 * 2 + 1) * 18 + 16);
    check_sector(BUFFER + 512, (3 * 2 + 1) * 18 + 17);
    chrn(4, 0, 1);
    ck_assert_uint_eq(inb(m, DMA_STATUS) & 1 << DMA, 1 << DMA);
    program(DMA_MODE_TO_MEMORY, BUFFER, 1024); /* with MT from one side to the other */
    COMMAND(0xe6, 0, 3, 0, 18, 2, 18, 0x1b, 0xff);
    ended(ST0_HEAD, 0, 0);
    check_sector(BUFFER, 3 * 2 * 18 + 17);
    check_sector(BUFFER + 512, (3 * 2 + 1) * 18);
    chrn(3, 1, 2);
    program(DMA_MODE_TO_MEMORY, BUFFER, 4096); /* EOT before the count ends */
    COMMAND(0x46, 0, 3, 0, 18, 2, 18, 0x1b, 0xff);
    ended(ST0_ABNORMAL, ST1_END, 0);
    check_save_load(&f->dev);
    check_save_load(&dma->dev);
}
END_TEST

START_TEST(writes)
{
    uint8_t sector[512];

    build("");
    start();
    go_to(79);
    for (unsigned i = 0; i < 512; i++)
        as_st8(&m->mem, BUFFER + i, (uint8_t)(i ^ 0x5a));
    program(DMA_MODE_FROM_MEMORY, BUFFER, 512);
    COMMAND(0xc5, 4, 79, 1, 18, 2, 18, 0x1b, 0xff);
    ended(ST0_HEAD, 0, 0);
    FILE *file = fopen(path, "rb");
    fseek(file, SIZE - 512, SEEK_SET);
    ck_assert_uint_eq(fread(sector, 1, 512, file), 512);
    fclose(file);
    for (unsigned i = 0; i < 512; i++)
        ck_assert_uint_eq(sector[i], (uint8_t)(i ^ 0x5a));
}
END_TEST

START_TEST(formats)
{
    build("");
    start();
    go_to(1);
    for (unsigned i = 0; i < 18; i++)
        as_st32(&m->mem, BUFFER + 4 * i, 1 | 0 << 8 | (i + 1) << 16 | 2u << 24);
    program(DMA_MODE_FROM_MEMORY, BUFFER, 72);
    COMMAND(0x4d, 0, 2, 18, 0x54, 0xf6);
    ended(0, 0, 0);
    program(DMA_MODE_TO_MEMORY, BUFFER, 512);
    COMMAND(0x46, 0, 1, 0, 18, 2, 18, 0x1b, 0xff);
    ended(0, 0, 0);
    for (unsigned i = 0; i < 512; i++)
        ck_assert_uint_eq(as_ld8(&m->mem, BUFFER + i), 0xf6);
}
END_TEST

START_TEST(without_dma)
{
    build("");
    start();
    COMMAND(CMD_SPECIFY, 0xdf, 0x03);
    COMMAND(CMD_RECALIBRATE, 0);
    wait_irq();
    COMMAND(CMD_SENSE_INTERRUPT);
    results(2);
    COMMAND(0x46, 0, 0, 0, 18, 2, 18, 0x1b, 0xff);
    wait_irq();
    ck_assert_uint_eq(msr(), MSR_RQM | MSR_DIO | MSR_NON_DMA | MSR_BUSY);
    ck_assert_uint_eq(inb(m, IO + FDC_FIFO), 17);
    for (unsigned i = 1; i < 512; i++)
        inb(m, IO + FDC_FIFO);
    ended(ST0_ABNORMAL, ST1_END, 0); /* there is no terminal count */
}
END_TEST

START_TEST(errors)
{
    build("");
    start();
    program(DMA_MODE_TO_MEMORY, BUFFER, 512);
    COMMAND(0x46, 0, 5, 0, 1, 2, 18, 0x1b, 0xff); /* the head is at 0 */
    ended(ST0_ABNORMAL, ST1_NO_DATA, ST2_WRONG_CYLINDER);
    COMMAND(0x46, 0, 0, 0, 19, 2, 19, 0x1b, 0xff);
    ended(ST0_ABNORMAL, ST1_NO_DATA, 0);
    outb(m, IO + FDC_CCR, RATE_250K);
    COMMAND(0x4a, 0);
    ended(ST0_ABNORMAL, ST1_MISSING_AM, 0);
    outb(m, IO + FDC_CCR, RATE_500K);
    COMMAND(0x4a, 4);
    ended(ST0_HEAD, 0, 0);
    chrn(0, 1, 1);
    COMMAND(0x46, 1, 0, 0, 1, 2, 18, 0x1b, 0xff); /* drive B is not there */
    ended(ST0_ABNORMAL | 1, ST1_MISSING_AM, 0);
}
END_TEST

START_TEST(protected)
{
    build(",readonly=on");
    start();
    COMMAND(CMD_SENSE_DRIVE, 0);
    results(1);
    ck_assert_uint_eq(result[0] & ST3_PROTECTED, ST3_PROTECTED);
    ck_assert_uint_eq(result[0] & ST3_TRACK0, ST3_TRACK0);
    program(DMA_MODE_FROM_MEMORY, BUFFER, 512);
    COMMAND(0xc5, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    ended(ST0_ABNORMAL, ST1_NOT_WRITABLE, 0);
}
END_TEST

START_TEST(change)
{
    GError *err = NULL;

    build("");
    start();
    ck_assert_uint_eq(inb(m, IO + FDC_DIR) & DIR_CHANGED, DIR_CHANGED);
    go_to(1);
    ck_assert_uint_eq(inb(m, IO + FDC_DIR) & DIR_CHANGED, 0);
    ck_assert(blk_change(f->drive[0].blk, NULL, &err));
    ck_assert_uint_eq(inb(m, IO + FDC_DIR) & DIR_CHANGED, DIR_CHANGED);
    go_to(2);
    ck_assert_uint_eq(inb(m, IO + FDC_DIR) & DIR_CHANGED, DIR_CHANGED);
    COMMAND(0x4a, 0);
    ended(ST0_ABNORMAL, ST1_MISSING_AM, 0);
    struct keyvals *kv = keyvals_new();
    keyvals_add(kv, "driver", "raw");
    keyvals_add(kv, "file.filename", path);
    ck_assert_msg(blk_change(f->drive[0].blk, kv, &err), "%s", err ? err->message : "");
    keyvals_free(kv);
    ck_assert_uint_eq(inb(m, IO + FDC_DIR) & DIR_CHANGED, DIR_CHANGED);
    go_to(1);
    ck_assert_uint_eq(inb(m, IO + FDC_DIR) & DIR_CHANGED, 0);
    COMMAND(0x4a, 0);
    ended(0, 0, 0);
}
END_TEST

START_TEST(dma_words)
{
    bool tc;
    uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    build("");
    outb(m, 0xd8, 0); /* channel 5: words, the page's lowest bit is none */
    outb(m, 0xd6, 0x44 | 1 | DMA_MODE_AUTOINIT);
    outb(m, 0x8b, 1);
    outb(m, 0xc4, 0x00);
    outb(m, 0xc4, 0x20);
    outb(m, 0xc6, 1);
    outb(m, 0xc6, 0);
    ck_assert(!i8237_ready(dma, 5));
    outb(m, 0xd4, 1);
    ck_assert(i8237_ready(dma, 5));
    ck_assert_uint_eq(i8237_transfer(dma, 5, data, 8, true, &tc), 4);
    ck_assert(tc);
    ck_assert_uint_eq(as_ld32(&m->mem, 0x4000), 0x04030201);
    ck_assert(i8237_ready(dma, 5)); /* it begins again by itself */
    ck_assert_uint_eq(inb(m, 0xd0) & 2, 2);
    ck_assert_uint_eq(inb(m, 0xd0) & 2, 0);
    outb(m, 0xd8, 0);
    uint8_t low = inb(m, 0xc4);
    ck_assert_uint_eq(low | inb(m, 0xc4) << 8, 0x2000);
    outb(m, 0xd0, DMA_COMMAND_DISABLE);
    ck_assert(!i8237_ready(dma, 5));
}
END_TEST

static void add(TCase *t)
{
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, identity);
    tcase_add_test(t, reads);
    tcase_add_test(t, writes);
    tcase_add_test(t, formats);
    tcase_add_test(t, without_dma);
    tcase_add_test(t, errors);
    tcase_add_test(t, protected);
    tcase_add_test(t, change);
    tcase_add_test(t, dma_words);
}

int main(void)
{
    return bench_run("fdc", add);
}

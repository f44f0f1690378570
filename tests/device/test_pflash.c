/* SPDX-License-Identifier: MIT */
/* Flash memory through its commands, and what is in the image afterwards. 28F640J3 (290667). */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "block/drive.h"
#include "hw/misc/pflash.h"
#include "tests/device/bench.h"

enum { BASE = 0x80000, SIZE = 16384 };
static struct machine *m;
static struct pflash *f;
static char *path;

static void plug(const char *options)
{
    GError *err = NULL;
    g_autofree char *text = g_strdup_printf("if=none,id=f,format=raw,file=%s%s", path, options);

    ck_assert_msg(drive_add(m, text, false, &err), "%s", err ? err->message : "");
    f = (struct pflash *)device_new(m, &pflash_type);
    ck_assert(device_set(&f->dev, "drive", "f", NULL));
    bench_realize(f);
    region_add(&m->mem_root, BASE, &f->mem, 1);
}

static void setup(void)
{
    uint8_t image[SIZE];
    int fd = g_file_open_tmp("hostel-flash-XXXXXX", &path, NULL);

    for (unsigned i = 0; i < SIZE; i++)
        image[i] = (uint8_t)(i / 16);
    ck_assert(write(fd, image, SIZE) == SIZE);
    close(fd);
    m = bench_new();
}

static void teardown(void)
{
    bench_free(m);
    unlink(path);
    g_free(path);
}

static void wr(unsigned off, unsigned v)
{
    as_st8(&m->mem, BASE + off, (uint8_t)v);
}

static uint8_t rd(unsigned off)
{
    return as_ld8(&m->mem, BASE + off);
}

/* A byte of the image, after the machine let go of it. */
static uint8_t in_image(unsigned off)
{
    int fd = open(path, O_RDONLY);
    uint8_t v = 0;

    ck_assert(pread(fd, &v, 1, off) == 1);
    close(fd);
    return v;
}

START_TEST(program_and_erase)
{
    plug("");
    ck_assert_uint_eq(rd(0x120), 0x12);
    wr(0x120, 0x10);
    wr(0x120, 0x32);
    ck_assert_uint_eq(rd(0x120), 0x80); /* status: ready */
    wr(0, 0xff);
    ck_assert_uint_eq(rd(0x120), 0x12 & 0x32); /* bits are cleared only */
    wr(0x1234, 0x20);
    wr(0x1234, 0xd0);
    wr(0, 0xff);
    ck_assert_uint_eq(rd(0x0fff), 0xff & (0xfff / 16));
    ck_assert_uint_eq(rd(0x1000), 0xff);
    ck_assert_uint_eq(rd(0x1fff), 0xff);
    ck_assert_uint_eq(rd(0x2000), 0x00);
    wr(0x1800, 0x40);
    wr(0x1800, 0xa5);
    device_free(&f->dev);
    ck_assert_uint_eq(in_image(0x120), 0x12);
    ck_assert_uint_eq(in_image(0x1000), 0xff);
    ck_assert_uint_eq(in_image(0x1800), 0xa5);
}
END_TEST

START_TEST(status_and_sequences)
{
    plug("");
    wr(0, 0x50);
    ck_assert_uint_eq(rd(0), 0); /* how firmware finds a flash chip */
    wr(0, 0x70);
    ck_assert_uint_eq(rd(77), 0);
    wr(0, 0x20);
    wr(0, 0x55); /* not confirmed */
    ck_assert_uint_eq(rd(0), 0xb0);
    wr(0, 0x50);
    wr(0, 0x90);
    ck_assert_uint_eq(rd(0), 0x89);
    ck_assert_uint_eq(rd(1), 0x18);
    wr(0, 0xff);
    ck_assert_uint_eq(rd(0x120), 0x12);
}
END_TEST

START_TEST(write_to_buffer)
{
    plug("");
    wr(0x2000, 0x20);
    wr(0x2000, 0xd0);
    wr(0x2000, 0xe8);
    ck_assert_uint_eq(rd(0x2000), 0x80);
    wr(0x2000, 3); /* four bytes */
    wr(0x2004, 1);
    as_st16(&m->mem, BASE + 0x2006, 0x0302);
    wr(0x2009, 4);
    wr(0x2000, 0xd0);
    wr(0, 0xff);
    ck_assert_uint_eq(as_ld32(&m->mem, BASE + 0x2004), 0x0302ff01);
    ck_assert_uint_eq(rd(0x2009), 4);
    ck_assert_uint_eq(rd(0x2008), 0xff);
}
END_TEST

START_TEST(cfi_query)
{
    plug("");
    wr(0x55, 0x98);
    ck_assert_uint_eq(rd(0x10), 'Q');
    ck_assert_uint_eq(rd(0x12), 'Y');
    ck_assert_uint_eq(rd(0x13), 1); /* Intel's command set */
    ck_assert_uint_eq(rd(0x15), 0x31);
    ck_assert_uint_eq(1u << rd(0x27), SIZE);
    ck_assert_uint_eq(rd(0x2c), 1);
    ck_assert_uint_eq(rd(0x2d) + 1, SIZE / PFLASH_BLOCK);
    ck_assert_uint_eq(rd(0x2f) * 256, PFLASH_BLOCK);
    ck_assert_uint_eq(rd(0x31), 'P');
}
END_TEST

START_TEST(read_only)
{
    plug(",readonly=on");
    wr(0x100, 0x40);
    wr(0x100, 0);
    ck_assert_uint_eq(rd(0), 0x92); /* program error, locked */
    wr(0, 0x50);
    wr(0, 0x20);
    wr(0, 0xd0);
    ck_assert_uint_eq(rd(0), 0xa2);
    wr(0, 0xff);
    ck_assert_uint_eq(rd(0x100), 0x10);
}
END_TEST

START_TEST(saved_in_a_command)
{
    plug("");
    wr(0x2000, 0x20);
    wr(0x2000, 0xd0);
    wr(0x2000, 0xe8);
    wr(0x2000, 1);
    wr(0x2001, 7);
    check_save_load(&f->dev);
    wr(0x2002, 8);
    wr(0x2000, 0xd0);
    wr(0, 0xff);
    ck_assert_uint_eq(as_ld32(&m->mem, BASE + 0x2000), 0xff0807ff);
    wr(0, 0x70);
    check_save_load(&f->dev);
    ck_assert_uint_eq(rd(5), 0x80);
    device_reset(&f->dev);
    ck_assert_uint_eq(rd(0x120), 0x12);
}
END_TEST

START_TEST(wrong_size)
{
    GError *err = NULL;

    ck_assert(truncate(path, 5120) == 0);
    g_autofree char *text = g_strdup_printf("if=none,id=f,format=raw,file=%s", path);
    ck_assert(drive_add(m, text, false, NULL));
    f = (struct pflash *)device_new(m, &pflash_type);
    ck_assert(device_set(&f->dev, "drive", "f", NULL));
    ck_assert(!device_realize(&f->dev, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "multiple of 4 KiB"));
    g_error_free(err);
    device_free(&f->dev);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, program_and_erase);
    tcase_add_test(t, status_and_sequences);
    tcase_add_test(t, write_to_buffer);
    tcase_add_test(t, cfi_query);
    tcase_add_test(t, read_only);
    tcase_add_test(t, saved_in_a_command);
    tcase_add_test(t, wrong_size);
}

int main(void)
{
    return bench_run("pflash", add);
}

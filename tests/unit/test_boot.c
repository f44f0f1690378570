/* SPDX-License-Identifier: MIT */
/*
 * Direct boot: what the parsers make of small made-up kernels, and the errors that broken ones
 * end in. Linux boot protocol 2.15, PVH, multiboot 0.6.96.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hw/pc/boot.h"
#include "hw/pc/elf.h"

enum { MIB = 1 << 20 };
static struct e820 map;

static struct boot_input input(const void *data, size_t len)
{
    return (struct boot_input){.kernel = {data, len}, .kernel_name = "k", .cmdline = "",
                               .low_ram = 64 * MIB, .map = &map, .rsdp = 0xf0000};
}

static const struct boot_piece *piece_at(const struct boot_image *img, uint64_t gpa)
{
    for (guint i = 0; i < img->pieces->len; i++) {
        const struct boot_piece *p = &g_array_index(img->pieces, struct boot_piece, i);
        if (gpa >= p->gpa && gpa < p->gpa + p->size)
            return p;
    }
    return NULL;
}

static void expect_error(const struct boot_input *in, const char *part)
{
    struct boot_image img;
    GError *err = NULL;

    ck_assert(!boot_prepare(in, &img, &err));
    ck_assert_ptr_nonnull(err);
    ck_assert_msg(strstr(err->message, part) != NULL, "'%s' lacks '%s'", err->message, part);
    g_error_free(err);
}

/* ---- Linux ---------------------------------------------------------------------------- */

enum { SETUP = 5 * 512, CODE = 64 * 1024 };

static uint8_t *bzimage(void)
{
    uint8_t *k = g_malloc0(SETUP + CODE);

    k[0x1f1] = 4;
    boot_st32(k + 0x1f4, CODE / 16);
    k[0x201] = 0x6a; /* the header ends at 26Ch */
    memcpy(k + 0x202, "HdrS", 4);
    boot_st16(k + 0x206, 0x20f);
    k[0x211] = 1;
    boot_st32(k + 0x22c, 0x7fffffff);
    boot_st32(k + 0x230, 2 * MIB);
    k[0x234] = 1;
    boot_st16(k + 0x236, 3);
    boot_st32(k + 0x238, 2047);
    boot_st64(k + 0x258, 16 * MIB);
    boot_st32(k + 0x260, 4 * MIB);
    k[SETUP] = 0xcc;
    return k;
}

START_TEST(linux_64)
{
    g_autofree uint8_t *k = bzimage();
    static uint8_t rd[10000];
    struct boot_input in = input(k, SETUP + CODE);
    struct boot_module mod = {{rd, sizeof(rd)}, "rd"};
    struct boot_image img;

    in.modules = &mod;
    in.nmodules = 1;
    in.cmdline = "console=ttyS0";
    ck_assert(boot_prepare(&in, &img, NULL));
    ck_assert_str_eq(img.protocol, "Linux 64-bit");
    ck_assert_int_eq(img.start.mode, VCPU_BOOT_LONG64);
    ck_assert_uint_eq(img.start.rip, 16 * MIB + 0x200);
    const uint8_t *bp = piece_at(&img, img.start.rsi)->bytes.data;
    ck_assert_uint_eq(boot_ld64(bp + 0x70), 0xf0000);
    ck_assert_uint_eq(boot_ld32(bp + 0x202), 0x53726448);
    ck_assert_uint_eq(bp[0x1e8], map.n);
    ck_assert_uint_eq(boot_ld64(bp + 0x2d0), 0);
    /* as high as RAM allows, page aligned */
    uint32_t at = boot_ld32(bp + 0x218);
    ck_assert_uint_eq(at, (64 * MIB - sizeof(rd)) & ~0xfffu);
    ck_assert_uint_eq(boot_ld32(bp + 0x21c), sizeof(rd));
    ck_assert_ptr_eq(piece_at(&img, at)->bytes.data, rd);
    ck_assert_str_eq((const char *)piece_at(&img, boot_ld32(bp + 0x228))->bytes.data, in.cmdline);
    ck_assert_uint_eq(piece_at(&img, 16 * MIB)->bytes.data[0], 0xcc);
    boot_image_free(&img);
}
END_TEST

START_TEST(linux_32)
{
    g_autofree uint8_t *k = bzimage();
    struct boot_input in = input(k, SETUP + CODE);
    struct boot_image img;

    boot_st16(k + 0x236, 0);
    ck_assert(boot_prepare(&in, &img, NULL));
    ck_assert_int_eq(img.start.mode, VCPU_BOOT_FLAT32);
    ck_assert_uint_eq(img.start.rip, 16 * MIB);
    ck_assert_uint_eq(img.start.cs, 0x10);
    ck_assert_uint_eq(img.start.ds, 0x18);
    boot_image_free(&img);
}
END_TEST

START_TEST(linux_small_memory)
{
    g_autofree uint8_t *k = bzimage();
    struct boot_input in = input(k, SETUP + CODE);
    struct boot_image img;

    in.low_ram = 12 * MIB; /* not enough at the preferred 16 MiB */
    ck_assert(boot_prepare(&in, &img, NULL));
    ck_assert_uint_eq(img.start.rip, 2 * MIB + 0x200); /* the next aligned place */
    boot_image_free(&img);
    in.low_ram = 4 * MIB;
    expect_error(&in, "-m");
    k[0x234] = 0; /* cannot be moved at all */
    in.low_ram = 12 * MIB;
    expect_error(&in, "-m");
}
END_TEST

START_TEST(linux_initrd_limits)
{
    g_autofree uint8_t *k = bzimage();
    static uint8_t rd[8 * MIB];
    struct boot_input in = input(k, SETUP + CODE);
    struct boot_module mod = {{rd, sizeof(rd)}, "rd"};
    struct boot_image img;

    in.modules = &mod;
    in.nmodules = 1;
    boot_st32(k + 0x22c, 24 * MIB - 1); /* must end below 24 MiB, and keep off the kernel */
    ck_assert(boot_prepare(&in, &img, NULL));
    uint32_t at = boot_ld32(piece_at(&img, img.start.rsi)->bytes.data + 0x218);
    ck_assert_uint_eq(at, 8 * MIB);
    boot_image_free(&img);
    boot_st32(k + 0x22c, 4 * MIB - 1); /* no room there, none above 4 GiB */
    expect_error(&in, "-initrd rd");
    in.high_ram = 16 * MIB;
    ck_assert(boot_prepare(&in, &img, NULL));
    const uint8_t *bp = piece_at(&img, img.start.rsi)->bytes.data;
    ck_assert_uint_eq(boot_ld32(bp + 0xc0), 1);
    ck_assert_uint_eq(boot_ld32(bp + 0x218), 8 * MIB);
    boot_image_free(&img);
    boot_st16(k + 0x236, 1); /* a kernel that does not take it there */
    expect_error(&in, "-initrd rd");
}
END_TEST

START_TEST(linux_broken)
{
    g_autofree uint8_t *k = bzimage();
    struct boot_input in = input(k, SETUP + CODE);
    g_autofree char *words = g_strnfill(3000, 'x');

    in.cmdline = words;
    expect_error(&in, "-append");
    in.cmdline = "";
    in.kernel.len = SETUP + CODE - 1;
    expect_error(&in, "truncated");
    in.kernel.len = SETUP;
    expect_error(&in, "truncated");
    in.kernel.len = 0x207;
    expect_error(&in, "-kernel k");
    in.kernel.len = SETUP + CODE;
    boot_st32(k + 0x230, 3);
    expect_error(&in, "kernel_alignment");
    boot_st16(k + 0x206, 0x201);
    expect_error(&in, "too old");
    boot_st16(k + 0x206, 0x20f);
    boot_st32(k + 0x230, 2 * MIB);
    boot_st32(k + 0x260, 0xffffffff);
    expect_error(&in, "-m");
    boot_st64(k + 0x258, UINT64_MAX);
    expect_error(&in, "-m");
}
END_TEST

/* ---- ELF: PVH and multiboot ----------------------------------------------------------- */

enum { ELF_LEN = 8192, NOTE_AT = 0x200, TEXT_AT = 0x1000 };

/* ELF32: a load segment at 2 MiB with bss, and a Xen note. */
static uint8_t *elf32(void)
{
    uint8_t *e = g_malloc0(ELF_LEN);

    memcpy(e, "\177ELF\1\1\1", 7);
    boot_st16(e + 16, 2);
    boot_st16(e + 18, 3);
    boot_st32(e + 24, 2 * MIB + 4);
    boot_st32(e + 28, 52);
    boot_st16(e + 42, 32);
    boot_st16(e + 44, 2);
    uint8_t *p = e + 52;
    boot_st32(p, ELF_PT_LOAD);
    boot_st32(p + 4, TEXT_AT);
    boot_st32(p + 8, 2 * MIB);
    boot_st32(p + 12, 2 * MIB);
    boot_st32(p + 16, 0x1000);
    boot_st32(p + 20, 0x3000);
    p += 32;
    boot_st32(p, ELF_PT_NOTE);
    boot_st32(p + 4, NOTE_AT);
    boot_st32(p + 16, 20);
    boot_st32(e + NOTE_AT, 4);
    boot_st32(e + NOTE_AT + 4, 4);
    boot_st32(e + NOTE_AT + 8, 18);
    memcpy(e + NOTE_AT + 12, "Xen", 4);
    boot_st32(e + NOTE_AT + 16, 2 * MIB + 0x40);
    return e;
}

START_TEST(pvh)
{
    g_autofree uint8_t *e = elf32();
    static uint8_t rd[5000];
    struct boot_input in = input(e, ELF_LEN);
    struct boot_module mod = {{rd, sizeof(rd)}, "rd"};
    struct boot_image img;

    in.modules = &mod;
    in.nmodules = 1;
    in.cmdline = "hello";
    ck_assert(boot_prepare(&in, &img, NULL));
    ck_assert_str_eq(img.protocol, "PVH");
    ck_assert_uint_eq(img.start.rip, 2 * MIB + 0x40);
    const struct boot_piece *info = piece_at(&img, img.start.rbx);
    const uint8_t *s = info->bytes.data;
    ck_assert_uint_eq(boot_ld32(s), 0x336ec578);
    ck_assert_uint_eq(boot_ld32(s + 4), 1);
    ck_assert_uint_eq(boot_ld32(s + 12), 1);
    ck_assert_uint_eq(boot_ld64(s + 32), 0xf0000);
    ck_assert_uint_eq(boot_ld32(s + 48), map.n);
    ck_assert_str_eq((const char *)s + (boot_ld64(s + 24) - info->gpa), "hello");
    const uint8_t *m = s + (boot_ld64(s + 16) - info->gpa);
    ck_assert_ptr_eq(piece_at(&img, boot_ld64(m))->bytes.data, rd);
    ck_assert_uint_eq(boot_ld64(m + 8), sizeof(rd));
    const struct boot_piece *text = piece_at(&img, 2 * MIB);
    ck_assert_uint_eq(text->size, 0x3000); /* with its bss */
    boot_image_free(&img);
}
END_TEST

START_TEST(elf_broken)
{
    g_autofree uint8_t *e = elf32();
    struct boot_input in = input(e, ELF_LEN);

    boot_st32(e + NOTE_AT + 8, 17);
    expect_error(&in, "PVH");
    boot_st32(e + NOTE_AT + 8, 18);
    boot_st32(e + 52 + 4, 0xfffff000);
    expect_error(&in, "outside the file");
    boot_st32(e + 52 + 4, TEXT_AT);
    boot_st32(e + 52 + 20, 0x800);
    expect_error(&in, "impossible");
    boot_st32(e + 52 + 20, 0xfff00000);
    expect_error(&in, "-m");
    boot_st32(e + 52 + 20, 0x3000);
    boot_st32(e + 52 + 12, 0xf0000); /* where the tables are */
    expect_error(&in, "does not fit");
    boot_st32(e + 28, 0xffffffff);
    expect_error(&in, "program headers");
    boot_st16(e + 18, 183);
    expect_error(&in, "another processor");
    in.kernel.len = 20;
    expect_error(&in, "not an ELF");
}
END_TEST

static void add_multiboot(uint8_t *p, uint32_t flags)
{
    boot_st32(p, 0x1badb002);
    boot_st32(p + 4, flags);
    boot_st32(p + 8, -(0x1badb002 + flags));
}

START_TEST(multiboot_elf)
{
    g_autofree uint8_t *e = elf32();
    static uint8_t a[100], b[5000];
    struct boot_module mods[2] = {{{a, sizeof(a)}, "a one"}, {{b, sizeof(b)}, "b"}};
    struct boot_input in = input(e, ELF_LEN);
    struct boot_image img;

    add_multiboot(e + TEXT_AT, 3);
    in.modules = mods;
    in.nmodules = 2;
    in.cmdline = "args";
    ck_assert(boot_prepare(&in, &img, NULL));
    ck_assert_str_eq(img.protocol, "multiboot");
    ck_assert_uint_eq(img.start.rip, 2 * MIB + 4);
    ck_assert_uint_eq(img.start.rax, 0x2badb002);
    const struct boot_piece *info = piece_at(&img, img.start.rbx);
    const uint8_t *s = info->bytes.data;
    ck_assert_uint_eq(boot_ld32(s) & 0x4d, 0x4d);
    ck_assert_uint_eq(boot_ld32(s + 8), 63 * 1024);
    ck_assert_str_eq((const char *)s + (boot_ld32(s + 16) - info->gpa), "k args");
    ck_assert_uint_eq(boot_ld32(s + 20), 2);
    const uint8_t *m = s + (boot_ld32(s + 24) - info->gpa);
    for (unsigned i = 0; i < 2; i++, m += 16) {
        ck_assert_uint_eq(boot_ld32(m) % 4096, 0);
        ck_assert_uint_ge(boot_ld32(m), 2 * MIB + 0x3000);
        ck_assert_uint_eq(boot_ld32(m + 4) - boot_ld32(m), mods[i].file.len);
        ck_assert_ptr_eq(piece_at(&img, boot_ld32(m))->bytes.data, mods[i].file.data);
        ck_assert_str_eq((const char *)s + (boot_ld32(m + 8) - info->gpa), mods[i].text);
    }
    ck_assert_uint_eq(boot_ld32(s + 44), 24 * map.n);
    ck_assert_uint_eq(boot_ld32(s + (boot_ld32(s + 48) - info->gpa)), 20);
    boot_image_free(&img);
}
END_TEST

START_TEST(multiboot_addresses)
{
    uint8_t k[0x400] = {0};
    struct boot_input in = input(k, sizeof(k));
    struct boot_image img;

    add_multiboot(k + 0x40, 1 << 16);
    boot_st32(k + 0x4c, 3 * MIB + 0x40); /* header */
    boot_st32(k + 0x50, 3 * MIB);        /* load */
    boot_st32(k + 0x54, 0);              /* load all */
    boot_st32(k + 0x58, 3 * MIB + 0x8000);
    boot_st32(k + 0x5c, 3 * MIB + 0x100);
    ck_assert(boot_prepare(&in, &img, NULL));
    ck_assert_uint_eq(img.start.rip, 3 * MIB + 0x100);
    const struct boot_piece *p = piece_at(&img, 3 * MIB);
    ck_assert_uint_eq(p->bytes.len, sizeof(k));
    ck_assert_uint_eq(p->size, 0x8000);
    boot_image_free(&img);

    boot_st32(k + 0x54, 3 * MIB + 0x401); /* more than the file has */
    expect_error(&in, "load_end");
    boot_st32(k + 0x54, 0);
    boot_st32(k + 0x58, 3 * MIB + 0x10); /* bss ends before the text */
    expect_error(&in, "bss_end");
    boot_st32(k + 0x4c, 2 * MIB);
    expect_error(&in, "addresses");
    in.kernel.len = 0x50;
    expect_error(&in, "truncated");
    add_multiboot(k + 0x40, 1 << 3);
    expect_error(&in, "features");
}
END_TEST

START_TEST(modules_text)
{
    char **v = boot_split_modules("a one,b,,c,d");

    ck_assert_uint_eq(g_strv_length(v), 3);
    ck_assert_str_eq(v[0], "a one");
    ck_assert_str_eq(v[1], "b,c");
    ck_assert_str_eq(v[2], "d");
    g_strfreev(v);
}
END_TEST

START_TEST(noise)
{
    GRand *r = g_rand_new_with_seed(1);

    for (unsigned n = 0; n < 2000; n++) {
        g_autofree uint8_t *k = n & 1 ? bzimage() : elf32();
        size_t len = n & 1 ? SETUP + CODE : ELF_LEN, first = n & 1 ? 0x1f1 : 4;
        struct boot_input in = input(k, len);
        struct boot_image img;
        GError *err = NULL;
        for (unsigned i = 0; i < 4; i++)
            k[first + (size_t)g_rand_int_range(r, 0, 0x70)] = (uint8_t)g_rand_int(r);
        if (!(n & 1) && n & 2)
            add_multiboot(k + TEXT_AT, g_rand_int(r) & 0x10007);
        if (boot_prepare(&in, &img, &err)) {
            boot_image_free(&img);
        } else {
            ck_assert_ptr_nonnull(err);
            g_error_free(err);
        }
    }
    g_rand_free(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("boot");
    TCase *tc = tcase_create("boot");

    e820_build(&map, 64 * MIB, 0, 0xe0000);
    tcase_add_test(tc, linux_64);
    tcase_add_test(tc, linux_32);
    tcase_add_test(tc, linux_small_memory);
    tcase_add_test(tc, linux_initrd_limits);
    tcase_add_test(tc, linux_broken);
    tcase_add_test(tc, pvh);
    tcase_add_test(tc, elf_broken);
    tcase_add_test(tc, multiboot_elf);
    tcase_add_test(tc, multiboot_addresses);
    tcase_add_test(tc, modules_text);
    tcase_add_test(tc, noise);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

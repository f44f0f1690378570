/* SPDX-License-Identifier: MIT */
/* bootindex= and what firmware reads of it: the fw_cfg file "bootorder" of a whole board. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hw/pc/board.h"
#include "tests/device/board_bench.h"

static struct machine_config config;
static struct machine *m;
static char *rom;

static void build(const char *type)
{
    rom = board_bench_rom();
    config = (struct machine_config){.machine_type = (char *)type, .ram_size = 32 << 20,
                                     .cpus = 1, .max_cpus = 1, .sockets = 1, .cores = 1,
                                     .threads = 1, .rtc_base = INT64_MIN, .acpi = true,
                                     .bios = rom};
    m = machine_new(&config, NULL);
    machine_lock(m);
    ck_assert(pc_board_build(m, NULL));
    for (unsigned i = 0; i < 4; i++) {
        char id[] = {'d', (char)('0' + i), 0};
        board_bench_disk(m, id);
    }
}

static void teardown(void)
{
    machine_unlock(m);
    machine_free(m);
    unlink(rom);
    g_free(rom);
}

static void add(const char *text)
{
    GError *err = NULL;
    ck_assert_msg(device_add_from_text(m, text, &err) != NULL, "%s", err ? err->message : "");
}

static const char *order(void)
{
    struct board *b = m->board;

    for (unsigned i = FW_CFG_FILE_FIRST; i < G_N_ELEMENTS(b->fw_cfg->item); i++)
        if (!strcmp(b->fw_cfg->item[i].name, "bootorder"))
            return (const char *)b->fw_cfg->item[i].data;
    return NULL;
}

START_TEST(on_q35)
{
    build("q35");
    add("pci-bridge,id=br,addr=1e");
    add("ide-hd,drive=d0,bus=ide.4,bootindex=7");
    add("virtio-blk-pci,drive=d1,addr=3,bootindex=0");
    add("virtio-blk-pci,drive=d2,bus=br,addr=2,bootindex=3");
    add("ide-hd,drive=d3");
    ck_assert(pc_board_finish(m, NULL));
    ck_assert_str_eq(order(), "/pci@i0cf8/scsi@3/disk@0,0\n"
                              "/pci@i0cf8/pci-bridge@1e/scsi@2/disk@0,0\n"
                              "/pci@i0cf8/pci8086,2922@1f,2/drive@4/disk@0");
}
END_TEST

START_TEST(on_pc)
{
    build("pc");
    config.boot.strict = true;
    add("ide-cd,drive=d0,bus=ide.1,unit=1,bootindex=1");
    add("ide-hd,drive=d1,bootindex=0");
    ck_assert(pc_board_finish(m, NULL));
    ck_assert_str_eq(order(), "/pci@i0cf8/ide@1,1/drive@0/disk@0\n"
                              "/pci@i0cf8/ide@1,1/drive@1/disk@1\nHALT");
}
END_TEST

START_TEST(wrong)
{
    GError *err = NULL;

    build("pc");
    ck_assert(!device_add_from_text(m, "ide-hd,drive=d0,bootindex=first", &err));
    g_clear_error(&err);
    add("ide-hd,id=a,drive=d1,bootindex=2");
    add("ide-hd,id=b,drive=d2,bootindex=2");
    ck_assert(!pc_board_finish(m, &err));
    ck_assert_ptr_nonnull(strstr(err->message, "both 'a' and 'b'"));
    g_clear_error(&err);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bootindex");
    TCase *tc = tcase_create("bootindex");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, on_q35);
    tcase_add_test(tc, on_pc);
    tcase_add_test(tc, wrong);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

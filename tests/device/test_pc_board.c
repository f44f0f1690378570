/* SPDX-License-Identifier: MIT */
/*
 * The board as a whole, without processors: who answers where, which wire goes to whom, the A20
 * gate, ROM placement, and what a direct boot finds in memory after each reset.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/machine.h"
#include "core/vcpu_ops.h"
#include "hw/misc/pci_testdev.h"
#include "hw/pc/board.h"
#include "hw/pc/pc.h"
#include "hw/pci/i440fx.h"
#include "hw/pci/i440fx_regs.h"
#include "hw/pci/ich9_lpc.h"
#include "hw/pci/mch.h"
#include "hw/pci/piix3.h"
#include "hw/pci/piix4_pm.h"
#include "hw/pci/piix_regs.h"
#include "hw/types.h"

enum { MIB = 1 << 20 };
static struct machine_config config;
static struct machine *m;
static char *file;

static void setup(void)
{
    config = (struct machine_config){.machine_type = (char *)"pc", .ram_size = 32 * MIB, .cpus = 1,
                                     .max_cpus = 1, .sockets = 1, .cores = 1, .threads = 1,
                                     .rtc_base = INT64_MIN, .acpi = true, .hpet = true};
    m = NULL;
    file = NULL;
}

static void teardown(void)
{
    if (m) {
        machine_unlock(m);
        machine_free(m);
    }
    if (file)
        unlink(file);
    g_free(file);
}

static void build(void)
{
    GError *err = NULL;

    m = machine_new(&config, &err);
    ck_assert(m != NULL);
    machine_lock(m);
    ck_assert_msg(pc_board_build(m, &err), "%s", err ? err->message : "");
}

static char *write_file(const void *data, size_t len)
{
    int fd = g_file_open_tmp("hostel-board-XXXXXX", &file, NULL);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
    close(fd);
    return file;
}

static const char *at(struct address_space *as, uint64_t addr)
{
    const struct region_section *s = as_lookup(as, addr);
    return s ? s->region->name : "";
}

START_TEST(map)
{
    config.ram_size = 4096ull * MIB; /* 3 GiB below, 1 GiB above */
    build();
    ck_assert_str_eq(at(&m->mem, 0), "ram-low");
    ck_assert_str_eq(at(&m->mem, 0x9ffff), "ram-low");
    ck_assert_str_eq(at(&m->mem, 0xa0000), "");
    ck_assert_str_eq(at(&m->mem, 0xbfffffff), "ram-1m");
    ck_assert_str_eq(at(&m->mem, 0xc0000000), "");
    ck_assert_str_eq(at(&m->mem, 0x13fffffff), "ram-4g");
    ck_assert_str_eq(at(&m->mem, 0x140000000), "");
    ck_assert_ptr_nonnull(as_lookup(&m->mem, PC_IOAPIC_BASE));
    ck_assert_ptr_nonnull(as_lookup(&m->mem, PC_HPET_BASE));
    static const uint16_t ports[] = {0x20, 0x21, 0x40, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x92,
                                     0xa0, 0xa1, 0xb2, 0x4d0, 0x510, 0x514, 0xcf8, 0xcfc};
    for (unsigned i = 0; i < G_N_ELEMENTS(ports); i++)
        ck_assert_msg(as_lookup(&m->io, ports[i]) != NULL, "port %x", ports[i]);
}
END_TEST

START_TEST(no_hpet)
{
    config.hpet = false;
    build();
    ck_assert_ptr_null(as_lookup(&m->mem, PC_HPET_BASE));
}
END_TEST

START_TEST(a20)
{
    build();
    as_st8(&m->mem, 0, 0x11);
    as_st8(&m->mem, MIB, 0x22);
    as_st8(&m->mem, 3 * MIB, 0x33);
    machine_set_a20(m, false);
    ck_assert_uint_eq(as_ld8(&m->mem, MIB), 0x11);
    as_st8(&m->mem, 3 * MIB + 1, 0x44); /* goes to 2 MiB + 1 */
    machine_set_a20(m, true);
    ck_assert_uint_eq(as_ld8(&m->mem, MIB), 0x22);
    ck_assert_uint_eq(as_ld8(&m->mem, 3 * MIB), 0x33);
    ck_assert_uint_eq(as_ld8(&m->mem, 2 * MIB + 1), 0x44);
    machine_set_a20(m, false);
    machine_reset(m);
    ck_assert(m->a20);
}
END_TEST

START_TEST(interrupt_lines)
{
    build();
    machine_reset(m);
    struct board *b = m->board;
    irq_set(m->isa_irq[5], 1);
    ck_assert_uint_eq(b->pic->chip[0].lines >> 5 & 1, 1);
    ck_assert_uint_eq(b->ioapic->lines >> 5 & 1, 1);
    irq_set(m->isa_irq[0], 1); /* the timer: pin 2 */
    ck_assert_uint_eq(b->ioapic->lines & 7, 4);
    irq_set(m->isa_irq[0], 0);
    ck_assert_uint_eq(b->ioapic->lines & 7, 0);
    /* two sources of one line: PIRQ routed to 5 beside the ISA device */
    pci_bus_config_write(&b->pci, 0, b->isa->pci.devfn, PIIX_PIRQRC, 5, 1);
    piix3_set_pirq(b->isa, 0, 1);
    irq_set(m->isa_irq[5], 0);
    ck_assert_uint_eq(b->ioapic->lines >> 5 & 1, 1);
    piix3_set_pirq(b->isa, 0, 0);
    ck_assert_uint_eq(b->ioapic->lines >> 5 & 1, 0);
}
END_TEST

START_TEST(rom_image)
{
    g_autofree uint8_t *rom = g_malloc(256 * 1024);

    for (unsigned i = 0; i < 256 * 1024; i++)
        rom[i] = (uint8_t)(i >> 10);
    config.bios = write_file(rom, 256 * 1024);
    build();
    ck_assert(pc_board_finish(m, NULL));
    machine_reset(m);
    as_st8(&m->io, 0x70, 0x3d); /* boot order: disk, then floppy */
    ck_assert_uint_eq(as_ld8(&m->io, 0x71), 0x12);
    as_st8(&m->io, 0x70, 0x35); /* 64 KiB units above 16 MiB: 256 */
    ck_assert_uint_eq(as_ld8(&m->io, 0x71), 1);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xfffc0000), rom[0]);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xffffffff), 255);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xe0000), rom[128 * 1024]);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xfffff), 255);
    as_st8(&m->mem, 0xfffff, 0);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xfffff), 255);
    /* firmware copies itself into shadow RAM: reads from the ROM, writes to RAM */
    struct board *b = m->board;
    pci_bus_config_write(&b->pci, 0, 0, I440FX_PAM0, PAM_WRITE << 4, 1);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xfffff), 255);
    as_st8(&m->mem, 0xfffff, 0x77);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xfffff), 255);
    pci_bus_config_write(&b->pci, 0, 0, I440FX_PAM0, PAM_READ << 4, 1);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xfffff), 0x77);
    machine_reset(m); /* back to the ROM */
    ck_assert_uint_eq(as_ld8(&m->mem, 0xfffff), 255);
}
END_TEST

/* FADT of etc/acpi/tables as firmware reads it: PM1a event block. */
static uint32_t offered_pm_block(void)
{
    static const char name[] = "etc/acpi/tables";
    struct board *b = m->board;
    unsigned key = 0;

    while (strcmp(b->fw_cfg->item[FW_CFG_FILE_FIRST + key].name, name))
        key++;
    as_st16(&m->io, FW_CFG_PORT, (uint16_t)(FW_CFG_FILE_FIRST + key));
    const struct fw_cfg_item *it = &b->fw_cfg->item[FW_CFG_FILE_FIRST + key];
    for (uint32_t at = 0; at + 60 < it->len; at += 16)
        if (!memcmp(it->data + at, "FACP", 4))
            return pci_get32(it->data + at + 56);
    return 0;
}

START_TEST(tables_follow_firmware)
{
    uint8_t image[4096] = {0};

    config.bios = write_file(image, sizeof(image));
    build();
    ck_assert(pc_board_finish(m, NULL));
    machine_reset(m);
    struct board *b = m->board;
    ck_assert_uint_eq(offered_pm_block(), ACPI_PM_BASE);
    pci_bus_config_write(&b->pci, 0, b->pm->pci.devfn, PIIX4_PMBA, 0xb001, 4);
    ck_assert_uint_eq(offered_pm_block(), ACPI_PM_BASE); /* not decoded yet */
    pci_bus_config_write(&b->pci, 0, b->pm->pci.devfn, PIIX4_PMREGMISC, 1, 1);
    ck_assert_uint_eq(offered_pm_block(), 0xb000);
}
END_TEST

static uint8_t *multiboot_kernel(void)
{
    uint8_t *k = g_malloc0(4096);
    uint32_t h[] = {0x1badb002, 1 << 16, -(0x1badb002u + (1 << 16)), 2 * MIB, 2 * MIB, 0,
                    2 * MIB + 0x3000, 2 * MIB + 0x20};

    memcpy(k, h, sizeof(h));
    k[0x20] = 0xf4;
    return k;
}

START_TEST(direct_boot)
{
    g_autofree uint8_t *k = multiboot_kernel();

    config.kernel = write_file(k, 4096);
    build();
    GError *err = NULL;
    ck_assert_ptr_nonnull(device_add_from_text(m, "pci-testdev,id=t", &err));
    ck_assert_ptr_nonnull(device_add_from_text(m, "pci-testdev", &err));
    ck_assert_msg(pc_board_finish(m, &err), "%s", err ? err->message : "");
    machine_reset(m);
    for (unsigned round = 0; round < 2; round++) {
        ck_assert_uint_eq(as_ld8(&m->mem, 2 * MIB + 0x20), 0xf4);
        ck_assert_uint_eq(as_ld8(&m->mem, 2 * MIB + 0x2fff), 0); /* bss */
        ck_assert_uint_eq(as_ld32(&m->mem, 0xf0000), 0x20445352); /* "RSD " */
        ck_assert_uint_eq(as_ld32(&m->mem, 0xf0040), 0x5f4d535f); /* "_SM_" */
        ck_assert_uint_eq(as_ld32(&m->io, ACPI_PM_BASE + PM1_TMR) >> 24, 0);
        /* functions have addresses, and bus mastering is on */
        struct board *b = m->board;
        for (unsigned devfn = 0x10; devfn <= 0x18; devfn += 8) {
            const struct pci_testdev *t = (const struct pci_testdev *)b->pci.dev[devfn];
            ck_assert_ptr_nonnull(t->mem.parent);
            ck_assert_ptr_nonnull(t->io.parent);
            ck_assert_uint_eq(t->pci.config[PCI_COMMAND], 7);
        }
        /* scribble over it all, as a guest does, and start again */
        as_st8(&m->mem, 2 * MIB + 0x20, 0);
        as_st8(&m->mem, 2 * MIB + 0x2fff, 0xff);
        as_st32(&m->mem, 0xf0000, 0);
        machine_reset(m);
    }
}
END_TEST

START_TEST(machine_types)
{
    static const struct {
        const char *name, *part;
    } bad[] = {{"q3", "'q35'"}, {"pc-q35-x", "no such machine"}, {"pcc", "'pc'"}};
    GError *err = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        config.machine_type = (char *)bad[i].name;
        m = machine_new(&config, NULL);
        machine_lock(m);
        ck_assert(!pc_board_build(m, &err));
        ck_assert_ptr_nonnull(strstr(err->message, bad[i].part));
        g_clear_error(&err);
        machine_unlock(m);
        machine_free(m);
        m = NULL;
    }
    config.machine_type = (char *)"none";
    build();
    ck_assert(pc_board_finish(m, NULL));
    ck_assert_ptr_null(m->board);
    ck_assert(!device_add_from_text(m, "pci-testdev", &err));
    g_clear_error(&err);
}
END_TEST

START_TEST(device_text)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"pci-testdw", "'pci-testdev'"},      {"pci-testdev,adr=3", "'addr'"},
        {"pci-testdev,addr=1", "taken"},      {"pci-testdev,id=9", "begins with a letter"},
        {"pci-testdev,bus=x", "no such PCI"}, {"isa-debug-exit,bus=pci.0", "isa.0"},
        {"PIIX3", "part of the board"},       {"pci-testdev,membar=17", "power of two"},
    };
    GError *err = NULL;

    build();
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        ck_assert(!device_add_from_text(m, bad[i].text, &err));
        ck_assert_msg(strstr(err->message, bad[i].part) != NULL, "%s", err->message);
        g_clear_error(&err);
    }
    ck_assert_ptr_nonnull(device_add_from_text(m, "pci-testdev,id=a,addr=7.0,bus=pci.0", NULL));
    ck_assert(!device_add_from_text(m, "pci-testdev,id=a", &err));
    ck_assert_ptr_nonnull(strstr(err->message, "taken by another"));
    g_clear_error(&err);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pc_board");
    TCase *tc = tcase_create("pc_board");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, map);
    tcase_add_test(tc, no_hpet);
    tcase_add_test(tc, a20);
    tcase_add_test(tc, interrupt_lines);
    tcase_add_test(tc, rom_image);
    tcase_add_test(tc, tables_follow_firmware);
    tcase_add_test(tc, direct_boot);
    tcase_add_test(tc, machine_types);
    tcase_add_test(tc, device_text);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

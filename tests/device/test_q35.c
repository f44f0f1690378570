/* SPDX-License-Identifier: MIT */
/*
 * The Q35 board by its registers: configuration through ECAM, PCI-to-PCI bridges, PIRQ routing,
 * the ACPI block of ICH9, reset control. Intel 316966, 316972; PCI-to-PCI bridge specification.
 */
#include <check.h>
#include <stdlib.h>

#include "hw/misc/pci_testdev.h"
#include "hw/pc/board.h"
#include "hw/pci/ich9_lpc.h"
#include "hw/pci/ich9_smbus.h"
#include "hw/pci/mch.h"
#include "hw/pci/pci_bridge.h"
#include "tests/device/board_bench.h"

enum { ECAM = 0xb0000000, LPC = 0x1f << 15, SMB = 0x1f << 15 | 3 << 12, PM = 0x600 };
static struct machine *m;
static struct board *b;

static void setup(void)
{
    m = board_bench_new_on("q35");
    b = m->board;
    mch_open(b->mch, ECAM);
    ich9_lpc_open(b->lpc);
}

static void teardown(void)
{
    board_bench_free(m);
}

static uint32_t ecam(uint32_t at)
{
    return as_ld32(&m->mem, ECAM + at);
}

static struct pci_device *plug(const char *text)
{
    GError *err = NULL;
    struct device *d = device_add_from_text(m, text, &err);
    ck_assert_msg(d != NULL, "%s", err ? err->message : "");
    device_reset(d);
    return to_pci(d);
}

START_TEST(ecam_window)
{
    ck_assert_uint_eq(ecam(0), 0x29c08086);
    ck_assert_uint_eq(ecam(LPC), 0x29188086);
    ck_assert_uint_eq(ecam(SMB), 0x29308086);
    ck_assert_uint_eq(ecam(0x1e << 15), 0xffffffff); /* nobody */
    ck_assert_uint_eq(ecam(0x100), 0xffffffff);      /* no extended space */
    as_st8(&m->mem, ECAM + LPC + PCI_INT_LINE - 1, 1);
    as_st8(&m->mem, ECAM + LPC + ICH9_PIRQA, 0x85);  /* bytes */
    ck_assert_uint_eq(as_ld8(&m->mem, ECAM + LPC + ICH9_PIRQA), 0x85);
    /* 64 MiB elsewhere: buses 0 to 63 */
    pci_bus_config_write(m->pci, 0, 0, MCH_PCIEXBAR, 0xe0000000 | 2 << 1 | 1, 4);
    ck_assert_uint_eq(as_ld32(&m->mem, 0xe0000000), 0x29c08086);
    ck_assert_ptr_null(as_lookup(&m->mem, 0xe4000000));
    ck_assert_ptr_null(as_lookup(&m->mem, ECAM));
    ck_assert_uint_eq(mch_ecam_last_bus(b->mch), 63);
    pci_bus_config_write(m->pci, 0, 0, MCH_PCIEXBAR, 0xe0000000 | 3 << 1 | 1, 4); /* reserved */
    ck_assert_ptr_null(as_lookup(&m->mem, 0xe0000000));
}
END_TEST

START_TEST(shadow_and_smram)
{
    uint8_t *ram = m->ram->host;

    ram[0xe0000] = 0x12;
    pci_bus_config_write(m->pci, 0, 0, MCH_PAM0 + 5, 0, 1);
    ck_assert_uint_ne(as_ld8(&m->mem, 0xe0000), 0x12);
    pci_bus_config_write(m->pci, 0, 0, MCH_PAM0 + 5, PAM_READ, 1);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xe0000), 0x12);
    ram[0xa0000] = 0x34;
    pci_bus_config_write(m->pci, 0, 0, MCH_SMRAM, SMRAM_G_SMRAME | SMRAM_D_OPEN, 1);
    ck_assert_uint_eq(as_ld8(&m->mem, 0xa0000), 0x34);
    pci_bus_config_write(m->pci, 0, 0, MCH_SMRAM, SMRAM_G_SMRAME | SMRAM_D_LCK, 1);
    ck_assert_uint_ne(as_ld8(&m->mem, 0xa0000), 0x34);
    pci_bus_config_write(m->pci, 0, 0, MCH_SMRAM, SMRAM_G_SMRAME | SMRAM_D_OPEN, 1); /* locked */
    ck_assert_uint_ne(as_ld8(&m->mem, 0xa0000), 0x34);
}
END_TEST

static unsigned pin_level(unsigned gsi)
{
    return b->ioapic->lines >> gsi & 1;
}

START_TEST(interrupt_routing)
{
    struct pci_device *t = plug("pci-testdev,addr=19"); /* without a pin of its own */
    ck_assert_uint_eq(pci_wire_of(m->pci, 9, 0), 5);   /* slot 9, INTA: PIRQF */
    ck_assert_uint_eq(pci_wire_of(m->pci, 31, 1), 1);  /* by D31IR: PIRQB */
    irq_set(m->pci->intx[5], 1);
    ck_assert_uint_eq(pin_level(21), 1);
    ck_assert_uint_eq(pin_level(10), 0); /* not routed yet */
    pci_config_write(&b->lpc->pci, ICH9_PIRQE + 1, 10, 1);
    ck_assert_uint_eq(pin_level(10), 1);
    ck_assert_uint_eq(b->pic->chip[1].lines >> 2 & 1, 1);
    pci_config_write(&b->lpc->pci, ICH9_PIRQE + 1, ICH9_PIRQ_OFF, 1);
    ck_assert_uint_eq(pin_level(10), 0);
    irq_set(m->pci->intx[5], 0);
    ck_assert_uint_eq(pin_level(21), 0);
    device_free(&t->dev);
}
END_TEST

/* The SMBus controller is the function of slot 31 whose pin can be raised: by a transaction that
 * nobody answers. */
START_TEST(routing_registers_move_wires)
{
    struct pci_device *s = m->pci->dev[0x1f << 3 | 3];

    pci_config_write(s, PCI_BAR0 + 16, 0xc000, 4);
    pci_config_write(s, PCI_COMMAND, PCI_CMD_IO, 2);
    ck_assert_uint_eq(as_ld8(&m->io, 0xc002), 0xff); /* HOSTC has it off */
    pci_config_write(s, ICH9_HOSTC, HOSTC_EN, 1);
    as_st8(&m->io, 0xc000 + SMBHSTCNT, SMBCNT_START | SMBCNT_INTEN);
    ck_assert_uint_eq(as_ld8(&m->io, 0xc000 + SMBHSTSTS), SMBSTS_DEV_ERR);
    ck_assert_uint_eq(pin_level(16), 1); /* INTA: PIRQA */
    pci_config_write(&b->lpc->pci, ICH9_RCBA, 0xfed1c001, 4);
    ck_assert_uint_eq(as_ld16(&m->mem, 0xfed1c000 + ICH9_D31IR), DIR_RESET);
    as_st16(&m->mem, 0xfed1c000 + ICH9_D31IR, 0x3216); /* INTA: PIRQG */
    ck_assert_uint_eq(pin_level(16), 0);
    ck_assert_uint_eq(pin_level(22), 1);
    as_st8(&m->io, 0xc000 + SMBHSTSTS, SMBSTS_W1C);
    ck_assert_uint_eq(pin_level(22), 0);
}
END_TEST

START_TEST(acpi_block)
{
    uint32_t before = __atomic_load_n(&m->requests, __ATOMIC_SEQ_CST);

    ck_assert_uint_eq(as_ld16(&m->io, PM + PM1_CNT), 0);
    as_st8(&m->io, APM_CNT, ACPI_ENABLE_CMD);
    ck_assert_uint_eq(as_ld16(&m->io, PM + PM1_CNT), PMC_SCI_EN);
    as_st32(&m->io, PM + ICH9_GPE0_EN + 4, 1 << 5); /* event 37 */
    ck_assert_uint_eq(pin_level(ACPI_SCI_IRQ), 0);
    acpi_pm_event(&b->lpc->pm, 37);
    ck_assert_uint_eq(as_ld32(&m->io, PM + ICH9_GPE0_STS + 4), 1 << 5);
    ck_assert_uint_eq(pin_level(ACPI_SCI_IRQ), 1);
    as_st32(&m->io, PM + ICH9_GPE0_STS + 4, 1 << 5);
    ck_assert_uint_eq(pin_level(ACPI_SCI_IRQ), 0);
    ck_assert_uint_eq(as_ld16(&m->io, PM + ICH9_TCO + TCO1_CNT) & TCO_TMR_HLT, TCO_TMR_HLT);
    ck_assert_uint_eq(as_ld32(&m->io, PM + ICH9_SMI_EN) & SMI_EN_APMC, SMI_EN_APMC);
    as_st16(&m->io, PM + PM1_CNT, 5 << PMC_SLP_SHIFT | PMC_SLP_EN); /* S3: not offered */
    ck_assert_uint_eq(__atomic_load_n(&m->requests, __ATOMIC_SEQ_CST), before);
    as_st16(&m->io, PM + PM1_CNT, 7 << PMC_SLP_SHIFT | PMC_SLP_EN);
    ck_assert_uint_ne(__atomic_load_n(&m->requests, __ATOMIC_SEQ_CST), before);
}
END_TEST

START_TEST(reset_control)
{
    uint32_t before = __atomic_load_n(&m->requests, __ATOMIC_SEQ_CST);

    as_st8(&m->io, 0xcf9, RC_HARD | RC_FULL);
    ck_assert_uint_eq(as_ld8(&m->io, 0xcf9), RC_HARD | RC_FULL);
    ck_assert_uint_eq(__atomic_load_n(&m->requests, __ATOMIC_SEQ_CST), before);
    as_st8(&m->io, 0xcf9, RC_HARD | RC_RESET);
    ck_assert_uint_ne(__atomic_load_n(&m->requests, __ATOMIC_SEQ_CST), before);
}
END_TEST

/* Bridge "br" as bus 3, "deep" behind it as bus 4; memory from E0000000h, ports from D000h. */
static struct pci_testdev *behind_bridges(struct pci_device **br, struct pci_device **deep)
{
    *br = plug("pci-bridge,id=br,addr=18");
    *deep = plug("pci-bridge,id=deep,bus=br,addr=1");
    struct pci_device *t = plug("pci-testdev,bus=deep,addr=2");

    pci_config_write(*br, PCI_PRIMARY_BUS, 0x040300, 4);
    pci_config_write(*deep, PCI_PRIMARY_BUS, 0x040403, 4);
    pci_config_write(t, PCI_BAR0, 0xe0000000, 4);
    pci_config_write(t, PCI_BAR0 + 4, 0xd000, 4);
    pci_config_write(t, PCI_COMMAND, PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER, 2);
    return (struct pci_testdev *)t;
}

static void open_windows(struct pci_device *br)
{
    pci_config_write(br, PCI_MEM_BASE, 0xe000e000, 4);
    pci_config_write(br, PCI_IO_BASE, 0xd0d0, 2);
    pci_config_write(br, PCI_COMMAND, PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER, 2);
}

START_TEST(bridges)
{
    struct pci_device *br, *deep;
    struct pci_testdev *t = behind_bridges(&br, &deep);
    uint32_t at = 4u << 20 | 2 << 15;

    ck_assert_uint_eq(ecam(at), 0x00051b36);
    ck_assert_uint_eq(ecam(3u << 20 | 1 << 15), 0x00011b36);
    ck_assert_uint_eq(ecam(5u << 20), 0xffffffff);
    ck_assert_ptr_null(t->mem.parent);
    open_windows(br);
    ck_assert_ptr_null(t->mem.parent); /* the second is closed */
    open_windows(deep);
    ck_assert_uint_eq(t->mem.addr, 0xe0000000);
    ck_assert_ptr_nonnull(t->io.parent);
    /* DMA needs the bus-master bit of each */
    ck_assert_ptr_eq(pci_dma(&t->pci), &m->mem);
    pci_config_write(br, PCI_COMMAND, PCI_CMD_IO | PCI_CMD_MEM, 2);
    ck_assert_ptr_ne(pci_dma(&t->pci), &m->mem);
    /* a BAR that a window does not hold whole is not passed on */
    pci_config_write(deep, PCI_MEM_BASE, 0xe010e010, 4);
    ck_assert_ptr_null(t->mem.parent);
    pci_config_write(deep, PCI_PREF_BASE, 0xe001e001, 4); /* the prefetchable one has it */
    ck_assert_ptr_nonnull(t->mem.parent);
    pci_config_write(deep, PCI_PREF_BASE_HIGH, 1, 4); /* 64-bit */
    ck_assert_ptr_null(t->mem.parent);
    /* slot 2, INTA, through slot 1 and slot 18h: (((2 + 0) + 1) & 3), then the board's */
    ck_assert_uint_eq(pci_wire_of(&((struct pci_bridge *)deep)->bus, 2, 0), 4 + ((8 + 3) & 3));
    /* secondary bus reset */
    pci_config_write(br, PCI_BRIDGE_CTL, PCI_BRIDGE_RESET, 2);
    ck_assert_uint_eq(pci_config_read(&t->pci, PCI_COMMAND, 2), 0);
    ck_assert_uint_eq(pci_config_read(deep, PCI_SECONDARY_BUS, 1), 0);
}
END_TEST

START_TEST(names)
{
    GError *err = NULL;

    ck_assert_ptr_eq(pci_bus_by_name(m->pci, "pcie.0"), m->pci);
    plug("pci-bridge,id=one");
    ck_assert(!device_add_from_text(m, "pci-testdev,bus=two", &err));
    ck_assert_ptr_nonnull(strstr(err->message, "no such PCI bus"));
    g_clear_error(&err);
    ck_assert(!device_add_from_text(m, "pci-bridge,id=pcie.0", &err));
    ck_assert_ptr_nonnull(strstr(err->message, "bus of that name"));
    g_clear_error(&err);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("q35");
    TCase *tc = tcase_create("q35");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, ecam_window);
    tcase_add_test(tc, shadow_and_smram);
    tcase_add_test(tc, interrupt_routing);
    tcase_add_test(tc, routing_registers_move_wires);
    tcase_add_test(tc, acpi_block);
    tcase_add_test(tc, reset_control);
    tcase_add_test(tc, bridges);
    tcase_add_test(tc, names);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

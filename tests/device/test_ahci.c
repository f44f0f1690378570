/* SPDX-License-Identifier: MIT */
/*
 * AHCI through its registers and the structures in memory, a disk at port 1 and a CD at port 2 of
 * the Q35 board. Serial ATA AHCI 1.3.1.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hw/ide/ahci.h"
#include "hw/pc/board.h"
#include "tests/device/board_bench.h"

enum { ABAR = 0xe0000000, LIST = 0x10000, FIS = 0x11000, TABLE = 0x12000, TABLE_SIZE = 0x400,
       DATA = 0x20000, DISK = 1, CD = 2, PIRQA_GSI = 16 };
static struct machine *m;
static struct ahci *h;

static void plug(const char *driver, const char *bus)
{
    GError *err = NULL;
    g_autofree char *id = g_strdup_printf("own-%s", driver);
    board_bench_disk(m, id);
    g_autofree char *text = g_strdup_printf("%s,drive=%s,bus=%s", driver, id, bus);
    struct device *d = device_add_from_text(m, text, &err);
    ck_assert_msg(d != NULL, "%s", err ? err->message : "");
    device_reset(d);
}

static void find(void)
{
    h = (struct ahci *)m->pci->dev[0x1f << 3 | 2];
    pci_config_write(&h->pci, PCI_BAR0 + 20, ABAR, 4);
    pci_config_write(&h->pci, PCI_COMMAND, PCI_CMD_MEM | PCI_CMD_MASTER, 2);
}

static struct machine *bench(void)
{
    struct machine *new = board_bench_new_on("q35");

    m = new;
    while (ahci_drive(&((struct ahci *)m->pci->dev[0xfa])->port[0]))
        device_free(&ahci_drive(&((struct ahci *)m->pci->dev[0xfa])->port[0])->dev);
    for (unsigned i = 1; i < AHCI_PORTS; i++) {
        struct ide_drive *d = ahci_drive(&((struct ahci *)m->pci->dev[0xfa])->port[i]);
        if (d)
            device_free(&d->dev);
    }
    plug("ide-hd", "ide.1");
    plug("ide-cd", "ide.2");
    find();
    return new;
}

static uint32_t rd(unsigned reg)
{
    return as_ld32(&m->mem, ABAR + reg);
}

static void wr(unsigned reg, uint32_t v)
{
    as_st32(&m->mem, ABAR + reg, v);
}

static unsigned px(unsigned port, unsigned reg)
{
    return AHCI_PORT_BASE + port * AHCI_PORT_SIZE + reg;
}

static void start(unsigned port)
{
    wr(px(port, PX_CLB), LIST);
    wr(px(port, PX_FB), FIS);
    wr(px(port, PX_CMD), PXC_FRE);
    wr(px(port, PX_SERR), UINT32_MAX);
    wr(px(port, PX_IS), UINT32_MAX);
    wr(px(port, PX_CMD), PXC_FRE | PXC_ST);
}

static void setup(void)
{
    bench();
    wr(AHCI_GHC, GHC_HR);
    wr(AHCI_GHC, GHC_IE);
    start(DISK);
    start(CD);
}

static void teardown(void)
{
    board_bench_free(m);
}

/* A command in a slot, its data in pieces of the given sizes from DATA on. */
static void prepare(unsigned slot, const uint8_t *fis, unsigned flags, const uint32_t *piece,
                    unsigned n)
{
    uint32_t at = TABLE + slot * TABLE_SIZE, data = DATA;

    as_st32(&m->mem, LIST + slot * CMD_HEADER, n << CMD_PRDTL_SHIFT | flags | FIS_REG_LEN / 4);
    as_st32(&m->mem, LIST + slot * CMD_HEADER + CMD_PRDBC_AT, 0);
    as_st64(&m->mem, LIST + slot * CMD_HEADER + CMD_CTBA_AT, at);
    as_write(&m->mem, at, fis, FIS_REG_LEN);
    for (unsigned i = 0; i < n; i++) {
        as_st64(&m->mem, at + TABLE_PRDT + i * PRD_SIZE, data);
        as_st32(&m->mem, at + TABLE_PRDT + i * PRD_SIZE + PRD_LEN_AT, piece[i] - 1);
        data += piece[i];
    }
}

static void ata(unsigned slot, uint8_t command, uint64_t lba, uint16_t count,
                const uint32_t *piece, unsigned n)
{
    uint8_t fis[FIS_REG_LEN] = {FIS_H2D, FIS_IS_COMMAND, command, 0, (uint8_t)lba,
                                (uint8_t)(lba >> 8), (uint8_t)(lba >> 16), DEV_LBA,
                                (uint8_t)(lba >> 24), 0, 0, 0, (uint8_t)count,
                                (uint8_t)(count >> 8)};
    prepare(slot, fis, 0, piece, n);
}

/* Until the port has nothing left to do, or stops. */
static void wait_for(unsigned port)
{
    for (unsigned i = 0; i < 100000 && rd(px(port, PX_CI)) && !h->port[port].failed; i++)
        machine_iterate(m, false);
}

static void issue(unsigned port, unsigned slot)
{
    wr(px(port, PX_CI), 1u << slot);
    wait_for(port);
}

static unsigned intx(void)
{
    return ((struct board *)m->board)->ioapic->lines >> PIRQA_GSI & 1;
}

START_TEST(what_is_there)
{
    ck_assert_uint_eq(rd(AHCI_VS), AHCI_VERSION_1_3);
    ck_assert_uint_eq(rd(AHCI_PI), 0x3f);
    ck_assert_uint_eq(rd(AHCI_CAP) & 0x1f, 5);
    ck_assert_uint_eq(rd(AHCI_GHC), GHC_AE | GHC_IE);
    ck_assert_uint_eq(rd(px(DISK, PX_SSTS)), SSTS_ONLINE);
    ck_assert_uint_eq(rd(px(DISK, PX_SIG)), SIG_ATA);
    ck_assert_uint_eq(rd(px(DISK, PX_TFD)), 1 << 8 | ST_RDY);
    ck_assert_uint_eq(rd(px(CD, PX_SIG)), SIG_ATAPI);
    ck_assert_uint_eq(rd(px(0, PX_SSTS)), SSTS_OFFLINE);
    ck_assert_uint_eq(rd(px(0, PX_SIG)), SIG_NONE);
    ck_assert_uint_eq(rd(px(0, PX_TFD)), TFD_NONE);
    ck_assert_uint_eq(rd(px(DISK, PX_CMD)) & (PXC_FR | PXC_CR), PXC_FR | PXC_CR);
}
END_TEST

START_TEST(identify_by_pio)
{
    static const uint32_t piece[] = {100, 412}; /* in two pieces */
    uint16_t id[256];

    ata(0, ATA_IDENTIFY, 0, 0, piece, 2);
    issue(DISK, 0);
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 0);
    ck_assert_uint_eq(rd(px(DISK, PX_TFD)), ST_RDY);
    ck_assert_uint_eq(as_ld32(&m->mem, LIST + CMD_PRDBC_AT), 512);
    as_read(&m->mem, DATA, id, sizeof(id));
    ck_assert_uint_eq(id[60], (1 << 20) / 512);
    ck_assert_uint_eq(id[76], 6); /* SATA, up to 3 Gb/s */
    ck_assert_uint_eq(id[93], 0);
    ck_assert_uint_eq(as_ld8(&m->mem, FIS + RFIS_PIO), FIS_PIO_SETUP);
    ck_assert_uint_eq(as_ld8(&m->mem, FIS + RFIS_PIO + 15), ST_RDY); /* E_Status */
    ck_assert_uint_eq(rd(px(DISK, PX_IS)), PXI_PSS);
}
END_TEST

START_TEST(dma_round_trip)
{
    static const uint32_t out[] = {512, 1024, 2560}, in[] = {4096};

    for (unsigned i = 0; i < 4096; i++)
        as_st8(&m->mem, DATA + i, (uint8_t)(i * 7 + i / 256));
    ata(3, ATA_WRITE_DMA_EXT, 9, 8, out, 3);
    wr(px(DISK, PX_IE), PXI_DHRS);
    issue(DISK, 3);
    ck_assert_uint_eq(as_ld32(&m->mem, LIST + 3 * CMD_HEADER + CMD_PRDBC_AT), 4096);
    ck_assert_uint_eq(as_ld8(&m->mem, FIS + RFIS_D2H), FIS_D2H);
    ck_assert_uint_eq(intx(), 1);
    ck_assert_uint_eq(rd(AHCI_IS), 1 << DISK);
    wr(AHCI_IS, 1 << DISK); /* the port still has its cause: on again */
    ck_assert_uint_eq(rd(AHCI_IS), 1 << DISK);
    wr(px(DISK, PX_IS), PXI_DHRS);
    wr(AHCI_IS, 1 << DISK);
    ck_assert_uint_eq(intx(), 0);
    for (unsigned i = 0; i < 4096; i++)
        as_st8(&m->mem, DATA + i, 0);
    ata(31, ATA_READ_DMA_EXT, 9, 8, in, 1);
    issue(DISK, 31);
    for (unsigned i = 0; i < 4096; i++)
        ck_assert_uint_eq(as_ld8(&m->mem, DATA + i), (uint8_t)(i * 7 + i / 256));
}
END_TEST

/* Slot by slot: the second write wins, the read sees it. */
START_TEST(many_slots)
{
    static const uint32_t one[] = {512};

    ata(2, ATA_READ_DMA_EXT, 5, 1, one, 1);
    ata(0, ATA_WRITE_DMA_EXT, 5, 1, one, 1);
    ata(1, ATA_FLUSH_EXT, 0, 0, NULL, 0);
    as_st32(&m->mem, DATA, 0xabcd1234);
    wr(px(DISK, PX_CI), 7);
    wait_for(DISK);
    ck_assert_uint_eq(as_ld32(&m->mem, DATA), 0xabcd1234);
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 0);
    wr(px(DISK, PX_CMD), PXC_FRE); /* stopped: a bit cannot be set */
    wr(px(DISK, PX_CI), 1);
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 0);
}
END_TEST

START_TEST(errors)
{
    static const uint32_t one[] = {512}, small[] = {100};

    ata(4, ATA_READ_DMA_EXT, 1 << 20, 1, one, 1); /* not on the disk */
    ata(5, ATA_FLUSH_EXT, 0, 0, NULL, 0);
    wr(px(DISK, PX_CI), 1 << 4 | 1 << 5);
    wait_for(DISK);
    ck_assert_uint_eq(rd(px(DISK, PX_IS)) & PXI_TFES, PXI_TFES);
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 1 << 4 | 1 << 5); /* nothing more until it restarts */
    ck_assert_uint_eq(rd(px(DISK, PX_TFD)), (ER_IDNF | ER_ABRT) << 8 | ST_RDY | ST_ERR);
    start(DISK);
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 0);
    ata(6, ATA_READ_DMA_EXT, 0, 1, small, 1); /* a table that is too small */
    issue(DISK, 6);
    ck_assert_uint_eq(rd(px(DISK, PX_IS)) & (PXI_OFS | PXI_TFES), PXI_OFS | PXI_TFES);
    start(DISK);
    as_st32(&m->mem, LIST, 0); /* no FIS */
    issue(DISK, 0);
    ck_assert_uint_eq(rd(px(DISK, PX_IS)) & PXI_HBFS, PXI_HBFS);
    start(DISK);
    ata(0, ATA_FLUSH_EXT, 0, 0, NULL, 0);
    issue(DISK, 0);
    ck_assert_uint_eq(rd(px(DISK, PX_TFD)), ST_RDY);
}
END_TEST

START_TEST(resets)
{
    uint8_t fis[FIS_REG_LEN] = {FIS_H2D};
    static const uint32_t one[] = {512};

    /* SRST: two control FISes; the signature comes back without an interrupt */
    ata(0, ATA_IDENTIFY, 0, 0, one, 1);
    issue(DISK, 0);
    fis[15] = CTL_SRST;
    prepare(0, fis, CMD_CLEAR_BUSY, NULL, 0);
    issue(DISK, 0);
    fis[15] = 0;
    prepare(1, fis, 0, NULL, 0);
    wr(px(DISK, PX_IS), UINT32_MAX);
    issue(DISK, 1);
    ck_assert_uint_eq(rd(px(DISK, PX_TFD)), 1 << 8 | ST_RDY);
    ck_assert_uint_eq(rd(px(DISK, PX_IS)), 0);
    /* COMRESET in the middle of a read */
    ata(0, ATA_READ_DMA_EXT, 0, 1, one, 1);
    wr(px(DISK, PX_CI), 1);
    wr(px(DISK, PX_CMD), PXC_FRE);
    wr(px(DISK, PX_SCTL), SCTL_DET_INIT);
    ck_assert_uint_eq(rd(px(DISK, PX_SSTS)), SSTS_OFFLINE);
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 0);
    wr(px(DISK, PX_SCTL), 0);
    for (unsigned i = 0; i < 100000 && rd(px(DISK, PX_SIG)) == SIG_NONE; i++)
        machine_iterate(m, false);
    ck_assert_uint_eq(rd(px(DISK, PX_SIG)), SIG_ATA);
    ck_assert_uint_eq(rd(px(DISK, PX_IS)) & PXI_PCS, PXI_PCS);
    wr(px(DISK, PX_IS), PXI_PCS);
    ck_assert_uint_eq(rd(px(DISK, PX_IS)) & PXI_PCS, PXI_PCS); /* cleared through SERR */
    wr(px(DISK, PX_SERR), SERR_DIAG_X);
    ck_assert_uint_eq(rd(px(DISK, PX_IS)) & PXI_PCS, 0);
    start(DISK);
    issue(DISK, 0);
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 0);
}
END_TEST

static void packet(unsigned slot, const uint8_t *cdb, bool dma, const uint32_t *piece, unsigned n)
{
    uint8_t fis[FIS_REG_LEN] = {FIS_H2D, FIS_IS_COMMAND, ATA_PACKET, dma, 0, 0, 0x20};

    prepare(slot, fis, CMD_ATAPI, piece, n);
    as_write(&m->mem, TABLE + slot * TABLE_SIZE + TABLE_ACMD, cdb, 12);
}

START_TEST(packets)
{
    static const uint8_t inquiry[12] = {PK_INQUIRY, 0, 0, 0, 36};
    static const uint8_t read[12] = {PK_READ_10, 0, 0, 0, 0, 3, 0, 0, 2};
    static const uint8_t far[12] = {PK_READ_10, 0, 0, 0xff, 0, 3, 0, 0, 2};
    static const uint32_t reply[] = {36}, two[] = {4096};

    packet(0, inquiry, false, reply, 1);
    issue(CD, 0);
    ck_assert_uint_eq(as_ld8(&m->mem, DATA), 5);
    ck_assert_uint_eq(as_ld32(&m->mem, LIST + CMD_PRDBC_AT), 36);
    for (unsigned dma = 0; dma < 2; dma++) {
        as_st8(&m->mem, DATA + 4095, 0x55);
        packet(1, read, dma, two, 1);
        issue(CD, 1);
        ck_assert_uint_eq(as_ld8(&m->mem, DATA + 4095), 0);
        ck_assert_uint_eq(as_ld32(&m->mem, LIST + CMD_HEADER + CMD_PRDBC_AT), 4096);
    }
    packet(2, far, true, two, 1);
    issue(CD, 2);
    ck_assert_uint_eq(rd(px(CD, PX_IS)) & PXI_TFES, PXI_TFES);
    ck_assert_uint_eq(rd(px(CD, PX_TFD)) >> 12, SK_ILLEGAL_REQUEST);
}
END_TEST

/* Saved while one command waits for the disk's error to be mended and another is behind it: the
 * machine that loads it carries both out. */
START_TEST(saved_between_commands)
{
    static const uint32_t one[] = {512};
    struct machine *first = m;
    g_autoptr(GByteArray) port = g_byte_array_new(), drive = g_byte_array_new();
    g_autofree uint8_t *ram = g_malloc(m->ram->size);
    size_t used;

    as_st32(&m->mem, DATA, 0x600dda7a);
    ata(0, ATA_WRITE_DMA_EXT, 5, 1, one, 1);
    ata(1, ATA_READ_DMA_EXT, 5, 1, one, 1);
    wr(px(DISK, PX_CI), 3);
    blk_drain(ahci_drive(&h->port[DISK])->blk); /* ends both */
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 0);
    /* as an error leaves it: the first is to be tried again */
    h->port[DISK].ci = 3;
    h->port[DISK].slot = 0;
    ahci_drive(&h->port[DISK])->command = ATA_WRITE_DMA_EXT;
    ahci_drive(&h->port[DISK])->left = 1;
    ahci_drive(&h->port[DISK])->lba = 5;
    ahci_drive(&h->port[DISK])->status = ST_BSY | ST_RDY;
    ahci_drive(&h->port[DISK])->dma_ready = ahci_drive(&h->port[DISK])->retry = true;
    memcpy(ram, m->ram->host, m->ram->size);
    device_save(&h->pci.dev, port);
    device_save(&ahci_drive(&h->port[DISK])->dev, drive);

    bench();
    memcpy(m->ram->host, ram, m->ram->size);
    GError *err = NULL;
    ck_assert_msg(device_load(&h->pci.dev, port->data, port->len, &used, &err), "%s",
                  err ? err->message : "");
    ck_assert(device_load(&ahci_drive(&h->port[DISK])->dev, drive->data, drive->len, &used, NULL));
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 3);
    for (unsigned i = 0; i < 1000; i++)
        machine_iterate(m, false);
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 3); /* not before the machine runs */
    machine_start(m);
    wait_for(DISK);
    ck_assert_uint_eq(rd(px(DISK, PX_CI)), 0);
    machine_pause(m);
    start(DISK);
    as_st32(&m->mem, DATA, 0);
    issue(DISK, 1);
    ck_assert_uint_eq(as_ld32(&m->mem, DATA), 0x600dda7a); /* on the second machine's disk */
    struct machine *second = m;
    board_bench_free(first);
    m = second;
}
END_TEST

START_TEST(msi)
{
    static const uint32_t one[] = {512};
    uint8_t cap = h->pci.msi_cap;

    pci_config_write(&h->pci, cap + PCI_MSI_ADDR, 0x8000, 4); /* into RAM: what is sent is seen */
    pci_config_write(&h->pci, cap + PCI_MSI_DATA, 0x77, 2);
    pci_config_write(&h->pci, cap + PCI_MSI_CTRL, PCI_MSI_ENABLE, 2);
    wr(px(DISK, PX_IE), PXI_DHRS);
    ata(0, ATA_WRITE_DMA_EXT, 0, 1, one, 1);
    issue(DISK, 0);
    ck_assert_uint_eq(as_ld32(&m->mem, 0x8000), 0x77);
    ck_assert_uint_eq(intx(), 0);
    as_st32(&m->mem, 0x8000, 0);
    issue(DISK, 0); /* not acknowledged: no news */
    ck_assert_uint_eq(as_ld32(&m->mem, 0x8000), 0);
    wr(AHCI_IS, 1 << DISK); /* acknowledged too early: news */
    ck_assert_uint_eq(as_ld32(&m->mem, 0x8000), 0x77);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ahci");
    TCase *tc = tcase_create("ahci");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_there);
    tcase_add_test(tc, identify_by_pio);
    tcase_add_test(tc, dma_round_trip);
    tcase_add_test(tc, many_slots);
    tcase_add_test(tc, errors);
    tcase_add_test(tc, resets);
    tcase_add_test(tc, packets);
    tcase_add_test(tc, saved_between_commands);
    tcase_add_test(tc, msi);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

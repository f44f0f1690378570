/* SPDX-License-Identifier: MIT */
/*
 * e1000 by its registers, with a fake at the other end of the cable. SDM 3 (descriptors), 5
 * (EEPROM), 9 (VLAN), 10 (filters), 13 (registers).
 */
#include <string.h>

#include "hw/net/e1000.h"
#include "tests/device/bench.h"
#include "util/iov.h"

enum { RX_RING = 0x1000, TX_RING = 0x2000, RX_BUF = 0x10000, TX_BUF = 0x40000, RING = 8,
       MMIO = 0xe0000000u };

static struct machine *m;
static struct pci_bus bus;
static struct e1000 *e;
static struct pin pin;

struct fake {
    struct net_client client;
    GPtrArray *got;
    struct net_offload last;
    bool full;
    unsigned writable;
};
static struct fake *fake;

static bool fake_receive(struct net_client *c, const struct net_frame *f)
{
    if (fake->full)
        return false;
    GByteArray *a = g_byte_array_new();
    g_byte_array_set_size(a, (guint)f->len);
    iov_read(f->iov, f->niov, 0, a->data, f->len);
    g_ptr_array_add(fake->got, a);
    fake->last = f->off;
    return true;
}

static void fake_writable(struct net_client *c)
{
    fake->writable++;
}

static void fake_free(struct net_client *c)
{
    g_ptr_array_free(fake->got, TRUE);
}

static const struct net_client_ops fake_ops = {.kind = "fake", .receive = fake_receive,
                                               .writable = fake_writable, .free = fake_free};

/* ---- Access ------------------------------------------------------------------------------ */

static uint32_t rd(unsigned reg)
{
    return (uint32_t)as_io_read(&m->mem, MMIO + reg, 4);
}

static void wr(unsigned reg, uint32_t v)
{
    as_io_write(&m->mem, MMIO + reg, v, 4);
}

static void go_on(int64_t ns)
{
    clock_step(&m->vclock, ns);
}

static void setup(void)
{
    m = bench_new();
    pci_bus_init(&bus, m, "pci.0", &m->mem_root, &m->io_root);
    m->pci = &bus;
    for (int i = 0; i < 4; i++)
        bus.intx[i] = pin_line(&pin);
    pin = (struct pin){0};
    fake = net_client_new(m, &fake_ops, sizeof(*fake), "n0");
    fake->got = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    struct device *d = device_new(m, &e1000_type.dev);
    e = (struct e1000 *)d;
    ck_assert(device_set(d, "netdev", "n0", NULL));
    ck_assert(device_set(d, "romfile", "", NULL));
    bench_realize(d);
    pci_bus_config_write(&bus, 0, e->pci.devfn, PCI_BAR0, MMIO, 4);
    pci_bus_config_write(&bus, 0, e->pci.devfn, PCI_BAR0 + 4, 0xc000, 4);
    pci_bus_config_write(&bus, 0, e->pci.devfn, PCI_COMMAND,
                         PCI_CMD_MEM | PCI_CMD_IO | PCI_CMD_MASTER, 2);
    for (unsigned i = 0; i < RING; i++)
        as_st64(&m->mem, RX_RING + i * 16, RX_BUF + i * 0x2000);
    wr(E1000_RDBAL, RX_RING);
    wr(E1000_RDLEN, RING * 16);
    wr(E1000_TDBAL, TX_RING);
    wr(E1000_TDLEN, RING * 16);
    wr(E1000_TCTL, TCTL_EN | TCTL_PSP);
    wr(E1000_RDT, RING - 1);
    wr(E1000_RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC);
}

static void teardown(void)
{
    while (m->devices->len)
        device_free(m->devices->pdata[m->devices->len - 1]);
    pci_bus_fini(&bus);
    bench_free(m);
}

static void tx_desc(unsigned i, uint64_t addr, uint32_t lower, uint32_t upper)
{
    as_st64(&m->mem, TX_RING + i * 16, addr);
    as_st32(&m->mem, TX_RING + i * 16 + 8, lower);
    as_st32(&m->mem, TX_RING + i * 16 + 12, upper);
}

static const GByteArray *sent(unsigned i)
{
    ck_assert_uint_lt(i, fake->got->len);
    return fake->got->pdata[i];
}

static void arrive(const uint8_t dst[6], size_t len)
{
    uint8_t f[4000];

    for (size_t i = 0; i < len; i++)
        f[i] = (uint8_t)(i ^ 0x35);
    memcpy(f, dst, 6);
    f[12] = 0x88;
    f[13] = 0xb5;
    net_post_buffer(&fake->client, f, len, false);
}

static const uint8_t own[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* ---- EEPROM and PHY --------------------------------------------------------------------- */

static void ee_bit(unsigned di)
{
    uint32_t v = EECD_CS | EECD_REQ | (di ? EECD_DI : 0);
    wr(E1000_EECD, v);
    wr(E1000_EECD, v | EECD_SK);
    wr(E1000_EECD, v);
}

static void ee_send(uint32_t bits, unsigned n)
{
    wr(E1000_EECD, EECD_REQ);
    wr(E1000_EECD, EECD_REQ | EECD_CS);
    while (n--)
        ee_bit(bits >> n & 1);
}

static unsigned ee_read(unsigned word)
{
    unsigned v = 0;

    ee_send(6u << 6 | word, 9);
    for (unsigned i = 0; i < 16; i++) {
        ee_bit(0);
        v = v << 1 | !!(rd(E1000_EECD) & EECD_DO);
    }
    wr(E1000_EECD, 0);
    return v;
}

START_TEST(eeprom)
{
    unsigned sum = 0;

    ck_assert_uint_eq(rd(E1000_EECD) & (EECD_PRES | EECD_GNT), EECD_PRES);
    for (unsigned i = 0; i < 64; i++) {
        wr(E1000_EERD, i << EERD_ADDR_SHIFT | EERD_START);
        ck_assert(rd(E1000_EERD) & EERD_DONE);
        unsigned v = rd(E1000_EERD) >> EERD_DATA_SHIFT;
        ck_assert_uint_eq(ee_read(i), v);
        sum += v;
    }
    ck_assert_uint_eq(sum & 0xffff, 0xbaba);
    ck_assert_uint_eq(ee_read(0), 0x5452);
    ee_send(5u << 22 | 9u << 16 | 0x1234, 25); /* write: not enabled */
    ck_assert_uint_ne(ee_read(9), 0x1234);
    ee_send(4u << 6 | 0x30, 9);
    ee_send(5u << 22 | 9u << 16 | 0x1234, 25);
    ck_assert_uint_eq(ee_read(9), 0x1234);
}
END_TEST

static unsigned phy_read(unsigned reg)
{
    wr(E1000_MDIC, MDIC_OP_READ | reg << MDIC_REG_SHIFT | 1 << MDIC_PHY_SHIFT);
    ck_assert_uint_eq(rd(E1000_MDIC) & (MDIC_R | MDIC_E), MDIC_R);
    return rd(E1000_MDIC) & 0xffff;
}

static void phy_write(unsigned reg, unsigned v)
{
    wr(E1000_MDIC, MDIC_OP_WRITE | reg << MDIC_REG_SHIFT | 1 << MDIC_PHY_SHIFT | v);
}

START_TEST(phy_and_link)
{
    ck_assert_uint_eq(phy_read(PHY_ID1), 0x0141);
    ck_assert_uint_eq(phy_read(PHY_ID2) & ~15u, 0x0c20);
    ck_assert(rd(E1000_STATUS) & STATUS_LU);
    ck_assert(phy_read(PHY_STATUS) & MII_LINK);
    wr(E1000_MDIC, MDIC_OP_READ | 2 << MDIC_PHY_SHIFT);
    ck_assert(rd(E1000_MDIC) & MDIC_E);
    wr(E1000_IMS, ICR_LSC);
    phy_write(PHY_CTRL, MII_AN_ENABLE | MII_AN_RESTART);
    ck_assert(!(rd(E1000_STATUS) & STATUS_LU));
    ck_assert(pin.level && rd(E1000_ICR) & ICR_LSC && !pin.level);
    go_on(NSEC_PER_SEC);
    ck_assert(rd(E1000_STATUS) & STATUS_LU && phy_read(PHY_STATUS) & MII_AN_DONE);
    ck_assert(rd(E1000_ICR) & ICR_LSC);
    net_set_link(m, "n0", false, NULL);
    ck_assert(!(rd(E1000_STATUS) & STATUS_LU) && !(phy_read(PHY_STATUS) & MII_LINK));
    ck_assert(rd(E1000_ICR) & ICR_LSC);
    ck_assert_uint_eq(rd(E1000_ICR), 0);
}
END_TEST

START_TEST(by_ports)
{
    as_io_write(&m->io, 0xc000, E1000_STATUS, 4);
    ck_assert_uint_eq(as_io_read(&m->io, 0xc004, 4), rd(E1000_STATUS));
    as_io_write(&m->io, 0xc000, E1000_RA + 8, 4);
    as_io_write(&m->io, 0xc004, 0x12345678, 4);
    ck_assert_uint_eq(rd(E1000_RA + 8), 0x12345678);
    as_io_write(&m->io, 0xc000, 0xfffffffc, 4);
    ck_assert_uint_eq(as_io_read(&m->io, 0xc004, 4), 0);
}
END_TEST

/* ---- Transmitting ----------------------------------------------------------------------- */

static void fill_tx(size_t len)
{
    for (size_t i = 0; i < len; i++)
        as_st8(&m->mem, TX_BUF + i, (uint8_t)(i * 3 + i / 256));
}

START_TEST(two_buffers_make_a_frame)
{
    uint8_t want[1000];

    fill_tx(sizeof(want));
    as_read(&m->mem, TX_BUF, want, sizeof(want));
    wr(E1000_IMS, ICR_TXDW);
    tx_desc(0, TX_BUF, 700 | TXD_CMD_RS, 0);
    wr(E1000_TDT, 1);
    go_on(1000);
    ck_assert_uint_eq(fake->got->len, 0); /* its end is missing */
    ck_assert_uint_eq(rd(E1000_TDH), 0);
    tx_desc(1, TX_BUF + 700, 300 | TXD_CMD_EOP | TXD_CMD_RS, 0);
    wr(E1000_TDT, 2);
    go_on(1000);
    ck_assert_uint_eq(sent(0)->len, 1000);
    ck_assert_mem_eq(sent(0)->data, want, 1000);
    ck_assert_uint_eq(rd(E1000_TDH), 2);
    ck_assert(as_ld32(&m->mem, TX_RING + 12) & TXD_STA_DD);
    ck_assert(as_ld32(&m->mem, TX_RING + 28) & TXD_STA_DD);
    ck_assert(pin.level);
    ck_assert_uint_eq(rd(E1000_ICR), ICR_TXDW | ICR_TXQE);
    ck_assert(!pin.level);
    ck_assert_uint_eq(rd(E1000_GPTC), 1);
    ck_assert_uint_eq(rd(E1000_GPTC), 0); /* reading clears */
    ck_assert_uint_eq(rd(E1000_GOTCL), 1004);
}
END_TEST

START_TEST(a_full_network_stops_the_ring)
{
    fill_tx(100);
    fake->full = true;
    tx_desc(0, TX_BUF, 100 | TXD_CMD_EOP | TXD_CMD_RS, 0);
    wr(E1000_TDT, 1);
    go_on(1000);
    ck_assert_uint_eq(rd(E1000_TDH), 0);
    ck_assert(!(as_ld32(&m->mem, TX_RING + 12) & TXD_STA_DD));
    check_save_load(&e->pci.dev);
    fake->full = false;
    net_accept(&fake->client);
    go_on(1000);
    ck_assert_uint_eq(rd(E1000_TDH), 1);
    ck_assert_uint_eq(fake->got->len, 1);
}
END_TEST

static void tcp_headers(void)
{
    static const uint8_t head[54] = {
        0x52, 0x55, 10, 0, 2, 2, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 0,
        0x45, 0, 0, 0, 0, 9, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2,
        0x80, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x19, 0xff, 0xff, 0, 0, 0, 0};
    /* the pseudo header without the length: 10.0.2.15, 10.0.2.2, 6 */
    unsigned sum = 0x0a00 + 0x020f + 0x0a00 + 0x0202 + 6;

    as_write(&m->mem, TX_BUF, head, sizeof(head));
    as_st8(&m->mem, TX_BUF + 50, (uint8_t)(sum >> 8));
    as_st8(&m->mem, TX_BUF + 51, (uint8_t)sum);
}

static unsigned plain_sum(const uint8_t *p, size_t len, unsigned sum)
{
    for (size_t i = 0; i < len; i++) {
        sum += i & 1 ? p[i] : (unsigned)p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static void check_tcp(const GByteArray *f)
{
    ck_assert_uint_eq((unsigned)f->data[16] << 8 | f->data[17], f->len - 14);
    ck_assert_uint_eq(plain_sum(f->data + 14, 20, 0), 0xffff);
    ck_assert_uint_eq(plain_sum(f->data + 34, f->len - 34,
                                plain_sum(f->data + 26, 8, 6 + f->len - 34)), 0xffff);
}

static void context(unsigned i, bool tse, unsigned payload, unsigned mss)
{
    as_st64(&m->mem, TX_RING + i * 16,
            14 | 24 << 8 | 33 << 16 | 34ull << 32 | 50ull << 40); /* IPCSS.. TUCSS, TUCSO */
    as_st32(&m->mem, TX_RING + i * 16 + 8, payload | TXD_CMD_DEXT | TXD_TUCMD_TCP |
                                               TXD_TUCMD_IP | (tse ? TXD_CMD_TSE : 0));
    as_st32(&m->mem, TX_RING + i * 16 + 12, 54u << 8 | mss << 16);
}

START_TEST(segmentation)
{
    enum { DATA = 5000, MSS = 1460 };
    uint8_t want[DATA];
    size_t off = 0;

    fill_tx(54 + DATA);
    tcp_headers();
    as_read(&m->mem, TX_BUF + 54, want, DATA);
    context(0, true, DATA, MSS);
    uint32_t data = TXD_CMD_DEXT | TXD_DTYP_DATA | TXD_CMD_TSE;
    tx_desc(1, TX_BUF, 54 | data, TXD_POPTS_IXSM | TXD_POPTS_TXSM);
    tx_desc(2, TX_BUF + 54, 3000 | data, 0);
    tx_desc(3, TX_BUF + 3054, 2000 | data | TXD_CMD_EOP | TXD_CMD_RS, 0);
    wr(E1000_TDT, 4);
    go_on(1000);
    ck_assert_uint_eq(fake->got->len, 4);
    for (unsigned i = 0; i < 4; i++) {
        const GByteArray *f = sent(i);
        check_tcp(f);
        ck_assert_mem_eq(f->data + 54, want + off, f->len - 54);
        off += f->len - 54;
    }
    ck_assert_uint_eq(off, DATA);
    ck_assert_uint_eq(rd(E1000_TSCTC), 1);
    /* A back end that takes it whole. */
    g_ptr_array_set_size(fake->got, 0);
    fake->client.takes = NET_TSO4;
    for (unsigned i = 0; i < 4; i++)
        as_st32(&m->mem, TX_RING + (4 + i) * 16 + 12, 0);
    for (unsigned i = 0; i < 4; i++) {
        uint8_t d[16];
        as_read(&m->mem, TX_RING + i * 16, d, 16);
        as_write(&m->mem, TX_RING + (4 + i) * 16, d, 16);
    }
    wr(E1000_TDT, 0);
    go_on(1000);
    ck_assert_uint_eq(fake->got->len, 1);
    check_tcp(sent(0));
    ck_assert_uint_eq(fake->last.gso_size, MSS);
}
END_TEST

START_TEST(vlan_tag_and_checksum)
{
    fill_tx(100);
    tcp_headers();
    as_st8(&m->mem, TX_BUF + 17, 86);
    /* its driver puts the length into the pseudo header without segmentation */
    as_st8(&m->mem, TX_BUF + 51, (uint8_t)(as_ld8(&m->mem, TX_BUF + 51) + 66));
    wr(E1000_VET, 0x8100);
    wr(E1000_CTRL, rd(E1000_CTRL) | CTRL_VME);
    context(0, false, 0, 0);
    tx_desc(1, TX_BUF, 100 | TXD_CMD_DEXT | TXD_DTYP_DATA | TXD_CMD_EOP | TXD_CMD_VLE,
            TXD_POPTS_IXSM | TXD_POPTS_TXSM | 0x2064u << 16);
    wr(E1000_TDT, 2);
    go_on(1000);
    ck_assert_uint_eq(sent(0)->len, 104);
    ck_assert_mem_eq(sent(0)->data + 12, "\x81\x00\x20\x64\x08\x00", 6);
    GByteArray *f = g_byte_array_new();
    g_byte_array_append(f, sent(0)->data, 12);
    g_byte_array_append(f, sent(0)->data + 16, 88);
    check_tcp(f);
    g_byte_array_unref(f);
}
END_TEST

START_TEST(bad_rings_do_no_harm)
{
    tx_desc(0, 0xfff00000, 100 | TXD_CMD_EOP, 0); /* not RAM */
    tx_desc(1, TX_BUF, 5 | TXD_CMD_EOP, 0);       /* too short */
    wr(E1000_TDT, 2);
    go_on(1000);
    ck_assert_uint_eq(rd(E1000_TDH), 2);
    for (unsigned i = 0; i < RING; i++)
        tx_desc(i, TX_BUF, 100, 0); /* a ring without an end */
    wr(E1000_TDT, 1);
    go_on(1000);
    ck_assert_uint_eq(rd(E1000_TDH), 1);
    wr(E1000_TDH, 50);
    wr(E1000_TDT, 3);
    go_on(1000);
    wr(E1000_TDBAL, 0xf0000000);
    wr(E1000_TDH, 0);
    go_on(1000);
    ck_assert_uint_eq(fake->got->len, 0);
    wr(E1000_RDBAL, 0xf0000000);
    arrive(all, 100);
    wr(E1000_RDH, 77);
    arrive(all, 100);
}
END_TEST

/* ---- Receiving -------------------------------------------------------------------------- */

static unsigned rx_status(unsigned i)
{
    return as_ld8(&m->mem, RX_RING + i * 16 + RXD_STATUS);
}

START_TEST(a_frame_is_received)
{
    uint8_t buf[100];

    wr(E1000_IMS, ICR_RXT0);
    arrive(own, 100);
    ck_assert(pin.level);
    ck_assert(rd(E1000_ICR) & ICR_RXT0);
    ck_assert_uint_eq(rd(E1000_RDH), 1);
    ck_assert_uint_eq(rx_status(0) & 3, RXD_STA_DD | RXD_STA_EOP);
    ck_assert_uint_eq(as_ld16(&m->mem, RX_RING + RXD_LENGTH), 100);
    as_read(&m->mem, RX_BUF, buf, sizeof(buf));
    ck_assert_uint_eq(buf[50], 50 ^ 0x35);
    arrive(own, 20); /* short ones are padded */
    ck_assert_uint_eq(as_ld16(&m->mem, RX_RING + 16 + RXD_LENGTH), 60);
    wr(E1000_RCTL, RCTL_EN | RCTL_BAM);
    arrive(own, 100); /* with room for the check sequence */
    ck_assert_uint_eq(as_ld16(&m->mem, RX_RING + 32 + RXD_LENGTH), 104);
    ck_assert_uint_eq(rd(E1000_GPRC), 3);
}
END_TEST

START_TEST(filters)
{
    static const uint8_t other[6] = {0x52, 0x54, 0, 0, 0, 1}, group[6] = {1, 0, 0x5e, 0, 0, 0xfb};

    arrive(other, 60);
    arrive(group, 60);
    ck_assert_uint_eq(rd(E1000_RDH), 0);
    arrive(all, 60);
    ck_assert_uint_eq(rd(E1000_RDH), 1);
    unsigned hash = (0xfb00u >> 4) & 0xfff;
    wr(E1000_MTA + (hash >> 5) * 4, 1u << (hash & 31));
    arrive(group, 60);
    ck_assert_uint_eq(rd(E1000_RDH), 2);
    wr(E1000_RCTL, RCTL_EN | RCTL_UPE);
    arrive(other, 60);
    ck_assert_uint_eq(rd(E1000_RDH), 3);
    arrive(all, 60); /* BAM is off */
    ck_assert_uint_eq(rd(E1000_RDH), 3);
    arrive(own, 1600); /* LPE is off */
    ck_assert_uint_eq(rd(E1000_RDH), 3);
    wr(E1000_RCTL, RCTL_EN | RCTL_LPE | RCTL_SECRC);
    arrive(own, 3000); /* two buffers */
    ck_assert_uint_eq(rd(E1000_RDH), 5);
    ck_assert_uint_eq(rx_status(3) & 3, RXD_STA_DD);
    ck_assert_uint_eq(rx_status(4) & 3, RXD_STA_DD | RXD_STA_EOP);
    ck_assert_uint_eq(as_ld16(&m->mem, RX_RING + 64 + RXD_LENGTH), 3000 - 2048);
}
END_TEST

START_TEST(an_empty_ring_makes_frames_wait)
{
    wr(E1000_RDT, 2);
    for (unsigned i = 0; i < 5; i++)
        arrive(own, 60 + i);
    ck_assert_uint_eq(rd(E1000_RDH), 2);
    wr(E1000_RDT, 7);
    go_on(1000);
    ck_assert_uint_eq(rd(E1000_RDH), 5);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_uint_eq(as_ld16(&m->mem, RX_RING + i * 16 + RXD_LENGTH), 60 + i);
    check_save_load(&e->pci.dev);
}
END_TEST

START_TEST(vlans)
{
    uint8_t f[64] = {0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 2, 3, 4, 5, 6, 0x81, 0, 0x20, 0x64, 8, 6};

    wr(E1000_VET, 0x8100);
    wr(E1000_RCTL, RCTL_EN | RCTL_VFE | RCTL_SECRC);
    net_post_buffer(&fake->client, f, sizeof(f), false);
    ck_assert_uint_eq(rd(E1000_RDH), 0);
    wr(E1000_VFTA + (0x64 >> 5) * 4, 1u << (0x64 & 31));
    wr(E1000_CTRL, rd(E1000_CTRL) | CTRL_VME);
    net_post_buffer(&fake->client, f, sizeof(f), false);
    ck_assert_uint_eq(rd(E1000_RDH), 1);
    ck_assert(rx_status(0) & RXD_STA_VP);
    ck_assert_uint_eq(as_ld16(&m->mem, RX_RING + RXD_SPECIAL), 0x2064);
    ck_assert_uint_eq(as_ld16(&m->mem, RX_RING + RXD_LENGTH), 60);
    ck_assert_uint_eq(as_ld16(&m->mem, RX_BUF + 12), 0x0608);
}
END_TEST

/* ---- Moderation ------------------------------------------------------------------------- */

START_TEST(interrupts_keep_their_distance)
{
    wr(E1000_ITR, 400); /* 102.4 us */
    wr(E1000_IMS, ICR_RXT0);
    arrive(own, 60);
    ck_assert(pin.level);
    rd(E1000_ICR);
    arrive(own, 60);
    ck_assert(!pin.level);
    go_on(100000);
    ck_assert(!pin.level);
    check_save_load(&e->pci.dev);
    go_on(3000);
    ck_assert(pin.level);
}
END_TEST

START_TEST(delays_put_frames_together)
{
    wr(E1000_RDTR, 10); /* 10.24 us after the last */
    wr(E1000_RADV, 25);
    wr(E1000_IMS, ICR_RXT0);
    for (unsigned i = 0; i < 3; i++) {
        arrive(own, 60);
        go_on(8000);
        ck_assert(!pin.level);
    }
    go_on(2000); /* 25.6 us after the first */
    ck_assert(pin.level);
    rd(E1000_ICR);
    arrive(own, 60);
    ck_assert(!pin.level);
    go_on(11000);
    ck_assert(pin.level);
    rd(E1000_ICR);
    arrive(own, 60);
    wr(E1000_RDTR, 10 | DELAY_FPD);
    ck_assert(pin.level);
}
END_TEST

START_TEST(a_reset_forgets)
{
    wr(E1000_IMS, ICR_LSC);
    wr(E1000_RA, 0x12345678);
    wr(E1000_CTRL, CTRL_RST);
    ck_assert_uint_eq(rd(E1000_IMS), 0);
    ck_assert_uint_eq(rd(E1000_RDT), 0);
    ck_assert_uint_eq(rd(E1000_RA), 0x12005452);
    ck_assert_uint_eq(rd(E1000_RA + 4), RAH_AV | 0x5634);
    ck_assert_uint_eq(rd(E1000_ICR), 0);
    arrive(own, 60); /* the receiver is off: lost */
    ck_assert_uint_eq(net_backlog(&fake->client), 0);
}
END_TEST

START_TEST(loopback)
{
    fill_tx(64);
    as_write(&m->mem, TX_BUF, own, 6);
    wr(E1000_RCTL, RCTL_EN | RCTL_SECRC | 1 << 6);
    tx_desc(0, TX_BUF, 64 | TXD_CMD_EOP, 0);
    wr(E1000_TDT, 1);
    go_on(1000);
    ck_assert_uint_eq(fake->got->len, 0);
    ck_assert_uint_eq(rd(E1000_RDH), 1);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, eeprom);
    tcase_add_test(t, phy_and_link);
    tcase_add_test(t, by_ports);
    tcase_add_test(t, two_buffers_make_a_frame);
    tcase_add_test(t, a_full_network_stops_the_ring);
    tcase_add_test(t, segmentation);
    tcase_add_test(t, vlan_tag_and_checksum);
    tcase_add_test(t, bad_rings_do_no_harm);
    tcase_add_test(t, a_frame_is_received);
    tcase_add_test(t, filters);
    tcase_add_test(t, an_empty_ring_makes_frames_wait);
    tcase_add_test(t, vlans);
    tcase_add_test(t, interrupts_keep_their_distance);
    tcase_add_test(t, delays_put_frames_together);
    tcase_add_test(t, a_reset_forgets);
    tcase_add_test(t, loopback);
}

int main(void)
{
    return bench_run("e1000", add);
}

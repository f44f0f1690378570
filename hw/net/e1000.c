/* SPDX-License-Identifier: MIT */
/*
 * e1000: Intel 82540EM Gigabit Ethernet Controller. Follows the "PCI/PCI-X Family of Gigabit
 * Ethernet Controllers Software Developer's Manual" (317453-006), sections by number here.
 *
 * Modelled: legacy and extended transmit descriptors, checksum and TCP segmentation offload,
 * receive filters, VLAN tags, receive checksums, interrupt causes with all three kinds of
 * moderation, EEPROM, copper PHY with autonegotiation, statistics, access by memory and by ports.
 * Not: power management, wake-up, flow control frames, manageability, 82542's old offsets.
 *
 * What a doorbell asks for is done by a timer that is due at once: not on the vCPU that rang.
 */
#include "hw/net/e1000.h"

#include <string.h>

#include "core/machine.h"
#include "util/error.h"

/* ---- Interrupts (3.2.7, 13.4.17 to 13.4.21) ---------------------------------------------- */

/* Not more often than ITR allows. */
void e1000_irq_update(struct e1000 *e)
{
    bool wanted = *e1000_reg(e, E1000_ICR) & *e1000_reg(e, E1000_IMS);
    int64_t now;

    if (!wanted) {
        timer_del(&e->throttle);
        pci_set_intx(&e->pci, 0);
        return;
    }
    if (e->pci.intx)
        return;
    now = clock_now(e->throttle.clock);
    if (now < e->irq_next) {
        timer_set(&e->throttle, e->irq_next);
        return;
    }
    e->irq_next = now + (int64_t)(*e1000_reg(e, E1000_ITR) & 0xffff) * 256;
    pci_set_intx(&e->pci, 1);
}

static void throttled(void *arg)
{
    e1000_irq_update(arg);
}

void e1000_cause(struct e1000 *e, uint32_t bits)
{
    *e1000_reg(e, E1000_ICR) |= bits & ICR_ALL;
    e1000_irq_update(e);
}

static uint32_t icr_read(struct e1000 *e)
{
    uint32_t v = *e1000_reg(e, E1000_ICR);

    *e1000_reg(e, E1000_ICR) = 0;
    e1000_irq_update(e);
    return v;
}

static void tx_delayed(void *arg)
{
    struct e1000 *e = arg;

    timer_del(&e->tx_delay);
    timer_del(&e->tx_delay_abs);
    e1000_cause(e, ICR_TXDW);
}

/* ---- Statistics (13.7): they stop at their end, and begin anew when read ---------------- */

void e1000_count(struct e1000 *e, unsigned stat, uint32_t n)
{
    uint32_t *r = e1000_reg(e, stat);

    *r = *r > UINT32_MAX - n ? UINT32_MAX : *r + n;
}

void e1000_count64(struct e1000 *e, unsigned stat, uint64_t n)
{
    uint32_t *r = e1000_reg(e, stat);
    uint64_t v = (r[0] | (uint64_t)r[1] << 32) + n;

    r[0] = (uint32_t)v;
    r[1] = (uint32_t)(v >> 32);
}

static uint32_t stat_read(struct e1000 *e, unsigned off)
{
    uint32_t *r = e1000_reg(e, off), v = *r;
    bool low = off == E1000_GORCL || off == E1000_GOTCL || off == E1000_TORL || off == E1000_TOTL;

    if (!low)
        *r = 0;
    if (off == E1000_GORCH || off == E1000_GOTCH || off == E1000_TORH || off == E1000_TOTH)
        r[-1] = 0;
    return v;
}

/* ---- Reset ------------------------------------------------------------------------------ */

static void load_address(struct e1000 *e)
{
    uint32_t *ra = e1000_reg(e, E1000_RA);

    ra[0] = e->eeprom[0] | (uint32_t)e->eeprom[1] << 16;
    ra[1] = e->eeprom[2] | RAH_AV;
}

/* CTRL.RST: all of the MAC, but neither the PHY nor what is in the EEPROM. */
static void mac_reset(struct e1000 *e)
{
    struct timer *all[] = {&e->tx_work, &e->tx_delay, &e->tx_delay_abs, &e->rx_delay,
                           &e->rx_delay_abs, &e->throttle};

    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
        timer_del(all[i]);
    memset(e->reg, 0, sizeof(e->reg));
    memset(e->context, 0, sizeof(e->context));
    *e1000_reg(e, E1000_CTRL) = CTRL_FD | CTRL_SLU | CTRL_SPEED_1000;
    *e1000_reg(e, E1000_STATUS) = STATUS_FD | STATUS_SPEED_1000 | STATUS_ASDV_1000;
    *e1000_reg(e, E1000_LEDCTL) = 0x07068302;
    *e1000_reg(e, E1000_PBA) = 0x00100030;
    *e1000_reg(e, E1000_TIPG) = 0x00602006;
    e->irq_next = 0;
    e1000_eecd_write(e, 0);
    load_address(e);
    e1000_link_update(e);
    *e1000_reg(e, E1000_ICR) = 0; /* the link that is there is no news */
    e1000_irq_update(e);
    net_purge(&e->client);
    net_accept(&e->client);
}

static void e1000_reset(struct pci_device *d)
{
    struct e1000 *e = (struct e1000 *)d;

    timer_del(&e->autoneg);
    e->io_addr = 0;
    e->ee_write_enabled = false;
    e1000_phy_reset(e);
    mac_reset(e);
}

/* ---- Registers -------------------------------------------------------------------------- */

/* What is stored as it is written. Others have effects, or only look. */
static const struct {
    uint16_t first, words;
    uint32_t writable;
} plain[] = {
    {E1000_CTRL_EXT, 1, 0xffffffff}, {E1000_FCAL, 2, 0xffffffff}, {E1000_FCT, 1, 0xffff},
    {E1000_VET, 1, 0xffff}, {E1000_FCTTV, 1, 0xffff}, {E1000_TXCW, 1, 0xffffffff},
    {E1000_TIPG, 1, 0xffffffff}, {E1000_AIFS, 1, 0xffff}, {E1000_LEDCTL, 1, 0xffffffff},
    {E1000_PBA, 1, 0xffff}, {E1000_FCRTL, 1, 0x8000fff8}, {E1000_FCRTH, 1, 0xfff8},
    {E1000_RDBAL, 1, 0xfffffff0}, {E1000_RDBAH, 1, 0xffffffff}, {E1000_RDLEN, 1, 0xfff80},
    {E1000_RDH, 1, 0xffff}, {E1000_RXDCTL, 1, 0xffffffff}, {E1000_RADV, 1, 0xffff},
    {E1000_RSRPD, 1, 0xfff}, {E1000_TXDMAC, 1, 1}, {E1000_TDBAL, 1, 0xfffffff0},
    {E1000_TDBAH, 1, 0xffffffff}, {E1000_TDLEN, 1, 0xfff80}, {E1000_TDH, 1, 0xffff},
    {E1000_TXDCTL, 1, 0xffffffff}, {E1000_TADV, 1, 0xffff}, {E1000_TSPMT, 1, 0xffffffff},
    {E1000_RXCSUM, 1, 0x7ff}, {E1000_MTA, E1000_MTA_WORDS, 0xffffffff},
    {E1000_RA, E1000_RA_PAIRS * 2, 0xffffffff}, {E1000_VFTA, E1000_VFTA_WORDS, 0xffffffff},
    {E1000_WUC, 1, 0xf}, {E1000_WUFC, 1, 0xfffff}, {E1000_MANC, 1, 0xffffffff},
    {E1000_IPAV, 1, 0xffff}, {E1000_TCTL, 1, 0x3fffffa}, {E1000_ITR, 1, 0xffff},
};

static void plain_write(struct e1000 *e, unsigned off, uint32_t val)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(plain); i++)
        if (off >= plain[i].first && off < plain[i].first + plain[i].words * 4u) {
            *e1000_reg(e, off) = val & plain[i].writable;
            return;
        }
    LOG(&e->pci.dev.machine->log, LOG_UNIMP, "%s: write of %08x to register %04x\n",
        e->pci.dev.path, val, off);
}

static void ctrl_write(struct e1000 *e, uint32_t val)
{
    if (val & CTRL_RST) {
        mac_reset(e);
        return;
    }
    if (val & CTRL_PHY_RST)
        e1000_phy_reset(e);
    *e1000_reg(e, E1000_CTRL) = val & ~CTRL_PHY_RST;
    e1000_link_update(e);
}

static void ring_doorbell(struct e1000 *e)
{
    timer_set(&e->tx_work, clock_now(e->tx_work.clock));
}

static void mask_write(struct e1000 *e, uint32_t set, uint32_t clear)
{
    uint32_t *ims = e1000_reg(e, E1000_IMS);

    *ims = (*ims | (set & ICR_ALL)) & ~clear;
    e1000_irq_update(e);
}

static void reg_write(struct e1000 *e, unsigned off, uint32_t val)
{
    switch (off) {
    case E1000_CTRL:
    case E1000_CTRL + 4: /* its shadow */
        ctrl_write(e, val);
        break;
    case E1000_EECD:
        e1000_eecd_write(e, val);
        break;
    case E1000_EERD:
        e1000_eerd_write(e, val);
        break;
    case E1000_MDIC:
        e1000_mdic_write(e, val);
        break;
    case E1000_ICR:
        *e1000_reg(e, E1000_ICR) &= ~val;
        e1000_irq_update(e);
        break;
    case E1000_ICS:
        e1000_cause(e, val);
        break;
    case E1000_IMS:
        mask_write(e, val, 0);
        break;
    case E1000_IMC:
        mask_write(e, 0, val);
        break;
    case E1000_RCTL:
        *e1000_reg(e, off) = val & 0x06dfb3fe;
        net_accept(&e->client);
        break;
    case E1000_RDT:
        *e1000_reg(e, off) = val & 0xffff;
        net_accept(&e->client);
        break;
    case E1000_TDT:
        *e1000_reg(e, off) = val & 0xffff;
        ring_doorbell(e);
        break;
    case E1000_RDTR:
        *e1000_reg(e, off) = val & 0xffff;
        if (val & DELAY_FPD && timer_pending(&e->rx_delay))
            e1000_rx_reported(e);
        break;
    case E1000_TIDV:
        *e1000_reg(e, off) = val & 0xffff;
        if (val & DELAY_FPD && timer_pending(&e->tx_delay))
            tx_delayed(e);
        break;
    default:
        plain_write(e, off, val);
        if (off == E1000_TCTL)
            ring_doorbell(e);
    }
}

static uint32_t reg_read(struct e1000 *e, unsigned off)
{
    switch (off) {
    case E1000_CTRL + 4:
        return *e1000_reg(e, E1000_CTRL);
    case E1000_ICR:
        return icr_read(e);
    case E1000_EECD:
        return e1000_eecd_read(e);
    case E1000_ICS:
        return *e1000_reg(e, E1000_ICR);
    case E1000_IMC:
        return 0;
    default:
        if (off >= E1000_STATS && off < E1000_STATS_END)
            return stat_read(e, off);
        return *e1000_reg(e, off);
    }
}

static uint64_t mmio_read(void *dev, uint64_t off, unsigned size)
{
    return off < E1000_REGS_END ? reg_read(dev, (unsigned)off & ~3u) : 0;
}

static void mmio_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    if (off < E1000_REGS_END)
        reg_write(dev, (unsigned)off & ~3u, (uint32_t)val);
}

/* 13.3.2: IOADDR at 0 says which register IODATA at 4 is. */
static uint64_t io_read(void *dev, uint64_t off, unsigned size)
{
    struct e1000 *e = dev;

    if (off == 0)
        return e->io_addr;
    return off == 4 ? mmio_read(e, e->io_addr, 4) : 0;
}

static void io_write(void *dev, uint64_t off, uint64_t val, unsigned size)
{
    struct e1000 *e = dev;

    if (off == 0)
        e->io_addr = (uint32_t)val;
    else if (off == 4)
        mmio_write(e, e->io_addr, val, 4);
}

static const struct region_ops mmio_ops = {mmio_read, mmio_write, 4, 4};
static const struct region_ops io_ops = {io_read, io_write, 4, 4};

/* ---- The device ------------------------------------------------------------------------ */

static void link_changed(struct net_client *c)
{
    e1000_link_update(e1000_of(c));
}

static void writable(struct net_client *c)
{
    ring_doorbell(e1000_of(c));
}

static const struct net_client_ops client_ops = {
    .kind = "nic",
    .can_receive = e1000_can_receive,
    .receive = e1000_receive,
    .writable = writable,
    .link_changed = link_changed,
};

static bool e1000_realize(struct pci_device *d, GError **err)
{
    enum { MMIO_SIZE = 128 << 10, IO_SIZE = 64 };
    struct e1000 *e = (struct e1000 *)d;
    struct machine *m = d->dev.machine;
    const struct {
        struct timer *t;
        const char *name;
        void (*fire)(void *);
    } timers[] = {
        {&e->tx_work, "e1000-tx", e1000_tx_work},
        {&e->tx_delay, "e1000-tidv", tx_delayed},
        {&e->tx_delay_abs, "e1000-tadv", tx_delayed},
        {&e->rx_delay, "e1000-rdtr", e1000_rx_reported},
        {&e->rx_delay_abs, "e1000-radv", e1000_rx_reported},
        {&e->throttle, "e1000-itr", throttled},
        {&e->autoneg, "e1000-autoneg", e1000_autoneg_done},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(timers); i++)
        timer_init(timers[i].t, &m->vclock, timers[i].name, timers[i].fire, e);
    memcpy(e->client.mac, e->mac, sizeof(e->mac));
    if (!net_card_init(&e->client, &client_ops, m, d->dev.id ? d->dev.id : d->dev.path,
                       d->dev.type->name, e->backend, err))
        return false;
    memcpy(e->mac, e->client.mac, sizeof(e->mac));
    e1000_nvm_init(e);
    region_init_io(&e->mmio, "e1000-mmio", &mmio_ops, e, MMIO_SIZE);
    region_init_io(&e->io, "e1000-io", &io_ops, e, IO_SIZE);
    pci_add_bar(d, 0, PCI_BAR_MEM32, &e->mmio);
    pci_add_bar(d, 1, PCI_BAR_IO, &e->io);
    return true;
}

static void e1000_unrealize(struct pci_device *d)
{
    struct e1000 *e = (struct e1000 *)d;
    struct timer *all[] = {&e->tx_work, &e->tx_delay, &e->tx_delay_abs, &e->rx_delay,
                           &e->rx_delay_abs, &e->throttle, &e->autoneg};

    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
        timer_del(all[i]);
    net_card_fini(&e->client);
    region_fini(&e->mmio);
    region_fini(&e->io);
}

/* The link may be another one here; that is news to the guest. */
static void e1000_loaded(struct pci_device *d)
{
    struct e1000 *e = (struct e1000 *)d;

    e1000_link_update(e);
    e1000_irq_update(e);
    net_accept(&e->client);
}

static const struct prop e1000_props[] = {
    PCI_PROPS(struct e1000, pci),
    PROP(struct e1000, backend, "netdev", PROP_NETDEV, NULL, "id of a -netdev"),
    PROP(struct e1000, mac, "mac", PROP_MAC, NULL, "its address (52:54:00:12:34:56 and up)"),
    {0}};

static const struct state_field e1000_state[] = {
    PCI_STATE(struct e1000, pci),
    STATE_ARRAY(struct e1000, reg),
    STATE_ARRAY(struct e1000, eeprom),
    STATE_ARRAY(struct e1000, phy),
    STATE_FIELD(struct e1000, io_addr),
    STATE_FIELD(struct e1000, ee_bits),
    STATE_FIELD(struct e1000, ee_in),
    STATE_FIELD(struct e1000, ee_out),
    STATE_FIELD(struct e1000, ee_out_bits),
    STATE_FIELD(struct e1000, ee_write_enabled),
    STATE_BUFFER(struct e1000, context),
    STATE_FIELD(struct e1000, irq_next),
    STATE_TIMER_FIELD(struct e1000, tx_work),
    STATE_TIMER_FIELD(struct e1000, tx_delay),
    STATE_TIMER_FIELD(struct e1000, tx_delay_abs),
    STATE_TIMER_FIELD(struct e1000, rx_delay),
    STATE_TIMER_FIELD(struct e1000, rx_delay_abs),
    STATE_TIMER_FIELD(struct e1000, throttle),
    STATE_TIMER_FIELD(struct e1000, autoneg),
    STATE_END};

const struct pci_device_type e1000_type = {
    .dev = {.name = "e1000", .alias = "e1000-82540em", .help = "Intel 82540EM Gigabit Ethernet",
            .size = sizeof(struct e1000), .props = e1000_props, .state = e1000_state,
            PCI_TYPE_CALLS},
    .vendor = 0x8086,
    .device = 0x100e,
    .revision = 3,
    .class_code = 0x020000,
    .pin = 1,
    .romfile = "efi-e1000.rom",
    .realize = e1000_realize,
    .unrealize = e1000_unrealize,
    .reset = e1000_reset,
    .loaded = e1000_loaded,
};

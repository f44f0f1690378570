/* SPDX-License-Identifier: MIT */
/*
 * e1000: transmitting. SDM 3.3 (descriptors), 3.5 (segmentation, checksums), 9.3 (VLAN).
 *
 * A packet is looked at when all of its descriptors are there. Its first bytes are copied, since
 * headers are changed; the rest is sent from where it lies in guest memory. If the network has no
 * room the descriptors stay the card's until it has.
 */
#include <string.h>

#include "core/machine.h"
#include "hw/net/e1000.h"
#include "net/offload.h"
#include "util/iov.h"

enum {
    MAX_PIECES = 256,      /* data descriptors of one packet */
    TURN_DESCS = 1024,     /* descriptors in one turn: others want theirs */
    VLAN_TAG = 4, MAC_PAIR = 12, CRC = 4,
    IP4_LEN = 2, IP4_CSUM = 10, IP6_LEN = 4, IP6_HEADER = 40,
    DELAY_UNIT = 1024,     /* ns */
};

struct desc {
    uint64_t addr;
    uint32_t lower, upper;
};

struct packet {
    struct iovec iov[MAX_PIECES + 1];
    unsigned niov;
    size_t len;
    uint8_t head[E1000_HEAD + VLAN_TAG]; /* copy of the beginning, iov[0] */
    size_t head_len;
    unsigned descs;      /* how many descriptors it takes */
    uint32_t cmd;        /* of the last one */
    uint32_t options;    /* POPTS of the first */
    uint16_t special;
    bool extended, bad;
    uint8_t cso, css;    /* legacy */
    struct net_offload off;
};

/* ---- The ring --------------------------------------------------------------------------- */

static unsigned ring_size(struct e1000 *e)
{
    return *e1000_reg(e, E1000_TDLEN) / E1000_DESC;
}

static uint64_t desc_addr(struct e1000 *e, unsigned i)
{
    uint64_t base = *e1000_reg(e, E1000_TDBAL) | (uint64_t)*e1000_reg(e, E1000_TDBAH) << 32;

    return base + (uint64_t)i * E1000_DESC;
}

static struct desc desc_read(struct e1000 *e, unsigned i)
{
    uint8_t b[E1000_DESC];

    as_read(pci_dma(&e->pci), desc_addr(e, i), b, sizeof(b));
    return (struct desc){pci_get32(b) | (uint64_t)pci_get32(b + 4) << 32,
                         pci_get32(b + TXD_LOWER), pci_get32(b + TXD_UPPER)};
}

static unsigned next(struct e1000 *e, unsigned i)
{
    return i + 1 >= ring_size(e) ? 0 : i + 1;
}

static bool is_context(const struct desc *d)
{
    return d->lower & TXD_CMD_DEXT && !(d->lower & TXD_DTYP);
}

static size_t desc_len(const struct desc *d)
{
    return d->lower & (d->lower & TXD_CMD_DEXT ? TXD_LEN : TXD_LEN_LEGACY);
}

static void delayed(struct e1000 *e)
{
    int64_t now = clock_now(e->tx_delay.clock);
    uint32_t most = *e1000_reg(e, E1000_TADV);

    timer_set(&e->tx_delay, now + (int64_t)*e1000_reg(e, E1000_TIDV) * DELAY_UNIT);
    if (most && !timer_pending(&e->tx_delay_abs))
        timer_set(&e->tx_delay_abs, now + (int64_t)most * DELAY_UNIT);
}

/* Write back what asked for it; the bits of ICR that follow. */
static uint32_t done_with(struct e1000 *e, unsigned i)
{
    struct desc d = desc_read(e, i);

    if (!(d.lower & (TXD_CMD_RS | TXD_CMD_RPS)))
        return 0;
    as_st32(pci_dma(&e->pci), desc_addr(e, i) + TXD_UPPER, d.upper | TXD_STA_DD);
    if (d.lower & TXD_CMD_IDE && *e1000_reg(e, E1000_TIDV)) {
        delayed(e);
        return 0;
    }
    return ICR_TXDW;
}

/* ---- Context descriptors (3.3.6) -------------------------------------------------------- */

static void take_context(struct e1000 *e, const struct desc *d)
{
    struct e1000_context *c = &e->context[(d->lower & TXD_CMD_TSE) != 0];

    c->ipcss = (uint8_t)d->addr;
    c->ipcso = (uint8_t)(d->addr >> 8);
    c->ipcse = (uint16_t)(d->addr >> 16);
    c->tucss = (uint8_t)(d->addr >> 32);
    c->tucso = (uint8_t)(d->addr >> 40);
    c->tucse = (uint16_t)(d->addr >> 48);
    c->hdrlen = (uint8_t)(d->upper >> 8);
    c->mss = (uint16_t)(d->upper >> 16);
    c->kind = (uint8_t)((d->lower & TXD_TUCMD_TCP ? E1000_CTX_TCP : 0) |
                        (d->lower & TXD_TUCMD_IP ? E1000_CTX_IPV4 : 0));
}

/* ---- Gathering -------------------------------------------------------------------------- */

/* The first bytes go to p->head, what is beyond them is a piece of guest memory. */
static void add_data(struct e1000 *e, struct packet *p, uint64_t addr, size_t len)
{
    struct address_space *dma = pci_dma(&e->pci);
    size_t now = MIN(len, E1000_HEAD - p->head_len);

    if (p->len + len > NET_FRAME_MAX - VLAN_TAG) {
        p->bad = true;
        return;
    }
    p->len += len;
    if (now) {
        p->bad |= !as_read(dma, addr, p->head + p->head_len, now);
        p->head_len += now;
        addr += now;
        len -= now;
    }
    if (!len)
        return;
    void *at = as_ptr(dma, addr, len, false);
    if (!at || p->niov == G_N_ELEMENTS(p->iov))
        p->bad = true; /* not RAM, or too many */
    else
        p->iov[p->niov++] = (struct iovec){at, len};
}

static void first_data(struct packet *p, const struct desc *d)
{
    p->extended = d->lower & TXD_CMD_DEXT;
    p->options = d->upper;
    if (!p->extended) {
        p->cso = (uint8_t)(d->lower >> 16);
        p->css = (uint8_t)(d->upper >> 8);
    }
}

/* False: its end is not there yet. A ring that is full without one is no packet at all. */
static bool gather(struct e1000 *e, struct packet *p)
{
    unsigned i = *e1000_reg(e, E1000_TDH), tail = *e1000_reg(e, E1000_TDT);

    p->niov = 1;
    p->len = p->head_len = 0;
    p->descs = 0;
    p->bad = false;
    p->off = (struct net_offload){0};
    while (i != tail) {
        struct desc d = desc_read(e, i);

        if (is_context(&d)) {
            p->bad = true; /* in the middle of a packet */
        } else {
            if (!p->descs)
                first_data(p, &d);
            add_data(e, p, d.addr, desc_len(&d));
        }
        p->descs++;
        i = next(e, i);
        p->cmd = d.lower;
        p->special = (uint16_t)(d.upper >> 16);
        if (d.lower & TXD_CMD_EOP)
            return true;
    }
    p->bad = true;
    return p->descs + 1 >= ring_size(e);
}

/* ---- Finishing headers ------------------------------------------------------------------ */

static void as_frame(struct packet *p, struct net_frame *f)
{
    p->iov[0] = (struct iovec){p->head, p->head_len};
    *f = (struct net_frame){.iov = p->iov, .niov = p->niov, .len = p->len, .off = p->off};
}

/* A sum of [start, end) to where `at` is; end 0: all that follows. */
static void put_sum(struct packet *p, unsigned start, unsigned end, unsigned at)
{
    struct net_frame f;

    as_frame(p, &f);
    size_t stop = end && end + 1u < p->len ? end + 1u : p->len;
    if (start >= stop || at + 2u > p->head_len)
        return;
    uint16_t sum = (uint16_t)~net_sum_fold(net_sum(&f, start, stop - start, 0));
    p->head[at] = (uint8_t)(sum >> 8);
    p->head[at + 1] = (uint8_t)sum;
}

/* What the network may finish, if it is the usual case: a sum to the end of the frame. */
static void offload_sum(struct packet *p, unsigned start, unsigned end, unsigned at)
{
    if (end || at < start || start >= p->len) {
        put_sum(p, start, end, at);
        return;
    }
    p->off.todo |= NET_CSUM;
    p->off.csum_start = (uint16_t)start;
    p->off.csum_offset = (uint16_t)(at - start);
}

static void add16(uint8_t *p, uint32_t n)
{
    uint16_t v = net_sum_fold((uint64_t)(p[0] << 8 | p[1]) + n);

    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/*
 * The driver leaves lengths to the card: IP's is not filled in, and TCP's pseudo header is without
 * it (3.5.7). Filled in, this is a frame as everybody else makes them.
 */
static void segment(struct e1000 *e, struct packet *p)
{
    const struct e1000_context *c = &e->context[1];
    size_t ip_len = p->len - c->ipcss, l4_len = p->len - c->tucss;
    bool v4 = c->kind & E1000_CTX_IPV4;
    uint8_t *ip = p->head + c->ipcss;

    if (!(c->kind & E1000_CTX_TCP) || c->tucso < c->tucss || c->tucso + 2u > p->head_len ||
        c->ipcss + IP6_HEADER > (int)p->head_len || p->len <= c->tucss || p->len <= c->ipcss) {
        p->bad = true;
        return;
    }
    if (v4) {
        ip[IP4_LEN] = (uint8_t)(ip_len >> 8);
        ip[IP4_LEN + 1] = (uint8_t)ip_len;
        if (p->options & TXD_POPTS_IXSM) {
            ip[IP4_CSUM] = ip[IP4_CSUM + 1] = 0;
            put_sum(p, c->ipcss, c->ipcse, c->ipcso);
        }
    } else {
        ip[IP6_LEN] = (uint8_t)((ip_len - IP6_HEADER) >> 8);
        ip[IP6_LEN + 1] = (uint8_t)(ip_len - IP6_HEADER);
    }
    add16(p->head + c->tucso, (uint32_t)l4_len);
    offload_sum(p, c->tucss, 0, c->tucso);
    if (p->len <= (size_t)c->hdrlen + c->mss)
        return; /* one piece: it is whole */
    p->off.todo |= v4 ? NET_TSO4 : NET_TSO6;
    p->off.hdr_len = c->hdrlen;
    p->off.gso_size = c->mss;
    e1000_count(e, E1000_TSCTC, 1);
}

static void finish_headers(struct e1000 *e, struct packet *p)
{
    const struct e1000_context *c = &e->context[0];

    if (p->extended && p->cmd & TXD_CMD_TSE) {
        segment(e, p);
    } else if (p->extended) {
        if (p->options & TXD_POPTS_IXSM)
            put_sum(p, c->ipcss, c->ipcse, c->ipcso);
        if (p->options & TXD_POPTS_TXSM)
            offload_sum(p, c->tucss, c->tucse, c->tucso);
    } else if (p->cmd & TXD_CMD_IC && p->cso > p->css) {
        offload_sum(p, p->css, 0, p->cso);
    }
}

static void insert_tag(struct e1000 *e, struct packet *p)
{
    uint32_t vet = *e1000_reg(e, E1000_VET);

    if (!(p->cmd & TXD_CMD_VLE) || !(*e1000_reg(e, E1000_CTRL) & CTRL_VME) ||
        p->head_len < NET_ETH_HEADER)
        return;
    memmove(p->head + MAC_PAIR + VLAN_TAG, p->head + MAC_PAIR, p->head_len - MAC_PAIR);
    p->head[MAC_PAIR] = (uint8_t)(vet >> 8);
    p->head[MAC_PAIR + 1] = (uint8_t)vet;
    p->head[MAC_PAIR + 2] = (uint8_t)(p->special >> 8);
    p->head[MAC_PAIR + 3] = (uint8_t)p->special;
    p->head_len += VLAN_TAG;
    p->len += VLAN_TAG;
    p->off.csum_start = (uint16_t)(p->off.csum_start + VLAN_TAG);
    p->off.hdr_len = (uint16_t)(p->off.hdr_len + VLAN_TAG);
}

/* ---- Sending ---------------------------------------------------------------------------- */

static void count(struct e1000 *e, const struct packet *p)
{
    static const uint16_t upto[] = {64, 127, 255, 511, 1023, UINT16_MAX};
    size_t len = MIN(p->len + CRC, UINT16_MAX);
    unsigned i = 0;

    while (len > upto[i])
        i++;
    e1000_count(e, E1000_PTC64 + i * 4, 1);
    e1000_count(e, E1000_GPTC, 1);
    e1000_count(e, E1000_TPT, 1);
    e1000_count64(e, E1000_GOTCL, p->len + CRC);
    e1000_count64(e, E1000_TOTL, p->len + CRC);
    if (p->head_len >= 6 && p->head[0] & 1)
        e1000_count(e, memcmp(p->head, "\xff\xff\xff\xff\xff\xff", 6) ? E1000_MPTC : E1000_BPTC,
                    1);
}

static bool loops_back(struct e1000 *e)
{
    return *e1000_reg(e, E1000_RCTL) & RCTL_LBM || e->phy[PHY_CTRL] & MII_LOOPBACK;
}

static void loop_back(void *arg, const struct net_frame *f)
{
    e1000_receive(arg, f);
}

/* False: no room. */
static bool send_packet(struct e1000 *e, struct packet *p)
{
    struct net_frame f;

    finish_headers(e, p);
    insert_tag(e, p);
    if (p->bad || p->len < NET_ETH_HEADER) {
        guest_warn(&e->pci.dev.machine->log, e->pci.dev.path,
                   "a packet of %u descriptors is dropped: not in memory, too long or too short",
                   p->descs);
        return true;
    }
    as_frame(p, &f);
    if (loops_back(e)) {
        if (net_offload_fits(&f, 0))
            e1000_receive(&e->client, &f);
        else
            net_offload_finish(&f, 0, loop_back, &e->client);
    } else if (*e1000_reg(e, E1000_STATUS) & STATUS_LU && !net_send(&e->client, &f)) {
        return false;
    }
    count(e, p);
    return true;
}

/* ---- Work ------------------------------------------------------------------------------- */

static bool head_is_sane(struct e1000 *e)
{
    unsigned n = ring_size(e);

    return n && *e1000_reg(e, E1000_TDH) < n && *e1000_reg(e, E1000_TDT) < n;
}

static void advance(struct e1000 *e, unsigned descs, uint32_t *causes)
{
    uint32_t *head = e1000_reg(e, E1000_TDH);

    for (; descs; descs--) {
        *causes |= done_with(e, *head);
        *head = next(e, *head);
    }
}

/* One descriptor or packet; how many descriptors, 0: nothing more can be done now. */
static unsigned one(struct e1000 *e, uint32_t *causes)
{
    struct desc d = desc_read(e, *e1000_reg(e, E1000_TDH));
    struct packet p;

    if (is_context(&d)) {
        take_context(e, &d);
        advance(e, 1, causes);
        return 1;
    }
    if (!gather(e, &p) || !send_packet(e, &p))
        return 0;
    advance(e, p.descs, causes);
    return p.descs;
}

void e1000_tx_work(void *arg)
{
    struct e1000 *e = arg;
    unsigned done = 0, now = 1;
    uint32_t causes = 0;

    if (!(*e1000_reg(e, E1000_TCTL) & TCTL_EN) || !head_is_sane(e))
        return;
    while (now && *e1000_reg(e, E1000_TDH) != *e1000_reg(e, E1000_TDT)) {
        if (done >= TURN_DESCS) {
            timer_set(&e->tx_work, clock_now(e->tx_work.clock));
            break;
        }
        now = one(e, &causes);
        done += now;
    }
    if (done && *e1000_reg(e, E1000_TDH) == *e1000_reg(e, E1000_TDT))
        causes |= ICR_TXQE;
    if (causes)
        e1000_cause(e, causes);
}

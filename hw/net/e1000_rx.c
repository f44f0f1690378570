/* SPDX-License-Identifier: MIT */
/* e1000: receiving. SDM 3.2 (packet reception), 10.1 (filters), 9 (VLAN), 3.2.9 (checksums). */
#include <string.h>

#include "core/machine.h"
#include "hw/net/e1000.h"
#include "net/offload.h"
#include "util/iov.h"

enum {
    CRC = 4, MAX_STANDARD = 1518, MAX_TAGGED = 1522, MAX_LONG = 16384, VLAN_TAG = 4,
    ETH_TYPE_AT = 12, DELAY_UNIT = 1024, /* ns */
};

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* ---- Filters ---------------------------------------------------------------------------- */

static bool is_own(struct e1000 *e, const uint8_t *dst)
{
    const uint32_t *ra = e1000_reg(e, E1000_RA);
    uint32_t low = dst[0] | (uint32_t)dst[1] << 8 | (uint32_t)dst[2] << 16 | (uint32_t)dst[3] << 24;
    uint32_t high = dst[4] | (uint32_t)dst[5] << 8;

    for (unsigned i = 0; i < E1000_RA_PAIRS; i++)
        if (ra[2 * i + 1] & RAH_AV && ra[2 * i] == low && (ra[2 * i + 1] & 0xffff) == high)
            return true;
    return false;
}

static bool in_hash(struct e1000 *e, const uint8_t *dst)
{
    static const uint8_t shift[4] = {4, 3, 2, 0};
    unsigned mo = *e1000_reg(e, E1000_RCTL) >> RCTL_MO_SHIFT & 3;
    unsigned hash = ((unsigned)dst[5] << 8 | dst[4]) >> shift[mo] & 0xfff;

    return e1000_reg(e, E1000_MTA)[hash >> 5] >> (hash & 31) & 1;
}

static bool vlan_wanted(struct e1000 *e, unsigned tci)
{
    uint32_t rctl = *e1000_reg(e, E1000_RCTL);

    if (!(rctl & RCTL_VFE))
        return true;
    if (rctl & RCTL_CFIEN && !(tci >> 12 & 1) != !(rctl & RCTL_CFI))
        return false;
    return e1000_reg(e, E1000_VFTA)[tci >> 5 & 0x7f] >> (tci & 31) & 1;
}

/* Status bits of a frame that is wanted, or -1. */
static int wanted(struct e1000 *e, const uint8_t *dst)
{
    uint32_t rctl = *e1000_reg(e, E1000_RCTL);

    if (!memcmp(dst, broadcast, sizeof(broadcast)))
        return rctl & (RCTL_BAM | RCTL_MPE) ? 0 : is_own(e, dst) ? 0 : -1;
    if (is_own(e, dst))
        return 0;
    if (dst[0] & 1) {
        if (in_hash(e, dst))
            return RXD_STA_PIF;
        return rctl & RCTL_MPE ? RXD_STA_PIF : -1;
    }
    return rctl & RCTL_UPE ? RXD_STA_PIF : -1;
}

/* ---- The ring --------------------------------------------------------------------------- */

static unsigned ring_size(struct e1000 *e)
{
    return *e1000_reg(e, E1000_RDLEN) / E1000_DESC;
}

static unsigned descs_free(struct e1000 *e)
{
    unsigned n = ring_size(e), head = *e1000_reg(e, E1000_RDH), tail = *e1000_reg(e, E1000_RDT);

    if (!n || head >= n || tail >= n)
        return 0;
    return tail >= head ? tail - head : n - head + tail;
}

static unsigned buffer_size(struct e1000 *e)
{
    uint32_t rctl = *e1000_reg(e, E1000_RCTL);
    unsigned size = 2048u >> (rctl >> RCTL_BSIZE_SHIFT & 3);

    return rctl & RCTL_BSEX && size < 2048 ? size * 16 : size;
}

bool e1000_can_receive(struct net_client *c)
{
    struct e1000 *e = e1000_of(c);

    return !(*e1000_reg(e, E1000_RCTL) & RCTL_EN) || descs_free(e) > 0;
}

struct incoming {
    struct iovec iov[NET_IOV_MAX + 4];
    unsigned niov;
    size_t len;        /* with what is appended */
    uint8_t status, errors;
    uint16_t special;
};

static void store(struct e1000 *e, const struct incoming *in, size_t off, uint8_t *desc)
{
    struct address_space *dma = pci_dma(&e->pci);
    uint64_t addr = pci_get32(desc) | (uint64_t)pci_get32(desc + 4) << 32;
    size_t len = MIN(in->len - off, buffer_size(e));
    struct iovec piece[NET_IOV_MAX + 4];
    unsigned n = iov_slice(in->iov, in->niov, off, len, piece);
    uint64_t to = addr;

    for (unsigned i = 0; addr && i < n; i++) {
        as_write(dma, to, piece[i].iov_base, piece[i].iov_len);
        to += piece[i].iov_len;
    }
    pci_put16(desc + RXD_LENGTH, (uint16_t)len);
    pci_put16(desc + RXD_CSUM, 0);
    desc[RXD_STATUS] = in->status | RXD_STA_DD;
    desc[RXD_ERRORS] = in->errors;
    if (off + len == in->len)
        desc[RXD_STATUS] |= RXD_STA_EOP;
    pci_put16(desc + RXD_SPECIAL, in->special);
}

static void store_all(struct e1000 *e, const struct incoming *in)
{
    struct address_space *dma = pci_dma(&e->pci);
    uint64_t base = *e1000_reg(e, E1000_RDBAL) | (uint64_t)*e1000_reg(e, E1000_RDBAH) << 32;
    uint32_t *head = e1000_reg(e, E1000_RDH);

    for (size_t off = 0; off < in->len; off += buffer_size(e)) {
        uint64_t at = base + (uint64_t)*head * E1000_DESC;
        uint8_t desc[E1000_DESC];

        as_read(dma, at, desc, sizeof(desc));
        store(e, in, off, desc);
        as_write(dma, at, desc, sizeof(desc));
        *head = *head + 1 == ring_size(e) ? 0 : *head + 1;
    }
}

/* ---- Causes ----------------------------------------------------------------------------- */

void e1000_rx_reported(void *arg)
{
    struct e1000 *e = arg;

    timer_del(&e->rx_delay);
    timer_del(&e->rx_delay_abs);
    e1000_cause(e, ICR_RXT0);
}

static void report(struct e1000 *e)
{
    uint32_t delay = *e1000_reg(e, E1000_RDTR), most = *e1000_reg(e, E1000_RADV);
    int64_t now = clock_now(e->rx_delay.clock);
    unsigned low = ring_size(e) >> (1 + (*e1000_reg(e, E1000_RCTL) >> RCTL_RDMTS_SHIFT & 3));

    if (delay) {
        timer_set(&e->rx_delay, now + (int64_t)delay * DELAY_UNIT);
        if (most && !timer_pending(&e->rx_delay_abs))
            timer_set(&e->rx_delay_abs, now + (int64_t)most * DELAY_UNIT);
    }
    uint32_t bits = (delay ? 0 : ICR_RXT0) | (descs_free(e) <= low ? ICR_RXDMT0 : 0);
    if (bits)
        e1000_cause(e, bits);
}

static void count(struct e1000 *e, const uint8_t *dst, size_t len)
{
    static const uint16_t upto[] = {64, 127, 255, 511, 1023, UINT16_MAX};
    unsigned i = 0;

    while (len > upto[i])
        i++;
    e1000_count(e, E1000_PRC64 + i * 4, 1);
    e1000_count(e, E1000_GPRC, 1);
    e1000_count(e, E1000_TPR, 1);
    e1000_count64(e, E1000_GORCL, len);
    e1000_count64(e, E1000_TORL, len);
    if (!memcmp(dst, broadcast, sizeof(broadcast)))
        e1000_count(e, E1000_BPRC, 1);
    else if (dst[0] & 1)
        e1000_count(e, E1000_MPRC, 1);
}

/* ---- A frame ---------------------------------------------------------------------------- */

static void checksums(struct e1000 *e, const struct net_frame *f, struct incoming *in)
{
    uint32_t on = *e1000_reg(e, E1000_RXCSUM);
    struct net_checks c;

    if (!(on & (RXCSUM_IPOFLD | RXCSUM_TUOFLD))) {
        in->status |= RXD_STA_IXSM;
        return;
    }
    net_offload_check(f, &c);
    if (on & RXCSUM_IPOFLD && c.ip) {
        in->status |= RXD_STA_IPCS;
        in->errors |= c.ip_bad ? RXD_ERR_IPE : 0;
    }
    if (on & RXCSUM_TUOFLD && c.l4) {
        in->status |= RXD_STA_TCPCS;
        in->errors |= c.l4_bad ? RXD_ERR_TCPE : 0;
    }
    if (!c.ip && !c.l4)
        in->status |= RXD_STA_IXSM;
}

/* What goes to memory: without a tag that is told in the descriptor, padded, with room for the
 * check sequence unless it is stripped. False: the VLAN is not wanted. */
static bool prepare(struct e1000 *e, const struct net_frame *f, const uint8_t *head,
                    struct incoming *in)
{
    static const uint8_t zeros[NET_FRAME_MIN];
    unsigned type = (unsigned)head[ETH_TYPE_AT] << 8 | head[ETH_TYPE_AT + 1];
    bool tagged = type == *e1000_reg(e, E1000_VET) && f->len >= NET_ETH_HEADER + VLAN_TAG;

    in->special = tagged ? (uint16_t)(head[14] << 8 | head[15]) : 0;
    if (tagged && !vlan_wanted(e, in->special))
        return false;
    if (tagged && *e1000_reg(e, E1000_CTRL) & CTRL_VME) {
        in->status |= RXD_STA_VP;
        in->niov = iov_slice(f->iov, f->niov, 0, ETH_TYPE_AT, in->iov);
        in->niov += iov_slice(f->iov, f->niov, ETH_TYPE_AT + VLAN_TAG, f->len, in->iov + in->niov);
        in->len = f->len - VLAN_TAG;
    } else {
        in->niov = iov_slice(f->iov, f->niov, 0, f->len, in->iov);
        in->len = f->len;
        in->special = 0;
    }
    size_t pad = in->len < NET_FRAME_MIN ? NET_FRAME_MIN - in->len : 0;
    pad += *e1000_reg(e, E1000_RCTL) & RCTL_SECRC ? 0 : CRC;
    if (pad)
        in->iov[in->niov++] = (struct iovec){(void *)zeros, pad};
    in->len += pad;
    return true;
}

static bool fits(struct e1000 *e, const struct net_frame *f, bool tagged)
{
    size_t len = f->len + CRC, max = tagged ? MAX_TAGGED : MAX_STANDARD;

    if (*e1000_reg(e, E1000_RCTL) & RCTL_LPE)
        max = MAX_LONG;
    if (len <= max)
        return true;
    e1000_count(e, E1000_ROC, 1);
    return false;
}

bool e1000_receive(struct net_client *c, const struct net_frame *f)
{
    struct e1000 *e = e1000_of(c);
    struct incoming in;
    uint8_t head[NET_ETH_HEADER + VLAN_TAG] = {0};

    if (!(*e1000_reg(e, E1000_RCTL) & RCTL_EN) || f->niov > NET_IOV_MAX)
        return true;
    iov_read(f->iov, f->niov, 0, head, sizeof(head));
    int status = wanted(e, head);
    if (status < 0 || !fits(e, f, head[ETH_TYPE_AT] == 0x81))
        return true;
    in.status = (uint8_t)status;
    in.errors = 0;
    /* A ring is never full, so one descriptor is always left. */
    if (!prepare(e, f, head, &in) ||
        in.len > (size_t)buffer_size(e) * (MAX(ring_size(e), 1) - 1))
        return true;
    if (descs_free(e) * (size_t)buffer_size(e) < in.len) {
        e1000_count(e, E1000_RNBC, 1);
        e1000_cause(e, ICR_RXO);
        return false;
    }
    checksums(e, f, &in);
    store_all(e, &in);
    count(e, head, f->len + CRC);
    report(e);
    return true;
}

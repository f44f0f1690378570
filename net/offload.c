/* SPDX-License-Identifier: MIT */
/* Checksums and segmentation in software: see the header. RFC 1071, 793, 791, 8200. */
#include "net/offload.h"

#include <string.h>

#include "util/iov.h"

enum {
    ETH_TYPE = 12, ETH_P_IPV4 = 0x0800, ETH_P_IPV6 = 0x86dd, ETH_P_VLAN = 0x8100,
    ETH_P_QINQ = 0x88a8, VLAN_TAG = 4,
    IP4_LEN = 2, IP4_ID = 4, IP4_FRAG = 6, IP4_PROTO = 9, IP4_CSUM = 10, IP4_SRC = 12, IP4_MIN = 20,
    IP4_FRAG_BITS = 0x3fff, /* more fragments, offset */
    IP6_LEN = 4, IP6_NEXT = 6, IP6_SRC = 8, IP6_HEADER = 40,
    PROTO_TCP = 6, PROTO_UDP = 17,
    TCP_SEQ = 4, TCP_DOFF = 12, TCP_FLAGS = 13, TCP_CSUM = 16, TCP_MIN = 20,
    TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80,
    UDP_CSUM = 6, UDP_HEADER = 8,
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)(v >> 16));
    put16(p + 2, (uint16_t)v);
}

/* ---- Sums -------------------------------------------------------------------------------- */

/* The sum is of big-endian words; adding host words and swapping at the end is the same
 * (RFC 1071, 2 (B)). */
static uint64_t sum_words(const uint8_t *p, size_t len)
{
    uint64_t sum = 0;

    for (; len >= 8; p += 8, len -= 8) {
        uint32_t w[2];
        memcpy(w, p, sizeof(w));
        sum += (uint64_t)w[0] + w[1];
    }
    for (; len >= 2; p += 2, len -= 2) {
        uint16_t w;
        memcpy(&w, p, sizeof(w));
        sum += w;
    }
    if (len)
        sum += *p; /* the byte that would follow is 0 */
    return sum;
}

uint16_t net_sum_fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static uint16_t sum_big_endian(const uint8_t *p, size_t len)
{
    return GUINT16_FROM_BE(net_sum_fold(sum_words(p, len)));
}

uint64_t net_sum(const struct net_frame *f, size_t off, size_t len, uint64_t sum)
{
    bool odd = false;

    for (unsigned i = 0; i < f->niov && len; i++) {
        if (off >= f->iov[i].iov_len) {
            off -= f->iov[i].iov_len;
            continue;
        }
        size_t now = MIN(f->iov[i].iov_len - off, len);
        uint16_t part = sum_big_endian((const uint8_t *)f->iov[i].iov_base + off, now);
        sum += odd ? GUINT16_SWAP_LE_BE(part) : part;
        odd ^= now & 1;
        len -= now;
        off = 0;
    }
    return sum;
}

/* ---- Headers ----------------------------------------------------------------------------- */

static void parse_ip4(struct net_headers *h, unsigned l3)
{
    unsigned ihl = (h->bytes[l3] & 15) * 4u, total = get16(h->bytes + l3 + IP4_LEN);

    if (h->bytes[l3] >> 4 != 4 || ihl < IP4_MIN || l3 + ihl > h->len)
        return;
    h->l3 = l3;
    h->proto = h->bytes[l3 + IP4_PROTO];
    h->end = l3 + total;
    if (total >= ihl && !(get16(h->bytes + l3 + IP4_FRAG) & IP4_FRAG_BITS))
        h->l4 = l3 + ihl;
}

/* Extension headers that may stand before TCP and UDP and say how long they are. */
static void parse_ip6(struct net_headers *h, unsigned l3)
{
    enum { HOP_BY_HOP = 0, ROUTING = 43, DEST_OPTIONS = 60 };
    unsigned at = l3 + IP6_HEADER;

    if (h->bytes[l3] >> 4 != 6)
        return;
    h->l3 = l3;
    h->v6 = true;
    h->proto = h->bytes[l3 + IP6_NEXT];
    h->end = l3 + IP6_HEADER + get16(h->bytes + l3 + IP6_LEN);
    while (h->proto == HOP_BY_HOP || h->proto == ROUTING || h->proto == DEST_OPTIONS) {
        if (at + 8 > h->len)
            return;
        h->proto = h->bytes[at];
        at += 8 + h->bytes[at + 1] * 8u;
    }
    h->l4 = at;
}

void net_headers_parse(struct net_headers *h, const struct net_frame *f)
{
    unsigned l3 = NET_ETH_HEADER;

    h->len = MIN(f->len, sizeof(h->bytes));
    h->l3 = h->l4 = 0;
    h->end = 0;
    h->v6 = false;
    h->proto = 0;
    iov_read(f->iov, f->niov, 0, h->bytes, h->len);
    if (h->len < NET_ETH_HEADER)
        return;
    uint16_t type = get16(h->bytes + ETH_TYPE);
    for (unsigned tags = 0; tags < 2 && (type == ETH_P_VLAN || type == ETH_P_QINQ); tags++) {
        l3 += VLAN_TAG;
        if (l3 > h->len)
            return;
        type = get16(h->bytes + l3 - 2);
    }
    if (type == ETH_P_IPV4 && l3 + IP4_MIN <= h->len)
        parse_ip4(h, l3);
    else if (type == ETH_P_IPV6 && l3 + IP6_HEADER <= h->len)
        parse_ip6(h, l3);
    if (h->end > f->len || h->l4 > h->end)
        h->l4 = 0;
}

uint64_t net_pseudo_sum(const struct net_headers *h, size_t len)
{
    const uint8_t *src = h->bytes + h->l3 + (h->v6 ? IP6_SRC : IP4_SRC);

    return (uint64_t)sum_big_endian(src, h->v6 ? 32 : 8) + h->proto + (len >> 16) + (len & 0xffff);
}

/* ---- A frame with another beginning ------------------------------------------------------ */

struct rebuilt {
    struct iovec iov[NET_IOV_MAX + 1];
    struct net_frame f;
};

/* `head` instead of what is before `from`, then `len` bytes from there. */
static void rebuild(struct rebuilt *r, const struct net_frame *f, uint8_t *head, size_t head_len,
                    size_t from, size_t len)
{
    r->iov[0] = (struct iovec){head, head_len};
    r->f = *f;
    r->f.iov = r->iov;
    r->f.niov = 1 + iov_slice(f->iov, f->niov, from, len, r->iov + 1);
    r->f.len = head_len + len;
}

/* ---- Checksum ---------------------------------------------------------------------------- */

static void finish_csum(const struct net_frame *f, void (*each)(void *, const struct net_frame *),
                        void *arg)
{
    size_t start = f->off.csum_start, field = start + f->off.csum_offset;
    uint8_t head[NET_HEADERS_MAX];
    struct rebuilt r;

    if (field + 2 > f->len || field + 2 > sizeof(head))
        return;
    iov_read(f->iov, f->niov, 0, head, field + 2);
    rebuild(&r, f, head, field + 2, field + 2, f->len - field - 2);
    uint16_t sum = (uint16_t)~net_sum_fold(net_sum(&r.f, start, f->len - start, 0));
    put16(head + field, sum ? sum : 0xffff);
    r.f.off.todo &= (uint8_t)~NET_CSUM;
    r.f.off.checked = true;
    each(arg, &r.f);
}

/* ---- Segmentation ------------------------------------------------------------------------ */

/* The last headers of a piece of `len` bytes of data at `off`. */
static void piece_headers(const struct net_headers *h, uint8_t *head, size_t hdr_len,
                          unsigned index, size_t off, size_t len, bool last)
{
    uint8_t *ip = head + h->l3, *tcp = head + h->l4;

    if (h->v6) {
        put16(ip + IP6_LEN, (uint16_t)(hdr_len - h->l3 - IP6_HEADER + len));
    } else {
        put16(ip + IP4_LEN, (uint16_t)(hdr_len - h->l3 + len));
        put16(ip + IP4_ID, (uint16_t)(get16(h->bytes + h->l3 + IP4_ID) + index));
        put16(ip + IP4_CSUM, 0);
        put16(ip + IP4_CSUM, (uint16_t)~sum_big_endian(ip, h->l4 - h->l3));
    }
    put32(tcp + TCP_SEQ, get32(h->bytes + h->l4 + TCP_SEQ) + (uint32_t)off);
    tcp[TCP_FLAGS] = h->bytes[h->l4 + TCP_FLAGS];
    if (!last)
        tcp[TCP_FLAGS] &= (uint8_t)~(TCP_FIN | TCP_PSH);
    if (index)
        tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
    put16(tcp + TCP_CSUM, 0);
}

static void piece_csum(const struct net_headers *h, uint8_t *head, const struct net_frame *piece)
{
    size_t len = piece->len - h->l4;
    uint64_t sum = net_sum(piece, h->l4, len, net_pseudo_sum(h, len));

    put16(head + h->l4 + TCP_CSUM, (uint16_t)~net_sum_fold(sum));
}

/* Where TCP begins is what the sender says: headers that are not known here may lie before it. */
static bool tso_headers(struct net_headers *h, const struct net_frame *f, size_t *hdr_len)
{
    net_headers_parse(h, f);
    h->l4 = f->off.csum_start;
    h->proto = PROTO_TCP;
    if (!h->l3 || h->v6 != !!(f->off.todo & NET_TSO6) || f->off.gso_size < NET_MSS_MIN ||
        h->l4 < h->l3 + (h->v6 ? IP6_HEADER : IP4_MIN) || h->l4 + TCP_MIN > h->len)
        return false;
    unsigned doff = (h->bytes[h->l4 + TCP_DOFF] >> 4) * 4u;
    *hdr_len = h->l4 + doff;
    return doff >= TCP_MIN && *hdr_len <= h->len &&
           *hdr_len - h->l3 + f->off.gso_size <= UINT16_MAX;
}

static void finish_tso(const struct net_frame *f, void (*each)(void *, const struct net_frame *),
                       void *arg)
{
    struct net_headers h;
    uint8_t head[NET_HEADERS_MAX];
    struct rebuilt r;
    size_t hdr_len, off = 0;
    unsigned index = 0;

    if (!tso_headers(&h, f, &hdr_len))
        return;
    size_t data = f->len - hdr_len;
    memcpy(head, h.bytes, hdr_len);
    do {
        size_t now = MIN(data - off, f->off.gso_size);
        piece_headers(&h, head, hdr_len, index, off, now, off + now == data);
        rebuild(&r, f, head, hdr_len, hdr_len + off, now);
        piece_csum(&h, head, &r.f);
        r.f.off = (struct net_offload){.checked = true};
        each(arg, &r.f);
        off += now;
        index++;
    } while (off < data);
}

bool net_offload_fits(const struct net_frame *f, uint8_t takes)
{
    uint8_t todo = f->off.todo;

    if (todo & (NET_TSO4 | NET_TSO6) && f->len > UINT16_MAX)
        return false;
    return !(todo & ~takes);
}

void net_offload_finish(const struct net_frame *f, uint8_t takes,
                        void (*each)(void *arg, const struct net_frame *f), void *arg)
{
    uint8_t tso = f->off.todo & (NET_TSO4 | NET_TSO6 | NET_ECN);

    if (f->niov > NET_IOV_MAX)
        return;
    if (tso && (tso & ~takes || f->len > UINT16_MAX))
        finish_tso(f, each, arg);
    else
        finish_csum(f, each, arg);
}

/* ---- What is received -------------------------------------------------------------------- */

static void check_l4(const struct net_headers *h, const struct net_frame *f, struct net_checks *c)
{
    size_t len = h->end - h->l4;
    size_t min = h->proto == PROTO_TCP ? TCP_MIN : UDP_HEADER;

    if ((h->proto != PROTO_TCP && h->proto != PROTO_UDP) || len < min || h->l4 + min > h->len)
        return;
    c->udp = h->proto == PROTO_UDP;
    if (c->udp && !h->v6 && get16(h->bytes + h->l4 + UDP_CSUM) == 0)
        return; /* the sender made none */
    c->l4 = true;
    if (!f->off.checked && !(f->off.todo & NET_CSUM))
        c->l4_bad = net_sum_fold(net_sum(f, h->l4, len, net_pseudo_sum(h, len))) != 0xffff;
}

void net_offload_check(const struct net_frame *f, struct net_checks *c)
{
    struct net_headers h;

    memset(c, 0, sizeof(*c));
    net_headers_parse(&h, f);
    if (h.l3 && !h.v6) {
        unsigned ihl = (h.bytes[h.l3] & 15) * 4u;
        c->ip = true;
        c->ip_bad = !f->off.checked && sum_big_endian(h.bytes + h.l3, ihl) != 0xffff;
    }
    if (h.l4)
        check_l4(&h, f, c);
}

/* SPDX-License-Identifier: MIT */
/*
 * virtio-net: frames for the driver (VIRTIO 1.2, 5.1.6.3, 5.1.6.4). Copied once, into its
 * buffers; with mergeable buffers into as many as it takes, which the driver sees all at once.
 */
#include <string.h>

#include "core/machine.h"
#include "hw/virtio/net.h"
#include "net/offload.h"

enum { HEAD = 18 }; /* addresses, type, a VLAN tag */

static struct virtq *rx_queue(struct virtio_net *n, unsigned hint)
{
    return n->v.vq[2 * (hint % MAX(n->pairs, 1))];
}

static bool is_on(const struct virtio_net *n)
{
    return virtio_live(&n->v) && (n->v.status & VIRTIO_DRIVER_OK);
}

/* While the driver is not there frames are lost, as on a card that is off. */
bool vnet_can_receive(struct net_client *c)
{
    struct virtio_net *n = vnet_of(c);

    if (!is_on(n))
        return true;
    for (unsigned i = 0; i < n->pairs; i++)
        if (virtq_ready(n->v.vq[2 * i]))
            return true;
    return false;
}

/* The driver has buffers again. */
void vnet_on_rx(struct virtq *vq)
{
    net_accept(&((struct virtio_net *)vq->dev)->client);
}

static void build_header(const struct virtio_net *n, const struct net_offload *off,
                         unsigned buffers, uint8_t *h)
{
    memset(h, 0, NET_HDR_LONG);
    if (off->todo & NET_CSUM) {
        h[NET_HDR_FLAGS] = NET_HDR_F_NEEDS_CSUM;
        pci_put16(h + NET_HDR_CSUM_START, off->csum_start);
        pci_put16(h + NET_HDR_CSUM_OFFSET, off->csum_offset);
    } else if (off->checked && n->offloads & VIRTIO_NET_F_GUEST_CSUM) {
        h[NET_HDR_FLAGS] = NET_HDR_F_DATA_VALID;
    }
    if (off->todo & (NET_TSO4 | NET_TSO6)) {
        h[NET_HDR_GSO_TYPE] = off->todo & NET_TSO4 ? NET_HDR_GSO_TCPV4 : NET_HDR_GSO_TCPV6;
        if (off->todo & NET_ECN)
            h[NET_HDR_GSO_TYPE] |= NET_HDR_GSO_ECN;
        pci_put16(h + NET_HDR_HDR_LEN, off->hdr_len);
        pci_put16(h + NET_HDR_GSO_SIZE, off->gso_size);
    }
    pci_put16(h + NET_HDR_NUM_BUFFERS, (uint16_t)buffers);
}

/* ---- Buffers ------------------------------------------------------------------------------ */

struct buffers {
    struct virtq_elem *e[VIRTIO_QUEUE_MAX];
    size_t written[VIRTIO_QUEUE_MAX];
    unsigned n;
    size_t room;
};

static void give_back(struct buffers *b)
{
    while (b->n)
        virtq_unpop(b->e[--b->n]);
}

/* As many as hold `need` bytes. False: they are not there, and none was taken. */
static bool take(struct virtio_net *n, struct virtq *vq, size_t need, struct buffers *b)
{
    bool merge = virtio_has(&n->v, VIRTIO_NET_F_MRG_RXBUF);

    b->n = 0;
    b->room = 0;
    while (b->room < need && b->n < (merge ? VIRTIO_QUEUE_MAX : 1)) {
        struct virtq_elem *e = virtq_pop(vq, sizeof(*e));
        if (!e)
            break;
        b->e[b->n++] = e;
        b->room += e->in_len;
        if (e->in_len < vnet_header_len(n)) {
            give_back(b);
            virtio_error(&n->v, "a buffer that is too small for the header");
            return false;
        }
    }
    if (b->room >= need)
        return true;
    /* What no number of buffers will hold is dropped by who asks: see vnet_receive(). */
    return false;
}

/* Bytes [off, off + len) of the frame to `at` of a buffer. */
static void copy(const struct net_frame *f, size_t off, struct virtq_elem *e, size_t at, size_t len)
{
    for (unsigned i = 0; i < f->niov && len; i++) {
        if (off >= f->iov[i].iov_len) {
            off -= f->iov[i].iov_len;
            continue;
        }
        size_t now = MIN(f->iov[i].iov_len - off, len);
        iov_write(e->in, e->nin, at, (const uint8_t *)f->iov[i].iov_base + off, now);
        at += now;
        len -= now;
        off = 0;
    }
}

static void fill(struct virtio_net *n, const struct net_frame *f, struct buffers *b)
{
    size_t header = vnet_header_len(n), off = 0;
    uint8_t h[NET_HDR_LONG];

    build_header(n, &f->off, b->n, h);
    for (unsigned i = 0; i < b->n; i++) {
        struct virtq_elem *e = b->e[i];
        size_t at = i ? 0 : header, now = MIN(e->in_len - at, f->len - off);

        if (!i)
            iov_write(e->in, e->nin, 0, h, header);
        copy(f, off, e, at, now);
        b->written[i] = at + now;
        off += now;
    }
}

/* A frame that the whole ring, or one buffer where only one is used, does not hold. */
static bool never_fits(struct virtio_net *n, struct virtq *vq, const struct buffers *b)
{
    return b->n && (!virtio_has(&n->v, VIRTIO_NET_F_MRG_RXBUF) || b->n >= vq->size);
}

bool vnet_receive(struct net_client *c, const struct net_frame *f)
{
    struct virtio_net *n = vnet_of(c);
    uint8_t head[HEAD] = {0};
    struct buffers b;

    iov_read(f->iov, f->niov, 0, head, sizeof(head));
    if (!is_on(n) || !vnet_wanted(n, head, f->len))
        return true;
    struct virtq *vq = rx_queue(n, f->queue);
    if (!take(n, vq, vnet_header_len(n) + f->len, &b)) {
        bool lost = never_fits(n, vq, &b) || !is_on(n);
        give_back(&b);
        return lost;
    }
    fill(n, f, &b);
    virtq_push_all(b.e, b.written, b.n);
    virtq_notify(vq);
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * virtio-net: frames of the driver (VIRTIO 1.2, 5.1.6.2). They are sent from where they lie in
 * guest memory. If the network has no room they stay with the device until it has.
 */
#include "core/machine.h"
#include "hw/virtio/net.h"
#include "net/offload.h"

/* The header in the network's terms. False: it makes no sense. */
static bool parse_header(const struct virtio_net *n, const uint8_t *h, struct net_offload *off)
{
    static const struct {
        uint8_t type, todo;
        uint64_t feature;
    } kinds[] = {{NET_HDR_GSO_TCPV4, NET_TSO4, VIRTIO_NET_F_HOST_TSO4},
                 {NET_HDR_GSO_TCPV6, NET_TSO6, VIRTIO_NET_F_HOST_TSO6}};
    uint8_t type = h[NET_HDR_GSO_TYPE] & (uint8_t)~NET_HDR_GSO_ECN;

    *off = (struct net_offload){0};
    if (h[NET_HDR_FLAGS] & NET_HDR_F_NEEDS_CSUM) {
        if (!virtio_has(&n->v, VIRTIO_NET_F_CSUM))
            return false;
        off->todo = NET_CSUM;
        off->csum_start = pci_get16(h + NET_HDR_CSUM_START);
        off->csum_offset = pci_get16(h + NET_HDR_CSUM_OFFSET);
    }
    if (type == NET_HDR_GSO_NONE)
        return true;
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (type == kinds[i].type && virtio_has(&n->v, kinds[i].feature) && off->todo) {
            off->todo |= kinds[i].todo;
            if (h[NET_HDR_GSO_TYPE] & NET_HDR_GSO_ECN)
                off->todo |= NET_ECN;
            off->hdr_len = pci_get16(h + NET_HDR_HDR_LEN);
            off->gso_size = pci_get16(h + NET_HDR_GSO_SIZE);
            return true;
        }
    return false;
}

/* False: the network has no room. */
static bool transmit(struct virtio_net *n, const struct virtq_elem *e, unsigned pair)
{
    uint8_t header[NET_HDR_LONG] = {0};
    struct iovec iov[NET_IOV_MAX + 1];
    size_t skip = vnet_header_len(n);
    struct net_frame f = {.iov = iov, .queue = pair};

    if (e->out_len < skip) {
        virtio_error(&n->v, "a frame without its header");
        return true;
    }
    iov_read(e->out, e->nout, 0, header, skip);
    if (e->nout > NET_IOV_MAX || !parse_header(n, header, &f.off)) {
        guest_warn(&virtio_machine(&n->v)->log, n->v.pci.dev.path,
                   "a frame whose header is wrong is dropped");
        return true;
    }
    f.len = e->out_len - skip;
    f.niov = iov_slice(e->out, e->nout, skip, f.len, iov);
    return net_send(&n->client, &f);
}

/* Not on the vCPU that rang: it has better things to do. Where instructions are counted the
 * order of events must not depend on the host's threads. */
static bool elsewhere(struct virtq *vq)
{
    struct machine *m = virtio_machine(vq->dev);

    if (m->icount || g_main_context_is_owner(m->context))
        return false;
    virtq_schedule(vq);
    return true;
}

void vnet_on_tx(struct virtq *vq)
{
    struct virtio_net *n = (struct virtio_net *)vq->dev;
    struct virtq_elem *e;

    if (elsewhere(vq))
        return;
    while (net_can_send(&n->client) && (e = virtq_pop(vq, sizeof(*e)))) {
        if (!transmit(n, e, vq->index / 2u)) {
            virtq_unpop(e);
            break;
        }
        virtq_push(e, 0);
    }
    virtq_notify(vq);
}

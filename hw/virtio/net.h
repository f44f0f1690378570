/* SPDX-License-Identifier: MIT */
/* virtio-net: what its files share. VIRTIO 1.2, 5.1. */
#ifndef HW_VIRTIO_NET_H
#define HW_VIRTIO_NET_H

#include "hw/virtio/net_regs.h"
#include "hw/virtio/virtio.h"
#include "net/net.h"

enum { VNET_MACS = 64, VNET_VLANS = 4096, VNET_PAIRS = 32 };

/* What properties turn off: one for each feature that QEMU has one for. */
enum vnet_switch {
    SW_CSUM, SW_GUEST_CSUM, SW_GSO, SW_GUEST_TSO4, SW_GUEST_TSO6, SW_GUEST_ECN, SW_HOST_TSO4,
    SW_HOST_TSO6, SW_HOST_ECN, SW_MRG_RXBUF, SW_STATUS, SW_CTRL_VQ, SW_CTRL_RX, SW_CTRL_VLAN,
    SW_CTRL_RX_EXTRA, SW_CTRL_MAC_ADDR, SW_CTRL_OFFLOADS, SW_ANNOUNCE, SW_MQ, SW_COUNT,
};

struct virtio_net {
    struct virtio_device v;
    struct net_client client;
    /* properties */
    struct net_client *backend;
    uint8_t mac_prop[6];
    bool on[SW_COUNT];
    uint16_t mtu, rx_size, tx_size;

    /* registers, and what the control queue set */
    uint8_t mac[6];
    uint16_t status;
    uint16_t pairs;            /* in use */
    uint64_t offloads;         /* VIRTIO_NET_F_GUEST_*: what the driver takes now */
    bool rx_mode[NET_RX_MODES];
    uint8_t macs[VNET_MACS][6];
    uint16_t nmacs, first_multi;
    bool uni_overflow, multi_overflow;
    uint32_t vlans[VNET_VLANS / 32];

    unsigned max_pairs;
    bool filter_told;          /* NIC_RX_FILTER_CHANGED was said, nobody asked since */
    bool announce;             /* the machine was loaded: say so when it runs */
};

static inline struct virtio_net *vnet_of(struct net_client *c)
{
    return (struct virtio_net *)((char *)c - offsetof(struct virtio_net, client));
}

extern const struct virtio_type virtio_net_type;

/* net.c: the driver takes other things from now on */
void vnet_offloads_changed(struct virtio_net *n);
static inline size_t vnet_header_len(const struct virtio_net *n)
{
    return n->v.features & (VIRTIO_F_VERSION_1 | VIRTIO_NET_F_MRG_RXBUF) ? NET_HDR_LONG
                                                                         : NET_HDR_SHORT;
}

/* net_rx.c, net_tx.c */
bool vnet_can_receive(struct net_client *c);
bool vnet_receive(struct net_client *c, const struct net_frame *f);
void vnet_on_rx(struct virtq *vq);
void vnet_on_tx(struct virtq *vq);
/* net_ctrl.c: the control queue, and the filters it sets */
void vnet_on_ctrl(struct virtq *vq);
bool vnet_wanted(const struct virtio_net *n, const uint8_t *head, size_t len);
struct json_t *vnet_rx_filter(struct net_client *c);
void vnet_filter_reset(struct virtio_net *n);

#endif

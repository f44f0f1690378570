/* SPDX-License-Identifier: MIT */
/* Names of VIRTIO 1.2, 5.1: the network device. */
#ifndef HW_VIRTIO_NET_REGS_H
#define HW_VIRTIO_NET_REGS_H

/* 5.1.3 feature bits */
#define VIRTIO_NET_F_CSUM                (1ull << 0)
#define VIRTIO_NET_F_GUEST_CSUM          (1ull << 1)
#define VIRTIO_NET_F_CTRL_GUEST_OFFLOADS (1ull << 2)
#define VIRTIO_NET_F_MTU                 (1ull << 3)
#define VIRTIO_NET_F_MAC                 (1ull << 5)
#define VIRTIO_NET_F_GUEST_TSO4          (1ull << 7)
#define VIRTIO_NET_F_GUEST_TSO6          (1ull << 8)
#define VIRTIO_NET_F_GUEST_ECN           (1ull << 9)
#define VIRTIO_NET_F_HOST_TSO4           (1ull << 11)
#define VIRTIO_NET_F_HOST_TSO6           (1ull << 12)
#define VIRTIO_NET_F_HOST_ECN            (1ull << 13)
#define VIRTIO_NET_F_MRG_RXBUF           (1ull << 15)
#define VIRTIO_NET_F_STATUS              (1ull << 16)
#define VIRTIO_NET_F_CTRL_VQ             (1ull << 17)
#define VIRTIO_NET_F_CTRL_RX             (1ull << 18)
#define VIRTIO_NET_F_CTRL_VLAN           (1ull << 19)
#define VIRTIO_NET_F_CTRL_RX_EXTRA       (1ull << 20)
#define VIRTIO_NET_F_GUEST_ANNOUNCE      (1ull << 21)
#define VIRTIO_NET_F_MQ                  (1ull << 22)
#define VIRTIO_NET_F_CTRL_MAC_ADDR       (1ull << 23)
#define VIRTIO_NET_F_SPEED_DUPLEX        (1ull << 63)

/* 5.1.4 device configuration */
enum {
    NET_CFG_MAC = 0, NET_CFG_STATUS = 6, NET_CFG_MAX_PAIRS = 8, NET_CFG_MTU = 10,
    NET_CFG_SPEED = 12, NET_CFG_DUPLEX = 16, NET_CFG_SIZE = 17,
};
enum { VIRTIO_NET_S_LINK_UP = 1, VIRTIO_NET_S_ANNOUNCE = 2 };

/* 5.1.6 struct virtio_net_hdr: num_buffers is there in VIRTIO 1.0 and with MRG_RXBUF */
enum {
    NET_HDR_FLAGS = 0, NET_HDR_GSO_TYPE = 1, NET_HDR_HDR_LEN = 2, NET_HDR_GSO_SIZE = 4,
    NET_HDR_CSUM_START = 6, NET_HDR_CSUM_OFFSET = 8, NET_HDR_NUM_BUFFERS = 10,
    NET_HDR_SHORT = 10, NET_HDR_LONG = 12,
};
enum { NET_HDR_F_NEEDS_CSUM = 1, NET_HDR_F_DATA_VALID = 2 };
enum { NET_HDR_GSO_NONE = 0, NET_HDR_GSO_TCPV4 = 1, NET_HDR_GSO_UDP = 3, NET_HDR_GSO_TCPV6 = 4,
       NET_HDR_GSO_ECN = 0x80 };

/* 5.1.6.5 control virtqueue */
enum { NET_CTRL_RX = 0, NET_CTRL_MAC = 1, NET_CTRL_VLAN = 2, NET_CTRL_ANNOUNCE = 3,
       NET_CTRL_MQ = 4, NET_CTRL_OFFLOADS = 5 };
enum { NET_RX_PROMISC, NET_RX_ALLMULTI, NET_RX_ALLUNI, NET_RX_NOMULTI, NET_RX_NOUNI,
       NET_RX_NOBCAST, NET_RX_MODES };
enum { NET_MAC_TABLE_SET = 0, NET_MAC_ADDR_SET = 1 };
enum { NET_VLAN_ADD = 0, NET_VLAN_DEL = 1 };
enum { NET_CTRL_OK = 0, NET_CTRL_ERR = 1 };

#endif

/* SPDX-License-Identifier: MIT */
/*
 * virtio-net: VIRTIO 1.2, 5.1, network device. Checksum and segmentation offloads both ways,
 * mergeable buffers, control queue (modes, addresses, VLANs, offloads, pairs of queues, announce),
 * link status, MTU. As many pairs of queues as its network has (a tap with queues=N).
 * Not: RSS, hash reports, UDP segmentation, notification coalescing.
 */
#include "hw/virtio/net.h"

#include <string.h>

#include "core/machine.h"
#include "util/error.h"

/* ---- Features --------------------------------------------------------------------------- */

static const struct {
    enum vnet_switch by;
    uint64_t feature;
} switched[] = {
    {SW_CSUM, VIRTIO_NET_F_CSUM},
    {SW_GUEST_CSUM, VIRTIO_NET_F_GUEST_CSUM},
    {SW_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO4},
    {SW_GUEST_TSO6, VIRTIO_NET_F_GUEST_TSO6},
    {SW_GUEST_ECN, VIRTIO_NET_F_GUEST_ECN},
    {SW_HOST_TSO4, VIRTIO_NET_F_HOST_TSO4},
    {SW_HOST_TSO6, VIRTIO_NET_F_HOST_TSO6},
    {SW_HOST_ECN, VIRTIO_NET_F_HOST_ECN},
    {SW_MRG_RXBUF, VIRTIO_NET_F_MRG_RXBUF},
    {SW_STATUS, VIRTIO_NET_F_STATUS},
    {SW_CTRL_VQ, VIRTIO_NET_F_CTRL_VQ},
    {SW_CTRL_RX, VIRTIO_NET_F_CTRL_RX},
    {SW_CTRL_VLAN, VIRTIO_NET_F_CTRL_VLAN},
    {SW_CTRL_RX_EXTRA, VIRTIO_NET_F_CTRL_RX_EXTRA},
    {SW_CTRL_MAC_ADDR, VIRTIO_NET_F_CTRL_MAC_ADDR},
    {SW_CTRL_OFFLOADS, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS},
    {SW_ANNOUNCE, VIRTIO_NET_F_GUEST_ANNOUNCE},
};

/* 5.1.3.1: what needs another feature is not offered without it. */
static uint64_t drop_dependent(uint64_t f)
{
    const uint64_t host = VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6;
    const uint64_t guest = VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6;
    const uint64_t ctrl = VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_VLAN |
                          VIRTIO_NET_F_CTRL_RX_EXTRA | VIRTIO_NET_F_CTRL_MAC_ADDR |
                          VIRTIO_NET_F_CTRL_GUEST_OFFLOADS | VIRTIO_NET_F_GUEST_ANNOUNCE |
                          VIRTIO_NET_F_MQ;

    if (!(f & VIRTIO_NET_F_CSUM))
        f &= ~host;
    if (!(f & VIRTIO_NET_F_GUEST_CSUM))
        f &= ~guest;
    if (!(f & host))
        f &= ~VIRTIO_NET_F_HOST_ECN;
    if (!(f & guest))
        f &= ~VIRTIO_NET_F_GUEST_ECN;
    if (!(f & VIRTIO_NET_F_CTRL_VQ))
        f &= ~ctrl;
    return f;
}

static uint64_t net_features(struct virtio_device *v)
{
    struct virtio_net *n = (struct virtio_net *)v;
    uint64_t f = VIRTIO_NET_F_MAC;

    for (unsigned i = 0; i < G_N_ELEMENTS(switched); i++)
        if (n->on[switched[i].by])
            f |= switched[i].feature;
    if (!n->on[SW_GSO])
        f &= ~(VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6);
    if (n->on[SW_MQ] && n->max_pairs > 1)
        f |= VIRTIO_NET_F_MQ;
    if (n->mtu)
        f |= VIRTIO_NET_F_MTU;
    return drop_dependent(f);
}

void vnet_offloads_changed(struct virtio_net *n)
{
    struct net_client *peer = n->client.peer;
    uint8_t takes = 0;

    if (n->offloads & VIRTIO_NET_F_GUEST_CSUM)
        takes |= NET_CSUM;
    if (n->offloads & VIRTIO_NET_F_GUEST_TSO4)
        takes |= NET_TSO4;
    if (n->offloads & VIRTIO_NET_F_GUEST_TSO6)
        takes |= NET_TSO6;
    if (n->offloads & VIRTIO_NET_F_GUEST_ECN)
        takes |= NET_ECN;
    n->client.takes = takes;
    if (peer && peer->ops->link_changed)
        peer->ops->link_changed(peer);
}

static uint64_t guest_offloads(const struct virtio_net *n)
{
    return n->v.features & (VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 |
                            VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_GUEST_ECN);
}

static bool net_set_features(struct virtio_device *v)
{
    struct virtio_net *n = (struct virtio_net *)v;

    if (drop_dependent(v->features) != v->features && !v->old_driver)
        return false;
    n->offloads = guest_offloads(n);
    vnet_offloads_changed(n);
    return true;
}

/* ---- Configuration space ---------------------------------------------------------------- */

static void net_get_config(struct virtio_device *v, uint8_t *c)
{
    struct virtio_net *n = (struct virtio_net *)v;

    memcpy(c + NET_CFG_MAC, n->mac, 6);
    pci_put16(c + NET_CFG_STATUS, n->status);
    pci_put16(c + NET_CFG_MAX_PAIRS, (uint16_t)n->max_pairs);
    pci_put16(c + NET_CFG_MTU, n->mtu);
    pci_put32(c + NET_CFG_SPEED, UINT32_MAX); /* not known */
    c[NET_CFG_DUPLEX] = UINT8_MAX;
}

/* Old drivers set the address so (5.1.4.2). */
static void net_set_config(struct virtio_device *v, const uint8_t *c, unsigned off, unsigned len)
{
    struct virtio_net *n = (struct virtio_net *)v;

    if (!virtio_has(v, VIRTIO_F_VERSION_1) && off < 6)
        memcpy(n->mac, c + NET_CFG_MAC, 6);
}

static void link_changed(struct net_client *c)
{
    struct virtio_net *n = vnet_of(c);
    uint16_t old = n->status;

    n->status = (uint16_t)((old & ~VIRTIO_NET_S_LINK_UP) |
                           (net_link_up(c) ? VIRTIO_NET_S_LINK_UP : 0));
    if (n->status != old)
        virtio_config_changed(&n->v);
}

/* ---- Queues ----------------------------------------------------------------------------- */

/* 5.1.2: rx, tx, rx, tx ... and the control queue behind those that there can be. */
static void on_queue(struct virtq *vq)
{
    struct virtio_net *n = (struct virtio_net *)vq->dev;
    unsigned pairs = virtio_has(&n->v, VIRTIO_NET_F_MQ) ? n->max_pairs : 1;

    if (vq->index == 2 * pairs)
        vnet_on_ctrl(vq);
    else if (vq->index > 2 * pairs)
        return;
    else if (vq->index & 1)
        vnet_on_tx(vq);
    else
        vnet_on_rx(vq);
}

static void writable(struct net_client *c)
{
    struct virtio_net *n = vnet_of(c);

    for (unsigned i = 0; i < n->pairs; i++)
        virtq_schedule(n->v.vq[2 * i + 1]);
}

static const struct net_client_ops client_ops = {
    .kind = "nic",
    .can_receive = vnet_can_receive,
    .receive = vnet_receive,
    .writable = writable,
    .link_changed = link_changed,
    .rx_filter = vnet_rx_filter,
};

/* ---- The device ------------------------------------------------------------------------- */

static void net_started(struct virtio_device *v)
{
    net_accept(&((struct virtio_net *)v)->client);
}

static void net_reset(struct virtio_device *v)
{
    struct virtio_net *n = (struct virtio_net *)v;

    memcpy(n->mac, n->mac_prop, sizeof(n->mac));
    n->pairs = 1;
    n->offloads = 0;
    n->status = net_link_up(&n->client) ? VIRTIO_NET_S_LINK_UP : 0;
    n->announce = false;
    vnet_filter_reset(n);
    vnet_offloads_changed(n);
    net_purge(&n->client);
    net_accept(&n->client);
}

/* The guest may be behind another switch now: it is to tell it (5.1.6.5.4). */
static void announce(void *arg)
{
    struct virtio_net *n = arg;

    if (!n->announce || !machine_running(virtio_machine(&n->v)))
        return;
    n->announce = false;
    n->status |= VIRTIO_NET_S_ANNOUNCE;
    virtio_config_changed(&n->v);
}

static void net_loaded(struct virtio_device *v)
{
    struct virtio_net *n = (struct virtio_net *)v;

    n->pairs = (uint16_t)CLAMP(n->pairs, 1, n->max_pairs);
    n->nmacs = MIN(n->nmacs, VNET_MACS);
    n->first_multi = MIN(n->first_multi, n->nmacs);
    n->offloads &= guest_offloads(n);
    n->announce = virtio_has(v, VIRTIO_NET_F_GUEST_ANNOUNCE) && virtio_has(v, VIRTIO_NET_F_STATUS);
    vnet_offloads_changed(n);
    link_changed(&n->client);
    net_accept(&n->client);
}

static bool check_sizes(const struct virtio_net *n, GError **err)
{
    const uint16_t sizes[2] = {n->rx_size, n->tx_size};

    for (unsigned i = 0; i < 2; i++)
        if (sizes[i] < 64 || sizes[i] > VIRTIO_QUEUE_MAX || sizes[i] & (sizes[i] - 1))
            return error_set(err, "%cx_queue_size=%u: a power of two from 64 to %u",
                             i ? 't' : 'r', sizes[i], VIRTIO_QUEUE_MAX);
    if (n->mtu && n->mtu < 68)
        return error_set(err, "host_mtu=%u: at least 68", n->mtu);
    return true;
}

static bool net_realize(struct virtio_device *v, GError **err)
{
    struct virtio_net *n = (struct virtio_net *)v;
    struct machine *m = virtio_machine(v);
    const struct device *dev = &v->pci.dev;

    if (!check_sizes(n, err))
        return false;
    memcpy(n->client.mac, n->mac_prop, sizeof(n->mac_prop));
    if (!net_card_init(&n->client, &client_ops, m, dev->id ? dev->id : dev->path, dev->type->name,
                       n->backend, err))
        return false;
    memcpy(n->mac_prop, n->client.mac, sizeof(n->mac_prop));
    memcpy(n->mac, n->client.mac, sizeof(n->mac));
    n->max_pairs = n->on[SW_MQ] ? MIN(n->client.queues, VNET_PAIRS) : 1;
    n->pairs = 1;
    for (unsigned i = 0; i < n->max_pairs; i++) {
        virtio_add_queue(v, n->rx_size, on_queue);
        virtio_add_queue(v, n->tx_size, on_queue);
    }
    virtio_add_queue(v, 64, on_queue);
    vnet_filter_reset(n);
    n->status = net_link_up(&n->client) ? VIRTIO_NET_S_LINK_UP : 0;
    machine_add_hook(m->on_state_change, announce, n);
    return true;
}

static void net_unrealize(struct virtio_device *v)
{
    struct virtio_net *n = (struct virtio_net *)v;

    machine_del_hook(virtio_machine(v)->on_state_change, announce, n);
    net_card_fini(&n->client);
}

#define SWITCH(sw, name, what) PROP(struct virtio_net, on[sw], name, PROP_BOOL, "on", what)

static const struct prop net_props[] = {
    VIRTIO_PROPS(struct virtio_net, v),
    VIRTIO_BOOTINDEX(struct virtio_net, v),
    PROP(struct virtio_net, backend, "netdev", PROP_NETDEV, NULL, "id of a -netdev"),
    PROP(struct virtio_net, mac_prop, "mac", PROP_MAC, NULL,
         "its address (52:54:00:12:34:56 and up)"),
    PROP(struct virtio_net, mtu, "host_mtu", PROP_U16, "0", "MTU to tell the guest; 0: none"),
    PROP(struct virtio_net, rx_size, "rx_queue_size", PROP_U16, "256", "buffers to receive into"),
    PROP(struct virtio_net, tx_size, "tx_queue_size", PROP_U16, "256", "buffers to send"),
    PROP(struct virtio_net, on[SW_MQ], "mq", PROP_BOOL, "off",
         "as many pairs of queues as the network has"),
    SWITCH(SW_CSUM, "csum", "frames of the guest need no checksum"),
    SWITCH(SW_GUEST_CSUM, "guest_csum", "nor do those for it"),
    SWITCH(SW_GSO, "gso", "the guest may send large segments"),
    SWITCH(SW_HOST_TSO4, "host_tso4", "the guest may send large segments, IPv4"),
    SWITCH(SW_HOST_TSO6, "host_tso6", "the same, IPv6"),
    SWITCH(SW_HOST_ECN, "host_ecn", "the same, with ECN"),
    SWITCH(SW_GUEST_TSO4, "guest_tso4", "the guest may receive large segments, IPv4"),
    SWITCH(SW_GUEST_TSO6, "guest_tso6", "the same, IPv6"),
    SWITCH(SW_GUEST_ECN, "guest_ecn", "the same, with ECN"),
    SWITCH(SW_MRG_RXBUF, "mrg_rxbuf", "mergeable buffers"),
    SWITCH(SW_STATUS, "status", "link status"),
    SWITCH(SW_CTRL_VQ, "ctrl_vq", "control queue"),
    SWITCH(SW_CTRL_RX, "ctrl_rx", "receive modes and lists of addresses"),
    SWITCH(SW_CTRL_VLAN, "ctrl_vlan", "VLAN filter"),
    SWITCH(SW_CTRL_RX_EXTRA, "ctrl_rx_extra", "more receive modes"),
    SWITCH(SW_CTRL_MAC_ADDR, "ctrl_mac_addr", "setting the address"),
    SWITCH(SW_CTRL_OFFLOADS, "ctrl_guest_offloads", "changing what the guest takes"),
    SWITCH(SW_ANNOUNCE, "guest_announce", "being told to announce itself"),
    {0}};

static const struct state_field net_state[] = {
    VIRTIO_STATE(struct virtio_net, v),
    STATE_BUFFER(struct virtio_net, mac),
    STATE_FIELD(struct virtio_net, status),
    STATE_FIELD(struct virtio_net, pairs),
    STATE_FIELD(struct virtio_net, offloads),
    STATE_ARRAY(struct virtio_net, rx_mode),
    STATE_BUFFER(struct virtio_net, macs),
    STATE_FIELD(struct virtio_net, nmacs),
    STATE_FIELD(struct virtio_net, first_multi),
    STATE_FIELD(struct virtio_net, uni_overflow),
    STATE_FIELD(struct virtio_net, multi_overflow),
    STATE_ARRAY(struct virtio_net, vlans),
    STATE_END};
static const struct device_form net_forms[] = VIRTIO_FORMS("virtio-net");

const struct virtio_type virtio_net_type = {
    .pci = {.dev = {.name = "virtio-net-pci",
                    .alias = "virtio-net",
                    .forms = net_forms,
                    .help = "virtio network card",
                    .size = sizeof(struct virtio_net),
                    .props = net_props,
                    .state = net_state,
                    VIRTIO_DEVICE_CALLS},
            .class_code = 0x020000,
            .romfile = "efi-virtio.rom",
            VIRTIO_PCI_CALLS},
    .id = VIRTIO_ID_NET,
    .legacy_id = 0x1000,
    .config_size = NET_CFG_SIZE,
    .realize = net_realize,
    .unrealize = net_unrealize,
    .reset = net_reset,
    .get_features = net_features,
    .set_features = net_set_features,
    .started = net_started,
    .get_config = net_get_config,
    .set_config = net_set_config,
    .loaded = net_loaded,
};

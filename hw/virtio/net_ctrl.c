/* SPDX-License-Identifier: MIT */
/*
 * virtio-net: the control queue (VIRTIO 1.2, 5.1.6.5) and the filters of what is received. A list
 * of addresses that is longer than ours lets all of its kind through, as the specification allows.
 */
#include <jansson.h>
#include <string.h>

#include "core/event.h"
#include "core/machine.h"
#include "hw/virtio/net.h"

enum { MAX_COMMAND = 2 + 8 + 6 * 1024 };

struct command {
    uint8_t bytes[MAX_COMMAND];
    size_t len, at;
};

static bool take(struct command *c, void *to, size_t len)
{
    if (c->len - c->at < len)
        return false;
    memcpy(to, c->bytes + c->at, len);
    c->at += len;
    return true;
}

static uint16_t le16(const uint8_t *p)
{
    return pci_get16(p);
}

/* ---- Commands ----------------------------------------------------------------------------- */

static bool set_mode(struct virtio_net *n, unsigned cmd, struct command *c)
{
    uint64_t feature = cmd <= NET_RX_ALLMULTI ? VIRTIO_NET_F_CTRL_RX : VIRTIO_NET_F_CTRL_RX_EXTRA;
    uint8_t on;

    if (cmd >= NET_RX_MODES || !virtio_has(&n->v, feature) || !take(c, &on, 1))
        return false;
    n->rx_mode[cmd] = on;
    return true;
}

/* One list; what does not fit is counted as an overflow. */
static bool take_list(struct virtio_net *n, struct command *c, bool *overflow)
{
    uint8_t count[4], mac[6];

    if (!take(c, count, sizeof(count)))
        return false;
    uint32_t entries = pci_get32(count);
    if (entries > (c->len - c->at) / 6)
        return false;
    *overflow = entries > (uint32_t)(VNET_MACS - n->nmacs);
    for (uint32_t i = 0; i < entries; i++) {
        take(c, mac, sizeof(mac));
        if (!*overflow)
            memcpy(n->macs[n->nmacs++], mac, sizeof(mac));
    }
    return true;
}

static bool set_macs(struct virtio_net *n, unsigned cmd, struct command *c)
{
    if (cmd == NET_MAC_ADDR_SET)
        return virtio_has(&n->v, VIRTIO_NET_F_CTRL_MAC_ADDR) && take(c, n->mac, 6);
    if (cmd != NET_MAC_TABLE_SET || !virtio_has(&n->v, VIRTIO_NET_F_CTRL_RX))
        return false;
    n->nmacs = n->first_multi = 0;
    n->multi_overflow = false;
    if (!take_list(n, c, &n->uni_overflow))
        return false;
    n->first_multi = n->nmacs;
    return take_list(n, c, &n->multi_overflow);
}

static bool set_vlan(struct virtio_net *n, unsigned cmd, struct command *c)
{
    uint8_t b[2];

    if (cmd > NET_VLAN_DEL || !virtio_has(&n->v, VIRTIO_NET_F_CTRL_VLAN) || !take(c, b, 2) ||
        le16(b) >= VNET_VLANS)
        return false;
    uint32_t bit = 1u << (le16(b) & 31), *word = &n->vlans[le16(b) >> 5];
    *word = cmd == NET_VLAN_ADD ? *word | bit : *word & ~bit;
    return true;
}

static bool set_pairs(struct virtio_net *n, unsigned cmd, struct command *c)
{
    uint8_t b[2];

    if (cmd || !virtio_has(&n->v, VIRTIO_NET_F_MQ) || !take(c, b, 2) || !le16(b) ||
        le16(b) > n->max_pairs)
        return false;
    n->pairs = le16(b);
    return true;
}

static bool set_offloads(struct virtio_net *n, unsigned cmd, struct command *c)
{
    uint64_t all = VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 |
                   VIRTIO_NET_F_GUEST_ECN;
    uint64_t v;

    if (cmd || !virtio_has(&n->v, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) || !take(c, &v, sizeof(v)))
        return false;
    v = GUINT64_FROM_LE(v);
    if (v & ~(n->v.features & all))
        return false;
    n->offloads = v;
    vnet_offloads_changed(n);
    return true;
}

static bool acknowledge(struct virtio_net *n, unsigned cmd)
{
    if (cmd || !virtio_has(&n->v, VIRTIO_NET_F_GUEST_ANNOUNCE))
        return false;
    n->status &= (uint16_t)~VIRTIO_NET_S_ANNOUNCE;
    virtio_config_changed(&n->v);
    return true;
}

static bool obey(struct virtio_net *n, struct command *c)
{
    uint8_t class, cmd;

    if (!take(c, &class, 1) || !take(c, &cmd, 1))
        return false;
    switch (class) {
    case NET_CTRL_RX:
        return set_mode(n, cmd, c);
    case NET_CTRL_MAC:
        return set_macs(n, cmd, c);
    case NET_CTRL_VLAN:
        return set_vlan(n, cmd, c);
    case NET_CTRL_ANNOUNCE:
        return acknowledge(n, cmd);
    case NET_CTRL_MQ:
        return set_pairs(n, cmd, c);
    case NET_CTRL_OFFLOADS:
        return set_offloads(n, cmd, c);
    default:
        return false;
    }
}

/* Once, until somebody asks for the filter. */
static void tell(struct virtio_net *n)
{
    if (n->filter_told)
        return;
    n->filter_told = true;
    json_t *data = json_pack("{s:s}", "path", n->v.pci.dev.path);
    if (n->v.pci.dev.id)
        json_object_set_new(data, "name", json_string(n->v.pci.dev.id));
    machine_event(virtio_machine(&n->v), "NIC_RX_FILTER_CHANGED", data);
}

void vnet_on_ctrl(struct virtq *vq)
{
    struct virtio_net *n = (struct virtio_net *)vq->dev;
    struct virtq_elem *e;
    struct command c;

    while ((e = virtq_pop(vq, sizeof(*e)))) {
        c.at = 0;
        c.len = MIN(e->out_len, sizeof(c.bytes));
        iov_read(e->out, e->nout, 0, c.bytes, c.len);
        uint8_t ack = obey(n, &c) ? NET_CTRL_OK : NET_CTRL_ERR;
        if (!e->in_len) {
            virtq_push(e, 0);
            virtio_error(&n->v, "a command without room for its answer");
            return;
        }
        iov_write(e->in, e->nin, 0, &ack, 1);
        virtq_push(e, 1);
        if (ack == NET_CTRL_OK && c.bytes[0] <= NET_CTRL_VLAN)
            tell(n);
    }
    virtq_notify(vq);
    net_accept(&n->client);
}

/* ---- The filter --------------------------------------------------------------------------- */

void vnet_filter_reset(struct virtio_net *n)
{
    memset(n->rx_mode, 0, sizeof(n->rx_mode));
    n->rx_mode[NET_RX_PROMISC] = true; /* until a driver says otherwise */
    n->nmacs = n->first_multi = 0;
    n->uni_overflow = n->multi_overflow = false;
    memset(n->macs, 0, sizeof(n->macs));
    memset(n->vlans, 0, sizeof(n->vlans));
    n->filter_told = false;
}

static bool listed(const struct virtio_net *n, unsigned from, unsigned to, const uint8_t *mac)
{
    for (unsigned i = from; i < to; i++)
        if (!memcmp(n->macs[i], mac, 6))
            return true;
    return false;
}

static bool vlan_wanted(const struct virtio_net *n, const uint8_t *head, size_t len)
{
    if (!virtio_has(&n->v, VIRTIO_NET_F_CTRL_VLAN) || len < 18 || head[12] != 0x81 || head[13])
        return true;
    unsigned id = (unsigned)(head[14] & 15) << 8 | head[15];
    return n->vlans[id >> 5] >> (id & 31) & 1;
}

bool vnet_wanted(const struct virtio_net *n, const uint8_t *head, size_t len)
{
    if (n->rx_mode[NET_RX_PROMISC])
        return true;
    if (!vlan_wanted(n, head, len))
        return false;
    if (!memcmp(head, "\xff\xff\xff\xff\xff\xff", 6))
        return !n->rx_mode[NET_RX_NOBCAST];
    if (head[0] & 1)
        return !n->rx_mode[NET_RX_NOMULTI] &&
               (n->rx_mode[NET_RX_ALLMULTI] || n->multi_overflow ||
                listed(n, n->first_multi, n->nmacs, head));
    return !n->rx_mode[NET_RX_NOUNI] &&
           (n->rx_mode[NET_RX_ALLUNI] || n->uni_overflow || !memcmp(head, n->mac, 6) ||
            listed(n, 0, n->first_multi, head));
}

/* ---- query-rx-filter ------------------------------------------------------------------------ */

static json_t *mac_json(const uint8_t *m)
{
    return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static json_t *mac_list(const struct virtio_net *n, unsigned from, unsigned to)
{
    json_t *list = json_array();

    for (unsigned i = from; i < to; i++)
        json_array_append_new(list, mac_json(n->macs[i]));
    return list;
}

static const char *state(bool none, bool all)
{
    return none ? "none" : all ? "all" : "normal";
}

json_t *vnet_rx_filter(struct net_client *c)
{
    struct virtio_net *n = vnet_of(c);
    const bool *m = n->rx_mode;
    json_t *vlans = json_array();

    n->filter_told = false;
    for (unsigned i = 0; i < VNET_VLANS; i++)
        if (n->vlans[i >> 5] >> (i & 31) & 1)
            json_array_append_new(vlans, json_integer(i));
    return json_pack(
        "{s:s, s:b, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o}", "name", c->id,
        "promiscuous", m[NET_RX_PROMISC], "multicast",
        state(m[NET_RX_NOMULTI], m[NET_RX_ALLMULTI]), "unicast",
        state(m[NET_RX_NOUNI], m[NET_RX_ALLUNI]), "vlan",
        state(false, !virtio_has(&n->v, VIRTIO_NET_F_CTRL_VLAN)), "broadcast-allowed",
        !m[NET_RX_NOBCAST], "multicast-overflow", n->multi_overflow, "unicast-overflow",
        n->uni_overflow, "main-mac", mac_json(n->mac), "vlan-table", vlans, "unicast-table",
        mac_list(n, 0, n->first_multi), "multicast-table", mac_list(n, n->first_multi, n->nmacs));
}

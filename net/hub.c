/* SPDX-License-Identifier: MIT */
/*
 * Hubs: what one port receives goes out at all others. A port that has no room holds up nobody:
 * its frames wait in the queue of whoever is plugged in, as far as that goes.
 */
#include "core/machine.h"
#include "net/netdev.h"
#include "util/error.h"
#include "util/keyval.h"

struct hub_port {
    struct net_client client;
    unsigned hub;
};

static bool hub_receive(struct net_client *c, const struct net_frame *f);

static void hub_describe(struct net_client *c, GString *out)
{
    g_string_append_printf(out, "hubid=%u", ((struct hub_port *)c)->hub);
}

static const struct net_client_ops hub_ops = {
    .kind = "hubport", .receive = hub_receive, .describe = hub_describe};

static bool hub_receive(struct net_client *c, const struct net_frame *f)
{
    const struct hub_port *from = (struct hub_port *)c;
    GPtrArray *all = c->machine->net->clients;

    for (unsigned i = 0; i < all->len; i++) {
        struct hub_port *p = all->pdata[i];

        if (p->client.ops == &hub_ops && p != from && p->hub == from->hub)
            net_post(&p->client, f);
    }
    return true;
}

struct net_client *net_hub_add_port(struct machine *m, unsigned n, const char *id)
{
    struct hub_port *p = net_client_new(m, &hub_ops, sizeof(*p), id);

    p->hub = n;
    p->client.takes = NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN; /* finished behind the hub */
    return &p->client;
}

int net_hub_number(const struct net_client *c)
{
    return c->ops == &hub_ops ? (int)((const struct hub_port *)c)->hub : -1;
}

struct net_client *net_hubport_new(struct machine *m, const char *id, const struct keyvals *kv,
                                   GError **err)
{
    const char *netdev = keyvals_get(kv, "netdev");
    uint64_t hub = 0;

    if (!keyvals_get(kv, "hubid")) {
        error_set(err, "hubid=NUMBER is missing");
        return NULL;
    }
    if (!keyvals_uint(kv, "hubid", 0, INT32_MAX, &hub, err))
        return NULL;
    struct net_client *other = netdev ? net_claim(m, netdev, err) : NULL;
    if (netdev && !other)
        return NULL;
    if (other && other->peer) {
        error_set(err, "netdev=%s: '%s' has it already", netdev, other->peer->id);
        return NULL;
    }
    struct net_client *port = net_hub_add_port(m, (unsigned)hub, id);
    if (other)
        net_connect(port, other);
    return port;
}

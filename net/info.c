/* SPDX-License-Identifier: MIT */
/* What the monitor asks: the list of cables, links, RX filters. */
#include <jansson.h>
#include <string.h>

#include "core/machine.h"
#include "net/netdev.h"
#include "util/error.h"

static void describe_client(const char *lead, struct net_client *c, GString *out)
{
    g_string_append_printf(out, "%s%s: index=0,type=%s", lead, c->id, c->ops->kind);
    if (c->model)
        g_string_append_printf(out, ",model=%s,macaddr=%02x:%02x:%02x:%02x:%02x:%02x", c->model,
                               c->mac[0], c->mac[1], c->mac[2], c->mac[3], c->mac[4], c->mac[5]);
    if (c->ops->describe) {
        g_string_append_c(out, ',');
        c->ops->describe(c, out);
    }
    g_string_append_printf(out, "%s%s\n", c->link_down ? ",link=off" : "",
                           c->queue.lost ? ",overrun" : "");
}

static void describe_hub(struct net *net, int n, GString *out)
{
    g_string_append_printf(out, "hub %d\n", n);
    for (unsigned i = 0; i < net->clients->len; i++) {
        struct net_client *c = net->clients->pdata[i];

        if (net_hub_number(c) != n)
            continue;
        if (c->peer) {
            g_autofree char *lead = g_strdup_printf(" \\ %s: ", c->id);
            describe_client(lead, c->peer, out);
        } else {
            g_string_append_printf(out, " \\ %s\n", c->id);
        }
    }
}

/* Each hub once: by the first of its ports. */
static bool first_of_hub(struct net *net, unsigned i)
{
    int n = net_hub_number(net->clients->pdata[i]);

    for (unsigned k = 0; n >= 0 && k < i; k++)
        if (net_hub_number(net->clients->pdata[k]) == n)
            return false;
    return n >= 0;
}

static bool on_hub(const struct net_client *c)
{
    return net_hub_number(c) >= 0 || (c->peer && net_hub_number(c->peer) >= 0);
}

void net_describe(struct machine *m, GString *out)
{
    struct net *net = m->net;

    for (unsigned i = 0; net && i < net->clients->len; i++)
        if (first_of_hub(net, i))
            describe_hub(net, net_hub_number(net->clients->pdata[i]), out);
    for (unsigned i = 0; net && i < net->clients->len; i++) {
        struct net_client *c = net->clients->pdata[i];

        if (on_hub(c) || (!c->model && c->peer))
            continue;
        describe_client("", c, out);
        if (c->peer)
            describe_client(" \\ ", c->peer, out);
    }
}

bool net_set_link(struct machine *m, const char *id, bool up, GError **err)
{
    struct net_client *c = net_find(m, id);

    if (!c)
        return error_set(err, "there is no network or card '%s' (info network lists them)", id);
    if (c->link_down == !up)
        return true;
    c->link_down = !up;
    if (c->ops->link_changed)
        c->ops->link_changed(c);
    if (c->peer && c->peer->ops->link_changed)
        c->peer->ops->link_changed(c->peer);
    return true;
}

json_t *net_query_rx_filter(struct machine *m, const char *name, GError **err)
{
    struct net_client *one = name ? net_find(m, name) : NULL;
    json_t *list = json_array();

    if (name && (!one || !one->ops->rx_filter)) {
        error_set(err, one ? "'%s' has no RX filter that could be asked for"
                           : "there is no card '%s' (info network lists them)", name);
        json_decref(list);
        return NULL;
    }
    for (unsigned i = 0; m->net && i < m->net->clients->len; i++) {
        struct net_client *c = m->net->clients->pdata[i];

        if (c->ops->rx_filter && (!one || c == one))
            json_array_append_new(list, c->ops->rx_filter(c));
    }
    return list;
}

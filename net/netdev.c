/* SPDX-License-Identifier: MIT */
/* -netdev, -nic, -net: the table of back ends, and what the older options mean in terms of it. */
#include "net/netdev.h"

#include <string.h>

#include "core/machine.h"
#include "util/error.h"
#include "util/keyval.h"
#include "util/parse.h"
#include "util/suggest.h"

#define MAX_KEYS 32

struct netdev_type {
    const char *name;
    netdev_make *make;
    const char *keys[MAX_KEYS];
    const char *help;
};

static const struct netdev_type types[] = {
    {"user", net_user_new,
     {"ipv4", "net", "host", "restrict", "ipv6", "ipv6-net", "ipv6-host", "ipv6-prefix",
      "ipv6-prefixlen", "ipv6-dns", "hostname", "dhcpstart", "dns", "dnssearch", "domainname",
      "tftp", "tftp-server-name", "bootfile", "hostfwd", "guestfwd", "smb", "smbserver", NULL},
     "a network of the guest's own, with the host as its gateway; needs no privileges\n"
     "  net=ADDR[/BITS] host=ADDR dhcpstart=ADDR dns=ADDR  addresses (10.0.2.0/24, .2, .15, .3)\n"
     "  ipv4=on|off ipv6=on|off ipv6-net=ADDR[/BITS] ipv6-host=ADDR ipv6-dns=ADDR\n"
     "  hostname=NAME domainname=NAME dnssearch=NAME          what DHCP tells\n"
     "  tftp=DIR bootfile=FILE tftp-server-name=NAME          booting by network\n"
     "  hostfwd=[tcp|udp]:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT\n"
     "            a port of the host that leads into the guest; on 127.0.0.1 unless HOSTADDR says\n"
     "            otherwise (0.0.0.0: every address of the host)\n"
     "  guestfwd=[tcp]:ADDR:PORT-unix:PATH | -tcp:HOST:PORT | -cmd:COMMAND\n"
     "            a port of the guest's network that leads to a socket or program of the host\n"
     "  restrict=on|off                                       nothing but hostfwd and guestfwd\n"},
    {"socket", net_socket_new,
     {"fd", "listen", "connect", "mcast", "localaddr", "udp", NULL},
     "a cable to another machine\n"
     "  listen=[HOST]:PORT | connect=HOST:PORT                TCP\n"
     "  udp=HOST:PORT,localaddr=HOST:PORT                     UDP\n"
     "  mcast=ADDR:PORT[,localaddr=ADDR]                      a UDP multicast group\n"
     "  fd=NUMBER                                             a socket that is open\n"},
    {"stream", net_stream_new,
     {"server", "reconnect", "addr.type", "addr.host", "addr.port", "addr.path", "addr.str",
      "addr.ipv4", "addr.ipv6", NULL},
     "a cable to another machine over a stream socket\n"
     "  server=on|off reconnect=SECONDS\n"
     "  addr.type=inet,addr.host=HOST,addr.port=PORT | addr.type=unix,addr.path=PATH |\n"
     "  addr.type=fd,addr.str=NUMBER\n"},
    {"dgram", net_dgram_new,
     {"local.type", "local.host", "local.port", "local.path", "local.str", "remote.type",
      "remote.host", "remote.port", "remote.path", "remote.str", NULL},
     "a cable to another machine over a datagram socket\n"
     "  local.type=inet,local.host=HOST,local.port=PORT,remote.type=inet,... | unix with .path |\n"
     "  local.type=fd,local.str=NUMBER; remote.* alone with a multicast address: a group\n"},
    {"tap", net_tap_new,
     {"fd", "fds", "ifname", "script", "downscript", "br", "helper", "sndbuf", "vnet_hdr", "vhost",
      "vhostfd", "vhostfds", "vhostforce", "queues", "poll-us", NULL},
     "a network interface of the host (needs its permission)\n"
     "  ifname=NAME script=FILE|no downscript=FILE|no queues=N  made, or one that is there\n"
     "  fd=NUMBER | fds=NUMBER:NUMBER...                        one that is open\n"
     "  vnet_hdr=on|off                                         let the host finish checksums\n"},
    {"hubport", net_hubport_new,
     {"hubid", "netdev", NULL},
     "a port of a hub, which sends what one port says to all others\n"
     "  hubid=NUMBER netdev=ID                                  what is plugged in\n"},
};

static const char *const elsewhere[] = {"bridge", "l2tpv3", "vde", "netmap", "vhost-user",
                                        "vhost-vdpa", "af-xdp", "passt", "vmnet-host",
                                        "vmnet-shared", "vmnet-bridged", NULL};

static const struct netdev_type *type_find(const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);

    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
        if (!strcmp(types[i].name, name))
            return &types[i];
        suggest_offer(&s, types[i].name);
    }
    if (g_strv_contains(elsewhere, name))
        error_set(err, "the network type '%s' is not offered; use user, tap, socket, stream or "
                       "dgram", name);
    else
        error_set(err, "there is no network type '%s'%s ('-netdev help' lists them)", name,
                  suggest_text(&s));
    return NULL;
}

/* ---- One back end ----------------------------------------------------------------------- */

/* Lists come as hostfwd.0.str (JSON) or hostfwd=...,hostfwd=... (text): the latter for all. */
static char *plain_key(const char *key)
{
    static const char *const lists[] = {"hostfwd", "guestfwd", "dnssearch", NULL};
    g_autofree char *base = g_strndup(key, strcspn(key, "."));

    return g_strdup(g_strv_contains(lists, base) ? base : key);
}

static bool not_ours(const char *key)
{
    return !strcmp(key, "type") || !strcmp(key, "id") || !strcmp(key, "qom-type");
}

static struct keyvals *own_keys(const struct keyvals *kv)
{
    struct keyvals *own = keyvals_new();

    for (unsigned i = 0; i < keyvals_count(kv); i++) {
        const struct keyval *k = keyvals_at(kv, i);
        g_autofree char *key = plain_key(k->key);

        if (!not_ours(key))
            keyvals_add(own, key, k->value);
    }
    return own;
}

static bool check_id(struct machine *m, const char *id, GError **err)
{
    bool ok = g_ascii_isalpha(*id) || *id == '#';

    for (const char *p = id + 1; ok && *p; p++)
        ok = g_ascii_isalnum(*p) || strchr("-._", *p);
    if (!ok)
        return error_set(err, "id=%s: an id begins with a letter and has letters, digits, - . _",
                         id);
    if (net_find(m, id))
        return error_set(err, "id=%s: there is a network with this id already", id);
    return true;
}

bool netdev_add(struct machine *m, const struct keyvals *kv, GError **err)
{
    const char *type = keyvals_get(kv, "type"), *id = keyvals_get(kv, "id");

    if (!type)
        return error_set(err, "the type is missing ('-netdev help' lists them)");
    const struct netdev_type *t = type_find(type, err);
    if (!t)
        return false;
    if (!id)
        return error_set(err, "%s: id=ID is missing, by which a card finds its network", type);
    if (!check_id(m, id, err))
        return false;
    struct keyvals *own = own_keys(kv);
    bool ok = keyvals_check(own, t->keys, err) && t->make(m, id, own, err);
    keyvals_free(own);
    return ok || error_prefix(err, "%s", type);
}

bool netdev_add_from_text(struct machine *m, const char *text, GError **err)
{
    struct keyvals *kv = keyvals_parse_any(text, "type", err);
    bool ok = kv && netdev_add(m, kv, err);

    if (kv)
        keyvals_free(kv);
    return ok;
}

bool netdev_del(struct machine *m, const char *id, GError **err)
{
    struct net_client *c = net_claim(m, id, err);

    if (c)
        net_client_free(c);
    return c != NULL;
}

/* ---- -nic and -net ---------------------------------------------------------------------- */

/* "#net000", "#net001" ...: those who have no name. */
static char *free_id(struct machine *m)
{
    for (unsigned n = 0;; n++) {
        g_autofree char *id = g_strdup_printf("#net%03u", n);

        if (!net_find(m, id))
            return g_steal_pointer(&id);
    }
}

static const char *driver_of(const char *model)
{
    return strcmp(model, "virtio") ? model : "virtio-net-pci";
}

static void add_key(GString *device, const struct keyvals *kv, const char *from, const char *to)
{
    const char *v = keyvals_get(kv, from);

    if (v)
        g_string_append_printf(device, ",%s=%s", to, v);
}

static bool is_none(const struct keyvals *kv, bool *none, GError **err)
{
    const char *type = keyvals_get(kv, "type");

    *none = type && !strcmp(type, "none");
    if (*none && keyvals_count(kv) > 1)
        return error_set(err, "'none' stands alone");
    return true;
}

/* A back end of its own, and the card on it. */
static bool nic_option(struct machine *m, const struct keyvals *kv, const char *model,
                       char **device, GError **err)
{
    struct keyvals *back = keyvals_new();
    g_autofree char *id = free_id(m);
    const char *said = keyvals_get(kv, "model");

    keyvals_add(back, "id", id);
    for (unsigned i = 0; i < keyvals_count(kv); i++) {
        const struct keyval *k = keyvals_at(kv, i);

        if (strcmp(k->key, "model") && strcmp(k->key, "mac") && strcmp(k->key, "id"))
            keyvals_add(back, k->key, k->value);
    }
    if (!keyvals_get(back, "type"))
        keyvals_add(back, "type", "user");
    bool ok = netdev_add(m, back, err);
    keyvals_free(back);
    if (ok) {
        GString *text = g_string_new(NULL);
        g_string_printf(text, "%s,netdev=%s", driver_of(said ? said : model), id);
        add_key(text, kv, "mac", "mac");
        add_key(text, kv, "id", "id");
        *device = g_string_free(text, FALSE);
    }
    return ok;
}

bool net_nic_option(struct machine *m, const char *text, const char *model, char **device,
                    GError **err)
{
    struct keyvals *kv = keyvals_parse_any(text, "type", err);
    bool none = false;

    *device = NULL;
    bool ok = kv && is_none(kv, &none, err) &&
              (none || nic_option(m, kv, model, device, err));
    if (kv)
        keyvals_free(kv);
    return ok;
}

/* Without netdev= a card of -net is on hub 0, with all else that -net names. */
static bool net_card(struct machine *m, const struct keyvals *kv, const char *model, char **device,
                     GError **err)
{
    static const char *const valid[] = {"type", "netdev", "macaddr", "model", "name", "addr",
                                        "vectors", NULL};
    const char *netdev = keyvals_get(kv, "netdev"), *said = keyvals_get(kv, "model");

    if (!keyvals_check(kv, valid, err))
        return false;
    g_autofree char *id = netdev ? g_strdup(netdev) : free_id(m);
    if (!netdev)
        net_hub_add_port(m, 0, id);
    GString *text = g_string_new(NULL);
    g_string_printf(text, "%s,netdev=%s", driver_of(said ? said : model), id);
    add_key(text, kv, "macaddr", "mac");
    add_key(text, kv, "addr", "addr");
    add_key(text, kv, "name", "id");
    add_key(text, kv, "vectors", "vectors");
    *device = g_string_free(text, FALSE);
    return true;
}

static bool net_back_end(struct machine *m, const struct keyvals *kv, GError **err)
{
    struct keyvals *back = keyvals_new();
    const char *name = keyvals_get(kv, "name");
    g_autofree char *id = name ? g_strdup(name) : free_id(m);

    keyvals_add(back, "id", id);
    for (unsigned i = 0; i < keyvals_count(kv); i++) {
        const struct keyval *k = keyvals_at(kv, i);

        if (strcmp(k->key, "name") && strcmp(k->key, "id"))
            keyvals_add(back, k->key, k->value);
    }
    bool ok = netdev_add(m, back, err);
    keyvals_free(back);
    if (ok) {
        g_autofree char *port = free_id(m);
        net_connect(net_hub_add_port(m, 0, port), net_find(m, id));
    }
    return ok;
}

bool net_net_option(struct machine *m, const char *text, const char *model, char **device,
                    GError **err)
{
    struct keyvals *kv = keyvals_parse_any(text, "type", err);
    const char *type = kv ? keyvals_get(kv, "type") : NULL;
    bool none = false, ok = kv && is_none(kv, &none, err);

    *device = NULL;
    if (ok && !none && !type)
        ok = error_set(err, "the type is missing: nic, or one of '-netdev help'");
    else if (ok && !none && !strcmp(type, "nic"))
        ok = net_card(m, kv, model, device, err);
    else if (ok && !none && !strcmp(type, "hubport"))
        ok = error_set(err, "hubport is for -netdev; all of -net is on hub 0");
    else if (ok && !none)
        ok = net_back_end(m, kv, err);
    if (kv)
        keyvals_free(kv);
    return ok;
}

/* ---- Help ------------------------------------------------------------------------------- */

void netdev_help(GString *out)
{
    g_string_append(out, "Available netdev backend types:\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++)
        g_string_append_printf(out, "%s: %s", types[i].name, types[i].help);
}

bool netdev_type_help(const char *type, GString *out, GError **err)
{
    const struct netdev_type *t = type_find(type, err);

    if (t)
        g_string_append_printf(out, "%s: %s", t->name, t->help);
    return t != NULL;
}

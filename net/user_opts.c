/* SPDX-License-Identifier: MIT */
/* The keys of -netdev user: addresses and names, as QEMU's manual defines them. */
#include <string.h>
#include <sys/stat.h>

#include "net/user.h"
#include "util/error.h"
#include "util/keyval.h"
#include "util/parse.h"

enum { DEFAULT_BITS = 24, HOST = 2, DNS = 3, DHCP_START = 15 };

static const char *keep(struct user *u, const char *text)
{
    char *copy = g_strdup(text);

    if (copy)
        g_ptr_array_add(u->texts, copy);
    return copy;
}

/* ---- IPv4 ------------------------------------------------------------------------------- */

static bool get_addr(const struct keyvals *kv, const char *key, struct in_addr *addr, GError **err)
{
    const char *text = keyvals_get(kv, key);

    if (text && inet_pton(AF_INET, text, addr) != 1)
        return error_set(err, "%s=%s: not an IPv4 address like 10.0.2.2", key, text);
    return true;
}

/* The mask of the classes of old, where none is given. */
static uint32_t class_mask(uint32_t net)
{
    if (!(net & 0x80000000))
        return 0xff000000;
    return (net & 0xfff00000) == 0xac100000 ? 0xfff00000
           : (net & 0xffff0000) == 0xc0a80000 ? 0xffff0000 : 0xfffffff0;
}

/* ADDR, ADDR/BITS or ADDR/MASK */
static bool parse_net(const char *text, uint32_t *net, uint32_t *mask, GError **err)
{
    g_auto(GStrv) part = g_strsplit(text, "/", 2);
    struct in_addr a, m;
    uint64_t bits;

    if (!part[0] || inet_pton(AF_INET, part[0], &a) != 1)
        return error_set(err, "net=%s: not an IPv4 network like 10.0.2.0/24", text);
    *net = ntohl(a.s_addr);
    if (!part[1]) {
        *mask = class_mask(*net);
    } else if (inet_pton(AF_INET, part[1], &m) == 1) {
        *mask = ntohl(m.s_addr);
    } else {
        if (!parse_uint(part[1], 1, 30, &bits, err))
            return error_prefix(err, "net=%s", text);
        *mask = ~0u << (32 - bits);
    }
    *net &= *mask;
    return true;
}

static bool inside(const SlirpConfig *c, const char *key, struct in_addr a, GError **err)
{
    char text[INET_ADDRSTRLEN];

    if (((a.s_addr ^ c->vnetwork.s_addr) & c->vnetmask.s_addr) == 0)
        return true;
    return error_set(err, "%s=%s is not within net=", key,
                     inet_ntop(AF_INET, &a, text, sizeof(text)));
}

static bool configure_ip4(struct user *u, const struct keyvals *kv, GError **err)
{
    SlirpConfig *c = &u->config;
    uint32_t net = 0x0a000200, mask = ~0u << (32 - DEFAULT_BITS);
    const char *text = keyvals_get(kv, "net");

    if (text && !parse_net(text, &net, &mask, err))
        return false;
    c->vnetwork.s_addr = htonl(net);
    c->vnetmask.s_addr = htonl(mask);
    c->vhost.s_addr = htonl(net | (HOST & ~mask));
    c->vdhcp_start.s_addr = htonl(net | (DHCP_START & ~mask));
    c->vnameserver.s_addr = htonl(net | (DNS & ~mask));
    if (!get_addr(kv, "host", &c->vhost, err) ||
        !get_addr(kv, "dhcpstart", &c->vdhcp_start, err) ||
        !get_addr(kv, "dns", &c->vnameserver, err))
        return false;
    if (!inside(c, "host", c->vhost, err) || !inside(c, "dhcpstart", c->vdhcp_start, err) ||
        (!u->restricted && !inside(c, "dns", c->vnameserver, err)))
        return false;
    if (c->vhost.s_addr == c->vnameserver.s_addr || c->vdhcp_start.s_addr == c->vhost.s_addr ||
        c->vdhcp_start.s_addr == c->vnameserver.s_addr)
        return error_set(err, "host=, dns= and dhcpstart= must be three addresses");
    return true;
}

/* ---- IPv6 ------------------------------------------------------------------------------- */

static bool get_addr6(const struct keyvals *kv, const char *key, struct in6_addr *addr,
                      GError **err)
{
    const char *text = keyvals_get(kv, key);

    if (text && inet_pton(AF_INET6, text, addr) != 1)
        return error_set(err, "%s=%s: not an IPv6 address like fec0::2", key, text);
    return true;
}

/* ipv6-net=PREFIX/BITS, or ipv6-prefix= and ipv6-prefixlen=. */
static bool prefix6(SlirpConfig *c, const struct keyvals *kv, GError **err)
{
    const char *net = keyvals_get(kv, "ipv6-net");
    uint64_t bits = 64;

    if (!get_addr6(kv, "ipv6-prefix", &c->vprefix_addr6, err) ||
        !keyvals_uint(kv, "ipv6-prefixlen", 0, 126, &bits, err))
        return false;
    if (net) {
        g_auto(GStrv) part = g_strsplit(net, "/", 2);
        if (!part[0] || inet_pton(AF_INET6, part[0], &c->vprefix_addr6) != 1)
            return error_set(err, "ipv6-net=%s: not an IPv6 network like fec0::/64", net);
        if (part[1] && !parse_uint(part[1], 0, 126, &bits, err))
            return error_prefix(err, "ipv6-net=%s", net);
    }
    c->vprefix_len = (uint8_t)bits;
    return true;
}

static bool configure_ip6(struct user *u, const struct keyvals *kv, GError **err)
{
    SlirpConfig *c = &u->config;

    inet_pton(AF_INET6, "fec0::", &c->vprefix_addr6);
    if (!prefix6(c, kv, err))
        return false;
    c->vhost6 = c->vnameserver6 = c->vprefix_addr6;
    c->vhost6.s6_addr[15] |= HOST;
    c->vnameserver6.s6_addr[15] |= DNS;
    return get_addr6(kv, "ipv6-host", &c->vhost6, err) &&
           get_addr6(kv, "ipv6-dns", &c->vnameserver6, err);
}

/* With one of them named the other is what is left. */
static bool families(SlirpConfig *c, const struct keyvals *kv, GError **err)
{
    bool v4 = true, v6 = true;
    bool said4 = keyvals_get(kv, "ipv4") != NULL, said6 = keyvals_get(kv, "ipv6") != NULL;

    if (!keyvals_bool(kv, "ipv4", &v4, err) || !keyvals_bool(kv, "ipv6", &v6, err))
        return false;
    if (!said4 && said6)
        v4 = !v6;
    else if (said4 && !said6)
        v6 = !v4;
    if (!v4 && !v6)
        return error_set(err, "with ipv4=off and ipv6=off there is no network left");
    c->in_enabled = v4;
    c->in6_enabled = v6;
    return true;
}

/* ---- Names and files -------------------------------------------------------------------- */

static bool short_text(const char *key, const char *text, size_t max, GError **err)
{
    if (!text || strlen(text) <= max)
        return true;
    return error_set(err, "%s=: more than %zu letters", key, max);
}

static bool configure_names(struct user *u, const struct keyvals *kv, GError **err)
{
    SlirpConfig *c = &u->config;
    const char *tftp = keyvals_get(kv, "tftp");
    struct stat st;

    /* What fits into a DHCP option, and into a BOOTP file name. */
    if (!short_text("domainname", keyvals_get(kv, "domainname"), 254, err) ||
        !short_text("hostname", keyvals_get(kv, "hostname"), 32, err) ||
        !short_text("tftp-server-name", keyvals_get(kv, "tftp-server-name"), 254, err) ||
        !short_text("bootfile", keyvals_get(kv, "bootfile"), 126, err))
        return false;
    if (tftp && *tftp && (stat(tftp, &st) < 0 || !S_ISDIR(st.st_mode)))
        return error_set(err, "tftp=%s: there is no such directory", tftp);
    c->vhostname = keep(u, keyvals_get(kv, "hostname"));
    c->vdomainname = keep(u, keyvals_get(kv, "domainname"));
    c->tftp_server_name = keep(u, keyvals_get(kv, "tftp-server-name"));
    c->tftp_path = keep(u, tftp && *tftp ? tftp : NULL);
    c->bootfile = keep(u, keyvals_get(kv, "bootfile"));
    for (unsigned i = 0; i < keyvals_count(kv); i++)
        if (!strcmp(keyvals_at(kv, i)->key, "dnssearch"))
            g_ptr_array_add(u->search, (void *)keep(u, keyvals_at(kv, i)->value));
    if (u->search->len) {
        g_ptr_array_add(u->search, NULL);
        c->vdnssearch = (const char **)u->search->pdata;
    }
    return true;
}

bool user_configure(struct user *u, const struct keyvals *kv, GError **err)
{
    SlirpConfig *c = &u->config;

    if (keyvals_get(kv, "smb") || keyvals_get(kv, "smbserver"))
        return error_set(err, "smb: there is no SMB server; share files by ssh through a hostfwd=, "
                              "or with -virtfs");
    c->version = 4;
    if (!keyvals_bool(kv, "restrict", &u->restricted, err))
        return false;
    c->restricted = u->restricted;
    return families(c, kv, err) && configure_ip4(u, kv, err) && configure_ip6(u, kv, err) &&
           configure_names(u, kv, err);
}

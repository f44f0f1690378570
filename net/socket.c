/* SPDX-License-Identifier: MIT */
/* socket: QEMU's older spelling of stream and dgram. */
#include "net/socket.h"

#include <string.h>

#include "util/error.h"
#include "util/keyval.h"

static bool split(const char *text, char **host, char **port, GError **err)
{
    const char *colon = strrchr(text, ':');

    if (!colon || !colon[1])
        return error_set(err, "'%s': write it as HOST:PORT", text);
    *host = g_strndup(text, (gsize)(colon - text));
    *port = g_strdup(colon + 1);
    return true;
}

static bool parse(const char *text, struct net_address *a, GError **err)
{
    g_autofree char *host = NULL, *port = NULL;

    return split(text, &host, &port, err) && net_address_inet(a, host, port, err);
}

static struct net_client *tcp(struct machine *m, const char *id, const char *text, bool server,
                              GError **err)
{
    struct sock_where where = {.fd = -1};

    if (!split(text, &where.host, &where.port, err))
        return NULL;
    return net_stream_start(m, id, &where, server, 0, err);
}

static struct net_client *udp(struct machine *m, const char *id, const struct keyvals *kv,
                              GError **err)
{
    struct net_address to, here;
    const char *local = keyvals_get(kv, "localaddr");

    if (!local) {
        error_set(err, "localaddr=HOST:PORT is missing, where the other one sends to");
        return NULL;
    }
    if (!parse(keyvals_get(kv, "udp"), &to, err) || !parse(local, &here, err))
        return NULL;
    int fd = net_bind(&here, err);
    return fd < 0 ? NULL : net_dgram_start(m, id, fd, &to, "udp");
}

static struct net_client *group(struct machine *m, const char *id, const struct keyvals *kv,
                                GError **err)
{
    struct net_address to;
    struct in_addr from;
    const char *local = keyvals_get(kv, "localaddr"), *text = keyvals_get(kv, "mcast");

    if (!parse(text, &to, err))
        return NULL;
    if (!net_is_group(&to)) {
        error_set(err, "mcast=%s: not a multicast address (224.0.0.0 to 239.255.255.255)", text);
        return NULL;
    }
    if (local && inet_pton(AF_INET, local, &from) != 1) {
        error_set(err, "localaddr=%s: not an IPv4 address of this host", local);
        return NULL;
    }
    int fd = net_join(&to, local ? &from : NULL, err);
    return fd < 0 ? NULL : net_dgram_start(m, id, fd, &to, "mcast");
}

static struct net_client *passed(struct machine *m, const char *id, const struct keyvals *kv,
                                 GError **err)
{
    uint64_t fd = 0;
    int type = 0;
    socklen_t len = sizeof(type);

    if (!keyvals_uint(kv, "fd", 0, INT32_MAX, &fd, err))
        return NULL;
    if (getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        error_set(err, "fd=%d is not an open socket of this process", (int)fd);
        return NULL;
    }
    if (type == SOCK_DGRAM)
        return net_dgram_start(m, id, (int)fd, &(struct net_address){.len = 0}, "fd");
    struct sock_where where = {.passed = true, .fd = (int)fd};
    return net_stream_start(m, id, &where, false, 0, err);
}

struct net_client *net_socket_new(struct machine *m, const char *id, const struct keyvals *kv,
                                  GError **err)
{
    static const char *const ways[] = {"fd", "listen", "connect", "mcast", "udp", NULL};
    unsigned given = 0;

    for (unsigned i = 0; ways[i]; i++)
        given += keyvals_get(kv, ways[i]) != NULL;
    if (given != 1) {
        error_set(err, "exactly one of fd=, listen=, connect=, mcast= and udp= is wanted");
        return NULL;
    }
    if (keyvals_get(kv, "fd"))
        return passed(m, id, kv, err);
    if (keyvals_get(kv, "udp"))
        return udp(m, id, kv, err);
    if (keyvals_get(kv, "mcast"))
        return group(m, id, kv, err);
    if (keyvals_get(kv, "listen"))
        return tcp(m, id, keyvals_get(kv, "listen"), true, err);
    return tcp(m, id, keyvals_get(kv, "connect"), false, err);
}

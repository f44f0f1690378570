/* SPDX-License-Identifier: MIT */
/* What stream.c, dgram.c and socket.c share. */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/netdev.h"
#include "util/sockaddr.h"

struct net_address {
    struct sockaddr_storage addr;
    socklen_t len; /* 0: none */
};

/* The keys of one address without their prefix ("addr.host" is "host"), as util/sockaddr.h has
 * them. NULL with *err. */
struct keyvals *net_address_keys(const struct keyvals *kv, const char *prefix, GError **err);
bool net_address_inet(struct net_address *a, const char *host, const char *port, GError **err);
bool net_is_group(const struct net_address *a);

/* Datagram sockets; -1 with *err. */
int net_bind(const struct net_address *a, GError **err);
int net_join(const struct net_address *group, const struct in_addr *from, GError **err);

/* Take over `where` and the descriptor. */
struct net_client *net_stream_start(struct machine *m, const char *id, struct sock_where *where,
                                    bool server, uint64_t reconnect, GError **err);
struct net_client *net_dgram_start(struct machine *m, const char *id, int fd,
                                   const struct net_address *to, const char *text);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Networks from the command line and the monitor: -netdev, -nic, -net. Main thread, machine lock
 * held.
 */
#ifndef NET_NETDEV_H
#define NET_NETDEV_H

#include "net/net.h"

/* -netdev TYPE,id=ID[,key=value...], or JSON, or QMP's netdev_add as keyvals (type, id, ...). */
bool netdev_add_from_text(struct machine *m, const char *text, GError **err);
bool netdev_add(struct machine *m, const struct keyvals *kv, GError **err);
/* Also with a card on it, whose cable then hangs loose. */
bool netdev_del(struct machine *m, const char *id, GError **err);

/*
 * One -nic or -net. What is a card becomes a -device text in *device (owned by the caller), for
 * the caller to add; NULL: this one was none. `model` is what a card is without model=.
 */
bool net_nic_option(struct machine *m, const char *text, const char *model, char **device,
                    GError **err);
bool net_net_option(struct machine *m, const char *text, const char *model, char **device,
                    GError **err);

/* "-netdev help", and of one type; false: there is no such type. */
void netdev_help(GString *out);
bool netdev_type_help(const char *type, GString *out, GError **err);

/* ---- For the back ends ------------------------------------------------------------------- */

/* Makes the back end of a type. kv's keys are the type's. NULL with *err. */
typedef struct net_client *netdev_make(struct machine *m, const char *id, const struct keyvals *kv,
                                       GError **err);
netdev_make net_user_new, net_socket_new, net_stream_new, net_dgram_new, net_tap_new,
    net_hubport_new;

/* A port of hub `n`, which is made with its first port. */
struct net_client *net_hub_add_port(struct machine *m, unsigned n, const char *id);
/* The number of the hub a client is a port of; -1: it is none. */
int net_hub_number(const struct net_client *c);

#endif

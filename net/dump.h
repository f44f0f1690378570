/* SPDX-License-Identifier: MIT */
/* filter-dump: what goes over a cable, into a file that tcpdump and Wireshark read. */
#ifndef NET_DUMP_H
#define NET_DUMP_H

#include "net/net.h"

struct net_dump;

/* -object filter-dump,id=ID,netdev=ID,file=FILE[,maxlen=BYTES]. Both ways, from now on, until the
 * network or the dump goes. The machine's list owns it. NULL with *err. */
struct net_dump *net_dump_new(struct machine *m, const struct keyvals *kv, GError **err);
/* By id; false: there is none. */
bool net_dump_del(struct machine *m, const char *id);

/* For net.c: the client goes; all go. */
void net_dump_forget(struct net *net, struct net_client *c);
void net_dump_free_all(struct net *net);

#endif

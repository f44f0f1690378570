/* SPDX-License-Identifier: MIT */
/* The user network: what its files share. Everything under the machine lock. */
#ifndef NET_USER_H
#define NET_USER_H

#include <libslirp.h>

#include "core/clock.h"
#include "net/netdev.h"

struct user {
    struct net_client client;
    Slirp *slirp;
    SlirpConfig config;     /* its texts are in `texts` */
    GPtrArray *texts;       /* owned strings */
    GPtrArray *search;      /* config.vdnssearch */
    GSource *source;        /* waits for `epoll` */
    int epoll;
    GHashTable *fds;        /* descriptor -> struct user_fd * */
    GPtrArray *asked;       /* struct user_fd *, by the number libslirp knows it by */
    unsigned round;
    struct timer poll;      /* when libslirp wants to look, whatever descriptors do */
    bool stale;             /* what libslirp waits for may have changed */
    bool throttled;         /* the guest is behind: nothing more is read for it */
    bool restricted;
    unsigned forwards;      /* sockets that listen for hostfwd= */
    int64_t active;         /* when a frame went either way */
    GPtrArray *relays;      /* struct relay *: guestfwd to TCP */
};

struct user *user_of(struct net_client *c); /* NULL: it is no user network */

/* user_opts.c: fill in u->config. */
bool user_configure(struct user *u, const struct keyvals *kv, GError **err);

/* user_fwd.c */
bool user_add_hostfwd(struct user *u, const char *rule, GError **err);
bool user_remove_hostfwd(struct user *u, const char *rule, GError **err);
bool user_add_guestfwd(struct user *u, const char *rule, GError **err);

/* relay.c: a unix socket whose connections lead to a TCP port. Its path, for libslirp to connect
 * to, or NULL with *err. */
struct relay;
struct relay *relay_new(struct machine *m, const char *host, const char *port, GError **err);
const char *relay_path(const struct relay *r);
void relay_free(struct relay *r);

#endif

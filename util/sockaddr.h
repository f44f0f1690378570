/* SPDX-License-Identifier: MIT */
/* Addresses of sockets: where one listens or connects to. */
#ifndef UTIL_SOCKADDR_H
#define UTIL_SOCKADDR_H

#include <glib.h>
#include <stdbool.h>

#include "util/keyval.h"

struct sock_where { /* one of: path; host and port; a passed descriptor */
    char *path;
    char *host, *port;
    int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
    bool passed;
    int fd;
};

/* From path=, host=, port=, fd=, ipv4=, ipv6=. */
bool sock_where_parse(struct sock_where *w, const struct keyvals *kv, GError **err);
void sock_where_clear(struct sock_where *w);
char *sock_text(const struct sock_where *w);
/* A listening socket; a unix socket is accessible to its owner only. -1 on error. */
int sock_listen(const struct sock_where *w, GError **err);
/* A connected socket, or -1. Blocks while the connection is made. */
int sock_connect(const struct sock_where *w, GError **err);
void sock_tune(int fd, bool nodelay);

#endif

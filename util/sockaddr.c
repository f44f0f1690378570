/* SPDX-License-Identifier: MIT */
/* Addresses of sockets: parsing, listening, connecting. */
#define _GNU_SOURCE
#include "util/sockaddr.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/error.h"

static bool parse_family(struct sock_where *w, const struct keyvals *kv, GError **err)
{
    bool v4 = false, v6 = false;
    if (!keyvals_bool(kv, "ipv4", &v4, err) || !keyvals_bool(kv, "ipv6", &v6, err))
        return false;
    w->family = v4 == v6 ? AF_UNSPEC : v4 ? AF_INET : AF_INET6;
    return true;
}

static bool parse_fd(struct sock_where *w, const struct keyvals *kv, GError **err)
{
    uint64_t fd;
    struct stat st;
    if (!keyvals_uint(kv, "fd", 0, INT32_MAX, &fd, err))
        return false;
    if (fstat((int)fd, &st) < 0 || !S_ISSOCK(st.st_mode))
        return error_set(err, "fd=%d is not an open socket of this process", (int)fd);
    w->passed = true;
    w->fd = (int)fd;
    return true;
}

bool sock_where_parse(struct sock_where *w, const struct keyvals *kv, GError **err)
{
    const char *path = keyvals_get(kv, "path"), *host = keyvals_get(kv, "host");
    const char *port = keyvals_get(kv, "port");
    bool fd = keyvals_get(kv, "fd") != NULL;
    if ((path != NULL) + (port != NULL) + fd != 1)
        return error_set(err, "a socket wants one of path=PATH, host=HOST,port=PORT, fd=NUMBER");
    if (fd)
        return parse_fd(w, kv, err);
    if (!parse_family(w, kv, err))
        return false;
    struct sockaddr_un un;
    if (path && (!*path || strlen(path) >= sizeof(un.sun_path)))
        return error_set(err, "'%s' cannot be a socket: a path has 1 to %zu bytes", path,
                         sizeof(un.sun_path) - 1);
    if (port && !*port)
        return error_set(err, "the port is missing (HOST:PORT)");
    w->path = g_strdup(path);
    w->host = g_strdup(host ? host : "");
    w->port = g_strdup(port);
    return true;
}

void sock_where_clear(struct sock_where *w)
{
    g_clear_pointer(&w->path, g_free);
    g_clear_pointer(&w->host, g_free);
    g_clear_pointer(&w->port, g_free);
}

char *sock_text(const struct sock_where *w)
{
    if (w->passed)
        return g_strdup_printf("fd:%d", w->fd);
    if (w->path)
        return g_strdup_printf("unix:%s", w->path);
    return strchr(w->host, ':') ? g_strdup_printf("tcp:[%s]:%s", w->host, w->port)
                                : g_strdup_printf("tcp:%s:%s", w->host, w->port);
}

void sock_tune(int fd, bool nodelay)
{
    int on = nodelay; /* fails on a unix socket, which does not matter */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* ---- Unix ------------------------------------------------------------------------------------ */

static struct sockaddr_un unix_addr(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    g_strlcpy(un.sun_path, path, sizeof(un.sun_path));
    return un;
}

static int unix_listen(const char *path, GError **err)
{
    struct sockaddr_un un = unix_addr(path);
    struct stat st;
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            error_set(err, "'%s' exists and is not a socket; choose another path", path);
            return -1;
        }
        unlink(path); /* left over by a process that was killed */
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Nobody can connect between bind() and listen(), so the mode is set in time. */
    if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || chmod(path, 0600) < 0 ||
        listen(fd, 8) < 0) {
        error_set(err, "cannot listen on unix:%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static int unix_connect(const char *path, GError **err)
{
    struct sockaddr_un un = unix_addr(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0) {
        error_set(err, "cannot connect to unix:%s: %s (server=on makes Hostel listen)", path,
                  strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static int tcp_open(const struct addrinfo *ai, bool server)
{
    int on = 1;
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
    if (fd < 0)
        return -1;
    bool ok;
    if (server) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        ok = bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 8) == 0;
    } else {
        ok = connect(fd, ai->ai_addr, ai->ai_addrlen) == 0;
    }
    if (ok)
        return fd;
    int e = errno;
    close(fd);
    errno = e;
    return -1;
}

static int tcp_each(const struct sock_where *w, bool server, GError **err)
{
    struct addrinfo hints = {.ai_family = w->family,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = server ? AI_PASSIVE : 0};
    struct addrinfo *list = NULL;
    const char *verb = server ? "listen on" : "connect to";
    int r = getaddrinfo(*w->host ? w->host : NULL, w->port, &hints, &list);
    if (r != 0) {
        error_set(err, "cannot %s tcp:%s:%s: %s", verb, w->host, w->port, gai_strerror(r));
        return -1;
    }
    int fd = -1;
    for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
        fd = tcp_open(ai, server);
    if (fd < 0)
        error_set(err, "cannot %s tcp:%s:%s: %s%s", verb, w->host, w->port, strerror(errno),
                  errno == EADDRINUSE ? "; choose another port" : "");
    freeaddrinfo(list);
    return fd;
}

int sock_listen(const struct sock_where *w, GError **err)
{
    return w->path ? unix_listen(w->path, err) : tcp_each(w, true, err);
}

int sock_connect(const struct sock_where *w, GError **err)
{
    return w->path ? unix_connect(w->path, err) : tcp_each(w, false, err);
}

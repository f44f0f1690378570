/* SPDX-License-Identifier: MIT */
/*
 * hostfwd= and guestfwd= of the user network.
 *
 *   hostfwd    [tcp|udp]:[HOST]:PORT-[GUEST]:PORT     an IPv6 address is in [brackets]
 *              unix:PATH-[GUEST]:PORT
 *   guestfwd   [tcp]:GUEST:PORT-unix:PATH | -tcp:HOST:PORT | -cmd:COMMAND
 *
 * Where QEMU listens on every address of the host if none is given, this is 127.0.0.1.
 */
#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/machine.h"
#include "net/user.h"
#include "util/error.h"
#include "util/parse.h"

union any_addr {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

struct endpoint {
    union any_addr addr;
    socklen_t len;
};

/* ---- Addresses -------------------------------------------------------------------------- */

static bool set_addr(struct endpoint *e, const char *host, uint16_t port)
{
    if (*host == '[' && g_str_has_suffix(host, "]")) {
        g_autofree char *inner = g_strndup(host + 1, strlen(host) - 2);
        e->addr.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        e->len = sizeof(e->addr.in6);
        return inet_pton(AF_INET6, inner, &e->addr.in6.sin6_addr) == 1;
    }
    e->addr.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    e->len = sizeof(e->addr.in);
    return inet_pton(AF_INET, host, &e->addr.in.sin_addr) == 1;
}

/* [HOST]:PORT, with what to take for no HOST. */
static bool parse_endpoint(struct endpoint *e, const char *text, const char *any, uint64_t min,
                           GError **err)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;

    if (!colon)
        return error_set(err, "'%s': write it as [ADDRESS]:PORT", text);
    g_autofree char *host = g_strndup(text, (gsize)(colon - text));
    if (!parse_uint(colon + 1, min, 65535, &port, err))
        return error_prefix(err, "port");
    if (!set_addr(e, *host ? host : any, (uint16_t)port))
        return error_set(err, "'%s' is not an address like 127.0.0.1 or [::1]", host);
    return true;
}

static bool parse_unix(struct endpoint *e, const char *path, GError **err)
{
    struct sockaddr_un *un = &e->addr.un;

    if (!*path || strlen(path) >= sizeof(un->sun_path))
        return error_set(err, "'%s' cannot be a socket: a path has 1 to %zu bytes", path,
                         sizeof(un->sun_path) - 1);
    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(un->sun_path, path);
    e->len = sizeof(*un);
    return true;
}

/* The protocol before the first colon; what follows it. NULL with *err. */
static const char *take_proto(const char *rule, bool *udp, GError **err)
{
    const char *rest = strchr(rule, ':');
    size_t len = rest ? (size_t)(rest - rule) : 0;

    *udp = len == 3 && !strncmp(rule, "udp", 3);
    if (rest && (*udp || !len || (len == 3 && !strncmp(rule, "tcp", 3))))
        return rest + 1;
    error_set(err, "it begins with tcp: or udp:");
    return NULL;
}

static bool is_unix(const char *rule)
{
    return g_str_has_prefix(rule, "unix:");
}

/* ---- hostfwd ---------------------------------------------------------------------------- */

static bool parse_host_side(struct endpoint *e, const char *text, bool *udp, GError **err)
{
    *udp = false;
    if (is_unix(text))
        return parse_unix(e, text + 5, err);
    const char *rest = take_proto(text, udp, err);
    return rest && parse_endpoint(e, rest, "127.0.0.1", 0, err);
}

static bool bind_failed(const char *host, GError **err)
{
    int e = errno;

    if (e == EADDRINUSE)
        return error_set(err, "%s is in use; choose another host port", host);
    if (e == EACCES)
        return error_set(err, "%s: this user may not listen there; choose a port above 1023",
                         host);
    return error_set(err, "%s: %s", host, strerror(e));
}

bool user_add_hostfwd(struct user *u, const char *rule, GError **err)
{
    const char *dash = strrchr(rule, '-');
    struct endpoint host, guest;
    bool udp;

    if (!dash)
        return error_set(err, "write it as [tcp|udp]:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT");
    g_autofree char *left = g_strndup(rule, (gsize)(dash - rule));
    if (!parse_host_side(&host, left, &udp, err) ||
        !parse_endpoint(&guest, dash + 1, "0.0.0.0", 1, err))
        return false;
    int flags = udp ? SLIRP_HOSTFWD_UDP : 0;
    if (host.addr.any.sa_family == AF_INET6)
        flags |= SLIRP_HOSTFWD_V6ONLY;
    errno = 0;
    if (slirp_add_hostxfwd(u->slirp, &host.addr.any, host.len, &guest.addr.any, guest.len,
                           flags) < 0)
        return bind_failed(left, err);
    u->forwards++;
    u->stale = true;
    return true;
}

bool user_remove_hostfwd(struct user *u, const char *rule, GError **err)
{
    struct endpoint host;
    bool udp;

    if (!parse_host_side(&host, rule, &udp, err))
        return false;
    int flags = udp ? SLIRP_HOSTFWD_UDP : 0;
    if (slirp_remove_hostxfwd(u->slirp, &host.addr.any, host.len, flags) < 0)
        return error_set(err, "there is no such rule (info usernet lists them)");
    u->forwards--;
    u->stale = true;
    return true;
}

/* ---- guestfwd --------------------------------------------------------------------------- */

static bool relay_to(struct user *u, const char *target, struct in_addr *addr, int port,
                     GError **err)
{
    const char *colon = strrchr(target, ':');

    if (!colon || colon == target)
        return error_set(err, "tcp:%s: write it as tcp:HOST:PORT", target);
    g_autofree char *host = g_strndup(target, (gsize)(colon - target));
    struct relay *r = relay_new(u->client.machine, host, colon + 1, err);
    if (!r)
        return false;
    g_ptr_array_add(u->relays, r);
    return slirp_add_unix(u->slirp, relay_path(r), addr, port) == 0 ||
           error_set(err, "this address and port are taken");
}

static bool guestfwd_target(struct user *u, const char *target, struct in_addr *addr, int port,
                            GError **err)
{
    bool ok;

    if (is_unix(target))
        ok = slirp_add_unix(u->slirp, target + 5, addr, port) == 0;
    else if (g_str_has_prefix(target, "cmd:"))
        ok = slirp_add_exec(u->slirp, target + 4, addr, port) == 0;
    else if (g_str_has_prefix(target, "tcp:"))
        return relay_to(u, target + 4, addr, port, err);
    else
        return error_set(err, "'%s': the target is unix:PATH, tcp:HOST:PORT or cmd:COMMAND",
                         target);
    return ok || error_set(err, "this address cannot be had: choose a free port on an address "
                                "within net= that is neither host= nor dns=");
}

bool user_add_guestfwd(struct user *u, const char *rule, GError **err)
{
    const char *dash = strchr(rule, '-');
    struct endpoint guest;
    bool udp;

    if (!dash)
        return error_set(err, "write it as tcp:ADDR:PORT-unix:PATH, -tcp:HOST:PORT or "
                              "-cmd:COMMAND");
    g_autofree char *left = g_strndup(rule, (gsize)(dash - rule));
    const char *rest = take_proto(left, &udp, err);
    if (!rest || !parse_endpoint(&guest, rest, "", 1, err))
        return false;
    if (udp || guest.addr.any.sa_family != AF_INET)
        return error_set(err, "only TCP over IPv4 can be led to the host");
    return guestfwd_target(u, dash + 1, &guest.addr.in.sin_addr, ntohs(guest.addr.in.sin_port),
                           err);
}

/* ---- The monitor ------------------------------------------------------------------------ */

static struct user *user_find(struct machine *m, const char *id, GError **err)
{
    struct user *u;

    for (unsigned i = 0; m->net && i < m->net->clients->len; i++) {
        struct net_client *c = m->net->clients->pdata[i];

        if ((u = user_of(c)) && (!id || !strcmp(c->id, id)))
            return u;
    }
    if (id)
        error_set(err, "there is no user network '%s' (info network lists them)", id);
    else
        error_set(err, "this machine has no user network");
    return NULL;
}

bool net_hostfwd_add(struct machine *m, const char *id, const char *rule, GError **err)
{
    struct user *u = user_find(m, id, err);

    return u && (user_add_hostfwd(u, rule, err) || error_prefix(err, "%s", rule));
}

bool net_hostfwd_remove(struct machine *m, const char *id, const char *rule, GError **err)
{
    struct user *u = user_find(m, id, err);

    return u && (user_remove_hostfwd(u, rule, err) || error_prefix(err, "%s", rule));
}

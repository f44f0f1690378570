/* SPDX-License-Identifier: MIT */
#include "migration/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/sockaddr.h"
#include "core/machine.h"
#include "util/error.h"
#include "util/parse.h"

/* ---- Addresses ------------------------------------------------------------------------ */

static bool parse_lazy(struct channel *c, GError **err)
{
    char *comma = strrchr(c->rest, ',');

    if (!comma || !g_str_has_prefix(comma, ",lazy="))
        return true;
    *comma = 0;
    return parse_bool(comma + 6, &c->lazy, err) || error_prefix(err, "lazy");
}

static bool take_fd(struct channel *c, struct machine *m, GError **err)
{
    uint64_t n;

    if (g_ascii_isdigit(*c->rest)) {
        if (!parse_uint(c->rest, 0, INT32_MAX, &n, err))
            return false;
        c->fd = (int)n;
    } else {
        c->fd = m->take_named_fd ? m->take_named_fd(m, c->rest) : -1;
    }
    return fcntl(c->fd, F_GETFD) >= 0 ||
           error_set(err, "there is no open descriptor '%s'", c->rest);
}

bool channel_parse(struct channel *c, struct machine *m, const char *uri, bool incoming,
                   GError **err)
{
    static const char *const kinds[] = {"exec", "file", "fd", "unix", "tcp", NULL};
    const char *colon = strchr(uri, ':');
    g_autofree char *word = g_strndup(uri, colon ? (size_t)(colon - uri) : strlen(uri));
    int kind;

    *c = (struct channel){.fd = -1, .listener = -1};
    if (!colon || !parse_choice(word, kinds, &kind, NULL))
        return error_set(err,
                         "'%s': exec:COMMAND, file:PATH, fd:NUMBER, unix:PATH or "
                         "tcp:HOST:PORT is wanted",
                         uri);
    c->kind = (enum channel_kind)kind;
    c->rest = g_strdup(colon + 1);
    bool ok = *c->rest || error_set(err, "'%s': something must follow the colon", uri);
    if (ok && c->kind == CHANNEL_FILE && incoming)
        ok = parse_lazy(c, err);
    if (ok && c->kind == CHANNEL_FD)
        ok = take_fd(c, m, err);
    if (!ok)
        g_clear_pointer(&c->rest, g_free);
    return ok;
}

/* ---- exec: ---------------------------------------------------------------------------- */

static bool run_command(struct channel *c, bool incoming, GError **err)
{
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", c->rest, NULL};
    int p[2];

    if (pipe2(p, O_CLOEXEC) < 0)
        return error_set(err, "cannot make a pipe: %s", g_strerror(errno));
    bool ok = g_spawn_async_with_fds(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                                     &c->pid, incoming ? -1 : p[0], incoming ? p[1] : STDERR_FILENO,
                                     STDERR_FILENO, err);
    close(p[incoming ? 1 : 0]);
    c->fd = p[incoming ? 0 : 1];
    if (!ok) {
        close(c->fd);
        c->fd = -1;
        c->pid = 0;
    }
    return ok;
}

static bool wait_for_command(struct channel *c, bool ok, GError **err)
{
    int status = 0;

    if (!ok)
        kill(c->pid, SIGTERM);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    c->pid = 0;
    if (!ok || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return ok;
    return error_set(err, "the command ended with %s %d", WIFEXITED(status) ? "status" : "signal",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* ---- file: ---------------------------------------------------------------------------- */

/* What is no regular file is written to directly. */
static bool create_file(struct channel *c, GError **err)
{
    struct stat st;

    if (stat(c->rest, &st) == 0 && !S_ISREG(st.st_mode)) {
        c->fd = open(c->rest, O_WRONLY | O_CLOEXEC);
    } else {
        c->temporary = g_strdup_printf("%s.XXXXXX", c->rest);
        c->fd = g_mkstemp_full(c->temporary, O_RDWR | O_CLOEXEC, 0600);
        if (c->fd < 0)
            g_clear_pointer(&c->temporary, g_free);
    }
    return c->fd >= 0 || error_set(err, "cannot write '%s': %s", c->rest, g_strerror(errno));
}

static bool place_file(struct channel *c, bool ok, GError **err)
{
    if (ok && rename(c->temporary, c->rest) < 0)
        ok = error_set(err, "cannot rename '%s' to '%s': %s", c->temporary, c->rest,
                       g_strerror(errno));
    if (!ok)
        unlink(c->temporary);
    return ok;
}

static bool open_file(struct channel *c, GError **err)
{
    c->fd = open(c->rest, O_RDONLY | O_CLOEXEC);
    return c->fd >= 0 || error_set(err, "cannot open '%s': %s", c->rest, g_strerror(errno));
}

/* ---- Sockets -------------------------------------------------------------------------- */

static bool socket_where(struct channel *c, struct sock_where *w, GError **err)
{
    struct keyvals *kv = keyvals_new();
    char *colon = strrchr(c->rest, ':');
    bool ok = true;

    *w = (struct sock_where){0};
    if (c->kind == CHANNEL_UNIX) {
        keyvals_add(kv, "path", c->rest);
    } else if (!colon) {
        ok = error_set(err, "tcp:%s: the port is missing (HOST:PORT)", c->rest);
    } else {
        bool v6 = c->rest[0] == '[' && colon > c->rest + 1 && colon[-1] == ']';
        g_autofree char *host = v6 ? g_strndup(c->rest + 1, (size_t)(colon - c->rest - 2))
                                   : g_strndup(c->rest, (size_t)(colon - c->rest));
        keyvals_add(kv, "host", host);
        keyvals_add(kv, "port", colon + 1);
    }
    ok = ok && sock_where_parse(w, kv, err);
    keyvals_free(kv);
    return ok;
}

static bool with_socket(struct channel *c, int *fd, int (*fn)(const struct sock_where *, GError **),
                        GError **err)
{
    struct sock_where w;
    bool ok = socket_where(c, &w, err);

    if (ok)
        *fd = fn(&w, err);
    sock_where_clear(&w);
    return ok && *fd >= 0;
}

/* ---- All ------------------------------------------------------------------------------ */

bool channel_connect(struct channel *c, GError **err)
{
    switch (c->kind) {
    case CHANNEL_EXEC:
        return run_command(c, false, err);
    case CHANNEL_FILE:
        return create_file(c, err);
    case CHANNEL_FD:
        return true;
    default:
        return with_socket(c, &c->fd, sock_connect, err);
    }
}

bool channel_listen(struct channel *c, GError **err)
{
    switch (c->kind) {
    case CHANNEL_EXEC:
        return run_command(c, true, err);
    case CHANNEL_FILE:
        return open_file(c, err);
    case CHANNEL_FD:
        return true;
    default:
        return with_socket(c, &c->listener, sock_listen, err);
    }
}

bool channel_accept(struct channel *c, int cancel_fd, GError **err)
{
    struct pollfd fd[2] = {{.fd = c->listener, .events = POLLIN},
                           {.fd = cancel_fd, .events = POLLIN}};

    if (c->listener < 0)
        return true;
    do {
        if (poll(fd, 2, -1) < 0 && errno != EINTR)
            return error_set(err, "poll: %s", g_strerror(errno));
        if (fd[1].revents)
            return error_set(err, "it was cancelled");
        c->fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
    } while (c->fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED));
    if (c->fd < 0)
        return error_set(err, "accept: %s", g_strerror(errno));
    close(c->listener);
    c->listener = -1;
    if (c->kind == CHANNEL_UNIX)
        unlink(c->rest);
    return true;
}

bool channel_end(struct channel *c, bool ok, GError **err)
{
    if (c->pid)
        ok = wait_for_command(c, ok, err);
    if (c->temporary)
        ok = place_file(c, ok, err);
    if (c->listener >= 0) {
        close(c->listener);
        if (c->kind == CHANNEL_UNIX)
            unlink(c->rest);
    }
    g_clear_pointer(&c->temporary, g_free);
    g_clear_pointer(&c->rest, g_free);
    c->fd = c->listener = -1;
    return ok;
}

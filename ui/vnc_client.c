/* SPDX-License-Identifier: MIT */
/* A VNC client's connection: a source on the main loop, a queue in, a queue out. */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"
#include "core/machine.h"
#include "ui/vnc_int.h"

struct source {
    GSource source;
    struct vnc_client *client;
};

/* ---- Out ---------------------------------------------------------------------------------- */

void vnc_put(struct vnc_client *c, const void *bytes, size_t len)
{
    if (!c->out->len)
        c->progress = g_get_monotonic_time();
    g_byte_array_append(c->out, bytes, (guint)len);
}

void vnc_put8(struct vnc_client *c, uint8_t v)
{
    vnc_put(c, &v, 1);
}

void vnc_put16(struct vnc_client *c, unsigned v)
{
    uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    vnc_put(c, b, sizeof(b));
}

void vnc_put32(struct vnc_client *c, uint32_t v)
{
    vnc_put16(c, v >> 16);
    vnc_put16(c, v & 0xffff);
}

static void send_queue(struct vnc_client *c)
{
    while (c->out_pos < c->out->len) {
        ssize_t n = send(c->fd, c->out->data + c->out_pos, c->out->len - c->out_pos,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            vnc_client_drop(c);
        if (n <= 0)
            break;
        c->out_pos += (size_t)n;
        c->progress = g_get_monotonic_time();
    }
    if (c->out_pos == c->out->len) {
        g_byte_array_set_size(c->out, 0);
        c->out_pos = 0;
        if (c->state == VNC_CLOSING)
            vnc_client_drop(c);
    }
}

/* ---- In ----------------------------------------------------------------------------------- */

static void carry_out(struct vnc_client *c)
{
    size_t used = 0, n;

    while (!c->dead && used < c->in->len &&
           (n = vnc_receive(c, c->in->data + used, c->in->len - used)) > 0)
        used += n;
    if (used)
        g_byte_array_remove_range(c->in, 0, (guint)used);
}

static void receive(struct vnc_client *c)
{
    uint8_t buf[VNC_IN_MAX];
    ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        vnc_client_drop(c);
    } else if (n > 0) {
        g_byte_array_append(c->in, buf, (guint)n);
        carry_out(c);
    }
}

/* ---- On the main loop --------------------------------------------------------------------- */

/* When to look although nothing comes: a login that takes too long, a queue that does not move. */
static void watch(struct vnc_client *c)
{
    int64_t deadline = -1;
    GIOCondition want = 0;

    if (c->state != VNC_NORMAL)
        deadline = c->since + (int64_t)VNC_LOGIN_SECONDS * G_USEC_PER_SEC;
    else if (c->out->len)
        deadline = c->progress + (int64_t)VNC_STALL_SECONDS * G_USEC_PER_SEC;
    if (deadline >= 0 && g_get_monotonic_time() >= deadline)
        vnc_client_drop(c);
    if (c->dead)
        deadline = 0;
    if (c->out->len < VNC_OUT_MAX)
        want |= G_IO_IN;
    if (c->out->len)
        want |= G_IO_OUT;
    g_source_modify_unix_fd(c->source, c->tag, want);
    g_source_set_ready_time(c->source, deadline);
}

static gboolean dispatch(GSource *source, GSourceFunc fn, void *arg)
{
    struct vnc_client *c = ((struct source *)source)->client;
    struct vnc *v = c->vnc;
    GIOCondition got = g_source_query_unix_fd(source, c->tag);

    if (!c->dead && (got & (G_IO_IN | G_IO_HUP | G_IO_ERR)))
        receive(c);
    if (!c->dead) {
        send_queue(c); /* there is no next picture before this one is gone */
        vnc_update(c);
        send_queue(c);
    }
    if (!c->dead)
        watch(c);
    if (c->dead) {
        g_ptr_array_remove(v->clients, c); /* and frees it */
        vnc_client_count(v);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean check(GSource *source)
{
    const struct vnc_client *c = ((struct source *)source)->client;

    return g_source_query_unix_fd(source, c->tag) != 0;
}

static GSourceFuncs source_funcs = {.check = check, .dispatch = dispatch};

void vnc_client_poke(struct vnc_client *c)
{
    g_source_set_ready_time(c->source, 0);
}

void vnc_client_drop(struct vnc_client *c)
{
    c->dead = true;
    vnc_client_poke(c);
}

/* ---- Events -------------------------------------------------------------------------------- */

json_t *vnc_client_info(const struct vnc_client *c)
{
    return json_pack("{s:s, s:s, s:s, s:b}", "host", c->host, "service", c->service, "family",
                     c->vnc->family, "websocket", 0);
}

void vnc_client_event(const struct vnc_client *c, const char *name)
{
    const struct vnc *v = c->vnc;
    json_t *server = json_pack("{s:s, s:s, s:s, s:s, s:b}", "auth", v->auth ? "vnc" : "none",
                               "host", v->host, "service", v->service, "family", v->family,
                               "websocket", 0);

    machine_event(v->machine, name,
                  json_pack("{s:o, s:o}", "server", server, "client", vnc_client_info(c)));
}

/* ---- Life ---------------------------------------------------------------------------------- */

static void note_peer(struct vnc_client *c)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    char host[NI_MAXHOST] = "", service[NI_MAXSERV] = "";

    if (getpeername(c->fd, (struct sockaddr *)&ss, &len) == 0 && ss.ss_family != AF_UNIX)
        getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), service, sizeof(service),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    c->host = g_strdup(host);
    c->service = g_strdup(service);
}

void vnc_client_new(struct vnc *v, int fd)
{
    struct vnc_client *c = g_new0(struct vnc_client, 1);

    c->vnc = v;
    c->fd = fd;
    c->since = c->progress = g_get_monotonic_time();
    c->in = g_byte_array_new();
    c->out = g_byte_array_new();
    c->level = 1;
    c->x = c->y = -1;
    c->was_absolute = true; /* what the protocol has unless it is told otherwise */
    pixman_region32_init(&c->dirty);
    note_peer(c);
    sock_tune(fd, true);
    c->source = g_source_new(&source_funcs, sizeof(struct source));
    ((struct source *)c->source)->client = c;
    c->tag = g_source_add_unix_fd(c->source, fd, G_IO_IN);
    g_ptr_array_add(v->clients, c);
    vnc_greet(c);
    g_source_set_ready_time(c->source, 0);
    g_source_attach(c->source, v->machine->context);
    vnc_client_event(c, "VNC_CONNECTED");
}

void vnc_client_free(void *arg)
{
    struct vnc_client *c = arg;
    struct machine *m = c->vnc->machine;

    machine_lock(m);
    vnc_release(c);
    vnc_client_event(c, "VNC_DISCONNECTED");
    machine_unlock(m);
    g_source_destroy(c->source);
    g_source_unref(c->source);
    close(c->fd);
    vnc_encode_fini(c);
    pixman_region32_fini(&c->dirty);
    g_byte_array_unref(c->in);
    g_byte_array_unref(c->out);
    g_free(c->host);
    g_free(c->service);
    g_free(c);
}

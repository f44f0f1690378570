/* SPDX-License-Identifier: MIT */
/*
 * VNC servers: options, listening, who is there. While nobody is, nothing is drawn.
 *
 * The RFB protocol is spoken here and not by libvncserver's loop, because that one waits for
 * clients (for the rest of a message, for room in a socket), and the machine with it. From that
 * library comes the cipher of VNC Authentication.
 */
#include "ui/vnc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chardev/chardev_int.h"
#include "core/machine.h"
#include "ui/ui.h"
#include "ui/vnc_int.h"
#include "util/error.h"
#include "util/keyval.h"
#include "util/parse.h"

/* ---- Options ------------------------------------------------------------------------------ */

static const char *const keys[] = {
    "vnc", "id", "password", "share", "connections", "to", "ipv4", "ipv6", "lossy",
    "non-adaptive", "lock-key-sync", "power-control", "key-delay-ms", NULL};

/* Known elsewhere: refused with what to do. */
static const struct {
    const char *key, *why;
} absent[] = {
    {"websocket", "there are no WebSockets; a proxy such as websockify makes them"},
    {"tls-creds", "there is no TLS; use unix:PATH or a loopback address through ssh -L"},
    {"tls-authz", "there is no TLS; use unix:PATH or a loopback address through ssh -L"},
    {"sasl", "there is no SASL; use password=on"},
    {"sasl-authz", "there is no SASL; use password=on"},
    {"acl", "there are no access lists; use password=on"},
    {"reverse", "the server does not connect to viewers; have the viewer connect"},
    {"password-secret", "there are no secrets; use password=on and the monitor's 'change vnc "
                        "password'"},
    {"audiodev", "sound does not go through VNC; use -audiodev"},
    {"display", "the server shows the machine's consoles, Ctrl-Alt-1 and on; leave it out"},
    {"head", "the server shows the machine's consoles, Ctrl-Alt-1 and on; leave it out"},
};

static bool check_keys(const struct keyvals *kv, GError **err)
{
    for (size_t i = 0; i < G_N_ELEMENTS(absent); i++)
        if (keyvals_get(kv, absent[i].key))
            return error_set(err, "%s: %s", absent[i].key, absent[i].why);
    return keyvals_check(kv, keys, err);
}

/* "HOST:N", "[::1]:N", ":N": without a host it is this machine's own users who may connect. */
static bool parse_tcp(struct sock_where *w, const char *text, unsigned *display, GError **err)
{
    const char *colon = strrchr(text, ':');
    uint64_t n;

    if (!colon)
        return error_set(err, "'%s' is neither none, unix:PATH nor [HOST]:DISPLAY (:0 is port %d)",
                         text, VNC_PORT);
    if (!parse_uint(colon + 1, 0, 65535 - VNC_PORT, &n, err))
        return error_prefix(err, "DISPLAY");
    size_t len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']')
        w->host = g_strndup(text + 1, len - 2);
    else
        w->host = len ? g_strndup(text, len) : g_strdup("127.0.0.1");
    w->port = g_strdup_printf("%u", VNC_PORT + (unsigned)n);
    *display = (unsigned)n;
    return true;
}

static bool parse_where(struct sock_where *w, const char *text, unsigned *display, GError **err)
{
    if (!g_str_has_prefix(text, "unix:"))
        return parse_tcp(w, text, display, err);
    w->path = g_strdup(text + 5);
    return *w->path || error_set(err, "the path after unix: is missing");
}

struct vnc_options {
    struct sock_where where;
    unsigned display, last; /* TCP: numbers that may be tried */
    bool password, v4, v6;
    int share;
    uint64_t connections;
};

static bool parse_flags(struct vnc_options *o, const struct keyvals *kv, GError **err)
{
    static const char *const shares[] = {"allow-exclusive", "force-shared", "ignore", NULL};
    bool lossy = false, adaptive = false, sync = true, power = false;
    uint64_t delay = 0, to = 0;
    const char *share = keyvals_get(kv, "share");

    if (share && !parse_choice(share, shares, &o->share, err))
        return error_prefix(err, "share");
    if (!keyvals_bool(kv, "password", &o->password, err) ||
        !keyvals_uint(kv, "connections", 1, VNC_MAX_CLIENTS, &o->connections, err) ||
        !keyvals_bool(kv, "lossy", &lossy, err) ||
        !keyvals_bool(kv, "non-adaptive", &adaptive, err) ||
        !keyvals_bool(kv, "lock-key-sync", &sync, err) ||
        !keyvals_bool(kv, "power-control", &power, err) ||
        !keyvals_bool(kv, "ipv4", &o->v4, err) || !keyvals_bool(kv, "ipv6", &o->v6, err) ||
        !keyvals_uint(kv, "key-delay-ms", 0, 1000, &delay, err) ||
        !keyvals_uint(kv, "to", 0, 65535 - VNC_PORT, &to, err))
        return false;
    if (lossy)
        return error_set(err, "lossy: there are no lossy encodings; leave it out");
    if (power)
        return error_set(err, "power-control: a viewer cannot switch the machine off; leave it "
                              "out");
    o->last = MAX(o->display, (unsigned)to);
    return true;
}

static void options_clear(struct vnc_options *o)
{
    sock_where_clear(&o->where);
}

static bool parse(struct vnc_options *o, const struct keyvals *kv, GError **err)
{
    const char *where = keyvals_get(kv, "vnc");

    *o = (struct vnc_options){.connections = VNC_MAX_CLIENTS};
    if (!where)
        return error_set(err, "an address is missing: [HOST]:DISPLAY, unix:PATH or none");
    if (strcmp(where, "none") == 0)
        return check_keys(kv, err);
    if (!check_keys(kv, err) || !parse_where(&o->where, where, &o->display, err) ||
        !parse_flags(o, kv, err))
        return false;
    o->where.family = o->v4 == o->v6 ? AF_UNSPEC : o->v4 ? AF_INET : AF_INET6;
    return true;
}

bool vnc_check(const char *text, GError **err)
{
    struct keyvals *kv = keyvals_parse(text, "vnc", err);
    struct vnc_options o = {0};
    bool ok = kv && parse(&o, kv, err);

    options_clear(&o);
    if (kv)
        keyvals_free(kv);
    return ok;
}

bool vnc_is_none(const char *text)
{
    return strcmp(text, "none") == 0 || g_str_has_prefix(text, "none,");
}

/* ---- What is shown ------------------------------------------------------------------------ */

char *vnc_title(const struct vnc *v)
{
    const char *name = v->machine->config->name;

    return name ? g_strdup_printf("Hostel (%s)", name) : g_strdup("Hostel");
}

static void resized(struct viewer *viewer)
{
    struct vnc *v = (struct vnc *)viewer;

    for (unsigned i = 0; i < v->clients->len; i++) {
        struct vnc_client *c = v->clients->pdata[i];
        c->resize = true;
        vnc_damage_all(c);
        vnc_client_poke(c);
    }
}

static void damaged(struct viewer *viewer, int x, int y, int w, int h)
{
    struct vnc *v = (struct vnc *)viewer;

    for (unsigned i = 0; i < v->clients->len; i++) {
        struct vnc_client *c = v->clients->pdata[i];
        if (c->state == VNC_NORMAL)
            pixman_region32_union_rect(&c->dirty, &c->dirty, x, y, (unsigned)w, (unsigned)h);
    }
}

static void flush(struct viewer *viewer)
{
    struct vnc *v = (struct vnc *)viewer;

    for (unsigned i = 0; i < v->clients->len; i++) {
        struct vnc_client *c = v->clients->pdata[i];
        if (c->requested)
            vnc_client_poke(c);
    }
}

static void cursor_changed(struct viewer *viewer)
{
    struct vnc *v = (struct vnc *)viewer;

    for (unsigned i = 0; i < v->clients->len; i++) {
        struct vnc_client *c = v->clients->pdata[i];
        c->say_cursor = true;
        vnc_client_poke(c);
    }
}

void vnc_show(struct vnc *v, unsigned screen)
{
    struct console *c = console_get(v->machine, screen);

    if (!c || c == v->viewer.console)
        return;
    v->screen = screen;
    console_detach(&v->viewer);
    console_attach(c, &v->viewer);
}

void vnc_client_count(struct vnc *v)
{
    bool anybody = false;

    for (unsigned i = 0; i < v->clients->len; i++)
        anybody |= ((struct vnc_client *)v->clients->pdata[i])->state == VNC_NORMAL;
    machine_lock(v->machine);
    viewer_set_visible(&v->viewer, anybody);
    machine_unlock(v->machine);
}

/* ---- Listening ---------------------------------------------------------------------------- */

static gboolean on_connection(gint fd, GIOCondition cond, gpointer arg)
{
    struct vnc *v = arg;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (client >= 0 && v->clients->len >= v->connections) {
        close(client);
    } else if (client >= 0) {
        machine_lock(v->machine);
        vnc_client_new(v, client);
        machine_unlock(v->machine);
    }
    return G_SOURCE_CONTINUE;
}

static void name_address(struct vnc *v)
{
    v->family = v->where.path ? "unix" : strchr(v->where.host, ':') ? "ipv6" : "ipv4";
    v->host = g_strdup(v->where.path ? v->where.path : v->where.host);
    v->service = g_strdup(v->where.path ? "" : v->where.port);
}

/* The first display from `display` to `last` whose port is free. */
static bool start_listening(struct vnc *v, struct vnc_options *o, GError **err)
{
    v->where = o->where;
    o->where = (struct sock_where){0};
    for (unsigned n = o->display; v->listener < 0 && n <= o->last; n++) {
        g_clear_error(err);
        if (v->where.port) {
            g_free(v->where.port);
            v->where.port = g_strdup_printf("%u", VNC_PORT + n);
        }
        v->listener = sock_listen(&v->where, err);
    }
    if (v->listener < 0)
        return false;
    name_address(v);
    v->accepting = chr_watch_fd(v->machine, v->listener, G_IO_IN, on_connection, v);
    return true;
}

/* ---- Life --------------------------------------------------------------------------------- */

static void vnc_free(void *arg)
{
    struct vnc *v = arg;

    machine_lock(v->machine);
    chr_unwatch(&v->accepting);
    g_ptr_array_free(v->clients, TRUE);
    console_detach(&v->viewer);
    if (v->machine->ui)
        g_ptr_array_remove(v->machine->ui->vncs, v);
    machine_unlock(v->machine);
    if (v->listener >= 0)
        close(v->listener);
    if (v->where.path && v->listener >= 0)
        unlink(v->where.path);
    keysyms_free(v->keymap);
    sock_where_clear(&v->where);
    g_free(v->password);
    g_free(v->host);
    g_free(v->service);
    g_free(v->id);
    g_free(v);
}

static struct vnc *vnc_new(struct machine *m, const struct vnc_options *o, const char *id)
{
    struct vnc *v = g_new0(struct vnc, 1);

    v->machine = m;
    v->id = g_strdup(id ? id : "default");
    v->auth = o->password;
    v->share = o->share;
    v->connections = o->connections;
    v->expires = INT64_MAX;
    v->listener = -1;
    v->clients = g_ptr_array_new_with_free_func(vnc_client_free);
    v->viewer = (struct viewer){.resized = resized, .damaged = damaged, .flush = flush,
                                .cursor = cursor_changed};
    return v;
}

static bool serve(struct machine *m, const struct keyvals *kv, struct vnc_options *o, GError **err)
{
    const char *where = keyvals_get(kv, "vnc");
    struct console *c = console_get(m, 0);

    if (!c)
        return error_set(err, "there is no display adapter to show; -vga std has one");
    struct vnc *v = vnc_new(m, o, keyvals_get(kv, "id"));
    g_ptr_array_add(ui_of(m)->vncs, v);
    if (!start_listening(v, o, err)) {
        vnc_free(v);
        return false;
    }
    if (where[0] == ':')
        fprintf(stderr, "hostel: VNC server on %s:%s, for this host only (-vnc 0.0.0.0%s is for "
                        "all)\n", v->host, v->service, where);
    console_attach(c, &v->viewer);
    machine_add_hook(m->on_exit, vnc_free, v);
    return true;
}

bool vnc_open(struct machine *m, const char *text, GError **err)
{
    struct keyvals *kv = keyvals_parse(text, "vnc", err);
    struct vnc_options o = {0};
    bool ok = kv && parse(&o, kv, err) && (vnc_is_none(text) || serve(m, kv, &o, err));

    options_clear(&o);
    if (kv)
        keyvals_free(kv);
    return ok;
}

/* ---- Passwords ---------------------------------------------------------------------------- */

static struct vnc *first(struct machine *m)
{
    return m->ui && m->ui->vncs->len ? m->ui->vncs->pdata[0] : NULL;
}

static struct vnc *with_password(struct machine *m, GError **err)
{
    struct vnc *v = first(m);

    if (!v)
        error_set(err, "there is no VNC server; -vnc :0,password=on makes one");
    else if (!v->auth)
        error_set(err, "the VNC server was started without password=on");
    return v && v->auth ? v : NULL;
}

bool vnc_set_password(struct machine *m, const char *password, GError **err)
{
    struct vnc *v = with_password(m, err);

    if (!v)
        return false;
    g_free(v->password);
    v->password = g_strdup(password);
    return true;
}

bool vnc_expire_password(struct machine *m, int64_t when, GError **err)
{
    struct vnc *v = with_password(m, err);

    if (v)
        v->expires = when;
    return v != NULL;
}

/* ---- What there is -------------------------------------------------------------------------- */

static json_t *clients_of(const struct vnc *v)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < v->clients->len; i++)
        json_array_append_new(list, vnc_client_info(v->clients->pdata[i]));
    return list;
}

json_t *vnc_query(struct machine *m)
{
    const struct vnc *v = first(m);

    if (!v)
        return json_pack("{s:b}", "enabled", 0);
    return json_pack("{s:b, s:s, s:s, s:s, s:s, s:o}", "enabled", 1, "host", v->host, "service",
                     v->service, "family", v->family, "auth", v->auth ? "vnc" : "none", "clients",
                     clients_of(v));
}

json_t *vnc_query_servers(struct machine *m)
{
    json_t *list = json_array();

    for (unsigned i = 0; m->ui && i < m->ui->vncs->len; i++) {
        const struct vnc *v = m->ui->vncs->pdata[i];
        const char *auth = v->auth ? "vnc" : "none";
        json_t *socket = json_pack("{s:s, s:s, s:s, s:b, s:s}", "host", v->host, "service",
                                   v->service, "family", v->family, "websocket", 0, "auth", auth);
        json_array_append_new(list, json_pack("{s:s, s:s, s:[o], s:o}", "id", v->id, "auth", auth,
                                              "server", socket, "clients", clients_of(v)));
    }
    return list;
}

void vnc_describe(struct machine *m, GString *out)
{
    if (!first(m))
        g_string_append(out, "None\n");
    for (unsigned i = 0; m->ui && i < m->ui->vncs->len; i++) {
        const struct vnc *v = m->ui->vncs->pdata[i];
        g_string_append_printf(out, "%s:\n  Server: %s%s%s (%s)\n    Auth: %s\n", v->id, v->host,
                               *v->service ? ":" : "", v->service, v->family,
                               v->auth ? "vnc" : "none");
        for (unsigned k = 0; k < v->clients->len; k++) {
            const struct vnc_client *c = v->clients->pdata[k];
            g_string_append_printf(out, "  Client: %s%s%s (%s)\n", c->host, *c->service ? ":" : "",
                                   c->service, v->family);
        }
    }
}

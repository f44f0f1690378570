/* SPDX-License-Identifier: MIT */
/* Back ends from the command line: the table, the short forms of -serial, -chardev. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "chardev/chardev_int.h"
#include "core/machine.h"
#include "util/error.h"
#include "util/suggest.h"

#define SOCKET_KEYS                                                                                \
    "path", "host", "port", "fd", "ipv4", "ipv6", "server", "wait", "nowait", "nodelay",           \
        "reconnect"

struct backend {
    const char *name, *help;
    chardev_make *make;
    const char *keys[16]; /* besides backend, id, mux */
};

/* Only a machine that may have a display has consoles. */
static struct chardev *make_vc(struct machine *m, const char *id, const struct keyvals *kv,
                               GError **err)
{
    if (m->make_vc)
        return m->make_vc(m, id, kv, err);
    error_set(err, "vc: there is no display to show it");
    return NULL;
}

static const struct backend backends[] = {
    {"null", "nothing", chardev_make_null, {NULL}},
    {"stdio", "this terminal [signal=on|off]", chardev_make_stdio, {"signal", NULL}},
    {"pty", "a pseudo terminal", chardev_make_pty, {NULL}},
    {"file", "output to a file: path=PATH[,append=on|off]", chardev_make_file,
     {"path", "append", NULL}},
    {"pipe", "FIFOs path.in and path.out: path=PATH", chardev_make_pipe, {"path", NULL}},
    {"socket",
     "unix path=PATH, TCP host=HOST,port=PORT, or fd=NUMBER [server=on|off][,wait=on|off]"
     "[,nodelay=on|off][,reconnect=SECONDS]",
     chardev_make_socket, {SOCKET_KEYS, NULL}},
    {"vc", "a terminal beside the guest's screen [cols=N,rows=N | width=PIXELS,height=PIXELS]",
     make_vc, {"cols", "rows", "width", "height", NULL}},
    {"ringbuf", "the last bytes, in memory [size=SIZE]", chardev_make_ringbuf, {"size", NULL}},
    {"memory", "the same as ringbuf", chardev_make_ringbuf, {"size", NULL}},
};

/* Known elsewhere, not offered here. */
static const char *const absent[] = {"udp",     "msmouse",   "serial", "tty",
                                     "parallel", "parport", "braille",   "wctablet",
                                     "spicevmc", "spiceport", "testdev", "dbus",   NULL};

static const struct backend *backend_find(const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);
    for (unsigned i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (strcmp(backends[i].name, name) == 0)
            return &backends[i];
        suggest_offer(&s, backends[i].name);
    }
    if (g_strv_contains(absent, name))
        error_set(err, "the character device '%s' is not offered; use stdio, pty, file, pipe, "
                       "socket or null", name);
    else
        error_set(err, "unknown character device '%s'%s", name, suggest_text(&s));
    return NULL;
}

void chardev_help(GString *out)
{
    g_string_append(out, "Character devices (-chardev NAME,id=ID[,...][,mux=on|off]):\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(backends); i++)
        g_string_append_printf(out, "  %-8s %s\n", backends[i].name, backends[i].help);
}

static bool check_keys(const struct backend *b, const struct keyvals *kv, GError **err)
{
    const char *valid[G_N_ELEMENTS(b->keys) + 4] = {"backend", "id", "mux"};
    unsigned n = 3;
    for (unsigned i = 0; b->keys[i]; i++)
        valid[n++] = b->keys[i];
    return keyvals_check(kv, valid, err) || error_prefix(err, "%s", b->name);
}

static struct chardev *make(struct machine *m, const char *id, const struct keyvals *kv, bool mux,
                            GError **err)
{
    const char *name = keyvals_get(kv, "backend");
    const struct backend *b = backend_find(name ? name : "", err);
    if (!b || !check_keys(b, kv, err) || !keyvals_bool(kv, "mux", &mux, err))
        return NULL;
    if (chardev_find(m, id)) {
        error_set(err, "there are two character devices with the id '%s'", id);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error code, not our end */
    struct chardev *chr = b->make(m, id, kv, err);
    return chr && mux ? chardev_mux_new(m, chr) : chr;
}

struct chardev *chardev_new_from_keyvals(struct machine *m, const struct keyvals *kv,
                                         GError **err)
{
    const char *id = keyvals_get(kv, "id");
    if (id && *id)
        return make(m, id, kv, false, err);
    error_set(err, "an id is missing (id=NAME)");
    return NULL;
}

struct chardev *chardev_new_from_options(struct machine *m, const char *options, GError **err)
{
    struct keyvals *kv = keyvals_parse(options, "backend", err);
    struct chardev *chr = kv ? chardev_new_from_keyvals(m, kv, err) : NULL;
    if (kv)
        keyvals_free(kv);
    return chr;
}

const char *chardev_backend_nth(unsigned n)
{
    return n < G_N_ELEMENTS(backends) ? backends[n].name : NULL;
}

/* "HOST:PORT,..." or "[IPv6]:PORT,...": the host and what follows it. */
static char *tcp_to_keys(const char *text, GError **err)
{
    const char *comma = strchr(text, ',');
    g_autofree char *addr = comma ? g_strndup(text, (gsize)(comma - text)) : g_strdup(text);
    char *colon = strrchr(addr, ':');
    if (!colon) {
        error_set(err, "the port is missing (HOST:PORT)");
        return NULL;
    }
    *colon = '\0';
    char *host = addr;
    size_t n = strlen(host);
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = '\0';
        host++;
    }
    return g_strdup_printf("socket,host=%s,port=%s%s", host, colon + 1, comma ? comma : "");
}

/* "80Cx24C" in characters, "640x480" in dots. */
static char *vc_to_keys(const char *text)
{
    unsigned w, h;
    char end;

    if (sscanf(text, "%uCx%uC%c", &w, &h, &end) == 2)
        return g_strdup_printf("vc,cols=%u,rows=%u", w, h);
    if (sscanf(text, "%ux%u%c", &w, &h, &end) == 2)
        return g_strdup_printf("vc,width=%u,height=%u", w, h);
    return g_strdup_printf("vc,size=%s", text); /* refused where the keys are checked */
}

/* The short form as a -chardev text (without id). A file's name may hold commas. */
static char *to_keys(const char *text, GError **err)
{
    if (g_str_has_prefix(text, "vc:"))
        return vc_to_keys(text + 3);
    if (g_str_has_prefix(text, "unix:"))
        return g_strdup_printf("socket,path=%s", text + 5);
    if (g_str_has_prefix(text, "tcp:"))
        return tcp_to_keys(text + 4, err);
    for (unsigned i = 0; i < 2; i++) {
        const char *prefix = i ? "pipe:" : "file:";
        if (g_str_has_prefix(text, prefix)) {
            g_auto(GStrv) parts = g_strsplit(text + 5, ",", -1);
            g_autofree char *doubled = g_strjoinv(",,", parts);
            return g_strdup_printf("%.4s,path=%s", prefix, doubled);
        }
    }
    return g_strdup(text);
}

static struct chardev *existing(struct machine *m, const char *id, GError **err)
{
    struct chardev *chr = chardev_find(m, id);
    if (!chr)
        error_set(err, "there is no chardev '%s'; create it with -chardev BACKEND,id=%s", id, id);
    return chr;
}

struct chardev *chardev_new_from_text(struct machine *m, const char *id, const char *text,
                                      bool *wants_monitor, GError **err)
{
    bool mux = g_str_has_prefix(text, "mon:");
    if (mux)
        text += 4;
    if (wants_monitor)
        *wants_monitor = mux;
    if (g_str_has_prefix(text, "chardev:"))
        return existing(m, text + 8, err);
    g_autofree char *keys = to_keys(text, err);
    struct keyvals *kv = NULL;
    if (keys && mux && strcmp(keys, "stdio") == 0)
        kv = keyvals_parse("stdio,signal=off", "backend", err); /* Ctrl-C is for the guest */
    else if (keys)
        kv = keyvals_parse(keys, "backend", err);
    struct chardev *chr = kv ? make(m, id, kv, mux, err) : NULL;
    if (kv)
        keyvals_free(kv);
    return chr;
}

/* SPDX-License-Identifier: MIT */
/*
 * The gdb server's stream: who is connected, bytes in, packets out. The machine stops when a
 * debugger comes, and goes on when it leaves, however it leaves. A second debugger is told that
 * there is one already.
 */
#include "monitor/gdb.h"

#include <string.h>

#include "chardev/chardev.h"
#include "core/inspect.h"
#include "monitor/gdb_int.h"
#include "monitor/tables.h"
#include "util/error.h"

/* Answers that a debugger has not read: beyond this its further packets wait. */
#define MAX_PENDING (1 << 20)

/* ---- Out ---------------------------------------------------------------------------------- */

static void flush(struct gdb *g)
{
    while (g->out->len) {
        size_t n = chr_write(g->chr, g->out->str, g->out->len);

        if (n == 0)
            return; /* writable() will call again */
        g_string_erase(g->out, 0, n);
    }
}

static void send_raw(struct gdb *g, const char *bytes, size_t len)
{
    g_string_append_len(g->out, bytes, len);
    flush(g);
}

void gdb_reply_bytes(struct gdb *g, const void *bytes, size_t len)
{
    g_string_truncate(g->last, 0);
    gdb_frame(g->last, bytes, len);
    send_raw(g, g->last->str, g->last->len);
}

void gdb_reply(struct gdb *g, const char *text)
{
    gdb_reply_bytes(g, text, strlen(text));
}

void gdb_reply_error(struct gdb *g, unsigned number)
{
    char text[8];

    g_snprintf(text, sizeof(text), "E%02x", number & 0xff);
    gdb_reply(g, text);
}

void gdb_reply_failure(struct gdb *g, const char *text)
{
    g_autofree char *all = g_strconcat("E.", text, NULL);

    gdb_reply(g, all);
}

/* ---- In ----------------------------------------------------------------------------------- */

static size_t can_receive(void *arg)
{
    struct gdb *g = arg;

    return g->out->len < MAX_PENDING ? 4096 : 0;
}

static void take_packet(struct gdb *g)
{
    if (!g->no_ack)
        send_raw(g, "+", 1);
    gdb_handle(g, (const char *)g->parser.data->data, g->parser.data->len);
}

static void take_byte(struct gdb *g, uint8_t byte)
{
    switch (gdb_parser_feed(&g->parser, byte)) {
    case GDB_PACKET:
        take_packet(g);
        break;
    case GDB_BAD:
        if (!g->no_ack)
            send_raw(g, "-", 1);
        break;
    case GDB_LONG:
        if (!g->no_ack)
            send_raw(g, "+", 1);
        gdb_reply_failure(g, "the packet is too long");
        break;
    case GDB_NACK:
        if (!g->no_ack)
            send_raw(g, g->last->str, g->last->len);
        break;
    case GDB_INTERRUPT:
        machine_pause(g->machine);
        break;
    case GDB_ACK:
    case GDB_NOTHING:
        break;
    }
}

static void receive(void *arg, const uint8_t *buf, size_t len)
{
    struct gdb *g = arg;

    for (size_t i = 0; i < len && g->connected; i++)
        take_byte(g, buf[i]);
}

static void writable(void *arg)
{
    struct gdb *g = arg;

    flush(g);
    if (g->out->len < MAX_PENDING)
        chr_accept_input(g->chr);
}

/* ---- Connections --------------------------------------------------------------------------- */

static void fresh(struct gdb *g)
{
    gdb_parser_reset(&g->parser);
    g_string_truncate(g->out, 0);
    g_string_truncate(g->last, 0);
    g->no_ack = g->waiting = g->stopped_it = g->physical = false;
    g->says_swbreak = g->says_hwbreak = false;
    g->g_cpu = g->c_cpu = 0;
    g->sstep = SSTEP_ENABLE | SSTEP_NOIRQ;
    g_array_set_size(g->points, 0);
}

static void opened(struct gdb *g)
{
    bool running = machine_running(g->machine);

    fresh(g);
    g->connected = true;
    machine_pause(g->machine);
    g->stopped_it = running;
    g->machine->inspect->history_begin(g->machine);
}

static void closed(struct gdb *g)
{
    if (!g->connected)
        return;
    g->connected = g->waiting = false;
    g->stopped_it |= machine_running(g->machine);
    machine_pause(g->machine); /* its points must not stop it any more */
    gdb_forget_points(g);
    gdb_release(g);
    g->machine->inspect->history_end(g->machine);
    if (g->stopped_it && g->machine->state == RUN_PAUSED)
        machine_start(g->machine);
    fresh(g);
}

static void event(void *arg, enum chr_event ev)
{
    struct gdb *g = arg;

    if (ev == CHR_OPENED)
        opened(g);
    else if (ev == CHR_CLOSED)
        closed(g);
}

/* The machine has gone into another state. */
static void state_changed(void *arg)
{
    struct gdb *g = arg;

    if (!g->connected)
        return;
    if (machine_running(g->machine)) {
        if (!g->resuming) /* somebody else started it: whole, and for longer than a step */
            gdb_release(g);
        return;
    }
    if (!g->waiting || g->machine->quit) /* machine_ends() has the last word */
        return;
    g->waiting = false;
    g->stopped_it = g->machine->state == RUN_PAUSED;
    gdb_tell_stop(g);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static void gdb_free(struct gdb *g, bool with_chr)
{
    chr_detach(g->chr, g);
    machine_del_hook(g->machine->on_state_change, state_changed, g);
    g->machine->gdb = NULL;
    if (with_chr && g->own_chr)
        chardev_free(g->chr);
    gdb_parser_fini(&g->parser);
    g_string_free(g->out, TRUE);
    g_string_free(g->last, TRUE);
    g_array_unref(g->points);
    g_free(g->description);
    g_free(g->where);
    g_free(g);
}

static void machine_ends(void *arg)
{
    struct machine *m = arg;

    machine_lock(m);
    if (m->gdb && m->gdb->connected) {
        char text[8];

        g_snprintf(text, sizeof(text), "W%02x", m->exit_status & 0xff);
        gdb_reply(m->gdb, text);
    }
    if (m->gdb)
        gdb_free(m->gdb, false); /* chardevs go together, later */
    machine_unlock(m);
}

static void end_server(struct machine *m)
{
    struct gdb *g = m->gdb;

    if (!g)
        return;
    closed(g);
    machine_del_hook(m->on_exit, machine_ends, m);
    gdb_free(g, true);
}

/* Where gdb is to find us, as a -serial text: sockets listen and do not wait. Whoever connects
 * has the whole guest, so without a HOST it is somebody on this one. */
static char *as_chardev(const char *where)
{
    if (g_str_has_prefix(where, "tcp::"))
        return g_strconcat("tcp:127.0.0.1:", where + 5, ",server=on,wait=off,nodelay=on", NULL);
    bool tcp = g_str_has_prefix(where, "tcp:"), named = strstr(where, ",server") != NULL;

    if (!tcp && !(g_str_has_prefix(where, "unix:") && !named))
        return g_strdup(where);
    return g_strconcat(where, ",server=on,wait=off", tcp ? ",nodelay=on" : NULL, NULL);
}

static struct gdb *gdb_new(struct machine *m, struct chardev *chr, bool own, const char *where)
{
    struct gdb *g = g_new0(struct gdb, 1);

    g->machine = m;
    g->chr = chr;
    g->own_chr = own;
    g->where = g_strdup(where);
    gdb_parser_init(&g->parser);
    g->out = g_string_new(NULL);
    g->last = g_string_new(NULL);
    g->points = g_array_new(FALSE, FALSE, sizeof(struct gdb_point));
    g->ctx.machine = m;
    fresh(g);
    return g;
}

static bool start(struct machine *m, const char *where, GError **err)
{
    static const char busy[] = "E.another debugger is connected to this machine";
    bool own = !g_str_has_prefix(where, "chardev:");
    g_autofree char *text = as_chardev(where);
    struct chardev *chr = chardev_new_from_text(m, "gdb", text, NULL, err);
    struct gdb *g = chr ? gdb_new(m, chr, own, where) : NULL;
    struct chr_frontend fe = {can_receive, receive, event, writable, g, .tool = true};

    if (!chr)
        return false;
    g_autoptr(GString) refusal = g_string_new("+");
    gdb_frame(refusal, busy, strlen(busy));
    chr_set_busy(chr, refusal->str, refusal->len);
    m->gdb = g;
    machine_add_hook(m->on_state_change, state_changed, g);
    if (!chr_attach(chr, &fe, err)) {
        gdb_free(g, true);
        return false;
    }
    machine_add_hook(m->on_exit, machine_ends, m);
    return true;
}

bool gdb_server_start(struct machine *m, const char *where, GError **err)
{
    if (!m->vcpus->len || !m->inspect)
        return error_set(err, "this machine has no processor to debug");
    if (m->gdb && m->gdb->in_command)
        return error_set(err, "the connection cannot be changed from within; use another monitor");
    end_server(m);
    return strcmp(where, "none") == 0 || start(m, where, err);
}

bool gdb_server_attached(const struct machine *m)
{
    return m->gdb && m->gdb->connected;
}

static bool run_gdbserver(struct command_call *call, GError **err)
{
    const char *where = call->arg[0].text ? call->arg[0].text : "tcp::1234";

    if (!gdb_server_start(call->ctx->machine, where, err))
        return false;
    if (strcmp(where, "none") == 0)
        g_string_append(call->out, "Disabled gdbserver\n");
    else
        g_string_append_printf(call->out, "Waiting for gdb connection on device '%s'\n", where);
    return true;
}

const struct command gdb_commands[] = {
    {.name = "gdbserver",
     .run = run_gdbserver,
     .args = {{"device", ARG_WORD, true}},
     .help = "let gdb connect: tcp::1234, another tcp:HOST:PORT, unix:PATH; none: no longer"},
    {0}};

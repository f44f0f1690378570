/* SPDX-License-Identifier: MIT */
/* A human monitor: bytes of a character stream <-> line editor <-> commands. */
#include "monitor/monitor.h"

#include <string.h>

#include "chardev/chardev.h"
#include "config.h"
#include "core/machine.h"
#include "monitor/command.h"
#include "monitor/readline.h"

/* Scripts that drive QEMU's monitor wait for this prompt, and for the word QEMU before it. */
#define PROMPT "(qemu) "
#define BANNER "Hostel " HOSTEL_VERSION " monitor, QEMU style - type 'help' for more information\n"

/* Output that a slow reader has not taken; beyond it the oldest text is lost. */
#define MAX_PENDING (1 << 20)

struct monitor {
    struct chardev *chr;
    struct command_context ctx;
    struct readline line;
    GString *pending;
    bool focused; /* on a mux: keys come here */
    bool greeted;
    bool midline; /* somebody else may have left the cursor anywhere */
    GSource *greeting; /* about to greet */
};

static void flush(struct monitor *mon)
{
    while (mon->pending->len) {
        size_t n = chr_write(mon->chr, mon->pending->str, mon->pending->len);

        if (n == 0)
            return; /* writable() will call again */
        g_string_erase(mon->pending, 0, n);
    }
}

/* Terminals in raw mode want a carriage return with each newline. */
static void write_text(void *arg, const char *text, size_t len)
{
    struct monitor *mon = arg;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            g_string_append_c(mon->pending, '\r');
        g_string_append_c(mon->pending, text[i]);
    }
    if (mon->pending->len > MAX_PENDING)
        g_string_erase(mon->pending, 0, mon->pending->len - MAX_PENDING);
    flush(mon);
}

static void run_line(void *arg, const char *text)
{
    struct monitor *mon = arg;
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) err = NULL;

    if (!command_run(&mon->ctx, text, out, &err))
        g_string_append_printf(out, "Error: %s\n", err->message);
    write_text(mon, out->str, out->len);
    if (!mon->ctx.ended)
        readline_show(&mon->line);
}

static void complete(void *arg, const char *start, const char *word, GPtrArray *words)
{
    struct monitor *mon = arg;

    command_complete(&mon->ctx, start, word, words);
}

/* ---- The stream's front end ---------------------------------------------------------- */

static size_t can_receive(void *arg)
{
    return 256;
}

static void receive(void *arg, const uint8_t *buf, size_t len)
{
    struct monitor *mon = arg;

    readline_input(&mon->line, buf, len);
}

static gboolean greet(void *arg)
{
    struct monitor *mon = arg;

    machine_lock(mon->ctx.machine);
    g_clear_pointer(&mon->greeting, g_source_unref);
    if (mon->midline)
        write_text(mon, "\n", 1);
    mon->midline = false;
    if (!mon->greeted)
        write_text(mon, BANNER, strlen(BANNER));
    mon->greeted = true;
    readline_show(&mon->line);
    machine_unlock(mon->ctx.machine);
    return G_SOURCE_REMOVE;
}

static void greet_not(struct monitor *mon)
{
    if (mon->greeting)
        g_source_destroy(mon->greeting);
    g_clear_pointer(&mon->greeting, g_source_unref);
}

/* From the main loop: while a machine is being built the focus of a mux wanders, and the
 * machine may not come about. */
static void greet_soon(struct monitor *mon)
{
    greet_not(mon);
    mon->greeting = g_idle_source_new();
    g_source_set_priority(mon->greeting, G_PRIORITY_DEFAULT);
    g_source_set_callback(mon->greeting, greet, mon, NULL);
    g_source_attach(mon->greeting, mon->ctx.machine->context);
}

static void event(void *arg, enum chr_event ev)
{
    struct monitor *mon = arg;

    switch (ev) {
    case CHR_OPENED:
        mon->greeted = false;
        if (mon->focused)
            greet_soon(mon);
        break;
    case CHR_UNFOCUS:
        mon->focused = false;
        greet_not(mon);
        break;
    case CHR_FOCUS:
        mon->focused = true;
        mon->midline = true;
        greet_soon(mon);
        break;
    default:
        break;
    }
}

static void writable(void *arg)
{
    flush(arg);
}

static void monitor_free(void *arg)
{
    struct monitor *mon = arg;

    machine_lock(mon->ctx.machine);
    chr_detach(mon->chr, mon);
    greet_not(mon);
    machine_unlock(mon->ctx.machine);
    readline_fini(&mon->line);
    g_string_free(mon->pending, TRUE);
    g_free(mon);
}

bool monitor_new(struct machine *m, struct chardev *chr, GError **err)
{
    struct monitor *mon = g_new0(struct monitor, 1);
    struct chr_frontend fe = {can_receive, receive, event, writable, mon, .monitor = true};

    mon->chr = chr;
    mon->ctx.machine = m;
    mon->ctx.vcpu = m->vcpus->len ? m->vcpus->pdata[0] : NULL;
    mon->pending = g_string_new(NULL);
    mon->focused = true; /* a mux says otherwise before it opens */
    mon->line = (struct readline){
        .prompt = PROMPT, .write = write_text, .line = run_line, .complete = complete, .arg = mon};
    readline_init(&mon->line);
    if (!chr_attach(chr, &fe, err)) {
        readline_fini(&mon->line);
        g_string_free(mon->pending, TRUE);
        g_free(mon);
        return false;
    }
    machine_add_hook(m->on_exit, monitor_free, mon);
    return true;
}

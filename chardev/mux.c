/* SPDX-License-Identifier: MIT */
/*
 * Several front ends on one back end. Output of all goes to it; input goes to the one in focus.
 *
 * Ctrl-A is the escape: H help, X quit, C next front end, B break, T time stamps, Ctrl-A itself.
 * The escapes are found when the bytes arrive, so Ctrl-A X works with a guest that reads
 * nothing: what it has not read waits here, up to PENDING_MAX bytes. Beyond that a terminal's
 * input is dropped, and a pipe's or socket's stays where it is.
 */
#include "chardev/chardev_int.h"

#include <string.h>

#include "core/machine.h"

#define ESCAPE 0x01
#define PENDING_MAX 4096

struct mux_fe {
    struct chr_frontend fe;
    GByteArray *pending; /* input this front end had no room for */
};

struct mux_chr {
    struct chardev chr;
    struct chardev *base;
    GPtrArray *fes; /* struct mux_fe * */
    struct mux_fe *focus;
    bool chosen;    /* the user switched: attaching changes the focus no more */
    bool escaped;   /* Ctrl-A was typed */
    bool stamps, line_start;
    int64_t stamps_from;
};

static void fe_free(void *p)
{
    struct mux_fe *f = p;
    g_byte_array_unref(f->pending);
    g_free(f);
}

static void fe_event(struct mux_fe *f, enum chr_event ev)
{
    if (f && f->fe.event)
        f->fe.event(f->fe.arg, ev);
}

static void set_focus(struct mux_chr *c, struct mux_fe *f)
{
    if (c->focus == f)
        return;
    fe_event(c->focus, CHR_UNFOCUS);
    c->focus = f;
    fe_event(f, CHR_FOCUS);
}

/* Hand the focused front end what waits for it. */
static void flush(struct mux_chr *c)
{
    struct mux_fe *f = c->focus;
    while (f && f->pending->len) {
        size_t n = MIN(f->fe.can_receive(f->fe.arg), f->pending->len);
        if (n == 0)
            return;
        g_autoptr(GByteArray) now = g_byte_array_new();
        g_byte_array_append(now, f->pending->data, (guint)n);
        g_byte_array_remove_range(f->pending, 0, (guint)n);
        chr_tell_input(&c->chr, &f->fe);
        f->fe.receive(f->fe.arg, now->data, n);
    }
}

static void say(struct mux_chr *c, const char *text)
{
    chr_write(c->base, text, strlen(text));
}

static void help(struct mux_chr *c)
{
    say(c, "\r\nCtrl-A H    this help\r\n"
           "Ctrl-A X    end the emulator\r\n"
           "Ctrl-A C    switch between the guest and the monitor\r\n"
           "Ctrl-A B    send a break\r\n"
           "Ctrl-A T    time stamps on or off\r\n"
           "Ctrl-A Ctrl-A  send Ctrl-A\r\n");
}

static void next_focus(struct mux_chr *c)
{
    for (unsigned i = 0; i < c->fes->len; i++)
        if (c->fes->pdata[i] == c->focus) {
            c->chosen = true;
            set_focus(c, c->fes->pdata[(i + 1) % c->fes->len]);
            return;
        }
}

static void toggle_stamps(struct mux_chr *c)
{
    c->stamps = !c->stamps;
    c->stamps_from = g_get_monotonic_time();
    c->line_start = false;
}

static void input(struct mux_chr *c, uint8_t byte)
{
    if (c->focus && c->focus->pending->len < PENDING_MAX)
        g_byte_array_append(c->focus->pending, &byte, 1);
}

static void command(struct mux_chr *c, uint8_t byte)
{
    switch (byte) {
    case ESCAPE:
        input(c, byte);
        break;
    case 'x':
    case 'X':
        say(c, "\r\nhostel: ended by Ctrl-A X\r\n");
        machine_request_exit(c->chr.machine, 0, CAUSE_HOST_UI);
        break;
    case 'c':
    case 'C':
        next_focus(c);
        break;
    case 'b':
    case 'B':
        fe_event(c->focus, CHR_BREAK);
        break;
    case 't':
    case 'T':
        toggle_stamps(c);
        break;
    case 'h':
    case 'H':
    case '?':
        help(c);
        break;
    default: /* not a command: nothing happens, as on QEMU's */
        break;
    }
}

/* ---- As the front end of the base ------------------------------------------------------------ */

static size_t base_can_receive(void *arg)
{
    struct mux_chr *c = arg;
    size_t waiting = c->focus ? c->focus->pending->len : 0;
    return c->base->interactive ? PENDING_MAX : PENDING_MAX - MIN(waiting, PENDING_MAX);
}

static void base_receive(void *arg, const uint8_t *buf, size_t len)
{
    struct mux_chr *c = arg;
    for (size_t i = 0; i < len; i++) {
        if (c->escaped) {
            c->escaped = false;
            command(c, buf[i]);
        } else if (buf[i] == ESCAPE) {
            c->escaped = true;
        } else {
            input(c, buf[i]);
        }
    }
    flush(c);
}

static void base_event(void *arg, enum chr_event ev)
{
    struct mux_chr *c = arg;
    if (ev == CHR_OPENED || ev == CHR_CLOSED)
        c->chr.open = ev == CHR_OPENED;
    for (unsigned i = 0; i < c->fes->len; i++)
        fe_event(c->fes->pdata[i], ev);
}

static void base_writable(void *arg)
{
    struct mux_chr *c = arg;
    for (unsigned i = 0; i < c->fes->len; i++) {
        struct mux_fe *f = c->fes->pdata[i];
        if (f->fe.writable)
            f->fe.writable(f->fe.arg);
    }
}

/* ---- As a chardev ---------------------------------------------------------------------------- */

static void put_stamp(struct mux_chr *c)
{
    int64_t ms = (g_get_monotonic_time() - c->stamps_from) / 1000;
    g_autofree char *text = g_strdup_printf("[%02d:%02d:%02d.%03d] ", (int)(ms / 3600000),
                                            (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
                                            (int)(ms % 1000));
    say(c, text);
}

static size_t write_stamped(struct mux_chr *c, const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (c->line_start)
            put_stamp(c);
        c->line_start = false;
        if (chr_write(c->base, &buf[i], 1) == 0)
            return i;
        c->line_start = buf[i] == '\n';
    }
    return len;
}

static size_t mux_write(struct chardev *chr, const void *buf, size_t len)
{
    struct mux_chr *c = (struct mux_chr *)chr;
    return c->stamps ? write_stamped(c, buf, len) : chr_write(c->base, buf, len);
}

static void mux_accept_input(struct chardev *chr)
{
    struct mux_chr *c = (struct mux_chr *)chr;
    flush(c);
    chr_accept_input(c->base);
}

static bool mux_attach(struct chardev *chr, const struct chr_frontend *fe, GError **err)
{
    struct mux_chr *c = (struct mux_chr *)chr;
    struct mux_fe *f = g_new0(struct mux_fe, 1);
    f->fe = *fe;
    f->pending = g_byte_array_new();
    g_ptr_array_add(c->fes, f);
    if (chr->open)
        fe_event(f, CHR_OPENED);
    if (!c->focus || (!c->chosen && c->focus->fe.monitor && !fe->monitor))
        set_focus(c, f);
    chr_accept_input(c->base);
    return true;
}

static void mux_detach(struct chardev *chr, void *arg)
{
    struct mux_chr *c = (struct mux_chr *)chr;
    for (unsigned i = 0; i < c->fes->len; i++) {
        struct mux_fe *f = c->fes->pdata[i];
        if (f->fe.arg != arg)
            continue;
        bool focused = c->focus == f;
        if (focused)
            c->focus = NULL;
        g_ptr_array_remove_index(c->fes, i);
        if (focused && c->fes->len)
            set_focus(c, c->fes->pdata[0]);
        return;
    }
}

static void mux_free(struct chardev *chr)
{
    struct mux_chr *c = (struct mux_chr *)chr;
    chr_detach(c->base, c);
    chardev_free(c->base);
    g_ptr_array_unref(c->fes);
}

static void mux_describe(struct chardev *chr, GString *out)
{
    g_string_append(out, "mux");
}

static bool mux_in_use(const struct chardev *chr)
{
    return ((const struct mux_chr *)chr)->fes->len > 0;
}

static const struct chardev_ops mux_ops = {.name = "mux",
                                           .write = mux_write,
                                           .accept_input = mux_accept_input,
                                           .free = mux_free,
                                           .attach = mux_attach,
                                           .detach = mux_detach,
                                           .describe = mux_describe,
                                           .in_use = mux_in_use};

bool chardev_is_mux(const struct chardev *chr)
{
    return chr->ops == &mux_ops;
}

struct chardev *chardev_mux_new(struct machine *m, struct chardev *base)
{
    g_autofree char *id = base->id;
    base->id = g_strconcat(id, "-base", NULL);
    struct mux_chr *c = chardev_alloc(m, &mux_ops, sizeof(*c), id);
    c->base = base;
    c->fes = g_ptr_array_new_with_free_func(fe_free);
    struct chr_frontend fe = {.tool = true,
                              .can_receive = base_can_receive,
                              .receive = base_receive,
                              .event = base_event,
                              .writable = base_writable,
                              .arg = c};
    bool ok = chr_attach(base, &fe, NULL);
    g_assert(ok);
    return &c->chr;
}

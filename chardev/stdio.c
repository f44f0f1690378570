/* SPDX-License-Identifier: MIT */
/*
 * stdio: standard input and output. A terminal is put into raw mode; signal=off gives Ctrl-C
 * to the guest. Input that is a file or a pipe ends quietly: the guest sees silence.
 */
#include "chardev/chardev_int.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "chardev/terminal.h"
#include "core/machine.h"
#include "util/error.h"

struct stdio_chr {
    struct chardev chr;
    struct chr_stream s;
};

static size_t stdio_write(struct chardev *chr, const void *buf, size_t len)
{
    return stream_write(&((struct stdio_chr *)chr)->s, buf, len);
}

static void stdio_accept_input(struct chardev *chr)
{
    stream_accept_input(&((struct stdio_chr *)chr)->s);
}

static void stdio_free(struct chardev *chr)
{
    stream_close(&((struct stdio_chr *)chr)->s);
    terminal_restore();
}

/* The end of input. A terminal in raw mode has none but a hang-up, and only the leader of its
 * session gets a SIGHUP for that. */
static void stdio_ended(struct chr_stream *s)
{
    stream_stop_reading(s);
    if (s->chr->interactive)
        machine_request_shutdown(s->chr->machine, CAUSE_HOST_SIGNAL);
}

static const struct chardev_ops stdio_ops = {
    .name = "stdio", .write = stdio_write, .accept_input = stdio_accept_input, .free = stdio_free};

static bool in_use(struct machine *m)
{
    for (unsigned i = 0; i < m->chardevs->len; i++)
        if (((struct chardev *)m->chardevs->pdata[i])->ops == &stdio_ops)
            return true;
    return false;
}

struct chardev *chardev_make_stdio(struct machine *m, const char *id, const struct keyvals *kv,
                                   GError **err)
{
    bool signals = true;
    if (!keyvals_bool(kv, "signal", &signals, err))
        return NULL;
    if (in_use(m)) {
        error_set(err, "stdio is in use already; share it with mon:stdio or mux=on");
        return NULL;
    }
    int rfd = terminal_nonblocking_dup(STDIN_FILENO); /* may be closed: no input then */
    int wfd = terminal_nonblocking_dup(STDOUT_FILENO);
    if (wfd < 0) {
        error_set(err, "standard output cannot be used: %s", strerror(errno));
        if (rfd >= 0)
            close(rfd);
        return NULL;
    }
    struct stdio_chr *c = chardev_alloc(m, &stdio_ops, sizeof(*c), id);
    stream_open(&c->s, &c->chr, rfd, wfd, stdio_ended);
    c->chr.open = true;
    c->chr.interactive = isatty(STDIN_FILENO);
    terminal_raw(STDIN_FILENO, signals);
    return &c->chr;
}

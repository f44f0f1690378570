/* SPDX-License-Identifier: MIT */
/*
 * pty: a pseudo terminal that somebody may open. While nobody has, the master reports a hangup;
 * an inotify watch on the slave tells of opening (where there is none: a look every second).
 */
#define _GNU_SOURCE
#include "chardev/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

#include "core/machine.h"
#include "util/error.h"

struct pty_chr {
    struct chardev chr;
    struct chr_stream s;
    char name[64];
    int inotify;
    GSource *opened; /* watch on inotify, or a timer */
};

static bool slave_is_open(struct pty_chr *c)
{
    struct pollfd p = {.fd = c->s.rfd, .events = POLLIN | POLLOUT};
    return poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP);
}

static void look(struct pty_chr *c)
{
    if (c->chr.open || !slave_is_open(c))
        return;
    chr_set_open(&c->chr, true);
    stream_accept_input(&c->s);
}

static gboolean inotify_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct pty_chr *c = arg;
    char buf[1024];
    machine_lock(c->chr.machine);
    ssize_t n = read(fd, buf, sizeof(buf));
    (void)n; /* which event it was does not matter */
    look(c);
    machine_unlock(c->chr.machine);
    return G_SOURCE_CONTINUE;
}

static gboolean timer_cb(gpointer arg)
{
    struct pty_chr *c = arg;
    machine_lock(c->chr.machine);
    look(c);
    machine_unlock(c->chr.machine);
    return G_SOURCE_CONTINUE;
}

static void watch_slave(struct pty_chr *c)
{
    c->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (c->inotify >= 0 && inotify_add_watch(c->inotify, c->name, IN_OPEN) >= 0) {
        c->opened = chr_watch_fd(c->chr.machine, c->inotify, G_IO_IN, inotify_cb, c);
        return;
    }
    c->opened = g_timeout_source_new_seconds(1);
    g_source_set_callback(c->opened, timer_cb, c, NULL);
    g_source_attach(c->opened, c->chr.machine->context);
}

/* The last one closed the slave. */
static void hung_up(struct chr_stream *s)
{
    chr_unwatch(&s->reading);
    chr_set_open(s->chr, false);
}

static size_t pty_write(struct chardev *chr, const void *buf, size_t len)
{
    struct pty_chr *c = (struct pty_chr *)chr;
    return chr->open ? stream_write(&c->s, buf, len) : len;
}

static void pty_accept_input(struct chardev *chr)
{
    if (chr->open)
        stream_accept_input(&((struct pty_chr *)chr)->s);
}

static void pty_free(struct chardev *chr)
{
    struct pty_chr *c = (struct pty_chr *)chr;
    chr_unwatch(&c->opened);
    if (c->inotify >= 0)
        close(c->inotify);
    stream_close(&c->s);
}

static void pty_describe(struct chardev *chr, GString *out)
{
    g_string_append_printf(out, "pty:%s", ((struct pty_chr *)chr)->name);
}

static const struct chardev_ops pty_ops = {.name = "pty",
                                           .write = pty_write,
                                           .accept_input = pty_accept_input,
                                           .free = pty_free,
                                           .describe = pty_describe};

/* A master whose slave passes bytes through as they are. */
static int open_master(char *name, size_t size)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios t;
    if (fd < 0)
        return -1;
    if (grantpt(fd) < 0 || unlockpt(fd) < 0 || ptsname_r(fd, name, size) != 0) {
        close(fd);
        return -1;
    }
    int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC); /* once, so that hangups are seen */
    if (slave >= 0) {
        if (tcgetattr(slave, &t) == 0) {
            cfmakeraw(&t);
            tcsetattr(slave, TCSANOW, &t);
        }
        close(slave);
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

struct chardev *chardev_make_pty(struct machine *m, const char *id, const struct keyvals *kv,
                                 GError **err)
{
    char name[64];
    int fd = open_master(name, sizeof(name));
    if (fd < 0) {
        error_set(err, "cannot make a pseudo terminal: %s", strerror(errno));
        return NULL;
    }
    struct pty_chr *c = chardev_alloc(m, &pty_ops, sizeof(*c), id);
    g_strlcpy(c->name, name, sizeof(c->name));
    stream_open(&c->s, &c->chr, fd, fd, hung_up);
    watch_slave(c);
    printf("char device redirected to %s (label %s)\n", c->name, id);
    fflush(stdout);
    return &c->chr;
}

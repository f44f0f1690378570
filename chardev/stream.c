/* SPDX-License-Identifier: MIT */
/*
 * File descriptors on the main loop. Output goes out at once; what the other end does not take
 * waits, at most CHR_OUT_MAX bytes, then the front end is refused and told when half of it has
 * gone. Input is read only while the front end has room.
 */
#include "chardev/chardev_int.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/machine.h"

GSource *chr_watch_fd(struct machine *m, int fd, GIOCondition cond, GUnixFDSourceFunc fn, void *arg)
{
    GSource *source = g_unix_fd_source_new(fd, cond);
    g_source_set_callback(source, (GSourceFunc)(void (*)(void))fn, arg, NULL);
    g_source_attach(source, m->context);
    return source;
}

void chr_unwatch(GSource **source)
{
    if (!*source)
        return;
    g_source_destroy(*source);
    g_source_unref(*source);
    *source = NULL;
}

static bool is_socket(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

void stream_open(struct chr_stream *s, struct chardev *chr, int rfd, int wfd,
                 void (*gone)(struct chr_stream *s))
{
    memset(s, 0, sizeof(*s));
    s->chr = chr;
    s->rfd = rfd;
    s->wfd = wfd;
    s->is_socket = is_socket(wfd);
    s->gone = gone;
    s->out = g_byte_array_new();
}

void stream_close(struct chr_stream *s)
{
    if (!stream_is_open(s))
        return;
    chr_unwatch(&s->reading);
    chr_unwatch(&s->writing);
    if (s->rfd >= 0)
        close(s->rfd);
    if (s->wfd >= 0 && s->wfd != s->rfd)
        close(s->wfd);
    s->rfd = s->wfd = -1;
    while (s->nfds)
        close(stream_take_fd(s));
    g_byte_array_unref(s->out);
    s->out = NULL;
}

/* ---- Output ---------------------------------------------------------------------------------- */

/* Bytes written; 0: would block; -1: the other end is gone. */
static ssize_t write_some(struct chr_stream *s, const void *buf, size_t len)
{
    ssize_t n;
    do
        n = s->is_socket ? send(s->wfd, buf, len, MSG_NOSIGNAL) : write(s->wfd, buf, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    return n;
}

static gboolean writable_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct chr_stream *s = arg;
    struct machine *m = s->chr->machine;
    machine_lock(m);
    if (!s->writing) { /* closed by another thread while this one waited for the lock */
        machine_unlock(m);
        return G_SOURCE_REMOVE;
    }
    size_t left = s->out->len - s->out_pos;
    ssize_t n = write_some(s, s->out->data + s->out_pos, left);
    if (n > 0) {
        s->out_pos += (size_t)n;
        left -= (size_t)n;
    }
    if (n < 0 || left == 0) {
        chr_unwatch(&s->writing);
        g_byte_array_set_size(s->out, 0);
        s->out_pos = 0;
        left = 0;
    }
    if (s->refused && left <= CHR_OUT_MAX / 2) {
        s->refused = false;
        chr_tell_writable(s->chr);
    }
    if (n < 0)
        s->gone(s);
    machine_unlock(m);
    return G_SOURCE_CONTINUE;
}

static size_t enqueue(struct chr_stream *s, const uint8_t *buf, size_t len)
{
    size_t waiting = s->out->len - s->out_pos;
    size_t n = MIN(len, CHR_OUT_MAX - MIN(waiting, CHR_OUT_MAX));
    if (s->out_pos > CHR_OUT_MAX) {
        g_byte_array_remove_range(s->out, 0, (guint)s->out_pos);
        s->out_pos = 0;
    }
    g_byte_array_append(s->out, buf, (guint)n);
    if (n < len)
        s->refused = true;
    if (!s->writing)
        s->writing = chr_watch_fd(s->chr->machine, s->wfd, G_IO_OUT | G_IO_ERR | G_IO_HUP,
                                  writable_cb, s);
    return n;
}

size_t stream_write(struct chr_stream *s, const void *buf, size_t len)
{
    if (s->wfd < 0 || len == 0)
        return len;
    size_t done = 0;
    while (!s->writing && done < len) {
        ssize_t n = write_some(s, (const uint8_t *)buf + done, len - done);
        if (n < 0)
            return len; /* lost; reading finds out that the other end is gone */
        if (n == 0)
            break;
        done += (size_t)n;
    }
    if (done < len)
        done += enqueue(s, (const uint8_t *)buf + done, len - done);
    return done;
}

/* ---- Input ----------------------------------------------------------------------------------- */

/* Descriptors beyond what anybody may want to take are closed. */
static void keep_fds(struct chr_stream *s, struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (s->nfds < CHR_FDS_MAX)
                s->fds[s->nfds++] = fd;
            else
                close(fd);
        }
    }
}

static ssize_t read_some(struct chr_stream *s, void *buf, size_t len)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(CHR_FDS_MAX * sizeof(int))];
    } control;
    struct iovec iov = {buf, len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
                         .msg_controllen = sizeof(control.space)};

    if (!s->is_socket)
        return read(s->rfd, buf, len);
    ssize_t n = recvmsg(s->rfd, &msg, MSG_CMSG_CLOEXEC);
    if (n > 0)
        keep_fds(s, &msg);
    return n;
}

int stream_take_fd(struct chr_stream *s)
{
    if (!s->nfds)
        return -1;
    int fd = s->fds[0];
    s->nfds--;
    memmove(s->fds, s->fds + 1, s->nfds * sizeof(int));
    return fd;
}

static gboolean readable_cb(gint fd, GIOCondition cond, gpointer arg)
{
    struct chr_stream *s = arg;
    struct machine *m = s->chr->machine;
    uint8_t buf[4096];
    machine_lock(m);
    size_t room = s->reading ? MIN(chr_room(s->chr), sizeof(buf)) : 0;
    if (room == 0) {
        chr_unwatch(&s->reading); /* until stream_accept_input() */
    } else {
        ssize_t n = read_some(s, buf, room);
        if (n > 0)
            chr_deliver(s->chr, buf, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            s->gone(s);
    }
    machine_unlock(m);
    return G_SOURCE_CONTINUE;
}

void stream_accept_input(struct chr_stream *s)
{
    if (!stream_is_open(s) || s->rfd < 0 || s->reading || chr_room(s->chr) == 0)
        return;
    s->reading = chr_watch_fd(s->chr->machine, s->rfd, G_IO_IN | G_IO_HUP | G_IO_ERR, readable_cb,
                              s);
}

void stream_stop_reading(struct chr_stream *s)
{
    chr_unwatch(&s->reading);
    if (s->rfd >= 0 && s->rfd != s->wfd)
        close(s->rfd);
    s->rfd = -1;
}

/* SPDX-License-Identifier: MIT */
/* Streams over descriptors, memory, and the place for a machine's state in an image. */
#include "migration/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/snapshot.h"
#include "util/error.h"

struct wire {
    int fd; /* -1: not one of these */
    int cancel_fd;
    bool file; /* a regular one */
    struct blk *blk;
    char *id;            /* of the snapshot that is read */
    const uint8_t *data; /* memory */
    size_t len;
    uint64_t pos;
};

struct wire *wire_new_fd(int fd, int cancel_fd)
{
    struct wire *s = g_new0(struct wire, 1);
    struct stat st;

    s->fd = fd;
    s->cancel_fd = cancel_fd;
    s->file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!s->file)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    else
        s->pos = (uint64_t)MAX(lseek(fd, 0, SEEK_CUR), 0);
    return s;
}

struct wire *wire_new_vmstate(struct blk *blk, const char *id)
{
    struct wire *s = g_new0(struct wire, 1);

    s->fd = s->cancel_fd = -1;
    s->blk = blk;
    s->id = g_strdup(id);
    return s;
}

struct wire *wire_new_memory(const uint8_t *data, size_t len)
{
    struct wire *s = g_new0(struct wire, 1);

    s->fd = s->cancel_fd = -1;
    s->data = data;
    s->len = len;
    return s;
}

bool wire_finish(struct wire *s, GError **err)
{
    if (s->file && fsync(s->fd) < 0)
        return error_set(err, "cannot write it to disk: %s", g_strerror(errno));
    return true;
}

void wire_free(struct wire *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    g_free(s->id);
    g_free(s);
}

/* ---- Waiting -------------------------------------------------------------------------- */

static bool wait_for(struct wire *s, short events, GError **err)
{
    struct pollfd fd[2] = {{.fd = s->fd, .events = events}, {.fd = s->cancel_fd, .events = POLLIN}};

    while (poll(fd, s->cancel_fd >= 0 ? 2 : 1, -1) < 0)
        if (errno != EINTR)
            return error_set(err, "poll: %s", g_strerror(errno));
    return !(s->cancel_fd >= 0 && fd[1].revents) || error_set(err, "it was cancelled");
}

static ssize_t write_some(struct wire *s, const void *buf, size_t len)
{
    return s->file ? pwrite(s->fd, buf, len, (off_t)s->pos) : write(s->fd, buf, len);
}

static ssize_t read_some(struct wire *s, void *buf, size_t len)
{
    return s->file ? pread(s->fd, buf, len, (off_t)s->pos) : read(s->fd, buf, len);
}

/* After a transfer of n, maybe -1: is it to be tried again? */
static bool go_on(struct wire *s, ssize_t n, short events, GError **err)
{
    if (n >= 0 || errno == EINTR)
        return true;
    if (errno == EAGAIN)
        return wait_for(s, events, err);
    return error_set(err, "%s: %s", events == POLLOUT ? "cannot write" : "cannot read",
                     g_strerror(errno));
}

static bool fd_write(struct wire *s, const uint8_t *p, size_t len, GError **err)
{
    while (len) {
        ssize_t n = write_some(s, p, len);
        if (!go_on(s, n, POLLOUT, err))
            return false;
        n = MAX(n, 0);
        p += n;
        len -= (size_t)n;
        s->pos += (uint64_t)n;
    }
    return true;
}

static bool fd_read(struct wire *s, uint8_t *p, size_t len, GError **err)
{
    while (len) {
        ssize_t n = read_some(s, p, len);
        if (n == 0)
            return error_set(err, "it ends too early, after %" G_GUINT64_FORMAT " bytes", s->pos);
        if (!go_on(s, n, POLLIN, err))
            return false;
        n = MAX(n, 0);
        p += n;
        len -= (size_t)n;
        s->pos += (uint64_t)n;
    }
    return true;
}

/* ---- All kinds ------------------------------------------------------------------------ */

static bool image_result(struct wire *s, int rc, size_t len, GError **err)
{
    if (rc < 0)
        return error_set(err, "'%s': %s", blk_filename(s->blk), g_strerror(-rc));
    s->pos += len;
    return true;
}

bool wire_write(struct wire *s, const void *buf, size_t len, GError **err)
{
    if (s->blk)
        return image_result(s, blk_vmstate_write(s->blk, s->pos, buf, len), len, err);
    return fd_write(s, buf, len, err);
}

bool wire_read(struct wire *s, void *buf, size_t len, GError **err)
{
    if (s->blk)
        return image_result(s, blk_vmstate_read(s->blk, s->id, s->pos, buf, len), len, err);
    if (s->fd >= 0)
        return fd_read(s, buf, len, err);
    if (len > s->len - s->pos)
        return error_set(err, "it ends too early, after %zu bytes", s->len);
    memcpy(buf, s->data + s->pos, len);
    s->pos += len;
    return true;
}

uint64_t wire_pos(const struct wire *s)
{
    return s->pos;
}

int wire_file(const struct wire *s)
{
    return s->file ? s->fd : -1;
}

void wire_seek(struct wire *s, uint64_t pos)
{
    s->pos = pos;
}

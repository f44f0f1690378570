/* SPDX-License-Identifier: MIT */
/* null; file: output only; pipe: a FIFO, or a pair PATH.in and PATH.out. */
#define _GNU_SOURCE
#include "chardev/chardev_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/machine.h"
#include "util/error.h"

struct file_chr {
    struct chardev chr;
    struct chr_stream s;
    char *path;
};

static size_t null_write(struct chardev *chr, const void *buf, size_t len)
{
    return len;
}

static const struct chardev_ops null_ops = {.name = "null", .write = null_write};

struct chardev *chardev_make_null(struct machine *m, const char *id, const struct keyvals *kv,
                                  GError **err)
{
    struct chardev *chr = chardev_alloc(m, &null_ops, sizeof(*chr), id);
    chr->open = true;
    return chr;
}

static size_t file_write(struct chardev *chr, const void *buf, size_t len)
{
    return stream_write(&((struct file_chr *)chr)->s, buf, len);
}

static void file_accept_input(struct chardev *chr)
{
    stream_accept_input(&((struct file_chr *)chr)->s);
}

static void file_free(struct chardev *chr)
{
    struct file_chr *c = (struct file_chr *)chr;
    stream_close(&c->s);
    g_free(c->path);
}

static void file_describe(struct chardev *chr, GString *out)
{
    g_string_append_printf(out, "%s:%s", chr->ops->name, ((struct file_chr *)chr)->path);
}

static const struct chardev_ops file_ops = {.name = "file",
                                            .write = file_write,
                                            .free = file_free,
                                            .describe = file_describe};
static const struct chardev_ops pipe_ops = {.name = "pipe",
                                            .write = file_write,
                                            .accept_input = file_accept_input,
                                            .free = file_free,
                                            .describe = file_describe};

static const char *path_of(const struct keyvals *kv, const char *backend, GError **err)
{
    const char *path = keyvals_get(kv, "path");
    if (!path || !*path) {
        error_set(err, "%s wants a path (path=...)", backend);
        return NULL;
    }
    return path;
}

static struct chardev *make(struct machine *m, const char *id, const struct chardev_ops *ops,
                            int rfd, int wfd, const char *path)
{
    struct file_chr *c = chardev_alloc(m, ops, sizeof(*c), id);
    stream_open(&c->s, &c->chr, rfd, wfd, stream_stop_reading);
    c->path = g_strdup(path);
    c->chr.open = true;
    return &c->chr;
}

struct chardev *chardev_make_file(struct machine *m, const char *id, const struct keyvals *kv,
                                  GError **err)
{
    const char *path = path_of(kv, "file", err);
    bool append = false;
    if (!path || !keyvals_bool(kv, "append", &append, err))
        return NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (append ? O_APPEND : O_TRUNC),
                  0666);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        error_set(err, "cannot write '%s': %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (!S_ISREG(st.st_mode))
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return make(m, id, &file_ops, -1, fd, path);
}

static int open_fifo(const char *path, const char *suffix)
{
    g_autofree char *name = g_strconcat(path, suffix, NULL);
    return open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY); /* no end of file, no ENXIO */
}

struct chardev *chardev_make_pipe(struct machine *m, const char *id, const struct keyvals *kv,
                                  GError **err)
{
    const char *path = path_of(kv, "pipe", err);
    if (!path)
        return NULL;
    int in = open_fifo(path, ".in"), out = open_fifo(path, ".out");
    if (in < 0 || out < 0) {
        if (in >= 0)
            close(in);
        if (out >= 0)
            close(out);
        in = out = open_fifo(path, "");
    }
    if (in < 0) {
        error_set(err, "cannot open the pipe '%s': %s (make it with mkfifo %s.in %s.out)", path,
                  strerror(errno), path, path);
        return NULL;
    }
    return make(m, id, &pipe_ops, in, out, path);
}

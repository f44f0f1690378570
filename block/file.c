/* SPDX-License-Identifier: MIT */
/*
 * The file node: a regular file or a block device of the host.
 *
 * Options: filename, aio=threads|native|io_uring (default: io_uring where the kernel has it;
 * native, Linux AIO in QEMU, is io_uring too and wants cache.direct=on as there), locking=
 * auto|on|off. Flushes are fdatasync(2); discarding punches holes, zeroing uses fallocate(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/file.h"
#include "block/lock.h"
#include "block/opts.h"
#include "util/error.h"

/* ---- Opening -------------------------------------------------------------------------- */

static bool open_fd(struct node *n, struct file *f, GError **err)
{
    int flags = O_CLOEXEC | (n->flags.direct ? O_DIRECT : 0);

    f->fd = open(n->filename, flags | (n->flags.read_only ? O_RDONLY : O_RDWR));
    if (f->fd < 0 && !n->flags.read_only && n->flags.auto_read_only &&
        (errno == EACCES || errno == EROFS || errno == EPERM)) {
        n->flags.read_only = true;
        f->fd = open(n->filename, flags | O_RDONLY);
    }
    if (f->fd >= 0)
        return true;
    if (errno == EINVAL && n->flags.direct)
        return error_set(err, "'%s': its file system has no direct I/O; use cache=writeback",
                         n->filename);
    return error_set(err, "cannot open '%s': %s%s", n->filename, g_strerror(errno),
                     errno == EACCES && !n->flags.read_only ? " (readonly=on may help)" : "");
}

static bool find_size(struct node *n, struct file *f, GError **err)
{
    struct stat st;
    uint64_t size;

    if (fstat(f->fd, &st) < 0)
        return error_set(err, "'%s': %s", n->filename, g_strerror(errno));
    n->dev = st.st_dev;
    n->ino = st.st_ino;
    if (S_ISREG(st.st_mode)) {
        n->size = (uint64_t)st.st_size;
        return true;
    }
    if (!S_ISBLK(st.st_mode))
        return error_set(err, "'%s' is neither a file nor a block device", n->filename);
    if (ioctl(f->fd, BLKGETSIZE64, &size) < 0)
        return error_set(err, "'%s': no size: %s", n->filename, g_strerror(errno));
    f->device = true;
    n->size = size;
    return true;
}

/* The smallest unit that can be read directly; a file may be too short to tell. */
static bool find_alignment(struct node *n, struct file *f, GError **err)
{
    f->align = f->mem_align = 1;
    if (!n->flags.direct)
        return true;
    f->mem_align = 4096;
    int sector;
    if (f->device && ioctl(f->fd, BLKSSZGET, &sector) == 0 && sector >= 512 && sector <= 4096) {
        f->align = (unsigned)sector;
        return true;
    }
    void *buf = node_buffer(4096);
    for (f->align = 512; buf && f->align <= 4096; f->align *= 2)
        if (pread(f->fd, buf, f->align, 0) >= 0)
            break;
    free(buf);
    return f->align <= 4096 || error_set(err, "'%s' cannot be read directly; use cache=writeback",
                                         n->filename);
}

static bool choose_aio(struct node *n, struct file *f, struct blkopts *o, GError **err)
{
    static const char *const words[] = {"auto", "threads", "native", "io_uring", NULL};
    int which = 0;

    if (!blkopts_choice(o, "aio", words, &which, err))
        return false;
    if (which == 2 && !n->flags.direct)
        return error_set(err, "aio=native wants cache.direct=on (cache=none or directsync)");
    f->aio = block_aio(n->block, words[which], err);
    return f->aio || error_prefix(err, "aio=%s", words[which]);
}

static bool take_lock(struct node *n, struct file *f, struct blkopts *o, GError **err)
{
    static const char *const words[] = {"auto", "on", "off", NULL};

    if (!blkopts_choice(o, "locking", words, &f->locking, err))
        return false;
    if (f->locking == 2 || (n->block->inactive && !n->flags.read_only))
        return true;
    return image_lock(f->fd, n->filename, !n->flags.read_only, f->locking == 1, err);
}

static int file_inactivate(struct node *n)
{
    struct file *f = n->opaque;

    if (f->locking != 2)
        image_unlock(f->fd);
    return 0;
}

static bool file_activate(struct node *n, GError **err)
{
    struct file *f = n->opaque;

    if (!find_size(n, f, err))
        return false;
    if (f->locking == 2 || image_lock(f->fd, n->filename, true, f->locking == 1, err))
        return true;
    image_unlock(f->fd);
    return false;
}

/* "file:NAME" is NAME; other words before a colon are protocols. */
static bool check_name(struct node *n, const char *name, GError **err)
{
    const char *colon = strchr(name, ':'), *slash = strchr(name, '/');

    if (!*name)
        return error_set(err, "the file name is empty");
    if (g_str_has_prefix(name, "file:")) {
        n->filename = g_strdup(name + 5);
        return true;
    }
    if (colon && (!slash || slash > colon) && access(name, F_OK) < 0)
        return error_set(err, "'%s': there is no protocol '%.*s' here, only files and block "
                              "devices (a file of that name: ./%s)", name, (int)(colon - name),
                         name, name);
    n->filename = g_strdup(name);
    return true;
}

static bool file_open(struct node *n, struct blkopts *o, GError **err)
{
    struct file *f = n->opaque;
    const char *name = blkopts_get(o, "filename");

    f->fd = -1;
    if (!name)
        return error_set(err, "%sfilename=... is missing", o->prefix);
    return check_name(n, name, err) && open_fd(n, f, err) && find_size(n, f, err) &&
           find_alignment(n, f, err) && choose_aio(n, f, o, err) && take_lock(n, f, o, err);
}

static void file_close(struct node *n)
{
    struct file *f = n->opaque;

    if (f->fd >= 0)
        close(f->fd);
}

/* ---- Everything else ------------------------------------------------------------------ */

static int file_flush(struct node *n)
{
    struct file *f = n->opaque;

    if (n->flags.no_flush || n->flags.read_only)
        return 0;
    if (f->sync_error)
        return f->sync_error;
    struct aio_op op = {.kind = AIO_SYNC, .fd = f->fd};
    int rc = (int)aio_run(f->aio, &op);
    f->sync_error = rc == -EINVAL ? 0 : rc; /* EINVAL: there is nothing to flush there */
    return f->sync_error;
}

static int allocate(struct node *n, int mode, uint64_t off, uint64_t len)
{
    struct file *f = n->opaque;
    struct aio_op op = {.kind = AIO_ALLOCATE, .fd = f->fd, .mode = mode, .off = off, .len = len};
    int rc;

    if (f->device && (off | len) % 512)
        return -ENOTSUP;
    do
        rc = (int)aio_run(f->aio, &op);
    while (rc == -EINTR || rc == -EAGAIN);
    return rc == -EOPNOTSUPP || rc == -ENOSYS || rc == -EINVAL || rc == -ENODEV ? -ENOTSUP : rc;
}

static int file_discard(struct node *n, uint64_t off, uint64_t len)
{
    if (off >= n->size)
        return 0;
    int rc = allocate(n, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, MIN(len, n->size - off));
    return rc == -ENOTSUP ? 0 : rc;
}

static int file_resize(struct node *n, uint64_t size)
{
    struct file *f = n->opaque;

    if (f->device)
        return size <= n->size ? 0 : -ENOSPC;
    if (ftruncate(f->fd, (off_t)size) < 0)
        return -errno;
    n->size = size;
    return 0;
}

static int file_zero(struct node *n, uint64_t off, uint64_t len, unsigned flags)
{
    struct file *f = n->opaque;
    uint64_t end = off + len;
    int rc;

    if (flags & BLK_MAY_UNMAP) {
        rc = allocate(n, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);
        if (rc == 0 && end > n->size && !f->device)
            rc = file_resize(n, end);
        if (rc != -ENOTSUP)
            return rc;
    }
    rc = allocate(n, FALLOC_FL_ZERO_RANGE, off, len);
    if (rc == 0 && !f->device)
        n->size = MAX(n->size, end);
    return rc;
}

const struct node_driver file_driver = {
    .name = "file",
    .alias = "host_device",
    .protocol = true,
    .size = sizeof(struct file),
    .open = file_open,
    .close = file_close,
    .read = file_read,
    .write = file_write,
    .flush = file_flush,
    .discard = file_discard,
    .zero = file_zero,
    .resize = file_resize,
    .inactivate = file_inactivate,
    .activate = file_activate,
};

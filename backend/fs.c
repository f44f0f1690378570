/* SPDX-License-Identifier: MIT */
/* A shared folder: everything by a name in a folder that was opened beneath the root. */
#include "backend/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/machine.h"
#include "util/error.h"

#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* ---- Places --------------------------------------------------------------------------------- */

/* The same on kernels before 5.6: one component at a time, none of which is ".." or a link. */
static int open_by_steps(int root, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);

    for (unsigned i = 0; fd >= 0 && parts[i]; i++) {
        int next = openat(fd, parts[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int e = errno;
        close(fd);
        errno = e;
        fd = next;
    }
    return fd;
}

static int open_folder(struct fs *fs, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = BENEATH};
    int fd = (int)syscall(SYS_openat2, fs->root, *path ? path : ".", &how, sizeof(how));

    if (fd < 0 && errno == ENOSYS)
        fd = open_by_steps(fs->root, *path ? path : ".");
    return fd < 0 ? -errno : fd;
}

bool fs_name_ok(const struct fs *fs, const char *name)
{
    return *name && strlen(name) < 256 && !strchr(name, '/') && strcmp(name, ".") &&
           strcmp(name, "..") && (fs->model != FS_MAPPED_FILE || strcmp(name, FS_META_FOLDER));
}

int fs_spot(struct fs *fs, const char *path, struct fs_spot *s)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    g_autofree char *parent = slash ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");

    s->dir = open_folder(fs, parent);
    g_strlcpy(s->name, *name ? name : ".", sizeof(s->name));
    return s->dir < 0 ? s->dir : 0;
}

void fs_spot_end(struct fs_spot *s)
{
    close(s->dir);
}

static int spot_in(struct fs *fs, const char *dir, const char *name, struct fs_spot *s)
{
    if (fs->read_only)
        return -EROFS;
    if (!fs_name_ok(fs, name))
        return -EINVAL;
    s->dir = open_folder(fs, dir);
    g_strlcpy(s->name, name, sizeof(s->name));
    return s->dir < 0 ? s->dir : 0;
}

static int spot_to_change(struct fs *fs, const char *path, struct fs_spot *s)
{
    return fs->read_only ? -EROFS : fs_spot(fs, path, s);
}

static int finish(struct fs_spot *s, int rc)
{
    int result = rc < 0 ? -errno : rc;

    fs_spot_end(s);
    return result;
}

/* What the spot names, whatever it is, without an effect on it. */
static int pin(const struct fs_spot *s)
{
    return openat(s->dir, s->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

struct proc_path {
    char text[320];
};

static struct proc_path proc_of(int fd, const char *name)
{
    struct proc_path p;

    snprintf(p.text, sizeof(p.text), name ? "/proc/self/fd/%d/%s" : "/proc/self/fd/%d", fd, name);
    return p;
}

/* ---- Questions ------------------------------------------------------------------------------ */

int fs_stat(struct fs *fs, const char *path, struct stat *st)
{
    struct fs_spot s;
    int rc = fs_spot(fs, path, &s);

    if (rc < 0)
        return rc;
    rc = fstatat(s.dir, s.name, st, AT_SYMLINK_NOFOLLOW);
    if (rc == 0)
        fs_meta_get(fs, &s, st);
    return finish(&s, rc);
}

int fs_fstat(struct fs *fs, const char *path, int fd, struct stat *st)
{
    struct stat now;

    if (fstat(fd, st) < 0)
        return -errno;
    if (fs_mapped(fs) && fs_stat(fs, path, &now) == 0 && now.st_ino == st->st_ino)
        *st = now;
    return 0;
}

int fs_statfs(struct fs *fs, struct statfs *st)
{
    return fstatfs(fs->root, st) < 0 ? -errno : 0;
}

static int reopen(int pinned, int flags)
{
    struct stat st;

    if (fstat(pinned, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode)) /* a fifo would wait, a device is not the guest's */
        return S_ISLNK(st.st_mode) ? -ELOOP : -ENXIO;
    int fd = open(proc_of(pinned, NULL).text, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

int fs_open(struct fs *fs, const char *path, int flags)
{
    struct fs_spot s;
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
    int rc = writes ? spot_to_change(fs, path, &s) : fs_spot(fs, path, &s);

    if (rc < 0)
        return rc;
    int pinned = pin(&s);
    rc = finish(&s, pinned);
    if (rc < 0)
        return rc;
    rc = reopen(pinned, flags);
    close(pinned);
    return rc;
}

int fs_opendir(struct fs *fs, const char *path)
{
    int at = open_folder(fs, path), fd;

    if (at < 0)
        return at;
    fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : fd;
    close(at);
    return rc;
}

int fs_readlink(struct fs *fs, const char *path, char *buf, size_t size)
{
    struct fs_spot s;
    struct stat st;
    int rc = fs_spot(fs, path, &s);

    if (rc < 0)
        return rc;
    if (!fs_mapped(fs) || fstatat(s.dir, s.name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        S_ISLNK(st.st_mode))
        return finish(&s, (int)readlinkat(s.dir, s.name, buf, size));
    int fd = openat(s.dir, s.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    rc = finish(&s, fd < 0 ? -1 : (int)read(fd, buf, size));
    if (fd >= 0)
        close(fd);
    return rc;
}

/* ---- New ones ------------------------------------------------------------------------------- */

/* Owner and mode of what was just made. */
static int own(struct fs *fs, const struct fs_spot *s, const struct fs_new *n)
{
    if (fs_mapped(fs))
        return fs_meta_set(fs, s, n, META_ALL);
    if (fchownat(s->dir, s->name, n->uid, n->gid, AT_SYMLINK_NOFOLLOW) < 0 &&
        fs->model == FS_PASSTHROUGH)
        return -1;
    if (S_ISLNK(n->mode))
        return 0;
    int fd = pin(s);
    int rc = fd < 0 ? -1 : chmod(proc_of(fd, NULL).text, n->mode & 07777);
    if (fd >= 0)
        close(fd);
    return fs->model == FS_PASSTHROUGH ? rc : 0;
}

static int own_or_remove(struct fs *fs, struct fs_spot *s, const struct fs_new *n, int rc)
{
    if (rc >= 0 && own(fs, s, n) < 0) {
        int e = errno;
        unlinkat(s->dir, s->name, S_ISDIR(n->mode) ? AT_REMOVEDIR : 0);
        errno = e;
        rc = -1;
    }
    return finish(s, rc);
}

int fs_create(struct fs *fs, const char *dir, const char *name, int flags, const struct fs_new *n)
{
    struct fs_spot s;
    mode_t mode = fs_mapped(fs) ? fs->fmode : n->mode & 07777;
    struct stat st;
    int rc = spot_in(fs, dir, name, &s);

    if (rc < 0)
        return rc;
    bool there = fstatat(s.dir, s.name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && (flags & O_EXCL)) {
        fs_spot_end(&s);
        return -EEXIST;
    }
    if (there) {
        int pinned = pin(&s);
        rc = finish(&s, pinned);
        if (rc >= 0) {
            rc = reopen(pinned, flags & ~O_CREAT);
            close(pinned);
        }
        return rc;
    }
    int fd = openat(s.dir, s.name, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    rc = own_or_remove(fs, &s, n, fd);
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc;
}

int fs_mkdir(struct fs *fs, const char *dir, const char *name, const struct fs_new *n)
{
    struct fs_spot s;
    int rc = spot_in(fs, dir, name, &s);

    if (rc < 0)
        return rc;
    return own_or_remove(fs, &s, n,
                         mkdirat(s.dir, s.name, fs_mapped(fs) ? fs->dmode : n->mode & 07777));
}

int fs_mknod(struct fs *fs, const char *dir, const char *name, const struct fs_new *n)
{
    struct fs_spot s;
    bool mapped = fs_mapped(fs);
    int rc = spot_in(fs, dir, name, &s);

    if (rc < 0)
        return rc;
    return own_or_remove(
        fs, &s, n,
        mknodat(s.dir, s.name, mapped ? S_IFREG | fs->fmode : n->mode, mapped ? 0 : n->rdev));
}

static int write_target(const struct fs *fs, const struct fs_spot *s, const char *target)
{
    size_t len = strlen(target);
    int fd =
        openat(s->dir, s->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, fs->fmode);

    if (fd < 0)
        return -1;
    bool ok = write(fd, target, len) == (ssize_t)len;
    close(fd);
    return ok ? 0 : -1;
}

int fs_symlink(struct fs *fs, const char *dir, const char *name, const char *target,
               const struct fs_new *n)
{
    struct fs_spot s;
    int rc = spot_in(fs, dir, name, &s);

    if (rc < 0)
        return rc;
    return own_or_remove(
        fs, &s, n, fs_mapped(fs) ? write_target(fs, &s, target) : symlinkat(target, s.dir, s.name));
}

/* ---- Two places ----------------------------------------------------------------------------- */

static int two_spots(struct fs *fs, const char *from, const char *dir, const char *name,
                     struct fs_spot *a, struct fs_spot *b)
{
    int rc = spot_to_change(fs, from, a);

    if (rc < 0)
        return rc;
    rc = spot_in(fs, dir, name, b);
    if (rc < 0)
        fs_spot_end(a);
    return rc;
}

int fs_link(struct fs *fs, const char *path, const char *dir, const char *name)
{
    struct fs_spot a, b;
    int rc = two_spots(fs, path, dir, name, &a, &b);

    if (rc < 0)
        return rc;
    rc = linkat(a.dir, a.name, b.dir, b.name, 0);
    if (rc == 0)
        fs_meta_link(fs, &a, &b);
    rc = finish(&a, rc);
    fs_spot_end(&b);
    return rc;
}

int fs_rename(struct fs *fs, const char *from, const char *dir, const char *name)
{
    struct fs_spot a, b;
    int rc = two_spots(fs, from, dir, name, &a, &b);

    if (rc < 0)
        return rc;
    rc = renameat(a.dir, a.name, b.dir, b.name);
    if (rc == 0)
        fs_meta_rename(fs, &a, &b);
    rc = finish(&a, rc);
    fs_spot_end(&b);
    return rc;
}

int fs_unlink(struct fs *fs, const char *dir, const char *name, bool folder)
{
    struct fs_spot s;
    int rc = spot_in(fs, dir, name, &s);

    if (rc < 0)
        return rc;
    if (folder)
        fs_meta_unlink(fs, &s, true);
    rc = unlinkat(s.dir, s.name, folder ? AT_REMOVEDIR : 0);
    if (rc == 0)
        fs_meta_unlink(fs, &s, false);
    return finish(&s, rc);
}

/* ---- Changes -------------------------------------------------------------------------------- */

int fs_chmod(struct fs *fs, const char *path, mode_t mode)
{
    struct fs_spot s;
    struct stat st;
    int rc = spot_to_change(fs, path, &s);

    if (rc < 0)
        return rc;
    if (fs_mapped(fs)) {
        rc = fstatat(s.dir, s.name, &st, AT_SYMLINK_NOFOLLOW);
        if (rc == 0) {
            fs_meta_get(fs, &s, &st);
            struct fs_new n = {.mode = (st.st_mode & S_IFMT) | (mode & 07777)};
            rc = fs_meta_set(fs, &s, &n, META_MODE);
        }
        return finish(&s, rc);
    }
    int fd = pin(&s);
    rc = finish(&s, fd);
    if (rc < 0)
        return rc;
    rc = chmod(proc_of(fd, NULL).text, mode & 07777) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int fs_chown(struct fs *fs, const char *path, uid_t uid, gid_t gid)
{
    struct fs_new n = {.uid = uid, .gid = gid};
    struct fs_spot s;
    int rc = spot_to_change(fs, path, &s);

    if (rc < 0)
        return rc;
    if (fs_mapped(fs))
        rc = fs_meta_set(fs, &s, &n,
                         (uid == (uid_t)-1 ? 0 : META_UID) | (gid == (gid_t)-1 ? 0 : META_GID));
    else
        rc = fchownat(s.dir, s.name, uid, gid, AT_SYMLINK_NOFOLLOW);
    rc = finish(&s, rc);
    return fs->model == FS_NONE ? 0 : rc;
}

int fs_truncate(struct fs *fs, const char *path, uint64_t size)
{
    int fd = fs_open(fs, path, O_WRONLY), rc;

    if (fd < 0)
        return fd;
    rc = ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int fs_utimens(struct fs *fs, const char *path, const struct timespec t[2])
{
    struct fs_spot s;
    int rc = spot_to_change(fs, path, &s);

    return rc < 0 ? rc : finish(&s, utimensat(s.dir, s.name, t, AT_SYMLINK_NOFOLLOW));
}

/* ---- Extended attributes --------------------------------------------------------------------- */

/* Where the model keeps its own, the guest's are those of users. */
static bool xattr_ok(const struct fs *fs, const char *name)
{
    return !fs_mapped(fs) ||
           (g_str_has_prefix(name, "user.") && !g_str_has_prefix(name, "user.virtfs."));
}

ssize_t fs_getxattr(struct fs *fs, const char *path, const char *name, void *buf, size_t size)
{
    struct fs_spot s;
    int rc = fs_spot(fs, path, &s);

    if (rc < 0)
        return rc;
    errno = ENODATA;
    return finish(
        &s, xattr_ok(fs, name) ? (int)lgetxattr(proc_of(s.dir, s.name).text, name, buf, size) : -1);
}

static ssize_t drop_ours(const struct fs *fs, char *list, ssize_t len)
{
    ssize_t out = 0;

    for (ssize_t at = 0; at < len;) {
        size_t n = strlen(list + at) + 1;
        if (xattr_ok(fs, list + at)) {
            memmove(list + out, list + at, n);
            out += (ssize_t)n;
        }
        at += (ssize_t)n;
    }
    return out;
}

ssize_t fs_listxattr(struct fs *fs, const char *path, void *buf, size_t size)
{
    struct fs_spot s;
    int rc = fs_spot(fs, path, &s);

    if (rc < 0)
        return rc;
    rc = finish(&s, (int)llistxattr(proc_of(s.dir, s.name).text, buf, size));
    return rc > 0 ? drop_ours(fs, buf, rc) : rc;
}

int fs_setxattr(struct fs *fs, const char *path, const char *name, const void *buf, size_t size,
                int flags)
{
    struct fs_spot s;
    int rc = spot_to_change(fs, path, &s);

    if (rc < 0)
        return rc;
    errno = EOPNOTSUPP;
    return finish(&s, xattr_ok(fs, name)
                          ? lsetxattr(proc_of(s.dir, s.name).text, name, buf, size, flags)
                          : -1);
}

int fs_removexattr(struct fs *fs, const char *path, const char *name)
{
    struct fs_spot s;
    int rc = spot_to_change(fs, path, &s);

    if (rc < 0)
        return rc;
    errno = ENODATA;
    return finish(&s, xattr_ok(fs, name) ? lremovexattr(proc_of(s.dir, s.name).text, name) : -1);
}

/* ---- The object ----------------------------------------------------------------------------- */

static bool fs_realize(struct object *o, GError **err)
{
    struct fs *fs = (struct fs *)o;

    fs->root = -1;
    if (fs->model > FS_MAPPED_FILE) /* "mapped" */
        fs->model = FS_MAPPED_XATTR;
    if (!fs->path)
        return error_set(err, "path=... is missing");
    fs->root = open(fs->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fs->root >= 0 || error_set(err, "path=%s: %s", fs->path, strerror(errno));
}

static void fs_unrealize(struct object *o)
{
    close(((struct fs *)o)->root);
}

static const char *const models[] = {"passthrough", "none",   "mapped-xattr",
                                     "mapped-file", "mapped", NULL};

static const struct prop fs_props[] = {
    PROP(struct fs, path, "path", PROP_STRING, NULL, "the folder"),
    {.name = "security_model",
     .kind = PROP_ENUM,
     .offset = offsetof(struct fs, model),
     .def = "none",
     .choices = models,
     .help = "where owner and mode go that the guest sets: none, passthrough, mapped-xattr, "
             "mapped-file"},
    PROP(struct fs, read_only, "readonly", PROP_BOOL, "off", "the guest only reads"),
    PROP(struct fs, fmode, "fmode", PROP_U32, "0x180", "mode of new files where mapped"),
    PROP(struct fs, dmode, "dmode", PROP_U32, "0x1c0", "mode of new folders where mapped"),
    {0}};

const struct object_type fsdev_local_type = {.name = "fsdev-local",
                                             .kind = "fsdev",
                                             .help = "a folder for virtio-9p",
                                             .size = sizeof(struct fs),
                                             .props = fs_props,
                                             .realize = fs_realize,
                                             .unrealize = fs_unrealize};

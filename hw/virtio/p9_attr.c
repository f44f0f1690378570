/* SPDX-License-Identifier: MIT */
/* 9P2000.L: attributes of files, their extended attributes, statfs. */
#include <errno.h>
#include <sys/sysmacros.h>

#include "hw/virtio/p9.h"

enum { QT_DIR = 0x80, QT_SYMLINK = 0x02 };
#define STAT_BASIC 0x7ffull /* all of struct stat */

/* Tsetattr: which fields count */
enum {
    SET_MODE = 1,
    SET_UID = 2,
    SET_GID = 4,
    SET_SIZE = 8,
    SET_ATIME = 16,
    SET_MTIME = 32,
    SET_CTIME = 64,
    SET_ATIME_GIVEN = 128,
    SET_MTIME_GIVEN = 256,
};

/* Inode numbers are those of one file system; others beneath the folder get other numbers. */
void p9_put_qid(struct p9 *p, GByteArray *w, const struct stat *st)
{
    struct stat root;
    uint64_t ino = st->st_ino;

    if (fs_stat(p->fs, "", &root) == 0 && root.st_dev != st->st_dev)
        ino ^= (uint64_t)st->st_dev * 0x9e3779b97f4a7c15ull;
    p9_put(w, S_ISDIR(st->st_mode) ? QT_DIR : S_ISLNK(st->st_mode) ? QT_SYMLINK : 0, 1);
    p9_put(w, (uint32_t)(st->st_mtime ^ (st->st_size << 8)), 4);
    p9_put(w, ino, 8);
}

static int stat_fid(struct p9 *p, const struct p9_fid *f, struct stat *st)
{
    return f->kind == FID_FILE && f->fd >= 0 ? fs_fstat(p->fs, f->path, f->fd, st)
                                             : fs_stat(p->fs, f->path, st);
}

static void put_time(GByteArray *w, const struct timespec *t)
{
    p9_put(w, (uint64_t)t->tv_sec, 8);
    p9_put(w, (uint64_t)t->tv_nsec, 8);
}

int p9_getattr(struct p9 *p, struct p9_reader *in, GByteArray *w)
{
    const struct p9_fid *f = p9_fid_find(p, p9_get32(in));
    const struct timespec never = {0, 0};
    struct stat st;
    int rc = f ? stat_fid(p, f, &st) : -EBADF;

    if (rc < 0)
        return rc;
    p9_put(w, STAT_BASIC, 8);
    p9_put_qid(p, w, &st);
    p9_put(w, st.st_mode, 4);
    p9_put(w, st.st_uid, 4);
    p9_put(w, st.st_gid, 4);
    p9_put(w, st.st_nlink, 8);
    p9_put(w, st.st_rdev, 8);
    p9_put(w, (uint64_t)st.st_size, 8);
    p9_put(w, (uint64_t)st.st_blksize, 8);
    p9_put(w, (uint64_t)st.st_blocks, 8);
    put_time(w, &st.st_atim);
    put_time(w, &st.st_mtim);
    put_time(w, &st.st_ctim);
    put_time(w, &never); /* birth */
    p9_put(w, 0, 8);     /* generation */
    p9_put(w, 0, 8);     /* data version */
    return 0;
}

static struct timespec get_time(struct p9_reader *in, bool set, bool given)
{
    struct timespec t = {.tv_sec = (time_t)p9_get(in, 8), .tv_nsec = (long)p9_get(in, 8)};

    if (!set)
        t.tv_nsec = UTIME_OMIT;
    else if (!given)
        t.tv_nsec = UTIME_NOW;
    return t;
}

int p9_setattr(struct p9 *p, struct p9_reader *in, GByteArray *w)
{
    const struct p9_fid *f = p9_fid_find(p, p9_get32(in));
    uint32_t valid = p9_get32(in), mode = p9_get32(in);
    uint32_t uid = p9_get32(in), gid = p9_get32(in);
    uint64_t size = p9_get(in, 8);
    struct timespec t[2];
    int rc = f ? 0 : -EBADF;

    t[0] = get_time(in, valid & SET_ATIME, valid & SET_ATIME_GIVEN);
    t[1] = get_time(in, valid & SET_MTIME, valid & SET_MTIME_GIVEN);
    if (in->bad)
        return -EINVAL;
    if (!rc && (valid & SET_MODE))
        rc = fs_chmod(p->fs, f->path, mode);
    if (!rc && (valid & (SET_UID | SET_GID)))
        rc = fs_chown(p->fs, f->path, valid & SET_UID ? uid : (uid_t)-1,
                      valid & SET_GID ? gid : (gid_t)-1);
    if (!rc && (valid & SET_SIZE))
        rc = fs_truncate(p->fs, f->path, size);
    if (!rc && (valid & (SET_ATIME | SET_MTIME)))
        rc = fs_utimens(p->fs, f->path, t);
    return rc;
}

int p9_statfs(struct p9 *p, struct p9_reader *in, GByteArray *w)
{
    const struct p9_fid *f = p9_fid_find(p, p9_get32(in));
    struct statfs st;
    int rc = f ? fs_statfs(p->fs, &st) : -EBADF;

    if (rc < 0)
        return rc;
    p9_put(w, (uint32_t)st.f_type, 4);
    p9_put(w, (uint32_t)st.f_bsize, 4);
    p9_put(w, st.f_blocks, 8);
    p9_put(w, st.f_bfree, 8);
    p9_put(w, st.f_bavail, 8);
    p9_put(w, st.f_files, 8);
    p9_put(w, st.f_ffree, 8);
    p9_put(w, (uint32_t)st.f_fsid.__val[0] | (uint64_t)(uint32_t)st.f_fsid.__val[1] << 32, 8);
    p9_put(w, (uint32_t)st.f_namelen, 4);
    return 0;
}

/* ---- Extended attributes ----------------------------------------------------------------------
 */

int p9_xattrwalk(struct p9 *p, struct p9_reader *in, GByteArray *w)
{
    const struct p9_fid *f = p9_fid_find(p, p9_get32(in));
    uint32_t id = p9_get32(in);
    g_autofree char *name = p9_get_string(in);
    g_autofree uint8_t *buf = g_malloc(P9_MAX_XATTR);
    ssize_t n;
    int rc;

    if (!f || in->bad)
        return f ? -EINVAL : -EBADF;
    n = *name ? fs_getxattr(p->fs, f->path, name, buf, P9_MAX_XATTR)
              : fs_listxattr(p->fs, f->path, buf, P9_MAX_XATTR);
    if (n < 0)
        return (int)n;
    struct p9_fid *x = p9_fid_new(p, id, g_strdup(f->path), f->uid, &rc);
    if (!x)
        return rc;
    x->kind = FID_XATTR;
    x->xattr_size = (uint32_t)n;
    x->xattr = g_byte_array_new();
    g_byte_array_append(x->xattr, buf, (guint)n);
    p9_put(w, (uint64_t)n, 8);
    return 0;
}

int p9_xattrcreate(struct p9 *p, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = p9_fid_find(p, p9_get32(in));
    g_autofree char *name = p9_get_string(in);
    uint64_t size = p9_get(in, 8);
    uint32_t flags = p9_get32(in);

    if (!f || f->kind != FID_PLAIN)
        return -EBADF;
    if (in->bad || !*name)
        return -EINVAL;
    if (size > P9_MAX_XATTR)
        return -ENOSPC;
    f->kind = FID_XATTR_NEW;
    f->xattr_name = g_steal_pointer(&name);
    f->xattr_size = (uint32_t)size;
    f->flags = flags;
    f->xattr = g_byte_array_new();
    return 0;
}

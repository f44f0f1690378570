/* SPDX-License-Identifier: MIT */
/* The messages of 9P2000.L about files and folders; a function each. */
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "hw/virtio/p9.h"

enum { AT_REMOVE_FOLDER = 0x200, LOCK_SUCCESS = 0, LOCK_UNLOCKED = 2 };

static struct p9_fid *get_fid(struct p9 *p, struct p9_reader *in)
{
    return p9_fid_find(p, p9_get32(in));
}

static int put_qid_of(struct p9 *p, const char *path, GByteArray *w)
{
    struct stat st;
    int rc = fs_stat(p->fs, path, &st);

    if (rc == 0)
        p9_put_qid(p, w, &st);
    return rc;
}

/* ---- The session ------------------------------------------------------------------------------
 */

static int t_version(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    uint32_t msize = p9_get32(in);
    g_autofree char *version = p9_get_string(in);
    const char *ours = strcmp(version, "9P2000.L") ? "unknown" : "9P2000.L";

    if (in->bad || msize < P9_MIN_MSIZE)
        return -EMSGSIZE;
    p9_fids_clear(p);
    p->msize = MIN(msize, P9_MAX_MSIZE);
    p9_put(w, p->msize, 4);
    p9_put_string(w, ours, strlen(ours));
    return 0;
}

static int t_attach(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    uint32_t id = p9_get32(in);
    int rc;

    p9_get32(in); /* afid: there is no authentication */
    g_free(p9_get_string(in));
    g_free(p9_get_string(in));
    uint32_t uid = p9_get32(in);
    if (in->bad)
        return -EINVAL;
    struct p9_fid *f = p9_fid_new(p, id, g_strdup(""), uid == UINT32_MAX ? 0 : uid, &rc);
    if (f && (rc = put_qid_of(p, "", w)) < 0)
        p9_fid_clunk(p, f);
    return rc;
}

static int t_flush(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    r->old_tag = (uint16_t)p9_get(in, 2);
    for (GList *l = p->jobs; l; l = l->next) {
        if (((struct p9_request *)l->data)->tag != r->old_tag)
            continue;
        p->flushes = g_list_prepend(p->flushes, r);
        return P9_LATER;
    }
    return 0;
}

/* ---- Names ------------------------------------------------------------------------------------
 */

static char *step(struct p9 *p, const char *from, const char *name)
{
    if (!strcmp(name, "..")) {
        const char *slash = strrchr(from, '/');
        return slash ? g_strndup(from, (gsize)(slash - from)) : g_strdup("");
    }
    return fs_name_ok(p->fs, name) ? p9_join(from, name) : NULL;
}

static int t_walk(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);
    uint32_t id = p9_get32(in);
    unsigned n = (unsigned)p9_get(in, 2), done = 0, at = w->len;
    g_autofree char *path = g_strdup(f ? f->path : "");
    int rc = 0;

    if (!f || f->kind >= FID_XATTR)
        return -EBADF;
    if (in->bad || n > P9_MAX_WALK)
        return -EINVAL;
    p9_put(w, 0, 2);
    for (; done < n && rc == 0; done += rc == 0) {
        g_autofree char *name = p9_get_string(in);
        char *next = in->bad ? NULL : step(p, path, name);
        rc = next ? put_qid_of(p, next, w) : -ENOENT;
        if (rc == 0) {
            g_free(path);
            path = next;
        } else {
            g_free(next);
        }
    }
    if (rc < 0 && !done)
        return rc;
    w->data[at] = (uint8_t)done;
    if (done < n)
        return 0;
    if (id == f->id) {
        if (f->kind != FID_PLAIN)
            return -EBADF;
        p9_fid_set_path(p, f, g_steal_pointer(&path));
        return 0;
    }
    p9_fid_new(p, id, g_steal_pointer(&path), f->uid, &rc);
    return rc;
}

static int t_clunk(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);

    return f ? p9_fid_clunk(p, f) : -EBADF;
}

static int unlink_path(struct p9 *p, const char *path)
{
    const char *slash = strrchr(path, '/');
    g_autofree char *dir = slash ? g_strndup(path, (gsize)(slash - path)) : g_strdup("");
    struct stat st;
    int rc = fs_stat(p->fs, path, &st);

    if (!*path)
        return -EBUSY;
    return rc < 0 ? rc : fs_unlink(p->fs, dir, slash ? slash + 1 : path, S_ISDIR(st.st_mode));
}

static int t_remove(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);
    int rc;

    if (!f)
        return -EBADF;
    rc = f->kind >= FID_XATTR ? -EBADF : unlink_path(p, f->path);
    p9_fid_clunk(p, f);
    return rc;
}

static int t_readlink(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);
    char target[P9_MAX_PATH];
    int n = f ? fs_readlink(p->fs, f->path, target, sizeof(target)) : -EBADF;

    if (n >= 0)
        p9_put_string(w, target, (size_t)n);
    return MIN(n, 0);
}

/* ---- Opening and making -----------------------------------------------------------------------
 */

static int t_lopen(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);
    uint32_t flags = p9_get32(in);
    int rc;

    if (!f || in->bad || f->kind != FID_PLAIN)
        return -EBADF;
    rc = p9_fid_open(p, f, flags);
    if (rc == 0)
        rc = put_qid_of(p, f->path, w);
    p9_put(w, 0, 4); /* iounit: as much as a message takes */
    return rc;
}

static int t_lcreate(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);
    g_autofree char *name = p9_get_string(in);
    uint32_t flags = p9_get32(in), mode = p9_get32(in), gid = p9_get32(in);

    if (!f || in->bad || f->kind != FID_PLAIN)
        return -EBADF;
    struct fs_new n = {.mode = S_IFREG | (mode & 07777), .uid = f->uid, .gid = gid};
    int fd = fs_create(p->fs, f->path, name,
                       (int)(flags & (O_ACCMODE | O_TRUNC | O_APPEND | O_EXCL | O_SYNC)), &n);
    if (fd < 0)
        return fd;
    p9_fid_set_path(p, f, p9_join(f->path, name));
    f->kind = FID_FILE;
    f->flags = flags & ~(uint32_t)(O_CREAT | O_EXCL);
    f->fd = fd;
    int rc = put_qid_of(p, f->path, w);
    p9_put(w, 0, 4);
    return rc;
}

/* Tmkdir, Tmknod, Tsymlink: something new in the folder; the reply is its qid. */
static int make(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);
    g_autofree char *name = p9_get_string(in), *target = NULL;
    struct fs_new n = {.mode = S_IFLNK | 0777};
    int rc;

    if (r->type == P9_TSYMLINK)
        target = p9_get_string(in);
    else
        n.mode = p9_get32(in);
    if (r->type == P9_TMKNOD) {
        uint32_t major = p9_get32(in), minor = p9_get32(in);
        n.rdev = makedev(major, minor);
    } else if (r->type == P9_TMKDIR) {
        n.mode = S_IFDIR | (n.mode & 07777);
    }
    n.gid = p9_get32(in);
    if (!f || in->bad || f->kind >= FID_XATTR)
        return -EBADF;
    n.uid = f->uid;
    rc = r->type == P9_TMKDIR   ? fs_mkdir(p->fs, f->path, name, &n)
         : r->type == P9_TMKNOD ? fs_mknod(p->fs, f->path, name, &n)
                                : fs_symlink(p->fs, f->path, name, target, &n);
    if (rc < 0)
        return rc;
    g_autofree char *path = p9_join(f->path, name);
    return put_qid_of(p, path, w);
}

static int t_link(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *dir = get_fid(p, in), *f = get_fid(p, in);
    g_autofree char *name = p9_get_string(in);

    return !dir || !f || in->bad ? -EBADF : fs_link(p->fs, f->path, dir->path, name);
}

static int move(struct p9 *p, const char *from, const char *dir, const char *name)
{
    g_autofree char *to = p9_join(dir, name), *was = g_strdup(from);
    int rc = *from ? fs_rename(p->fs, from, dir, name) : -EBUSY;

    if (rc == 0)
        p9_fids_moved(p, was, to);
    return rc;
}

static int t_rename(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in), *dir = get_fid(p, in);
    g_autofree char *name = p9_get_string(in);

    return !f || !dir || in->bad ? -EBADF : move(p, f->path, dir->path, name);
}

static int t_renameat(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *from = get_fid(p, in);
    g_autofree char *old = p9_get_string(in);
    struct p9_fid *to = get_fid(p, in);
    g_autofree char *name = p9_get_string(in);

    if (!from || !to || in->bad)
        return -EBADF;
    if (!fs_name_ok(p->fs, old))
        return -EINVAL;
    g_autofree char *path = p9_join(from->path, old);
    return move(p, path, to->path, name);
}

static int t_unlinkat(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *dir = get_fid(p, in);
    g_autofree char *name = p9_get_string(in);
    uint32_t flags = p9_get32(in);

    return !dir || in->bad ? -EBADF : fs_unlink(p->fs, dir->path, name, flags & AT_REMOVE_FOLDER);
}

/* ---- Folders ----------------------------------------------------------------------------------
 */

/* The qid of a name; where modes are mapped its kind is only known from there. */
static bool put_entry(struct p9 *p, const struct p9_fid *f, const struct dirent *d, GByteArray *w)
{
    g_autofree char *path = p9_join(f->path, d->d_name);
    bool dots = !strcmp(d->d_name, ".") || !strcmp(d->d_name, "..");
    struct stat st = {.st_ino = d->d_ino, .st_mode = DTTOIF(d->d_type)};

    if (!dots && !fs_name_ok(p->fs, d->d_name))
        return false;
    if (fs_mapped(p->fs) && !dots && fs_stat(p->fs, path, &st) < 0)
        return false;
    p9_put(w, S_ISDIR(st.st_mode) ? 0x80 : S_ISLNK(st.st_mode) ? 0x02 : 0, 1);
    p9_put(w, 0, 4);
    p9_put(w, st.st_ino, 8);
    p9_put(w, (uint64_t)d->d_off, 8);
    p9_put(w, IFTODT(st.st_mode), 1);
    p9_put_string(w, d->d_name, strlen(d->d_name));
    return true;
}

static int t_readdir(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);
    uint64_t off = p9_get(in, 8);
    uint32_t count = p9_get32(in);
    const struct dirent *d;
    guint begin = w->len;

    if (!f || f->kind != FID_DIR || !f->dir)
        return -EBADF;
    count = MIN(count, MIN(p->msize, r->e.in_len) - P9_IO_HEADER);
    if (off)
        seekdir(f->dir, (long)off);
    else
        rewinddir(f->dir);
    p9_put(w, 0, 4);
    while ((d = readdir(f->dir))) {
        if (w->len - begin - 4 + P9_QID + 11 + strlen(d->d_name) > count)
            break;
        put_entry(p, f, d, w);
    }
    uint32_t n = w->len - begin - 4;
    memcpy(w->data + begin, &n, 4);
    return 0;
}

/* ---- Data -------------------------------------------------------------------------------------
 */

static int read_xattr(const struct p9_fid *f, uint64_t off, uint32_t count, GByteArray *w)
{
    uint32_t at = (uint32_t)MIN(off, f->xattr->len), n = MIN(count, f->xattr->len - at);

    p9_put(w, n, 4);
    g_byte_array_append(w, f->xattr->data + at, n);
    return 0;
}

static void slice(struct p9_request *r, const struct iovec *iov, unsigned n, size_t off, size_t len)
{
    r->iov = g_new(struct iovec, n + 1);
    r->niov = iov_slice(iov, n, off, len, r->iov);
}

static int t_read(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);
    uint32_t count;

    r->off = p9_get(in, 8);
    count = p9_get32(in);
    if (!f || in->bad)
        return -EBADF;
    count = MIN(count, MIN(p->msize, r->e.in_len) - P9_IO_HEADER);
    if (f->kind == FID_XATTR)
        return read_xattr(f, r->off, count, w);
    if (f->kind != FID_FILE || f->fd < 0)
        return f->kind == FID_DIR ? -EISDIR : -EBADF;
    slice(r, r->e.in, r->e.nin, P9_IO_HEADER, count);
    return p9_start_job(p, r, f);
}

static int write_xattr(struct p9_fid *f, struct p9_request *r, uint32_t count, GByteArray *w)
{
    uint8_t *buf;

    if (r->off != f->xattr->len || count > f->xattr_size - f->xattr->len)
        return -ENOSPC;
    buf = g_malloc(count + 1);
    iov_read(r->e.out, r->e.nout, P9_WRITE_HEADER, buf, count);
    g_byte_array_append(f->xattr, buf, count);
    g_free(buf);
    p9_put(w, count, 4);
    return 0;
}

static int t_write(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);
    uint32_t count;

    r->off = p9_get(in, 8);
    count = p9_get32(in);
    if (!f || in->bad)
        return -EBADF;
    if (count > r->e.out_len - P9_WRITE_HEADER)
        return -EINVAL;
    if (f->kind == FID_XATTR_NEW)
        return write_xattr(f, r, count, w);
    if (f->kind != FID_FILE || f->fd < 0)
        return -EBADF;
    slice(r, r->e.out, r->e.nout, P9_WRITE_HEADER, count);
    return p9_start_job(p, r, f);
}

static int t_fsync(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);

    if (!f || (f->kind != FID_FILE && f->kind != FID_DIR))
        return -EBADF;
    return p9_start_job(p, r, f);
}

/* Locks are the guest's own: nobody else knows of them. */
static int t_lock(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    if (!get_fid(p, in))
        return -EBADF;
    p9_put(w, LOCK_SUCCESS, 1);
    return 0;
}

static int t_getlock(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    struct p9_fid *f = get_fid(p, in);

    p9_get(in, 1);
    uint64_t start = p9_get(in, 8), length = p9_get(in, 8);
    uint32_t process = p9_get32(in);
    g_autofree char *client = p9_get_string(in);
    if (!f || in->bad)
        return -EBADF;
    p9_put(w, LOCK_UNLOCKED, 1);
    p9_put(w, start, 8);
    p9_put(w, length, 8);
    p9_put(w, process, 4);
    p9_put_string(w, client, strlen(client));
    return 0;
}

/* ---- The table --------------------------------------------------------------------------------
 */

static const struct {
    uint8_t type;
    int (*run)(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w);
    int (*attr)(struct p9 *p, struct p9_reader *in, GByteArray *w);
} messages[] = {
    {P9_TVERSION, t_version, NULL},
    {P9_TATTACH, t_attach, NULL},
    {P9_TFLUSH, t_flush, NULL},
    {P9_TWALK, t_walk, NULL},
    {P9_TREAD, t_read, NULL},
    {P9_TWRITE, t_write, NULL},
    {P9_TCLUNK, t_clunk, NULL},
    {P9_TREMOVE, t_remove, NULL},
    {P9_TLOPEN, t_lopen, NULL},
    {P9_TLCREATE, t_lcreate, NULL},
    {P9_TSYMLINK, make, NULL},
    {P9_TMKNOD, make, NULL},
    {P9_TMKDIR, make, NULL},
    {P9_TRENAME, t_rename, NULL},
    {P9_TREADLINK, t_readlink, NULL},
    {P9_TREADDIR, t_readdir, NULL},
    {P9_TFSYNC, t_fsync, NULL},
    {P9_TLOCK, t_lock, NULL},
    {P9_TGETLOCK, t_getlock, NULL},
    {P9_TLINK, t_link, NULL},
    {P9_TRENAMEAT, t_renameat, NULL},
    {P9_TUNLINKAT, t_unlinkat, NULL},
    {P9_TSTATFS, NULL, p9_statfs},
    {P9_TGETATTR, NULL, p9_getattr},
    {P9_TSETATTR, NULL, p9_setattr},
    {P9_TXATTRWALK, NULL, p9_xattrwalk},
    {P9_TXATTRCREATE, NULL, p9_xattrcreate},
};

int p9_dispatch(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(messages); i++)
        if (messages[i].type == r->type)
            return messages[i].run ? messages[i].run(p, r, in, w) : messages[i].attr(p, in, w);
    return -EOPNOTSUPP;
}

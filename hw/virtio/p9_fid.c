/* SPDX-License-Identifier: MIT */
/* Fids: a path each, and what it is opened as. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "hw/virtio/p9.h"

struct p9_fid *p9_fid_find(struct p9 *p, uint32_t id)
{
    return g_hash_table_lookup(p->fids, &id);
}

struct p9_fid *p9_fid_new(struct p9 *p, uint32_t id, char *path, uint32_t uid, int *rc)
{
    size_t bytes = strlen(path) + 1;

    *rc = p9_fid_find(p, id) ? -EBADF : bytes > P9_MAX_PATH ? -ENAMETOOLONG : 0;
    if (!*rc && (g_hash_table_size(p->fids) >= P9_MAX_FIDS || p->path_bytes + bytes > P9_MAX_PATHS))
        *rc = -ENFILE;
    if (*rc) {
        g_free(path);
        return NULL;
    }
    struct p9_fid *f = g_new0(struct p9_fid, 1);
    f->id = id;
    f->uid = uid;
    f->path = path;
    f->fd = -1;
    f->refs = 1;
    p->path_bytes += bytes;
    g_hash_table_insert(p->fids, &f->id, f);
    return f;
}

/* An attribute that was written is set when its fid ends. */
static int set_xattr(struct p9 *p, struct p9_fid *f)
{
    if (f->xattr->len != f->xattr_size)
        return -EINVAL;
    if (!f->xattr_size)
        return fs_removexattr(p->fs, f->path, f->xattr_name);
    return fs_setxattr(p->fs, f->path, f->xattr_name, f->xattr->data, f->xattr->len, (int)f->flags);
}

int p9_fid_close(struct p9 *p, struct p9_fid *f)
{
    int rc = f->kind == FID_XATTR_NEW ? set_xattr(p, f) : 0;

    if (f->fd >= 0)
        close(f->fd);
    if (f->dir)
        closedir(f->dir);
    if (f->xattr)
        g_byte_array_unref(f->xattr);
    g_clear_pointer(&f->xattr_name, g_free);
    f->fd = -1;
    f->dir = NULL;
    f->xattr = NULL;
    f->kind = FID_PLAIN;
    return rc;
}

void p9_fid_unref(struct p9 *p, struct p9_fid *f)
{
    if (--f->refs)
        return;
    p9_fid_close(p, f);
    g_free(f->path);
    g_free(f);
}

int p9_fid_clunk(struct p9 *p, struct p9_fid *f)
{
    int rc = f->refs == 1 ? p9_fid_close(p, f) : 0;

    g_hash_table_remove(p->fids, &f->id);
    p->path_bytes -= strlen(f->path) + 1;
    p9_fid_unref(p, f);
    return rc;
}

void p9_fids_clear(struct p9 *p)
{
    GHashTableIter it;
    gpointer f;

    g_hash_table_iter_init(&it, p->fids);
    while (g_hash_table_iter_next(&it, NULL, &f)) {
        if (((struct p9_fid *)f)->kind == FID_XATTR_NEW) /* not finished */
            ((struct p9_fid *)f)->kind = FID_XATTR;
        g_hash_table_iter_remove(&it);
        p9_fid_unref(p, f);
    }
    p->path_bytes = 0;
}

char *p9_join(const char *dir, const char *name)
{
    return *dir ? g_strdup_printf("%s/%s", dir, name) : g_strdup(name);
}

void p9_fid_set_path(struct p9 *p, struct p9_fid *f, char *path)
{
    p->path_bytes += strlen(path);
    p->path_bytes -= strlen(f->path);
    g_free(f->path);
    f->path = path;
}

void p9_fids_moved(struct p9 *p, const char *from, const char *to)
{
    size_t n = strlen(from);
    GHashTableIter it;
    gpointer f;

    g_hash_table_iter_init(&it, p->fids);
    while (g_hash_table_iter_next(&it, NULL, &f)) {
        const char *path = ((struct p9_fid *)f)->path;
        if (n && !strncmp(path, from, n) && (!path[n] || path[n] == '/'))
            p9_fid_set_path(p, f, g_strconcat(to, path + n, NULL));
    }
}

/* What lopen may ask for: the protocol's flags are Linux's. */
static int host_flags(uint32_t flags)
{
    return (int)(flags & (O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC));
}

int p9_fid_open(struct p9 *p, struct p9_fid *f, uint32_t flags)
{
    struct stat st;
    int rc = fs_stat(p->fs, f->path, &st), fd;

    if (rc < 0)
        return rc;
    fd = S_ISDIR(st.st_mode) ? fs_opendir(p->fs, f->path)
                             : fs_open(p->fs, f->path, host_flags(flags));
    if (fd < 0)
        return fd;
    f->flags = flags;
    f->kind = S_ISDIR(st.st_mode) ? FID_DIR : FID_FILE;
    if (f->kind == FID_FILE) {
        f->fd = fd;
    } else if (!(f->dir = fdopendir(fd))) {
        close(fd);
        f->kind = FID_PLAIN;
        return -ENOMEM;
    }
    return 0;
}

/* ---- Saved state: msize, then per fid id, uid, kind, flags, path; attributes' bytes -------------
 */

void p9_fids_save(struct p9 *p)
{
    GHashTableIter it;
    gpointer at;

    g_byte_array_set_size(p->state, 0);
    p9_put(p->state, p->msize, 4);
    p9_put(p->state, g_hash_table_size(p->fids), 4);
    g_hash_table_iter_init(&it, p->fids);
    while (g_hash_table_iter_next(&it, NULL, &at)) {
        const struct p9_fid *f = at;
        p9_put(p->state, f->id, 4);
        p9_put(p->state, f->uid, 4);
        p9_put(p->state, f->kind, 1);
        p9_put(p->state, f->flags, 4);
        p9_put_string(p->state, f->path, strlen(f->path));
        if (f->kind < FID_XATTR)
            continue;
        p9_put_string(p->state, f->xattr_name ? f->xattr_name : "",
                      f->xattr_name ? strlen(f->xattr_name) : 0);
        p9_put(p->state, f->xattr_size, 4);
        p9_put(p->state, f->xattr->len, 4);
        g_byte_array_append(p->state, f->xattr->data, f->xattr->len);
    }
}

static bool path_ok(struct p9 *p, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    for (unsigned i = 0; parts[i]; i++)
        if (!fs_name_ok(p->fs, parts[i]))
            return false;
    return true;
}

static void load_xattr(struct p9_fid *f, struct p9_reader *in, unsigned kind)
{
    f->xattr_name = p9_get_string(in);
    f->xattr_size = MIN(p9_get32(in), P9_MAX_XATTR);
    uint32_t len = p9_get32(in);
    len = (uint32_t)MIN(len, MIN(in->left, f->xattr_size));
    f->xattr = g_byte_array_new();
    g_byte_array_append(f->xattr, in->p, len);
    in->p += len;
    in->left -= len;
    f->kind = (uint8_t)kind;
}

/* A file that cannot be opened again is one whose reads fail. */
static bool load_fid(struct p9 *p, struct p9_reader *in)
{
    uint32_t id = p9_get32(in), uid = p9_get32(in);
    unsigned kind = (unsigned)p9_get(in, 1);
    uint32_t flags = p9_get32(in);
    char *path = p9_get_string(in);
    int rc;

    if (in->bad || kind > FID_XATTR_NEW || (*path && !path_ok(p, path))) {
        g_free(path);
        return false;
    }
    struct p9_fid *f = p9_fid_new(p, id, path, uid, &rc);
    if (!f)
        return false;
    if (kind == FID_FILE || kind == FID_DIR)
        p9_fid_open(p, f, flags & ~(uint32_t)O_TRUNC);
    f->kind = (uint8_t)(kind < FID_XATTR ? kind : FID_PLAIN);
    f->flags = flags;
    if (kind >= FID_XATTR)
        load_xattr(f, in, kind);
    return true;
}

void p9_fids_load(struct p9 *p)
{
    struct p9_reader in = {p->state->data, p->state->len, false};

    p9_fids_clear(p);
    p->msize = CLAMP(p9_get32(&in), P9_MIN_MSIZE, P9_MAX_MSIZE);
    for (uint32_t n = p9_get32(&in); n && load_fid(p, &in); n--)
        continue;
    g_byte_array_set_size(p->state, 0);
}

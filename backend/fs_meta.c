/* SPDX-License-Identifier: MIT */
/*
 * Owner, mode, kind and device number of a file as the guest has set them, kept apart from the
 * host's:
 *
 *   mapped-xattr  user.virtfs.uid, .gid, .mode (le32), .rdev (le64) of the file
 *   mapped-file   .virtfs_metadata/NAME beside it, a line "virtfs.uid=0" for each; of the shared
 *                 folder itself .virtfs_metadata_root within it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "backend/fs.h"

struct meta {
    uint64_t value[4]; /* uid, gid, mode, rdev */
    unsigned which;    /* META_* */
};

static const char *const keys[] = {"uid", "gid", "mode", "rdev"};

/* ---- Extended attributes ----------------------------------------------------------------------
 */

static void xattr_path(const struct fs_spot *s, char *buf, size_t size)
{
    snprintf(buf, size, "/proc/self/fd/%d/%s", s->dir, s->name);
}

static void xattr_load(const struct fs_spot *s, struct meta *m)
{
    char path[320], name[32];

    xattr_path(s, path, sizeof(path));
    for (unsigned i = 0; i < 4; i++) {
        uint64_t v = 0;
        snprintf(name, sizeof(name), "user.virtfs.%s", keys[i]);
        if (lgetxattr(path, name, &v, i == 3 ? 8 : 4) <= 0)
            continue;
        m->value[i] = GUINT64_FROM_LE(v);
        m->which |= 1u << i;
    }
}

static int xattr_store(const struct fs_spot *s, const struct meta *m, unsigned which)
{
    char path[320], name[32];

    xattr_path(s, path, sizeof(path));
    for (unsigned i = 0; i < 4; i++) {
        uint64_t v = GUINT64_TO_LE(m->value[i]);
        snprintf(name, sizeof(name), "user.virtfs.%s", keys[i]);
        if ((which >> i & 1) && lsetxattr(path, name, &v, i == 3 ? 8 : 4, 0) < 0)
            return -1;
    }
    return 0;
}

/* ---- Files beside -----------------------------------------------------------------------------
 */

static int meta_folder(const struct fs_spot *s, bool make)
{
    if (make && mkdirat(s->dir, FS_META_FOLDER, 0700) < 0 && errno != EEXIST)
        return -1;
    return openat(s->dir, FS_META_FOLDER, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool is_root(const struct fs_spot *s)
{
    return !strcmp(s->name, ".");
}

static int meta_open(const struct fs_spot *s, int flags)
{
    int dir, fd;

    if (is_root(s))
        return openat(s->dir, FS_META_FOLDER "_root", flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                      0600);
    dir = meta_folder(s, flags & O_CREAT);
    if (dir < 0)
        return -1;
    fd = openat(dir, s->name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    close(dir);
    return fd;
}

static void file_load(const struct fs_spot *s, struct meta *m)
{
    char text[512];
    int fd = meta_open(s, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        close(fd);
    text[MAX(n, 0)] = 0;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned l = 0; lines[l]; l++)
        for (unsigned i = 0; i < 4; i++) {
            size_t k = strlen(keys[i]);
            if (strncmp(lines[l], "virtfs.", 7) || strncmp(lines[l] + 7, keys[i], k) ||
                lines[l][7 + k] != '=')
                continue;
            m->value[i] = strtoull(lines[l] + 7 + k + 1, NULL, 0);
            m->which |= 1u << i;
        }
}

static int file_store(const struct fs_spot *s, const struct meta *m)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int fd = meta_open(s, O_WRONLY | O_CREAT | O_TRUNC);

    if (fd < 0)
        return -1;
    for (unsigned i = 0; i < 4; i++)
        if (m->which >> i & 1)
            g_string_append_printf(text, "virtfs.%s=%" G_GUINT64_FORMAT "\n", keys[i], m->value[i]);
    bool ok = write(fd, text->str, text->len) == (ssize_t)text->len;
    close(fd);
    return ok ? 0 : -1;
}

/* ---- Both -------------------------------------------------------------------------------------
 */

static void load(struct fs *fs, const struct fs_spot *s, struct meta *m)
{
    if (fs->model == FS_MAPPED_FILE)
        file_load(s, m);
    else
        xattr_load(s, m);
}

void fs_meta_get(struct fs *fs, const struct fs_spot *s, struct stat *st)
{
    struct meta m = {.which = 0};

    if (!fs_mapped(fs))
        return;
    load(fs, s, &m);
    if (m.which & META_UID)
        st->st_uid = (uid_t)m.value[0];
    if (m.which & META_GID)
        st->st_gid = (gid_t)m.value[1];
    /* A folder is one, and nothing else is, whatever is written about it. */
    if ((m.which & META_MODE) && S_ISDIR(m.value[2]) == S_ISDIR(st->st_mode))
        st->st_mode = (mode_t)m.value[2];
    if (m.which & META_RDEV)
        st->st_rdev = m.value[3];
}

int fs_meta_set(struct fs *fs, const struct fs_spot *s, const struct fs_new *n, unsigned which)
{
    const uint64_t value[4] = {n->uid, n->gid, n->mode, n->rdev};
    struct meta m = {.which = 0};

    if (fs->model == FS_MAPPED_FILE)
        file_load(s, &m);
    for (unsigned i = 0; i < 4; i++)
        if (which >> i & 1)
            m.value[i] = value[i];
    m.which |= which;
    return fs->model == FS_MAPPED_FILE ? file_store(s, &m) : xattr_store(s, &m, which);
}

/* Of a folder that is about to go: its own list of metadata, if it is empty; else of a file that
 * has gone. */
void fs_meta_unlink(struct fs *fs, const struct fs_spot *s, bool folder)
{
    int dir;

    if (fs->model != FS_MAPPED_FILE)
        return;
    if (folder)
        dir = openat(s->dir, s->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    else
        dir = meta_folder(s, false);
    if (dir < 0)
        return;
    unlinkat(dir, folder ? FS_META_FOLDER : s->name, folder ? AT_REMOVEDIR : 0);
    close(dir);
}

static void with_both(struct fs *fs, const struct fs_spot *from, const struct fs_spot *to,
                      bool link)
{
    int a, b;

    if (fs->model != FS_MAPPED_FILE)
        return;
    a = meta_folder(from, false);
    b = a < 0 ? -1 : meta_folder(to, true);
    if (b >= 0) {
        if (link || (renameat(a, from->name, b, to->name) < 0 && errno == ENOENT))
            unlinkat(b, to->name, 0);
        if (link)
            linkat(a, from->name, b, to->name, 0);
        close(b);
    }
    if (a >= 0)
        close(a);
}

void fs_meta_rename(struct fs *fs, const struct fs_spot *from, const struct fs_spot *to)
{
    with_both(fs, from, to, false);
}

void fs_meta_link(struct fs *fs, const struct fs_spot *from, const struct fs_spot *to)
{
    with_both(fs, from, to, true);
}

/* SPDX-License-Identifier: MIT */
/*
 * A folder of the host that a guest may use: -object fsdev-local, which -fsdev local and -virtfs
 * make.
 *
 *   fs.c       files and folders, by path
 *   fs_meta.c  owner, mode and kind as the guest set them, for the mapped security models
 *
 * Paths are relative to the folder, without "." and ".." ("" is the folder itself). No path ever
 * leaves it: folders on the way are opened by the kernel beneath the root and without following
 * a symbolic link, whatever somebody renames or links meanwhile, and the last component is never
 * followed. All functions give -errno on failure; they may wait for the disk.
 */
#ifndef BACKEND_FS_H
#define BACKEND_FS_H

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>

#include "core/object.h"

extern const struct object_type fsdev_local_type;

enum fs_model {
    FS_PASSTHROUGH,  /* what the guest sets is the host's; we must be allowed to */
    FS_NONE,         /* the same, but it need not succeed */
    FS_MAPPED_XATTR, /* in extended attributes; the host's are the emulator's own */
    FS_MAPPED_FILE,  /* in files beside it */
};

struct fs {
    struct object o;
    char *path;
    int model; /* enum fs_model */
    bool read_only;
    uint32_t fmode, dmode; /* of new files and folders, where mapped */
    int root;              /* fd */
};

/* Where something is: an open folder and a name in it. */
struct fs_spot {
    int dir;
    char name[256];
};
int fs_spot(struct fs *fs, const char *path, struct fs_spot *s);
void fs_spot_end(struct fs_spot *s);

static inline bool fs_mapped(const struct fs *fs)
{
    return fs->model >= FS_MAPPED_XATTR;
}

/* May a guest have a file of that name? */
bool fs_name_ok(const struct fs *fs, const char *name);

int fs_stat(struct fs *fs, const char *path, struct stat *st);
/* The same of what was opened from that path; a file that was unlinked has no path. */
int fs_fstat(struct fs *fs, const char *path, int fd, struct stat *st);
int fs_statfs(struct fs *fs, struct statfs *st);
/* A regular file; flags are the host's O_*. -ENXIO: it is none. Returns the fd. */
int fs_open(struct fs *fs, const char *path, int flags);
int fs_opendir(struct fs *fs, const char *path);
struct fs_new {
    mode_t mode; /* with its kind */
    uid_t uid;
    gid_t gid;
    dev_t rdev;
};
int fs_create(struct fs *fs, const char *dir, const char *name, int flags, const struct fs_new *n);
int fs_mkdir(struct fs *fs, const char *dir, const char *name, const struct fs_new *n);
int fs_mknod(struct fs *fs, const char *dir, const char *name, const struct fs_new *n);
int fs_symlink(struct fs *fs, const char *dir, const char *name, const char *target,
               const struct fs_new *n);
int fs_link(struct fs *fs, const char *path, const char *dir, const char *name);
int fs_rename(struct fs *fs, const char *from, const char *dir, const char *name);
int fs_unlink(struct fs *fs, const char *dir, const char *name, bool folder);
/* Length of the target, at most size. */
int fs_readlink(struct fs *fs, const char *path, char *buf, size_t size);
int fs_chmod(struct fs *fs, const char *path, mode_t mode);
int fs_chown(struct fs *fs, const char *path, uid_t uid, gid_t gid); /* -1: as it is */
int fs_truncate(struct fs *fs, const char *path, uint64_t size);
int fs_utimens(struct fs *fs, const char *path, const struct timespec t[2]);

ssize_t fs_getxattr(struct fs *fs, const char *path, const char *name, void *buf, size_t size);
ssize_t fs_listxattr(struct fs *fs, const char *path, void *buf, size_t size);
int fs_setxattr(struct fs *fs, const char *path, const char *name, const void *buf, size_t size,
                int flags);
int fs_removexattr(struct fs *fs, const char *path, const char *name);

/* fs_meta.c: lay what the guest set over what the host says. */
void fs_meta_get(struct fs *fs, const struct fs_spot *s, struct stat *st);
enum { META_UID = 1, META_GID = 2, META_MODE = 4, META_RDEV = 8, META_ALL = 15 };
int fs_meta_set(struct fs *fs, const struct fs_spot *s, const struct fs_new *n, unsigned which);
void fs_meta_unlink(struct fs *fs, const struct fs_spot *s, bool folder);
void fs_meta_rename(struct fs *fs, const struct fs_spot *from, const struct fs_spot *to);
void fs_meta_link(struct fs *fs, const struct fs_spot *from, const struct fs_spot *to);
#define FS_META_FOLDER ".virtfs_metadata"

#endif

/* SPDX-License-Identifier: MIT */
/*
 * virtio-9p: a folder of the host in the guest.
 *
 *   p9.c       the device: requests, replies, the threads that read and write
 *   p9_wire.h  the bytes of messages
 *   p9_ops.c   the messages of 9P2000.L;  p9_attr.c  those about attributes
 *   p9_fid.c   fids: what the guest has names for
 *
 * All but reading, writing and fsync of files happens at once, under the machine lock.
 */
#ifndef HW_VIRTIO_P9_H
#define HW_VIRTIO_P9_H

#include <dirent.h>

#include "backend/fs.h"
#include "hw/virtio/p9_wire.h"
#include "hw/virtio/virtio.h"

#define P9_MAX_FIDS  (1u << 17)
#define P9_MAX_PATHS (64u << 20) /* bytes of all their paths */
#define P9_MAX_PATH  4096
#define P9_MAX_XATTR 65536
#define P9_MAX_MSIZE (1u << 20)
#define P9_MIN_MSIZE 4096
#define P9_STATE_MAX (256u << 20)

enum p9_kind { FID_PLAIN, FID_FILE, FID_DIR, FID_XATTR, FID_XATTR_NEW };

struct p9_fid {
    uint32_t id, uid;
    char *path;
    uint8_t kind;   /* enum p9_kind: what it is opened as */
    uint32_t flags; /* FILE: of lopen; XATTR_NEW: of setxattr */
    int fd;         /* FILE */
    DIR *dir;
    GByteArray *xattr; /* XATTR, XATTR_NEW */
    char *xattr_name;
    uint32_t xattr_size;
    unsigned refs;
};

struct p9_request {
    struct virtq_elem e;
    uint16_t tag;
    uint8_t type;
    /* what a thread does */
    struct p9 *p9;
    struct p9_fid *fid;
    struct iovec *iov;
    unsigned niov;
    uint64_t off;
    ssize_t result; /* -errno */
    GList job;
    /* Tflush: the request it waits for */
    uint16_t old_tag;
};

struct p9 {
    struct virtio_device v;
    char *fsdev, *tag;

    struct fs *fs;
    uint32_t msize;
    GHashTable *fids; /* uint32_t in the struct -> struct p9_fid * */
    size_t path_bytes;
    GByteArray *state;

    GThreadPool *pool;
    GMutex mutex; /* for: */
    GCond idle;
    GQueue done; /* struct p9_request *: by job */
    unsigned running;
    GList *jobs;    /* struct p9_request *: under way; machine lock */
    GList *flushes; /* struct p9_request *: Tflush that wait for one */
    GSource *source;
};

extern const struct virtio_type virtio_9p_type;

enum { P9_LATER = 1 }; /* a reply follows */

/* p9.c: start a read, write or fsync. */
int p9_start_job(struct p9 *p, struct p9_request *r, struct p9_fid *f);

/* p9_ops.c: the reply's fields into w. 0, -errno or P9_LATER. */
int p9_dispatch(struct p9 *p, struct p9_request *r, struct p9_reader *in, GByteArray *w);

/* p9_attr.c */
int p9_getattr(struct p9 *p, struct p9_reader *in, GByteArray *w);
int p9_setattr(struct p9 *p, struct p9_reader *in, GByteArray *w);
int p9_statfs(struct p9 *p, struct p9_reader *in, GByteArray *w);
int p9_xattrwalk(struct p9 *p, struct p9_reader *in, GByteArray *w);
int p9_xattrcreate(struct p9 *p, struct p9_reader *in, GByteArray *w);
void p9_put_qid(struct p9 *p, GByteArray *w, const struct stat *st);

/* p9_fid.c */
struct p9_fid *p9_fid_find(struct p9 *p, uint32_t id);
/* A new one; NULL with *rc: the number is taken, or there are too many. Takes path over. */
struct p9_fid *p9_fid_new(struct p9 *p, uint32_t id, char *path, uint32_t uid, int *rc);
/* Close what it has open. -errno when that told of an error. */
int p9_fid_close(struct p9 *p, struct p9_fid *f);
int p9_fid_clunk(struct p9 *p, struct p9_fid *f);
void p9_fid_unref(struct p9 *p, struct p9_fid *f);
void p9_fids_clear(struct p9 *p);
void p9_fid_set_path(struct p9 *p, struct p9_fid *f, char *path);
/* What was at `from`, and beneath, is at `to` now. */
void p9_fids_moved(struct p9 *p, const char *from, const char *to);
int p9_fid_open(struct p9 *p, struct p9_fid *f, uint32_t flags);
char *p9_join(const char *dir, const char *name);
void p9_fids_save(struct p9 *p);
void p9_fids_load(struct p9 *p);

#endif

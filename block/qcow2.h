/* SPDX-License-Identifier: MIT */
/*
 * qcow2, versions 2 and 3 (QEMU's docs/interop/qcow2.txt). Shared by the qcow2_*.c files.
 *
 * Everything about tables happens under q->lock, a coroutine mutex; the data of a request moves
 * without it. Tables are changed in memory and written by qcow2_meta_write() in an order that
 * leaves, wherever it is cut off, an image without a reference to a cluster that is not counted:
 *
 *   refcount blocks | refcount table | L2 tables | L1 table | then what is freed: refcounts again
 *
 * with a flush of the host's cache at each bar where both sides have something to write. So what
 * can be left over is clusters that are counted and not used (leaks). With lazy refcounts the
 * first two wait until the image is closed; a dirty bit in the header says so, and opening the
 * image after a crash counts anew (qcow2_check.c).
 *
 * The image is hostile: every offset, size and index is checked before it is used.
 */
#ifndef BLOCK_QCOW2_H
#define BLOCK_QCOW2_H

#include "block/node.h"
#include "util/coroutine.h"

#define QCOW2_MAGIC 0x514649fbu

enum { /* header, byte offsets */
    QH_MAGIC = 0, QH_VERSION = 4, QH_BACKING_OFF = 8, QH_BACKING_SIZE = 16, QH_CLUSTER_BITS = 20,
    QH_SIZE = 24, QH_CRYPT = 32, QH_L1_SIZE = 36, QH_L1_OFF = 40, QH_RT_OFF = 48,
    QH_RT_CLUSTERS = 56, QH_SNAPSHOTS = 60, QH_SNAPSHOTS_OFF = 64, QH_V2_LENGTH = 72,
    QH_INCOMPATIBLE = 72, QH_COMPATIBLE = 80, QH_AUTOCLEAR = 88, QH_REFCOUNT_ORDER = 96,
    QH_LENGTH = 100, QH_V3_LENGTH = 104, QH_COMPRESSION = 104,
};
enum { /* incompatible features */
    QI_DIRTY = 1, QI_CORRUPT = 2, QI_DATA_FILE = 4, QI_COMPRESSION = 8, QI_EXTENDED_L2 = 16,
    QC_LAZY = 1, /* compatible feature: lazy refcounts */
};
enum { QX_END = 0, QX_BACKING_FORMAT = 0xe2792aca, QX_FEATURES = 0x6803f857,
       QX_BITMAPS = 0x23852875, QX_LUKS = 0x0537be77, QX_DATA_FILE = 0x44415441 };

#define QE_COPIED     (1ull << 63) /* refcount is exactly one */
#define QE_COMPRESSED (1ull << 62)
#define QE_ZERO       1ull
#define QE_OFFSET     0x00fffffffffffe00ull

#define QCOW2_MAX_L1        (32u << 20) /* bytes */
#define QCOW2_MAX_RT        (8u << 20)
#define QCOW2_MAX_SNAPSHOTS 65536
#define QCOW2_CACHE         (32u << 20) /* bytes of L2 tables kept; a quarter of it refcounts */

/* Tables of one cluster each, by offset in the file; the least recently used goes. */
struct qcow2_table {
    uint64_t off; /* 0: empty */
    uint64_t used;
    bool dirty;
    uint8_t *data; /* big-endian, as in the file */
};
struct qcow2_cache {
    struct qcow2_table *t;
    unsigned n, dirty;
    uint64_t clock;
    GHashTable *by_off;
};

/* Clusters whose reference has gone from the tables in memory, but not yet from the file. */
struct qcow2_free {
    uint64_t first, n; /* clusters */
    bool discard;
};

/* A write that has clusters and no L2 entries yet: the guest's range it is about. */
struct qcow2_pending {
    uint64_t start, end;
    struct co_queue waiting;
};

struct qcow2_snapshot {
    char *id, *name;
    uint64_t l1_off, vm_clock, vm_state_size, disk_size, icount;
    uint32_t l1_size, date_sec, date_nsec;
    GByteArray *extra; /* what else is known about it, kept as it is */
};

struct qcow2 {
    struct node *node, *file;
    struct co_mutex lock;
    unsigned version, cluster_bits, l2_bits, refcount_order, block_bits;
    uint64_t cluster_size;
    bool zstd;
    uint64_t incompatible, compatible, autoclear;
    char *backing_name, *backing_format;
    bool has_bitmaps;

    uint64_t l1_off;
    uint32_t l1_size;    /* entries */
    uint64_t *l1;        /* host order */
    uint32_t l1_dirty_lo, l1_dirty_hi;
    uint64_t rt_off;
    uint32_t rt_size;    /* entries */
    uint64_t *rt;        /* host order */
    uint32_t rt_dirty_lo, rt_dirty_hi;
    uint64_t snapshots_off, snapshots_bytes;
    struct qcow2_snapshot *snapshots;
    unsigned nsnapshots;
    uint64_t *vm_l1; /* of the snapshot whose machine state is being read, or NULL */
    uint32_t vm_l1_size;
    char *vm_l1_id;

    struct qcow2_cache l2, rc;
    uint64_t free_hint;  /* no free cluster below */
    uint64_t fresh_from; /* clusters from here on were never written: they read as zeros */
    bool lazy, dirty;    /* lazy refcounts are on; the dirty bit is in the file */
    bool corrupt;        /* found now: no more writes */
    bool copied_data;    /* data was copied since the last flush: L2 tables come after it */
    GArray *frees;       /* struct qcow2_free */
    GQueue pending;      /* struct qcow2_pending * */
    /* Transfers on clusters that could be freed meanwhile, in two generations. */
    unsigned moving[2], generation;
    struct co_queue moved;

    void *inflated;      /* the last decompressed cluster */
    uint64_t inflated_entry; /* its L2 entry; 0: none */
};

static inline uint64_t qcow2_entry(const uint8_t *table, uint64_t i)
{
    uint64_t v;

    __builtin_memcpy(&v, table + i * 8, 8);
    return __builtin_bswap64(v);
}
static inline void qcow2_set_entry(uint8_t *table, uint64_t i, uint64_t v)
{
    v = __builtin_bswap64(v);
    __builtin_memcpy(table + i * 8, &v, 8);
}

/* qcow2.c. All of these are for coroutines. */
int qcow2_set_dirty(struct qcow2 *q, bool dirty);
/* The image contradicts itself: say so, set the corrupt bit, refuse writes. Returns -EIO. */
int qcow2_corrupt(struct qcow2 *q, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* [off, off + len) would overwrite the header, a table that is always in memory, snapshots. */
bool qcow2_hits_metadata(const struct qcow2 *q, uint64_t off, uint64_t len);

/* qcow2_cache.c. A table stays valid until the next get of the same cache. */
void qcow2_cache_init(struct qcow2_cache *c, unsigned n);
void qcow2_cache_fini(struct qcow2_cache *c);
/* fill: read it from the file; else zeros. 0 or -errno. */
int qcow2_cache_get(struct qcow2 *q, struct qcow2_cache *c, uint64_t off, bool fill,
                    struct qcow2_table **out);
void qcow2_cache_dirty(struct qcow2_cache *c, struct qcow2_table *t);
/* The cluster is no table any more. */
void qcow2_cache_forget(struct qcow2_cache *c, uint64_t off);
int qcow2_cache_write(struct qcow2 *q, struct qcow2_cache *c);
/* Write everything in order. refcounts: also with lazy refcounts. Under the lock. */
int qcow2_meta_write(struct qcow2 *q, bool refcounts);

/* qcow2_refcount.c */
int qcow2_get_refcount(struct qcow2 *q, uint64_t cluster, uint64_t *out);
int qcow2_set_refcount(struct qcow2 *q, uint64_t cluster, uint64_t value);
/* First of at most *n clusters in a row; *n becomes how many. Counted once each. fresh: they read
 * as zeros. */
int qcow2_alloc(struct qcow2 *q, uint64_t *n, uint64_t *cluster, bool *fresh);
/* Never referenced: free at once. */
void qcow2_unalloc(struct qcow2 *q, uint64_t cluster, uint64_t n);
/* Their reference goes with the next writing of tables; then they are free. */
void qcow2_free_later(struct qcow2 *q, uint64_t cluster, uint64_t n, bool discard);
int qcow2_apply_frees(struct qcow2 *q);

/* qcow2_map.c: what a cluster is. */
enum qcow2_kind { QK_NONE, QK_ZERO, QK_DATA, QK_COMPRESSED };
enum qcow2_kind qcow2_kind(const struct qcow2 *q, uint64_t entry);
/* The table that maps guest offset off; NULL in *out when there is none and alloc is false. With
 * alloc it may be changed. */
int qcow2_get_l2(struct qcow2 *q, uint64_t off, bool alloc, struct qcow2_table **out);
int qcow2_check_data(struct qcow2 *q, uint64_t entry); /* 0, or the entry is nonsense */
void qcow2_free_entry(struct qcow2 *q, uint64_t entry, bool discard);
static inline uint64_t qcow2_l2_index(const struct qcow2 *q, uint64_t off)
{
    return off >> q->cluster_bits & ((1u << q->l2_bits) - 1);
}
/* The bytes of a compressed cluster in the file. */
void qcow2_compressed_range(const struct qcow2 *q, uint64_t entry, uint64_t *off, uint64_t *len);

/* qcow2_read.c, qcow2_write.c */
int qcow2_read(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov);
int qcow2_write(struct node *n, uint64_t off, uint64_t len, const struct iovec *iov, unsigned niov);
int qcow2_discard(struct node *n, uint64_t off, uint64_t len);
int qcow2_zero(struct node *n, uint64_t off, uint64_t len, unsigned flags);
/* Between these two a transfer may use a cluster without the lock. */
unsigned qcow2_move_begin(struct qcow2 *q);
void qcow2_move_end(struct qcow2 *q, unsigned generation);
void qcow2_wait_moves(struct qcow2 *q);

/* qcow2_check.c: count all references anew, under the lock or before anybody else is there. */
int qcow2_rebuild_refcounts(struct qcow2 *q, GError **err);

/* qcow2_snapshot.c */
bool qcow2_read_snapshots(struct qcow2 *q, uint32_t n, GError **err);
void qcow2_free_snapshots(struct qcow2 *q);
void qcow2_snapshot_clear(struct qcow2_snapshot *s);
/* Write a table of these n entries and have the header name it; they are the image's then. */
int qcow2_write_snapshots(struct qcow2 *q, struct qcow2_snapshot *s, unsigned n);

/* qcow2_share.c: L1 tables and what hangs from them, for snapshots. Under the lock. */
/* n clusters in a row. */
int qcow2_alloc_row(struct qcow2 *q, uint64_t n, uint64_t *cluster);
/* One more, or one less, reference to every cluster that the table leads to. What has none any
 * more is free at once: nothing in the file refers to it. */
int qcow2_share_l1(struct qcow2 *q, const uint64_t *l1, uint32_t n, int delta);
/* COPIED of all entries of the active tables follows the counts. */
int qcow2_fix_copied(struct qcow2 *q);
int qcow2_grow_l1(struct qcow2 *q, uint64_t entries);
int qcow2_load_l1(struct qcow2 *q, const struct qcow2_snapshot *s, uint64_t **out);

/* qcow2_action.c: create, apply, delete; the machine's state behind the disk. */
extern const struct snapshot_ops qcow2_snapshots;

#endif

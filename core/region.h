/* SPDX-License-Identifier: MIT */
/*
 * Regions and address spaces: who answers at which guest address.
 *
 *   struct region         I/O callbacks, RAM/ROM (a window on a ram_block), or a container
 *   struct address_space  a root container and its flat view, told to listeners on change
 *
 * Regions overlap by priority (VGA window over RAM, PAM, BARs over everything); of equal
 * priorities the one added last wins. Two regions may show one ram_block at different
 * offsets, so there is no alias kind.
 *
 * Threads: the tree is changed, and I/O callbacks run, under the machine lock. as_ptr(),
 * as_lookup() and RAM accesses may come from any vCPU thread without it: they read the
 * published flat view. A change publishes a new view, then tells the listeners. The old view
 * is retired, not freed: address_space.retire tells the owner, which calls as_reclaim() once
 * every vCPU thread has been out of guest mode (so no commit() has to wait for anybody).
 * What lock-free readers need of a RAM section is copied into it; section.region may be
 * followed only under the machine lock.
 */
#ifndef CORE_REGION_H
#define CORE_REGION_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct doorbell;

/* ---- RAM ---------------------------------------------------------------------------- */

#define RAM_PAGE_BITS 12
#define RAM_PAGE_SIZE (1u << RAM_PAGE_BITS)

/* One byte per page, changed with atomic or/and. A set bit sends stores to the slow path. */
enum {
    RAM_CODE = 1,  /* a software CPU has decoded instructions from this page */
    RAM_CLEAN = 2, /* dirty logging is on for this page and it was not written since */
};

/* Who takes the dirty log of a block. Each learns of every store, whoever else took the log
 * meanwhile. */
enum dirty_user { DIRTY_DISPLAY, DIRTY_MIGRATION, DIRTY_HISTORY, DIRTY_USERS };

struct ram_block {
    char *name;
    uint8_t *host;     /* page aligned */
    int fd;            /* the memory file that `host` maps from its beginning, or -1 */
    uint64_t size;     /* bytes, multiple of 4 KiB */
    uint8_t *flags;    /* size / 4 KiB bytes of RAM_* */
    uint32_t index;    /* position in the machine's list: stable name in saved state */
    bool alias;        /* `host` is another block's */
    bool from_file;    /* `host` is a private view of a file: ram_block_map_file() */
    /* Told when [off, off+len) with RAM_CODE set is about to be (or was) written by anyone but
     * the vCPU whose own store it is: DMA, the monitor, another vCPU. Any thread. May be NULL. */
    void (*code_written)(void *arg, struct ram_block *ram, uint64_t off, uint64_t len);
    void *code_arg;
    /* Somebody reads this block with as_take_dirty(): an accelerator whose hardware writes
     * pages without looking at their flags keeps a log of it. Set before it is mapped. */
    bool log_dirty;
    /* Told when a page loses RAM_CLEAN: something new to take. Any thread. May be NULL. */
    void (*dirtied)(void *arg);
    void *dirtied_arg;
    /* A bit per page: dirty for that user, and clean in `flags` because another one took it. NULL:
     * there is no other user. Under the machine lock. */
    uint64_t *missed[DIRTY_USERS];
};

/* Allocate `size` bytes (rounded up to a page) of zeroed, lazily touched memory. */
struct ram_block *ram_block_new(const char *name, uint64_t size, GError **err);
/* The memory of another block, with flags of its own: for an address space in which stores are to
 * be told apart from those in the other's. Whoever stores tells the blocks that should know. Freed
 * first. */
struct ram_block *ram_block_alias(const struct ram_block *of, GError **err);
void ram_block_free(struct ram_block *ram);

static inline uint8_t ram_page_flags(const struct ram_block *ram, uint64_t off)
{
    return __atomic_load_n(&ram->flags[off >> RAM_PAGE_BITS], __ATOMIC_ACQUIRE);
}
/* To be called around any store to RAM that does not go through as_write()/as_ptr(): clears
 * RAM_CLEAN and reports code. as_ptr(..., write=true) does it itself. */
void ram_note_write(struct ram_block *ram, uint64_t off, uint64_t len);
/* All of it reads as zeros, at no cost. Nobody executes from it or writes to it meanwhile. */
void ram_block_clear(struct ram_block *ram);
/* The block shows [off, off + size) of the file from now on; pages are read when they are first
 * touched, and stores stay with us. The file must keep its length and contents. off is a multiple
 * of the page size. Nobody uses the block meanwhile. */
bool ram_block_map_file(struct ram_block *ram, int fd, uint64_t off, GError **err);

/* ---- Regions ------------------------------------------------------------------------ */

/*
 * A device sees an offset into its region, a value and a width, nothing else. `size` is 1, 2,
 * 4 or 8 and lies in [min, max] (defaults 1 and 4 where 0 is given); the core splits wider
 * accesses, widens narrower ones when min > size (read: take the lane; write: read-modify is
 * NOT done, the value is shifted into its lane), and never lets an access leave the region.
 * A missing read gives all ones; a missing write is dropped.
 */
struct region_ops {
    uint64_t (*read)(void *dev, uint64_t off, unsigned size);
    void (*write)(void *dev, uint64_t off, uint64_t val, unsigned size);
    uint8_t min, max;
};

enum region_kind { REGION_CONTAINER, REGION_IO, REGION_RAM };

struct region {
    const char *name; /* static or owned by the embedding device */
    enum region_kind kind;
    uint64_t size; /* bytes; UINT64_MAX means 2^64 */
    const struct region_ops *ops;
    void *dev;
    struct ram_block *ram;
    uint64_t ram_offset;
    bool readonly; /* RAM kind: stores go to ops->write if given, else are dropped (ROM, flash) */
    bool enabled;
    /* A device whose callback ends up in its own region again (a DMA or MSI address that
     * points back at it) gets all ones; set this for a region that expects it. */
    bool reentrant;
    uint8_t depth; /* callbacks of this region that are running */
    struct doorbell *doorbells; /* core/notifier.h: writes that go elsewhere */
    /* tree */
    struct region *parent;
    uint64_t addr; /* offset in the parent */
    int priority;
    GPtrArray *children;         /* container: struct region *, highest priority first */
    struct address_space *space; /* root only */
};

/* Initialise a region embedded in a device. It starts enabled and without a parent.
 * region_fini() removes it from its parent first. */
void region_init_container(struct region *r, const char *name, uint64_t size);
void region_init_io(struct region *r, const char *name, const struct region_ops *ops, void *dev,
                    uint64_t size);
void region_init_ram(struct region *r, const char *name, struct ram_block *ram, uint64_t ram_offset,
                     uint64_t size, bool readonly);
void region_fini(struct region *r);

void region_add(struct region *parent, uint64_t addr, struct region *child, int priority);
void region_del(struct region *child); /* no-op without a parent */
void region_set_enabled(struct region *r, bool enabled);
void region_set_addr(struct region *r, uint64_t addr);
void region_set_readonly(struct region *r, bool readonly);
void region_set_ram(struct region *r, struct ram_block *ram, uint64_t ram_offset);

/* ---- Address spaces ----------------------------------------------------------------- */

/* One piece of the flat view: guest [base, base+size) shows `region` from `offset` on. */
struct region_section {
    uint64_t base;
    uint64_t size;
    struct region *region;
    uint64_t offset; /* into the region */
    struct ram_block *ram; /* RAM kind, else NULL */
    uint64_t ram_offset;   /* of `base` in the block */
    bool readonly;
};

/* Accelerators learn of the map through this. begin, then del/add per difference, then commit.
 * A section that only moved or changed its read-only bit is a del and an add. */
struct region_listener {
    void (*begin)(struct region_listener *l);
    void (*del)(struct region_listener *l, const struct region_section *s);
    void (*add)(struct region_listener *l, const struct region_section *s);
    void (*commit)(struct region_listener *l);
    /* Fetch the dirty log of a RAM section into its flags (clear RAM_CLEAN on written pages). */
    void (*sync_dirty)(struct region_listener *l, const struct region_section *s);
    /* RAM_CLEAN was set on pages of this range: on return no vCPU stores into them any more
     * without looking at their flags. */
    void (*watch_dirty)(struct region_listener *l, struct ram_block *ram, uint64_t off,
                        uint64_t len);
    /* ram_block.log_dirty of this section's block has changed. NULL: stores are always seen. */
    void (*log_changed)(struct region_listener *l, const struct region_section *s);
    /* A region that is in the view already has a doorbell more or less; it is at gpa. Those of a
     * section that add() tells of are in its region.doorbells; del() ends all within. May be
     * NULL. */
    void (*doorbell)(struct region_listener *l, uint64_t gpa, struct doorbell *d, bool on);
};

struct flat_view {
    unsigned n;
    struct region_section s[]; /* ascending, not overlapping */
};

struct address_space {
    const char *name;
    struct region *root;
    struct flat_view *view; /* published with release, read with acquire */
    GPtrArray *listeners;
    unsigned batch; /* as_begin() depth */
    bool stale;
    uint64_t generation; /* +1 for each published view */
    GPtrArray *retired;  /* replaced views that a vCPU thread may still be reading */
    void (*retire)(void *arg); /* a view was put there; may be NULL */
    void *retire_arg;
    /* Called for accesses nobody answers, for -d unimp style logging. May be NULL. */
    void (*unassigned)(void *arg, uint64_t addr, unsigned size, bool write, uint64_t val);
    void *unassigned_arg;
};

void as_init(struct address_space *as, const char *name, struct region *root);
void as_fini(struct address_space *as);
/* Several changes, one new view. Nestable. */
void as_begin(struct address_space *as);
void as_commit(struct address_space *as);
/* The listener is told the present view at once; del of everything on removal. */
void as_add_listener(struct address_space *as, struct region_listener *l);
void as_del_listener(struct address_space *as, struct region_listener *l);

/* Free views retired so far. Caller: nobody can still be reading one (all vCPU threads were out
 * of guest mode since they were retired). as_take_retired() and g_ptr_array_unref() do it in
 * two steps, with the grace period between them. */
void as_reclaim(struct address_space *as);
GPtrArray *as_take_retired(struct address_space *as);

/* The section that holds addr, or NULL. */
const struct region_section *as_lookup(struct address_space *as, uint64_t addr);

/* Host pointer to guest-physical [gpa, gpa+len), or NULL unless all of it is one piece of RAM
 * (for write: writable RAM). With write, dirty bits are set and translated code dropped for
 * the range. Any thread; valid until the map changes. */
void *as_ptr(struct address_space *as, uint64_t gpa, uint64_t len, bool write);

/* Which pages of [off, off + len) of the block were written since this user's last call: dirty[n]
 * tells of the n-th page that the range touches. Everything that was stored before the call is in
 * memory on return, and later stores count for the next call. True if there is any. Machine lock
 * held, not on a vCPU's thread. */
bool as_take_dirty_for(struct address_space *as, enum dirty_user user, struct ram_block *ram,
                       uint64_t off, uint64_t len, bool *dirty);
static inline bool as_take_dirty(struct address_space *as, struct ram_block *ram, uint64_t off,
                                 uint64_t len, bool *dirty)
{
    return as_take_dirty_for(as, DIRTY_DISPLAY, ram, off, len, dirty);
}
/* DIRTY_MIGRATION begins to watch the block, every page of which counts as written, or ends.
 * Machine lock held, not on a vCPU's thread. */
void as_watch_all(struct address_space *as, struct ram_block *ram);
void as_watch_none(struct address_space *as, struct ram_block *ram);
/* Does every store set ram_block.dirtied off, or must the log of an accelerator be asked for? */
bool as_dirty_needs_polling(const struct address_space *as);

/* Any mixture of RAM and I/O, any length and alignment. If any I/O is met the machine lock
 * must be held (RAM-only accesses need no lock). False if part of it was answered by nobody
 * (those bytes read as 0xff). Aligned accesses of 1, 2, 4, 8 bytes are single accesses. */
bool as_read(struct address_space *as, uint64_t gpa, void *buf, uint64_t len);
bool as_write(struct address_space *as, uint64_t gpa, const void *buf, uint64_t len);

/* Perform one access on an I/O section found by as_lookup (size 1, 2, 4, 8; may end outside
 * the section, in which case it is split). The machine lock is held. */
uint64_t as_io_read(struct address_space *as, uint64_t gpa, unsigned size);
void as_io_write(struct address_space *as, uint64_t gpa, uint64_t val, unsigned size);

/* "info mtree": tree and flat view as text. */
void as_describe(struct address_space *as, GString *out);

/* Where a doorbell of the section's region is, if it lies within the section. Lock held. */
bool section_has_doorbell(const struct region_section *s, const struct doorbell *d, uint64_t *gpa);
/* For core/doorbell.c: tell the listeners. */
void region_tell_doorbell(struct region *r, struct doorbell *d, bool on);

/* ---- Little-endian helpers for devices: as_ld16(as, gpa) ... ------------------------- */
#define AS_ACCESSOR(bits)                                                                          \
    static inline uint##bits##_t as_ld##bits(struct address_space *as, uint64_t gpa)               \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        as_read(as, gpa, &v, sizeof(v));                                                           \
        return v;                                                                                  \
    }                                                                                              \
    static inline void as_st##bits(struct address_space *as, uint64_t gpa, uint##bits##_t v)       \
    {                                                                                              \
        as_write(as, gpa, &v, sizeof(v));                                                          \
    }
AS_ACCESSOR(8)
AS_ACCESSOR(16)
AS_ACCESSOR(32)
AS_ACCESSOR(64)
#undef AS_ACCESSOR

#endif

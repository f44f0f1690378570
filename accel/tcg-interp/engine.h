/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's engine: what a vCPU of tcg-interp consists of. See docs/cpu.md.
 *
 * Guest instructions are decoded once into blocks of 16-byte ops in the vCPU's private arena:
 *
 *     struct block      | op | op | edge | op | insn ... | op | edge |  side table
 *     (header, key)      ^op[0]                                         {len, slots} per insn
 *
 *     op     | fn 4 | d s b x | disp 4 | imm 4 |    fn: handler, relative to tcg_base
 *     edge   | key 8          | to 4   | n 4   |    where a branch goes (struct edge)
 *     far    | imm64 8        | ...            |    other extension words follow their op
 *     generic| op | exec 8, attr 4, - | struct x86_insn (48 bytes) |
 *
 * An op holds no RIP and no length. c->page_rip is the IP of the start of the code page; the
 * IP of an instruction is page_rip plus the offset of the block plus the lengths before it,
 * found through the side table when somebody needs it: a fault, or the slow path.
 *
 * A handler must be restartable: everything that can fail comes before the first commit. On
 * anything but the plain case (TLB miss, page crossing, I/O, a store to a page with code) it
 * tail-calls h_slow_*, which fills the TLB and dispatches the same op again, or decodes the
 * instruction afresh, runs its generic operation, and goes on with the next instruction.
 *
 * Instructions are counted on the way into a block: the budget goes down by all of the
 * block's instructions, and whoever leaves early gives the rest back. At a budget below zero
 * the loop in run.c looks at everything else: interrupts, kicks, requests of other threads.
 */
#ifndef ACCEL_TCG_INTERP_ENGINE_H
#define ACCEL_TCG_INTERP_ENGINE_H

#include <glib.h>
#include <setjmp.h>

#include "core/machine.h"
#include "core/region.h"
#include "core/vcpu.h"
#include "target/x86/cpu.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define PAGE_BITS 12
#define PAGE_SIZE 4096u
#define PAGE_MASK (~0xfffull)

/* ---- Soft TLB (tlb.c) ------------------------------------------------------------------
 *
 * One entry is hit when ((la + size - 1) & PAGE_MASK) == tag, which also refuses accesses
 * that cross into the next page; host address = la + add. A tag with low bits set never
 * matches: TLB_SLOW marks a page that is known (info[] has the rest) but needs care.
 */
#define TLB_BITS 10
#define TLB_SIZE (1u << TLB_BITS)
#define TLB_SLOW 1ull
#define TLB_NONE 2ull

struct tlb_ent {
    uint64_t tag;
    uint64_t add;
};

enum { /* tlb_info.flags */
    TI_GLOBAL = 1, /* survives CR3 writes */
    TI_LARGE = 2,  /* a splinter of a large page */
    TI_RAM = 4,    /* ram and off are valid, add is the host address */
    TI_CODE = 8,   /* store: the page holds decoded code */
    TI_WATCH = 16, /* a data breakpoint looks at this page */
};
struct tlb_info {
    uint64_t page; /* la of the page, or 1 */
    uint64_t gpa;
    struct ram_block *ram;
    uint64_t off; /* into ram */
    uint32_t flags;
};

#define LIST_MAX 1024

enum tlb_kind { TLB_KERNEL, TLB_KERNEL_AC /* SMAP overridden */, TLB_USER, TLB_KINDS };

/* Translations of one privilege under one address space. */
struct tlb_bank {
    struct tlb_ent e[3][TLB_SIZE]; /* enum x86_access */
    struct tlb_info info[3][TLB_SIZE];
    enum tlb_kind kind;
    /* What was filled since the last flush, so that a flush costs as much as the fills did:
     * slots (acc << TLB_BITS | index), global ones apart. n > LIST_MAX: any slot. */
    unsigned n[2];
    uint16_t list[2][LIST_MAX];
};

/* A set that may say yes too often: pages by hash. */
struct page_set {
    uint64_t bit[16];
};
static inline unsigned page_hash(uint64_t n)
{
    return (uint64_t)(n * 0x9e3779b97f4a7c15ull) >> 54;
}
static inline void page_set_add(struct page_set *s, uint64_t n)
{
    unsigned h = page_hash(n);

    s->bit[h >> 6] |= 1ull << (h & 63);
}
static inline bool page_set_has(const struct page_set *s, uint64_t n)
{
    unsigned h = page_hash(n);

    return s->bit[h >> 6] >> (h & 63) & 1;
}

/* One PCID's banks. */
#define ASIDS 8
struct tlb_asid {
    uint16_t pcid;
    bool valid;
    uint32_t stamp; /* for replacement: last use */
    struct tlb_bank *bank[TLB_KINDS];
    uint64_t ticket[2][2]; /* [user][upper half]: see struct edge */
    struct page_set code;  /* pages instructions were fetched from since the tickets are new */
    struct page_set large[2]; /* large pages that have splinters here: by la >> 21, la >> 30 */
};

/* ---- Ops ------------------------------------------------------------------------------ */

struct x86_op {
    int32_t fn;
    uint8_t d, s, b, x;
    int32_t disp, imm;
};

/*
 * A branch's target, filled when first taken. In the same page a link is valid as long as the
 * block lives. Across pages it is valid while its key matches: the linear address of the
 * target page mixed with a ticket that is fresh after every TLB flush that can concern it.
 * `n` is what the budget pays: the target's instructions less those of this block not run.
 */
struct edge {
    uint64_t key;
    int32_t to; /* in ops, relative to the branch's op */
    int32_t n;
};

/* Extension of a generic op; struct x86_insn follows. */
struct gen_ext {
    x86_exec_fn *exec;
    uint32_t attr;
    uint32_t spare;
};
#define GEN_SLOTS 5 /* op, ext, 3 slots of insn */

struct block {
    const uint8_t *host; /* first instruction byte in host memory: the key, with mode */
    struct block *hash_next, *page_next;
    const uint8_t *host2; /* an instruction that crosses into this host page, else NULL */
    uint32_t mode;        /* M_* */
    uint16_t len;         /* bytes */
    uint16_t n_op;        /* slots, the side table comes after them */
    uint16_t pgoff;
    uint16_t n_side;      /* entries of the side table */
    uint32_t pad[3];
    uint32_t n_insn;
    uint32_t dead;        /* unlinked; op[0] is h_cold_stale */
    struct x86_op op[];
};
_Static_assert(sizeof(struct x86_op) == 16, "the op format");
_Static_assert(sizeof(struct block) % 16 == 0, "ops keep their alignment");
_Static_assert(sizeof(struct x86_insn) == 48, "GEN_SLOTS");
struct insn_side {
    uint8_t len, slots;
};

/* Block modes: what decoding or the choice of handlers depends on. */
enum {
    M_MODE = 3,       /* enum x86_mode */
    M_FLAT_CS = 4,    /* CS: base 0, no limit (always in 64-bit mode) */
    M_FLAT_DS = 8,    /* DS, ES, SS: base 0, no limit, writable (always in 64-bit mode) */
    M_FLAT_FS = 0x10, /* FS: no limit, writable; any base */
    M_FLAT_GS = 0x20,
    M_SS32 = 0x40,    /* stack pointer is ESP (with M_MODE 32) */
    M_SSE_OK = 0x80,  /* no SSE guard needed: CR0.EM = TS = 0, CR4.OSFXSR */
    M_FP_OK = 0x100,  /* CR0.EM = TS = 0 */
    M_SSE_MASKED = 0x200, /* MXCSR masks every exception */
    M_ALIGN = 0x400,  /* alignment checks are on */
    M_ONE = 0x800,    /* one instruction only */
};

/* Code of one host page, private to a vCPU. */
struct code_page {
    const uint8_t *host;
    struct block *blocks;
    uint64_t lines; /* 64-byte lines that blocks were decoded from */
};

#define MAX_INSNS 48 /* of a block */
#define ARENA_OPS (2u << 20) /* 32 MiB */
#define HASH_BITS 15
#define JC_BITS 12

struct jc_ent {
    uint64_t ip;
    uint64_t tag; /* ticket and mode: tcg_cpu.jc_tag */
    const struct x86_op *to;
    int64_t n;    /* instructions of the block */
};
static inline unsigned jc_index(uint64_t ip)
{
    return (ip ^ ip >> JC_BITS) & ((1u << JC_BITS) - 1);
}

/* ---- Requests from other threads (sync.c) ----------------------------------------------- */

enum {
    REQ_FLUSH = 1, /* the memory map changed: forget every translation */
    REQ_CODE = 2,  /* entries in the invalidation queue */
    REQ_STOP = 4,  /* stand still until it is taken back */
};
struct code_req {
    struct ram_block *ram;
    uint64_t off, len;
    bool drop_w; /* drop W translations of the pages instead of blocks */
};

#define MAX_RAMS 1024

/* What the vCPUs of a machine share. */
struct emit;
struct tcg_vm {
    struct machine *machine;
    struct region_listener listener;
    GMutex code_lock;  /* `lines` and RAM_CODE change under it */
    GMutex sync_lock;  /* with sync_cond: acknowledgements */
    GCond sync_cond;
    GPtrArray *cpus;   /* struct tcg_cpu *; under sync_lock */
    struct tcg_ram *ram[MAX_RAMS]; /* by ram->index; set under code_lock, read atomically */
    uint32_t waiters;  /* atomic: somebody is in sync_wait() */
    GRecMutex exclusive; /* locked accesses that no host instruction can do */
    bool (**fast)(struct emit *e, const struct x86_insn *i); /* by row: emit.c */
};
/* Beside a struct ram_block: per page, which 64-byte lines hold code of any vCPU, and which
 * vCPUs (index mod 8) may have a fast store translation. */
struct tcg_ram {
    struct ram_block *ram;
    uint64_t *lines;
    uint8_t *writers;
};

/* ---- A debugger's wishes (debug.c) -------------------------------------------------------- */

struct tcg_debug {
    struct debug_point *point; /* own copy of machine.debug.points */
    unsigned n;
    bool on;          /* anything at all: the loop has to look */
    bool exec, data;  /* there are points of this kind */
    bool step, step_irq;
    uint64_t step_from, step_to;
    bool ran;         /* something was executed since run() began */
    bool pass;        /* the breakpoint at pass_la was reported: over it now */
    uint64_t pass_la;
    enum debug_why hit; /* what ends this run() */
    struct debug_point hit_point;
};

/* ---- The vCPU --------------------------------------------------------------------------- */

struct tcg_cpu {
    struct x86_cpu x; /* first: handlers get &t->x */

    /* hot engine state */
    uint64_t ticket[2];    /* current: [upper half] */
    uint64_t jc_tag[2];    /* the same with the mode */
    struct x86_op *arena;
    struct jc_ent *jc;
    int64_t bud;           /* spilled budget */
    int64_t rem;           /* paid instructions not yet run if the current one faults */
    uint64_t miss_la;      /* h_slow_*: the address */
    uint32_t mode;         /* M_* of the next block */
    bool leave;            /* end the block after this instruction, go to the loop */
    bool mode_stale;       /* `mode` and the bank must be recomputed */
    bool flush_blocks;     /* the arena is full or stale: empty it at the loop */
    bool forget;           /* tcg_forget() at the loop */
    bool code_late;        /* late_code is to be reported again after the instruction */
    struct code_req late_code;

    struct vcpu *vcpu;
    struct tcg_vm *vm;
    struct machine *machine;

    struct tcg_loan *loan; /* the vCPU is another accelerator's: loan.h. Else NULL */
    bool refused;          /* unwound by tcg_refuse() */
    bool in_cas;           /* unwinding goes through stopped_cas() */
    bool stored;           /* a page was made writable for stores since it was last cleared */

    /* counting */
    int64_t slice;         /* what bud started from */
    uint64_t icount;       /* instructions retired before this slice */
    uint64_t limit;        /* icount at which run() is to return */
    uint64_t budget_start; /* icount when tcg_loop() began */
    bool shadow_irq, shadow_movss; /* as they were before the present slice */
    uint32_t shadow_rf;

    /* TLB */
    struct tlb_asid asid[ASIDS];
    struct tlb_asid *cur_asid;
    struct tlb_bank *bank;      /* current */
    enum tlb_kind kind;
    struct tlb_bank *sys_bank;  /* supervisor accesses whatever the CPL */
    uint32_t stamp;
    uint64_t ticket_next;       /* never reused */
    uint64_t upper_ticket;      /* shared by all PCIDs' kernels while upper_global */
    struct page_set upper_code; /* as asid.code, for upper_ticket */
    bool upper_global;          /* kernel-half code pages have all been global so far */
    uint64_t watch[5];          /* DR0-3 and DR7 in force for data breakpoints */
    bool watching;

    struct tcg_debug debug;

    /* blocks */
    uint32_t arena_used;
    uint64_t *block_start;      /* bitmap: slot is op[0] of a block */
    struct block **hash;
    GHashTable *pages;          /* host page -> struct code_page * */
    struct x86_insn slow_insn;  /* the instruction h_slow_* decoded afresh */

    unsigned lock_depth;  /* of tcg_lock() */
    uint32_t lock_mxcsr;  /* the host's before it */

    /* cooperation */
    uint32_t requests;          /* atomic */
    uint32_t running;           /* atomic: may touch guest memory through its TLB */
    GMutex req_lock;
    GArray *req;                /* struct code_req */
    sigjmp_buf jb;

    /* statistics for describe() */
    uint64_t st_blocks, st_fills, st_flushes, st_smc, st_slow, st_lookups;
};

static inline struct tcg_cpu *tcg_of(struct x86_cpu *c)
{
    return (struct tcg_cpu *)c;
}

/* ---- tlb.c */
void tlb_init(struct tcg_cpu *t);
void tlb_fini(struct tcg_cpu *t);
/* Bank and tickets for the present CR3, CPL, AC, SMAP. */
void tlb_select(struct tcg_cpu *t);
void tlb_flush_all(struct tcg_cpu *t);
/* Of all pages that [off, off + len) touches. */
void tlb_drop_w(struct tcg_cpu *t, const struct ram_block *ram, uint64_t off, uint64_t len);
/* The info of la's page for acc, filled if needed; NULL: *w says which fault. */
struct tlb_info *tlb_get(struct tcg_cpu *t, struct tlb_bank *bank, uint64_t la, enum x86_access acc,
                         struct x86_walk *w);
void tlb_hook_flush_all(struct x86_cpu *c);
void tlb_hook_flush_nonglobal(struct x86_cpu *c);
void tlb_hook_flush_page(struct x86_cpu *c, uint64_t la);
void tlb_hook_flush_pcid(struct x86_cpu *c, uint16_t pcid, bool page, uint64_t la);
void tlb_hook_flush_all_nonglobal(struct x86_cpu *c);
void tlb_hook_cr3(struct x86_cpu *c, bool noflush);
/* An instruction is fetched from la through info: its links depend on it. */
void tlb_note_code(struct tcg_cpu *t, uint64_t la, const struct tlb_info *info);
void tlb_restart_tickets(struct tcg_cpu *t);
void tlb_update_watch(struct tcg_cpu *t);

static inline unsigned tlb_index(uint64_t la)
{
    return la >> PAGE_BITS & (TLB_SIZE - 1);
}
static inline bool la_canonical(uint64_t la)
{
    return (uint64_t)((int64_t)(la << 16) >> 16) == la;
}

/* ---- mem.c: the x86_lin_* functions of target/x86/cpu.h, and */
uint64_t tcg_mmio_read(struct tcg_cpu *t, uint64_t gpa, unsigned size);
void tcg_mmio_write(struct tcg_cpu *t, uint64_t gpa, unsigned size, uint64_t v);
/* The machine lock, taken as a vCPU: not counted as running while it waits and holds it. */
void tcg_lock(struct tcg_cpu *t);
void tcg_unlock(struct tcg_cpu *t);

/* ---- code.c: pages with code, stores to them */
struct tcg_ram *code_ram(struct tcg_vm *vm, struct ram_block *ram);
/* Before decoding [off, off+len) of ram, within one page: mark it. False: requests of others
 * were served meanwhile, so what the caller knows of memory may be stale. */
bool code_claim(struct tcg_cpu *t, struct ram_block *ram, uint64_t off, unsigned len);
/* [off, off+len) of ram was stored to by this vCPU and the page had RAM_CODE. */
void code_stored(struct tcg_cpu *t, struct ram_block *ram, uint64_t off, unsigned len);
/* Drop own blocks decoded from the range. */
void code_kill(struct tcg_cpu *t, struct ram_block *ram, uint64_t off, uint64_t len);
/* ram_block.code_written: somebody else's store. Any thread. */
void code_written(void *vm, struct ram_block *ram, uint64_t off, uint64_t len);

/* ---- sync.c */
void sync_begin_running(struct tcg_cpu *t); /* also serves requests */
void sync_end_running(struct tcg_cpu *t);
void sync_pause_point(struct tcg_cpu *t);   /* between instructions: serve requests, stand still */
bool sync_serve(struct tcg_cpu *t);         /* false: there was nothing */
void sync_post(struct tcg_cpu *t, uint32_t what); /* any thread */
void sync_post_code(struct tcg_cpu *t, struct code_req r);
/* Until every other vCPU in `mask` (by index mod 8) has served its requests or is not running.
 * The caller is not running itself. */
void sync_wait(struct tcg_vm *vm, struct tcg_cpu *self, uint8_t mask);
/* Every other vCPU stands still in between. */
void sync_stop_others(struct tcg_cpu *t);
void sync_let_others(struct tcg_cpu *t);

/* ---- block.c */
bool block_init(struct tcg_cpu *t);
void block_fini(struct tcg_cpu *t);
void block_flush(struct tcg_cpu *t);
/* Forget all translations and all blocks; costs as much as was made since the last time. */
void tcg_forget(struct tcg_cpu *t);
/* Take b out of the cache; whoever jumps to it looks again. Its page's list is the caller's. */
void block_unlink(struct tcg_cpu *t, struct block *b);
/* The 64-byte lines of its page that b was decoded from. */
uint64_t block_lines(const struct block *b);
/* The block at c->rip in the present mode; sets page_rip. Raises the fetch's faults. NULL:
 * go to the loop first (c->rip is right). */
struct block *block_lookup(struct tcg_cpu *t);
/* Which block and instruction an op belongs to. */
struct insn_pos {
    struct block *block;
    unsigned index;        /* of the instruction */
    uint16_t pgoff;        /* of its first byte */
    uint8_t len;
    struct x86_op *first, *next; /* its first op, the op after it */
};
struct insn_pos block_find(struct tcg_cpu *t, const struct x86_op *o);
/* The block whose first op this is. */
static inline const struct block *block_of(const struct x86_op *first)
{
    return (const struct block *)((const char *)first - sizeof(struct block));
}
static inline struct insn_side *block_side(struct block *b)
{
    return (struct insn_side *)(b->op + b->n_op);
}
/* IP of an offset in the current page. */
static inline uint64_t tcg_ip(const struct x86_cpu *c, uint64_t pgoff)
{
    uint64_t ip = c->page_rip + pgoff;

    return c->mode == X86_MODE_64 ? ip : (uint32_t)ip;
}

/* ---- emit.c: choice of handlers */
struct fuse { /* the flag setter before a Jcc, when its handler has a pair form */
    struct x86_op *op;
    uint8_t kind, form, lg;
};
struct emit {
    struct tcg_cpu *t;
    struct x86_op *op;      /* next free slot */
    struct fuse fuse, last; /* of this instruction and of the one before */
    uint32_t mode;
    uint16_t pgoff;         /* of the instruction */
    uint16_t index;         /* number of the instruction in the block */
    uint8_t jccs;
    bool ends;              /* the instruction ends the block */
    bool cut;               /* the block should end here */
    bool generic;           /* generic operations only */
    unsigned n_fix;         /* ops with len | left << 8 in imm: to be completed */
    struct {
        struct x86_op *op;
        unsigned index;
    } fix[2 * MAX_INSNS];
};
void emit_init(struct tcg_vm *vm);
void emit_insn(struct emit *e, const struct x86_insn *i);
void emit_raise(struct emit *e, uint8_t len, enum x86_vector v);
void emit_next(struct emit *e); /* the block ends here: go on at pgoff */
/* The block is complete, with so many instructions. */
void emit_end(struct emit *e, unsigned n_insn);

/* ---- pv.c: what stands behind target/x86/kvm_pv.h */
extern const struct kvm_pv_host tcg_pv_host;
void tcg_pv_tsc_changed(struct tcg_cpu *t); /* lock held */
void tcg_pv_clocks_start(struct machine *m);
void tcg_pv_save(struct tcg_cpu *t, struct x86_state *st);
void tcg_pv_load(struct tcg_cpu *t, const struct x86_state *st);

/* ---- debug.c */
void tcg_debug(struct vcpu *v); /* accel.debug */
void tcg_debug_fini(struct tcg_cpu *t);
void tcg_debug_begin(struct tcg_cpu *t); /* run() begins */
/* Between instructions: is run() to end? The reason is in vcpu->debug then. */
bool tcg_debug_stop(struct tcg_cpu *t);
/* The next instruction lies at la. True: stop before it; else *mode is what its block needs. */
bool tcg_debug_fetch(struct tcg_cpu *t, uint64_t la, uint32_t *mode);
/* Are there watchpoints in the page of la? Does this access meet one? */
bool tcg_debug_watches(const struct tcg_cpu *t, uint64_t la);
void tcg_debug_access(struct tcg_cpu *t, uint64_t la, unsigned len, bool write);

/* ---- run.c */
/* Instructions completed so far, exact while an operation runs. */
uint64_t tcg_icount_now(const struct tcg_cpu *t);
/* The loop, for at most so many instructions; budget_start is icount as it was before. */
enum vcpu_exit tcg_loop(struct tcg_cpu *t, int64_t insns);

/* ---- loan.c */
/* What carries out a row's instruction during a loan. */
x86_exec_fn *loan_exec(unsigned row);
/* Between instructions: is the loan to end before its limit? */
bool loan_over(struct tcg_cpu *t);
/* Is this a loan during which the local APIC may not be touched; is it at this address? */
bool loan_hides_apic(const struct tcg_cpu *t);
bool loan_apic_page(const struct tcg_cpu *t, uint64_t gpa);
/* End the loan before the instruction that is being executed. */
_Noreturn void tcg_refuse(struct tcg_cpu *t);

#endif

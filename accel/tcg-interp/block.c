/* SPDX-License-Identifier: MIT */
/*
 * The block cache: decoding guest code into blocks, finding them again by host address and
 * mode, dropping them. One vCPU's own; no locks.
 *
 * A block ends at a branch (a conditional one that is not taken goes on), at an instruction
 * that may change the mode, at the end of the page, and after MAX_INSNS. An instruction that
 * crosses into the next page is a block of its own: nobody links to it, and each time it is
 * looked up the second page is translated again and compared.
 */
#include <inttypes.h>
#include <string.h>

#include "accel/tcg-interp/engine.h"
#include "accel/tcg-interp/handlers.h"
#include "accel/tcg-interp/host_fp.h"

#define MAX_LEN 15
#define RESERVE 1024 /* free slots a build needs at least: header, ops, side table */

bool block_init(struct tcg_cpu *t)
{
    t->arena = g_new0(struct x86_op, ARENA_OPS);
    t->block_start = g_new0(uint64_t, ARENA_OPS / 64);
    t->hash = g_new0(struct block *, 1u << HASH_BITS);
    t->jc = g_new0(struct jc_ent, 1u << JC_BITS);
    t->pages = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    return t->arena != NULL;
}

void block_fini(struct tcg_cpu *t)
{
    g_free(t->arena);
    g_free(t->block_start);
    g_free(t->hash);
    g_free(t->jc);
    if (t->pages)
        g_hash_table_destroy(t->pages);
}

/* GLib computes the new size of a table in floating point: the guest must not see its flags. */
static void pages_clear(struct tcg_cpu *t)
{
    uint32_t mxcsr = host_mxcsr();

    g_hash_table_remove_all(t->pages);
    host_set_mxcsr(mxcsr);
}

void block_flush(struct tcg_cpu *t)
{
    memset(t->block_start, 0, t->arena_used / 8 + 8);
    memset(t->hash, 0, sizeof(*t->hash) << HASH_BITS);
    memset(t->jc, 0, sizeof(*t->jc) << JC_BITS);
    pages_clear(t);
    t->arena_used = 0;
    t->flush_blocks = false;
    tlb_restart_tickets(t);
}

static struct block **hash_slot(struct tcg_cpu *t, const uint8_t *host, uint32_t mode)
{
    uint64_t h = ((uintptr_t)host ^ (uint64_t)mode << 32) * 0x9e3779b97f4a7c15ull;

    return &t->hash[h >> (64 - HASH_BITS)];
}

/* The tables are large and mostly empty after a short run. Fresh tickets make the jump cache's
 * entries strangers, so it can stay as it is. */
void tcg_forget(struct tcg_cpu *t)
{
    const uint32_t words = t->arena_used / 64 + 1;

    t->forget = false;
    tlb_flush_all(t);
    if (t->arena_used > ARENA_OPS / 64 || t->flush_blocks) {
        block_flush(t);
        return;
    }
    for (uint32_t w = 0; w < words; w++)
        for (uint64_t bits = t->block_start[w]; bits; bits &= bits - 1) {
            const struct x86_op *op = &t->arena[w * 64 + __builtin_ctzll(bits)];
            const struct block *b = block_of(op);

            *hash_slot(t, b->host, b->mode) = NULL;
        }
    memset(t->block_start, 0, words * sizeof(*t->block_start));
    pages_clear(t);
    t->arena_used = 0;
}

/* ---- Cache ------------------------------------------------------------------------------ */

static struct code_page *page_of(struct tcg_cpu *t, const uint8_t *host)
{
    return g_hash_table_lookup(t->pages, host);
}

/* Put b on the list of its (first) page. */
static void page_add(struct tcg_cpu *t, struct block *b)
{
    const uint8_t *host = b->host - b->pgoff;
    struct code_page *p = page_of(t, host);

    if (!p) {
        p = g_new0(struct code_page, 1);
        p->host = host;
        uint32_t mxcsr = host_mxcsr();
        g_hash_table_insert(t->pages, (void *)host, p);
        host_set_mxcsr(mxcsr);
    }
    b->page_next = p->blocks;
    p->blocks = b;
    p->lines |= block_lines(b);
}

uint64_t block_lines(const struct block *b)
{
    unsigned first = b->pgoff >> 6, last = (b->pgoff + b->len - 1u) >> 6;

    return (~0ull >> (63 - last)) & (~0ull << first);
}

void block_unlink(struct tcg_cpu *t, struct block *b)
{
    struct block **link = hash_slot(t, b->host, b->mode);

    while (*link != b)
        link = &(*link)->hash_next;
    *link = b->hash_next;
    b->dead = 1;
    b->op[0].fn = handler_offset(h_cold_stale);
}

static struct block *find(struct tcg_cpu *t, const uint8_t *host, uint32_t mode)
{
    struct block *b = *hash_slot(t, host, mode);

    while (b && (b->host != host || b->mode != mode))
        b = b->hash_next;
    return b;
}

struct insn_pos block_find(struct tcg_cpu *t, const struct x86_op *o)
{
    uint32_t slot = o - t->arena, word = slot >> 6;
    uint64_t bits = t->block_start[word] & (~0ull >> (63 - (slot & 63)));
    struct insn_pos pos = {0};
    struct x86_op *op;
    struct insn_side *side;

    while (!bits)
        bits = t->block_start[--word];
    op = &t->arena[word * 64 + 63 - __builtin_clzll(bits)];
    pos.block = (struct block *)((char *)op - sizeof(struct block));
    side = block_side(pos.block);
    pos.pgoff = pos.block->pgoff;
    while (op + side[pos.index].slots <= o && pos.index + 1 < pos.block->n_side) {
        op += side[pos.index].slots;
        pos.pgoff += side[pos.index].len;
        pos.index++;
    }
    pos.first = op;
    pos.len = side[pos.index].len;
    pos.next = op + side[pos.index].slots;
    return pos;
}

/* ---- Building --------------------------------------------------------------------------- */

struct build {
    struct tcg_cpu *t;
    struct block *b;
    struct emit e;
    struct insn_side side[MAX_INSNS];
    unsigned n;
    uint32_t len;
    const uint8_t *page; /* host page */
};

static void log_insn(struct tcg_cpu *t, const struct x86_insn *i, uint64_t rip)
{
    char text[96];

    if (!log_on(&t->machine->log, LOG_IN_ASM))
        return;
    x86_disasm(i, rip, text, sizeof(text));
    log_write(&t->machine->log, "%u: %016" PRIx64 "  %s\n", t->vcpu->index, rip, text);
}

/* Decode one instruction of `avail` readable bytes at p; emits it or what it raises. False:
 * it is cut off by the end of the page. */
static bool build_one(struct build *u, const uint8_t *p, unsigned avail)
{
    struct tcg_cpu *t = u->t;
    struct x86_insn i;
    uint8_t bytes[16] = {0};
    struct x86_op *from = u->e.op;
    enum x86_decode_result r;

    memcpy(bytes, p, MIN(avail, sizeof(bytes)));
    r = x86_decode(bytes, MIN(avail, MAX_LEN), u->e.mode & M_MODE, &i);
    if (r == DECODE_MORE && avail < MAX_LEN)
        return false;
    u->e.pgoff = u->b->pgoff + u->len;
    u->e.index = u->n;
    if (r == DECODE_OK && x86_rows[i.row].feature && !x86_has(&t->x, x86_rows[i.row].feature))
        r = DECODE_UD;
    if (r == DECODE_OK) {
        log_insn(t, &i, tcg_ip(&t->x, u->e.pgoff));
        emit_insn(&u->e, &i);
    } else {
        i.len = r == DECODE_UD ? MAX(1, MIN(i.len, avail)) : MIN(avail, MAX_LEN);
        emit_raise(&u->e, i.len, r == DECODE_UD ? EXC_UD : EXC_GP);
    }
    u->side[u->n].len = i.len;
    u->side[u->n].slots = u->e.op - from;
    u->n++;
    u->len += i.len;
    return true;
}

static struct block *build_begin(struct build *u, struct tcg_cpu *t, const uint8_t *host,
                                 uint32_t mode)
{
    if (t->arena_used + RESERVE > ARENA_OPS) {
        t->flush_blocks = t->leave = true;
        return NULL;
    }
    u->t = t;
    u->n = u->len = 0;
    u->b = (struct block *)&t->arena[t->arena_used];
    *u->b = (struct block){.host = host, .mode = mode};
    u->e = (struct emit){.t = t, .op = u->b->op, .mode = mode};
    return u->b;
}

static struct block *build_end(struct build *u)
{
    struct tcg_cpu *t = u->t;
    struct block *b = u->b, **slot = hash_slot(t, b->host, b->mode);
    uint32_t first = b->op - t->arena;

    b->n_insn = b->n_side = u->n;
    b->len = u->len;
    b->n_op = u->e.op - b->op;
    memcpy(block_side(b), u->side, u->n * sizeof(u->side[0]));
    emit_end(&u->e, u->n);
    t->arena_used = first + b->n_op + (u->n * sizeof(u->side[0]) + 15) / 16;
    t->block_start[first >> 6] |= 1ull << (first & 63);
    b->hash_next = *slot;
    *slot = b;
    t->st_blocks++;
    return b;
}

/* Lines are claimed before their bytes are read, so all that could be decoded is claimed. */
static struct block *build(struct tcg_cpu *t, const struct tlb_info *f, const uint8_t *host,
                           uint32_t mode)
{
    unsigned pgoff = (uintptr_t)host & (PAGE_SIZE - 1), avail = PAGE_SIZE - pgoff;
    unsigned max = mode & M_ONE ? 1 : MAX_INSNS;
    struct build u;

    if (!code_claim(t, f->ram, f->off + pgoff, MIN(avail, max * MAX_LEN))) {
        t->leave = true;
        return NULL;
    }
    if (!build_begin(&u, t, host, mode))
        return NULL;
    u.b->pgoff = pgoff;
    u.e.generic = mode & M_ONE;
    while (u.n < max && u.len < avail && !u.e.ends && !u.e.cut)
        if (!build_one(&u, host + u.len, avail - u.len))
            break;
    if (!u.n)
        return NULL; /* crosses: the caller's */
    if (!u.e.ends) {
        u.e.pgoff = pgoff + u.len;
        emit_next(&u.e);
    }
    build_end(&u);
    page_add(t, u.b);
    return u.b;
}

/* The host page behind the linear address, for fetching. Raises. */
static struct tlb_info *fetch_page(struct tcg_cpu *t, uint64_t la)
{
    struct x86_walk w;
    struct tlb_info *f;

    if (!la_canonical(la))
        x86_gp(&t->x, 0);
    f = tlb_get(t, t->bank, la, ACC_EXEC, &w);
    if (!f)
        x86_raise_pf(&t->x, la, w.error);
    if (!(f->flags & TI_RAM)) {
        guest_warn(&t->machine->log, "cpu", "instruction fetch from I/O at %#" PRIx64, la);
        x86_ud(&t->x); /* as if the bus had answered FF FF */
    }
    tlb_note_code(t, la, f);
    return f;
}

/*
 * An instruction that crosses into the page of la2. It is not in any list of its pages: its
 * bytes are kept behind the side table, and each lookup compares them with memory.
 */
static uint8_t *crossing_bytes(struct block *b)
{
    return (uint8_t *)(block_side(b) + b->n_side);
}

static bool crossing_valid(struct block *b, const uint8_t *host2)
{
    unsigned have = PAGE_SIZE - b->pgoff;

    return b->host2 == host2 && !memcmp(crossing_bytes(b), b->host, have) &&
           !memcmp(crossing_bytes(b) + have, host2, b->len - have);
}

static struct block *build_crossing(struct tcg_cpu *t, const uint8_t *host, const uint8_t *host2,
                                    uint32_t mode)
{
    unsigned pgoff = (uintptr_t)host & (PAGE_SIZE - 1), have = PAGE_SIZE - pgoff;
    uint8_t bytes[MAX_LEN];
    struct build u;

    memcpy(bytes, host, have);
    memcpy(bytes + have, host2, MAX_LEN - have);
    if (!build_begin(&u, t, host, mode))
        return NULL;
    u.b->pgoff = pgoff;
    u.b->host2 = host2;
    u.e.generic = true;
    build_one(&u, bytes, MAX_LEN);
    if (u.len <= have) { /* the bytes changed while we looked: look again */
        t->leave = true;
        return NULL;
    }
    if (!u.e.ends) {
        u.e.pgoff = pgoff + u.len;
        emit_next(&u.e);
    }
    build_end(&u);
    memcpy(crossing_bytes(u.b), bytes, u.b->len);
    t->arena_used += 1;
    return u.b;
}

/* ---- Lookup ----------------------------------------------------------------------------- */

static struct block *lookup(struct tcg_cpu *t, uint64_t la, uint32_t mode)
{
    const struct tlb_info *f = fetch_page(t, la);
    const uint8_t *host = f->ram->host + f->off + (la & ~PAGE_MASK), *host2;
    struct block *b = find(t, host, mode);

    if (b && !b->host2)
        return b;
    if (!b) {
        b = build(t, f, host, mode);
        if (b || t->leave)
            return b;
    }
    la = (la & PAGE_MASK) + PAGE_SIZE;
    f = fetch_page(t, t->x.mode == X86_MODE_64 ? la : (uint32_t)la);
    host2 = f->ram->host + f->off;
    if (b && crossing_valid(b, host2))
        return b;
    if (b)
        block_unlink(t, b);
    return build_crossing(t, host, host2, mode);
}

struct block *block_lookup(struct tcg_cpu *t)
{
    struct x86_cpu *c = &t->x;
    uint32_t limit = c->seg[S_CS].limit, mode = t->mode;
    uint64_t la = c->rip;
    struct block *b;

    t->rem = 0;
    t->st_lookups++;
    if (c->mode != X86_MODE_64) {
        la = (uint32_t)(la + c->seg_base[S_CS]);
        if (c->rip > limit)
            x86_gp(c, 0);
    }
    c->page_rip = c->rip - (la & ~PAGE_MASK);
    if (unlikely(t->debug.exec) && tcg_debug_fetch(t, la, &mode))
        return NULL;
    b = lookup(t, la, mode);
    if (b && !(mode & M_FLAT_CS) && c->rip + b->len - 1 > limit) {
        if (!(mode & M_ONE))
            b = lookup(t, la, mode | M_ONE);
        if (b && c->rip + b->len - 1 > limit)
            x86_gp(c, 0);
    }
    return b;
}

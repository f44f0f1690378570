/* SPDX-License-Identifier: MIT */
/*
 * Pages with decoded code, and stores to them (self-modifying code, other vCPUs, DMA).
 *
 * A page some vCPU has decoded from carries RAM_CODE; no vCPU then has a fast store
 * translation for it. struct tcg_ram has, per page, the 64-byte lines that were decoded. A
 * store to the page takes the slow path, which looks whether it hits such a line. If it does:
 * the storing vCPU drops its own blocks at once (its present block ends after the
 * instruction), and every other vCPU is told; it drops its blocks before its next slice, and
 * after each serialising instruction, which is what the architecture promises to code that
 * modifies another processor's code (SDM vol. 3 section 8.1.3).
 *
 * Order: a decoder publishes its lines before it reads the bytes; a writer stores before it
 * looks at the lines. One of them sees the other.
 */
#include <string.h>

#include "accel/tcg-interp/engine.h"

#define LINE_BITS 6

/* The code lock, waited for without being `running`. True if requests may have been served. */
static bool code_lock(struct tcg_cpu *t)
{
    if (g_mutex_trylock(&t->vm->code_lock))
        return false;
    sync_end_running(t);
    g_mutex_lock(&t->vm->code_lock);
    sync_begin_running(t);
    return true;
}

struct tcg_ram *code_ram(struct tcg_vm *vm, struct ram_block *ram)
{
    struct tcg_ram *r, *none = NULL;

    g_assert(ram->index < MAX_RAMS);
    r = __atomic_load_n(&vm->ram[ram->index], __ATOMIC_ACQUIRE);
    if (likely(r))
        return r;
    r = g_new0(struct tcg_ram, 1);
    r->ram = ram;
    r->lines = g_new0(uint64_t, ram->size >> PAGE_BITS);
    r->writers = g_new0(uint8_t, ram->size >> PAGE_BITS);
    if (!__atomic_compare_exchange_n(&vm->ram[ram->index], &none, r, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        g_free(r->lines);
        g_free(r->writers);
        g_free(r);
        return none;
    }
    ram->code_arg = vm;
    __atomic_store_n(&ram->code_written, code_written, __ATOMIC_RELEASE);
    return r;
}

/* Lines of one page that [off, off+len) touches. */
static uint64_t line_mask(uint64_t off, uint64_t len)
{
    unsigned first = (off & ~PAGE_MASK) >> LINE_BITS;
    unsigned last = ((off & ~PAGE_MASK) + len - 1) >> LINE_BITS;

    return (~0ull >> (63 - last)) & (~0ull << first);
}

bool code_claim(struct tcg_cpu *t, struct ram_block *ram, uint64_t off, unsigned len)
{
    struct tcg_ram *r = code_ram(t->vm, ram);
    uint64_t page = off >> PAGE_BITS;
    bool served = code_lock(t);
    uint8_t others;

    r->lines[page] |= line_mask(off, len);
    if (!(ram->flags[page] & RAM_CODE)) {
        __atomic_fetch_or(&ram->flags[page], RAM_CODE, __ATOMIC_SEQ_CST);
        others = __atomic_exchange_n(&r->writers[page], 0, __ATOMIC_SEQ_CST);
        if (others >> (t->vcpu->index & 7) & 1)
            tlb_drop_w(t, ram, off, 1);
        if (t->vm->cpus->len > 1 && (others & ~(1u << (t->vcpu->index & 7)))) {
            for (unsigned n = 0; n < t->vm->cpus->len; n++) {
                struct tcg_cpu *o = t->vm->cpus->pdata[n];
                struct code_req drop = {.ram = ram, .off = off, .len = 1, .drop_w = true};

                if (o != t && (others >> (o->vcpu->index & 7) & 1))
                    sync_post_code(o, drop);
            }
            sync_end_running(t);
            sync_wait(t->vm, t, others);
            sync_begin_running(t);
            served = true;
        }
    }
    g_mutex_unlock(&t->vm->code_lock);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return !served;
}

static void kill_block(struct tcg_cpu *t, struct block *b)
{
    block_unlink(t, b);
    t->st_smc++;
    t->leave = true;
}

/* Drop own blocks of one page that overlap the lines. */
static void kill_lines(struct tcg_cpu *t, struct code_page *p, uint64_t mask)
{
    struct block **link = &p->blocks;

    p->lines = 0;
    while (*link) {
        struct block *b = *link;
        uint64_t lines = block_lines(b);

        if (lines & mask) {
            *link = b->page_next;
            kill_block(t, b);
        } else {
            p->lines |= lines;
            link = &b->page_next;
        }
    }
}

void code_kill(struct tcg_cpu *t, struct ram_block *ram, uint64_t off, uint64_t len)
{
    uint64_t end = off + len;

    while (off < end) {
        uint64_t n = MIN(end - off, PAGE_SIZE - (off & ~PAGE_MASK));
        struct code_page *p = g_hash_table_lookup(t->pages, ram->host + (off & PAGE_MASK));

        if (p)
            kill_lines(t, p, line_mask(off, n));
        off += n;
    }
}

/* The lines of the page that [off, off+len) hits, if any vCPU decoded from them. */
static uint64_t lines_hit(struct tcg_ram *r, uint64_t off, uint64_t len)
{
    return __atomic_load_n(&r->lines[off >> PAGE_BITS], __ATOMIC_SEQ_CST) & line_mask(off, len);
}

/* Under the code lock: those lines hold no code any more. */
static void lines_clear(struct tcg_ram *r, uint64_t off, uint64_t left)
{
    r->lines[off >> PAGE_BITS] = left;
    if (!left)
        __atomic_fetch_and(&r->ram->flags[off >> PAGE_BITS], ~RAM_CODE, __ATOMIC_SEQ_CST);
}

static void tell_others(struct tcg_vm *vm, struct tcg_cpu *self, struct code_req req)
{
    for (unsigned n = 0; n < vm->cpus->len; n++)
        if (vm->cpus->pdata[n] != self)
            sync_post_code(vm->cpus->pdata[n], req);
}

void code_stored(struct tcg_cpu *t, struct ram_block *ram, uint64_t off, unsigned len)
{
    struct tcg_ram *r = code_ram(t->vm, ram);
    struct code_page *p;
    uint64_t hit;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!lines_hit(r, off, len))
        return;
    code_lock(t);
    code_kill(t, ram, off, len);
    hit = line_mask(off, len);
    if (t->vm->cpus->len > 1) {
        tell_others(t->vm, t, (struct code_req){.ram = ram, .off = off, .len = len});
        lines_clear(r, off, r->lines[off >> PAGE_BITS] & ~hit);
    } else {
        p = g_hash_table_lookup(t->pages, ram->host + (off & PAGE_MASK));
        lines_clear(r, off, p ? p->lines : 0);
    }
    g_mutex_unlock(&t->vm->code_lock);
}

void code_written(void *arg, struct ram_block *ram, uint64_t off, uint64_t len)
{
    struct tcg_vm *vm = arg;
    struct tcg_ram *r = code_ram(vm, ram);
    uint64_t end = off + len;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    while (off < end) {
        uint64_t n = MIN(end - off, PAGE_SIZE - (off & ~PAGE_MASK));

        if (lines_hit(r, off, n)) {
            /* The lock's holder may be waiting for this very thread: then the lines stay
             * marked, and the next store finds out. */
            bool locked = g_mutex_trylock(&vm->code_lock);

            tell_others(vm, NULL, (struct code_req){.ram = ram, .off = off, .len = n});
            if (locked) {
                lines_clear(r, off, r->lines[off >> PAGE_BITS] & ~line_mask(off, n));
                g_mutex_unlock(&vm->code_lock);
            }
        }
        off += n;
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Guest memory as instructions see it: the x86_lin_* and x86_sys_* functions of
 * target/x86/cpu.h over the soft TLB, and everything a plain load or store is not: page
 * crossings, I/O, read-only memory, pages with code, watched pages, locked accesses.
 */
#include <inttypes.h>
#include <string.h>

#include "accel/tcg-interp/engine.h"
#include "accel/tcg-interp/host_fp.h"

/* ---- I/O -------------------------------------------------------------------------------- */

/* Devices see the host's rounding, and the guest no flags of theirs. */
void tcg_lock(struct tcg_cpu *t)
{
    if (!t->lock_depth++) {
        t->lock_mxcsr = host_mxcsr();
        host_set_mxcsr(MXCSR_INIT);
    }
    sync_end_running(t);
    machine_lock(t->machine);
    t->machine->current = t->vcpu;
}

void tcg_unlock(struct tcg_cpu *t)
{
    t->machine->current = NULL;
    machine_unlock(t->machine);
    if (!--t->lock_depth)
        host_set_mxcsr(t->lock_mxcsr);
    sync_begin_running(t);
    if (__atomic_load_n(&t->vcpu->pins, __ATOMIC_RELAXED) |
        __atomic_load_n(&t->vcpu->kicked, __ATOMIC_RELAXED))
        t->leave = true;
}

/* An exception's stack or table there is nonsense that need not work. */
static void hidden_apic(struct tcg_cpu *t, uint64_t gpa)
{
    if (t->x.unwind == &t->jb || t->in_cas)
        tcg_refuse(t);
    guest_warn(&t->machine->log, "cpu", "exception delivered through the local APIC's page at %#"
               PRIx64, gpa);
}

uint64_t tcg_mmio_read(struct tcg_cpu *t, uint64_t gpa, unsigned size)
{
    const struct region_section *s;
    uint64_t v = 0;

    if (unlikely(loan_hides_apic(t)) && loan_apic_page(t, gpa)) {
        hidden_apic(t, gpa);
        return x86_mask(size);
    }
    tcg_lock(t);
    s = as_lookup(t->x.as, gpa);
    if (s && s->region->kind == REGION_IO)
        v = as_io_read(t->x.as, gpa, size);
    else
        as_read(t->x.as, gpa, &v, size);
    tcg_unlock(t);
    return v;
}

void tcg_mmio_write(struct tcg_cpu *t, uint64_t gpa, unsigned size, uint64_t v)
{
    const struct region_section *s;

    if (unlikely(loan_hides_apic(t)) && loan_apic_page(t, gpa)) {
        hidden_apic(t, gpa);
        return;
    }
    tcg_lock(t);
    s = as_lookup(t->x.as, gpa);
    if (s && s->region->kind == REGION_IO)
        as_io_write(t->x.as, gpa, v, size);
    else
        as_write(t->x.as, gpa, &v, size);
    tcg_unlock(t);
}

/* ---- Host accesses: single ones where the host can -------------------------------------- */

typedef volatile uint16_t __attribute__((aligned(1), may_alias)) vol16;
typedef volatile uint32_t __attribute__((aligned(1), may_alias)) vol32;
typedef volatile uint64_t __attribute__((aligned(1), may_alias)) vol64;

static inline uint64_t host_read(const void *p, unsigned size)
{
    switch (size) {
    case 1:
        return *(const volatile uint8_t *)p;
    case 2:
        return *(const vol16 *)p;
    case 4:
        return *(const vol32 *)p;
    default:
        return *(const vol64 *)p;
    }
}

static inline void host_write(void *p, unsigned size, uint64_t v)
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)p = v;
        break;
    case 2:
        *(vol16 *)p = v;
        break;
    case 4:
        *(vol32 *)p = v;
        break;
    default:
        *(vol64 *)p = v;
        break;
    }
}

/* ---- The slow half ---------------------------------------------------------------------- */

static struct tlb_info *translate(struct tcg_cpu *t, struct tlb_bank *b, uint64_t la,
                                  enum x86_access acc)
{
    struct x86_walk w;
    struct tlb_info *f;

    if (!la_canonical(la))
        x86_gp(&t->x, 0);
    f = tlb_get(t, b, la, acc, &w);
    if (!f)
        x86_raise_pf(&t->x, la, w.error);
    return f;
}

/* Data breakpoints that [la, la+len) touches become pending (SDM vol. 3 section 17.2.5). */
static void watch(struct tcg_cpu *t, uint64_t la, unsigned len, bool write)
{
    static const uint8_t bytes[4] = {1, 2, 8, 4};
    struct x86_cpu *c = &t->x;

    for (unsigned n = 0; n < 4; n++) {
        unsigned type = c->dr[7] >> (16 + n * 4) & 3, size = bytes[c->dr[7] >> (18 + n * 4) & 3];
        uint64_t at = c->dr[n] & ~(uint64_t)(size - 1);

        if (!(c->dr[7] >> (n * 2) & 3) || !(type == 3 || (type == 1 && write)))
            continue;
        if (la < at + size && at < la + len) {
            c->db_pending |= 1u << n;
            t->leave = true;
        }
    }
    if (t->debug.data)
        tcg_debug_access(t, la, len, write);
}

static uint8_t *info_host(const struct tlb_info *f, uint64_t la)
{
    return f->ram->host + f->off + (la & ~PAGE_MASK);
}

static void read_page(struct tcg_cpu *t, struct tlb_bank *b, uint64_t la, void *buf, unsigned len)
{
    struct tlb_info *f = translate(t, b, la, ACC_READ);

    if (f->flags & TI_WATCH)
        watch(t, la, len, false);
    if (f->flags & TI_RAM) {
        memcpy(buf, info_host(f, la), len);
        return;
    }
    for (uint64_t gpa = f->gpa | (la & ~PAGE_MASK); len;) {
        unsigned n = len >= 8 && !(gpa & 7) ? 8 : len >= 4 && !(gpa & 3) ? 4 : 1;
        uint64_t v = tcg_mmio_read(t, gpa, n);

        memcpy(buf, &v, n);
        buf = (char *)buf + n;
        gpa += n;
        len -= n;
    }
}

static void write_page(struct tcg_cpu *t, struct tlb_bank *b, uint64_t la, const void *buf,
                       unsigned len)
{
    struct tlb_info *f = translate(t, b, la, ACC_WRITE);

    if (f->flags & TI_WATCH)
        watch(t, la, len, true);
    if (f->flags & TI_RAM) {
        memcpy(info_host(f, la), buf, len);
        if (f->flags & TI_CODE)
            code_stored(t, f->ram, f->off + (la & ~PAGE_MASK), len);
        return;
    }
    for (uint64_t gpa = f->gpa | (la & ~PAGE_MASK); len;) {
        unsigned n = len >= 8 && !(gpa & 7) ? 8 : len >= 4 && !(gpa & 3) ? 4 : 1;
        uint64_t v = 0;

        memcpy(&v, buf, n);
        tcg_mmio_write(t, gpa, n, v);
        buf = (const char *)buf + n;
        gpa += n;
        len -= n;
    }
}

/* Outside of 64-bit mode linear addresses wrap at 4 GiB. */
static uint64_t la_add(const struct tcg_cpu *t, uint64_t la, unsigned n)
{
    return t->x.mode == X86_MODE_64 ? la + n : (uint32_t)(la + n);
}

static unsigned to_page_end(uint64_t la, unsigned len)
{
    unsigned room = PAGE_SIZE - (la & ~PAGE_MASK);

    return len < room ? len : room;
}

static void read_any(struct tcg_cpu *t, struct tlb_bank *b, uint64_t la, void *buf, unsigned len)
{
    unsigned n = to_page_end(la, len);

    if (n < len) { /* both pages must do before anything is touched */
        translate(t, b, la, ACC_READ);
        translate(t, b, la_add(t, la, n), ACC_READ);
    }
    read_page(t, b, la, buf, n);
    if (n < len)
        read_page(t, b, la_add(t, la, n), (char *)buf + n, len - n);
}

static void write_any(struct tcg_cpu *t, struct tlb_bank *b, uint64_t la, const void *buf,
                      unsigned len)
{
    unsigned n = to_page_end(la, len);

    if (n < len) {
        translate(t, b, la, ACC_WRITE);
        translate(t, b, la_add(t, la, n), ACC_WRITE);
    }
    write_page(t, b, la, buf, n);
    if (n < len)
        write_page(t, b, la_add(t, la, n), (const char *)buf + n, len - n);
}

static uint64_t slow_read(struct tcg_cpu *t, struct tlb_bank *b, uint64_t la, unsigned size)
{
    uint64_t v = 0;

    if (to_page_end(la, size) == size) { /* one access, not one per byte */
        struct tlb_info *f = translate(t, b, la, ACC_READ);

        if (f->flags & TI_WATCH)
            watch(t, la, size, false);
        if (f->flags & TI_RAM)
            return host_read(info_host(f, la), size);
        return tcg_mmio_read(t, f->gpa | (la & ~PAGE_MASK), size) & x86_mask(size);
    }
    read_any(t, b, la, &v, size);
    return v;
}

static void slow_write(struct tcg_cpu *t, struct tlb_bank *b, uint64_t la, unsigned size,
                       uint64_t v)
{
    if (to_page_end(la, size) == size) {
        struct tlb_info *f = translate(t, b, la, ACC_WRITE);

        if (f->flags & TI_WATCH)
            watch(t, la, size, true);
        if (!(f->flags & TI_RAM)) {
            tcg_mmio_write(t, f->gpa | (la & ~PAGE_MASK), size, v);
            return;
        }
        host_write(info_host(f, la), size, v);
        if (f->flags & TI_CODE)
            code_stored(t, f->ram, f->off + (la & ~PAGE_MASK), size);
        return;
    }
    write_any(t, b, la, &v, size);
}

/* ---- The interface ---------------------------------------------------------------------- */

static inline void *hit(const struct tlb_ent *table, uint64_t la, unsigned size)
{
    const struct tlb_ent *e = &table[tlb_index(la)];

    if (likely(((la + size - 1) & PAGE_MASK) == e->tag))
        return (void *)(uintptr_t)(la + e->add);
    return NULL;
}

uint64_t x86_lin_read(struct x86_cpu *c, uint64_t la, unsigned size)
{
    void *p = hit(c->tlb[ACC_READ], la, size);

    return likely(p) ? host_read(p, size) : slow_read(tcg_of(c), tcg_of(c)->bank, la, size);
}

void x86_lin_write(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t v)
{
    void *p = hit(c->tlb[ACC_WRITE], la, size);

    if (likely(p))
        host_write(p, size, v);
    else
        slow_write(tcg_of(c), tcg_of(c)->bank, la, size, v);
}

void x86_lin_read_bytes(struct x86_cpu *c, uint64_t la, void *buf, unsigned len)
{
    void *p = hit(c->tlb[ACC_READ], la, len);

    if (likely(p && to_page_end(la, len) == len))
        memcpy(buf, p, len);
    else
        read_any(tcg_of(c), tcg_of(c)->bank, la, buf, len);
}

void x86_lin_write_bytes(struct x86_cpu *c, uint64_t la, const void *buf, unsigned len)
{
    void *p = hit(c->tlb[ACC_WRITE], la, len);

    if (likely(p && to_page_end(la, len) == len))
        memcpy(p, buf, len);
    else
        write_any(tcg_of(c), tcg_of(c)->bank, la, buf, len);
}

static void probe(struct tcg_cpu *t, struct tlb_bank *b, uint64_t la, unsigned len,
                  enum x86_access acc)
{
    unsigned n = to_page_end(la, len);

    translate(t, b, la, acc);
    if (n < len)
        translate(t, b, la_add(t, la, n), acc);
}

void x86_lin_probe(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc)
{
    if (!hit(c->tlb[acc], la, len) || to_page_end(la, len) != len)
        probe(tcg_of(c), tcg_of(c)->bank, la, len, acc);
}

uint64_t x86_sys_read(struct x86_cpu *c, uint64_t la, unsigned size)
{
    struct tlb_bank *b = tcg_of(c)->sys_bank;
    void *p = hit(b->e[ACC_READ], la, size);

    return likely(p) ? host_read(p, size) : slow_read(tcg_of(c), b, la, size);
}

void x86_sys_write(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t v)
{
    struct tlb_bank *b = tcg_of(c)->sys_bank;
    void *p = hit(b->e[ACC_WRITE], la, size);

    if (likely(p))
        host_write(p, size, v);
    else
        slow_write(tcg_of(c), b, la, size, v);
}

void x86_sys_probe(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc)
{
    probe(tcg_of(c), tcg_of(c)->sys_bank, la, len, acc);
}

void *x86_lin_ptr(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc)
{
    struct tcg_cpu *t = tcg_of(c);
    void *p = hit(c->tlb[acc], la, len);
    struct tlb_info *f;

    if (to_page_end(la, len) != len)
        return NULL;
    if (likely(p))
        return p;
    f = translate(t, t->bank, la, acc);
    if (!(f->flags & TI_RAM) || (f->flags & TI_WATCH))
        return NULL;
    p = info_host(f, la);
    if (acc == ACC_WRITE && (f->flags & TI_CODE)) {
        uint64_t off = f->off + (la & ~PAGE_MASK);

        /* The caller stores after this; another vCPU may decode before that: tell twice. */
        t->late_code = (struct code_req){.ram = f->ram, .off = off, .len = len};
        t->code_late = t->leave = true;
        code_stored(t, f->ram, off, len);
    }
    return p;
}

/* ---- Locked accesses -------------------------------------------------------------------- */

static bool host_cas(void *p, unsigned size, uint64_t *expected, uint64_t desired)
{
    uint64_t old = *expected;
    bool ok;

#if defined(__x86_64__)
    /* Inline, because the guest may lock what is not aligned. */
    switch (size) {
    case 1:
        __asm__ volatile("lock cmpxchgb %b3, %1"
                         : "+a"(old), "+m"(*(uint8_t *)p), "=@ccz"(ok)
                         : "q"(desired)
                         : "memory");
        break;
    case 2:
        __asm__ volatile("lock cmpxchgw %w3, %1"
                         : "+a"(old), "+m"(*(vol16 *)p), "=@ccz"(ok)
                         : "r"(desired)
                         : "memory");
        break;
    case 4:
        __asm__ volatile("lock cmpxchgl %k3, %1"
                         : "+a"(old), "+m"(*(vol32 *)p), "=@ccz"(ok)
                         : "r"(desired)
                         : "memory");
        break;
    default:
        __asm__ volatile("lock cmpxchgq %3, %1"
                         : "+a"(old), "+m"(*(vol64 *)p), "=@ccz"(ok)
                         : "r"(desired)
                         : "memory");
        break;
    }
    *expected = old & x86_mask(size);
#else
#error "locked accesses need a host compare-and-swap of unaligned operands"
#endif
    return ok;
}

/* What no host instruction can do (it crosses a page, or is I/O): every other vCPU stands
 * still meanwhile. */
static bool stopped_cas(struct tcg_cpu *t, uint64_t la, unsigned size, void *expected,
                        const void *desired)
{
    struct x86_cpu *c = &t->x;
    sigjmp_buf here, *outer = c->unwind;
    uint8_t now[16];
    bool ok;

    probe(t, t->bank, la, size, ACC_WRITE);
    sync_stop_others(t);
    if (sigsetjmp(here, 0)) { /* the mapping went away after the probe */
        c->unwind = outer;
        t->in_cas = false;
        sync_let_others(t);
        siglongjmp(*outer, 1);
    }
    c->unwind = &here;
    t->in_cas = true;
    read_any(t, t->bank, la, now, size);
    ok = !memcmp(now, expected, size);
    if (ok)
        write_any(t, t->bank, la, desired, size);
    memcpy(expected, now, size);
    c->unwind = outer;
    t->in_cas = false;
    sync_let_others(t);
    return ok;
}

/* A host pointer for a locked access, or NULL: stop the others. */
static void *lock_ptr(struct tcg_cpu *t, uint64_t la, unsigned size, struct tlb_info **code)
{
    void *p = hit(t->x.tlb[ACC_WRITE], la, size);
    struct tlb_info *f;

    *code = NULL;
    if (likely(p))
        return p;
    if (to_page_end(la, size) != size)
        return NULL;
    f = translate(t, t->bank, la, ACC_WRITE);
    if (!(f->flags & TI_RAM) || (f->flags & TI_WATCH))
        return NULL;
    if (f->flags & TI_CODE)
        *code = f;
    return info_host(f, la);
}

bool x86_lin_cmpxchg(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t *expected,
                     uint64_t desired)
{
    struct tcg_cpu *t = tcg_of(c);
    struct tlb_info *code;
    void *p = lock_ptr(t, la, size, &code);
    bool ok;

    if (!p) {
        *expected &= x86_mask(size);
        return stopped_cas(t, la, size, expected, &desired);
    }
    ok = host_cas(p, size, expected, desired);
    if (ok && code)
        code_stored(t, code->ram, code->off + (la & ~PAGE_MASK), size);
    return ok;
}

bool x86_lin_cmpxchg16(struct x86_cpu *c, uint64_t la, uint64_t expected[2],
                       const uint64_t desired[2])
{
    struct tcg_cpu *t = tcg_of(c);
    struct tlb_info *code;
    void *p = lock_ptr(t, la, 16, &code);
    bool ok;

    if (!p)
        return stopped_cas(t, la, 16, expected, desired);
#if defined(__x86_64__)
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(ok), "+m"(*(unsigned __int128 *)p), "+a"(expected[0]),
                       "+d"(expected[1])
                     : "b"(desired[0]), "c"(desired[1])
                     : "memory");
#endif
    if (ok && code)
        code_stored(t, code->ram, code->off + (la & ~PAGE_MASK), 16);
    return ok;
}

/* SPDX-License-Identifier: MIT */
/*
 * The soft TLB: three direct-mapped tables (read, write, execute) for each privilege and
 * PCID, their fills and flushes, and the tickets that keep cross-page links honest.
 *
 * Intel SDM vol. 3 section 4.10 (caching translation information, PCIDs, invalidation).
 * Over-invalidation is always allowed and used where precision does not pay.
 */
#include <string.h>

#include "accel/tcg-interp/engine.h"

/* ---- Tickets ---------------------------------------------------------------------------- */

/* A ticket's bits lie where a page address has none: 0-11 and 48-63. */
static uint64_t ticket_new(struct tcg_cpu *t)
{
    uint64_t n = ++t->ticket_next;

    if (n >> 28) /* used up: no link may survive */
        t->flush_blocks = t->leave = true;
    return (n & 0xfff) | (n >> 12) << 48;
}

static void tickets_load(struct tcg_cpu *t)
{
    unsigned user = t->kind == TLB_USER;

    t->ticket[0] = t->cur_asid->ticket[user][0];
    t->ticket[1] = !user && t->upper_global ? t->upper_ticket : t->cur_asid->ticket[user][1];
    /* a ticket leaves bits 12 to 47 free */
    t->jc_tag[0] = t->ticket[0] ^ (uint64_t)t->mode << 16;
    t->jc_tag[1] = t->ticket[1] ^ (uint64_t)t->mode << 16;
}

static void tickets_renew(struct tcg_cpu *t, struct tlb_asid *a)
{
    for (unsigned user = 0; user < 2; user++) /* the halves differ in address bit 47 */
        a->ticket[user][0] = a->ticket[user][1] = ticket_new(t);
    memset(&a->code, 0, sizeof(a->code));
}

static void upper_renew(struct tcg_cpu *t)
{
    t->upper_ticket = ticket_new(t);
    memset(&t->upper_code, 0, sizeof(t->upper_code));
    if (t->cur_asid)
        tickets_load(t);
}

void tlb_restart_tickets(struct tcg_cpu *t)
{
    t->ticket_next = 0;
    for (unsigned n = 0; n < ASIDS; n++)
        tickets_renew(t, &t->asid[n]);
    upper_renew(t);
}

/* A kernel-half page that is not global was executed: those links cannot be shared. */
static void upper_split(struct tcg_cpu *t)
{
    t->upper_global = false;
    for (unsigned n = 0; n < ASIDS; n++)
        if (t->asid[n].valid)
            tickets_renew(t, &t->asid[n]);
    tickets_load(t);
}

void tlb_note_code(struct tcg_cpu *t, uint64_t la, const struct tlb_info *info)
{
    uint64_t page = la >> PAGE_BITS;

    if ((int64_t)la < 0 && t->kind != TLB_USER && t->upper_global) {
        if (info->flags & TI_GLOBAL) {
            page_set_add(&t->upper_code, page);
            return;
        }
        upper_split(t);
    }
    page_set_add(&t->cur_asid->code, page);
}

/* ---- Banks ------------------------------------------------------------------------------ */

static struct tlb_bank *bank_new(enum tlb_kind kind)
{
    struct tlb_bank *b = g_new0(struct tlb_bank, 1);

    b->kind = kind;
    for (unsigned acc = 0; acc < 3; acc++)
        for (unsigned n = 0; n < TLB_SIZE; n++) {
            b->e[acc][n].tag = TLB_NONE;
            b->info[acc][n].page = 1;
        }
    return b;
}

static void slot_clear(struct tlb_bank *b, unsigned slot)
{
    b->e[slot >> TLB_BITS][slot & (TLB_SIZE - 1)].tag = TLB_NONE;
    b->info[slot >> TLB_BITS][slot & (TLB_SIZE - 1)].page = 1;
}

static struct tlb_info *slot_info(struct tlb_bank *b, unsigned slot)
{
    return &b->info[slot >> TLB_BITS][slot & (TLB_SIZE - 1)];
}

static void bank_flush(struct tlb_bank *b, bool global)
{
    for (unsigned g = 0; g < (global ? 2 : 1); g++) {
        bool all = b->n[g] > LIST_MAX;
        unsigned n = all ? 3 * TLB_SIZE : b->n[g];

        for (unsigned k = 0; k < n; k++) {
            unsigned slot = all ? k : b->list[g][k];

            if (global || !(slot_info(b, slot)->flags & TI_GLOBAL))
                slot_clear(b, slot);
        }
        b->n[g] = 0;
    }
}

/* Remember that slot was filled. */
static void bank_note(struct tlb_bank *b, unsigned slot, bool global)
{
    if (b->n[global] < LIST_MAX)
        b->list[global][b->n[global]] = slot;
    if (b->n[global] <= LIST_MAX)
        b->n[global]++;
}

static void bank_drop_large(struct tlb_bank *b)
{
    for (unsigned slot = 0; slot < 3 * TLB_SIZE; slot++)
        if (slot_info(b, slot)->flags & TI_LARGE)
            slot_clear(b, slot);
}

static void asid_flush(struct tcg_cpu *t, struct tlb_asid *a, bool global)
{
    for (unsigned k = 0; k < TLB_KINDS; k++)
        if (a->bank[k])
            bank_flush(a->bank[k], global);
    if (global)
        memset(a->large, 0, sizeof(a->large));
    tickets_renew(t, a);
    t->st_flushes++;
}

static struct tlb_asid *asid_find(struct tcg_cpu *t, uint16_t pcid)
{
    for (unsigned n = 0; n < ASIDS; n++)
        if (t->asid[n].valid && t->asid[n].pcid == pcid)
            return &t->asid[n];
    return NULL;
}

static struct tlb_asid *asid_get(struct tcg_cpu *t, uint16_t pcid)
{
    struct tlb_asid *a = asid_find(t, pcid);

    if (a)
        return a;
    a = &t->asid[0];
    for (unsigned n = 0; n < ASIDS && a->valid; n++)
        if (!t->asid[n].valid || t->asid[n].stamp < a->stamp)
            a = &t->asid[n];
    asid_flush(t, a, !t->x.cr4 || !(t->x.cr4 & CR4_PGE));
    a->valid = true;
    a->pcid = pcid;
    return a;
}

static struct tlb_bank *asid_bank(struct tlb_asid *a, enum tlb_kind kind)
{
    if (!a->bank[kind])
        a->bank[kind] = bank_new(kind);
    return a->bank[kind];
}

void tlb_select(struct tcg_cpu *t)
{
    struct x86_cpu *c = &t->x;
    uint16_t pcid = c->cr4 & CR4_PCIDE ? c->cr3 & 0xfff : 0;
    enum tlb_kind kind = c->cpl == 3 ? TLB_USER
                         : (c->cr4 & CR4_SMAP) && (c->eflags & FL_AC) ? TLB_KERNEL_AC
                                                                      : TLB_KERNEL;

    if (!t->cur_asid || !t->cur_asid->valid || t->cur_asid->pcid != pcid) {
        t->cur_asid = asid_get(t, pcid);
        t->cur_asid->stamp = ++t->stamp;
    }
    t->kind = kind;
    t->bank = asid_bank(t->cur_asid, kind);
    t->sys_bank = asid_bank(t->cur_asid, TLB_KERNEL);
    for (unsigned acc = 0; acc < 3; acc++)
        c->tlb[acc] = t->bank->e[acc];
    tickets_load(t);
}

void tlb_init(struct tcg_cpu *t)
{
    t->upper_global = true;
    upper_renew(t);
}

void tlb_fini(struct tcg_cpu *t)
{
    for (unsigned n = 0; n < ASIDS; n++)
        for (unsigned k = 0; k < TLB_KINDS; k++)
            g_free(t->asid[n].bank[k]);
}

/* ---- Fills ------------------------------------------------------------------------------ */

static bool page_watched(const struct tcg_cpu *t, uint64_t la)
{
    for (unsigned n = 0; t->watching && n < 4; n++)
        if ((t->x.dr[7] >> (n * 2) & 3) && (t->x.dr[7] >> (16 + n * 4) & 1) &&
            ((t->x.dr[n] ^ la) & PAGE_MASK) == 0)
            return true;
    return unlikely(t->debug.data) && tcg_debug_watches(t, la);
}

/* Where the page at gpa lies in RAM, if all of it does; writable tells whether stores may go
 * there directly. */
static bool page_ram(struct tcg_cpu *t, struct tlb_info *f, bool *writable)
{
    const struct region_section *s = as_lookup(t->x.as, f->gpa);

    if (!s || s->region->kind != REGION_RAM || f->gpa - s->base + PAGE_SIZE > s->size)
        return false;
    f->ram = s->region->ram;
    f->off = s->region->ram_offset + s->offset + (f->gpa - s->base);
    *writable = !s->readonly;
    return !(f->off & ~PAGE_MASK);
}

/* A store translation may be fast unless the page holds code. Whoever sets RAM_CODE looks at
 * `writers` afterwards: one of the two sees the other. */
static bool store_may_be_fast(struct tcg_cpu *t, struct tlb_info *f)
{
    struct tcg_ram *r = code_ram(t->vm, f->ram);
    uint8_t bit = 1u << (t->vcpu->index & 7), *w = &r->writers[f->off >> PAGE_BITS];

    if (ram_page_flags(f->ram, f->off) & RAM_CLEAN)
        ram_note_write(f->ram, f->off, PAGE_SIZE);
    if (!(__atomic_load_n(w, __ATOMIC_SEQ_CST) & bit))
        __atomic_fetch_or(w, bit, __ATOMIC_SEQ_CST);
    if (!(__atomic_load_n(&f->ram->flags[f->off >> PAGE_BITS], __ATOMIC_SEQ_CST) & RAM_CODE))
        return true;
    f->flags |= TI_CODE;
    return false;
}

static struct tlb_info *fill(struct tcg_cpu *t, struct tlb_bank *b, uint64_t page,
                             enum x86_access acc, const struct x86_walk *w)
{
    unsigned idx = tlb_index(page);
    struct tlb_info *f = &b->info[acc][idx];
    struct tlb_ent *e = &b->e[acc][idx];
    bool fast, writable = false, ram;

    *f = (struct tlb_info){.page = page, .gpa = w->gpa & PAGE_MASK};
    f->flags = (w->global ? TI_GLOBAL : 0) | (w->page_size > PAGE_SIZE ? TI_LARGE : 0);
    ram = fast = page_ram(t, f, &writable);
    e->add = ram ? (uintptr_t)f->ram->host + f->off - page : 0;
    if (page_watched(t, page)) {
        f->flags |= TI_WATCH;
        fast = false;
    }
    if (acc == ACC_WRITE && ram) {
        t->stored = true;
        if (!writable)
            ram = fast = false;
        else if (!store_may_be_fast(t, f))
            fast = false;
    }
    if (ram)
        f->flags |= TI_RAM;
    e->tag = page | (fast || (acc == ACC_EXEC && ram) ? 0 : TLB_SLOW);
    bank_note(b, acc << TLB_BITS | idx, f->flags & TI_GLOBAL);
    t->st_fills++;
    return f;
}

static void note_large(struct tlb_asid *a, uint64_t la, uint64_t size)
{
    page_set_add(&a->large[size >= 1u << 30], la >> (size >= 1u << 30 ? 30 : 21));
    if (size == 4u << 20)
        page_set_add(&a->large[0], la >> 21 ^ 1);
}

struct tlb_info *tlb_get(struct tcg_cpu *t, struct tlb_bank *b, uint64_t la, enum x86_access acc,
                         struct x86_walk *w)
{
    struct x86_cpu *c = &t->x;
    uint64_t page = la & PAGE_MASK;
    struct tlb_info *f = &b->info[acc][tlb_index(la)];

    if (f->page == page &&
        !((f->flags & TI_CODE) && !(ram_page_flags(f->ram, f->off) & RAM_CODE)))
        return f;
    if (!x86_walk(c, la, acc, b->kind == TLB_USER, b->kind == TLB_KERNEL, w))
        return NULL;
    if (w->page_size > PAGE_SIZE)
        note_large(t->cur_asid, la, w->page_size);
    if (acc == ACC_WRITE) /* what may be written may be read */
        fill(t, b, page, ACC_READ, w);
    return fill(t, b, page, acc, w);
}

/* ---- Flushes ---------------------------------------------------------------------------- */

static void flushed(struct tcg_cpu *t)
{
    tlb_select(t);
    t->leave = true;
}

void tlb_flush_all(struct tcg_cpu *t)
{
    for (unsigned n = 0; n < ASIDS; n++)
        if (t->asid[n].valid)
            asid_flush(t, &t->asid[n], true);
        else /* a replaced one may have kept global entries */
            for (unsigned k = 0; k < TLB_KINDS; k++)
                if (t->asid[n].bank[k])
                    bank_flush(t->asid[n].bank[k], true);
    t->upper_global = true; /* until shown otherwise again */
    upper_renew(t);
    flushed(t);
}

void tlb_hook_flush_all(struct x86_cpu *c)
{
    tlb_flush_all(tcg_of(c));
}

void tlb_hook_flush_nonglobal(struct x86_cpu *c)
{
    struct tcg_cpu *t = tcg_of(c);

    tlb_select(t);
    asid_flush(t, t->cur_asid, !(c->cr4 & CR4_PGE));
    flushed(t);
}

void tlb_hook_flush_all_nonglobal(struct x86_cpu *c)
{
    struct tcg_cpu *t = tcg_of(c);

    for (unsigned n = 0; n < ASIDS; n++)
        if (t->asid[n].valid)
            asid_flush(t, &t->asid[n], !(c->cr4 & CR4_PGE));
    flushed(t);
}

static void bank_drop_page(struct tlb_bank *b, uint64_t page, bool all)
{
    for (unsigned acc = 0; acc < 3; acc++) {
        struct tlb_info *f = &b->info[acc][tlb_index(page)];

        if (f->page == page && (all || (f->flags & TI_GLOBAL)))
            slot_clear(b, acc << TLB_BITS | tlb_index(page));
    }
}

/* Pages elsewhere are only dropped if global, but nobody asks which of two equal addresses
 * a splinter belonged to. */
static void asid_drop_page(struct tcg_cpu *t, struct tlb_asid *a, uint64_t la, bool all)
{
    bool large = page_set_has(&a->large[0], la >> 21) || page_set_has(&a->large[1], la >> 30);

    for (unsigned k = 0; k < TLB_KINDS; k++)
        if (a->bank[k]) {
            bank_drop_page(a->bank[k], la & PAGE_MASK, all);
            if (large)
                bank_drop_large(a->bank[k]);
        }
    if (large)
        memset(a->large, 0, sizeof(a->large));
    if (large || page_set_has(&a->code, la >> PAGE_BITS))
        tickets_renew(t, a);
}

void tlb_hook_flush_page(struct x86_cpu *c, uint64_t la)
{
    struct tcg_cpu *t = tcg_of(c);

    for (unsigned n = 0; n < ASIDS; n++)
        asid_drop_page(t, &t->asid[n], la, &t->asid[n] == t->cur_asid);
    if ((int64_t)la < 0 && page_set_has(&t->upper_code, la >> PAGE_BITS))
        upper_renew(t);
    flushed(t);
}

void tlb_hook_flush_pcid(struct x86_cpu *c, uint16_t pcid, bool page, uint64_t la)
{
    struct tcg_cpu *t = tcg_of(c);
    struct tlb_asid *a = asid_find(t, pcid);

    if (a && page)
        asid_drop_page(t, a, la, true);
    else if (a)
        asid_flush(t, a, false);
    flushed(t);
}

void tlb_hook_cr3(struct x86_cpu *c, bool noflush)
{
    struct tcg_cpu *t = tcg_of(c);

    tlb_select(t);
    if (!noflush) {
        asid_flush(t, t->cur_asid, !(c->cr4 & CR4_PGE));
        tickets_load(t);
    }
    t->leave = true;
}

void tlb_drop_w(struct tcg_cpu *t, const struct ram_block *ram, uint64_t off, uint64_t len)
{
    len += off & ~PAGE_MASK;
    off &= PAGE_MASK;
    for (unsigned n = 0; n < ASIDS; n++)
        for (unsigned k = 0; k < TLB_KINDS; k++) {
            struct tlb_bank *b = t->asid[n].bank[k];

            for (unsigned i = 0; b && i < TLB_SIZE; i++)
                if (b->e[ACC_WRITE][i].tag != TLB_NONE && b->info[ACC_WRITE][i].ram == ram &&
                    b->info[ACC_WRITE][i].off - off < len)
                    slot_clear(b, ACC_WRITE << TLB_BITS | i);
        }
}

void tlb_update_watch(struct tcg_cpu *t)
{
    const struct x86_cpu *c = &t->x;
    uint64_t now[5] = {c->dr[0], c->dr[1], c->dr[2], c->dr[3], c->dr[7]};
    bool data = false;

    if (!memcmp(now, t->watch, sizeof(now)))
        return;
    memcpy(t->watch, now, sizeof(now));
    for (unsigned n = 0; n < 4; n++)
        data |= (c->dr[7] >> (n * 2) & 3) && (c->dr[7] >> (16 + n * 4) & 1);
    if (data || t->watching)
        tlb_flush_all(t);
    t->watching = data;
    if (data)
        tlb_flush_all(t);
}

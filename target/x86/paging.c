/* SPDX-License-Identifier: MIT */
/*
 * Linear to guest-physical: 32-bit paging with PSE and PSE-36, PAE paging with its PDPTE
 * registers, 4-level paging with 2 MiB and 1 GiB pages. Intel SDM vol. 3 chapter 4.
 *
 *             level      4        3        2         1         reserved if set
 *   32-bit               -        -        PDE(4M)   PTE       PDE: 21, and 20:13 above MAXPHYADDR
 *   PAE                  -        PDPTE    PDE(2M)   PTE       62:MAXPHYADDR; 63 if !NXE; 2M: 20:13
 *   4-level              PML4E    PDPTE(1G) PDE(2M)  PTE       51:MAXPHYADDR; 63 if !NXE; PML4E: 7;
 *                                                              2M: 20:13; 1G: 29:13
 *
 * Rights are the AND of R/W and U/S and the OR of XD over the levels used (section 4.6):
 *
 *   access            page U/S=0                          page U/S=1
 *   ----------------  ----------------------------------  ---------------------------------------
 *   supervisor read   yes                                 !SMAP, or explicit and AC=1
 *   supervisor write  R/W or !WP                          the same and (R/W or !WP)
 *   supervisor fetch  !XD                                 !XD and !SMEP
 *   user read         no                                  yes
 *   user write        no                                  R/W
 *   user fetch        no                                  !XD
 *
 *   error code: P (rights or reserved bit), W, U, RSVD, I (fetch, with NXE under PAE or SMEP)
 *
 * A is set in every entry used and D in the leaf of a write by compare-and-swap, only when the
 * access is allowed; if an entry changed meanwhile the walk starts over. A table that does not
 * lie in RAM reads as all ones (nobody drives the bus), one in ROM keeps its A and D bits.
 */
#include "core/region.h"
#include "target/x86/cpu.h"
#include "target/x86/cpuid.h"

enum {
    PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40, PTE_PS = 0x80, PTE_G = 0x100,
};
#define PTE_XD (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

/* One walk in progress. */
struct walk {
    struct x86_cpu *c;
    uint64_t la;
    uint64_t ent_gpa[4], ent[4]; /* entries read, top level first */
    unsigned n, ent_size;
    uint64_t rights;             /* AND of R/W, U/S */
    bool xd;
    uint64_t base, page_size;    /* the leaf's */
};
enum walk_result { WALK_OK, WALK_ABSENT, WALK_RESERVED };

static uint64_t entry_read(struct walk *k, uint64_t gpa)
{
    const void *p = as_ptr(k->c->as, gpa, k->ent_size, false);

    if (!p)
        return k->ent_size == 8 ? ~0ull : 0xffffffffu;
    return k->ent_size == 8 ? __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED)
                            : __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
}

/* Next level: read the entry at gpa, check presence and the bits in `reserved`. */
static enum walk_result entry_take(struct walk *k, uint64_t gpa, uint64_t reserved, uint64_t *e)
{
    *e = entry_read(k, gpa);
    if (!(*e & PTE_P))
        return WALK_ABSENT;
    if (*e & reserved)
        return WALK_RESERVED;
    k->ent_gpa[k->n] = gpa;
    k->ent[k->n++] = *e;
    k->rights &= *e;
    k->xd |= k->ent_size == 8 && (*e & PTE_XD);
    return WALK_OK;
}

static uint64_t above_maxphys(const struct x86_cpu *c)
{
    return ~0ull << c->model->phys_bits;
}

static enum walk_result leaf(struct walk *k, uint64_t base, uint64_t size)
{
    k->base = base & ~(size - 1);
    k->page_size = size;
    return WALK_OK;
}

static enum walk_result walk_32(struct walk *k)
{
    struct x86_cpu *c = k->c;
    uint32_t la = k->la;
    uint64_t e;
    enum walk_result r;

    k->ent_size = 4;
    r = entry_take(k, (c->cr3 & 0xfffff000u) + (la >> 22) * 4, 0, &e);
    if (r != WALK_OK)
        return r;
    if ((e & PTE_PS) && (c->cr4 & CR4_PSE)) {
        uint64_t base = (e & 0xffc00000u) | (e >> 13 & 0xff) << 32;

        if ((e & 1u << 21) || (base & above_maxphys(c)))
            return WALK_RESERVED;
        return leaf(k, base, 4u << 20);
    }
    r = entry_take(k, (e & 0xfffff000u) + (la >> 12 & 0x3ff) * 4, 0, &e);
    return r == WALK_OK ? leaf(k, e & 0xfffff000u, 4096) : r;
}

/* From the page directory down: PAE and 4-level alike. */
static enum walk_result walk_dir(struct walk *k, uint64_t dir, uint64_t reserved)
{
    uint64_t e;
    enum walk_result r = entry_take(k, dir + (k->la >> 21 & 0x1ff) * 8, reserved, &e);

    if (r != WALK_OK)
        return r;
    if (e & PTE_PS)
        return e & 0x1fe000 ? WALK_RESERVED : leaf(k, e & PTE_ADDR, 2u << 20);
    r = entry_take(k, (e & PTE_ADDR) + (k->la >> 12 & 0x1ff) * 8, reserved, &e);
    return r == WALK_OK ? leaf(k, e & PTE_ADDR, 4096) : r;
}

static enum walk_result walk_pae(struct walk *k)
{
    struct x86_cpu *c = k->c;
    uint64_t pdpte = c->pdpte[k->la >> 30 & 3];
    uint64_t reserved = above_maxphys(c) & ~PTE_XD;

    k->ent_size = 8;
    if (!(pdpte & PTE_P))
        return WALK_ABSENT;
    if (!(c->msr.efer & EFER_NXE))
        reserved |= PTE_XD;
    return walk_dir(k, pdpte & PTE_ADDR, reserved);
}

static enum walk_result walk_4level(struct walk *k)
{
    struct x86_cpu *c = k->c;
    uint64_t reserved = above_maxphys(c) & PTE_ADDR, e;
    enum walk_result r;

    k->ent_size = 8;
    if (!(c->msr.efer & EFER_NXE))
        reserved |= PTE_XD;
    r = entry_take(k, (c->cr3 & PTE_ADDR) + (k->la >> 39 & 0x1ff) * 8, reserved | PTE_PS, &e);
    if (r != WALK_OK)
        return r;
    r = entry_take(k, (e & PTE_ADDR) + (k->la >> 30 & 0x1ff) * 8, reserved, &e);
    if (r != WALK_OK)
        return r;
    if (e & PTE_PS) {
        if (!x86_has(c, X86_F_PDPE1GB) || (e & 0x3fffe000))
            return WALK_RESERVED;
        return leaf(k, e & PTE_ADDR, 1u << 30);
    }
    return walk_dir(k, e & PTE_ADDR, reserved);
}

static enum walk_result walk_start(struct walk *k, struct x86_cpu *c, uint64_t la)
{
    *k = (struct walk){ .c = c, .la = la, .rights = PTE_W | PTE_U };
    if (!(c->cr4 & CR4_PAE))
        return walk_32(k);
    return c->lma ? walk_4level(k) : walk_pae(k);
}

static bool allowed(const struct walk *k, enum x86_access acc, bool user, bool implicit)
{
    const struct x86_cpu *c = k->c;
    bool page_user = k->rights & PTE_U;

    if (acc == ACC_EXEC)
        return !k->xd && (user ? page_user : !(page_user && (c->cr4 & CR4_SMEP)));
    if (user)
        return page_user && (acc == ACC_READ || (k->rights & PTE_W));
    if (page_user && (c->cr4 & CR4_SMAP) && (implicit || !(c->eflags & FL_AC)))
        return false;
    return acc == ACC_READ || (k->rights & PTE_W) || !(c->cr0 & CR0_WP);
}

/* Set `bits` in an entry that reads `old`. False: somebody changed it, walk again. */
static bool entry_set(struct walk *k, unsigned n, uint64_t bits)
{
    uint64_t old = k->ent[n];
    uint32_t old32 = old;
    void *p;

    if ((old & bits) == bits)
        return true;
    p = as_ptr(k->c->as, k->ent_gpa[n], k->ent_size, true);
    if (!p)
        return true;
    k->ent[n] |= bits;
    if (k->ent_size == 8)
        return __atomic_compare_exchange_n((uint64_t *)p, &old, old | bits, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    return __atomic_compare_exchange_n((uint32_t *)p, &old32, old32 | bits, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static bool set_accessed_dirty(struct walk *k, enum x86_access acc)
{
    for (unsigned n = 0; n < k->n; n++)
        if (!entry_set(k, n, n == k->n - 1 && acc == ACC_WRITE ? PTE_A | PTE_D : PTE_A))
            return false;
    return true;
}

static void fill(const struct walk *k, bool user, struct x86_walk *w)
{
    const struct x86_cpu *c = k->c;
    uint64_t last = k->ent[k->n - 1];

    w->gpa = k->base + (k->la & (k->page_size - 1));
    w->page_size = k->page_size;
    w->writable = (k->rights & PTE_W) || (!user && !(c->cr0 & CR0_WP));
    w->user = k->rights & PTE_U;
    w->nx = k->xd;
    w->global = (last & PTE_G) && (c->cr4 & CR4_PGE);
    w->dirty = last & PTE_D;
    w->error = 0;
}

static void fill_identity(uint64_t la, struct x86_walk *w)
{
    *w = (struct x86_walk){ .gpa = la & 0xffffffff, .page_size = 4096, .writable = true,
                            .user = true, .dirty = true };
}

bool x86_walk(struct x86_cpu *c, uint64_t la, enum x86_access acc, bool user, bool implicit,
              struct x86_walk *w)
{
    struct walk k;
    enum walk_result r;

    if (!(c->cr0 & CR0_PG)) {
        fill_identity(la, w);
        return true;
    }
    /* Another processor may change an entry under us; after a few rounds the values just read
     * are as good as any. */
    for (unsigned tries = 0; tries < 64; tries++) {
        r = walk_start(&k, c, la);
        if (r != WALK_OK || !allowed(&k, acc, user, implicit))
            break;
        if (set_accessed_dirty(&k, acc)) {
            fill(&k, user, w);
            return true;
        }
    }
    w->error = (acc == ACC_WRITE ? PF_W : 0) | (user ? PF_U : 0);
    if (acc == ACC_EXEC && ((c->cr4 & CR4_SMEP) ||
                            ((c->cr4 & CR4_PAE) && (c->msr.efer & EFER_NXE))))
        w->error |= PF_I;
    if (r != WALK_ABSENT)
        w->error |= PF_P;
    if (r == WALK_RESERVED)
        w->error |= PF_RSVD;
    return false;
}

bool x86_walk_probe(struct x86_cpu *c, uint64_t la, struct x86_walk *w)
{
    struct walk k;

    if (!(c->cr0 & CR0_PG)) {
        fill_identity(la, w);
        return true;
    }
    if (walk_start(&k, c, la) != WALK_OK)
        return false;
    fill(&k, true, w);
    return true;
}

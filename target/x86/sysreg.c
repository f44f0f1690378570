/* SPDX-License-Identifier: MIT */
/*
 * Control registers: what may be written when, and what follows from it. Intel SDM vol. 3
 * sections 2.5, 4.1, 4.4.1 (PDPTEs), 4.10.4 (invalidation), 9.8.5 (entering IA-32e mode).
 */
#include "core/region.h"
#include "target/x86/cpuid.h"
#include "target/x86/segment.h"

#define CR0_WRITABLE                                                                               \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define CR3_NOFLUSH (1ull << 63)

bool x86_read_pdptes(struct x86_cpu *c, uint64_t cr3, uint64_t out[4])
{
    uint64_t reserved = ~0ull << c->model->phys_bits | 0x1e6;
    const uint64_t *p = as_ptr(c->as, cr3 & 0xffffffe0u, 32, false);

    for (unsigned k = 0; k < 4; k++) {
        out[k] = p ? __atomic_load_n(&p[k], __ATOMIC_RELAXED) : ~0ull;
        if ((out[k] & 1) && (out[k] & reserved))
            return false;
    }
    return true;
}

/* Under PAE paging some writes to CR0, CR3 and CR4 load the PDPTEs; #GP(0) if they are bad. */
static void load_pdptes(struct x86_cpu *c, uint64_t cr0, uint64_t cr3, uint64_t cr4)
{
    uint64_t pdpte[4];

    if (!(cr0 & CR0_PG) || !(cr4 & CR4_PAE) || (c->msr.efer & EFER_LME))
        return;
    if (!x86_read_pdptes(c, cr3, pdpte))
        x86_gp(c, 0);
    for (unsigned k = 0; k < 4; k++)
        c->pdpte[k] = pdpte[k];
}

/* Setting PG with EFER.LME: IA-32e mode wants PAE, a legacy CS and no 16-bit TSS. */
static void check_enter_long(struct x86_cpu *c)
{
    unsigned tr = c->seg[S_TR].attr & SEG_TYPE;

    if (!(c->cr4 & CR4_PAE) || (c->seg[S_CS].attr & SEG_L) || tr == SYS_TSS16 ||
        tr == SYS_TSS16_BUSY)
        x86_gp(c, 0);
}

void x86_set_cr0(struct x86_cpu *c, uint64_t v)
{
    uint64_t old = c->cr0, change;

    if (v >> 32 || ((v & CR0_PG) && !(v & CR0_PE)) || ((v & CR0_NW) && !(v & CR0_CD)))
        x86_gp(c, 0);
    v = (v & CR0_WRITABLE) | CR0_ET;
    change = old ^ v;
    if ((change & v & CR0_PG) && (c->msr.efer & EFER_LME))
        check_enter_long(c);
    if ((change & old & CR0_PG) && (c->mode == X86_MODE_64 || (c->cr4 & CR4_PCIDE)))
        x86_gp(c, 0);
    if (change & (CR0_PG | CR0_CD | CR0_NW))
        load_pdptes(c, v, c->cr3, c->cr4);

    c->cr0 = v;
    if (change & CR0_PG) {
        if ((v & CR0_PG) && (c->msr.efer & EFER_LME))
            c->msr.efer |= EFER_LMA;
        else
            c->msr.efer &= ~(uint64_t)EFER_LMA;
    }
    if (change & (CR0_PG | CR0_WP | CR0_PE))
        c->host->flush_all(c);
    x86_update_mode(c);
}

void x86_set_cr3(struct x86_cpu *c, uint64_t v)
{
    bool noflush = (c->cr4 & CR4_PCIDE) && (v & CR3_NOFLUSH);

    if (c->lma) {
        if (c->cr4 & CR4_PCIDE)
            v &= ~CR3_NOFLUSH;
        if (v & ~0ull << c->model->phys_bits)
            x86_gp(c, 0);
    } else {
        v = (uint32_t)v;
        load_pdptes(c, c->cr0, v, c->cr4);
    }
    c->cr3 = v;
    c->host->cr3_changed(c, noflush);
}

/* CR4 bits and the features that bring them. */
static uint64_t cr4_valid(const struct x86_cpu *c)
{
    static const struct {
        uint32_t bit;
        uint16_t feature;
    } table[] = {
        { CR4_VME | CR4_PVI, X86_F_VME }, { CR4_TSD, X86_F_TSC }, { CR4_DE, X86_F_DE },
        { CR4_PSE, X86_F_PSE }, { CR4_PAE, X86_F_PAE }, { CR4_MCE, X86_F_MCE },
        { CR4_PGE, X86_F_PGE }, { CR4_PCE, X86_F_NONE }, { CR4_OSFXSR, X86_F_FXSR },
        { CR4_OSXMMEXCPT, X86_F_SSE }, { CR4_UMIP, X86_F_UMIP }, { CR4_FSGSBASE, X86_F_FSGSBASE },
        { CR4_PCIDE, X86_F_PCID }, { CR4_OSXSAVE, X86_F_XSAVE }, { CR4_SMEP, X86_F_SMEP },
        { CR4_SMAP, X86_F_SMAP },
    };
    uint64_t valid = 0;

    for (unsigned k = 0; k < sizeof(table) / sizeof(table[0]); k++)
        if (x86_has(c, table[k].feature))
            valid |= table[k].bit;
    return valid;
}

void x86_set_cr4(struct x86_cpu *c, uint64_t v)
{
    uint64_t change = c->cr4 ^ v;

    if (v & ~cr4_valid(c))
        x86_gp(c, 0);
    if (c->lma && !(v & CR4_PAE))
        x86_gp(c, 0);
    if ((change & v & CR4_PCIDE) && (!c->lma || (c->cr3 & 0xfff)))
        x86_gp(c, 0);
    if (change & (CR4_PAE | CR4_PSE | CR4_PGE | CR4_SMEP))
        load_pdptes(c, c->cr0, c->cr3, v);

    c->cr4 = v;
    if (change & (CR4_PAE | CR4_PSE | CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP))
        c->host->flush_all(c);
    x86_update_mode(c);
}

/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR. Plain registers are rows of msr.def; here are the ones with side effects or
 * whose value lives elsewhere. Intel SDM vol. 4 chapter 2, vol. 3 sections 11.11 (MTRRs), 11.12
 * (PAT), 15.3 (machine check), 17.17 (TSC).
 *
 * Memory types are kept and read back but have no effect: guest memory is coherent. An unknown
 * register is #GP(0), and a line under -d unimp.
 */
#include "target/x86/cpuid.h"
#include "target/x86/kvm_pv.h"
#include "target/x86/segment.h"
#include "util/log.h"

enum msr_check { ANY, CANONICAL, PAT, MTRR, FIXED, ALL_OR_NONE, IGNORED, SPECIAL };

enum {
    MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b, MSR_TSC_ADJUST = 0x3b,
    MSR_MTRRCAP = 0xfe, MSR_ARCH_CAPABILITIES = 0x10a,
    MSR_MCG_CAP = 0x179, MSR_DEBUGCTL = 0x1d9, MSR_MC0_CTL = 0x400, MSR_TSC_DEADLINE = 0x6e0,
    MSR_X2APIC = 0x800, APIC_BASE_EXTD = 0x400,
};
#define MSR_EFER 0xc0000080u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u

enum { MCG_BANKS = X86_MCG_CAP & 0xff };
enum { MTRR_VARIABLE = 8, MTRR_CAP_FIX = 0x100, MTRR_CAP_WC = 0x400 };

struct msr_row {
    uint32_t index;
    uint16_t offset;  /* in struct x86_cpu */
    uint16_t feature;
    uint64_t mask;
    uint8_t check;    /* enum msr_check */
};

static const struct msr_row rows[] = {
#define MSR(idx, name, reset, bits, feat, chk)                                                     \
    { .index = idx, .offset = offsetof(struct x86_cpu, msr.name), .feature = X86_F_##feat,         \
      .mask = bits, .check = chk },
#include "target/x86/msr.def"
#undef MSR
};

static const struct msr_row *find(const struct x86_cpu *c, uint32_t index)
{
    index = kvm_pv_msr(index);
    for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
        if (rows[k].index == index)
            return x86_has(c, rows[k].feature) ? &rows[k] : NULL;
    return NULL;
}

static uint64_t *value_of(struct x86_cpu *c, const struct msr_row *r)
{
    return (uint64_t *)((char *)c + r->offset);
}

static bool is_apic(uint32_t index)
{
    return (index >= MSR_X2APIC && index < MSR_X2APIC + 0x100) || index == MSR_TSC_DEADLINE;
}

static bool apic_present(const struct x86_cpu *c, uint32_t index)
{
    return x86_has(c, index == MSR_TSC_DEADLINE ? X86_F_TSC_DEADLINE : X86_F_X2APIC);
}

/* MCi_STATUS: reads as 0, only 0 may be written. */
static bool is_mc_status(const struct x86_cpu *c, uint32_t index)
{
    return index > MSR_MC0_CTL && index < MSR_MC0_CTL + 4 * MCG_BANKS && (index & 3) == 1 &&
           x86_has(c, X86_F_MCA);
}

static _Noreturn void unknown(struct x86_cpu *c, const char *what, uint32_t index)
{
    LOG(c->log, LOG_UNIMP, "cpu %u: %s of MSR %x at %llx\n", c->apic_id, what, index,
        (unsigned long long)c->rip);
    x86_gp(c, 0);
}

/* What Linux and others read to learn that this processor has none of the known leaks: an
 * interpreter does not speculate. Bit names: SDM vol. 4, IA32_ARCH_CAPABILITIES. */
static uint64_t arch_capabilities(void)
{
    enum {
        RDCL_NO = 0, SKIP_L1DFL_VMENTRY = 3, SSB_NO = 4, MDS_NO = 5, PSCHANGE_MC_NO = 6,
        TAA_NO = 8, SBDR_SSDP_NO = 13, FBSDP_NO = 14, PSDP_NO = 15, BHI_NO = 20, PBRSB_NO = 24,
        GDS_NO = 26, RFDS_NO = 27, ITS_NO = 62,
    };
    return 1ull << RDCL_NO | 1ull << SKIP_L1DFL_VMENTRY | 1ull << SSB_NO | 1ull << MDS_NO |
           1ull << PSCHANGE_MC_NO | 1ull << TAA_NO | 1ull << SBDR_SSDP_NO | 1ull << FBSDP_NO |
           1ull << PSDP_NO | 1ull << BHI_NO | 1ull << PBRSB_NO | 1ull << GDS_NO |
           1ull << RFDS_NO | 1ull << ITS_NO;
}

uint64_t x86_rdmsr(struct x86_cpu *c, uint32_t index)
{
    const struct msr_row *r = find(c, index);
    uint64_t v;

    if (r)
        return *value_of(c, r);
    if (is_apic(index)) {
        if (!apic_present(c, index) || !c->host->apic_msr_read(c, index, &v))
            x86_gp(c, 0);
        return v;
    }
    if (is_mc_status(c, index))
        return 0;
    switch (index) {
    case MSR_TSC:
        return c->host->tsc(c);
    case MSR_APIC_BASE:
        return c->host->apic_base(c);
    case X86_MSR_PLATFORM_INFO:
        return cpu_model_platform_info(c->model);
    case MSR_MTRRCAP:
        return MTRR_VARIABLE | MTRR_CAP_FIX | MTRR_CAP_WC;
    case MSR_ARCH_CAPABILITIES:
        if (!x86_has(c, X86_F_ARCH_CAP))
            unknown(c, "read", index);
        return arch_capabilities();
    case MSR_MCG_CAP:
        return X86_MCG_CAP;
    case MSR_FS_BASE:
        return c->seg_base[S_FS];
    case MSR_GS_BASE:
        return c->seg_base[S_GS];
    default:
        unknown(c, "read", index);
    }
}

/* ---- Writing ------------------------------------------------------------------------------ */

static bool types_valid(uint64_t v, uint32_t allowed) /* eight bytes, each a type in `allowed` */
{
    for (unsigned k = 0; k < 64; k += 8)
        if ((v >> k & 0xff) > 7 || !(allowed >> (v >> k & 7) & 1))
            return false;
    return true;
}

static bool value_valid(const struct x86_cpu *c, const struct msr_row *r, uint64_t v)
{
    enum {
        MTRR_TYPES = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6,
        PAT_TYPES = MTRR_TYPES | 1 << 7
    };
    uint64_t mask = r->mask;

    if (r->index >= 0x200 && r->index < 0x200 + 2 * MTRR_VARIABLE) {
        mask &= (1ull << c->model->phys_bits) - 1;
        if (!(r->index & 1))
            mask &= ~0xf00ull;
    }
    if (v & ~mask)
        return false;
    switch ((enum msr_check)r->check) {
    case CANONICAL:
        return x86_canonical(v);
    case PAT:
        return types_valid(v, PAT_TYPES);
    case FIXED:
        return types_valid(v, MTRR_TYPES);
    case MTRR:
        return (v & 0xff) < 8 && (MTRR_TYPES >> (v & 7) & 1);
    case ALL_OR_NONE:
        return v == 0 || v == ~0ull;
    default:
        return true;
    }
}

static void write_efer(struct x86_cpu *c, uint64_t v)
{
    uint64_t valid = EFER_LMA, old = c->msr.efer;

    if (x86_has(c, X86_F_SYSCALL))
        valid |= EFER_SCE;
    if (x86_has(c, X86_F_LM))
        valid |= EFER_LME;
    if (x86_has(c, X86_F_NX))
        valid |= EFER_NXE;
    if ((v & ~valid) || ((c->cr0 & CR0_PG) && ((old ^ v) & EFER_LME)))
        x86_gp(c, 0);
    c->msr.efer = (v & ~(uint64_t)EFER_LMA) | (old & EFER_LMA);
    if ((old ^ v) & EFER_NXE)
        c->host->flush_all(c);
    x86_update_mode(c);
}

static void write_tsc(struct x86_cpu *c, uint64_t v)
{
    c->msr.tsc_adjust += v - c->host->tsc(c);
    c->host->tsc_write(c, v);
}

static void write_special(struct x86_cpu *c, const struct msr_row *r, uint64_t v)
{
    switch (r->index) {
    case MSR_TSC_ADJUST:
        c->host->tsc_write(c, c->host->tsc(c) + v - c->msr.tsc_adjust);
        c->msr.tsc_adjust = v;
        break;
    case MSR_DEBUGCTL:
        c->msr.debugctl = v;
        c->host->mode_changed(c);
        break;
    case MSR_EFER:
        write_efer(c, v);
        break;
    default:
        if (!kvm_pv_wrmsr(c, r->index, v))
            x86_gp(c, 0);
        break;
    }
}

static void write_base(struct x86_cpu *c, unsigned seg, uint64_t v)
{
    if (!x86_canonical(v))
        x86_gp(c, 0);
    c->seg_base[seg] = v;
}

void x86_wrmsr(struct x86_cpu *c, uint32_t index, uint64_t v)
{
    const struct msr_row *r = find(c, index);

    if (r) {
        if (!r->mask || !value_valid(c, r, v))
            x86_gp(c, 0);
        if (r->check == SPECIAL)
            write_special(c, r, v);
        else if (r->check != IGNORED)
            *value_of(c, r) = v;
        return;
    }
    if (is_apic(index)) {
        if (!apic_present(c, index) || !c->host->apic_msr_write(c, index, v))
            x86_gp(c, 0);
        return;
    }
    if (is_mc_status(c, index)) {
        if (v)
            x86_gp(c, 0);
        return;
    }
    switch (index) {
    case MSR_TSC:
        write_tsc(c, v);
        break;
    case MSR_APIC_BASE:
        if (v >> c->model->phys_bits || ((v & APIC_BASE_EXTD) && !x86_has(c, X86_F_X2APIC)) ||
            !c->host->apic_set_base(c, v))
            x86_gp(c, 0);
        break;
    case MSR_FS_BASE:
        write_base(c, S_FS, v);
        break;
    case MSR_GS_BASE:
        write_base(c, S_GS, v);
        break;
    default:
        unknown(c, "write", index);
    }
}

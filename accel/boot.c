/* SPDX-License-Identifier: MIT */
/*
 * struct vcpu_boot -> struct x86_state: the processor as a boot loader would hand it over.
 */
#include "accel/accel.h"

#include <string.h>

enum { TSS32_BUSY = 0x8b, TSS_LIMIT = 0x67 };

/* Memory types, SDM vol. 3 section 11.11: eight at a time in the fixed registers. */
enum { TYPE_WB = 6, DEF_TYPE_ON = 0x800, DEF_TYPE_FIXED_ON = 0x400, MASK_VALID = 0x800 };
#define ALL_WB   0x0606060606060606ull
#define FOUR_GIB 0x100000000ull

static void set_memory_types(struct x86_state *st, uint64_t uc_base, unsigned phys_bits)
{
    uint64_t size = FOUR_GIB - uc_base;

    st->msr.mtrr_fix64k_00000 = st->msr.mtrr_fix16k_80000 = ALL_WB;
    st->msr.mtrr_fix4k_c0000 = st->msr.mtrr_fix4k_c8000 = ALL_WB;
    st->msr.mtrr_fix4k_d0000 = st->msr.mtrr_fix4k_d8000 = ALL_WB;
    st->msr.mtrr_fix4k_e0000 = st->msr.mtrr_fix4k_e8000 = ALL_WB;
    st->msr.mtrr_fix4k_f0000 = st->msr.mtrr_fix4k_f8000 = ALL_WB;
    st->msr.mtrr_base0 = uc_base; /* type 0: uncacheable */
    st->msr.mtrr_mask0 = (~(size - 1) & ((1ull << phys_bits) - 1)) | MASK_VALID;
    st->msr.mtrr_def_type = DEF_TYPE_ON | DEF_TYPE_FIXED_ON | TYPE_WB;
}

static struct x86_seg flat(uint16_t sel, uint16_t type_bits)
{
    return (struct x86_seg){
        .sel = sel,
        .attr = (uint16_t)(type_bits | SEG_S | SEG_P | SEG_G | SEG_RW | SEG_ACCESSED),
        .limit = UINT32_MAX,
    };
}

void accel_boot_state(struct x86_state *st, const struct vcpu_boot *b, unsigned phys_bits)
{
    bool long64 = b->mode == VCPU_BOOT_LONG64;

    if (b->uc_base)
        set_memory_types(st, b->uc_base, phys_bits);
    if (b->mode == VCPU_BOOT_WAIT)
        return;

    memset(st->gpr, 0, sizeof(st->gpr));
    st->gpr[R_RSP] = b->rsp;
    st->gpr[R_RAX] = b->rax;
    st->gpr[R_RBX] = b->rbx;
    st->gpr[R_RSI] = b->rsi;
    st->rip = b->rip;
    st->rflags = FL_1;

    st->seg[S_CS] = flat(b->cs, SEG_CODE | (long64 ? SEG_L : SEG_DB));
    for (enum x86_sreg s = S_ES; s <= S_GS; s++)
        if (s != S_CS)
            st->seg[s] = flat(b->ds, SEG_DB);
    st->seg[S_TR] = (struct x86_seg){.attr = TSS32_BUSY, .limit = TSS_LIMIT};
    st->gdtr = (struct x86_dtable){.base = b->gdt_base, .limit = b->gdt_limit};

    st->cr0 = CR0_PE | CR0_ET;
    st->cr4 = 0;
    st->msr.efer = 0;
    if (long64) {
        st->cr0 |= CR0_PG;
        st->cr3 = b->cr3;
        st->cr4 = CR4_PAE;
        st->msr.efer = EFER_LME | EFER_LMA;
    }
    st->mp_state = MP_RUNNABLE;
}

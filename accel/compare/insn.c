/* SPDX-License-Identifier: MIT */
/*
 * The instruction ahead: its bytes, what it is, and whether hardware may run it.
 */
#include "accel/compare/compare.h"

#include <string.h>

#include "target/x86/rows.h"

#define PAGE RAM_PAGE_SIZE

static enum x86_mode mode_of(const struct x86_state *st)
{
    if ((st->msr.efer & EFER_LMA) && (st->seg[S_CS].attr & SEG_L))
        return X86_MODE_64;
    if ((st->cr0 & CR0_PE) && !(st->rflags & FL_VM) && (st->seg[S_CS].attr & SEG_DB))
        return X86_MODE_32;
    return X86_MODE_16;
}

/* Bytes of RAM from la on, at most to the end of its page. Returns how many. */
static unsigned read_page(struct side *s, uint64_t la, uint8_t *buf, unsigned len)
{
    unsigned n = MIN(len, PAGE - (la & (PAGE - 1)));
    uint64_t gpa;
    const void *host;

    if (!side_translate(s, la, &gpa))
        return 0;
    host = as_ptr(&s->machine->mem, gpa, n, false);
    if (!host)
        return 0;
    memcpy(buf, host, n);
    return n;
}

void insn_fetch(struct side *s, const struct x86_state *st, struct ahead *a)
{
    uint64_t mask;
    unsigned n;

    a->rip = st->rip;
    a->cs = st->seg[S_CS].sel;
    a->mode = mode_of(st);
    mask = a->mode == X86_MODE_64 ? UINT64_MAX : UINT32_MAX;
    a->la = (a->mode == X86_MODE_64 ? st->rip : st->seg[S_CS].base + st->rip) & mask;
    memset(a->bytes, 0, sizeof(a->bytes));
    n = read_page(s, a->la, a->bytes, sizeof(a->bytes));
    a->avail = n;
    a->decoded = n && x86_decode(a->bytes, n, a->mode, &a->insn) == DECODE_OK;
    if (a->decoded || !n || n == sizeof(a->bytes))
        return;
    a->avail += read_page(s, (a->la + n) & mask, a->bytes + n, sizeof(a->bytes) - n);
    a->decoded = x86_decode(a->bytes, a->avail, a->mode, &a->insn) == DECODE_OK;
}

/* ---- What hardware must not run -------------------------------------------------------------- */

enum rule {
    RULE_TIME = 1, /* time, random numbers and counters differ from one run to the next */
    RULE_TF,       /* sees or changes RFLAGS.TF, by which the accelerator may be stepping */
    RULE_CHIP,     /* means the local APIC or the machine, which only side a has */
    RULE_MODEL,    /* the answer depends on what the accelerator offers to guests */
    RULE_SHADOW,   /* single steps do not stop behind it (SDM vol. 3 section 6.8.3) */
};

static const uint8_t rules[X86_ROW_COUNT] = {
    [X86_rdtsc] = RULE_TIME,   [X86_rdtscp] = RULE_TIME,  [X86_rdpmc] = RULE_TIME,
    [X86_rdrand] = RULE_TIME,  [X86_rdseed] = RULE_TIME,
    [X86_pushf] = RULE_TF,     [X86_popf] = RULE_TF,      [X86_iret] = RULE_TF,
    [X86_int_Ib] = RULE_TF,    [X86_int3] = RULE_TF,      [X86_into] = RULE_TF,
    [X86_int1] = RULE_TF,      [X86_syscall] = RULE_TF,   [X86_sysret] = RULE_TF,
    [X86_sysenter] = RULE_TF,  [X86_sysexit] = RULE_TF,
    [X86_hlt] = RULE_CHIP,     [X86_mwait] = RULE_CHIP,   [X86_vmcall] = RULE_CHIP,
    [X86_vmmcall] = RULE_CHIP, [X86_rdmsr] = RULE_CHIP,   [X86_wrmsr] = RULE_CHIP,
    [X86_cpuid] = RULE_MODEL,  [X86_monitor] = RULE_MODEL,
    [X86_pop_SS] = RULE_SHADOW, [X86_lss] = RULE_SHADOW,
};

static bool loads_ss(const struct x86_insn *i)
{
    return i->row == X86_mov_Sw_Ew && i->op[0].reg == S_SS;
}

static bool means_tpr(const struct x86_insn *i)
{
    for (unsigned n = 0; n < i->nopnd; n++)
        if (i->op[n].kind == OPND_CR && i->op[n].reg == 8)
            return true;
    return false;
}

bool insn_by_rule(const struct x86_state *st, const struct ahead *a)
{
    if ((st->rflags & FL_TF) || (st->dr[7] & 0xff) || st->event || st->inhibit_movss ||
        st->db_pending || st->mp_state != MP_RUNNABLE)
        return true;
    return a->decoded &&
           (rules[a->insn.row] || loads_ss(&a->insn) || means_tpr(&a->insn));
}

bool insn_is_repeated(const struct x86_state *st, const struct ahead *a)
{
    return a->decoded && (x86_rows[a->insn.row].attr & ROW_REP) &&
           (a->insn.prefix & (PFX_REP | PFX_REPNE));
}

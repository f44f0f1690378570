/* SPDX-License-Identifier: MIT */
/* Instructions executed for another accelerator: see loan.h. */
#include "accel/tcg-interp/loan.h"

#include "accel/tcg-interp/engine.h"
#include "accel/tcg-interp/exec_table.h"
#include "accel/tcg-interp/ops_decl.h"

/* ---- Instructions that need care --------------------------------------------------------- */

static void refuse(struct x86_cpu *c, const struct x86_insn *i)
{
    (void)i;
    tcg_refuse(tcg_of(c));
}

/* After it the CPU must see what another one has stored, code included. */
static void serialise(struct x86_cpu *c, const struct x86_insn *i)
{
    struct tcg_cpu *t = tcg_of(c);

    t->forget |= t->machine->vcpus->len > 1;
    t->leave |= t->forget;
    exec_table[i->row](c, i);
}

/* These are nothing but registers; the others have effects that are the lender's to bring about. */
static void plain_msr(struct x86_cpu *c, const struct x86_insn *i)
{
    static const uint32_t plain[] = {
        0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, /* EFER, SYSCALL's */
        0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, /* FS, GS, kernel GS bases, TSC_AUX */
        0x174, 0x175, 0x176, /* SYSENTER's */
    };

    for (unsigned n = 0; n < G_N_ELEMENTS(plain); n++)
        if ((uint32_t)c->r[R_RCX] == plain[n]) {
            exec_table[i->row](c, i);
            return;
        }
    tcg_refuse(tcg_of(c));
}

/* Which bits of CR0 and CR4 there are is the lender's to say. */
static void write_cr(struct x86_cpu *c, const struct x86_insn *i)
{
    if (i->op[0].reg == 0 || i->op[0].reg == 4)
        tcg_refuse(tcg_of(c));
    serialise(c, i);
}

static void known_components(struct x86_cpu *c, const struct x86_insn *i)
{
    if (c->xcr0 & ~3ull)
        tcg_refuse(tcg_of(c));
    exec_table[i->row](c, i);
}

x86_exec_fn *loan_exec(unsigned row)
{
    static const struct {
        x86_exec_fn *op, *instead;
    } care[] = {
        {op_hlt, refuse}, {op_monitor, refuse}, {op_mwait, refuse}, {op_vmcall, refuse},
        {op_cpuid, refuse}, {op_rsm, refuse}, {op_xsetbv, refuse}, {op_rdpmc, refuse},
        {op_rdmsr, plain_msr}, {op_wrmsr, plain_msr},
        {op_xsave, known_components}, {op_xsaveopt, known_components},
        {op_xsavec, known_components}, {op_xrstor, known_components},
        {op_iret, serialise}, {op_mov_to_cr, write_cr}, {op_mov_to_dr, serialise},
        {op_lmsw, refuse}, {op_lgdt, serialise}, {op_lidt, serialise}, {op_lldt, serialise},
        {op_ltr, serialise}, {op_invd, serialise}, {op_wbinvd, serialise},
        {op_invlpg, serialise}, {op_invpcid, serialise},
    };

    for (unsigned n = 0; n < G_N_ELEMENTS(care); n++)
        if (care[n].op == exec_table[row])
            return care[n].instead;
    return exec_table[row];
}

/* ---- Refusing, and when a loan is over ---------------------------------------------------- */

bool loan_hides_apic(const struct tcg_cpu *t)
{
    return t->loan && t->loan->kernel_apic;
}

bool loan_apic_page(const struct tcg_cpu *t, uint64_t gpa)
{
    enum { EXTD = 1 << 10, ENABLED = 1 << 11 };
    uint64_t base = t->loan->apic_base;

    return (base & (EXTD | ENABLED)) == ENABLED && ((gpa ^ base) & PAGE_MASK) == 0;
}

void tcg_refuse(struct tcg_cpu *t)
{
    t->refused = true;
    siglongjmp(*t->x.unwind, 1);
}

/* Would the lender do something about a pin if it had the vCPU now? */
static bool pin_waits(const struct tcg_cpu *t)
{
    const struct x86_cpu *c = &t->x;
    uint32_t p = vcpu_pins(t->vcpu);

    return (p & (VCPU_INIT | VCPU_SIPI | VCPU_SMI)) || ((p & VCPU_NMI) && !c->nmi_masked) ||
           ((p & VCPU_INTR) && (c->eflags & FL_IF) && !c->inhibit_irq);
}

bool loan_over(struct tcg_cpu *t)
{
    bool over = __atomic_load_n(&t->vcpu->kicked, __ATOMIC_ACQUIRE);

    if (t->icount != t->budget_start && !t->x.db_pending)
        over |= t->x.cpl == 3 || pin_waits(t);
    if (over)
        t->loan->end = LOAN_ATTENTION;
    return over;
}

void tcg_loan_run(struct vcpu *v, struct x86_state *st, struct tcg_loan *loan)
{
    struct tcg_cpu *t = v->accel_data[ACCEL_TCG];
    const uint64_t cr8 = st->cr8, tsc = st->tsc;
    const int64_t tsc_vtime = st->tsc_vtime;
    const uint8_t nmi = st->nmi_pending, init = st->init_pending, sipi = st->sipi_pending;
    const uint8_t vector = st->sipi_vector;

    t->loan = loan;
    t->x.model = loan->model;
    t->refused = t->stored = false;
    x86_cpu_load(&t->x, st);
    t->mode_stale = t->forget = true;
    loan->end = LOAN_SPENT;
    if (tcg_loop(t, loan->max) == VCPU_SHUTDOWN)
        loan->end = LOAN_SHUTDOWN;
    else if (t->refused)
        loan->end = LOAN_REFUSED;
    loan->done = t->icount - t->budget_start;
    loan->stored = t->stored;
    x86_cpu_save(&t->x, st);
    st->cr8 = cr8;
    st->tsc = tsc;
    st->tsc_vtime = tsc_vtime;
    st->nmi_pending = nmi;
    st->init_pending = init;
    st->sipi_pending = sipi;
    st->sipi_vector = vector;
    t->forget = true; /* blocks were made for a borrower */
    t->x.model = v->machine->cpu_model;
    t->loan = NULL;
}

void tcg_loan_forget(struct vcpu *v)
{
    ((struct tcg_cpu *)v->accel_data[ACCEL_TCG])->forget = true;
}

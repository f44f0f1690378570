/* SPDX-License-Identifier: MIT */
/*
 * The interpreter as a helper of another accelerator: a vCPU that runs on KVM is lent to it for
 * some instructions, from a state and back into it. The machine goes on around it: the lock, I/O,
 * guest memory shared with vCPUs that run elsewhere.
 *
 * What makes that safe:
 *
 *   Events      nothing is accepted but st->event and exceptions. A pin that the vCPU would take
 *               now ends the loan; so does a kick.
 *   Refusals    an instruction that is the lender's business ends the loan before it has done
 *               anything: HLT, MWAIT, VMCALL, CPUID, CR0 and CR4, MSRs that are more than a
 *               register, XSAVE with components that are not known here, and, when the local
 *               APIC is the host kernel's, whatever touches it (its page, CR8).
 *   Memory      is written by others unseen, so every loan begins with no translation and no
 *               decoded block (tcg_forget()). During a loan another CPU may change
 *                 - page tables: then it waits for its shootdown interrupt to be answered, which
 *                   only happens after the loan;
 *                 - code: that takes effect at this CPU's next serialising instruction (SDM vol.
 *                   3 section 8.1.3), at which everything is forgotten again if there is more
 *                   than one CPU. An interrupt that asks for one comes after the loan, too.
 *               Stores of a loan are seen by the others as any store to shared memory is.
 *               Locked operations that cross a page, or are I/O, exclude the other borrowers
 *               only: the lender's own splits are no better (KVM emulates them without a lock).
 *   Time        RDTSC asks the lender; vcpu->tsc_offset is left alone.
 *   User code   ends the loan: the host's processor runs it.
 */
#ifndef ACCEL_TCG_INTERP_LOAN_H
#define ACCEL_TCG_INTERP_LOAN_H

#include <stdbool.h>
#include <stdint.h>

struct vcpu;
struct x86_state;

enum tcg_loan_end {
    LOAN_SPENT,    /* `max` instructions */
    LOAN_REFUSED,  /* the next one is the lender's */
    LOAN_ATTENTION, /* a pin or a kick, or user code comes next */
    LOAN_SHUTDOWN, /* triple fault */
};

struct tcg_loan {
    /* given by the lender */
    uint64_t max;       /* instructions; at least one is done, unless there is a kick */
    const struct cpu_model *model; /* which instructions there are */
    bool kernel_apic;   /* the local APIC is the host kernel's */
    uint64_t apic_base; /* IA32_APIC_BASE, with kernel_apic */
    uint64_t (*tsc)(struct vcpu *v); /* the guest's TSC now */
    /* given back */
    enum tcg_loan_end end;
    uint64_t done;      /* instructions */
    bool stored;        /* guest memory may have been written */
};

/* Run v from *st and put the outcome there; st->tsc, st->cr8 and pending NMIs stay as they are.
 * The interpreter has been attached to v (accel_attach()). In the vCPU's thread, without the
 * lock. */
void tcg_loan_run(struct vcpu *v, struct x86_state *st, struct tcg_loan *loan);

/* Forget decoded code before the next run: memory was stored to without telling. For who runs the
 * interpreter beside hardware without a loan. In the vCPU's thread. */
void tcg_loan_forget(struct vcpu *v);

#endif

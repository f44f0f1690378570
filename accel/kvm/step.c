/* SPDX-License-Identifier: MIT */
/*
 * An exact number of instructions, one at a time. API document section 4.87
 * (KVM_SET_GUEST_DEBUG), KVM_GUESTDBG_SINGLESTEP.
 *
 * Each step ends in KVM_EXIT_DEBUG behind the instruction; one with I/O has exits of its own
 * before that. A repeated string instruction stops behind every element and counts when it is
 * through. A fault counts nothing: the step goes on into its handler. KVM uses TF for this, so a
 * guest that sets TF itself does not see its traps here.
 */
#include "accel/kvm/kvm.h"

#include <string.h>

#include "target/x86/decode.h"

enum { STEP_FLAGS = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };

bool kvm_set_stepping(struct kvm_cpu *k, bool on)
{
    if (k->stepping == on)
        return true;
    struct kvm_guest_debug d = {.control = on ? STEP_FLAGS : 0};
    int r = kvm_call(k->fd, KVM_SET_GUEST_DEBUG, &d);

    if (r < 0)
        log_write(&k->vm->machine->log, "hostel: CPU %u: KVM does not single-step: %s\n",
                  k->vcpu->index, strerror(-r));
    else
        k->stepping = on;
    return r == 0;
}

/* Up to `len` bytes of code at a linear address. */
static size_t fetch(struct kvm_cpu *k, uint64_t linear, uint8_t *buf, size_t len)
{
    size_t n = 0;

    while (n < len) {
        size_t piece = MIN(len - n, RAM_PAGE_SIZE - (linear + n) % RAM_PAGE_SIZE);
        struct kvm_translation t = {.linear_address = linear + n};

        if (kvm_call(k->fd, KVM_TRANSLATE, &t) < 0 || !t.valid)
            break;
        const void *p = as_ptr(&k->vm->machine->mem, t.physical_address, piece, false);
        if (!p)
            break;
        memcpy(buf + n, p, piece);
        n += piece;
    }
    return n;
}

static enum x86_mode code_mode(struct kvm_cpu *k)
{
    struct kvm_sregs s = {0};

    kvm_call(k->fd, KVM_GET_SREGS, &s);
    if ((s.efer & EFER_LMA) && s.cs.l)
        return X86_MODE_64;
    return s.cs.db ? X86_MODE_32 : X86_MODE_16;
}

/* Is the next instruction, at a linear address, a string instruction with a repeat prefix? */
static bool is_repeated(struct kvm_cpu *k, uint64_t linear)
{
    uint8_t code[15];
    size_t n = fetch(k, linear, code, sizeof(code));
    struct x86_insn insn;

    return x86_decode(code, n, code_mode(k), &insn) == DECODE_OK &&
           (insn.prefix & (PFX_REP | PFX_REPNE)) && (x86_rows[insn.row].attr & ROW_REP);
}

static uint64_t linear_rip(struct kvm_cpu *k)
{
    struct kvm_regs r = {0};
    struct kvm_sregs s = {0};

    kvm_call(k->fd, KVM_GET_REGS, &r);
    kvm_call(k->fd, KVM_GET_SREGS, &s);
    return (s.efer & EFER_LMA) && s.cs.l ? r.rip : (uint32_t)(s.cs.base + r.rip);
}

enum step { STEP_DONE, STEP_AGAIN, STEP_END };

/*
 * One entry, to the end of the instruction. STEP_AGAIN: nothing was completed (a kick, an
 * interrupt window). STEP_END: run_budget() returns *why. *pc: linear address of the next one.
 *
 * An instruction with I/O is finished on its own: some of KVM's ways through its emulator have
 * moved RIP already and go on with the next instruction, others stop with KVM_EXIT_DEBUG.
 */
static enum step step(struct kvm_cpu *k, enum vcpu_exit *why, uint64_t *pc)
{
    if (!kvm_prepare(k, why))
        return STEP_END;
    bool on = kvm_enter(k, why);
    bool io = on && k->unfinished;
    if (io)
        on = kvm_finish(k, why);
    if (!on && *why == VCPU_DEBUG) {
        *pc = k->run->debug.arch.pc;
        return STEP_DONE;
    }
    if (on && k->mp_state == MP_HALTED)
        *pc = 0; /* past the HLT */
    else if (io)
        *pc = linear_rip(k);
    else
        return on ? STEP_AGAIN : STEP_END;
    return on ? STEP_DONE : STEP_END;
}

enum vcpu_exit kvm_run_budget(struct vcpu *v, int64_t insns, int64_t *done)
{
    struct kvm_cpu *k = kvm_cpu_of(v);
    enum vcpu_exit why = VCPU_KICKED;

    k->stepped = 0;
    *done = 0;
    if (!kvm_set_stepping(k, true))
        return VCPU_FATAL;
    uint64_t at = linear_rip(k);
    while (k->stepped < insns) {
        uint64_t next = at;
        enum step s = step(k, &why, &next);

        if (s == STEP_END)
            break;
        why = VCPU_KICKED;
        if (s == STEP_DONE && (next != at || !is_repeated(k, at)))
            k->stepped++;
        at = next;
    }
    *done = k->stepped;
    return why;
}

int64_t kvm_executed(struct vcpu *v)
{
    return kvm_cpu_of(v)->stepped;
}

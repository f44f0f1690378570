/* SPDX-License-Identifier: MIT */
/*
 * Shared by the x87 operations. Two ways of executing one:
 *
 * The exact way, x87_host(): the guest's whole x87 state goes into the host's registers, the
 * host executes the very instruction with the guest's own masks, and only instructions that do
 * not wait look at the result. Stack faults, tags, unmasked responses: all are the host's.
 *
 * The quick way: with all exceptions masked and no stack fault in sight (x87_quick()), the
 * operands are loaded as 80-bit images, computed on and stored, in the environment of
 * host_fp.h; x87_flags() collects what happened.
 *
 * FIP and FDP are offsets, FCS and FDS the selectors, all kept by every non-control instruction
 * (as on processors without CPUID.7:EBX[6] and [13]); the opcode likewise.
 */
#ifndef ACCEL_TCG_INTERP_X87_H
#define ACCEL_TCG_INTERP_X87_H

#include "accel/tcg-interp/host_fp.h"
#include "accel/tcg-interp/ops.h"

/* The memory operand: its bytes, and where they are. */
struct x87_mem {
    uint64_t off, la;
    unsigned size; /* 0: register form */
    uint8_t b[16] __attribute__((aligned(16)));
};

/* What an execution on the host leaves, not yet committed. */
struct x87_outcome {
    struct x86_f80 fpr[8];
    uint16_t fsw;    /* of this instruction alone: flags not accumulated */
    uint8_t fptag;
    uint8_t eflags;  /* SF ZF AF PF CF as the instruction left them */
};

/* Execute i on the host; m->b is read or written if it has a memory operand. */
void x87_host(const struct x86_cpu *c, const struct x86_insn *i, struct x87_mem *m,
              struct x87_outcome *out);
void x87_commit(struct x86_cpu *c, const struct x87_outcome *out);
/* Load the memory operand, execute, commit: for everything that stores nothing to memory. */
void x87_exec(struct x86_cpu *c, const struct x86_insn *i);
/* Execute, store the memory operand unless an unmasked exception forbids it, commit. */
void x87_exec_store(struct x86_cpu *c, const struct x86_insn *i);
/* Quick path of a store of m->size bytes in m->b; sw: the host's status word after it. */
void x87_store(struct x86_cpu *c, const struct x86_insn *i, struct x87_mem *m, uint16_t sw);

void x87_mem_read(struct x86_cpu *c, const struct x86_insn *i, struct x87_mem *m);
void x87_mem_write(struct x86_cpu *c, const struct x86_insn *i, struct x87_mem *m);

static inline bool x87_is_mem(const struct x86_insn *i)
{
    return i->modrm < 0xc0;
}
static inline bool x87_quick(const struct x86_cpu *c)
{
    return __builtin_expect((c->fcw & FP_EXC) == FP_EXC, 1);
}
static inline struct x86_f80 *x87_st(struct x86_cpu *c, unsigned n)
{
    return &c->fpr[x86_st(c, n)];
}

/* Remember where a non-control instruction was. */
static inline void x87_note(struct x86_cpu *c, const struct x86_insn *i)
{
    c->fop = (i->opcode & 7) << 8 | i->modrm;
    c->fip = c->rip;
    c->fcs = c->seg[S_CS].sel;
}
static inline void x87_note_mem(struct x86_cpu *c, const struct x86_insn *i,
                                const struct x87_mem *m)
{
    c->fdp = m->off;
    c->fds = c->seg[i->seg].sel;
}
/* After a quick operation: its flags and C1. */
static inline void x87_flags(struct x86_cpu *c, uint16_t sw)
{
    c->fsw = (c->fsw & ~FSW_C1) | (sw & (FSW_C1 | FP_EXC));
}
static inline void x87_clear_c1(struct x86_cpu *c)
{
    c->fsw &= ~FSW_C1;
}
static inline void x87_pop(struct x86_cpu *c)
{
    c->fptag &= ~(1u << x86_fpu_top(c));
    x86_fpu_set_top(c, x86_fpu_top(c) + 1);
}
/* Room for a push: ST(7) is empty. */
static inline bool x87_has_room(const struct x86_cpu *c)
{
    return !x86_st_full(c, 7);
}
static inline void x87_push(struct x86_cpu *c, struct x86_f80 v)
{
    x86_fpu_set_top(c, x86_fpu_top(c) - 1);
    c->fptag |= 1u << x86_fpu_top(c);
    *x87_st(c, 0) = v;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Shared by the generic operations (op_*.c): read-modify-write with and without LOCK.
 *
 * An operation is `void op_NAME(struct x86_cpu *c, const struct x86_insn *i)`, written
 * `OP(NAME) { ... }`; the contract is in target/x86/cpu.h. exec_table.c refers to them by the
 * names in opcodes.def.
 */
#ifndef ACCEL_TCG_INTERP_OPS_H
#define ACCEL_TCG_INTERP_OPS_H

#include "target/x86/cpu.h"
#include "target/x86/flags.h"

#define OP(name)                                                                                   \
    x86_exec_fn op_##name;                                                                         \
    void op_##name(struct x86_cpu *c, const struct x86_insn *i)

/* What an operation makes of its destination: the new value and lazy flags. */
struct op_result {
    uint64_t value;
    int64_t res, src;
    uint32_t cc;
};
typedef struct op_result op_rmw_fn(struct x86_cpu *c, uint64_t a, uint64_t b, unsigned size);

/*
 * op[0] = fn(op[0], b): one read, one write, flags committed after the write. With LOCK on a
 * memory operand the pair is a compare-and-swap loop on guest memory. Returns the old value.
 */
static inline uint64_t op_rmw(struct x86_cpu *c, const struct x86_insn *i, uint64_t b,
                              op_rmw_fn *fn)
{
    unsigned size = i->op[0].size;
    struct op_result r;
    uint64_t old;

    if ((i->prefix & PFX_LOCK) && i->op[0].kind == OPND_MEM) {
        uint64_t la = x86_opnd_lin(c, i, size, ACC_WRITE);

        x86_lin_probe(c, la, size, ACC_WRITE);
        old = x86_lin_read(c, la, size);
        do
            r = fn(c, old, b, size);
        while (!x86_lin_cmpxchg(c, la, size, &old, r.value & x86_mask(size)));
    } else {
        old = x86_get_rw(c, i, 0);
        r = fn(c, old, b, size);
        x86_put(c, i, 0, r.value);
    }
    x86_flags_set(c, r.res, r.src, r.cc);
    return old;
}

#endif

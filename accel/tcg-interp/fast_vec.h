/* SPDX-License-Identifier: MIT */
/*
 * Shared by the fast SSE handlers (fast_vmov.c, fast_vec.c). Registers d and s of an op are XMM
 * registers here. A handler is emitted only in blocks that need no SSE guard (M_SSE_OK), one
 * that can raise a floating-point exception only while all are masked (M_SSE_MASKED); the host's
 * MXCSR is the guest's (host_fp.h).
 */
#ifndef ACCEL_TCG_INTERP_FAST_VEC_H
#define ACCEL_TCG_INTERP_FAST_VEC_H

#include "accel/tcg-interp/fast.h"

typedef long long vec __attribute__((vector_size(16), may_alias));
typedef long long vecu __attribute__((vector_size(16), aligned(1), may_alias));

#define XMM(n) (*(vec *)&c->xmm[n])
#define XLO(n) (c->xmm[n].q[0])
#define XHI(n) (c->xmm[n].q[1])

/* #GP, by the generic operation. */
#define ALIGNED(la)                                                                                \
    do {                                                                                           \
        if (unlikely((la)&15))                                                                     \
            TAIL(h_cold_insn);                                                                     \
    } while (0)
#define ANY(la) ((void)0)

/* A handler's two forms with a memory operand. */
#define WITH_MEM(name, ...)                                                                        \
    static HANDLER(h_##name##_bd)                                                                  \
    {                                                                                              \
        uint64_t la = ADDR_BD;                                                                     \
        __VA_ARGS__                                                                                \
    }                                                                                              \
    static HANDLER(h_##name##_bx)                                                                  \
    {                                                                                              \
        uint64_t la = ADDR_BX;                                                                     \
        __VA_ARGS__                                                                                \
    }

/* Handlers of an operation: by register, from memory, to memory; what is NULL stays generic. */
struct fast_vec_row {
    x86_exec_fn *op;
    bool fp; /* may raise floating-point exceptions */
    x86_handler *rr, *ld[2], *st[2]; /* [indexed] */
};
#define LD2(name) {h_##name##_bd, h_##name##_bx}

/* Registers and address of an op with the operands of i; false: emit nothing. */
bool emit_vec(struct emit *e, const struct x86_insn *i, const struct fast_vec_row *row);
/* 16-byte constant behind an op. */
static inline void emit_const(struct emit *e, const void *v)
{
    __builtin_memcpy(e->op++, v, 16);
}
#define CONST(n) (*(const vecu *)(o + (n)))

/* For every row of opcodes.def: which function knows the fast forms, or NULL. */
fast_emit_fn *fast_vec_for(x86_exec_fn *op), *fast_vmov_for(x86_exec_fn *op);

#endif

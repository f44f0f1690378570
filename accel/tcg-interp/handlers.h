/* SPDX-License-Identifier: MIT */
/*
 * How handlers are written: once, for two forms.
 *
 * Tail form: a handler is a function of six arguments, all in registers, that ends by jumping
 * to the next op's handler. gcc makes these jumps at -O2, clang at every level (musttail).
 * Loop form (TCG_LOOP_FORM): the hot values lie in a struct and a handler returns the next op
 * to a loop in h_core.c. It is chosen where jumps are not guaranteed: gcc without
 * optimisation, and sanitizers.
 *
 *     HANDLER(h_mov_rr64)
 *     {
 *         SLOT(o->d) = SLOT(o->s);
 *         NEXT(1);
 *     }
 *
 * Rule for hot handlers (every function named h_* except h_gen* and h_cold_*): in the
 * tail form's object code they contain no call instruction and leave by `jmp` only.
 * tests/lint checks that in the output of objdump. Rare things are tail calls to h_cold_*.
 */
#ifndef ACCEL_TCG_INTERP_HANDLERS_H
#define ACCEL_TCG_INTERP_HANDLERS_H

#include "accel/tcg-interp/engine.h"
#include "accel/tcg-interp/exec_table.h"
#include "accel/tcg-interp/ops_decl.h"
#include "target/x86/flags.h"

#if !defined(TCG_LOOP_FORM) && !defined(__clang__) && !defined(__OPTIMIZE__)
#define TCG_LOOP_FORM 1
#endif
#if !defined(TCG_LOOP_FORM) && (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__))
#define TCG_LOOP_FORM 1
#endif
#if !defined(TCG_LOOP_FORM) && defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define TCG_LOOP_FORM 1
#endif
#endif

#ifdef TCG_LOOP_FORM

struct hot {
    uint64_t res, src, cc;
    int64_t bud;
};
#define HANDLER_ARGS struct x86_cpu *c, const struct x86_op *o, struct hot *hot
typedef const struct x86_op *x86_handler(HANDLER_ARGS);
#define HANDLER(name) const struct x86_op *name(HANDLER_ARGS)
#define RES hot->res
#define SRC hot->src
#define CC hot->cc
#define BUD hot->bud
#define GO(op) return (op)
#define TAIL(fn) return fn(c, o, hot)
#define LEAVE return NULL

#else

#define HANDLER_ARGS                                                                               \
    struct x86_cpu *c, const struct x86_op *o, uint64_t res, uint64_t src, uint64_t cc, int64_t bud
typedef void x86_handler(HANDLER_ARGS);
#define HANDLER(name) void name(HANDLER_ARGS)
#define RES res
#define SRC src
#define CC cc
#define BUD bud
#ifdef __clang__
#define MUSTTAIL __attribute__((musttail))
#else
#define MUSTTAIL
#endif
#define TAIL(fn)                                                                                   \
    do {                                                                                           \
        MUSTTAIL return fn(c, o, res, src, cc, bud);                                               \
    } while (0)
#define GO(op)                                                                                     \
    do {                                                                                           \
        o = (op);                                                                                  \
        MUSTTAIL return handler_of(o)(c, o, res, src, cc, bud);                                    \
    } while (0)
#define LEAVE return

#endif

#define NEXT(slots) GO(o + (slots))
#define SLOT(n) (c->slot[n])

/* Ops name handlers by their distance from this one. */
HANDLER(h_gen);

static inline int32_t handler_offset(x86_handler *h)
{
    return (int32_t)((uintptr_t)h - (uintptr_t)h_gen);
}
static inline x86_handler *handler_of(const struct x86_op *o)
{
    return (x86_handler *)((uintptr_t)h_gen + (intptr_t)o->fn);
}

/* Hot values to struct x86_cpu and back, around C code. */
#define SPILL()                                                                                    \
    do {                                                                                           \
        c->f_res = RES;                                                                            \
        c->f_src = SRC;                                                                            \
        c->f_cc = CC;                                                                              \
        tcg_of(c)->bud = BUD;                                                                      \
    } while (0)
#define RELOAD()                                                                                   \
    do {                                                                                           \
        RES = c->f_res;                                                                            \
        SRC = c->f_src;                                                                            \
        CC = c->f_cc;                                                                              \
        BUD = tcg_of(c)->bud;                                                                      \
    } while (0)

/* ---- h_core.c */
HANDLER(h_gen_guard);  /* with x86_fpu_guard() first */
HANDLER(h_gen_rep);    /* may have to be run again */
HANDLER(h_gen_branch); /* ends the block at next_rip */
HANDLER(h_gen_end);    /* ends the block and goes to the loop */
HANDLER(h_gen_raise);  /* d = vector */
HANDLER(h_cold_next);  /* go on at page offset disp */
HANDLER(h_cold_stale);      /* the block is dead: look again */
HANDLER(h_cold_lookup);/* go on at c->rip */
HANDLER(h_cold_r);     /* the load at miss_la missed: fill and retry, or run it the long way */
HANDLER(h_cold_w);
HANDLER(h_cold_insn);  /* run the instruction of o by its generic operation */

/* The first op of the block at c->rip, its instructions paid for out of t->bud. NULL: to the
 * loop. Raises the fetch's faults. */
const struct x86_op *tcg_entry(struct tcg_cpu *t);
/* Run from o on; returns when the loop is wanted. */
void tcg_enter(struct tcg_cpu *t, const struct x86_op *o);

#endif

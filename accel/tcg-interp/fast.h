/* SPDX-License-Identifier: MIT */
/*
 * Shared by the fast handlers (fast_*.c): operand access, flags, leaving by an edge. Each file
 * holds the handlers of one subject and the function that picks one for a decoded
 * instruction (a fast_emit_fn); a form without a handler stays generic.
 *
 * Fields of an op, unless a handler says otherwise:
 *   d  destination (or only) register      s  source register
 *   b  base of the address                 x  index slot | scale << 6
 *   disp, imm                              sign-extended to 64 bits
 * Address forms: BD base + disp; BX base + index << scale + disp. Whatever else an address
 * can be is computed by an op in front of it (h_ea_*) into SLOT_EA, which is then the base.
 */
#ifndef ACCEL_TCG_INTERP_FAST_H
#define ACCEL_TCG_INTERP_FAST_H

#include "accel/tcg-interp/handlers.h"

typedef uint8_t __attribute__((may_alias)) mu8;
typedef uint16_t __attribute__((aligned(1), may_alias)) mu16;
typedef uint32_t __attribute__((aligned(1), may_alias)) mu32;
typedef uint64_t __attribute__((aligned(1), may_alias)) mu64;
typedef int8_t __attribute__((may_alias)) ms8;
typedef int16_t __attribute__((aligned(1), may_alias)) ms16;
typedef int32_t __attribute__((aligned(1), may_alias)) ms32;
typedef int64_t __attribute__((aligned(1), may_alias)) ms64;

/* ---- Addresses and memory --------------------------------------------------------------- */

#define ADDR_BD (SLOT(o->b) + (int64_t)o->disp)
#define ADDR_BX (SLOT(o->b) + (SLOT(o->x & 31) << (o->x >> 6)) + (int64_t)o->disp)

/* Declare p: the host address of [la, la + size), or off to the slow path. */
#define HOST_PTR(p, la, size, acc, cold)                                                           \
    const struct tlb_ent *p##_e = &c->tlb[acc][tlb_index(la)];                                     \
    if (unlikely((((la) + (size)-1) & PAGE_MASK) != p##_e->tag)) {                                 \
        tcg_of(c)->miss_la = (la);                                                                 \
        TAIL(cold);                                                                                \
    }                                                                                              \
    uintptr_t p = (la) + p##_e->add
#define HOST_R(p, la, size) HOST_PTR(p, la, size, ACC_READ, h_cold_r)
#define HOST_W(p, la, size) HOST_PTR(p, la, size, ACC_WRITE, h_cold_w)

#define LD(bits, p) (*(const volatile mu##bits *)(p))
#define ST(bits, p, v) (*(volatile mu##bits *)(p) = (v))

/* ---- Registers -------------------------------------------------------------------------- */

#define REG_PUT_8(n, v) (SLOT(n) = (SLOT(n) & ~0xffull) | (uint8_t)(v))
#define REG_PUT_16(n, v) (SLOT(n) = (SLOT(n) & ~0xffffull) | (uint16_t)(v))
#define REG_PUT_32(n, v) (SLOT(n) = (uint32_t)(v))
#define REG_PUT_64(n, v) (SLOT(n) = (v))
#define REG(bits, n) ((uint##bits##_t)SLOT(n))
#define IMM(bits) ((uint##bits##_t)(int64_t)o->imm)

#define LG_8 0
#define LG_16 1
#define LG_32 2
#define LG_64 3

/* ---- Flags ------------------------------------------------------------------------------ */

#define FLAGS(bits, r, s, kind)                                                                    \
    do {                                                                                           \
        RES = (int64_t)(int##bits##_t)(r);                                                         \
        SRC = (int64_t)(int##bits##_t)(s);                                                         \
        CC = (kind) | LG_##bits;                                                                   \
    } while (0)
#define FLAGS_LOGIC(bits, r)                                                                       \
    do {                                                                                           \
        RES = (int64_t)(int##bits##_t)(r);                                                         \
        CC = CC_LOGIC | LG_##bits;                                                                 \
    } while (0)
#define CARRY() x86_carry(RES, SRC, (uint32_t)CC)

/* ---- Edges ------------------------------------------------------------------------------ */

/*
 * Leave by the edge behind op j (disp: page offset of the target; d: it lies in another page;
 * imm: len | left << 8). An edge that is not linked costs more than any budget holds.
 */
#define UNLINKED INT32_MAX
#define TAKE(j)                                                                                    \
    do {                                                                                           \
        const struct edge *e_ = (const struct edge *)((j) + 1);                                    \
        o = (j);                                                                                   \
        if (unlikely(o->d))                                                                        \
            TAIL(h_far);                                                                           \
        BUD -= e_->n;                                                                              \
        if (unlikely(BUD < 0))                                                                     \
            TAIL(h_cold_take);                                                                     \
        GO(o + e_->to);                                                                            \
    } while (0)
/* Go to ip (64-bit or flat 32-bit code) once nothing can fail any more; COMMIT is what is to
 * happen before. */
#define INDIRECT(target, COMMIT)                                                                   \
    do {                                                                                           \
        const uint64_t ip_ = (target);                                                             \
        const struct jc_ent *j_ = &tcg_of(c)->jc[jc_index(ip_)];                                   \
        if (unlikely(j_->ip != ip_ || j_->tag != tcg_of(c)->jc_tag[ip_ >> 63])) {                  \
            if (unlikely(!la_canonical(ip_)))                                                      \
                TAIL(h_cold_insn);                                                                 \
            COMMIT;                                                                                \
            c->rip = ip_;                                                                          \
            TAIL(h_cold_lookup);                                                                   \
        }                                                                                          \
        COMMIT;                                                                                    \
        BUD -= j_->n;                                                                              \
        if (unlikely(BUD < 0)) {                                                                   \
            BUD += j_->n;                                                                          \
            c->rip = ip_;                                                                          \
            TAIL(h_cold_lookup);                                                                   \
        }                                                                                          \
        c->page_rip = ip_ & PAGE_MASK;                                                             \
        GO(j_->to);                                                                                \
    } while (0)

HANDLER(h_far);       /* h_core.c: TAKE across pages */
HANDLER(h_cold_take); /* an edge that is not linked, or no budget left */

/* ---- Emitting --------------------------------------------------------------------------- */

typedef bool fast_emit_fn(struct emit *e, const struct x86_insn *i);
fast_emit_fn fast_alu, fast_incdec, fast_mov, fast_movx, fast_lea, fast_push, fast_pop, fast_call,
    fast_jmp, fast_ret, fast_jcc, fast_shift, fast_imul, fast_muldiv, fast_cmov, fast_setcc,
    fast_xchg, fast_cbw, fast_cwd, fast_bit, fast_bscan, fast_nop, fast_notneg, fast_leave,
    fast_bswap;

/* How fast_alu.c tells fast_jcc.c what it emitted: struct fuse. */
enum { FUSE_ADD, FUSE_OR, FUSE_ADC, FUSE_SBB, FUSE_AND, FUSE_SUB, FUSE_XOR, FUSE_CMP, FUSE_TEST,
       FUSE_KINDS };
enum { FUSE_RR, FUSE_RI, FUSE_RBD, FUSE_RBX, FUSE_BDR, FUSE_BXR, FUSE_BDI, FUSE_BXI, FUSE_FORMS };
#define MAX_JCC 3 /* conditional branches a block goes on behind */

struct x86_op *emit_op(struct emit *e, x86_handler *h);
/* An op with an edge to page offset `target` (may be outside of the page). */
struct x86_op *emit_edge(struct emit *e, const struct x86_insn *i, x86_handler *h, int64_t target);

/* Address of the memory operand: puts what it takes in front, then b, x, disp of an op.
 * False: not a form the fast handlers know. */
struct fast_addr {
    bool indexed;
    uint8_t b, x;
    int32_t disp;
};
bool emit_addr(struct emit *e, const struct x86_insn *i, struct fast_addr *a);
static inline void op_addr(struct x86_op *o, const struct fast_addr *a)
{
    o->b = a->b;
    o->x = a->x;
    o->disp = a->disp;
}
/* Plain general registers only (no AH..BH). */
static inline bool is_reg(const struct x86_insn *i, unsigned n)
{
    return i->op[n].kind == OPND_REG;
}
static inline bool is_mem(const struct x86_insn *i, unsigned n)
{
    return i->op[n].kind == OPND_MEM;
}
static inline bool is_imm(const struct x86_insn *i, unsigned n)
{
    return i->op[n].kind == OPND_IMM && i->imm == (int32_t)i->imm;
}
static inline unsigned size_lg(unsigned size)
{
    return (unsigned)__builtin_ctz(size);
}
#define ROW4(name) {name##8, name##16, name##32, name##64}

#endif

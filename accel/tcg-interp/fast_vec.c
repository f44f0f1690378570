/* SPDX-License-Identifier: MIT */
/*
 * Fast handlers: SSE arithmetic, logic, comparison, conversion and shuffles. Each executes the
 * very instruction on the host; inline assembly for the reasons given in op_sse_fp.c.
 */
#include "accel/tcg-interp/fast_vec.h"

/* ---- XMM, XMM/memory ---------------------------------------------------------------------- */

#define VEC2(name, type, CHECK)                                                                    \
    static HANDLER(h_##name##_rr)                                                                  \
    {                                                                                              \
        vec d = XMM(o->d);                                                                         \
                                                                                                   \
        __asm__ volatile(#name " %1, %0" : "+x"(d) : "xm"(XMM(o->s)));                             \
        XMM(o->d) = d;                                                                             \
        NEXT(1);                                                                                   \
    }                                                                                              \
    WITH_MEM(name, CHECK(la); HOST_R(p, la, sizeof(type)); vec d = XMM(o->d);                      \
             __asm__ volatile(#name " %1, %0" : "+x"(d) : "m"(*(const type *)p));                  \
             XMM(o->d) = d; NEXT(1);)
#define PACKED(name) VEC2(name, vec, ALIGNED)

/* Everything with a full 16-byte operand; X(name, raises). */
#define PACKED_ALL(X)                                                                              \
    X(pxor, 0) X(por, 0) X(pand, 0) X(pandn, 0) X(xorps, 0) X(xorpd, 0) X(andps, 0) X(andpd, 0)    \
    X(andnps, 0) X(andnpd, 0) X(orps, 0) X(orpd, 0)                                                \
    X(paddb, 0) X(paddw, 0) X(paddd, 0) X(paddq, 0) X(psubb, 0) X(psubw, 0) X(psubd, 0)            \
    X(psubq, 0) X(paddusb, 0) X(psubusb, 0) X(pmullw, 0) X(pmulhw, 0) X(pmulhuw, 0)                \
    X(pmuludq, 0) X(pmulld, 0) X(pmaddwd, 0) X(psadbw, 0) X(pavgb, 0)                              \
    X(pcmpeqb, 0) X(pcmpeqw, 0) X(pcmpeqd, 0) X(pcmpgtb, 0) X(pcmpgtw, 0) X(pcmpgtd, 0)            \
    X(pcmpeqq, 0) X(pcmpgtq, 0) X(pminub, 0) X(pmaxub, 0) X(pminsw, 0) X(pmaxsw, 0)                \
    X(pminsd, 0) X(pmaxsd, 0) X(pminud, 0) X(pmaxud, 0) X(pminuw, 0) X(pmaxuw, 0)                  \
    X(psllw, 0) X(pslld, 0) X(psllq, 0) X(psrlw, 0) X(psrld, 0) X(psrlq, 0) X(psraw, 0)            \
    X(psrad, 0) X(pshufb, 0) X(packsswb, 0) X(packssdw, 0) X(packuswb, 0) X(packusdw, 0)           \
    X(punpcklbw, 0) X(punpcklwd, 0) X(punpckldq, 0) X(punpcklqdq, 0) X(punpckhbw, 0)               \
    X(punpckhwd, 0) X(punpckhdq, 0) X(punpckhqdq, 0) X(unpcklps, 0) X(unpcklpd, 0)                 \
    X(unpckhps, 0) X(unpckhpd, 0) X(aesenc, 0) X(aesenclast, 0) X(aesdec, 0) X(aesdeclast, 0)      \
    X(addps, 1) X(addpd, 1) X(subps, 1) X(subpd, 1) X(mulps, 1) X(mulpd, 1) X(divps, 1)            \
    X(divpd, 1) X(minps, 1) X(minpd, 1) X(maxps, 1) X(maxpd, 1) X(sqrtps, 1) X(sqrtpd, 1)          \
    X(cvtdq2ps, 1) X(cvttps2dq, 1) X(cvtps2dq, 1) X(cvtpd2ps, 1) X(cvttpd2dq, 1)                   \
    X(haddps, 1) X(haddpd, 1)
#define SINGLE_ALL(X)                                                                              \
    X(addss) X(subss) X(mulss) X(divss) X(minss) X(maxss) X(sqrtss) X(cvtss2sd)
#define DOUBLE_ALL(X)                                                                              \
    X(addsd) X(subsd) X(mulsd) X(divsd) X(minsd) X(maxsd) X(sqrtsd) X(cvtsd2ss) X(cvtps2pd)        \
    X(cvtdq2pd)

#define DEFINE_PACKED(name, raises) PACKED(name)
#define DEFINE_SINGLE(name) VEC2(name, mu32, ANY)
#define DEFINE_DOUBLE(name) VEC2(name, mu64, ANY)
PACKED_ALL(DEFINE_PACKED)
SINGLE_ALL(DEFINE_SINGLE)
DOUBLE_ALL(DEFINE_DOUBLE)

#define ROW_PACKED(name, raises) {op_##name, raises, h_##name##_rr, LD2(name), {NULL}},
#define ROW_SCALAR(name) {op_##name, true, h_##name##_rr, LD2(name), {NULL}},
static const struct fast_vec_row vec2[] = {
    PACKED_ALL(ROW_PACKED) SINGLE_ALL(ROW_SCALAR) DOUBLE_ALL(ROW_SCALAR)};

static const struct fast_vec_row *find(const struct fast_vec_row *rows, unsigned n, x86_exec_fn *op)
{
    for (unsigned k = 0; k < n; k++)
        if (rows[k].op == op)
            return &rows[k];
    return NULL;
}

/* ---- Shifts by an immediate ----------------------------------------------------------------- */

#define SHIFT(name)                                                                                \
    static HANDLER(h_##name##_ri)                                                                  \
    {                                                                                              \
        vec d = XMM(o->d), n = {o->imm, 0};                                                        \
                                                                                                   \
        __asm__(#name " %1, %0" : "+x"(d) : "x"(n));                                               \
        XMM(o->d) = d;                                                                             \
        NEXT(1);                                                                                   \
    }
#define SHIFT_ALL(X) X(psllw) X(pslld) X(psllq) X(psrlw) X(psrld) X(psrlq) X(psraw) X(psrad)
SHIFT_ALL(SHIFT)

#define ROW_SHIFT(name) {op_##name, false, h_##name##_ri, {NULL}, {NULL}},
static const struct fast_vec_row shifts[] = {SHIFT_ALL(ROW_SHIFT)};

static bool shift_imm(struct emit *e, const struct x86_insn *i)
{
    const struct fast_vec_row *r = find(shifts, G_N_ELEMENTS(shifts), exec_table[i->row]);
    struct x86_op *o;

    if (i->op[0].kind != OPND_XMM || !(e->mode & M_SSE_OK) || !r)
        return false;
    o = emit_op(e, r->rr);
    o->d = i->op[0].reg;
    o->imm = i->imm & 0xff;
    return true;
}

static bool fast_vec2(struct emit *e, const struct x86_insn *i)
{
    if (i->op[1].kind == OPND_IMM)
        return shift_imm(e, i);
    return emit_vec(e, i, find(vec2, G_N_ELEMENTS(vec2), exec_table[i->row]));
}

/* ---- Shuffles with an immediate: PSHUFB with a constant behind the op ------------------------ */

static HANDLER(h_permute_rr)
{
    vec x = XMM(o->s);

    __asm__("pshufb %1, %0" : "+x"(x) : "x"(CONST(1)));
    XMM(o->d) = x;
    NEXT(2);
}
WITH_MEM(permute, ALIGNED(la); HOST_R(p, la, 16); vec x = *(const vec *)p;
         __asm__("pshufb %1, %0" : "+x"(x) : "x"(CONST(1))); XMM(o->d) = x; NEXT(2);)

/* Of two registers: bytes of d by the first constant, of s by the second. */
static HANDLER(h_permute2_rr)
{
    vec x = XMM(o->d), y = XMM(o->s);

    __asm__("pshufb %1, %0" : "+x"(x) : "x"(CONST(1)));
    __asm__("pshufb %1, %0" : "+x"(y) : "x"(CONST(2)));
    XMM(o->d) = x | y;
    NEXT(3);
}
WITH_MEM(permute2, ALIGNED(la); HOST_R(p, la, 16); vec x = XMM(o->d), y = *(const vec *)p;
         __asm__("pshufb %1, %0" : "+x"(x) : "x"(CONST(1)));
         __asm__("pshufb %1, %0" : "+x"(y) : "x"(CONST(2))); XMM(o->d) = x | y; NEXT(3);)

static const struct fast_vec_row permute = {NULL, false, h_permute_rr, LD2(permute), {NULL}};
static const struct fast_vec_row permute2 = {NULL, false, h_permute2_rr, LD2(permute2), {NULL}};

enum { ZERO = 0x80 }; /* PSHUFB: a zero byte */

/* Which byte of the source goes where, for one source. */
static bool permutation(x86_exec_fn *op, unsigned imm, uint8_t m[16])
{
    for (unsigned k = 0; k < 16; k++) {
        unsigned w = k / 2;

        if (op == op_pshufd)
            m[k] = (imm >> (k / 4 * 2) & 3) * 4 + k % 4;
        else if (op == op_pshuflw)
            m[k] = w < 4 ? (imm >> (w * 2) & 3) * 2 + k % 2 : k;
        else if (op == op_pshufhw)
            m[k] = w < 4 ? k : 8 + (imm >> ((w - 4) * 2) & 3) * 2 + k % 2;
        else if (op == op_psrldq)
            m[k] = k + imm < 16 ? k + imm : ZERO;
        else if (op == op_pslldq)
            m[k] = k >= imm ? k - imm : ZERO;
        else
            return false;
    }
    return true;
}

/* For two: byte n of d is n, of s 16 + n. */
static bool permutation2(x86_exec_fn *op, unsigned imm, uint8_t m[16])
{
    for (unsigned k = 0; k < 16; k++) {
        if (op == op_shufps)
            m[k] = (imm >> (k / 4 * 2) & 3) * 4 + k % 4 + (k >= 8 ? 16 : 0);
        else if (op == op_shufpd)
            m[k] = (imm >> (k / 8) & 1) * 8 + k % 8 + (k >= 8 ? 16 : 0);
        else if (op == op_palignr) /* s is the low half */
            m[k] = k + imm < 16 ? 16 + k + imm : k + imm < 32 ? k + imm - 16 : ZERO;
        else if (op == op_pblendw)
            m[k] = imm >> (k / 2) & 1 ? 16 + k : k;
        else if (op == op_blendps)
            m[k] = imm >> (k / 4) & 1 ? 16 + k : k;
        else if (op == op_blendpd)
            m[k] = imm >> (k / 8) & 1 ? 16 + k : k;
        else
            return false;
    }
    return true;
}

static bool fast_permute(struct emit *e, const struct x86_insn *i)
{
    x86_exec_fn *op = exec_table[i->row];
    struct x86_insn two = *i;
    uint8_t m[16], a[16], b[16];

    if (i->op[0].kind != OPND_XMM)
        return false;
    if (op == op_psrldq || op == op_pslldq)
        two.op[1] = two.op[0];
    if (permutation(op, i->imm & 0xff, m)) {
        if (!emit_vec(e, &two, &permute))
            return false;
        emit_const(e, m);
        return true;
    }
    if (!permutation2(op, i->imm & 0xff, m) || !emit_vec(e, i, &permute2))
        return false;
    for (unsigned k = 0; k < 16; k++) {
        a[k] = m[k] < 16 ? m[k] : ZERO;
        b[k] = m[k] >= 16 && m[k] < 32 ? m[k] - 16 : ZERO;
    }
    emit_const(e, a);
    emit_const(e, b);
    return true;
}

/* ---- From and to general registers --------------------------------------------------------- */

#define FROM_INT(name, suffix, bits)                                                               \
    static HANDLER(h_##name##bits##_rr)                                                            \
    {                                                                                              \
        vec d = XMM(o->d);                                                                         \
                                                                                                   \
        __asm__ volatile(#name #suffix " %1, %0" : "+x"(d) : "r"(REG(bits, o->s)));                \
        XMM(o->d) = d;                                                                             \
        NEXT(1);                                                                                   \
    }                                                                                              \
    WITH_MEM(name##bits, HOST_R(p, la, bits / 8); vec d = XMM(o->d);                               \
             __asm__ volatile(#name #suffix " %1, %0" : "+x"(d) : "m"(*(const mu##bits *)p));      \
             XMM(o->d) = d; NEXT(1);)
FROM_INT(cvtsi2sd, l, 32)
FROM_INT(cvtsi2sd, q, 64)
FROM_INT(cvtsi2ss, l, 32)
FROM_INT(cvtsi2ss, q, 64)

#define TO_INT(name, suffix, bits, from)                                                           \
    static HANDLER(h_##name##bits##_rr)                                                            \
    {                                                                                              \
        uint##bits##_t r;                                                                          \
                                                                                                   \
        __asm__ volatile(#name #suffix " %1, %0" : "=r"(r) : "x"(XMM(o->s)));                      \
        SLOT(o->d) = r;                                                                            \
        NEXT(1);                                                                                   \
    }                                                                                              \
    WITH_MEM(name##bits, HOST_R(p, la, from / 8); uint##bits##_t r;                                \
             __asm__ volatile(#name #suffix " %1, %0" : "=r"(r) : "m"(*(const mu##from *)p));      \
             SLOT(o->d) = r; NEXT(1);)
TO_INT(cvttsd2si, l, 32, 64)
TO_INT(cvttsd2si, q, 64, 64)
TO_INT(cvtsd2si, l, 32, 64)
TO_INT(cvtsd2si, q, 64, 64)
TO_INT(cvttss2si, l, 32, 32)
TO_INT(cvttss2si, q, 64, 32)
TO_INT(cvtss2si, l, 32, 32)
TO_INT(cvtss2si, q, 64, 32)

#define MASK(name)                                                                                 \
    static HANDLER(h_##name##_rr)                                                                  \
    {                                                                                              \
        uint32_t r;                                                                                \
                                                                                                   \
        __asm__(#name " %1, %0" : "=r"(r) : "x"(XMM(o->s)));                                       \
        SLOT(o->d) = r;                                                                            \
        NEXT(1);                                                                                   \
    }
MASK(pmovmskb)
MASK(movmskps)
MASK(movmskpd)

#define INT_ROWS(name)                                                                             \
    {op_##name, true, h_##name##32_rr, LD2(name##32), {NULL}},                                     \
        {op_##name, true, h_##name##64_rr, LD2(name##64), {NULL}},
#define MASK_ROWS(name)                                                                            \
    {op_##name, false, h_##name##_rr, {NULL}, {NULL}},                                             \
        {op_##name, false, h_##name##_rr, {NULL}, {NULL}},
/* In pairs: general operand of 32 and of 64 bits. */
static const struct fast_vec_row gprs[] = {
    INT_ROWS(cvtsi2sd) INT_ROWS(cvtsi2ss) INT_ROWS(cvttsd2si) INT_ROWS(cvtsd2si)
    INT_ROWS(cvttss2si) INT_ROWS(cvtss2si) MASK_ROWS(pmovmskb) MASK_ROWS(movmskps)
    MASK_ROWS(movmskpd)};

static bool fast_gpr(struct emit *e, const struct x86_insn *i)
{
    const struct fast_vec_row *r = find(gprs, G_N_ELEMENTS(gprs), exec_table[i->row]);
    unsigned size = i->op[i->op[0].kind == OPND_XMM].size;

    return emit_vec(e, i, r + (size == 8));
}

/* ---- Comparison into RFLAGS ---------------------------------------------------------------- */

#define SET_FLAGS(z, p, cf)                                                                        \
    do {                                                                                           \
        SRC = (z) * FL_ZF | (p)*FL_PF | (cf)*FL_CF;                                                \
        CC = CC_FLAGS;                                                                             \
    } while (0)
#define COMPARE(name, type)                                                                        \
    static HANDLER(h_##name##_rr)                                                                  \
    {                                                                                              \
        bool z, p, cf;                                                                             \
                                                                                                   \
        __asm__ volatile(#name " %4, %3"                                                           \
                         : "=@ccz"(z), "=@ccp"(p), "=@ccc"(cf)                                     \
                         : "x"(XMM(o->d)), "xm"(XMM(o->s)));                                       \
        SET_FLAGS(z, p, cf);                                                                       \
        NEXT(1);                                                                                   \
    }                                                                                              \
    WITH_MEM(name, HOST_R(at, la, sizeof(type)); bool z; bool p; bool cf;                          \
             __asm__ volatile(#name " %4, %3"                                                      \
                              : "=@ccz"(z), "=@ccp"(p), "=@ccc"(cf)                                \
                              : "x"(XMM(o->d)), "m"(*(const type *)at));                           \
             SET_FLAGS(z, p, cf); NEXT(1);)
COMPARE(comisd, mu64)
COMPARE(ucomisd, mu64)
COMPARE(comiss, mu32)
COMPARE(ucomiss, mu32)

static HANDLER(h_ptest_rr)
{
    bool z, cf;

    __asm__("ptest %3, %2" : "=@ccz"(z), "=@ccc"(cf) : "x"(XMM(o->d)), "x"(XMM(o->s)));
    SET_FLAGS(z, 0, cf);
    NEXT(1);
}

static const struct fast_vec_row compares[] = {
    ROW_SCALAR(comisd) ROW_SCALAR(ucomisd) ROW_SCALAR(comiss) ROW_SCALAR(ucomiss)
    {op_ptest, false, h_ptest_rr, {NULL}, {NULL}}};

static bool fast_compare(struct emit *e, const struct x86_insn *i)
{
    return emit_vec(e, i, find(compares, G_N_ELEMENTS(compares), exec_table[i->row]));
}

/* ---- All ----------------------------------------------------------------------------------- */

fast_emit_fn *fast_vec_for(x86_exec_fn *op)
{
    uint8_t m[16];

    if (find(vec2, G_N_ELEMENTS(vec2), op))
        return fast_vec2;
    if (permutation(op, 0, m) || permutation2(op, 0, m))
        return fast_permute;
    if (find(gprs, G_N_ELEMENTS(gprs), op))
        return fast_gpr;
    if (find(compares, G_N_ELEMENTS(compares), op))
        return fast_compare;
    return NULL;
}

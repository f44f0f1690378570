/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder. Intel SDM vol. 2 ch. 2 and appendix A, over the tables of optab.c.
 *
 * Steps: prefixes, opcode, ModRM; then the rows of that opcode are tried against the key (see
 * optab.h); then the row's operands are filled in, which reads displacement and immediates.
 * Reading beyond the bytes at hand yields zeros and is noticed once, at the end.
 */
#include <string.h>

#include "target/x86/decode.h"
#include "target/x86/optab.h"
#include "target/x86/state.h"

#define MAX_LEN 15

struct dec {
    const uint8_t *p;
    unsigned pos, limit;
    bool over;        /* something was read beyond limit */
    bool bad;         /* an operand that does not exist */
    uint8_t rep;      /* the last of F2 and F3, or 0 */
    int8_t seg;       /* override in effect, or -1 */
    struct x86_insn *i;
};

static inline uint8_t next8(struct dec *d)
{
    if (d->pos >= d->limit) {
        d->over = true;
        return 0;
    }
    return d->p[d->pos++];
}

/* A little-endian value of n bytes (1, 2, 4, 8), zero-extended. */
static inline uint64_t next(struct dec *d, unsigned n)
{
    uint64_t v = 0;

    if (d->pos + n > d->limit) {
        d->over = true;
        return 0;
    }
    memcpy(&v, d->p + d->pos, n); /* hosts are little-endian */
    d->pos += n;
    return v;
}

static inline int64_t next_signed(struct dec *d, unsigned n)
{
    unsigned sh = 64 - 8 * n;

    return (int64_t)(next(d, n) << sh) >> sh;
}

/* ---- Prefixes ---------------------------------------------------------------------------- */

/* What a byte is as a prefix: PFX_* bit, 0 if it is none. PFX_SEG's number is in the low bits of
 * the byte itself (26 2E 36 3E: bits 3..4; 64 65: FS, GS). */
static const uint8_t prefix_kind[256] = {
    [0x26] = PFX_SEG, [0x2e] = PFX_SEG, [0x36] = PFX_SEG, [0x3e] = PFX_SEG,
    [0x64] = PFX_SEG, [0x65] = PFX_SEG, [0x66] = PFX_OPSIZE, [0x67] = PFX_ADDRSIZE,
    [0xf0] = PFX_LOCK, [0xf2] = PFX_REPNE, [0xf3] = PFX_REP,
};

/* Of several segment overrides the last counts; in 64-bit mode CS DS ES SS are not even seen
 * (SDM vol. 2 section 2.1.1). REX counts only directly before the opcode (section 2.2.1). */
static uint8_t read_prefixes(struct dec *d)
{
    struct x86_insn *i = d->i;
    bool long_mode = i->mode == X86_MODE_64;
    uint8_t b, kind;

    for (;;) {
        b = next8(d);
        kind = prefix_kind[b];
        if (!kind) {
            if (!long_mode || (b & 0xf0) != 0x40)
                return b;
            i->rex = b;
            i->prefix |= PFX_REX;
            continue;
        }
        i->rex = 0;
        i->prefix = (i->prefix | kind) & ~PFX_REX;
        if (kind == PFX_SEG) {
            if (b >= 0x60)
                d->seg = S_FS + (b & 1);
            else if (!long_mode)
                d->seg = b >> 3 & 3;
        } else if (b >= 0xf2) {
            d->rep = b;
        }
    }
}

static void effective_sizes(struct x86_insn *i)
{
    bool osz = i->prefix & PFX_OPSIZE, asz = i->prefix & PFX_ADDRSIZE;

    switch (i->mode) {
    case X86_MODE_16:
        i->opsize = osz ? 4 : 2;
        i->addrsize = asz ? 4 : 2;
        break;
    case X86_MODE_32:
        i->opsize = osz ? 2 : 4;
        i->addrsize = asz ? 2 : 4;
        break;
    default:
        i->opsize = i->rex & 8 ? 8 : osz ? 2 : 4;
        i->addrsize = asz ? 4 : 8;
        break;
    }
}

/* ---- Opcode and row ---------------------------------------------------------------------- */

static unsigned read_opcode(struct dec *d, uint8_t b)
{
    if (b != 0x0f)
        return ONE << 8 | b;
    b = next8(d);
    if (b == 0x38)
        return T38 << 8 | next8(d);
    if (b == 0x3a)
        return T3A << 8 | next8(d);
    return TWO << 8 | b;
}

static uint32_t match_key(const struct dec *d)
{
    const struct x86_insn *i = d->i;
    uint32_t key = i->modrm, mand = MAND_NONE;

    if (d->rep)
        mand = d->rep == 0xf3 ? MAND_F3 : MAND_F2;
    else if (i->prefix & PFX_OPSIZE)
        mand = MAND_66;
    key |= mand << KEY_PFX_SHIFT | (uint32_t)__builtin_ctz(i->addrsize) << KEY_AS_SHIFT;
    if (i->modrm >= 0xc0)
        key |= KEY_REG;
    if (i->mode == X86_MODE_64)
        key |= KEY_64;
    if (i->rex & 8)
        key |= KEY_W;
    if (i->rex & 1)
        key |= KEY_B;
    return key;
}

/* The last row of opcode idx that matches, or NULL. Rows of one opcode stand together. */
static const struct x86_enc *find_row(const struct x86_enc *last, unsigned idx, uint32_t key)
{
    const struct x86_enc *e;

    for (e = last; e >= x86_encs && idx - e->first < e->count; e--)
        if ((key & e->mask) == e->value)
            return e;
    return NULL;
}

/* ---- Memory operand ---------------------------------------------------------------------- */

static void memory16(struct dec *d, unsigned mod, unsigned rm)
{
    static const uint8_t base[8] = {R_RBX, R_RBX, R_RBP, R_RBP, R_RSI, R_RDI, R_RBP, R_RBX};
    static const uint8_t index[8] = {R_RSI,     R_RDI,     R_RSI,     R_RDI,
                                     SLOT_ZERO, SLOT_ZERO, SLOT_ZERO, SLOT_ZERO};
    struct x86_insn *i = d->i;

    i->index = index[rm];
    if (mod == 0 && rm == 6) {
        i->base = SLOT_ZERO;
        i->disp = (int32_t)next_signed(d, 2);
        return;
    }
    i->base = base[rm];
    if (mod)
        i->disp = (int32_t)next_signed(d, mod);
}

static void memory32(struct dec *d, unsigned mod, unsigned rm)
{
    struct x86_insn *i = d->i;
    unsigned disp = mod == 1 ? 1 : mod == 2 ? 4 : 0;

    i->index = SLOT_ZERO;
    if (rm == 4) {
        uint8_t sib = next8(d);
        uint8_t index = (sib >> 3 & 7) | (i->rex & 2) << 2;

        if (index != R_RSP) {
            i->index = index;
            i->scale = sib >> 6;
        }
        rm = sib & 7;
        if (rm == 5 && mod == 0) {
            i->base = SLOT_ZERO;
            disp = 4;
        } else {
            i->base = rm | (i->rex & 1) << 3;
        }
    } else if (rm == 5 && mod == 0) {
        i->base = i->mode == X86_MODE_64 ? SLOT_RIP : SLOT_ZERO;
        disp = 4;
    } else {
        i->base = rm | (i->rex & 1) << 3;
    }
    if (disp)
        i->disp = (int32_t)next_signed(d, disp);
}

static void memory_operand(struct dec *d)
{
    struct x86_insn *i = d->i;

    if (i->addrsize == 2)
        memory16(d, i->modrm >> 6, i->modrm & 7);
    else
        memory32(d, i->modrm >> 6, i->modrm & 7);
    if (d->seg < 0 && (i->base == R_RSP || i->base == R_RBP))
        i->seg = S_SS;
}

/* ---- Operands ---------------------------------------------------------------------------- */

static unsigned operand_size(const struct x86_insn *i, unsigned code, bool reg)
{
    static const uint8_t size[OS_COUNT][3] = { /* by operand size 2, 4, 8 */
        [OS_B] = {1, 1, 1}, [OS_W] = {2, 2, 2}, [OS_D] = {4, 4, 4}, [OS_Q] = {8, 8, 8},
        [OS_T] = {10, 10, 10}, [OS_DQ] = {16, 16, 16},
        [OS_V] = {2, 4, 8}, [OS_Z] = {2, 4, 4}, [OS_Y] = {4, 4, 8}, [OS_M] = {4, 4, 8},
        [OS_P] = {4, 6, 10}, [OS_S] = {6, 6, 10}, [OS_A] = {4, 8, 16},
    };
    if (code >= OS_DMB) {
        if (reg)
            code = code == OS_VMW ? OS_V : OS_D;
        else
            code = code == OS_DMB ? OS_B : OS_W;
    }
    return size[code][__builtin_ctz(i->opsize) - 1];
}

static void set_gpr(const struct x86_insn *i, struct x86_opnd *o, unsigned n, unsigned size)
{
    o->kind = OPND_REG;
    o->reg = n;
    o->size = size;
    if (size == 1 && !i->rex && n >= 4) {
        o->kind = OPND_REGH;
        o->reg = n - 4;
    }
}

static void set(struct x86_opnd *o, unsigned kind, unsigned reg, unsigned size)
{
    o->kind = kind;
    o->reg = reg;
    o->size = size;
}

static void set_sreg(struct dec *d, struct x86_opnd *o, unsigned n)
{
    set(o, OPND_SREG, n, 2);
    if (n > S_GS || (n == S_CS && (o->access & OPND_W)))
        d->bad = true;
}

/* An r/m operand: memory, or a register of the kind the letter tells. */
static void set_rm(struct x86_insn *i, struct x86_opnd *o, unsigned code)
{
    bool reg = i->modrm >= 0xc0;
    unsigned size = operand_size(i, code >> OP_SIZE_SHIFT & 0x1f, reg), rm = i->modrm & 7;

    if (!reg)
        set(o, OPND_MEM, 0, size);
    else if ((code & OP_CLASS) == OC_E)
        set_gpr(i, o, rm | (i->rex & 1) << 3, size);
    else if ((code & OP_CLASS) == OC_W)
        set(o, OPND_XMM, rm | (i->rex & 1) << 3, size);
    else
        set(o, OPND_MM, rm, size);
}

static void set_immediate(struct dec *d, struct x86_opnd *o, unsigned cls, unsigned size)
{
    struct x86_insn *i = d->i;

    set(o, OPND_IMM, 0, size);
    switch (cls) {
    case OC_I:
        i->imm = next_signed(d, size > 4 ? 4 : size);
        break;
    case OC_IU:
        i->imm = (int64_t)next(d, size);
        break;
    case OC_IS:
        i->imm = next_signed(d, 1);
        break;
    case OC_IV:
        i->imm = next_signed(d, size);
        break;
    case OC_I2:
        o->kind = OPND_IMM2;
        i->imm2 = next8(d);
        break;
    case OC_J:
        o->kind = OPND_REL;
        i->imm = next_signed(d, size);
        break;
    case OC_FAR:
        o->kind = OPND_FAR;
        i->imm = (int64_t)next(d, size - 2);
        i->imm2 = (uint16_t)next(d, 2);
        break;
    case OC_O:
        o->kind = OPND_MEM;
        i->moffs = 1;
        i->imm = (int64_t)next(d, i->addrsize);
        i->disp = (int32_t)i->imm;
        break;
    }
}

static void set_operand(struct dec *d, struct x86_opnd *o, unsigned code)
{
    struct x86_insn *i = d->i;
    unsigned cls = code & OP_CLASS;
    unsigned size = operand_size(i, code >> OP_SIZE_SHIFT & 0x1f, true);
    unsigned reg = (i->modrm >> 3 & 7) | (i->rex & 4) << 1, rexb = (i->rex & 1) << 3;

    o->access = code >> OP_ACC_SHIFT & 3;
    switch (cls) {
    case OC_E: case OC_W: case OC_Q:
        set_rm(i, o, code);
        break;
    case OC_RM:
        set_gpr(i, o, (i->modrm & 7) | rexb, size);
        break;
    case OC_G:
        set_gpr(i, o, reg, size);
        break;
    case OC_V:
        set(o, OPND_XMM, reg, size);
        break;
    case OC_P:
        set(o, OPND_MM, reg & 7, size);
        break;
    case OC_S:
        set_sreg(d, o, reg & 7);
        break;
    case OC_C:
        set(o, OPND_CR, reg, size);
        d->bad |= reg > 8 || !(0x11d >> reg & 1); /* CR0 CR2 CR3 CR4 CR8 */
        break;
    case OC_D:
        set(o, OPND_DR, reg, size);
        d->bad |= reg > 7;
        break;
    case OC_Z:
        set_gpr(i, o, (i->opcode & 7) | rexb, size);
        break;
    case OC_SREG:
        set(o, OPND_SREG, i->opcode >> 3 & 7, size);
        break;
    case OC_A:
        set(o, OPND_REG, R_RAX, size);
        break;
    case OC_CL:
        set(o, OPND_REG, R_RCX, size);
        break;
    case OC_DX:
        set(o, OPND_REG, R_RDX, size);
        break;
    case OC_ST:
        set(o, OPND_ST, i->modrm & 7, size);
        break;
    case OC_ST0:
        set(o, OPND_ST, 0, size);
        break;
    case OC_X:
        set(o, OPND_MEM, R_RSI, size);
        break;
    case OC_Y:
        set(o, OPND_MEM, R_RDI, size);
        break;
    case OC_ONE:
        set(o, OPND_ONE, 0, size);
        break;
    default:
        set_immediate(d, o, cls, size);
        break;
    }
}

/* ---- All together ------------------------------------------------------------------------ */

static enum x86_decode_result finish(struct dec *d, enum x86_decode_result r)
{
    d->i->len = d->pos;
    if (d->over)
        return d->limit == MAX_LEN ? DECODE_TOOLONG : DECODE_MORE;
    return r;
}

static bool lock_allowed(const struct x86_insn *i, uint32_t attr)
{
    return (attr & ROW_LOCK) && i->op[0].kind == OPND_MEM;
}

enum x86_decode_result x86_decode(const uint8_t *bytes, size_t avail, enum x86_mode mode,
                                  struct x86_insn *i)
{
    struct dec d = {.p = bytes, .limit = avail > MAX_LEN ? MAX_LEN : avail, .seg = -1, .i = i};
    const struct x86_enc *e;
    unsigned idx, last;

    memset(i, 0, sizeof(*i));
    i->mode = mode;
    i->base = i->index = SLOT_ZERO;
    idx = read_opcode(&d, read_prefixes(&d));
    if (d.rep) /* the last of the two is the one that counts */
        i->prefix &= d.rep == 0xf3 ? ~PFX_REPNE : ~PFX_REP;
    effective_sizes(i);
    i->opcode = (uint8_t)idx;
    i->seg = d.seg < 0 ? S_DS : (uint8_t)d.seg;
    last = x86_last_row[idx];
    if (!last || d.over)
        return finish(&d, DECODE_UD);

    if (x86_encs[last - 1].modrm)
        i->modrm = next8(&d);
    e = find_row(&x86_encs[last - 1], idx, match_key(&d));
    if (!e || d.over)
        return finish(&d, DECODE_UD);
    i->row = (uint16_t)(e - x86_encs);
    if (mode == X86_MODE_64 && ((e->attr & ROW_F64) || ((e->attr & ROW_D64) && i->opsize == 4)))
        i->opsize = 8;

    if (e->modrm && i->modrm < 0xc0 && (e->opnd[0] & OP_CLASS) != OC_RM &&
        (e->opnd[1] & OP_CLASS) != OC_RM)
        memory_operand(&d);
    while (i->nopnd < 4 && e->opnd[i->nopnd]) {
        set_operand(&d, &i->op[i->nopnd], e->opnd[i->nopnd]);
        i->nopnd++;
    }
    if (d.bad || ((i->prefix & PFX_LOCK) && !lock_allowed(i, e->attr)))
        return finish(&d, DECODE_UD);
    return finish(&d, DECODE_OK);
}

/* SPDX-License-Identifier: MIT */
/*
 * Cases for the oracle: an encoding of a given row with random prefixes, ModRM, displacement and
 * immediate; registers such that what it accesses is in the sandbox (now and then at its edge);
 * and values that are often interesting ones.
 */
#include <string.h>

#include "target/x86/optab.h"
#include "target/x86/rows.h"
#include "target/x86/state.h"
#include "tests/insn/oracle.h"

/* ---- Which rows -------------------------------------------------------------------------- */

/* Not tried: they need another privilege, change segments, ask the kernel, or tell the time. */
static bool in_list(unsigned row, const uint16_t *list, unsigned n)
{
    while (n--)
        if (list[n] == row)
            return true;
    return false;
}
#define IN(row, list) in_list(row, list, sizeof(list) / sizeof(list[0]))

bool oracle_row_usable(unsigned row, enum x86_mode mode)
{
    static const uint16_t sys[] = {X86_lfence, X86_mfence, X86_sfence, X86_clflush, X86_clflushopt,
                                   X86_clwb};
    static const uint16_t never[] = {
        X86_push_ES, X86_push_CS, X86_push_SS, X86_push_DS, X86_push_FS, X86_push_GS,
        X86_pop_ES, X86_pop_SS, X86_pop_DS, X86_pop_FS, X86_pop_GS,
        X86_mov_Ev_Sw, X86_mov_Sw_Ew, X86_mov_SS_Ew, X86_les, X86_lds, X86_lss, X86_lfs, X86_lgs,
        X86_call_Ap, X86_jmp_Ap, X86_call_Mp, X86_jmp_Mp, X86_retf, X86_retf_Iw, X86_iret,
        X86_int3, X86_int_Ib, X86_into, X86_int1, X86_ins_Yb, X86_ins_Yz, X86_outs_Xb,
        X86_outs_Xz,
        X86_nop_0d /* its register form is #UD on AMD */};
    const struct x86_enc *e = &x86_encs[row];

    if ((e->mask & KEY_64) && (e->value & KEY_64) != (mode == X86_MODE_64 ? KEY_64 : 0))
        return false;
    if (mode != X86_MODE_64 && (e->mask & e->value & KEY_W))
        return false;
    if (x86_rows[row].group == GROUP_SYS)
        return IN(row, sys);
    return !IN(row, never);
}

/* ---- Values ------------------------------------------------------------------------------ */

static uint64_t value(uint64_t *s)
{
    unsigned n = rng_below(s, 64);
    uint64_t v;

    switch (rng_below(s, 8)) {
    case 0:
        return n & 15;
    case 1:
        return -(uint64_t)(n & 15);
    case 2:
        v = 1ull << n;
        break;
    case 3:
        v = (1ull << n) - 1;
        break;
    case 4:
        v = (0x80ull << (8 * (n & 7))) - (n >> 3 & 1);
        break;
    default:
        return rng(s);
    }
    return n & 32 ? v : v | rng(s) << 32;
}

static uint32_t f32(uint64_t *s)
{
    static const uint32_t special[] = {
        0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001,
        0x7f800001, 0xff923456, 1, 0x80000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0xff7fffff,
        0x4f000000, 0xcf000000, 0x5f000000, 0x3f000000, 0x3fc00000, 0x4b7fffff};
    uint64_t r = rng(s);

    switch (r >> 60) {
    case 0: case 1: case 2: case 3: case 4:
        return special[(r & 0xffff) % (sizeof(special) / 4)];
    case 5: case 6:
        return (uint32_t)r;
    default: /* near 1, so that operations meet */
        return ((uint32_t)r & 0x807fffff) | (127 - 16 + (uint32_t)(r >> 32 & 31)) << 23;
    }
}

static uint64_t f64(uint64_t *s)
{
    static const uint64_t special[] = {
        0, 1ull << 63, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
        0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000001, 0x7ff0000000000001,
        0xfff4567890000000, 1, 0x8000000000000001, 0x000fffffffffffff, 0x0010000000000000,
        0x7fefffffffffffff, 0xffefffffffffffff, 0x41e0000000000000, 0xc1e0000000000000,
        0x43e0000000000000, 0xc3e0000000000000, 0x3fe0000000000000, 0x3ff8000000000000,
        0x47efffffe0000000, 0x36a0000000000000, 0x3810000000000000};
    uint64_t r = rng(s), m = rng(s);

    switch (r >> 60) {
    case 0: case 1: case 2: case 3: case 4:
        return special[(r & 0xffff) % (sizeof(special) / 8)];
    case 5: case 6:
        return m;
    default:
        return (m & 0x800fffffffffffff) | (1023 - 32 + (r >> 32 & 63)) << 52;
    }
}

static void f80(uint64_t *s, uint8_t out[10])
{
    static const struct {
        uint16_t se;
        uint64_t m;
    } special[] = {
        {0, 0}, {0x8000, 0}, {0x3fff, 1ull << 63}, {0xbfff, 1ull << 63}, {0x7fff, 1ull << 63},
        {0xffff, 1ull << 63}, {0xffff, 3ull << 62}, {0x7fff, 3ull << 62 | 5},
        {0x7fff, 0xa000000000000000}, {0, 1}, {0x8000, 1ull << 62}, {0, 1ull << 63},
        {1, 1ull << 63}, {0x7ffe, ~0ull}, {0xfffe, ~0ull}, {0x4000, 0x7000000000000000},
        {0x7fff, 0}, {0x7fff, 1}, {0x403e, 1ull << 63}, {0xc03e, 1ull << 63}, {0x401e, 1ull << 63},
        {0x3ffe, 1ull << 63}, {0x4000, 0xc90fdaa22168c235}};
    uint64_t r = rng(s), m = rng(s);
    uint16_t se = (uint16_t)r;

    switch (r >> 60) {
    case 0: case 1: case 2: case 3: case 4:
        r = (r >> 16 & 0xffff) % (sizeof(special) / sizeof(special[0]));
        se = special[r].se;
        m = special[r].m;
        break;
    case 5:
        break;
    case 6:
        m |= 1ull << 63;
        break;
    case 7: /* short mantissas make exact results */
        m = 1ull << 63 | (m & 0x7f00000000000000);
        se = (se & 0x8000) | (0x3fff - 8 + (r >> 32 & 15));
        break;
    default:
        m |= 1ull << 63;
        se = (se & 0x8000) | (0x3fff - 32 + (r >> 32 & 63));
    }
    memcpy(out, &m, 8);
    memcpy(out + 8, &se, 2);
}

static void bcd(uint64_t *s, uint8_t out[10])
{
    for (unsigned n = 0; n < 10; n++)
        out[n] = rng_below(s, 10) << 4 | rng_below(s, 10);
    out[9] = rng_below(s, 2) << 7;
}

/* n bytes of one kind of data */
enum kind { K_INT, K_F32, K_F64, K_F80, K_BYTES, K_BCD, K_COUNT };
static void fill(uint64_t *s, uint8_t *p, unsigned len, enum kind kind)
{
    uint8_t buf[16] = {0};

    for (unsigned at = 0; at < len; at += 16) {
        uint64_t q[2] = {0, 0};

        switch (kind) {
        case K_F32:
            q[0] = f32(s) | (uint64_t)f32(s) << 32;
            q[1] = f32(s) | (uint64_t)f32(s) << 32;
            break;
        case K_F64:
            q[0] = f64(s);
            q[1] = f64(s);
            break;
        case K_F80:
            f80(s, (uint8_t *)q);
            break;
        case K_BCD:
            bcd(s, (uint8_t *)q);
            break;
        case K_BYTES: /* many equal ones */
            for (unsigned n = 0; n < 16; n++)
                buf[n] = rng_below(s, 6) ? 'A' : (uint8_t)rng_below(s, 4);
            memcpy(q, buf, 16);
            break;
        default:
            q[0] = value(s);
            q[1] = value(s);
            break;
        }
        memcpy(p + at, q, len - at < 16 ? len - at : 16);
    }
}

static enum kind kind_for(const struct x86_row *row, uint64_t *s)
{
    static const enum kind fp[] = {K_F32, K_F64, K_F32, K_F64, K_F80, K_F80, K_INT, K_BCD};

    switch (row->group) {
    case GROUP_X87:
        return fp[rng_below(s, 8)];
    case GROUP_SSE:
        return fp[rng_below(s, 4)];
    case GROUP_STR:
        return rng_below(s, 4) ? K_BYTES : K_INT;
    default:
        return K_INT;
    }
}

/* ---- Initial state ----------------------------------------------------------------------- */

static void random_fpu(struct fxstate *f, const struct x86_row *row, uint64_t *s)
{
    f->fcw = 0x37f;
    if (rng_below(s, 2))
        f->fcw = 0x40 | (rng_below(s, 5) ? 0x3f : rng(s) & 0x3f) | (rng(s) & 0xf00);
    f->fsw = (uint16_t)rng(s) & 0x7f7f;
    if (rng_below(s, 16))
        f->fsw &= ~(~f->fcw & 0x3f); /* mostly nothing pending */
    if (f->fsw & ~f->fcw & 0x3f)
        f->fsw |= 0x8080;
    f->ftw = rng_below(s, 3) ? 0xff : (uint8_t)rng(s);
    for (unsigned n = 0; n < 8; n++) {
        memset(f->st[n], 0, 16);
        if (row->group == GROUP_MMX || !rng_below(s, 8)) {
            fill(s, f->st[n], 8, K_INT);
            memset(f->st[n] + 8, 0xff, 2);
        } else {
            f80(s, f->st[n]);
        }
    }
    for (unsigned n = 0; n < 16; n++)
        fill(s, f->xmm[n], 16, rng_below(s, 4) ? kind_for(row, s) : K_INT);
    f->mxcsr = 0x1f80;
    if (row->group == GROUP_SSE && rng_below(s, 2))
        f->mxcsr = (rng_below(s, 4) ? 0x1f80 : rng(s) & 0x1f80) | (rng(s) & 0xe07f);
}

void oracle_random_state(struct oracle_case *c, unsigned of, uint64_t *s)
{
    const struct x86_row *row = &x86_rows[of];
    struct machine_state *in = &c->in;
    enum kind kind = kind_for(row, s);

    memset(in, 0, sizeof(*in));
    for (unsigned n = 0; n < 16; n++)
        in->gpr[n] = value(s);
    in->rflags = FL_1 | FL_IF | (rng(s) & FL_ARITH);
    if (row->group == GROUP_STR ? rng_below(s, 3) == 0 : rng_below(s, 8) == 0)
        in->rflags |= FL_DF;
    random_fpu(&in->fx, row, s);
    fill(s, c->mem, 512, kind);
    for (unsigned n = 512; n < MEM_SIZE; n += 512)
        memcpy(c->mem + n, c->mem, 512);
}

/* ---- Encoding ---------------------------------------------------------------------------- */

struct enc {
    uint8_t b[48];
    unsigned len, modrm_at, opcode_at;
};

static bool chance(uint64_t *s, unsigned percent)
{
    return rng_below(s, 100) < percent;
}

static void put_prefixes(struct enc *x, const struct x86_enc *e, const struct x86_row *row,
                         enum x86_mode mode, bool mem, uint64_t *s)
{
    uint32_t pmask = e->mask >> KEY_PFX_SHIFT & 3, pval = e->value >> KEY_PFX_SHIFT & 3;
    bool branch = row->group == GROUP_CTL; /* 66: 16-bit on AMD; F2: bound checks */
    bool scan = (e->first & ~1) == (TWO << 8 | 0xbc); /* F3: TZCNT, LZCNT on the host */

    if (chance(s, 4) && !(row->group == GROUP_INT && !mem))
        x->b[x->len++] = 0x2e; /* ignored, or a flat segment */
    if (mem && mode == X86_MODE_64 && chance(s, 10))
        x->b[x->len++] = 0x65;
    if (mode == X86_MODE_64 && chance(s, 12))
        x->b[x->len++] = 0x67;
    if (mem && (e->attr & ROW_LOCK) && chance(s, 30))
        x->b[x->len++] = 0xf0;
    if (pmask == 3 && pval == MAND_66)
        x->b[x->len++] = 0x66;
    else if ((pmask != 3 || pval > MAND_66) && !branch && chance(s, pval ? 12 : 25))
        x->b[x->len++] = 0x66;
    if (pmask == 3 && pval > MAND_66)
        x->b[x->len++] = pval == MAND_F3 ? 0xf3 : 0xf2;
    else if (!pmask && (e->attr & ROW_REP ? chance(s, 70) : !branch && !scan && chance(s, 3)))
        x->b[x->len++] = chance(s, 60) ? 0xf3 : 0xf2;
    if (mode == X86_MODE_64 && ((e->mask & e->value & KEY_W) || chance(s, 60))) {
        uint8_t rex = 0x40 | (rng(s) & 15);

        if (e->mask & KEY_W)
            rex = (rex & ~8) | (e->value & KEY_W ? 8 : 0);
        if (e->mask & KEY_B)
            rex &= ~1;
        x->b[x->len++] = rex;
    }
}

static void put_opcode(struct enc *x, const struct x86_enc *e, uint64_t *s)
{
    static const uint8_t escape[4][2] = {{0, 0}, {0x0f, 0}, {0x0f, 0x38}, {0x0f, 0x3a}};
    unsigned map = e->first >> 8;

    for (unsigned n = 0; n < 2 && escape[map][n]; n++)
        x->b[x->len++] = escape[map][n];
    x->opcode_at = x->len;
    x->b[x->len++] = (uint8_t)(e->first + rng_below(s, e->count));
}

static void put_rest(struct enc *x, const struct x86_enc *e, bool mem, uint64_t *s)
{
    x->modrm_at = x->len;
    if (e->modrm) {
        uint8_t m = rng(s) & 0x3f;

        m |= mem ? rng_below(s, 3) << 6 : 0xc0;
        x->b[x->len++] = (m & ~e->mask) | (e->value & e->mask & 0xff);
    }
    for (unsigned n = 0; n < 16; n += 8) { /* SIB, displacement, immediate */
        uint64_t v = rng(s);

        memcpy(x->b + x->len + n, &v, 8);
    }
    if (chance(s, 30))
        memset(x->b + x->len + 1, chance(s, 50) ? 0 : 0xff, 12);
}

static bool encode(struct enc *x, unsigned row, enum x86_mode mode, struct x86_insn *i, uint64_t *s)
{
    const struct x86_enc *e = &x86_encs[row];
    bool mem = e->mask & KEY_REG ? !(e->value & KEY_REG) : e->modrm && chance(s, 55);

    memset(x, 0, sizeof(*x));
    if ((e->mask & 0xc0) == 0xc0)
        mem = false;
    put_prefixes(x, e, &x86_rows[row], mode, mem || (e->attr & ROW_REP), s);
    put_opcode(x, e, s);
    put_rest(x, e, mem, s);
    return x86_decode(x->b, sizeof(x->b), mode, i) == DECODE_OK && i->row == row;
}

/* ---- Aiming ------------------------------------------------------------------------------ */

bool oracle_has_mem(const struct x86_insn *i)
{
    for (unsigned n = 0; n < i->nopnd; n++)
        if (i->op[n].kind == OPND_MEM)
            return !(x86_rows[i->row].attr & ROW_REP);
    return false;
}

/* A place in the window, mostly well inside and aligned. */
static uint64_t place(uint64_t *s, unsigned align)
{
    uint64_t at = MEM_BASE + 0x400 + rng_below(s, MEM_SIZE - 0x800);

    if (chance(s, 2))
        return chance(s, 50) ? MEM_BASE - rng_below(s, 20) : MEM_BASE + MEM_SIZE - rng_below(s, 20);
    return chance(s, align >= 16 ? 95 : 70) ? at & -(uint64_t)align : at;
}

static void set_reg(struct oracle_case *c, unsigned reg, uint64_t v, unsigned size, uint64_t *s)
{
    c->in.gpr[reg] = size == 8 ? v : (v & 0xffffffff) | rng(s) << 32;
}

/* Make the memory operand of the instruction at x be at `at`. */
static bool aim(struct oracle_case *c, struct enc *x, const struct x86_insn *i, uint64_t at,
                uint64_t *s)
{
    uint64_t base = i->seg >= S_FS ? MEM_BASE : 0, want = at - base;
    uint64_t *r = c->in.gpr;
    int32_t disp;

    if (i->addrsize == 2)
        return false;
    if (i->moffs) {
        memcpy(x->b + x->opcode_at + 1, &want, i->addrsize);
    } else if (i->base == SLOT_RIP || (i->base == SLOT_ZERO && i->index == SLOT_ZERO)) {
        unsigned disp_at = x->modrm_at + 1 + ((x->b[x->modrm_at] & 7) == 4);

        disp = (int32_t)(i->base == SLOT_RIP ? want - (CODE_START + i->len) : want);
        memcpy(x->b + disp_at, &disp, 4);
    } else if (i->base == SLOT_ZERO) {
        uint64_t v = want - (int64_t)i->disp;

        set_reg(c, i->index, v >> i->scale, i->addrsize, s);
    } else if (i->index == i->base) {
        uint64_t v = want - (int64_t)i->disp;

        if (i->scale)
            return false;
        set_reg(c, i->base, v / 2, i->addrsize, s);
    } else {
        uint64_t idx = i->index == SLOT_ZERO ? 0 : r[i->index];

        set_reg(c, i->base, want - (idx << i->scale) - (int64_t)i->disp, i->addrsize, s);
    }
    return true;
}

static bool uses(const struct x86_insn *i, unsigned reg)
{
    return oracle_has_mem(i) && (i->base == reg || i->index == reg);
}

/* Registers that an instruction addresses memory or counts with, beyond its operands. */
static bool aim_implied(struct oracle_case *c, const struct x86_insn *i, uint64_t *s)
{
    const struct x86_row *row = &x86_rows[i->row];
    uint64_t base = i->seg >= S_FS ? MEM_BASE : 0;
    unsigned as = i->addrsize;

    if (as == 2 && ((row->attr & ROW_REP) || i->row == X86_xlat))
        return false;
    if (!uses(i, R_RSP))
        set_reg(c, R_RSP, place(s, 8), c->mode == X86_MODE_64 ? 8 : 4, s);
    switch (i->row) {
    case X86_enter: case X86_leave:
        set_reg(c, R_RBP, place(s, 8), c->mode == X86_MODE_64 ? 8 : 4, s);
        break;
    case X86_xlat:
        set_reg(c, R_RBX, place(s, 1) - (c->in.gpr[R_RAX] & 0xff) - base, as, s);
        break;
    case X86_maskmovq: case X86_maskmovdqu:
        set_reg(c, R_RDI, MEM_BASE + 0x800 + rng_below(s, 64) - base, as, s);
        break; /* whether bytes that are masked out fault is up to the implementation */
    }
    if (row->attr & ROW_REP) {
        uint64_t di = place(s, 8), si = place(s, 8);

        if (chance(s, 50)) /* overlapping; not both at an edge: whose fault is first varies */
            si = di + rng_below(s, 64) - 32;
        if (si - MEM_BASE - 0x300 > MEM_SIZE - 0x600 && i->nopnd > 1)
            di = si = MEM_BASE + MEM_SIZE / 2;
        set_reg(c, R_RDI, di, as, s);
        set_reg(c, R_RSI, si - base, as, s);
        set_reg(c, R_RCX, rng_below(s, chance(s, 80) ? 24 : 600), as, s);
    }
    return true;
}

/* ---- Making the instruction meet something ----------------------------------------------- */

static uint8_t *mem_at(struct oracle_case *c, uint64_t at)
{
    if (at - MEM_BASE > MEM_SIZE - 16)
        at = MEM_BASE;
    return c->mem + (at - MEM_BASE);
}

static uint64_t get_mem(struct oracle_case *c, uint64_t at, unsigned offset)
{
    uint64_t v;

    memcpy(&v, mem_at(c, at) + offset, sizeof(v));
    return v;
}

static void put_mem(struct oracle_case *c, uint64_t at, uint64_t v, unsigned size)
{
    memcpy(mem_at(c, at), &v, size);
}

/* Branches go to CODE_PAD. */
static bool aim_branch(struct oracle_case *c, struct enc *x, const struct x86_insn *i, uint64_t at)
{
    const struct x86_opnd *o = &i->op[0];
    int32_t rel = (int32_t)(CODE_PAD - (CODE_START + i->len));

    if (o->kind == OPND_REL)
        memcpy(x->b + i->len - o->size, &rel, o->size);
    else if (o->kind == OPND_REG && o->reg == R_RSP)
        return false; /* the stack would be in the code */
    else if (o->kind == OPND_REG)
        c->in.gpr[o->reg] = CODE_PAD;
    else if (o->kind == OPND_MEM && at - MEM_BASE > MEM_SIZE - 16)
        return false; /* a wild target: what is checked first varies */
    else if (o->kind == OPND_MEM)
        put_mem(c, at, CODE_PAD, o->size);
    else if (c->in.gpr[R_RSP] - MEM_BASE < MEM_SIZE - 16)
        put_mem(c, c->in.gpr[R_RSP], CODE_PAD, i->opsize);
    else if ((uint32_t)c->in.gpr[R_RSP] - MEM_BASE < MEM_SIZE - 16)
        put_mem(c, (uint32_t)c->in.gpr[R_RSP], CODE_PAD, i->opsize);
    return true;
}

static bool adjust(struct oracle_case *c, struct enc *x, const struct x86_insn *i, uint64_t at,
                   uint64_t *s)
{
    const struct x86_opnd *o = i->op;
    uint64_t *r = c->in.gpr, old;
    bool mem = oracle_has_mem(i);
    enum kind kind;

    switch (i->row) {
    case X86_bt_Ev_Gv: case X86_bts_Ev_Gv: case X86_btr_Ev_Gv: case X86_btc_Ev_Gv:
        if (mem && uses(i, o[1].reg))
            return false;
        if (mem)
            r[o[1].reg] = (uint64_t)((int64_t)rng_below(s, 0x1000) - 0x800);
        break;
    case X86_cmpxchg_Eb_Gb: case X86_cmpxchg_Ev_Gv:
        if (chance(s, 50) && !uses(i, R_RAX))
            r[R_RAX] = mem ? get_mem(c, at, 0) : r[o[0].reg];
        break;
    case X86_cmpxchg8b: case X86_cmpxchg16b:
        if (uses(i, R_RAX) || uses(i, R_RDX) || chance(s, 50))
            break;
        old = get_mem(c, at, 0);
        r[R_RAX] = i->row == X86_cmpxchg8b ? (uint32_t)old : old;
        r[R_RDX] = i->row == X86_cmpxchg8b ? old >> 32 : get_mem(c, at, 8);
        break;
    case X86_div_Eb: case X86_idiv_Eb: case X86_div_Ev: case X86_idiv_Ev:
        if (chance(s, 70) && !uses(i, R_RDX))
            r[R_RDX] = chance(s, 50) ? rng_below(s, 4) : (uint64_t)((int64_t)r[R_RAX] >> 63);
        break;
    case X86_popf:
        if ((uint32_t)r[R_RSP] - MEM_BASE > MEM_SIZE - 16)
            return false; /* would load TF from who knows where */
        old = value(s) & (FL_ARITH | FL_IF | FL_DF | FL_IOPL);
        put_mem(c, c->mode == X86_MODE_64 ? r[R_RSP] : (uint32_t)r[R_RSP], old, 8);
        break;
    case X86_ldmxcsr:
        if (chance(s, 80))
            put_mem(c, at, rng(s) & 0xffff, 4);
        break;
    default:
        if (mem && (x86_rows[i->row].group == GROUP_X87 || x86_rows[i->row].group == GROUP_SSE)) {
            kind = o->size == 4 ? K_F32 : o->size == 8 ? K_F64 : o->size == 10 ? K_F80 : K_COUNT;
            if (i->row == X86_fbld && chance(s, 80))
                kind = K_BCD;
            if (kind != K_COUNT && chance(s, 60) && x86_rows[i->row].group == GROUP_X87)
                fill(s, mem_at(c, at), o->size, kind);
        }
    }
    return true;
}

bool oracle_gen(struct oracle_case *c, unsigned row, enum x86_mode mode, uint64_t seed)
{
    uint64_t s = seed * 0x9e3779b97f4a7c15 + row + 1, at;
    struct x86_insn i;
    struct enc x;
    unsigned n;

    for (n = 0; n < 8; n++)
        rng(&s);
    c->mode = mode;
    c->seed = seed;
    c->row = row;
    oracle_random_state(c, row, &s);
    for (n = 0; n < 50 && !encode(&x, row, mode, &i, &s); n++)
        continue;
    if (n == 50)
        return false;
    at = place(&s, x86_encs[row].attr & (ROW_SSE | ROW_MMX) ? 16 : 8);
    if (oracle_has_mem(&i) && !aim(c, &x, &i, at, &s))
        return false;
    if (!aim_implied(c, &i, &s) || !adjust(c, &x, &i, at, &s))
        return false;
    if (x86_rows[row].group == GROUP_CTL && !aim_branch(c, &x, &i, at))
        return false;
    memcpy(c->code, x.b, i.len);
    c->code_len = i.len;
    c->count = 1;
    c->limit = 1000; /* REP goes on in chunks */
    c->undef = c->undef_any = 0;
    return true;
}

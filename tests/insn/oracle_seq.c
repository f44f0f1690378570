/* SPDX-License-Identifier: MIT */
/*
 * Sequences for the oracle:
 *
 *     jmp main;  sub: ... ret;  main: ...  loop: ...  sub counter, 1; jnz loop;  ...
 *
 * with conditional jumps forward and calls of `sub` on the way. Some registers hold addresses,
 * an index and the loop counter and are never written, so that memory operands stay in the
 * window however long it runs. Flags that an instruction leaves undefined are tracked, and no
 * instruction that would read them is taken.
 */
#include <string.h>

#include "target/x86/optab.h"
#include "target/x86/rows.h"
#include "target/x86/state.h"
#include "tests/insn/oracle.h"

#define MAX_JUMPS 16

struct seq {
    struct oracle_case *c;
    uint64_t *s;
    unsigned len;
    uint32_t undef;     /* flags undefined here */
    uint32_t reserved;  /* registers not to be written */
    unsigned sub;       /* offset of the subroutine */
    bool main;          /* past it */
    struct {            /* forward jumps not yet aimed */
        unsigned at;    /* end of the instruction: displacement is before it */
        unsigned size;
        unsigned after; /* how many more instructions to skip */
        uint32_t undef;
    } jump[MAX_JUMPS];
    unsigned n_jump;
};

static unsigned below(struct seq *q, unsigned n)
{
    return rng_below(q->s, n);
}

static void put(struct seq *q, const void *bytes, unsigned len)
{
    memcpy(q->c->code + q->len, bytes, len);
    q->len += len;
}

/* ---- Which instructions -------------------------------------------------------------------- */

static bool row_fits(unsigned row, enum x86_mode mode)
{
    static const uint16_t never[] = {
        /* faults often, moves the stack, or loads flags and masks from anywhere */
        X86_div_Eb, X86_div_Ev, X86_idiv_Eb, X86_idiv_Ev, X86_aam, X86_popf, X86_popa, X86_leave,
        X86_enter, X86_bound, X86_ud0, X86_ud1, X86_ud2, X86_ldmxcsr, X86_fldcw, X86_fldenv,
        X86_frstor, X86_fnstenv, X86_fnsave, X86_maskmovq, X86_maskmovdqu,
        /* the peers differ, see oracle_cmp.c */
        X86_fcomi, X86_fcomip, X86_fucomi, X86_fucomip, X86_cvtpi2ps,
    };
    const struct x86_row *r = &x86_rows[row];

    for (size_t n = 0; n < sizeof(never) / sizeof(never[0]); n++)
        if (never[n] == row)
            return false;
    if ((r->attr & (ROW_MMX | ROW_SSE)) == (ROW_MMX | ROW_SSE))
        return false; /* #XM comes before or after the MMX state */
    return r->group != GROUP_CTL && r->group != GROUP_STR && r->group != GROUP_SYS &&
           oracle_row_usable(row, mode);
}

static unsigned pick_row(struct seq *q, enum x86_group group)
{
    unsigned row;

    do
        row = below(q, x86_row_count);
    while (x86_rows[row].group != group || !row_fits(row, q->c->mode));
    return row;
}

/* ---- Encoding ------------------------------------------------------------------------------ */

/* ... of one at an address of its own, RIP-relative or (in 64-bit mode, with GS) absolute; what the
 * displacement has to be is found when the length is known: see aim_fixed(). */
static unsigned put_fixed_mem(struct seq *q, uint8_t *b, unsigned reg, bool gs)
{
    b[0] = reg << 3 | 5;
    if (q->c->mode != X86_MODE_64 || (!gs && below(q, 2)))
        return 5;
    b[0] = reg << 3 | 4; /* no base, no index */
    b[1] = 0x25;
    return 6;
}

static void aim_fixed(struct seq *q, uint8_t *b, unsigned disp_at, const struct x86_insn *i)
{
    int32_t disp = 0x800 + (int32_t)below(q, 0x40) * 16 + (below(q, 4) ? 0 : (int32_t)below(q, 16));

    if (i->seg != S_GS)
        disp += MEM_BASE;
    if (i->base == SLOT_RIP)
        disp -= (int32_t)(CODE_START + q->len + i->len);
    memcpy(b + disp_at, &disp, 4);
}

/* ModRM, SIB and displacement of a memory operand over the address registers. */
static unsigned put_mem(struct seq *q, uint8_t *b, unsigned reg, uint8_t *rex)
{
    static const uint8_t bases[] = {R_RBX, R_RBP, R_RSI, 12, 13};
    bool wide = q->c->mode == X86_MODE_64;
    unsigned base = bases[below(q, wide ? 5 : 3)], index = 4, mod = below(q, 3), n = 1;
    int32_t disp = (int32_t)below(q, 256) - 128;

    if (below(q, 3) == 0)
        index = wide ? 14 + below(q, 2) : R_RDI;
    if ((base & 7) == R_RBP && mod == 0)
        mod = 1;
    *rex = (base >> 3) | (index >> 3 & 1) << 1;
    if (index != 4 || (base & 7) == 4) {
        b[0] = mod << 6 | reg << 3 | 4;
        b[n++] = below(q, 4) << 6 | (index & 7) << 3 | (base & 7);
    } else {
        b[0] = mod << 6 | reg << 3 | (base & 7);
    }
    memcpy(b + n, &disp, 4);
    return n + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

/* An encoding of row; false if it came to nothing. */
static bool encode(struct seq *q, unsigned row, uint8_t *b, struct x86_insn *i)
{
    static const uint8_t escape[4][2] = {{0, 0}, {0x0f, 0}, {0x0f, 0x38}, {0x0f, 0x3a}};
    const struct x86_enc *e = &x86_encs[row];
    uint32_t pmask = e->mask >> KEY_PFX_SHIFT & 3, pval = e->value >> KEY_PFX_SHIFT & 3;
    bool mem = e->mask & KEY_REG ? !(e->value & KEY_REG) : e->modrm && below(q, 2);
    bool fixed = mem && below(q, 8) == 0, gs = fixed && q->c->mode == X86_MODE_64 && below(q, 2);
    uint8_t rex = 0, operand[16], reg = below(q, 8);
    unsigned n = 0, operand_len = 0, operand_at;

    if ((e->mask & 0xc0) == 0xc0)
        mem = fixed = gs = false;
    if (e->mask & 0x38)
        reg = e->value >> 3 & 7;
    if (fixed) {
        operand_len = put_fixed_mem(q, operand, reg, gs);
    } else if (e->modrm && mem) {
        operand_len = put_mem(q, operand, reg, &rex);
    } else if (e->modrm) {
        operand[0] = 0xc0 | reg << 3 | below(q, 8);
        operand[0] = (operand[0] & ~e->mask) | (e->value & e->mask & 0xff);
        operand_len = 1;
        rex = below(q, 2);
    }
    if (gs)
        b[n++] = 0x65;
    if (pmask == 3 ? pval == MAND_66 : below(q, 8) == 0)
        b[n++] = 0x66;
    if (mem && (e->attr & ROW_LOCK) && below(q, 8) == 0)
        b[n++] = 0xf0;
    if (pmask == 3 && pval > MAND_66)
        b[n++] = pval == MAND_F3 ? 0xf3 : 0xf2;
    if (q->c->mode == X86_MODE_64) {
        rex |= 0x40 | below(q, 2) << 2 | below(q, 2) << 3;
        if (e->mask & KEY_W)
            rex = (rex & ~8) | (e->value & KEY_W ? 8 : 0);
        if (rex != 0x40 || below(q, 4) == 0)
            b[n++] = rex;
    }
    for (unsigned k = 0; k < 2 && escape[e->first >> 8][k]; k++)
        b[n++] = escape[e->first >> 8][k];
    b[n++] = (uint8_t)(e->first + below(q, e->count));
    operand_at = n;
    memcpy(b + n, operand, operand_len);
    n += operand_len;
    for (unsigned k = 0; k < 8; k++)
        b[n + k] = below(q, 3) ? below(q, 32) : (uint8_t)rng(q->s);
    if (x86_decode(b, n + 8, q->c->mode, i) != DECODE_OK || i->row != row || i->moffs)
        return false;
    if (fixed)
        aim_fixed(q, b, operand_at + operand_len - 4, i);
    return true;
}

/* ---- Flags --------------------------------------------------------------------------------- */

static uint32_t condition_reads(unsigned cond)
{
    static const uint32_t reads[8] = {FL_OF, FL_CF, FL_ZF, FL_CF | FL_ZF, FL_SF, FL_PF,
                                      FL_SF | FL_OF, FL_SF | FL_OF | FL_ZF};
    return reads[cond >> 1 & 7];
}

static uint32_t reads(const struct x86_insn *i)
{
    if (i->row == X86_setcc || i->row == X86_cmovcc)
        return condition_reads(i->opcode);
    return x86_rows[i->row].fl_read;
}

/* A shift by CL, or by an immediate that may be masked to 0, may leave the flags alone. */
static bool may_keep_flags(const struct x86_insn *i)
{
    unsigned bits = x86_rows[i->row].fl_undef;
    const struct x86_opnd *o = &i->op[i->nopnd ? i->nopnd - 1 : 0];

    return (bits & FL_OF) && (x86_rows[i->row].fl_write & FL_CF) &&
           ((o->kind == OPND_REG && o->reg == R_RCX && o->size == 1) ||
            (o->kind == OPND_IMM && o->size == 1));
}

static void track_flags(struct seq *q, const struct x86_insn *i)
{
    const struct x86_row *r = &x86_rows[i->row];

    if (!may_keep_flags(i))
        q->undef &= ~r->fl_write;
    q->undef |= r->fl_undef;
    if ((r->fl_undef & FL_AF) && may_keep_flags(i) && i->op[0].size < 4)
        q->undef |= FL_CF; /* counts beyond the operand */
    q->c->undef_any |= q->undef;
}

/* ---- Sequences ----------------------------------------------------------------------------- */

static bool writes_reserved(const struct seq *q, const struct x86_insn *i)
{
    switch (i->row) { /* EDX not among the operands; it counts in 32-bit mode */
    case X86_mul_Ev: case X86_imul_Ev: case X86_cwd: case X86_cmpxchg8b:
        if (q->reserved >> R_RDX & 1)
            return true;
    }
    for (unsigned n = 0; n < i->nopnd; n++)
        if ((i->op[n].kind == OPND_REG || i->op[n].kind == OPND_REGH) &&
            (i->op[n].access & OPND_W) && q->reserved >> i->op[n].reg & 1)
            return true;
    return false;
}

static bool moves_stack(const struct x86_insn *i)
{
    return !strncmp(x86_rows[i->row].name, "push", 4) || !strncmp(x86_rows[i->row].name, "pop", 3);
}

static bool undefined_result(const struct x86_insn *i) /* SHLD, SHRD of 16 bits */
{
    return (i->row >= X86_shld_Ib && i->row <= X86_shrd_CL && i->op[0].size == 2);
}

/* BT and its kin with memory and a register reach as far as the register says. */
static bool bit_offset_unknown(const struct seq *q, const struct x86_insn *i)
{
    switch (i->row) {
    case X86_bt_Ev_Gv: case X86_bts_Ev_Gv: case X86_btr_Ev_Gv: case X86_btc_Ev_Gv:
        return oracle_has_mem(i) &&
               !(q->c->mode == X86_MODE_64 ? i->op[1].reg >= 14 : i->op[1].reg == R_RDI);
    default:
        return false;
    }
}

static void one_instruction(struct seq *q, enum x86_group group)
{
    uint8_t b[32];
    struct x86_insn i;

    for (unsigned tries = 0; tries < 200; tries++) {
        unsigned row = pick_row(q, group);

        if (!encode(q, row, b, &i) || writes_reserved(q, &i) || undefined_result(&i))
            continue;
        if (bit_offset_unknown(q, &i))
            continue;
        if ((reads(&i) & q->undef) || (!q->main && moves_stack(&i)))
            continue;
        track_flags(q, &i);
        put(q, b, i.len);
        q->c->count++;
        return;
    }
}

/* Aim the jumps whose distance is used up. */
static void land_jumps(struct seq *q, bool all)
{
    for (unsigned n = 0; n < q->n_jump; n++) {
        int32_t rel = (int32_t)(q->len - q->jump[n].at);

        if (!all && q->jump[n].after-- > 0)
            continue;
        memcpy(q->c->code + q->jump[n].at - q->jump[n].size, &rel, q->jump[n].size);
        q->undef |= q->jump[n].undef;
        q->jump[n--] = q->jump[--q->n_jump];
    }
}

static void forward_jump(struct seq *q)
{
    unsigned cond = below(q, 16), n = q->n_jump, loop = below(q, 4) == 0;
    uint8_t near[6] = {0x0f, 0x80 | cond}, shrt[2] = {0x70 | cond, 0};
    uint32_t need = condition_reads(cond);

    if (loop) { /* LOOPNE LOOPE LOOP JCXZ */
        shrt[0] = 0xe0 | (cond & 3);
        need = cond & 2 ? 0 : FL_ZF;
    }
    if (n == MAX_JUMPS || (need & q->undef))
        return;
    q->jump[n].size = loop || below(q, 2) ? 1 : 4;
    q->jump[n].after = 1 + below(q, 3);
    q->jump[n].undef = q->undef;
    if (q->jump[n].size == 1)
        put(q, shrt, 2);
    else
        put(q, near, 6);
    q->jump[n].at = q->len;
    q->n_jump++;
}

/* Directly, or through EAX; both modes have the same bytes. */
static void call_sub(struct seq *q)
{
    uint8_t call[5] = {0xe8}, load[7] = {0xb8, 0, 0, 0, 0, 0xff, 0xd0};
    int32_t rel = (int32_t)(q->sub - (q->len + 5)), to = (int32_t)(CODE_START + q->sub);

    memcpy(call + 1, &rel, 4);
    memcpy(load + 1, &to, 4);
    if (below(q, 2))
        put(q, call, 5);
    else
        put(q, load, 7);
    q->undef = FL_ARITH; /* whatever it leaves */
}

/* PUSH the address of what follows, RET; or the same by JMP EAX. */
static void jump_indirect(struct seq *q)
{
    uint8_t ret[6] = {0x68, 0, 0, 0, 0, 0xc3}, jmp[7] = {0xb8, 0, 0, 0, 0, 0xff, 0xe0};
    int32_t after_ret = (int32_t)(CODE_START + q->len + 6);
    int32_t after_jmp = (int32_t)(CODE_START + q->len + 7);

    memcpy(ret + 1, &after_ret, 4);
    memcpy(jmp + 1, &after_jmp, 4);
    if (below(q, 2))
        put(q, ret, 6);
    else
        put(q, jmp, 7);
}

/* A string instruction over the window, RSI and RDI kept. */
static void string(struct seq *q)
{
    static const uint8_t ops[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};
    uint8_t op = ops[below(q, 10)], rex = 0x48, rep = 0xf2 | below(q, 2);
    uint8_t count[5] = {0xb9, 1 + below(q, 30)}, lea[3] = {0x8d, 0x7b, below(q, 256)};
    bool wide = q->c->mode == X86_MODE_64;

    put(q, "\x57\x56", 2); /* push rdi; push rsi */
    put(q, count, 5);      /* mov ecx, count */
    put(q, &rex, wide);
    put(q, lea, 3);        /* lea rdi, [rbx + d] */
    put(q, &rep, below(q, 4) != 0);
    put(q, &rex, wide && below(q, 2));
    put(q, &op, 1);
    put(q, "\x5e\x5f", 2);
    if ((op & 6) == 6)
        q->undef = 0;
}

static void some(struct seq *q, unsigned n, bool calls)
{
    static const uint8_t mix[] = {GROUP_INT, GROUP_INT, GROUP_INT, GROUP_INT, GROUP_INT,
                                  GROUP_INT, GROUP_SSE, GROUP_SSE, GROUP_MMX, GROUP_X87};
    enum x86_group other = mix[below(q, 10)];

    while (n-- && q->len < CODE_MAX - 200) {
        land_jumps(q, false);
        switch (below(q, 24)) {
        case 0: case 1:
            forward_jump(q);
            break;
        case 2:
            if (calls)
                call_sub(q);
            break;
        case 3:
            jump_indirect(q);
            break;
        case 4:
            string(q);
            break;
        default:
            one_instruction(q, below(q, 3) ? GROUP_INT : other);
        }
    }
    land_jumps(q, true);
}

static void registers(struct seq *q)
{
    uint64_t *r = q->c->in.gpr;
    bool wide = q->c->mode == X86_MODE_64;

    oracle_random_state(q->c, below(q, 2) ? X86_addps : X86_add_Ev_Gv, q->s);
    q->c->in.fx.fcw |= 0x3f;
    q->c->in.fx.fsw &= ~0x8080;
    q->c->in.fx.mxcsr |= 0x1f80;
    q->c->in.rflags &= ~(uint64_t)FL_DF;
    for (unsigned n = 0; n < 16; n++)
        if (q->reserved >> n & 1)
            r[n] = MEM_BASE + 0x600 + below(q, 0xb0) * 16 + (below(q, 4) ? 0 : below(q, 16));
    if (below(q, 4) == 0) /* page crossings */
        r[R_RBX] = MEM_BASE + 0xff0 + below(q, 16);
    if (below(q, 24) == 0) /* a fault some time */
        r[R_RBP] = MEM_BASE + below(q, 128);
    r[R_RSP] = MEM_BASE + 0x1f00 + below(q, 16) * 8; /* out of reach of the rest */
    if (wide)
        r[14] = below(q, 64), r[15] = below(q, 16) * 8;
    else
        r[R_RDI] = below(q, 64);
    r[wide ? 11 : R_RDX] = 1 + below(q, 12); /* the loop counter */
}

void oracle_gen_seq(struct oracle_case *c, enum x86_mode mode, uint64_t seed)
{
    static const uint8_t next64[] = {0x41, 0x83, 0xeb, 1, 0x0f, 0x85}; /* sub r11d, 1; jnz */
    static const uint8_t next32[] = {0x83, 0xea, 1, 0x0f, 0x85};       /* sub edx, 1; jnz */
    uint64_t s = seed * 0x9e3779b97f4a7c15 + 1;
    struct seq q = {.c = c, .s = &s};
    uint8_t jmp[5] = {0xe9};
    int32_t rel;
    unsigned loop;

    for (unsigned n = 0; n < 8; n++)
        rng(&s);
    c->mode = mode;
    c->seed = seed;
    c->row = 0;
    c->count = 2;
    c->undef_any = 0;
    q.reserved = 1 << R_RSP | 1 << R_RBX | 1 << R_RBP | 1 << R_RSI;
    q.reserved |= mode == X86_MODE_64 ? 0xf800 : 1 << R_RDI | 1 << R_RDX;
    registers(&q);

    q.len = q.sub = 5;
    q.undef = FL_ARITH;
    some(&q, below(&q, 5), false);
    put(&q, "\xc3", 1);
    rel = (int32_t)(q.len - 5);
    memcpy(jmp + 1, &rel, 4);
    memcpy(c->code, jmp, 5);

    q.undef = 0;
    q.main = true;
    some(&q, 1 + below(&q, 6), true);
    loop = q.len;
    some(&q, 1 + below(&q, 10), true);
    put(&q, mode == X86_MODE_64 ? next64 : next32, mode == X86_MODE_64 ? 6 : 5);
    rel = (int32_t)(loop - (q.len + 4));
    put(&q, &rel, 4);
    q.undef = 0;
    some(&q, below(&q, 6), true);
    c->code_len = q.len;
    c->limit = 100000;
    c->undef = q.undef;
}

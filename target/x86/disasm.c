/* SPDX-License-Identifier: MIT */
/*
 * Intel syntax for decoded instructions: the manual's mnemonics and operand order, sizes of
 * memory operands spelled out, branch targets as addresses. String instructions are written
 * without operands, as their mnemonic tells the size.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "target/x86/decode.h"
#include "target/x86/state.h"

struct text {
    char *buf;
    size_t len, size;
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
    va_end(ap);
    if (n > 0)
        t->len += (size_t)n < t->size - t->len ? (size_t)n : t->size - t->len - 1;
}

static uint64_t cut(uint64_t v, unsigned size)
{
    return size >= 8 ? v : v & ((1ull << size * 8) - 1);
}

/* ---- Registers --------------------------------------------------------------------------- */

static const char sreg_name[6][3] = {"es", "cs", "ss", "ds", "fs", "gs"};

static void put_gpr(struct text *t, unsigned reg, unsigned size)
{
    static const char legacy[8][3] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    static const char byte[8][4] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};

    if (reg >= 8)
        put(t, "r%u%s", reg, size == 1 ? "b" : size == 2 ? "w" : size == 4 ? "d" : "");
    else if (size == 1)
        put(t, "%s", byte[reg]);
    else
        put(t, "%s%s", size == 8 ? "r" : size == 4 ? "e" : "", legacy[reg]);
}

/* ---- Memory ------------------------------------------------------------------------------ */

static const char *size_word(unsigned size)
{
    switch (size) {
    case 1:
        return "byte ptr ";
    case 2:
        return "word ptr ";
    case 4:
        return "dword ptr ";
    case 6:
        return "fword ptr ";
    case 8:
        return "qword ptr ";
    case 10:
        return "tbyte ptr ";
    case 16:
        return "xmmword ptr ";
    default:
        return "";
    }
}

static void put_disp(struct text *t, const struct x86_insn *i)
{
    int64_t d = i->disp;

    if (i->moffs)
        put(t, "0x%" PRIx64, cut((uint64_t)i->imm, i->addrsize));
    else if (i->base == SLOT_ZERO && i->index == SLOT_ZERO)
        put(t, "0x%" PRIx64, cut((uint64_t)d, i->addrsize));
    else if (d)
        put(t, "%c0x%" PRIx64, d < 0 ? '-' : '+', (uint64_t)(d < 0 ? -d : d));
}

static void put_mem(struct text *t, const struct x86_insn *i, unsigned size)
{
    unsigned seg = i->base == R_RSP || i->base == R_RBP ? S_SS : S_DS;

    put(t, "%s", size_word(size));
    if (i->seg != seg)
        put(t, "%s:", sreg_name[i->seg]);
    put(t, "[");
    if (i->base == SLOT_RIP)
        put(t, "%s", i->addrsize == 8 ? "rip" : "eip");
    else if (i->base != SLOT_ZERO)
        put_gpr(t, i->base, i->addrsize);
    if (i->index != SLOT_ZERO) {
        if (i->base != SLOT_ZERO)
            put(t, "+");
        put_gpr(t, i->index, i->addrsize);
        if (i->addrsize != 2)
            put(t, "*%u", 1u << i->scale);
    }
    put_disp(t, i);
    put(t, "]");
}

/* ---- Operands ---------------------------------------------------------------------------- */

static void put_operand(struct text *t, const struct x86_insn *i, const struct x86_opnd *o,
                        uint64_t rip)
{
    static const char high[4][3] = {"ah", "ch", "dh", "bh"};

    switch (o->kind) {
    case OPND_REG:
        put_gpr(t, o->reg, o->size);
        break;
    case OPND_REGH:
        put(t, "%s", high[o->reg]);
        break;
    case OPND_MEM:
        put_mem(t, i, o->size);
        break;
    case OPND_IMM:
        put(t, "0x%" PRIx64, cut((uint64_t)i->imm, o->size));
        break;
    case OPND_IMM2:
        put(t, "0x%x", i->imm2);
        break;
    case OPND_REL:
        put(t, "0x%" PRIx64, cut(rip + i->len + (uint64_t)i->imm, i->opsize));
        break;
    case OPND_FAR:
        put(t, "0x%x:0x%" PRIx64, i->imm2, (uint64_t)i->imm);
        break;
    case OPND_SREG:
        put(t, "%s", sreg_name[o->reg]);
        break;
    case OPND_CR:
        put(t, "cr%u", o->reg);
        break;
    case OPND_DR:
        put(t, "dr%u", o->reg);
        break;
    case OPND_ST:
        put(t, "st(%u)", o->reg);
        break;
    case OPND_MM:
        put(t, "mm%u", o->reg);
        break;
    case OPND_XMM:
        put(t, "xmm%u", o->reg);
        break;
    case OPND_ONE:
        put(t, "1");
        break;
    }
}

/* ---- Mnemonic ---------------------------------------------------------------------------- */

static void put_prefixes(struct text *t, const struct x86_insn *i)
{
    uint32_t attr = x86_rows[i->row].attr;

    if (i->prefix & PFX_LOCK)
        put(t, "lock ");
    if (!(attr & ROW_REP))
        return;
    if (i->prefix & PFX_REP)
        put(t, attr & ROW_REPZ ? "repe " : "rep ");
    else if (i->prefix & PFX_REPNE)
        put(t, "repne ");
}

/* The name: one of up to three by operand size ("a|b|c"); "cc" is replaced by the condition. */
static void put_name(struct text *t, const struct x86_insn *i)
{
    static const char cond[16][4] = {"o", "no", "b",  "nb", "z", "nz", "be", "nbe",
                                     "s", "ns", "p", "np", "l", "nl", "le", "nle"};
    const char *name = x86_rows[i->row].name, *bar;
    size_t len;

    for (unsigned s = 2; s < i->opsize && (bar = strchr(name, '|')); s *= 2)
        name = bar + 1;
    len = strcspn(name, "|");
    if (len > 2 && !strcmp(name + len - 2, "cc"))
        put(t, "%.*s%s", (int)len - 2, name, cond[i->opcode & 15]);
    else
        put(t, "%.*s", (int)len, name);
}

size_t x86_disasm(const struct x86_insn *i, uint64_t rip, char *buf, size_t size)
{
    struct text t = {.buf = buf, .size = size};

    if (!size)
        return 0;
    buf[0] = 0;
    put_prefixes(&t, i);
    put_name(&t, i);
    if (x86_rows[i->row].attr & ROW_REP)
        return t.len;
    for (unsigned n = 0; n < i->nopnd; n++) {
        put(&t, n ? ", " : " ");
        put_operand(&t, i, &i->op[n], rip);
    }
    return t.len;
}

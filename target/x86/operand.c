/* SPDX-License-Identifier: MIT */
/*
 * Integer operands: reading and writing what struct x86_opnd names.
 *
 * A 4-byte register write clears the upper half (SDM vol. 1 section 3.4.1.1); 1- and 2-byte
 * writes keep the rest.
 */
#include <assert.h>

#include "target/x86/cpu.h"

static uint64_t reg_get(const struct x86_cpu *c, const struct x86_opnd *o)
{
    if (o->kind == OPND_REGH)
        return c->r[o->reg] >> 8 & 0xff;
    return c->r[o->reg] & x86_mask(o->size);
}

static void reg_put(struct x86_cpu *c, const struct x86_opnd *o, uint64_t v)
{
    uint64_t *r = &c->r[o->reg];

    if (o->kind == OPND_REGH)
        *r = (*r & ~0xff00ull) | (v & 0xff) << 8;
    else if (o->size >= 4)
        *r = v & x86_mask(o->size);
    else
        *r = (*r & ~x86_mask(o->size)) | (v & x86_mask(o->size));
}

static uint64_t opnd_read(struct x86_cpu *c, const struct x86_insn *i, unsigned n,
                          enum x86_access acc)
{
    const struct x86_opnd *o = &i->op[n];
    uint64_t la;

    switch (o->kind) {
    case OPND_REG:
    case OPND_REGH:
        return reg_get(c, o);
    case OPND_MEM:
        la = x86_opnd_lin(c, i, o->size, acc);
        if (acc == ACC_WRITE)
            x86_lin_probe(c, la, o->size, ACC_WRITE);
        return x86_lin_read(c, la, o->size);
    case OPND_IMM:
        return (uint64_t)i->imm; /* extended by the decoder; the user cuts to its own size */
    case OPND_IMM2:
        return i->imm2;
    case OPND_ONE:
        return 1;
    case OPND_SREG:
        return c->seg[o->reg].sel;
    default:
        assert(!"integer operand");
        return 0;
    }
}

uint64_t x86_get(struct x86_cpu *c, const struct x86_insn *i, unsigned n)
{
    return opnd_read(c, i, n, ACC_READ);
}

uint64_t x86_get_rw(struct x86_cpu *c, const struct x86_insn *i, unsigned n)
{
    return opnd_read(c, i, n, ACC_WRITE);
}

void x86_put(struct x86_cpu *c, const struct x86_insn *i, unsigned n, uint64_t v)
{
    const struct x86_opnd *o = &i->op[n];

    if (o->kind == OPND_MEM)
        x86_lin_write(c, x86_opnd_lin(c, i, o->size, ACC_WRITE), o->size, v & x86_mask(o->size));
    else
        reg_put(c, o, v);
}

/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any bytes decode, in any mode, to something sound: a length within bounds, operands
 * that exist, the same answer however many bytes follow, DECODE_MORE exactly while bytes are
 * missing, and text that fits the buffer. First byte: the mode.
 */
#include <stdlib.h>
#include <string.h>

#include "target/x86/decode.h"
#include "target/x86/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool ok)
{
    if (!ok)
        abort();
}

static void check_operand(const struct x86_insn *i, const struct x86_opnd *o)
{
    switch (o->kind) {
    case OPND_REG: case OPND_XMM:
        expect(o->reg < 16);
        break;
    case OPND_REGH:
        expect(o->reg < 4 && o->size == 1 && !i->rex);
        break;
    case OPND_ST: case OPND_MM: case OPND_DR:
        expect(o->reg < 8);
        break;
    case OPND_SREG:
        expect(o->reg <= S_GS);
        break;
    case OPND_CR:
        expect(o->reg <= 8);
        break;
    default:
        expect(o->kind != OPND_NONE && o->kind <= OPND_ONE);
    }
    expect(o->size <= 16);
}

static void check_insn(const struct x86_insn *i)
{
    char text[128];

    expect(i->len >= 1 && i->len <= 15 && i->row < x86_row_count && i->nopnd <= 4);
    expect(i->opsize == 2 || i->opsize == 4 || i->opsize == 8);
    expect(i->addrsize == 2 || i->addrsize == 4 || i->addrsize == 8);
    expect(i->mode == X86_MODE_64 || (i->opsize != 8 && i->addrsize != 8 && !i->rex));
    expect(i->seg <= S_GS && i->base <= SLOT_RIP && i->index <= SLOT_ZERO && i->scale <= 3);
    for (unsigned n = 0; n < i->nopnd; n++)
        check_operand(i, &i->op[n]);
    memset(text, '#', sizeof(text));
    expect(x86_disasm(i, 0x1000, text, 80) == strlen(text) && text[80] == '#');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct x86_insn i, again;
    enum x86_decode_result r;
    enum x86_mode mode;

    if (size < 2)
        return 0;
    mode = data[0] % 3;
    data++;
    size--;
    r = x86_decode(data, size, mode, &i);
    expect(r != DECODE_MORE || size < 15);
    if (r != DECODE_OK)
        return 0;
    check_insn(&i);
    for (unsigned n = 0; n < i.len; n++)
        expect(x86_decode(data, n, mode, &again) == DECODE_MORE);
    expect(x86_decode(data, i.len, mode, &again) == DECODE_OK);
    expect(!memcmp(&i, &again, sizeof(i)));
    return 0;
}

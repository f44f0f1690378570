/* SPDX-License-Identifier: MIT */
/*
 * Executing an x87 instruction on the host with the guest's whole state: see x87.h.
 * Intel SDM vol. 1 section 8.1.10 (the FSAVE image), 8.6 and 8.7.
 */
#include <string.h>

#include "accel/tcg-interp/x87.h"

/* FSAVE, 32-bit protected-mode format. Registers in stack order. */
struct fsave_image {
    uint32_t fcw, fsw, ftw, fip, fcs_fop, fdp, fds;
    uint8_t st[8][10];
};
_Static_assert(sizeof(struct fsave_image) == 108, "FSAVE image");

/*
 * One stub of 8 bytes for each x87 encoding: `frstor [rdi]; INSN; fnsave [rsi]; ret`. For each
 * of the eight opcodes, 64 register forms, then the eight memory forms with [rdx].
 */
#define STUB_SIZE 8
extern const uint8_t x87_stubs[8 * 72 * STUB_SIZE] __attribute__((visibility("hidden")));
__asm__(".pushsection .text\n"
        ".balign 64\n"
        ".globl x87_stubs\n"
        ".hidden x87_stubs\n"
        "x87_stubs:\n"
        ".set .Lx87_op, 0xd8\n"
        ".rept 8\n"
        ".set .Lx87_rm, 0xc0\n"
        ".rept 64\n"
        ".byte 0xdd, 0x27, .Lx87_op, .Lx87_rm, 0xdd, 0x36, 0xc3, 0x90\n"
        ".set .Lx87_rm, .Lx87_rm + 1\n"
        ".endr\n"
        ".set .Lx87_rm, 2\n"
        ".rept 8\n"
        ".byte 0xdd, 0x27, .Lx87_op, .Lx87_rm, 0xdd, 0x36, 0xc3, 0x90\n"
        ".set .Lx87_rm, .Lx87_rm + 8\n"
        ".endr\n"
        ".set .Lx87_op, .Lx87_op + 1\n"
        ".endr\n"
        ".popsection\n");

static const uint8_t *stub_of(const struct x86_insn *i)
{
    unsigned op = i->opcode & 7;
    unsigned n = x87_is_mem(i) ? 64 + (i->modrm >> 3 & 7) : i->modrm & 63;

    return x87_stubs + (op * 72 + n) * STUB_SIZE;
}

static void image_of(const struct x86_cpu *c, struct fsave_image *im)
{
    memset(im, 0, sizeof(*im));
    im->fcw = c->fcw;
    im->fsw = c->fsw & (FSW_CC | FSW_TOP); /* no flag: nothing pending on the host */
    for (unsigned n = 0; n < 8; n++) {
        const struct x86_f80 *r = &c->fpr[x86_st(c, n)];

        im->ftw |= (c->fptag >> n & 1 ? 0 : 3) << (2 * n);
        memcpy(im->st[n], &r->mant, 8);
        memcpy(im->st[n] + 8, &r->se, 2);
    }
}

void x87_host(const struct x86_cpu *c, const struct x86_insn *i, struct x87_mem *m,
              struct x87_outcome *out)
{
    struct fsave_image in, done;
    uint64_t flags = x86_flags_arith(c) & 0xd5;

    image_of(c, &in);
    flags <<= 8; /* AH */
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "sahf\n\t"
                     "call *%[stub]\n\t"
                     "lahf\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "+a"(flags)
                     : "D"(&in), "S"(&done), "d"(m->b), [stub] "r"(stub_of(i))
                     : "memory", "cc");
    host_load_guest_fcw(c); /* FNSAVE left the initial one */
    out->eflags = flags >> 8;
    out->fsw = done.fsw;
    out->fptag = 0;
    for (unsigned n = 0; n < 8; n++) {
        struct x86_f80 *r = &out->fpr[((done.fsw >> 11) + n) & 7];

        out->fptag |= ((done.ftw >> (2 * n) & 3) != 3) << n;
        memset(r, 0, sizeof(*r));
        memcpy(&r->mant, done.st[n], 8);
        memcpy(&r->se, done.st[n] + 8, 2);
    }
}

void x87_commit(struct x86_cpu *c, const struct x87_outcome *out)
{
    memcpy(c->fpr, out->fpr, sizeof(c->fpr));
    c->fptag = out->fptag;
    x86_fpu_set_fsw(c, (out->fsw & ~(FSW_B | FSW_ES)) | (c->fsw & (FP_EXC | FSW_SF)));
}

/* ---- Memory operands ----------------------------------------------------------------------- */

/* Bytes by opcode (D8..DF) and reg field; 0: not an operand of this kind. */
static const uint8_t mem_size[8][8] = {
    {4, 4, 4, 4, 4, 4, 4, 4},     {4, 0, 4, 4, 0, 0, 0, 0}, {4, 4, 4, 4, 4, 4, 4, 4},
    {4, 4, 4, 4, 0, 10, 0, 10},   {8, 8, 8, 8, 8, 8, 8, 8}, {8, 8, 8, 8, 0, 0, 0, 0},
    {2, 2, 2, 2, 2, 2, 2, 2},     {2, 2, 2, 2, 10, 8, 10, 8},
};

static void locate(struct x86_cpu *c, const struct x86_insn *i, struct x87_mem *m,
                   enum x86_access acc)
{
    m->size = mem_size[i->opcode & 7][i->modrm >> 3 & 7];
    m->off = x86_ea(c, i);
    m->la = x86_seg_lin(c, i->seg, m->off, m->size, acc, m->size == 10 ? 8 : m->size);
}

void x87_mem_read(struct x86_cpu *c, const struct x86_insn *i, struct x87_mem *m)
{
    locate(c, i, m, ACC_READ);
    if (m->size == 10) {
        x86_lin_read_bytes(c, m->la, m->b, 10);
    } else {
        uint64_t v = x86_lin_read(c, m->la, m->size);

        memcpy(m->b, &v, 8);
    }
}

static void write_back(struct x86_cpu *c, const struct x87_mem *m)
{
    if (m->size == 10) {
        x86_lin_write_bytes(c, m->la, m->b, 10);
    } else {
        uint64_t v;

        memcpy(&v, m->b, 8);
        x86_lin_write(c, m->la, m->size, v & x86_mask(m->size));
    }
}

void x87_mem_write(struct x86_cpu *c, const struct x86_insn *i, struct x87_mem *m)
{
    locate(c, i, m, ACC_WRITE);
    write_back(c, m);
}

/* ---- Whole instructions ---------------------------------------------------------------------- */

void x87_exec(struct x86_cpu *c, const struct x86_insn *i)
{
    struct x87_mem m = {.size = 0};
    struct x87_outcome out;

    if (x87_is_mem(i)) {
        x87_mem_read(c, i, &m);
        x87_note_mem(c, i, &m);
    }
    x87_host(c, i, &m, &out);
    x87_note(c, i);
    x87_commit(c, &out);
}

void x87_exec_store(struct x86_cpu *c, const struct x86_insn *i)
{
    struct x87_mem m = {.size = 0};
    struct x87_outcome out;

    x87_host(c, i, &m, &out);
    /* A masked response and an inexact result are stored; any other unmasked exception is not. */
    if (out.fsw & ~c->fcw & (FP_EXC & ~FP_PE)) {
        locate(c, i, &m, ACC_WRITE);
        x86_lin_probe(c, m.la, m.size, ACC_WRITE);
    } else {
        x87_mem_write(c, i, &m);
    }
    x87_note(c, i);
    x87_note_mem(c, i, &m);
    x87_commit(c, &out);
}

void x87_store(struct x86_cpu *c, const struct x86_insn *i, struct x87_mem *m, uint16_t sw)
{
    if (sw & FP_EXC & ~c->fsw) /* a fault must leave no trace in the host's sticky flags */
        host_clear_x87();
    x87_mem_write(c, i, m);
    x87_note(c, i);
    x87_note_mem(c, i, m);
    x87_flags(c, sw);
}

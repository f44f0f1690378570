/* SPDX-License-Identifier: MIT */
/*
 * How a row of opcodes.def looks to the decoder: what an encoding must match, and the operands
 * as numbers. For decode.c, disasm.c and the tests that generate encodings from the table.
 *
 * Operand letters are those of SDM vol. 2 appendix A.2, with these additions: a register whose
 * width differs from its memory form is written with both ("EdMb": 32-bit register or byte in
 * memory); Rm, Gm, Cm, Dm are as wide as the mode's registers (8 bytes in 64-bit mode, else 4).
 */
#ifndef TARGET_X86_OPTAB_H
#define TARGET_X86_OPTAB_H

#include <stdint.h>

#include "target/x86/decode.h"

/* ---- Operands ------------------------------------------------------------------------------
 *
 *   15     14      13     12   11..10  9..5  4..0
 *   spare  REGONLY MEMONLY MRM  access  size  class
 */
enum opnd_class {
    OC_NONE,
    OC_E,    /* ModRM.rm: general register or memory */
    OC_W,    /* ModRM.rm: XMM register or memory */
    OC_Q,    /* ModRM.rm: MMX register or memory */
    OC_RM,   /* ModRM.rm as a general register whatever mod says (MOV CR, MOV DR) */
    OC_G,    /* ModRM.reg: general register */
    OC_V,    /* ModRM.reg: XMM register */
    OC_P,    /* ModRM.reg: MMX register */
    OC_S,    /* ModRM.reg: segment register */
    OC_C,    /* ModRM.reg: control register */
    OC_D,    /* ModRM.reg: debug register */
    OC_Z,    /* opcode bits 0..2: general register */
    OC_SREG, /* opcode bits 3..5: segment register */
    OC_A,    /* rAX */
    OC_CL,
    OC_DX,
    OC_ST,   /* ModRM.rm: ST(i) */
    OC_ST0,
    OC_X,    /* string source, seg:rSI */
    OC_Y,    /* string destination, ES:rDI */
    OC_O,    /* memory at an absolute offset (MOV A0..A3) */
    OC_I,    /* immediate of the operand's size, 4 bytes at most, sign-extended */
    OC_IU,   /* byte or word immediate, zero-extended */
    OC_IS,   /* byte immediate, sign-extended to the operand size */
    OC_IV,   /* immediate of the operand's size, 8 bytes too */
    OC_I2,   /* second byte immediate */
    OC_ONE,
    OC_J,    /* branch displacement */
    OC_FAR,  /* far pointer in the instruction */
};
enum opnd_size {
    OS_0, OS_B, OS_W, OS_D, OS_Q, OS_T /* 10 */, OS_DQ /* 16 */,
    OS_V,    /* operand size */
    OS_Z,    /* operand size, 4 at most */
    OS_Y,    /* 8 with 64-bit operand size, else 4 */
    OS_M,    /* 8 in 64-bit mode, else 4: for rows with ROW_F64 */
    OS_P,    /* far pointer: operand size + 2 */
    OS_S,    /* descriptor-table register: 10 in 64-bit mode, else 6; likewise */
    OS_A,    /* two of operand size */
    OS_DMB, OS_DMW, OS_VMW, /* register D or V; memory B or W */
    OS_COUNT
};
#define OPC(cls, size) (OC_##cls | OS_##size << 5)
enum {
    OP_CLASS = 0x1f,
    OP_SIZE_SHIFT = 5,
    OP_ACC_SHIFT = 10,
    OP_MRM = 1 << 12,
    OP_MEMONLY = 1 << 13 | OP_MRM,
    OP_REGONLY = 1 << 14 | OP_MRM,

    Eb = OPC(E, B) | OP_MRM, Ew = OPC(E, W) | OP_MRM, Ed = OPC(E, D) | OP_MRM,
    Eq = OPC(E, Q) | OP_MRM, Ev = OPC(E, V) | OP_MRM, Ey = OPC(E, Y) | OP_MRM,
    EdMb = OPC(E, DMB) | OP_MRM, EdMw = OPC(E, DMW) | OP_MRM,
    EvMw = OPC(E, VMW) | OP_MRM, Ez = OPC(E, Z) | OP_MRM,
    Rv = OPC(E, V) | OP_REGONLY, Ry = OPC(E, Y) | OP_REGONLY,
    Rm = OPC(RM, M) | OP_MRM,
    M = OPC(E, 0) | OP_MEMONLY, Mw = OPC(E, W) | OP_MEMONLY, Md = OPC(E, D) | OP_MEMONLY,
    Mq = OPC(E, Q) | OP_MEMONLY, Mt = OPC(E, T) | OP_MEMONLY, Mdq = OPC(E, DQ) | OP_MEMONLY,
    Mv = OPC(E, V) | OP_MEMONLY, My = OPC(E, Y) | OP_MEMONLY, Mp = OPC(E, P) | OP_MEMONLY,
    Ms = OPC(E, S) | OP_MEMONLY, Ma = OPC(E, A) | OP_MEMONLY,
    Gb = OPC(G, B) | OP_MRM, Gw = OPC(G, W) | OP_MRM, Gd = OPC(G, D) | OP_MRM,
    Gv = OPC(G, V) | OP_MRM,
    Gz = OPC(G, Z) | OP_MRM, Gy = OPC(G, Y) | OP_MRM, Gm = OPC(G, M) | OP_MRM,
    Sw = OPC(S, W) | OP_MRM, Cm = OPC(C, M) | OP_MRM, Dm = OPC(D, M) | OP_MRM,
    Zb = OPC(Z, B), Zv = OPC(Z, V),
    SREG = OPC(SREG, W),
    AL = OPC(A, B), AX = OPC(A, W), eAX = OPC(A, Z), rAX = OPC(A, V), CL = OPC(CL, B),
    DX = OPC(DX, W),
    STi = OPC(ST, T) | OP_REGONLY, ST0 = OPC(ST0, T),
    Xb = OPC(X, B), Xv = OPC(X, V), Xz = OPC(X, Z), Yb = OPC(Y, B), Yv = OPC(Y, V),
    Yz = OPC(Y, Z),
    Ob = OPC(O, B), Ov = OPC(O, V),
    Ib = OPC(IU, B), Iw = OPC(IU, W), Iz = OPC(I, V), sIb = OPC(IS, V), Iv = OPC(IV, V),
    I2b = OPC(I2, B), one = OPC(ONE, B),
    Jb = OPC(J, B), Jz = OPC(J, Z), Ap = OPC(FAR, P),

    Pd = OPC(P, D) | OP_MRM, Pq = OPC(P, Q) | OP_MRM,
    Qd = OPC(Q, D) | OP_MRM, Qq = OPC(Q, Q) | OP_MRM, Nq = OPC(Q, Q) | OP_REGONLY,
    Vd = OPC(V, D) | OP_MRM, Vq = OPC(V, Q) | OP_MRM, Vdq = OPC(V, DQ) | OP_MRM,
    Vss = Vd, Vsd = Vq, Vps = Vdq, Vpd = Vdq,
    Ww = OPC(W, W) | OP_MRM, Wd = OPC(W, D) | OP_MRM, Wq = OPC(W, Q) | OP_MRM,
    Wdq = OPC(W, DQ) | OP_MRM, Wss = Wd, Wsd = Wq, Wps = Wdq, Wpd = Wdq,
    Uq = OPC(W, Q) | OP_REGONLY, Udq = OPC(W, DQ) | OP_REGONLY,
};
#define X(op) (op)
#define R(op) ((op) | OPND_R << OP_ACC_SHIFT)
#define W(op) ((op) | OPND_W << OP_ACC_SHIFT)
#define RW(op) ((op) | (OPND_R | OPND_W) << OP_ACC_SHIFT)

/* ---- What an encoding must match -----------------------------------------------------------
 *
 * While decoding, everything a row may ask for is gathered in one 32-bit key; a row matches if
 * (key & mask) == value. Both stand in one 64-bit constant, mask above value.
 *
 *   31..24     18..17  16     15..14  13     12      11..10     9  8..0
 *   PLUS(n)-1  0       rex.b  asize   rex.w  64-bit  mandatory  0  mod==3, modrm
 */
#define FIELD(mask, val) ((uint64_t)(mask) << 32 | (uint64_t)(val))
enum {
    KEY_REG = 1 << 8, KEY_PFX_SHIFT = 10, KEY_64 = 1 << 12, KEY_W = 1 << 13, KEY_AS_SHIFT = 14,
    KEY_B = 1 << 16,
};
enum { MAND_NONE, MAND_66, MAND_F3, MAND_F2 };
#define DIG(n) FIELD(0x38, (n) << 3)
#define MEM FIELD(KEY_REG, 0)
#define REG FIELD(KEY_REG, KEY_REG)
#define MRM(b) FIELD(0xff, b)
#define NP FIELD(3 << KEY_PFX_SHIFT, MAND_NONE << KEY_PFX_SHIFT)
#define P66 FIELD(3 << KEY_PFX_SHIFT, MAND_66 << KEY_PFX_SHIFT)
#define PF3 FIELD(3 << KEY_PFX_SHIFT, MAND_F3 << KEY_PFX_SHIFT)
#define PF2 FIELD(3 << KEY_PFX_SHIFT, MAND_F2 << KEY_PFX_SHIFT)
#define NF FIELD(2 << KEY_PFX_SHIFT, 0)
#define X64 FIELD(KEY_64, KEY_64)
#define N64 FIELD(KEY_64, 0)
#define W0 FIELD(KEY_W, 0)
#define W1 FIELD(KEY_W, KEY_W)
#define B0 FIELD(KEY_B, 0)
#define AS16 FIELD(3 << KEY_AS_SHIFT, 1 << KEY_AS_SHIFT)
#define AS32 FIELD(3 << KEY_AS_SHIFT, 2 << KEY_AS_SHIFT)
#define AS64 FIELD(3 << KEY_AS_SHIFT, 3 << KEY_AS_SHIFT)
#define PLUS(n) FIELD(0, (uint64_t)((n) - 1) << 24)

enum opcode_map { ONE, TWO, T38, T3A, MAP_COUNT };

struct x86_enc {
    uint32_t mask, value; /* of the key; value without PLUS */
    uint16_t first;       /* map << 8 | opcode */
    uint8_t count;        /* opcodes served from first on */
    uint8_t modrm;        /* has a ModRM byte */
    uint16_t opnd[4];
    uint32_t attr;        /* ROW_*, as in x86_rows[] */
};

extern const struct x86_enc x86_encs[];      /* parallel to x86_rows[] */
extern const uint16_t x86_last_row[];        /* by map << 8 | opcode: last row + 1, or 0 */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder: pure, table-driven (opcodes.def), all modes. No CPU, no memory.
 * The software CPU, the disassembler, the gdb stub and the test generators use it.
 *
 * Intel SDM vol. 2 ch. 2 and appendix A. Encodings that only AMD documents are noted in
 * opcodes.def.
 */
#ifndef TARGET_X86_DECODE_H
#define TARGET_X86_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum x86_mode { X86_MODE_16, X86_MODE_32, X86_MODE_64 }; /* CS.D=0, CS.D=1, CS.L=1 */

/* Register slots: how operands name general registers and address parts. struct x86_cpu.slot[]
 * has the same order. */
enum {
    SLOT_ZERO = 16, /* "no base", "no index": always 0 */
    SLOT_RIP = 17,  /* RIP-relative: see base below */
    SLOT_SEG = 18,  /* + enum x86_sreg: segment bases */
    SLOT_EA = 24,   /* the engine's own */
    SLOT_COUNT = 32
};

enum x86_opnd_kind {
    OPND_NONE,
    OPND_REG,    /* general register `reg` 0..15, `size` 1, 2, 4, 8 (not high byte) */
    OPND_REGH,   /* AH CH DH BH: `reg` 0..3 is the register whose bits 8..15 are meant */
    OPND_MEM,    /* the memory operand, `size` bytes (0: no access or special, see row) */
    OPND_IMM,    /* insn.imm, already sign- or zero-extended as the row says */
    OPND_IMM2,   /* insn.imm2 (ENTER's level, EXTRQ) */
    OPND_REL,    /* branch displacement in insn.imm, relative to the next instruction */
    OPND_FAR,    /* ptr16:16/32: selector in imm2, offset in imm */
    OPND_SREG,   /* enum x86_sreg */
    OPND_CR, OPND_DR,
    OPND_ST,     /* x87 register st(reg) */
    OPND_MM,     /* MMX register */
    OPND_XMM,    /* XMM register; `size` bytes of it are accessed */
    OPND_ONE,    /* the constant 1 of D0/D1 shifts */
};
enum { OPND_R = 1, OPND_W = 2 };
struct x86_opnd {
    uint8_t kind;
    uint8_t reg;
    uint8_t size;   /* bytes */
    uint8_t access; /* OPND_R | OPND_W */
};

enum { /* insn.prefix: prefixes seen (mandatory ones included) */
    PFX_LOCK = 1, PFX_REP = 2 /* F3 */, PFX_REPNE = 4 /* F2 */, PFX_OPSIZE = 8, PFX_ADDRSIZE = 16,
    PFX_SEG = 32, PFX_REX = 64,
};

struct x86_insn {
    uint16_t row;      /* index into the opcode table: X86_* of rows.h */
    uint8_t len;       /* bytes, 1..15 */
    uint8_t mode;      /* enum x86_mode */
    uint8_t opsize;    /* effective operand size 2, 4, 8 (also where the row ignores it) */
    uint8_t addrsize;  /* effective address size 2, 4, 8 */
    uint8_t prefix;    /* PFX_* */
    uint8_t rex;       /* the REX byte, or 0 */
    uint8_t opcode;    /* last opcode byte */
    uint8_t modrm;     /* valid if the row has one */
    uint8_t seg;       /* effective segment of the memory operand, override applied (in 64-bit
                          mode only FS and GS override) ; S_DS/S_SS default by base register */
    uint8_t base;      /* slot 0..16, or SLOT_RIP: address of the NEXT instruction + disp */
    uint8_t index;     /* slot 0..16 */
    uint8_t scale;     /* shift 0..3 */
    uint8_t nopnd;
    uint8_t moffs;     /* 1: the memory operand's offset is imm (MOV A0..A3); base, index none */
    struct x86_opnd op[4]; /* Intel order: destination first */
    int32_t disp;      /* sign-extended displacement; moffs64 is in imm */
    uint16_t imm2;
    int64_t imm;
};

enum x86_decode_result {
    DECODE_OK,
    DECODE_MORE,    /* ran out of `avail` bytes: fetch more (up to 15) */
    DECODE_TOOLONG, /* over 15 bytes: #GP(0) */
    DECODE_UD,      /* not an instruction in this mode: #UD. insn->len = bytes looked at */
};

/* Decode bytes[0..avail). Feature bits are not looked at (the caller gates with the row's
 * feature). LOCK on a row or form that does not allow it is DECODE_UD. */
enum x86_decode_result x86_decode(const uint8_t *bytes, size_t avail, enum x86_mode mode,
                                  struct x86_insn *insn);

/* ---- The opcode table ---------------------------------------------------------------- */

enum { /* row attributes */
    ROW_LOCK = 1 << 0,    /* LOCK allowed when operand 0 is memory */
    ROW_BRANCH = 1 << 1,  /* changes RIP: ends a block */
    ROW_END = 1 << 2,     /* changes mode or state blocks depend on, or may stop: ends a block */
    ROW_PRIV = 1 << 3,    /* CPL 0 only (the handler checks) */
    ROW_IO = 1 << 4,      /* IN/OUT/INS/OUTS */
    ROW_REP = 1 << 5,     /* string instruction that REP repeats */
    ROW_REPZ = 1 << 6,    /* ... with a ZF condition */
    ROW_D64 = 1 << 7,     /* default operand size 64 in 64-bit mode (push, call ...) */
    ROW_F64 = 1 << 8,     /* operand size forced to 64 in 64-bit mode (near branches) */
    ROW_SHADOW = 1 << 9,  /* interrupt shadow after it: STI, MOV SS, POP SS */
    ROW_NOFAULT = 1 << 10,/* cannot fault unless it has a memory operand */
    ROW_FPU = 1 << 11,    /* x87: #NM on CR0.EM|TS, checks pending #MF unless ROW_FNOWAIT */
    ROW_FNOWAIT = 1 << 12,
    ROW_MMX = 1 << 13,    /* #UD on EM, #NM on TS, #MF pending */
    ROW_SSE = 1 << 14,    /* #UD on EM or !OSFXSR, #NM on TS */
    ROW_ALIGN16 = 1 << 15,/* 16-byte memory operand must be aligned: #GP */
};

enum x86_group { GROUP_INT, GROUP_CTL, GROUP_STR, GROUP_SYS, GROUP_X87, GROUP_MMX, GROUP_SSE };

struct x86_cpu;
typedef void x86_exec_fn(struct x86_cpu *c, const struct x86_insn *i);

struct x86_row {
    const char *name;      /* mnemonic, lower case, Intel's */
    const char *operands;  /* the manual's letters: "Ev,Gv" */
    uint16_t feature;      /* X86_F_* of features.def; 0 = always there */
    uint16_t group;        /* enum x86_group */
    uint32_t attr;         /* ROW_* */
    uint32_t fl_write;     /* FL_* arithmetic flags defined by it (CF|PF|AF|ZF|SF|OF) */
    uint32_t fl_undef;     /* FL_* left undefined */
    uint32_t fl_read;      /* FL_* read by it */
};
extern const struct x86_row x86_rows[];
extern const unsigned x86_row_count;

/* Intel syntax into buf; rip is the address of the instruction. Returns the length written. */
size_t x86_disasm(const struct x86_insn *insn, uint64_t rip, char *buf, size_t size);

#endif

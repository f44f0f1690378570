/* SPDX-License-Identifier: MIT */
/* opcodes.def expanded into tables: for everybody (x86_rows) and for the decoder (x86_encs). */
#include "target/x86/features.h"
#include "target/x86/optab.h"
#include "target/x86/rows.h"
#include "target/x86/state.h"

/* Short names for the columns of opcodes.def */
enum {
    LOCK = ROW_LOCK, BRANCH = ROW_BRANCH, END = ROW_END, PRIV = ROW_PRIV, IO = ROW_IO,
    REP = ROW_REP, REPZ = ROW_REPZ, D64 = ROW_D64, F64 = ROW_F64, SHADOW = ROW_SHADOW,
    NOFAULT = ROW_NOFAULT, FPU = ROW_FPU, FNOWAIT = ROW_FNOWAIT, MMX = ROW_MMX, SSE = ROW_SSE,
    ALIGN16 = ROW_ALIGN16,

    F_C = FL_CF, F_P = FL_PF, F_A = FL_AF, F_Z = FL_ZF, F_S = FL_SF, F_O = FL_OF,
    AC = F_A | F_C, OA = F_O | F_A, OC = F_O | F_C, OAC = F_O | F_A | F_C,
    SZP = F_S | F_Z | F_P, SZPC = SZP | F_C, SZAP = SZP | F_A, SZAPC = SZAP | F_C,
    OSZP = F_O | SZP, OSZPC = OSZP | F_C, OSZAP = F_O | SZAP, OSZAPC = OSZAP | F_C,
    OSAP = F_O | F_S | F_A | F_P, OSAPC = OSAP | F_C,
};

#define LIST(...) __VA_ARGS__
#define TEXT_(...) #__VA_ARGS__
#define TEXT(...) TEXT_(__VA_ARGS__)
#define OR_(a, b, c, d, ...) ((a + 0) | (b + 0) | (c + 0) | (d + 0)) /* "+ 0": may be empty */
#define OR(...) OR_(__VA_ARGS__, 0, 0, 0, 0)
#define ALL(ops) OR(LIST ops)
#define IS(op, bits) (((op) & (bits)) == (bits))

const struct x86_enc x86_encs[] = {
#define I(id, nm, map, op, match, ops, feat, grp, exec, at, fw, fu, fr) { \
    .mask = (uint32_t)((uint64_t)(match) >> 32) | \
            (ALL(ops) & (OP_MEMONLY | OP_REGONLY) & ~OP_MRM ? KEY_REG : 0), \
    .value = ((uint32_t)(match) & 0xffffff) | (IS(ALL(ops), OP_REGONLY) ? KEY_REG : 0), \
    .first = map << 8 | (op), \
    .count = ((uint32_t)(match) >> 24) + 1, \
    .modrm = ((uint64_t)(match) >> 32 & (0xff | KEY_REG)) || (ALL(ops) & OP_MRM), \
    .opnd = { LIST ops }, \
    .attr = at, \
},
#include "target/x86/opcodes.def"
#undef I
};

/* Later rows override earlier ones here on purpose: the last row of an opcode is what is kept. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif
const uint16_t x86_last_row[MAP_COUNT << 8] = {
#define I(id, nm, map, op, match, ...) \
    [map << 8 | (op) ... (map << 8 | (op)) + ((uint32_t)(match) >> 24)] = X86_##id + 1,
#include "target/x86/opcodes.def"
#undef I
};
#pragma GCC diagnostic pop

#undef X
#undef R
#undef W
#undef RW
#define X(op) op
#define R(op) op
#define W(op) op
#define RW(op) op
const struct x86_row x86_rows[] = {
#define I(id, nm, map, op, match, ops, feat, grp, exec, at, fw, fu, fr) { \
    .name = nm, .operands = TEXT(LIST ops), .feature = X86_F_##feat, .group = GROUP_##grp, \
    .attr = at, .fl_write = fw, .fl_undef = fu, .fl_read = fr, \
},
#include "target/x86/opcodes.def"
#undef I
};
const unsigned x86_row_count = X86_ROW_COUNT;

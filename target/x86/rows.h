/* SPDX-License-Identifier: MIT */
/* enum x86_row: the rows of opcodes.def by name, X86_<id>; indices into x86_rows[]. */
#ifndef TARGET_X86_ROWS_H
#define TARGET_X86_ROWS_H

enum x86_row_id {
#define I(id, ...) X86_##id,
#include "target/x86/opcodes.def"
#undef I
    X86_ROW_COUNT
};

#endif

/* SPDX-License-Identifier: MIT */
/* The operation of every row of opcodes.def, by x86_insn.row. */
#ifndef ACCEL_TCG_INTERP_EXEC_TABLE_H
#define ACCEL_TCG_INTERP_EXEC_TABLE_H

#include "target/x86/decode.h"

extern x86_exec_fn *const exec_table[];

#endif

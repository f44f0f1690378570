/* SPDX-License-Identifier: MIT */
/* Row of opcodes.def -> the operation that carries it out (its exec column). */
#include "accel/tcg-interp/exec_table.h"

#define I(id, name, map, op, match, ops, feature, group, exec, ...) x86_exec_fn op_##exec;
#include "target/x86/opcodes.def"
#undef I

x86_exec_fn *const exec_table[] = {
#define I(id, name, map, op, match, ops, feature, group, exec, ...) op_##exec,
#include "target/x86/opcodes.def"
#undef I
};

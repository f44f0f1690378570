/* SPDX-License-Identifier: MIT */
/* Declares every operation that opcodes.def names. */
#ifndef ACCEL_TCG_INTERP_OPS_DECL_H
#define ACCEL_TCG_INTERP_OPS_DECL_H

#include "target/x86/decode.h"

#define I(id, name, map, op, match, ops, feature, group, exec, ...) x86_exec_fn op_##exec;
#include "target/x86/opcodes.def"
#undef I

#endif

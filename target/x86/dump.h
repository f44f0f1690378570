/* SPDX-License-Identifier: MIT */
/* The architectural state as text, in the form QEMU's monitor and logs print it. */
#ifndef TARGET_X86_DUMP_H
#define TARGET_X86_DUMP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/x86/state.h"

/* fpu: x87 and SSE registers too. */
void x86_state_describe(const struct x86_state *st, bool fpu, GString *out);

/* A register by its name in lower case: rax eax ax al ah r8 r8d r8w r8b rip eflags cs cs_base
 * cr3 dr7 efer ... False: no such name. */
bool x86_state_register(const struct x86_state *st, const char *name, uint64_t *value);

#endif

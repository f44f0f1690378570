/* SPDX-License-Identifier: MIT */
/*
 * Registers as gdb's remote protocol has them: their numbers, their sizes, their description.
 *
 * gdb asks for the description once, but the guest's processor changes its mode, and what gdb
 * takes it for depends on the file that is debugged (`set architecture` changes it, too). So there
 * is one description that holds whatever happens: it has the names of i386:x86-64 (rax ... rip) and
 * those of i386 and i8086 (eax ... eip) in the same feature, with sizes that do not depend on the
 * architecture. Each architecture finds the names it wants; the others are spare registers to it.
 *
 * rip and eip are linear: CS.base + IP. gdb knows flat memory only, and so `x/i $pc`, breakpoints
 * and stepping are right in real mode, too; cs_base is a register of its own. Other registers are
 * what the processor has; the upper halves are zero outside of 64-bit mode if the guest leaves
 * them so.
 */
#ifndef TARGET_X86_GDBREGS_H
#define TARGET_X86_GDBREGS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/x86/state.h"

#define X86_GDB_REG_MAX 16 /* bytes of the widest */

unsigned x86_gdb_count(void);
/* Bytes of register n; 0: there is none. */
unsigned x86_gdb_size(unsigned n);
void x86_gdb_get(const struct x86_state *st, unsigned n, uint8_t buf[X86_GDB_REG_MAX]);
/* What a processor cannot hold is found by x86_state_check() afterwards. */
void x86_gdb_set(struct x86_state *st, unsigned n, const uint8_t buf[X86_GDB_REG_MAX]);
/* target.xml */
char *x86_gdb_description(void); /* owned by the caller */

#endif

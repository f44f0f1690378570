/* SPDX-License-Identifier: MIT */
/*
 * The x87 environment in memory: FSTENV's four formats (SDM vol. 1 section 8.1.10, figures 8-9
 * to 8-12), and the registers behind it. Pure: no memory access.
 */
#ifndef ACCEL_TCG_INTERP_X87_ENV_H
#define ACCEL_TCG_INTERP_X87_ENV_H

#include "target/x86/fpu.h"

enum { X87_ENV_MAX = 28, X87_REGS = 80 };

struct x87_format {
    bool wide; /* 32-bit operand size: 28 bytes; else 14 */
    bool real; /* real-address and virtual-8086 mode: linear addresses and the opcode */
};

static inline unsigned x87_env_size(struct x87_format f)
{
    return f.wide ? 28 : 14;
}
void x87_env_put(const struct x86_cpu *c, struct x87_format f, uint8_t *buf);
void x87_env_get(struct x86_cpu *c, struct x87_format f, const uint8_t *buf);
/* ST(0)..ST(7), ten bytes each, by the present TOP. */
void x87_regs_put(const struct x86_cpu *c, uint8_t *buf);
void x87_regs_get(struct x86_cpu *c, const uint8_t *buf);

#endif

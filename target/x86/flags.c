/* SPDX-License-Identifier: MIT */
/*
 * RFLAGS: from the lazy form and back. Intel SDM vol. 1 section 3.4.3.
 */
#include "target/x86/flags.h"

uint32_t x86_flags_arith(const struct x86_cpu *c)
{
    return x86_arith_from(c->f_res, c->f_src, c->f_cc);
}

uint64_t x86_rflags(const struct x86_cpu *c)
{
    return c->eflags | FL_1 | x86_flags_arith(c);
}

void x86_set_arith(struct x86_cpu *c, uint32_t flags)
{
    x86_flags_set(c, 0, flags & FL_ARITH, CC_FLAGS);
}

void x86_set_rflags(struct x86_cpu *c, uint64_t v)
{
    uint32_t keep = FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF | FL_VM | FL_AC | FL_VIF |
                    FL_VIP | FL_ID;
    uint32_t before = c->eflags;

    c->eflags = v & keep;
    x86_set_arith(c, v);
    if ((before ^ c->eflags) & FL_VM)
        x86_update_mode(c);
    else if ((before ^ c->eflags) & (FL_TF | FL_AC | FL_RF))
        c->host->mode_changed(c);
}

bool x86_cond(const struct x86_cpu *c, unsigned cond)
{
    return x86_cond_from(cond, c->f_res, c->f_src, c->f_cc);
}

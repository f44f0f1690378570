/* SPDX-License-Identifier: MIT */
/*
 * IRET in all modes. Intel SDM vol. 2, IRET; vol. 3 sections 6.12.1, 7.4, 20.2.3.
 *
 * Frame, lowest address first:   IP CS FLAGS          always
 *                                SP SS                to an outer ring; always from 64-bit mode
 *                                ES DS FS GS          to virtual-8086 mode (32-bit frames only)
 *
 * What the image may change depends on the CPL before the return:
 *   CF PF AF ZF SF TF DF OF NT      always
 *   AC ID RF                        operand size 32 or 64
 *   IF                              CPL <= IOPL
 *   IOPL                            CPL = 0
 *   VIF VIP                         CPL = 0 and operand size 32 or 64
 */
#include "target/x86/segment.h"

static void set_flags(struct x86_cpu *c, uint64_t image, unsigned opsize, unsigned old_cpl,
                      bool vm86)
{
    uint64_t mask = FL_ARITH | FL_TF | FL_DF | FL_NT;

    if (opsize >= 4)
        mask |= FL_AC | FL_ID | FL_RF;
    if (vm86) {
        mask |= FL_IF; /* IOPL is 3 */
    } else {
        if (old_cpl <= (c->eflags & FL_IOPL) >> 12)
            mask |= FL_IF;
        if (old_cpl == 0)
            mask |= FL_IOPL | (opsize >= 4 ? FL_VIF | FL_VIP : 0);
    }
    x86_set_rflags(c, (x86_rflags(c) & ~mask) | (image & mask));
}

/* Real mode, and virtual-8086 mode with IOPL 3. */
static void iret_real(struct x86_cpu *c, unsigned opsize)
{
    uint64_t ip, flags;
    uint16_t cs;
    bool vm86 = c->vm86;

    if (vm86 && (c->eflags & FL_IOPL) != FL_IOPL)
        x86_gp(c, 0);
    ip = x86_stack_peek(c, 0, opsize);
    cs = x86_stack_peek(c, opsize, opsize);
    flags = x86_stack_peek(c, 2 * opsize, opsize);
    x86_check_ip(c, 0, c->seg[S_CS].limit, ip, 0);
    x86_stack_add(c, 3 * opsize);
    x86_seg_set_real(c, S_CS, cs);
    if (vm86) {
        set_flags(c, flags, opsize, 3, true);
    } else { /* everything but VM, VIF and VIP */
        uint64_t keep = FL_VM | FL_VIF | FL_VIP | (opsize == 2 ? ~0xffffull : 0);

        x86_set_rflags(c, (x86_rflags(c) & keep) | (flags & ~keep));
    }
    x86_update_mode(c);
    c->next_rip = ip;
    c->nmi_masked = false;
}

static void iret_to_vm86(struct x86_cpu *c, uint64_t ip, uint16_t cs, uint64_t flags)
{
    static const uint8_t order[] = { S_SS, S_ES, S_DS, S_FS, S_GS };
    uint32_t sp = x86_stack_peek(c, 12, 4);
    uint16_t sel[5];

    for (unsigned k = 0; k < 5; k++)
        sel[k] = x86_stack_peek(c, 16 + 4 * k, 4);
    x86_check_ip(c, 0, 0xffff, ip, 0);
    c->cpl = 3;
    x86_set_rflags(c, flags); /* VM is set: x86_seg_set_real() now makes vm86 segments */
    x86_seg_set_real(c, S_CS, cs);
    for (unsigned k = 0; k < 5; k++)
        x86_seg_set_real(c, order[k], sel[k]);
    x86_update_mode(c);
    c->r[R_RSP] = sp;
    c->next_rip = ip;
    c->nmi_masked = false;
}

static void iret_task(struct x86_cpu *c)
{
    uint16_t link;

    if (c->lma)
        x86_gp(c, 0);
    link = x86_sys_read(c, x86_sys_la(c, c->seg[S_TR].base), 2);
    x86_task_enter(c, link, TASK_IRET, c->next_rip, 0, false, 0);
    c->nmi_masked = false;
}

static void iret_protected(struct x86_cpu *c, unsigned opsize, uint64_t ip, uint16_t cs,
                           uint64_t flags)
{
    uint64_t code = x86_check_return_cs(c, cs), stack = 0, sp = 0;
    unsigned rpl = cs & 3, old_cpl = c->cpl;
    bool outer = rpl > c->cpl, null = false, with_ss = outer || c->mode == X86_MODE_64;
    uint16_t ss = 0;

    if (with_ss) {
        sp = x86_stack_peek(c, 3 * opsize, opsize);
        ss = x86_stack_peek(c, 4 * opsize, opsize);
        stack = x86_check_return_ss(c, ss, rpl, desc_attr(code), &null);
    }
    x86_check_ip(c, desc_attr(code), desc_limit(code), ip, 0);
    x86_desc_accessed(c, cs, &code);
    if (!with_ss)
        x86_stack_add(c, 3 * opsize);
    c->cpl = rpl;
    if (null)
        x86_seg_set_null(c, S_SS, ss);
    else if (with_ss)
        x86_seg_set(c, S_SS, ss, stack);
    x86_seg_set(c, S_CS, cs, code);
    set_flags(c, flags, opsize, old_cpl, false);
    x86_update_mode(c);
    if (with_ss)
        x86_set_sp(c, sp);
    if (outer)
        x86_drop_inner_segs(c);
    c->next_rip = ip;
    c->nmi_masked = false;
}

void x86_iret(struct x86_cpu *c, unsigned opsize)
{
    uint64_t ip, flags;
    uint16_t cs;

    if (x86_real_segs(c)) {
        iret_real(c, opsize);
        return;
    }
    if (c->eflags & FL_NT) {
        iret_task(c);
        return;
    }
    ip = x86_stack_peek(c, 0, opsize);
    cs = x86_stack_peek(c, opsize, opsize);
    flags = x86_stack_peek(c, 2 * opsize, opsize);
    if (opsize == 4 && (flags & FL_VM) && c->cpl == 0 && !c->lma)
        iret_to_vm86(c, ip, cs, flags);
    else
        iret_protected(c, opsize, ip, cs, flags);
}

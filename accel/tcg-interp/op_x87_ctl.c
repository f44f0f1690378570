/* SPDX-License-Identifier: MIT */
/*
 * x87 control: control, status and tag words, environment and state. None of these disturbs the
 * instruction and data pointers. The waiting forms (FSTCW ...) are FWAIT and the instruction.
 * Intel SDM vol. 1 sections 8.1 and 8.3.11, vol. 2.
 */
#include <string.h>

#include "accel/tcg-interp/host_fp.h"
#include "accel/tcg-interp/ops.h"
#include "accel/tcg-interp/x87_env.h"

/* ---- Formats ------------------------------------------------------------------------------- */

static void put16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, 2);
}
static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}
static uint16_t get16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, 2);
    return v;
}
static uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return v;
}

static void env_put_wide(const struct x86_cpu *c, bool real, uint16_t ftw, uint8_t *b)
{
    uint32_t ip = c->fip, dp = c->fdp;

    put32(b, 0xffff0000 | c->fcw);
    put32(b + 4, 0xffff0000 | c->fsw);
    put32(b + 8, 0xffff0000 | ftw);
    if (real) {
        ip += (uint32_t)c->fcs << 4;
        dp += (uint32_t)c->fds << 4;
        put32(b + 12, 0xffff0000 | (ip & 0xffff));
        put32(b + 16, (ip & 0xffff0000) >> 4 | (c->fop & 0x7ff));
        put32(b + 20, 0xffff0000 | (dp & 0xffff));
        put32(b + 24, (dp & 0xffff0000) >> 4);
    } else {
        put32(b + 12, ip);
        put32(b + 16, (uint32_t)(c->fop & 0x7ff) << 16 | c->fcs);
        put32(b + 20, dp);
        put32(b + 24, 0xffff0000 | c->fds);
    }
}

static void env_put_narrow(const struct x86_cpu *c, bool real, uint16_t ftw, uint8_t *b)
{
    uint32_t ip = c->fip, dp = c->fdp;

    put16(b, c->fcw);
    put16(b + 2, c->fsw);
    put16(b + 4, ftw);
    if (real) {
        ip += (uint32_t)c->fcs << 4;
        dp += (uint32_t)c->fds << 4;
        put16(b + 8, (ip >> 4 & 0xf000) | (c->fop & 0x7ff));
        put16(b + 12, dp >> 4 & 0xf000);
    } else {
        put16(b + 8, c->fcs);
        put16(b + 12, c->fds);
    }
    put16(b + 6, ip);
    put16(b + 10, dp);
}

void x87_env_put(const struct x86_cpu *c, struct x87_format f, uint8_t *buf)
{
    uint16_t ftw = x86_ftw_full(c->fpr, c->fptag);

    if (f.wide)
        env_put_wide(c, f.real, ftw, buf);
    else
        env_put_narrow(c, f.real, ftw, buf);
}

static void pointers_get_wide(struct x86_cpu *c, bool real, const uint8_t *b)
{
    if (real) {
        c->fip = (get32(b + 16) & 0x0ffff000) << 4 | get16(b + 12);
        c->fdp = (get32(b + 24) & 0x0ffff000) << 4 | get16(b + 20);
        c->fop = get16(b + 16) & 0x7ff;
        c->fcs = c->fds = 0;
    } else {
        c->fip = get32(b + 12);
        c->fdp = get32(b + 20);
        c->fop = get16(b + 18) & 0x7ff;
        c->fcs = get16(b + 16);
        c->fds = get16(b + 24);
    }
}

static void pointers_get_narrow(struct x86_cpu *c, bool real, const uint8_t *b)
{
    c->fip = get16(b + 6);
    c->fdp = get16(b + 10);
    if (real) {
        c->fip |= (uint32_t)(get16(b + 8) & 0xf000) << 4;
        c->fdp |= (uint32_t)(get16(b + 12) & 0xf000) << 4;
        c->fop = get16(b + 8) & 0x7ff;
        c->fcs = c->fds = 0;
    } else {
        c->fcs = get16(b + 8);
        c->fds = get16(b + 12);
    }
}

void x87_env_get(struct x86_cpu *c, struct x87_format f, const uint8_t *buf)
{
    unsigned step = f.wide ? 4 : 2;

    x86_fpu_set_fcw(c, get16(buf));
    x86_fpu_set_fsw(c, get16(buf + step));
    c->fptag = x86_ftw_abridge(get16(buf + 2 * step));
    if (f.wide)
        pointers_get_wide(c, f.real, buf);
    else
        pointers_get_narrow(c, f.real, buf);
}

void x87_regs_put(const struct x86_cpu *c, uint8_t *buf)
{
    for (unsigned n = 0; n < 8; n++) {
        const struct x86_f80 *r = &c->fpr[x86_st(c, n)];

        memcpy(buf + 10 * n, &r->mant, 8);
        put16(buf + 10 * n + 8, r->se);
    }
}

void x87_regs_get(struct x86_cpu *c, const uint8_t *buf)
{
    for (unsigned n = 0; n < 8; n++) {
        struct x86_f80 *r = &c->fpr[x86_st(c, n)];

        memcpy(&r->mant, buf + 10 * n, 8);
        r->se = get16(buf + 10 * n + 8);
    }
}

/* ---- Instructions -------------------------------------------------------------------------- */

static struct x87_format format_of(const struct x86_cpu *c, const struct x86_insn *i)
{
    return (struct x87_format){.wide = i->opsize != 2, .real = !c->pe || c->vm86};
}
static uint64_t area(struct x86_cpu *c, const struct x86_insn *i, unsigned len,
                     enum x86_access acc)
{
    return x86_seg_lin(c, i->seg, x86_ea(c, i), len, acc, i->opsize == 2 ? 2 : 4);
}

OP(fnstenv)
{
    struct x87_format f = format_of(c, i);
    uint8_t buf[X87_ENV_MAX];

    x87_env_put(c, f, buf);
    x86_lin_write_bytes(c, area(c, i, x87_env_size(f), ACC_WRITE), buf, x87_env_size(f));
    x86_fpu_set_fcw(c, c->fcw | FP_EXC);
}

OP(fldenv)
{
    struct x87_format f = format_of(c, i);
    uint8_t buf[X87_ENV_MAX];

    x86_lin_read_bytes(c, area(c, i, x87_env_size(f), ACC_READ), buf, x87_env_size(f));
    x87_env_get(c, f, buf);
    host_load_guest_x87(c);
}

OP(fnsave)
{
    struct x87_format f = format_of(c, i);
    unsigned len = x87_env_size(f) + X87_REGS;
    uint8_t buf[X87_ENV_MAX + X87_REGS];

    x87_env_put(c, f, buf);
    x87_regs_put(c, buf + x87_env_size(f));
    x86_lin_write_bytes(c, area(c, i, len, ACC_WRITE), buf, len);
    x86_fpu_init(c);
    host_load_guest_x87(c);
}

OP(frstor)
{
    struct x87_format f = format_of(c, i);
    unsigned len = x87_env_size(f) + X87_REGS;
    uint8_t buf[X87_ENV_MAX + X87_REGS];

    x86_lin_read_bytes(c, area(c, i, len, ACC_READ), buf, len);
    x87_env_get(c, f, buf);
    x87_regs_get(c, buf + x87_env_size(f));
    host_load_guest_x87(c);
}

OP(fldcw)
{
    x86_fpu_set_fcw(c, x86_lin_read(c, area(c, i, 2, ACC_READ), 2));
    host_load_guest_fcw(c);
}
OP(fnstcw)
{
    x86_lin_write(c, area(c, i, 2, ACC_WRITE), 2, c->fcw);
}
OP(fnstsw)
{
    if (i->modrm >= 0xc0) /* AX */
        c->r[R_RAX] = (c->r[R_RAX] & ~0xffffull) | c->fsw;
    else
        x86_lin_write(c, area(c, i, 2, ACC_WRITE), 2, c->fsw);
}

OP(fninit)
{
    x86_fpu_init(c);
    host_load_guest_x87(c);
}
OP(fnclex)
{
    c->fsw &= FSW_CC | FSW_TOP;
    host_clear_x87();
}

/* Its own rule: TS counts only with MP, and EM not at all (SDM vol. 3 table 2-2). */
OP(fwait)
{
    if ((c->cr0 & CR0_MP) && (c->cr0 & CR0_TS))
        x86_raise(c, EXC_NM);
    x86_fpu_check_error(c);
}

OP(emms)
{
    c->fptag = 0;
    x86_fpu_set_top(c, 0);
}

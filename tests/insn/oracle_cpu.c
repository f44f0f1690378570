/* SPDX-License-Identifier: MIT */
/*
 * Our side of the oracle: a struct x86_cpu in user mode over the sandbox's memory, driven one
 * instruction at a time through x86_decode() and the operations. The functions that the engine
 * normally supplies (cpu.h, "Memory") are supplied here.
 */
#include <string.h>

#include "accel/tcg-interp/exec_table.h"
#include "accel/tcg-interp/host_fp.h"
#include "target/x86/cpu.h"
#include "tests/insn/oracle.h"

static struct {
    struct x86_cpu cpu;
    uint8_t mem[MEM_SIZE];
    uint8_t code[CODE_SIZE];
} s;

/* ---- Memory ------------------------------------------------------------------------------ */

static uint8_t *host(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc)
{
    uint32_t err = PF_U | (acc == ACC_WRITE ? PF_W : 0);

    for (unsigned n = 0; n < len; n++) {
        uint64_t a = la + n;

        if (a - MEM_BASE < MEM_SIZE || (acc != ACC_WRITE && a - CODE_BASE < CODE_SIZE))
            continue;
        x86_raise_pf(c, a, err);
    }
    return la - MEM_BASE < MEM_SIZE ? s.mem + (la - MEM_BASE) : s.code + (la - CODE_BASE);
}

uint64_t x86_lin_read(struct x86_cpu *c, uint64_t la, unsigned size)
{
    uint64_t v = 0;

    memcpy(&v, host(c, la, size, ACC_READ), size);
    return v;
}

void x86_lin_write(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t v)
{
    memcpy(host(c, la, size, ACC_WRITE), &v, size);
}

void x86_lin_read_bytes(struct x86_cpu *c, uint64_t la, void *buf, unsigned len)
{
    memcpy(buf, host(c, la, len, ACC_READ), len);
}

void x86_lin_write_bytes(struct x86_cpu *c, uint64_t la, const void *buf, unsigned len)
{
    memcpy(host(c, la, len, ACC_WRITE), buf, len);
}

void x86_lin_probe(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc)
{
    host(c, la, len, acc);
}

uint64_t x86_sys_read(struct x86_cpu *c, uint64_t la, unsigned size)
{
    return x86_lin_read(c, la, size);
}

void x86_sys_write(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t v)
{
    x86_lin_write(c, la, size, v);
}

void x86_sys_probe(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc)
{
    host(c, la, len, acc);
}

void *x86_lin_ptr(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc)
{
    if ((la & 4095) + len > 4096)
        return NULL;
    return host(c, la, len, acc);
}

bool x86_lin_cmpxchg(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t *expected,
                     uint64_t desired)
{
    uint8_t *p = host(c, la, size, ACC_WRITE);
    uint64_t v = 0;

    memcpy(&v, p, size);
    if (v == *expected) {
        memcpy(p, &desired, size);
        return true;
    }
    *expected = v;
    return false;
}

bool x86_lin_cmpxchg16(struct x86_cpu *c, uint64_t la, uint64_t expected[2],
                       const uint64_t desired[2])
{
    uint8_t *p = host(c, la, 16, ACC_WRITE);

    if (!memcmp(p, expected, 16)) {
        memcpy(p, desired, 16);
        return true;
    }
    memcpy(expected, p, 16);
    return false;
}

/* ---- State ------------------------------------------------------------------------------- */

static void nothing(struct x86_cpu *c)
{
}

static uint64_t zero64(struct x86_cpu *c)
{
    return 0;
}

static uint8_t zero8(struct x86_cpu *c)
{
    return 0;
}

static void ignore64(struct x86_cpu *c, uint64_t v)
{
}

static void ignore8(struct x86_cpu *c, uint8_t v)
{
}

static void set_seg(struct x86_state *st, unsigned seg, uint16_t sel, uint16_t attr, uint64_t base)
{
    st->seg[seg] = (struct x86_seg){sel, attr, 0xffffffff, base};
}

void oracle_cpu_setup(void)
{
    static const struct x86_host host_ops = {
        .flush_all = nothing, .flush_nonglobal = nothing, .mode_changed = nothing,
        .halt = nothing, .pause = nothing, .tsc = zero64, .tsc_write = ignore64,
        .get_cr8 = zero8, .set_cr8 = ignore8, .apic_base = zero64,
    };

    memset(s.code, 0xcc, sizeof(s.code));
    s.cpu.host = &host_ops;
}

static void load(const struct oracle_case *o)
{
    struct x86_cpu *c = &s.cpu;
    const struct fxstate *fx = &o->in.fx;
    struct x86_state st;
    bool long_mode = o->mode == X86_MODE_64;
    unsigned top = fx->fsw >> 11 & 7;

    x86_state_reset(&st, true, 0);
    st.cr0 = CR0_PE | CR0_PG | CR0_NE | CR0_ET | CR0_MP | CR0_WP | CR0_AM;
    st.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    st.msr.efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
    set_seg(&st, S_CS, long_mode ? 0x33 : 0x23, long_mode ? 0xa0fb : 0xc0fb, 0);
    set_seg(&st, S_SS, 0x2b, 0xc0f3, 0);
    set_seg(&st, S_DS, 0x2b, 0xc0f3, 0);
    set_seg(&st, S_ES, 0x2b, 0xc0f3, 0);
    set_seg(&st, S_FS, 0, 0xc0f3, 0);
    set_seg(&st, S_GS, 0, 0xc0f3, MEM_BASE);
    memcpy(st.gpr, o->in.gpr, sizeof(st.gpr));
    st.rip = CODE_START;
    st.rflags = o->in.rflags;
    st.fcw = fx->fcw;
    st.fsw = fx->fsw;
    st.mxcsr = fx->mxcsr;
    memcpy(st.xmm, fx->xmm, sizeof(st.xmm));
    for (unsigned n = 0; n < 8; n++) {
        struct x86_f80 *r = &st.fpr[(top + n) & 7];

        memcpy(&r->mant, fx->st[n], 8);
        memcpy(&r->se, fx->st[n] + 8, 2);
    }
    x86_cpu_load(c, &st);
    c->fptag = fx->ftw;
    memcpy(s.mem, o->mem, MEM_SIZE);
    memcpy(s.code + (CODE_START - CODE_BASE), o->code, o->code_len);
}

static void store(struct machine_state *o)
{
    struct x86_cpu *c = &s.cpu;
    unsigned top = c->fsw >> 11 & 7;

    memcpy(o->gpr, c->r, sizeof(o->gpr));
    o->rflags = x86_rflags(c);
    o->rip = c->rip;
    o->fx.fcw = c->fcw;
    o->fx.fsw = c->fsw;
    o->fx.ftw = c->fptag;
    o->fx.mxcsr = c->mxcsr;
    memcpy(o->fx.xmm, c->xmm, sizeof(o->fx.xmm));
    for (unsigned n = 0; n < 8; n++) {
        memcpy(o->fx.st[n], &c->fpr[(top + n) & 7].mant, 8);
        memcpy(o->fx.st[n] + 8, &c->fpr[(top + n) & 7].se, 2);
    }
    o->x87_ip = (uint32_t)c->fip;
    o->x87_dp = (uint32_t)c->fdp;
    o->x87_op = c->fop;
}

/* ---- Running ----------------------------------------------------------------------------- */

/* One instruction. False: it raised c->exc. */
static bool step(struct x86_cpu *c, const struct x86_insn *i)
{
    const struct x86_row *row = &x86_rows[i->row];
    sigjmp_buf unwind;

    c->next_rip = c->rip + i->len;
    c->unwind = &unwind;
    if (sigsetjmp(unwind, 0))
        return false;
    if (row->attr & (ROW_FPU | ROW_MMX | ROW_SSE))
        x86_fpu_guard(c, row->attr);
    exec_table[i->row](c, i);
    c->rip = c->next_rip;
    return true;
}

/* Until the code is left, or to an exception (true: c->exc). */
static bool run(struct x86_cpu *c, const struct oracle_case *o)
{
    uint64_t end = CODE_START + o->code_len;
    struct x86_insn i;

    for (unsigned n = 0; n < o->limit && c->rip >= CODE_START && c->rip < end; n++) {
        if (x86_decode(s.code + (c->rip - CODE_BASE), end - c->rip, o->mode, &i) != DECODE_OK) {
            c->exc.vector = EXC_UD;
            c->exc.has_error = false;
            return true;
        }
        if (!step(c, &i))
            return true;
    }
    if (c->rip == end || c->rip == CODE_PAD)
        return false;
    c->exc.vector = EXC_PF; /* nothing to execute there */
    c->exc.has_error = true;
    c->exc.error = PF_U | PF_I;
    c->exc.cr2 = c->rip;
    return true;
}

void oracle_cpu(const struct oracle_case *o, struct oracle_run *r)
{
    struct x86_cpu *c = &s.cpu;
    bool raised;

    memset(&r->out, 0, sizeof(r->out));
    load(o);
    x86_mxcsr_enter(c);
    raised = run(c, o);
    x86_mxcsr_leave(c);
    store(&r->out);
    r->out.vector = raised ? c->exc.vector : -1;
    if (raised) {
        r->out.error = c->exc.has_error ? c->exc.error : 0;
        r->out.cr2 = c->exc.vector == EXC_PF ? c->exc.cr2 : 0;
    }
    memcpy(r->mem, s.mem, MEM_SIZE);
}

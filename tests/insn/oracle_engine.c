/* SPDX-License-Identifier: MIT */
/*
 * The interpreter's side of the oracle: a bare machine whose vCPU runs the case in user mode at
 * the sandbox's addresses. The code ends in INT 80h (CODE_PAD: INT 81h); every vector's handler
 * is a HLT of its own, so where the vCPU halts tells which exception came, and its stack tells
 * the rest.
 */
#include "target/x86/cpu.h"
#include "target/x86/fpu.h"
#include "tests/insn/engine.h"
#include "tests/insn/oracle.h"

enum { PT_MEM = 0x5000, PT_CODE = 0x6000, IDT = 0x7000, TSS = 0x8000, HANDLERS = 0x9000,
       STACK0 = 0xb000, END_VECTOR = 0x80, PAD_VECTOR = 0x81 };

static struct bench B;

static void put_idt(void)
{
    static const uint8_t hlt[16] = {0xf4};

    for (unsigned v = 0; v < 256; v++) {
        uint64_t at = HANDLERS + v * 16, type = v == EXC_BP || v >= END_VECTOR ? 0xee : 0x8e;

        bench_put64(&B, IDT + v * 16, (at & 0xffff) | 8 << 16 | type << 40 | (at >> 16) << 48);
        bench_put64(&B, IDT + v * 16 + 8, 0);
        bench_put(&B, at, hlt, 16);
    }
    bench_put64(&B, TSS + 4, STACK0);
}

static void put_gdt(void)
{
    bench_put64(&B, STACK0 + 8, 0x00af9b000000ffff); /* 8: 64-bit code */
    B.st.gdtr = (struct x86_dtable){.base = STACK0, .limit = 0xfff};
}

void oracle_engine_setup(void)
{
    bench_init(&B);
    for (unsigned n = 0; n < 256; n++) /* the low memory is the supervisor's */
        bench_put64(&B, PT + n * 8, n * 4096ull | 3);
    bench_put64(&B, PD + (MEM_BASE >> 21) * 8, PT_MEM | 7);
    bench_put64(&B, PD + (CODE_BASE >> 21) * 8, PT_CODE | 7);
    for (unsigned n = 0; n < MEM_SIZE / 4096; n++)
        bench_put64(&B, PT_MEM + n * 8, (DATA + n * 4096ull) | 7);
    bench_put64(&B, PT_CODE, CODE | 5);
    memset(bench_ram(&B, CODE), 0xcc, 4096); /* as in oracle_native.c */
    put_idt();
    put_gdt();
}

void oracle_engine_finish(void)
{
    bench_fini(&B);
}

static void load(const struct oracle_case *c)
{
    static const uint8_t end[2] = {0xcd, END_VECTOR}, pad[2] = {0xcd, PAD_VECTOR};
    struct x86_state *st = &B.st;
    const struct fxstate *fx = &c->in.fx;
    unsigned top = fx->fsw >> 11 & 7;
    struct x86_dtable gdtr = {.base = STACK0, .limit = 0xfff};

    bench_state(st);
    st->gdtr = gdtr;
    st->idtr = (struct x86_dtable){.base = IDT, .limit = 0xfff};
    st->seg[S_TR] = (struct x86_seg){.sel = 0x40, .base = TSS, .limit = 103,
                                     .attr = SEG_P | 11};
    for (unsigned s = S_ES; s <= S_GS; s++)
        st->seg[s].attr |= SEG_DPL;
    st->seg[S_SS].sel = 0x2b;
    st->seg[S_GS].base = MEM_BASE;
    st->seg[S_CS].sel = 0x33;
    if (c->mode == X86_MODE_32) {
        st->seg[S_CS].sel = 0x23;
        st->seg[S_CS].attr = (st->seg[S_CS].attr & ~SEG_L) | SEG_DB;
    }
    st->rip = CODE_START;
    st->rflags = c->in.rflags;
    memcpy(st->gpr, c->in.gpr, sizeof(st->gpr));
    st->fcw = fx->fcw;
    st->fsw = fx->fsw;
    st->mxcsr = fx->mxcsr;
    memcpy(st->xmm, fx->xmm, sizeof(st->xmm));
    for (unsigned n = 0; n < 8; n++) {
        memcpy(&st->fpr[(top + n) & 7].mant, fx->st[n], 8);
        memcpy(&st->fpr[(top + n) & 7].se, fx->st[n] + 8, 2);
    }
    st->ftw = x86_ftw_full(st->fpr, fx->ftw);
    bench_put(&B, DATA, c->mem, MEM_SIZE);
    bench_put(&B, CODE + (CODE_START - CODE_BASE), c->code, c->code_len);
    bench_put(&B, CODE + (CODE_START - CODE_BASE) + c->code_len, end, 2);
    bench_put(&B, CODE + (CODE_PAD - CODE_BASE), pad, 2);
}

/* What the handler's stack says: [error] RIP CS RFLAGS RSP SS. */
static void unwind_frame(struct machine_state *o, unsigned vector)
{
    bool has_error = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
    uint64_t f[6] = {0};

    memcpy(has_error ? f : f + 1, bench_ram(&B, B.st.gpr[R_RSP]), has_error ? 48 : 40);
    o->vector = (int)vector;
    o->error = (uint32_t)f[0];
    o->rip = f[1];
    o->rflags = f[3] & ~(uint64_t)FL_RF;
    o->gpr[R_RSP] = f[4];
    if (vector == END_VECTOR)
        o->rip -= 2;
    if (vector == PAD_VECTOR)
        o->rip = CODE_PAD;
    if (vector == END_VECTOR || vector == PAD_VECTOR)
        o->vector = -1;
    if (vector == EXC_PF)
        o->cr2 = B.st.cr2;
}

void oracle_engine(const struct oracle_case *c, struct oracle_run *r)
{
    struct machine_state *o = &r->out;
    unsigned top;
    enum vcpu_exit why;

    load(c);
    why = bench_run(&B);
    memset(o, 0, sizeof(*o));
    memcpy(o->gpr, B.st.gpr, sizeof(o->gpr));
    if (why == VCPU_HALTED && B.st.rip - 1 - HANDLERS < 0x1000)
        unwind_frame(o, (unsigned)(B.st.rip - 1 - HANDLERS) / 16);
    else
        o->vector = 1000 + (int)why; /* no exception is that */
    top = B.st.fsw >> 11 & 7;
    o->fx.fcw = B.st.fcw;
    o->fx.fsw = B.st.fsw;
    o->fx.ftw = x86_ftw_abridge(B.st.ftw);
    o->fx.mxcsr = B.st.mxcsr;
    memcpy(o->fx.xmm, B.st.xmm, sizeof(o->fx.xmm));
    for (unsigned n = 0; n < 8; n++) {
        memcpy(o->fx.st[n], &B.st.fpr[(top + n) & 7].mant, 8);
        memcpy(o->fx.st[n] + 8, &B.st.fpr[(top + n) & 7].se, 2);
    }
    memcpy(r->mem, bench_ram(&B, DATA), MEM_SIZE);
}

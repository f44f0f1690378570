/* SPDX-License-Identifier: MIT */
/*
 * x87 and SSE state in memory and between instructions: FSTENV, FSAVE, FXSAVE, XSAVE and their
 * inverses against the host (pointers excepted: hosts keep them in different ways) and, for the
 * formats the host cannot show, against the figures of SDM vol. 1 section 8.1.10; the guards;
 * when #MF, #XM, #GP, #PF come and what they leave.
 */
#include "accel/tcg-interp/exec_table.h"
#include "tests/insn/native_fp.h"

enum { ROUNDS = 300, AREA = 640, B_REX = 0x48 };

static struct native N;

static struct x86_insn decode(const uint8_t *bytes, enum x86_mode mode)
{
    struct x86_insn i;

    ck_assert_int_eq(x86_decode(bytes, 15, mode, &i), DECODE_OK);
    return i;
}

static int guest_do(struct x86_cpu *c, const char *bytes)
{
    uint8_t padded[16] = {0};
    struct x86_insn i;

    memcpy(padded, bytes, strlen(bytes));
    i = decode(padded, c->mode);
    return guest_run(c, &i, exec_table[i.row]);
}

/* ---- Against the host ---------------------------------------------------------------------- */

struct form {
    const char *name;
    uint8_t bytes[6];
    unsigned len;
    unsigned ptr, ptr_end; /* bytes of the area that hold pointers and the opcode */
    bool load;
    bool xsave;
};
static const struct form forms[] = {
    {"fnstenv32", {0xd9, 0x33}, 2, 12, 28, false, false},
    {"fnstenv16", {0x66, 0xd9, 0x33}, 3, 6, 14, false, false},
    {"fnsave32", {0xdd, 0x33}, 2, 12, 28, false, false},
    {"fnsave16", {0x66, 0xdd, 0x33}, 3, 6, 14, false, false},
    {"fldenv32", {0xd9, 0x23}, 2, 0, 0, true, false},
    {"fldenv16", {0x66, 0xd9, 0x23}, 3, 0, 0, true, false},
    {"frstor32", {0xdd, 0x23}, 2, 0, 0, true, false},
    {"frstor16", {0x66, 0xdd, 0x23}, 3, 0, 0, true, false},
    {"fxsave", {0x0f, 0xae, 0x03}, 3, 6, 24, false, false},
    {"fxsave64", {B_REX, 0x0f, 0xae, 0x03}, 4, 6, 24, false, false},
    {"fxrstor", {0x0f, 0xae, 0x0b}, 3, 0, 0, true, false},
    {"fxrstor64", {B_REX, 0x0f, 0xae, 0x0b}, 4, 0, 0, true, false},
    {"xsave", {0x0f, 0xae, 0x23}, 3, 6, 24, false, true},
    {"xsave64", {B_REX, 0x0f, 0xae, 0x23}, 4, 6, 24, false, true},
    {"xrstor", {0x0f, 0xae, 0x2b}, 3, 0, 0, true, true},
    {"xrstor64", {B_REX, 0x0f, 0xae, 0x2b}, 4, 0, 0, true, true},
};

/* An area as an operating system might hand it back: plausible header, valid MXCSR. */
static void gen_area(const struct form *f)
{
    uint64_t header[8] = {rnd() & 3};

    for (unsigned k = 0; k < AREA; k += 8) {
        uint64_t q = rnd();

        memcpy(T.mem + k, &q, 8);
    }
    if (f->load && f->bytes[f->len - 2] == 0xae) {
        uint32_t mxcsr = rnd() & MXCSR_VALID;

        memcpy(T.mem + 24, &mxcsr, 4);
    }
    if (f->xsave)
        memcpy(T.mem + 512, header, 64);
    memcpy(T.guest, T.mem, PAGE);
}

static bool host_has_xsave(void)
{
    uint32_t a = 1, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c >> 27 & 1;
}

/* XINUSE is the host's own: what it reports as initial is initial, but not the other way. */
static void forgive(const struct form *f)
{
    memset(T.mem + f->ptr, 0, f->ptr_end - f->ptr);
    memset(T.guest + f->ptr, 0, f->ptr_end - f->ptr);
    if (!f->load && f->bytes[f->len - 2] == 0xae) /* MXCSR_MASK: AMD's MM bit */
        memcpy(T.mem + 28, T.guest + 28, 4);
    if (f->xsave && !f->load)
        T.mem[512] = T.guest[512];
}

static unsigned try_form(const struct form *f)
{
    struct x86_insn i = decode(f->bytes, X86_MODE_64);
    const char *why;
    int sig, vec;

    gen_state(&N);
    gen_area(f);
    N.r_in[0] = f->xsave ? rnd() & 3 : 0;
    N.r_in[2] = 0;
    sig = native_run(&N, f->bytes, f->len);
    guest_load(&T.cpu, &N);
    vec = guest_run(&T.cpu, &i, exec_table[i.row]);
    forgive(f);
    why = sig || vec ? "exception" : differ(&T.cpu, &N);
    if (!why && memcmp(T.mem, T.guest, AREA))
        why = "area";
    if (!why)
        return 0;
    report(&T.cpu, &N, f->name, why);
    printf("sig %d vec %d rfbm %x bv %x\n", sig, vec, (unsigned)N.r_in[0], T.mem[512]);
    for (unsigned k = 0; k < AREA; k++)
        if (T.mem[k] != T.guest[k])
            printf(" +%u: host %02x ours %02x", k, T.mem[k], T.guest[k]);
    printf("\n");
    return 1;
}

START_TEST(host_agrees)
{
    unsigned bad = 0;

    native_setup();
    if (forms[_i].xsave && !host_has_xsave())
        return;
    for (unsigned k = 0; k < ROUNDS && bad < 3; k++)
        bad += try_form(&forms[_i]);
    ck_assert_msg(bad == 0, "%s", forms[_i].name);
}
END_TEST

/* ---- A guest of our own -------------------------------------------------------------------- */

static struct x86_cpu *fresh(void)
{
    memset(&N, 0, sizeof(N));
    N.in.fcw = FCW_INIT;
    N.in.mxcsr = MXCSR_INIT;
    guest_load(&T.cpu, &N);
    memset(T.guest, 0, PAGE);
    return &T.cpu;
}
static uint32_t guest32(unsigned off)
{
    uint32_t v;

    memcpy(&v, T.guest + off, 4);
    return v;
}
static void guest_put32(unsigned off, uint32_t v)
{
    memcpy(T.guest + off, &v, 4);
}
enum { F32_HALF = 0x3f000000, F32_ONE = 0x3f800000 };
#define FLD_M32 "\xd9\x03"
#define FLD1 "\xd9\xe8"
#define FLDZ "\xd9\xee"
#define FLDPI "\xd9\xeb"
#define FDIVP "\xde\xf9"
#define FSTP_M32 "\xd9\x1b"
#define FNSTSW_AX "\xdf\xe0"
#define FNCLEX "\xdb\xe2"
#define FWAIT "\x9b"
#define FNSTENV "\xd9\x33"
#define FLDENV "\xd9\x23"
#define FXAM "\xd9\xe5"

/* Pointers: FIP, FOP and FDP of the last non-control instruction. */
START_TEST(pointers)
{
    struct x86_cpu *c = fresh();

    c->rip = 0x123456789abc;
    c->seg[S_CS].sel = 0x33;
    c->seg[S_DS].sel = 0x2b;
    guest_put32(0, F32_ONE);
    ck_assert_int_eq(guest_do(c, FLD_M32), 0);
    c->rip += 2;
    ck_assert_int_eq(guest_do(c, FNSTENV), 0);
    ck_assert_uint_eq(guest32(12), 0x56789abc);
    ck_assert_uint_eq(guest32(16), 0x01030033);
    ck_assert_uint_eq(guest32(20), GUEST_MEM);
    ck_assert_uint_eq(guest32(24), 0xffff002b);
    ck_assert_int_eq(guest_do(c, "\x48\x0f\xae\x03"), 0); /* FXSAVE64 */
    ck_assert_uint_eq(guest32(4) >> 16, 0x103);
    ck_assert_uint_eq(guest32(8), 0x56789abc);
    ck_assert_uint_eq(guest32(12), 0x1234);
    ck_assert_uint_eq(guest32(16), GUEST_MEM);
}
END_TEST

/* Figures 8-10 and 8-12: real-address mode stores linear addresses and the opcode. */
START_TEST(real_mode_formats)
{
    struct x86_cpu *c = fresh();

    c->pe = c->lma = false;
    c->cr0 &= ~(uint64_t)(CR0_PE | CR0_PG);
    c->mode = X86_MODE_16;
    c->fop = 0x5d9;
    c->fip = 0x789a;
    c->fcs = 0xabcd;
    c->fdp = 0x1234;
    c->fds = 0x8000;
    c->r[R_RDI] = c->r[R_RBX] = 0;
    c->seg_base[S_DS] = GUEST_MEM;
    c->seg[S_DS] = (struct x86_seg){.attr = SEG_P | SEG_S | SEG_RW, .limit = 0xffff};
    ck_assert_int_eq(guest_do(c, "\xd9\x35"), 0); /* FNSTENV [DI], 14 bytes */
    ck_assert_uint_eq(guest32(0), 0x0000037f);
    ck_assert_uint_eq(guest32(4), 0x356affff); /* 0xabcd0 + 0x789a = 0xb356a */
    ck_assert_uint_eq(guest32(8), 0x1234b5d9);
    ck_assert_uint_eq(guest32(12), 0x8000);
    c->fcw = FCW_INIT;
    ck_assert_int_eq(guest_do(c, "\x66\xd9\x35"), 0); /* 28 bytes */
    ck_assert_uint_eq(guest32(12) & 0xffff, 0x356a);
    ck_assert_uint_eq(guest32(16), 0x0000b5d9);
    ck_assert_uint_eq(guest32(20) & 0xffff, 0x1234);
    ck_assert_uint_eq(guest32(24), 0x00008000);
    c->fip = c->fdp = c->fop = 0;
    ck_assert_int_eq(guest_do(c, "\x66\xd9\x25"), 0); /* FLDENV */
    ck_assert_uint_eq(c->fip, 0xb356a);
    ck_assert_uint_eq(c->fdp, 0x81234);
    ck_assert_uint_eq(c->fop, 0x5d9);
}
END_TEST

/* ---- Exceptions ---------------------------------------------------------------------------- */

/* Divide by zero, unmasked: nothing at the division, #MF at the next waiting instruction. */
START_TEST(mf_is_deferred)
{
    struct x86_cpu *c = fresh();

    c->fcw &= ~FP_ZE;
    ck_assert_int_eq(guest_do(c, FLD1), 0);
    ck_assert_int_eq(guest_do(c, FLDZ), 0);
    ck_assert_int_eq(guest_do(c, FDIVP), 0);
    ck_assert_uint_eq(c->fsw & (FSW_ES | FSW_B | FP_ZE), FSW_ES | FSW_B | FP_ZE);
    ck_assert_uint_eq(x86_fpu_top(c), 6); /* not popped */
    ck_assert_int_eq(guest_do(c, FNSTSW_AX), 0);
    ck_assert_uint_eq(c->r[R_RAX], c->fsw);
    ck_assert_int_eq(guest_do(c, FLD1), 256 + EXC_MF);
    ck_assert_int_eq(guest_do(c, FWAIT), 256 + EXC_MF);
    ck_assert_int_eq(guest_do(c, "\x0f\xef\xc0"), 256 + EXC_MF); /* PXOR MM0, MM0 */
    ck_assert_int_eq(guest_do(c, "\x66\x0f\xef\xc0"), 0);        /* PXOR XMM0, XMM0 */
    ck_assert_int_eq(guest_do(c, FNCLEX), 0);
    ck_assert_uint_eq(c->fsw & (FSW_ES | FSW_B | FP_EXC), 0);
    ck_assert_int_eq(guest_do(c, FLD1), 0);
}
END_TEST

/* FLDCW and FLDENV can make old flags pending; FSTENV masks everything. */
START_TEST(unmasking_makes_pending)
{
    struct x86_cpu *c = fresh();

    c->fsw = FP_PE;
    guest_put32(0, 0x35f); /* PM clear */
    ck_assert_int_eq(guest_do(c, "\xd9\x2b"), 0);
    ck_assert(c->fsw & FSW_ES);
    ck_assert_int_eq(guest_do(c, FXAM), 256 + EXC_MF);
    ck_assert_int_eq(guest_do(c, FNSTENV), 0);
    ck_assert_uint_eq(guest32(4) & 0xffff, FSW_B | FSW_ES | FP_PE);
    ck_assert_uint_eq(c->fsw, FP_PE);
    ck_assert_int_eq(guest_do(c, FLDENV), 0);
    ck_assert(c->fsw & FSW_ES);
}
END_TEST

/* A store that faults leaves registers and flags as they were; the fault comes first. */
START_TEST(store_fault_is_clean)
{
    struct x86_cpu *c = fresh();
    uint16_t fsw;

    ck_assert_int_eq(guest_do(c, FLDPI), 0);
    c->fsw &= ~(FP_EXC | FSW_C1);
    fsw = c->fsw;
    x86_mxcsr_enter(c); /* what the host has seen must not come back either */
    c->r[R_RBX] = GUEST_MEM + PAGE - 2;
    ck_assert_int_eq(guest_do(c, FSTP_M32), 256 + EXC_PF);
    ck_assert_uint_eq(c->fsw, fsw);
    ck_assert_uint_eq(c->fptag, 0x80);
    c->r[R_RBX] = GUEST_MEM;
    ck_assert_int_eq(guest_do(c, FSTP_M32), 0);
    ck_assert_uint_eq(c->fsw & FP_EXC, FP_PE);
    ck_assert_uint_eq(c->fptag, 0);
    x86_mxcsr_leave(c);
}
END_TEST

START_TEST(xm_or_ud)
{
    struct x86_cpu *c = fresh();

    c->mxcsr = MXCSR_INIT & ~(FP_ZE << 7);
    c->xmm[0].d[0] = F32_ONE;
    ck_assert_int_eq(guest_do(c, "\xf3\x0f\x5e\xc1"), 256 + EXC_XM); /* DIVSS XMM0, XMM1 */
    ck_assert_uint_eq(c->xmm[0].d[0], F32_ONE);
    ck_assert_uint_eq(c->mxcsr & FP_EXC, FP_ZE);
    c->cr4 &= ~(uint64_t)CR4_OSXMMEXCPT;
    ck_assert_int_eq(guest_do(c, "\xf3\x0f\x5e\xc1"), 256 + EXC_UD);
    c->mxcsr = MXCSR_INIT;
    ck_assert_int_eq(guest_do(c, "\xf3\x0f\x5e\xc1"), 0);
    ck_assert_uint_eq(c->xmm[0].d[0], 0x7f800000);
    ck_assert_uint_eq(c->mxcsr, MXCSR_INIT | FP_ZE);
}
END_TEST

START_TEST(general_protection)
{
    struct x86_cpu *c = fresh();
    static const char *const aligned16[] = {"\x0f\x28\x03", "\x0f\x58\x03", "\x66\x0f\xef\x03",
                                            "\x0f\x29\x03", "\x0f\xae\x03", "\x0f\xae\x0b"};

    guest_put32(0, MXCSR_INIT | 1u << 16);
    ck_assert_int_eq(guest_do(c, "\x0f\xae\x13"), 256 + EXC_GP); /* LDMXCSR */
    ck_assert_uint_eq(c->mxcsr, MXCSR_INIT);
    guest_put32(24, 1u << 31);
    ck_assert_int_eq(guest_do(c, "\x0f\xae\x0b"), 256 + EXC_GP); /* FXRSTOR */
    c->r[R_RBX] = GUEST_MEM + 8;
    for (unsigned k = 0; k < 6; k++)
        ck_assert_int_eq(guest_do(c, aligned16[k]), 256 + EXC_GP);
    ck_assert_int_eq(guest_do(c, "\x0f\x10\x03"), 0); /* MOVUPS */
    ck_assert_int_eq(guest_do(c, "\xf2\x0f\x58\x03"), 0); /* ADDSD */
    c->r[R_RAX] = 3;
    c->r[R_RBX] = GUEST_MEM + 16;
    ck_assert_int_eq(guest_do(c, "\x0f\xae\x23"), 256 + EXC_GP); /* XSAVE wants 64 */
}
END_TEST

static int xrstor_with(struct x86_cpu *c, uint64_t bv, uint64_t comp, uint64_t reserved)
{
    memset(T.guest, 0, PAGE);
    guest_put32(24, MXCSR_INIT);
    memcpy(T.guest + 512, &bv, 8);
    memcpy(T.guest + 520, &comp, 8);
    memcpy(T.guest + 528, &reserved, 8);
    c->r[R_RAX] = 3;
    c->r[R_RDX] = 0;
    return guest_do(c, "\x0f\xae\x2b");
}

START_TEST(xrstor_header)
{
    struct x86_cpu *c = fresh();
    const uint64_t compact = 1ull << 63;

    ck_assert_int_eq(xrstor_with(c, 3, 0, 0), 0);
    ck_assert_int_eq(xrstor_with(c, 4, 0, 0), 256 + EXC_GP);
    ck_assert_int_eq(xrstor_with(c, 3, 1, 0), 256 + EXC_GP);
    ck_assert_int_eq(xrstor_with(c, 3, 0, 1), 256 + EXC_GP);
    ck_assert_int_eq(xrstor_with(c, 3, compact | 3, 0), 0);
    ck_assert_int_eq(xrstor_with(c, 3, compact | 1, 0), 256 + EXC_GP);
    ck_assert_int_eq(xrstor_with(c, 3, compact | 7, 0), 256 + EXC_GP);
    ck_assert_int_eq(xrstor_with(c, 3, compact | 3, 1), 256 + EXC_GP);
    c->cr4 &= ~(uint64_t)CR4_OSXSAVE;
    ck_assert_int_eq(xrstor_with(c, 3, 0, 0), 256 + EXC_UD);
}
END_TEST

/* The init optimisation, and MXCSR's part in it (SDM vol. 1 sections 13.6, 13.8 to 13.10). */
START_TEST(xsave_init)
{
    struct x86_cpu *c = fresh();

    memset(T.guest, 0xee, PAGE);
    memset(T.guest + 512, 0, 64);
    c->r[R_RAX] = 3;
    c->r[R_RDX] = 0;
    ck_assert_int_eq(guest_do(c, "\x0f\xc7\x23"), 0); /* XSAVEC: nothing in use */
    ck_assert_uint_eq(guest32(512), 0);
    ck_assert_uint_eq(guest32(520), 3);
    ck_assert_uint_eq(guest32(524), 0x80000000);
    ck_assert_uint_eq(guest32(0), 0xeeeeeeee);
    ck_assert_uint_eq(guest32(24), 0xeeeeeeee);
    c->mxcsr = MXCSR_INIT | FP_PE;
    ck_assert_int_eq(guest_do(c, "\x0f\xc7\x23"), 0);
    ck_assert_uint_eq(guest32(512), XSTATE_SSE);
    ck_assert_uint_eq(guest32(24), MXCSR_INIT | FP_PE);
    memset(T.guest, 0xee, 512);
    ck_assert_int_eq(guest_do(c, "\x0f\xae\x33"), 0); /* XSAVEOPT */
    ck_assert_uint_eq(guest32(512), 0);
    ck_assert_uint_eq(guest32(24), MXCSR_INIT | FP_PE);
    ck_assert_uint_eq(guest32(160), 0xeeeeeeee);
    ck_assert_int_eq(guest_do(c, FLD1), 0);
    ck_assert_int_eq(guest_do(c, "\x0f\xae\x33"), 0);
    ck_assert_uint_eq(guest32(512), XSTATE_X87);
    ck_assert_uint_eq(guest32(0) & 0xffff, FCW_INIT);
}
END_TEST

/* CR0 and CR4 against each kind of row: SDM vol. 3 tables 2-2 and 13-1. */
START_TEST(guards)
{
    static const struct {
        uint64_t cr0_set, cr4_clear;
        int x87, fwait, mmx, sse, fxsave;
    } rows[] = {
        {0, 0, 0, 0, 0, 0, 0},
        {CR0_EM, 0, EXC_NM, 0, EXC_UD, EXC_UD, EXC_NM},
        {CR0_TS, 0, EXC_NM, EXC_NM, EXC_NM, EXC_NM, EXC_NM},
        {CR0_TS | CR0_EM, 0, EXC_NM, EXC_NM, EXC_UD, EXC_UD, EXC_NM},
        {0, CR4_OSFXSR, 0, 0, 0, EXC_UD, 0},
    };

    for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        struct x86_cpu *c = fresh();

        c->cr0 |= rows[k].cr0_set;
        c->cr4 &= ~rows[k].cr4_clear;
        ck_assert_int_eq(guest_do(c, FLD1) & 255, rows[k].x87);
        ck_assert_int_eq(guest_do(c, FWAIT) & 255, rows[k].fwait);
        ck_assert_int_eq(guest_do(c, "\x0f\xef\xc0") & 255, rows[k].mmx);
        ck_assert_int_eq(guest_do(c, "\x0f\x57\xc0") & 255, rows[k].sse);
        ck_assert_int_eq(guest_do(c, "\x0f\xae\x03") & 255, rows[k].fxsave);
    }
}
END_TEST

/* FWAIT without CR0.MP does not look at TS. */
START_TEST(fwait_needs_mp)
{
    struct x86_cpu *c = fresh();

    c->cr0 = (c->cr0 | CR0_TS) & ~(uint64_t)CR0_MP;
    ck_assert_int_eq(guest_do(c, FWAIT), 0);
    ck_assert_int_eq(guest_do(c, FLD1), 256 + EXC_NM);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fpu_state");
    TCase *t = tcase_create("all");
    const TTest *tests[] = {pointers, real_mode_formats, mf_is_deferred, unmasking_makes_pending,
                            store_fault_is_clean, xm_or_ud, general_protection, xrstor_header,
                            xsave_init, guards, fwait_needs_mp};
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, host_agrees, 0, sizeof(forms) / sizeof(forms[0]));
    for (unsigned k = 0; k < sizeof(tests) / sizeof(tests[0]); k++)
        tcase_add_test(t, tests[k]);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

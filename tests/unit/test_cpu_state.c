/* SPDX-License-Identifier: MIT */
/*
 * struct x86_state <-> struct x86_cpu: any valid state survives load and save; RESET and INIT
 * against SDM vol. 3 table 10-1; SIPI; control register writes; MSRs of msr.def.
 */
#include <check.h>

#include "target/x86/segment.h"
#include "tests/unit/x86_stub.h"

static struct stub *s;
static struct x86_cpu *c;

static void setup(void)
{
    s = stub_new("max");
    c = &s->c;
}

static void teardown(void)
{
    stub_free(s);
}

static uint64_t rnd(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* A state that a processor can be in: bits that read as constants are what they are. */
static void random_state(struct x86_state *st, uint64_t *x)
{
    static const uint16_t tags[] = { 0, 1, 2, 3 };

    memset(st, 0, sizeof(*st));
    for (unsigned k = 0; k < 16; k++)
        st->gpr[k] = rnd(x);
    st->rip = rnd(x);
    st->rflags = (rnd(x) & 0x3f7fd5 & ~(uint64_t)FL_VM) | FL_1;
    for (unsigned k = 0; k < 8; k++) {
        st->seg[k].sel = rnd(x);
        st->seg[k].attr = rnd(x) & 0xf1ff;
        st->seg[k].limit = rnd(x);
        st->seg[k].base = rnd(x);
    }
    st->gdtr = (struct x86_dtable){ .base = rnd(x), .limit = rnd(x) };
    st->idtr = (struct x86_dtable){ .base = rnd(x), .limit = rnd(x) };
    st->cr0 = (rnd(x) & 0xe005001f) | CR0_ET;
    st->cr2 = rnd(x);
    st->cr3 = rnd(x);
    st->cr4 = rnd(x) & 0x370ff8;
    for (unsigned k = 0; k < 4; k++)
        st->pdpte[k] = rnd(x);
    for (unsigned k = 0; k < 4; k++)
        st->dr[k] = rnd(x);
    st->dr[6] = (rnd(x) & 0xe00f) | DR6_FIXED;
    st->dr[7] = (rnd(x) & 0xffff23ff) | DR7_FIXED;
    st->xcr0 = 3;
    for (unsigned k = 0; k < 8; k++) {
        unsigned tag = tags[rnd(x) & 3];

        /* the tag of a register that is not empty follows from its contents */
        st->fpr[k].mant = tag == 1 ? 0 : rnd(x) | (tag == 0 ? 1ull << 63 : 1);
        st->fpr[k].se = tag == 1 ? 0 : tag == 2 ? 0x7fff : 0x3fff;
        st->ftw |= tag << (2 * k);
    }
    st->fcw = (rnd(x) & 0x1f3f) | 0x40;
    st->fsw = rnd(x) & 0x7fff;
    st->fop = rnd(x) & 0x7ff;
    st->fcs = rnd(x);
    st->fds = rnd(x);
    st->fip = rnd(x);
    st->fdp = rnd(x);
    st->mxcsr = rnd(x) & 0xffff;
    for (unsigned k = 0; k < 256; k++)
        st->xmm[k / 16][k % 16] = rnd(x);
#define MSR(index, name, ...) st->msr.name = rnd(x);
#include "target/x86/msr.def"
#undef MSR
    for (unsigned k = 0; k < sizeof(st->ext); k++)
        ((uint8_t *)&st->ext)[k] = rnd(x);
    st->mp_state = rnd(x) % 4;
    st->inhibit_irq = rnd(x) & 1;
    st->inhibit_movss = rnd(x) & 1;
    st->nmi_masked = rnd(x) & 1;
    st->event = rnd(x) % 4;
    st->event_vector = rnd(x);
    st->event_has_error = rnd(x) & 1;
    st->event_error = rnd(x);
    st->db_pending = rnd(x) & 0xe00f;
}

START_TEST(test_round_trip)
{
    struct x86_state *a = g_new0(struct x86_state, 1), *b = g_new0(struct x86_state, 1);
    uint64_t x = 88172645463325252ull;

    for (unsigned n = 0; n < 2000; n++) {
        random_state(a, &x);
        x86_cpu_load(c, a);
        x86_cpu_save(c, b);
        if (memcmp(a, b, sizeof(*a)))
            for (size_t k = 0; k < sizeof(*a); k++)
                ck_assert_msg(((uint8_t *)a)[k] == ((uint8_t *)b)[k], "run %u, byte %zu", n, k);
    }
    g_free(a);
    g_free(b);
}
END_TEST

START_TEST(test_derived)
{
    struct x86_state st;

    x86_state_reset(&st, true, 0x1234);
    x86_cpu_load(c, &st);
    ck_assert(!c->pe && c->mode == X86_MODE_16 && c->stack_size == 2 && c->cpl == 0);
    st.cr0 |= CR0_PE;
    st.seg[S_CS].attr |= SEG_DB;
    st.seg[S_SS].attr |= SEG_DB | SEG_DPL;
    x86_cpu_load(c, &st);
    ck_assert(c->pe && c->mode == X86_MODE_32 && c->stack_size == 4 && c->cpl == 3);
    st.rflags |= FL_VM;
    x86_cpu_load(c, &st);
    ck_assert(c->vm86 && c->mode == X86_MODE_16 && c->stack_size == 2 && c->cpl == 3);
    st.rflags &= ~(uint64_t)FL_VM;
    st.msr.efer = EFER_LME | EFER_LMA;
    st.seg[S_CS].attr = (st.seg[S_CS].attr & ~SEG_DB) | SEG_L;
    x86_cpu_load(c, &st);
    ck_assert(c->lma && c->mode == X86_MODE_64 && c->stack_size == 8);
}
END_TEST

START_TEST(test_reset)
{
    struct x86_state st;

    memset(&st, 0xaa, sizeof(st));
    x86_state_reset(&st, true, 0x30661);
    ck_assert_uint_eq(st.rip, 0xfff0);
    ck_assert_uint_eq(st.rflags, 2);
    ck_assert_uint_eq(st.cr0, 0x60000010);
    ck_assert_uint_eq(st.seg[S_CS].sel, 0xf000);
    ck_assert_uint_eq(st.seg[S_CS].base, 0xffff0000);
    ck_assert_uint_eq(st.seg[S_SS].limit, 0xffff);
    ck_assert_uint_eq(st.gpr[R_RDX], 0x30661);
    ck_assert_uint_eq(st.dr[6], 0xffff0ff0);
    ck_assert_uint_eq(st.dr[7], 0x400);
    ck_assert_uint_eq(st.idtr.limit, 0xffff);
    ck_assert_uint_eq(st.fcw, 0x40);
    ck_assert_uint_eq(st.ftw, 0x5555);
    ck_assert_uint_eq(st.mxcsr, 0x1f80);
    ck_assert_uint_eq(st.msr.pat, 0x0007040600070406ull);
    ck_assert_uint_eq(st.mp_state, MP_RUNNABLE);
    x86_state_reset(&st, false, 0);
    ck_assert_uint_eq(st.mp_state, MP_WAIT_SIPI);
}
END_TEST

START_TEST(test_init_keeps)
{
    struct x86_state st, old;
    uint64_t x = 12345;

    random_state(&st, &x);
    old = st;
    x86_state_init(&st, false, 0x30661);
    ck_assert_mem_eq(st.fpr, old.fpr, sizeof(st.fpr));
    ck_assert_mem_eq(st.xmm, old.xmm, sizeof(st.xmm));
    ck_assert_uint_eq(st.mxcsr, old.mxcsr);
    ck_assert_uint_eq(st.xcr0, old.xcr0);
    ck_assert_uint_eq(st.msr.pat, old.msr.pat);
    ck_assert_uint_eq(st.tsc, old.tsc);
    ck_assert_uint_eq(st.cr0 & (CR0_CD | CR0_NW), old.cr0 & (CR0_CD | CR0_NW));
    ck_assert_uint_eq(st.cr0 & ~0x60000000ull, CR0_ET);
    ck_assert_uint_eq(st.msr.efer, 0);
    ck_assert_uint_eq(st.cr3 | st.cr4 | st.cr8, 0);
    ck_assert_uint_eq(st.rip, 0xfff0);
    ck_assert_uint_eq(st.mp_state, MP_WAIT_SIPI);
}
END_TEST

/* ---- Control registers and MSRs, raising into a frame of ours -------------------------------- */

static bool raises(void (*fn)(struct x86_cpu *, uint64_t), uint64_t v)
{
    sigjmp_buf here;

    c->unwind = &here;
    if (sigsetjmp(here, 0)) {
        ck_assert_uint_eq(c->exc.vector, EXC_GP);
        ck_assert_uint_eq(c->exc.error, 0);
        return true;
    }
    fn(c, v);
    return false;
}

static uint32_t msr_index;
static void write_msr(struct x86_cpu *cpu, uint64_t v)
{
    x86_wrmsr(cpu, msr_index, v);
}

START_TEST(test_long_mode_entry)
{
    struct x86_state st;

    x86_state_reset(&st, true, 0);
    x86_cpu_load(c, &st);
    msr_index = 0xc0000080;
    ck_assert(!raises(x86_set_cr0, CR0_PE | CR0_ET));
    ck_assert(!raises(write_msr, EFER_LME));
    ck_assert(raises(x86_set_cr0, CR0_PE | CR0_PG)); /* no PAE */
    ck_assert(!raises(x86_set_cr4, CR4_PAE));
    ck_assert(raises(x86_set_cr4, CR4_PAE | CR4_PCIDE)); /* not yet in IA-32e mode */
    c->seg[S_CS].attr |= SEG_L;
    ck_assert(raises(x86_set_cr0, CR0_PE | CR0_PG)); /* CS.L */
    c->seg[S_CS].attr &= ~SEG_L;
    ck_assert(!raises(x86_set_cr0, CR0_PE | CR0_PG));
    ck_assert(c->lma && (c->msr.efer & EFER_LMA));
    ck_assert(raises(write_msr, 0)); /* LME while paging */
    ck_assert(raises(x86_set_cr4, 0)); /* PAE off */
    ck_assert(!raises(x86_set_cr4, CR4_PAE | CR4_PCIDE));
    ck_assert(raises(x86_set_cr0, CR0_PE)); /* PG off with PCIDE */
    ck_assert(!raises(x86_set_cr4, CR4_PAE));
    ck_assert(!raises(x86_set_cr0, CR0_PE));
    ck_assert(!c->lma && !(c->msr.efer & EFER_LMA));
    ck_assert(raises(x86_set_cr0, CR0_PG | CR0_ET));
    ck_assert(raises(x86_set_cr0, CR0_PE | CR0_NW));
    ck_assert(raises(x86_set_cr0, 1ull << 32));
}
END_TEST

START_TEST(test_msr_values)
{
    static const struct {
        uint32_t index;
        uint64_t value;
        bool fault;
    } cases[] = {
        { 0x277, 0x0007040600070406ull, false }, { 0x277, 0x0000000000000002ull, true },
        { 0x277, 0x0800000000000000ull, true }, { 0xc0000082, 0x00007fffffffffffull, false },
        { 0xc0000082, 0x0000800000000000ull, true }, { 0xc0000100, 1ull << 63, true },
        { 0x2ff, 0xc06, false }, { 0x2ff, 0xc02, true }, { 0x2ff, 0x1000, true },
        { 0x200, 0x80000006, false }, { 0x200, 0x80000002, true }, { 0x200, 1ull << 50, true },
        { 0x201, 0x800, false }, { 0x201, 0x400, true }, { 0x250, 0x0606060606060606ull, false },
        { 0x250, 0x0606060606060602ull, true }, { 0x17b, ~0ull, false }, { 0x17b, 1, true },
        { 0x401, 0, false }, { 0x401, 1, true }, { 0x8b, 5, false }, { 0x3a, 1, true },
        { 0xfe, 0, true }, { 0x12345, 0, true }, { 0xc0000103, 1ull << 32, true },
    };

    for (unsigned k = 0; k < G_N_ELEMENTS(cases); k++) {
        msr_index = cases[k].index;
        ck_assert_msg(raises(write_msr, cases[k].value) == cases[k].fault, "MSR %x = %llx",
                      cases[k].index, (unsigned long long)cases[k].value);
    }
    ck_assert_uint_eq(x86_rdmsr(c, 0x8b), 0); /* the stub was never reset; writes have no effect */
}
END_TEST

/* TSC and TSC_ADJUST move together (SDM vol. 3 section 17.17.3). */
START_TEST(test_tsc_adjust)
{
    s->tsc = 1000;
    x86_wrmsr(c, 0x10, 5000);
    ck_assert_uint_eq(x86_rdmsr(c, 0x3b), 4000);
    x86_wrmsr(c, 0x3b, 0);
    ck_assert_uint_eq(x86_rdmsr(c, 0x10), 1000);
}
END_TEST

START_TEST(test_sipi)
{
    struct x86_state st;

    x86_state_reset(&st, false, 0);
    x86_cpu_load(c, &st);
    x86_cpu_sipi(c, 0x9a);
    ck_assert_uint_eq(c->seg[S_CS].sel, 0x9a00);
    ck_assert_uint_eq(c->seg_base[S_CS], 0x9a000);
    ck_assert_uint_eq(c->rip, 0);
    ck_assert_uint_eq(c->mp_state, MP_RUNNABLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_state");
    TCase *t = tcase_create("state");
    SRunner *r = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_round_trip);
    tcase_add_test(t, test_derived);
    tcase_add_test(t, test_reset);
    tcase_add_test(t, test_init_keeps);
    tcase_add_test(t, test_long_mode_entry);
    tcase_add_test(t, test_msr_values);
    tcase_add_test(t, test_tsc_adjust);
    tcase_add_test(t, test_sipi);
    suite_add_tcase(suite, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

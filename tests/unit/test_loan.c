/* SPDX-License-Identifier: MIT */
/*
 * accel/tcg-interp/loan.h: a vCPU lent to the interpreter. Code in flat 32-bit mode, the state
 * given and taken as a rescue does; what a loan must not do it leaves to the lender, undone.
 */
#include <check.h>
#include <string.h>

#include "accel/accel.h"
#include "accel/tcg-interp/loan.h"
#include "core/machine_test.h"
#include "target/x86/cpuid.h"

enum { CODE = 0x1000, IDT = 0x3000, HANDLER = 0x2000, STACK = 0x8000, APIC = 0xfee00000 };
#define TSC 0x123456789abcull

static struct machine *m;
static struct vcpu *v;
static struct x86_state st;
static struct tcg_loan loan;

static void put(uint32_t at, const void *bytes, size_t n)
{
    memcpy(m->ram->host + at, bytes, n);
}
#define CODE_AT(at, ...)                                                                           \
    do {                                                                                           \
        const uint8_t code_[] = {__VA_ARGS__};                                                     \
        put(at, code_, sizeof(code_));                                                             \
    } while (0)

static uint64_t tsc(struct vcpu *cpu)
{
    return TSC;
}

/* Every vector leads to HANDLER, through a 32-bit interrupt gate. */
static void make_idt(void)
{
    static const uint64_t code_segment = 0x00cf9a000000ffff;

    put(0x4008, &code_segment, 8);
    for (unsigned n = 0; n < 256; n++)
        CODE_AT(IDT + n * 8, HANDLER & 0xff, HANDLER >> 8, 8, 0, 0, 0x8e, 0, 0);
}

static void setup(void)
{
    GError *err = NULL;
    const struct x86_seg data = {.attr = SEG_P | SEG_S | SEG_RW | SEG_ACCESSED | SEG_DB | SEG_G,
                                 .limit = 0xffffffff};

    m = machine_new_test();
    m->cpu_model = cpu_model_new("max", 1, 1, 1, &err);
    m->accel = &accel_tcg_interp;
    m->vcpu_ops = &accel_vcpu_ops;
    ck_assert_msg(m->cpu_model && machine_create_vcpus(m, 1, &err), "%s", err ? err->message : "");
    v = m->vcpus->pdata[0];
    x86_state_reset(&st, true, 0);
    st.cr0 |= CR0_PE;
    st.rip = CODE;
    st.gpr[R_RSP] = STACK;
    for (unsigned n = 0; n < 6; n++)
        st.seg[n] = data;
    st.seg[S_CS].attr |= SEG_CODE;
    st.seg[S_CS].sel = 8;
    st.idtr = (struct x86_dtable){.base = IDT, .limit = 0x7ff};
    st.gdtr = (struct x86_dtable){.base = 0x4000, .limit = 0xff};
    make_idt();
    loan = (struct tcg_loan){
        .max = 100, .model = m->cpu_model, .kernel_apic = true, .apic_base = APIC | 0x900,
        .tsc = tsc};
}

static void teardown(void)
{
    const struct cpu_model *model = m->cpu_model;

    machine_free(m);
    cpu_model_free((struct cpu_model *)model);
}

static void do_loan(struct vcpu *cpu, void *arg)
{
    __atomic_store_n(&cpu->kicked, 0, __ATOMIC_SEQ_CST); /* it was, to come here */
    tcg_loan_run(cpu, &st, &loan);
}

static void run(void)
{
    machine_lock(m);
    vcpu_run_on(v, do_loan, NULL);
    machine_unlock(m);
}

static void check_end(enum tcg_loan_end end, uint64_t done, uint64_t rip)
{
    ck_assert_int_eq(loan.end, end);
    ck_assert_uint_eq(loan.done, done);
    ck_assert_uint_eq(st.rip, rip);
}

START_TEST(spent)
{
    CODE_AT(CODE, 0x40, 0xeb, 0xfd); /* inc eax; jmp -3 */
    loan.max = 1;
    run();
    check_end(LOAN_SPENT, 1, CODE + 1);
    loan.max = 99;
    run();
    check_end(LOAN_SPENT, 99, CODE);
    ck_assert_uint_eq(st.gpr[R_RAX], 50);
}
END_TEST

/* The lender's processor may have instructions that the machine's model has not. */
START_TEST(lenders_instructions)
{
    struct cpu_model less = *m->cpu_model;

    CODE_AT(CODE, 0x0f, 0x38, 0xf0, 0x05, 0, 0, 0, 0); /* movbe eax, [0] */
    less.feature[X86_F_MOVBE] = false;
    loan.max = 1;
    loan.model = &less;
    run();
    ck_assert_uint_ne(st.rip, CODE + 8); /* #UD */
    st.rip = CODE;
    loan.model = m->cpu_model;
    run();
    check_end(LOAN_SPENT, 1, CODE + 8);
}
END_TEST

/* HLT behind STI: the shadow is still there when the lender comes to it. */
START_TEST(refused_undone)
{
    CODE_AT(CODE, 0xfb, 0xf4); /* sti; hlt */
    run();
    check_end(LOAN_REFUSED, 1, CODE + 1);
    ck_assert(st.inhibit_irq && st.mp_state == MP_RUNNABLE);
    run();
    check_end(LOAN_REFUSED, 0, CODE + 1);
    ck_assert(st.inhibit_irq);
}
END_TEST

static const struct {
    const char *name;
    uint8_t code[8];
} lenders[] = {
    {"hlt", {0xf4}},
    {"cpuid", {0x0f, 0xa2}},
    {"vmcall", {0x0f, 0x01, 0xc1}},
    {"mov cr4, eax", {0x0f, 0x22, 0xe0}},
    {"wrmsr of ECX = 0", {0x0f, 0x30}},
    {"rdmsr of ECX = 0", {0x0f, 0x32}},
    {"mov eax, [APIC + 20h]", {0xa1, 0x20, 0x00, 0xe0, 0xfe}},
    {"mov [APIC + B0h], eax", {0xa3, 0xb0, 0x00, 0xe0, 0xfe}},
    {"lock inc dword [APIC]", {0xf0, 0xff, 0x05, 0x00, 0x00, 0xe0, 0xfe}},
};

START_TEST(left_to_the_lender)
{
    CODE_AT(CODE, 0x40); /* inc eax */
    put(CODE + 1, lenders[_i].code, sizeof(lenders[_i].code));
    struct x86_state before = st;
    run();
    check_end(LOAN_REFUSED, 1, CODE + 1);
    before.gpr[R_RAX]++;
    before.rip++;
    before.rflags = st.rflags;
    ck_assert_msg(memcmp(&before, &st, sizeof(st)) == 0, "%s", lenders[_i].name);
}
END_TEST

/* With our own local APIC there is nothing to hide: here the address is nobody's. */
START_TEST(own_apic)
{
    loan.kernel_apic = false;
    CODE_AT(CODE, 0xa1, 0x20, 0x00, 0xe0, 0xfe, 0xf4);
    run();
    check_end(LOAN_REFUSED, 1, CODE + 5);
}
END_TEST

/* The lender's CPUs have stored meanwhile, and nobody told. */
START_TEST(memory_changes_unseen)
{
    CODE_AT(CODE, 0xb0, 1, 0xf4); /* mov al, 1; hlt */
    run();
    ck_assert_uint_eq(st.gpr[R_RAX] & 0xff, 1);
    CODE_AT(CODE, 0xb0, 2, 0xf4);
    st.rip = CODE;
    run();
    check_end(LOAN_REFUSED, 1, CODE + 2);
    ck_assert_uint_eq(st.gpr[R_RAX] & 0xff, 2);
}
END_TEST

START_TEST(stores_are_told)
{
    CODE_AT(CODE, 0x40, 0xf4);
    run();
    ck_assert(!loan.stored);
    CODE_AT(CODE, 0x50, 0xf4); /* push eax */
    st.rip = CODE;
    run();
    ck_assert(loan.stored);
}
END_TEST

START_TEST(time_is_the_lenders)
{
    CODE_AT(CODE, 0x0f, 0x31, 0xf4); /* rdtsc; hlt */
    const uint64_t offset = v->tsc_offset;
    st.tsc = 5;
    run();
    ck_assert_uint_eq(st.gpr[R_RDX] << 32 | st.gpr[R_RAX], TSC);
    ck_assert_uint_eq(v->tsc_offset, offset);
    ck_assert_uint_eq(st.tsc, 5);
}
END_TEST

/* A pin that could be taken ends the loan after the first instruction, and is not taken. */
START_TEST(pins_are_left)
{
    static const struct {
        enum vcpu_pin pin;
        bool enabled, masked, ends;
    } cases[] = {
        {VCPU_INTR, false, false, false}, {VCPU_INTR, true, false, true},
        {VCPU_NMI, false, false, true},   {VCPU_NMI, false, true, false},
        {VCPU_INIT, false, false, true},
    };
    CODE_AT(CODE, 0x90, 0x90, 0x90, 0xeb, 0xfb);
    st.rflags |= cases[_i].enabled ? FL_IF : 0;
    st.nmi_masked = cases[_i].masked;
    loan.max = 5;
    vcpu_pin(v, cases[_i].pin, 1);
    run();
    ck_assert_int_eq(loan.end, cases[_i].ends ? LOAN_ATTENTION : LOAN_SPENT);
    ck_assert(loan.done >= 1);
    ck_assert_uint_eq(vcpu_pins(v), cases[_i].pin);
}
END_TEST

START_TEST(event_first)
{
    CODE_AT(CODE, 0xf4);
    CODE_AT(HANDLER, 0x90, 0xf4);
    st.event = EVENT_INTR;
    st.event_vector = 0x21;
    run();
    check_end(LOAN_REFUSED, 1, HANDLER + 1);
    ck_assert_int_eq(st.event, EVENT_NONE);
    ck_assert_uint_eq(st.gpr[R_RSP], STACK - 12);
}
END_TEST

START_TEST(exceptions_are_taken)
{
    CODE_AT(CODE, 0x0f, 0x0b); /* ud2 */
    CODE_AT(HANDLER, 0x40, 0xf4);
    run();
    ck_assert_int_eq(loan.end, LOAN_REFUSED);
    ck_assert_uint_eq(st.rip, HANDLER + 1);
    ck_assert_uint_eq(*(uint32_t *)(m->ram->host + STACK - 12), CODE);
}
END_TEST

START_TEST(triple_fault)
{
    CODE_AT(CODE, 0x0f, 0x0b);
    st.idtr.limit = 0;
    run();
    ck_assert_int_eq(loan.end, LOAN_SHUTDOWN);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("loan");
    TCase *t = tcase_create("loan");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, spent);
    tcase_add_test(t, refused_undone);
    tcase_add_loop_test(t, left_to_the_lender, 0, G_N_ELEMENTS(lenders));
    tcase_add_test(t, own_apic);
    tcase_add_test(t, memory_changes_unseen);
    tcase_add_test(t, stores_are_told);
    tcase_add_test(t, time_is_the_lenders);
    tcase_add_loop_test(t, pins_are_left, 0, 5);
    tcase_add_test(t, event_first);
    tcase_add_test(t, lenders_instructions);
    tcase_add_test(t, exceptions_are_taken);
    tcase_add_test(t, triple_fault);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

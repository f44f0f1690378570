/* SPDX-License-Identifier: MIT */
/* Registers by name and as text. */
#include <check.h>
#include <string.h>

#include "target/x86/dump.h"

static struct x86_state st;

static void setup(void)
{
    memset(&st, 0, sizeof(st));
    for (int i = 0; i < 16; i++)
        st.gpr[i] = 0x1122334455667788ull + 0x0101010101010101ull * i;
    st.rip = 0xffffffff81000000ull;
    st.rflags = FL_1 | FL_ZF | FL_PF;
    st.seg[S_CS] = (struct x86_seg){.sel = 0x10, .attr = SEG_P | SEG_S | SEG_CODE | SEG_L};
    st.seg[S_FS].base = 0x7000;
    st.msr.efer = EFER_LMA | EFER_LME;
    st.cr3 = 0x1234000;
}

START_TEST(by_name)
{
    static const struct {
        const char *name;
        uint64_t value;
    } good[] = {
        {"rax", 0x1122334455667788},  {"eax", 0x55667788},  {"ax", 0x7788},
        {"al", 0x88},                 {"ah", 0x77},         {"rsp", 0x15263748596a7b8c},
        {"sil", 0x8e},                {"r8", 0x192a3b4c5d6e7f90}, {"r8d", 0x5d6e7f90},
        {"r15w", 0x8697},             {"r15b", 0x97},       {"r10", 0x1b2c3d4e5f708192},
        {"rip", 0xffffffff81000000},  {"eip", 0x81000000},  {"cs", 0x10},
        {"fs_base", 0x7000},          {"cr3", 0x1234000},   {"efer", 0x500},
    };
    static const char *const bad[] = {"", "r", "e", "r16", "r1", "e8", "rax2", "eal", "xax", "csx",
                                      "cr1", "r8x", "8", "ebx "};
    uint64_t v;

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        v = 0;
        ck_assert_msg(x86_state_register(&st, good[i].name, &v), "%s", good[i].name);
        ck_assert_msg(v == good[i].value, "%s is %lx", good[i].name, v);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!x86_state_register(&st, bad[i], &v), "'%s'", bad[i]);
}
END_TEST

static void has(const GString *s, const char *text)
{
    ck_assert_msg(strstr(s->str, text), "'%s' is not in:\n%s", text, s->str);
}

START_TEST(as_text)
{
    g_autoptr(GString) s = g_string_new(NULL);

    x86_state_describe(&st, true, s);
    has(s, "RAX=1122334455667788 RBX=");
    has(s, "R15=2031425364758697\n");
    has(s, "RIP=ffffffff81000000 RFL=00000046 [---Z-P-] CPL=0");
    has(s, "CS =0010 0000000000000000 00000000");
    has(s, "code64");
    has(s, "CR3=0000000001234000");
    has(s, "XMM15=");
    g_string_truncate(s, 0);
    st.msr.efer = 0;
    x86_state_describe(&st, false, s);
    has(s, "EAX=55667788 EBX=");
    has(s, "EIP=81000000 EFL=00000046");
    ck_assert_ptr_null(strstr(s->str, "XMM"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dump");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, by_name);
    tcase_add_test(tc, as_text);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

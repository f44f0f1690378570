/* SPDX-License-Identifier: MIT */
/* "-cpu" text, topology and CPUID leaves. SDM vol. 2, CPUID; section 8.9 (topology). */
#include <check.h>

#include "tests/unit/x86_stub.h"

static void refused(const char *text, const char *part)
{
    GError *err = NULL;

    ck_assert_msg(!cpu_model_new(text, 1, 1, 1, &err), "%s was taken", text);
    ck_assert_msg(strstr(err->message, part) != NULL, "%s: '%s'", text, err->message);
    g_error_free(err);
}

static bool offers(const char *text, enum x86_feature f)
{
    GError *err = NULL;
    struct cpu_model *m = cpu_model_new(text, 1, 1, 1, &err);
    bool on;

    ck_assert_msg(m != NULL, "%s: %s", text, err ? err->message : "");
    on = m->feature[f];
    cpu_model_free(m);
    return on;
}

START_TEST(test_text)
{
    ck_assert(offers(NULL, X86_F_AES));
    ck_assert(offers("max", X86_F_PCID));
    ck_assert(!offers("max,-pcid", X86_F_PCID));
    ck_assert(!offers("max,pcid=off", X86_F_PCID));
    ck_assert(offers("qemu64,+sse4.2,+ssse3,+sse4_1", X86_F_SSE42));
    ck_assert(!offers("qemu64", X86_F_SSE42));
    ck_assert(offers("x86-64-v2", X86_F_POPCNT));
    ck_assert(!offers("base", X86_F_POPCNT));
    ck_assert(offers("host", X86_F_AES));
    ck_assert(!offers("max,-xsave", X86_F_XSAVEOPT)); /* goes with what it builds on */
    ck_assert(offers("base,lahf_lm=on", X86_F_LAHF_LM));
    refused("maxx", "'max'");
    refused("", "unknown model");
    refused("max,+pcd", "'pcid'");
    refused("max,+avx", "cannot offer 'avx'");
    refused("max,pcid=maybe", "on or off");
    refused("max,phys-bits=99", "36 to 52");
    refused("max,vendor=Intel", "12 characters");
    refused("max,zzzzzzzzzz=on", "unknown feature");
}
END_TEST

/* An accelerator that has everything but PCID and XSAVE, and AVX2 besides. */
static struct cpu_model *fitted(const char *text, GError **err)
{
    struct cpu_model *m = cpu_model_new(text, 1, 1, 1, NULL);
    bool offered[X86_F_COUNT];

    cpu_model_software(offered);
    offered[X86_F_PCID] = offered[X86_F_XSAVE] = false;
    offered[X86_F_BMI1] = offered[X86_F_AVX] = offered[X86_F_AVX2] = true;
    if (cpu_model_fit(m, offered, "it", err))
        return m;
    cpu_model_free(m);
    return NULL;
}

START_TEST(test_fit)
{
    GError *err = NULL;
    struct cpu_model *m = fitted("max", &err);

    ck_assert(!m->feature[X86_F_PCID] && m->feature[X86_F_AES] && !m->feature[X86_F_BMI1]);
    ck_assert(!m->feature[X86_F_XSAVEOPT]); /* goes with XSAVE */
    cpu_model_free(m);
    m = fitted("host,-aes", &err);
    ck_assert(m->feature[X86_F_BMI1] && !m->feature[X86_F_AES]);
    ck_assert(!m->feature[X86_F_AVX2]); /* nothing without XSAVE */
    cpu_model_free(m);
    ck_assert_ptr_null(fitted("max,+pcid", &err));
    ck_assert_msg(strstr(err->message, "it does not offer 'pcid'"), "%s", err->message);
    g_clear_error(&err);
}
END_TEST

START_TEST(test_properties)
{
    struct stub *s =
        stub_new("max,family=25,model=97,stepping=2,vendor=AuthenticAMD,model-id=A CPU");
    uint32_t r[4];
    char name[49] = "", vendor[13] = "";

    x86_cpuid(&s->c, 1, 0, r);
    ck_assert_uint_eq(r[0], 0xa60f12); /* family 15 + 10, model 6:1, stepping 2 */
    x86_cpuid(&s->c, 0, 0, r);
    memcpy(vendor, &r[1], 4);
    memcpy(vendor + 4, &r[3], 4);
    memcpy(vendor + 8, &r[2], 4);
    ck_assert_str_eq(vendor, "AuthenticAMD");
    for (unsigned k = 0; k < 3; k++) {
        x86_cpuid(&s->c, 0x80000002u + k, 0, r);
        memcpy(name + 16 * k, r, 16);
    }
    ck_assert_str_eq(name, "A CPU");
    stub_free(s);
}
END_TEST

/* Fields of the APIC ID are as wide as their counts need, and CPUID tells the same widths. */
START_TEST(test_topology)
{
    struct stub *s = stub_new("max");
    struct cpu_model *m = cpu_model_new("max", 2, 3, 2, NULL);
    uint32_t r[4];

    ck_assert_uint_eq(cpu_model_apic_id(m, 0), 0);
    ck_assert_uint_eq(cpu_model_apic_id(m, 1), 1);
    ck_assert_uint_eq(cpu_model_apic_id(m, 2), 2);
    ck_assert_uint_eq(cpu_model_apic_id(m, 5), 5);
    ck_assert_uint_eq(cpu_model_apic_id(m, 6), 8); /* second socket: 1 thread bit, 2 core bits */
    s->c.model = m;
    s->c.apic_id = 8;
    x86_cpuid(&s->c, 0xb, 0, r);
    ck_assert_uint_eq(r[0], 1);
    ck_assert_uint_eq(r[1], 2);
    ck_assert_uint_eq(r[2], 0x100);
    ck_assert_uint_eq(r[3], 8);
    x86_cpuid(&s->c, 0xb, 1, r);
    ck_assert_uint_eq(r[0], 3);
    ck_assert_uint_eq(r[1], 6);
    ck_assert_uint_eq(r[2], 0x201);
    x86_cpuid(&s->c, 0xb, 2, r);
    ck_assert_uint_eq(r[0] | r[1], 0);
    x86_cpuid(&s->c, 1, 0, r);
    ck_assert_uint_eq(r[1] >> 24, 8);
    ck_assert_uint_eq(r[1] >> 16 & 0xff, 8);
    ck_assert(r[3] >> 28 & 1);
    x86_cpuid(&s->c, 4, 0, r);
    ck_assert_uint_eq(r[0] & 0x1f, 1);
    ck_assert_uint_eq((r[1] >> 22) + 1, 8);
    ck_assert_uint_eq(((r[1] >> 22) + 1) * ((r[1] & 0xfff) + 1) * (r[2] + 1), 32 * 1024);
    x86_cpuid(&s->c, 4, 4, r);
    ck_assert_uint_eq(r[0] & 0x1f, 0);
    cpu_model_free(m);
    stub_free(s);
}
END_TEST

START_TEST(test_frequencies)
{
    struct stub *s = stub_new("max");
    uint32_t r[4];

    x86_cpuid(&s->c, 0x15, 0, r);
    ck_assert_uint_eq((uint64_t)r[2] * r[1] / r[0], s->model->tsc_hz);
    x86_cpuid(&s->c, 0x16, 0, r);
    ck_assert_uint_eq(r[0] * 1000000ull, s->model->tsc_hz);
    for (uint64_t hz = 800000000; hz < 5800000000; hz += 7919 * 1000) { /* kHz, as KVM has it */
        s->model->tsc_hz = hz;
        x86_cpuid(&s->c, 0x15, 0, r);
        ck_assert_uint_le((uint64_t)r[2] / 1000 * r[1], UINT32_MAX); /* Linux multiplies so */
        uint64_t says = (uint64_t)r[2] * r[1] / r[0];
        ck_assert_uint_lt(says > hz ? says - hz : hz - says, hz / 8000);
    }
    stub_free(s);
}
END_TEST

/* Every feature that a model offers shows in its leaf, and no other bit does. */
START_TEST(test_feature_bits)
{
    struct stub *s = stub_new("max");
    uint32_t r[4];
    static const uint8_t reg[] = { 0, 2, 3, 1 };

    s->c.cr4 = CR4_OSXSAVE;
    s->c.mode = X86_MODE_64;
    s->model->feature[X86_F_OSXSAVE] = true;
#define FEATURE(id, name, leaf, sub, rg, bit)                                                      \
    x86_cpuid(&s->c, leaf, sub, r);                                                                \
    ck_assert_msg((r[reg[rg]] >> bit & 1) == s->model->feature[X86_F_##id], "%s", name);
#include "target/x86/features.def"
#undef FEATURE
    stub_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpuid");
    TCase *t = tcase_create("cpuid");
    SRunner *r = srunner_create(suite);
    int failed;

    tcase_add_test(t, test_text);
    tcase_add_test(t, test_fit);
    tcase_add_test(t, test_properties);
    tcase_add_test(t, test_topology);
    tcase_add_test(t, test_frequencies);
    tcase_add_test(t, test_feature_bits);
    suite_add_tcase(suite, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

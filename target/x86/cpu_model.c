/* SPDX-License-Identifier: MIT */
/*
 * "-cpu" text to struct cpu_model.
 *
 * Every model is GenuineIntel family 6 model 36h. It is an in-order processor that has none of
 * the speculation leaks, and operating systems know that: Linux shows "Not affected" for all of
 * them and leaves every mitigation off (as is right for an interpreter, which does not
 * speculate), and it has no model-specific driver or erratum that would make it complain.
 */
#include <string.h>

#include "target/x86/cpuid.h"
#include "util/error.h"
#include "util/suggest.h"

#define F(x) X86_F_##x

/* Every processor with long mode: the x86-64 psABI's baseline and what a kernel needs. */
#define BASE                                                                                       \
    F(FPU), F(DE), F(PSE), F(TSC), F(MSR), F(PAE), F(MCE), F(CX8), F(APIC), F(SEP), F(MTRR),       \
        F(PGE), F(MCA), F(CMOV), F(PAT), F(PSE36), F(CLFLUSH), F(MMX), F(FXSR), F(SSE), F(SSE2),   \
        F(SYSCALL), F(NX), F(LM), F(HYPERVISOR)
#define V2 F(SSE3), F(SSSE3), F(SSE41), F(SSE42), F(POPCNT), F(CX16), F(LAHF_LM)
/* What only a kernel sees. */
#define SYSTEM                                                                                     \
    F(PCID), F(INVPCID), F(SMEP), F(SMAP), F(UMIP), F(PDPE1GB), F(X2APIC), F(TSC_DEADLINE),        \
        F(ARAT), F(TSC_ADJUST), F(INVTSC), F(ARCH_CAP)
#define EXTRA                                                                                      \
    F(PCLMULQDQ), F(AES), F(MOVBE), F(RDRAND), F(RDSEED), F(XSAVE), F(XSAVEOPT), F(XSAVEC),        \
        F(XGETBV1), F(FSGSBASE), F(RDTSCP), F(RDPID), F(ERMS), F(FSRM), F(CLFLUSHOPT), F(CLWB),    \
        F(PREFETCHW)
/* What every model has of KVM's interface to guests. */
#define PV                                                                                         \
    F(KVM), F(KVM_CLOCK), F(KVM_CLOCK_STABLE), F(KVM_NOP_IO_DELAY), F(KVM_PV_EOI),                 \
        F(KVM_PV_UNHALT), F(KVM_PV_IPI), F(KVM_POLL_CONTROL), F(KVM_PV_SCHED_YIELD)

static const uint16_t set_base[] = { BASE, PV, 0 };
static const uint16_t set_qemu64[] = { BASE, PV, F(SSE3), F(CX16), F(LAHF_LM), F(X2APIC), 0 };
static const uint16_t set_opteron[] = { BASE, PV, F(SSE3), 0 };
static const uint16_t set_v2[] = { BASE, PV, V2, SYSTEM, F(RDTSCP), F(ERMS), F(FSRM), 0 };
static const uint16_t set_max[] = { BASE, PV, V2, SYSTEM, EXTRA, 0 };
/* Available on request. */
static const uint16_t set_more[] = { F(MONITOR), F(SS), F(HT), 0 };

static const struct {
    const char *name, *help;
    const uint16_t *set;
} models[] = {
    { "max", "everything the software CPU can do (the default)", set_max },
    { "host", "all that the accelerator offers; under KVM it is the host's processor", set_max },
    { "x86-64-v2", "the x86-64-v2 instruction set: SSE4.2, POPCNT, CMPXCHG16B", set_v2 },
    { "qemu64", "the x86-64 baseline with SSE3 and CMPXCHG16B", set_qemu64 },
    { "kvm64", "the same as qemu64", set_qemu64 },
    { "base", "the x86-64 baseline", set_base },
    { "Opteron_G1", "the x86-64 baseline with SSE3", set_opteron },
};

/* A feature goes when what it builds upon goes. */
static const struct {
    uint16_t feature, needs;
} depends[] = {
    { F(XSAVEOPT), F(XSAVE) }, { F(XSAVEC), F(XSAVE) }, { F(XGETBV1), F(XSAVE) },
    { F(SSE), F(FXSR) }, { F(SSE2), F(SSE) }, { F(SSE3), F(SSE2) }, { F(SSSE3), F(SSE3) },
    { F(SSE41), F(SSSE3) }, { F(SSE42), F(SSE41) }, { F(AES), F(SSE2) },
    { F(PCLMULQDQ), F(SSE2) }, { F(LM), F(PAE) }, { F(SYSCALL), F(LM) }, { F(LAHF_LM), F(LM) },
    { F(CX16), F(LM) }, { F(PDPE1GB), F(LM) }, { F(PCID), F(LM) }, { F(FSGSBASE), F(LM) },
    { F(AVX), F(XSAVE) }, { F(AVX2), F(AVX) }, { F(FMA), F(AVX) }, { F(F16C), F(AVX) },
    { F(PKU), F(XSAVE) }, { F(AVX512F), F(AVX2) }, { F(AVX512DQ), F(AVX512F) },
    { F(AVX512IFMA), F(AVX512F) }, { F(AVX512CD), F(AVX512F) }, { F(AVX512BW), F(AVX512F) },
    { F(AVX512VL), F(AVX512F) }, { F(AVX512VBMI), F(AVX512F) }, { F(AVX512VBMI2), F(AVX512F) },
    { F(AVX512VNNI), F(AVX512F) }, { F(AVX512BITALG), F(AVX512F) },
    { F(AVX512POPCNT), F(AVX512F) }, { F(VAES), F(AVX) }, { F(VPCLMULQDQ), F(AVX) },
    { F(NX), F(PAE) }, { F(X2APIC), F(APIC) }, { F(TSC_DEADLINE), F(APIC) },
    { F(KVM_CLOCK), F(KVM) }, { F(KVM_CLOCK), F(TSC) }, { F(KVM_CLOCK_STABLE), F(KVM_CLOCK) },
    { F(KVM_NOP_IO_DELAY), F(KVM) }, { F(KVM_PV_EOI), F(KVM) }, { F(KVM_PV_EOI), F(APIC) },
    { F(KVM_PV_UNHALT), F(KVM) }, { F(KVM_PV_IPI), F(KVM) }, { F(KVM_PV_IPI), F(APIC) },
    { F(KVM_POLL_CONTROL), F(KVM) }, { F(KVM_PV_SCHED_YIELD), F(KVM) },
};

static const struct {
    const char *name;
} features[] = {
    { NULL },
#define FEATURE(id, text, leaf, subleaf, reg, bit) { text },
#include "target/x86/features.def"
#undef FEATURE
};

/* Other spellings in use. */
static const struct {
    const char *alias, *name;
} aliases[] = {
    { "pni", "sse3" }, { "sse4-1", "sse4.1" }, { "sse4-2", "sse4.2" }, { "xd", "nx" },
    { "i64", "lm" }, { "cmpxchg8b", "cx8" }, { "cmpxchg16b", "cx16" },
    { "pclmuldq", "pclmulqdq" }, { "tsc-deadline-timer", "tsc-deadline" },
    { "prefetchw", "3dnowprefetch" },
};

const char *x86_feature_name(enum x86_feature f)
{
    return features[f].name;
}

/* Equal, '_' being '-' . */
static bool same_name(const char *a, const char *b)
{
    while (*a && (*a == *b || (*a == '_' && *b == '-')))
        a++, b++;
    return *a == *b;
}

enum x86_feature x86_feature_by_name(const char *name)
{
    for (unsigned f = 1; f < X86_F_COUNT; f++)
        if (same_name(name, features[f].name))
            return f;
    for (unsigned k = 0; k < G_N_ELEMENTS(aliases); k++)
        if (same_name(name, aliases[k].alias))
            for (unsigned f = 1; f < X86_F_COUNT; f++)
                if (!strcmp(aliases[k].name, features[f].name))
                    return f;
    return X86_F_NONE;
}

static bool in_set(const uint16_t *set, unsigned f)
{
    while (*set && *set != f)
        set++;
    return *set != 0;
}

static bool available(unsigned f)
{
    return in_set(set_max, f) || in_set(set_more, f);
}

static bool set_feature(struct cpu_model *m, const char *name, bool on, GError **err)
{
    enum x86_feature f = x86_feature_by_name(name);

    if (f == X86_F_NONE) {
        struct suggest s = suggest_begin(name);

        for (unsigned k = 1; k < X86_F_COUNT; k++)
            suggest_offer(&s, features[k].name);
        return error_set(err, "unknown feature '%s'%s", name, suggest_text(&s));
    }
    if (on && !m->host && !available(f)) /* "host" waits for cpu_model_fit() */
        return error_set(err, "this processor cannot offer '%s'; '-cpu help' lists what it can",
                         features[f].name);
    m->feature[f] = on;
    m->asked[f] = on ? 1 : -1;
    return true;
}

static bool set_number(const char *key, const char *text, uint64_t lo, uint64_t hi, uint64_t *out,
                       GError **err)
{
    if (!g_ascii_string_to_unsigned(text, 10, lo, hi, out, NULL))
        return error_set(err, "%s=%s: a number from %llu to %llu is wanted", key, text,
                         (unsigned long long)lo, (unsigned long long)hi);
    return true;
}

/* key=value that is no feature. *known: the key was one. */
static bool set_property(struct cpu_model *m, const char *key, const char *value, bool *known,
                         GError **err)
{
    uint64_t n;

    *known = true;
    if (!strcmp(key, "model-id")) {
        g_strlcpy(m->brand, value, sizeof(m->brand));
    } else if (!strcmp(key, "vendor")) {
        if (strlen(value) != 12)
            return error_set(err, "vendor=%s: the vendor has 12 characters", value);
        g_strlcpy(m->vendor, value, sizeof(m->vendor));
    } else if (!strcmp(key, "stepping")) {
        if (!set_number(key, value, 0, 15, &n, err))
            return false;
        m->signature = (m->signature & ~15u) | n;
    } else if (!strcmp(key, "model")) {
        if (!set_number(key, value, 0, 255, &n, err))
            return false;
        m->signature = (m->signature & ~0xf00f0u) | (n & 15) << 4 | (n >> 4) << 16;
    } else if (!strcmp(key, "family")) {
        if (!set_number(key, value, 0, 270, &n, err))
            return false;
        m->signature = (m->signature & ~0xff00f00u) | (n < 15 ? n << 8 : 0xf00 | (n - 15) << 20);
    } else if (!strcmp(key, "phys-bits")) {
        if (!set_number(key, value, 36, 52, &n, err))
            return false;
        m->phys_bits = n;
        m->phys_asked = true;
    } else {
        *known = false;
    }
    return true;
}

static bool apply(struct cpu_model *m, const char *item, GError **err)
{
    const char *eq = strchr(item, '=');
    g_autofree char *key = NULL;
    bool known, on;

    if (*item == '+' || *item == '-')
        return set_feature(m, item + 1, *item == '+', err);
    if (!eq)
        return set_feature(m, item, true, err);
    key = g_strndup(item, eq - item);
    if (!set_property(m, key, eq + 1, &known, err))
        return false;
    if (known)
        return true;
    on = !strcmp(eq + 1, "on") || !strcmp(eq + 1, "true");
    if (!on && strcmp(eq + 1, "off") && strcmp(eq + 1, "false"))
        return error_set(err, "%s: the value must be on or off", item);
    if (!strcmp(key, "check") || !strcmp(key, "enforce"))
        return true; /* a feature that cannot be had is always an error */
    return set_feature(m, key, on, err);
}

static void drop_dependents(struct cpu_model *m)
{
    for (bool again = true; again;) {
        again = false;
        for (unsigned k = 0; k < G_N_ELEMENTS(depends); k++)
            if (m->feature[depends[k].feature] && !m->feature[depends[k].needs]) {
                m->feature[depends[k].feature] = false;
                again = true;
            }
    }
}

static const uint16_t *find_model(const char *name, const char **canonical, GError **err)
{
    struct suggest s = suggest_begin(name);

    for (unsigned k = 0; k < G_N_ELEMENTS(models); k++) {
        if (!strcmp(name, models[k].name)) {
            *canonical = models[k].name;
            return models[k].set;
        }
        suggest_offer(&s, models[k].name);
    }
    error_set(err, "unknown model '%s'%s", name, suggest_text(&s));
    return NULL;
}

struct cpu_model *cpu_model_new(const char *text, unsigned sockets, unsigned cores,
                                unsigned threads, GError **err)
{
    g_auto(GStrv) item = g_strsplit(text ? text : "max", ",", -1);
    struct cpu_model *m;
    const char *name = NULL;
    const uint16_t *set = find_model(item[0] ? item[0] : "", &name, err);

    if (!set)
        return NULL;
    m = g_new0(struct cpu_model, 1);
    m->name = name;
    m->host = !strcmp(name, "host");
    m->signature = 0x30661;
    m->max_leaf = 0x16;
    m->max_ext = 0x80000008u;
    m->phys_bits = 40;
    m->lin_bits = 48;
    m->sockets = MAX(sockets, 1);
    m->cores = MAX(cores, 1);
    m->threads = MAX(threads, 1);
    m->tsc_hz = X86_CRYSTAL_HZ;
    g_strlcpy(m->vendor, "GenuineIntel", sizeof(m->vendor));
    g_strlcpy(m->brand, "Hostel Virtual CPU", sizeof(m->brand));
    for (; *set; set++)
        m->feature[*set] = true;
    m->feature[F(HT)] = m->cores * m->threads > 1;
    for (unsigned k = 1; item[0] && item[k]; k++)
        if (!apply(m, item[k], err)) {
            cpu_model_free(m);
            return NULL;
        }
    drop_dependents(m);
    return m;
}

void cpu_model_software(bool offered[X86_F_COUNT])
{
    for (unsigned f = 0; f < X86_F_COUNT; f++)
        offered[f] = available(f);
}

/* Those that the topology or the mode of the vCPU sets, not the processor. */
static bool is_composed(unsigned f)
{
    return f == F(HT) || f == F(OSXSAVE);
}

bool cpu_model_fit(struct cpu_model *m, const bool offered[X86_F_COUNT], const char *by,
                   GError **err)
{
    for (unsigned f = 1; f < X86_F_COUNT; f++) {
        if (is_composed(f))
            continue;
        if (m->host && m->asked[f] == 0)
            m->feature[f] = offered[f];
        if (m->feature[f] && !offered[f] && m->asked[f] > 0)
            return error_set(err, "%s does not offer '%s' on this host: leave it out", by,
                             features[f].name);
        m->feature[f] &= offered[f];
    }
    drop_dependents(m);
    return true;
}

void cpu_model_free(struct cpu_model *model)
{
    g_free(model);
}

const char *cpu_model_nth(unsigned n)
{
    return n < G_N_ELEMENTS(models) ? models[n].name : NULL;
}

void cpu_model_help(GString *out)
{
    unsigned column = 0;

    g_string_append(out, "Models:\n");
    for (unsigned k = 0; k < G_N_ELEMENTS(models); k++)
        g_string_append_printf(out, "  %-12s %s\n", models[k].name, models[k].help);
    g_string_append(out, "\nFeatures, to be switched with +NAME, -NAME or NAME=on|off:\n ");
    for (unsigned f = 1; f < X86_F_COUNT; f++) {
        if (!available(f))
            continue;
        if (column + strlen(features[f].name) > 76) {
            g_string_append(out, "\n ");
            column = 0;
        }
        g_string_append_printf(out, " %s", features[f].name);
        column += strlen(features[f].name) + 1;
    }
    g_string_append(out, "\n\nAlso: vendor=, model-id=, family=, model=, stepping=, phys-bits=\n");
}

/* SPDX-License-Identifier: MIT */
/*
 * CPUID of the guest. API document sections 4.46 (KVM_GET_SUPPORTED_CPUID), 4.57 (KVM_SET_CPUID2).
 *
 *   fit   before vCPUs exist, the machine's model loses what KVM does not support
 *   set   each vCPU is told what target/x86/cpuid.c answers for that model, leaf by leaf; only
 *         the layout of the XSAVE area is the host's. KVM itself fills in the bits that follow
 *         the vCPU's state: OSXSAVE, the APIC's enable bit, the present size of the XSAVE area.
 */
#include "accel/kvm/kvm.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "target/x86/cpu.h"
#include "target/x86/cpuid.h"
#include "target/x86/kvm_pv.h"
#include "util/error.h"

#define MAX_LEAVES 256

enum { LEAF_XSAVE = 0xd };

/* ---- What KVM supports ----------------------------------------------------------------------- */

static struct kvm_cpuid2 *list_new(void)
{
    struct kvm_cpuid2 *list =
        g_malloc0(sizeof(*list) + MAX_LEAVES * sizeof(struct kvm_cpuid_entry2));

    list->nent = MAX_LEAVES;
    return list;
}

static struct kvm_cpuid2 *get_supported(int sys, GError **err)
{
    struct kvm_cpuid2 *list = list_new();
    int r = kvm_call(sys, KVM_GET_SUPPORTED_CPUID, list);

    if (r == 0)
        return list;
    g_free(list);
    error_set(err, "KVM does not tell what processor it supports: %s", strerror(-r));
    return NULL;
}

static const struct kvm_cpuid_entry2 *find(const struct kvm_cpuid2 *list, uint32_t leaf,
                                           uint32_t sub)
{
    for (unsigned i = 0; i < list->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &list->entries[i];

        if (e->function == leaf &&
            (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == sub))
            return e;
    }
    return NULL;
}

static uint32_t reg_of(const struct kvm_cpuid_entry2 *e, unsigned reg)
{
    const uint32_t value[] = {
        [X86_CPUID_EAX] = e->eax,
        [X86_CPUID_ECX] = e->ecx,
        [X86_CPUID_EDX] = e->edx,
        [X86_CPUID_EBX] = e->ebx,
    };

    return value[reg];
}

/*
 * What KVM's list leaves out because it depends on us: the features of a local APIC (where it is
 * ours, their MSRs exit) and the bit that says a hypervisor is there. And what it may list but
 * struct x86_state or the machine has no place for.
 */
static const uint16_t always[] = {X86_F_X2APIC, X86_F_TSC_DEADLINE, X86_F_HYPERVISOR};
static const uint16_t never[] = {
    X86_F_VMX, X86_F_PDCM, X86_F_MONITOR, X86_F_LA57,
    /* what a guest would lose when it moves to the interpreter */
    X86_F_KVM_ASYNC_PF, X86_F_KVM_ASYNC_PF_INT, X86_F_KVM_STEAL_TIME, X86_F_KVM_PV_TLB_FLUSH,
    X86_F_KVM_MSI_EXT_DEST_ID, X86_F_KVM_HINT_DEDICATED,
};

static void supported_features(const struct kvm_cpuid2 *list, bool offered[X86_F_COUNT])
{
    static const struct {
        uint32_t leaf;
        uint8_t sub, reg, bit;
    } where[] = {
        {0, 0, 0, 0},
#define FEATURE(id, text, lf, sl, rg, bt) {lf, sl, rg, bt},
#include "target/x86/features.def"
#undef FEATURE
    };

    offered[X86_F_NONE] = true;
    for (unsigned f = 1; f < X86_F_COUNT; f++) {
        const struct kvm_cpuid_entry2 *e = find(list, where[f].leaf, where[f].sub);

        offered[f] = e && (reg_of(e, where[f].reg) >> where[f].bit & 1);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(always); i++)
        offered[always[i]] = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(never); i++)
        offered[never[i]] = false;
}

/* ---- Fitting the model ----------------------------------------------------------------------- */

/* "host": who made the processor and which one it is. */
static void take_identity(struct cpu_model *m, const struct kvm_cpuid2 *list)
{
    const struct kvm_cpuid_entry2 *vendor = find(list, 0, 0), *signature = find(list, 1, 0);
    uint32_t brand[12];

    if (vendor) {
        memcpy(m->vendor, &vendor->ebx, 4);
        memcpy(m->vendor + 4, &vendor->edx, 4);
        memcpy(m->vendor + 8, &vendor->ecx, 4);
    }
    if (signature)
        m->signature = signature->eax;
    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002u + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2],
                         &brand[4 * i + 3]))
            return;
    memcpy(m->brand, brand, sizeof(brand));
}

/* A guest that uses more address bits than the host has faults. */
static bool fit_width(struct cpu_model *m, const struct kvm_cpuid2 *list, GError **err)
{
    const struct kvm_cpuid_entry2 *e = find(list, 0x80000008u, 0);
    uint8_t bits = e ? e->eax & 0xff : 36;

    if (m->phys_asked && m->phys_bits > bits)
        return error_set(err, "phys-bits=%u: this host's processor has %u", m->phys_bits, bits);
    m->phys_bits = m->host && !m->phys_asked ? bits : MIN(m->phys_bits, bits);
    return true;
}

/* What is done by hypercall needs the instruction to work, and local APICs in the kernel. */
static void fit_hypercalls(const struct machine *m, int sys, const struct cpu_model *model,
                           bool offered[X86_F_COUNT])
{
    static const uint16_t calls[] = {X86_F_KVM_PV_UNHALT, X86_F_KVM_PV_IPI,
                                     X86_F_KVM_PV_SCHED_YIELD};
    bool amd = !strcmp(model->vendor, "AuthenticAMD") || !strcmp(model->vendor, "HygonGenuine");
    bool wanted = model->feature[X86_F_KVM] && kvm_irqchip_wanted(m->config);

    if (wanted && kvm_hypercalls_work(sys, amd))
        return;
    for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++)
        offered[calls[i]] = false;
}

bool kvm_cpuid_fit(const struct machine *m, struct cpu_model *model, GError **err)
{
    bool offered[X86_F_COUNT];
    int sys = kvm_open(err);

    if (sys < 0)
        return false;
    g_autofree struct kvm_cpuid2 *list = get_supported(sys, err);
    if (list) {
        supported_features(list, offered);
        /* Linux 6.18 swallows a write of that MSR before it looks at what is to exit. */
        offered[X86_F_TSC_DEADLINE] = kvm_irqchip_wanted(m->config);
        if (model->host)
            take_identity(model, list);
        fit_hypercalls(m, sys, model, offered);
    }
    close(sys);
    return list && fit_width(model, list, err) &&
           cpu_model_fit(model, offered, accel_kvm.name, err);
}

void kvm_cpuid_fit_pv(const struct machine *m, struct cpu_model *model)
{
    bool offered[X86_F_COUNT];
    int sys = kvm_open(NULL);

    if (sys < 0)
        return;
    g_autofree struct kvm_cpuid2 *list = get_supported(sys, NULL);
    if (list) {
        supported_features(list, offered);
        fit_hypercalls(m, sys, model, offered);
        for (unsigned f = X86_F_KVM; f <= X86_F_KVM_HINT_DEDICATED; f++)
            model->feature[f] &= offered[f] || model->asked[f] > 0;
    }
    close(sys);
}

/* ---- Telling the vCPU ------------------------------------------------------------------------ */

/* Leaves whose answer depends on ECX, and how many sub-leaves are told. */
static unsigned subleaves(uint32_t leaf)
{
    switch (leaf) {
    case 4: return 5;
    case 7: return 2;
    case 0xb: return 3;
    default: return 0;
    }
}

static void add(struct kvm_cpuid2 *list, struct kvm_cpuid_entry2 e)
{
    g_assert(list->nent < MAX_LEAVES);
    list->entries[list->nent++] = e;
}

static void add_leaf(struct kvm_cpuid2 *list, struct x86_cpu *c, uint32_t leaf)
{
    unsigned n = subleaves(leaf);

    for (unsigned sub = 0; sub < MAX(n, 1); sub++) {
        uint32_t out[4];

        x86_cpuid(c, leaf, sub, out);
        add(list, (struct kvm_cpuid_entry2){
                      .function = leaf,
                      .index = sub,
                      .flags = n ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
                      .eax = out[0], .ebx = out[1], .ecx = out[2], .edx = out[3],
                  });
    }
}

/* XCR0 bits of the state components that come with the model's features. SDM vol. 1 section
 * 13.1. */
static uint64_t components(const struct cpu_model *m)
{
    return 3 | (m->feature[X86_F_AVX] ? 4 : 0) | (m->feature[X86_F_AVX512F] ? 0xe0 : 0) |
           (m->feature[X86_F_PKU] ? 0x200 : 0);
}

/* Leaf 0Dh: the model's components, laid out as the host lays them out. */
static void add_xsave(struct kvm_cpuid2 *list, struct x86_cpu *c,
                      const struct kvm_cpuid2 *supported)
{
    const struct kvm_cpuid_entry2 *top = find(supported, LEAF_XSAVE, 0);
    uint64_t mask = top ? components(c->model) & (top->eax | (uint64_t)top->edx << 32) : 0;
    uint32_t size = 576, out[4]; /* legacy region and header */

    if (!x86_has(c, X86_F_XSAVE))
        return;
    for (unsigned i = 2; i < 63; i++) {
        const struct kvm_cpuid_entry2 *e = mask >> i & 1 ? find(supported, LEAF_XSAVE, i) : NULL;

        if (!e)
            continue;
        size = MAX(size, e->ebx + e->eax);
        add(list, *e);
    }
    x86_cpuid(c, LEAF_XSAVE, 1, out);
    add(list, (struct kvm_cpuid_entry2){.function = LEAF_XSAVE, .index = 1, .eax = out[0],
                                        .ebx = size, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX});
    add(list, (struct kvm_cpuid_entry2){.function = LEAF_XSAVE, .eax = mask, .edx = mask >> 32,
                                        .ebx = size, .ecx = size,
                                        .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX});
}

static void add_leaves(struct kvm_cpuid2 *list, struct x86_cpu *c, uint32_t first, uint32_t last)
{
    for (uint32_t leaf = first; leaf <= last; leaf++)
        if (leaf != LEAF_XSAVE)
            add_leaf(list, c, leaf);
}

/* KVM's registers and hypercalls are there only if CPUID says so, as on the interpreter. (Kernels
 * before 5.10 cannot; the difference is one for guests that do not ask CPUID.) */
static void enforce_features(struct kvm_cpu *k)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = {1}};

    kvm_call(k->fd, KVM_ENABLE_CAP, &cap);
}

bool kvm_cpuid_set(struct kvm_cpu *k, GError **err)
{
    const struct cpu_model *model = k->vm->machine->cpu_model;
    struct x86_cpu c = {.model = model, .apic_id = k->vcpu->apic_id, .mode = X86_MODE_64};

    if (!model) /* a test's machine without CPUID */
        return true;
    g_autofree struct kvm_cpuid2 *supported = get_supported(k->vm->sys, err);
    g_autofree struct kvm_cpuid2 *list = list_new();
    if (!supported)
        return false;
    list->nent = 0;
    add_leaves(list, &c, 0, model->max_leaf);
    add_leaves(list, &c, KVM_CPUID, KVM_CPUID_FEATURES);
    add_leaf(list, &c, KVM_CPUID_RATES);
    add_leaves(list, &c, 0x80000000u, model->max_ext);
    add_xsave(list, &c, supported);
    int r = kvm_call(k->fd, KVM_SET_CPUID2, list);
    enforce_features(k);
    return r == 0 || error_set(err, "KVM refuses the CPU model: %s", strerror(-r));
}

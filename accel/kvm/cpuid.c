/* SPDX-License-Identifier: MIT */
/*
 * CPUID of the guest: what target/x86/cpuid.c answers for the machine's model, leaf by leaf, as
 * KVM_SET_CPUID2 wants it (API document section 4.57). KVM itself fills in the bits that follow
 * the vCPU's state: OSXSAVE, the APIC's enable bit, the size of the XSAVE area.
 */
#include "accel/kvm/kvm.h"

#include <string.h>

#include "target/x86/cpu.h"
#include "target/x86/cpuid.h"
#include "util/error.h"

#define MAX_LEAVES 128

/* Leaves whose answer depends on ECX, and how many sub-leaves are told. */
static unsigned subleaves(uint32_t leaf)
{
    switch (leaf) {
    case 4: return 5;
    case 7: return 2;
    case 0xb: return 3;
    case 0xd: return 64;
    default: return 0;
    }
}

static bool is_zero(const uint32_t out[4])
{
    return !(out[0] | out[1] | out[2] | out[3]);
}

static void add_leaf(struct kvm_cpuid2 *list, struct x86_cpu *c, uint32_t leaf)
{
    unsigned n = subleaves(leaf);

    for (unsigned sub = 0; sub < MAX(n, 1) && list->nent < MAX_LEAVES; sub++) {
        uint32_t out[4];

        x86_cpuid(c, leaf, sub, out);
        if (sub && is_zero(out)) /* a sub-leaf that is not listed reads as zeroes */
            continue;
        list->entries[list->nent++] = (struct kvm_cpuid_entry2){
            .function = leaf,
            .index = sub,
            .flags = n ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
            .eax = out[0], .ebx = out[1], .ecx = out[2], .edx = out[3],
        };
    }
}

static void add_leaves(struct kvm_cpuid2 *list, struct x86_cpu *c, uint32_t first, uint32_t last)
{
    for (uint32_t leaf = first; leaf <= last; leaf++)
        add_leaf(list, c, leaf);
}

bool kvm_cpuid_set(struct kvm_cpu *k, GError **err)
{
    const struct cpu_model *model = k->vm->machine->cpu_model;
    struct x86_cpu c = {.model = model, .apic_id = k->vcpu->apic_id, .mode = X86_MODE_64};
    g_autofree struct kvm_cpuid2 *list =
        g_malloc0(sizeof(*list) + MAX_LEAVES * sizeof(struct kvm_cpuid_entry2));

    if (!model)
        return true;
    add_leaves(list, &c, 0, model->max_leaf);
    add_leaves(list, &c, 0x40000000u, 0x40000001u);
    add_leaves(list, &c, 0x80000000u, model->max_ext);
    int r = kvm_call(k->fd, KVM_SET_CPUID2, list);
    return r == 0 || error_set(err, "KVM refuses the CPU model: %s", strerror(-r));
}

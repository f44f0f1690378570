/* SPDX-License-Identifier: MIT */
/*
 * X86_F_*: the CPUID features of features.def as numbers. 0 is "always there". Where a feature
 * stands (leaf, register, bit) is read from features.def itself, by expanding FEATURE().
 */
#ifndef TARGET_X86_FEATURES_H
#define TARGET_X86_FEATURES_H

enum x86_feature {
    X86_F_NONE,
#define FEATURE(id, name, leaf, subleaf, reg, bit) X86_F_##id,
#include "target/x86/features.def"
#undef FEATURE
    X86_F_COUNT
};

/* Column `reg` of features.def, in the order CPUID numbers general registers. */
enum x86_cpuid_reg { X86_CPUID_EAX, X86_CPUID_ECX, X86_CPUID_EDX, X86_CPUID_EBX };

#endif

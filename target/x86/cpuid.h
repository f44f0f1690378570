/* SPDX-License-Identifier: MIT */
/*
 * What kind of processor the guest sees: the parsed "-cpu" text. Made once, before vCPUs exist,
 * then constant and shared by all of them.
 */
#ifndef TARGET_X86_CPUID_H
#define TARGET_X86_CPUID_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/x86/features.h"

struct cpu_model {
    const char *name;           /* row of the model table */
    bool feature[X86_F_COUNT];
    int8_t asked[X86_F_COUNT];  /* +1: "+name" was written, -1: "-name" */
    bool host;                  /* "host": what an accelerator offers, not a fixed list */
    bool phys_asked;            /* phys-bits= was written */
    char vendor[13];
    char brand[49];
    uint32_t signature;         /* CPUID.1:EAX: family, model, stepping */
    uint32_t max_leaf, max_ext;
    uint8_t phys_bits, lin_bits;
    unsigned sockets, cores, threads; /* cores per socket, threads per core */
    uint64_t tsc_hz;            /* what leaf 15h tells; the machine's TSC runs at this rate */
};

/* "-cpu" text: MODEL[,+feature|,-feature|,feature=on|off]...; NULL means "max". Unknown models
 * and features are errors that name the nearest spelling. */
struct cpu_model *cpu_model_new(const char *text, unsigned sockets, unsigned cores,
                                unsigned threads, GError **err);
void cpu_model_free(struct cpu_model *model);
/* Which features the software CPU has. */
void cpu_model_software(bool offered[X86_F_COUNT]);
/*
 * Take away what `by`, an accelerator, does not offer, and what builds upon it. An error if it
 * was asked for by name. The model "host" gets all that is offered and not switched off. Before
 * vCPUs exist.
 */
bool cpu_model_fit(struct cpu_model *m, const bool offered[X86_F_COUNT], const char *by,
                   GError **err);
/* The name of the n-th model; NULL behind the last. */
const char *cpu_model_nth(unsigned n);
/* Family and model of the signature, extended bits and all. */
static inline unsigned cpu_model_family(const struct cpu_model *m)
{
    unsigned family = m->signature >> 8 & 15;
    return family == 15 ? family + (m->signature >> 20 & 255) : family;
}
static inline unsigned cpu_model_number(const struct cpu_model *m)
{
    return (m->signature >> 4 & 15) | (m->signature >> 12 & 0xf0);
}
/* "-cpu help". */
void cpu_model_help(GString *out);

/* MSR_PLATFORM_INFO: the maximum non-turbo ratio, in units of 100 MHz. SDM vol. 4 table 2-2. */
enum { X86_MSR_PLATFORM_INFO = 0xce };
static inline uint64_t cpu_model_platform_info(const struct cpu_model *model)
{
    return (model->tsc_hz / 100000000 & 0xff) << 8;
}

/* IA32_MCG_CAP: four banks of machine check registers, and IA32_MCG_CTL. */
enum { X86_MCG_CAP = 0x104 };

/* The local APIC timer's input clock, which leaf 15h calls the crystal. */
enum { X86_CRYSTAL_HZ = 1000000000 };

/* The APIC ID of logical processor `index`: thread, core and socket in bit fields. */
uint32_t cpu_model_apic_id(const struct cpu_model *model, unsigned index);

/* Features by their "-cpu" names; X86_F_NONE if there is no such name. */
enum x86_feature x86_feature_by_name(const char *name);
const char *x86_feature_name(enum x86_feature f);

#endif

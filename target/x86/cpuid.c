/* SPDX-License-Identifier: MIT */
/*
 * The CPUID instruction. Intel SDM vol. 2, CPUID. Feature bits come from features.def and the
 * model; the rest is composed here:
 *
 *   0 vendor         4 caches            0Bh topology       15h, 16h frequencies
 *   1 signature      5 MONITOR           0Dh XSAVE areas    40000000h KVM's, kvm_pv.c
 *   2 cache hints    6, 7 features       80000000h..8
 *
 * APIC ID: | socket | core | thread |, each field as many bits as its count needs.
 */
#include <stdlib.h>
#include <string.h>

#include "target/x86/cpu.h"
#include "target/x86/cpuid.h"
#include "target/x86/kvm_pv.h"

enum { EAX, EBX, ECX, EDX };

bool x86_has(const struct x86_cpu *c, unsigned feature)
{
    return feature == X86_F_NONE || c->model->feature[feature];
}

static unsigned bits_for(unsigned count)
{
    return count > 1 ? 32 - __builtin_clz(count - 1) : 0;
}

uint32_t cpu_model_apic_id(const struct cpu_model *m, unsigned index)
{
    unsigned tb = bits_for(m->threads), cb = bits_for(m->cores);

    return index / (m->cores * m->threads) << (tb + cb) | index / m->threads % m->cores << tb |
           index % m->threads;
}

/* OR the feature bits of one leaf and subleaf into out. */
static void add_features(const struct cpu_model *m, uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    static const struct {
        uint32_t leaf;
        uint8_t sub, reg, bit;
    } where[] = {
        { 0, 0, 0, 0 },
#define FEATURE(id, text, lf, sl, rg, bt) { lf, sl, rg, bt },
#include "target/x86/features.def"
#undef FEATURE
    };
    /* other leaves have no sub-leaves: ECX is ignored */
    bool by_sub = leaf == 7 || leaf == 0xd;
    static const uint8_t reg_index[] = { EAX, ECX, EDX, EBX }; /* enum x86_cpuid_reg */

    for (unsigned f = 1; f < X86_F_COUNT; f++)
        if (m->feature[f] && where[f].leaf == leaf && (where[f].sub == sub || !by_sub))
            out[reg_index[where[f].reg]] |= 1u << where[f].bit;
}

static uint32_t text4(const char *s)
{
    uint32_t v;

    memcpy(&v, s, 4);
    return v;
}

enum { APIC_BASE_EN = 0x800 };

static void leaf_1(struct x86_cpu *c, uint32_t out[4])
{
    const struct cpu_model *m = c->model;
    unsigned logical = 1u << (bits_for(m->threads) + bits_for(m->cores));

    out[EAX] = m->signature;
    out[EBX] = c->apic_id << 24 | 8 << 8; /* CLFLUSH line: 8 * 8 bytes */
    if (m->feature[X86_F_HT])
        out[EBX] |= (logical & 0xff) << 16;
    if (c->host && c->host->apic_base && !(c->host->apic_base(c) & APIC_BASE_EN))
        out[EDX] &= ~(1u << 9);
    if (!(c->cr4 & CR4_OSXSAVE))
        out[ECX] &= ~(1u << 27);
    else
        out[ECX] |= 1u << 27;
}

/* Deterministic cache parameters: type, level, KiB, ways, shared by how many. */
static void leaf_4(const struct cpu_model *m, uint32_t sub, uint32_t out[4])
{
    static const struct {
        uint8_t type, level, ways;
        uint32_t kib;
    } cache[] = { { 1, 1, 8, 32 }, { 2, 1, 8, 32 }, { 3, 2, 8, 1024 }, { 3, 3, 16, 16384 } };
    unsigned cores = 1u << bits_for(m->cores), threads = 1u << bits_for(m->threads);
    unsigned share;

    if (sub >= 4)
        return;
    share = cache[sub].level == 3 ? cores * threads : threads;
    out[EAX] = cache[sub].type | cache[sub].level << 5 | 1 << 8 |
               MIN(share - 1, 0xfffu) << 14 | MIN(cores - 1, 63u) << 26;
    out[EBX] = 63 | (cache[sub].ways - 1u) << 22;
    out[ECX] = cache[sub].kib * 1024 / 64 / cache[sub].ways - 1;
}

static void leaf_b(const struct x86_cpu *c, uint32_t sub, uint32_t out[4])
{
    const struct cpu_model *m = c->model;
    unsigned tb = bits_for(m->threads), cb = bits_for(m->cores);

    out[ECX] = sub & 0xff;
    out[EDX] = c->apic_id;
    if (sub == 0) {
        out[EAX] = tb;
        out[EBX] = m->threads;
        out[ECX] |= 1 << 8;
    } else if (sub == 1) {
        out[EAX] = tb + cb;
        out[EBX] = m->threads * m->cores;
        out[ECX] |= 2 << 8;
    }
}

/* Legacy region and header, 576 bytes, is all there is while AVX is not offered. */
static void leaf_d(const struct x86_cpu *c, uint32_t sub, uint32_t out[4])
{
    if (!x86_has(c, X86_F_XSAVE)) {
        memset(out, 0, 16);
    } else if (sub == 0) {
        out[EAX] = 3;
        out[EBX] = out[ECX] = 576;
    } else if (sub == 1 && x86_has(c, X86_F_XSAVEC)) {
        out[EBX] = 576;
    }
}

static void leaf_ext(const struct x86_cpu *c, uint32_t leaf, uint32_t out[4])
{
    const struct cpu_model *m = c->model;

    switch (leaf) {
    case 0x80000000u:
        out[EAX] = m->max_ext;
        break;
    case 0x80000001u: /* Intel: SYSCALL shows in 64-bit mode only */
        if (c->mode != X86_MODE_64)
            out[EDX] &= ~(1u << 11);
        break;
    case 0x80000002u:
    case 0x80000003u:
    case 0x80000004u:
        memcpy(out, m->brand + (leaf - 0x80000002u) * 16, 16);
        break;
    case 0x80000006u: /* L2: 1 MiB, 8-way, 64-byte lines */
        out[ECX] = 1024u << 16 | 6 << 12 | 64;
        break;
    case 0x80000008u:
        out[EAX] = m->phys_bits | m->lin_bits << 8;
        break;
    }
}

/* The fraction nearest to hz / crystal of which crystal [kHz] * n fits into 32 bits: Linux
 * multiplies there. Mostly off by a few parts in a million, near whole numbers by up to 1/8000. */
static void tsc_ratio(uint64_t hz, uint32_t *n, uint32_t *d)
{
    const uint64_t max = UINT32_MAX / (X86_CRYSTAL_HZ / 1000);
    uint64_t best = X86_CRYSTAL_HZ; /* how far off n / d is, times the crystal and d */

    *n = 0;
    *d = 1;
    for (uint64_t den = 1;; den++) {
        uint64_t num = (hz * den + X86_CRYSTAL_HZ / 2) / X86_CRYSTAL_HZ;
        int64_t off = (int64_t)(num * X86_CRYSTAL_HZ - hz * den);

        if (num > max)
            break;
        if ((uint64_t)llabs(off) * *d < best * den) {
            best = (uint64_t)llabs(off);
            *n = (uint32_t)num;
            *d = (uint32_t)den;
        }
        if (!off)
            break;
    }
}

static void leaf_basic(struct x86_cpu *c, uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    const struct cpu_model *m = c->model;

    switch (leaf) {
    case 0:
        out[EAX] = m->max_leaf;
        out[EBX] = text4(m->vendor);
        out[EDX] = text4(m->vendor + 4);
        out[ECX] = text4(m->vendor + 8);
        break;
    case 1:
        leaf_1(c, out);
        break;
    case 2: /* 64-byte prefetch; the caches are in leaf 4 */
        out[EAX] = 0x00feff01;
        out[EBX] = 0xf0;
        break;
    case 4:
        leaf_4(m, sub, out);
        break;
    case 5:
        if (m->feature[X86_F_MONITOR])
            out[EAX] = out[EBX] = 64;
        break;
    case 0xb:
        leaf_b(c, sub, out);
        break;
    case 0xd:
        leaf_d(c, sub, out);
        break;
    case 0x15: /* TSC = crystal * EBX / EAX */
        tsc_ratio(m->tsc_hz, &out[EBX], &out[EAX]);
        out[ECX] = X86_CRYSTAL_HZ;
        break;
    case 0x16:
        out[EAX] = out[EBX] = m->tsc_hz / 1000000;
        out[ECX] = 100;
        break;
    }
}

void x86_cpuid(struct x86_cpu *c, uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    const struct cpu_model *m = c->model;

    memset(out, 0, 16);
    if (leaf >> 8 == KVM_CPUID >> 8) { /* a hypervisor's, whether one shows or not */
        add_features(m, leaf, sub, out);
        kvm_pv_cpuid(m, leaf, out);
        return;
    }
    /* Beyond the end Intel's processors answer with the last basic leaf. */
    if (leaf >= 0x80000000u ? leaf > m->max_ext : leaf > m->max_leaf)
        leaf = m->max_leaf;
    add_features(m, leaf, sub, out);
    if (leaf >= 0x80000000u)
        leaf_ext(c, leaf, out);
    else
        leaf_basic(c, leaf, sub, out);
}

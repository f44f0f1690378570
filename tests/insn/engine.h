/* SPDX-License-Identifier: MIT */
/*
 * A vCPU of tcg-interp on a bare machine (1 MiB of RAM, no chips), in 64-bit mode at CPL 0
 * with the first 2 MiB mapped to itself, for tests of the engine. Guest code is bytes put
 * into memory by the test; it ends with HLT.
 */
#ifndef TESTS_INSN_ENGINE_H
#define TESTS_INSN_ENGINE_H

#include <check.h>
#include <string.h>

#include "accel/accel.h"
#include "core/machine_test.h"
#include "target/x86/cpuid.h"

enum { PML4 = 0x1000, PDPT = 0x2000, PD = 0x3000, PT = 0x4000, CODE = 0x10000, DATA = 0x40000,
       STACK = 0x80000 };

struct bench {
    struct machine *m;
    struct vcpu v;
    struct x86_state st;
};

static inline uint8_t *bench_ram(struct bench *b, uint64_t at)
{
    return b->m->ram->host + at;
}

static inline void bench_put(struct bench *b, uint64_t at, const void *bytes, size_t len)
{
    as_write(&b->m->mem, at, bytes, len);
}

static inline void bench_put64(struct bench *b, uint64_t at, uint64_t v)
{
    bench_put(b, at, &v, 8);
}

static inline void bench_state(struct x86_state *st)
{
    x86_state_reset(st, true, 0);
    st->cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_WP | CR0_NE;
    st->cr3 = PML4;
    st->cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    st->msr.efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    st->rflags = 2;
    for (unsigned s = S_ES; s <= S_GS; s++)
        st->seg[s] = (struct x86_seg){
            .sel = 0x10, .attr = SEG_P | SEG_S | SEG_RW | SEG_ACCESSED | SEG_DB | SEG_G,
            .limit = 0xffffffff};
    st->seg[S_CS] = (struct x86_seg){
        .sel = 8, .limit = 0xffffffff,
        .attr = SEG_P | SEG_S | SEG_CODE | SEG_RW | SEG_ACCESSED | SEG_L | SEG_G};
    st->rip = CODE;
    st->gpr[R_RSP] = STACK;
}

/* The first 2 MiB by 4 KiB pages, present, writable, user. */
static inline void bench_map(struct bench *b)
{
    bench_put64(b, PML4, PDPT | 7);
    bench_put64(b, PDPT, PD | 7);
    bench_put64(b, PD, PT | 7);
    for (unsigned n = 0; n < 256; n++)
        bench_put64(b, PT + n * 8, n * 4096ull | 7);
}

static inline void bench_init(struct bench *b)
{
    GError *err = NULL;

    memset(b, 0, sizeof(*b));
    b->m = machine_new_test();
    b->m->tsc_hz = 1000000000;
    b->m->cpu_model = cpu_model_new("max", 1, 1, 1, &err);
    ck_assert(accel_tcg_interp.vm_init(b->m, &err));
    b->v.machine = b->m;
    b->v.accel = &accel_tcg_interp;
    ck_assert(accel_tcg_interp.vcpu_init(&b->v, &err));
    bench_map(b);
    bench_state(&b->st);
}

static inline void bench_fini(struct bench *b)
{
    accel_tcg_interp.vcpu_exit(&b->v);
    accel_tcg_interp.vm_exit(b->m);
    cpu_model_free((struct cpu_model *)b->m->cpu_model);
    machine_free(b->m);
}

/* Exceptions: vector v halts at HANDLER(v). */
#define HANDLER_OF(v) (0x20000u + (v) * 16)
static inline void bench_idt(struct bench *b)
{
    enum { GDT = 0x6000, IDT = 0x7000 };

    bench_put64(b, GDT + 8, 0x00af9b000000ffffull);
    bench_put64(b, GDT + 16, 0x00cf93000000ffffull);
    b->st.gdtr = (struct x86_dtable){.base = GDT, .limit = 23};
    b->st.idtr = (struct x86_dtable){.base = IDT, .limit = 32 * 16 - 1};
    for (unsigned v = 0; v < 32; v++) {
        uint64_t to = HANDLER_OF(v);

        bench_put64(b, IDT + v * 16, (to & 0xffff) | 8 << 16 | 0x8e00ull << 32 | to >> 16 << 48);
        bench_put64(b, IDT + v * 16 + 8, 0);
        bench_put(b, to, "\xf4", 1);
    }
}

/* Load b->st, run until HLT (or what else ends it), save to b->st. */
static inline enum vcpu_exit bench_run(struct bench *b)
{
    enum vcpu_exit e;

    accel_tcg_interp.load(&b->v, &b->st);
    do
        e = accel_tcg_interp.run(&b->v);
    while (e == VCPU_KICKED);
    accel_tcg_interp.save(&b->v, &b->st);
    return e;
}

#endif

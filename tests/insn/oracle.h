/* SPDX-License-Identifier: MIT */
/*
 * The native oracle: the same instructions on the host processor and on our operations, from the
 * same state, compared in every register, flag and byte of memory.
 *
 *   oracle_gen.c     makes a case (code and state) for a row of opcodes.def
 *   oracle_native.c  runs it on the host, in a sandbox of fixed addresses
 *   oracle_cpu.c     runs it on struct x86_cpu: x86_decode() and the op functions
 *   oracle_seq.c     makes sequences with branches and loops
 *   oracle_engine.c  runs them on the whole interpreter: blocks, links, fast handlers
 *   oracle_cmp.c     compares and reports
 *
 * Sandbox (both sides):   MEM_BASE   data window, no access around it
 *                         CODE_BASE  code; CODE_START where the case's code begins, CODE_PAD where
 *                                    branches are aimed: reaching either end leaves the sandbox
 */
#ifndef TESTS_INSN_ORACLE_H
#define TESTS_INSN_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/x86/decode.h"

#define MEM_BASE 0x20000000u
#define MEM_SIZE 0x2000u
#define CODE_BASE 0x30000000u
#define CODE_SIZE 0x1000u
#define CODE_START (CODE_BASE + 0x100)
#define CODE_MAX 0x300
#define CODE_PAD (CODE_BASE + 0xa0) /* before the code: in reach of a short jump from START */

struct fxstate { /* SDM vol. 1 table 10-2 */
    uint16_t fcw, fsw;
    uint8_t ftw, rsvd;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16];
    uint8_t xmm[16][16];
    uint8_t pad[96];
} __attribute__((aligned(16)));

struct machine_state {
    uint64_t gpr[16];
    uint64_t rflags;
    struct fxstate fx;
    /* results only */
    uint64_t rip;
    uint32_t x87_ip, x87_dp;
    uint16_t x87_op;
    int vector; /* exception that ended the run, or -1 */
    uint32_t error;
    uint64_t cr2;
};

struct oracle_case {
    enum x86_mode mode; /* 32 or 64 */
    uint64_t seed;
    unsigned row;       /* what it tests (of the last instruction, in a sequence) */
    unsigned code_len;
    unsigned count;     /* instructions */
    unsigned limit;     /* give up after so many executed (oracle_cpu) */
    uint32_t undef;     /* sequences: flags undefined at the end */
    uint32_t undef_any; /* ... anywhere: where a fault may end it */
    uint8_t code[CODE_MAX];
    struct machine_state in;
    uint8_t mem[MEM_SIZE];
};

struct oracle_run {
    struct machine_state out;
    uint8_t mem[MEM_SIZE];
};

void oracle_native_setup(void);
/* Does this host's kernel run 32-bit code? Some virtual ones cannot. Asks once, in a child. */
bool oracle_native_has_32(void);
void oracle_native(const struct oracle_case *c, struct oracle_run *r);

void oracle_cpu_setup(void);
void oracle_cpu(const struct oracle_case *c, struct oracle_run *r);

/* A random source: xorshift64*. */
static inline uint64_t rng(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 0x2545f4914f6cdd1d;
}
static inline unsigned rng_below(uint64_t *s, unsigned n)
{
    return (unsigned)((rng(s) >> 32) * n >> 32);
}

/* False: no such encoding in this mode, or one that cannot be tried. */
bool oracle_gen(struct oracle_case *c, unsigned row, enum x86_mode mode, uint64_t seed);
bool oracle_row_usable(unsigned row, enum x86_mode mode);

/* A sequence: straight code, forward jumps, calls, a loop. */
void oracle_gen_seq(struct oracle_case *c, enum x86_mode mode, uint64_t seed);

void oracle_engine_setup(void);
void oracle_engine_finish(void);
void oracle_engine(const struct oracle_case *c, struct oracle_run *r);

/* Runs the host's side and ours; returns NULL, or a description of what differs (to be freed). */
char *oracle_check(const struct oracle_case *c,
                   void (*ours)(const struct oracle_case *c, struct oracle_run *r));

/* Shared by the generators. */
bool oracle_has_mem(const struct x86_insn *i);
void oracle_random_state(struct oracle_case *c, unsigned row, uint64_t *s);

#endif

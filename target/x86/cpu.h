/* SPDX-License-Identifier: MIT */
/*
 * struct x86_cpu: a software processor at work: the architectural state in the form that is
 * fast to execute on, plus what is derived from it. x86_cpu_save()/x86_cpu_load() convert it
 * to and from struct x86_state.
 *
 * Instruction semantics are functions `void op_NAME(struct x86_cpu *c, const struct x86_insn *i)`
 * (x86_exec_fn). When one runs: c->rip is the address (IP within CS) of the instruction itself,
 * c->next_rip of the one after it; lazy flags are in f_res/f_src/f_cc. A function changes RIP
 * by writing c->next_rip (use x86_jump()). It raises with x86_raise*(), which does not return:
 * it unwinds to c->unwind. So everything that can fault comes before the first commit, and
 * nothing that must be released is held across an access.
 *
 * One thread at a time owns a struct x86_cpu: its vCPU's. No locks, no devices here; what the
 * CPU needs from outside comes through struct x86_host.
 */
#ifndef TARGET_X86_CPU_H
#define TARGET_X86_CPU_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/x86/decode.h"
#include "target/x86/state.h"

struct cpu_model;
struct tlb_ent;
struct log;
struct address_space;
struct kvm_pv_host;

/* ---- Exceptions ---------------------------------------------------------------------- */

enum x86_vector {
    EXC_DE, EXC_DB, EXC_NMI, EXC_BP, EXC_OF, EXC_BR, EXC_UD, EXC_NM, EXC_DF, EXC_CSO, EXC_TS,
    EXC_NP, EXC_SS, EXC_GP, EXC_PF, EXC_MF = 16, EXC_AC, EXC_MC, EXC_XM,
};
enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16 };

/* ---- Lazy flags ----------------------------------------------------------------------
 *
 * The six arithmetic flags follow from three values: the result, one operand, and what kind
 * of operation made them (and how wide: cc = kind | log2(size)). ZF, SF and PF come from
 * `res` alone for every kind but CC_FLAGS.
 *
 *   res  result, sign-extended to 64 bits from the operand size
 *   src  second operand (sign-extended); the first follows: ADD a = res - src, SUB a = res + src
 */
enum {
    CC_FLAGS = 0 << 2, /* src holds the flags themselves (FL_* bits), res unused */
    CC_LOGIC = 1 << 2, /* CF = OF = AF = 0 */
    CC_ADD = 2 << 2,
    CC_ADC = 3 << 2,   /* a + b + 1 (carry-in was 1; with 0 it is an ADD) */
    CC_SUB = 4 << 2,   /* CMP, SUB, NEG (a = 0), SCAS, CMPS, CMPXCHG */
    CC_SBB = 5 << 2,   /* a - b - 1 (borrow was 1; with 0 it is a SUB) */
    CC_INC = 6 << 2,   /* src = old CF (0 or 1) */
    CC_DEC = 7 << 2,   /* src = old CF */
    CC_RES = 8 << 2,   /* src = FL_CF, FL_OF, FL_AF bits directly; ZF/SF/PF from res: shifts, MUL */
};

/* ---- TLB access kinds ---------------------------------------------------------------- */
enum x86_access { ACC_READ, ACC_WRITE, ACC_EXEC };

union x86_xmm {
    uint8_t b[16];
    uint16_t w[8];
    uint32_t d[4];
    uint64_t q[2];
    float f32[4];
    double f64[2];
} __attribute__((aligned(16)));

/* What the processor needs from around it. All called on the vCPU's thread. */
struct x86_host {
    uint64_t (*tsc)(struct x86_cpu *c);                 /* time-stamp counter, offset applied */
    void (*tsc_write)(struct x86_cpu *c, uint64_t v);
    uint64_t (*io_in)(struct x86_cpu *c, uint16_t port, unsigned size);
    void (*io_out)(struct x86_cpu *c, uint16_t port, unsigned size, uint64_t v);
    /* local APIC, with the machine lock taken inside */
    uint64_t (*apic_base)(struct x86_cpu *c);
    bool (*apic_set_base)(struct x86_cpu *c, uint64_t v);
    uint8_t (*get_cr8)(struct x86_cpu *c);
    void (*set_cr8)(struct x86_cpu *c, uint8_t v);
    bool (*apic_msr_read)(struct x86_cpu *c, uint32_t msr, uint64_t *v);
    bool (*apic_msr_write)(struct x86_cpu *c, uint32_t msr, uint64_t v);
    /* Paging state changed: what the engine must forget. */
    void (*flush_all)(struct x86_cpu *c);               /* every translation, global too */
    void (*flush_nonglobal)(struct x86_cpu *c);         /* of the current PCID */
    void (*flush_page)(struct x86_cpu *c, uint64_t la); /* INVLPG: global in all PCIDs, current */
    void (*flush_pcid)(struct x86_cpu *c, uint16_t pcid, bool page, uint64_t la); /* INVPCID 0, 1 */
    void (*flush_all_nonglobal)(struct x86_cpu *c);     /* INVPCID 3 */
    void (*cr3_changed)(struct x86_cpu *c, bool noflush);
    void (*mode_changed)(struct x86_cpu *c);            /* CR0/CR4/EFER/CPL/CS/SS/RFLAGS bits that
                                                           select TLB banks or decoding */
    void (*halt)(struct x86_cpu *c);                    /* HLT/MWAIT retired: c->mp_state set */
    void (*pause)(struct x86_cpu *c);
    const struct kvm_pv_host *pv;                       /* kvm_pv.h; NULL: the model lacks "kvm" */
};

struct x86_cpu {
    union {
        uint64_t slot[SLOT_COUNT];
        struct {
            uint64_t r[16];       /* general registers in encoding order */
            uint64_t zero;        /* SLOT_ZERO: stays 0 */
            uint64_t page_rip;    /* SLOT_RIP: linear address of the current code page (engine) */
            uint64_t seg_base[6]; /* SLOT_SEG + S_ES..S_GS: bases; canonical copy is here */
            uint64_t ea;          /* SLOT_EA (engine) */
            uint64_t slot_spare[7];
        };
    };
    /* lazy flags, spilled; eflags holds everything but the six arithmetic flags and bit 1 */
    uint64_t f_res, f_src;
    uint32_t f_cc;
    uint32_t eflags;
    uint64_t rip, next_rip; /* IP within CS (64-bit: linear address) */
    struct tlb_ent *tlb[3]; /* the engine's current bank, by enum x86_access */

    /* segments: base of S_ES..S_GS is seg_base[]; of LDTR and TR in seg[].base. seg[].base of
     * the first six is NOT maintained; use x86_seg_base(). */
    struct x86_seg seg[8];
    struct x86_dtable gdtr, idtr;
    uint8_t cpl;            /* = SS.DPL; 3 in virtual-8086 mode, 0 in real mode */
    uint8_t mode;           /* enum x86_mode of CS, derived by x86_update_mode() */
    bool lma, pe, vm86;     /* derived: EFER.LMA, CR0.PE, RFLAGS.VM */
    uint8_t stack_size;     /* bytes of the stack pointer: 8 in 64-bit mode, else SS.B ? 4 : 2 */
    uint64_t cr0, cr2, cr3, cr4;
    uint64_t pdpte[4];
    uint64_t dr[8];
    uint64_t xcr0;

    union x86_xmm xmm[16];
    struct x86_f80 fpr[8];  /* physical registers; ST(i) = fpr[(top + i) & 7] */
    uint16_t fcw, fsw;      /* fsw with TOP in bits 11..13 */
    uint8_t fptag;          /* abridged: bit n set = physical register n is not empty */
    uint16_t fop, fcs, fds;
    uint64_t fip, fdp;
    uint32_t mxcsr;

    struct {
#define MSR(index, name, reset, ...) uint64_t name;
#include "target/x86/msr.def"
#undef MSR
    } msr;

    /* events */
    uint8_t mp_state;
    bool inhibit_irq, inhibit_movss; /* shadow covering the instruction about to execute */
    bool nmi_masked;
    bool step_dropped;      /* the instruction cleared TF on its way into a handler (INT n,
                               SYSCALL): its own single-step trap is lost */
    uint64_t db_pending;    /* DR6 bits of a #DB to be raised after the current instruction */
    /* accepted elsewhere, to be delivered first: see struct x86_state */
    uint8_t event, event_vector;
    bool event_has_error;
    uint32_t event_error;
    struct x86_xext ext;    /* no instruction here reaches it: kept for who runs the CPU next */

    /* the exception being raised, between x86_raise() and delivery */
    struct {
        uint8_t vector;
        bool has_error;
        uint32_t error;
        uint64_t cr2;       /* #PF */
    } exc;
    sigjmp_buf *unwind;     /* set by whoever calls into op_* functions (engine, tests) */

    uint32_t apic_id;         /* CPUID leaves 1 and 0Bh */
    const struct cpu_model *model;
    const struct x86_host *host;
    struct log *log;
    struct address_space *as; /* guest-physical memory */
    void *engine;             /* whoever embeds or drives this */
    uint64_t rng_state;       /* RDRAND under -icount: deterministic; 0 = use the host's */
};

/* ---- Raising (do not return) ---------------------------------------------------------- */
_Noreturn void x86_raise(struct x86_cpu *c, enum x86_vector v);               /* no error code */
_Noreturn void x86_raise_err(struct x86_cpu *c, enum x86_vector v, uint32_t err);
_Noreturn void x86_raise_pf(struct x86_cpu *c, uint64_t la, uint32_t err);
#define x86_gp(c, err) x86_raise_err(c, EXC_GP, err)
#define x86_ud(c) x86_raise(c, EXC_UD)

/* ---- Flags (flags.c) ------------------------------------------------------------------ */
uint32_t x86_flags_arith(const struct x86_cpu *c);       /* the six, computed */
uint64_t x86_rflags(const struct x86_cpu *c);            /* whole RFLAGS */
void x86_set_arith(struct x86_cpu *c, uint32_t flags);   /* the six, as CC_FLAGS */
/* The whole register, no privilege rules; calls mode_changed if TF, AC, VM changed. */
void x86_set_rflags(struct x86_cpu *c, uint64_t v);
bool x86_cond(const struct x86_cpu *c, unsigned cond);   /* 0..15 as in Jcc */
static inline void x86_flags_set(struct x86_cpu *c, int64_t res, int64_t src, uint32_t cc)
{
    c->f_res = res;
    c->f_src = src;
    c->f_cc = cc;
}

/* ---- Memory (supplied by the engine: accel/tcg-interp/mem.c, or by a test) -------------
 * Linear addresses, paging and CPL applied; raise #PF (or #GP on a non-canonical address, #SS
 * if `seg` is S_SS). Size 1, 2, 4, 8. Page-crossing accesses fault before any byte is written.
 */
uint64_t x86_lin_read(struct x86_cpu *c, uint64_t la, unsigned size);
void x86_lin_write(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t v);
void x86_lin_read_bytes(struct x86_cpu *c, uint64_t la, void *buf, unsigned len);  /* <= 4096 */
void x86_lin_write_bytes(struct x86_cpu *c, uint64_t la, const void *buf, unsigned len);
/* Raise now what an access would raise; no data moves. */
void x86_lin_probe(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc);
/* The same with supervisor privilege whatever the CPL: descriptor tables, TSS, stacks of inner
 * rings (implicit supervisor accesses: SMAP applies without regard to AC). */
uint64_t x86_sys_read(struct x86_cpu *c, uint64_t la, unsigned size);
void x86_sys_write(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t v);
void x86_sys_probe(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc);
/* A host pointer to [la, la+len) if it lies in one page of plain RAM and may be accessed, else
 * NULL (I/O, ROM store, watchpoint, page crossing: use read/write). Raises faults. For REP
 * runs and atomics. With ACC_WRITE dirty and code tracking are done for the range. */
void *x86_lin_ptr(struct x86_cpu *c, uint64_t la, unsigned len, enum x86_access acc);
/* Compare-and-swap of size 1..8 (aligned or not; atomic towards other vCPUs). Returns success;
 * *expected gets what was there. */
bool x86_lin_cmpxchg(struct x86_cpu *c, uint64_t la, unsigned size, uint64_t *expected,
                     uint64_t desired);
bool x86_lin_cmpxchg16(struct x86_cpu *c, uint64_t la, uint64_t expected[2],
                       const uint64_t desired[2]);

/* ---- Addresses (segment.c) ------------------------------------------------------------ */
/* Offset of the memory operand: base + index * scale + disp, cut to the address size. */
uint64_t x86_ea(const struct x86_cpu *c, const struct x86_insn *i);
/* Segment checks (limit, type, null, canonical) for an access of len bytes at seg:off; returns
 * the linear address. Raises #GP(0) or #SS(0). Also does the #AC alignment check when
 * CR0.AM, RFLAGS.AC and CPL 3 ask for it and align > 1. */
uint64_t x86_seg_lin(struct x86_cpu *c, unsigned seg, uint64_t off, unsigned len,
                     enum x86_access acc, unsigned align);
/* Both at once for the memory operand of i. */
static inline uint64_t x86_opnd_lin(struct x86_cpu *c, const struct x86_insn *i, unsigned len,
                                    enum x86_access acc)
{
    return x86_seg_lin(c, i->seg, x86_ea(c, i), len, acc, len);
}
static inline uint64_t x86_seg_base(const struct x86_cpu *c, unsigned seg)
{
    return seg < 6 ? c->seg_base[seg] : c->seg[seg].base;
}

/* ---- Integer operands (operand.c) ------------------------------------------------------ */
/* Zero-extended value of operand n (REG, REGH, MEM, IMM, SREG, ONE). */
uint64_t x86_get(struct x86_cpu *c, const struct x86_insn *i, unsigned n);
/* For read-modify-write: like x86_get but a memory operand is checked for writing. */
uint64_t x86_get_rw(struct x86_cpu *c, const struct x86_insn *i, unsigned n);
/* Store; 4-byte register writes zero the upper half. */
void x86_put(struct x86_cpu *c, const struct x86_insn *i, unsigned n, uint64_t v);

/* ---- Stack (segment.c): SS-relative with the stack size of the mode --------------------- */
void x86_push(struct x86_cpu *c, unsigned size, uint64_t v);
uint64_t x86_pop(struct x86_cpu *c, unsigned size);
/* Read at SP + off without moving it; for multi-step instructions that commit SP at the end. */
uint64_t x86_stack_peek(struct x86_cpu *c, uint64_t off, unsigned size);
void x86_stack_add(struct x86_cpu *c, int64_t n); /* SP += n, masked to the stack size */

/* ---- Control transfer ------------------------------------------------------------------ */
/* Near transfer within CS: cut to opsize, check limit or canonicity (#GP(0)), set next_rip. */
void x86_jump(struct x86_cpu *c, uint64_t target, unsigned opsize);
/* segment.c */
/* MOV/POP Sreg, LDS ...: all checks */
void x86_load_seg(struct x86_cpu *c, unsigned seg, uint16_t sel);
void x86_far_jump(struct x86_cpu *c, uint16_t sel, uint64_t off, unsigned opsize);
void x86_far_call(struct x86_cpu *c, uint16_t sel, uint64_t off, unsigned opsize);
void x86_far_ret(struct x86_cpu *c, unsigned opsize, unsigned pop);
void x86_iret(struct x86_cpu *c, unsigned opsize);
/* task.c; x86_task_enter() in segment.h */
enum x86_task_src { TASK_JMP, TASK_CALL, TASK_IRET, TASK_INT };
/* except.c */
enum x86_int_kind { INT_HW, INT_SOFT /* INT n */, INT_SOFT3 /* INT3, INTO */, INT_ICEBP, INT_EXC };
/* Deliver through the IDT/IVT: return address is c->rip for INT_EXC faults and INT_HW, and
 * c->next_rip for INT_SOFT*, ICEBP and traps. May raise (unwind) a further exception. */
void x86_interrupt(struct x86_cpu *c, uint8_t vector, enum x86_int_kind kind, bool has_error,
                   uint32_t error);
/* After an unwind: deliver c->exc, combining into double faults. c->rip is the faulting
 * instruction. False: triple fault, the processor is shut down. Sets its own c->unwind. */
bool x86_deliver_exception(struct x86_cpu *c);
/* The same protection for x86_interrupt() from outside an instruction (hardware interrupts,
 * NMI): delivers vector, and exceptions met on the way. False: shutdown. */
bool x86_deliver_interrupt(struct x86_cpu *c, uint8_t vector, enum x86_int_kind kind);
/* #DB outside an instruction (single step, breakpoints, c->db_pending): sets the DR6 bits, clears
 * DR7.GD and db_pending, delivers; the return address is c->rip. False: shutdown. */
bool x86_deliver_debug(struct x86_cpu *c, uint64_t dr6_bits);
/* c->event, which x86_cpu_load() brought. False: shutdown. */
bool x86_deliver_event(struct x86_cpu *c);
/* Derived fields (cpl is not touched): mode, stack_size, lma, pe, vm86. Calls mode_changed. */
void x86_update_mode(struct x86_cpu *c);

/* ---- System registers (sysreg.c, msr.c, cpuid.c) ---------------------------------------- */
void x86_set_cr0(struct x86_cpu *c, uint64_t v); /* #GP rules of MOV CR; LMA transitions */
void x86_set_cr3(struct x86_cpu *c, uint64_t v);
void x86_set_cr4(struct x86_cpu *c, uint64_t v);
uint64_t x86_rdmsr(struct x86_cpu *c, uint32_t msr); /* raises #GP(0) */
void x86_wrmsr(struct x86_cpu *c, uint32_t msr, uint64_t v);
void x86_cpuid(struct x86_cpu *c, uint32_t leaf, uint32_t sub, uint32_t out[4]);
bool x86_has(const struct x86_cpu *c, unsigned feature); /* X86_F_* */
bool x86_io_allowed(struct x86_cpu *c, uint16_t port, unsigned size); /* IOPL and TSS bitmap */
/* An I/O breakpoint (CR4.DE) on these ports becomes pending. For IN, OUT, INS, OUTS. */
void x86_io_breakpoint(struct x86_cpu *c, uint16_t port, unsigned size);

/* ---- Paging (paging.c) ------------------------------------------------------------------ */
struct x86_walk {
    uint64_t gpa;       /* of la itself */
    uint64_t page_size; /* 4 KiB, 2 MiB, 4 MiB, 1 GiB */
    /* writable: at the privilege the walk was made for (supervisor: WP taken into account);
     * dirty: D set in the leaf (or paging off) */
    bool writable, user, nx, global, dirty;
    uint32_t error;     /* #PF error code when the walk fails */
};
/* Walk for an access of kind acc, as user or supervisor, with present CR0/CR3/CR4/EFER, SMAP
 * overridden by AC unless `implicit`. Sets A, and D for ACC_WRITE, by compare-and-swap in
 * guest memory. True: allowed, *w filled. Paging off: identity (cut to 32 bits). */
bool x86_walk(struct x86_cpu *c, uint64_t la, enum x86_access acc, bool user, bool implicit,
              struct x86_walk *w);
/* Same without side effects and without permission checks: for the monitor. */
bool x86_walk_probe(struct x86_cpu *c, uint64_t la, struct x86_walk *w);

/* ---- State ------------------------------------------------------------------------------ */
/* All of *st but what is not inside the CPU: CR8, the time-stamp counter, and pending NMI, INIT
 * and SIPI. */
void x86_cpu_save(struct x86_cpu *c, struct x86_state *st);
void x86_cpu_load(struct x86_cpu *c, const struct x86_state *st);
/* INIT as the processor sees it (the local APIC is reset apart), and the start-up IPI that a
 * processor in MP_WAIT_SIPI takes. */
void x86_cpu_init(struct x86_cpu *c, bool bsp);
void x86_cpu_sipi(struct x86_cpu *c, uint8_t vector);

/* ---- Guards common to many instructions ------------------------------------------------- */
/* #UD/#NM/#MF as the row's attributes ask, before any operand is touched. The engine calls it
 * for rows with ROW_FPU, ROW_MMX or ROW_SSE before the op function. */
void x86_fpu_guard(struct x86_cpu *c, uint32_t row_attr);

static inline uint64_t x86_mask(unsigned size)
{
    return size == 8 ? ~0ull : (1ull << (size * 8)) - 1;
}
static inline int64_t x86_sext(uint64_t v, unsigned size)
{
    unsigned sh = 64 - size * 8;
    return (int64_t)(v << sh) >> sh;
}
static inline uint32_t x86_cc(uint32_t kind, unsigned size) /* size 1, 2, 4, 8 */
{
    return kind | (uint32_t)__builtin_ctz(size);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * struct x86_state: the architectural state of one logical processor, and nothing else: no
 * pointers, nothing derived, RFLAGS whole. Snapshots, the gdb stub, reset, the monitor, the
 * lock-step comparison and a switch of accelerator exchange it.
 *
 * Intel SDM vol. 1 ch. 3, 8, 10, 13; vol. 3 ch. 2, 3, 10, 17.
 */
#ifndef TARGET_X86_STATE_H
#define TARGET_X86_STATE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum x86_gpr { R_RAX, R_RCX, R_RDX, R_RBX, R_RSP, R_RBP, R_RSI, R_RDI };
enum x86_sreg { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS, S_LDTR, S_TR };

/*
 * Segment register with its hidden part. attr is bits 8..23 of the descriptor's second
 * doubleword, shifted down by 8, limit bits removed:
 *   15 14 13 12 | 11..8 | 7 6 5  4 3..0
 *    G DB  L AVL |   0   | P DPL  S type
 */
struct x86_seg {
    uint16_t sel;
    uint16_t attr;
    uint32_t limit; /* bytes - 1, granularity applied */
    uint64_t base;
};
enum {
    SEG_TYPE = 0x000f, SEG_ACCESSED = 0x0001, SEG_RW = 0x0002, SEG_DC = 0x0004, SEG_CODE = 0x0008,
    SEG_S = 0x0010, SEG_DPL = 0x0060, SEG_P = 0x0080,
    SEG_AVL = 0x1000, SEG_L = 0x2000, SEG_DB = 0x4000, SEG_G = 0x8000,
    /* not architectural: a null selector was loaded; no access through it */
    SEG_UNUSABLE = 0x0100,
};

struct x86_dtable {
    uint64_t base;
    uint16_t limit;
    uint16_t pad[3];
};

/* RFLAGS */
enum {
    FL_CF = 1, FL_1 = 2, FL_PF = 4, FL_AF = 0x10, FL_ZF = 0x40, FL_SF = 0x80, FL_TF = 0x100,
    FL_IF = 0x200, FL_DF = 0x400, FL_OF = 0x800, FL_IOPL = 0x3000, FL_NT = 0x4000,
    FL_RF = 0x10000, FL_VM = 0x20000, FL_AC = 0x40000, FL_VIF = 0x80000, FL_VIP = 0x100000,
    FL_ID = 0x200000,
    FL_ARITH = FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF | FL_OF,
};
enum {
    CR0_PE = 1, CR0_MP = 2, CR0_EM = 4, CR0_TS = 8, CR0_ET = 0x10, CR0_NE = 0x20,
    CR0_WP = 0x10000, CR0_AM = 0x40000, CR0_NW = 0x20000000, CR0_CD = 0x40000000,
};
#define CR0_PG 0x80000000u
enum {
    CR4_VME = 1, CR4_PVI = 2, CR4_TSD = 4, CR4_DE = 8, CR4_PSE = 0x10, CR4_PAE = 0x20,
    CR4_MCE = 0x40, CR4_PGE = 0x80, CR4_PCE = 0x100, CR4_OSFXSR = 0x200, CR4_OSXMMEXCPT = 0x400,
    CR4_UMIP = 0x800, CR4_LA57 = 0x1000, CR4_FSGSBASE = 0x10000, CR4_PCIDE = 0x20000,
    CR4_OSXSAVE = 0x40000, CR4_SMEP = 0x100000, CR4_SMAP = 0x200000, CR4_PKE = 0x400000,
};
enum { EFER_SCE = 1, EFER_LME = 0x100, EFER_LMA = 0x400, EFER_NXE = 0x800 };

/* Debug registers */
enum {
    DR6_B0 = 1, DR6_BD = 0x2000, DR6_BS = 0x4000, DR6_BT = 0x8000,
    DR7_GD = 0x2000,
};
enum { DEBUGCTL_BTF = 2 }; /* single step means: to the next taken branch */
#define DR6_FIXED 0xffff0ff0u /* bits that read as 1 */
#define DR7_FIXED 0x400u

enum x86_mp_state { MP_RUNNABLE, MP_HALTED, MP_WAIT_INIT, MP_WAIT_SIPI };

enum x86_event { EVENT_NONE, EVENT_INTR, EVENT_NMI, EVENT_EXC };

/* XSAVE components beyond x87 and SSE; their initial state is zero. Whoever does not offer them
 * keeps them as they are. SDM vol. 1 section 13.5. */
struct x86_xext {
    uint8_t ymmh[16][16];  /* 2: bits 255..128 of YMM0-15 */
    uint64_t opmask[8];    /* 5 */
    uint8_t zmmh[16][32];  /* 6: bits 511..256 of ZMM0-15 */
    uint8_t zmm16[16][64]; /* 7: ZMM16-31 */
    uint32_t pkru;         /* 9 */
    uint32_t pad;
};

/* An 80-bit register image: mantissa, then sign and exponent. */
struct x86_f80 {
    uint64_t mant;
    uint16_t se;
    uint16_t pad[3];
};

/* Every byte is a member, so that a test sees when one is not in x86_state_fields. */
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
struct x86_state {
    uint64_t gpr[16]; /* encoding order: rax rcx rdx rbx rsp rbp rsi rdi r8.. */
    uint64_t rip;
    uint64_t rflags;
    struct x86_seg seg[8]; /* enum x86_sreg */
    struct x86_dtable gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4, cr8;
    uint64_t pdpte[4]; /* as loaded by the last MOV to CR3 under PAE paging */
    uint64_t dr[8];    /* 4 and 5 unused */
    uint64_t xcr0;

    /* x87: physical registers, TOP in fsw; full tag word (2 bits each, FSAVE's form) */
    struct x86_f80 fpr[8]; /* by physical number, not relative to TOP */
    uint16_t fcw, fsw, ftw, fop;
    uint16_t fcs, fds;
    uint32_t mxcsr;
    uint64_t fip, fdp;
    uint8_t xmm[16][16];
    struct x86_xext ext;

    /* MSRs: one member per row of msr.def */
    struct {
#define MSR(index, name, reset, ...) uint64_t name;
#include "target/x86/msr.def"
#undef MSR
    } msr;

    /* The time-stamp counter, and the virtual time (ns) at which it had that value: it goes on
     * while a running machine's state is on its way from one accelerator to the other. */
    uint64_t tsc;
    int64_t tsc_vtime;

    /* Events */
    uint8_t mp_state;       /* enum x86_mp_state */
    uint8_t inhibit_irq;    /* interrupt shadow of STI */
    uint8_t inhibit_movss;  /* interrupt shadow of MOV SS / POP SS */
    uint8_t nmi_masked;     /* between an NMI and IRET */
    uint8_t nmi_pending;    /* how many wait: 0-2 */
    uint8_t init_pending;
    uint8_t sipi_pending;
    uint8_t pv_unhalt;      /* KVM_HC_KICK_CPU: the next halt ends at once */
    uint8_t sipi_vector;
    /* Accepted and not delivered: goes through the IDT before the next instruction, with CS:RIP
     * as the return address. DR6 and CR2 are as the handler will find them. Software interrupts
     * never wait here: their instruction is executed again. */
    uint8_t event;          /* enum x86_event */
    uint8_t event_vector;
    uint8_t event_has_error;
    uint32_t event_error;
    uint64_t db_pending;    /* DR6 bits of a #DB that inhibit_movss holds back */
};
#pragma GCC diagnostic pop

/* Can a processor be in this state? For one that comes from outside; err says why not. */
bool x86_state_check(const struct x86_state *st, GError **err);

/* The state after RESET; an application processor waits for SIPI. SDM vol. 3 table 10-1. */
void x86_state_reset(struct x86_state *st, bool bsp, uint32_t cpuid_signature);
/* The state after INIT: x87, SSE, most MSRs and caching bits of *st stay. */
void x86_state_init(struct x86_state *st, bool bsp, uint32_t cpuid_signature);

#endif

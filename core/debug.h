/* SPDX-License-Identifier: MIT */
/*
 * What a debugger asks of the vCPUs: where to stop, whom to step, whom to hold still.
 *
 * All of it is under the machine lock and changes only while the vCPUs are parked;
 * machine_debug_apply() hands it to the accelerators, which keep copies of their own. A vCPU
 * that meets a point, or has made its step, leaves run() with VCPU_DEBUG, having said why in
 * vcpu->debug; the machine pauses then, whole.
 */
#ifndef CORE_DEBUG_H
#define CORE_DEBUG_H

#include <stdbool.h>
#include <stdint.h>

struct machine;

enum debug_kind { DEBUG_EXEC, DEBUG_WRITE, DEBUG_READ, DEBUG_ACCESS };

/* A place in linear memory, in whatever address space is in force. DEBUG_EXEC: before the
 * instruction at addr; the others: after the instruction that touched [addr, addr + len). */
struct debug_point {
    enum debug_kind kind;
    uint64_t addr, len;
};

enum debug_why {
    DEBUG_NO,
    DEBUG_STEPPED,
    DEBUG_BREAKPOINT,
    DEBUG_WATCHPOINT,
    DEBUG_HISTORY, /* going back ended where the history begins */
};

struct vcpu_debug {              /* part of struct vcpu */
    bool held;                   /* stays parked while the machine runs */
    bool step;                   /* one instruction, then stop */
    bool step_irq;               /* ... and interrupts are taken meanwhile */
    uint64_t step_from, step_to; /* ... or more, as long as they lie in [from, to) */
    /* By the accelerator, in the vCPU's thread, before it returns VCPU_DEBUG: */
    enum debug_why why;
    struct debug_point hit; /* breakpoints and watchpoints */
};

struct machine_debug {          /* part of struct machine */
    struct debug_point *points; /* owned */
    unsigned n;
};

/* These points from now on, for all vCPUs; with machine_debug_apply(). */
void machine_debug_points(struct machine *m, const struct debug_point *points, unsigned n);
/* Points and vcpu->debug of all vCPUs were changed. Lock held, vCPUs parked. */
void machine_debug_apply(struct machine *m);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The host's floating-point units while guest code runs.
 *
 * Between x86_mxcsr_enter() and x86_mxcsr_leave() the host's MXCSR holds the guest's rounding
 * mode, DAZ and FTZ with every exception masked, and its sticky flags are the guest's: fast
 * operations just execute, and the flags are collected when somebody looks. The host's x87
 * likewise has the guest's rounding and precision control, all masked, an empty stack, and no
 * flag set that c->fsw has not.
 *
 * Host code that computes in floating point for its own purposes belongs outside of that pair.
 */
#ifndef ACCEL_TCG_INTERP_HOST_FP_H
#define ACCEL_TCG_INTERP_HOST_FP_H

#include "target/x86/fpu.h"

static inline uint32_t host_mxcsr(void)
{
    uint32_t v;

    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}
static inline void host_set_mxcsr(uint32_t v)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(v));
}
static inline void host_set_fcw(uint16_t v)
{
    __asm__ volatile("fldcw %0" : : "m"(v));
}
static inline void host_clear_x87(void)
{
    __asm__ volatile("fnclex");
}

/* What the host's control registers hold while this guest runs. */
static inline void host_load_guest_mxcsr(const struct x86_cpu *c)
{
    host_set_mxcsr((c->mxcsr & MXCSR_VALID) | MXCSR_MASKS);
}
static inline void host_load_guest_fcw(const struct x86_cpu *c)
{
    host_set_fcw(c->fcw | FP_EXC);
}

/* After c->fcw and c->fsw were replaced. */
static inline void host_load_guest_x87(const struct x86_cpu *c)
{
    host_clear_x87();
    host_load_guest_fcw(c);
}

/* Bring c->mxcsr up to date with the sticky flags. */
static inline void x86_mxcsr_sync(struct x86_cpu *c)
{
    c->mxcsr |= host_mxcsr() & FP_EXC;
}

static inline void x86_mxcsr_enter(struct x86_cpu *c)
{
    host_load_guest_mxcsr(c);
    host_load_guest_x87(c);
}
static inline void x86_mxcsr_leave(struct x86_cpu *c)
{
    x86_mxcsr_sync(c);
    host_set_mxcsr(MXCSR_INIT);
    host_clear_x87();
    host_set_fcw(FCW_INIT);
}

/* The CPU feature this host lacks for running the SSE operations, or NULL: the engine refuses
 * to start without them. */
const char *host_fp_missing(void);

#endif

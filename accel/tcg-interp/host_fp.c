/* SPDX-License-Identifier: MIT */
/*
 * The checked path of SSE floating point (some exception unmasked), and what the host must
 * offer. Intel SDM vol. 1 sections 11.5.2 and 11.5.3.
 */
#include "accel/tcg-interp/vec.h"

/*
 * The host executes with everything masked; the flags tell what an unmasked execution would
 * have reported. Two differences: an unmasked underflow is reported for every tiny result, a
 * masked one only for inexact ones, and flush-to-zero, which shows every tiny result, tells
 * them. And when an exception known before the computation (IE, DE, ZE) is unmasked, those
 * known after it are not reported.
 */
vec vec_fp_checked(struct x86_cpu *c, vec_fp_fn *fn, vec d, vec s, const uint8_t *stub)
{
    uint32_t before = host_mxcsr(), masked = c->mxcsr >> 7, flags, unmasked;
    uint32_t quiet = before & ~(uint32_t)FP_EXC;
    vec r;

    if (!(masked & FP_UE))
        quiet &= ~(uint32_t)MXCSR_FTZ; /* has no effect then */
    host_set_mxcsr(quiet);
    r = fn(d, s, stub);
    flags = host_mxcsr() & FP_EXC;
    if (!(masked & FP_UE)) {
        host_set_mxcsr(quiet | MXCSR_FTZ);
        fn(d, s, stub);
        flags |= host_mxcsr() & FP_UE;
    }
    unmasked = flags & ~masked;
    if (unmasked & (FP_IE | FP_DE | FP_ZE))
        flags &= FP_IE | FP_DE | FP_ZE;
    host_set_mxcsr(before | flags);
    if (unmasked)
        x86_raise(c, c->cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD);
    return r;
}

const char *host_fp_missing(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.2"))
        return "sse4.2";
    if (!__builtin_cpu_supports("aes"))
        return "aes";
    if (!__builtin_cpu_supports("pclmul"))
        return "pclmulqdq";
    return NULL;
}

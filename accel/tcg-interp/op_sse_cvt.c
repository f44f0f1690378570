/* SPDX-License-Identifier: MIT */
/*
 * SSE conversions. Intel SDM vol. 2. The MMX forms run on the low half of an XMM register: the
 * zeros in its upper half convert without an exception.
 */
#include "accel/tcg-interp/vec.h"

#define RUN2(name, insn)                                                                           \
    static vec run_##name(vec d, vec s, const uint8_t *stub)                                       \
    {                                                                                              \
        __asm__ volatile(insn " %1, %0" : "+x"(d) : "x"(s));                                       \
        return d;                                                                                  \
    }

/* XMM from XMM or memory */
#define CVT(name)                                                                                  \
    RUN2(name, #name)                                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1), d = vec_get(c, i, 0);                                            \
                                                                                                   \
        vec_put(c, i, 0, vec_fp(c, run_##name, d, s, NULL));                                       \
    }
CVT(cvtps2pd)
CVT(cvtpd2ps)
CVT(cvtss2sd)
CVT(cvtsd2ss)
CVT(cvtdq2ps)
CVT(cvtdq2pd)
CVT(cvtps2dq)
CVT(cvttps2dq)
CVT(cvtpd2dq)
CVT(cvttpd2dq)

/* ---- Scalar from and to general registers -------------------------------------------------- */

#define CVT_FROM_INT(name)                                                                         \
    static vec run_##name##_32(vec d, vec s, const uint8_t *stub)                                  \
    {                                                                                              \
        __asm__ volatile(#name "l %1, %0" : "+x"(d) : "r"((uint32_t)s[0]));                        \
        return d;                                                                                  \
    }                                                                                              \
    static vec run_##name##_64(vec d, vec s, const uint8_t *stub)                                  \
    {                                                                                              \
        __asm__ volatile(#name "q %1, %0" : "+x"(d) : "r"((uint64_t)s[0]));                        \
        return d;                                                                                  \
    }                                                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_of(x86_get(c, i, 1), 0), d = vec_get(c, i, 0);                                 \
                                                                                                   \
        if (i->op[1].size == 8)                                                                    \
            d = vec_fp(c, run_##name##_64, d, s, NULL);                                            \
        else                                                                                       \
            d = vec_fp(c, run_##name##_32, d, s, NULL);                                            \
        vec_put(c, i, 0, d);                                                                       \
    }
CVT_FROM_INT(cvtsi2ss)
CVT_FROM_INT(cvtsi2sd)

#define CVT_TO_INT(name)                                                                           \
    static vec run_##name##_32(vec d, vec s, const uint8_t *stub)                                  \
    {                                                                                              \
        uint32_t r;                                                                                \
                                                                                                   \
        __asm__ volatile(#name "l %1, %0" : "=r"(r) : "x"(s));                                     \
        return vec_of(r, 0);                                                                       \
    }                                                                                              \
    static vec run_##name##_64(vec d, vec s, const uint8_t *stub)                                  \
    {                                                                                              \
        uint64_t r;                                                                                \
                                                                                                   \
        __asm__ volatile(#name "q %1, %0" : "=r"(r) : "x"(s));                                     \
        return vec_of(r, 0);                                                                       \
    }                                                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1);                                                                  \
                                                                                                   \
        if (i->op[0].size == 8)                                                                    \
            s = vec_fp(c, run_##name##_64, s, s, NULL);                                            \
        else                                                                                       \
            s = vec_fp(c, run_##name##_32, s, s, NULL);                                            \
        vec_put_gpr(c, i, 0, s[0]);                                                                \
    }
CVT_TO_INT(cvtss2si)
CVT_TO_INT(cvttss2si)
CVT_TO_INT(cvtsd2si)
CVT_TO_INT(cvttsd2si)

/* ---- Between MMX and XMM -------------------------------------------------------------------- */

/* To MMX: both results in the low half. A 64-bit source brings two singles, 128 two doubles. */
#define CVT_TO_MM(name, insn)                                                                      \
    RUN2(name, #insn)                                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        vec s = vec_get(c, i, 1);                                                                  \
                                                                                                   \
        if (i->op[1].size == 8)                                                                    \
            s = vec_of(s[0], 0);                                                                   \
        vec_put(c, i, 0, vec_fp(c, run_##name, s, s, NULL));                                       \
    }
CVT_TO_MM(cvtps2pi, cvtps2dq)
CVT_TO_MM(cvttps2pi, cvttps2dq)
CVT_TO_MM(cvtpd2pi, cvtpd2dq)
CVT_TO_MM(cvttpd2pi, cvttpd2dq)

RUN2(cvtpi2ps, "cvtdq2ps")
OP(cvtpi2ps)
{
    vec s = vec_get(c, i, 1), d = vec_get(c, i, 0), r;

    r = vec_fp(c, run_cvtpi2ps, vec_of(0, 0), s, NULL);
    vec_put(c, i, 0, vec_of(r[0], d[1]));
    x86_mmx_touch(c); /* also with a memory source, says the manual; not so CVTPI2PD */
}
RUN2(cvtpi2pd, "cvtdq2pd")
OP(cvtpi2pd)
{
    vec s = vec_get(c, i, 1);

    vec_put(c, i, 0, vec_fp(c, run_cvtpi2pd, s, s, NULL));
    vec_touch(c, i, 1);
}

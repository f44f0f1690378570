/* SPDX-License-Identifier: MIT */
/*
 * x87 functions, constants, conditional moves and tag operations: nearly all by the host with the
 * guest's whole state (x87.h), so that the last bit of a transcendental is the host's.
 * Intel SDM vol. 1 section 8.3, vol. 2.
 */
#include "accel/tcg-interp/x87.h"

#define EXEC(name)                                                                                 \
    OP(name)                                                                                       \
    {                                                                                              \
        x87_exec(c, i);                                                                            \
    }

/* ST(0) = INSN ST(0) */
#define UNARY(name)                                                                                \
    OP(name)                                                                                       \
    {                                                                                              \
        uint16_t sw;                                                                               \
                                                                                                   \
        if (!x87_quick(c) || !x86_st_full(c, 0)) {                                                 \
            x87_exec(c, i);                                                                        \
            return;                                                                                \
        }                                                                                          \
        __asm__ volatile("fldt %[d]\n\t" #name "\n\t"                                             \
                         "fnstsw %[sw]\n\t"                                                       \
                         "fstpt %[d]"                                                              \
                         : [d] "+m"(*x87_st(c, 0)), [sw] "=&a"(sw));                               \
        x87_flags(c, sw);                                                                          \
        x87_note(c, i);                                                                            \
    }
UNARY(fsqrt)
UNARY(frndint)

EXEC(fscale)
EXEC(fxtract)
EXEC(fprem)
EXEC(fprem1)
EXEC(f2xm1)
EXEC(fyl2x)
EXEC(fyl2xp1)
EXEC(fsin)
EXEC(fcos)
EXEC(fsincos)
EXEC(fptan)
EXEC(fpatan)
EXEC(ftst)
EXEC(fxam)
/* Rounded as FCW says. */
EXEC(fldpi)
EXEC(fldl2t)
EXEC(fldl2e)
EXEC(fldlg2)
EXEC(fldln2)

EXEC(ffree)
EXEC(ffreep)
EXEC(fincstp)
EXEC(fdecstp)

/* The host sees the guest's flags when it executes them. */
EXEC(fcmovb)
EXEC(fcmove)
EXEC(fcmovbe)
EXEC(fcmovu)
EXEC(fcmovnb)
EXEC(fcmovne)
EXEC(fcmovnbe)
EXEC(fcmovnu)

OP(fnop)
{
    x87_note(c, i);
}

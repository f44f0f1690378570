/* SPDX-License-Identifier: MIT */
/*
 * The six arithmetic flags from their lazy form (res, src, cc): see CC_* in cpu.h. Inline, so
 * that the engine's handlers and the generic operations share one definition.
 *
 * Intel SDM vol. 1 section 3.4.3.1.
 */
#ifndef TARGET_X86_FLAGS_H
#define TARGET_X86_FLAGS_H

#include "target/x86/cpu.h"

/* Handlers must not contain calls: with the condition constant these are a few instructions. */
#define FLAG_INLINE static inline __attribute__((always_inline))

static inline uint32_t x86_szp(uint64_t res)
{
    return (res == 0 ? FL_ZF : 0) | ((int64_t)res < 0 ? FL_SF : 0) |
           (__builtin_parity(res & 0xff) ? 0 : FL_PF);
}

/* The unsigned value of the low 1 << lg bytes. */
static inline uint64_t x86_zext(uint64_t v, unsigned lg)
{
    unsigned sh = 64 - (8u << lg);
    return v << sh >> sh;
}

FLAG_INLINE bool x86_carry(uint64_t res, uint64_t src, uint32_t cc)
{
    unsigned lg = cc & 3;

    switch (cc & ~3u) {
    case CC_FLAGS:
    case CC_RES:
        return src & FL_CF;
    case CC_ADD:
        return x86_zext(res, lg) < x86_zext(src, lg);
    case CC_ADC:
        return x86_zext(res, lg) <= x86_zext(src, lg);
    case CC_SUB:
        return x86_zext(res + src, lg) < x86_zext(src, lg);
    case CC_SBB:
        return x86_zext(res + src + 1, lg) <= x86_zext(src, lg);
    case CC_INC:
    case CC_DEC:
        return src & 1;
    default:
        return false;
    }
}

FLAG_INLINE bool x86_overflow(uint64_t res, uint64_t src, uint32_t cc)
{
    unsigned lg = cc & 3, top = (8u << lg) - 1;
    uint64_t a;

    switch (cc & ~3u) {
    case CC_FLAGS:
    case CC_RES:
        return src & FL_OF;
    case CC_ADD:
        a = res - src;
        return ((a ^ res) & (src ^ res)) >> top & 1;
    case CC_ADC:
        a = res - src - 1;
        return ((a ^ res) & (src ^ res)) >> top & 1;
    case CC_SUB:
        a = res + src;
        return ((a ^ src) & (a ^ res)) >> top & 1;
    case CC_SBB:
        a = res + src + 1;
        return ((a ^ src) & (a ^ res)) >> top & 1;
    case CC_INC:
        return x86_zext(res, lg) == 1ull << top;
    case CC_DEC:
        return x86_zext(res, lg) == (1ull << top) - 1;
    default:
        return false;
    }
}

FLAG_INLINE bool x86_adjust(uint64_t res, uint64_t src, uint32_t cc)
{
    switch (cc & ~3u) {
    case CC_FLAGS:
    case CC_RES:
        return src & FL_AF;
    case CC_ADD:
        return ((res - src) ^ src ^ res) & 0x10;
    case CC_ADC:
        return ((res - src - 1) ^ src ^ res) & 0x10;
    case CC_SUB:
        return ((res + src) ^ src ^ res) & 0x10;
    case CC_SBB:
        return ((res + src + 1) ^ src ^ res) & 0x10;
    case CC_INC:
        return (res & 15) == 0;
    case CC_DEC:
        return (res & 15) == 15;
    default:
        return false;
    }
}

/* All six, as FL_* bits. */
static inline uint32_t x86_arith_from(uint64_t res, uint64_t src, uint32_t cc)
{
    if ((cc & ~3u) == CC_FLAGS)
        return src & FL_ARITH;
    return x86_szp(res) | (x86_carry(res, src, cc) ? FL_CF : 0) |
           (x86_overflow(res, src, cc) ? FL_OF : 0) | (x86_adjust(res, src, cc) ? FL_AF : 0);
}

/* Condition 0..15 of Jcc, SETcc, CMOVcc (SDM vol. 1 appendix B). */
FLAG_INLINE bool x86_cond_from(unsigned cond, uint64_t res, uint64_t src, uint32_t cc)
{
    bool flags = (cc & ~3u) == CC_FLAGS, t;

    switch (cond >> 1) {
    case 0: /* O */
        t = x86_overflow(res, src, cc);
        break;
    case 1: /* B */
        t = x86_carry(res, src, cc);
        break;
    case 2: /* E */
        t = flags ? (src & FL_ZF) != 0 : res == 0;
        break;
    case 3: /* BE */
        t = x86_carry(res, src, cc) || (flags ? (src & FL_ZF) != 0 : res == 0);
        break;
    case 4: /* S */
        t = flags ? (src & FL_SF) != 0 : (int64_t)res < 0;
        break;
    case 5: /* P */
        t = flags ? (src & FL_PF) != 0 : !__builtin_parity(res & 0xff);
        break;
    case 6: /* L */
        t = (flags ? (src & FL_SF) != 0 : (int64_t)res < 0) != x86_overflow(res, src, cc);
        break;
    default: /* LE */
        t = (flags ? (src & FL_ZF) != 0 : res == 0) ||
            (flags ? (src & FL_SF) != 0 : (int64_t)res < 0) != x86_overflow(res, src, cc);
        break;
    }
    return t != (cond & 1);
}

#endif

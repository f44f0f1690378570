/* SPDX-License-Identifier: MIT */
/*
 * SSE4.2 string comparison: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM. The host executes the
 * very instruction with the guest's immediate. Intel SDM vol. 2B, section 4.1.
 */
#include "accel/tcg-interp/vec.h"

VEC_STUBS(pcmpestrm, "0x66, 0x0f, 0x3a, 0x60, 0xc1");
VEC_STUBS(pcmpestri, "0x66, 0x0f, 0x3a, 0x61, 0xc1");
VEC_STUBS(pcmpistrm, "0x66, 0x0f, 0x3a, 0x62, 0xc1");
VEC_STUBS(pcmpistri, "0x66, 0x0f, 0x3a, 0x63, 0xc1");

/* Explicit lengths saturate at the number of elements, by absolute value: with any length of
 * 16 or more all elements count, so that 32 bits are enough for the host. */
static int32_t length_of(const struct x86_insn *i, uint64_t r)
{
    int64_t n = i->rex & 8 ? (int64_t)r : (int32_t)r;

    return n > 16 || n < -16 ? 16 : n;
}

/* The index comes back in *ecx, the mask in XMM0 of the host; the six flags as they are. */
static vec run_string(struct x86_cpu *c, const struct x86_insn *i, const uint8_t *stub,
                      uint32_t *ecx)
{
    vec s = vec_get(c, i, 1), d = vec_get(c, i, 0), mask;
    int32_t la = length_of(i, c->r[R_RAX]), lb = length_of(i, c->r[R_RDX]);
    bool z, cf, of, sf;
    uint32_t index;

    __asm__ volatile("movdqa %[d], %%xmm0\n\t"
                     "movdqa %[s], %%xmm1\n\t"
                     "lea -128(%%rsp), %%rsp\n\t"
                     "call *%[stub]\n\t"
                     "lea 128(%%rsp), %%rsp\n\t"
                     "movdqa %%xmm0, %[mask]"
                     : [mask] "=x"(mask), "=@ccz"(z), "=@ccc"(cf), "=@cco"(of), "=@ccs"(sf),
                       "=&c"(index)
                     : [d] "x"(d), [s] "x"(s), [stub] "r"(stub + (i->imm & 0xff) * STUB_SIZE),
                       "a"(la), "d"(lb)
                     : "xmm0", "xmm1", "memory");
    x86_set_arith(c, (z ? FL_ZF : 0) | (cf ? FL_CF : 0) | (of ? FL_OF : 0) | (sf ? FL_SF : 0));
    *ecx = index;
    return mask;
}

#define STRING_INDEX(name)                                                                         \
    OP(name)                                                                                       \
    {                                                                                              \
        uint32_t index;                                                                            \
                                                                                                   \
        run_string(c, i, stub_##name, &index);                                                     \
        c->r[R_RCX] = index;                                                                       \
    }
#define STRING_MASK(name)                                                                          \
    OP(name)                                                                                       \
    {                                                                                              \
        uint32_t index;                                                                            \
                                                                                                   \
        *vec_xmm(c, 0) = run_string(c, i, stub_##name, &index);                                    \
    }
STRING_INDEX(pcmpestri)
STRING_INDEX(pcmpistri)
STRING_MASK(pcmpestrm)
STRING_MASK(pcmpistrm)

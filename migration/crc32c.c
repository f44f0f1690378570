/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli, reflected polynomial 82F63B78h), by the host's instruction if it has it. */
#include <nmmintrin.h>

#include "migration/format.h"

__attribute__((target("sse4.2"))) static uint32_t crc_host(uint32_t crc, const uint8_t *p,
                                                           size_t len)
{
    uint64_t c = crc;

    for (; len >= 8; p += 8, len -= 8)
        c = _mm_crc32_u64(c, get64(p));
    crc = (uint32_t)c;
    for (; len; p++, len--)
        crc = _mm_crc32_u8(crc, *p);
    return crc;
}

static uint32_t crc_bits(uint32_t crc, const uint8_t *p, size_t len)
{
    for (; len; p++, len--) {
        crc ^= *p;
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return crc;
}

uint32_t crc32c(const void *buf, size_t len)
{
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc_host(~0u, buf, len);
    return ~crc_bits(~0u, buf, len);
}

/* SPDX-License-Identifier: MIT */
/*
 * A saved machine: a header and records, little-endian. It is the same in a file, on a socket and
 * in a snapshot of a qcow2 image.
 *
 *   header   "HOSTELVM" | u32 version | u32 checksum of the 12 bytes before
 *   record   u32 tag | u32 flags | u64 length | u32 checksum of the payload | u32 checksum of the
 *            20 bytes before | payload of that length
 *
 *   CONF     JSON: what machine this is (identity.c); the first record
 *   PAGE     u32 block | u32 n | n * u64 page number, PAGE_ZERO set if it reads as zeros, then the
 *            4 KiB of each that does not. A later one of the same page replaces it.
 *   FLAT     u32 block | u32 0 | u64 size of the block | zeros up to a multiple of 4 KiB in the
 *            file | the block. Files only: pages of zeros are holes, and the block can be mapped.
 *            The checksum is that of the first 16 bytes; SUMS has those of the pages.
 *   SUMS     u32 block | u32 0 | u32 checksum of each page of the FLAT record of that block
 *   STAT     core/machine_state.c: devices and processors, each with its path, version, fields
 *   END      JSON: run state of the saved machine, number of records before; the last record
 *
 * Memory blocks read as zeros before the first record about them. A reader refuses a version, a
 * tag or a flag that it does not know. Checksums are CRC-32C (RFC 3720, appendix B.4).
 */
#ifndef MIGRATION_FORMAT_H
#define MIGRATION_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define FORMAT_MAGIC   "HOSTELVM"
#define FORMAT_VERSION 1

enum {
    FORMAT_HEADER = 16,
    FORMAT_RECORD = 24, /* bytes */
    FORMAT_PAGE = 4096,
    FORMAT_BATCH = 256, /* pages of one PAGE record */
};
#define PAGE_ZERO (1ull << 63)

#define TAG(a, b, c, d)                                                                            \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define TAG_CONF TAG('C', 'O', 'N', 'F')
#define TAG_PAGE TAG('P', 'A', 'G', 'E')
#define TAG_FLAT TAG('F', 'L', 'A', 'T')
#define TAG_SUMS TAG('S', 'U', 'M', 'S')
#define TAG_STAT TAG('S', 'T', 'A', 'T')
#define TAG_END  TAG('E', 'N', 'D', ' ')

#define FORMAT_MAX_TEXT  (1u << 20)   /* bytes of CONF and END */
#define FORMAT_MAX_STATE (256u << 20) /* of STAT */

struct record {
    uint32_t tag, flags;
    uint64_t length;
    uint32_t sum;
};

/* CRC-32C of the bytes. */
uint32_t crc32c(const void *buf, size_t len);

static inline void put32(uint8_t *p, uint32_t v)
{
    __builtin_memcpy(p, &v, 4); /* hosts are little-endian */
}
static inline void put64(uint8_t *p, uint64_t v)
{
    __builtin_memcpy(p, &v, 8);
}
static inline uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    __builtin_memcpy(&v, p, 4);
    return v;
}
static inline uint64_t get64(const uint8_t *p)
{
    uint64_t v;

    __builtin_memcpy(&v, p, 8);
    return v;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Direct boot: a kernel file -> pieces of memory and a start state.
 *
 * Everything here is pure: it reads bytes and fills struct boot_image, and never touches a
 * machine, so it can be fuzzed. Input is hostile; all that is wrong with it ends in one error
 * that begins with the option's name. The board places the image at every reset.
 */
#ifndef HW_PC_BOOT_H
#define HW_PC_BOOT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/vcpu.h"
#include "hw/pc/e820.h"

struct boot_bytes {
    const uint8_t *data;
    size_t len;
};

struct boot_module {
    struct boot_bytes file;
    const char *text; /* "name arguments" as typed; multiboot hands it over */
};

enum { BOOT_MAX_MODULES = 64 };

struct boot_input {
    struct boot_bytes kernel;
    const char *kernel_name;
    const struct boot_module *modules; /* -initrd; Linux and PVH take one */
    unsigned nmodules;
    const char *cmdline; /* "" when there is no -append */
    uint64_t low_ram;    /* bytes of RAM from 0 */
    uint64_t high_ram;   /* bytes of RAM from 4 GiB */
    const struct e820 *map;
    uint64_t rsdp;
    bool want_32bit;     /* take a Linux kernel's 32-bit entry although it has a 64-bit one */
};

struct boot_piece {
    uint64_t gpa;
    struct boot_bytes bytes; /* borrowed from the input, or owned */
    uint64_t size;           /* bytes.len, and zeroes up to here */
    bool owned;
};

struct boot_image {
    const char *protocol; /* "Linux 64-bit", "Linux 32-bit", "PVH", "multiboot" */
    GArray *pieces;       /* struct boot_piece; they do not overlap one another */
    struct vcpu_boot start;
};

/* By what the file is. The input's bytes must outlive the image. */
bool boot_prepare(const struct boot_input *in, struct boot_image *img, GError **err);
void boot_image_free(struct boot_image *img);

/* The protocols. *_recognise() looks at the file only. */
bool boot_linux_recognise(struct boot_bytes kernel);
bool boot_linux(const struct boot_input *in, struct boot_image *img, GError **err);
bool boot_multiboot_recognise(struct boot_bytes kernel);
bool boot_multiboot(const struct boot_input *in, struct boot_image *img, GError **err);
bool boot_pvh(const struct boot_input *in, struct boot_image *img, GError **err);

/* Length of a bzImage's real-mode part, or 0. */
size_t boot_linux_setup_len(struct boot_bytes kernel);

/* "a arg,b" -> texts, ",," being a comma. Free with g_strfreev(). */
char **boot_split_modules(const char *text);

/* ---- For the protocols ------------------------------------------------------------------ */

/* Low memory the board keeps for itself: loaders put nothing from here to 1 MiB. */
enum { BOOT_LOW_END = 0x9fc00, BOOT_ONE_MIB = 0x100000, BOOT_PAGE = 0x1000 };

/* Borrowed bytes, then zeroes up to size. False: no RAM there, or it overlaps another piece. */
bool boot_add(const struct boot_input *in, struct boot_image *img, uint64_t gpa,
              struct boot_bytes bytes, uint64_t size);
/* The same with bytes that become the image's. */
bool boot_add_owned(const struct boot_input *in, struct boot_image *img, uint64_t gpa,
                    GByteArray *bytes);
/* Highest page-aligned place of len bytes below `limit` in low RAM above 1 MiB that is free of
 * pieces and of [keep, keep + keep_len); 0: none. */
uint64_t boot_find_below(const struct boot_input *in, const struct boot_image *img, uint64_t len,
                         uint64_t limit, uint64_t keep, uint64_t keep_len);
/* Lowest page-aligned place at or above `from`. 0: none. */
uint64_t boot_find_above(const struct boot_input *in, const struct boot_image *img, uint64_t len,
                         uint64_t from);
/* Flat GDT with 32-bit code at 10h, data at 18h, 64-bit code at 20h. */
GByteArray *boot_gdt(void);
enum { BOOT_CS32 = 0x10, BOOT_DS = 0x18, BOOT_CS64 = 0x20 };

static inline uint16_t boot_ld16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t boot_ld32(const uint8_t *p)
{
    return boot_ld16(p) | (uint32_t)boot_ld16(p + 2) << 16;
}
static inline uint64_t boot_ld64(const uint8_t *p)
{
    return boot_ld32(p) | (uint64_t)boot_ld32(p + 4) << 32;
}
void boot_st16(uint8_t *p, uint16_t v);
void boot_st32(uint8_t *p, uint32_t v);
void boot_st64(uint8_t *p, uint64_t v);
void boot_append(GByteArray *b, uint64_t v, unsigned bytes);

#endif

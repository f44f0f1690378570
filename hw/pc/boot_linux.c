/* SPDX-License-Identifier: MIT */
/*
 * Linux bzImage. The kernel's Documentation/arch/x86/boot.rst ("The Linux/x86 Boot Protocol")
 * and zero-page.rst.
 *
 * Protocol 2.02 and later, LOADED_HIGH. The 64-bit entry is taken where XLF_KERNEL_64 offers it
 * (2.12), else the 32-bit one. The real-mode part never runs; its header is handed over in
 * boot_params.
 *
 *   10000h  boot_params ("zero page")
 *   11000h  GDT
 *   12000h  page tables: identity map of the first 4 GiB with 2 MiB pages (64-bit entry)
 *   20000h  command line
 *   kernel  at its preferred address, or at 1 MiB (aligned) where RAM is short
 *   initrd  as high as initrd_addr_max and RAM allow; above 4 GiB if it fits nowhere else
 */
#include "hw/pc/boot.h"

#include <inttypes.h>
#include <string.h>

#include "util/error.h"

enum { /* offsets in the file and in boot_params */
    BP_ACPI_RSDP = 0x070, BP_EXT_RAMDISK = 0x0c0, BP_EXT_RAMDISK_SIZE = 0x0c4,
    BP_E820_COUNT = 0x1e8, BP_E820 = 0x2d0, BP_E820_ENTRY = 20, BP_SIZE = 0x1000,
    HDR_START = 0x1f1, HDR_SETUP_SECTS = 0x1f1, HDR_SYSSIZE = 0x1f4, HDR_VID_MODE = 0x1fa,
    HDR_JUMP_LEN = 0x201, HDR_MAGIC = 0x202, HDR_VERSION = 0x206, HDR_LOADER = 0x210,
    HDR_LOADFLAGS = 0x211, HDR_CODE32 = 0x214, HDR_RAMDISK = 0x218, HDR_RAMDISK_SIZE = 0x21c,
    HDR_CMDLINE = 0x228, HDR_INITRD_MAX = 0x22c, HDR_ALIGN = 0x230, HDR_RELOCATABLE = 0x234,
    HDR_XLOADFLAGS = 0x236, HDR_CMDLINE_SIZE = 0x238, HDR_SETUP_DATA = 0x250,
    HDR_PREF_ADDRESS = 0x258, HDR_INIT_SIZE = 0x260, HDR_END_MAX = 0x290,
    LOADED_HIGH = 0x01, XLF_KERNEL_64 = 1, XLF_ABOVE_4G = 2, LOADER_UNKNOWN = 0xff,
    VID_MODE_NORMAL = 0xffff, ENTRY64_OFFSET = 0x200, SECTOR = 512, DEFAULT_SECTS = 4,
};
#define HDR_MAGIC_VALUE   0x53726448u /* "HdrS" */
#define INITRD_MAX_OLD    0x37ffffffu
#define CMDLINE_MAX_OLD   255
#define FOUR_GIB          0x100000000ull

enum { AT_BOOT_PARAMS = 0x10000, AT_GDT = 0x11000, AT_PAGE_TABLES = 0x12000, AT_CMDLINE = 0x20000,
       CMDLINE_ROOM = 0x10000 };

struct linux_header {
    uint16_t version, xloadflags;
    size_t setup_len;
    bool relocatable, has_pref;
    uint32_t code32, initrd_max, align, cmdline_max, init_size;
    uint64_t pref;
    struct boot_bytes code; /* the protected-mode part */
};

bool boot_linux_recognise(struct boot_bytes k)
{
    return k.len > HDR_MAGIC + 4 && boot_ld32(k.data + HDR_MAGIC) == HDR_MAGIC_VALUE;
}

size_t boot_linux_setup_len(struct boot_bytes k)
{
    if (!boot_linux_recognise(k))
        return 0;
    unsigned sects = k.data[HDR_SETUP_SECTS];
    size_t len = (size_t)((sects ? sects : DEFAULT_SECTS) + 1) * SECTOR;
    return len < k.len ? len : 0;
}

static bool parse(const struct boot_input *in, struct linux_header *h, GError **err)
{
    const uint8_t *k = in->kernel.data;

    memset(h, 0, sizeof(*h));
    h->setup_len = boot_linux_setup_len(in->kernel);
    if (!h->setup_len || in->kernel.len < HDR_END_MAX)
        return error_set(err, "-kernel %s: this Linux image is truncated", in->kernel_name);
    h->version = boot_ld16(k + HDR_VERSION);
    if (h->version < 0x202 || !(k[HDR_LOADFLAGS] & LOADED_HIGH))
        return error_set(err,
                         "-kernel %s: boot protocol %u.%02u is too old; 2.02 and a bzImage are "
                         "needed", in->kernel_name, h->version >> 8, h->version & 0xff);
    h->code.data = k + h->setup_len;
    h->code.len = in->kernel.len - h->setup_len;
    uint64_t syssize = (uint64_t)boot_ld32(k + HDR_SYSSIZE) * 16;
    if (h->version >= 0x204 && h->code.len < syssize)
        return error_set(err,
                         "-kernel %s: this Linux image is truncated: %zu bytes of code, the header "
                         "says %" PRIu64, in->kernel_name, h->code.len, syssize);

    h->code32 = BOOT_ONE_MIB;
    h->initrd_max = h->version >= 0x203 ? boot_ld32(k + HDR_INITRD_MAX) : INITRD_MAX_OLD;
    h->cmdline_max = h->version >= 0x206 ? boot_ld32(k + HDR_CMDLINE_SIZE) : CMDLINE_MAX_OLD;
    if (h->version >= 0x205) {
        h->align = boot_ld32(k + HDR_ALIGN);
        h->relocatable = k[HDR_RELOCATABLE];
    }
    if (h->version >= 0x20a) {
        h->has_pref = true;
        h->pref = boot_ld64(k + HDR_PREF_ADDRESS);
        h->init_size = boot_ld32(k + HDR_INIT_SIZE);
    }
    if (h->version >= 0x20c)
        h->xloadflags = boot_ld16(k + HDR_XLOADFLAGS);
    if (h->relocatable && (!h->align || (h->align & (h->align - 1))))
        return error_set(err, "-kernel %s: kernel_alignment %#x is not a power of two",
                         in->kernel_name, h->align);
    return true;
}

/* Bytes the kernel uses at its address before it can read the memory map. */
static uint64_t footprint(const struct linux_header *h)
{
    return h->code.len > h->init_size ? h->code.len : h->init_size;
}

static bool place_kernel(const struct boot_input *in, const struct linux_header *h, uint64_t *at,
                         GError **err)
{
    uint64_t size = footprint(h);
    uint64_t first = h->has_pref ? h->pref : BOOT_ONE_MIB;
    uint64_t low = h->relocatable && h->align > BOOT_ONE_MIB ? h->align : BOOT_ONE_MIB;

    /* Entered with paging over, or addresses within, the first 4 GiB; so below that in RAM. */
    if (first >= BOOT_ONE_MIB && first < in->low_ram && size <= in->low_ram - first &&
        (!h->relocatable || !(first & (h->align - 1))))
        *at = first;
    else if (h->relocatable && low < in->low_ram && size <= in->low_ram - low)
        *at = low;
    else
        return error_set(err,
                         "-kernel %s: it needs %" PRIu64 " MiB of memory at %#" PRIx64
                         "; give more with -m", in->kernel_name, (size >> 20) + 1, first);
    return true;
}

static bool place_initrd(const struct boot_input *in, struct boot_image *img,
                         const struct linux_header *h, uint64_t kernel_at, bool entry64,
                         uint64_t *at, GError **err)
{
    struct boot_bytes rd = in->modules[0].file;
    uint64_t size = rd.len;

    if (in->nmodules > 1)
        return error_set(err, "-initrd: a Linux kernel takes one file");
    *at = boot_find_below(in, img, size, (uint64_t)h->initrd_max + 1, kernel_at, footprint(h));
    if (!*at && entry64 && (h->xloadflags & XLF_ABOVE_4G) && size <= in->high_ram)
        *at = (FOUR_GIB + in->high_ram - size) & ~(uint64_t)(BOOT_PAGE - 1);
    if (!*at || size > UINT32_MAX || !boot_add(in, img, *at, rd, size))
        return error_set(err,
                         "-initrd %s: no room for its %" PRIu64 " MiB; give more memory with -m",
                         in->modules[0].text, (size >> 20) + 1);
    return true;
}

static GByteArray *zeroes(size_t n)
{
    GByteArray *b = g_byte_array_new();

    g_byte_array_set_size(b, (guint)n);
    memset(b->data, 0, n);
    return b;
}

/* PML4, PDPT, four page directories of 2 MiB pages. */
static GByteArray *page_tables(void)
{
    enum { PRESENT_WRITABLE = 3, LARGE = 0x80, ENTRIES = 512, DIRECTORIES = 4 };
    GByteArray *b = zeroes((2 + DIRECTORIES) * BOOT_PAGE);

    boot_st64(b->data, AT_PAGE_TABLES + BOOT_PAGE + PRESENT_WRITABLE);
    for (unsigned d = 0; d < DIRECTORIES; d++) {
        uint8_t *pdpte = b->data + BOOT_PAGE + 8 * d, *pd = b->data + (2 + d) * BOOT_PAGE;
        boot_st64(pdpte, AT_PAGE_TABLES + (2 + d) * BOOT_PAGE + PRESENT_WRITABLE);
        for (uint64_t i = 0; i < ENTRIES; i++)
            boot_st64(pd + 8 * i, ((uint64_t)d << 30 | i << 21) + (PRESENT_WRITABLE | LARGE));
    }
    return b;
}

static GByteArray *boot_params(const struct boot_input *in, uint64_t kernel_at, uint64_t initrd_at)
{
    GByteArray *b = zeroes(BP_SIZE);
    uint8_t *bp = b->data;
    const uint8_t *k = in->kernel.data;
    size_t end = HDR_MAGIC + (size_t)k[HDR_JUMP_LEN];
    uint64_t initrd_size = in->nmodules ? in->modules[0].file.len : 0;

    memcpy(bp + HDR_START, k + HDR_START, MIN(end, HDR_END_MAX) - HDR_START);
    boot_st64(bp + BP_ACPI_RSDP, in->rsdp);
    boot_st16(bp + HDR_VID_MODE, VID_MODE_NORMAL);
    bp[HDR_LOADER] = LOADER_UNKNOWN;
    boot_st32(bp + HDR_CODE32, (uint32_t)kernel_at);
    boot_st32(bp + HDR_CMDLINE, AT_CMDLINE);
    boot_st32(bp + HDR_RAMDISK, (uint32_t)initrd_at);
    boot_st32(bp + BP_EXT_RAMDISK, (uint32_t)(initrd_at >> 32));
    boot_st32(bp + HDR_RAMDISK_SIZE, (uint32_t)initrd_size);
    boot_st32(bp + BP_EXT_RAMDISK_SIZE, (uint32_t)(initrd_size >> 32));
    boot_st64(bp + HDR_SETUP_DATA, 0);
    bp[BP_E820_COUNT] = (uint8_t)in->map->n;
    for (unsigned i = 0; i < in->map->n; i++) {
        uint8_t *e = bp + BP_E820 + BP_E820_ENTRY * i;
        boot_st64(e, in->map->e[i].base);
        boot_st64(e + 8, in->map->e[i].size);
        boot_st32(e + 16, in->map->e[i].type);
    }
    return b;
}

static bool add_cmdline(const struct boot_input *in, struct boot_image *img,
                        const struct linux_header *h, GError **err)
{
    size_t len = strlen(in->cmdline);
    GByteArray *b = g_byte_array_new();

    if (len > h->cmdline_max || len >= CMDLINE_ROOM) {
        g_byte_array_free(b, TRUE);
        return error_set(err, "-append: %zu characters, this kernel takes at most %u", len,
                         MIN(h->cmdline_max, CMDLINE_ROOM - 1u));
    }
    g_byte_array_append(b, (const uint8_t *)in->cmdline, (guint)len + 1);
    return boot_add_owned(in, img, AT_CMDLINE, b) ||
           error_set(err, "-m: too little memory for a Linux kernel");
}

bool boot_linux(const struct boot_input *in, struct boot_image *img, GError **err)
{
    struct linux_header h;
    uint64_t at = 0, initrd_at = 0;

    if (!parse(in, &h, err) || !place_kernel(in, &h, &at, err))
        return false;
    bool entry64 = (h.xloadflags & XLF_KERNEL_64) && !in->want_32bit;
    img->protocol = entry64 ? "Linux 64-bit" : "Linux 32-bit";
    if (!add_cmdline(in, img, &h, err))
        return false;
    if (!boot_add(in, img, at, h.code, h.code.len))
        return error_set(err, "-kernel %s: no room in memory; give more with -m", in->kernel_name);
    if (in->nmodules && !place_initrd(in, img, &h, at, entry64, &initrd_at, err))
        return false;
    if (!boot_add_owned(in, img, AT_BOOT_PARAMS, boot_params(in, at, initrd_at)) ||
        !boot_add_owned(in, img, AT_GDT, boot_gdt()) ||
        (entry64 && !boot_add_owned(in, img, AT_PAGE_TABLES, page_tables())))
        return error_set(err, "-m: too little memory for a Linux kernel");
    img->start = (struct vcpu_boot){
        .mode = entry64 ? VCPU_BOOT_LONG64 : VCPU_BOOT_FLAT32,
        .rip = at + (entry64 ? ENTRY64_OFFSET : 0),
        .rsp = AT_BOOT_PARAMS,
        .rsi = AT_BOOT_PARAMS,
        .cr3 = AT_PAGE_TABLES,
        .gdt_base = AT_GDT,
        .gdt_limit = 5 * 8 - 1,
        .cs = entry64 ? BOOT_CS64 : BOOT_CS32,
        .ds = BOOT_DS,
    };
    return true;
}

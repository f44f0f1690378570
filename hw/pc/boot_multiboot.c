/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 1. Multiboot Specification version 0.6.96.
 *
 * Kernels: ELF (32 or 64 bit, entered in 32-bit protected mode at the entry's physical address)
 * or anything with the address fields (flag 16, the "a.out kludge"). Modules come from -initrd
 * "file arguments,file arguments". Given in the information structure: memory sizes and map,
 * command line ("FILE ARGUMENTS"), modules, loader name. Video modes are not offered: a wish for
 * one (flag 2) is granted as the specification allows, by not setting that part's flag.
 *
 *   information   0 flags | 4 lower, 8 upper memory in KiB | 16 command line | 20 modules,
 *                 24 list | 44 map length, 48 address | 64 loader name
 *   module        0 start | 4 end | 8 string | 12 reserved
 *   map entry     -4 size (20) | 0 base | 8 length | 16 type
 */
#include "hw/pc/boot.h"

#include <inttypes.h>
#include <string.h>

#include "hw/pc/elf.h"
#include "util/error.h"

enum {
    SEARCH_LEN = 8192, HEADER_LEN = 12, HEADER_ADDR_LEN = 32,
    WANT_PAGE_ALIGN = 1 << 0, WANT_MEMORY = 1 << 1, WANT_VIDEO = 1 << 2, WANT_ADDRESSES = 1 << 16,
    MUST_UNDERSTAND = 0xffff,
    HAVE_MEMORY = 1 << 0, HAVE_CMDLINE = 1 << 2, HAVE_MODULES = 1 << 3, HAVE_MAP = 1 << 6,
    HAVE_LOADER_NAME = 1 << 9,
    INFO_LEN = 120, MODULE_LEN = 16, MAP_ENTRY_LEN = 24,
};
#define HEADER_MAGIC 0x1badb002u
#define BOOT_MAGIC   0x2badb002u

static const char loader_name[] = "Hostel";

/* Offset of the header in the file, or -1. */
static long find_header(struct boot_bytes k)
{
    size_t end = MIN(k.len, SEARCH_LEN);

    for (size_t i = 0; i + HEADER_LEN <= end; i += 4) {
        const uint8_t *p = k.data + i;
        if (boot_ld32(p) == HEADER_MAGIC && !(boot_ld32(p) + boot_ld32(p + 4) + boot_ld32(p + 8)))
            return (long)i;
    }
    return -1;
}

bool boot_multiboot_recognise(struct boot_bytes kernel)
{
    return find_header(kernel) >= 0;
}

/* ---- The kernel ----------------------------------------------------------------------- */

static bool load_by_addresses(const struct boot_input *in, struct boot_image *img, size_t at,
                              uint32_t *entry, GError **err)
{
    const uint8_t *p = in->kernel.data + at;

    if (in->kernel.len - at < HEADER_ADDR_LEN)
        return error_set(err, "-kernel %s: the multiboot header is truncated", in->kernel_name);
    uint32_t header = boot_ld32(p + 12), load = boot_ld32(p + 16), load_end = boot_ld32(p + 20);
    uint32_t bss_end = boot_ld32(p + 24);
    *entry = boot_ld32(p + 28);
    if (header < load || header - load > at)
        return error_set(err, "-kernel %s: the multiboot header's addresses are impossible",
                         in->kernel_name);
    size_t first = at - (header - load);
    uint64_t len = load_end ? (uint64_t)load_end - load : in->kernel.len - first;
    if ((load_end && load_end < load) || len > in->kernel.len - first)
        return error_set(err, "-kernel %s: the file ends before the multiboot header's load_end",
                         in->kernel_name);
    uint64_t size = bss_end ? (uint64_t)bss_end - load : len;
    if ((bss_end && bss_end < load) || size < len)
        return error_set(err, "-kernel %s: the multiboot header's bss_end is impossible",
                         in->kernel_name);
    if (!len || !boot_add(in, img, load, (struct boot_bytes){in->kernel.data + first, len}, size))
        return error_set(err,
                         "-kernel %s: there is no RAM for %" PRIu64 " KiB at %#x; give more with "
                         "-m", in->kernel_name, size >> 10, load);
    return true;
}

/* The entry is a virtual address in some ELF files: find the segment that holds it. */
static uint64_t physical_entry(const struct elf_file *e)
{
    for (unsigned i = 0; i < e->nsegments; i++) {
        const struct elf_segment *s = &e->segment[i];
        if (s->type == ELF_PT_LOAD && e->entry >= s->vaddr && e->entry - s->vaddr < s->memsz)
            return e->entry - s->vaddr + s->paddr;
    }
    return e->entry;
}

static bool load_elf(const struct boot_input *in, struct boot_image *img, uint32_t *entry,
                     GError **err)
{
    struct elf_file *e = g_new(struct elf_file, 1);
    bool ok = false;

    if (!elf_parse(in->kernel, e, err))
        error_prefix(err, "-kernel %s: multiboot without load addresses", in->kernel_name);
    else if (physical_entry(e) > UINT32_MAX)
        error_set(err, "-kernel %s: its entry point is above 4 GiB", in->kernel_name);
    else
        ok = elf_load(in, e, img, err);
    *entry = (uint32_t)physical_entry(e);
    g_free(e);
    return ok;
}

/* ---- The information structure -------------------------------------------------------- */

static uint64_t image_end(const struct boot_image *img)
{
    uint64_t end = BOOT_ONE_MIB;

    for (guint i = 0; i < img->pieces->len; i++) {
        const struct boot_piece *p = &g_array_index(img->pieces, struct boot_piece, i);
        if (p->gpa + p->size > end)
            end = p->gpa + p->size;
    }
    return end;
}

static void set32(GByteArray *b, unsigned at, uint64_t v)
{
    boot_st32(b->data + at, (uint32_t)v);
}

static uint64_t append_text(GByteArray *b, uint64_t at, const char *text, const char *more)
{
    uint64_t gpa = at + b->len;

    g_byte_array_append(b, (const uint8_t *)text, (guint)strlen(text));
    if (more && *more) {
        g_byte_array_append(b, (const uint8_t *)" ", 1);
        g_byte_array_append(b, (const uint8_t *)more, (guint)strlen(more));
    }
    boot_append(b, 0, 1);
    return gpa;
}

static GByteArray *information(const struct boot_input *in, uint64_t at, const uint64_t *module_at)
{
    GByteArray *b = g_byte_array_new();
    unsigned n = in->nmodules;
    uint64_t upper = (in->low_ram - BOOT_ONE_MIB) >> 10;
    unsigned flags = HAVE_MEMORY | HAVE_CMDLINE | HAVE_MAP | HAVE_LOADER_NAME;

    g_byte_array_set_size(b, INFO_LEN + MODULE_LEN * n);
    memset(b->data, 0, b->len);
    set32(b, 0, flags | (n ? HAVE_MODULES : 0));
    set32(b, 4, BOOT_LOW_END >> 10);
    set32(b, 8, upper);
    if (n) {
        set32(b, 20, n);
        set32(b, 24, at + INFO_LEN);
    }
    set32(b, 44, (uint64_t)MAP_ENTRY_LEN * in->map->n);
    set32(b, 48, at + b->len);
    for (unsigned i = 0; i < in->map->n; i++) {
        boot_append(b, MAP_ENTRY_LEN - 4, 4);
        boot_append(b, in->map->e[i].base, 8);
        boot_append(b, in->map->e[i].size, 8);
        boot_append(b, in->map->e[i].type, 4);
    }
    set32(b, 16, append_text(b, at, in->kernel_name, in->cmdline));
    set32(b, 64, append_text(b, at, loader_name, NULL));
    for (unsigned i = 0; i < n; i++) {
        unsigned m = INFO_LEN + MODULE_LEN * i;
        set32(b, m, module_at[i]);
        set32(b, m + 4, module_at[i] + in->modules[i].file.len);
        set32(b, m + 8, append_text(b, at, in->modules[i].text, NULL));
    }
    return b;
}

static bool place_modules(const struct boot_input *in, struct boot_image *img, uint64_t *at,
                          GError **err)
{
    for (unsigned i = 0; i < in->nmodules; i++) {
        struct boot_bytes f = in->modules[i].file;
        at[i] = boot_find_above(in, img, f.len ? f.len : 1, image_end(img));
        if (!at[i] || at[i] + f.len > UINT32_MAX || !boot_add(in, img, at[i], f, f.len))
            return error_set(err,
                             "-initrd %s: no room for its %zu KiB behind the kernel; give more "
                             "memory with -m", in->modules[i].text, (f.len >> 10) + 1);
    }
    return true;
}

bool boot_multiboot(const struct boot_input *in, struct boot_image *img, GError **err)
{
    long header = find_header(in->kernel);
    uint32_t flags = boot_ld32(in->kernel.data + header + 4), entry = 0;
    uint32_t unknown = flags & MUST_UNDERSTAND & ~(WANT_PAGE_ALIGN | WANT_MEMORY | WANT_VIDEO);
    uint64_t module_at[BOOT_MAX_MODULES];

    img->protocol = "multiboot";
    if (unknown)
        return error_set(err, "-kernel %s: it requires multiboot features %#x that do not exist",
                         in->kernel_name, unknown);
    if (in->low_ram <= BOOT_ONE_MIB)
        return error_set(err, "-m: a multiboot kernel needs more than 1 MiB");
    if (flags & WANT_ADDRESSES ? !load_by_addresses(in, img, (size_t)header, &entry, err)
                               : !load_elf(in, img, &entry, err))
        return false;
    if (!place_modules(in, img, module_at, err))
        return false;
    uint64_t gdt_at = boot_find_above(in, img, BOOT_PAGE, image_end(img));
    if (!gdt_at || !boot_add_owned(in, img, gdt_at, boot_gdt()))
        return error_set(err, "-m: too little memory behind the kernel");
    GByteArray *b = information(in, 0, module_at);
    uint64_t at = boot_find_above(in, img, b->len, image_end(img));
    g_byte_array_free(b, TRUE);
    if (!at || !boot_add_owned(in, img, at, information(in, at, module_at)))
        return error_set(err, "-m: too little memory behind the kernel");
    img->start = (struct vcpu_boot){
        .mode = VCPU_BOOT_FLAT32, .rip = entry, .rax = BOOT_MAGIC, .rbx = at, .gdt_base = gdt_at,
        .gdt_limit = 5 * 8 - 1, .cs = BOOT_CS32, .ds = BOOT_DS,
    };
    return true;
}

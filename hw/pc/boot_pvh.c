/* SPDX-License-Identifier: MIT */
/*
 * PVH: the x86/HVM direct boot ABI (Xen's docs/misc/pvh.pandoc, public/arch-x86/hvm/start_info.h).
 *
 * An ELF file with a Xen note XEN_ELFNOTE_PHYS32_ENTRY is entered there in 32-bit protected mode
 * without paging, EBX pointing to hvm_start_info (version 1: with a memory map):
 *
 *   start_info   0 magic | 4 version | 8 flags | 12 modules | 16 module list | 24 command line |
 *                32 RSDP | 40 memory map | 48 entries | 52 reserved
 *   module       0 address | 8 size | 16 command line | 24 reserved
 *   memory map   0 address | 8 size | 16 type | 20 reserved
 */
#include "hw/pc/boot.h"

#include <inttypes.h>
#include <string.h>

#include "hw/pc/elf.h"
#include "util/error.h"

enum { NOTE_PHYS32_ENTRY = 18, START_INFO_LEN = 56, MODULE_LEN = 32, MAP_ENTRY_LEN = 24,
       START_INFO_VERSION = 1 };
#define START_INFO_MAGIC 0x336ec578u

static bool entry_point(const struct boot_input *in, const struct elf_file *e, uint32_t *entry,
                        GError **err)
{
    struct boot_bytes note = elf_note(e, "Xen", NOTE_PHYS32_ENTRY);

    if (note.len < 4)
        return error_set(err,
                         "-kernel %s: an ELF file without a PVH entry note or a multiboot header; "
                         "give a bzImage", in->kernel_name);
    *entry = boot_ld32(note.data);
    return true;
}

/* Offsets of everything within one block of low memory. */
static GByteArray *start_info(const struct boot_input *in, uint64_t at, const uint64_t *module_at)
{
    GByteArray *b = g_byte_array_new();
    unsigned n = in->nmodules;
    uint64_t modlist = at + START_INFO_LEN, map = modlist + MODULE_LEN * n;
    uint64_t text = map + MAP_ENTRY_LEN * in->map->n;

    boot_append(b, START_INFO_MAGIC, 4);
    boot_append(b, START_INFO_VERSION, 4);
    boot_append(b, 0, 4);
    boot_append(b, n, 4);
    boot_append(b, n ? modlist : 0, 8);
    boot_append(b, text, 8);
    boot_append(b, in->rsdp, 8);
    boot_append(b, map, 8);
    boot_append(b, in->map->n, 4);
    boot_append(b, 0, 4);
    for (unsigned i = 0; i < n; i++) {
        boot_append(b, module_at[i], 8);
        boot_append(b, in->modules[i].file.len, 8);
        boot_append(b, 0, 8);
        boot_append(b, 0, 8);
    }
    for (unsigned i = 0; i < in->map->n; i++) {
        boot_append(b, in->map->e[i].base, 8);
        boot_append(b, in->map->e[i].size, 8);
        boot_append(b, in->map->e[i].type, 4);
        boot_append(b, 0, 4);
    }
    g_byte_array_append(b, (const uint8_t *)in->cmdline, (guint)strlen(in->cmdline) + 1);
    return b;
}

static bool place_modules(const struct boot_input *in, struct boot_image *img, uint64_t *at,
                          GError **err)
{
    for (unsigned i = 0; i < in->nmodules; i++) {
        struct boot_bytes f = in->modules[i].file;
        at[i] = boot_find_below(in, img, f.len, in->low_ram, 0, 0);
        if (!at[i] || !boot_add(in, img, at[i], f, f.len))
            return error_set(err,
                             "-initrd %s: no room for its %zu MiB; give more memory with -m",
                             in->modules[i].text, (f.len >> 20) + 1);
    }
    return true;
}

bool boot_pvh(const struct boot_input *in, struct boot_image *img, GError **err)
{
    struct elf_file *e = g_new(struct elf_file, 1);
    uint64_t module_at[BOOT_MAX_MODULES], info_at = 0, gdt_at = 0;
    uint32_t entry = 0;
    GByteArray *info;
    bool ok = false;

    img->protocol = "PVH";
    if (!elf_parse(in->kernel, e, err)) {
        error_prefix(err, "-kernel %s: not a bzImage", in->kernel_name);
        goto out;
    }
    if (!entry_point(in, e, &entry, err) || !elf_load(in, e, img, err) ||
        !place_modules(in, img, module_at, err))
        goto out;
    gdt_at = boot_find_above(in, img, BOOT_PAGE, BOOT_PAGE);
    if (!gdt_at || !boot_add_owned(in, img, gdt_at, boot_gdt())) {
        error_set(err, "-m: too little memory");
        goto out;
    }
    info = start_info(in, 0, module_at);
    info_at = boot_find_above(in, img, info->len, BOOT_PAGE);
    g_byte_array_free(info, TRUE);
    if (!info_at || !boot_add_owned(in, img, info_at, start_info(in, info_at, module_at))) {
        error_set(err, "-m: too little memory");
        goto out;
    }
    img->start = (struct vcpu_boot){
        .mode = VCPU_BOOT_FLAT32, .rip = entry, .rbx = info_at, .gdt_base = gdt_at,
        .gdt_limit = 5 * 8 - 1, .cs = BOOT_CS32, .ds = BOOT_DS,
    };
    ok = true;
out:
    g_free(e);
    return ok;
}

/* SPDX-License-Identifier: MIT */
/* ELF executables for direct boot. */
#include "hw/pc/elf.h"

#include <inttypes.h>
#include <string.h>

#include "util/error.h"

enum { EI_CLASS = 4, EI_DATA = 5, CLASS32 = 1, CLASS64 = 2, LITTLE_ENDIAN_DATA = 1, ET_EXEC = 2,
       ET_DYN = 3, EM_386 = 3, EM_X86_64 = 62, EHDR32 = 52, EHDR64 = 64, PHDR32 = 32,
       PHDR64 = 56 };

static void read_segment(const uint8_t *p, bool is64, struct elf_segment *s)
{
    s->type = boot_ld32(p);
    if (is64) {
        s->offset = boot_ld64(p + 8);
        s->vaddr = boot_ld64(p + 16);
        s->paddr = boot_ld64(p + 24);
        s->filesz = boot_ld64(p + 32);
        s->memsz = boot_ld64(p + 40);
    } else {
        s->offset = boot_ld32(p + 4);
        s->vaddr = boot_ld32(p + 8);
        s->paddr = boot_ld32(p + 12);
        s->filesz = boot_ld32(p + 16);
        s->memsz = boot_ld32(p + 20);
    }
}

static bool parse_segments(struct elf_file *e, uint64_t phoff, unsigned entsize, unsigned n,
                           GError **err)
{
    size_t len = e->bytes.len;

    if (n > ELF_MAX_SEGMENTS)
        return error_set(err, "%u program headers, at most %d are supported", n, ELF_MAX_SEGMENTS);
    if (entsize < (e->is64 ? PHDR64 : PHDR32) || phoff > len ||
        (uint64_t)entsize * n > len - phoff)
        return error_set(err, "the program headers lie outside the file");
    for (unsigned i = 0; i < n; i++) {
        struct elf_segment *s = &e->segment[i];
        read_segment(e->bytes.data + phoff + (size_t)entsize * i, e->is64, s);
        if (s->type != ELF_PT_LOAD && s->type != ELF_PT_NOTE)
            continue;
        if (s->offset > len || s->filesz > len - s->offset)
            return error_set(err, "segment %u lies outside the file (truncated?)", i);
        if (s->type == ELF_PT_LOAD &&
            (s->memsz < s->filesz || s->paddr + s->memsz < s->paddr))
            return error_set(err, "segment %u has an impossible size", i);
    }
    e->nsegments = n;
    return true;
}

bool elf_parse(struct boot_bytes file, struct elf_file *e, GError **err)
{
    const uint8_t *p = file.data;

    memset(e, 0, sizeof(*e));
    e->bytes = file;
    if (file.len < EHDR32 || memcmp(p, "\177ELF", 4))
        return error_set(err, "not an ELF file");
    e->is64 = p[EI_CLASS] == CLASS64;
    if ((!e->is64 && p[EI_CLASS] != CLASS32) || p[EI_DATA] != LITTLE_ENDIAN_DATA)
        return error_set(err, "not a little-endian ELF file");
    if (e->is64 && file.len < EHDR64)
        return error_set(err, "the ELF header is truncated");
    unsigned type = boot_ld16(p + 16), machine = boot_ld16(p + 18);
    if (machine != EM_386 && machine != EM_X86_64)
        return error_set(err, "an ELF file for another processor (machine %u)", machine);
    if (type != ET_EXEC && type != ET_DYN)
        return error_set(err, "an ELF file that is not executable (type %u)", type);
    e->entry = e->is64 ? boot_ld64(p + 24) : boot_ld32(p + 24);
    if (e->is64)
        return parse_segments(e, boot_ld64(p + 32), boot_ld16(p + 54), boot_ld16(p + 56), err);
    return parse_segments(e, boot_ld32(p + 28), boot_ld16(p + 42), boot_ld16(p + 44), err);
}

bool elf_load(const struct boot_input *in, const struct elf_file *e, struct boot_image *img,
              GError **err)
{
    bool any = false;

    for (unsigned i = 0; i < e->nsegments; i++) {
        const struct elf_segment *s = &e->segment[i];
        if (s->type != ELF_PT_LOAD || !s->memsz)
            continue;
        struct boot_bytes b = {e->bytes.data + s->offset, s->filesz};
        if (!boot_add(in, img, s->paddr, b, s->memsz))
            return error_set(err,
                             "-kernel %s: its segment %u at %#" PRIx64 ", %" PRIu64 " KiB, does "
                             "not fit: it overlaps another or there is no RAM there (-m)",
                             in->kernel_name, i, s->paddr, (s->memsz + 1023) >> 10);
        any = true;
    }
    return any || error_set(err, "-kernel %s: it has nothing to load", in->kernel_name);
}

uint64_t elf_end(const struct elf_file *e)
{
    uint64_t end = 0;

    for (unsigned i = 0; i < e->nsegments; i++) {
        const struct elf_segment *s = &e->segment[i];
        if (s->type == ELF_PT_LOAD && s->paddr + s->memsz > end)
            end = s->paddr + s->memsz;
    }
    return end;
}

/* Note: name size, contents size, type; then name and contents, each padded to 4 bytes. */
static struct boot_bytes find_note(const uint8_t *p, uint64_t len, const char *name, uint32_t type)
{
    size_t want = strlen(name) + 1;

    while (len >= 12) {
        uint64_t nlen = boot_ld32(p), dlen = boot_ld32(p + 4);
        uint64_t npad = (nlen + 3) & ~3ull, dpad = (dlen + 3) & ~3ull;
        if (npad > len - 12 || dlen > len - 12 - npad)
            break;
        if (boot_ld32(p + 8) == type && nlen == want && !memcmp(p + 12, name, want))
            return (struct boot_bytes){p + 12 + npad, dlen};
        if (dpad > len - 12 - npad)
            break;
        p += 12 + npad + dpad;
        len -= 12 + npad + dpad;
    }
    return (struct boot_bytes){NULL, 0};
}

struct boot_bytes elf_note(const struct elf_file *e, const char *name, uint32_t type)
{
    for (unsigned i = 0; i < e->nsegments; i++) {
        const struct elf_segment *s = &e->segment[i];
        if (s->type != ELF_PT_NOTE)
            continue;
        struct boot_bytes b = find_note(e->bytes.data + s->offset, s->filesz, name, type);
        if (b.len)
            return b;
    }
    return (struct boot_bytes){NULL, 0};
}

/* SPDX-License-Identifier: MIT */
/*
 * Reading x86 ELF executables, 32 and 64 bit, from hostile bytes. Pure. ELF specification 1.2,
 * and the ELF-64 object file format.
 */
#ifndef HW_PC_ELF_H
#define HW_PC_ELF_H

#include "hw/pc/boot.h"

enum { ELF_PT_LOAD = 1, ELF_PT_NOTE = 4, ELF_MAX_SEGMENTS = 128 };

struct elf_segment {
    uint32_t type;
    uint64_t offset, paddr, vaddr, filesz, memsz;
};

struct elf_file {
    struct boot_bytes bytes;
    bool is64;
    uint64_t entry;
    unsigned nsegments;
    struct elf_segment segment[ELF_MAX_SEGMENTS];
};

/* An x86 ELF executable whose segments lie within the file; the message says what is wrong. */
bool elf_parse(struct boot_bytes file, struct elf_file *e, GError **err);
/* Put the PT_LOAD segments into the image at their physical addresses. */
bool elf_load(const struct boot_input *in, const struct elf_file *e, struct boot_image *img,
              GError **err);
/* First address after all loaded segments. */
uint64_t elf_end(const struct elf_file *e);
/* Contents of the note with that name and type; len 0 if there is none. */
struct boot_bytes elf_note(const struct elf_file *e, const char *name, uint32_t type);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The memory map handed to software: ACPI specification 6.4, 15 (INT 15h E820h types).
 */
#ifndef HW_PC_E820_H
#define HW_PC_E820_H

#include <glib.h>
#include <stdint.h>

enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3, E820_NVS = 4 };

struct e820_entry {
    uint64_t base, size;
    uint32_t type;
} __attribute__((packed));

enum { E820_MAX = 16 };
struct e820 {
    unsigned n;
    struct e820_entry e[E820_MAX];
};

void e820_add(struct e820 *map, uint64_t base, uint64_t size, uint32_t type);
/* The PC's map: `low` bytes of RAM from 0, `high` bytes from 4 GiB; `bios_base` is where the
 * firmware area below 1 MiB begins. */
void e820_build(struct e820 *map, uint64_t low, uint64_t high, uint64_t bios_base);
/* Bytes of that type. */
uint64_t e820_sum(const struct e820 *map, uint32_t type);

#endif

/* SPDX-License-Identifier: MIT */
/* The PC's memory map as software is told it. See docs/memory-map.md. */
#include "hw/pc/e820.h"

#include <assert.h>

enum { EBDA_BASE = 0x9fc00, VGA_BASE = 0xa0000, ONE_MIB = 0x100000 };
#define BIOS_TOP_BASE 0xfffc0000ull /* the ROM below 4 GiB */
#define FOUR_GIB      0x100000000ull

void e820_add(struct e820 *map, uint64_t base, uint64_t size, uint32_t type)
{
    if (!size)
        return;
    assert(map->n < E820_MAX);
    map->e[map->n++] = (struct e820_entry){.base = base, .size = size, .type = type};
}

void e820_build(struct e820 *map, uint64_t low, uint64_t high, uint64_t bios_base)
{
    map->n = 0;
    e820_add(map, 0, low < EBDA_BASE ? low : EBDA_BASE, E820_RAM);
    e820_add(map, EBDA_BASE, VGA_BASE - EBDA_BASE, E820_RESERVED);
    e820_add(map, bios_base, ONE_MIB - bios_base, E820_RESERVED);
    if (low > ONE_MIB)
        e820_add(map, ONE_MIB, low - ONE_MIB, E820_RAM);
    e820_add(map, BIOS_TOP_BASE, FOUR_GIB - BIOS_TOP_BASE, E820_RESERVED);
    e820_add(map, FOUR_GIB, high, E820_RAM);
}

uint64_t e820_sum(const struct e820 *map, uint32_t type)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < map->n; i++)
        if (map->e[i].type == type)
            sum += map->e[i].size;
    return sum;
}

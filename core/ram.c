/* SPDX-License-Identifier: MIT */
/*
 * RAM blocks: zeroed, lazily touched anonymous memory with one byte of flags per page.
 *
 * Large blocks ask for huge pages: a guest uses most of its memory, and both placing a kernel
 * in it and the host's page walks under the software TLB get several times cheaper.
 */
#include "core/region.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "util/error.h"

#define HUGE_PAGE (2ull << 20)

/* Pages of zeroes that cost nothing until they are written; NULL if there is no room. */
static uint8_t *map_pages(uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* The same at a multiple of the huge page: more is mapped, and the ends are given back. */
static uint8_t *map_huge(uint64_t bytes)
{
    uint8_t *p = map_pages(bytes + HUGE_PAGE);
    if (!p)
        return NULL;
    uint64_t skip = -(uintptr_t)p & (HUGE_PAGE - 1);
    if (skip)
        munmap(p, skip);
    munmap(p + skip + bytes, HUGE_PAGE - skip);
    madvise(p + skip, bytes, MADV_HUGEPAGE); /* a wish: it may be refused */
    return p + skip;
}

struct ram_block *ram_block_new(const char *name, uint64_t size, GError **err)
{
    uint64_t pages = (size >> RAM_PAGE_BITS) + ((size & (RAM_PAGE_SIZE - 1)) != 0);
    uint64_t bytes = pages << RAM_PAGE_BITS;
    if (pages == 0 || bytes > (1ull << 46)) {
        error_set(err, "memory '%s': %" G_GUINT64_FORMAT " bytes is not a possible size", name,
                  size);
        return NULL;
    }
    uint8_t *host = bytes >= HUGE_PAGE ? map_huge(bytes) : map_pages(bytes);
    uint8_t *flags = host ? map_pages(pages) : NULL;
    if (!flags) {
        error_set(err, "memory '%s': cannot map %" G_GUINT64_FORMAT " MiB: %s", name, bytes >> 20,
                  strerror(errno));
        if (host)
            munmap(host, bytes);
        return NULL;
    }
    struct ram_block *ram = g_new0(struct ram_block, 1);
    ram->name = g_strdup(name);
    ram->host = host;
    ram->size = bytes;
    ram->flags = flags;
    return ram;
}

struct ram_block *ram_block_alias(const struct ram_block *of, GError **err)
{
    uint8_t *flags = map_pages(of->size >> RAM_PAGE_BITS);
    if (!flags) {
        error_set(err, "memory '%s': cannot map its flags: %s", of->name, strerror(errno));
        return NULL;
    }
    struct ram_block *ram = g_new0(struct ram_block, 1);
    ram->name = g_strdup(of->name);
    ram->host = of->host;
    ram->size = of->size;
    ram->flags = flags;
    ram->alias = true;
    return ram;
}

void ram_block_free(struct ram_block *ram)
{
    if (!ram)
        return;
    if (!ram->alias)
        munmap(ram->host, ram->size);
    munmap(ram->flags, ram->size >> RAM_PAGE_BITS);
    g_free(ram->name);
    g_free(ram);
}

static void note_page(struct ram_block *ram, uint64_t page, uint64_t off, uint64_t last)
{
    uint8_t flags = __atomic_load_n(&ram->flags[page], __ATOMIC_ACQUIRE);
    if (G_LIKELY(flags == 0))
        return;
    if (flags & RAM_CLEAN)
        __atomic_fetch_and(&ram->flags[page], (uint8_t)~RAM_CLEAN, __ATOMIC_ACQ_REL);
    if ((flags & RAM_CODE) && ram->code_written) {
        uint64_t begin = MAX(off, page << RAM_PAGE_BITS);
        uint64_t end = MIN(last, (page << RAM_PAGE_BITS) + RAM_PAGE_SIZE - 1);
        ram->code_written(ram->code_arg, ram, begin, end - begin + 1);
    }
}

void ram_note_write(struct ram_block *ram, uint64_t off, uint64_t len)
{
    if (len == 0)
        return;
    uint64_t last = off + len - 1;
    for (uint64_t page = off >> RAM_PAGE_BITS; page <= last >> RAM_PAGE_BITS; page++)
        note_page(ram, page, off, last);
}

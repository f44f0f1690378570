/* SPDX-License-Identifier: MIT */
/*
 * RAM blocks: zeroed, lazily touched memory with one byte of flags per page.
 *
 * Large blocks ask for huge pages: a guest uses most of its memory, and both placing a kernel
 * in it and the host's page walks, under the software TLB as under nested paging, get several
 * times cheaper. They are memory files (memfd), which another process could map, where the host
 * gives such files huge pages, and anonymous memory where it does not.
 */
#include "core/region.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/error.h"

#define HUGE_PAGE (2ull << 20)

#define SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* Pages of zeroes that cost nothing until they are written; NULL if there is no room. At `at` if
 * that is not NULL. fd -1: anonymous memory. */
static uint8_t *map_pages(uint8_t *at, uint64_t bytes, int fd)
{
    int flags = MAP_NORESERVE | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) |
                (at ? MAP_FIXED : 0);
    void *p = mmap(at, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* The same at a multiple of the huge page: more room is taken, and its ends are given back. */
static uint8_t *map_huge(uint64_t bytes, int fd)
{
    uint8_t *room = map_pages(NULL, bytes + HUGE_PAGE, -1);
    if (!room)
        return NULL;
    uint64_t skip = -(uintptr_t)room & (HUGE_PAGE - 1);
    if (skip)
        munmap(room, skip);
    munmap(room + skip + bytes, HUGE_PAGE - skip);
    uint8_t *p = map_pages(room + skip, bytes, fd);
    if (!p)
        munmap(room + skip, bytes);
    else
        madvise(p, bytes, MADV_HUGEPAGE); /* a wish: it may be refused */
    return p;
}

/* Does the host give memory files huge pages where asked? "always within_size [advise] never" */
static bool files_get_huge_pages(void)
{
    g_autofree char *text = NULL;
    return g_file_get_contents(SHMEM_ENABLED, &text, NULL, NULL) && !strstr(text, "[never]") &&
           !strstr(text, "[deny]");
}

/* A memory file of that size, or -1: do without. */
static int file_new(const char *name, uint64_t bytes)
{
    int fd = files_get_huge_pages() ? memfd_create(name, MFD_CLOEXEC) : -1;
    if (fd >= 0 && ftruncate(fd, bytes) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
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
    int fd = bytes >= HUGE_PAGE ? file_new(name, bytes) : -1;
    uint8_t *host = bytes >= HUGE_PAGE ? map_huge(bytes, fd) : map_pages(NULL, bytes, fd);
    uint8_t *flags = host ? map_pages(NULL, pages, -1) : NULL;
    if (!flags) {
        error_set(err, "memory '%s': cannot map %" G_GUINT64_FORMAT " MiB: %s", name, bytes >> 20,
                  strerror(errno));
        if (host)
            munmap(host, bytes);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct ram_block *ram = g_new0(struct ram_block, 1);
    ram->name = g_strdup(name);
    ram->host = host;
    ram->fd = fd;
    ram->size = bytes;
    ram->flags = flags;
    return ram;
}

struct ram_block *ram_block_alias(const struct ram_block *of, GError **err)
{
    uint8_t *flags = map_pages(NULL, of->size >> RAM_PAGE_BITS, -1);
    if (!flags) {
        error_set(err, "memory '%s': cannot map its flags: %s", of->name, strerror(errno));
        return NULL;
    }
    struct ram_block *ram = g_new0(struct ram_block, 1);
    ram->name = g_strdup(of->name);
    ram->host = of->host;
    ram->fd = -1;
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
    if (ram->fd >= 0)
        close(ram->fd);
    for (unsigned u = 0; u < DIRTY_USERS; u++)
        g_free(ram->missed[u]);
    g_free(ram->name);
    g_free(ram);
}

void ram_block_clear(struct ram_block *ram)
{
    /* What shows a file's contents is mapped anew; a memory file gives its pages back. */
    bool done = ram->from_file ? map_pages(ram->host, ram->size, -1) != NULL
                               : madvise(ram->host, ram->size,
                                         ram->fd < 0 ? MADV_DONTNEED : MADV_REMOVE) == 0;
    if (!done)
        memset(ram->host, 0, ram->size);
    ram->from_file = ram->from_file && !done;
    ram_note_write(ram, 0, ram->size);
}

bool ram_block_map_file(struct ram_block *ram, int fd, uint64_t off, GError **err)
{
    void *p = mmap(ram->host, ram->size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, (off_t)off);
    if (p == MAP_FAILED)
        return error_set(err, "memory '%s': cannot map the file: %s", ram->name, strerror(errno));
    if (ram->fd >= 0)
        close(ram->fd);
    ram->fd = -1;
    ram->from_file = true;
    ram_note_write(ram, 0, ram->size);
    return true;
}

static void note_page(struct ram_block *ram, uint64_t page, uint64_t off, uint64_t last)
{
    uint8_t flags = __atomic_load_n(&ram->flags[page], __ATOMIC_ACQUIRE);
    if (G_LIKELY(flags == 0))
        return;
    if (flags & RAM_CLEAN) {
        __atomic_fetch_and(&ram->flags[page], (uint8_t)~RAM_CLEAN, __ATOMIC_ACQ_REL);
        if (ram->dirtied)
            ram->dirtied(ram->dirtied_arg);
    }
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

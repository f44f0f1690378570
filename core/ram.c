/* SPDX-License-Identifier: MIT */
/*
 * RAM blocks: zeroed, lazily touched shared memory (a memfd, so that another process could
 * be given it) with one byte of flags per page.
 */
#define _GNU_SOURCE
#include "core/region.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/error.h"

/* Pages of zeroes that cost nothing until they are written. */
static uint8_t *flags_map(uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
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
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0) {
        error_set(err, "memory '%s': cannot allocate %" G_GUINT64_FORMAT " MiB: %s", name,
                  bytes >> 20, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    void *host = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    uint8_t *flags = host == MAP_FAILED ? NULL : flags_map(pages);
    if (!flags) {
        error_set(err, "memory '%s': cannot map %" G_GUINT64_FORMAT " MiB: %s", name, bytes >> 20,
                  strerror(errno));
        if (host != MAP_FAILED)
            munmap(host, bytes);
        close(fd);
        return NULL;
    }
    struct ram_block *ram = g_new0(struct ram_block, 1);
    ram->name = g_strdup(name);
    ram->host = host;
    ram->size = bytes;
    ram->fd = fd;
    ram->flags = flags;
    return ram;
}

void ram_block_free(struct ram_block *ram)
{
    if (!ram)
        return;
    munmap(ram->host, ram->size);
    munmap(ram->flags, ram->size >> RAM_PAGE_BITS);
    close(ram->fd);
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

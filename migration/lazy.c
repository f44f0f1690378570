/* SPDX-License-Identifier: MIT */
/*
 * Checking a machine that was mapped instead of read. A thread goes through the file while the
 * machine runs; reading it also brings its pages into the host's cache before the guest asks. A
 * page that is not what was saved stops the machine.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "migration/migration_int.h"

struct lazy {
    struct machine *m;
    GThread *thread;
    char *filename;
    int fd;
    bool stop;  /* atomic */
    unsigned n; /* blocks */
    uint64_t *at, *pages;
    uint32_t **sums; /* owned */
};

static void report(struct lazy *l, unsigned block, uint64_t page)
{
    log_write(&l->m->log,
              "hostel: '%s' is damaged: page %" G_GUINT64_FORMAT " of memory block %u "
              "is not what was saved; the machine is stopped\n",
              l->filename, page, block);
    machine_request_pause(l->m);
}

/* The pages before the first that the file has; they are holes. */
static uint64_t skip_hole(struct lazy *l, unsigned b, uint64_t page)
{
    off_t data = lseek(l->fd, (off_t)(l->at[b] + page * FORMAT_PAGE), SEEK_DATA);

    if (data < 0)
        return errno == ENXIO ? l->pages[b] : page;
    return CLAMP(((uint64_t)data - l->at[b]) / FORMAT_PAGE, page, l->pages[b]);
}

/* False: it was reported. */
static bool check_block(struct lazy *l, unsigned b, uint8_t *buf)
{
    uint64_t data = 0;

    for (uint64_t page = 0; page < l->pages[b]; page++) {
        if (__atomic_load_n(&l->stop, __ATOMIC_RELAXED))
            return true;
        if (page >= data)
            data = skip_hole(l, b, page);
        bool hole = page < data;
        if (!hole &&
            pread(l->fd, buf, FORMAT_PAGE, (off_t)(l->at[b] + page * FORMAT_PAGE)) != FORMAT_PAGE)
            memset(buf, 0xff, FORMAT_PAGE);
        if ((hole ? SUM_OF_ZEROS : crc32c(buf, FORMAT_PAGE)) != l->sums[b][page]) {
            report(l, b, page);
            return false;
        }
    }
    return true;
}

static void *check_all(void *arg)
{
    struct lazy *l = arg;
    g_autofree uint8_t *buf = g_malloc(FORMAT_PAGE);

    for (unsigned b = 0; b < l->n; b++)
        if (l->sums[b] && !check_block(l, b, buf))
            break;
    return NULL;
}

struct lazy *lazy_start(struct machine *m, struct saved *saved, int fd, const char *filename)
{
    struct lazy *l = g_new0(struct lazy, 1);

    l->m = m;
    l->fd = fd;
    l->filename = g_strdup(filename);
    l->n = m->rams->len;
    l->at = g_memdup2(saved->ram.flat_at, l->n * sizeof(*l->at));
    l->pages = g_new(uint64_t, l->n);
    l->sums = g_steal_pointer(&saved->ram.sums);
    for (unsigned i = 0; i < l->n; i++)
        l->pages[i] = ((struct ram_block *)m->rams->pdata[i])->size / FORMAT_PAGE;
    l->thread = g_thread_new("check", check_all, l);
    return l;
}

void lazy_free(struct lazy *l)
{
    if (!l)
        return;
    __atomic_store_n(&l->stop, true, __ATOMIC_RELAXED);
    g_thread_join(l->thread);
    for (unsigned i = 0; i < l->n; i++)
        g_free(l->sums[i]);
    g_free(l->sums);
    g_free(l->at);
    g_free(l->pages);
    g_free(l->filename);
    close(l->fd);
    g_free(l);
}

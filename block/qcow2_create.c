/* SPDX-License-Identifier: MIT */
/* qcow2: an empty image, for -snapshot. Header, refcount table, one block, L1 table. */
#include "block/qcow2_create.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block/opts.h"
#include "block/qcow2.h"
#include "util/error.h"

enum { BITS = 16, CLUSTER = 1 << BITS };

static void put(uint8_t *p, unsigned bytes, uint64_t v)
{
    while (bytes--) {
        p[bytes] = (uint8_t)v;
        v >>= 8;
    }
}

/* Clusters 0 header, 1 refcount table, 2 refcount block, 3.. L1. */
static bool write_empty(int fd, uint64_t size)
{
    uint64_t l1 = (size + (1ull << (2 * BITS - 3)) - 1) >> (2 * BITS - 3);
    uint64_t l1_clusters = MAX((l1 * 8 + CLUSTER - 1) >> BITS, 1);
    g_autofree uint8_t *c = g_malloc0(3 * CLUSTER);

    if (l1 * 8 > QCOW2_MAX_L1)
        return false;
    put(c + QH_MAGIC, 4, QCOW2_MAGIC);
    put(c + QH_VERSION, 4, 3);
    put(c + QH_CLUSTER_BITS, 4, BITS);
    put(c + QH_SIZE, 8, size);
    put(c + QH_L1_SIZE, 4, l1);
    put(c + QH_L1_OFF, 8, 3 * CLUSTER);
    put(c + QH_RT_OFF, 8, CLUSTER);
    put(c + QH_RT_CLUSTERS, 4, 1);
    put(c + QH_REFCOUNT_ORDER, 4, 4);
    put(c + QH_LENGTH, 4, QH_V3_LENGTH);
    put(c + CLUSTER, 8, 2 * CLUSTER);
    for (uint64_t i = 0; i < 3 + l1_clusters; i++)
        put(c + 2 * CLUSTER + 2 * i, 2, 1);
    return pwrite(fd, c, 3 * CLUSTER, 0) == 3 * CLUSTER &&
           ftruncate(fd, (off_t)((3 + l1_clusters) << BITS)) == 0;
}

static char *make_file(uint64_t size, GError **err)
{
    const char *dir = getenv("TMPDIR");
    char *path = g_strdup_printf("%s/hostel-XXXXXX", dir ? dir : "/var/tmp");
    int fd = mkstemp(path);

    if (fd >= 0 && write_empty(fd, size)) {
        close(fd);
        return path;
    }
    error_set(err, "cannot make the temporary file '%s' for a snapshot: %s", path,
              g_strerror(errno));
    if (fd >= 0) {
        unlink(path);
        close(fd);
    }
    g_free(path);
    return NULL;
}

struct node *qcow2_temporary_overlay(struct node *backing, GError **err)
{
    g_autofree char *path = make_file(backing->size, err);
    struct keyvals *kv = keyvals_new();
    struct node *n = NULL;

    if (path) {
        keyvals_add(kv, "driver", "qcow2");
        keyvals_add(kv, "file.filename", path);
        keyvals_add(kv, "cache.no-flush", "on"); /* nobody reads it after a crash */
        keyvals_add(kv, "discard", "unmap");
        n = node_open(backing->block, kv, err);
        unlink(path);
    }
    keyvals_free(kv);
    if (n)
        n->backing = backing;
    else
        node_unref(backing);
    return n;
}

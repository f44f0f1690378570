/* SPDX-License-Identifier: MIT */
/* Named descriptors. */
#include "core/fds.h"

#include <unistd.h>

#include "core/machine.h"

static void close_value(void *p)
{
    close(GPOINTER_TO_INT(p));
}

void machine_add_fd(struct machine *m, const char *name, int fd)
{
    if (!m->fds)
        m->fds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_value);
    g_hash_table_replace(m->fds, g_strdup(name), GINT_TO_POINTER(fd));
}

int machine_take_fd(struct machine *m, const char *name)
{
    void *key, *value;

    if (!m->fds || !g_hash_table_steal_extended(m->fds, name, &key, &value))
        return -1;
    g_free(key);
    return GPOINTER_TO_INT(value);
}

void machine_close_fds(struct machine *m)
{
    g_clear_pointer(&m->fds, g_hash_table_destroy);
}

/* SPDX-License-Identifier: MIT */
/* The tables of named texts and answers about a machine. */
#include "core/inspect.h"

#include <string.h>

#include "core/machine.h"

void machine_add_info(struct machine *m, const char *name, const char *help,
                      void (*print)(void *arg, GString *out), void *arg)
{
    struct machine_info *info = g_new(struct machine_info, 1);

    *info = (struct machine_info){name, help, print, arg};
    g_ptr_array_add(m->info, info);
}

void machine_add_query(struct machine *m, const char *name,
                       bool (*fn)(void *arg, json_t *args, json_t **ret, GError **err), void *arg)
{
    struct machine_query *q = g_new(struct machine_query, 1);

    *q = (struct machine_query){name, fn, arg};
    g_ptr_array_add(m->queries, q);
}

void machine_del_query(struct machine *m, const char *name, void *arg)
{
    for (unsigned i = m->queries->len; i-- > 0;) {
        const struct machine_query *q = m->queries->pdata[i];
        if (strcmp(q->name, name) == 0 && q->arg == arg)
            g_ptr_array_remove_index(m->queries, i);
    }
}

json_t *machine_query(struct machine *m, const char *name, json_t *args, GError **err)
{
    for (unsigned i = 0; i < m->queries->len; i++) {
        const struct machine_query *q = m->queries->pdata[i];
        GError *failed = NULL;
        json_t *ret = NULL;

        if (strcmp(q->name, name) != 0)
            continue;
        if (q->fn(q->arg, args, &ret, &failed))
            return ret;
        if (failed) {
            g_propagate_error(err, failed);
            return NULL;
        }
    }
    return NULL;
}

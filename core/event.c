/* SPDX-License-Identifier: MIT */
#include "core/event.h"

#include <assert.h>

#include "core/machine.h"

void machine_add_listener(struct machine *m, void (*fn)(void *arg, const char *name, json_t *data),
                          void *arg)
{
    struct event_listener *l = g_new(struct event_listener, 1);

    *l = (struct event_listener){fn, arg};
    g_ptr_array_add(m->listeners, l);
}

void machine_del_listener(struct machine *m, void *arg)
{
    for (unsigned i = 0; i < m->listeners->len; i++) {
        struct event_listener *l = m->listeners->pdata[i];
        if (l->arg == arg) {
            g_ptr_array_remove_index(m->listeners, i);
            return;
        }
    }
}

void machine_event(struct machine *m, const char *name, json_t *data)
{
    assert(machine_is_locked(m));
    for (unsigned i = 0; i < m->listeners->len; i++) {
        struct event_listener *l = m->listeners->pdata[i];
        l->fn(l->arg, name, data);
    }
    json_decref(data);
}

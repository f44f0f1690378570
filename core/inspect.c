/* SPDX-License-Identifier: MIT */
/* The table of named texts about a machine. */
#include "core/inspect.h"

#include "core/machine.h"

void machine_add_info(struct machine *m, const char *name, const char *help,
                      void (*print)(void *arg, GString *out), void *arg)
{
    struct machine_info *info = g_new(struct machine_info, 1);

    *info = (struct machine_info){name, help, print, arg};
    g_ptr_array_add(m->info, info);
}

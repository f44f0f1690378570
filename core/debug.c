/* SPDX-License-Identifier: MIT */
/* Points and steps of a debugger on their way to the vCPUs. */
#include "core/debug.h"

#include "core/machine.h"
#include "core/vcpu_ops.h"

void machine_debug_points(struct machine *m, const struct debug_point *points, unsigned n)
{
    g_free(m->debug.points);
    m->debug.points = n ? g_memdup2(points, n * sizeof(*points)) : NULL;
    m->debug.n = n;
}

static void apply(struct vcpu *v, void *arg)
{
    v->machine->vcpu_ops->debug(v);
}

void machine_debug_apply(struct machine *m)
{
    if (!m->vcpu_ops || !m->vcpu_ops->debug)
        return;
    for (unsigned i = 0; i < m->vcpus->len; i++)
        vcpu_run_on(m->vcpus->pdata[i], apply, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The table of expensive registers: sets of a few places; a newcomer takes the rarest one's. */
#include "accel/kvm/costs.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/machine.h"

#define SHOWN 12

static unsigned set_of(uint64_t where, enum kvm_cost_kind kind, bool write)
{
    return ((where * 0x9e3779b97f4a7c15ull) >> 40 ^ kind << 1 ^ write) % COST_SETS;
}

/* The place of that register, or the one to be used for it. */
static struct kvm_cost *place(struct kvm_costs *c, enum kvm_cost_kind kind, bool write,
                              uint64_t where)
{
    struct kvm_cost *e = c->set[set_of(where, kind, write)], *rarest = e;

    for (unsigned i = 0; i < COST_WAYS; i++) {
        if (e[i].count && e[i].where == where && e[i].kind == kind && e[i].write == write)
            return &e[i];
        if (e[i].count < rarest->count)
            rarest = &e[i];
    }
    rarest->inexact = rarest->count != 0;
    rarest->where = where;
    rarest->kind = kind;
    rarest->write = write;
    return rarest;
}

void kvm_costs_add(struct kvm_costs *c, enum kvm_cost_kind kind, bool write, uint64_t where,
                   uint64_t ticks)
{
    struct kvm_cost *e = place(c, kind, write, where);

    e->count++;
    e->ticks += ticks;
}

void kvm_costs_merge(struct kvm_costs *into, const struct kvm_costs *from)
{
    const struct kvm_cost *e = from->set[0];

    for (unsigned i = 0; i < COST_SETS * COST_WAYS; i++) {
        if (e[i].count == 0)
            continue;
        struct kvm_cost *to = place(into, e[i].kind, e[i].write, e[i].where);
        to->count += e[i].count;
        to->ticks += e[i].ticks;
        to->inexact |= e[i].inexact;
    }
}

static int by_count(const void *a, const void *b)
{
    const struct kvm_cost *x = a, *y = b;

    return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static void describe_one(const struct kvm_cost *e, struct machine *m, GString *out)
{
    static const char *const what[] = {[COST_MMIO] = "memory", [COST_PORT] = "port",
                                       [COST_MSR] = "MSR"};
    struct address_space *as = e->kind == COST_PORT ? &m->io : &m->mem;
    const struct region_section *s = e->kind == COST_MSR ? NULL : as_lookup(as, e->where);

    g_string_append_printf(out, "  %12" PRIu64 "%s %10.1f  %s of %s %" PRIx64 "h", e->count,
                           e->inexact ? "+" : " ", (double)e->ticks / e->count,
                           e->write ? "write" : "read", what[e->kind], e->where);
    if (s)
        g_string_append_printf(out, "  %s+%" PRIx64 "h", s->region->name,
                               e->where - s->base + s->offset);
    g_string_append_c(out, '\n');
}

void kvm_costs_describe(const struct kvm_costs *c, struct machine *m, GString *out)
{
    const unsigned n = COST_SETS * COST_WAYS;
    g_autofree struct kvm_cost *e = g_memdup2(c->set[0], n * sizeof(*e));

    qsort(e, n, sizeof(*e), by_count);
    if (e[0].count)
        g_string_append(out, "most frequent ('+': or less), with the TSC ticks of one answer:\n");
    for (unsigned i = 0; i < SHOWN && e[i].count; i++)
        describe_one(&e[i], m, out);
}

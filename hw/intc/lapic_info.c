/* SPDX-License-Identifier: MIT */
/* "info lapic". */
#include "hw/intc/lapic_int.h"

static void describe_set(GString *out, const char *name, const uint32_t *set)
{
    g_string_append_printf(out, "  %s:", name);
    for (unsigned v = 0; v < 256; v++)
        if (set[v >> 5] >> (v & 31) & 1)
            g_string_append_printf(out, " %02x", v);
    g_string_append_c(out, '\n');
}

void lapic_describe(const struct lapic *a, GString *out)
{
    static const char *const names[LVT_COUNT] = {"timer", "thermal", "perf", "lint0", "lint1",
                                                 "error"};
    g_string_append_printf(out,
                           "CPU %u: apic id %u base %08" G_GINT64_MODIFIER "x %s%s\n"
                           "  svr=%03x tpr=%02x ppr=%02x ldr=%08x dfr=%08x esr=%02x "
                           "icr=%08x:%08x\n",
                           a->vcpu->index, a->id, (guint64)a->base,
                           lapic_x2(a) ? "x2apic" : lapic_enabled(a) ? "xapic" : "disabled",
                           lapic_software_enabled(a) ? "" : " (software disabled)", a->svr, a->tpr,
                           lapic_ppr(a), a->ldr, a->dfr, a->esr, a->icr_high, a->icr_low);
    for (unsigned i = 0; i < LVT_COUNT; i++)
        g_string_append_printf(out, "  lvt %s=%05x\n", names[i], a->lvt[i]);
    g_string_append_printf(out,
                           "  timer: divide=%x initial=%u tsc deadline=%" G_GUINT64_FORMAT "\n",
                           a->divide, a->initial_count, (guint64)a->tsc_deadline);
    describe_set(out, "isr", a->isr);
    describe_set(out, "irr", a->irr);
}

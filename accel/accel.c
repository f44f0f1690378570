/* SPDX-License-Identifier: MIT */
/* The table of accelerators and the choice among them. */
#include "accel/accel.h"

#include <string.h>

#include "accel/kvm/kvm.h"
#include "util/error.h"
#include "util/suggest.h"

const struct accel *const accel_table[] = {&accel_kvm, &accel_tcg_interp, &accel_compare,
                                           NULL};

/* Names other emulators know: they deserve a better answer than "unknown". */
static const char *const foreign[] = {"hvf", "nvmm", "whpx", "xen", "qtest", "hax", NULL};

static bool is_foreign(const char *name)
{
    return g_strv_contains(foreign, name);
}

const struct accel *accel_find(const char *name)
{
    for (unsigned i = 0; accel_table[i]; i++) {
        const struct accel *a = accel_table[i];
        if (strcmp(a->name, name) == 0 || (a->alias && strcmp(a->alias, name) == 0))
            return a;
    }
    return NULL;
}

static bool unknown(const char *name, GError **err)
{
    struct suggest s = suggest_begin(name);
    for (unsigned i = 0; accel_table[i]; i++) {
        suggest_offer(&s, accel_table[i]->name);
        suggest_offer(&s, accel_table[i]->alias);
    }
    return error_set(err, "unknown accelerator '%s'%s (-accel help lists them)", name,
                     suggest_text(&s));
}

/* Is this entry of the list an accelerator that works here? The error says why not. */
static const struct accel *try_one(const char *name, GError **err)
{
    const struct accel *a = accel_find(name);
    if (!a) {
        error_set(err, "accelerator '%s' is not in this build; use -accel tcg", name);
        return NULL;
    }
    return !a->probe || a->probe(err) ? a : NULL;
}

/* Nobody named one: the first that works and is worth having. Says what it is and why. */
static const struct accel *choose_best(char **why, GError **err)
{
    g_autoptr(GError) first = NULL;
    for (unsigned i = 0; accel_table[i]; i++) {
        const struct accel *a = accel_table[i];
        GError **reason = first ? NULL : &first;
        if ((a->probe && !a->probe(reason)) || (a->preferred && !a->preferred(reason)))
            continue;
        if (why)
            *why = g_strdup_printf("using %s: %s", a->name, first ? first->message : a->help);
        return a;
    }
    g_propagate_error(err, g_steal_pointer(&first));
    return NULL;
}

const struct accel *accel_select(const char *text, char **why, GError **err)
{
    if (why)
        *why = NULL;
    if (!text)
        return choose_best(why, err);
    g_auto(GStrv) names = g_strsplit(text, ":", 0);
    for (unsigned i = 0; names[i]; i++)
        if (!accel_find(names[i]) && !is_foreign(names[i])) {
            unknown(names[i], err);
            return NULL;
        }
    g_autoptr(GError) first = NULL;
    for (unsigned i = 0; names[i]; i++) {
        const struct accel *a = try_one(names[i], first ? NULL : &first);
        if (a && first && why)
            *why = g_strdup_printf("%s; using %s", first->message, a->name);
        if (a)
            return a;
    }
    if (first)
        g_propagate_error(err, g_steal_pointer(&first));
    else
        error_set(err, "-accel wants a name (-accel help lists them)");
    return NULL;
}

bool accel_fit_model(const struct machine *m, struct cpu_model *model, GError **err)
{
    if (!m->accel->fit_model(m, model, err))
        return false;
    if (m->accel != &accel_kvm && !m->config->icount)
        kvm_cpuid_fit_pv(m, model);
    return true;
}

uint64_t accel_host_tsc_hz(void)
{
    return kvm_host_tsc_hz();
}

void accel_help(GString *out)
{
    g_string_append(out, "Accelerators in this build:\n");
    for (unsigned i = 0; accel_table[i]; i++)
        g_string_append_printf(out, "  %-12s %s\n", accel_table[i]->name, accel_table[i]->help);
}

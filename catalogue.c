/* SPDX-License-Identifier: MIT */
/* What this program can do, in the words of QMP's query- commands: boards, CPU models, options. */
#include "catalogue.h"

#include <string.h>
#include <unistd.h>

#include "accel/accel.h"
#include "core/machine.h"
#include "hw/pc/pc.h"
#include "options.h"
#include "target/x86/cpuid.h"
#include "util/error.h"

#define CPU_TYPE "%s-x86_64-cpu"

/* ---- Boards ------------------------------------------------------------------------ */

/* Programs look for a board by its versioned name, of which the short one is an alias. No CPU type
 * is told to be the default: it depends on the accelerator, and they would ask for it by name. */
static json_t *machine_row(const struct pc_machine_type *t)
{
    bool empty = strcmp(t->name, "none") == 0;
    json_t *row = json_pack("{s:s, s:i, s:b, s:b, s:b, s:b}", "name",
                            t->alias ? t->alias : t->name, "cpu-max", empty ? 1 : 255,
                            "hotpluggable-cpus", !empty, "numa-mem-supported", 0, "deprecated", 0,
                            "acpi", !empty);

    if (t->alias)
        json_object_set_new(row, "alias", json_string(t->name));
    if (strcmp(t->name, "pc") == 0)
        json_object_set_new(row, "is-default", json_true());
    return row;
}

static json_t *machines(void)
{
    json_t *list = json_array();

    for (const struct pc_machine_type *t = pc_machine_types; t->name; t++)
        json_array_append_new(list, machine_row(t));
    return list;
}

/* ---- Accelerators ------------------------------------------------------------------ */

static const char *accel(unsigned n)
{
    const struct accel *a = accel_table[n];

    return a ? a->alias ? a->alias : a->name : NULL;
}

static void kvm(const struct machine *m, bool *present, bool *enabled)
{
    *present = access("/dev/kvm", R_OK | W_OK) == 0;
    *enabled = m->accel == &accel_kvm;
}

/* ---- CPU models -------------------------------------------------------------------- */

/* A model as the machine's accelerator can offer it. */
static struct cpu_model *fitted(struct machine *m, const char *text, GError **err)
{
    struct cpu_model *model = cpu_model_new(text, 1, 1, 1, err);

    if (model && m->accel && !accel_fit_model(m, model, err))
        g_clear_pointer(&model, cpu_model_free);
    return model;
}

static json_t *unavailable(struct machine *m, const char *name)
{
    struct cpu_model *wanted = cpu_model_new(name, 1, 1, 1, NULL);
    struct cpu_model *got = fitted(m, name, NULL);
    json_t *list = json_array();

    for (int f = 1; wanted && got && !wanted->host && f < X86_F_COUNT; f++)
        if (wanted->feature[f] && !got->feature[f])
            json_array_append_new(list, json_string(x86_feature_name(f)));
    cpu_model_free(wanted);
    cpu_model_free(got);
    return list;
}

static json_t *cpu_definitions(struct machine *m)
{
    json_t *list = json_array();
    const char *name;

    for (unsigned i = 0; (name = cpu_model_nth(i)); i++) {
        g_autofree char *type = g_strdup_printf(CPU_TYPE, name);
        bool fixed = strcmp(name, "max") && strcmp(name, "host");

        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b, s:b, s:o}", "name", name,
                                              "typename", type, "migration-safe", fixed, "static",
                                              strcmp(name, "base") == 0, "deprecated", 0,
                                              "unavailable-features", unavailable(m, name)));
    }
    return list;
}

/* "-cpu" text for a model with properties changed. */
static char *model_text(const char *name, json_t *props, GError **err)
{
    GString *text = g_string_new(name);
    const char *key;
    json_t *v;

    json_object_foreach(props, key, v) {
        if (json_is_boolean(v)) {
            g_string_append_printf(text, ",%s=%s", key, json_is_true(v) ? "on" : "off");
        } else if (json_is_integer(v)) {
            g_string_append_printf(text, ",%s=%" JSON_INTEGER_FORMAT, key, json_integer_value(v));
        } else if (json_is_string(v)) {
            g_string_append_printf(text, ",%s=%s", key, json_string_value(v));
        } else {
            error_set(err, "Invalid parameter type for 'model.props.%s'", key);
            g_string_free(text, TRUE);
            return NULL;
        }
    }
    return g_string_free(text, FALSE);
}

static json_t *expanded(const struct cpu_model *model)
{
    json_t *props = json_object();

    for (int f = 1; f < X86_F_COUNT; f++)
        json_object_set_new(props, x86_feature_name(f), json_boolean(model->feature[f]));
    json_object_set_new(props, "vendor", json_string(model->vendor));
    json_object_set_new(props, "model-id", json_string(model->brand));
    json_object_set_new(props, "family", json_integer(cpu_model_family(model)));
    json_object_set_new(props, "model", json_integer(cpu_model_number(model)));
    json_object_set_new(props, "stepping", json_integer(model->signature & 15));
    json_object_set_new(props, "phys-bits", json_integer(model->phys_bits));
    return props;
}

static json_t *cpu_expansion(struct machine *m, const char *name, json_t *props, GError **err)
{
    g_autofree char *text = model_text(name, props, err);
    struct cpu_model *model = text ? fitted(m, text, err) : NULL;
    json_t *out = model ? expanded(model) : NULL;

    cpu_model_free(model);
    return out;
}

static char *cpu_type(const struct machine *m)
{
    return g_strdup_printf(CPU_TYPE, m->cpu_model ? m->cpu_model->name : "max");
}

const struct program_inspect program_catalogue = {
    .machines = machines,
    .options = options_list,
    .accel = accel,
    .kvm = kvm,
    .cpu_definitions = cpu_definitions,
    .cpu_expansion = cpu_expansion,
    .cpu_type = cpu_type,
};

/* SPDX-License-Identifier: MIT */
/* qom-list, qom-get, ..., and what device types have: from the catalogue. */
#include <string.h>

#include "core/inspect.h"
#include "core/machine.h"
#include "core/object.h"
#include "monitor/qom.h"
#include "monitor/tables.h"
#include "util/error.h"
#include "util/parse.h"

/* ---- Types ---------------------------------------------------------------------------------- */

static const char *type_word(const struct prop *p)
{
    switch (p->kind) {
    case PROP_BOOL: return "bool";
    case PROP_U8: return "uint8";
    case PROP_U16: return "uint16";
    case PROP_U32: return "uint32";
    case PROP_U64: return "uint64";
    case PROP_SIZE: return "size";
    case PROP_ENUM: return "enum";
    case PROP_ADDR: return "int32";
    default: return "str";
    }
}

/* A default as a value of its type. */
static json_t *default_value(const struct prop *p)
{
    uint64_t n = 0;

    switch (p->kind) {
    case PROP_BOOL: return json_boolean(strcmp(p->def, "on") == 0);
    case PROP_U8:
    case PROP_U16:
    case PROP_U32:
    case PROP_U64: return json_integer((json_int_t)g_ascii_strtoull(p->def, NULL, 0));
    case PROP_SIZE:
        return parse_size(p->def, 1, &n, NULL) ? json_integer((json_int_t)n) : json_null();
    default: return json_string(p->def);
    }
}

static json_t *properties(const struct prop *p)
{
    json_t *list = json_array();

    for (; p && p->name; p++) {
        json_t *row = json_pack("{s:s, s:s}", "name", p->name, "type", type_word(p));
        if (p->help)
            json_object_set_new(row, "description", json_string(p->help));
        if (p->def)
            json_object_set_new(row, "default-value", default_value(p));
        json_array_append_new(list, row);
    }
    return list;
}

static const struct device_type *find_type(struct command_call *call, const char *name)
{
    const struct device_catalogue *c = call->ctx->machine->catalogue;

    return c ? device_type_find(c->types, name) : NULL;
}

static bool run_device_list_properties(struct command_call *call, GError **err)
{
    const struct device_type *t = find_type(call, call->arg[0].text);

    if (!t)
        return error_set_class(err, ERROR_DEVICE_NOT_FOUND, "Device '%s' not found",
                               call->arg[0].text);
    call->ret = properties(t->props);
    return true;
}

static bool ends(const char *text, const char *tail)
{
    return g_str_has_suffix(text, tail);
}

/* Of a CPU model: its features. A board has what -machine takes. */
static json_t *other_properties(struct machine *m, const char *name)
{
    json_t *list = json_array(), *values = NULL, *v;
    const char *key;

    if (ends(name, "-x86_64-cpu") && m->program) {
        g_autofree char *model = g_strndup(name, strlen(name) - strlen("-x86_64-cpu"));
        values = m->program->cpu_expansion(m, model, NULL, NULL);
    } else if (ends(name, "-machine")) {
        values = qom_values(m, &(struct qom_node){QOM_MACHINE, NULL});
    }
    json_object_foreach(values, key, v)
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", key, "type",
                                              json_is_boolean(v)   ? "bool"
                                              : json_is_integer(v) ? "int"
                                                                   : "str"));
    json_decref(values);
    return list;
}

/* Classes that programs ask about before they know whether there are any: they have nothing. */
static bool is_class(const char *name)
{
    return ends(name, "-x86_64-cpu") || ends(name, "-machine") ||
           g_str_has_prefix(name, "memory-backend-");
}

static const struct object_type *find_object(struct machine *m, const char *name)
{
    const struct object_type *const *t = m->object_types;

    while (t && *t && strcmp((*t)->name, name) != 0)
        t++;
    return t ? *t : NULL;
}

static bool run_qom_list_properties(struct command_call *call, GError **err)
{
    const char *name = call->arg[0].text;
    const struct device_type *t = find_type(call, name);

    const struct object_type *o = find_object(call->ctx->machine, name);

    if (!t && !o && !is_class(name))
        return error_set_class(err, ERROR_DEVICE_NOT_FOUND, "Class '%s' not found", name);
    call->ret = t   ? properties(t->props)
                : o ? properties(o->props)
                    : other_properties(call->ctx->machine, name);
    return true;
}

static void add_type(struct command_call *call, const char *name, const char *parent)
{
    const char *wanted = call->arg[0].text;

    if (!wanted || strcmp(wanted, parent) == 0 ||
        (strcmp(wanted, "device") == 0 && ends(parent, "device")))
        json_array_append_new(call->ret, json_pack("{s:s, s:s}", "name", name, "parent", parent));
}

static const char *parent_of(const struct device_type *t)
{
    return !g_strcmp0(t->bus, "PCI") ? "pci-device" : !g_strcmp0(t->bus, "ISA") ? "isa-device"
                                                                               : "device";
}

static bool run_qom_list_types(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    const struct device_type *const *t = m->catalogue ? m->catalogue->types : NULL;
    json_t *models, *row;
    size_t i;

    call->ret = json_array();
    for (; t && *t; t++)
        add_type(call, (*t)->name, parent_of(*t));
    for (const struct object_type *const *o = m->object_types; o && *o; o++)
        add_type(call, (*o)->name, (*o)->kind);
    if (!m->program)
        return true;
    for (unsigned n = 0; m->program->accel(n); n++) {
        g_autofree char *name = g_strconcat(m->program->accel(n), "-accel", NULL);
        add_type(call, name, "accel");
    }
    models = m->program->cpu_definitions(m);
    json_array_foreach(models, i, row)
        add_type(call, json_string_value(json_object_get(row, "typename")), "x86_64-cpu");
    json_decref(models);
    models = m->program->machines();
    json_array_foreach(models, i, row) {
        g_autofree char *name = g_strconcat(json_string_value(json_object_get(row, "name")),
                                            "-machine", NULL);
        add_type(call, name, "generic-pc-machine");
    }
    json_decref(models);
    return true;
}

/* ---- The tree ------------------------------------------------------------------------------- */

struct listing {
    struct machine *machine;
    json_t *list;
};

static void add_child(void *arg, const char *name, const struct qom_node *child)
{
    struct listing *l = arg;
    g_autofree char *type = qom_type(l->machine, child);
    g_autofree char *child_type = g_strdup_printf("child<%s>", type);

    json_array_append_new(l->list, json_pack("{s:s, s:s}", "name", name, "type", child_type));
}

static const char *word_of(const json_t *v)
{
    return json_is_boolean(v)   ? "bool"
           : json_is_integer(v) ? "int"
           : json_is_object(v)  ? "struct"
           : json_is_array(v)   ? "strList"
                                : "string";
}

static bool run_qom_list(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    struct qom_node node;
    struct listing l = {.machine = m};
    json_t *values, *v;
    const char *key;

    if (!qom_find(m, call->arg[0].text ? call->arg[0].text : "/", &node, err))
        return false;
    call->ret = l.list = json_array();
    values = qom_values(m, &node);
    json_object_foreach(values, key, v)
        json_array_append_new(l.list, json_pack("{s:s, s:s}", "name", key, "type", word_of(v)));
    json_decref(values);
    qom_children(m, &node, add_child, &l);
    return true;
}

static bool run_qom_get(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    const char *name = call->arg[1].text;
    struct qom_node node;

    if (!qom_find(m, call->arg[0].text, &node, err))
        return false;
    json_t *values = qom_values(m, &node);
    call->ret = json_incref(json_object_get(values, name));
    json_decref(values);
    if (json_is_null(call->ret)) { /* a text that is not there is empty */
        json_decref(call->ret);
        call->ret = json_string("");
    }
    g_autofree char *type = qom_type(m, &node);
    return call->ret || error_set(err, "Property '%s.%s' not found", type, name);
}

static void show_value(json_t *ret, GString *out)
{
    char *text = json_dumps(ret, JSON_ENCODE_ANY);

    g_string_append_printf(out, "%s\n", text);
    free(text);
}

static void show_list(json_t *ret, GString *out)
{
    json_t *row;
    size_t i;

    json_array_foreach(ret, i, row)
        g_string_append_printf(out, "%s (%s)\n", json_string_value(json_object_get(row, "name")),
                               json_string_value(json_object_get(row, "type")));
}

static bool run_qom_set(struct command_call *call, GError **err)
{
    struct qom_node node;

    return qom_find(call->ctx->machine, call->arg[0].text, &node, err) &&
           qom_set(call->ctx->machine, &node, call->arg[1].text, call->arg[2].json, err);
}

static void print_tree(struct machine *m, const char *name, const struct qom_node *node,
                       unsigned depth, GString *out);

struct printing {
    struct machine *machine;
    unsigned depth;
    GString *out;
};

static void print_child(void *arg, const char *name, const struct qom_node *child)
{
    struct printing *p = arg;

    print_tree(p->machine, name, child, p->depth + 1, p->out);
}

static void print_tree(struct machine *m, const char *name, const struct qom_node *node,
                       unsigned depth, GString *out)
{
    struct printing p = {m, depth, out};
    g_autofree char *type = qom_type(m, node);

    g_string_append_printf(out, "%*s/%s (%s)\n", (int)depth * 2, "", name, type);
    qom_children(m, node, print_child, &p);
}

static bool run_tree(struct command_call *call, GError **err)
{
    print_tree(call->ctx->machine, "", &(struct qom_node){QOM_ROOT, NULL}, 0, call->out);
    return true;
}

const struct command qom_commands[] = {
    {.qmp = "device-list-properties", .returns = "[ObjectPropertyInfo]",
     .args = {{"typename", ARG_WORD}}, .run = run_device_list_properties,
     .help = "what -device TYPENAME takes"},
    {.qmp = "qom-list-properties", .returns = "[ObjectPropertyInfo]",
     .args = {{"typename", ARG_WORD}}, .run = run_qom_list_properties,
     .help = "properties of a type"},
    {.qmp = "qom-list-types", .returns = "[ObjectTypeInfo]",
     .args = {{"implements", ARG_WORD, true}, {"abstract", ARG_BOOL, true}},
     .run = run_qom_list_types, .help = "types of devices, boards and CPUs"},
    {.name = "qom-list", .qmp = "qom-list", .returns = "[ObjectPropertyInfo]",
     .args = {{"path", ARG_WORD, true}}, .run = run_qom_list, .show = show_list,
     .help = "properties and children of an object"},
    {.name = "qom-get", .qmp = "qom-get", .returns = "any", .run = run_qom_get,
     .show = show_value, .args = {{"path", ARG_WORD}, {"property", ARG_WORD}},
     .help = "a property of an object"},
    {.qmp = "qom-set", .run = run_qom_set,
     .args = {{"path", ARG_WORD}, {"property", ARG_WORD}, {"value", ARG_JSON, false, "any"}},
     .help = "set a property of an object"},
    {.info = "qom-tree", .run = run_tree, .help = "the tree of objects that qom-list walks"},
    {0}};

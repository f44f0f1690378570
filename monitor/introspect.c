/* SPDX-License-Identifier: MIT */
/* query-qmp-schema: commands, events and the types they use, as programs read them. */
#include <string.h>

#include "monitor/command.h"
#include "monitor/schema.h"
#include "monitor/schema_int.h"

struct describer {
    json_t *out;
    GHashTable *done; /* names of types that are in `out`, or in `todo` */
    GQueue todo;      /* char * */
};

/* Sees to it that the type gets described; returns the JSON string that refers to it. */
static json_t *refer(struct describer *d, const char *type)
{
    if (strcmp(type, "size") == 0)
        type = "int";
    if (!g_hash_table_contains(d->done, type)) {
        g_hash_table_add(d->done, g_strdup(type));
        g_queue_push_tail(&d->todo, g_strdup(type));
    }
    return json_string(type);
}

static void add_member(struct describer *d, json_t *members, const char *name, const char *type,
                       bool optional)
{
    json_t *m = json_pack("{s:s, s:o}", "name", name, "type", refer(d, type));

    if (optional)
        json_object_set_new(m, "default", json_null());
    json_array_append_new(members, m);
}

static json_t *members_of(struct describer *d, const char *def)
{
    struct schema_members m = schema_members_parse(def);
    json_t *members = json_array();

    for (unsigned i = 0; i < m.n; i++)
        add_member(d, members, m.member[i].name, m.member[i].type, m.member[i].optional);
    schema_members_free(&m);
    return members;
}

static void add_object(struct describer *d, const char *name, json_t *members)
{
    json_array_append_new(d->out, json_pack("{s:s, s:s, s:o}", "name", name, "meta-type",
                                            "object", "members", members));
}

static void describe_union(struct describer *d, const char *name, const char *def)
{
    struct schema_members m = schema_members_parse(def);
    json_t *variants = json_array();
    g_auto(GStrv) words = schema_enum_words(m.member[0].type);

    for (char **w = words; *w; w++) {
        g_autofree char *branch = schema_branch(def, *w);
        json_array_append_new(variants, json_pack("{s:s, s:o}", "case", *w, "type",
                                                  refer(d, branch ? branch : "Empty")));
    }
    json_array_append_new(d->out, json_pack("{s:s, s:s, s:o, s:s, s:o}", "name", name,
                                            "meta-type", "object", "members",
                                            members_of(d, def), "tag", m.member[0].name,
                                            "variants", variants));
    schema_members_free(&m);
}

static void describe_enum(struct describer *d, const char *name)
{
    g_auto(GStrv) words = schema_enum_words(name);
    json_t *members = json_array(), *values = json_array();

    for (char **w = words; *w; w++) {
        json_array_append_new(members, json_pack("{s:s}", "name", *w));
        json_array_append_new(values, json_string(*w));
    }
    json_array_append_new(d->out, json_pack("{s:s, s:s, s:o, s:o}", "name", name, "meta-type",
                                            "enum", "members", members, "values", values));
}

static void describe_alternate(struct describer *d, const char *name, const char *def)
{
    g_auto(GStrv) types = g_strsplit(def + 4, " ", -1);
    json_t *members = json_array();

    for (char **t = types; *t; t++)
        json_array_append_new(members, json_pack("{s:o}", "type", refer(d, *t)));
    json_array_append_new(d->out, json_pack("{s:s, s:s, s:o}", "name", name, "meta-type",
                                            "alternate", "members", members));
}

static void describe_type(struct describer *d, const char *type)
{
    const struct schema_builtin *b = schema_builtin_find(type);
    const char *def = schema_find(type);

    if (b) {
        json_array_append_new(d->out, json_pack("{s:s, s:s, s:s}", "name", type, "meta-type",
                                                "builtin", "json-type", b->json));
    } else if (*type == '[') {
        g_autofree char *element = g_strndup(type + 1, strlen(type) - 2);
        json_array_append_new(d->out, json_pack("{s:s, s:s, s:o}", "name", type, "meta-type",
                                                "array", "element-type", refer(d, element)));
    } else if (g_str_has_prefix(def, "enum ")) {
        describe_enum(d, type);
    } else if (g_str_has_prefix(def, "alt ")) {
        describe_alternate(d, type, def);
    } else if (g_str_has_prefix(def, "union ")) {
        describe_union(d, type, def);
    } else {
        add_object(d, type, members_of(d, def));
    }
}

/* What a command takes is an object type of its own, unless it takes nothing. */
static json_t *arg_type(struct describer *d, const struct command *c)
{
    if (c->args_type)
        return refer(d, c->args_type);
    if (c->args[0].kind == ARG_NONE)
        return refer(d, "Empty");
    g_autofree char *name = g_strdup_printf("%s-arg", c->qmp);
    json_t *members = json_array();
    for (const struct command_arg *a = c->args; a->kind != ARG_NONE; a++)
        add_member(d, members, a->name, schema_arg_type(a), a->optional);
    add_object(d, name, members);
    return json_string(name);
}

static void describe_command(struct describer *d, const struct command *c)
{
    json_t *row = json_pack("{s:s, s:s, s:o, s:o}", "name", c->qmp, "meta-type", "command",
                            "arg-type", arg_type(d, c), "ret-type",
                            refer(d, c->returns ? c->returns : "Empty"));

    if (c->oob)
        json_object_set_new(row, "allow-oob", json_true());
    if (c->features) {
        g_auto(GStrv) words = g_strsplit(c->features, " ", -1);
        json_t *list = json_array();
        for (char **w = words; *w; w++)
            json_array_append_new(list, json_string(*w));
        json_object_set_new(row, "features", list);
    }
    json_array_append_new(d->out, row);
}

static void describe_event(struct describer *d, const struct schema_event *e)
{
    g_autofree char *name = g_strdup_printf("%s-arg", e->name);

    if (e->data)
        add_object(d, name, members_of(d, e->data));
    json_array_append_new(d->out, json_pack("{s:s, s:s, s:o}", "name", e->name, "meta-type",
                                            "event", "arg-type",
                                            e->data ? json_string(name) : refer(d, "Empty")));
}

json_t *schema_describe(void)
{
    struct describer d = {.out = json_array()};
    char *type;

    d.done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_queue_init(&d.todo);
    FOR_EACH_COMMAND(c)
        if (c->qmp)
            describe_command(&d, c);
    for (const struct schema_event *e = schema_events; e->name; e++)
        describe_event(&d, e);
    while ((type = g_queue_pop_head(&d.todo))) {
        describe_type(&d, type);
        g_free(type);
    }
    g_hash_table_destroy(d.done);
    return d.out;
}

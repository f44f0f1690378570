/* SPDX-License-Identifier: MIT */
/* Values against types. */
#include "monitor/schema.h"

#include <string.h>

#include "monitor/command.h"
#include "monitor/schema_int.h"
#include "util/error.h"

static const struct schema_builtin builtins[] = {
    {"str", "string", "string"},   {"int", "int", "integer"},  {"size", "int", "integer"},
    {"number", "number", "number"}, {"bool", "boolean", "boolean"}, {"null", "null", "null"},
    {"any", "value", NULL},
};

const struct schema_builtin *schema_builtin_find(const char *type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(builtins); i++)
        if (strcmp(builtins[i].name, type) == 0)
            return &builtins[i];
    return NULL;
}

const char *schema_find(const char *type)
{
    for (const struct schema_type *t = schema_types; t->name; t++)
        if (strcmp(t->name, type) == 0)
            return t->def;
    return NULL;
}

const struct schema_event *schema_event_find(const char *name)
{
    for (const struct schema_event *e = schema_events; e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

/* ---- Definitions ------------------------------------------------------------------------ */

struct schema_members schema_members_parse(const char *def)
{
    struct schema_members m = {.words = g_strsplit(def ? def : "", " ", -1)};

    for (char **w = m.words; *w && m.n < SCHEMA_MAX_MEMBERS; w++) {
        char *colon = strchr(*w, ':');

        if (!colon)
            continue; /* "union", "|", branches */
        *colon = 0;
        bool optional = **w == '?';
        m.member[m.n++] = (struct schema_member){*w + optional, colon + 1, optional};
    }
    return m;
}

void schema_members_free(struct schema_members *m)
{
    g_strfreev(m->words);
}

char *schema_branch(const char *def, const char *tag_value)
{
    const char *bar = strstr(def, " | ");
    g_auto(GStrv) words = g_strsplit(bar ? bar + 3 : "", " ", -1);
    size_t n = strlen(tag_value);

    for (char **w = words; *w; w++)
        if (strncmp(*w, tag_value, n) == 0 && (*w)[n] == '=')
            return g_strdup(*w + n + 1);
    return NULL;
}

char **schema_enum_words(const char *type)
{
    const char *def = schema_find(type);

    return def && g_str_has_prefix(def, "enum ") ? g_strsplit(def + 5, " ", -1) : NULL;
}

/* ---- Checking --------------------------------------------------------------------------- */

static bool mismatch(const char *name, const char *expected, GError **err)
{
    return error_set(err, "Invalid parameter type for '%s', expected: %s", name, expected);
}

static bool check_builtin(const struct schema_builtin *b, const json_t *v, const char *name,
                          GError **err)
{
    json_type t = json_typeof(v);
    bool ok = !b->expected || (strcmp(b->json, "string") == 0 && t == JSON_STRING) ||
              (strcmp(b->json, "int") == 0 && t == JSON_INTEGER) ||
              (strcmp(b->json, "number") == 0 && (t == JSON_INTEGER || t == JSON_REAL)) ||
              (strcmp(b->json, "boolean") == 0 && (t == JSON_TRUE || t == JSON_FALSE)) ||
              (strcmp(b->json, "null") == 0 && t == JSON_NULL);

    return ok || mismatch(name, b->expected, err);
}

static bool check_enum(const char *def, const json_t *v, const char *name, GError **err)
{
    if (!json_is_string(v))
        return mismatch(name, "string", err);
    g_auto(GStrv) words = g_strsplit(def + 5, " ", -1);
    return g_strv_contains((const char *const *)words, json_string_value(v)) ||
           error_set(err, "Parameter '%s' does not accept value '%s'", name,
                     json_string_value(v));
}

static bool check_array(const char *type, json_t *v, const char *name, GError **err)
{
    g_autofree char *element = g_strndup(type + 1, strlen(type) - 2);
    json_t *item;
    size_t i;

    if (!json_is_array(v))
        return mismatch(name, "array", err);
    json_array_foreach(v, i, item) {
        g_autofree char *place = g_strdup_printf("%s[%zu]", name, i);
        if (!schema_check(element, item, place, err))
            return false;
    }
    return true;
}

static char *place(const char *name, const char *member)
{
    return *name ? g_strdup_printf("%s.%s", name, member) : g_strdup(member);
}

/* The members that `def` has; their names are added to `known`. */
static bool check_members(const char *def, json_t *v, const char *name, GHashTable *known,
                          GError **err)
{
    struct schema_members m = schema_members_parse(def);
    bool ok = true;

    for (unsigned i = 0; ok && i < m.n; i++) {
        json_t *value = json_object_get(v, m.member[i].name);
        g_autofree char *where = place(name, m.member[i].name);

        g_hash_table_add(known, g_strdup(m.member[i].name));
        if (value)
            ok = schema_check(m.member[i].type, value, where, err);
        else if (!m.member[i].optional)
            ok = error_set(err, "Parameter '%s' is missing", where);
    }
    schema_members_free(&m);
    return ok;
}

static bool check_branch(const char *def, json_t *v, const char *name, GHashTable *known,
                         GError **err)
{
    struct schema_members m = schema_members_parse(def);
    const char *tag = json_string_value(json_object_get(v, m.member[0].name));
    g_autofree char *branch = tag ? schema_branch(def, tag) : NULL;

    schema_members_free(&m);
    return !branch || check_members(schema_find(branch), v, name, known, err);
}

static bool check_known(json_t *v, const char *name, GHashTable *known, GError **err)
{
    const char *key;
    json_t *value;

    json_object_foreach(v, key, value) {
        if (g_hash_table_contains(known, key))
            continue;
        g_autofree char *where = place(name, key);
        return error_set(err, "Parameter '%s' is unexpected", where);
    }
    return true;
}

static bool check_object(const char *def, json_t *v, const char *name, GError **err)
{
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    if (!json_is_object(v))
        return mismatch(name, "object", err);
    return check_members(def, v, name, known, err) &&
           (!g_str_has_prefix(def, "union ") || check_branch(def, v, name, known, err)) &&
           check_known(v, name, known, err);
}

/* What JSON type values of this type have; NULL: several. */
static const char *json_kind(const char *type)
{
    const struct schema_builtin *b = schema_builtin_find(type);

    if (b)
        return b->json;
    if (*type == '[')
        return "array";
    const char *def = schema_find(type);
    return g_str_has_prefix(def, "enum ") ? "string" : g_str_has_prefix(def, "alt ") ? NULL
                                                                                     : "object";
}

static bool is_kind(const char *kind, const json_t *v)
{
    static const char *const kinds[] = {
        [JSON_OBJECT] = "object", [JSON_ARRAY] = "array",  [JSON_STRING] = "string",
        [JSON_INTEGER] = "int",   [JSON_REAL] = "number",  [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean", [JSON_NULL] = "null"};

    return !kind || strcmp(kind, kinds[json_typeof(v)]) == 0;
}

static bool check_alternate(const char *def, json_t *v, const char *name, GError **err)
{
    g_auto(GStrv) types = g_strsplit(def + 4, " ", -1);

    for (char **t = types; *t; t++)
        if (is_kind(json_kind(*t), v))
            return schema_check(*t, v, name, err);
    return error_set(err, "Invalid parameter type for '%s'", name);
}

bool schema_check(const char *type, json_t *v, const char *name, GError **err)
{
    const struct schema_builtin *b = schema_builtin_find(type);

    if (b)
        return check_builtin(b, v, name, err);
    if (*type == '[')
        return check_array(type, v, name, err);
    const char *def = schema_find(type);
    if (g_str_has_prefix(def, "enum "))
        return check_enum(def, v, name, err);
    if (g_str_has_prefix(def, "alt "))
        return check_alternate(def, v, name, err);
    return check_object(def, v, name, err);
}

const char *schema_arg_type(const struct command_arg *a)
{
    if (a->type)
        return a->type;
    switch (a->kind) {
    case ARG_INT: return "int";
    case ARG_BOOL:
    case ARG_FLAG: return "bool";
    default: return "str";
    }
}

bool schema_check_args(const struct command *c, json_t *args, GError **err)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);

    for (const struct command_arg *a = c->args; a->kind != ARG_NONE; a++) {
        json_t *v = json_object_get(args, a->name);

        g_hash_table_add(known, (char *)a->name);
        if (v && !schema_check(schema_arg_type(a), v, a->name, err))
            return false;
        if (!v && !a->optional)
            return error_set(err, "Parameter '%s' is missing", a->name);
    }
    return c->loose || !args || check_known(args, "", known, err);
}

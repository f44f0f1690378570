/* SPDX-License-Identifier: MIT */
/* An answer meant for programs, as text: one line for each value, objects of a list apart. */
#include <inttypes.h>

#include "monitor/command.h"

static void append_scalar(const json_t *v, GString *out)
{
    switch (json_typeof(v)) {
    case JSON_STRING: g_string_append(out, json_string_value(v)); break;
    case JSON_INTEGER:
        g_string_append_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        break;
    case JSON_REAL: g_string_append_printf(out, "%g", json_real_value(v)); break;
    case JSON_TRUE: g_string_append(out, "on"); break;
    case JSON_FALSE: g_string_append(out, "off"); break;
    default: g_string_append(out, "none"); break;
    }
}

static void append_value(json_t *v, unsigned depth, GString *out);

static void append_member(const char *key, json_t *v, unsigned depth, GString *out)
{
    bool nested = json_is_object(v) || json_is_array(v);

    g_string_append_printf(out, "%*s%s:", (int)depth * 2, "", key);
    if (nested && (json_object_size(v) || json_array_size(v))) {
        g_string_append_c(out, '\n');
        append_value(v, depth + 1, out);
    } else if (nested) {
        g_string_append(out, " none\n");
    } else {
        g_string_append_c(out, ' ');
        append_scalar(v, out);
        g_string_append_c(out, '\n');
    }
}

static void append_value(json_t *v, unsigned depth, GString *out)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_object(v)) {
        json_object_foreach(v, key, item)
            append_member(key, item, depth, out);
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, item) {
            if (i && json_is_object(item))
                g_string_append_c(out, '\n');
            append_value(item, depth, out);
        }
    } else {
        g_string_append_printf(out, "%*s", (int)depth * 2, "");
        append_scalar(v, out);
        g_string_append_c(out, '\n');
    }
}

void show_json(json_t *ret, GString *out)
{
    append_value(ret, 0, out);
}

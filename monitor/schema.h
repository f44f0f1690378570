/* SPDX-License-Identifier: MIT */
/*
 * Types of QMP: what arguments must look like, what answers and events look like, and how all of
 * it is told to programs (query-qmp-schema). A type is one row of the table in types.c:
 *
 *   "enum a b c"                      one of these words
 *   "x:int ?y:str"                    an object; members with '?' may be left out
 *   "union tag:Kind x:int | a=A b=B"  an object whose member `tag` says which members it has
 *                                     besides x; values of Kind that are not listed add none
 *   "alt A str"                       either of these; their JSON types differ
 *
 * Where a type is named: str, int, size, number, bool, null, any, a row's name, or [TYPE] for an
 * array of it.
 */
#ifndef MONITOR_SCHEMA_H
#define MONITOR_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include <glib.h>

struct command;

struct schema_type {
    const char *name, *def;
};
extern const struct schema_type schema_types[]; /* name == NULL ends */

struct schema_event {
    const char *name;
    const char *data;  /* the members of its data, as in "x:int ?y:str"; NULL: none */
    bool limited;      /* at most one a second is sent, the last one counts */
    const char *key;   /* ... for each value of this member; or NULL */
};
extern const struct schema_event schema_events[]; /* name == NULL ends */
const struct schema_event *schema_event_find(const char *name);

/* Is this value of that type? The error names the place, beginning with `name`. */
bool schema_check(const char *type, json_t *value, const char *name, GError **err);
/* Are these (NULL: none) the arguments that the command takes? */
bool schema_check_args(const struct command *c, json_t *args, GError **err);
/* The QMP type of an argument. */
struct command_arg;
const char *schema_arg_type(const struct command_arg *a);
/* Everything: an array of SchemaInfo, to be freed by the caller. */
json_t *schema_describe(void);
/* The words of an enum, NULL-terminated; freed by the caller. NULL: no enum. */
char **schema_enum_words(const char *type);

#endif

/* SPDX-License-Identifier: MIT */
/* How the rows of types.c are read: schema.c checks values, introspect.c describes them. */
#ifndef MONITOR_SCHEMA_INT_H
#define MONITOR_SCHEMA_INT_H

#include <stdbool.h>

struct schema_builtin {
    const char *name;
    const char *json;     /* its JSON type, as introspection calls it */
    const char *expected; /* in error messages; NULL: anything will do */
};
const struct schema_builtin *schema_builtin_find(const char *type);
/* The definition of a type that is none of those; NULL: there is none. */
const char *schema_find(const char *type);

#define SCHEMA_MAX_MEMBERS 48

struct schema_member {
    const char *name, *type;
    bool optional;
};
struct schema_members {
    char **words; /* what the members point into */
    struct schema_member member[SCHEMA_MAX_MEMBERS];
    unsigned n;
};
/* The members of an object; of a union the tag, and those that every branch has. */
struct schema_members schema_members_parse(const char *def);
void schema_members_free(struct schema_members *m);
/* The type that this value of its tag adds to a union, or NULL; freed by the caller. */
char *schema_branch(const char *def, const char *tag_value);

#endif

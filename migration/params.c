/* SPDX-License-Identifier: MIT */
/* Parameters and capabilities, by QMP's names. */
#include <string.h>

#include "migration/migration_int.h"
#include "util/error.h"
#include "util/parse.h"
#include "util/suggest.h"

static const struct {
    const char *name;
    uint64_t def, min, max;
    bool size; /* may have a suffix */
} params[PARAM_COUNT] = {
    [PARAM_BANDWIDTH] = {"max-bandwidth", 128u << 20, 4096, INT64_MAX, true},
    [PARAM_DOWNTIME] = {"downtime-limit", 300, 0, 2000000, false},
    [PARAM_THROTTLE_TRIGGER] = {"throttle-trigger-threshold", 50, 1, 100, false},
    [PARAM_THROTTLE_INITIAL] = {"cpu-throttle-initial", 20, 1, 99, false},
    [PARAM_THROTTLE_INCREMENT] = {"cpu-throttle-increment", 10, 1, 99, false},
    [PARAM_THROTTLE_MAX] = {"max-cpu-throttle", 99, 1, 99, false},
};

static const char *const caps[CAP_COUNT] = {"auto-converge", "events"};

void params_init(struct migration *g)
{
    for (unsigned i = 0; i < PARAM_COUNT; i++)
        g->params[i] = params[i].def;
}

bool migration_set_parameter(struct machine *m, const char *name, const char *value, GError **err)
{
    struct migration *g = migration_get(m);
    struct suggest s = suggest_begin(name);
    uint64_t v;

    for (unsigned i = 0; i < PARAM_COUNT; i++) {
        suggest_offer(&s, params[i].name);
        if (strcmp(name, params[i].name))
            continue;
        bool ok = params[i].size ? parse_size(value, 1, &v, err)
                                 : parse_uint(value, params[i].min, params[i].max, &v, err);
        if (ok && (v < params[i].min || v > params[i].max))
            ok = error_set(err, "'%s' is not between %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT,
                           value, params[i].min, params[i].max);
        if (ok)
            __atomic_store_n(&g->params[i], v, __ATOMIC_RELAXED);
        return ok || error_prefix(err, "%s", name);
    }
    return error_set(err, "there is no migration parameter '%s' here%s", name, suggest_text(&s));
}

bool migration_set_capability(struct machine *m, const char *name, bool on, GError **err)
{
    struct migration *g = migration_get(m);

    for (unsigned i = 0; i < CAP_COUNT; i++) {
        if (strcmp(name, caps[i]))
            continue;
        if (migration_busy(g))
            return error_set(err, "There's a migration process in progress");
        g->caps[i] = on;
        return true;
    }
    return error_set(
        err, "there is no migration capability '%s' here; auto-converge and events are", name);
}

json_t *migration_parameters(struct machine *m)
{
    json_t *j = json_object();

    for (unsigned i = 0; i < PARAM_COUNT; i++)
        json_object_set_new(j, params[i].name,
                            json_integer((json_int_t)param(migration_get(m), i)));
    return j;
}

json_t *migration_capabilities(struct machine *m)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < CAP_COUNT; i++)
        json_array_append_new(list, json_pack("{s:s, s:b}", "capability", caps[i], "state",
                                              migration_get(m)->caps[i]));
    return list;
}

/* SPDX-License-Identifier: MIT */
/*
 * What happens to the machine, as QMP tells it. Events of a kind that may come in floods (the
 * table of types.c says which) are sent at most once a second: the first at once, then the last
 * one of each second. For a reader that takes nothing see qmp.h.
 */
#include <string.h>

#include "core/event.h"
#include "core/machine.h"
#include "monitor/qmp.h"
#include "monitor/schema.h"

enum { LIMIT_MS = 1000, LIMITS_MAX = 1024 };

struct qmp_event {
    char *key; /* "NAME value-of-its-key" */
    json_t *json;
};

/* Not to be sent before the timer has fired. */
struct qmp_limit {
    struct qmp *q;
    char *key;      /* the hash table's */
    json_t *latest; /* what came in the meantime, or NULL */
    GSource *timer;
};

static char *key_of(const struct schema_event *e, json_t *data)
{
    const char *value = e->key ? json_string_value(json_object_get(data, e->key)) : NULL;

    return g_strconcat(e->name, " ", value, NULL);
}

static json_t *make(const char *name, json_t *data)
{
    int64_t us = g_get_real_time();
    json_t *e = json_pack("{s:{s:I, s:I}, s:s}", "timestamp", "seconds",
                          (json_int_t)(us / G_USEC_PER_SEC), "microseconds",
                          (json_int_t)(us % G_USEC_PER_SEC), "event", name);

    if (data)
        json_object_set(e, "data", data);
    return e;
}

/* ---- For a reader that is slow ----------------------------------------------------- */

static void event_free(void *p)
{
    struct qmp_event *e = p;

    json_decref(e->json);
    g_free(e->key);
    g_free(e);
}

/* The last one of its kind counts, and is told where it belongs in the order. */
static void hold(struct qmp *q, const char *key, json_t *json)
{
    struct qmp_event *e = g_new(struct qmp_event, 1);

    for (GList *l = q->held.head; l; l = l->next) {
        struct qmp_event *old = l->data;
        if (strcmp(old->key, key) == 0) {
            event_free(old);
            g_queue_delete_link(&q->held, l);
            break;
        }
    }
    if (g_queue_get_length(&q->held) == QMP_HELD_MAX)
        event_free(g_queue_pop_head(&q->held));
    *e = (struct qmp_event){.key = g_strdup(key), .json = json};
    g_queue_push_tail(&q->held, e);
}

static void deliver(struct qmp *q, const char *key, json_t *json)
{
    if (qmp_is_full(q) || !g_queue_is_empty(&q->held))
        hold(q, key, json);
    else
        qmp_send(q, json);
}

void qmp_events_flush(struct qmp *q)
{
    while (!qmp_is_full(q) && !g_queue_is_empty(&q->held)) {
        struct qmp_event *e = g_queue_pop_head(&q->held);

        qmp_send(q, json_incref(e->json));
        event_free(e);
    }
}

/* ---- At most one a second ---------------------------------------------------------- */

static void limit_free(void *p)
{
    struct qmp_limit *l = p;

    g_source_destroy(l->timer);
    g_source_unref(l->timer);
    json_decref(l->latest);
    g_free(l);
}

static gboolean limit_over(void *arg)
{
    struct qmp_limit *l = arg;
    struct qmp *q = l->q;
    struct machine *m = q->machine;
    bool more;

    machine_lock(m);
    if (g_source_is_destroyed(g_main_current_source())) { /* while this waited for the lock */
        machine_unlock(m);
        return G_SOURCE_REMOVE;
    }
    more = l->latest != NULL;
    if (more)
        deliver(q, l->key, g_steal_pointer(&l->latest));
    else
        g_hash_table_remove(q->limited, l->key);
    machine_unlock(m);
    return more;
}

static void limited(struct qmp *q, char *key, json_t *json)
{
    struct qmp_limit *l = g_hash_table_lookup(q->limited, key);

    if (l) {
        json_decref(l->latest);
        l->latest = json;
        g_free(key);
        return;
    }
    deliver(q, key, json);
    if (g_hash_table_size(q->limited) == LIMITS_MAX) { /* a guest makes up keys */
        g_free(key);
        return;
    }
    l = g_new0(struct qmp_limit, 1);
    l->q = q;
    l->key = key;
    l->timer = g_timeout_source_new(LIMIT_MS);
    g_source_set_callback(l->timer, limit_over, l, NULL);
    g_source_attach(l->timer, q->machine->context);
    g_hash_table_insert(q->limited, key, l);
}

static void listen(void *arg, const char *name, json_t *data)
{
    struct qmp *q = arg;
    const struct schema_event *e = schema_event_find(name);

    if (!q->open || !q->negotiated)
        return;
    if (!e) {
        log_write(&q->machine->log, "hostel: the event %s is not in the monitor's table\n", name);
        return;
    }
    char *key = key_of(e, data);
    if (e->limited) {
        limited(q, key, make(name, data));
        return;
    }
    deliver(q, key, make(name, data));
    g_free(key);
}

/* ---- Life -------------------------------------------------------------------------- */

void qmp_events_init(struct qmp *q)
{
    g_queue_init(&q->held);
    q->limited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, limit_free);
    machine_add_listener(q->machine, listen, q);
}

void qmp_events_drop(struct qmp *q)
{
    struct qmp_event *e;

    while ((e = g_queue_pop_head(&q->held)))
        event_free(e);
    g_hash_table_remove_all(q->limited);
}

void qmp_events_fini(struct qmp *q)
{
    machine_del_listener(q->machine, q);
    qmp_events_drop(q);
    g_hash_table_destroy(q->limited);
}

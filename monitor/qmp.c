/* SPDX-License-Identifier: MIT */
/* A QMP session: requests from the stream, answers to it. */
#include "monitor/qmp.h"

#include <string.h>

#include "chardev/chardev.h"
#include "core/machine.h"
#include "util/error.h"

struct qmp_request {
    json_t *object; /* NULL: it was none, `error` says why */
    GError *error;
};

static void run_next(struct qmp *q);

/* ---- Output ----------------------------------------------------------------------------- */

static void flush(struct qmp *q)
{
    size_t done = 0;

    while (done < q->out->len) {
        size_t n = chr_write(q->chr, q->out->str + done, q->out->len - done);
        if (n == 0)
            break; /* writable() will call again */
        done += n;
    }
    g_string_erase(q->out, 0, done);
}

bool qmp_is_full(const struct qmp *q)
{
    return q->out->len > QMP_OUT_MAX;
}

void qmp_send(struct qmp *q, json_t *value)
{
    if (q->open) {
        char *text = json_dumps(value, q->pretty ? JSON_INDENT(4) : 0);
        g_string_append(q->out, text);
        g_string_append(q->out, "\r\n");
        free(text);
        flush(q);
    }
    json_decref(value);
}

static void send_error(struct qmp *q, const GError *err, json_t *id)
{
    json_t *reply = json_pack("{s:{s:s, s:s}}", "error", "class", error_class_name(err), "desc",
                              err->message);

    if (!reply) /* the message quotes a name that is no UTF-8 */
        reply = json_pack("{s:{s:s, s:s}}", "error", "class", "GenericError", "desc",
                          "a name is not valid UTF-8");
    if (id)
        json_object_set(reply, "id", id);
    qmp_send(q, reply);
}

static void send_return(struct qmp *q, json_t *ret, json_t *id)
{
    json_t *reply = json_pack("{s:o}", "return", ret);

    if (id)
        json_object_set(reply, "id", id);
    qmp_send(q, reply);
}

/* ---- A request -------------------------------------------------------------------------- */

static bool check_member(const struct qmp *q, json_t *request, const char *key, json_t *v,
                         GError **err)
{
    bool oob = strcmp(key, "exec-oob") == 0 && q->oob;

    if (strcmp(key, "execute") == 0 || oob) {
        if (!json_is_string(v))
            return error_set(err, "QMP input member '%s' must be a string", key);
        if (oob && json_object_get(request, "execute"))
            return error_set(err, "QMP input member 'exec-oob' clashes with 'execute'");
        return true;
    }
    if (strcmp(key, "arguments") == 0)
        return json_is_object(v) ||
               error_set(err, "QMP input member 'arguments' must be an object");
    return strcmp(key, "id") == 0 || error_set(err, "QMP input member '%s' is unexpected", key);
}

static bool check_request(const struct qmp *q, json_t *request, GError **err)
{
    const char *key;
    json_t *v;

    json_object_foreach(request, key, v)
        if (!check_member(q, request, key, v, err))
            return false;
    return json_object_get(request, "execute") || json_object_get(request, "exec-oob") ||
           error_set(err, "QMP input lacks member 'execute'");
}

static const struct command *find(const struct qmp *q, const char *name, bool oob, GError **err)
{
    const struct command *c = command_find_qmp(name);
    bool greeting = strcmp(name, "qmp_capabilities") == 0;

    if (!q->negotiated && !greeting)
        error_set_class(err, ERROR_COMMAND_NOT_FOUND,
                        "Expecting capabilities negotiation with 'qmp_capabilities'");
    else if (q->negotiated && greeting)
        error_set_class(err, ERROR_COMMAND_NOT_FOUND,
                        "Capabilities negotiation is already complete, command ignored");
    else if (!c)
        error_set_class(err, ERROR_COMMAND_NOT_FOUND, "The command %s has not been found", name);
    else if (oob && !c->oob)
        error_set(err, "The command %s does not support OOB", name);
    else
        return c;
    return NULL;
}

static void execute(struct qmp *q, json_t *request)
{
    GError *err = NULL;
    json_t *oob = json_object_get(request, "exec-oob"), *id = json_object_get(request, "id");
    json_t *ret = NULL;

    if (check_request(q, request, &err)) {
        const char *name = json_string_value(oob ? oob : json_object_get(request, "execute"));
        const struct command *c = find(q, name, oob != NULL, &err);

        /* What the command requests is done, and told in events, before it is answered. */
        if (c)
            ret = command_execute(&q->ctx, c, json_object_get(request, "arguments"), &err);
    }
    machine_carry_out_requests(q->machine);
    if (ret)
        send_return(q, ret, id);
    else
        send_error(q, err, id);
    g_clear_error(&err);
}

static void request_free(struct qmp_request *r)
{
    json_decref(r->object);
    g_clear_error(&r->error);
    g_free(r);
}

/* ---- The queue of requests --------------------------------------------------------------- */

static gboolean run_cb(void *arg)
{
    struct qmp *q = arg;
    struct machine *m = q->machine;

    machine_lock(m);
    g_clear_pointer(&q->running, g_source_unref);
    struct qmp_request *r = qmp_is_full(q) ? NULL : g_queue_pop_head(&q->requests);
    if (r) {
        if (r->object)
            execute(q, r->object);
        else
            send_error(q, r->error, NULL);
        request_free(r);
        run_next(q);
    }
    machine_unlock(m);
    return G_SOURCE_REMOVE;
}

/* From the main loop, for a command may do anything to the stream that it came from. Before the
 * next bytes are read: what was written before an end of file is answered. */
static void run_next(struct qmp *q)
{
    if (q->running)
        return;
    if (g_queue_is_empty(&q->requests)) {
        chr_accept_input(q->chr);
        return;
    }
    q->running = g_idle_source_new();
    g_source_set_priority(q->running, G_PRIORITY_DEFAULT - 1);
    g_source_set_callback(q->running, run_cb, q, NULL);
    g_source_attach(q->running, q->machine->context);
}

static void queue(struct qmp *q, json_t *object, GError *error)
{
    struct qmp_request *r = g_new(struct qmp_request, 1);

    *r = (struct qmp_request){object, error};
    g_queue_push_tail(&q->requests, r);
    run_next(q);
}

static void on_value(void *arg, const char *text, size_t len)
{
    struct qmp *q = arg;
    json_error_t why;
    json_t *v = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
    GError *err = NULL;

    if (!v)
        error_set(&err, "JSON parse error, %s", why.text);
    else if (!json_is_object(v))
        error_set(&err, "QMP input must be a JSON object");
    if (err) {
        json_decref(v);
        queue(q, NULL, err);
    } else if (q->oob && json_object_get(v, "exec-oob")) {
        execute(q, v);
        json_decref(v);
    } else {
        queue(q, v, NULL);
    }
}

static void on_broken(void *arg, const char *why)
{
    GError *err = NULL;

    error_set(&err, "%s", why);
    queue(arg, NULL, err);
}

/* ---- The stream's front end --------------------------------------------------------------- */

static size_t can_receive(void *arg)
{
    struct qmp *q = arg;

    return qmp_is_full(q) || q->running ? 0 : 4096;
}

static void receive(void *arg, const uint8_t *buf, size_t len)
{
    json_split_feed(&((struct qmp *)arg)->split, buf, len);
}

static void writable(void *arg)
{
    struct qmp *q = arg;

    flush(q);
    if (qmp_is_full(q))
        return;
    qmp_events_flush(q);
    run_next(q);
}

/* Whoever was there has gone: what it asked for and has not got is of no use to anybody. */
static void forget_client(struct qmp *q)
{
    struct qmp_request *r;

    q->open = q->negotiated = q->oob = false;
    json_split_reset(&q->split);
    g_string_truncate(q->out, 0);
    qmp_events_drop(q);
    while ((r = g_queue_pop_head(&q->requests)))
        request_free(r);
    if (q->running)
        g_source_destroy(q->running);
    g_clear_pointer(&q->running, g_source_unref);
}

static void greet(struct qmp *q)
{
    forget_client(q);
    q->open = true;
    qmp_send(q, json_pack("{s:{s:o, s:[s]}}", "QMP", "version", qmp_version(), "capabilities",
                          "oob"));
}

static void event(void *arg, enum chr_event ev)
{
    if (ev == CHR_OPENED)
        greet(arg);
    else if (ev == CHR_CLOSED)
        forget_client(arg);
}

/* ---- Life ----------------------------------------------------------------------------------- */

static void session_free(struct qmp *q)
{
    forget_client(q);
    qmp_events_fini(q);
    json_split_fini(&q->split);
    g_string_free(q->out, TRUE);
    g_free(q);
}

static void at_exit(void *arg)
{
    struct qmp *q = arg;
    struct machine *m = q->machine;

    machine_lock(m);
    chr_detach(q->chr, q);
    session_free(q);
    machine_unlock(m);
}

bool qmp_new(struct machine *m, struct chardev *chr, bool pretty, GError **err)
{
    struct qmp *q = g_new0(struct qmp, 1);
    struct chr_frontend fe = {.can_receive = can_receive, .receive = receive, .event = event,
                              .writable = writable, .arg = q, .monitor = true};

    q->machine = m;
    q->chr = chr;
    q->pretty = pretty;
    q->ctx = (struct command_context){.machine = m, .chr = chr, .qmp = q};
    q->ctx.vcpu = m->vcpus->len ? m->vcpus->pdata[0] : NULL;
    q->out = g_string_new(NULL);
    g_queue_init(&q->requests);
    q->split = (struct json_split){.value = on_value, .broken = on_broken, .arg = q};
    json_split_init(&q->split);
    qmp_events_init(q);
    if (!chr_attach(chr, &fe, err)) {
        session_free(q);
        return false;
    }
    machine_add_hook(m->on_exit, at_exit, q);
    return true;
}

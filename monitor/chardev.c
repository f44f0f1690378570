/* SPDX-License-Identifier: MIT */
/* Character devices: which there are, adding and removing them, ring buffers, yank. */
#include <string.h>

#include "chardev/chardev.h"
#include "core/machine.h"
#include "monitor/tables.h"
#include "util/error.h"
#include "util/keyval.h"

static bool run_query(struct command_call *call, GError **err)
{
    struct chardev *chr;

    call->ret = json_array();
    for (unsigned i = 0; (chr = chardev_nth(call->ctx->machine, i)); i++) {
        g_autofree char *filename = chardev_filename(chr);

        json_array_append_new(call->ret, json_pack("{s:s, s:b, s:s}", "label", chardev_id(chr),
                                                   "frontend-open", chardev_in_use(chr),
                                                   "filename", filename));
    }
    return true;
}

static bool run_backends(struct command_call *call, GError **err)
{
    const char *name;

    call->ret = json_array();
    for (unsigned i = 0; (name = chardev_backend_nth(i)); i++)
        json_array_append_new(call->ret, json_pack("{s:s}", "name", name));
    return true;
}

static struct chardev *find(struct command_call *call, GError **err)
{
    const char *id = call->arg[0].text;
    struct chardev *chr = chardev_find(call->ctx->machine, id);

    if (!chr)
        error_set(err, "Chardev '%s' not found", id);
    return chr;
}

/* ---- chardev-add --------------------------------------------------------------------------- */

/* Words that the -chardev option spells otherwise; the rest are the same. */
static const char *option_key(const char *key)
{
    return strcmp(key, "out") == 0 || strcmp(key, "device") == 0 ? "path" : key;
}

static void add_value(struct keyvals *kv, const char *key, const json_t *v)
{
    if (json_is_string(v)) {
        keyvals_add(kv, key, json_string_value(v));
    } else if (json_is_boolean(v)) {
        keyvals_add(kv, key, json_is_true(v) ? "on" : "off");
    } else {
        g_autofree char *number = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
        keyvals_add(kv, key, number);
    }
}

/* {"type": "inet", "data": {"host": ...}}; a passed descriptor is named "str". */
static void add_address(struct keyvals *kv, json_t *addr)
{
    json_t *data = json_object_get(addr, "data"), *v;
    const char *key;

    json_object_foreach(data, key, v)
        add_value(kv, strcmp(key, "str") == 0 ? "fd" : key, v);
}

static struct keyvals *to_keys(const char *id, json_t *backend)
{
    struct keyvals *kv = keyvals_new();
    json_t *data = json_object_get(backend, "data"), *v;
    const char *key;

    keyvals_add(kv, "backend", json_string_value(json_object_get(backend, "type")));
    keyvals_add(kv, "id", id);
    json_object_foreach(data, key, v) {
        if (json_is_object(v))
            add_address(kv, v);
        else
            add_value(kv, option_key(key), v);
    }
    return kv;
}

/* A server listens and goes on, unless it is told otherwise. */
static void socket_defaults(struct keyvals *kv)
{
    if (strcmp(keyvals_get(kv, "backend"), "socket") != 0)
        return;
    if (!keyvals_get(kv, "server"))
        keyvals_add(kv, "server", "on");
    if (!keyvals_get(kv, "wait") && strcmp(keyvals_get(kv, "server"), "on") == 0)
        keyvals_add(kv, "wait", "off");
}

static bool run_add(struct command_call *call, GError **err)
{
    struct keyvals *kv = to_keys(call->arg[0].text, call->arg[1].json);

    socket_defaults(kv);
    struct chardev *chr = chardev_new_from_keyvals(call->ctx->machine, kv, err);
    keyvals_free(kv);
    if (!chr)
        return false;
    g_autofree char *filename = chardev_filename(chr);
    call->ret = json_object();
    if (g_str_has_prefix(filename, "pty:"))
        json_object_set_new(call->ret, "pty", json_string(filename + 4));
    return true;
}

static bool run_add_text(struct command_call *call, GError **err)
{
    return chardev_new_from_options(call->ctx->machine, call->arg[0].text, err) != NULL;
}

static bool run_remove(struct command_call *call, GError **err)
{
    struct chardev *chr = find(call, err);

    if (!chr)
        return false;
    if (chardev_in_use(chr))
        return error_set(err, "Chardev '%s' is busy", call->arg[0].text);
    chardev_free(chr);
    return true;
}

/* ---- Ring buffers -------------------------------------------------------------------------- */

static bool is_base64(struct command_call *call, unsigned arg)
{
    return g_strcmp0(call->arg[arg].text, "base64") == 0;
}

static bool run_ringbuf_read(struct command_call *call, GError **err)
{
    struct chardev *chr = find(call, err);

    if (!chr)
        return false;
    if (!chardev_is_ringbuf(chr))
        return error_set(err, "%s is not a ringbuf device", call->arg[0].text);
    if (call->arg[1].num <= 0)
        return error_set(err, "size must be greater than zero");
    g_autoptr(GByteArray) bytes = chardev_ringbuf_read(chr, (size_t)call->arg[1].num);
    g_autofree char *text = is_base64(call, 2)
                                ? g_base64_encode(bytes->data, bytes->len)
                                : g_utf8_make_valid((char *)bytes->data, bytes->len);
    if (call->ctx->qmp)
        call->ret = json_string(text);
    else
        g_string_append_printf(call->out, "%s\n", text);
    return true;
}

static bool run_ringbuf_write(struct command_call *call, GError **err)
{
    struct chardev *chr = find(call, err);
    gsize len = 0;

    if (!chr)
        return false;
    if (!chardev_is_ringbuf(chr))
        return error_set(err, "%s is not a ringbuf device", call->arg[0].text);
    if (is_base64(call, 2)) {
        g_autofree guchar *bytes = g_base64_decode(call->arg[1].text, &len);
        chr_write(chr, bytes, len);
    } else {
        chr_write(chr, call->arg[1].text, strlen(call->arg[1].text));
    }
    return true;
}

/* ---- yank ------------------------------------------------------------------------------------ */

static bool run_query_yank(struct command_call *call, GError **err)
{
    struct chardev *chr;

    call->ret = json_array();
    for (unsigned i = 0; (chr = chardev_nth(call->ctx->machine, i)); i++)
        if (chr_can_yank(chr))
            json_array_append_new(call->ret, json_pack("{s:s, s:s}", "type", "chardev", "id",
                                                       chardev_id(chr)));
    return true;
}

/* All of them, or none if one is not there. */
static bool run_yank(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    json_t *instance;
    size_t i;

    for (int pass = 0; pass < 2; pass++) {
        json_array_foreach(call->arg[0].json, i, instance) {
            const char *id = json_string_value(json_object_get(instance, "id"));
            struct chardev *chr = chardev_find(m, id);

            if (!chr || !chr_can_yank(chr))
                return error_set_class(err, ERROR_DEVICE_NOT_FOUND, "Instance not found");
            if (pass == 1)
                chr_yank(chr);
        }
    }
    return true;
}

const struct command chardev_commands[] = {
    {.qmp = "query-chardev", .returns = "[ChardevInfo]", .run = run_query,
     .help = "character devices and who is at their other ends"},
    {.qmp = "query-chardev-backends", .returns = "[ChardevBackendInfo]", .run = run_backends,
     .help = "kinds of character devices"},
    {.qmp = "chardev-add", .returns = "ChardevReturn", .run = run_add,
     .args = {{"id", ARG_WORD}, {"backend", ARG_JSON, false, "ChardevBackend"}},
     .help = "make a character device"},
    {.name = "chardev-add", .args = {{"text", ARG_REST}}, .run = run_add_text,
     .help = "make a character device, from the text of a -chardev option"},
    {.name = "chardev-remove", .qmp = "chardev-remove", .args = {{"id", ARG_WORD}},
     .run = run_remove, .help = "remove a character device that nobody uses"},
    {.name = "ringbuf_read", .qmp = "ringbuf-read", .returns = "str", .run = run_ringbuf_read,
     .args = {{"device", ARG_WORD}, {"size", ARG_INT}, {"format", ARG_WORD, true, "DataFormat"}},
     .help = "what was written to a ring buffer; it forgets that"},
    {.name = "ringbuf_write", .qmp = "ringbuf-write", .run = run_ringbuf_write,
     .args = {{"device", ARG_WORD}, {"data", ARG_WORD}, {"format", ARG_WORD, true, "DataFormat"}},
     .help = "write to a ring buffer"},
    {.qmp = "query-yank", .returns = "[YankInstance]", .run = run_query_yank, .oob = true,
     .help = "connections that 'yank' can end"},
    {.qmp = "yank", .args = {{"instances", ARG_JSON, false, "[YankInstance]"}}, .run = run_yank,
     .oob = true, .help = "end connections that hang"},
    {0}};

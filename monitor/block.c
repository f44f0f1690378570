/* SPDX-License-Identifier: MIT */
/* Disks: what there is, what they have done, adding and removing nodes. */
#include <string.h>

#include "block/drive.h"
#include "block/node.h"
#include "block/snapshot.h"
#include "core/machine.h"
#include "monitor/block_info.h"
#include "monitor/tables.h"
#include "util/error.h"
#include "util/keyval.h"

static char *owner_name(struct machine *m, const struct blk *blk)
{
    struct device *d = block_owner(m, blk);

    if (!d)
        return NULL;
    g_autofree char *path = device_qom_path(d);
    /* The disk of virtio-blk is the object behind the transport's. */
    if (g_str_has_prefix(d->type->name, "virtio-blk"))
        return g_strconcat(path, "/virtio-backend", NULL);
    return d->id ? g_strdup(d->id) : g_steal_pointer(&path);
}

/* ---- query-block -------------------------------------------------------------------------- */

static json_t *describe_blk(struct machine *m, struct blk *blk)
{
    const char *id = blk_id(blk);
    struct blk_tray tray = {0};
    bool removable = blk_tray_state(blk, &tray);
    g_autofree char *qdev = owner_name(m, blk);
    json_t *row = json_pack("{s:s, s:b, s:b, s:s}", "device", id ? id : "", "locked", tray.locked,
                            "removable", removable, "type", "unknown");

    if (qdev)
        json_object_set_new(row, "qdev", json_string(qdev));
    if (removable)
        json_object_set_new(row, "tray_open", json_boolean(tray.open));
    if (blk_node(blk))
        json_object_set_new(row, "inserted", block_device_info(blk_node(blk)));
    if (blk_node(blk) || qdev)
        json_object_set_new(row, "io-status", json_string("ok"));
    return row;
}

static bool run_query_block(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    struct blk *blk;

    call->ret = json_array();
    for (unsigned i = 0; (blk = blk_nth(m, i)); i++)
        json_array_append_new(call->ret, describe_blk(m, blk));
    return true;
}

static const char *text_of(json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static void show_block(json_t *ret, GString *out)
{
    json_t *row;
    size_t i;

    json_array_foreach(ret, i, row) {
        json_t *in = json_object_get(row, "inserted");
        const char *name = *text_of(row, "device") ? text_of(row, "device") : text_of(row, "qdev");

        g_string_append_printf(out, "%s", name);
        if (in)
            g_string_append_printf(out, " (%s): %s (%s%s)\n", text_of(in, "node-name"),
                                   text_of(in, "file"), text_of(in, "drv"),
                                   json_is_true(json_object_get(in, "ro")) ? ", read-only" : "");
        else
            g_string_append(out, ": [not inserted]\n");
        if (*text_of(row, "qdev"))
            g_string_append_printf(out, "    Attached to:      %s\n", text_of(row, "qdev"));
        if (json_is_true(json_object_get(row, "removable")))
            g_string_append_printf(out, "    Removable device: %slocked, tray %s\n",
                                   json_is_true(json_object_get(row, "locked")) ? "" : "not ",
                                   json_is_true(json_object_get(row, "tray_open")) ? "open"
                                                                                   : "closed");
        if (in && *text_of(in, "backing_file"))
            g_string_append_printf(out, "    Backing file:     %s\n", text_of(in, "backing_file"));
    }
}

static bool run_query_nodes(struct command_call *call, GError **err)
{
    struct block *b = call->ctx->machine->block;

    call->ret = json_array();
    for (unsigned i = 0; b && i < b->nodes->len; i++)
        json_array_append_new(call->ret, block_device_info(b->nodes->pdata[i]));
    return true;
}

/* ---- query-blockstats --------------------------------------------------------------------- */

static json_t *counters(const struct blk_stats *s)
{
    static const struct {
        const char *word;
        enum blk_op op;
    } ops[] = {{"rd", BLK_READ}, {"wr", BLK_WRITE}, {"flush", BLK_FLUSH}, {"unmap", BLK_DISCARD}};
    json_t *out = json_pack("{s:i, s:b, s:b, s:[]}", "wr_highest_offset", 0, "account_invalid", 1,
                            "account_failed", 1, "timed_stats");

    for (unsigned i = 0; i < G_N_ELEMENTS(ops); i++) {
        const char *w = ops[i].word;
        const struct {
            const char *format;
            json_int_t value;
        } rows[] = {
            {"%s_bytes", (json_int_t)s->op[ops[i].op].bytes},
            {"%s_operations", (json_int_t)s->op[ops[i].op].done},
            {"%s_total_time_ns", (json_int_t)s->op[ops[i].op].us * 1000},
            {"%s_merged", 0},
            {"failed_%s_operations", (json_int_t)s->op[ops[i].op].failed},
            {"invalid_%s_operations", 0},
        };
        for (unsigned k = 0; k < G_N_ELEMENTS(rows); k++) {
            g_autofree char *key = g_strdup(rows[k].format);
            char **parts = g_strsplit(key, "%s", 2);
            g_autofree char *name = g_strjoinv(w, parts);
            g_strfreev(parts);
            if (ops[i].op == BLK_FLUSH && (k == 0 || k == 3))
                continue; /* flushes have no size and are not merged */
            json_object_set_new(out, name, json_integer(rows[k].value));
        }
    }
    return out;
}

/* Requests are counted where devices make them, not at the nodes below. */
static json_t *node_stats(const struct node *n)
{
    const struct blk_stats none = {0};

    return json_pack("{s:s, s:o}", "node-name", n->name, "stats", counters(&none));
}

static bool run_query_stats(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    struct blk *blk;

    call->ret = json_array();
    for (unsigned i = 0; (blk = blk_nth(m, i)); i++) {
        g_autofree char *qdev = owner_name(m, blk);
        json_t *row = json_pack("{s:s, s:o}", "device", blk_id(blk) ? blk_id(blk) : "", "stats",
                                counters(blk_stats(blk)));

        if (qdev)
            json_object_set_new(row, "qdev", json_string(qdev));
        if (blk_node(blk))
            json_object_set_new(row, "node-name", json_string(blk_node(blk)->name));
        if (blk_node(blk) && blk_node(blk)->file)
            json_object_set_new(row, "parent", node_stats(blk_node(blk)->file));
        json_array_append_new(call->ret, row);
    }
    return true;
}

static void show_stats(json_t *ret, GString *out)
{
    json_t *row, *v;
    const char *key;
    size_t i;

    json_array_foreach(ret, i, row) {
        const char *name = *text_of(row, "device") ? text_of(row, "device") : text_of(row, "qdev");

        g_string_append_printf(out, "%s:", name);
        json_object_foreach(json_object_get(row, "stats"), key, v)
            if (json_is_integer(v) && !strstr(key, "invalid"))
                g_string_append_printf(out, " %s=%" JSON_INTEGER_FORMAT, key,
                                       json_integer_value(v));
        g_string_append_c(out, '\n');
    }
}

/* ---- Nodes -------------------------------------------------------------------------------- */

static bool run_add(struct command_call *call, GError **err)
{
    struct keyvals *kv = keyvals_from_object(call->args, err);
    bool ok = kv && blockdev_add_keys(call->ctx->machine, kv, err);

    keyvals_free(kv);
    return ok;
}

static bool run_del(struct command_call *call, GError **err)
{
    return blockdev_del(call->ctx->machine, call->arg[0].text, err);
}

static bool run_drive_add(struct command_call *call, GError **err)
{
    return drive_add(call->ctx->machine, call->arg[1].text, false, err);
}

static bool run_none(struct command_call *call, GError **err)
{
    call->ret = json_array();
    return true;
}

const struct command block_commands[] = {
    {.qmp = "query-block", .info = "block", .returns = "[BlockInfo]", .run = run_query_block,
     .show = show_block, .help = "disks and what is in them"},
    {.qmp = "query-named-block-nodes", .info = "named-block-nodes", .returns = "[BlockDeviceInfo]",
     .args = {{"flat", ARG_BOOL, true}}, .run = run_query_nodes,
     .help = "open images and files, by node-name"},
    {.qmp = "query-blockstats", .info = "blockstats", .returns = "[BlockStats]",
     .args = {{"query-nodes", ARG_BOOL, true}}, .run = run_query_stats, .show = show_stats,
     .help = "what disks have done so far"},
    {.qmp = "query-block-jobs", .info = "block-jobs", .returns = "[any]", .run = run_none,
     .help = "jobs on disks"},
    {.qmp = "blockdev-add", .args_type = "BlockdevOptions", .loose = true, .run = run_add,
     .help = "open an image as a node"},
    {.qmp = "blockdev-del", .args = {{"node-name", ARG_WORD}}, .run = run_del,
     .help = "close a node that nobody uses"},
    {.name = "drive_add", .args = {{"pci-address", ARG_WORD}, {"drive", ARG_REST}},
     .run = run_drive_add, .help = "add a drive, as after -drive; the first word is ignored"},
    {0}};

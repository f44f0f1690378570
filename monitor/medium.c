/* SPDX-License-Identifier: MIT */
/* Removable media: trays, and what lies in them. And disks that grow. */
#include <string.h>

#include "block/drive.h"
#include "block/snapshot.h"
#include "core/event.h"
#include "core/machine.h"
#include "monitor/block_info.h"
#include "monitor/tables.h"
#include "ui/vnc.h"
#include "util/error.h"
#include "util/keyval.h"

/* Where the two names of a disk are among the arguments: the drive's id, and the device's. */
enum { DEVICE, ID };

static bool is_owner(struct machine *m, const struct blk *blk, const char *id)
{
    struct device *d = block_owner(m, blk);
    g_autofree char *path = d ? device_qom_path(d) : NULL;

    return d && (g_strcmp0(d->id, id) == 0 || strcmp(path, id) == 0);
}

static struct blk *find(struct command_call *call, GError **err)
{
    struct machine *m = call->ctx->machine;
    const char *drive = call->arg[DEVICE].text, *id = call->arg[ID].text;
    struct blk *blk;

    if (!drive == !id) {
        error_set(err, "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    for (unsigned i = 0; (blk = blk_nth(m, i)); i++)
        if (id ? is_owner(m, blk, id) : g_strcmp0(blk_id(blk), drive) == 0)
            return blk;
    error_set_class(err, ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", id ? id : drive);
    return NULL;
}

static const char *name_of(struct command_call *call)
{
    return call->arg[ID].text ? call->arg[ID].text : call->arg[DEVICE].text;
}

static struct blk *find_removable(struct command_call *call, struct blk_tray *tray, GError **err)
{
    struct blk *blk = find(call, err);

    if (blk && !blk_tray_state(blk, tray)) {
        error_set(err, "Device '%s' is not removable", name_of(call));
        return NULL;
    }
    return blk;
}

static bool open_tray(struct command_call *call, struct blk *blk, bool force, GError **err)
{
    struct blk_tray tray = {0};

    blk_tray_state(blk, &tray);
    if (tray.open)
        return true;
    if (tray.locked && !force) {
        blk_tray_ask(blk);
        return error_set(err, "Device '%s' is locked and force was not specified, wait for tray "
                              "to open and try again", name_of(call));
    }
    blk_tray_move(blk, true);
    return true;
}

/* ---- Trays -------------------------------------------------------------------------------- */

static bool run_open(struct command_call *call, GError **err)
{
    struct blk_tray tray;
    struct blk *blk = find_removable(call, &tray, err);

    return blk && open_tray(call, blk, call->arg[2].on, err);
}

static bool run_close(struct command_call *call, GError **err)
{
    struct blk_tray tray;
    struct blk *blk = find_removable(call, &tray, err);

    if (blk)
        blk_tray_move(blk, false);
    return blk != NULL;
}

static bool run_eject(struct command_call *call, GError **err)
{
    struct blk_tray tray;
    struct blk *blk = find_removable(call, &tray, err);

    return blk && open_tray(call, blk, call->arg[2].on, err) && blk_change(blk, NULL, err);
}

/* ---- Media ---------------------------------------------------------------------------------- */

static bool run_remove(struct command_call *call, GError **err)
{
    struct blk_tray tray = {0};
    struct blk *blk = find_removable(call, &tray, err);

    if (!blk)
        return false;
    if (!tray.open)
        return error_set(err, "Tray of device '%s' is not open", name_of(call));
    return blk_change(blk, NULL, err);
}

static bool run_insert(struct command_call *call, GError **err)
{
    struct blk_tray tray = {0};
    struct blk *blk = find_removable(call, &tray, err);
    struct keyvals *kv;

    if (!blk)
        return false;
    if (!tray.open)
        return error_set(err, "Tray of device '%s' is not open", name_of(call));
    if (blk_inserted(blk))
        return error_set(err, "There already is a medium in device '%s'", name_of(call));
    kv = keyvals_new();
    keyvals_add(kv, "node", call->arg[2].text);
    bool ok = blk_change(blk, kv, err);
    keyvals_free(kv);
    return ok;
}

static struct keyvals *medium_keys(struct command_call *call, const struct blk *blk)
{
    struct keyvals *kv = keyvals_new();
    const char *mode = call->arg[5].text;
    bool retain = !mode || strcmp(mode, "retain") == 0;
    bool read_only = retain ? blk_read_only(blk) || !blk_inserted(blk)
                            : strcmp(mode, "read-only") == 0;

    if (call->arg[3].text)
        keyvals_add(kv, "driver", call->arg[3].text);
    keyvals_add(kv, "read-only", read_only ? "on" : "off");
    keyvals_add(kv, "file.filename", call->arg[2].text);
    return kv;
}

/* Does it open? If not, what is in the drive stays there. */
static bool try_medium(struct machine *m, const struct keyvals *kv, GError **err)
{
    struct blk_config config = {0};
    struct blk *blk = blk_open(m, kv, &config, err);

    if (blk)
        blk_close(blk);
    return blk != NULL;
}

static bool run_change_medium(struct command_call *call, GError **err)
{
    struct blk_tray tray;
    struct blk *blk = find_removable(call, &tray, err);
    struct keyvals *kv = blk ? medium_keys(call, blk) : NULL;
    bool ok = blk && try_medium(call->ctx->machine, kv, err) &&
              open_tray(call, blk, call->arg[4].on, err) && blk_change(blk, kv, err);

    if (ok)
        blk_tray_move(blk, false);
    keyvals_free(kv);
    return ok;
}

/* change DEVICE FILE [FORMAT [MODE]]: the same by position. */
/* "change vnc password NEW" is what people type for it. */
static bool run_change(struct command_call *call, GError **err)
{
    struct command_call same = {.ctx = call->ctx, .out = call->out};

    if (!strcmp(call->arg[0].text, "vnc")) {
        if (strcmp(call->arg[1].text, "password") || !call->arg[2].text)
            return error_set(err, "'change vnc password NEW' is what there is");
        return vnc_set_password(call->ctx->machine, call->arg[2].text, err);
    }
    same.arg[DEVICE] = call->arg[0];
    same.arg[2] = call->arg[1];
    same.arg[3] = call->arg[2];
    same.arg[5] = call->arg[3];
    if (!find(&same, NULL)) { /* a device's id will do */
        same.arg[ID] = call->arg[0];
        same.arg[DEVICE] = (struct command_value){0};
    }
    return run_change_medium(&same, err);
}

static bool run_eject_text(struct command_call *call, GError **err)
{
    struct command_call same = {.ctx = call->ctx, .out = call->out};

    same.arg[DEVICE] = call->arg[1];
    same.arg[2] = call->arg[0];
    if (!find(&same, NULL)) {
        same.arg[ID] = call->arg[1];
        same.arg[DEVICE] = (struct command_value){0};
    }
    return run_eject(&same, err);
}

/* ---- Sizes ---------------------------------------------------------------------------------- */

static bool resize(struct machine *m, const char *device, const char *node, int64_t size,
                   GError **err)
{
    struct blk *blk;

    if (size < 0)
        return error_set(err, "Parameter 'size' expects a >0 size");
    if (node)
        return block_resize(m, node, (uint64_t)size, err);
    for (unsigned i = 0; device && (blk = blk_nth(m, i)); i++)
        if (g_strcmp0(blk_id(blk), device) == 0 && blk_inserted(blk))
            return block_resize(m, blk_node_name(blk), (uint64_t)size, err);
    return error_set(err, "Cannot find device='%s' nor node-name='%s'", device ? device : "",
                     node ? node : "");
}

static bool run_resize(struct command_call *call, GError **err)
{
    return resize(call->ctx->machine, call->arg[0].text, call->arg[1].text, call->arg[2].num, err);
}

static bool run_resize_text(struct command_call *call, GError **err)
{
    return resize(call->ctx->machine, call->arg[0].text, NULL, call->arg[1].num, err);
}

#define NAMES {"device", ARG_WORD, true}, {"id", ARG_WORD, true}

const struct command medium_commands[] = {
    {.qmp = "eject", .args = {NAMES, {"force", ARG_BOOL, true}}, .run = run_eject,
     .help = "open a tray and take out what lies in it"},
    {.name = "eject", .args = {{"force", ARG_FLAG, true, NULL, 'f'}, {"device", ARG_WORD}},
     .run = run_eject_text, .help = "open a tray and take out what lies in it"},
    {.qmp = "blockdev-open-tray", .args = {NAMES, {"force", ARG_BOOL, true}}, .run = run_open,
     .help = "open a tray"},
    {.qmp = "blockdev-close-tray", .args = {NAMES}, .run = run_close, .help = "close a tray"},
    {.qmp = "blockdev-remove-medium", .args = {NAMES}, .run = run_remove,
     .help = "take out what lies in an open tray"},
    {.qmp = "blockdev-insert-medium", .args = {NAMES, {"node-name", ARG_WORD}},
     .run = run_insert, .help = "lay a node into an open tray"},
    {.qmp = "blockdev-change-medium", .run = run_change_medium,
     .args = {NAMES, {"filename", ARG_WORD}, {"format", ARG_WORD, true},
              {"force", ARG_BOOL, true},
              {"read-only-mode", ARG_WORD, true, "BlockdevChangeReadOnlyMode"}},
     .help = "put another image into a drive"},
    {.name = "change", .run = run_change,
     .args = {{"device", ARG_WORD}, {"file", ARG_WORD}, {"format", ARG_WORD, true},
              {"retain|read-only|read-write", ARG_WORD, true}},
     .help = "put another image into a drive; 'change vnc password NEW'"},
    {.qmp = "block_resize", .run = run_resize,
     .args = {{"device", ARG_WORD, true}, {"node-name", ARG_WORD, true}, {"size", ARG_INT}},
     .help = "make a disk larger or smaller"},
    {.name = "block_resize", .args = {{"device", ARG_WORD}, {"size", ARG_INT}},
     .run = run_resize_text, .help = "make a disk larger or smaller; the size is in bytes"},
    {0}};

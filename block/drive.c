/* SPDX-License-Identifier: MIT */
/* -drive and -blockdev. */
#include "block/drive.h"

#include <string.h>

#include "block/engine.h"
#include "block/node.h"
#include "block/opts.h"
#include "block/snapshot.h"
#include "core/machine.h"
#include "util/error.h"
#include "util/keyval.h"
#include "util/parse.h"

static const char *const if_names[] = {"ide", "none", "virtio", "scsi", "floppy", "pflash", NULL};

/* ---- Words of -drive ------------------------------------------------------------------ */

struct parsed {
    struct drive drive;
    struct blk_config config;
    char *id;
    uint64_t bus, unit;
    bool has_index, has_unit;
    struct keyvals *kv; /* for the nodes */
    bool medium;
};

static bool set_cache(struct parsed *p, const char *value, GError **err)
{
    static const struct {
        const char *name;
        bool through, direct, no_flush;
    } modes[] = {
        {"writeback", false, false, false}, {"none", false, true, false},
        {"off", false, true, false},        {"writethrough", true, false, false},
        {"directsync", true, true, false},  {"unsafe", false, false, true},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (strcmp(value, modes[i].name))
            continue;
        p->config.writethrough = modes[i].through;
        keyvals_add(p->kv, "cache.direct", modes[i].direct ? "on" : "off");
        keyvals_add(p->kv, "cache.no-flush", modes[i].no_flush ? "on" : "off");
        return true;
    }
    return error_set(err, "'%s': one of writeback, none, writethrough, directsync, unsafe is "
                          "wanted", value);
}

static bool set_writeback(struct parsed *p, const char *value, GError **err)
{
    bool on;

    if (!parse_bool(value, &on, err))
        return false;
    p->config.writethrough = !on;
    return true;
}

static bool set_if(struct parsed *p, const char *value, GError **err)
{
    int v;

    if (!parse_choice(value, if_names, &v, err))
        return false;
    p->drive.iface = (enum drive_if)v;
    return true;
}

static bool set_media(struct parsed *p, const char *value, GError **err)
{
    static const char *const words[] = {"disk", "cdrom", NULL};
    int v;

    if (!parse_choice(value, words, &v, err))
        return false;
    p->drive.cdrom = v == 1;
    return true;
}

static bool set_index(struct parsed *p, const char *value, GError **err)
{
    uint64_t v;

    if (!parse_uint(value, 0, 63, &v, err))
        return false;
    p->drive.index = (unsigned)v;
    p->has_index = true;
    return true;
}

static bool set_bus(struct parsed *p, const char *value, GError **err)
{
    return parse_uint(value, 0, 31, &p->bus, err);
}

static bool set_unit(struct parsed *p, const char *value, GError **err)
{
    p->has_unit = true;
    return parse_uint(value, 0, 1, &p->unit, err);
}

static bool set_id(struct parsed *p, const char *value, GError **err)
{
    g_free(p->id);
    p->id = g_strdup(value);
    return true;
}

static bool set_snapshot(struct parsed *p, const char *value, GError **err)
{
    return parse_bool(value, &p->config.snapshot, err);
}

static bool set_detect(struct parsed *p, const char *value, GError **err)
{
    static const char *const words[] = {"off", "on", "unmap", NULL};

    return parse_choice(value, words, &p->config.detect_zeroes, err);
}

static bool set_policy(enum blk_on_error *to, const char *value, bool write, GError **err)
{
    static const char *const words[] = {"report", "ignore", "stop", "enospc", NULL};
    int v;

    if (!parse_choice(value, words, &v, err))
        return false;
    if (v == BLK_ENOSPC && !write)
        return error_set(err, "enospc is for werror= only");
    *to = (enum blk_on_error)v;
    return true;
}

static bool set_werror(struct parsed *p, const char *value, GError **err)
{
    return set_policy(&p->config.werror, value, true, err);
}

static bool set_rerror(struct parsed *p, const char *value, GError **err)
{
    return set_policy(&p->config.rerror, value, false, err);
}

static bool set_file(struct parsed *p, const char *value, GError **err)
{
    p->medium = *value != 0;
    if (p->medium)
        keyvals_add(p->kv, "file.filename", value);
    return true;
}

static bool set_off_only(struct parsed *p, const char *value, GError **err)
{
    bool on;

    if (!parse_bool(value, &on, err))
        return false;
    return !on || error_set(err, "copy-on-read is not there; only 'off' is");
}

/* Words that are another option of the node, or of its file. */
static const struct {
    const char *key, *node_key;
    bool (*set)(struct parsed *p, const char *value, GError **err);
} words[] = {
    {"file", NULL, set_file},         {"if", NULL, set_if},
    {"index", NULL, set_index},       {"bus", NULL, set_bus},
    {"unit", NULL, set_unit},         {"media", NULL, set_media},
    {"id", NULL, set_id},             {"cache", NULL, set_cache},
    {"cache.writeback", NULL, set_writeback}, {"snapshot", NULL, set_snapshot},
    {"detect-zeroes", NULL, set_detect}, {"werror", NULL, set_werror},
    {"rerror", NULL, set_rerror},     {"copy-on-read", NULL, set_off_only},
    {"format", "driver", NULL},       {"aio", "file.aio", NULL},
    {"locking", "file.locking", NULL}, {"readonly", "read-only", NULL},
};

static bool take_word(struct parsed *p, const struct keyval *k, GError **err)
{
    if (g_str_has_prefix(k->key, "throttling.") || g_str_has_prefix(k->key, "iops") ||
        g_str_has_prefix(k->key, "bps"))
        return error_set(err, "%s: throttling is not there", k->key);
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(k->key, words[i].key))
            continue;
        if (words[i].set)
            return words[i].set(p, k->value, err) || error_prefix(err, "%s", k->key);
        keyvals_add(p->kv, words[i].node_key, k->value);
        return true;
    }
    if (g_str_has_prefix(k->key, "file."))
        p->medium = true;
    keyvals_add(p->kv, k->key, k->value);
    return true;
}

/* ---- Places --------------------------------------------------------------------------- */

static struct drive *find_at(struct block *b, enum drive_if iface, unsigned index)
{
    for (unsigned i = 0; i < b->drives->len; i++) {
        struct drive *d = b->drives->pdata[i];
        if (d->iface == iface && d->index == index)
            return d;
    }
    return NULL;
}

static unsigned units_of(const struct block *b, enum drive_if iface)
{
    return iface == DRIVE_IDE && b->ide_units ? b->ide_units : 2;
}

/* bus and unit are another way to say index; without any: the next free one. A lone CD-ROM goes
 * where -cdrom goes. */
static bool choose_index(struct block *b, struct parsed *p, GError **err)
{
    struct drive *d = &p->drive;

    if (p->has_unit || p->bus) {
        d->index = (unsigned)(p->bus * units_of(b, d->iface) + p->unit);
        p->has_index = true;
    }
    while (!p->has_index && find_at(b, d->iface, d->index))
        d->index++;
    if (d->iface != DRIVE_NONE && find_at(b, d->iface, d->index))
        return error_set(err, "index=%u: there is a drive already", d->index);
    return true;
}

static char *default_id(const struct block *b, const struct parsed *p)
{
    const struct drive *d = &p->drive;
    unsigned units = units_of(b, d->iface);

    if (d->iface == DRIVE_IDE)
        return g_strdup_printf("ide%u-%s%u", d->index / units, d->cdrom ? "cd" : "hd",
                               d->index % units);
    return g_strdup_printf("%s%u", if_names[d->iface], d->index);
}

static bool id_taken(struct block *b, const char *id)
{
    for (unsigned i = 0; i < b->disks->len; i++)
        if (g_strcmp0(blk_id(b->disks->pdata[i]), id) == 0)
            return true;
    return false;
}

/* ---- -drive --------------------------------------------------------------------------- */

static bool open_parsed(struct machine *m, struct parsed *p, GError **err)
{
    struct block *b = block_get(m);

    if (!choose_index(b, p, err))
        return false;
    if (!p->id)
        p->id = default_id(b, p);
    if (id_taken(b, p->id) || node_find(b, p->id))
        return error_set(err, "id=%s is taken", p->id);
    if (!p->medium && !p->drive.cdrom && p->drive.iface != DRIVE_FLOPPY &&
        !keyvals_get(p->kv, "file"))
        return error_set(err, "file=... is missing");
    if (p->drive.cdrom && !keyvals_get(p->kv, "read-only"))
        keyvals_add(p->kv, "read-only", "on");
    p->config.id = p->id;
    bool empty = !p->medium && !keyvals_get(p->kv, "file");
    p->drive.blk = blk_open(m, empty ? NULL : p->kv, &p->config, err);
    if (!p->drive.blk)
        return false;
    g_ptr_array_add(b->drives, g_memdup2(&p->drive, sizeof(p->drive)));
    return true;
}

void drive_set_ide_units(struct machine *m, unsigned units)
{
    block_get(m)->ide_units = units;
}

bool drive_add(struct machine *m, const char *text, bool snapshot, GError **err)
{
    struct keyvals *kv = keyvals_parse(text, NULL, err);
    struct parsed p = {.kv = keyvals_new(), .config.werror = BLK_ENOSPC,
                       .config.snapshot = snapshot};
    bool ok = kv != NULL;

    for (unsigned i = 0; ok && i < keyvals_count(kv); i++)
        ok = take_word(&p, keyvals_at(kv, i), err);
    if (ok && p.drive.cdrom)
        p.config.snapshot = false;
    ok = ok && open_parsed(m, &p, err);
    g_free(p.id);
    keyvals_free(p.kv);
    keyvals_free(kv);
    return ok;
}

/* ---- -blockdev ------------------------------------------------------------------------ */

struct open_args {
    struct block *block;
    const struct keyvals *kv;
    struct node *node;
    GError **err;
};

static void open_entry(void *arg)
{
    struct open_args *a = arg;

    a->node = node_open(a->block, a->kv, a->err);
}

bool blockdev_add_keys(struct machine *m, const struct keyvals *kv, GError **err)
{
    struct open_args a = {block_get(m), kv, NULL, err};

    if (!keyvals_get(kv, "driver"))
        error_set(err, "driver=... is missing");
    else if (!keyvals_get(kv, "node-name"))
        error_set(err, "node-name=... is missing");
    else
        block_run(a.block, open_entry, &a);
    if (a.node)
        a.node->monitor = true;
    return a.node != NULL;
}

bool blockdev_add(struct machine *m, const char *text, GError **err)
{
    struct keyvals *kv = keyvals_parse_any(text, "driver", err);
    bool ok = kv && blockdev_add_keys(m, kv, err);

    keyvals_free(kv);
    return ok;
}

static void close_entry(void *arg)
{
    node_unref(arg);
}

bool blockdev_del(struct machine *m, const char *name, GError **err)
{
    struct node *n = m->block ? node_find(m->block, name) : NULL;

    if (!n)
        return error_set(err, "Failed to find node with node-name='%s'", name);
    if (!n->monitor)
        return error_set(err, "Node %s is not owned by the monitor", name);
    if (n->refs > 1)
        return error_set(err, "Node %s is in use", name);
    block_run(m->block, close_entry, n);
    return true;
}

struct resize_args {
    struct node *node;
    uint64_t size;
    int rc;
};

static void resize_entry(void *arg)
{
    struct resize_args *a = arg;

    a->rc = node_resize(a->node, a->size);
}

bool block_resize(struct machine *m, const char *name, uint64_t size, GError **err)
{
    struct resize_args a = {m->block ? node_find(m->block, name) : NULL, size, 0};
    struct blk *blk;

    if (!a.node)
        return error_set(err, "Cannot find device='' nor node-name='%s'", name);
    block_run(m->block, resize_entry, &a);
    if (a.rc < 0)
        return error_set(err, "node '%s' cannot have %" G_GUINT64_FORMAT " bytes: %s", name, size,
                         g_strerror(-a.rc));
    for (unsigned i = 0; (blk = blk_nth(m, i)); i++)
        if (blk_node(blk) == a.node)
            blk_resized(blk);
    return true;
}

/* ---- Devices ask ---------------------------------------------------------------------- */

struct drive *drive_nth(struct machine *m, unsigned n)
{
    return m->block && n < m->block->drives->len ? m->block->drives->pdata[n] : NULL;
}

static struct blk *claim_node(struct machine *m, const char *name, GError **err)
{
    struct blk_config config = {.werror = BLK_ENOSPC};
    struct keyvals *kv = keyvals_new();

    keyvals_add(kv, "node", name);
    struct blk *blk = blk_open(m, kv, &config, err);
    keyvals_free(kv);
    return blk;
}

struct blk *drive_claim(struct machine *m, const char *id, GError **err)
{
    struct drive *d;

    for (unsigned i = 0; (d = drive_nth(m, i)); i++) {
        if (g_strcmp0(blk_id(d->blk), id))
            continue;
        if (d->used || d->iface != DRIVE_NONE) {
            error_set(err, "drive '%s' belongs to another device%s", id,
                      d->used ? "" : "; -drive if=none keeps it for this one");
            return NULL;
        }
        d->used = true;
        return d->blk;
    }
    if (m->block && node_find(m->block, id))
        return claim_node(m, id, err);
    error_set(err, "there is no drive '%s'; -drive if=none,id=%s,file=... makes one", id, id);
    return NULL;
}

bool drives_all_used(struct machine *m, GError **err)
{
    struct drive *d;

    for (unsigned i = 0; (d = drive_nth(m, i)); i++)
        if (!d->used && d->iface != DRIVE_NONE)
            return error_set(err, "-drive if=%s,index=%u: this machine has no controller for it; "
                                  "if=ide has index 0 to 3", if_names[d->iface], d->index);
    return true;
}
